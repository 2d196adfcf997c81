//! `X_ROTATED_AVG`: `AVG`, but for each topic the remainder falls on other clients.
//!
//! The remainder of `AVG` falls on the clients that sort first, on every topic anew: over many topics they carry
//! visibly more, and with few queues a topic (a retry topic has one for each broker) they carry all of them. Here
//! a hash of the topic's name decides from which client on the remainder is dealt out, so that remainders spread over
//! the group. Blocks keep the order of the clients, so balance and moves within one topic are about those of `AVG`.
//!
//! Source: not in RocketMQ. Needs nothing that its protocol does not give: all members know the topic's name.

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

/// The block of the client at `rank`, if the remainder falls on the clients from a place on that the topic's name
/// decides.
fn turned_block<'a, Q, C>(ask: &Allocation<'a, Q, C>, rank: usize) -> &'a [Q] {
    let members = ask.cid_all.len();
    let (share, extra) = (ask.mq_all.len() / members, ask.mq_all.len() % members);
    let first = first_with_more(ask, members);
    let has_more = |rank: usize| (rank + members - first) % members < extra;
    // Of the clients with one more, those up to the last stand from `first` on, the others at the head of the list.
    let wrapped = (first + extra).saturating_sub(members);
    let before = rank.min(wrapped) + rank.saturating_sub(first).min(extra);
    let start = rank * share + before;
    &ask.mq_all[start..start + share + usize::from(has_more(rank))]
}

/// Where the remainder begins: the hash of the topic's name as a fraction of the list, so that one member more or
/// less hardly moves it.
fn first_with_more<Q, C>(ask: &Allocation<'_, Q, C>, members: usize) -> usize {
    let topic = ask
        .mq_all
        .first()
        .map_or("", |queue| ask.names.queue(queue).topic);
    // Similar names have similar hashes; an odd factor spreads them (2³² ÷ golden ratio).
    let hash = (java_hash(topic) as u32).wrapping_mul(0x9E37_79B9);
    ((u64::from(hash) * members as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::message_queue::MessageQueue;

    /// Sizes of the blocks, which follow one another in the order of clients.
    #[track_caller]
    fn check(topic: &str, queues: i32, sizes: &[usize]) {
        let queues: Vec<_> = (0..queues)
            .map(|id| MessageQueue::new(topic, "broker-a", id))
            .collect();
        let clients: Vec<String> = (0..sizes.len()).map(|n| n.to_string()).collect();
        let ask = Allocation::of_texts("billing", None, &queues, &clients);
        let shares = AllocateRotatedAveragely.allocate_all(&ask).unwrap();
        assert_eq!(shares.iter().map(Vec::len).collect::<Vec<_>>(), sizes, "{topic}");
        assert_eq!(shares.concat(), queues);
    }

    /// `hashCode` × 2654435769 modulo 2³², as a fraction: 0.69 for `orders`, so the third of four and the fifth (counted
    /// from 0) of seven begin; 0.36 for `invoices`, the second of four; 0.22 for `refunds`, the first.
    #[test]
    fn the_name_of_the_topic_decides_where_the_remainder_begins() {
        check("orders", 11, &[3, 2, 3, 3]);
        check("orders", 5, &[1, 1, 1, 0, 0, 1, 1]);
        check("invoices", 10, &[2, 3, 3, 2]);
        check("refunds", 9, &[3, 2, 2, 2]);
        check("refunds", 8, &[2, 2, 2, 2]);
    }
}
