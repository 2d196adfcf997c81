//! `X_BOUNDED_CONSISTENT_HASH`: `CONSISTENT_HASH` with a bound on what one member may get.
//!
//! No member gets more than the bound times the mean, rounded up to whole queues. A queue whose place on the ring
//! belongs to a member that is full walks on to the next that is not, in the order of queues. A bound near 1 is
//! nearly even and moves more; a large one is `CONSISTENT_HASH`. A queue may move although neither its old nor its new
//! owner came or went, because others fill up or become free.
//!
//! Source: V. Mirrokni, M. Thorup, M. Zadimoghaddam, *Consistent Hashing with Bounded Loads* (2016); not in
//! RocketMQ. Needs neither memory nor anything else that RocketMQ's protocol does not give.

use crate::cluster::consumer::allocate::consistent_hash::{ConsistentHashRouter, first_positions, ring_hash};
use crate::cluster::consumer::allocate::{
    AllocateError, AllocateMessageQueueStrategy, Allocation, by_owner, share_from, shares_from,
};

/// The strategy named `X_BOUNDED_CONSISTENT_HASH`.
#[derive(Clone, Copy, Debug)]
pub struct AllocateBoundedConsistentHash {
    virtual_nodes: u32,
    bound_thousandths: u64,
}

impl AllocateBoundedConsistentHash {
    /// Bound unless another one is asked for.
    pub const LOAD_BOUND: f64 = 1.25;

    /// With so many places on the ring for each member, and a bound of 1 or more that is taken to three decimals,
    /// so that 1.1 times 10 is 11 exactly. What is less than 1 counts as 1: less cannot hold all queues.
    pub fn new(virtual_nodes: u32, load_bound: f64) -> Self {
        Self {
            virtual_nodes,
            bound_thousandths: ((load_bound * 1000.0).round() as u64).max(1000),
        }
    }

    fn deal<Q: Clone, C>(self, ask: &Allocation<'_, Q, C>) -> Vec<Vec<Q>> {
        let ring = ConsistentHashRouter::of_members(ask, self.virtual_nodes);
        let positions = first_positions(ask);
        let places: Vec<u32> = ring.places().collect();
        let owners: Vec<usize> = ring.nodes().map(|node| positions[node]).collect();
        let mut places_of = vec![Vec::new(); ask.cid_all.len()];
        for (place, &owner) in owners.iter().enumerate() {
            places_of[owner].push(place);
        }
        let standing = places_of.iter().filter(|places| !places.is_empty()).count();
        let capacity = self.capacity(ask.mq_all.len(), standing);
        let mut free = FreePlaces::new(places.len());
        let mut load = vec![0; ask.cid_all.len()];
        let mut owner_of = |queue: &Q| {
            let key = ring_hash(&ask.names.queue(queue).to_string());
            let owner = owners[free.next(places.partition_point(|place| *place < key))?];
            load[owner] += 1;
            if load[owner] == capacity {
                places_of[owner].iter().for_each(|&place| free.take(place));
            }
            Some(owner)
        };
        let found: Vec<Option<usize>> = ask.mq_all.iter().map(&mut owner_of).collect();
        by_owner(ask.mq_all, ask.cid_all.len(), found)
    }

    /// ⌈bound × queues ÷ members⌉.
    fn capacity(self, queues: usize, members: usize) -> u128 {
        let due = u128::from(self.bound_thousandths) * queues as u128;
        due.div_ceil(1000 * members.max(1) as u128)
    }
}

impl Default for AllocateBoundedConsistentHash {
    fn default() -> Self {
        Self::new(10, Self::LOAD_BOUND)
    }
}

impl<Q: Clone, C: Ord> AllocateMessageQueueStrategy<Q, C> for AllocateBoundedConsistentHash {
    fn name(&self) -> &str {
        "X_BOUNDED_CONSISTENT_HASH"
    }
    fn allocate(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Q>, AllocateError> {
        share_from(ask, || Ok(self.deal(ask)))
    }
    fn allocate_all(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Vec<Q>>, AllocateError> {
        shares_from(ask, || Ok(self.deal(ask)))
    }
}

/// Places round a ring, to find the next free one at once however many are taken: a taken place points on, and
/// whoever follows pointers shortens them.
struct FreePlaces {
    /// Where to look next; a free place points at itself. One more stands for the end.
    next: Vec<usize>,
}

impl FreePlaces {
    fn new(places: usize) -> Self {
        Self {
            next: (0..=places).collect(),
        }
    }

    fn take(&mut self, place: usize) {
        self.next[place] = place + 1;
    }

    /// The first free place from `from` on, round the ring; `None` if all are taken.
    fn next(&mut self, from: usize) -> Option<usize> {
        let end = self.next.len() - 1;
        [from, 0]
            .into_iter()
            .map(|start| self.find(start))
            .find(|&place| place < end)
    }

    fn find(&mut self, from: usize) -> usize {
        let mut root = from;
        while self.next[root] != root {
            root = self.next[root];
        }
        let mut at = from;
        while self.next[at] != root {
            at = std::mem::replace(&mut self.next[at], root);
        }
        root
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::consumer::allocate::consistent_hash::AllocateMessageQueueConsistentHash;
    use crate::cluster::message_queue::MessageQueue;

    #[track_caller]
    fn check(bound: f64, queues: usize, members: usize, capacity: u128) {
        assert_eq!(
            AllocateBoundedConsistentHash::new(10, bound).capacity(queues, members),
            capacity
        );
    }

    /// In binary fractions 1.1 × 30 is a little more than 33, which would round up to 12 for each of three.
    #[test]
    fn the_bound_is_taken_to_three_decimals() {
        check(1.25, 8, 4, 3);
        check(1.1, 30, 3, 11);
        check(1.0, 7, 3, 3);
        check(0.5, 9, 3, 3);
    }

    #[test]
    fn taken_places_are_passed_over_round_the_ring() {
        let mut free = FreePlaces::new(4);
        free.take(3);
        free.take(1);
        assert_eq!(
            (free.next(1), free.next(3), free.next(4)),
            (Some(2), Some(0), Some(0))
        );
        free.take(0);
        assert_eq!(free.next(3), Some(2));
        free.take(2);
        assert_eq!(free.next(0), None);
        assert_eq!(FreePlaces::new(0).next(0), None);
    }

    /// The hash of queue 5 and that of `10.0.143.84@1-3` are the same, 2848053500: as in Java's `tailMap` the place
    /// itself counts, not only those behind it.
    #[test]
    fn a_queue_on_a_place_belongs_to_it() {
        let queues = [MessageQueue::new("orders-26", "broker-a", 5)];
        let clients = ["10.0.143.84@1", "10.0.143.87@1"].map(str::to_owned);
        let ask = Allocation::of_texts("billing", None, &queues, &clients);
        assert_eq!(ring_hash("10.0.143.84@1-3"), ring_hash(&queues[0].to_string()));
        let shares = [queues.to_vec(), Vec::new()];
        assert_eq!(
            AllocateBoundedConsistentHash::default().allocate_all(&ask),
            Ok(shares.to_vec())
        );
        assert_eq!(
            AllocateMessageQueueConsistentHash::default().allocate_all(&ask),
            Ok(shares.to_vec())
        );
    }
}
