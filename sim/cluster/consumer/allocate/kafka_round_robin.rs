//! `X_KAFKA_ROUND_ROBIN`: Kafka's `RoundRobinAssignor`, for comparison: all topics' queues dealt in one sequence.
//!
//! As `AVG_BY_CIRCLE`, but the next topic goes on where the last one ended: over all topics together the members
//! differ by one queue at most. A member that comes or goes moves nearly everything. All members are taken to
//! subscribe to the same topics, as a RocketMQ group should.
//!
//! Source: `org.apache.kafka.clients.consumer.RoundRobinAssignor`. Needs one view of all topics of the group at
//! once ([`Beyond::queues_before`](super::Beyond)); RocketMQ's clients look at them one by one, each from a route of
//! another age.

use crate::cluster::consumer::allocate::avg_by_circle::every_nth;
use crate::cluster::consumer::allocate::{
    AllocateError, AllocateMessageQueueStrategy, Allocation, Needs, share_of, shares_from,
};

/// The strategy named `X_KAFKA_ROUND_ROBIN`.
pub struct KafkaRoundRobinAssignor;

impl<Q: Clone, C: Ord> AllocateMessageQueueStrategy<Q, C> for KafkaRoundRobinAssignor {
    fn name(&self) -> &str {
        "X_KAFKA_ROUND_ROBIN"
    }
    fn needs(&self) -> Needs {
        Needs {
            memory: false,
            other_topics: true,
        }
    }
    fn allocate(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Q>, AllocateError> {
        share_of(ask, |rank| dealt_to(ask, rank))
    }
    fn allocate_all(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Vec<Q>>, AllocateError> {
        shares_from(ask, || {
            Ok((0..ask.cid_all.len()).map(|rank| dealt_to(ask, rank)).collect())
        })
    }
}

/// Those queues whose position in the sequence of all topics leaves the remainder `rank`.
fn dealt_to<Q: Clone, C>(ask: &Allocation<'_, Q, C>, rank: usize) -> Vec<Q> {
    let members = ask.cid_all.len();
    let first = (rank + members - ask.beyond.queues_before % members) % members;
    every_nth(ask.mq_all, members, first).cloned().collect()
}
