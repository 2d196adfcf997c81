//! `AVG_BY_CIRCLE`: queues are dealt out in turn, like cards.
//!
//! As even as `AVG`, and it spreads each broker's queues over the clients; but one client more or fewer moves
//! nearly every queue.
//!
//! Source: `AllocateMessageQueueAveragelyByCircle`.

use crate::cluster::consumer::allocate::{
    AllocateError, AllocateMessageQueueStrategy, Allocation, rank_of, share_of, shares_from,
};

/// The strategy named `AVG_BY_CIRCLE`.
pub struct AllocateMessageQueueAveragelyByCircle;

impl<Q: Clone, C: Ord> AllocateMessageQueueStrategy<Q, C> for AllocateMessageQueueAveragelyByCircle {
    fn name(&self) -> &str {
        "AVG_BY_CIRCLE"
    }
    fn allocate(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Q>, AllocateError> {
        share_of(ask, |rank| {
            every_nth(ask.mq_all, ask.cid_all.len(), rank).cloned().collect()
        })
    }
    fn allocate_all(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Vec<Q>>, AllocateError> {
        shares_from(ask, || {
            let members = ask.cid_all.len();
            let share = |rank| every_nth(ask.mq_all, members, rank).cloned().collect();
            Ok((0..members).map(share).collect())
        })
    }
}

/// Every `clients.len()`-th of `queues`, from the position of `me` on; empty if `me` is not among `clients`.
///
/// Both slices should be sorted, as `RebalanceImpl` sorts them before it asks; the order is trusted.
pub fn by_circle<'q, Q, C: PartialEq>(
    queues: &'q [Q],
    clients: &[C],
    me: &C,
) -> impl Iterator<Item = &'q Q> + use<'q, Q, C> {
    let (all, rank) = rank_of(clients, me).map_or((&queues[..0], 0), |rank| (queues, rank));
    every_nth(all, clients.len().max(1), rank)
}

/// Those of `queues` whose position leaves the remainder `rank`.
pub(super) fn every_nth<Q>(queues: &[Q], clients: usize, rank: usize) -> impl Iterator<Item = &Q> {
    queues.iter().skip(rank).step_by(clients)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(queues: u32, clients: u32, expected: &[&[u32]]) {
        let queues: Vec<u32> = (0..queues).collect();
        let clients: Vec<u32> = (0..clients).collect();
        let shares: Vec<Vec<u32>> = clients
            .iter()
            .map(|me| by_circle(&queues, &clients, me).copied().collect())
            .collect();
        assert_eq!(shares, expected);
    }

    #[test]
    fn queues_are_dealt_in_turn() {
        check(8, 3, &[&[0, 3, 6], &[1, 4, 7], &[2, 5]]);
        check(2, 3, &[&[0], &[1], &[]]);
        check(0, 1, &[&[]]);
    }

    #[test]
    fn stranger_gets_nothing() {
        assert_eq!(by_circle(&[0, 1], &["a"], &"b").count(), 0);
        assert_eq!(by_circle::<u32, &str>(&[0, 1], &[], &"b").count(), 0);
    }

    proptest! {
        /// Every queue has exactly one owner: the client at (position mod clients).
        #[test]
        fn queue_goes_to_its_remainder(queues in 0usize..200, clients in 1usize..50) {
            let all: Vec<usize> = (0..queues).collect();
            let members: Vec<usize> = (0..clients).collect();
            for me in &members {
                let expected: Vec<usize> = all.iter().copied().filter(|q| q % clients == *me).collect();
                prop_assert_eq!(by_circle(&all, &members, me).copied().collect::<Vec<_>>(), expected);
            }
        }
    }
}
