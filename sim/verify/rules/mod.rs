//! The rules of a cluster, judged fact by fact, for any scenario.
//!
//! A [`Judge`] is an observer: it keeps what the rules need and no list of facts. Each file holds one subject. What the
//! end of a run must show is asked only if the end leaves time for it ([`rest`]). Texts tell who, what and what was
//! expected; the ids are those of [`Invariant`].

pub mod anomalies;
pub mod asked;
pub mod bounds;
mod calls;
mod connections;
mod effects;
mod excuses;
mod filtering;
mod flow;
mod group_end;
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
mod shares;
mod woken;

use crate::cluster::Leftovers;
use crate::cluster::config::{ClusterConfig, GroupConfig};
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, Observer};
use crate::cluster::ids::{ConsumerId, QueueId};
use crate::kernel::time::SimTime;
use crate::observe::invariant::Invariant;
use crate::observe::slots::Slots;
use crate::verify::read_queues::ReadQueues;
use asked::Asked;
use bounds::Bounds;
use calls::Calls;
use connections::Heartbeats;
use effects::Effects;
use excuses::Excuses;
use filtering::Filtering;
use handover::Promise;
use holds::Hold;
use keys::Keys;
use locks::Locks;
use processes::Processes;
use readings::Reading;
use records::Records;
use retries::Retries;
use rounds::Rounds;
#[cfg(test)]
pub(super) use shares::partition;
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
    asked: Asked,
    excuses: Excuses,
    processes: Processes,
    heartbeats: Heartbeats,
    rounds: Rounds,
    locks: Locks,
    woken: Woken,
    calls: Calls,
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
    /// When each group last did something with messages.
    active: Vec<SimTime>,
    /// How often committed offsets fell, by [`Fell`](offsets::Fell).
    fell: [u64; 3],
    read: ReadQueues,
}

impl<'a> Judge<'a> {
    /// For one run of `config`.
    pub fn new(config: &'a ClusterConfig) -> Self {
        let excuses = Excuses::new(config);
        Self {
            config,
            bounds: Bounds::new(config),
            rested: false,
            now: SimTime::ZERO,
            asked: Asked::default(),
            processes: Processes::default(),
            heartbeats: Heartbeats::default(),
            rounds: Rounds::default(),
            locks: Locks::default(),
            woken: Woken::new(config, &excuses),
            excuses,
            calls: Calls::default(),
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
            active: vec![SimTime::ZERO; config.groups.len()],
            fell: [0; 3],
            read: ReadQueues::new(config),
        }
    }

    /// The caller vouches that the end of the run leaves time for everything, whatever the configuration looks like.
    pub fn rested(mut self, rested: bool) -> Self {
        self.rested = rested;
        self
    }

    fn group_of(&self, directory: &Directory, consumer: ConsumerId) -> &'a GroupConfig {
        &self.config.groups[directory.consumer(consumer).group.index()]
    }

    /// How often committed offsets fell: by crashes, by resets, and when queues changed hands.
    pub fn fell(&self) -> [u64; 3] {
        self.fell
    }

    /// How often each rule was asked.
    pub fn asked(&self) -> &Asked {
        &self.asked
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
            let groups = self.group_ends(end, directory);
            self.nothing_leaks(end, directory, left, &groups);
            if self.producers_are_over(end) {
                self.all_is_stored(end, directory);
            }
            self.groups_at_rest(end, directory, &groups);
            self.heartbeats_have_come(end, directory);
        }
    }
}

impl Observer for Judge<'_> {
    fn observe(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        self.asked.must(now, Invariant::K1, now >= self.now, || {
            format!("a fact after one of {}", self.now)
        });
        self.now = now;
        self.connections(now, directory, fact);
        self.excuses.hear(now, fact);
        self.process_is_there(now, directory, fact);
        self.processes(now, directory, fact);
        self.calls.hear(fact);
        self.read.hear(fact);
        if let Fact::TopicUpdated { .. } = fact {
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
        self.locks(now, directory, fact);
    }

    fn sample(&mut self, _: SimTime, _: &Directory) {}
}
