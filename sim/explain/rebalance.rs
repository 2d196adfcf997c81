//! The story of a rebalance: what changed in a group, what each member did about it, and what it cost.
//!
//! Numbers are those of `rebalance.<group>.changes` in the report, from 1. Changes at one instant belong together: a group
//! that starts with four members has its first four at 0 s, and one story. It ends with the next change; records that
//! are given again because of it are counted however late they come.

use super::consumer::client_of;
use super::queue;
use super::rounds::{self, Rounds};
use super::steps::{Like, Steps};
use super::story::{Cause, Event, Of, Step, Story, Sum};
use super::teller::{Seen, Tale};
use super::words;
use crate::cluster::fact::Fact;
use crate::cluster::ids::GroupId;
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::ownership::Times;
use crate::observe::rebalance::ChangeOutcome;

/// Listens for one change of a group.
pub struct RebalanceTale {
    group: GroupId,
    /// From 0.
    number: u32,
    /// How many changes there have been.
    pub known: u64,
    /// The numbers of the changes at the instant that is looked at.
    range: (u32, u32),
    at: SimTime,
    /// The next change came; how much overlap there was until then.
    closed: Option<SimDuration>,
    overlap_before: SimDuration,
    steps: Steps,
    rounds: Rounds,
    idle_rounds: u64,
    changing_rounds: u64,
    unfinished: u64,
    /// Duplicates of these changes when last looked at.
    duplicates: u64,
}

impl RebalanceTale {
    /// `number` is counted from 1.
    pub fn new(group: GroupId, number: u32) -> Self {
        Self {
            group,
            number: number.saturating_sub(1),
            known: 0,
            range: (0, 0),
            at: SimTime::ZERO,
            closed: None,
            overlap_before: SimDuration::ZERO,
            steps: Steps::default(),
            rounds: Rounds::default(),
            idle_rounds: 0,
            changing_rounds: 0,
            unfinished: 0,
            duplicates: 0,
        }
    }

    fn is_reached(&self) -> bool {
        self.known > u64::from(self.number)
    }

    /// A change is here.
    fn changes(&mut self, seen: &Seen<'_>, number: u32) {
        let is_first = self.known == 0;
        if self.is_reached() && seen.now > self.at {
            if self.closed.is_none() {
                self.closed = Some(self.overlap(seen));
                if let Some(step) = self.rounds.farewell(seen.directory, None) {
                    self.steps.say(step);
                }
            }
        } else if is_first || seen.now > self.at {
            let fresh = Self::new(self.group, self.number + 1);
            *self = Self {
                rounds: std::mem::take(&mut self.rounds),
                ..fresh
            };
            self.at = seen.now;
            self.range.0 = number;
            self.overlap_before = overlap_of(seen, self.group);
        }
        self.known = u64::from(number) + 1;
        if self.closed.is_none() {
            self.range.1 = number;
        }
    }

    fn overlap(&self, seen: &Seen<'_>) -> SimDuration {
        let overlap = overlap_of(seen, self.group).as_nanos();
        SimDuration::from_nanos(overlap.saturating_sub(self.overlap_before.as_nanos()))
    }

    /// Duplicates that the report puts down to these changes.
    fn duplicates(&self, seen: &Seen<'_>) -> u64 {
        let rebalances = &seen.observation.rebalances[self.group.index()];
        let outcomes = (self.range.0..=self.range.1).filter_map(|number| rebalances.outcome(number));
        outcomes.map(|outcome| outcome.duplicates).sum()
    }

    fn given_again(&mut self, seen: &Seen<'_>, fact: &Fact) {
        let duplicates = self.duplicates(seen);
        let more = duplicates > std::mem::replace(&mut self.duplicates, duplicates);
        let (
            Some(kind),
            Fact::Delivered {
                consumer,
                queue,
                offset,
                ..
            },
        ) = (seen.again.filter(|_| more), fact)
        else {
            return;
        };
        let text = format!(
            "{} is given the record of {} at offset {} again",
            words::client(seen.directory, *consumer),
            seen.directory.queue_label(*queue),
            words::count(*offset)
        );
        let because = Cause {
            kind,
            text: queue::again(kind).to_owned(),
            at: None,
        };
        let step = Step::new(seen.now, Event::DeliveredAgain, text).because(because);
        self.steps.say_like(Like::of(format!("again {kind}"), fact), step);
    }

    /// Something happened to a member, or a member did something.
    fn of_member(&mut self, seen: &Seen<'_>, fact: &Fact) {
        if let Fact::QueueReleased { unfinished, .. } = *fact {
            self.unfinished += u64::from(unfinished);
        }
        if let Some((step, like)) = self.rounds.observe(seen, fact) {
            match like {
                Some(like) => {
                    self.idle_rounds += 1;
                    self.steps.say_like(like, step);
                }
                None => {
                    self.changing_rounds += u64::from(step.event == Event::Round);
                    self.steps.say(step);
                }
            }
        }
        let event = match fact {
            Fact::ConsumerStarted { .. }
            | Fact::ConsumerStopped { .. }
            | Fact::ConsumerPaused { .. }
            | Fact::ConsumerResumed { .. }
            | Fact::LinkCut { .. }
            | Fact::LinkHealed { .. }
            | Fact::LinkSlowed { .. }
            | Fact::MemberExpired { .. }
            | Fact::ConnectionLost { .. } => Event::Member,
            Fact::LockRefused { .. } | Fact::StartOffsetChanged { .. } => Event::Lock,
            _ => return,
        };
        if let Some(text) = seen.sentence(fact) {
            let step = Step::new(seen.now, event, text);
            match event {
                Event::Lock => {
                    let key = format!("{:?}", std::mem::discriminant(fact));
                    self.steps.say_like(Like::of(key, fact), step);
                }
                _ => self.steps.say(step),
            }
        }
    }

    fn sums(&self, seen: &Seen<'_>, outcomes: &[&ChangeOutcome]) -> Vec<Sum> {
        let Some(last) = outcomes.last() else {
            return Vec::new();
        };
        let sum = |name: &str, text: String| Sum {
            name: name.to_owned(),
            text,
        };
        let total = |of: fn(&ChangeOutcome) -> u64| outcomes.iter().map(|outcome| of(outcome)).sum::<u64>();
        let moves = total(|outcome| outcome.moves);
        let least = last.moves_least;
        let mut all = vec![
            sum("change", self.what(seen, outcomes)),
            sum(
                "moves",
                format!(
                    "{} changed hands; {} had to, for even shares",
                    words::counted(moves, "queue", "queues"),
                    words::count(least)
                ),
            ),
        ];
        let reaction = match last.detected {
            Some(detected) => format!(
                "the first came {} after it, the last {} after it",
                words::span(detected),
                words::span(last.stable)
            ),
            None if !last.stable.is_zero() => format!("the last came {} after it", words::span(last.stable)),
            None => "nobody took or gave up a queue before the next change".to_owned(),
        };
        all.push(sum("reactions", reaction));
        all.push(sum(
            "rounds",
            format!(
                "{} changed something, {} did not",
                words::count(self.changing_rounds),
                words::count(self.idle_rounds)
            ),
        ));
        let unowned = (outcomes.iter()).fold(SimDuration::ZERO, |sum, outcome| sum + outcome.unowned);
        let overlap = self.closed.unwrap_or_else(|| self.overlap(seen));
        all.push(sum(
            "owners",
            format!(
                "all queues together: {} without an owner, {} with two or more",
                words::span(unowned),
                words::span(overlap)
            ),
        ));
        all.push(sum(
            "cost",
            format!(
                "{} left unfinished by who gave queues up; {} given again",
                words::counted(self.unfinished, "message", "messages"),
                words::counted(total(|outcome| outcome.duplicates), "record", "records")
            ),
        ));
        all
    }

    /// What changed, and when.
    fn what(&self, seen: &Seen<'_>, outcomes: &[&ChangeOutcome]) -> String {
        let told: Vec<String> = (outcomes.iter().take(3))
            .map(|outcome| rounds::changed(seen.directory, outcome))
            .collect();
        let others = match outcomes.len().saturating_sub(3) {
            0 => String::new(),
            n => format!(" ({n} more at the same instant)"),
        };
        let members = outcomes.last().map_or(0, |outcome| outcome.members);
        format!(
            "{}{others} at {}; {} after it",
            words::joined(&told),
            words::at(self.at),
            words::counted(members, "member", "members")
        )
    }
}

/// Queue-time of a group with two owners or more, so far.
fn overlap_of(seen: &Seen<'_>, group: GroupId) -> SimDuration {
    let slots = seen.observation.slots.of_group(group);
    let user = slots.filter(|slot| !seen.observation.slots.get(*slot).is_retry);
    let times = user.map(|slot| seen.observation.ownership.times(seen.now, slot));
    times.fold(SimDuration::ZERO, |sum, times: Times| sum + times.overlap)
}

impl Tale for RebalanceTale {
    fn observe(&mut self, seen: &Seen<'_>, fact: &Fact) {
        let is_open = self.closed.is_none();
        if is_open && let Some(step) = self.rounds.farewell(seen.directory, Some(fact)) {
            self.steps.say(step);
        }
        let number = seen.observation.rebalances.get(self.group.index());
        let number = number.and_then(|rebalances| rebalances.number());
        if let Some(number) = number.filter(|number| u64::from(*number) + 1 > self.known) {
            self.changes(seen, number);
        }
        if let Fact::Delivered { group, .. } = *fact {
            if group == self.group && seen.again.is_some() {
                self.given_again(seen, fact);
            }
            return;
        }
        if self.closed.is_some() {
            return;
        }
        match *fact {
            Fact::TopicUpdated { topic, .. } => {
                if seen.directory.group(self.group).topics.contains(&topic)
                    && let Some(text) = seen.sentence(fact)
                {
                    self.steps.say(Step::new(seen.now, Event::Broker, text));
                }
            }
            _ => {
                let client = client_of(fact);
                if client.is_some_and(|client| seen.directory.consumer(client).group == self.group) {
                    self.of_member(seen, fact);
                }
            }
        }
    }

    fn stories(&mut self, seen: &Seen<'_>) -> Vec<Story> {
        if !self.is_reached() {
            return Vec::new();
        }
        if self.closed.is_none()
            && let Some(step) = self.rounds.farewell(seen.directory, None)
        {
            self.steps.say(step);
        }
        let rebalances = &seen.observation.rebalances[self.group.index()];
        let (first, last) = self.range;
        let outcomes: Vec<&ChangeOutcome> = (first..=last)
            .filter_map(|number| rebalances.outcome(number))
            .collect();
        let group = &seen.directory.group(self.group).name;
        let name = match first == last {
            true => format!("rebalance {} of {group}", first + 1),
            false => format!("rebalances {} to {} of {group}", first + 1, last + 1),
        };
        vec![Story {
            of: Of::Rebalance,
            name,
            tag: None,
            key: None,
            body_bytes: None,
            ends: Vec::new(),
            sums: self.sums(seen, &outcomes),
            steps: std::mem::take(&mut self.steps).told(),
            run_ends: seen.now,
        }]
    }
}
