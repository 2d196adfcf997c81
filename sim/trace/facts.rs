//! Every fact, its fields, and how each is written: the one table behind the event log and its schema.
//!
//! Facts and fields have the names of [`Fact`]. A fact or a field that is missing here does not compile.

use super::line::Line;
use crate::cluster::fact::Fact;

macro_rules! facts {
    ($($fact:ident { $($field:ident: $how:ident),* $(,)? })*) => {
        /// All facts, in the order of the documentation.
        pub const NAMES: &[&str] = &[$(stringify!($fact)),*];

        /// The fields of each, and how they are written.
        pub const FIELDS: &[(&str, &[(&str, &str)])] =
            &[$((stringify!($fact), &[$((stringify!($field), stringify!($how))),*])),*];

        /// What a fact is called.
        #[inline]
        pub fn name(fact: &Fact) -> &'static str {
            match fact {
                $(Fact::$fact { .. } => stringify!($fact),)*
            }
        }

        /// Writes the fields of a fact.
        pub(super) fn write(line: &mut Line<'_>, fact: &Fact) {
            match fact {
                $(Fact::$fact { $($field),* } => {
                    $(line.$how(stringify!($field), $field);)*
                })*
            }
        }
    };
}

facts! {
    QueueCreated { queue: queue }
    ConsumerStarted { consumer: consumer }
    ConsumerPaused { consumer: consumer }
    ConsumerResumed { consumer: consumer }
    LinkCut { consumer: consumer, server: server }
    LinkSlowed { consumer: consumer, server: server, slow: flag }
    LinkHealed { consumer: consumer, server: server }
    MemberExpired { broker: broker, consumer: consumer }
    ConnectionLost { broker: broker, consumer: consumer }
    BrokerStopped { broker: broker, crash: flag }
    BrokerStarted { broker: broker }
    TopicUpdated { topic: topic, broker: broker, read: number, write: number }
    ConsumerStopped { consumer: consumer, how: stop_kind }
    Born { producer: producer, message: message, luck: wide, body_size: number }
    Stored { queue: queue, offset: number, message: message, body_size: number }
    SendAcknowledged { producer: producer, message: message, latency: span }
    SendRefused { producer: producer, message: message, gave_up: flag }
    Dispatched { queue: queue, max_offset: number }
    Request { broker: broker, kind: request_kind, group: maybe_group }
    Heartbeat { broker: broker, consumer: consumer }
    PullHeld { queue: queue, consumer: consumer, offset: number }
    PullFailed { consumer: consumer, queue: queue, cause: pull_failure }
    PullAnswered {
        queue: queue, consumer: consumer, result: pull_result, messages: number, bytes: number, next_offset: number,
        held: span,
    }
    Pushed { queue: queue, consumer: consumer, messages: number, bytes: number, next_offset: number }
    OffsetCommitted { group: group, queue: queue, old: maybe, new: number, via: commit_via }
    QueueAcquired { consumer: consumer, queue: queue, start_offset: number, decided_by: start_rule }
    LocalOffsetStored { consumer: consumer, queue: queue, offset: number }
    QueueReleased { consumer: consumer, queue: queue, unfinished: number }
    RebalanceBegan { consumer: consumer, trigger: trigger }
    RebalanceEnded { consumer: consumer, added: number, removed: number, balanced: flag }
    FlowControlled { consumer: consumer, queue: queue, by: threshold }
    Cached { consumer: consumer, queue: queue, messages: number, cached: number, client: cache, group: cache }
    Delivered {
        consumer: consumer, group: group, queue: queue, offset: number, message: message, luck: wide,
        reconsume_times: number, born: instant, stored: instant, position: number,
    }
    Consumed {
        consumer: consumer, group: group, queue: queue, offset: number, message: message, reconsume_times: number,
        born: instant, busy: span, success: flag,
    }
    NoStatus { consumer: consumer, queue: queue, offset: number, messages: number, how: no_status }
    EffectHappened { group: group, identity: wide }
    EffectSuppressed { group: group, identity: wide }
    LocalRetry { consumer: consumer, queue: queue, from: number, to: number }
    ConsumeTimedOut { consumer: consumer, queue: queue, offset: number }
    ResultDiscarded { consumer: consumer, group: group, queue: queue, offset: number, busy: span }
    GuardPassed { consumer: consumer, waited: span }
    GuardBlocked { consumer: consumer }
    ThreadsSet { consumer: consumer, threads: number }
    Forwarded { consumer: consumer, queue: queue, offset: number, message: message, body_size: number }
    TimelineStep { step: step }
    QueueLocked { consumer: consumer, queue: queue }
    QueueUnlocked { consumer: consumer, queue: queue }
    LockRefused { consumer: consumer, queue: queue }
    StartOffsetChanged { consumer: consumer, queue: queue, start_offset: number }
    QueueSuspended { consumer: consumer, group: group, queue: queue, offset: number, rolled_back: flag }
    RetryScheduled {
        group: group, queue: queue, offset: number, message: message, reconsume_times: number, level: number, delay: span,
    }
    RetryStored {
        group: group, queue: queue, offset: number, message: message, reconsume_times: number, waited: span, again: flag,
    }
    DeadLettered {
        group: group, queue: queue, offset: number, dlq_queue: queue, message: message, reconsume_times: number,
        origin_topic: topic, born: instant,
    }
    Dropped {
        consumer: consumer, group: group, queue: queue, offset: number, message: message, cause: drop_cause,
    }
    Filtered {
        consumer: consumer, group: group, queue: queue, from: number, to: number, by: filtered_by, wanted: flag,
    }
    LagEstimated { group: group, topic: topic, diff: number, matching: number }
    MessagesQueried { topic: topic, key: key, max_num: number }
    MessageFound { queue: queue, offset: number, message: message, luck: wide, stored: instant }
    Expired { queue: queue, from: number, to: number }
    Resent { group: group, queue: queue, offset: number, message: message }
    OffsetReset { group: group, queue: queue, to: number }
    OffsetsSkipped { group: group, queue: queue, from: number, to: number, by_operator: flag }
}
