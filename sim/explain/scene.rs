//! What a story needs to know of everything else: what became of clients and brokers, who held which queue, and which
//! offsets their groups had committed.

use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, RebalanceTrigger, StartOffsetRule, StopKind};
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId};
use crate::kernel::time::SimTime;
use std::collections::BTreeMap;

/// Who reads which queue: a group, or in a broadcasting group one of its readers.
pub type Place = (GroupId, u32, QueueId);

/// From when to when; `None` while it lasts.
pub type Stretch = (SimTime, Option<SimTime>);

/// One client.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// When it went, and how.
    pub stopped: Option<(SimTime, StopKind)>,
    /// When its process stood still.
    pub paused: Vec<Stretch>,
    /// What woke the rebalance round that it is in, or was in last.
    pub trigger: Option<RebalanceTrigger>,
}

/// Somebody takes a queue.
#[derive(Clone, Copy, Debug)]
pub struct Taking {
    pub consumer: ConsumerId,
    pub at: SimTime,
    pub start_offset: u64,
    pub decided_by: StartOffsetRule,
    /// Who held it last before.
    pub before: Option<ConsumerId>,
}

/// Somebody gives a queue up.
#[derive(Clone, Copy, Debug)]
pub struct Giving {
    pub consumer: ConsumerId,
    pub at: SimTime,
    /// What woke the round in which it did.
    pub trigger: Option<RebalanceTrigger>,
}

/// A committed offset that went back.
#[derive(Clone, Copy, Debug)]
pub struct FallBack {
    pub at: SimTime,
    pub to: u64,
}

/// One queue as one reader has it.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// What the broker knows, or in a broadcasting group the file.
    pub committed: Option<u64>,
    /// One past the highest record that was consumed.
    pub consumed_to: u64,
    /// Present owners, oldest first.
    pub owners: Vec<ConsumerId>,
    /// The last that took it.
    pub taken: Option<Taking>,
    /// The last that gave it up.
    pub given: Option<Giving>,
    /// When nobody had it; before its first owner too.
    pub unowned: Vec<Stretch>,
    /// When the committed offset went back for the last time.
    pub fell_back: Option<FallBack>,
    /// How often a pull was put off because the cache was full.
    pub put_off: u64,
}

/// Everything that a story may have to name.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    clients: BTreeMap<ConsumerId, Client>,
    brokers: BTreeMap<BrokerId, (SimTime, bool)>,
    held: BTreeMap<Place, Held>,
}

impl Scene {
    /// What is known of a client.
    pub fn client(&self, consumer: ConsumerId) -> Client {
        self.clients.get(&consumer).cloned().unwrap_or_default()
    }

    /// When a broker ended last, and whether it was killed.
    pub fn broker_ended(&self, broker: BrokerId) -> Option<(SimTime, bool)> {
        self.brokers.get(&broker).copied()
    }

    /// What is known of a queue.
    pub fn held(&self, place: Place) -> Held {
        self.held.get(&place).cloned().unwrap_or_default()
    }

    /// Takes a fact in.
    pub fn observe(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        match *fact {
            Fact::ConsumerStopped { consumer, how } => {
                let client = self.clients.entry(consumer).or_default();
                client.stopped = Some((now, how));
                end(&mut client.paused, now);
            }
            Fact::ConsumerPaused { consumer } => {
                self.clients.entry(consumer).or_default().paused.push((now, None));
            }
            Fact::ConsumerResumed { consumer } => {
                end(&mut self.clients.entry(consumer).or_default().paused, now);
            }
            Fact::RebalanceBegan { consumer, trigger } => {
                self.clients.entry(consumer).or_default().trigger = Some(trigger);
            }
            Fact::BrokerStopped { broker, crash } => {
                self.brokers.insert(broker, (now, crash));
            }
            Fact::QueueAcquired {
                consumer,
                queue,
                start_offset,
                decided_by,
            } => {
                let held = self.of(directory, consumer, queue);
                let taking = Taking {
                    consumer,
                    at: now,
                    start_offset,
                    decided_by,
                    before: held.taken.map(|taken| taken.consumer),
                };
                if taking.before.is_none() {
                    held.unowned.push((SimTime::ZERO, None));
                }
                held.taken = Some(taking);
                held.owners.push(consumer);
                end(&mut held.unowned, now);
            }
            Fact::QueueReleased { consumer, queue, .. } => {
                let trigger = self.client(consumer).trigger;
                let held = self.of(directory, consumer, queue);
                held.given = Some(Giving {
                    consumer,
                    at: now,
                    trigger,
                });
                held.owners.retain(|owner| *owner != consumer);
                if held.owners.is_empty() {
                    held.unowned.push((now, None));
                }
            }
            Fact::OffsetCommitted {
                group,
                queue,
                old,
                new,
                ..
            } => {
                let held = self.held.entry((group, 0, queue)).or_default();
                held.committed = Some(new);
                if old.is_some_and(|old| new < old) {
                    held.fell_back = Some(FallBack { at: now, to: new });
                }
            }
            Fact::LocalOffsetStored {
                consumer,
                queue,
                offset,
            } => self.of(directory, consumer, queue).committed = Some(offset),
            Fact::Consumed {
                consumer,
                queue,
                offset,
                success: true,
                ..
            } => {
                let held = self.of(directory, consumer, queue);
                held.consumed_to = held.consumed_to.max(offset + 1);
            }
            Fact::FlowControlled { consumer, queue, .. } => {
                self.of(directory, consumer, queue).put_off += 1;
            }
            _ => {}
        }
    }

    fn of(&mut self, directory: &Directory, consumer: ConsumerId, queue: QueueId) -> &mut Held {
        let of = directory.consumer(consumer);
        self.held.entry((of.group, of.reader, queue)).or_default()
    }
}

/// The last stretch ends, if it has not.
fn end(stretches: &mut [Stretch], now: SimTime) {
    if let Some((_, to @ None)) = stretches.last_mut() {
        *to = Some(now);
    }
}
