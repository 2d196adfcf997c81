//! Membership at a broker: heartbeats, goodbyes, closed connections, and the scan for silent clients.
//!
//! A change of a group is told to all its members at once, the newcomer included. A client that unregisters or
//! whose connection closes is a change; one that the scan gives up is not: the scan closes the connection and
//! says nothing, so the others learn of it in their own time. The scan runs every 10 s and gives up whoever was
//! silent for more than 120 s; it is not scheduled while nobody can be silent. Left out: the 120 s limit on idle
//! connections, which a scan forestalls (and does for connections of the dead that are in no group); the scan over
//! producers, which may win a race and tell the others after all (`notifyOnExpiry`).
//!
//! Source: `ClientManageProcessor`, `ClientHousekeepingService`, `DefaultConsumerIdsChangeListener`.

use crate::cluster::Cluster;
use crate::cluster::broker::consumer_manager::{Connection, MemberList, Members, Subscriptions};
use crate::cluster::consumer::roused::Told;
use crate::cluster::core::{ConsumerReply, Envelope};
use crate::cluster::event::{EnvelopeSlot, Event};
use crate::cluster::fact::{Fact, Observer};
use crate::cluster::ids::{BrokerId, GroupId};
use crate::cluster::network::Server;
use crate::kernel::time::{SimDuration, SimTime};

/// Period of the scan for silent clients.
pub const SCAN_PERIOD: SimDuration = SimDuration::from_secs(10);

impl<O: Observer> Cluster<O> {
    /// HEART_BEAT: the group's retry topic comes into being, the client becomes a member.
    pub(super) fn heartbeat(
        &mut self,
        broker: BrokerId,
        group: GroupId,
        connection: Connection,
        subscriptions: &Subscriptions,
    ) {
        let (now, consumer) = (self.core.now(), connection.consumer);
        self.core.emit(Fact::Heartbeat { broker, consumer });
        if !self.brokers[broker.index()].retry_made[group.index()] {
            self.retry_queues(broker, group);
            self.brokers[broker.index()].retry_made[group.index()] = true;
        }
        let rank = self.consumers[consumer.index()].rank;
        let consumers = &mut self.brokers[broker.index()].consumers;
        let change = consumers.heartbeat(now, group, connection, rank, subscriptions);
        if change.expression {
            self.brokers[broker.index()].changed = now;
        }
        if change.group {
            self.group_changed(broker, group);
        }
        if self.is_silent_by_setting(group) || self.is_suspect(broker, connection) {
            self.watch_for_silence(broker);
        }
    }

    /// UNREGISTER_CLIENT: told to those who stay, even if the connection was not known.
    pub(super) fn unregister(&mut self, broker: BrokerId, group: GroupId, connection: Connection) {
        self.brokers[broker.index()]
            .consumers
            .unregister(group, connection);
        self.group_changed(broker, group);
    }

    /// The end of a connection has become known.
    pub(super) fn connection_closed(&mut self, broker: BrokerId, group: GroupId, connection: Connection) {
        let consumers = &mut self.brokers[broker.index()].consumers;
        consumers.close(connection);
        if consumers.unregister(group, connection) {
            self.group_changed(broker, group);
        }
    }

    /// Other members or other topics: pulls that wait are to be looked at anew, and all members are told.
    fn group_changed(&mut self, broker: BrokerId, group: GroupId) {
        self.brokers[broker.index()].changed = self.core.now();
        self.notify_consumer_ids_changed(broker, group);
    }

    /// Tells all members, a newcomer included. Where every envelope takes equally long, one event is enough.
    fn notify_consumer_ids_changed(&mut self, broker: BrokerId, group: GroupId) {
        let silent = self.is_broadcasting(group) && !self.profile.notifies_broadcasting;
        if silent || !self.config.broker_tuning.notify_consumer_ids_changed_enable {
            return;
        }
        let members = self.brokers[broker.index()].consumers.members(group);
        if members.is_empty() {
            return;
        }
        if let Some(delay) = self.core.network.constant() {
            let envelope = Envelope::ConsumerIdsChanged { broker, members };
            let slot = EnvelopeSlot(self.core.envelopes.insert(envelope));
            let now = self.core.now();
            self.core.scheduler.at_in_order(now + delay, Event::Deliver(slot));
            return;
        }
        for member in members.iter() {
            self.core
                .to_consumer(broker, member, ConsumerReply::ConsumerIdsChanged);
        }
    }

    /// GET_CONSUMER_LIST_BY_GROUP. Brokers that know the same members give out one list, so that clients need not compare
    /// its ids with those of the list that they have seen.
    pub(super) fn consumer_list(&mut self, broker: BrokerId, group: GroupId) -> Option<MemberList> {
        if let Some(wanted) = self.brokers[broker.index()].consumers.missing_list(group) {
            let lists = self.brokers.iter();
            let mut lists = lists.filter_map(|other| other.consumers.ready_list(group));
            if let Some(same) = lists.find(|list| ***list == *wanted).cloned() {
                self.brokers[broker.index()].consumers.share_list(group, same);
            }
        }
        self.brokers[broker.index()].consumers.consumer_list(group)
    }

    /// Whether clients of the group are silent for so long between heartbeats that brokers give them up.
    fn is_silent_by_setting(&self, group: GroupId) -> bool {
        let interval = self.config.groups[group.index()].tuning.heartbeat_broker_interval;
        interval >= self.config.broker_tuning.channel_expired_timeout
    }

    /// Somebody who is connected to `broker` may fall silent: its scan is to be scheduled.
    pub(in crate::cluster) fn watch_for_silence(&mut self, broker: BrokerId) {
        let state = &mut self.brokers[broker.index()];
        if !state.scan_pending {
            state.scan_pending = true;
            let soon = self.core.scheduler.now() + SimDuration::from_nanos(1);
            let next = soon.next_on_grid(state.scan_phase, SCAN_PERIOD);
            self.core.scheduler.at(next, Event::ScanNotActiveChannel(broker));
        }
    }

    /// The scan: gives up whoever was silent for too long, and comes again while anybody may be.
    pub(in crate::cluster) fn scan_not_active_channel(&mut self, broker: BrokerId) {
        let timeout = self.config.broker_tuning.channel_expired_timeout.duration();
        let now = self.core.now();
        for (group, connection) in self.brokers[broker.index()].consumers.expire(now, timeout) {
            self.give_up_client(broker, group, connection);
        }
        let waits = self.end_idle_connections(broker, timeout);
        let may_be_silent = |(group, connection): (GroupId, Connection)| {
            self.is_silent_by_setting(group) || self.is_suspect(broker, connection)
        };
        let more = self.brokers[broker.index()]
            .consumers
            .connections()
            .any(may_be_silent)
            | waits;
        self.brokers[broker.index()].scan_pending = more;
        if more {
            self.core
                .scheduler
                .after(SCAN_PERIOD, Event::ScanNotActiveChannel(broker));
        }
    }

    /// Gives up what a client that is gone has left on its link. It may be on a connection that the broker has never
    /// had a heartbeat on. Whether there is more.
    fn end_idle_connections(&mut self, broker: BrokerId, timeout: SimDuration) -> bool {
        let (now, server) = (self.core.now(), Server::Broker(broker));
        let left = self.core.network.links.abandoned(server);
        let (late, early): (Vec<_>, Vec<_>) = left.iter().partition(|(_, since)| now.since(*since) > timeout);
        for (consumer, _) in late {
            self.purge(consumer, server, |_, _| true);
        }
        !early.is_empty()
    }

    /// Whether a connection may stay without heartbeats: its client is gone, stopped, cut off or slow, here or where
    /// its heartbeats go first, or has made another one.
    fn is_suspect(&self, broker: BrokerId, connection: Connection) -> bool {
        let client = &self.consumers[connection.consumer.index()];
        let links = &self.core.network.links;
        let in_trouble = || !links.are_calm() && links.has_trouble(connection.consumer);
        !client.is_alive()
            || client.is_paused()
            || client.connections.get(broker.index()) != Some(connection.epoch)
            || in_trouble()
    }

    /// Closes the connection of a silent client. The end of it travels to the client, if there is one.
    fn give_up_client(&mut self, broker: BrokerId, group: GroupId, connection: Connection) {
        let consumer = connection.consumer;
        let state = &mut self.brokers[broker.index()];
        state.consumers.close(connection);
        state.changed = self.core.scheduler.now();
        self.core.emit(Fact::MemberExpired { broker, consumer });
        if self.config.broker_tuning.notify_on_expiry {
            self.notify_consumer_ids_changed(broker, group);
        }
        let client = &self.consumers[consumer.index()];
        if client.is_alive() && client.connections.get(broker.index()) == Some(connection.epoch) {
            self.core
                .to_consumer(broker, connection, ConsumerReply::ConnectionClosed);
            let links = &mut self.core.network.links;
            links.trouble(consumer, Server::Broker(broker)).closed = true;
            self.core.network.links_changed();
        } else if client.connections.get(broker.index()).is_none() {
            // What a client had sent before it gave the connection up has no place to go to any more.
            self.purge(consumer, Server::Broker(broker), |_, _| true);
        }
    }

    /// The news of a change reaches all members of a group, of whom there is at least one, at once.
    pub(in crate::cluster) fn consumer_ids_changed(&mut self, broker: BrokerId, members: &Members) {
        let now = self.core.now();
        let group = self.consumers[members.get(0).consumer.index()].group;
        // A change of a large group is told by every broker: most of it is no news.
        let is_plain = self.paused == 0 && self.core.network.links.are_calm();
        let told = &self.brokers[broker.index()].told[group.index()];
        let (known, mut until) = match is_plain {
            true => told.known(group, members, now, &self.roused),
            false => (0, SimTime::MAX),
        };
        for connection in members.iter_from(known) {
            if !is_plain || now >= self.roused.until(connection.consumer) {
                self.told_ids_changed(broker, connection);
            }
            until = until.min(self.roused.until(connection.consumer));
        }
        if is_plain {
            self.brokers[broker.index()].told[group.index()] = Told::new(group, members, until, &self.roused);
        }
    }

    /// The news reaches one member.
    #[inline(never)]
    fn told_ids_changed(&mut self, broker: BrokerId, connection: Connection) {
        let reply = ConsumerReply::ConsumerIdsChanged;
        if self.consumers[connection.consumer.index()].is_paused() {
            let envelope = Envelope::ToConsumer {
                broker,
                connection,
                reply,
            };
            let slot = EnvelopeSlot(self.core.envelopes.insert(envelope));
            self.defer(Event::Deliver(slot));
        } else {
            self.consumer_reply(broker, connection, reply);
        }
    }
}
