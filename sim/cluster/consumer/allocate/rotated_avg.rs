//! `X_ROTATED_AVG`: `AVG`, but each topic starts to deal at another client.
//!
//! The remainder of `AVG` falls on the clients that sort first, on every topic anew: over many topics they carry
//! visibly more, and with few queues a topic (a retry topic has one for each broker) they carry all of them. Here
//! the order of clients is turned by a hash of the topic's name, so that remainders spread over the group.
//! Balance and moves within one topic are those of `AVG`.
//!
//! Source: not in RocketMQ. Needs nothing that its protocol does not give: all members know the topic's name.

use crate::cluster::consumer::allocate::avg::block;
use crate::cluster::consumer::allocate::{
    AllocateError, AllocateMessageQueueStrategy, Allocation, share_of, shares_from,
};
use crate::cluster::message_queue::java_hash;

/// The strategy named `X_ROTATED_AVG`.
pub struct AllocateRotatedAveragely;

impl<Q: Clone, C: Ord> AllocateMessageQueueStrategy<Q, C> for AllocateRotatedAveragely {
    fn name(&self) -> &str {
        "X_ROTATED_AVG"
    }
    fn allocate(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Q>, AllocateError> {
        share_of(ask, |rank| turned_block(ask, rank).to_vec())
    }
    fn allocate_all(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Vec<Q>>, AllocateError> {
        shares_from(ask, || {
            Ok((0..ask.cid_all.len())
                .map(|rank| turned_block(ask, rank).to_vec())
                .collect())
        })
    }
}

/// The block of the client at `rank`, if the client at (hash of the topic mod members) is the first.
fn turned_block<'a, Q, C>(ask: &Allocation<'a, Q, C>, rank: usize) -> &'a [Q] {
    let members = ask.cid_all.len();
    let topic = ask
        .mq_all
        .first()
        .map_or("", |queue| ask.names.queue(queue).topic);
    let first = i64::from(java_hash(topic)).rem_euclid(members as i64) as usize;
    block(ask.mq_all, members, (rank + members - first) % members)
}
