//! A listener that remembers what it has done: a store of message ids or keys, asked before each message.
//!
//! What the store knows is answered with success at once and has no effect. What it does not know is worked on; it is
//! marked before the work, or after its effect. Each has its gap. Marked *before*: a failure takes the mark back, but a
//! process that dies or a call that hangs leaves it, and the next delivery is suppressed although nothing was done.
//! Marked *after*: two deliveries that run at once both find nothing. A store forgets the least recently used beyond its
//! capacity, and everything after its time-to-live; it may be one for all members (a database) or one in each process,
//! gone with it. With its own chance an access fails: what cannot be looked up is worked on, what cannot be marked is
//! not known later.
//!
//! The effect happens at the end of the call, for each message that the listener has got through, whatever becomes of
//! the result: those of a batch that fails at its last message have had theirs. A call that is cut off had none.
//! Not a part of RocketMQ, whose documents ask every consumer for it.

use crate::cluster::Cluster;
use crate::cluster::consumer::process_queue::CachedMessage;
use crate::cluster::event::TaskSlot;
use crate::cluster::fact::{Fact, Observer};
use crate::cluster::ids::{ConsumerId, GroupId};
use crate::kernel::memory;
use crate::kernel::streams::{Luck, Source};
use crate::kernel::time::{SimDuration, SimTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What makes two deliveries the same work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Identity {
    /// The same message.
    #[default]
    MessageId,
    /// The same key (property `KEYS`), whatever message carries it.
    Key,
}

/// When a message is marked as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Mark {
    /// Before the work.
    Before,
    /// After its effect.
    #[default]
    After,
}

/// Who shares a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum StoreScope {
    /// All members: a database.
    #[default]
    Group,
    /// Nobody: the memory of one process.
    Process,
}

/// How a group remembers what it has done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IdempotentConfig {
    /// What is remembered.
    pub by: Identity,
    /// When.
    pub mark: Mark,
    /// By whom.
    pub scope: StoreScope,
    /// How much; 0: nothing, effects are only counted.
    pub capacity: u64,
    /// For how long.
    pub ttl: SimDuration,
    /// Chance that one access to the store fails; 0 … 1.
    pub failure_probability: f64,
}

/// What is remembered, least recently used first.
#[derive(Clone, Debug, Default)]
struct Store {
    /// When each was used last, and when it is forgotten.
    known: BTreeMap<u64, (u64, SimTime)>,
    by_use: BTreeMap<u64, u64>,
    uses: u64,
}

impl Store {
    fn use_now(&mut self, identity: u64, until: SimTime) {
        self.uses += 1;
        if let Some((last, _)) = self.known.insert(identity, (self.uses, until)) {
            self.by_use.remove(&last);
        }
        self.by_use.insert(self.uses, identity);
    }

    fn forget(&mut self, identity: u64) {
        if let Some((last, _)) = self.known.remove(&identity) {
            self.by_use.remove(&last);
        }
    }

    /// Whether it is known; that is a use of it.
    fn look_up(&mut self, now: SimTime, identity: u64) -> bool {
        match self.known.get(&identity).copied() {
            Some((_, until)) if until > now => {
                self.use_now(identity, until);
                true
            }
            Some(_) => {
                self.forget(identity);
                false
            }
            None => false,
        }
    }

    fn mark(&mut self, until: SimTime, identity: u64, capacity: u64) {
        if capacity == 0 {
            return;
        }
        self.use_now(identity, until);
        while self.known.len() as u64 > capacity {
            let Some((_, oldest)) = self.by_use.pop_first() else {
                return;
            };
            self.known.remove(&oldest);
        }
    }
}

/// One message of a call.
#[derive(Clone, Copy, Debug)]
struct Work {
    identity: u64,
    luck: Luck,
    reconsume_times: u16,
    has_effect: bool,
    is_suppressed: bool,
}

/// Stores of all groups, and the calls that will have effects.
#[derive(Debug, Default)]
pub struct Idempotence {
    shared: BTreeMap<GroupId, Store>,
    of_processes: BTreeMap<ConsumerId, Store>,
    calls: BTreeMap<u32, Vec<Work>>,
}

/// The accesses to a store, each with a luck of its own.
#[derive(Clone, Copy)]
enum Access {
    LookUp,
    Mark,
}

impl Idempotence {
    fn store(&mut self, config: &IdempotentConfig, group: GroupId, consumer: ConsumerId) -> &mut Store {
        match config.scope {
            StoreScope::Group => self.shared.entry(group).or_default(),
            StoreScope::Process => self.of_processes.entry(consumer).or_default(),
        }
    }

    /// A call has ended in whatever way without effects, or its client is gone.
    pub(super) fn call_cut_off(&mut self, slot: TaskSlot) {
        self.calls.remove(&slot.0);
    }

    /// A process has ended.
    pub(super) fn process_ended(&mut self, consumer: ConsumerId) {
        self.of_processes.remove(&consumer);
    }

    /// Bytes of what remembers so many messages.
    pub fn held_for(messages: u64) -> u64 {
        memory::of_entries::<u64, (u64, SimTime)>(messages) + memory::of_entries::<u64, u64>(messages)
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let stores = self.shared.values().chain(self.of_processes.values());
        let stores = stores.map(|store| memory::of_map(&store.known) + memory::of_map(&store.by_use));
        stores.sum::<u64>()
            + memory::of_map(&self.calls)
            + self.calls.values().map(memory::of_vec).sum::<u64>()
    }
}

impl<O: Observer> Cluster<O> {
    /// What stands for a message in the store of `group`.
    fn identity(&self, config: &IdempotentConfig, message: &CachedMessage) -> u64 {
        let key = || self.core.directory.attributes.key(message.id, message.luck);
        match config.by {
            Identity::MessageId => message.id.0,
            // A message without a key is nobody's double.
            Identity::Key => key().map_or(message.id.0 | 1 << 63, |key| u64::from(key.0)),
        }
    }

    fn access_fails(&self, group: GroupId, consumer: ConsumerId, work: &Work, access: Access) -> bool {
        let Some(config) = &self.config.groups[group.index()].idempotent else {
            return false;
        };
        let index = u64::from(consumer.0) << 32 | u64::from(work.reconsume_times) << 8 | access as u64;
        let mut luck = work.luck.fork(self.salts[group.index()].store, index);
        config.failure_probability > 0.0 && luck.unit() < config.failure_probability
    }

    /// Asks the store about the messages of a call that begins; which of them are suppressed, by position.
    #[inline(never)]
    pub(super) fn look_up_call(
        &mut self,
        consumer: ConsumerId,
        messages: &[Option<CachedMessage>],
    ) -> Vec<Option<bool>> {
        let now = self.core.now();
        let group = self.consumers[consumer.index()].group;
        let Some(config) = self.config.groups[group.index()].idempotent else {
            return Vec::new();
        };
        let mut suppressed = Vec::with_capacity(messages.len());
        for message in messages {
            let Some(message) = message else {
                suppressed.push(None);
                continue;
            };
            let work = self.work(&config, message);
            let reached = !self.access_fails(group, consumer, &work, Access::LookUp);
            let store = self.idempotence.store(&config, group, consumer);
            let known = reached && store.look_up(now, work.identity);
            if known {
                self.core.emit(Fact::EffectSuppressed {
                    group,
                    identity: work.identity,
                });
            } else if config.mark == Mark::Before && !self.access_fails(group, consumer, &work, Access::Mark)
            {
                let store = self.idempotence.store(&config, group, consumer);
                store.mark(now + config.ttl, work.identity, config.capacity);
            }
            suppressed.push(Some(known));
        }
        suppressed
    }

    fn work(&self, config: &IdempotentConfig, message: &CachedMessage) -> Work {
        Work {
            identity: self.identity(config, message),
            luck: Luck(message.luck),
            reconsume_times: message.progress.reconsume_times(),
            has_effect: false,
            is_suppressed: false,
        }
    }

    /// A call begins: `handled` tells of each message whether it was suppressed and whether it will have its effect.
    #[inline(never)]
    pub(super) fn note_call(
        &mut self,
        slot: TaskSlot,
        group: GroupId,
        handled: &[(CachedMessage, bool, bool)],
    ) {
        let Some(config) = self.config.groups[group.index()].idempotent else {
            return;
        };
        let work = |(message, is_suppressed, has_effect): &(CachedMessage, bool, bool)| Work {
            is_suppressed: *is_suppressed,
            has_effect: *has_effect,
            ..self.work(&config, message)
        };
        let works = handled.iter().map(work).collect();
        self.idempotence.calls.insert(slot.0, works);
    }

    /// A call returns: its effects have happened.
    #[inline(never)]
    pub(super) fn effects_happen(&mut self, slot: TaskSlot, consumer: ConsumerId) {
        let now = self.core.now();
        let group = self.consumers[consumer.index()].group;
        let Some(config) = self.config.groups[group.index()].idempotent else {
            return;
        };
        for work in self.idempotence.calls.remove(&slot.0).unwrap_or_default() {
            if work.has_effect {
                self.core.emit(Fact::EffectHappened {
                    group,
                    identity: work.identity,
                });
            }
            let marks = match config.mark {
                Mark::Before => None,
                Mark::After => work.has_effect.then_some(true),
            };
            // What was marked and came to nothing is taken back.
            let takes_back = config.mark == Mark::Before && !work.has_effect && !work.is_suppressed;
            if (marks.is_none() && !takes_back) || self.access_fails(group, consumer, &work, Access::Mark) {
                continue;
            }
            let store = self.idempotence.store(&config, group, consumer);
            if takes_back {
                store.forget(work.identity);
            } else {
                store.mark(now + config.ttl, work.identity, config.capacity);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SimTime = SimTime::from_nanos(1_000_000_000);
    const LATER: SimTime = SimTime::from_nanos(9_000_000_000);

    /// Room for two: 1 was used after 2, so 2 goes when 3 comes.
    #[test]
    fn the_least_recently_used_is_forgotten() {
        let mut store = Store::default();
        store.mark(LATER, 1, 2);
        store.mark(LATER, 2, 2);
        assert!(store.look_up(NOW, 1));
        store.mark(LATER, 3, 2);
        let known = [1, 2, 3].map(|identity| store.look_up(NOW, identity));
        assert_eq!(known, [true, false, true]);
        assert_eq!(store.known.len(), store.by_use.len());
    }

    #[test]
    fn everything_is_forgotten_after_its_time() {
        let mut store = Store::default();
        store.mark(LATER, 1, 10);
        assert!(store.look_up(LATER - SimDuration::from_nanos(1), 1));
        assert!(!store.look_up(LATER, 1));
        assert_eq!((store.known.len(), store.by_use.len()), (0, 0));
    }

    #[test]
    fn a_store_without_room_remembers_nothing() {
        let mut store = Store::default();
        store.mark(LATER, 1, 0);
        assert!(!store.look_up(NOW, 1));
    }
}
