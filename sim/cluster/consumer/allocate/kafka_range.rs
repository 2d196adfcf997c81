//! `X_KAFKA_RANGE`: Kafka's `RangeAssignor`, for comparison: contiguous ranges, topic by topic.
//!
//! Members sorted by id, the first (partitions mod members) with one more: the very shares of `AVG`, remainder
//! skew over many topics included. Left out: racks, and that Kafka lines up topics of equal size so that one
//! member gets the same partitions of each, which the blocks do by themselves.
//!
//! Source: `org.apache.kafka.clients.consumer.RangeAssignor`. Needs nothing that RocketMQ's protocol does not give.

use crate::cluster::consumer::allocate::avg::AllocateMessageQueueAveragely;
use crate::cluster::consumer::allocate::{AllocateError, AllocateMessageQueueStrategy, Allocation};

/// The strategy named `X_KAFKA_RANGE`.
pub struct KafkaRangeAssignor;

impl<Q: Clone, C: Ord> AllocateMessageQueueStrategy<Q, C> for KafkaRangeAssignor {
    fn name(&self) -> &str {
        "X_KAFKA_RANGE"
    }
    fn allocate(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Q>, AllocateError> {
        AllocateMessageQueueAveragely.allocate(ask)
    }
    fn allocate_all(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Vec<Q>>, AllocateError> {
        AllocateMessageQueueAveragely.allocate_all(ask)
    }
}
