//! The cache of one queue, state after every step.

use crate::harness::{Difference, Outcome, Tally, same};
use rmqsim::cluster::consumer::process_queue::{CachedMessage, CleanExpired, ProcessQueue, Progress};
use rmqsim::cluster::ids::{MessageId, TopicId};
use rmqsim::kernel::time::{SimDuration, SimTime};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Sequence {
    ops: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    op: String,
    #[serde(default)]
    m: Vec<(u64, i64)>,
    #[serde(default)]
    age: Vec<u8>,
    max_offset: Option<i64>,
    n: Option<usize>,
    off: Option<u64>,
    #[serde(default)]
    orderly: bool,
    fail_from: Option<i64>,
    sent_back: Option<Vec<(u64, i32)>>,
    #[serde(default)]
    ret: Value,
    err: Option<String>,
    st: Vec<i64>,
}

pub fn judge(file: &Value, tally: &mut Tally) {
    tally.data(file, "state_fields");
    tally.section(file, "sequences", |sequence: Sequence| {
        let mut queue = ProcessQueue::new(SimTime::ZERO);
        for (position, step) in sequence.ops.iter().enumerate() {
            let in_step = |difference: Difference| Difference {
                at: format!("ops[{position}] {}: {}", step.op, difference.at),
                ..difference
            };
            perform(&mut queue, step).map_err(in_step)?;
            same("state", &step.st, &state(&queue)).map_err(in_step)?;
        }
        Ok(())
    });
}

/// The instant of every step; ages count back from it.
const NOW: SimTime = SimTime::from_nanos(3_600_000_000_000);
const CONSUME_TIMEOUT: SimDuration = SimDuration::from_secs(15 * 60);

fn perform(queue: &mut ProcessQueue, step: &Step) -> Outcome {
    let offsets = || step.m.iter().map(|&(offset, _)| offset);
    match step.op.as_str() {
        "put" => {
            let dispatch = queue.put(messages(step));
            if let (Some(max), Some(last)) = (step.max_offset, offsets().next_back()) {
                queue.note_max_offset(last, u64::try_from(max).unwrap_or(0));
            }
            same("dispatch", &step.ret, &Value::from(dispatch))
        }
        "remove" => same("offset", &step.ret, &or_minus_one(remove(queue, step))),
        "take" => {
            let taken = queue.take_messages(step.n.unwrap_or_default());
            same(
                "offsets",
                &step.ret,
                &taken.iter().map(|message| message.offset).collect::<Value>(),
            )
        }
        "commit" => match queue.commit() {
            Some(offset) => same("offset", &step.ret, &Value::from(offset)),
            None => same("exception", step.err.as_deref(), Some("NoSuchElementException")),
        },
        "rollback" => {
            queue.rollback();
            Ok(())
        }
        "again" => {
            queue.make_message_to_consume_again(&messages(step).collect::<Vec<_>>());
            Ok(())
        }
        "contains" => same(
            "contains",
            &step.ret,
            &Value::from(queue.contains(step.off.unwrap_or_default())),
        ),
        "clear" => {
            queue.clear();
            Ok(())
        }
        "span" => same("span", &step.ret, &Value::from(queue.max_span())),
        "clean" => same(
            "sent back",
            step.sent_back.as_deref(),
            Some(clean(queue, step).as_slice()),
        ),
        other => same("step", "a known one", other),
    }
}

/// As a simulation does, unless the vectors invent another size for the message.
fn remove(queue: &mut ProcessQueue, step: &Step) -> Option<u64> {
    let messages: Vec<CachedMessage> = messages(step).collect();
    let as_cached = |message: &CachedMessage| {
        queue
            .get(message.offset)
            .is_none_or(|cached| cached.body_size == message.body_size)
    };
    match messages.as_slice() {
        odd if !odd.iter().all(as_cached) => queue.remove_messages(odd),
        same => queue.remove(same.iter().map(|message| message.offset)),
    }
}

fn clean(queue: &mut ProcessQueue, step: &Step) -> Vec<(u64, i32)> {
    let mut attempts = Vec::new();
    if step.orderly {
        return attempts;
    }
    let fails_from = step
        .fail_from
        .and_then(|from| u64::try_from(from).ok())
        .unwrap_or(u64::MAX);
    let mut round = CleanExpired::new(queue, CONSUME_TIMEOUT);
    while let Some(hanging) = round.next(queue, NOW) {
        attempts.push((hanging.offset, CleanExpired::SEND_BACK_LEVEL));
        if hanging.offset < fails_from {
            round.sent_back(queue, hanging.offset);
        }
    }
    attempts
}

fn messages(step: &Step) -> impl Iterator<Item = CachedMessage> {
    step.m.iter().enumerate().map(|(position, &(offset, size))| {
        let mut progress = Progress::new(0);
        let minutes_ago = match step.age.get(position) {
            Some(1) => Some(14),
            Some(2) => Some(16),
            _ => None,
        };
        if let Some(minutes) = minutes_ago {
            progress.start(SimTime::ZERO + NOW.since(SimTime::ZERO + SimDuration::from_secs(minutes * 60)));
        }
        CachedMessage {
            offset,
            stored: SimTime::ZERO,
            born: SimTime::ZERO,
            luck: 0,
            id: MessageId(0),
            body_size: u32::try_from(size).unwrap_or(0),
            origin_topic: TopicId(0),
            progress,
        }
    })
}

/// The columns of `state_fields`.
fn state(queue: &ProcessQueue) -> Vec<i64> {
    let ends = |offsets: Vec<u64>| {
        let at = |offset: Option<&u64>| offset.map_or(-1, |&offset| offset as i64);
        [offsets.len() as i64, at(offsets.first()), at(offsets.last())]
    };
    let mut columns = vec![
        queue.msg_count(),
        queue.msg_size(),
        queue.max_span() as i64,
        i64::from(queue.has_temp_message()),
    ];
    columns.extend(ends(queue.cached().map(|message| message.offset).collect()));
    columns.extend(ends(queue.taken().map(|message| message.offset).collect()));
    columns.push(queue.accumulated() as i64);
    columns
}

fn or_minus_one(offset: Option<u64>) -> Value {
    offset.map_or(Value::from(-1), Value::from)
}
