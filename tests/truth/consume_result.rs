//! What becomes of the messages of a listener call.

use crate::harness::{Outcome, Tally, same};
use rmqsim::cluster::broker::retry_dlq::retry_topic;
use rmqsim::cluster::consumer::consume_result::{
    ConsumeConcurrentlyStatus, ConsumeOrderlyStatus, LOCAL_RETRY_DELAY, MessageModel, OrderlyContext,
    at_their_limit, batch_sizes, client_retry_level, max_reconsume_times_orderly, pause, settle_concurrently,
    settle_orderly, succeeded, to_send_back,
};
use rmqsim::cluster::consumer::process_queue::{CachedMessage, ProcessQueue, Progress};
use rmqsim::cluster::ids::{MessageId, TopicId};
use rmqsim::kernel::time::SimTime;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[derive(Deserialize)]
struct Concurrently {
    model: String,
    status: String,
    ack_index: i32,
    delay_level: i32,
    dropped: bool,
    msgs: Vec<(u64, u16)>,
    cached_before: Vec<u64>,
    send_back_fails_for: Vec<u64>,
    send_back: Vec<(u64, i32)>,
    local_retry_after_ms: Vec<u64>,
    offset_update: Option<(u64, bool)>,
    cached_after: Vec<u64>,
    reconsume_times_after: Vec<u16>,
}

#[derive(Deserialize)]
struct Orderly {
    status: String,
    auto_commit: bool,
    max_reconsume_times: i32,
    context_suspend_ms: i64,
    consumer_suspend_ms: i64,
    dropped: bool,
    retry_send_fails: bool,
    msgs: Vec<(u64, u16)>,
    consuming_before: Vec<u64>,
    cached_before: Vec<u64>,
    r#continue: bool,
    offset_update: Option<(u64, bool)>,
    resume_after_ms: Vec<u64>,
    retry_sends: Vec<Value>,
    consuming_after: Vec<u64>,
    cached_after: Vec<u64>,
    reconsume_times_after: Vec<u16>,
    msg_count_after: i64,
}

#[derive(Deserialize)]
struct BatchSplit {
    msgs: usize,
    batch_max: usize,
    request_sizes: Vec<usize>,
}

pub fn judge(file: &Value, tally: &mut Tally) {
    tally.section(file, "concurrently", concurrently);
    tally.section(file, "orderly", orderly);
    tally.section(file, "batch_split", |case: BatchSplit| {
        same(
            "sizes",
            case.request_sizes,
            batch_sizes(case.msgs, case.batch_max).collect::<Vec<_>>(),
        )
    });
}

/// A cache of these offsets, with the attempts of `msgs`.
fn cache(offsets: impl Iterator<Item = u64>, msgs: &[(u64, u16)]) -> ProcessQueue {
    let times = |offset| {
        msgs.iter()
            .find(|&&(at, _)| at == offset)
            .map_or(0, |&(_, times)| times)
    };
    let mut queue = ProcessQueue::new(SimTime::ZERO);
    queue.put(offsets.map(|offset| CachedMessage {
        offset,
        stored: SimTime::ZERO,
        born: SimTime::ZERO,
        luck: 0,
        id: MessageId(0),
        body_size: 1,
        origin_topic: TopicId(0),
        progress: Progress::new(times(offset)),
    }));
    queue
}

fn offsets<'a>(messages: impl Iterator<Item = &'a CachedMessage>) -> Vec<u64> {
    messages.map(|message| message.offset).collect()
}

fn concurrently(case: Concurrently) -> Outcome {
    let batch: Vec<u64> = case.msgs.iter().map(|&(offset, _)| offset).collect();
    // All of the batch was cached once; what is missing was cleaned up since.
    let ever: BTreeSet<u64> = case.cached_before.iter().chain(&batch).copied().collect();
    let mut queue = cache(ever.iter().copied(), &case.msgs);
    queue.remove(
        ever.into_iter()
            .filter(|offset| !case.cached_before.contains(offset)),
    );
    queue.dropped = case.dropped;
    let model = match case.model.as_str() {
        "BROADCASTING" => MessageModel::Broadcasting,
        _ => MessageModel::Clustering,
    };
    let status = match case.status.as_str() {
        "CONSUME_SUCCESS" => ConsumeConcurrentlyStatus::ConsumeSuccess,
        _ => ConsumeConcurrentlyStatus::ReconsumeLater,
    };
    let failed = &batch[succeeded(status, case.ack_index, batch.len())..];
    let sent: Vec<u64> = to_send_back(&queue, model, failed).collect();
    let not_sent: Vec<u64> = sent
        .iter()
        .copied()
        .filter(|offset| case.send_back_fails_for.contains(offset))
        .collect();
    let settled = settle_concurrently(&mut queue, &batch, &not_sent);

    same(
        "send-back",
        case.send_back,
        sent.iter()
            .map(|&offset| (offset, case.delay_level))
            .collect::<Vec<_>>(),
    )?;
    let retry = settled.retries_locally.then_some(LOCAL_RETRY_DELAY.as_millis());
    same(
        "local retry",
        case.local_retry_after_ms,
        retry.into_iter().collect::<Vec<_>>(),
    )?;
    same(
        "offset",
        case.offset_update,
        settled.raise_offset_to.map(|offset| (offset, true)),
    )?;
    same("cache", case.cached_after, offsets(queue.cached()))?;
    // A message that left the cache keeps the count that it came with.
    let times = |&(offset, before): &(u64, u16)| {
        queue
            .get(offset)
            .map_or(before, |message| message.progress.reconsume_times())
    };
    same(
        "attempts",
        case.reconsume_times_after,
        case.msgs.iter().map(times).collect::<Vec<_>>(),
    )
}

fn orderly(case: Orderly) -> Outcome {
    let mut queue = cache(
        case.consuming_before.iter().chain(&case.cached_before).copied(),
        &case.msgs,
    );
    queue.dropped = case.dropped;
    let taken = queue.take_messages(case.consuming_before.len());
    let mut batch: Vec<CachedMessage> = taken
        .into_iter()
        .filter(|message| case.msgs.iter().any(|&(offset, _)| offset == message.offset))
        .collect();
    let status = match case.status.as_str() {
        "SUCCESS" => ConsumeOrderlyStatus::Success,
        "COMMIT" => ConsumeOrderlyStatus::Commit,
        "ROLLBACK" => ConsumeOrderlyStatus::Rollback,
        _ => ConsumeOrderlyStatus::SuspendCurrentQueueAMoment,
    };
    let max = max_reconsume_times_orderly(case.max_reconsume_times);
    let context = OrderlyContext {
        auto_commit: case.auto_commit,
        max_reconsume_times: max,
        pause: pause(case.context_suspend_ms, case.consumer_suspend_ms),
    };
    let suspended = status == ConsumeOrderlyStatus::SuspendCurrentQueueAMoment;
    let sends: Vec<CachedMessage> = at_their_limit(&batch, max)
        .filter(|_| suspended)
        .copied()
        .collect();
    let not_sent = if case.retry_send_fails {
        offsets(sends.iter())
    } else {
        Vec::new()
    };
    let settled = settle_orderly(&mut queue, &mut batch, status, &context, &not_sent);

    let retry_send = |message: &CachedMessage| {
        let times = message.progress.reconsume_times();
        json!({
            "topic": retry_topic("billing"),
            "delay_level": client_retry_level(times),
            "reconsume_property": (times + 1).to_string(),
            "max_reconsume_property": max.to_string(),
        })
    };
    same(
        "retry sends",
        case.retry_sends,
        sends.iter().map(retry_send).collect::<Vec<_>>(),
    )?;
    same("continue", case.r#continue, settled.resume_after.is_none())?;
    let resume = settled.resume_after.map(|after| after.as_millis());
    same(
        "pause",
        case.resume_after_ms,
        resume.into_iter().collect::<Vec<_>>(),
    )?;
    same(
        "offset",
        case.offset_update,
        settled.set_offset_to.map(|offset| (offset, false)),
    )?;
    same("with the listener", case.consuming_after, offsets(queue.taken()))?;
    same("cache", case.cached_after, offsets(queue.cached()))?;
    same("count", case.msg_count_after, queue.msg_count())?;
    let times: Vec<u16> = batch
        .iter()
        .map(|message| message.progress.reconsume_times())
        .collect();
    same("attempts", case.reconsume_times_after, times)
}
