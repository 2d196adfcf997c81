//! Order: what a group saw out of turn, and what it waited for because of it.
//!
//! Two questions, each asked where it makes sense. *By key*, of every group whose producers have keys: a message that is
//! delivered for the first time after a younger one of its key came too late; one that is delivered while an older
//! one of its key is not finished overtakes it. A message that comes again after a younger one (a retry, a duplicate)
//! counts apart: whoever handles messages idempotently can live with it. Younger is who was born later. *By
//! queue*, of orderly groups: nobody but a holder of the lock delivers, each from where it starts and onwards; only
//! after a failure does it go back, to the message that failed. That, and that a queue is locked by one client id at a time,
//! are invariants (O1, R2). A queue whose head fails is *blocked* until that is over, and all behind it waits.

use crate::cluster::broker::rebalance_lock_manager::REBALANCE_LOCK_MAX_LIVE_TIME;
use crate::cluster::ids::{ConsumerId, MessageId};
use crate::cluster::producer::attributes::Key;
use crate::kernel::memory;
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::invariant::{Invariant, broken};
use std::collections::BTreeMap;

/// When a message was born; who is born at the same instant goes by its number.
pub type Age = (SimTime, MessageId);

/// What a delivery is to the order of its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InQueue {
    /// What comes next at this holder.
    Next,
    /// It has failed here before and comes again.
    Again,
}

/// One holder of an orderly queue.
#[derive(Clone, Copy, Debug)]
struct Holder {
    consumer: ConsumerId,
    /// Where it may go on.
    next: u64,
    /// All below comes again after a failure.
    again: u64,
}

/// Blockades of one queue kept at most; what comes later is counted only.
const SPANS: usize = 1000;

/// One queue of an orderly group.
#[derive(Clone, Debug, Default)]
pub struct QueueOrder {
    /// One, unless two clients share an id.
    holders: Vec<Holder>,
    /// Who has the broker's lock, and since when.
    lock: Option<(ConsumerId, SimTime)>,
    blocked_since: Option<SimTime>,
    /// From when to when its head had failed and was not over: the first thousand times.
    pub spans: Vec<(SimTime, SimTime)>,
    /// Time during which its head had failed and was not over.
    pub blocked: SimDuration,
    /// The longest such time.
    pub blocked_max: SimDuration,
    /// How often it paused after a failure.
    pub suspensions: u64,
    /// Deliveries on the spot of what had failed.
    pub again: u64,
    /// The most attempts of one message.
    pub attempts: u64,
    /// Locks refused.
    pub refused: u64,
}

impl QueueOrder {
    /// `consumer` takes the queue and starts at `offset`.
    pub fn acquired(&mut self, consumer: ConsumerId, offset: u64) {
        self.holders.push(Holder {
            consumer,
            next: offset,
            again: 0,
        });
    }

    /// `consumer` will start at another offset than it was told at first.
    pub fn starts_at(&mut self, consumer: ConsumerId, offset: u64) {
        if let Some(holder) = self.holders.iter_mut().find(|h| h.consumer == consumer) {
            holder.next = offset;
        }
    }

    /// `consumer` gives the queue up: nobody waits for its head any more.
    pub fn released(&mut self, now: SimTime, consumer: ConsumerId) {
        let before = self.holders.len();
        self.holders.retain(|holder| holder.consumer != consumer);
        if self.holders.len() < before {
            self.goes_on(now);
        }
    }

    /// A listener is called with the message at `offset`, of which so many attempts have failed.
    ///
    /// # Panics
    /// If it is not its turn (invariant O1).
    pub fn delivered(
        &mut self,
        now: SimTime,
        names: impl Fn(ConsumerId) -> [String; 2],
        consumer: ConsumerId,
        offset: u64,
        failed: u16,
    ) -> InQueue {
        let Some(holder) = self.holders.iter_mut().find(|h| h.consumer == consumer) else {
            let [name, label] = names(consumer);
            let text = format!("{label}: offset {offset} delivered to {name}, which does not hold it");
            broken(now, Invariant::O1, &text);
        };
        if offset < holder.next {
            let ([name, label], last) = (names(consumer), holder.next - 1);
            let text = format!("{label}: offset {offset} delivered to {name} after {last} under one lock");
            broken(now, Invariant::O1, &text);
        }
        holder.next = offset + 1;
        self.attempts = self.attempts.max(u64::from(failed) + 1);
        if offset < holder.again {
            self.again += 1;
            InQueue::Again
        } else {
            InQueue::Next
        }
    }

    /// The listener of `consumer` has failed: it goes back to `offset` after a pause.
    pub fn suspended(&mut self, now: SimTime, consumer: ConsumerId, offset: u64) {
        if let Some(holder) = self.holders.iter_mut().find(|h| h.consumer == consumer) {
            holder.again = holder.again.max(holder.next);
            holder.next = offset;
        }
        self.suspensions += 1;
        self.blocked_since.get_or_insert(now);
    }

    /// The head of the queue is over: it has succeeded, or is dead.
    #[inline]
    pub fn goes_on(&mut self, now: SimTime) {
        if let Some(since) = self.blocked_since.take() {
            let blocked = now.since(since);
            if self.spans.len() < SPANS {
                self.spans.push((since, now));
            }
            self.blocked += blocked;
            self.blocked_max = self.blocked_max.max(blocked);
        }
    }

    /// A broker grants or renews the lock of the queue.
    ///
    /// # Panics
    /// If another client has it (invariant R2); `is_same` tells whether two have one client id.
    pub fn locked(
        &mut self,
        now: SimTime,
        names: impl Fn(ConsumerId) -> [String; 2],
        consumer: ConsumerId,
        is_same: impl Fn(ConsumerId, ConsumerId) -> bool,
    ) {
        if let Some((other, since)) = self.lock
            && now.since(since) <= REBALANCE_LOCK_MAX_LIVE_TIME
            && !is_same(other, consumer)
        {
            let ([name, label], [other, _]) = (names(consumer), names(other));
            let text = format!("{label}: locked for {name} while {other} has the lock");
            broken(now, Invariant::R2, &text);
        }
        self.lock = Some((consumer, now));
    }

    /// The broker has ended, and forgotten who has the lock.
    pub fn lock_forgotten(&mut self) {
        self.lock = None;
    }

    /// A client gives the lock of the queue back, if it has it.
    pub fn unlocked(&mut self, consumer: ConsumerId, is_same: impl Fn(ConsumerId, ConsumerId) -> bool) {
        self.lock.take_if(|(holder, _)| is_same(*holder, consumer));
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of_vec(&self.holders) + memory::of_vec(&self.spans)
    }
}

/// What one group saw of the messages of each key.
#[derive(Clone, Debug, Default)]
pub struct KeyOrder {
    /// By key.
    keys: Vec<OneKey>,
    /// Keys of the messages that are delivered and not finished.
    open: BTreeMap<MessageId, Key>,
    /// First deliveries after a younger message of the same key.
    pub late: u64,
    /// Other deliveries after a younger message of the same key.
    pub late_again: u64,
    /// First deliveries while an older message of the same key was not finished.
    pub overtaking: u64,
}

#[derive(Clone, Debug, Default)]
struct OneKey {
    youngest: Option<Age>,
    unfinished: Vec<Age>,
}

impl KeyOrder {
    /// A listener is called with a message; `first` if for the first time in this group.
    pub fn delivered(&mut self, key: Key, age: Age, first: bool) {
        let at = key.0 as usize;
        if at >= self.keys.len() {
            self.keys.resize_with(at + 1, OneKey::default);
        }
        let of = &mut self.keys[at];
        match of.youngest {
            Some(youngest) if age < youngest => {
                self.late += u64::from(first);
                self.late_again += u64::from(!first);
            }
            _ => of.youngest = Some(age),
        }
        self.overtaking += u64::from(first && of.unfinished.iter().any(|other| *other < age));
        if self.open.insert(age.1, key).is_none() {
            of.unfinished.push(age);
        }
    }

    /// A message has succeeded or is given up.
    pub fn finished(&mut self, message: MessageId) {
        if let Some(key) = self.open.remove(&message) {
            self.keys[key.0 as usize]
                .unfinished
                .retain(|(_, other)| *other != message);
        }
    }

    /// How many keys were seen.
    pub fn keys(&self) -> u64 {
        self.keys.iter().filter(|key| key.youngest.is_some()).count() as u64
    }

    /// Bytes for so many keys, each of which has been unfinished once or more.
    pub fn held_for(keys: u64) -> u64 {
        memory::of_grown::<OneKey>(keys) + keys * memory::of_grown::<Age>(1)
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let unfinished = self
            .keys
            .iter()
            .map(|of| memory::of_vec(&of.unfinished))
            .sum::<u64>();
        memory::of_vec(&self.keys) + unfinished + memory::of_map(&self.open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ids::ProducerId;

    const ANN: ConsumerId = ConsumerId(0);
    const BOB: ConsumerId = ConsumerId(1);

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    fn names(consumer: ConsumerId) -> [String; 2] {
        let name = if consumer == ANN { "ann" } else { "bob" };
        [name, "orders a:0"].map(str::to_owned)
    }

    fn deliver(queue: &mut QueueOrder, consumer: ConsumerId, offset: u64) -> InQueue {
        queue.delivered(at(9), names, consumer, offset, 0)
    }

    fn lock(queue: &mut QueueOrder, now: SimTime, consumer: ConsumerId) {
        queue.locked(now, names, consumer, |a, b| a == b);
    }

    /// Two pauses of one head are one blockade; a take-over may go back, and ends it.
    #[test]
    fn a_failing_head_blocks_until_it_is_over() {
        let mut queue = QueueOrder::default();
        queue.acquired(ANN, 5);
        assert_eq!(deliver(&mut queue, ANN, 5), InQueue::Next);
        queue.suspended(at(10), ANN, 5);
        assert_eq!(deliver(&mut queue, ANN, 5), InQueue::Again);
        queue.suspended(at(12), ANN, 5);
        assert_eq!(deliver(&mut queue, ANN, 5), InQueue::Again);
        queue.goes_on(at(13));
        assert_eq!(deliver(&mut queue, ANN, 6), InQueue::Next);
        queue.suspended(at(20), ANN, 6);
        queue.released(at(25), ANN);
        queue.acquired(BOB, 5);
        assert_eq!(deliver(&mut queue, BOB, 5), InQueue::Next);
        assert_eq!((queue.suspensions, queue.again), (3, 2));
        assert_eq!(queue.blocked, SimDuration::from_secs(8));
        assert_eq!(queue.blocked_max, SimDuration::from_secs(5));
        assert_eq!(queue.spans, [(at(10), at(13)), (at(20), at(25))]);
    }

    #[test]
    #[should_panic = "invariant O1 broken at 9.000000000s: orders a:0: offset 6 delivered to ann after 7"]
    fn nothing_goes_back_under_one_lock() {
        let mut queue = QueueOrder::default();
        queue.acquired(ANN, 5);
        deliver(&mut queue, ANN, 7);
        deliver(&mut queue, ANN, 6);
    }

    #[test]
    #[should_panic = "invariant O1 broken at 9.000000000s: orders a:0: offset 5 delivered to bob, which does not"]
    fn only_a_holder_delivers() {
        let mut queue = QueueOrder::default();
        queue.acquired(ANN, 5);
        deliver(&mut queue, BOB, 5);
    }

    /// A lock passes on when it was given back, or has not been renewed for more than 60 s.
    #[test]
    fn a_lock_passes_on_when_it_is_free() {
        let mut queue = QueueOrder::default();
        lock(&mut queue, at(0), ANN);
        lock(&mut queue, at(20), ANN);
        lock(&mut queue, at(81), BOB);
        queue.unlocked(ANN, |a, b| a == b);
        queue.unlocked(BOB, |a, b| a == b);
        lock(&mut queue, at(82), ANN);
    }

    #[test]
    #[should_panic = "invariant R2 broken at 60.000000000s: orders a:0: locked for bob while ann has"]
    fn a_queue_has_one_lock_holder() {
        let mut queue = QueueOrder::default();
        lock(&mut queue, at(0), ANN);
        lock(&mut queue, at(60), BOB);
    }

    /// Born 1, 2, 3: 2 overtakes 1, which is still with a listener; 1 comes again when 2 is done, and 3 is the only one
    /// that comes too late, after 4.
    #[test]
    fn keys_tell_who_overtakes_and_who_comes_late() {
        let mut order = KeyOrder::default();
        let age = |n: u64| (at(n), MessageId::new(ProducerId(0), n));
        let key = Key(7);
        order.delivered(key, age(1), true);
        order.delivered(key, age(2), true);
        order.finished(age(2).1);
        order.delivered(key, age(1), false);
        order.finished(age(1).1);
        order.delivered(key, age(4), true);
        order.finished(age(4).1);
        order.delivered(key, age(3), true);
        order.delivered(Key(8), age(1), true);
        assert_eq!((order.late, order.late_again, order.overtaking), (1, 1, 1));
        assert_eq!(order.keys(), 2);
    }
}
