//! `MACHINE_ROOM`: only the queues of some machine rooms, in blocks.
//!
//! A broker called `hz@broker-a` stands in room `hz`. Queues of the configured rooms are shared out in blocks, the
//! remainder one by one behind them to the clients that sort first. Queues of all other brokers get no consumer at
//! all: a group that uses this needs members with other rooms, whose shares then overlap unless they are told apart.
//!
//! Source: `AllocateMessageQueueByMachineRoom`.

use crate::cluster::consumer::allocate::{
    AllocateError, AllocateMessageQueueStrategy, Allocation, by_owner, share_from, shares_from,
};

/// The strategy named `MACHINE_ROOM`.
#[derive(Clone, Debug, Default)]
pub struct AllocateMessageQueueByMachineRoom {
    /// `consumeridcs`; `None` if nobody set it.
    consumer_idcs: Option<Vec<String>>,
}

impl AllocateMessageQueueByMachineRoom {
    /// For these rooms; `None` as if they had never been set, which RocketMQ finds out when it allocates.
    pub const fn new(consumer_idcs: Option<Vec<String>>) -> Self {
        Self { consumer_idcs }
    }

    fn deal<Q: Clone, C>(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Vec<Q>>, AllocateError> {
        let rooms = self.consumer_idcs.as_ref().ok_or(AllocateError::RoomsNotSet)?;
        let in_rooms = |queue: &&Q| {
            let room = room_of(ask.names.queue(queue).broker_name);
            room.is_some_and(|room| rooms.iter().any(|known| known == room))
        };
        let queues: Vec<Q> = ask.mq_all.iter().filter(in_rooms).cloned().collect();
        let members = ask.cid_all.len();
        let share = queues.len() / members;
        let owner = |at| {
            Some(match at {
                _ if at < share * members => at / share,
                _ => at - share * members,
            })
        };
        Ok(by_owner(&queues, members, (0..queues.len()).map(owner)))
    }
}

impl<Q: Clone, C: Ord> AllocateMessageQueueStrategy<Q, C> for AllocateMessageQueueByMachineRoom {
    fn name(&self) -> &str {
        "MACHINE_ROOM"
    }
    fn allocate(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Q>, AllocateError> {
        share_from(ask, || self.deal(ask))
    }
    fn allocate_all(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Vec<Q>>, AllocateError> {
        shares_from(ask, || self.deal(ask))
    }
}

/// The room in a broker's name: what `split("@")` gives in Java, which drops empty texts at the end, if that is two
/// texts.
fn room_of(broker_name: &str) -> Option<&str> {
    let (room, rest) = broker_name.trim_end_matches('@').split_once('@')?;
    (!rest.contains('@')).then_some(room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(broker_name: &str, room: Option<&str>) {
        assert_eq!(room_of(broker_name), room, "{broker_name}");
    }

    #[test]
    fn a_room_stands_before_the_only_at() {
        check("hz@broker-a", Some("hz"));
        check("hz@broker-a@", Some("hz"));
        check("@broker-a", Some(""));
        check("hz@", None);
        check("hz@@broker-a", None);
        check("broker-a", None);
    }
}
