//! Groups: who is in them, what they read, how it gets to them, how they share it out.

use super::chooser::{Chooser, block, given, maybe, span};
use super::topology::ROOMS;
use super::{Plan, listeners, tuning};
use serde_json::{Map, Value, json};

/// One group.
pub struct Group {
    pub name: String,
    /// Positions of its topics.
    pub topics: Vec<usize>,
    /// Another group, whose dead letters it reads.
    pub dead_letters_of: Option<String>,
    pub members: u64,
    pub orderly: bool,
    /// An orderly listener that commits by hand.
    pub by_hand: bool,
    pub broadcasting: bool,
    pub delivery: Delivery,
    pub threads: u64,
    /// Whether calls may take longer than `consumeTimeout`.
    pub overdue: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    LongPolling,
    ShortPolling,
    Pull,
    Push,
}

pub fn group(c: &mut Chooser, name: &str, plan: &Plan) -> Group {
    let broadcasting = c.percent(15);
    let orderly = !broadcasting && c.percent(35);
    let delivery = match c.below(8) {
        0..4 => Delivery::LongPolling,
        4 => Delivery::ShortPolling,
        // Whoever pushes, or pulls on its own clock, knows no locks.
        _ if orderly => Delivery::LongPolling,
        5 => Delivery::Pull,
        _ => Delivery::Push,
    };
    let other = plan.groups.last().filter(|group| !group.broadcasting);
    let reads_dead_letters = plan.traits.operators && c.percent(40);
    let overdue = plan.traits.listeners && !orderly && c.percent(60);
    Group {
        name: name.to_owned(),
        topics: c.some_of(plan.topology.topics.len()),
        dead_letters_of: other
            .filter(|_| reads_dead_letters)
            .map(|group| group.name.clone()),
        members: c.pick(&[1, 1, 2, 2, 3, 4, 5]),
        orderly,
        by_hand: orderly && c.percent(30),
        broadcasting,
        delivery,
        // Calls that hang keep their threads: they are few, and threads are many.
        threads: if overdue { 20 } else { c.pick(&[1, 2, 20]) },
        overdue,
    }
}

impl Group {
    /// Names of the topics that it reads.
    pub fn topic_names(&self, plan: &Plan) -> Vec<String> {
        let own = self
            .topics
            .iter()
            .map(|topic| plan.topology.topics[*topic].name.clone());
        let dead = self.dead_letters_of.iter().map(|group| format!("%DLQ%{group}"));
        own.chain(dead).collect()
    }
}

/// What may be asked of one topic.
pub fn expression(c: &mut Chooser) -> Value {
    match c.below(9) {
        0 => "*".into(),
        1 => Value::Null,
        // A tag of the same hash as another: brokers let both pass.
        8 => "Aa".into(),
        2 => "TagA".into(),
        3 => "TagB || TagA".into(),
        // Nobody sends it.
        4 => "TagC".into(),
        5 => json!({ "sql": "TAGS = 'TagB' OR KEYS IN ('k1', 'k2')" }),
        6 => json!({ "sql": "amount > 10 AND region = 'eu'" }),
        _ => json!({ "sql": "region IS NOT NULL OR amount BETWEEN 3 AND 5" }),
    }
}

fn subscription(c: &mut Chooser, topics: &[String], filters: bool) -> Value {
    let all = topics.iter().map(|topic| {
        let wanted = if filters { expression(c) } else { "*".into() };
        (topic.clone(), wanted)
    });
    all.collect::<Map<_, _>>().into()
}

pub fn block_of(c: &mut Chooser, group: &Group, plan: &Plan) -> Value {
    let topics = group.topic_names(plan);
    let filters = plan.traits.filters && group.delivery != Delivery::Push && c.percent(70);
    let from = [
        "CONSUME_FROM_FIRST_OFFSET",
        "CONSUME_FROM_LAST_OFFSET",
        "CONSUME_FROM_TIMESTAMP",
    ];
    let from = c.pick(&[from[0], from[0], from[1], from[2]]);
    let timestamp = given(from == "CONSUME_FROM_TIMESTAMP" && c.percent(50), || {
        span(c.below(plan.unrest))
    });
    let strategy = strategy(c, group, plan);
    let subscribe = subscription(c, &topics, filters);
    let retry_queues = maybe(
        c,
        if plan.traits.operators { 40 } else { 10 },
        |c| json!({ "retryQueueNums": c.pick(&[0, 2]) }),
    );
    block([
        ("subscribe", subscribe),
        ("messageModel", given(group.broadcasting, || "BROADCASTING")),
        (
            "localOffsetStore",
            given(group.broadcasting, || c.pick(&["kept", "lost"])),
        ),
        ("listener", given(group.orderly, || "orderly")),
        ("orderly", listeners::orderly(c, group)),
        ("strategy", strategy),
        ("consumeFromWhere", from.into()),
        ("consumeTimestamp", timestamp),
        ("idempotent", listeners::idempotent(c, group, plan)),
        ("delivery", delivery(c, group.delivery, plan.traits.retention)),
        ("guard", given(!group.orderly, || listeners::guard(c))),
        ("consumers", consumers(c, group, plan, filters)),
        ("allowDuplicateClientIds", given(plan.traits.mistakes, || true)),
        ("tuning", tuning::tuning(c, group, plan)),
        ("subscriptionGroup", given(!group.broadcasting, || retry_queues)),
    ])
}

/// In a run of hours nobody asks every moment.
fn delivery(c: &mut Chooser, delivery: Delivery, hours: bool) -> Value {
    match delivery {
        Delivery::LongPolling => Value::Null,
        Delivery::ShortPolling => {
            let interval = if hours { 10_000 } else { c.pick(&[100, 400, 2_000]) };
            json!({ "shortPolling": { "interval": span(interval) } })
        }
        // A pull gets one body of 400 KiB.
        Delivery::Pull => {
            let interval = if hours { 5_000 } else { c.pick(&[100, 300]) };
            json!({ "pull": { "interval": span(interval), "batch": c.within(20, 60) } })
        }
        // A credit is spent once in a round trip, which may take three seconds.
        Delivery::Push if c.percent(50) => json!({ "push": { "credit": c.within(40, 120) } }),
        Delivery::Push => "push".into(),
    }
}

fn strategy(c: &mut Chooser, group: &Group, plan: &Plan) -> Value {
    let words = [
        "AVG",
        "AVG",
        "AVG_BY_CIRCLE",
        "CONSISTENT_HASH",
        "X_STICKY",
        "X_BOUNDED_CONSISTENT_HASH",
        "X_WEIGHTED",
        "X_ROTATED_AVG",
        "X_KAFKA_RANGE",
        "X_KAFKA_ROUND_ROBIN",
        "X_KAFKA_STICKY",
    ];
    if plan.topology.rooms && group.dead_letters_of.is_none() && c.percent(60) {
        // Queues of rooms that are not named are nobody's.
        return match c.below(4) {
            0 => json!({ "MACHINE_ROOM": { "rooms": rooms_of(plan) } }),
            1 => "MACHINE_ROOM_NEARBY-AVG".into(),
            2 => "MACHINE_ROOM_NEARBY-AVG_BY_CIRCLE".into(),
            _ => "MACHINE_ROOM_NEARBY-CONSISTENT_HASH".into(),
        };
    }
    match c.below(14) {
        // A member that is not named gets nothing, and what nobody is given, nobody has.
        0 if c.percent(50) => {
            let topic = &plan.topology.topics[group.topics[0]];
            let broker = &plan.topology.brokers[topic.brokers[0]];
            let lists = (1..=group.members).map(|n| {
                let own = (0..topic.queues).filter(|queue| queue % group.members == n - 1);
                let own = own.map(|queue| format!("{} {broker}:{queue}", topic.name));
                (format!("{}-{n}", group.name), own.collect::<Vec<_>>().into())
            });
            json!({ "CONFIG": lists.collect::<Map<_, Value>>() })
        }
        1 => json!({ "CONSISTENT_HASH": { "virtualNodes": c.pick(&[1, 100]) } }),
        2 => json!({ "X_BOUNDED_CONSISTENT_HASH": { "virtualNodes": 10, "loadBound": 1.25 } }),
        3 => json!({ "X_WEIGHTED": { "weights": { format!("{}-1", group.name): c.within(1, 4) } } }),
        _ => c.pick(&words).into(),
    }
}

fn rooms_of(plan: &Plan) -> Vec<&'static str> {
    let has = |room: &&&str| {
        plan.topology
            .brokers
            .iter()
            .any(|broker| broker.starts_with(**room))
    };
    ROOMS.iter().filter(has).copied().collect()
}

fn consumers(c: &mut Chooser, group: &Group, plan: &Plan, filters: bool) -> Value {
    let topics = group.topic_names(plan);
    // One block for all, or two that differ.
    let first = match group.members > 1 && c.percent(40) {
        true => c.within(1, group.members - 1),
        false => group.members,
    };
    let mut ids: Vec<String> = (0..group.members)
        .map(|n| format!("10.0.0.{}@{}", (n * 7 + 3) % 11, n + 1))
        .collect();
    // RocketMQ does not notice.
    if plan.traits.mistakes && group.members > 1 && c.percent(40) {
        ids[1] = ids[0].clone();
    }
    let listed = c.percent(50) || plan.traits.mistakes;
    let mut blocks = Vec::new();
    for (from, to) in [(0, first), (first, group.members)] {
        if from == to {
            continue;
        }
        let ids = ids[from as usize..to as usize].to_vec();
        let own = plan.traits.mistakes && from > 0 && c.percent(50);
        let differing = plan.traits.filters && filters && from > 0 && c.percent(40);
        let subscribe = match own || differing {
            true if own => {
                let some = c.some_of(topics.len());
                let some: Vec<String> = some.into_iter().map(|topic| topics[topic].clone()).collect();
                subscription(c, &some, filters)
            }
            true => subscription(c, &topics, filters),
            false => Value::Null,
        };
        let others = plan.traits.mistakes && from > 0 && c.percent(40);
        let start = match plan.traits.retention {
            true => c.pick(&[0, 0, 20_000, 3_900_000, 7_000_000]),
            false => c.pick(&[0, 0, 0, 1_000, 20_000]).min(plan.unrest),
        };
        let room = c.pick(&ROOMS);
        blocks.push(block([
            ("count", given(!listed, || to - from)),
            ("threads", group.threads.into()),
            ("service", service(c, group)),
            ("failure", listeners::failure(c, group, plan)),
            ("interruptible", maybe(c, 20, |_| false.into())),
            ("start", span(start)),
            ("strategy", given(others, || "AVG_BY_CIRCLE")),
            ("machineRoom", given(plan.topology.rooms, || room)),
            ("clientIds", given(listed, || ids)),
            ("subscribe", subscribe),
        ]));
    }
    match blocks.len() {
        1 => blocks.remove(0),
        _ => blocks.into(),
    }
}

/// How long a listener takes: so short that a member keeps up with its queues.
pub fn service(c: &mut Chooser, group: &Group) -> Value {
    let mean = c.within(1, if group.orderly { 6 } else { 12 });
    match c.below(6) {
        0 => "0s".into(),
        1 => json!({ "uniform": { "min": "0s", "max": span(2 * mean) } }),
        2 => json!({ "exponential": { "mean": span(mean) } }),
        3 => json!({ "gamma": { "mean": span(mean), "cv": 1.5 } }),
        4 => json!({ "empirical": { "values": ["1ms", span(mean), span(3 * mean)] } }),
        _ => span(mean),
    }
}
