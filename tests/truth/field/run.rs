//! What a run of a scenario showed of one group, in the words of the recordings.
//!
//! Recordings call a consumer by what follows the address in its client id, and queue 3 of broker-a `a:3`. A scenario
//! may name them otherwise: then the sort order tells who is who, as it tells RocketMQ who gets what.

use rmqsim::cluster::Cluster;
use rmqsim::cluster::config::{Action, ClusterConfig, Member};
use rmqsim::cluster::directory::{Directory, TopicKind};
use rmqsim::cluster::fact::{Fact, Observer};
use rmqsim::cluster::ids::{BrokerId, ConsumerId, GroupId, MessageId, QueueId};
use rmqsim::cluster::sabotage::Sabotage;
use rmqsim::kernel::time::{SimDuration, SimTime};
use std::collections::BTreeMap;

pub fn at(millis: u64) -> SimTime {
    SimTime::ZERO + SimDuration::from_millis(millis)
}

/// Milliseconds from `from` to `to`, negative if `to` is earlier.
pub fn millis_between(from: SimTime, to: SimTime) -> f64 {
    let nanos = |time: SimTime| time.since(SimTime::ZERO).as_nanos() as f64;
    ((nanos(to) - nanos(from)) / 1e6 * 10.0).round() / 10.0
}

#[derive(Default)]
struct Keeper(Vec<(SimTime, Fact)>);

impl Observer for Keeper {
    fn observe(&mut self, now: SimTime, _: &Directory, fact: &Fact) {
        self.0.push((now, fact.clone()));
    }
    fn sample(&mut self, _: SimTime, _: &Directory) {}
}

/// What somebody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The client is up and sends its first heartbeat.
    Joins,
    /// It is told to stop, or its process ends.
    Leaves,
    Dies,
    Stops,
    GoesOn,
}

/// Everything that happened, whatever group it concerns.
pub struct Facts {
    facts: Vec<(SimTime, Fact)>,
    directory: Directory,
}

pub fn simulate(config: &ClusterConfig) -> Facts {
    simulate_with(config, None)
}

/// As [`simulate`], with a fault of the simulator planted.
pub fn simulate_with(config: &ClusterConfig, fault: Option<Sabotage>) -> Facts {
    let mut cluster = Cluster::new(config.clone(), Keeper::default());
    if let Some(fault) = fault {
        cluster = cluster.sabotaged(fault);
    }
    let done = cluster.run(|_, _| {});
    Facts {
        facts: done.observer.0,
        directory: done.directory,
    }
}

/// What a run showed of one group.
pub struct Run<'a> {
    pub config: &'a ClusterConfig,
    pub group: GroupId,
    facts: Vec<&'a (SimTime, Fact)>,
    directory: &'a Directory,
    /// By client id.
    names: BTreeMap<String, String>,
    /// By [`BrokerId`].
    brokers: Vec<String>,
}

/// Queues of the user topic by consumer, as the recordings write them.
pub type Map = BTreeMap<String, Vec<String>>;

impl<'a> Run<'a> {
    /// The view of `group`, with the recorded names of `consumers` and `brokers`.
    pub fn of(
        config: &'a ClusterConfig,
        all: &'a Facts,
        group: GroupId,
        consumers: &[String],
        brokers: &[String],
    ) -> Self {
        let directory = &all.directory;
        let clients = config.groups[group.index()].consumers.iter();
        let ids = clients.map(|consumer| consumer.client_id.clone()).collect();
        let own: Vec<String> = config.brokers.iter().map(|broker| broker.name.clone()).collect();
        let of_broker = names(own.clone(), brokers, |name| {
            name.rsplit('-').next().unwrap_or(name).to_owned()
        });
        Self {
            config,
            group,
            facts: all
                .facts
                .iter()
                .filter(|(_, fact)| concerns(fact, directory, group))
                .collect(),
            directory,
            names: names(ids, consumers, |id| {
                id.rsplit('@').next().unwrap_or(id).to_owned()
            }),
            brokers: own.iter().map(|name| of_broker[name].clone()).collect(),
        }
    }

    pub fn end(&self) -> SimTime {
        SimTime::ZERO + self.config.duration
    }

    pub fn select<T>(&self, pick: impl Fn(&Fact) -> Option<T>) -> Vec<(SimTime, T)> {
        let pick = |(time, fact): &&(SimTime, Fact)| Some((*time, pick(fact)?));
        self.facts.iter().filter_map(pick).collect()
    }

    /// The name in the recording.
    pub fn consumer(&self, consumer: ConsumerId) -> &str {
        self.name_of(&self.directory.consumer(consumer).client_id)
    }

    fn name_of<'n>(&'n self, client_id: &'n str) -> &'n str {
        self.names.get(client_id).map_or(client_id, String::as_str)
    }

    pub fn kind(&self, queue: QueueId) -> TopicKind {
        self.directory.topic(self.directory.queue(queue).topic).kind
    }

    pub fn is_user(&self, queue: QueueId) -> bool {
        self.kind(queue) == TopicKind::User
    }

    /// `a:3` for queue 3 of broker-a, `RETRY/a:0` for one of the retry topic.
    pub fn queue(&self, queue: QueueId) -> String {
        let info = self.directory.queue(queue);
        let before = if matches!(self.kind(queue), TopicKind::Retry(_)) {
            "RETRY/"
        } else {
            ""
        };
        format!("{before}{}:{}", self.brokers[info.broker.index()], info.index)
    }

    pub fn broker_of(&self, queue: QueueId) -> BrokerId {
        self.directory.queue(queue).broker
    }

    /// Broker number `broker` in the words of the recording.
    pub fn broker(&self, broker: BrokerId) -> &str {
        &self.brokers[broker.index()]
    }

    /// Who did what to the group's members, in time order.
    pub fn deeds(&self) -> Vec<(SimTime, Deed, String)> {
        let group = &self.config.groups[self.group.index()];
        let startup = group.tuning.startup_time.duration();
        let started = self.select(|fact| match fact {
            Fact::ConsumerStarted { consumer } => Some(*consumer),
            _ => None,
        });
        let joins = started
            .into_iter()
            .map(|(time, consumer)| (time + startup, Deed::Joins, self.consumer(consumer)));
        let own = |member: Member| {
            (member.group == self.group)
                .then(|| self.name_of(&group.consumers[member.consumer as usize].client_id))
        };
        let of_timeline = self.config.timeline.iter().filter_map(|entry| {
            let (deed, member) = match entry.action {
                Action::Leave(member) => (Deed::Leaves, member),
                Action::Kill(member) | Action::Vanish(member) => (Deed::Dies, member),
                Action::Pause(member) => (Deed::Stops, member),
                Action::Resume(member) => (Deed::GoesOn, member),
                _ => return None,
            };
            Some((entry.at, deed, own(member)?))
        });
        let deeds = joins.chain(of_timeline).filter(|(time, ..)| *time < self.end());
        let mut deeds: Vec<_> = deeds
            .map(|(time, deed, who)| (time, deed, who.to_owned()))
            .collect();
        deeds.sort_by_key(|(time, ..)| *time);
        deeds
    }

    /// The first time that somebody does this.
    pub fn first(&self, deed: Deed) -> Option<(SimTime, String)> {
        let found = self.deeds().into_iter().find(|(_, of, _)| *of == deed);
        found.map(|(time, _, who)| (time, who))
    }

    /// Changes of who holds which queue of the user topic: time, consumer, queue, taken or given up.
    fn changes(&self) -> Vec<(SimTime, (ConsumerId, QueueId, bool))> {
        let mut changes = self.select(|fact| match fact {
            Fact::QueueAcquired { consumer, queue, .. } => Some((*consumer, *queue, true)),
            Fact::QueueReleased { consumer, queue, .. } => Some((*consumer, *queue, false)),
            _ => None,
        });
        changes.retain(|(_, (_, queue, _))| self.is_user(*queue));
        changes
    }

    /// Whose queues changed from `from` to `to`, and when, in ms after `from`, rounded up.
    pub fn changes_within(&self, from: SimTime, to: SimTime) -> Vec<(f64, String)> {
        let changes = self
            .changes()
            .into_iter()
            .filter(|(time, _)| (from..to).contains(time));
        let after = |time: SimTime| time.since(from).as_nanos().div_ceil(1_000_000) as f64;
        changes
            .map(|(time, (consumer, ..))| (after(time), self.consumer(consumer).to_owned()))
            .collect()
    }

    /// Who holds what just before `time`. Who holds nothing is not listed.
    pub fn map(&self, time: SimTime) -> Map {
        let mut map = Map::new();
        for (_, (consumer, queue, taken)) in self.changes().iter().filter(|(t, _)| *t < time) {
            let queues = map.entry(self.consumer(*consumer).to_owned()).or_default();
            let queue = self.queue(*queue);
            if *taken {
                queues.push(queue);
            } else {
                queues.retain(|held| *held != queue);
            }
        }
        map.values_mut().for_each(|queues| queues.sort());
        map.retain(|_, queues| !queues.is_empty());
        map
    }

    /// All deliveries, in time order.
    pub fn deliveries(&self) -> Vec<Delivery> {
        let found = self.select(|fact| match fact {
            Fact::Delivered {
                consumer,
                queue,
                offset,
                message,
                reconsume_times,
                born,
                ..
            } => Some((*consumer, *queue, *offset, *message, *reconsume_times, *born)),
            _ => None,
        });
        let delivery = |(time, (consumer, queue, offset, message, times, born))| Delivery {
            time,
            consumer,
            who: self.consumer(consumer).to_owned(),
            queue: self.queue(queue),
            of_user: self.is_user(queue),
            offset,
            message,
            times,
            born,
        };
        found.into_iter().map(delivery).collect()
    }

    /// Messages of the group's topics that brokers stored, each once.
    pub fn stored(&self) -> BTreeMap<MessageId, SimTime> {
        let stored = self.select(|fact| match fact {
            Fact::Stored { message, .. } => Some(*message),
            _ => None,
        });
        let mut first = BTreeMap::new();
        for (time, message) in stored {
            first.entry(message).or_insert(time);
        }
        first
    }

    /// The last commit of each queue before `time`.
    pub fn committed(&self, time: SimTime) -> BTreeMap<String, u64> {
        let commits = self.select(|fact| match fact {
            Fact::OffsetCommitted { queue, new, .. } => Some((*queue, *new)),
            _ => None,
        });
        let before = commits.into_iter().filter(|(at, _)| *at < time);
        before.map(|(_, (queue, new))| (self.queue(queue), new)).collect()
    }
}

/// The listener is called with a message.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub time: SimTime,
    pub consumer: ConsumerId,
    pub who: String,
    pub queue: String,
    /// From a queue of a user topic.
    pub of_user: bool,
    pub offset: u64,
    pub message: MessageId,
    pub times: u16,
    pub born: SimTime,
}

/// How often each message was delivered.
pub fn times(deliveries: &[Delivery]) -> BTreeMap<MessageId, u64> {
    let mut times = BTreeMap::new();
    for delivery in deliveries {
        *times.entry(delivery.message).or_default() += 1;
    }
    times
}

/// Our names with those of the recording: the short form where all are known by it, else both in sort order.
fn names(
    mut own: Vec<String>,
    recorded: &[String],
    short: impl Fn(&str) -> String,
) -> BTreeMap<String, String> {
    own.sort();
    own.dedup();
    let by_name = own
        .iter()
        .all(|name| recorded.is_empty() || recorded.contains(&short(name)));
    let name = |(at, own): (usize, &String)| match recorded.get(at) {
        Some(recorded) if !by_name => recorded.clone(),
        _ => short(own),
    };
    own.iter()
        .enumerate()
        .map(|(at, own)| (own.clone(), name((at, own))))
        .collect()
}

/// Whether a fact is about members, messages or offsets of the group, or about all.
fn concerns(fact: &Fact, directory: &Directory, group: GroupId) -> bool {
    let consumer = match fact {
        Fact::ConsumerStarted { consumer }
        | Fact::ConsumerStopped { consumer, .. }
        | Fact::QueueAcquired { consumer, .. }
        | Fact::QueueReleased { consumer, .. }
        | Fact::LocalOffsetStored { consumer, .. }
        | Fact::PullAnswered { consumer, .. }
        | Fact::PullFailed { consumer, .. }
        | Fact::Cached { consumer, .. }
        | Fact::Delivered { consumer, .. }
        | Fact::Consumed { consumer, .. }
        | Fact::ConsumeTimedOut { consumer, .. }
        | Fact::QueueLocked { consumer, .. }
        | Fact::Filtered { consumer, .. } => Some(*consumer),
        _ => None,
    };
    let of = match fact {
        Fact::OffsetCommitted { group, .. }
        | Fact::RetryScheduled { group, .. }
        | Fact::RetryStored { group, .. }
        | Fact::DeadLettered { group, .. } => Some(*group),
        Fact::Request { group, .. } => *group,
        Fact::Stored { queue, .. } => {
            let topic = directory.queue(*queue).topic;
            return directory.group(group).topics.contains(&topic);
        }
        _ => consumer.map(|consumer| directory.consumer(consumer).group),
    };
    of.is_none_or(|of| of == group)
}
