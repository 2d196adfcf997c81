//! How large a run comes to be: its queues, those that clients hold, members, and what they are set to.

use crate::cluster::broker::retry_dlq;
use crate::cluster::config::{
    Action, ClusterConfig, Delivery, GroupConfig, KeyDist, MessageModel, Strategy, TimelineEntry,
};
use crate::cluster::consumer::shared_views::SharedViews;
use crate::cluster::ids::GroupId;
use crate::cluster::memory::Size;
use crate::forecast::load::Load;
use crate::kernel::dist::Dist;
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::observation::Extent;
use std::collections::BTreeMap;

/// Events that a client has pending: heartbeat, commit, route, rebalance, locks.
const EVENTS_OF_CLIENT: u64 = 6;
/// A listener whose time varies takes so many times its mean once in a thousand messages.
const SLOWEST: f64 = 7.0;
const MIB: f64 = (1 << 20) as f64;

/// Numbers of things, at their most.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Queues by topic.
    pub topics: Vec<u64>,
    /// By group: queues of `%RETRY%group`.
    pub retry_queues: Vec<u64>,
    /// By group: queues that its members share, or that each of a broadcasting group has.
    pub shared: Vec<u64>,
    /// By group: queues that its members hold, each counted for each member.
    pub held: Vec<u64>,
    /// By group: what changes of its members lead to.
    pub churn: Vec<Churn>,
    /// By group: whether somebody will ask for its dead letters.
    pub dead_are_kept: Vec<bool>,
    /// All queues.
    pub queues: u64,
    /// Topics × brokers that have them.
    placements: u64,
    /// Queues × readers.
    slots: u64,
    /// Groups and readers of broadcasting groups.
    accounts: u64,
}

/// What changes of a group's members lead to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Churn {
    /// Changes.
    pub changes: u64,
    /// Times that a queue goes from one member to another.
    pub moves: u64,
    /// Queues that members have given up and not forgotten, at most.
    pub given_up: u64,
}

impl Counts {
    /// Those of `config`.
    pub fn of(config: &ClusterConfig) -> Self {
        let (topics, placements) = queues_of(config);
        let brokers = config.brokers.len() as u64;
        let mut counts = Self {
            queues: topics.iter().sum(),
            placements,
            ..Self::default()
        };
        for group in &config.groups {
            let is_empty = group.consumers.is_empty();
            let of_broker = group.subscription_group.retry_queue_nums;
            let of_broker = of_broker.unwrap_or(config.broker_tuning.retry_queue_nums);
            let retry = if is_empty {
                0
            } else {
                brokers * u64::from(of_broker)
            };
            let user: u64 = group.subscribe.iter().map(|topic| topics[topic.index()]).sum();
            let readers = group.readers().len() as u64;
            let dlq = retry_dlq::dlq_topic(&group.name);
            counts.retry_queues.push(retry);
            counts.shared.push(user);
            counts.queues += retry;
            counts.placements += brokers.min(retry);
            counts.accounts += 1 + readers;
            let (slots, held) = match group.message_model {
                MessageModel::Broadcasting => (readers * user, readers * user),
                MessageModel::Clustering if is_empty => (user, 0),
                MessageModel::Clustering => (user + retry, user + retry),
            };
            counts.slots += slots;
            counts.held.push(held);
            counts.churn.push(churn(config, counts.held.len() - 1, held));
            let is_asked_for = config.topics.iter().any(|topic| topic.name == dlq)
                || config
                    .timeline
                    .iter()
                    .any(|entry| is_resend(entry, counts.held.len() as u32 - 1));
            counts.dead_are_kept.push(is_asked_for);
        }
        counts.topics = topics;
        counts
    }

    /// The same for the cluster.
    pub fn size(&self, config: &ClusterConfig) -> Size {
        let groups = config.groups.len() as u64;
        let producers = config.producers.len() as u64;
        let routes: u64 = config
            .producers
            .iter()
            .map(|p| self.topics[p.topic.index()])
            .sum();
        let subscribed: usize = config.groups.iter().map(|group| group.subscribe.len() + 1).sum();
        Size {
            brokers: config.brokers.len() as u64,
            name_servers: config.name_servers.into(),
            queues: self.queues,
            groups,
            readers: self.slots.div_ceil(self.queues.max(1)),
            held_queues: self.held.iter().sum(),
            consumers: consumers(config),
            producers,
            route: routes.div_ceil(producers.max(1)),
            topics: (subscribed as u64).div_ceil(groups.max(1)),
            placements: self.placements,
            viewed: self.viewed(config),
            steps: config.timeline.len() as u64,
            constant_network: matches!(config.network.latency, Dist::Constant(_)),
        }
    }

    /// Members and queues in the views that groups keep of their topics.
    fn viewed(&self, config: &ClusterConfig) -> (u64, u64) {
        let groups = config.groups.iter().zip(&self.churn).zip(&self.held);
        let shared = groups.filter(|((group, _), _)| group.message_model == MessageModel::Clustering);
        let each = shared.map(|((group, churn), held)| {
            let views = SharedViews::kept(churn.changes);
            let members = group.consumers.len() as u64 * (group.subscribe.len() as u64 + 1);
            (views * members, views * held)
        });
        each.fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1))
    }

    /// Events that are pending while nothing is sent.
    pub fn events(&self, config: &ClusterConfig) -> u64 {
        let held: u64 = self.held.iter().sum();
        let clients = consumers(config) * EVENTS_OF_CLIENT + 2 * config.producers.len() as u64;
        // Of pulls that are held the broker knows; those of short polling are on the clock.
        let polls = config
            .groups
            .iter()
            .any(|group| group.delivery.interval().is_some());
        clients + config.timeline.len() as u64 + if polls { held } else { 0 }
    }

    /// The same for the observer. `spans` are those of groups that anything comes to, `behind` tells for how
    /// long something has waited in each topic, seconds.
    pub fn extent(&self, config: &ClusterConfig, spans: &[SimDuration], behind: &[f64]) -> Extent {
        let held: u64 = self.held.iter().sum();
        let interval = config.sample_interval.as_nanos().max(1);
        let waits = |seconds: &f64| (seconds / config.sample_interval.as_secs_f64()) as u64 + 1;
        let behind = behind.iter().zip(&self.topics);
        let behind = behind.map(|(seconds, queues)| (*queues, waits(seconds)));
        Extent {
            brokers: config.brokers.len() as u64,
            topics: (config.topics.len() + config.groups.len()) as u64,
            queues: self.queues,
            behind: behind.collect(),
            slots: self.slots,
            held,
            taken: held + self.churn.iter().map(|churn| churn.moves).sum::<u64>(),
            groups: config.groups.len() as u64,
            accounts: self.accounts,
            consumers: consumers(config),
            producers: config.producers.len() as u64,
            samples: config.duration.as_nanos() / interval + 2,
            spans: spans.to_vec(),
            keys: (config.groups.iter())
                .filter(|group| group.message_model == MessageModel::Clustering)
                .map(|group| keys(config, group))
                .filter(|keys| *keys > 0)
                .collect(),
            changes: (self.churn.iter().zip(&config.groups))
                .map(|(churn, group)| (churn.changes, churn.changes * group.consumers.len() as u64))
                .collect(),
            unfinished: 64,
        }
    }
}

fn consumers(config: &ClusterConfig) -> u64 {
    config
        .groups
        .iter()
        .map(|group| group.consumers.len() as u64)
        .sum()
}

fn is_resend(entry: &TimelineEntry, group: u32) -> bool {
    matches!(entry.action, Action::ResendDlq { group: of, .. } if of == GroupId(group))
}

/// Queues of each topic, those that the timeline adds included; and in how many places at brokers topics are.
fn queues_of(config: &ClusterConfig) -> (Vec<u64>, u64) {
    let mut queues: BTreeMap<(usize, u32), u64> = BTreeMap::new();
    let mut has = |topic: usize, broker: u32, number: u32| {
        let of = queues.entry((topic, broker)).or_default();
        *of = (*of).max(number.into());
    };
    for (id, topic) in config.topics.iter().enumerate() {
        for (broker, numbers) in &topic.placement {
            has(id, broker.0, numbers.read.max(numbers.write));
        }
    }
    for entry in &config.timeline {
        if let Action::UpdateTopic {
            topic,
            broker,
            numbers,
        } = entry.action
        {
            has(topic.index(), broker.0, numbers.read.max(numbers.write));
        }
    }
    let of_topic = |topic: usize| {
        let queues = queues.iter().filter(|((of, _), _)| *of == topic);
        queues.map(|(_, number)| number).sum()
    };
    (
        (0..config.topics.len()).map(of_topic).collect(),
        queues.len() as u64,
    )
}

/// What changes of a group's members lead to, where they hold so many queues.
fn churn(config: &ClusterConfig, id: usize, held: u64) -> Churn {
    let group = &config.groups[id];
    let starts = group.consumers.iter().filter_map(|consumer| consumer.start);
    let of_timeline = config.timeline.iter().filter(|entry| match entry.action {
        Action::Join(member)
        | Action::Leave(member)
        | Action::Kill(member)
        | Action::Vanish(member)
        | Action::Pause(member)
        | Action::Resume(member) => member.group.index() == id,
        _ => false,
    });
    let mut changes: Vec<SimTime> = starts.chain(of_timeline.map(|entry| entry.at)).collect();
    changes.sort_unstable();
    let members = group.consumers.len().max(1) as u64;
    let of_change = match group.strategy {
        Strategy::ConsistentHash { .. } | Strategy::BoundedConsistentHash { .. } | Strategy::Sticky => {
            held.div_ceil(members)
        }
        // With contiguous shares every second queue moves.
        _ => held / 2,
    };
    // Those who start together take their queues from nobody, and no member shares anew more often than once a second.
    let moves = |times: &[SimTime]| {
        let later = times.iter().filter(|time| **time > changes[0]).count() as u64;
        let span = times
            .last()
            .map_or(SimDuration::ZERO, |last| last.since(times[0]));
        (later * of_change).min((span.as_secs_f64() as u64 + 1) * held / 2)
    };
    let hold = group.tuning.broker_suspend_max_time_millis.duration();
    let within = |from: usize| &changes[from..changes.partition_point(|time| *time <= changes[from] + hold)];
    Churn {
        changes: changes.len() as u64,
        moves: moves(&changes),
        given_up: (0..changes.len())
            .map(|from| moves(within(from)))
            .max()
            .unwrap_or(0),
    }
}

/// Keys that the group may meet.
pub fn keys(config: &ClusterConfig, group: &GroupConfig) -> u64 {
    let producers = config
        .producers
        .iter()
        .filter(|p| group.subscribe.contains(&p.topic));
    let keys = producers.filter_map(|producer| match producer.attributes.keys? {
        KeyDist::Uniform { count } | KeyDist::Zipf { count, .. } => Some(u64::from(count)),
    });
    keys.max().unwrap_or(0)
}

/// Mean time of a listener, seconds.
pub fn mean_service(group: &GroupConfig) -> f64 {
    let each = group
        .consumers
        .iter()
        .map(|consumer| consumer.service.mean().as_secs_f64());
    each.sum::<f64>() / group.consumers.len().max(1) as f64
}

/// How many times the mean its slowest messages take, beyond the mean.
pub fn spread(group: &GroupConfig) -> f64 {
    let varies = |service: &Dist| !matches!(service, Dist::Constant(_));
    match group.consumers.iter().any(|consumer| varies(&consumer.service)) {
        true => SLOWEST,
        false => 0.0,
    }
}

/// Messages that a pull brings at most.
pub fn answer(group: &GroupConfig) -> u64 {
    u64::from(group.tuning.pull_batch_size.min(32))
}

/// Messages of one queue that a client of the group has in its cache at most.
pub fn cache_most(group: &GroupConfig, load: &Load, config: &ClusterConfig) -> u64 {
    let tuning = &group.tuning;
    let queues = group.subscribe.iter().map(|topic| {
        let placement = &config.topics[topic.index()].placement;
        placement
            .iter()
            .map(|(_, queues)| u64::from(queues.read))
            .sum::<u64>()
    });
    let members = group.consumers.len().max(1) as u64;
    let queues_each = queues.sum::<u64>().div_ceil(members).max(1);
    let of_topic = |topic: i32, queue: u32| match u64::try_from(topic) {
        Ok(topic) => (topic / queues_each).max(1),
        Err(_) => queue.into(),
    };
    let count = of_topic(tuning.pull_threshold_for_topic, tuning.pull_threshold_for_queue);
    let mib = of_topic(
        tuning.pull_threshold_size_for_topic,
        tuning.pull_threshold_size_for_queue,
    );
    let end = config.duration.as_secs_f64();
    let body = group
        .subscribe
        .iter()
        .map(|topic| load.body(*topic, end))
        .fold(1.0, f64::max);
    let count = count.min((mib as f64 * MIB / body) as u64);
    let answer = answer(group);
    match group.delivery {
        Delivery::Pull { batch, .. } => batch.into(),
        Delivery::Push { credit } => credit.map_or(u64::MAX, u64::from),
        // A pull goes out while the threshold is not exceeded.
        _ => (count + 1).div_ceil(answer) * answer,
    }
}
