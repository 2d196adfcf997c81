//! Round robin, hash selection, avoidance of slow brokers.

use crate::harness::{Outcome, Tally, same};
use rmqsim::cluster::message_queue::java_hash;
use rmqsim::cluster::producer::latency_fault_tolerance::{MqFaultStrategy, not_available_duration};
use rmqsim::cluster::producer::topic_publish_info::{TopicPublishInfo, select_by_hash};
use rmqsim::kernel::time::{SimDuration, SimTime};
use serde::Deserialize;
use serde_json::Value;

type Queues = Vec<(String, u32)>;

#[derive(Deserialize)]
struct RoundRobin {
    queues: Queues,
    start_index: i32,
    steps: Vec<(Option<String>, usize)>,
}

#[derive(Deserialize)]
struct Fault {
    send_latency_enable: bool,
    brokers: Vec<String>,
    queues: Queues,
    start_index: i32,
    ops: Vec<Op>,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Op {
    Update {
        broker: String,
        latency: i64,
        isolation: bool,
        reachable: bool,
    },
    Advance {
        ms: u64,
    },
    Query {
        available: Vec<bool>,
        reachable: Vec<bool>,
    },
    Select {
        last: Option<String>,
        pick: Option<usize>,
    },
}

pub fn judge(file: &Value, tally: &mut Tally) {
    tally.section(file, "round_robin", |case: RoundRobin| {
        let mut info = TopicPublishInfo::new(case.queues, case.start_index);
        for (position, (last, pick)) in case.steps.iter().enumerate() {
            same(
                format!("steps[{position}]"),
                Some(*pick),
                info.select_one_avoiding(last.as_ref()),
            )?;
        }
        Ok(())
    });
    tally.section(
        file,
        "not_available_duration",
        |(latency, duration): (i64, u64)| {
            same(
                "duration",
                SimDuration::from_millis(duration),
                not_available_duration(latency),
            )
        },
    );
    tally.section(file, "fault", fault);
    let counts: Vec<u32> = Vec::deserialize(tally.data(file, "hash_queue_counts")).unwrap_or_default();
    tally.section(file, "select_by_hash", |case| by_hash(case, &counts));
}

fn fault(case: Fault) -> Outcome {
    let mut strategy = MqFaultStrategy::new(case.send_latency_enable);
    let mut info = TopicPublishInfo::new(case.queues, case.start_index);
    let mut now = SimTime::ZERO;
    for (position, op) in case.ops.iter().enumerate() {
        let at = format!("ops[{position}]");
        match op {
            Op::Update {
                broker,
                latency,
                isolation,
                reachable,
            } => {
                strategy.update(now, broker, *latency, *isolation, *reachable);
            }
            Op::Advance { ms } => now += SimDuration::from_millis(*ms),
            Op::Query { available, reachable } => {
                let found =
                    |query: &dyn Fn(&String) -> bool| case.brokers.iter().map(query).collect::<Vec<_>>();
                same(
                    &at,
                    available,
                    &found(&|broker| strategy.is_available(now, broker)),
                )?;
                same(&at, reachable, &found(&|broker| strategy.is_reachable(broker)))?;
            }
            Op::Select { last, pick } => {
                same(&at, *pick, strategy.select(now, &mut info, last.as_ref()))?;
            }
        }
    }
    Ok(())
}

fn by_hash((kind, key, hash_code, picks): (String, Value, i32, Vec<usize>), counts: &[u32]) -> Outcome {
    let number = || key.as_i64().expect("a whole number");
    let hash = match kind.as_str() {
        "string" => java_hash(key.as_str().expect("a text")),
        "int" => number() as i32,
        // `Long.hashCode`: both halves, exclusive-or. Keys are texts in a scenario, so only the vectors need it.
        "long" => (number() ^ (number() as u64 >> 32) as i64) as i32,
        other => return same("type", "string, int or long", other),
    };
    same("hashCode", hash_code, hash)?;
    same(
        "queues",
        picks,
        counts
            .iter()
            .map(|&count| select_by_hash(hash, count))
            .collect::<Vec<_>>(),
    )
}
