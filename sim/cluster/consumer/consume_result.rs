//! What becomes of the messages of a listener call.
//!
//! Concurrent: what failed is sent back to the broker, one after another; what could not be sent back stays in
//! the cache and is tried again here 5 s later; all the rest is done. Orderly: the queue pauses and the same
//! batch comes again, up to `maxReconsumeTimes`; then each message goes to the retry topic, where the broker makes
//! it a dead letter.
//!
//! Sending travels the network, so each rule comes in two halves: what to send, and how to settle once it is
//! known what failed.
//!
//! Source: `ConsumeMessageConcurrentlyService` and `ConsumeMessageOrderlyService`, `processConsumeResult` of both.

use crate::cluster::consumer::process_queue::{CachedMessage, ProcessQueue};
use crate::kernel::time::SimDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who gets a message: one member of the group, or each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MessageModel {
    /// One member of the group.
    #[default]
    #[serde(rename = "CLUSTERING")]
    Clustering,
    /// Each member: failures are dropped, nothing is ever retried.
    #[serde(rename = "BROADCASTING")]
    Broadcasting,
}

/// What a concurrent listener returns; an exception or null counts as `ReconsumeLater`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsumeConcurrentlyStatus {
    /// `CONSUME_SUCCESS`.
    ConsumeSuccess,
    /// `RECONSUME_LATER`.
    ReconsumeLater,
}

/// Pause before messages that could not be sent back are consumed again (`submitConsumeRequestLater`).
pub const LOCAL_RETRY_DELAY: SimDuration = SimDuration::from_secs(5);

/// Messages per listener call when `messages` are handed over, at most `batch_max` each. An empty hand-over
/// still makes one (empty) call.
pub fn batch_sizes(messages: usize, batch_max: usize) -> impl Iterator<Item = usize> {
    let calls = messages.div_ceil(batch_max).max(1);
    (0..calls).map(move |call| batch_max.min(messages - call * batch_max))
}

/// How many messages at the head of the batch succeeded: all after `ackIndex` failed, and with `RECONSUME_LATER`
/// all did. `ack_index` is the listener's (`i32::MAX` unless it sets one).
pub fn succeeded(status: ConsumeConcurrentlyStatus, ack_index: i32, batch: usize) -> usize {
    match status {
        ConsumeConcurrentlyStatus::ConsumeSuccess => {
            usize::try_from(i64::from(ack_index) + 1).unwrap_or(0).min(batch)
        }
        ConsumeConcurrentlyStatus::ReconsumeLater => 0,
    }
}

/// Which of the failed messages are to be sent back, in order: those still in the cache (a clean-up of hanging
/// calls may have taken one out), in clustering mode.
pub fn to_send_back<'a>(
    queue: &'a ProcessQueue,
    model: MessageModel,
    failed: &'a [u64],
) -> impl Iterator<Item = u64> + 'a {
    let failed = if model == MessageModel::Clustering {
        failed
    } else {
        &[]
    };
    failed.iter().copied().filter(|&offset| queue.contains(offset))
}

/// What remains to be done after the sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Raise the in-memory offset to this; `None`: leave it.
    pub raise_offset_to: Option<u64>,
    /// Messages in need of a local retry after [`LOCAL_RETRY_DELAY`], all together.
    pub retries_locally: bool,
}

/// Settles a finished batch: all messages leave the cache but those in `not_sent_back`, whose send-back failed.
///
/// Those count one attempt more. A dropped queue moves no offset.
pub fn settle_concurrently(queue: &mut ProcessQueue, batch: &[u64], not_sent_back: &[u64]) -> Settled {
    if batch.is_empty() {
        return Settled {
            raise_offset_to: None,
            retries_locally: false,
        };
    }
    for &offset in not_sent_back {
        if let Some(message) = queue.get_mut(offset) {
            message.progress.add_reconsume();
        }
    }
    let done = batch.iter().filter(|offset| !not_sent_back.contains(offset));
    let offset = queue.remove(done.copied());
    Settled {
        raise_offset_to: offset.filter(|_| !queue.dropped),
        retries_locally: !not_sent_back.is_empty(),
    }
}

/// What an orderly listener returns; an exception or null counts as `SuspendCurrentQueueAMoment`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsumeOrderlyStatus {
    /// `SUCCESS`.
    Success,
    /// `COMMIT`: the same as success unless the listener commits by hand.
    Commit,
    /// `ROLLBACK`: the same as success unless the listener commits by hand.
    Rollback,
    /// `SUSPEND_CURRENT_QUEUE_A_MOMENT`.
    SuspendCurrentQueueAMoment,
}

/// Attempts on the spot before an orderly message is given up; −1 = practically for ever.
pub const fn max_reconsume_times_orderly(configured: i32) -> i32 {
    if configured == -1 { i32::MAX } else { configured }
}

/// Retries of a message of a concurrent listener before it is dead; −1 = 16.
pub const fn max_reconsume_times_concurrently(configured: i32) -> i32 {
    if configured == -1 { 16 } else { configured }
}

/// Delay level of a message that the client itself sends to the retry topic: 3 + attempts so far.
pub const fn client_retry_level(reconsume_times: u16) -> i32 {
    3 + reconsume_times as i32
}

/// Which messages of a suspended batch go to the retry topic: those at their limit.
/// `max` is [`max_reconsume_times_orderly`].
pub fn at_their_limit(batch: &[CachedMessage], max: i32) -> impl Iterator<Item = &CachedMessage> {
    batch.iter().filter(move |message| is_at_limit(message, max))
}

fn is_at_limit(message: &CachedMessage, max: i32) -> bool {
    i32::from(message.progress.reconsume_times()) >= max
}

/// What an orderly listener says besides its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderlyContext {
    /// `autoCommit`; true by default.
    pub auto_commit: bool,
    /// `maxReconsumeTimes` as it counts here, see [`max_reconsume_times_orderly`].
    pub max_reconsume_times: i32,
    /// How long the queue pauses, see [`pause`].
    pub pause: SimDuration,
}

/// How long a queue pauses after a failure: what the listener's context says, −1 = what the consumer is set to
/// (`suspendCurrentQueueTimeMillis`); never below 10 ms or above 30 s. Both in ms.
pub fn pause(context_ms: i64, consumer_ms: i64) -> SimDuration {
    let asked = if context_ms == -1 { consumer_ms } else { context_ms };
    SimDuration::from_millis(asked.clamp(10, 30_000).unsigned_abs())
}

/// How an orderly task goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderlySettled {
    /// Set the in-memory offset to this, even downwards; `None`: leave it.
    pub set_offset_to: Option<u64>,
    /// `None`: the task takes its next batch at once. Else it ends and a new one starts after this time.
    pub resume_after: Option<SimDuration>,
}

/// Settles a batch of an orderly listener.
///
/// `not_sent` are those [`at_their_limit`] whose send failed; without a suspension it is empty. As soon as one
/// message of the batch must come again, all of them do, those already sent included.
pub fn settle_orderly(
    queue: &mut ProcessQueue,
    batch: &mut [CachedMessage],
    status: ConsumeOrderlyStatus,
    context: &OrderlyContext,
    not_sent: &[u64],
) -> OrderlySettled {
    use ConsumeOrderlyStatus::{Commit, Rollback, Success, SuspendCurrentQueueAMoment as Suspend};
    let mut resume_after = None;
    let committed = match (status, context.auto_commit) {
        (Suspend, _) if count_attempts(batch, context.max_reconsume_times, not_sent) => {
            queue.make_message_to_consume_again(batch);
            resume_after = Some(context.pause);
            None
        }
        (_, true) | (Commit, false) => queue.commit(),
        (Success | Suspend, false) => None,
        (Rollback, false) => {
            queue.rollback();
            resume_after = Some(context.pause);
            None
        }
    };
    OrderlySettled {
        set_offset_to: committed.filter(|_| !queue.dropped),
        resume_after,
    }
}

/// `checkReconsumeTimes`: counts an attempt on every message that must come again; whether there is one.
fn count_attempts(batch: &mut [CachedMessage], max: i32, not_sent: &[u64]) -> bool {
    let mut suspend = false;
    for message in batch {
        if !is_at_limit(message, max) || not_sent.contains(&message.offset) {
            message.progress.add_reconsume();
            suspend = true;
        }
    }
    suspend
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_cut_in_order() {
        let cut = |messages, max| batch_sizes(messages, max).collect::<Vec<_>>();
        assert_eq!(cut(7, 5), [5, 2]);
        assert_eq!(cut(10, 5), [5, 5]);
        assert_eq!(cut(0, 5), [0]);
    }

    /// `ackIndex` is the last message that succeeded; −1 means none, beyond the end means all.
    #[test]
    fn ack_index_counts_successes() {
        use ConsumeConcurrentlyStatus::{ConsumeSuccess, ReconsumeLater};
        assert_eq!(succeeded(ConsumeSuccess, i32::MAX, 3), 3);
        assert_eq!(succeeded(ConsumeSuccess, 0, 3), 1);
        assert_eq!(succeeded(ConsumeSuccess, -1, 3), 0);
        assert_eq!(succeeded(ConsumeSuccess, i32::MIN, 3), 0);
        assert_eq!(succeeded(ReconsumeLater, i32::MAX, 3), 0);
    }

    /// −1 stands for 16, and nothing else does.
    #[test]
    fn retries_are_sixteen_unless_said() {
        assert_eq!(max_reconsume_times_concurrently(-1), 16);
        assert_eq!(max_reconsume_times_concurrently(0), 0);
        assert_eq!(max_reconsume_times_concurrently(3), 3);
    }

    /// Orderly, −1 is practically for ever; what the client sends to the retry topic waits one level more each time.
    #[test]
    fn orderly_attempts_are_endless_unless_said() {
        assert_eq!(max_reconsume_times_orderly(-1), i32::MAX);
        assert_eq!([0, 5].map(max_reconsume_times_orderly), [0, 5]);
        assert_eq!([0, 1, 15].map(client_retry_level), [3, 4, 18]);
    }

    #[test]
    fn pauses_are_clamped() {
        assert_eq!(pause(-1, 1000), SimDuration::from_millis(1000));
        assert_eq!(pause(-5, 1000), SimDuration::from_millis(10));
        assert_eq!(pause(45_000, 1000), SimDuration::from_millis(30_000));
    }
}
