//! The steps of a story as they come: what is alike is summed up, and what is too much is counted.

use super::consumer::client_of;
use super::story::{Event, Step};
use super::words;
use crate::cluster::fact::Fact;
use crate::kernel::time::SimTime;
use std::collections::VecDeque;

/// Steps at the beginning that are always told.
const FIRST: usize = 120;
/// Steps at the end that are always told.
const LAST: usize = 60;
/// A step is summed up with one like it that is among so many last ones.
const NEAR: usize = 4;

/// What a step is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Like {
    /// Steps with the same are summed up.
    key: String,
    /// Whatever else their sentences name, but offsets: where it is not the same, the sum is not of the same.
    names: String,
}

impl Like {
    pub fn new(key: String, names: String) -> Self {
        Self { key, names }
    }

    /// What the sentence of a fact names.
    pub fn of(key: String, fact: &Fact) -> Self {
        Self::new(key, names(fact))
    }
}

/// Client, queue and cause of a fact that may come often.
fn names(fact: &Fact) -> String {
    let who = client_of(fact);
    match fact {
        Fact::FlowControlled { queue, by, .. } => format!("{who:?} {queue:?} {by:?}"),
        Fact::PullFailed { queue, cause, .. } => format!("{who:?} {queue:?} {cause:?}"),
        Fact::Filtered { queue, by, .. } => format!("{who:?} {queue:?} {by:?}"),
        Fact::NoStatus { queue, how, .. } => format!("{who:?} {queue:?} {how:?}"),
        Fact::OffsetCommitted {
            group, queue, via, ..
        } => format!("{group:?} {queue:?} {via:?}"),
        Fact::ConnectionLost { broker, .. } => format!("{who:?} {broker:?}"),
        Fact::SendRefused {
            producer, gave_up, ..
        } => format!("{producer:?} {gave_up}"),
        Fact::LockRefused { queue, .. }
        | Fact::StartOffsetChanged { queue, .. }
        | Fact::ResultDiscarded { queue, .. }
        | Fact::ConsumeTimedOut { queue, .. }
        | Fact::LocalRetry { queue, .. }
        | Fact::QueueSuspended { queue, .. }
        | Fact::Dropped { queue, .. }
        | Fact::Expired { queue, .. }
        | Fact::Delivered { queue, .. } => format!("{who:?} {queue:?}"),
        Fact::OffsetReset { group, queue, .. }
        | Fact::OffsetsSkipped { group, queue, .. }
        | Fact::RetryScheduled { group, queue, .. }
        | Fact::DeadLettered { group, queue, .. }
        | Fact::Resent { group, queue, .. } => format!("{group:?} {queue:?}"),
        _ => format!("{who:?}"),
    }
}

/// A step, and what it is like.
#[derive(Clone, Debug)]
struct Kept {
    step: Step,
    like: Option<Like>,
}

/// Steps in order, bounded in number.
#[derive(Clone, Debug)]
pub struct Steps {
    first: Vec<Kept>,
    last: VecDeque<Kept>,
    /// How many are told at the beginning, and at the end.
    most: (usize, usize),
    /// How many are not told, when the first and the last of them came.
    omitted: Option<(u64, SimTime, SimTime)>,
}

impl Default for Steps {
    fn default() -> Self {
        Self::bounded(FIRST, LAST)
    }
}

impl Steps {
    /// At most so many at the beginning and so many at the end.
    pub fn bounded(first: usize, last: usize) -> Self {
        Self {
            first: Vec::new(),
            last: VecDeque::new(),
            most: (first, last),
            omitted: None,
        }
    }

    /// Whether no more are told at the beginning.
    pub fn is_full(&self) -> bool {
        self.first.len() >= self.most.0
    }

    /// One more step.
    pub fn say(&mut self, step: Step) {
        self.keep(Kept { step, like: None });
    }

    /// One more step, which is summed up with the last one that it is like.
    pub fn say_like(&mut self, like: Like, step: Step) {
        let recent = self.last.iter_mut().rev().chain(self.first.iter_mut().rev());
        let mut alike = recent
            .take(NEAR)
            .filter_map(|kept| Some((&mut kept.step, kept.like.as_ref()?)));
        if let Some((same, known)) = alike.find(|(_, known)| known.key == like.key) {
            same.more += 1;
            same.differ |= *known != like;
            same.until = Some(step.at);
            return;
        }
        self.keep(Kept {
            step,
            like: Some(like),
        });
    }

    fn keep(&mut self, kept: Kept) {
        if self.first.len() < self.most.0 {
            return self.first.push(kept);
        }
        self.last.push_back(kept);
        if self.last.len() <= self.most.1 {
            return;
        }
        if let Some(Kept { step, .. }) = self.last.pop_front() {
            let (count, from, _) = self.omitted.unwrap_or((0, step.at, step.at));
            self.omitted = Some((count + 1 + step.more, from, step.until.unwrap_or(step.at)));
        }
    }

    /// All that are told, in order of time.
    pub fn told(self) -> Vec<Step> {
        let omitted = self.omitted.map(|(count, from, to)| {
            let steps = words::counted(count, "more step", "more steps");
            let text = format!("{steps} until {}, which are not told", words::at(to));
            Step::new(from, Event::Omitted, text)
        });
        let kept = |kept: Kept| kept.step;
        (self.first.into_iter().map(kept))
            .chain(omitted)
            .chain(self.last.into_iter().map(kept))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::story::secs;

    fn step(at: u64, text: &str) -> Step {
        Step::new(secs(at), Event::Round, text.to_owned())
    }

    #[test]
    fn what_is_alike_and_near_is_summed_up() {
        let mut steps = Steps::default();
        let like = || Like::new("a".into(), "x".into());
        for at in [1, 2, 3] {
            steps.say_like(like(), step(at, "a"));
        }
        steps.say(step(4, "b"));
        steps.say_like(like(), step(5, "a"));
        for at in 6..10 {
            steps.say(step(at, "c"));
        }
        steps.say_like(like(), step(20, "a"));
        steps.say_like(Like::new("a".into(), "y".into()), step(21, "a"));
        let told = steps.told();
        assert_eq!((told[0].more, told[0].until), (3, Some(secs(5))));
        let last = told.last().unwrap();
        assert_eq!((last.more, last.at, last.until), (1, secs(20), Some(secs(21))));
        assert_eq!((told[0].differ, last.differ), (false, true));
        assert_eq!(told.len(), 7);
    }

    /// An offset is not a name: records of one queue given up by one client are of the same, those of another are not.
    #[test]
    fn client_queue_and_cause_make_a_fact_the_same() {
        use crate::cluster::fact::FlowControlCause::{Count, Size};
        use crate::cluster::ids::{ConsumerId, QueueId};
        let put_off = |consumer, queue, by| {
            names(&Fact::FlowControlled {
                consumer: ConsumerId(consumer),
                queue: QueueId(queue),
                by,
            })
        };
        let it = put_off(0, 0, Count);
        assert_eq!(it, put_off(0, 0, Count));
        for other in [put_off(1, 0, Count), put_off(0, 1, Count), put_off(0, 0, Size)] {
            assert_ne!(it, other);
        }
    }

    #[test]
    fn a_long_story_keeps_its_beginning_and_its_end() {
        let mut steps = Steps::bounded(2, 3);
        (1..=10).for_each(|at| steps.say(step(at, "s")));
        let told: Vec<(u64, Event)> = (steps.told().iter())
            .map(|step| (step.at.as_nanos() / 1_000_000_000, step.event))
            .collect();
        let round = |at| (at, Event::Round);
        assert_eq!(
            told,
            [
                round(1),
                round(2),
                (3, Event::Omitted),
                round(8),
                round(9),
                round(10)
            ]
        );
    }
}
