//! What a story needs to know of everything else: what became of clients and brokers, who held which queue, and which
//! offsets their groups had committed.

use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, RebalanceTrigger, StartOffsetRule, StopKind};
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId};
use crate::cluster::network::Server;
use crate::kernel::time::SimTime;
use std::collections::BTreeMap;

/// Who reads which queue: a group, or in a broadcasting group one of its readers.
pub type Place = (GroupId, u32, QueueId);

/// From when to when; `None` while it lasts.
pub type Stretch = (SimTime, Option<SimTime>);

/// One client.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// When it started.
    pub started: Option<SimTime>,
    /// When it went, and how.
    pub stopped: Option<(SimTime, StopKind)>,
    /// When its process stood still.
    pub paused: Vec<Stretch>,
    /// What woke the rebalance round that it is in, or was in last.
    pub trigger: Option<RebalanceTrigger>,
    /// Since when it is in a rebalance round.
    pub in_round: Option<SimTime>,
    /// Servers that it cannot reach, and since when.
    pub cut: BTreeMap<Server, SimTime>,
    /// Servers to which everything takes longer, and since when.
    pub slow: BTreeMap<Server, SimTime>,
}

impl Client {
    /// Whether its process is there, stopped or not.
    pub fn is_alive(&self) -> bool {
        self.started.is_some() && self.stopped.is_none()
    }

    /// Since when its process stands still, if it does.
    pub fn stands_still(&self) -> Option<SimTime> {
        self.paused
            .last()
            .filter(|(_, to)| to.is_none())
            .map(|(from, _)| *from)
    }
}

/// Somebody takes a queue.
#[derive(Clone, Copy, Debug)]
pub struct Taking {
    /// Who.
    pub consumer: ConsumerId,
    /// When.
    pub at: SimTime,
    /// Where it begins.
    pub start_offset: u64,
    /// By which rule.
    pub decided_by: StartOffsetRule,
    /// Who held it last before.
    pub before: Option<ConsumerId>,
    /// What woke the round in which it did.
    pub trigger: Option<RebalanceTrigger>,
}

/// Somebody gives a queue up.
#[derive(Clone, Copy, Debug)]
pub struct Giving {
    /// Who.
    pub consumer: ConsumerId,
    /// When.
    pub at: SimTime,
    /// What woke the round in which it did.
    pub trigger: Option<RebalanceTrigger>,
}

/// A committed offset that went back.
#[derive(Clone, Copy, Debug)]
pub struct FallBack {
    /// When.
    pub at: SimTime,
    /// Where it stands since.
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

/// One broker whose process has ended at least once.
#[derive(Clone, Copy, Debug)]
struct Broker {
    ended: SimTime,
    crash: bool,
    is_down: bool,
}

static UNKNOWN_CLIENT: Client = Client {
    started: None,
    stopped: None,
    paused: Vec::new(),
    trigger: None,
    in_round: None,
    cut: BTreeMap::new(),
    slow: BTreeMap::new(),
};

static NEVER_HELD: Held = Held {
    committed: None,
    consumed_to: 0,
    owners: Vec::new(),
    taken: None,
    given: None,
    unowned: Vec::new(),
    fell_back: None,
    put_off: 0,
};

/// Everything that a story may have to name. It takes every fact in before anybody asks it about that fact.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    clients: BTreeMap<ConsumerId, Client>,
    brokers: BTreeMap<BrokerId, Broker>,
    held: BTreeMap<Place, Held>,
    /// When a broker last gave up a member of a group.
    expired: BTreeMap<GroupId, SimTime>,
}

impl Scene {
    /// What is known of a client.
    pub fn client(&self, consumer: ConsumerId) -> &Client {
        self.clients.get(&consumer).unwrap_or(&UNKNOWN_CLIENT)
    }

    /// All clients that have started, or to which something happened before they could.
    pub fn clients(&self) -> impl Iterator<Item = (ConsumerId, &Client)> {
        self.clients.iter().map(|(id, client)| (*id, client))
    }

    /// When a broker ended last, and whether it was killed.
    pub fn broker_ended(&self, broker: BrokerId) -> Option<(SimTime, bool)> {
        let broker = self.brokers.get(&broker)?;
        Some((broker.ended, broker.crash))
    }

    /// When a broker gave up a member of the group for the last time, because it had been silent for too long.
    pub fn expired(&self, group: GroupId) -> Option<SimTime> {
        self.expired.get(&group).copied()
    }

    /// Brokers that are down: since when, and whether they were killed.
    pub fn brokers_down(&self) -> impl Iterator<Item = (BrokerId, SimTime, bool)> {
        let down = self.brokers.iter().filter(|(_, broker)| broker.is_down);
        down.map(|(id, broker)| (*id, broker.ended, broker.crash))
    }

    /// What is known of a queue.
    pub fn held(&self, place: Place) -> &Held {
        self.held.get(&place).unwrap_or(&NEVER_HELD)
    }

    /// All queues that somebody of a group has held or for which it has an offset.
    pub fn places(&self) -> impl Iterator<Item = (Place, &Held)> {
        self.held.iter().map(|(place, held)| (*place, held))
    }

    /// What is known of a queue of the group, or the reader, to which `consumer` belongs.
    pub fn held_beside(&self, directory: &Directory, consumer: ConsumerId, queue: QueueId) -> &Held {
        let of = directory.consumer(consumer);
        self.held((of.group, of.reader, queue))
    }

    /// Takes a fact in.
    pub fn observe(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        match *fact {
            Fact::ConsumerStarted { .. }
            | Fact::ConsumerStopped { .. }
            | Fact::ConsumerPaused { .. }
            | Fact::ConsumerResumed { .. }
            | Fact::RebalanceBegan { .. }
            | Fact::RebalanceEnded { .. }
            | Fact::LinkCut { .. }
            | Fact::LinkHealed { .. }
            | Fact::LinkSlowed { .. } => self.client_changes(now, fact),
            Fact::BrokerStopped { broker, crash } => {
                let ended = Broker {
                    ended: now,
                    crash,
                    is_down: true,
                };
                self.brokers.insert(broker, ended);
            }
            Fact::BrokerStarted { broker } => {
                if let Some(broker) = self.brokers.get_mut(&broker) {
                    broker.is_down = false;
                }
            }
            Fact::QueueAcquired {
                consumer,
                queue,
                start_offset,
                decided_by,
            } => {
                let trigger = self.client(consumer).trigger;
                let held = self.of(directory, consumer, queue);
                let taking = Taking {
                    consumer,
                    at: now,
                    start_offset,
                    decided_by,
                    before: held.taken.map(|taken| taken.consumer),
                    trigger,
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
            Fact::MemberExpired { consumer, .. } => {
                self.expired.insert(directory.consumer(consumer).group, now);
            }
            Fact::FlowControlled { consumer, queue, .. } => {
                self.of(directory, consumer, queue).put_off += 1;
            }
            _ => {}
        }
    }

    fn client_changes(&mut self, now: SimTime, fact: &Fact) {
        let clients = &mut self.clients;
        match *fact {
            Fact::ConsumerStarted { consumer } => clients.entry(consumer).or_default().started = Some(now),
            Fact::ConsumerStopped { consumer, how } => {
                let client = clients.entry(consumer).or_default();
                client.stopped = Some((now, how));
                client.in_round = None;
                end(&mut client.paused, now);
            }
            Fact::ConsumerPaused { consumer } => {
                clients.entry(consumer).or_default().paused.push((now, None))
            }
            Fact::ConsumerResumed { consumer } => end(&mut clients.entry(consumer).or_default().paused, now),
            Fact::RebalanceBegan { consumer, trigger } => {
                let client = clients.entry(consumer).or_default();
                client.trigger = Some(trigger);
                client.in_round = Some(now);
            }
            Fact::RebalanceEnded { consumer, .. } => clients.entry(consumer).or_default().in_round = None,
            Fact::LinkCut { consumer, server } => {
                clients.entry(consumer).or_default().cut.insert(server, now);
            }
            Fact::LinkHealed { consumer, server } => {
                clients.entry(consumer).or_default().cut.remove(&server);
            }
            Fact::LinkSlowed {
                consumer,
                server,
                slow: true,
            } => {
                clients.entry(consumer).or_default().slow.insert(server, now);
            }
            Fact::LinkSlowed {
                consumer,
                server,
                slow: false,
            } => {
                clients.entry(consumer).or_default().slow.remove(&server);
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
