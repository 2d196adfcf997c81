//! How far groups have come at an instant, as `mqadmin consumerProgress` would tell it then.
//!
//! A run to that instant says where all offsets stand; when the last committed message of each queue was stored, only a
//! second one can say, since nobody knows beforehand which message that is. What is due at the instant itself has not
//! happened yet. A queue without a committed offset counts from 0, and only topics of which a group has committed
//! something on a broker are shown of it.
//!
//! Source: `ConsumerProgressSubCommand`, `AdminBrokerProcessor.getConsumeStats`, `StatsItem` (the rate is that of
//! messages pulled in the last minute, as sampled every 10 s).

use crate::cluster::Cluster;
use crate::cluster::bounds::Bounds;
use crate::cluster::config::{ClusterConfig, RocketMqVersion};
use crate::cluster::consumer::delivery::Delivery;
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, Observer, StopKind};
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId, TopicId};
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::beside::{Accompanied, Beside};
use crate::observe::observation::Observation;
use std::collections::{BTreeMap, BTreeSet};

/// All groups at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// When.
    pub at: SimTime,
    /// In the order of the scenario.
    pub groups: Vec<GroupProgress>,
}

/// One group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupProgress {
    /// Its name.
    pub group: String,
    /// Members that the first broker that is up knows.
    pub count: u64,
    /// As `MQVersion` says it.
    pub version: &'static str,
    /// Whether its clients pull of their own accord (`CONSUME_ACTIVELY`).
    pub is_pull: bool,
    /// Whether each member gets all messages: then brokers know no offsets.
    pub is_broadcasting: bool,
    /// Messages pulled per second.
    pub consume_tps: f64,
    /// Sorted as `MessageQueue.compareTo` sorts: by topic, broker, number.
    pub queues: Vec<QueueProgress>,
}

impl GroupProgress {
    /// Messages not committed.
    pub fn diff_total(&self) -> u64 {
        self.queues.iter().map(QueueProgress::diff).sum()
    }
    /// Messages pulled and not committed.
    pub fn inflight_total(&self) -> u64 {
        self.queues.iter().map(|queue| queue.inflight).sum()
    }
}

/// One queue as a group has left it.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueProgress {
    /// Its topic.
    pub topic: String,
    /// Its broker.
    pub broker: String,
    /// `queueId`.
    pub queue_id: u32,
    /// The max offset.
    pub broker_offset: u64,
    /// The committed offset; 0 if there is none.
    pub consumer_offset: u64,
    /// Who has the queue: its client id up to an `@`, where RocketMQ's have the address.
    pub client: Option<String>,
    /// Messages pulled and not committed.
    pub inflight: u64,
    /// When the last committed message was stored.
    pub last_time: Option<SimTime>,
}

impl QueueProgress {
    /// Messages not committed.
    pub fn diff(&self) -> u64 {
        self.broker_offset.saturating_sub(self.consumer_offset)
    }
}

/// The progress of all groups at `at`, which lies within the run; `None` if `bounds` have stopped it before.
pub fn progress(
    config: &ClusterConfig,
    at: SimTime,
    bounds: &Bounds<'_>,
    mut tell: impl FnMut(SimTime, u64),
) -> Option<Progress> {
    let config = ClusterConfig {
        duration: at.since(SimTime::ZERO),
        warmup: SimDuration::ZERO,
        ..config.clone()
    };
    let mut look = Look::new(at);
    let observer = Accompanied {
        observation: Observation::new(&config),
        others: vec![&mut look],
    };
    let mut done = Cluster::new(config.clone(), observer).run_within(bounds, &mut tell);
    if done.stopped.is_some() {
        return None;
    }
    let observation = &mut done.observer.observation;
    observation.finish(done.end, &done.directory);
    let done = Finished {
        config: &config,
        observation: &done.observer.observation,
        directory: &done.directory,
    };
    let mut groups = done.groups(&look);
    let wanted = groups.iter().flat_map(|(_, queues)| {
        let offsets = queues.iter().map(|(queue, of)| (*queue, of.consumer_offset));
        offsets.filter_map(|(queue, offset)| Some((queue, offset.checked_sub(1)?)))
    });
    let store_times = StoreTimes {
        found: wanted.map(|place| (place, None)).collect(),
        dead: BTreeMap::new(),
    };
    let again = Cluster::new(config.clone(), store_times).run_within(bounds, &mut tell);
    if again.stopped.is_some() {
        return None;
    }
    for (queue, of) in groups.iter_mut().flat_map(|(_, queues)| queues) {
        let place = of.consumer_offset.checked_sub(1).map(|last| (*queue, last));
        of.last_time = place.and_then(|place| again.observer.found.get(&place).copied()?);
    }
    let groups = groups.into_iter().map(|(group, queues)| GroupProgress {
        queues: queues.into_iter().map(|(_, queue)| queue).collect(),
        ..group
    });
    Some(Progress {
        at,
        groups: groups.collect(),
    })
}

/// What brokers know and the observation does not count.
struct Look {
    /// The stretch over which the rate is taken.
    rate: (SimTime, SimTime),
    /// Messages pulled in it.
    pulled: BTreeMap<(GroupId, TopicId, BrokerId), u64>,
    /// `ConsumerOffsetManager.pullOffsetTable`.
    pull_offsets: BTreeMap<(GroupId, QueueId), u64>,
    connected: BTreeSet<(BrokerId, ConsumerId)>,
    down: BTreeSet<BrokerId>,
}

impl Look {
    fn new(at: SimTime) -> Self {
        let tick = 10_000_000_000;
        let to = at.as_nanos() / tick * tick;
        Self {
            rate: (
                SimTime::from_nanos(to.saturating_sub(6 * tick)),
                SimTime::from_nanos(to),
            ),
            pulled: BTreeMap::new(),
            pull_offsets: BTreeMap::new(),
            connected: BTreeSet::new(),
            down: BTreeSet::new(),
        }
    }

    /// What `group` pulls per second of topics of which a broker knows an offset (`whichTopicByConsumer`).
    fn tps(&self, group: GroupId, known: &BTreeSet<(TopicId, BrokerId)>) -> f64 {
        let seconds = self.rate.1.since(self.rate.0).as_secs_f64();
        let pulled = |&(topic, broker): &(TopicId, BrokerId)| self.pulled.get(&(group, topic, broker));
        let pulled: u64 = known.iter().filter_map(pulled).sum();
        if seconds > 0.0 {
            pulled as f64 / seconds
        } else {
            0.0
        }
    }
}

impl Beside for Look {
    fn observe(&mut self, now: SimTime, directory: &Directory, fact: &Fact, _: &Observation) {
        match *fact {
            Fact::PullHeld {
                queue,
                consumer,
                offset,
            } => {
                let group = directory.consumer(consumer).group;
                self.pull_offsets.insert((group, queue), offset);
            }
            Fact::PullAnswered {
                queue,
                consumer,
                messages,
                next_offset,
                ..
            }
            | Fact::Pushed {
                queue,
                consumer,
                messages,
                next_offset,
                ..
            } => {
                let group = directory.consumer(consumer).group;
                self.pull_offsets.insert((group, queue), next_offset);
                if self.rate.0 <= now && now < self.rate.1 {
                    let of = directory.queue(queue);
                    let pulled = self.pulled.entry((group, of.topic, of.broker)).or_default();
                    *pulled += u64::from(messages);
                }
            }
            Fact::Heartbeat { broker, consumer } => _ = self.connected.insert((broker, consumer)),
            Fact::MemberExpired { broker, consumer } => _ = self.connected.remove(&(broker, consumer)),
            Fact::ConsumerStopped { consumer, how } if how != StopKind::Vanished => {
                self.connected.retain(|(_, member)| *member != consumer);
            }
            Fact::BrokerStopped { broker, .. } => {
                self.connected.retain(|(of, _)| *of != broker);
                self.down.insert(broker);
            }
            Fact::BrokerStarted { broker } => _ = self.down.remove(&broker),
            _ => {}
        }
    }
}

/// A run that has come to the instant.
struct Finished<'a> {
    config: &'a ClusterConfig,
    observation: &'a Observation,
    directory: &'a Directory,
}

/// A group, its queues apart.
type Found = (GroupProgress, Vec<(QueueId, QueueProgress)>);

impl Finished<'_> {
    fn groups(&self, look: &Look) -> Vec<Found> {
        let groups = (0..self.directory.groups.len() as u32).map(GroupId);
        groups.map(|group| self.group(group, look)).collect()
    }

    fn group(&self, group: GroupId, look: &Look) -> Found {
        let info = self.directory.group(group);
        let asked = (0..self.directory.brokers.len() as u32)
            .map(BrokerId)
            .find(|broker| !look.down.contains(broker));
        let members = look.connected.iter().filter(|(broker, consumer)| {
            Some(*broker) == asked && self.directory.consumer(*consumer).group == group
        });
        let is_broadcasting = !info.readers.is_empty();
        let known = match is_broadcasting {
            true => BTreeSet::new(),
            false => self.known(group, look),
        };
        let progress = GroupProgress {
            group: info.name.clone(),
            count: members.count() as u64,
            version: match self.config.version {
                RocketMqVersion::V4_9 => "V4_9_0",
                RocketMqVersion::V5_3 => "V5_3_0",
            },
            is_pull: matches!(info.delivery, Delivery::Pull { .. }),
            is_broadcasting,
            consume_tps: look.tps(group, &known),
            queues: Vec::new(),
        };
        let queues = self.queues(group, &known, look);
        (progress, queues)
    }

    /// The topic and the broker of the queue of a slot.
    fn place(&self, slot: usize) -> (TopicId, BrokerId) {
        let of = self.directory.queue(self.observation.slots.get(slot).queue);
        (of.topic, of.broker)
    }

    fn committed(&self, slot: usize) -> Option<u64> {
        self.observation.lag.slot(slot).committed()
    }

    /// Where a broker that is up knows offsets of `group`. `mqadmin` asks no other.
    fn known(&self, group: GroupId, look: &Look) -> BTreeSet<(TopicId, BrokerId)> {
        let slots = self.observation.slots.of_group(group);
        let slots = slots.filter(|&slot| self.committed(slot).is_some());
        let places = slots.map(|slot| self.place(slot));
        places.filter(|(_, broker)| !look.down.contains(broker)).collect()
    }

    fn queues(
        &self,
        group: GroupId,
        known: &BTreeSet<(TopicId, BrokerId)>,
        look: &Look,
    ) -> Vec<(QueueId, QueueProgress)> {
        let (observation, directory) = (self.observation, self.directory);
        let slots = observation.slots.of_group(group);
        let mut queues: Vec<(QueueId, QueueProgress)> = slots
            .filter(|&slot| known.contains(&self.place(slot)))
            .filter(|&slot| !observation.ownership.is_stranded(slot))
            .map(|slot| {
                let queue = observation.slots.get(slot).queue;
                let of = directory.queue(queue);
                let consumer_offset = self.committed(slot).unwrap_or(0);
                let pull_offset = look.pull_offsets.get(&(group, queue)).copied().unwrap_or(0);
                let owner = observation.ownership.owner(slot);
                let client = owner.map(|owner| directory.consumer(owner).client_id.as_str());
                let address = client.map(|id| id.split('@').next().unwrap_or(id).to_owned());
                let progress = QueueProgress {
                    topic: directory.topic(of.topic).name.clone(),
                    broker: directory.broker(of.broker).to_owned(),
                    queue_id: of.index,
                    broker_offset: observation.lag.visible(queue),
                    consumer_offset,
                    client: address,
                    inflight: pull_offset.saturating_sub(consumer_offset),
                    last_time: None,
                };
                (queue, progress)
            })
            .collect();
        queues.sort_by(|(_, a), (_, b)| {
            (&a.topic, &a.broker, a.queue_id).cmp(&(&b.topic, &b.broker, b.queue_id))
        });
        queues
    }
}

/// When some records were stored.
struct StoreTimes {
    found: BTreeMap<(QueueId, u64), Option<SimTime>>,
    /// Dead letters so far, by queue.
    dead: BTreeMap<QueueId, u64>,
}

impl StoreTimes {
    /// Nobody can say of a record below the min offset when it was stored.
    fn forget_below(&mut self, queue: QueueId, offset: u64) {
        let gone = self.found.range_mut((queue, 0)..(queue, offset));
        gone.for_each(|(_, found)| *found = None);
    }
}

impl Observer for StoreTimes {
    fn observe(&mut self, now: SimTime, _: &Directory, fact: &Fact) {
        let place = match *fact {
            Fact::Stored { queue, offset, .. }
            | Fact::RetryStored { queue, offset, .. }
            | Fact::Forwarded { queue, offset, .. }
            | Fact::Resent { queue, offset, .. } => (queue, offset),
            Fact::DeadLettered { dlq_queue, .. } => {
                let count = self.dead.entry(dlq_queue).or_default();
                *count += 1;
                (dlq_queue, *count - 1)
            }
            Fact::Expired { queue, to, .. } => return self.forget_below(queue, to),
            _ => return,
        };
        if let Some(found) = self.found.get_mut(&place) {
            *found = Some(now);
        }
    }

    fn sample(&mut self, _: SimTime, _: &Directory) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rate counts topics with an offset at a broker that is asked, and no others.
    #[test]
    fn the_rate_is_of_topics_with_offsets() {
        let mut look = Look::new(SimTime::from_nanos(60_000_000_000));
        let (group, topic) = (GroupId(0), TopicId(0));
        look.pulled.insert((group, topic, BrokerId(0)), 600);
        look.pulled.insert((group, topic, BrokerId(1)), 1_200);
        look.pulled.insert((GroupId(1), topic, BrokerId(0)), 6_000);
        let tps = |brokers: &[u32]| {
            let known = brokers.iter().map(|&broker| (topic, BrokerId(broker)));
            look.tps(group, &known.collect())
        };
        assert_eq!([tps(&[]), tps(&[0]), tps(&[0, 1])], [0.0, 10.0, 30.0]);
    }

    /// A record that retention has removed has no time of storage any more.
    #[test]
    fn expired_records_have_no_time() {
        let found = [(0, 4), (1, 4), (1, 5), (2, 0)].map(|(queue, offset)| (QueueId(queue), offset));
        let mut times = StoreTimes {
            found: found.map(|place| (place, Some(SimTime::ZERO))).into(),
            dead: BTreeMap::new(),
        };
        times.forget_below(QueueId(1), 5);
        let left = times.found.values().map(Option::is_some);
        assert_eq!(left.collect::<Vec<_>>(), [true, false, true, true]);
    }
}
