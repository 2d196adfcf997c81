//! A recorded experiment as a configuration.

use crate::field::recording::{Recording, entries, list, number, text};
use crate::field::run::{Map, at};
use rmqsim::cluster::config::{
    Action, AttributesConfig, BrokerConfig, BrokerTuning, ClusterConfig, ConsumeFromWhere, ConsumerConfig,
    ConsumerTuning, FailureConfig, GroupConfig, ListenerKind, ListenerRule, LocalOffsetStore, Member,
    MessageModel, Millis, NetworkConfig, ProducerConfig, QueueSelector, RocketMqVersion, SizeDist, Strategy,
    SubscriptionGroup, TimelineEntry, TopicConfig, TopicQueues, Which,
};
use rmqsim::cluster::consumer::delivery::Delivery;
use rmqsim::cluster::ids::{BrokerId, GroupId, MessageId, TopicId};
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::dist::{Dist, Shape};
use rmqsim::kernel::time::{SimDuration, SimTime};

/// From the making of the client instance to its first heartbeat. The recorded clients took 0.24 to 0.7 s.
pub const LOADING: u64 = 350;

/// When the client instance of `consumer` was made, ms: 1 s before its first round in 5.3, else some time before
/// its start was over.
pub fn created(recording: &Recording, consumer: &str) -> u64 {
    let first = |what| {
        recording
            .seen(what, consumer)
            .next()
            .map(|seen| number(&seen["t_ms"]))
    };
    if recording.is_4_9 {
        first("consumer_started")
            .expect("it starts")
            .saturating_sub(LOADING)
    } else {
        first("assignment").expect("it gets queues").saturating_sub(1000)
    }
}

/// An experiment with one topic, one group and what `recording` says of brokers, queues and release.
///
/// One way takes 1 to 4 ms: pulls of the busy recorded machine came back after 3 to 11 ms.
///
/// The names are the recorded ones, since the order of Java's hash tables depends on them.
pub fn cluster(recording: &Recording, repeat: usize, duration: u64) -> ClusterConfig {
    let name = recording.setup("topic");
    let name = text(name.get(repeat).unwrap_or(name));
    let brokers = list(recording.setup("brokers")).iter();
    let brokers: Vec<BrokerConfig> = brokers
        .map(|name| BrokerConfig {
            name: format!("broker-{}", text(name)),
            machine_room: String::new(),
        })
        .collect();
    let queues = number(recording.setup("topic_queues_per_broker")) as u32;
    let both = TopicQueues {
        read: queues,
        write: queues,
    };
    let topic = TopicConfig {
        name: name.to_owned(),
        placement: (0..brokers.len()).map(|b| (BrokerId(b as u32), both)).collect(),
    };
    // "CONSISTENT_HASH (10 virtual nodes)": what stands in brackets is the default.
    let strategy = recording
        .setup("strategy")
        .as_str()
        .unwrap_or("AVG")
        .to_uppercase();
    let word = match strategy.split(' ').next().unwrap_or_default() {
        "HASH" => "CONSISTENT_HASH",
        "CIRCLE" => "AVG_BY_CIRCLE",
        word => word,
    };
    let strategy = Strategy::of_word(word).unwrap_or_else(|| panic!("unknown strategy {word}"));
    let mut broker_tuning = BrokerTuning::default();
    if let Some(levels) = recording
        .setup("messageDelayLevel")
        .as_str()
        .filter(|l| *l != "default")
    {
        levels.clone_into(&mut broker_tuning.message_delay_level);
    }
    ClusterConfig {
        seed: 1,
        duration: SimDuration::from_millis(duration),
        version: if recording.is_4_9 {
            RocketMqVersion::V4_9
        } else {
            RocketMqVersion::V5_3
        },
        brokers,
        topics: vec![topic],
        producers: Vec::new(),
        groups: vec![GroupConfig {
            name: format!("G_{}", name.trim_start_matches("T_")),
            subscribe: vec![TopicId(0)],
            message_model: MessageModel::Clustering,
            idempotent: None,
            local_offset_store: LocalOffsetStore::Kept,
            listener: ListenerKind::Concurrently,
            strategy,
            consume_timestamp: None,
            subscription_group: SubscriptionGroup::default(),
            consume_from_where: ConsumeFromWhere::FirstOffset,
            delivery: Delivery::default(),
            guard: None,
            tuning: tuning(recording),
            consumers: Vec::new(),
        }],
        timeline: Vec::new(),
        expressions: Vec::new(),
        listeners: Vec::new(),
        forwards: Vec::new(),
        network: NetworkConfig {
            latency: Dist::Shape(Shape::Uniform {
                min: SimDuration::from_millis(1),
                max: SimDuration::from_millis(4),
            }),
        },
        name_servers: 1,
        broker_tuning,
        sample_interval: SimDuration::from_secs(10),
        warmup: SimDuration::ZERO,
    }
}

/// The defaults with what the recorded clients had set.
fn tuning(recording: &Recording) -> ConsumerTuning {
    let default = ConsumerTuning {
        startup_time: Millis(LOADING),
        ..ConsumerTuning::default()
    };
    let mut keys = serde_json::to_value(&default).expect("plain data");
    for (key, value) in entries(recording.setup("config_overrides")) {
        if keys.get(key).is_some() {
            keys[key] = value.clone();
        }
    }
    serde_json::from_value(keys).unwrap_or(default)
}

/// A consumer whose client instance is made at `created`, ms.
pub fn consumer(config: &mut ClusterConfig, name: &str, created: u64, threads: u32, cost: u64) {
    config.groups[0].consumers.push(ConsumerConfig {
        life: 1,
        subscribe: None,
        filters: Vec::new(),
        name: name.to_owned(),
        client_id: format!("127.0.0.1@{name}"),
        start: Some(at(created)),
        threads,
        service: Dist::Constant(SimDuration::from_millis(cost)),
        interruptible: true,
        failure: FailureConfig::default(),
        strategy: None,
        machine_room: String::new(),
    });
}

/// `number` messages, round robin, from `start` on.
pub fn messages(config: &mut ClusterConfig, start: u64, number: u64, arrivals: Arrivals) {
    config.producers.push(ProducerConfig {
        attributes: AttributesConfig::default(),
        queue_selector: QueueSelector::RoundRobin,
        name: format!("P{}", config.producers.len()),
        topic: TopicId(0),
        arrivals,
        body_size: SizeDist::Constant(8),
        start: at(start),
        stop: SimTime::MAX,
        max_messages: number,
    });
}

/// `number` messages at an even pace, the first sent at `first`, the last about `last`, ms.
pub fn evenly(config: &mut ClusterConfig, first: u64, last: u64, number: u64) {
    let gap = SimDuration::from_millis((last - first) / number);
    messages(
        config,
        first - gap.as_millis(),
        number,
        Arrivals::Constant { gap },
    );
}

/// The messages of `setup`, at an even pace: from the first delivery, as nothing stores when the sender began, to the
/// entry that says it is done.
pub fn sent(config: &mut ClusterConfig, recording: &Recording) {
    let first = recording.rows("deliveries").next();
    let first = first.map_or(0, |row| number(row.get("t_ms")));
    let last = number(&recording.timeline("sent")[0]["t_ms"]);
    evenly(config, first, last, number(recording.setup("messages")));
}

/// The consumer added as number `consumer` leaves, gracefully or not.
pub fn end(config: &mut ClusterConfig, time: u64, consumer: u32, graceful: bool) {
    let member = Member {
        group: GroupId(0),
        consumer,
    };
    let action = if graceful {
        Action::Leave(member)
    } else {
        Action::Kill(member)
    };
    config.timeline.push(TimelineEntry { at: at(time), action });
}

/// The consumer added as number `consumer` is stopped from `stop` until it goes on.
pub fn pause(config: &mut ClusterConfig, stop: u64, go_on: u64, consumer: u32) {
    let member = Member {
        group: GroupId(0),
        consumer,
    };
    for (time, action) in [(stop, Action::Pause(member)), (go_on, Action::Resume(member))] {
        config.timeline.push(TimelineEntry { at: at(time), action });
    }
}

/// A rule for one message.
pub fn rule(message: MessageId) -> ListenerRule {
    ListenerRule {
        which: Which {
            message: Some(message),
            ..Which::default()
        },
        first_attempts: u32::MAX,
        probability: 1.0,
        from: SimTime::ZERO,
        until: SimTime::MAX,
        outcome: None,
        service: None,
        delay_level: None,
    }
}

/// The group of a configuration that the recording is about: by name, by the topic that it reads, or by its place.
pub fn group_of(config: &ClusterConfig, recording: &Recording, repeat: usize) -> GroupId {
    let topic = recording.setup("topic");
    let topic = topic.get(repeat).unwrap_or(topic).as_str().unwrap_or_default();
    let reads = |group: &GroupConfig| {
        let topics = group
            .subscribe
            .iter()
            .map(|topic| config.topics[topic.index()].name.as_str());
        topics.into_iter().any(|name| name == topic)
    };
    let by_topic = config.groups.iter().position(reads);
    let by_place = if config.groups.len() > repeat { repeat } else { 0 };
    GroupId(by_topic.unwrap_or(by_place) as u32)
}

/// A recorded map.
pub fn recorded_map(json: &serde_json::Value) -> Map {
    let entries = json.as_object().into_iter().flatten();
    let queues = |queues| list(queues).iter().map(|q| text(q).to_owned()).collect();
    let mut map: Map = entries.map(|(name, of)| (name.clone(), queues(of))).collect();
    map.retain(|_, queues: &mut Vec<String>| !queues.is_empty());
    map
}
