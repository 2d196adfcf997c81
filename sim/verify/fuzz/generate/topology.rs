//! Brokers, topics, machine rooms, network and what brokers are set to.

use super::chooser::{Chooser, block, given, maybe, span};
use super::{Plan, Traits};
use serde_json::{Map, Value, json};

/// Brokers and topics.
pub struct Topology {
    /// Names, sorted.
    pub brokers: Vec<String>,
    pub name_servers: u64,
    pub topics: Vec<Topic>,
    /// Whether the names of brokers tell their rooms, and the file too.
    pub rooms: bool,
}

/// One topic.
pub struct Topic {
    pub name: String,
    /// Positions of its brokers.
    pub brokers: Vec<usize>,
    pub queues: u64,
}

/// The rooms in which brokers and members may be; nobody is in the last but members.
pub const ROOMS: [&str; 3] = ["east", "west", "north"];

const TOPICS: [&str; 3] = ["events", "logs", "orders"];
/// By which brokers differ.
const LETTERS: [&str; 3] = ["a", "b", "c"];

/// Whether a topic, a broker or a room may be called so.
pub fn is_name(word: &str) -> bool {
    let broker = |(room, letter): (&str, &str)| ROOMS.contains(&room) && LETTERS.contains(&letter);
    let plain = word.strip_prefix("broker-");
    TOPICS.contains(&word)
        || ROOMS.contains(&word)
        || plain.is_some_and(|letter| LETTERS.contains(&letter))
        || word.split_once('@').is_some_and(broker)
}

pub fn topology(c: &mut Chooser, traits: Traits) -> Topology {
    let rooms = c.percent(15);
    let count = c.within(1, 3) as usize;
    let name = |n: usize| {
        let letter = LETTERS[n];
        match rooms {
            true => format!("{}@{letter}", ROOMS[n % 2]),
            false => format!("broker-{letter}"),
        }
    };
    let mut brokers: Vec<String> = (0..count).map(name).collect();
    brokers.sort();
    let topics = (0..c.within(1, 3) as usize).map(|n| Topic {
        name: TOPICS[n].to_owned(),
        brokers: c.some_of(count),
        queues: c.within(1, if traits.slow { 2 } else { 6 }),
    });
    let topics = topics.collect();
    Topology {
        brokers,
        name_servers: c.pick(&[1, 1, 2]),
        topics,
        rooms,
    }
}

pub fn block_of(c: &mut Chooser, plan: &Plan) -> Value {
    let topology = &plan.topology;
    let topics = topology.topics.iter();
    let topics: Map<String, Value> = topics
        .map(|t| (t.name.clone(), topic_block(c, t, topology)))
        .collect();
    let rooms = ROOMS[..2].iter().map(|room| {
        let prefix = format!("{room}@");
        let inside = topology
            .brokers
            .iter()
            .filter(|broker| broker.starts_with(&prefix));
        ((*room).to_owned(), inside.cloned().collect::<Vec<_>>().into())
    });
    let rooms: Map<String, Value> = rooms.collect();
    block([
        ("rocketmq", given(plan.is_4_9, || "4.9")),
        ("brokers", topology.brokers.clone().into()),
        ("nameServers", topology.name_servers.into()),
        ("topics", topics.into()),
        ("machineRooms", given(topology.rooms, || rooms)),
        ("network", json!({ "latency": latency(c, plan.traits.slow) })),
        ("tuning", tuning(c, plan)),
    ])
}

fn topic_block(c: &mut Chooser, topic: &Topic, topology: &Topology) -> Value {
    let on = topic
        .brokers
        .iter()
        .map(|broker| topology.brokers[*broker].clone());
    // More to read than to write, as while a topic shrinks.
    let read = maybe(c, 20, |_| (topic.queues + 1).into());
    block([
        ("queuesPerBroker", topic.queues.into()),
        ("readQueueNums", read),
        ("brokers", on.collect::<Vec<_>>().into()),
    ])
}

fn latency(c: &mut Chooser, slow: bool) -> Value {
    let uniform = |min: u64, max: u64| json!({ "uniform": { "min": span(min), "max": span(max) } });
    match (slow, c.below(6)) {
        (true, 0..2) => span(700),
        (true, 2..4) => uniform(0, 800),
        (true, _) => uniform(0, 1_500),
        (false, 0) => "0s".into(),
        (false, 1..3) => "200us".into(),
        (false, 3) => uniform(0, 5),
        (false, 4) => json!({ "exponential": { "mean": "1ms" } }),
        (false, _) => json!({ "lognormal": { "mean": "1ms", "p99": "10ms" } }),
    }
}

/// Levels are short, so that all retries are over before the run is.
fn tuning(c: &mut Chooser, plan: &Plan) -> Value {
    let usual = "1s 1s 1s 2s 3s 4s 5s";
    let levels = c.pick(&[usual, usual, "1s 2s 1s 1s", "2s"]);
    let filters = plan.traits.filters;
    let retention = match (plan.traits.retention, c.below(2)) {
        (false, _) => Value::Null,
        (true, 0) => "exact".into(),
        (true, _) => "files".into(),
    };
    let kept = given(plan.traits.retention, || 1);
    block([
        ("longPollingEnable", maybe(c, 20, |_| false.into())),
        ("shortPollingTimeMills", maybe(c, 10, |_| 300.into())),
        ("messageDelayLevel", levels.into()),
        (
            "retryQueueNums",
            c.within(1, if plan.traits.slow { 1 } else { 3 }).into(),
        ),
        ("reputInterval", c.pick(&[0, 1, 20]).into()),
        ("enablePropertyFilter", given(filters, || true)),
        ("notifyConsumerIdsChangedEnable", maybe(c, 10, |_| false.into())),
        ("notifyOnExpiry", maybe(c, 20, |_| true.into())),
        ("channelExpiredTimeout", maybe(c, 10, |_| 60_000.into())),
        // Nothing is in memory: a pull gets 8 messages.
        ("accessMessageInMemoryMaxRatio", maybe(c, 10, |_| 0.into())),
        ("dlqPermission", maybe(c, 15, |_| "write".into())),
        ("retention", retention),
        ("fileReservedTime", kept),
        ("deleteWhen", given(plan.traits.retention, || "01;02;03;04")),
    ])
}
