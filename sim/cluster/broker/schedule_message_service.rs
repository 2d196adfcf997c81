//! Delayed delivery: one FIFO for each delay level, looked at every 100 ms.
//!
//! A message of level L is due at its store time plus the delay of L. A look moves everything that is due to
//! its real topic and stops at the first that is not. So a retry comes 0 to 100 ms late, never early. Each level
//! has a timer of its own, and they do not keep step: a message that has just come from one level meets the
//! next one's timer anywhere in its period. No look is scheduled while a level is empty. Left out: the time that
//! the moves take, by which the timers drift. How far each level is gets saved every 10 s; what was delivered since is
//! delivered again after a crash.
//!
//! Source: `ScheduleMessageService.DeliverDelayedMessageTimerTask`.

use crate::cluster::broker::schedule_message::DELAY_FOR_A_WHILE;
use crate::cluster::ids::{GroupId, QueueId};
use crate::cluster::message::Record;
use crate::kernel::memory;
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
    /// It was delivered before, and a crash of the broker has undone the progress.
    pub again: bool,
}

/// See the module.
#[derive(Debug)]
pub struct ScheduleMessageService {
    /// By level − 1.
    levels: Vec<VecDeque<Delayed>>,
    /// By level − 1: looks happen at this instant plus multiples of the pause.
    phases: Vec<SimTime>,
    /// By level − 1: the look that is scheduled; others are those of a process that has ended.
    looks: Vec<Option<SimTime>>,
    /// By level − 1: what was delivered and when, since the last save. Kept only if a broker will crash.
    delivered: Option<Vec<VecDeque<(SimTime, Delayed)>>>,
}

impl ScheduleMessageService {
    /// Empty levels, each looked at from its phase on. `crashes`: whether any broker will crash.
    pub fn new(phases: Vec<SimTime>, crashes: bool) -> Self {
        Self {
            levels: vec![VecDeque::new(); phases.len()],
            looks: vec![None; phases.len()],
            delivered: crashes.then(|| vec![VecDeque::new(); phases.len()]),
            phases,
        }
    }

    /// Lets a message wait at `level` (from 1); when to look, if the level was empty.
    pub fn schedule(&mut self, level: u8, message: Delayed) -> Option<SimTime> {
        let waiting = &mut self.levels[usize::from(level) - 1];
        waiting.push_back(message);
        let is_first = waiting.len() == 1;
        is_first.then(|| self.plan_look(level, message.due))
    }

    /// Whether the look that happens now is the one that is scheduled.
    pub fn is_look(&self, level: u8, now: SimTime) -> bool {
        self.looks[usize::from(level) - 1] == Some(now)
    }

    /// A message of `level` was just delivered; the progress was saved last at `last_save`.
    pub fn delivered(&mut self, level: u8, now: SimTime, last_save: SimTime, message: Delayed) {
        let Some(delivered) = &mut self.delivered else {
            return;
        };
        let delivered = &mut delivered[usize::from(level) - 1];
        while delivered.front().is_some_and(|(at, _)| *at <= last_save) {
            delivered.pop_front();
        }
        delivered.push_back((now, message));
    }

    /// The broker ends: no look happens any more.
    pub fn stop(&mut self) {
        self.looks.fill(None);
    }

    /// The broker has crashed: what was delivered after the last save will be delivered again.
    pub fn fall_back(&mut self, last_save: SimTime) {
        let Some(delivered) = &mut self.delivered else {
            return;
        };
        for (waiting, delivered) in self.levels.iter_mut().zip(delivered) {
            while let Some((at, message)) = delivered.pop_back() {
                if at > last_save {
                    waiting.push_front(Delayed {
                        again: true,
                        ..message
                    });
                }
            }
        }
    }

    /// The broker is up again, and looks from `first` on: which levels, and when.
    pub fn restart(&mut self, first: SimTime) -> Vec<(u8, SimTime)> {
        let levels = 1..=self.levels.len() as u8;
        let heads = levels.filter_map(|level| {
            let head = self.levels[usize::from(level) - 1].front()?;
            Some((level, head.due.max(first)))
        });
        let heads: Vec<(u8, SimTime)> = heads.collect();
        let looks = heads.into_iter();
        looks
            .map(|(level, due)| (level, self.plan_look(level, due)))
            .collect()
    }

    /// Takes out the first message of `level` if it is due.
    pub fn take_due(&mut self, level: u8, now: SimTime) -> Option<Delayed> {
        let waiting = &mut self.levels[usize::from(level) - 1];
        if waiting.front()?.due > now {
            return None;
        }
        waiting.pop_front()
    }

    /// Plans the next look at the level: when; `None` while it is empty.
    pub fn next_look(&mut self, level: u8) -> Option<SimTime> {
        let due = self.levels[usize::from(level) - 1].front().map(|head| head.due);
        self.looks[usize::from(level) - 1] = None;
        due.map(|due| self.plan_look(level, due))
    }

    fn plan_look(&mut self, level: u8, due: SimTime) -> SimTime {
        let look = self.look_at(level, due);
        self.looks[usize::from(level) - 1] = Some(look);
        look
    }

    /// The first look at `level` at or after `due`.
    fn look_at(&self, level: u8, due: SimTime) -> SimTime {
        due.next_on_grid(self.phases[usize::from(level) - 1], DELAY_FOR_A_WHILE)
    }

    /// Messages that wait, over all levels.
    pub fn waiting(&self) -> usize {
        self.levels.iter().map(VecDeque::len).sum()
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let moved = self.delivered.iter().flatten().map(memory::of_deque);
        self.levels.iter().map(memory::of_deque).chain(moved).sum()
    }

    /// Bytes of a level on which so many messages wait.
    pub fn held_for(messages: u64) -> u64 {
        memory::of_grown::<Delayed>(messages)
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
            again: false,
        }
    }

    /// Progress was saved at 10 s. One message was delivered before that and two after: they wait again, in order, and
    /// are found at the first look after the start.
    #[test]
    fn a_crash_delivers_again() {
        let mut service = ScheduleMessageService::new(vec![at(30); 18], true);
        for due in [9_000, 10_500, 10_600, 60_000] {
            service.schedule(3, delayed(due));
        }
        for (now, save) in [(9_030, 0), (10_530, 10_000), (10_630, 10_000)] {
            let taken = service.take_due(3, at(now)).unwrap();
            service.delivered(3, at(now), at(save), taken);
        }
        assert_eq!(service.next_look(3), Some(at(60_030)));
        service.stop();
        assert!(!service.is_look(3, at(60_030)));
        service.fall_back(at(10_000));
        assert_eq!(service.waiting(), 3);
        assert_eq!(service.restart(at(21_000)), [(3, at(21_030))]);
        assert!(service.is_look(3, at(21_030)));
        let again = service.take_due(3, at(21_030)).unwrap();
        assert_eq!((again.due, again.again), (at(10_500), true));
    }

    /// Due at 10 040 ms, looked at every 100 ms from 30 ms on: found at 10 130 ms.
    #[test]
    fn a_retry_waits_for_the_next_look() {
        let mut service = ScheduleMessageService::new(vec![at(30); 18], false);
        assert_eq!(service.schedule(3, delayed(10_040)), Some(at(10_130)));
        assert_eq!(service.schedule(3, delayed(10_131)), None);
        assert!(service.take_due(3, at(10_039)).is_none());
        assert_eq!(service.take_due(3, at(10_130)).unwrap().due, at(10_040));
        assert!(service.take_due(3, at(10_130)).is_none());
        assert_eq!(service.next_look(3), Some(at(10_230)));
        assert_eq!(service.waiting(), 1);
    }

    /// Timers of 100 ms that began at 30, 40 and 50 ms. What is due at the look itself is found, and a level that is empty
    /// then has no look.
    #[test]
    fn each_level_has_a_timer_of_its_own() {
        let mut service = ScheduleMessageService::new(vec![at(30), at(40), at(50)], false);
        for (level, look) in [(1, 1_030), (2, 1_040), (3, 1_050)] {
            assert_eq!(service.schedule(level, delayed(1_001)), Some(at(look)));
        }
        assert_eq!(service.schedule(2, delayed(1_040)), None);
        for (level, look) in [(1, 1_030), (2, 1_040), (3, 1_050)] {
            assert!(service.is_look(level, at(look)) && !service.is_look(level, at(1_130)));
            assert!(service.take_due(level, at(look)).is_some());
        }
        assert_eq!(service.take_due(2, at(1_040)).unwrap().due, at(1_040));
        assert_eq!(service.next_look(2), None);
        assert!(service.is_look(1, at(1_030)) && !service.is_look(2, at(1_040)));
        assert!(service.is_look(3, at(1_050)));
    }

    /// A message every second, and a save after each: of a thousand that were delivered the last one is kept, until a save
    /// at the very moment of its delivery.
    #[test]
    fn what_was_saved_is_forgotten() {
        let mut service = ScheduleMessageService::new(vec![at(0)], true);
        let pass = |service: &mut ScheduleMessageService, second: u64, save: u64| {
            service.schedule(1, delayed(second * 1_000));
            let taken = service.take_due(1, at(second * 1_000)).unwrap();
            service.delivered(1, at(second * 1_000), at(save), taken);
        };
        for second in 1..=1_000 {
            pass(&mut service, second, second * 1_000 - 500);
        }
        let some = size_of::<Delayed>() as u64;
        assert!((some..32 * some).contains(&service.held()), "{}", service.held());
        // Two since the last save: both come again.
        pass(&mut service, 1_001, 999_500);
        service.fall_back(at(999_500));
        assert_eq!(service.waiting(), 2);
        assert_eq!(service.take_due(1, at(1_001_000)).unwrap().due, at(1_000_000));
        assert_eq!(service.take_due(1, at(1_001_000)).unwrap().due, at(1_001_000));
        pass(&mut service, 1_002, 1_001_500);
        service.fall_back(at(1_002_000));
        assert_eq!(service.waiting(), 0);
    }
}
