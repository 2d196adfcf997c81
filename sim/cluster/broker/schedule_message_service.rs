//! Delayed delivery: one FIFO for each delay level, looked at every 100 ms.
//!
//! A message of level L is due at its store time plus the delay of L. A look moves everything that is due to
//! its real topic and stops at the first that is not. So a retry comes 0 to 100 ms late, never early. No
//! look is scheduled while a level is empty. Left out: the time that the moves take, saving the progress.
//!
//! Source: `ScheduleMessageService.DeliverDelayedMessageTimerTask`.

use crate::cluster::broker::schedule_message::DELAY_FOR_A_WHILE;
use crate::cluster::ids::{GroupId, QueueId};
use crate::cluster::message::Record;
use crate::kernel::time::SimTime;
use std::collections::VecDeque;

/// A message that waits for its time.
#[derive(Clone, Copy, Debug)]
pub struct Delayed {
    /// When it is due.
    pub due: SimTime,
    /// When it was sent back.
    pub since: SimTime,
    /// For whose retry topic.
    pub group: GroupId,
    /// Into which queue.
    pub queue: QueueId,
    /// What will be stored.
    pub record: Record,
}

/// See the module.
#[derive(Debug)]
pub struct ScheduleMessageService {
    /// By level − 1.
    levels: Vec<VecDeque<Delayed>>,
    /// Looks happen at this instant plus multiples of the pause.
    phase: SimTime,
}

impl ScheduleMessageService {
    /// Empty levels, looked at from `phase` on.
    pub fn new(levels: usize, phase: SimTime) -> Self {
        Self {
            levels: vec![VecDeque::new(); levels],
            phase,
        }
    }

    /// Lets a message wait at `level` (from 1); when to look, if the level was empty.
    pub fn schedule(&mut self, level: u8, message: Delayed) -> Option<SimTime> {
        let waiting = &mut self.levels[usize::from(level) - 1];
        waiting.push_back(message);
        (waiting.len() == 1).then(|| message.due.next_on_grid(self.phase, DELAY_FOR_A_WHILE))
    }

    /// Takes out the first message of `level` if it is due.
    pub fn take_due(&mut self, level: u8, now: SimTime) -> Option<Delayed> {
        let waiting = &mut self.levels[usize::from(level) - 1];
        if waiting.front()?.due > now {
            return None;
        }
        waiting.pop_front()
    }

    /// When the level must be looked at next; `None` while it is empty.
    pub fn next_look(&self, level: u8) -> Option<SimTime> {
        let head = self.levels[usize::from(level) - 1].front()?;
        Some(head.due.next_on_grid(self.phase, DELAY_FOR_A_WHILE))
    }

    /// Messages that wait, over all levels.
    pub fn waiting(&self) -> usize {
        self.levels.iter().map(VecDeque::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ids::{MessageId, TopicId};

    fn at(millis: u64) -> SimTime {
        SimTime::from_nanos(millis * 1_000_000)
    }

    fn delayed(due: u64) -> Delayed {
        let record = Record {
            born: SimTime::ZERO,
            stored: SimTime::ZERO,
            luck: 0,
            id: MessageId(due),
            body_size: 0,
            origin_topic: TopicId(0),
            reconsume_times: 1,
        };
        Delayed {
            due: at(due),
            since: SimTime::ZERO,
            group: GroupId(0),
            queue: QueueId(0),
            record,
        }
    }

    /// Due at 10 040 ms, looked at every 100 ms from 30 ms on: found at 10 130 ms.
    #[test]
    fn a_retry_waits_for_the_next_look() {
        let mut service = ScheduleMessageService::new(18, at(30));
        assert_eq!(service.schedule(3, delayed(10_040)), Some(at(10_130)));
        assert_eq!(service.schedule(3, delayed(10_131)), None);
        assert!(service.take_due(3, at(10_039)).is_none());
        assert_eq!(service.take_due(3, at(10_130)).unwrap().due, at(10_040));
        assert!(service.take_due(3, at(10_130)).is_none());
        assert_eq!(service.next_look(3), Some(at(10_230)));
        assert_eq!(service.waiting(), 1);
    }
}
