//! The rules of a cluster, judged fact by fact, for any scenario.
//!
//! A [`Judge`] is an observer: it keeps what the rules need and no list of facts. Each file holds one subject. What the
//! end of a run must show is asked only if the end leaves time for it ([`rest`]). Texts tell who, what and what was
//! expected; the ids are those of [`Invariant`].

pub mod anomalies;
pub mod bounds;
mod calm;
mod connections;
mod effects;
mod filtering;
mod handover;
mod holds;
mod keys;
mod leaks;
mod locks;
mod offsets;
mod outcome;
mod processes;
mod pulls;
mod readings;
mod records;
pub mod rest;
mod retries;
mod rounds;
mod woken;

use crate::cluster::Leftovers;
use crate::cluster::config::{ClusterConfig, GroupConfig};
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, Observer};
use crate::cluster::ids::{BrokerId, ConsumerId, QueueId};
use crate::kernel::time::SimTime;
use crate::observe::invariant::{Invariant, must};
use crate::observe::slots::Slots;
use bounds::Bounds;
use calm::Calm;
use effects::Effects;
use filtering::Filtering;
use handover::Promise;
use holds::Hold;
use keys::Keys;
use locks::Locks;
#[cfg(test)]
pub(super) use outcome::partition;
use processes::Processes;
use readings::Reading;
use records::Records;
use retries::Retries;
use rounds::Rounds;
use std::collections::{BTreeMap, BTreeSet};
use woken::Woken;

/// Who reads which queue, for people.
fn who(directory: &Directory, consumer: ConsumerId, queue: QueueId) -> String {
    format!(
        "{}, {}:",
        directory.consumer(consumer).name,
        directory.queue_label(queue)
    )
}

/// Checks facts in their order and remembers what the rules need.
#[derive(Debug)]
pub struct Judge<'a> {
    config: &'a ClusterConfig,
    bounds: Bounds,
    /// Somebody vouches for a rest at the end.
    rested: bool,
    now: SimTime,
    calm: Calm,
    processes: Processes,
    rounds: Rounds,
    locks: Locks,
    woken: Woken,
    /// What former owners have committed, by slot.
    promises: BTreeMap<usize, Promise>,
    records: Records,
    retries: Retries,
    keys: Keys,
    effects: Effects,
    filtering: Filtering,
    slots: Slots,
    /// By slot.
    readings: Vec<Reading>,
    holds: BTreeMap<(ConsumerId, QueueId), Hold>,
    held_before: BTreeSet<(ConsumerId, QueueId)>,
    /// Listener calls under way, by client; those of messages.
    open_calls: BTreeMap<ConsumerId, u64>,
    /// Listener calls that never return, by client.
    hung: BTreeMap<ConsumerId, u64>,
    /// Listener threads where they were changed.
    threads: BTreeMap<ConsumerId, u32>,
    /// When each group last did something with messages.
    active: Vec<SimTime>,
    /// When retention last removed something.
    expired: Option<SimTime>,
    /// How often committed offsets fell, by [`Fell`](offsets::Fell).
    fell: [u64; 3],
    /// Numbers of queues that are read, by topic and broker.
    read: BTreeMap<(u32, BrokerId), u32>,
    /// Heartbeats that reached a broker in the last part of the run.
    heartbeats: BTreeMap<BrokerId, u64>,
}

impl<'a> Judge<'a> {
    /// For one run of `config`.
    pub fn new(config: &'a ClusterConfig) -> Self {
        let topics = config.topics.iter().enumerate();
        let read = topics.flat_map(|(topic, settings)| {
            let placement = settings.placement.iter();
            placement.map(move |(broker, numbers)| ((topic as u32, *broker), numbers.read))
        });
        Self {
            config,
            bounds: Bounds::new(config),
            rested: false,
            now: SimTime::ZERO,
            calm: Calm::default(),
            processes: Processes::default(),
            rounds: Rounds::default(),
            locks: Locks::default(),
            woken: Woken::new(config),
            promises: BTreeMap::new(),
            records: Records::new(config.producers.len()),
            retries: Retries::new(config),
            keys: Keys::new(config),
            effects: Effects::default(),
            filtering: Filtering::new(config),
            slots: Slots::default(),
            readings: Vec::new(),
            holds: BTreeMap::new(),
            held_before: BTreeSet::new(),
            open_calls: BTreeMap::new(),
            hung: BTreeMap::new(),
            threads: BTreeMap::new(),
            active: vec![SimTime::ZERO; config.groups.len()],
            expired: None,
            fell: [0; 3],
            read: read.collect(),
            heartbeats: BTreeMap::new(),
        }
    }

    /// The caller vouches that the end of the run leaves time for everything, whatever the configuration looks like.
    pub fn rested(mut self, rested: bool) -> Self {
        self.rested = rested;
        self
    }

    fn end(&self) -> SimTime {
        SimTime::ZERO + self.config.duration
    }

    fn group_of(&self, directory: &Directory, consumer: ConsumerId) -> &'a GroupConfig {
        &self.config.groups[directory.consumer(consumer).group.index()]
    }

    /// How often committed offsets fell: by crashes, by resets, and when queues changed hands.
    pub fn fell(&self) -> [u64; 3] {
        self.fell
    }

    /// The run is over.
    ///
    /// # Panics
    /// If an invariant does not hold.
    pub fn finish(&mut self, end: SimTime, directory: &Directory, left: &Leftovers) {
        let holds: Vec<_> = self.holds.keys().copied().collect();
        for (consumer, queue) in holds {
            self.sign_of_life(end, directory, consumer, queue);
        }
        for consumer in &self.processes.alive {
            self.thread_is_not_stuck(end, directory, *consumer);
        }
        self.no_copy_is_overdue(end, directory);
        self.locks_are_renewed(end, directory);
        self.every_append_is_told(end, directory, left);
        if self.is_settled(end) {
            self.nothing_leaks(end, directory, left);
            if self.producers_are_over(end) {
                self.all_is_stored(end, directory);
            }
            self.groups_at_rest(end, directory);
            self.heartbeats_have_come(end, directory);
        }
    }
}

impl Observer for Judge<'_> {
    fn observe(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        must(now, Invariant::K1, now >= self.now, || {
            format!("{fact:?} after {}", self.now)
        });
        self.now = now;
        self.calm.hear(now, fact);
        self.process_is_there(now, directory, fact);
        self.processes(now, directory, fact);
        if let Fact::TopicUpdated {
            topic, broker, read, ..
        } = fact
        {
            self.read.insert((topic.0, *broker), *read);
            self.processes.changed = now;
        }
        self.wakes(now, directory, fact);
        self.records(now, directory, fact);
        self.readings(now, directory, fact);
        self.offsets(now, directory, fact);
        self.retries(now, directory, fact);
        self.effects(now, directory, fact);
        self.rounds(now, directory, fact);
        self.hand_overs(now, directory, fact);
        self.pull_loops(now, directory, fact);
        self.connections(now, directory, fact);
        self.locks(now, directory, fact);
    }

    fn sample(&mut self, _: SimTime, _: &Directory) {}
}
