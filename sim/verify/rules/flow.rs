//! Flow control (P3): what an answer may bring, and what may lie in a cache when a pull is asked for.
//!
//! Looked at when the answer comes: what lay in the cache before it lay there when it was asked for, since meanwhile a
//! cache only loses. What the listener has already been given is left out, so that the bounds are met a little late.

use super::{Judge, who};
use crate::cluster::config::{ConsumerTuning, Delivery};
use crate::cluster::directory::{Directory, TopicKind};
use crate::cluster::ids::{ConsumerId, QueueId};
use crate::kernel::time::SimTime;
use crate::observe::invariant::Invariant;

const BYTES_PER_MIB: u64 = 1 << 20;

/// What a client may have at most of one queue; a threshold for the topic is divided among queues, how many is not known.
fn threshold(of_queue: u32, of_topic: i32) -> u64 {
    u64::from(of_queue.max(u32::try_from(of_topic).unwrap_or(0)))
}

impl Judge<'_> {
    /// Whoever pulls asks only while no threshold is exceeded, and has one answer under way: `messages` of it have come,
    /// and `cached` lie there now.
    pub(super) fn cache_has_room(
        &self,
        now: SimTime,
        directory: &Directory,
        (consumer, queue): (ConsumerId, QueueId),
        (messages, cached): (u32, u32),
    ) {
        let group = self.group_of(directory, consumer);
        let right = |holds: bool, what: &dyn Fn() -> String| {
            self.asked.must(now, Invariant::P3, holds, || {
                format!("{} {}", who(directory, consumer, queue), what())
            });
        };
        let most = match group.delivery {
            Delivery::LongPolling | Delivery::ShortPolling { .. } => {
                let tuning = &group.tuning;
                let most = threshold(tuning.pull_threshold_for_queue, tuning.pull_threshold_for_topic);
                self.rest_has_room(directory, (consumer, queue), tuning, &right);
                u64::from(messages) + most
            }
            Delivery::Pull { batch, .. } => u64::from(batch),
            Delivery::Push { credit } => credit.map_or(u64::MAX, u64::from),
        };
        right(u64::from(cached) <= most, &|| {
            format!("{cached} messages are cached, {most} may be")
        });
    }

    /// Span and size of what waited in the cache before the answer. Where something may be passed over nobody can tell.
    fn rest_has_room(
        &self,
        directory: &Directory,
        (consumer, queue): (ConsumerId, QueueId),
        tuning: &ConsumerTuning,
        right: &dyn Fn(bool, &dyn Fn() -> String),
    ) {
        let group = directory.consumer(consumer).group;
        let is_filtered = directory.topic(directory.queue(queue).topic).kind == TopicKind::User
            && self.config.has_filters(group);
        let Some(hold) = self.holds.get(&(consumer, queue)).filter(|_| !is_filtered) else {
            return;
        };
        let waiting = hold.waiting();
        if waiting.is_empty() {
            return;
        }
        let (span, widest) = (
            waiting.end - 1 - waiting.start,
            tuning.consume_concurrently_max_span,
        );
        if !self.is_orderly(group) {
            right(span <= u64::from(widest), &|| {
                format!("was pulled though cached messages span {span} offsets, {widest} may be")
            });
        }
        let largest = threshold(
            tuning.pull_threshold_size_for_queue,
            tuning.pull_threshold_size_for_topic,
        );
        let bytes = self.records.bytes(queue, waiting);
        right(bytes / BYTES_PER_MIB <= largest, &|| {
            format!("was pulled though {bytes} bytes are cached, {largest} MiB may be")
        });
    }

    /// An answer brings no more than was asked for, nor than a broker gives at once: the first message whatever its size.
    pub(super) fn answer_is_small(
        &self,
        now: SimTime,
        directory: &Directory,
        (consumer, queue): (ConsumerId, QueueId),
        (messages, bytes): (u32, u64),
    ) {
        let group = self.group_of(directory, consumer);
        let broker = &self.config.broker_tuning;
        let asked = match group.delivery {
            Delivery::Pull { batch, .. } => batch,
            Delivery::LongPolling | Delivery::ShortPolling { .. } => group.tuning.pull_batch_size,
            Delivery::Push { credit } => credit.unwrap_or(u32::MAX),
        };
        let given = broker
            .max_transfer_count_on_message_in_memory
            .max(broker.max_transfer_count_on_message_in_disk);
        let limit = broker
            .max_transfer_bytes_on_message_in_memory
            .max(broker.max_transfer_bytes_on_message_in_disk);
        let most = asked.min(given).max(1);
        let fits = messages <= most && (messages <= 1 || bytes <= u64::from(limit));
        self.asked.must(now, Invariant::P3, fits, || {
            let who = who(directory, consumer, queue);
            format!("{who} an answer has {messages} messages and {bytes} bytes, {most} and {limit} may be")
        });
    }
}
