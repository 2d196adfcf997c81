//! `CONSISTENT_HASH`: queues go to the next member on a ring; few move when a member joins or leaves.
//!
//! Each member stands on the ring at several places (10 by default). Names decide, so the shares are uneven: with
//! few queues some members get none. No places at all means that nobody gets anything.
//!
//! Source: `AllocateMessageQueueConsistentHash`, `ConsistentHashRouter`.

use crate::cluster::consumer::allocate::md5::md5;
use crate::cluster::consumer::allocate::{
    AllocateError, AllocateMessageQueueStrategy, Allocation, by_owner, share_from, shares_from,
};
use std::collections::BTreeMap;

/// The strategy named `CONSISTENT_HASH`.
#[derive(Clone, Copy, Debug)]
pub struct AllocateMessageQueueConsistentHash {
    virtual_nodes: u32,
}

impl AllocateMessageQueueConsistentHash {
    /// Places on the ring for each member unless another number is asked for.
    pub const VIRTUAL_NODES: u32 = 10;

    /// With so many places on the ring for each member.
    pub const fn new(virtual_nodes: u32) -> Self {
        Self { virtual_nodes }
    }

    /// The same from a number that may be none, as Java's constructor takes it.
    ///
    /// # Errors
    /// If it is negative.
    pub fn of_count(virtual_nodes: i64) -> Result<Self, AllocateError> {
        let count = u32::try_from(virtual_nodes);
        count
            .map(Self::new)
            .map_err(|_| AllocateError::VirtualNodes(virtual_nodes))
    }

    fn deal<Q: Clone, C>(self, ask: &Allocation<'_, Q, C>) -> Vec<Vec<Q>> {
        let ring = ConsistentHashRouter::of_members(ask, self.virtual_nodes);
        let positions = first_positions(ask);
        let owner = |queue| {
            let node = ring.route(&ask.names.queue(queue).to_string())?;
            positions.get(node).copied()
        };
        by_owner(ask.mq_all, ask.cid_all.len(), ask.mq_all.iter().map(owner))
    }
}

impl Default for AllocateMessageQueueConsistentHash {
    fn default() -> Self {
        Self::new(Self::VIRTUAL_NODES)
    }
}

impl<Q: Clone, C: Ord> AllocateMessageQueueStrategy<Q, C> for AllocateMessageQueueConsistentHash {
    fn name(&self) -> &str {
        "CONSISTENT_HASH"
    }
    fn allocate(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Q>, AllocateError> {
        share_from(ask, || Ok(self.deal(ask)))
    }
    fn allocate_all(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Vec<Q>>, AllocateError> {
        shares_from(ask, || Ok(self.deal(ask)))
    }
}

/// Where each client id stands first among the members.
pub(super) fn first_positions<'a, Q, C>(ask: &Allocation<'a, Q, C>) -> BTreeMap<&'a str, usize> {
    let ids = ask.cid_all.iter().map(|client| ask.names.client(client));
    // From the back, so that the first of a doubled id is put in last.
    ids.enumerate().map(|(at, id)| (id, at)).rev().collect()
}

/// Where a key stands on the ring: the first four bytes of its MD5, most significant first.
pub fn ring_hash(key: &str) -> u32 {
    let [a, b, c, d, ..] = md5(key.as_bytes());
    u32::from_be_bytes([a, b, c, d])
}

/// A ring of nodes, named by texts.
#[derive(Clone, Debug, Default)]
pub struct ConsistentHashRouter<'n> {
    ring: BTreeMap<u32, &'n str>,
    places_of: BTreeMap<&'n str, u32>,
}

impl<'n> ConsistentHashRouter<'n> {
    /// With so many places for each member of the group that asks; a doubled id comes twice.
    pub(super) fn of_members<Q, C>(ask: &Allocation<'n, Q, C>, virtual_nodes: u32) -> Self {
        let mut ring = Self::default();
        for client in ask.cid_all {
            ring.add_node(ask.names.client(client), virtual_nodes);
        }
        ring
    }

    /// Gives `node` so many places more. Of two nodes on one place the later stays.
    pub fn add_node(&mut self, node: &'n str, virtual_nodes: u32) {
        let existing = self.existing_replicas(node);
        *self.places_of.entry(node).or_default() += virtual_nodes;
        for replica in 0..virtual_nodes {
            let key = format!("{node}-{}", u64::from(existing) + u64::from(replica));
            if let Some(displaced) = self.ring.insert(ring_hash(&key), node) {
                *self.places_of.entry(displaced).or_default() -= 1;
            }
        }
    }

    /// Takes all places of `node`.
    pub fn remove_node(&mut self, node: &str) {
        self.ring.retain(|_, held_by| *held_by != node);
        self.places_of.remove(node);
    }

    /// How many places `node` has.
    pub fn existing_replicas(&self, node: &str) -> u32 {
        self.places_of.get(node).copied().unwrap_or(0)
    }

    /// The node at the place of `key`, or the next one round the ring.
    pub fn route(&self, key: &str) -> Option<&'n str> {
        let next = self.ring.range(ring_hash(key)..).next();
        next.or_else(|| self.ring.first_key_value())
            .map(|(_, node)| *node)
    }

    /// All places, in order round the ring.
    pub fn places(&self) -> impl ExactSizeIterator<Item = u32> {
        self.ring.keys().copied()
    }

    /// Who stands there, in the same order.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &'n str> {
        self.ring.values().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::message_queue::MessageQueue;

    /// Known places, among them a queue's.
    #[test]
    fn places_are_the_head_of_the_md5() {
        let queue = MessageQueue::new("orders", "broker-a", 0);
        assert_eq!(ring_hash(&queue.to_string()), 2_527_733_742);
        assert_eq!(ring_hash("10.0.0.1@p#1-0"), 85_133_650);
        assert_eq!(ring_hash("abc"), 2_416_005_272);
    }

    /// What the removed node had goes to others; nothing else moves.
    #[test]
    fn removal_moves_only_what_the_node_held() {
        let nodes: Vec<String> = (0..5).map(|node| format!("10.0.0.{node}@1")).collect();
        let mut ring = ConsistentHashRouter::default();
        nodes.iter().for_each(|node| ring.add_node(node, 10));
        let keys: Vec<String> = (0..100).map(|key| format!("key-{key}")).collect();
        let before: Vec<_> = keys.iter().map(|key| ring.route(key)).collect();
        ring.remove_node(&nodes[2]);
        let held = before
            .iter()
            .filter(|node| **node == Some(nodes[2].as_str()))
            .count();
        let moved = keys
            .iter()
            .zip(&before)
            .filter(|(key, node)| ring.route(key) != **node)
            .count();
        assert!(held > 0);
        assert_eq!(moved, held);
        assert_eq!(ConsistentHashRouter::default().route("x"), None);
    }

    /// Places of a node, as Java counts them on the ring.
    #[track_caller]
    fn check(ring: &ConsistentHashRouter<'_>, node: &str, places: usize) {
        assert_eq!(
            ring.nodes().filter(|held_by| *held_by == node).count(),
            places,
            "{node}"
        );
        assert_eq!(ring.existing_replicas(node) as usize, places, "{node}");
    }

    /// `10.0.57.132@1-0` and `10.0.74.15@1-1` have the same head of their MD5. The later node takes the place; the first
    /// has one fewer, and the number of its next place is how many it has: here again 0.
    #[test]
    fn of_two_nodes_on_one_place_the_later_stays() {
        let (first, later) = ("10.0.57.132@1", "10.0.74.15@1");
        let mut ring = ConsistentHashRouter::default();
        ring.add_node(first, 1);
        check(&ring, first, 1);
        ring.add_node(later, 2);
        check(&ring, first, 0);
        check(&ring, later, 2);
        assert_eq!(ring.route("10.0.57.132@1-0"), Some(later));
        ring.add_node(first, 2);
        check(&ring, first, 2);
        check(&ring, later, 1);
        assert_eq!(ring.route("10.0.57.132@1-0"), Some(first));
        ring.remove_node(first);
        check(&ring, first, 0);
        assert_eq!(ring.places().collect::<Vec<_>>(), [ring_hash("10.0.74.15@1-0")]);
    }

    /// A node that comes again takes the numbers that follow: 0 … 9, then 10 … 14. One that lost a place to another takes
    /// the number of its last place once more, which it has already.
    #[test]
    fn a_node_that_comes_again_goes_on_counting() {
        let node = "10.0.0.1@1";
        let mut ring = ConsistentHashRouter::default();
        ring.add_node(node, 10);
        ring.add_node(node, 5);
        check(&ring, node, 15);
        let mut expected: Vec<u32> = (0..15).map(|n| ring_hash(&format!("{node}-{n}"))).collect();
        expected.sort_unstable();
        assert_eq!(ring.places().collect::<Vec<_>>(), expected);

        let mut ring = ConsistentHashRouter::default();
        ring.add_node("10.0.57.132@1", 2);
        ring.add_node("10.0.74.15@1", 2);
        ring.add_node("10.0.57.132@1", 1);
        check(&ring, "10.0.57.132@1", 1);
    }
}
