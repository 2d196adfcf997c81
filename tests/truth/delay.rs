//! Delay levels, send-back, sends to the retry topic.

use crate::harness::{Outcome, Tally, same};
use rmqsim::cluster::broker::retry_dlq::{
    RetryTopicSend, SendBack, SendBackDecision, dlq_topic, retry_topic,
};
use rmqsim::cluster::broker::retry_policy::RetryPolicy;
use rmqsim::cluster::broker::schedule_message::{
    DelayLevelReason, DelayLevels, level_of_queue_id, queue_id_of_level,
};
use rmqsim::cluster::config::BrokerTuning;
use rmqsim::kernel::time::{SimDuration, SimTime};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

const GROUP: &str = "billing";

#[derive(Deserialize)]
struct LevelTable {
    levels: String,
    ok: bool,
    max_level: u32,
    table_ms: BTreeMap<i32, i64>,
}

#[derive(Deserialize)]
struct Deliver {
    level: i32,
    deliver_offset_ms: u64,
    queue_id: i32,
}

#[derive(Deserialize)]
struct SendBackCase {
    #[serde(default)]
    reconsume_times: i32,
    #[serde(default)]
    delay_level: i32,
    max_reconsume_times: Option<i32>,
    #[serde(default)]
    group_retry_max_times: i32,
    group_retry_queue_nums: Option<i32>,
    stored: Option<bool>,
    stored_reconsume_times: Option<i32>,
    #[serde(flatten)]
    stored_as: StoredAs,
}

#[derive(Deserialize)]
struct RetryTopicCase {
    reconsume_times: i32,
    max_reconsume_times: Option<i32>,
    group_retry_max_times: i32,
    group_has_unexpired_lock: bool,
    request_delay_level: i32,
    #[serde(flatten)]
    stored_as: StoredAs,
}

/// A policy with its delays by attempts.
#[derive(Deserialize)]
struct PolicyCase {
    policy: String,
    next: Option<Vec<i64>>,
    initial: Option<i64>,
    max: Option<i64>,
    multiplier: Option<i64>,
    delay_ms: Vec<(i32, i64)>,
}

/// How the store keeps it.
#[derive(Deserialize, Debug, Default, PartialEq)]
struct StoredAs {
    topic: Option<String>,
    stored_delay_level: Option<i32>,
    #[serde(default)]
    scheduled: bool,
    effective_level: Option<i32>,
    schedule_queue_id: Option<i32>,
    delay_ms: Option<u64>,
    real_topic: Option<String>,
}

pub fn judge(file: &Value, tally: &mut Tally) {
    tally.section(file, "level_tables", level_table);
    tally.section(file, "deliver", |case: Deliver| {
        let stored = SimTime::from_nanos(7_000_000);
        let due = default_levels().deliver_at(case.level, stored);
        same(
            "deliver",
            SimDuration::from_millis(case.deliver_offset_ms),
            due.since(stored),
        )?;
        same("queue", case.queue_id, queue_id_of_level(case.level))?;
        same("level", case.level, level_of_queue_id(case.queue_id))
    });
    tally.section(file, "retry_policies", retry_policy);
    tally.section(file, "send_back", send_back);
    tally.section(file, "retry_topic_send", |case: RetryTopicCase| {
        let decision = RetryTopicSend {
            reconsume_times: case.reconsume_times,
            max_reconsume_times: case.max_reconsume_times,
            group_retry_max_times: case.group_retry_max_times,
            delay_level: case.request_delay_level,
            group_has_lock: case.group_has_unexpired_lock,
            dead_at_limit: false,
        }
        .decide();
        // The broker marks such a dead letter by level −1, one of its own making by 0.
        same("stored as", case.stored_as, stored_as(decision, -1))
    });
}

fn retry_policy(case: PolicyCase) -> Outcome {
    let policy = match (
        case.policy.as_str(),
        case.next,
        case.initial,
        case.max,
        case.multiplier,
    ) {
        ("CustomizedRetryPolicy", Some(next), ..) => RetryPolicy::Customized { next },
        ("ExponentialRetryPolicy", _, Some(initial), Some(max), Some(multiplier)) => {
            RetryPolicy::Exponential {
                initial,
                max,
                multiplier,
            }
        }
        (other, ..) => return same("policy", "a known one with its settings", other),
    };
    let delays = case.delay_ms.iter();
    let found: Vec<(i32, i64)> = delays
        .map(|(times, _)| (*times, policy.next_delay_millis(*times)))
        .collect();
    same("delays", case.delay_ms, found)
}

fn default_levels() -> DelayLevels {
    DelayLevels::parse(&BrokerTuning::default().message_delay_level).expect("the default table is sound")
}

/// Java keeps what it read before it failed, which the broker then never uses. Compared all the same.
fn level_table(case: LevelTable) -> Outcome {
    let (ok, read, max_level) = match DelayLevels::parse(&case.levels) {
        Ok(levels) => (true, levels.clone(), levels.max_level()),
        Err(error) => {
            let sound: Vec<&str> = case.levels.split(' ').take(error.level as usize - 1).collect();
            let empty = error.reason == DelayLevelReason::Empty;
            (
                false,
                DelayLevels::parse(&sound.join(" ")).unwrap_or_default(),
                error.level - u32::from(empty),
            )
        }
    };
    let table =
        (1..=read.max_level() as i32).map(|level| (level, read.delay_millis(level).unwrap_or(i64::MIN)));
    same("ok", case.ok, ok)?;
    same("levels", case.max_level, max_level)?;
    same("table", case.table_ms, table.collect::<BTreeMap<_, _>>())
}

fn send_back(case: SendBackCase) -> Outcome {
    let decision = SendBack {
        reconsume_times: case.reconsume_times,
        delay_level: case.delay_level,
        max_reconsume_times: case.max_reconsume_times,
        group_retry_max_times: case.group_retry_max_times,
        group_retry_queue_nums: case.group_retry_queue_nums.unwrap_or(1),
    }
    .decide();
    if case.stored == Some(false) {
        return same("decision", SendBackDecision::Drop, decision);
    }
    same(
        "attempts",
        case.stored_reconsume_times,
        Some(case.reconsume_times.wrapping_add(1)),
    )?;
    same("stored as", case.stored_as, stored_as(decision, 0))
}

fn stored_as(decision: SendBackDecision, dead_letter_level: i32) -> StoredAs {
    match decision {
        SendBackDecision::Drop => StoredAs::default(),
        SendBackDecision::DeadLetter => StoredAs {
            topic: Some(dlq_topic(GROUP)),
            stored_delay_level: Some(dead_letter_level),
            ..StoredAs::default()
        },
        SendBackDecision::Retry { level } => {
            let levels = default_levels();
            let effective = levels.effective(level);
            StoredAs {
                topic: Some(retry_topic(GROUP)),
                stored_delay_level: Some(level),
                scheduled: effective.is_some(),
                effective_level: effective,
                schedule_queue_id: effective.map(queue_id_of_level),
                delay_ms: effective.map(|level| levels.delay(level).as_millis()),
                real_topic: effective.map(|_| retry_topic(GROUP)),
            }
        }
    }
}
