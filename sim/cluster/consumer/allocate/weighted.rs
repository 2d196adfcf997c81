//! `X_WEIGHTED`: contiguous blocks in proportion to capacity.
//!
//! A member of weight 3 gets three times the queues of one of weight 1, as nearly as whole queues allow: each has
//! the whole part of its due, and what is left goes to the largest fractions, first come first served among equals
//! (the method of largest remainders). A weight of 0 gets nothing. With equal weights these are the shares of `AVG`.
//! One member more or fewer moves block borders, as with `AVG`.
//!
//! Source: not in RocketMQ. Needs one view of all members' capacities; a RocketMQ broker lists ids only.

use crate::cluster::consumer::allocate::{
    AllocateError, AllocateMessageQueueStrategy, Allocation, share_from, shares_from,
};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The strategy named `X_WEIGHTED`.
pub struct AllocateWeighted<C> {
    /// Weights that were said; of all others [`Names::weight`](super::Names::weight) knows.
    weights: BTreeMap<C, u32>,
}

impl<C: Ord> AllocateWeighted<C> {
    /// With these weights; members that are not named weigh what [`Names::weight`](super::Names::weight) says.
    pub const fn new(weights: BTreeMap<C, u32>) -> Self {
        Self { weights }
    }

    fn deal<Q: Clone>(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Vec<Q>>, AllocateError> {
        let weight = |client: &C| match self.weights.get(client) {
            Some(&weight) => weight,
            None => ask.names.weight(client),
        };
        let weights: Vec<u32> = ask.cid_all.iter().map(weight).collect();
        let sizes = largest_remainders(ask.mq_all.len(), &weights)
            .ok_or_else(|| AllocateError::Other("all weights are 0".to_owned()))?;
        let mut rest = ask.mq_all;
        let block = |size| {
            let (block, behind) = rest.split_at(size);
            rest = behind;
            block.to_vec()
        };
        Ok(sizes.into_iter().map(block).collect())
    }
}

impl<Q: Clone, C: Ord> AllocateMessageQueueStrategy<Q, C> for AllocateWeighted<C> {
    fn name(&self) -> &str {
        "X_WEIGHTED"
    }
    fn allocate(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Q>, AllocateError> {
        share_from(ask, || self.deal(ask))
    }
    fn allocate_all(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Vec<Q>>, AllocateError> {
        shares_from(ask, || self.deal(ask))
    }
}

/// `seats` divided in proportion to `weights`; `None` if nobody weighs anything.
fn largest_remainders(seats: usize, weights: &[u32]) -> Option<Vec<usize>> {
    let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
    if total == 0 {
        return None;
    }
    let due = |weight: u32| seats as u128 * u128::from(weight);
    let mut sizes: Vec<usize> = weights
        .iter()
        .map(|&weight| (due(weight) / total) as usize)
        .collect();
    let mut by_fraction: Vec<usize> = (0..weights.len()).collect();
    by_fraction.sort_by_key(|&at| Reverse(due(weights[at]) % total));
    let left = seats - sizes.iter().sum::<usize>();
    for &at in &by_fraction[..left] {
        sizes[at] += 1;
    }
    Some(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seats: usize, weights: &[u32], sizes: Option<&[usize]>) {
        assert_eq!(largest_remainders(seats, weights).as_deref(), sizes);
    }

    /// 10 queues for 3 : 1 : 1 are 6, 2 and 2. 8 are 4.8, 1.6 and 1.6: whole parts 4, 1, 1, the two left go to
    /// the largest fractions, .8 and the first .6.
    #[test]
    fn shares_follow_the_weights() {
        check(10, &[3, 1, 1], Some(&[6, 2, 2]));
        check(8, &[3, 1, 1], Some(&[5, 2, 1]));
        check(5, &[1, 1], Some(&[3, 2]));
    }

    /// 3 queues for 5 : 2 are 2.14 and 0.86: the one left goes to the lighter.
    #[test]
    fn what_is_left_goes_by_the_fraction_and_not_by_the_weight() {
        check(3, &[5, 2], Some(&[2, 1]));
    }

    #[test]
    fn who_weighs_nothing_gets_nothing() {
        check(3, &[0, 7, 0], Some(&[0, 3, 0]));
        check(3, &[0, 0], None);
    }

    /// Weights of 32 bits times 100 000 queues do not fit 64 bits together with their sum.
    #[test]
    fn large_weights_do_not_overflow() {
        check(100_000, &[u32::MAX, u32::MAX], Some(&[50_000, 50_000]));
    }
}
