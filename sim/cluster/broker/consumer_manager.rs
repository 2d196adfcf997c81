//! Who is in which group, as one broker sees it.
//!
//! The table is keyed by connection, not by client id: a client appears with its first heartbeat over a
//! connection and goes when it unregisters, when the connection closes, or when the scan finds it silent for
//! 120 s. A client that has lost its connection and made a new one is listed twice until the end of the old
//! one is known. Each broker keeps a table of its own, so two brokers may disagree for a while.
//!
//! A group has *one* list of subscriptions at a broker. Each heartbeat brings its client's list: what is newer
//! replaces what is there, what is missing in it goes. So members whose lists differ overwrite each other, with
//! each heartbeat anew. Members whose *expressions* for a topic differ do not: whoever subscribed last, or was
//! rebalanced last, has the newest version, and what it asks for is what all get.
//!
//! Source: `ConsumerManager`, `ConsumerGroupInfo`, `DefaultConsumerIdsChangeListener`.

use crate::cluster::broker::expression_message_filter::ExpressionId;
use crate::cluster::fact::PullFailure;
use crate::cluster::ids::{ConsumerId, GroupId, TopicId};
use crate::cluster::memory::of_shared;
use crate::kernel::memory;
use crate::kernel::time::{SimDuration, SimTime};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

/// Position of a client id in the sorted list of all client ids of its group: compares as the texts do.
/// Two clients with equal ids have equal ranks.
pub type ClientRank = u32;

/// A subscribed topic; `None` stands for `%RETRY%group`, which may not exist yet.
pub type SubscribedTopic = Option<TopicId>;

/// A topic, and which of its messages are wanted (`SubscriptionData`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The topic.
    pub topic: SubscribedTopic,
    /// `subVersion`: when it was made or renewed, milliseconds of virtual time.
    pub version: u64,
    /// Which messages.
    pub expression: ExpressionId,
}

/// What a client subscribes to.
pub type Subscriptions = Rc<Vec<Subscription>>;

/// Sorted client ids of a group.
pub type MemberList = Rc<Vec<ClientRank>>;

/// What a heartbeat changed of its group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Members or topics; all members are told.
    pub group: bool,
    /// Which messages of a topic are wanted; nobody is told.
    pub expression: bool,
}

/// One connection of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Connection {
    /// The client.
    pub consumer: ConsumerId,
    /// Counts the connections of this client.
    pub epoch: u32,
}

/// The members of a group as they were when a change was told. Those who came later stand behind them in the same
/// list, so that a group that fills up is not copied with each newcomer; who leaves leaves a copy.
#[derive(Clone, Debug)]
pub struct Members {
    list: Rc<RefCell<Vec<Connection>>>,
    count: u32,
    /// How many have left the list so far.
    removals: u32,
}

/// A list of members as it was, without holding on to it.
#[derive(Clone, Debug, Default)]
pub struct MembersMark {
    list: Weak<RefCell<Vec<Connection>>>,
    count: u32,
    removals: u32,
}

impl Members {
    /// How many.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The one at this position.
    #[inline]
    pub fn get(&self, at: usize) -> Connection {
        self.list.borrow()[..self.len()][at]
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Connection> {
        self.iter_from(0)
    }

    /// Those from this position on.
    pub fn iter_from(&self, from: usize) -> impl Iterator<Item = Connection> {
        (from..self.len()).map(|at| self.get(at))
    }

    /// As they are now.
    pub fn mark(&self) -> MembersMark {
        MembersMark {
            list: Rc::downgrade(&self.list),
            count: self.count,
            removals: self.removals,
        }
    }

    /// How many of them, at the front, were all there were at `mark`; `None` if anybody has left since.
    pub fn since(&self, mark: &MembersMark) -> Option<usize> {
        let is_same = std::ptr::eq(Rc::as_ptr(&self.list), mark.list.as_ptr());
        let grew = mark.removals == self.removals && mark.count <= self.count;
        (is_same && grew).then_some(mark.count as usize)
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct ConsumerManager {
    groups: Vec<ConsumerGroupInfo>,
    /// Connections of a client up to this one are closed.
    closed: BTreeMap<ConsumerId, u32>,
}

#[derive(Debug, Default)]
struct ConsumerGroupInfo {
    channels: Vec<Channel>,
    /// Where the connections of a client stand in [`Self::channels`].
    places: BTreeMap<Connection, u32>,
    /// Where its latest connection stands, by client: heartbeats are many, and a look here is all that most need.
    latest: Vec<u32>,
    /// Client ids of all connections, sorted.
    ranks: Vec<ClientRank>,
    /// The answer to `GET_CONSUMER_LIST_BY_GROUP`, kept until the group changes.
    list: Option<MemberList>,
    /// Whom a change is told: the connections in order of their first heartbeats. Shared with the news on the wire.
    members: Rc<RefCell<Vec<Connection>>>,
    /// How many have left.
    removals: u32,
    subscriptions: Vec<Subscription>,
    /// The list that a heartbeat brought last; brought once more, it has no news.
    last_list: Option<Subscriptions>,
}

#[derive(Clone, Copy, Debug)]
struct Channel {
    connection: Connection,
    rank: ClientRank,
    last_heartbeat: SimTime,
}

impl ConsumerManager {
    /// A table for `groups` groups.
    pub fn new(groups: usize) -> Self {
        Self {
            groups: (0..groups).map(|_| ConsumerGroupInfo::default()).collect(),
            closed: BTreeMap::new(),
        }
    }

    /// Whether the broker still takes what comes over `connection`.
    pub fn is_open(&self, connection: Connection) -> bool {
        self.closed
            .get(&connection.consumer)
            .is_none_or(|&closed| closed < connection.epoch)
    }

    /// The broker has closed `connection`, or learnt of its end.
    pub fn close(&mut self, connection: Connection) {
        let closed = self.closed.entry(connection.consumer).or_default();
        *closed = (*closed).max(connection.epoch);
    }

    /// A heartbeat came. A new connection and another list of topics change the group.
    pub fn heartbeat(
        &mut self,
        now: SimTime,
        group: GroupId,
        connection: Connection,
        rank: ClientRank,
        subscriptions: &Subscriptions,
    ) -> Change {
        let info = &mut self.groups[group.index()];
        let fresh = match info.channel(connection) {
            Some(channel) => {
                channel.last_heartbeat = now;
                false
            }
            None => {
                info.add(now, connection, rank);
                true
            }
        };
        let mut change = info.update_subscriptions(subscriptions);
        change.group |= fresh;
        change
    }

    /// A connection unregistered, closed or was given up; true if it was known.
    pub fn unregister(&mut self, group: GroupId, connection: Connection) -> bool {
        self.groups[group.index()].remove(connection)
    }

    /// Takes out the connections whose last heartbeat is more than `timeout` ago (`scanNotActiveChannel`).
    pub fn expire(&mut self, now: SimTime, timeout: SimDuration) -> Vec<(GroupId, Connection)> {
        let mut expired = Vec::new();
        for (group, info) in self.groups.iter_mut().enumerate() {
            let silent = |channel: &&Channel| now.since(channel.last_heartbeat) > timeout;
            let silent = info.channels.iter().filter(silent);
            let mut silent: Vec<Connection> = silent.map(|channel| channel.connection).collect();
            silent.sort_unstable();
            for connection in silent {
                info.remove(connection);
                expired.push((GroupId(group as u32), connection));
            }
        }
        expired
    }

    /// All connections of all groups.
    pub fn connections(&self) -> impl Iterator<Item = (GroupId, Connection)> {
        let groups = self.groups.iter().enumerate();
        groups.flat_map(|(group, info)| {
            info.places
                .keys()
                .map(move |connection| (GroupId(group as u32), *connection))
        })
    }

    /// The connections of the group, in order of their first heartbeats.
    pub fn members(&self, group: GroupId) -> Members {
        let info = &self.groups[group.index()];
        let list = Rc::clone(&info.members);
        let count = list.borrow().len() as u32;
        Members {
            list,
            count,
            removals: info.removals,
        }
    }

    /// What [`Self::consumer_list`] would make anew, if it would.
    pub fn missing_list(&self, group: GroupId) -> Option<&[ClientRank]> {
        let info = &self.groups[group.index()];
        info.list.is_none().then_some(info.ranks.as_slice())
    }

    /// The last answer to [`Self::consumer_list`], if the group is still the same.
    pub fn ready_list(&self, group: GroupId) -> Option<&MemberList> {
        self.groups[group.index()].list.as_ref()
    }

    /// Another broker has a list with the same ids.
    pub fn share_list(&mut self, group: GroupId, list: MemberList) {
        let info = &mut self.groups[group.index()];
        debug_assert_eq!(info.ranks, *list, "a list of other members");
        info.list = Some(list);
    }

    /// The client ids of the group, sorted as the asking client will sort them, one for each connection; `None`
    /// if the group is unknown or empty.
    pub fn consumer_list(&mut self, group: GroupId) -> Option<MemberList> {
        let info = &mut self.groups[group.index()];
        if info.ranks.is_empty() {
            return None;
        }
        let list = info.list.get_or_insert_with(|| Rc::new(info.ranks.clone()));
        Some(Rc::clone(list))
    }

    /// Which messages a pull of `topic` by a client that subscribed with `version` is served.
    ///
    /// # Errors
    /// If the group does not subscribe to the topic here, or the client knows of a newer subscription.
    #[inline]
    pub fn check(
        &self,
        group: GroupId,
        topic: SubscribedTopic,
        version: u64,
    ) -> Result<ExpressionId, PullFailure> {
        match self.subscription(group, topic) {
            None => Err(PullFailure::SubscriptionNotExist),
            Some(stored) if stored.version < version => Err(PullFailure::SubscriptionNotLatest),
            Some(stored) => Ok(stored.expression),
        }
    }

    /// What the group subscribes to of `topic` here.
    #[inline]
    pub fn subscription(&self, group: GroupId, topic: SubscribedTopic) -> Option<&Subscription> {
        let subscriptions = &self.groups[group.index()].subscriptions;
        subscriptions.iter().find(|known| known.topic == topic)
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let of_group = |group: &ConsumerGroupInfo| {
            let connections = memory::of_vec(&group.channels)
                + memory::of_map(&group.places)
                + memory::of_vec(&group.latest);
            let lists = memory::of_vec(&group.ranks) + memory::of_vec(&group.members.borrow());
            let told =
                group.list.as_ref().map_or(0, of_shared) + group.last_list.as_ref().map_or(0, of_shared);
            connections + lists + told + memory::of_vec(&group.subscriptions)
        };
        memory::of_vec(&self.groups)
            + self.groups.iter().map(of_group).sum::<u64>()
            + memory::of_map(&self.closed)
    }

    /// Bytes of what a broker knows of a group of so many topics with so many members, of `clients` in all.
    pub fn held_for(members: u64, clients: u64, topics: u64) -> u64 {
        size_of::<ConsumerGroupInfo>() as u64
            + memory::of_grown::<Subscription>(topics)
            + memory::of_grown::<Channel>(members)
            + memory::of_entries::<Connection, u32>(members)
            + memory::of_grown::<u32>(clients)
            + memory::of_grown::<ClientRank>(members)
            + memory::of_grown::<Connection>(members)
    }
}

impl ConsumerGroupInfo {
    /// The entry of a connection, if it is known.
    fn channel(&mut self, connection: Connection) -> Option<&mut Channel> {
        let latest = self.latest.get(connection.consumer.index()).copied();
        let is_it = |at: &u32| {
            self.channels
                .get(*at as usize)
                .is_some_and(|c| c.connection == connection)
        };
        let at = latest
            .filter(is_it)
            .or_else(|| self.places.get(&connection).copied())?;
        self.channels.get_mut(at as usize)
    }

    /// Notes where a connection stands.
    fn place(&mut self, connection: Connection, at: u32) {
        self.places.insert(connection, at);
        let consumer = connection.consumer.index();
        if self.latest.len() <= consumer {
            self.latest.resize(consumer + 1, u32::MAX);
        }
        self.latest[consumer] = at;
    }

    fn add(&mut self, now: SimTime, connection: Connection, rank: ClientRank) {
        self.place(connection, self.channels.len() as u32);
        self.channels.push(Channel {
            connection,
            rank,
            last_heartbeat: now,
        });
        let at = self.ranks.partition_point(|&known| known < rank);
        self.ranks.insert(at, rank);
        self.members.borrow_mut().push(connection);
        self.list = None;
    }

    /// Whether the connection was known. A group that is empty forgets its subscriptions.
    fn remove(&mut self, connection: Connection) -> bool {
        let Some(at) = self.places.remove(&connection) else {
            return false;
        };
        let channel = self.channels.swap_remove(at as usize);
        if let Some(moved) = self.channels.get(at as usize) {
            self.place(moved.connection, at);
        }
        let at = self.ranks.partition_point(|&known| known < channel.rank);
        self.ranks.remove(at);
        // News on the wire is for those who were there.
        if Rc::strong_count(&self.members) > 1 {
            let copy = self.members.borrow().clone();
            self.members = Rc::new(RefCell::new(copy));
        }
        let mut members = self.members.borrow_mut();
        if let Some(at) = members.iter().position(|&member| member == connection) {
            members.remove(at);
        }
        drop(members);
        self.removals += 1;
        self.list = None;
        if self.channels.is_empty() {
            self.subscriptions.clear();
            self.last_list = None;
        }
        true
    }

    /// `updateSubscription`: topics come and go; of a known one the newest version stays.
    fn update_subscriptions(&mut self, of_client: &Subscriptions) -> Change {
        let mut change = Change::default();
        if self
            .last_list
            .as_ref()
            .is_some_and(|last| Rc::ptr_eq(last, of_client))
        {
            return change;
        }
        self.last_list = Some(Rc::clone(of_client));
        for new in of_client.iter() {
            match self
                .subscriptions
                .iter_mut()
                .find(|known| known.topic == new.topic)
            {
                Some(stored) if stored.version < new.version => {
                    change.expression |= stored.expression != new.expression;
                    *stored = *new;
                }
                Some(_) => {}
                None => {
                    self.subscriptions.push(*new);
                    change.group = true;
                }
            }
        }
        let before = self.subscriptions.len();
        self.subscriptions
            .retain(|known| of_client.iter().any(|new| new.topic == known.topic));
        change.group |= self.subscriptions.len() != before;
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: GroupId = GroupId(0);

    fn connection(consumer: u32, epoch: u32) -> Connection {
        Connection {
            consumer: ConsumerId(consumer),
            epoch,
        }
    }

    fn secs(n: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(n)
    }

    fn subscription(topic: u32, version: u64, expression: u16) -> Subscription {
        Subscription {
            topic: Some(TopicId(topic)),
            version,
            expression: ExpressionId(expression),
        }
    }

    fn topics(topics: &[(u32, u64)]) -> Subscriptions {
        let topics = topics.iter();
        Rc::new(
            topics
                .map(|&(topic, version)| subscription(topic, version, 0))
                .collect(),
        )
    }

    fn all(members: &Members) -> Vec<Connection> {
        members.iter().collect()
    }

    #[track_caller]
    fn beat(table: &mut ConsumerManager, at: u64, who: (u32, u32), rank: u32, changed: bool) {
        let connection = connection(who.0, who.1);
        let told = table.heartbeat(secs(at), GROUP, connection, rank, &topics(&[(0, 1)]));
        assert_eq!(told.group, changed);
    }

    #[test]
    fn only_the_first_heartbeat_changes_the_group() {
        let mut table = ConsumerManager::new(1);
        assert!(table.consumer_list(GROUP).is_none());
        beat(&mut table, 0, (7, 1), 2, true);
        beat(&mut table, 1, (7, 1), 2, false);
        beat(&mut table, 2, (3, 1), 0, true);
        assert_eq!(table.consumer_list(GROUP), Some(Rc::new(vec![0, 2])));
        assert!(table.unregister(GROUP, connection(7, 1)));
        assert!(!table.unregister(GROUP, connection(7, 1)));
        assert_eq!(table.consumer_list(GROUP), Some(Rc::new(vec![0])));
    }

    /// Two connections with one client id count twice, as at the real broker: two clients, or one that came back
    /// before the end of its old connection was known.
    #[test]
    fn equal_client_ids_are_listed_once_for_each_connection() {
        let mut table = ConsumerManager::new(1);
        beat(&mut table, 0, (0, 1), 5, true);
        beat(&mut table, 0, (1, 1), 5, true);
        beat(&mut table, 0, (1, 2), 5, true);
        assert_eq!(table.consumer_list(GROUP), Some(Rc::new(vec![5, 5, 5])));
    }

    /// Exactly 120 s of silence are not yet too long.
    #[test]
    fn the_silent_are_given_up() {
        let mut table = ConsumerManager::new(1);
        beat(&mut table, 0, (0, 1), 0, true);
        beat(&mut table, 1, (1, 1), 1, true);
        let timeout = SimDuration::from_secs(120);
        assert!(table.expire(secs(120), timeout).is_empty());
        assert_eq!(table.expire(secs(121), timeout), [(GROUP, connection(0, 1))]);
        assert_eq!(all(&table.members(GROUP)), [connection(1, 1)]);
    }

    /// Whoever comes or goes later: who was to be told is told.
    #[test]
    fn news_is_for_those_who_were_there() {
        let mut table = ConsumerManager::new(1);
        beat(&mut table, 0, (0, 1), 0, true);
        beat(&mut table, 0, (1, 1), 1, true);
        let both = table.members(GROUP);
        beat(&mut table, 1, (2, 1), 2, true);
        let three = table.members(GROUP);
        table.unregister(GROUP, connection(0, 1));
        assert_eq!(all(&both), [connection(0, 1), connection(1, 1)]);
        assert_eq!((both.len(), both.get(1)), (2, connection(1, 1)));
        assert_eq!(all(&three)[2..], [connection(2, 1)]);
        assert_eq!(all(&table.members(GROUP)), [connection(1, 1), connection(2, 1)]);
    }

    #[test]
    fn a_closed_connection_stays_closed() {
        let mut table = ConsumerManager::new(1);
        table.close(connection(0, 2));
        table.close(connection(0, 1));
        assert!(!table.is_open(connection(0, 1)) && !table.is_open(connection(0, 2)));
        assert!(table.is_open(connection(0, 3)) && table.is_open(connection(1, 1)));
    }

    /// Members with different topics: each heartbeat takes the other's topic away and brings its own.
    #[test]
    fn lists_of_one_group_overwrite_each_other() {
        let mut table = ConsumerManager::new(1);
        let (a, b) = (topics(&[(0, 10)]), topics(&[(1, 10)]));
        assert!(table.heartbeat(secs(0), GROUP, connection(0, 1), 0, &a).group);
        assert!(table.heartbeat(secs(1), GROUP, connection(1, 1), 1, &b).group);
        let missing = Err(PullFailure::SubscriptionNotExist);
        assert_eq!(table.check(GROUP, Some(TopicId(0)), 10), missing);
        assert_eq!(table.check(GROUP, Some(TopicId(1)), 10), Ok(ExpressionId::ALL));
        assert!(table.heartbeat(secs(2), GROUP, connection(0, 1), 0, &a).group);
        assert_eq!(table.check(GROUP, Some(TopicId(1)), 10), missing);
    }

    /// A newer version replaces, an older one does not, neither is a change; a pull that is ahead is refused.
    #[test]
    fn the_newest_version_stays() {
        let mut table = ConsumerManager::new(1);
        table.heartbeat(secs(0), GROUP, connection(0, 1), 0, &topics(&[(0, 10)]));
        assert_eq!(
            table.check(GROUP, Some(TopicId(0)), 11),
            Err(PullFailure::SubscriptionNotLatest)
        );
        assert!(
            !table
                .heartbeat(secs(1), GROUP, connection(0, 1), 0, &topics(&[(0, 11)]))
                .group
        );
        assert!(
            !table
                .heartbeat(secs(2), GROUP, connection(0, 1), 0, &topics(&[(0, 9)]))
                .group
        );
        assert_eq!(table.check(GROUP, Some(TopicId(0)), 11), Ok(ExpressionId::ALL));
        table.unregister(GROUP, connection(0, 1));
        assert_eq!(
            table.check(GROUP, Some(TopicId(0)), 1),
            Err(PullFailure::SubscriptionNotExist)
        );
    }

    /// The newest expression is what all get, until its owner is beaten by a newer version; its leaving is not enough.
    #[test]
    fn the_newest_expression_stays_until_a_newer_one_comes() {
        let mut table = ConsumerManager::new(1);
        let served = |table: &ConsumerManager| table.check(GROUP, Some(TopicId(0)), 0);
        let beat = |table: &mut ConsumerManager, who, version, expression| {
            let list = Rc::new(vec![subscription(0, version, expression)]);
            table
                .heartbeat(secs(0), GROUP, connection(who, 1), who, &list)
                .expression
        };
        assert!(!beat(&mut table, 0, 10, 1));
        assert!(beat(&mut table, 1, 11, 2));
        assert!(!beat(&mut table, 0, 10, 1) && !beat(&mut table, 0, 11, 1));
        assert_eq!(served(&table), Ok(ExpressionId(2)));
        table.unregister(GROUP, connection(1, 1));
        assert_eq!(served(&table), Ok(ExpressionId(2)));
        assert!(beat(&mut table, 0, 12, 1));
        assert_eq!(served(&table), Ok(ExpressionId(1)));
    }
}
