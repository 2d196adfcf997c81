//! Who is in which group, as one broker sees it.
//!
//! The table is keyed by connection: a client appears with its first heartbeat and goes when it unregisters
//! or its connection closes. Each change of a group is told to all its members, the newcomer included. Each
//! broker keeps a table of its own, so two brokers may disagree for a while. Left out so far: expiry after
//! 120 s without heartbeat (nobody vanishes silently yet), subscriptions that differ inside a group.
//!
//! Source: `ConsumerManager`, `ConsumerGroupInfo`, `DefaultConsumerIdsChangeListener`.

use crate::cluster::ids::{ConsumerId, GroupId};
use std::rc::Rc;

/// Position of a client id in the sorted list of all client ids of its group: compares as the texts do.
/// Two clients with equal ids have equal ranks.
pub type ClientRank = u32;

/// See the module.
#[derive(Debug, Default)]
pub struct ConsumerManager {
    groups: Vec<GroupMembers>,
}

#[derive(Debug, Default)]
struct GroupMembers {
    members: Vec<(ConsumerId, ClientRank)>,
    /// The answer to `GET_CONSUMER_LIST_BY_GROUP`, kept until the group changes.
    list: Option<Rc<[ClientRank]>>,
}

impl ConsumerManager {
    /// A table for `groups` groups.
    pub fn new(groups: usize) -> Self {
        Self {
            groups: (0..groups).map(|_| GroupMembers::default()).collect(),
        }
    }

    /// A heartbeat came; true if the connection was unknown, so that the group has changed.
    pub fn register(&mut self, group: GroupId, consumer: ConsumerId, rank: ClientRank) -> bool {
        let members = &mut self.groups[group.index()];
        if members.members.iter().any(|(member, _)| *member == consumer) {
            return false;
        }
        members.members.push((consumer, rank));
        members.list = None;
        true
    }

    /// A client unregistered or its connection closed; true if it was a member.
    pub fn unregister(&mut self, group: GroupId, consumer: ConsumerId) -> bool {
        let members = &mut self.groups[group.index()];
        let before = members.members.len();
        members.members.retain(|(member, _)| *member != consumer);
        members.list = None;
        members.members.len() != before
    }

    /// Members in order of their first heartbeat.
    pub fn members(&self, group: GroupId) -> impl Iterator<Item = ConsumerId> {
        self.groups[group.index()]
            .members
            .iter()
            .map(|(member, _)| *member)
    }

    /// The client ids of the group, sorted as the asking client will sort them, one for each connection; `None`
    /// if the group is unknown or empty.
    pub fn consumer_list(&mut self, group: GroupId) -> Option<Rc<[ClientRank]>> {
        let members = &mut self.groups[group.index()];
        if members.members.is_empty() {
            return None;
        }
        let list = members.list.get_or_insert_with(|| {
            let mut ranks: Vec<ClientRank> = members.members.iter().map(|(_, rank)| *rank).collect();
            ranks.sort_unstable();
            ranks.into()
        });
        Some(Rc::clone(list))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_heartbeat_changes_the_group() {
        let mut table = ConsumerManager::new(1);
        let group = GroupId(0);
        assert!(table.consumer_list(group).is_none());
        assert!(table.register(group, ConsumerId(7), 2));
        assert!(!table.register(group, ConsumerId(7), 2));
        assert!(table.register(group, ConsumerId(3), 0));
        assert_eq!(table.consumer_list(group).as_deref(), Some(&[0, 2][..]));
        assert!(table.unregister(group, ConsumerId(7)));
        assert!(!table.unregister(group, ConsumerId(7)));
        assert_eq!(table.consumer_list(group).as_deref(), Some(&[0][..]));
    }

    /// Two connections with one client id count twice, as at the real broker.
    #[test]
    fn equal_client_ids_are_listed_once_for_each_connection() {
        let mut table = ConsumerManager::new(1);
        table.register(GroupId(0), ConsumerId(0), 5);
        table.register(GroupId(0), ConsumerId(1), 5);
        assert_eq!(table.consumer_list(GroupId(0)).as_deref(), Some(&[5, 5][..]));
    }
}
