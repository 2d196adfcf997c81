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
use std::cmp::Ordering;
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

/// A room's name, in the order of Java's `TreeMap`.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Room<'n>(&'n str);

impl Ord for Room<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        cmp_utf16(self.0, other.0)
    }
}

impl PartialOrd for Room<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn queues_by_room<'a, Q: Clone, C>(
    ask: &Allocation<'a, Q, C>,
) -> Result<BTreeMap<Room<'a>, Vec<Q>>, AllocateError> {
    let mut rooms: BTreeMap<Room<'_>, Vec<Q>> = BTreeMap::new();
    for queue in ask.mq_all {
        let room = ask.names.broker_room(queue);
        if room.is_empty() {
            let name: QueueName<'_> = ask.names.queue(queue);
            return Err(AllocateError::QueueWithoutRoom(name.to_string()));
        }
        rooms.entry(Room(room)).or_default().push(queue.clone());
    }
    Ok(rooms)
}

/// Positions of clients.
fn clients_by_room<'a, Q, C>(
    ask: &Allocation<'a, Q, C>,
) -> Result<BTreeMap<Room<'a>, Vec<usize>>, AllocateError> {
    let mut rooms: BTreeMap<Room<'_>, Vec<usize>> = BTreeMap::new();
    for (position, client) in ask.cid_all.iter().enumerate() {
        let room = ask.names.client_room(client);
        if room.is_empty() {
            let id = ask.names.client(client);
            return Err(AllocateError::ClientWithoutRoom(id.to_owned()));
        }
        rooms.entry(Room(room)).or_default().push(position);
    }
    Ok(rooms)
}
