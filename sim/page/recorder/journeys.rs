//! The ways of a few messages, so that one sees some of them move.
//!
//! Of all messages every so-manieth is followed, by a hash of its name and not by its number, which would pick the same
//! queue again and again. When those followed become too many, half of them are forgotten and half as many are taken from
//! then on. Messages in trouble (retries, duplicates, dead letters) have a place of their own, so that they show even where
//! they are rare; what came before their trouble is known as far as the fact tells.

use crate::cluster::fact::Fact;
use crate::cluster::ids::{ConsumerId, GroupId, MessageId, QueueId};
use crate::kernel::time::SimTime;
use std::collections::BTreeMap;

/// Steps of all messages that are followed for their luck.
const STEPS: usize = 12_000;
/// Steps of all those in trouble.
const STEPS_OF_TROUBLE: usize = 8_000;
/// Steps of one message at most: one that is retried for hours is told to here.
const STEPS_OF_ONE: usize = 120;

/// One step of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Stored in a queue by its producer, or forwarded or sent again there.
    Stored(QueueId),
    /// At a listener, from a queue.
    Delivered(ConsumerId, QueueId),
    /// At a listener, from a queue, once more.
    Again(ConsumerId, QueueId),
    /// Consumed.
    Done(ConsumerId),
    /// Failed.
    Failed(ConsumerId),
    /// The result was thrown away.
    Discarded(ConsumerId),
    /// Waits for its delay level, in a group.
    Retry(GroupId, u8),
    /// Back in the retry queue.
    Back(GroupId, QueueId),
    /// A dead letter of a group.
    Dead(GroupId, QueueId),
    /// Given up without a dead letter.
    Dropped(ConsumerId),
}

/// The way of one message.
#[derive(Clone, Debug, Default)]
pub struct Journey {
    /// When it was made, as far as known.
    pub born: Option<SimTime>,
    /// In order.
    pub steps: Vec<(SimTime, Step)>,
}

/// Messages whose hash has zeros under the mask.
#[derive(Debug)]
struct Pool {
    mask: u64,
    room: usize,
    steps: usize,
    journeys: BTreeMap<MessageId, Journey>,
}

/// A word that looks like luck, from the name of a message.
fn hash(message: MessageId) -> u64 {
    let x = (message.0 ^ (message.0 >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x ^ (x >> 29)
}

impl Pool {
    fn new(room: usize) -> Self {
        Self {
            mask: 0,
            room,
            steps: 0,
            journeys: BTreeMap::new(),
        }
    }

    fn takes(&self, message: MessageId) -> bool {
        hash(message) & self.mask == 0
    }

    /// One more step of a message; `None` if it has just been forgotten.
    fn add(&mut self, message: MessageId, now: SimTime, step: Step) -> Option<&mut Journey> {
        if self.steps >= self.room {
            self.halve();
        }
        if !self.takes(message) {
            return None;
        }
        let journey = self.journeys.entry(message).or_default();
        if journey.steps.len() < STEPS_OF_ONE {
            journey.steps.push((now, step));
            self.steps += 1;
        }
        Some(journey)
    }

    /// Forgets about half of the messages.
    fn halve(&mut self) {
        while self.steps >= self.room {
            self.mask = (self.mask << 1) | 1;
            let mask = self.mask;
            self.journeys.retain(|&message, _| hash(message) & mask == 0);
            self.steps = self.journeys.values().map(|journey| journey.steps.len()).sum();
        }
    }
}

/// All ways.
#[derive(Debug)]
pub struct Journeys {
    chance: Pool,
    trouble: Pool,
    /// One bit for each hash of a message in trouble: most others are told apart at once.
    troubled: Vec<u64>,
    /// Followed records at a listener.
    at_listener: BTreeMap<(ConsumerId, QueueId, u64), MessageId>,
}

/// Bits of [`Journeys::troubled`].
const BITS: u64 = 1 << 14;

impl Default for Journeys {
    fn default() -> Self {
        Self {
            chance: Pool::new(STEPS),
            trouble: Pool::new(STEPS_OF_TROUBLE),
            troubled: vec![0; (BITS / 64) as usize],
            at_listener: BTreeMap::new(),
        }
    }
}

impl Journeys {
    /// Takes a fact in. `again`: the delivery counts as a duplicate.
    #[inline]
    pub fn observe(&mut self, now: SimTime, fact: &Fact, again: bool) {
        match *fact {
            Fact::Stored { queue, message, .. } if self.chance.takes(message) => {
                self.chance.add(message, now, Step::Stored(queue));
            }
            Fact::Delivered {
                consumer,
                queue,
                offset,
                message,
                born,
                stored,
                reconsume_times,
                ..
            } => {
                let is_trouble = again || reconsume_times > 0;
                let is_followed = self.is_followed(message);
                if is_trouble && !is_followed {
                    self.step(stored, message, Some(born), Step::Stored(queue), true);
                }
                if is_trouble || is_followed {
                    let step = match again {
                        true => Step::Again(consumer, queue),
                        false => Step::Delivered(consumer, queue),
                    };
                    if self.step(now, message, Some(born), step, is_trouble) {
                        self.at_listener.insert((consumer, queue, offset), message);
                    }
                }
            }
            Fact::Consumed {
                consumer,
                queue,
                offset,
                message,
                success,
                ..
            } => {
                let open = self.at_listener.remove(&(consumer, queue, offset));
                if open.is_some() {
                    let step = match success {
                        true => Step::Done(consumer),
                        false => Step::Failed(consumer),
                    };
                    self.step(now, message, None, step, false);
                }
            }
            Fact::ResultDiscarded {
                consumer,
                queue,
                offset,
                ..
            } => {
                if let Some(message) = self.at_listener.remove(&(consumer, queue, offset)) {
                    self.step(now, message, None, Step::Discarded(consumer), false);
                }
            }
            Fact::RetryScheduled {
                group,
                message,
                level,
                ..
            } => {
                self.step(now, message, None, Step::Retry(group, level), true);
            }
            Fact::RetryStored {
                group,
                queue,
                message,
                ..
            } => {
                self.step(now, message, None, Step::Back(group, queue), true);
            }
            Fact::DeadLettered {
                group,
                dlq_queue,
                message,
                born,
                ..
            } => {
                self.step(now, message, Some(born), Step::Dead(group, dlq_queue), true);
            }
            Fact::Dropped {
                consumer, message, ..
            } => {
                self.step(now, message, None, Step::Dropped(consumer), true);
            }
            Fact::Forwarded { queue, message, .. } | Fact::Resent { queue, message, .. } => {
                self.step(now, message, None, Step::Stored(queue), true);
            }
            _ => {}
        }
    }

    #[inline]
    fn is_followed(&self, message: MessageId) -> bool {
        if self.chance.takes(message) {
            return true;
        }
        let bit = (hash(message) >> 40) & (BITS - 1);
        let might_be = (self.troubled[(bit / 64) as usize] >> (bit % 64)) & 1 == 1;
        might_be && self.trouble.journeys.contains_key(&message)
    }

    /// One more step of a message; whether it is followed.
    fn step(
        &mut self,
        now: SimTime,
        message: MessageId,
        born: Option<SimTime>,
        step: Step,
        is_trouble: bool,
    ) -> bool {
        let pool = if self.chance.takes(message) {
            &mut self.chance
        } else if self.trouble.takes(message) && (is_trouble || self.trouble.journeys.contains_key(&message))
        {
            let bit = (hash(message) >> 40) & (BITS - 1);
            self.troubled[(bit / 64) as usize] |= 1 << (bit % 64);
            &mut self.trouble
        } else {
            return false;
        };
        let Some(journey) = pool.add(message, now, step) else {
            return false;
        };
        journey.born = journey.born.or(born);
        true
    }

    /// All of them, in order of the messages' names; one in how many of all messages they show, and of those in trouble.
    pub fn told(&self) -> (impl Iterator<Item = (MessageId, &Journey)>, [u64; 2]) {
        let mut both: Vec<(MessageId, &Journey)> = (self.chance.journeys.iter())
            .chain(self.trouble.journeys.iter())
            .map(|(&message, journey)| (message, journey))
            .collect();
        both.sort_by_key(|(message, _)| *message);
        (
            both.into_iter(),
            [self.chance.mask.wrapping_add(1), self.trouble.mask + 1],
        )
    }

    /// Bytes at most.
    pub fn held_at_most() -> u64 {
        (STEPS + STEPS_OF_TROUBLE) as u64 * 2 * size_of::<(SimTime, Step)>() as u64 + BITS / 8
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let steps = (self.chance.steps + self.trouble.steps) as u64;
        let journeys = (self.chance.journeys.len() + self.trouble.journeys.len()) as u64;
        let open = self.at_listener.len() as u64;
        steps * 2 * size_of::<(SimTime, Step)>() as u64 + journeys * 128 + open * 64 + BITS / 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ids::ProducerId;

    fn stored(number: u64) -> Fact {
        Fact::Stored {
            queue: QueueId((number % 16) as u32),
            offset: number / 16,
            message: MessageId::new(ProducerId(0), number),
            body_size: 1,
        }
    }

    /// However many messages there are, few are followed, spread over all queues and the whole run.
    #[test]
    fn few_of_many_are_followed_and_they_lie_everywhere() {
        let mut journeys = Journeys::default();
        for number in 0..1_000_000 {
            journeys.observe(SimTime::from_nanos(number), &stored(number), false);
        }
        let (told, [one_in, _]) = journeys.told();
        let told: Vec<_> = told.collect();
        assert!((STEPS / 3..STEPS).contains(&told.len()), "{}", told.len());
        assert!(
            one_in.is_power_of_two() && one_in * told.len() as u64 > 700_000,
            "{one_in}"
        );
        for queue in 0..16 {
            let of = told
                .iter()
                .filter(|(_, journey)| journey.steps[0].1 == Step::Stored(QueueId(queue)));
            let of = of.count() * 16;
            assert!(
                (told.len() / 2..told.len() * 2).contains(&of),
                "queue {queue}: {of}"
            );
        }
        let late = told.iter().filter(|(message, _)| message.number() > 500_000);
        let late = late.count() * 2;
        assert!((told.len() / 2..told.len() * 2).contains(&late), "{late}");
    }

    /// A message in trouble is followed from there on, whatever its luck.
    #[test]
    fn trouble_is_followed() {
        let mut journeys = Journeys::default();
        journeys.chance.mask = u64::MAX;
        let message = MessageId::new(ProducerId(0), 5);
        let (group, queue, consumer) = (GroupId(0), QueueId(1), ConsumerId(0));
        let consumed = |success| Fact::Consumed {
            consumer,
            group,
            queue,
            offset: 0,
            message,
            reconsume_times: 1,
            born: SimTime::ZERO,
            busy: crate::kernel::time::SimDuration::ZERO,
            success,
        };
        let at = SimTime::from_nanos;
        journeys.observe(at(1), &stored(5), false);
        journeys.observe(at(2), &consumed(false), false);
        let retry = Fact::RetryScheduled {
            group,
            queue,
            offset: 0,
            message,
            reconsume_times: 1,
            level: 3,
            delay: crate::kernel::time::SimDuration::ZERO,
        };
        journeys.observe(at(3), &retry, false);
        let again = Fact::Delivered {
            consumer,
            group,
            queue,
            offset: 0,
            message,
            luck: 0,
            position: 0,
            reconsume_times: 1,
            born: SimTime::ZERO,
            stored: at(3),
        };
        journeys.observe(at(4), &again, false);
        journeys.observe(at(5), &consumed(true), false);
        let (told, _) = journeys.told();
        let told: Vec<_> = told.collect();
        let steps = [
            (at(3), Step::Retry(group, 3)),
            (at(4), Step::Delivered(consumer, queue)),
            (at(5), Step::Done(consumer)),
        ];
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].1.steps, steps);
    }

    /// However many are in trouble, what is kept of them stays small, and what is told is whole.
    #[test]
    fn a_storm_of_retries_is_bounded() {
        let mut journeys = Journeys::default();
        let (group, queue, consumer) = (GroupId(0), QueueId(1), ConsumerId(0));
        for number in 0..200_000 {
            let message = MessageId::new(ProducerId(0), number);
            let now = SimTime::from_nanos(number);
            let delivered = Fact::Delivered {
                consumer,
                group,
                queue,
                offset: number,
                message,
                luck: 0,
                position: 0,
                reconsume_times: 1,
                born: now,
                stored: now,
            };
            journeys.observe(now, &delivered, false);
            let failed = Fact::Consumed {
                consumer,
                group,
                queue,
                offset: number,
                message,
                reconsume_times: 1,
                born: now,
                busy: crate::kernel::time::SimDuration::ZERO,
                success: false,
            };
            journeys.observe(now, &failed, false);
        }
        assert!(journeys.at_listener.is_empty());
        assert!(journeys.held() < 2 << 20, "{}", journeys.held());
        let (told, [one_in, _]) = journeys.told();
        assert!(one_in > 1);
        for (message, journey) in told {
            let whole = [
                Step::Stored(queue),
                Step::Delivered(consumer, queue),
                Step::Failed(consumer),
            ];
            let found: Vec<Step> = journey.steps.iter().map(|(_, step)| *step).collect();
            assert!(whole.ends_with(&found), "{message:?}: {found:?}");
        }
    }

    /// One that never ends does not push the others out.
    #[test]
    fn one_message_has_its_bound() {
        let mut journeys = Journeys::default();
        for n in 0..10_000 {
            journeys.observe(SimTime::from_nanos(n), &stored(7), false);
        }
        let (told, [one_in, _]) = journeys.told();
        assert_eq!(
            told.map(|(_, journey)| journey.steps.len()).sum::<usize>(),
            STEPS_OF_ONE
        );
        assert_eq!(one_in, 1);
    }
}
