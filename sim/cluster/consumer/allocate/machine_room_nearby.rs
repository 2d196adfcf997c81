//! `MACHINE_ROOM_NEARBY-…`: each room's queues to the clients of that room, by another strategy.
//!
//! Queues of a room without any client are shared by all clients of the group, room by room in the order of their
//! names. So nothing crosses rooms while each has a client, and nothing is left alone when one has none.
//!
//! Source: `AllocateMachineRoomNearby`.

use crate::cluster::consumer::allocate::{
    AllocateError, AllocateMessageQueueStrategy, Allocation, Beyond, Needs, QueueName, share_from,
    shares_from,
};
use crate::cluster::message_queue::cmp_utf16;
use std::collections::BTreeMap;

/// The strategy named `MACHINE_ROOM_NEARBY-` and the name of the inner one.
pub struct AllocateMachineRoomNearby<Q, C> {
    inner: Box<dyn AllocateMessageQueueStrategy<Q, C>>,
    name: String,
}

impl<Q: Clone, C: Clone + Ord> AllocateMachineRoomNearby<Q, C> {
    /// Shares out by `inner` within each room.
    pub fn new(inner: Box<dyn AllocateMessageQueueStrategy<Q, C>>) -> Self {
        let name = format!("MACHINE_ROOM_NEARBY-{}", inner.name());
        Self { inner, name }
    }

    fn deal(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Vec<Q>>, AllocateError> {
        let queues = queues_by_room(ask)?;
        let clients = clients_by_room(ask)?;
        let everyone: Vec<usize> = (0..ask.cid_all.len()).collect();
        let mut shares = vec![Vec::new(); ask.cid_all.len()];
        let near = queues
            .iter()
            .filter_map(|(room, queues)| Some((queues, clients.get(room)?)));
        let alone = queues.iter().filter(|(room, _)| !clients.contains_key(room));
        for (queues, positions) in near.chain(alone.map(|(_, queues)| (queues, &everyone))) {
            let dealt = self.within(ask, queues, positions)?;
            for (&position, share) in positions.iter().zip(dealt) {
                shares[position].extend(share);
            }
        }
        Ok(shares)
    }

    /// What the inner strategy gives the clients at `positions` of `queues`.
    fn within(
        &self,
        ask: &Allocation<'_, Q, C>,
        queues: &[Q],
        positions: &[usize],
    ) -> Result<Vec<Vec<Q>>, AllocateError> {
        let members: Vec<C> = positions.iter().map(|&at| ask.cid_all[at].clone()).collect();
        let load = |at: &usize| ask.beyond.load_before.get(*at).copied().unwrap_or(0);
        let load: Vec<u32> = positions.iter().map(load).collect();
        self.inner.allocate_all(&Allocation {
            mq_all: queues,
            cid_all: &members,
            beyond: Beyond {
                load_before: &load,
                ..ask.beyond
            },
            ..*ask
        })
    }
}

impl<Q: Clone, C: Clone + Ord> AllocateMessageQueueStrategy<Q, C> for AllocateMachineRoomNearby<Q, C> {
    fn name(&self) -> &str {
        &self.name
    }
    fn needs(&self) -> Needs {
        self.inner.needs()
    }
    fn allocate(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Q>, AllocateError> {
        share_from(ask, || self.deal(ask))
    }
    fn allocate_all(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Vec<Q>>, AllocateError> {
        shares_from(ask, || self.deal(ask))
    }
}

/// Rooms in the order of Java's `TreeMap`.
fn queues_by_room<'a, Q: Clone, C>(
    ask: &Allocation<'a, Q, C>,
) -> Result<Vec<(&'a str, Vec<Q>)>, AllocateError> {
    let mut rooms: BTreeMap<&str, Vec<Q>> = BTreeMap::new();
    for queue in ask.mq_all {
        let room = ask.names.broker_room(queue);
        if room.is_empty() {
            let name: QueueName<'_> = ask.names.queue(queue);
            return Err(AllocateError::QueueWithoutRoom(name.to_string()));
        }
        rooms.entry(room).or_default().push(queue.clone());
    }
    let mut rooms: Vec<_> = rooms.into_iter().collect();
    rooms.sort_by(|(a, _), (b, _)| cmp_utf16(a, b));
    Ok(rooms)
}

/// Positions of clients.
fn clients_by_room<'a, Q, C>(
    ask: &Allocation<'a, Q, C>,
) -> Result<BTreeMap<&'a str, Vec<usize>>, AllocateError> {
    let mut rooms: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (position, client) in ask.cid_all.iter().enumerate() {
        let room = ask.names.client_room(client);
        if room.is_empty() {
            let id = ask.names.client(client);
            return Err(AllocateError::ClientWithoutRoom(id.to_owned()));
        }
        rooms.entry(room).or_default().push(position);
    }
    Ok(rooms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::consumer::allocate::Strategy;
    use crate::cluster::message_queue::MessageQueue;

    /// What `clients`, who carry `load`, get of one queue of each of `brokers`.
    #[track_caller]
    fn check(inner: &Strategy, brokers: &[&str], clients: &[&str], load: &[u32], expected: &[&[&str]]) {
        let queues: Vec<_> = brokers
            .iter()
            .map(|name| MessageQueue::new("orders", *name, 0))
            .collect();
        let clients: Vec<String> = clients.iter().map(|&id| id.to_owned()).collect();
        let mut ask = Allocation::of_texts("billing", None, &queues, &clients);
        ask.beyond.load_before = load;
        let shares = AllocateMachineRoomNearby::new(inner.build(|_| Vec::new())).allocate_all(&ask);
        let shares = shares.expect("everything stands in a room");
        let brokers_of =
            |share: &Vec<MessageQueue>| share.iter().map(|q| q.broker_name.clone()).collect::<Vec<_>>();
        assert_eq!(shares.iter().map(brokers_of).collect::<Vec<_>>(), expected);
    }

    /// What a client of a room carries already is told to the inner strategy under its place in that room. Both
    /// rooms have one idle client, the first of `hz` and the second of `sh`: it gets all.
    #[test]
    fn loads_follow_their_clients_into_the_rooms() {
        let brokers = ["hz-a", "hz-b", "hz-c", "sh-a", "sh-b", "sh-c"];
        let clients = ["hz-1", "hz-2", "sh-1", "sh-2"];
        let (hz, sh) = (&brokers[..3], &brokers[3..]);
        check(
            &Strategy::KafkaSticky,
            &brokers,
            &clients,
            &[0, 3, 3, 0],
            &[hz, &[], &[], sh],
        );
    }

    /// Rooms without a client come after the others, in the order of Java's `TreeMap`, by UTF-16 unit: U+1F600 before
    /// U+FF5E.
    #[test]
    fn rooms_without_a_client_follow_in_the_order_of_java() {
        let brokers = ["a-1", "z-1", "～-1", "😀-1"];
        check(
            &Strategy::Avg,
            &brokers,
            &["z-1"],
            &[],
            &[&["z-1", "a-1", "😀-1", "～-1"]],
        );
    }
}
