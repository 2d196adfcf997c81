//! Checks before a pull, reactions to its answer.

use crate::harness::{Outcome, Tally, same};
use crate::pull_from_where::stored_offset;
use rmqsim::cluster::config::{ConsumeFromWhere, ConsumerTuning};
use rmqsim::cluster::consumer::flow_control::{
    CacheState, DELAY_WHEN_CACHE_FLOW_CONTROL, DELAY_WHEN_EXCEPTION, OrderlyPull, PULL_TIMEOUT, PullDecision,
    PullReaction, PullSituation, PullStatus, PullThresholds, decide_pull, delay_after_failure,
    piggybacked_commit, react_to_pull,
};
use rmqsim::cluster::consumer::offset_store::{PullFromWhere, compute_pull_from_where};
use rmqsim::kernel::time::SimDuration;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Decision {
    threshold_count: u32,
    threshold_mib: u32,
    max_span: u32,
    count: i64,
    size_bytes: i64,
    span: u64,
    orderly: bool,
    locked: bool,
    previously_locked: bool,
    next_offset: u64,
    memory_offset: i64,
    broker_offset: i64,
    paused: bool,
    dropped: bool,
    action: Value,
    previously_locked_after: bool,
    next_offset_after: u64,
}

#[derive(Deserialize)]
struct Callback {
    status: Option<String>,
    exception_code: Option<i32>,
    next_begin_offset: Option<u64>,
    #[serde(default)]
    messages_after_filter: usize,
    #[serde(default)]
    pull_interval: u64,
    #[serde(default)]
    cached_before: i64,
    actions: Vec<Value>,
    next_offset_after: u64,
    dropped_after: Option<bool>,
}

pub fn judge(file: &Value, tally: &mut Tally) {
    tally.section(file, "decisions", decision);
    tally.section(file, "callbacks", callback);
}

fn decision(case: Decision) -> Outcome {
    let thresholds = PullThresholds {
        count: case.threshold_count,
        size_mib: case.threshold_mib,
        span: case.max_span,
    };
    let mut orderly = OrderlyPull {
        locked: case.locked,
        previously_locked: case.previously_locked,
    };
    let mut next_offset = case.next_offset;
    let situation = |orderly| PullSituation {
        dropped: case.dropped,
        running: true,
        suspended: case.paused,
        cache: CacheState {
            count: case.count,
            size: case.size_bytes,
            span: case.span,
        },
        orderly: case.orderly.then_some(orderly),
        subscribed: true,
    };
    let mut decision = decide_pull(&situation(orderly), &thresholds);
    if decision == PullDecision::LookUpStartOffset {
        let stored = stored_offset(case.broker_offset);
        decision = match compute_pull_from_where(ConsumeFromWhere::LastOffset, false, stored) {
            PullFromWhere::At(offset) => {
                (orderly.previously_locked, next_offset) = (true, offset);
                decide_pull(&situation(orderly), &thresholds)
            }
            _ => PullDecision::Later(DELAY_WHEN_EXCEPTION),
        };
    }
    let later = |delay: SimDuration| json!(["later", delay.as_millis()]);
    let found = match decision {
        PullDecision::End => Value::Null,
        PullDecision::Later(delay) => later(delay),
        PullDecision::FlowControl(_) => later(DELAY_WHEN_CACHE_FLOW_CONTROL),
        PullDecision::LookUpStartOffset => json!("a second look-up"),
        PullDecision::Pull => pull_request(next_offset, case.memory_offset),
    };
    same("action", case.action, found)?;
    same(
        "previouslyLocked",
        case.previously_locked_after,
        orderly.previously_locked,
    )?;
    same("nextOffset", case.next_offset_after, next_offset)
}

/// The request's fields. Without the flag, the commit field holds whatever the memory says, −1 included.
fn pull_request(next_offset: u64, memory_offset: i64) -> Value {
    let tuning = ConsumerTuning::default();
    let commit = piggybacked_commit(u64::try_from(memory_offset).ok());
    json!({
        "pull_offset": next_offset,
        "batch": tuning.pull_batch_size,
        "batch_bytes": tuning.pull_batch_size_in_bytes,
        "commit_flag": commit.is_some(),
        "suspend_flag": true,
        "sub_flag": false,
        "commit_offset": commit.map_or(json!(memory_offset), Value::from),
        "suspend_ms": tuning.broker_suspend_max_time_millis.0,
        "timeout_ms": PULL_TIMEOUT.as_millis(),
    })
}

fn callback(case: Callback) -> Outcome {
    let Some(status) = case.status.as_deref() else {
        let code = case.exception_code.filter(|&code| code != -1);
        let found = json!([["later", delay_after_failure(code).as_millis()]]);
        return same("actions", Value::from(case.actions), found);
    };
    let status = match status {
        "FOUND" => PullStatus::Found,
        "NO_NEW_MSG" => PullStatus::NoNewMsg,
        "NO_MATCHED_MSG" => PullStatus::NoMatchedMsg,
        "OFFSET_ILLEGAL" => PullStatus::OffsetIllegal,
        other => return same("status", "a known one", other),
    };
    let interval = SimDuration::from_millis(case.pull_interval);
    let reaction = react_to_pull(status, case.messages_after_filter, case.cached_before, interval);
    let next = case.next_begin_offset;
    let found = match reaction {
        PullReaction::Consume(after) => {
            let again = if after.is_zero() {
                json!(["now"])
            } else {
                json!(["later", after.as_millis()])
            };
            // Whether a task is asked for is the cache's answer: only if it was empty before.
            json!([
                [
                    "submit_consume",
                    case.messages_after_filter,
                    case.cached_before == 0
                ],
                again
            ])
        }
        PullReaction::PullNow => json!([["now"]]),
        PullReaction::RaiseOffsetAndPull => json!([["update_offset", next, true], ["now"]]),
        PullReaction::RepairOffset => json!([["update_and_freeze", next], ["persist"], ["rebalance_now"]]),
    };
    same("actions", Value::from(case.actions), found)?;
    same("nextOffset", Some(case.next_offset_after), next)?;
    same(
        "dropped",
        case.dropped_after,
        Some(reaction == PullReaction::RepairOffset),
    )
}
