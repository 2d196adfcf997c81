//! Producers, and what their messages are about.

use super::chooser::{Chooser, block, given, maybe, span};
use super::topology::Topology;
use super::{Plan, Traits};
use serde_json::{Value, json};

/// One block of producers.
pub struct Producer {
    pub name: String,
    /// Position of its topic.
    pub topic: usize,
    pub messages: u64,
    /// How many keys its messages have; 0: none.
    pub keys: u64,
    pub tags: bool,
    pub at_once: bool,
}

pub fn producer(c: &mut Chooser, name: &str, topology: &Topology, messages: u64, traits: Traits) -> Producer {
    Producer {
        name: name.to_owned(),
        topic: c.below(topology.topics.len() as u64) as usize,
        messages: c.within(1, messages),
        keys: c.pick(&[0, 0, 20, 50]),
        tags: c.percent(if traits.filters { 80 } else { 40 }),
        at_once: c.percent(20),
    }
}

pub fn block_of(c: &mut Chooser, producer: &Producer, plan: &Plan) -> Value {
    let slow = plan.traits.slow;
    let gap = c.within(10, 60) * if slow { 2 } else { 1 };
    // In hours that pass, messages are few and far between, so that some come when others have been deleted.
    let (rate, stop) = match (producer.at_once, plan.traits.retention) {
        (true, _) => (Value::Null, plan.unrest),
        (false, true) => ("6/min".into(), plan.end - 40 * 60_000),
        // Calls are found to be overdue after the unrest; something is to happen then too.
        (false, false) if plan.traits.listeners && !plan.traits.restless && c.percent(60) => {
            ("3/s".into(), plan.unrest + 150_000)
        }
        (false, false) => (format!("{}/s", 1000 / gap).into(), plan.unrest),
    };
    let messages = match plan.traits.retention {
        true => 2_000,
        false => producer.messages,
    };
    let arrivals = match (producer.at_once, c.below(3)) {
        (true, _) => "atOnce".into(),
        (false, 0) => "constant".into(),
        (false, 1) => json!({ "bursts": { "on": "1s", "off": span(c.pick(&[0, 500, 5_000])) } }),
        (false, _) => Value::Null,
    };
    let start = c.pick(&[0, 0, 5_000, 30_000]).min(plan.unrest / 2);
    let size = match c.below(4) {
        // Large enough for limits in MiB to be felt.
        0 if !slow => json!({ "uniform": { "min": "1B", "max": "400KiB" } }),
        _ => format!("{}B", c.within(1, 5_000)).into(),
    };
    let keys = match producer.keys {
        0 => Value::Null,
        keys if c.percent(50) => json!({ "zipf": { "count": keys, "exponent": 1.1 } }),
        keys => keys.into(),
    };
    let by_key = producer.keys > 0 && c.percent(30);
    let properties = maybe(c, if plan.traits.filters { 70 } else { 15 }, |c| {
        json!({
            "amount": { "uniform": { "min": 0, "max": c.within(1, 100) } },
            "region": { "oneOf": { "eu": 3, "us": 1 } },
        })
    });
    block([
        ("topic", plan.topology.topics[producer.topic].name.as_str().into()),
        ("rate", rate),
        ("arrivals", arrivals),
        ("count", maybe(c, 15, |_| 2.into())),
        ("bodySize", size),
        ("start", span(start)),
        ("stop", span(stop)),
        ("messages", messages.into()),
        (
            "tags",
            given(
                producer.tags,
                || json!({ "TagA": 3, "TagB": 2, "Aa": 1, "BB": 1, "": 1 }),
            ),
        ),
        ("keys", keys),
        ("properties", properties),
        ("queueSelector", given(by_key, || "byKey")),
    ])
}
