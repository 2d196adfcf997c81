//! The story of a queue: who held it when and why it moved, offsets that jumped or fell back, pulls put off, locks; its lag
//! at the worst.

use super::facts;
use super::rounds;
use super::steps::{Like, Steps};
use super::story::{Cause, Event, Of, Step, Story, Sum};
use super::teller::{Seen, Tale};
use super::words;
use crate::cluster::directory::Directory;
use crate::cluster::fact::{CommitVia, Fact};
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId};
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::episodes::GAP;
use std::collections::BTreeMap;

/// An offset that stood still for so long and then goes up by so much jumps.
const STILL: SimDuration = SimDuration::from_secs(15);
const JUMP: u64 = 100;

/// A queue by its name: retry topics come into being during the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its topic.
    pub topic: String,
    /// Its broker.
    pub broker: BrokerId,
    /// `queueId`.
    pub index: u32,
}

/// Listens for one queue.
pub struct QueueTale {
    wanted: Wanted,
    group: Option<GroupId>,
    queue: Option<QueueId>,
    /// Queues that the topic has had on the broker.
    pub beside: u64,
    readers: BTreeMap<(GroupId, u32), Reader>,
}

/// What one reader does with it.
#[derive(Default)]
struct Reader {
    steps: Steps,
    slot: usize,
    /// Present owners, and since when.
    owners: Vec<(ConsumerId, SimTime)>,
    /// How long each of the former owners had it in all, in the order of their first time.
    held: Vec<(ConsumerId, SimDuration)>,
    taken: u64,
    /// The committed offset (in a broadcasting group that of the file), and since when.
    committed: Option<(u64, SimTime)>,
    /// Where the committed offset stood still for longest, though there was more to commit: from when to when.
    still: Option<(u64, SimTime, SimTime)>,
    lag_max: (u64, SimTime, Option<ConsumerId>),
    /// Pulls put off: episodes, pulls, the last one.
    put_off: (u64, u64, SimTime),
    /// Pulls held: how many, their sum, the longest.
    holds: (u64, SimDuration, SimDuration),
    pulls: u64,
    sent_back: u64,
    lock: Option<ConsumerId>,
}

impl QueueTale {
    pub fn new(wanted: Wanted, group: Option<GroupId>) -> Self {
        Self {
            wanted,
            group,
            queue: None,
            beside: 0,
            readers: BTreeMap::new(),
        }
    }

    /// Whether there has been such a queue.
    pub fn is_there(&self) -> bool {
        self.queue.is_some()
    }

    fn created(&mut self, seen: &Seen<'_>, queue: QueueId) {
        let of = seen.directory.queue(queue);
        if of.broker != self.wanted.broker || seen.directory.topic(of.topic).name != self.wanted.topic {
            return;
        }
        self.beside += 1;
        if of.index != self.wanted.index {
            return;
        }
        self.queue = Some(queue);
        for slot in seen.observation.slots.readers(queue) {
            let of = seen.observation.slots.get(slot);
            if self.group.is_none_or(|group| group == of.group) {
                let reader = Reader {
                    slot,
                    ..Reader::default()
                };
                self.readers.insert((of.group, of.reader.unwrap_or(0)), reader);
            }
        }
    }

    fn reader_of(&mut self, directory: &Directory, consumer: ConsumerId) -> Option<&mut Reader> {
        let of = directory.consumer(consumer);
        self.readers.get_mut(&(of.group, of.reader))
    }

    /// What all readers are told of.
    fn tell_all(&mut self, seen: &Seen<'_>, fact: &Fact, event: Event) {
        for reader in self.readers.values_mut() {
            reader.says(seen, fact, event, None);
        }
    }
}

impl Tale for QueueTale {
    fn observe(&mut self, seen: &Seen<'_>, fact: &Fact) {
        if let Fact::QueueCreated { queue } = *fact {
            return self.created(seen, queue);
        }
        let Some(mine) = self.queue else { return };
        let directory = seen.directory;
        match *fact {
            Fact::Dispatched { queue, .. } if queue == mine => {
                self.readers
                    .values_mut()
                    .for_each(|reader| reader.looks_at_lag(seen));
            }
            Fact::Expired { queue, .. } if queue == mine => self.tell_all(seen, fact, Event::Expired),
            Fact::BrokerStopped { broker, .. } | Fact::BrokerStarted { broker }
                if broker == self.wanted.broker =>
            {
                self.tell_all(seen, fact, Event::Broker);
            }
            Fact::TopicUpdated { topic, broker, .. }
                if (topic, broker) == (directory.queue(mine).topic, self.wanted.broker) =>
            {
                self.tell_all(seen, fact, Event::Broker);
            }
            Fact::OffsetCommitted { group, queue, .. }
            | Fact::OffsetReset { group, queue, .. }
            | Fact::OffsetsSkipped { group, queue, .. }
            | Fact::RetryScheduled { group, queue, .. }
            | Fact::DeadLettered { group, queue, .. }
                if queue == mine =>
            {
                let readers = self.readers.iter_mut().filter(|((of, _), _)| *of == group);
                readers.for_each(|(_, reader)| reader.of_group(seen, fact));
            }
            _ => {
                let Some((consumer, queue)) = whose(fact) else {
                    return;
                };
                if let Some(reader) = self.reader_of(directory, consumer) {
                    match queue {
                        Some(queue) if queue == mine => reader.of_client(seen, fact, consumer),
                        None if reader.is_held_by(consumer) => reader.of_owner(seen, fact),
                        _ => {}
                    }
                }
            }
        }
    }

    fn stories(&mut self, seen: &Seen<'_>) -> Vec<Story> {
        let Some(queue) = self.queue else {
            return Vec::new();
        };
        let label = seen.directory.queue_label(queue);
        let readers = std::mem::take(&mut self.readers).into_iter();
        readers
            .map(|((group, reader), mut told)| Story {
                of: Of::Queue,
                name: format!("{label} for {}", words::reader(seen.directory, group, reader)),
                tag: None,
                key: None,
                body_bytes: None,
                ends: Vec::new(),
                sums: told.sums(seen, queue),
                steps: told.steps.told(),
                run_ends: seen.now,
            })
            .collect()
    }
}

/// The client that a fact is about, and the queue if it is about one.
fn whose(fact: &Fact) -> Option<(ConsumerId, Option<QueueId>)> {
    match *fact {
        Fact::QueueAcquired { consumer, queue, .. }
        | Fact::QueueReleased { consumer, queue, .. }
        | Fact::LocalOffsetStored { consumer, queue, .. }
        | Fact::QueueLocked { consumer, queue }
        | Fact::QueueUnlocked { consumer, queue }
        | Fact::LockRefused { consumer, queue }
        | Fact::StartOffsetChanged { consumer, queue, .. }
        | Fact::QueueSuspended { consumer, queue, .. }
        | Fact::FlowControlled { consumer, queue, .. }
        | Fact::PullFailed { consumer, queue, .. }
        | Fact::PullHeld { consumer, queue, .. }
        | Fact::PullAnswered { consumer, queue, .. }
        | Fact::Delivered { consumer, queue, .. }
        | Fact::ConsumeTimedOut { consumer, queue, .. }
        | Fact::ResultDiscarded { consumer, queue, .. }
        | Fact::NoStatus { consumer, queue, .. }
        | Fact::LocalRetry { consumer, queue, .. }
        | Fact::Filtered { consumer, queue, .. } => Some((consumer, Some(queue))),
        Fact::ConsumerStopped { consumer, .. }
        | Fact::ConsumerPaused { consumer }
        | Fact::ConsumerResumed { consumer }
        | Fact::LinkCut { consumer, .. }
        | Fact::LinkHealed { consumer, .. } => Some((consumer, None)),
        _ => None,
    }
}

impl Reader {
    fn is_held_by(&self, consumer: ConsumerId) -> bool {
        self.owners.iter().any(|(owner, _)| *owner == consumer)
    }

    /// A sentence of its own.
    fn says(&mut self, seen: &Seen<'_>, fact: &Fact, event: Event, because: Option<Cause>) {
        if let Some(text) = seen.sentence(fact) {
            self.steps.say(Step {
                because,
                ..Step::new(seen.now, event, text)
            });
        }
    }

    /// A sentence that may come often.
    fn says_often(&mut self, seen: &Seen<'_>, fact: &Fact, event: Event, like: String) {
        if let Some(text) = seen.sentence(fact) {
            self.steps
                .say_like(Like::of(like, fact), Step::new(seen.now, event, text));
        }
    }

    fn looks_at_lag(&mut self, seen: &Seen<'_>) {
        let lag = seen.observation.lag.slot(self.slot);
        let lag = match seen.observation.slots.get(self.slot).reader {
            None => lag.lag.value(),
            Some(_) => lag.backlog.value(),
        };
        if lag > self.lag_max.0 {
            let owner = self.owners.last().map(|(owner, _)| *owner);
            self.lag_max = (lag, seen.now, owner);
        }
    }

    /// Something happens to a client that has the queue.
    fn of_owner(&mut self, seen: &Seen<'_>, fact: &Fact) {
        self.says(seen, fact, Event::Member, None);
    }

    fn of_group(&mut self, seen: &Seen<'_>, fact: &Fact) {
        match *fact {
            Fact::OffsetCommitted { old, new, via, .. } => self.committed(seen, fact, (old, new), Some(via)),
            Fact::OffsetReset { .. } => self.says(seen, fact, Event::Timeline, None),
            Fact::OffsetsSkipped { .. } => self.says(seen, fact, Event::Skipped, None),
            Fact::RetryScheduled { .. } => self.sent_back += 1,
            Fact::DeadLettered { .. } => self.says_often(seen, fact, Event::Dead, "dead".to_owned()),
            _ => {}
        }
    }

    fn committed(
        &mut self,
        seen: &Seen<'_>,
        fact: &Fact,
        (old, new): (Option<u64>, u64),
        via: Option<CommitVia>,
    ) {
        let before = self.committed;
        if before.is_none_or(|(at, _)| at != new) {
            self.committed = Some((new, seen.now));
        }
        let Some((from, since)) = before else { return };
        if new >= from + JUMP {
            self.stood_still(from, since, seen.now);
        }
        if old.is_some_and(|old| new < old) {
            let broker = seen
                .directory
                .broker(seen.directory.queue(self.queue(seen)).broker);
            let cause = via.map(|via| words::fell_back(via, broker));
            let because = cause.map(|(kind, text)| Cause { kind, text, at: None });
            let text = format!(
                "the committed offset falls back from {} to {}",
                words::count(from),
                words::count(new)
            );
            if let Some(because) = because {
                let step = Step::new(seen.now, Event::RolledBack, text);
                self.steps.say(step.because(because));
            } else {
                self.says(seen, fact, Event::RolledBack, None);
            }
        } else if new >= from + JUMP && seen.now.since(since) >= STILL {
            let text = format!(
                "the committed offset jumps from {} to {}, after it had stood still for {}",
                words::count(from),
                words::count(new),
                words::span(seen.now.since(since))
            );
            let step = Step::new(seen.now, Event::Jumped, text);
            self.steps.say_like(Like::of("jump".to_owned(), fact), step);
        }
    }

    fn stood_still(&mut self, offset: u64, from: SimTime, to: SimTime) {
        let length = to.since(from);
        let longest = self.still.map_or(STILL, |(_, from, to)| to.since(from));
        if length >= longest {
            self.still = Some((offset, from, to));
        }
    }

    fn queue(&self, seen: &Seen<'_>) -> QueueId {
        seen.observation.slots.get(self.slot).queue
    }

    /// A client has to do with the queue.
    fn of_client(&mut self, seen: &Seen<'_>, fact: &Fact, consumer: ConsumerId) {
        match *fact {
            Fact::QueueAcquired { .. } => {
                self.taken += 1;
                self.owners.push((consumer, seen.now));
                let because = self.because(seen, consumer);
                self.says(seen, fact, Event::Owner, because);
                self.looks_at_lag(seen);
            }
            Fact::QueueReleased { .. } => {
                self.ends_with(seen.now, consumer);
                let because = match seen.scene.client(consumer).stopped {
                    Some(_) => None,
                    None => self.because(seen, consumer),
                };
                self.says(seen, fact, Event::Owner, because);
            }
            Fact::LocalOffsetStored { offset, .. } => {
                let old = self.committed.map(|(old, _)| old);
                self.committed(seen, fact, (old, offset), None);
            }
            Fact::QueueLocked { .. } => self.locked(seen, consumer),
            Fact::QueueUnlocked { .. } => {
                if self.lock == Some(consumer) {
                    self.lock = None;
                }
                self.says(seen, fact, Event::Lock, None);
            }
            Fact::LockRefused { .. } => {
                self.says_often(seen, fact, Event::Lock, format!("refused {consumer:?}"));
            }
            Fact::StartOffsetChanged { .. } => self.says(seen, fact, Event::Lock, None),
            Fact::QueueSuspended { .. } => {
                self.says_often(seen, fact, Event::Failed, format!("suspended {consumer:?}"));
            }
            Fact::FlowControlled { by, .. } => {
                let (episodes, pulls, last) = &mut self.put_off;
                if *pulls == 0 || seen.now.since(*last) > GAP {
                    *episodes += 1;
                }
                (*pulls, *last) = (*pulls + 1, seen.now);
                let like = format!("put off {consumer:?} {by:?} {episodes}");
                self.says_often(seen, fact, Event::Pull, like);
            }
            Fact::PullFailed { cause, .. } => {
                self.says_often(seen, fact, Event::Pull, format!("failed {consumer:?} {cause:?}"));
            }
            Fact::PullHeld { .. } => self.holds.0 += 1,
            Fact::PullAnswered { held, .. } => {
                self.pulls += 1;
                self.holds.1 += held;
                self.holds.2 = self.holds.2.max(held);
            }
            Fact::Delivered { offset, .. } => self.delivered(seen, consumer, offset),
            Fact::ConsumeTimedOut { .. }
            | Fact::ResultDiscarded { .. }
            | Fact::NoStatus { .. }
            | Fact::LocalRetry { .. } => {
                let like = format!("{:?} {consumer:?}", std::mem::discriminant(fact));
                let event = match fact {
                    Fact::ResultDiscarded { .. } => Event::Discarded,
                    _ => Event::Failed,
                };
                self.says_often(seen, fact, event, like);
            }
            Fact::Filtered { wanted: true, .. } => {
                self.says_often(seen, fact, Event::Filtered, format!("filtered {consumer:?}"));
            }
            _ => {}
        }
    }

    /// Locks are renewed again and again: only a new holder is news.
    fn locked(&mut self, seen: &Seen<'_>, consumer: ConsumerId) {
        if self.lock.replace(consumer) == Some(consumer) {
            return;
        }
        let who = words::client(seen.directory, consumer);
        let text = format!("{who} has its lock");
        self.steps.say(Step::new(seen.now, Event::Lock, text));
    }

    fn delivered(&mut self, seen: &Seen<'_>, consumer: ConsumerId, offset: u64) {
        let Some(kind) = seen.again else { return };
        let who = words::client(seen.directory, consumer);
        let text = format!(
            "{who} is given the record at offset {} again, which its group has had",
            words::count(offset)
        );
        let like = format!("again {consumer:?} {kind}");
        let cause = Cause {
            kind,
            text: again(kind).to_owned(),
            at: None,
        };
        let step = Step::new(seen.now, Event::DeliveredAgain, text);
        let like = Like::new(like, String::new());
        self.steps.say_like(like, step.because(cause));
    }

    /// Why a client took it or gave it up; that its broker was down while nobody had it belongs to that.
    fn because(&self, seen: &Seen<'_>, consumer: ConsumerId) -> Option<Cause> {
        let trigger = seen.scene.client(consumer).trigger?;
        let group = seen.directory.consumer(consumer).group;
        let mut cause = rounds::because(seen, group, trigger);
        let queue = self.queue(seen);
        let held = seen.scene.held_beside(seen.directory, consumer, queue);
        let broker = seen.directory.queue(queue).broker;
        if let (Some(gap), Some((ended, crash))) = (facts::gap(held), seen.scene.broker_ended(broker))
            && seen.now.since(ended) < gap
        {
            let how = if crash { "was killed" } else { "shut down" };
            let broker = seen.directory.broker(broker);
            cause.text = format!("{broker} {how} at {} meanwhile, {}", words::at(ended), cause.text);
        }
        Some(cause)
    }

    fn ends_with(&mut self, now: SimTime, consumer: ConsumerId) {
        let Some(at) = self.owners.iter().position(|(owner, _)| *owner == consumer) else {
            return;
        };
        let (_, since) = self.owners.remove(at);
        match self.held.iter_mut().find(|(owner, _)| *owner == consumer) {
            Some((_, held)) => *held += now.since(since),
            None => self.held.push((consumer, now.since(since))),
        }
    }

    fn sums(&mut self, seen: &Seen<'_>, queue: QueueId) -> Vec<Sum> {
        let lag = seen.observation.lag.slot(self.slot).lag.value();
        if let Some((offset, since)) = self.committed.filter(|_| lag >= JUMP) {
            self.stood_still(offset, since, seen.now);
        }
        let mut all = vec![
            ("owners", self.owned(seen)),
            ("lag", self.lagged(seen)),
            ("commits", self.still()),
            ("records", self.records(seen, queue)),
            ("pulls", self.pulled()),
        ];
        all.retain(|(_, text)| !text.is_empty());
        let sum = |(name, text): (&str, String)| Sum {
            name: name.to_owned(),
            text,
        };
        all.into_iter().map(sum).collect()
    }

    fn owned(&self, seen: &Seen<'_>) -> String {
        const MOST: usize = 5;
        let mut held = self.held.clone();
        for (owner, since) in &self.owners {
            let time = seen.now.since(*since);
            match held.iter_mut().find(|(known, _)| known == owner) {
                Some((_, held)) => *held += time,
                None => held.push((*owner, time)),
            }
        }
        if held.is_empty() {
            return "nobody has ever held it".to_owned();
        }
        let owners = held.len();
        held.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
        let mut parts: Vec<String> = (held.iter().take(MOST))
            .map(|(owner, time)| format!("{} {}", words::key(seen.directory, *owner), words::span(*time)))
            .collect();
        if owners > MOST {
            parts.push(format!("{} more", owners - MOST));
        }
        let times = seen.observation.ownership.times(seen.now, self.slot);
        let mut said = vec![format!(
            "{}; taken {}",
            parts.join(", "),
            words::counted(self.taken, "time", "times")
        )];
        for (what, time) in [
            ("nobody had it for", times.unowned),
            ("two or more had it for", times.overlap),
            ("its owner stood still for", times.paused),
        ] {
            if !time.is_zero() {
                said.push(format!("{what} {}", words::span(time)));
            }
        }
        said.join("; ")
    }

    fn lagged(&self, seen: &Seen<'_>) -> String {
        let (most, at, owner) = self.lag_max;
        if most == 0 {
            return String::new();
        }
        let whose = match owner {
            Some(owner) => format!("when {} had it", words::key(seen.directory, owner)),
            None => "when nobody had it".to_owned(),
        };
        let last = seen.observation.lag.slot(self.slot);
        let last = match seen.observation.slots.get(self.slot).reader {
            None => last.lag.value(),
            Some(_) => last.backlog.value(),
        };
        format!(
            "{} at the worst, at {}, {whose}; {} at the end",
            words::count(most),
            words::at(at),
            words::count(last)
        )
    }

    fn still(&self) -> String {
        self.still.map_or(String::new(), |(offset, from, to)| {
            format!(
                "stood still at {} for {}, from {} to {}",
                words::count(offset),
                words::span(to.since(from)),
                words::at(from),
                words::at(to)
            )
        })
    }

    fn records(&self, seen: &Seen<'_>, queue: QueueId) -> String {
        let ledger = &seen.observation.ledger;
        let mut parts = vec![
            format!("{} stored", words::count(ledger.end(queue))),
            format!("{} delivered", words::count(ledger.delivered_once(self.slot))),
        ];
        for (what, n) in [
            ("given again", ledger.duplicates(self.slot)),
            ("sent back", self.sent_back),
            ("filtered out", ledger.passed(self.slot)),
        ] {
            if n > 0 {
                parts.push(format!("{} {what}", words::count(n)));
            }
        }
        parts.join(", ")
    }

    fn pulled(&self) -> String {
        let (holds, sum, longest) = self.holds;
        let mut said = Vec::new();
        if self.pulls > 0 {
            said.push(format!("{} answered", words::count(self.pulls)));
        }
        if holds > 0 {
            said.push(format!(
                "{} held, {} in all and {} at the longest",
                words::count(holds),
                words::span(sum),
                words::span(longest)
            ));
        }
        let (episodes, put_off, _) = self.put_off;
        if put_off > 0 {
            said.push(format!(
                "{} put off in {}",
                words::count(put_off),
                words::counted(episodes, "episode", "episodes")
            ));
        }
        said.join(", ")
    }
}

/// The cause under which the report counts a duplicate, in a few words.
pub fn again(kind: &str) -> &'static str {
    match kind {
        "killed" => "its owner before was killed",
        "vanished" => "the host of its owner before was lost",
        "graceful" => "its owner before shut down without having committed it",
        "rebalance" => "its owner before gave the queue up without having committed it",
        "overlap" => "two clients had the queue at once",
        "paused" => "the process of an owner stood still, and the queue went to another meanwhile",
        "local_retry" => "it could not be sent back to its broker, so its client tries again",
        "broker" => "a broker ended, and the committed offset fell back",
        "reset" => "an operator set the group back",
        _ => "its client pulled it anew",
    }
}
