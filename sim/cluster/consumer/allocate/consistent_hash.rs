//! `CONSISTENT_HASH`: queues go to the next member on a ring; few move when a member joins or leaves.
//!
//! Each member stands on the ring at several places (10 by default). Names decide, so the shares are uneven: with
//! few queues some members get none. No places at all means that nobody gets anything.
//!
//! Source: `AllocateMessageQueueConsistentHash`, `ConsistentHashRouter`.

use crate::cluster::consumer::allocate::md5::md5;
use crate::cluster::consumer::allocate::{
    AllocateError, AllocateMessageQueueStrategy, Allocation, QueueName, share_of,
};
use std::collections::BTreeMap;

/// The strategy named `CONSISTENT_HASH`.
#[derive(Clone, Copy, Debug)]
pub struct AllocateMessageQueueConsistentHash {
    virtual_nodes: u32,
}

impl AllocateMessageQueueConsistentHash {
    /// With so many places on the ring for each member.
    pub const fn new(virtual_nodes: u32) -> Self {
        Self { virtual_nodes }
    }
}

impl Default for AllocateMessageQueueConsistentHash {
    fn default() -> Self {
        Self::new(10)
    }
}

impl<Q: Clone, C: PartialEq> AllocateMessageQueueStrategy<Q, C> for AllocateMessageQueueConsistentHash {
    fn name(&self) -> &'static str {
        "CONSISTENT_HASH"
    }
    fn allocate(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Q>, AllocateError> {
        share_of(ask, |rank| {
            let me = ask.names.client(&ask.cid_all[rank]);
            let mut ring = ConsistentHashRouter::default();
            for client in ask.cid_all {
                ring.add_node(ask.names.client(client), self.virtual_nodes);
            }
            let mine = |queue: &&Q| ring.route(&queue_key(ask.names.queue(queue))) == Some(me);
            ask.mq_all.iter().filter(mine).cloned().collect()
        })
    }
}

/// `MessageQueue.toString`.
fn queue_key(queue: QueueName<'_>) -> String {
    let QueueName {
        topic,
        broker_name,
        queue_id,
    } = queue;
    format!("MessageQueue [topic={topic}, brokerName={broker_name}, queueId={queue_id}]")
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
    /// Gives `node` so many places more. Of two nodes on one place the later stays.
    pub fn add_node(&mut self, node: &'n str, virtual_nodes: u32) {
        let existing = self.existing_replicas(node);
        for replica in 0..virtual_nodes {
            let key = format!("{node}-{}", u64::from(existing) + u64::from(replica));
            if let Some(displaced) = self.ring.insert(ring_hash(&key), node) {
                *self.places_of.entry(displaced).or_default() -= 1;
            }
            *self.places_of.entry(node).or_default() += 1;
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
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known places, among them a queue's.
    #[test]
    fn places_are_the_head_of_the_md5() {
        let queue = QueueName {
            topic: "orders",
            broker_name: "broker-a",
            queue_id: 0,
        };
        assert_eq!(ring_hash(&queue_key(queue)), 2_527_733_742);
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
}
