//! Where a new queue starts.

use crate::harness::{Outcome, Tally, same};
use rmqsim::cluster::broker::retry_dlq::is_retry_topic;
use rmqsim::cluster::consumer::offset_store::{
    PullFromWhere, StoredOffset, compute_pull_from_where, consume_from_where_named, consume_init_mode,
};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Case {
    from: String,
    topic: String,
    stored: i64,
    max: i64,
    search: i64,
    lookup_fails: bool,
    with_exception: Value,
    plain: i64,
    init_mode: u8,
}

pub fn judge(file: &Value, tally: &mut Tally) {
    tally.section(file, "cases", case);
}

/// The broker's answer behind the number that `readOffset` returns.
pub fn stored_offset(number: i64) -> StoredOffset {
    match number {
        -1 => StoredOffset::NotFound,
        negative if negative < 0 => StoredOffset::Failed,
        offset => StoredOffset::Found(offset.unsigned_abs()),
    }
}

fn case(case: Case) -> Outcome {
    let from = consume_from_where_named(&case.from).expect("a name of ConsumeFromWhere");
    let rule = compute_pull_from_where(from, is_retry_topic(&case.topic), stored_offset(case.stored));
    let asked = |answer| (!case.lookup_fails).then_some(answer);
    let start = match rule {
        PullFromWhere::At(offset) => Some(offset as i64),
        PullFromWhere::AskMaxOffset => asked(case.max),
        PullFromWhere::AskTimestamp => asked(case.search),
        PullFromWhere::Unknown => None,
    };
    let found = start.map_or(Value::from("MQClientException"), Value::from);
    same("computePullFromWhereWithException", case.with_exception, found)?;
    same("computePullFromWhere", case.plain, start.unwrap_or(-1))?;
    same("getConsumeInitMode", case.init_mode, consume_init_mode(from))
}
