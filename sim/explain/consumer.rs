//! The story of a consumer: its lives, what each round gave it and took from it, when it stood still, was cut off or had its
//! pulls put off, what did not count, and who got again what it left unfinished.

use super::queue;
use super::rounds::Rounds;
use super::steps::{Like, Steps};
use super::story::{Cause, Event, Of, Step, Story, Sum};
use super::teller::{Seen, Tale};
use super::words;
use crate::cluster::fact::Fact;
use crate::cluster::ids::{ConsumerId, QueueId};
use crate::kernel::time::SimTime;
use crate::observe::episodes::GAP;
use std::collections::{BTreeMap, BTreeSet};

/// Listens for one member: all its lives, or one.
pub struct ConsumerTale {
    name: String,
    lives: Vec<ConsumerId>,
    steps: Steps,
    rounds: Rounds,
    /// What it has had of each queue: for each time that it took it the first record and one past the last.
    had: BTreeMap<QueueId, Vec<(u64, u64)>>,
    /// Queues that it has taken and had a record of since, by life.
    begun: BTreeSet<(QueueId, ConsumerId)>,
    /// Queues that it has left and nobody has taken since.
    left: BTreeMap<QueueId, SimTime>,
    /// To whom records of its were given again, and how many.
    again: BTreeMap<ConsumerId, u64>,
    /// The present or last episode of pulls put off: its number, its last pull.
    put_off: (u64, SimTime),
}

impl ConsumerTale {
    pub fn new(name: String, lives: Vec<ConsumerId>) -> Self {
        Self {
            name,
            lives,
            steps: Steps::default(),
            rounds: Rounds::default(),
            had: BTreeMap::new(),
            begun: BTreeSet::new(),
            left: BTreeMap::new(),
            again: BTreeMap::new(),
            put_off: (0, SimTime::ZERO),
        }
    }

    fn is_it(&self, consumer: ConsumerId) -> bool {
        self.lives.contains(&consumer)
    }

    fn says(&mut self, seen: &Seen<'_>, fact: &Fact, event: Event) {
        if let Some(text) = seen.sentence(fact) {
            self.steps.say(Step::new(seen.now, event, text));
        }
    }

    fn says_often(&mut self, seen: &Seen<'_>, fact: &Fact, event: Event, like: String) {
        if let Some(text) = seen.sentence(fact) {
            self.steps
                .say_like(Like::of(like, fact), Step::new(seen.now, event, text));
        }
    }

    /// A fact about itself.
    fn of_it(&mut self, seen: &Seen<'_>, fact: &Fact, consumer: ConsumerId) {
        if let Some((step, like)) = self.rounds.observe(seen, fact) {
            match like {
                Some(like) => self.steps.say_like(like, step),
                None => self.steps.say(step),
            }
        }
        match *fact {
            Fact::QueueAcquired { queue, .. } => {
                self.left.remove(&queue);
                self.begun.remove(&(queue, consumer));
            }
            Fact::QueueReleased { queue, .. } => {
                self.left.insert(queue, seen.now);
            }
            Fact::Delivered { queue, offset, .. } => {
                let had = self.had.entry(queue).or_default();
                extend(had, self.begun.insert((queue, consumer)), offset);
            }
            Fact::ConsumerStarted { .. }
            | Fact::ConsumerStopped { .. }
            | Fact::ConsumerPaused { .. }
            | Fact::LinkCut { .. }
            | Fact::LinkHealed { .. }
            | Fact::LinkSlowed { .. }
            | Fact::MemberExpired { .. }
            | Fact::ConnectionLost { .. }
            | Fact::ThreadsSet { .. } => self.says(seen, fact, Event::Member),
            Fact::ConsumerResumed { .. } => self.resumed(seen, fact, consumer),
            Fact::FlowControlled { queue, by, .. } => {
                let (episode, last) = &mut self.put_off;
                if *episode == 0 || seen.now.since(*last) > GAP {
                    *episode += 1;
                }
                *last = seen.now;
                let like = format!("put off {queue:?} {by:?} {episode}");
                self.says_often(seen, fact, Event::Pull, like);
            }
            Fact::PullFailed { cause, .. } => {
                self.says_often(seen, fact, Event::Pull, format!("failed {cause:?}"));
            }
            Fact::LockRefused { .. } => self.says_often(seen, fact, Event::Lock, "refused".to_owned()),
            Fact::StartOffsetChanged { queue, .. } => {
                self.begun.remove(&(queue, consumer));
                self.says(seen, fact, Event::Lock);
            }
            Fact::ConsumeTimedOut { .. }
            | Fact::NoStatus { .. }
            | Fact::LocalRetry { .. }
            | Fact::QueueSuspended { .. }
            | Fact::Dropped { .. } => {
                let like = format!("{:?}", std::mem::discriminant(fact));
                self.says_often(seen, fact, Event::Failed, like);
            }
            Fact::ResultDiscarded { .. } => {
                self.says_often(seen, fact, Event::Discarded, "discarded".to_owned());
            }
            Fact::Filtered { wanted: true, .. } => {
                self.says_often(seen, fact, Event::Filtered, "filtered".to_owned());
            }
            _ => {}
        }
    }

    /// It goes on: how long it stood still, and what became of its queues.
    fn resumed(&mut self, seen: &Seen<'_>, fact: &Fact, consumer: ConsumerId) {
        let stood = seen.scene.client(consumer).paused.last();
        let time = stood.and_then(|(from, to)| Some(to.as_ref()?.since(*from)));
        let (Some(mut text), Some(time)) = (seen.sentence(fact), time) else {
            return;
        };
        text += &format!(" after {}", words::span(time));
        let taken = seen.scene.places().filter(|(_, held)| {
            let mine = held.owners.contains(&consumer);
            mine && held.owners.len() > 1
        });
        match taken.count() as u64 {
            0 => {}
            n => {
                let queues = words::counted(n, "queue", "queues");
                text += &format!(": another client has {queues} of its meanwhile");
            }
        }
        self.steps.say(Step::new(seen.now, Event::Member, text));
    }

    /// A fact about another client of its group.
    fn of_another(&mut self, seen: &Seen<'_>, fact: &Fact, other: ConsumerId) {
        match *fact {
            Fact::QueueAcquired { queue, .. } if self.left.remove(&queue).is_some() => {
                self.says(seen, fact, Event::Owner);
            }
            Fact::Delivered { queue, offset, .. } => {
                let had = self.had.get(&queue).is_some_and(|had| has(had, offset));
                let Some(kind) = seen.again.filter(|_| had) else {
                    return;
                };
                *self.again.entry(other).or_default() += 1;
                let text = format!(
                    "{} is given what {} has had: {} at offset {}",
                    words::client(seen.directory, other),
                    self.name,
                    seen.directory.queue_label(queue),
                    words::count(offset)
                );
                let because = Cause {
                    kind,
                    text: queue::again(kind).to_owned(),
                    at: None,
                };
                let step = Step::new(seen.now, Event::DeliveredAgain, text).because(because);
                self.steps
                    .say_like(Like::of(format!("again {other:?} {kind}"), fact), step);
            }
            _ => {}
        }
    }

    /// What a life comes to.
    fn life(&self, seen: &Seen<'_>, consumer: ConsumerId) -> Option<Sum> {
        let life = seen.observation.consumers.get(consumer.index())?;
        let started = life.started?;
        let until = match life.stopped {
            Some((at, how)) => format!("{}, when it {}", words::at(at), words::stopped(how)),
            None => "the end".to_owned(),
        };
        let mut parts = vec![
            format!("from {} to {until}", words::at(started)),
            format!("{} delivered", words::count(life.deliveries)),
            format!("{} consumed", words::count(life.succeeded)),
        ];
        for (what, n) in [
            ("failed", life.failed),
            ("timed out", life.timed_out),
            ("discarded", life.discarded),
        ] {
            if n > 0 {
                parts.push(format!("{} {what}", words::count(n)));
            }
        }
        parts.push(format!(
            "{}, {} at most",
            words::counted(life.rounds, "round", "rounds"),
            words::counted(life.queues.max(), "queue", "queues")
        ));
        let put_off: u64 = life.flow_control.iter().sum();
        if put_off > 0 {
            parts.push(format!(
                "{} put off in {}, {} in all",
                words::counted(put_off, "pull", "pulls"),
                words::counted(life.episodes.count, "episode", "episodes"),
                words::span(life.episodes.length())
            ));
        }
        let text = parts.join("; ");
        let name = words::key(seen.directory, consumer);
        Some(Sum { name, text })
    }
}

impl Tale for ConsumerTale {
    fn observe(&mut self, seen: &Seen<'_>, fact: &Fact) {
        if let Some(step) = self.rounds.farewell(seen.directory, Some(fact)) {
            self.steps.say(step);
        }
        if let Fact::TimelineStep { step } = *fact {
            let entry = &seen.config.timeline[step as usize];
            let first = |group: usize| -> usize {
                let groups = seen.config.groups[..group].iter();
                groups.map(|group| group.consumers.len()).sum()
            };
            let member = entry.action.member();
            let who = member.map(|of| ConsumerId((first(of.group.index()) + of.consumer as usize) as u32));
            if who.is_some_and(|who| self.is_it(who)) {
                self.says(seen, fact, Event::Timeline);
            }
            return;
        }
        let Some(consumer) = client_of(fact) else { return };
        if self.is_it(consumer) {
            return self.of_it(seen, fact, consumer);
        }
        let of = seen.directory.consumer(consumer);
        let is_beside = |it: &ConsumerId| {
            let it = seen.directory.consumer(*it);
            (it.group, it.reader) == (of.group, of.reader)
        };
        if self.lives.first().is_some_and(is_beside) {
            self.of_another(seen, fact, consumer);
        }
    }

    fn stories(&mut self, seen: &Seen<'_>) -> Vec<Story> {
        if let Some(step) = self.rounds.farewell(seen.directory, None) {
            self.steps.say(step);
        }
        let mut sums: Vec<Sum> = (self.lives.iter())
            .filter_map(|life| self.life(seen, *life))
            .collect();
        if sums.is_empty() {
            return Vec::new();
        }
        if !self.again.is_empty() {
            let to: Vec<String> = (self.again.iter().take(5))
                .map(|(who, n)| format!("{} {}", words::key(seen.directory, *who), words::count(*n)))
                .collect();
            let all = words::counted(self.again.values().sum(), "record", "records");
            let others = match self.again.len().saturating_sub(5) {
                0 => String::new(),
                n => format!(", {n} more"),
            };
            sums.push(Sum {
                name: "given again".to_owned(),
                text: format!("{all} to others: {}{others}", to.join(", ")),
            });
        }
        vec![Story {
            of: Of::Consumer,
            name: self.name.clone(),
            tag: None,
            key: None,
            body_bytes: None,
            ends: Vec::new(),
            sums,
            steps: std::mem::take(&mut self.steps).told(),
            run_ends: seen.now,
        }]
    }
}

/// One more record that somebody has had; `is_first` if it is the first since the queue was taken. What meets is one
/// stretch, so that there are no more of them than there are gaps.
fn extend(had: &mut Vec<(u64, u64)>, is_first: bool, offset: u64) {
    if is_first && !has(had, offset) {
        had.push((offset, offset + 1));
        return;
    }
    // It goes on with the one that was extended last.
    if is_first && let Some(at) = had.iter().position(|(from, to)| (*from..*to).contains(&offset)) {
        let met = had.remove(at);
        had.push(met);
        return;
    }
    if let Some((from, to)) = had.last_mut() {
        (*from, *to) = ((*from).min(offset), (*to).max(offset + 1));
    }
}

/// Whether a record lies in one of the stretches.
fn has(had: &[(u64, u64)], offset: u64) -> bool {
    had.iter().any(|(from, to)| (*from..*to).contains(&offset))
}

/// The client that a fact is about.
pub fn client_of(fact: &Fact) -> Option<ConsumerId> {
    match *fact {
        Fact::ConsumerStarted { consumer }
        | Fact::ConsumerStopped { consumer, .. }
        | Fact::ConsumerPaused { consumer }
        | Fact::ConsumerResumed { consumer }
        | Fact::LinkCut { consumer, .. }
        | Fact::LinkHealed { consumer, .. }
        | Fact::LinkSlowed { consumer, .. }
        | Fact::MemberExpired { consumer, .. }
        | Fact::ConnectionLost { consumer, .. }
        | Fact::ThreadsSet { consumer, .. }
        | Fact::RebalanceBegan { consumer, .. }
        | Fact::RebalanceEnded { consumer, .. }
        | Fact::QueueAcquired { consumer, .. }
        | Fact::QueueReleased { consumer, .. }
        | Fact::QueueLocked { consumer, .. }
        | Fact::QueueUnlocked { consumer, .. }
        | Fact::LockRefused { consumer, .. }
        | Fact::StartOffsetChanged { consumer, .. }
        | Fact::QueueSuspended { consumer, .. }
        | Fact::FlowControlled { consumer, .. }
        | Fact::PullFailed { consumer, .. }
        | Fact::Delivered { consumer, .. }
        | Fact::NoStatus { consumer, .. }
        | Fact::LocalRetry { consumer, .. }
        | Fact::ConsumeTimedOut { consumer, .. }
        | Fact::ResultDiscarded { consumer, .. }
        | Fact::Dropped { consumer, .. }
        | Fact::Filtered { consumer, .. } => Some(consumer),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records that another client had between two takings are none of its own.
    #[test]
    fn it_has_had_what_it_was_given_and_nothing_between() {
        let mut had = Vec::new();
        for (number, offset) in (10..20).enumerate() {
            extend(&mut had, number == 0, offset);
        }
        for (number, offset) in (50..60).enumerate() {
            extend(&mut had, number == 0, offset);
        }
        assert_eq!(had, [(10, 20), (50, 60)]);
        assert!(has(&had, 19) && !has(&had, 20) && !has(&had, 49) && has(&had, 59));
        // The third time it begins within the first stretch, and goes on behind it.
        for (number, offset) in (15..25).enumerate() {
            extend(&mut had, number == 0, offset);
        }
        assert_eq!(had, [(50, 60), (10, 25)]);
    }
}
