//! `AVG`: contiguous blocks; the default of a push consumer.
//!
//! Every client sorts the same two lists and computes its own share: no coordinator decides. If the queues do
//! not divide evenly, the clients that sort first carry one queue more, on every topic anew. With fewer queues
//! than clients the last ones idle.
//!
//! Source: `AllocateMessageQueueAveragely`.

use crate::cluster::consumer::allocate::{
    AllocateError, AllocateMessageQueueStrategy, Allocation, rank_of, share_of, shares_from,
};

/// The strategy named `AVG`.
pub struct AllocateMessageQueueAveragely;

impl<Q: Clone, C: Ord> AllocateMessageQueueStrategy<Q, C> for AllocateMessageQueueAveragely {
    fn name(&self) -> &str {
        "AVG"
    }
    fn allocate(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Q>, AllocateError> {
        share_of(ask, |rank| block(ask.mq_all, ask.cid_all.len(), rank).to_vec())
    }
    fn allocate_all(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Vec<Q>>, AllocateError> {
        shares_from(ask, || {
            let members = ask.cid_all.len();
            Ok((0..members)
                .map(|rank| block(ask.mq_all, members, rank).to_vec())
                .collect())
        })
    }
}

/// The block of `queues` that belongs to `me`; empty if `me` is not (yet) among `clients`.
///
/// Both slices should be sorted, as `RebalanceImpl` sorts them before it asks; the order is trusted.
pub fn averagely<'q, Q, C: PartialEq>(queues: &'q [Q], clients: &[C], me: &C) -> &'q [Q] {
    rank_of(clients, me).map_or(&[], |rank| block(queues, clients.len(), rank))
}

/// The block at position `rank` of `clients` blocks.
pub(super) fn block<Q>(queues: &[Q], clients: usize, rank: usize) -> &[Q] {
    let (share, extra) = (queues.len() / clients, queues.len() % clients);
    let start = rank * share + rank.min(extra);
    let len = share + usize::from(rank < extra);
    &queues[start..start + len]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(queues: u32, clients: u32, expected: &[&[u32]]) {
        let queues: Vec<u32> = (0..queues).collect();
        let clients: Vec<u32> = (0..clients).collect();
        let shares: Vec<&[u32]> = clients
            .iter()
            .map(|me| averagely(&queues, &clients, me))
            .collect();
        assert_eq!(shares, expected);
    }

    /// Five queues on two clients: whoever sorts first carries the odd one.
    #[test]
    fn first_clients_carry_the_remainder() {
        check(5, 2, &[&[0, 1, 2], &[3, 4]]);
        check(8, 3, &[&[0, 1, 2], &[3, 4, 5], &[6, 7]]);
    }

    #[test]
    fn last_clients_idle_when_queues_are_few() {
        check(2, 3, &[&[0], &[1], &[]]);
        check(0, 2, &[&[], &[]]);
    }

    /// A doubled id counts twice but stands at its first place: the second share has no owner.
    #[test]
    fn doubled_client_orphans_a_share() {
        assert_eq!(averagely(&[0, 1, 2], &["a", "b", "b"], &"b"), [1]);
    }

    proptest! {
        /// Every queue has exactly one owner, and no two clients differ by more than one queue.
        #[test]
        fn shares_partition_the_queues(queues in 0usize..200, clients in 1usize..50) {
            let all: Vec<usize> = (0..queues).collect();
            let members: Vec<usize> = (0..clients).collect();
            let shares: Vec<&[usize]> = members.iter().map(|me| averagely(&all, &members, me)).collect();
            prop_assert_eq!(&shares.concat(), &all);
            let sizes = || shares.iter().map(|share| share.len());
            prop_assert!(sizes().max().unwrap() - sizes().min().unwrap() <= 1);
        }
    }
}
