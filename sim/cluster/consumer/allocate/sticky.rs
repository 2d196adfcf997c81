//! `X_STICKY`: as even as `AVG`, with the fewest moves that evenness allows.
//!
//! Shares of a topic differ by one queue at most, whoever holds most keeps the larger share, and everybody keeps as
//! much of what it holds as its share has room for. Only what has no owner any more, or lies beyond its owner's
//! share, changes hands: in the order of queues it fills the gaps in the order of clients. Without a past these are
//! the shares of `AVG`.
//!
//! Source: not in RocketMQ. Needs one memory of who held what, the same for all members
//! ([`Beyond::previous`](super::Beyond)): in RocketMQ no member knows what another one holds.

use crate::cluster::consumer::allocate::{
    AllocateError, AllocateMessageQueueStrategy, Allocation, Needs, by_owner, share_from, shares_from,
};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The strategy named `X_STICKY`.
pub struct AllocateSticky;

impl<Q: Clone + Ord, C: Ord> AllocateMessageQueueStrategy<Q, C> for AllocateSticky {
    fn name(&self) -> &str {
        "X_STICKY"
    }
    fn needs(&self) -> Needs {
        Needs {
            memory: true,
            other_topics: false,
        }
    }
    fn allocate(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Q>, AllocateError> {
        share_from(ask, || Ok(deal(ask, &[])))
    }
    fn allocate_all(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Vec<Q>>, AllocateError> {
        shares_from(ask, || Ok(deal(ask, &[])))
    }
}

/// Shares by position that level the members, who already carry `load` (empty = nothing), with the fewest moves.
pub(super) fn deal<Q: Clone + Ord, C: Ord>(ask: &Allocation<'_, Q, C>, load: &[u32]) -> Vec<Vec<Q>> {
    let members = ask.cid_all.len();
    let mut owners = previous_owners(ask);
    let mut held = vec![0; members];
    for &owner in owners.iter().flatten() {
        held[owner] += 1;
    }
    let mut room = levelled(ask.mq_all.len(), load, &held);
    for owner in &mut owners {
        *owner = owner.filter(|&at| take_one(&mut room[at]));
    }
    let mut next = 0;
    for owner in owners.iter_mut().filter(|owner| owner.is_none()) {
        while room[next] == 0 {
            next += 1;
        }
        room[next] -= 1;
        *owner = Some(next);
    }
    by_owner(ask.mq_all, members, owners)
}

fn take_one(room: &mut usize) -> bool {
    let some = *room > 0;
    *room -= usize::from(some);
    some
}

/// For each queue the position of the member that held it last, if that member is still there.
fn previous_owners<Q: Ord, C: Ord>(ask: &Allocation<'_, Q, C>) -> Vec<Option<usize>> {
    let mut owners = vec![None; ask.mq_all.len()];
    if ask.beyond.previous.is_empty() {
        return owners;
    }
    let queues: BTreeMap<&Q, usize> = ask.mq_all.iter().enumerate().map(|(at, q)| (q, at)).collect();
    // From the back, so that the first of a doubled id is put in last.
    let clients = ask.cid_all.iter().enumerate().map(|(at, client)| (client, at));
    let clients: BTreeMap<&C, usize> = clients.rev().collect();
    for (client, share) in ask.beyond.previous {
        let Some(&position) = clients.get(client) else {
            continue;
        };
        for at in share.iter().filter_map(|queue| queues.get(queue)) {
            owners[*at].get_or_insert(position);
        }
    }
    owners
}

/// How many of `queues` each member gets, so that what it carries in the end is as level as can be.
///
/// Members below the common level are filled up to it; the rest, one each, goes first to those who hold most beyond
/// that: every queue that stays where it is saves a move.
fn levelled(queues: usize, load: &[u32], held: &[usize]) -> Vec<usize> {
    let carried = |at: usize| load.get(at).map_or(0, |&load| load as usize);
    let mut by_load: Vec<usize> = (0..held.len()).collect();
    by_load.sort_by_key(|&at| carried(at));
    // The members that rise: as many of the least loaded as reach the level together.
    let (mut rising, mut sum) = (0, 0);
    let mut level = 0;
    for &at in &by_load {
        if rising * carried(at) > sum + queues {
            break;
        }
        rising += 1;
        sum += carried(at);
        level = (sum + queues) / rising;
    }
    let mut shares: Vec<usize> = (0..held.len())
        .map(|at| level.saturating_sub(carried(at)))
        .collect();
    let left = queues - shares.iter().sum::<usize>();
    let mut takers: Vec<usize> = (0..held.len()).filter(|&at| carried(at) <= level).collect();
    takers.sort_by_key(|&at| Reverse(held[at].saturating_sub(shares[at])));
    for &at in &takers[..left] {
        shares[at] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(queues: usize, load: &[u32], held: &[usize], shares: &[usize]) {
        assert_eq!(levelled(queues, load, held), shares);
    }

    /// 8 = 3 + 3 + 2: whoever holds most keeps the larger share; among equals whoever sorts first.
    #[test]
    fn whoever_holds_most_keeps_the_larger_share() {
        check(8, &[], &[0, 4, 4], &[2, 3, 3]);
        check(8, &[], &[2, 2, 4], &[3, 2, 3]);
        check(8, &[], &[0, 0, 0], &[3, 3, 2]);
    }

    /// Loads of 5, 0 and 1: 3 queues bring the lower two to 2 each, 7 to 4 or 5 each.
    #[test]
    fn the_least_loaded_rise_first() {
        check(3, &[5, 0, 1], &[0, 0, 0], &[0, 2, 1]);
        check(7, &[5, 0, 1], &[0, 0, 0], &[0, 4, 3]);
        check(9, &[5, 0, 1], &[9, 0, 0], &[0, 5, 4]);
        check(10, &[5, 0, 1], &[9, 0, 0], &[1, 5, 4]);
    }

    proptest! {
        /// All queues are given, and no queue could go to a member that would then carry less than its giver did.
        #[test]
        fn nothing_could_be_more_level(
            queues in 0usize..60,
            members in prop::collection::vec((0u32..20, 0usize..10), 1..12),
        ) {
            let load: Vec<u32> = members.iter().map(|(load, _)| *load).collect();
            let held: Vec<usize> = members.iter().map(|(_, held)| *held).collect();
            let shares = levelled(queues, &load, &held);
            prop_assert_eq!(shares.iter().sum::<usize>(), queues);
            let carried: Vec<usize> = shares.iter().zip(&load).map(|(s, l)| s + *l as usize).collect();
            let least = carried.iter().min().unwrap();
            for (share, carried) in shares.iter().zip(&carried) {
                prop_assert!(*share == 0 || *carried <= least + 1, "{:?}", carried);
            }
        }
    }
}
