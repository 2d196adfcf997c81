//! Retries by attempt: what was asked for, what came of it; dead letters by the topic of origin.

use crate::cluster::ids::TopicId;
use crate::kernel::time::SimDuration;

/// All messages of a group at one value of `reconsumeTimes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    /// Lowest and highest delay level; `None` before the first copy.
    pub levels: Option<(u8, u8)>,
    /// Copies scheduled.
    pub scheduled: u64,
    /// Sum of the delays asked for, nanoseconds.
    pub asked: u128,
    /// Copies that reached the retry topic.
    pub stored: u64,
    /// Sum of the delays waited, nanoseconds.
    pub waited: u128,
    /// The longest.
    pub waited_max: SimDuration,
    /// Deliveries, duplicates included. Not counted for originals.
    pub delivered: u64,
    /// Results `CONSUME_SUCCESS`. Not counted for originals.
    pub succeeded: u64,
    /// Results `RECONSUME_LATER`.
    pub failed: u64,
}

/// Retries and dead letters of one group.
#[derive(Clone, Debug, Default)]
pub struct Retries {
    attempts: Vec<Attempt>,
    dead: Vec<(TopicId, u64)>,
    /// Dead letters that retention has deleted.
    pub dead_expired: u64,
    /// Dead letters that were sent again.
    pub resent: u64,
}

impl Retries {
    fn at(&mut self, reconsume_times: u16) -> &mut Attempt {
        let index = usize::from(reconsume_times);
        if index >= self.attempts.len() {
            self.attempts.resize(index + 1, Attempt::default());
        }
        &mut self.attempts[index]
    }

    /// A copy was scheduled.
    pub fn scheduled(&mut self, reconsume_times: u16, level: u8, delay: SimDuration) {
        let attempt = self.at(reconsume_times);
        attempt.scheduled += 1;
        attempt.asked += u128::from(delay.as_nanos());
        let (low, high) = attempt.levels.unwrap_or((level, level));
        attempt.levels = Some((low.min(level), high.max(level)));
    }

    /// A copy reached the retry topic.
    pub fn stored(&mut self, reconsume_times: u16, waited: SimDuration) {
        let attempt = self.at(reconsume_times);
        attempt.stored += 1;
        attempt.waited += u128::from(waited.as_nanos());
        attempt.waited_max = attempt.waited_max.max(waited);
    }

    /// A copy is handed to a listener.
    pub fn delivered(&mut self, reconsume_times: u16) {
        self.at(reconsume_times).delivered += 1;
    }

    /// A listener's result, other than the success of an original.
    pub fn result(&mut self, reconsume_times: u16, success: bool) {
        let attempt = self.at(reconsume_times);
        if success {
            attempt.succeeded += 1;
        } else {
            attempt.failed += 1;
        }
    }

    /// A message was given up.
    pub fn dead(&mut self, origin: TopicId) {
        match self.dead.iter_mut().find(|(topic, _)| *topic == origin) {
            Some((_, count)) => *count += 1,
            None => {
                self.dead.push((origin, 1));
                self.dead.sort_unstable();
            }
        }
    }

    /// Retention has deleted so many dead letters.
    pub fn dead_letters_expired(&mut self, letters: u64) {
        self.dead_expired += letters;
    }

    /// A dead letter was sent again.
    pub fn resent(&mut self) {
        self.resent += 1;
    }

    /// By `reconsumeTimes`, from the original; empty if nothing ever failed.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Dead letters by topic of origin.
    pub fn dead_by_topic(&self) -> &[(TopicId, u64)] {
        &self.dead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_keep_what_was_asked_and_what_was_waited() {
        let mut retries = Retries::default();
        retries.result(0, false);
        retries.scheduled(1, 3, SimDuration::from_secs(10));
        retries.stored(1, SimDuration::from_millis(10_060));
        retries.delivered(1);
        retries.result(1, true);
        let attempts = retries.attempts();
        assert_eq!((attempts.len(), attempts[0].failed), (2, 1));
        assert_eq!(attempts[1].levels, Some((3, 3)));
        assert_eq!(attempts[1].asked, 10_000_000_000);
        assert_eq!(attempts[1].waited_max, SimDuration::from_millis(10_060));
        assert_eq!((attempts[1].delivered, attempts[1].succeeded), (1, 1));
    }

    #[test]
    fn dead_letters_are_sorted_by_topic() {
        let mut retries = Retries::default();
        for topic in [4, 1, 4] {
            retries.dead(TopicId(topic));
        }
        assert_eq!(retries.dead_by_topic(), [(TopicId(1), 1), (TopicId(4), 2)]);
    }
}
