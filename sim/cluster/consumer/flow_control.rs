//! When a client pulls, when it waits, and what it does with the answer.
//!
//! Exactly one pull request exists per held queue. It goes round: these checks, the network, the answer,
//! the checks again. It ends only when its queue is dropped.
//!
//! Thresholds are strict: at exactly 1000 cached messages a pull still goes out. The span counts offsets, so one
//! message that hangs stops its queue after 2000 further ones even if all of those are done.
//!
//! Source: `DefaultMQPushConsumerImpl.pullMessage` and its `PullCallback`, `RebalancePushImpl.messageQueueChanged`.

use crate::cluster::config::ConsumerTuning;
use crate::cluster::consumer::process_queue::ProcessQueue;
use crate::cluster::fact::FlowControlCause;
use crate::kernel::time::SimDuration;

/// `PULL_TIME_DELAY_MILLS_WHEN_CACHE_FLOW_CONTROL`.
pub const DELAY_WHEN_CACHE_FLOW_CONTROL: SimDuration = SimDuration::from_millis(50);
/// `PULL_TIME_DELAY_MILLS_WHEN_BROKER_FLOW_CONTROL`.
pub const DELAY_WHEN_BROKER_FLOW_CONTROL: SimDuration = SimDuration::from_millis(20);
/// `PULL_TIME_DELAY_MILLS_WHEN_SUSPEND`.
pub const DELAY_WHEN_SUSPEND: SimDuration = SimDuration::from_secs(1);
/// `pullTimeDelayMillsWhenException`.
pub const DELAY_WHEN_EXCEPTION: SimDuration = SimDuration::from_secs(1);
/// `CONSUMER_TIMEOUT_MILLIS_WHEN_SUSPEND`: how long a client waits for the answer to a pull.
pub const PULL_TIMEOUT: SimDuration = SimDuration::from_secs(30);

/// The thresholds of one queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullThresholds {
    /// `pullThresholdForQueue`, messages.
    pub count: u32,
    /// `pullThresholdSizeForQueue`, MiB.
    pub size_mib: u32,
    /// `consumeConcurrentlyMaxSpan`, offsets.
    pub span: u32,
}

impl PullThresholds {
    /// The thresholds of each queue of a client that holds `queues_held` queues, retry queues included.
    ///
    /// A threshold for the topic, where set, is divided among them, at least 1 for each. RocketMQ does that when
    /// the assignment changes, and not while nothing is held.
    pub fn of(tuning: &ConsumerTuning, queues_held: usize) -> Self {
        let divide = |topic: i32, queue: u32| match u32::try_from(topic) {
            Ok(total) if queues_held > 0 => (total / queues_held as u32).max(1),
            _ => queue,
        };
        Self {
            count: divide(tuning.pull_threshold_for_topic, tuning.pull_threshold_for_queue),
            size_mib: divide(
                tuning.pull_threshold_size_for_topic,
                tuning.pull_threshold_size_for_queue,
            ),
            span: tuning.consume_concurrently_max_span,
        }
    }

    /// The first of these that `cache` exceeds. The span does not bind orderly listeners.
    #[inline]
    pub fn exceeded(&self, cache: CacheState, orderly: bool) -> Option<FlowControlCause> {
        if cache.count > i64::from(self.count) {
            Some(FlowControlCause::Count)
        } else if cache.size / BYTES_PER_MIB > i64::from(self.size_mib) {
            Some(FlowControlCause::Size)
        } else if !orderly && cache.span > u64::from(self.span) {
            Some(FlowControlCause::Span)
        } else {
            None
        }
    }
}

const BYTES_PER_MIB: i64 = 1 << 20;

/// What the thresholds look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheState {
    /// `msgCount`.
    pub count: i64,
    /// `msgSize`, bytes.
    pub size: i64,
    /// `getMaxSpan`.
    pub span: u64,
}

impl From<&ProcessQueue> for CacheState {
    fn from(queue: &ProcessQueue) -> Self {
        Self {
            count: queue.msg_count(),
            size: queue.msg_size(),
            span: queue.max_span(),
        }
    }
}

/// How a queue stands when its pull request comes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullSituation {
    /// The queue was given up.
    pub dropped: bool,
    /// The client is in the state RUNNING.
    pub running: bool,
    /// The user called `suspend()`.
    pub suspended: bool,
    /// What is cached.
    pub cache: CacheState,
    /// `None`: concurrent listener.
    pub orderly: Option<OrderlyPull>,
    /// The topic is (still) subscribed to.
    pub subscribed: bool,
}

/// The part of a situation that only an orderly listener has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderlyPull {
    /// `ProcessQueue.locked`.
    pub locked: bool,
    /// `PullRequest.previouslyLocked`: the start offset was read after the lock was won.
    pub previously_locked: bool,
}

/// What a pull request does when it comes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullDecision {
    /// Nothing ever again: the queue was given up.
    End,
    /// Try again after this time.
    Later(SimDuration),
    /// A threshold is exceeded: try again in 50 ms.
    FlowControl(FlowControlCause),
    /// Read the start offset from the broker again, since the previous owner may have committed meanwhile. On
    /// success set `nextOffset` and `previouslyLocked` and pull; on failure try again in 1 s.
    LookUpStartOffset,
    /// Send the pull.
    Pull,
}

/// The checks before a pull, in RocketMQ's order.
///
/// Except when it ends, the caller notes `lastPullTimestamp`: waiting here never makes a queue look abandoned.
#[inline]
pub fn decide_pull(situation: &PullSituation, thresholds: &PullThresholds) -> PullDecision {
    if situation.dropped {
        return PullDecision::End;
    }
    if !situation.running {
        return PullDecision::Later(DELAY_WHEN_EXCEPTION);
    }
    if situation.suspended {
        return PullDecision::Later(DELAY_WHEN_SUSPEND);
    }
    if let Some(cause) = thresholds.exceeded(situation.cache, situation.orderly.is_some()) {
        return PullDecision::FlowControl(cause);
    }
    match situation.orderly {
        Some(OrderlyPull { locked: false, .. }) => PullDecision::Later(DELAY_WHEN_EXCEPTION),
        Some(OrderlyPull {
            previously_locked: false,
            ..
        }) => PullDecision::LookUpStartOffset,
        _ if !situation.subscribed => PullDecision::Later(DELAY_WHEN_EXCEPTION),
        _ => PullDecision::Pull,
    }
}

/// The commit that a clustering consumer's pull carries along, given the offset in memory. 0 is never sent.
#[inline]
pub fn piggybacked_commit(memory: Option<u64>) -> Option<u64> {
    memory.filter(|&offset| offset > 0)
}

/// How the broker answered, as the client names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullStatus {
    /// `FOUND`.
    Found,
    /// `NO_NEW_MSG`: the hold ran out.
    NoNewMsg,
    /// `NO_MATCHED_MSG`: the filter let nothing through.
    NoMatchedMsg,
    /// `OFFSET_ILLEGAL`: out of range; the answer proposes another offset.
    OffsetIllegal,
}

/// What a client does with an answer. In every case `nextOffset` becomes the answer's `nextBeginOffset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullReaction {
    /// Put the messages into the cache, hand them to the listener, pull again after this time.
    Consume(SimDuration),
    /// Pull again at once.
    PullNow,
    /// Raise the in-memory offset to `nextOffset`, pull again at once.
    RaiseOffsetAndPull,
    /// Drop the queue; then set the in-memory offset to `nextOffset` and freeze it, persist it, forget the queue
    /// and start a rebalance, which takes the queue anew.
    RepairOffset,
}

/// What to do with an answer: `messages` are left after the client's own filter, `cached` is `msgCount` before.
///
/// An answer whose messages the client filtered out ignores `pullInterval`, and moves no offset.
#[inline]
pub fn react_to_pull(
    status: PullStatus,
    messages: usize,
    cached: i64,
    pull_interval: SimDuration,
) -> PullReaction {
    match status {
        PullStatus::Found if messages == 0 => PullReaction::PullNow,
        PullStatus::Found => PullReaction::Consume(pull_interval),
        PullStatus::NoNewMsg | PullStatus::NoMatchedMsg if cached == 0 => PullReaction::RaiseOffsetAndPull,
        PullStatus::NoNewMsg | PullStatus::NoMatchedMsg => PullReaction::PullNow,
        PullStatus::OffsetIllegal => PullReaction::RepairOffset,
    }
}

/// `ResponseCode.FLOW_CONTROL`: the broker has too much to do.
pub const FLOW_CONTROL: i32 = 215;

/// When to pull again after a failed pull; `code` is the broker's response code, if it answered at all.
pub const fn delay_after_failure(code: Option<i32>) -> SimDuration {
    match code {
        Some(FLOW_CONTROL) => DELAY_WHEN_BROKER_FLOW_CONTROL,
        _ => DELAY_WHEN_EXCEPTION,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: PullThresholds = PullThresholds {
        count: 1000,
        size_mib: 100,
        span: 2000,
    };

    #[track_caller]
    fn check(count: i64, size: i64, span: u64, orderly: bool, expected: Option<FlowControlCause>) {
        assert_eq!(
            DEFAULT.exceeded(CacheState { count, size, span }, orderly),
            expected
        );
    }

    /// All three bite only beyond the threshold; the size is cut to whole MiB, so it bites from 101 MiB.
    #[test]
    fn thresholds_are_strict() {
        check(1000, 101 * BYTES_PER_MIB - 1, 2000, false, None);
        check(1001, 0, 0, false, Some(FlowControlCause::Count));
        check(1, 101 * BYTES_PER_MIB, 0, false, Some(FlowControlCause::Size));
        check(2, 0, 2001, false, Some(FlowControlCause::Span));
        check(2, 0, 2001, true, None);
    }

    /// 1000 messages for the topic on 3 queues: 333 each; on none, the queue's own threshold stays.
    #[test]
    fn topic_threshold_is_divided() {
        let tuning = ConsumerTuning {
            pull_threshold_for_topic: 1000,
            ..ConsumerTuning::default()
        };
        assert_eq!(PullThresholds::of(&tuning, 3).count, 333);
        assert_eq!(PullThresholds::of(&tuning, 2000).count, 1);
        assert_eq!(PullThresholds::of(&tuning, 0).count, 1000);
        assert_eq!(PullThresholds::of(&ConsumerTuning::default(), 3), DEFAULT);
    }
}
