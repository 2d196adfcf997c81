//! `X_KAFKA_STICKY`: after Kafka's `StickyAssignor`: balanced over all topics together, then as few moves as possible.
//!
//! The topics of the group are taken one after another. Each brings those up that carry least so far, so that in the
//! end members differ by one queue over all topics, and moves as few queues of its own as that allows. Left out:
//! looking ahead, by which Kafka may save a move in one topic with a worse choice in an earlier one; and groups whose
//! members subscribe to different topics.
//!
//! Source: `org.apache.kafka.clients.consumer.StickyAssignor`. Needs one memory of who held what and one view of all
//! topics at once ([`Beyond`](super::Beyond)); in Kafka the group's leader has both.

use crate::cluster::consumer::allocate::{
    AllocateError, AllocateMessageQueueStrategy, Allocation, Needs, share_from, shares_from, sticky,
};

/// The strategy named `X_KAFKA_STICKY`.
pub struct KafkaStickyAssignor;

impl<Q: Clone + Ord, C: Ord> AllocateMessageQueueStrategy<Q, C> for KafkaStickyAssignor {
    fn name(&self) -> &str {
        "X_KAFKA_STICKY"
    }
    fn needs(&self) -> Needs {
        Needs {
            memory: true,
            other_topics: true,
        }
    }
    fn allocate(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Q>, AllocateError> {
        share_from(ask, || Ok(sticky::deal(ask, ask.beyond.load_before)))
    }
    fn allocate_all(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Vec<Q>>, AllocateError> {
        shares_from(ask, || Ok(sticky::deal(ask, ask.beyond.load_before)))
    }
}
