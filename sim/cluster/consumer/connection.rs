//! The connections of a client: made when first needed, lost with everything that waits on them.
//!
//! A connection is lost when the server closes it, or when the client does so because an answer took too long.
//! All that waits for an answer on it then fails at once: a pull is repeated after 1 s, a message on its way back
//! goes to the listener again after 5 s, and a thread that waits goes on without an answer. The next request makes
//! a new connection. On a link that is cut none can be made, which takes 3 s to find out. From 5.2 on a new connection
//! brings a heartbeat with it, and after that a rebalance.
//!
//! Time-outs are scheduled on links in trouble only: elsewhere every answer comes in time. Left out: what the
//! kernel of a client still delivers of a pull or a message sent back after the client gave the connection up.
//!
//! Source: `NettyRemotingClient` (`invokeSync`, `closeChannel`), `MQClientInstance` (`onChannelActive`).

use crate::cluster::Cluster;
use crate::cluster::broker::consumer_manager::Connection;
use crate::cluster::consumer::client::{ClientState, ConsumerClient};
use crate::cluster::core::{BrokerRequest, Envelope};
use crate::cluster::event::{CallKind, Event, LinkSlot, PqSlot, TaskSlot};
use crate::cluster::fact::{Fact, Observer, PullFailure};
use crate::cluster::ids::{BrokerId, ConsumerId};
use crate::cluster::network::{Direction, Endpoint, Server};
use crate::kernel::time::{SimDuration, SimTime};

/// `connectTimeoutMillis`.
pub const CONNECT_TIMEOUT: SimDuration = SimDuration::from_secs(3);

/// A thread of a client waits for an answer.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// When the thread waits no longer.
    deadline: SimTime,
    server: Server,
    /// Whether there is a connection to the broker; if not, none could be made.
    is_connected: bool,
}

impl Default for Call {
    /// Nothing was ever asked.
    fn default() -> Self {
        Self {
            deadline: SimTime::ZERO,
            server: Server::NameServer(0),
            is_connected: false,
        }
    }
}

/// How long a client waits for the answer to `request`.
fn patience(request: &BrokerRequest) -> SimDuration {
    SimDuration::from_secs(match request {
        BrokerRequest::LockBatch(_) | BrokerRequest::UnlockBatch(_) => 1,
        BrokerRequest::QueryOffset(..) => 5,
        BrokerRequest::MaxOffset(..) | BrokerRequest::SearchOffset(..) => 6,
        _ => 3,
    })
}

impl ConsumerClient {
    /// One of its threads waits for an answer, without a time-out.
    #[inline]
    fn wait(&mut self, kind: CallKind, server: Server, deadline: SimTime, is_connected: bool) {
        self.waits |= kind.bit();
        self.timed &= !kind.bit();
        self.calls[kind as usize] = Call {
            server,
            is_connected,
            deadline,
        };
    }
}

impl<O: Observer> Cluster<O> {
    /// The link between a client and a server, if it is in trouble.
    pub(super) fn troubled(&self, consumer: ConsumerId, server: Server) -> Option<LinkSlot> {
        self.core.network.links.find(consumer, server)
    }

    /// Whether nothing passes between a client and a server.
    fn is_cut(&self, consumer: ConsumerId, server: Server) -> bool {
        let links = &self.core.network.links;
        links
            .find(consumer, server)
            .is_some_and(|link| links.get(link).is_cut())
    }

    /// Sees to a connection; false if there is none and none can be made.
    #[inline]
    pub(super) fn connect(&mut self, consumer: ConsumerId, broker: BrokerId) -> bool {
        let connections = &self.consumers[consumer.index()].connections;
        if connections.get(broker.index()).is_some() {
            return true;
        }
        self.make_connection(consumer, broker)
    }

    #[inline(never)]
    fn make_connection(&mut self, consumer: ConsumerId, broker: BrokerId) -> bool {
        if self.is_cut(consumer, Server::Broker(broker)) || self.brokers[broker.index()].is_down {
            return false;
        }
        let client = &mut self.consumers[consumer.index()];
        client.last_epoch += 1;
        client.connections.set(broker.index(), Some(client.last_epoch));
        if self.profile.heartbeat_on_connect {
            self.heartbeat_on_connect(consumer, broker);
        }
        true
    }

    /// Asks a broker and lets a thread of the client wait for the answer.
    pub(super) fn call(
        &mut self,
        consumer: ConsumerId,
        kind: CallKind,
        broker: BrokerId,
        request: BrokerRequest,
    ) {
        let mut limit = patience(&request);
        let is_calm = self.core.network.links.are_calm() && self.brokers_down == 0;
        let client = &mut self.consumers[consumer.index()];
        let epoch = client.connections.get(broker.index());
        if let Some(epoch) = epoch.filter(|_| is_calm) {
            client.wait(
                kind,
                Server::Broker(broker),
                self.core.scheduler.now() + limit,
                true,
            );
            let connection = Connection { consumer, epoch };
            return self.core.to_broker(connection, broker, request);
        }
        if self.connect(consumer, broker) {
            self.send_to_broker(consumer, broker, request);
        } else {
            limit = limit.min(self.connect_limit(consumer, broker));
        }
        self.wait_for(consumer, kind, Server::Broker(broker), limit);
    }

    /// How long it takes a client to find out that it gets no connection: nobody answers across a cut, and a machine
    /// whose broker is down refuses at once.
    pub(super) fn connect_limit(&mut self, consumer: ConsumerId, broker: BrokerId) -> SimDuration {
        if self.brokers[broker.index()].is_down && !self.is_cut(consumer, Server::Broker(broker)) {
            self.refused_at(consumer, broker)
                .since(self.core.now())
                .min(CONNECT_TIMEOUT)
        } else {
            CONNECT_TIMEOUT
        }
    }

    /// Sends a request that nobody answers. Without a connection it is lost.
    pub(super) fn one_way(&mut self, consumer: ConsumerId, broker: BrokerId, request: BrokerRequest) {
        let connections = &self.consumers[consumer.index()].connections;
        if let Some(epoch) = connections.get(broker.index()) {
            let connection = Connection { consumer, epoch };
            self.core.to_broker(connection, broker, request);
        } else if self.connect(consumer, broker) {
            self.send_to_broker(consumer, broker, request);
        } else {
            self.request_lost(request);
        }
    }

    /// Puts a request on the connection.
    pub(super) fn send_to_broker(&mut self, consumer: ConsumerId, broker: BrokerId, request: BrokerRequest) {
        let connections = &self.consumers[consumer.index()].connections;
        let epoch = connections
            .get(broker.index())
            .expect("a request needs a connection");
        let connection = Connection { consumer, epoch };
        self.core.to_broker(connection, broker, request);
    }

    /// A thread of the client waits for an answer; for how long matters only if the link is in trouble.
    pub(super) fn wait_for(
        &mut self,
        consumer: ConsumerId,
        kind: CallKind,
        server: Server,
        limit: SimDuration,
    ) {
        let deadline = self.core.now() + limit;
        let is_calm = self.core.network.links.are_calm() && self.brokers_down == 0;
        let is_timed = !is_calm && (self.troubled(consumer, server).is_some() || self.is_down(server));
        let client = &mut self.consumers[consumer.index()];
        let is_connected = match server {
            Server::Broker(broker) => client.connections.get(broker.index()).is_some(),
            Server::NameServer(_) => false,
        };
        client.wait(kind, server, deadline, is_connected);
        if is_timed {
            self.time_call(consumer, kind, deadline);
        }
    }

    /// Lets a thread wait for an answer until then at most.
    #[inline(never)]
    fn time_call(&mut self, consumer: ConsumerId, kind: CallKind, until: SimTime) {
        let event = Event::CallTimeout { consumer, kind };
        let ticket = self.core.scheduler.at(until, event);
        let client = &mut self.consumers[consumer.index()];
        client.timed |= kind.bit();
        client.time_outs.retain(|(of, _)| *of != kind);
        client.time_outs.push((kind, ticket));
    }

    /// The answer has come: the thread waits no longer. False if it did not wait for it.
    pub(super) fn answered(&mut self, consumer: ConsumerId, kind: CallKind) -> bool {
        let client = &mut self.consumers[consumer.index()];
        let waited = client.waits & kind.bit() != 0;
        client.waits &= !kind.bit();
        // What was asked for is only looked at if there is more to do: with many clients it is far away.
        if client.timed & kind.bit() != 0 {
            client.timed &= !kind.bit();
            if let Some(at) = client.time_outs.iter().position(|(of, _)| *of == kind) {
                let (_, ticket) = client.time_outs.swap_remove(at);
                self.core.scheduler.cancel(ticket);
            }
        }
        waited
    }

    /// A thread has waited long enough. It closes the connection, if it has used one, and all that waits on it fails.
    pub(in crate::cluster) fn call_timeout(&mut self, consumer: ConsumerId, kind: CallKind) {
        let now = self.core.now();
        let call = self.consumers[consumer.index()].call(kind);
        let Some(call) = call.filter(|call| call.deadline <= now) else {
            return;
        };
        match call.server {
            Server::Broker(broker) if call.is_connected => self.close_connection(consumer, broker),
            Server::Broker(_) => self.call_failed(consumer, kind),
            Server::NameServer(_) => self.name_server_lost(consumer),
        }
    }

    /// No answer will come.
    pub(super) fn call_failed(&mut self, consumer: ConsumerId, kind: CallKind) {
        if !self.answered(consumer, kind) {
            return;
        }
        match kind {
            CallKind::Route => self.routes_failed(consumer),
            CallKind::Heartbeat => self.next_heartbeat(consumer, false),
            CallKind::Rebalance => self.round_call_failed(consumer),
            CallKind::Unregister => self.shutdown_goes_on(consumer),
            CallKind::Lock => self.lock_call_failed(consumer),
            CallKind::StartOffset => self.start_offset_failed(consumer),
        }
    }

    /// The client gives a connection up; its end travels to the broker.
    pub(super) fn close_connection(&mut self, consumer: ConsumerId, broker: BrokerId) {
        let connections = &self.consumers[consumer.index()].connections;
        let Some(epoch) = connections.get(broker.index()) else {
            return;
        };
        // What was sent before and has not arrived still goes before the end.
        let connection = Connection { consumer, epoch };
        self.core
            .to_broker(connection, broker, BrokerRequest::ConnectionClosed);
        self.connection_lost(consumer, broker, is_lost_with_the_connection);
    }

    /// The end of a connection, closed by the broker, reaches the client.
    pub(super) fn connection_closed_by_broker(&mut self, consumer: ConsumerId, broker: BrokerId) {
        self.connection_lost(consumer, broker, |_, _| true);
    }

    /// A connection is no more: all that waits on it fails, and what `lost` names never arrives.
    fn connection_lost(
        &mut self,
        consumer: ConsumerId,
        broker: BrokerId,
        lost: impl Fn(Direction, Event) -> bool,
    ) {
        let server = Server::Broker(broker);
        let client = &mut self.consumers[consumer.index()];
        client.connections.set(broker.index(), None);
        let waiting: Vec<CallKind> = CallKind::ALL
            .into_iter()
            .filter(|&kind| client.call(kind).is_some_and(|call| call.server == server))
            .collect();
        self.core.emit(Fact::ConnectionLost { broker, consumer });
        // Nothing passes on a connection that the broker has closed, the news of that included.
        let closed = self.core.network.links.reopen(consumer, server);
        self.purge(consumer, server, |direction, event| {
            closed || lost(direction, event)
        });
        self.forget_held_pulls(consumer, broker);
        self.dead_letters_fail(consumer, broker);
        for kind in waiting {
            self.call_failed(consumer, kind);
        }
    }

    /// Takes off a link in trouble what `lost` names, and lets it fail.
    pub(in crate::cluster) fn purge(
        &mut self,
        consumer: ConsumerId,
        server: Server,
        lost: impl Fn(Direction, Event) -> bool,
    ) {
        let Some(link) = self.troubled(consumer, server) else {
            return;
        };
        let gone = self.core.network.links.purge(link, lost);
        self.core.network.links.forget_if_calm(link);
        self.core.network.links_changed();
        for event in gone {
            self.undelivered(event);
        }
    }

    /// Something on the wire will not arrive.
    fn undelivered(&mut self, event: Event) {
        match event {
            Event::PullArrives(slot) | Event::PullReplyArrives(slot) => self.pull_is_lost(slot),
            Event::PushArrives(slot) => self.push_lost(slot),
            Event::ForwardArrives(task) | Event::ForwardReplyArrives(task) => self.forward_failed(task),
            Event::CreditArrives(slot) => {
                self.acknowledged(slot, false);
                self.request_ended(slot);
            }
            Event::SendBackArrives(task) | Event::SendBackReplyArrives(task) => self.send_back_failed(task),
            Event::Deliver(slot) => {
                if let Envelope::ToBroker { request, .. } = self.core.envelopes.remove(slot.0) {
                    self.request_lost(request);
                }
            }
            other => unreachable!("{other:?} does not travel between a consumer and a server"),
        }
    }

    /// A pull or its answer will not arrive. A client that is stopped finds out when it goes on.
    fn pull_is_lost(&mut self, slot: PqSlot) {
        let held = self.held_queues.get(slot.0);
        if !self.consumers[held.consumer.index()].is_paused() {
            self.pull_failed(slot, PullFailure::Connection);
        } else if held.fails.is_none() {
            let now = self.core.now();
            let ticket = self.core.scheduler.at(now, Event::PullFails(slot));
            self.held_queues.get_mut(slot.0).fails = Some(Box::new((now, ticket)));
        }
    }

    /// A request will not arrive. Whoever waits for its answer learns of that elsewhere.
    pub(in crate::cluster) fn request_lost(&mut self, request: BrokerRequest) {
        match request {
            BrokerRequest::UpdateOffset(slot, _) => self.request_ended(slot),
            BrokerRequest::UpdateOffsets(list) => {
                let offsets = self.core.offset_lists.receive(list);
                for (slot, _) in &offsets {
                    self.request_ended(*slot);
                }
                self.core.offset_lists.give_back(offsets);
            }
            _ => {}
        }
    }

    /// Pulls that wait at the broker on a lost connection would be answered into nothing: they fail now.
    fn forget_held_pulls(&mut self, consumer: ConsumerId, broker: BrokerId) {
        let held = &self.consumers[consumer.index()].held;
        let of_broker = held
            .iter()
            .filter(|(queue, _)| self.queues[queue.index()].broker == broker);
        let slots: Vec<PqSlot> = of_broker.map(|(_, slot)| *slot).collect();
        for slot in slots {
            if self.withdraw_pull(slot) {
                self.pull_failed(slot, PullFailure::Connection);
            }
        }
    }

    /// Takes a pull that waits at the broker away; whether there was one.
    pub(in crate::cluster) fn withdraw_pull(&mut self, slot: PqSlot) -> bool {
        let queue = self.held_queues.get(slot.0).queue;
        let withdrawn = self.holds[queue.index()].withdraw(slot);
        if withdrawn {
            let broker = self.queues[queue.index()].broker;
            self.brokers[broker.index()].held -= 1;
        }
        withdrawn
    }

    /// Takes a pull off the link, wherever it is; whether it was there.
    pub(super) fn recall_pull(&mut self, slot: PqSlot) -> bool {
        let held = self.held_queues.get(slot.0);
        let (consumer, broker) = (held.consumer, self.queues[held.queue.index()].broker);
        self.recall(
            consumer,
            broker,
            [Event::PullArrives(slot), Event::PullReplyArrives(slot)],
        )
    }

    /// Takes a message on its way back off the link, or the answer to it.
    pub(super) fn recall_send_back(&mut self, slot: TaskSlot, consumer: ConsumerId, broker: BrokerId) {
        self.recall(
            consumer,
            broker,
            [Event::SendBackArrives(slot), Event::SendBackReplyArrives(slot)],
        );
    }

    fn recall(&mut self, consumer: ConsumerId, broker: BrokerId, wanted: [Event; 2]) -> bool {
        let Some(link) = self.troubled(consumer, Server::Broker(broker)) else {
            return false;
        };
        let is_it = |_, event| wanted.contains(&event);
        let found = !self.core.network.links.purge(link, is_it).is_empty();
        self.core.network.links.forget_if_calm(link);
        self.core.network.links_changed();
        found
    }

    /// A link is cut: from now on the clock runs for what waits for an answer across it.
    pub(in crate::cluster) fn link_cut(&mut self, consumer: ConsumerId, server: Server) {
        if self.has_no_link(consumer, server) {
            return;
        }
        let whole_before = self.core.network.links.cut(consumer, server);
        self.core.network.links_changed();
        if whole_before {
            self.core.emit(Fact::LinkCut { consumer, server });
            self.start_the_clock(consumer, server);
        }
    }

    /// Whether the client is gone and nothing of it is on the link.
    fn has_no_link(&self, consumer: ConsumerId, server: Server) -> bool {
        let client = &self.consumers[consumer.index()];
        client.state == ClientState::Gone && self.troubled(consumer, server).is_none()
    }

    /// A link gets slow, or as fast as it was.
    pub(in crate::cluster) fn link_slow(&mut self, consumer: ConsumerId, server: Server, by: SimDuration) {
        if self.has_no_link(consumer, server) {
            return;
        }
        let links = &mut self.core.network.links;
        let before = std::mem::replace(&mut links.trouble(consumer, server).extra, by);
        let link = links.find(consumer, server).expect("just troubled");
        links.forget_if_calm(link);
        self.core.network.links_changed();
        let slow = !by.is_zero();
        if before.is_zero() == slow {
            self.core.emit(Fact::LinkSlowed {
                consumer,
                server,
                slow,
            });
        }
        if slow {
            self.start_the_clock(consumer, server);
        }
    }

    /// A cut has ended: what waited arrives.
    pub(in crate::cluster) fn link_healed(&mut self, consumer: ConsumerId, server: Server) {
        let healed = self.core.network.links.heal(consumer, server);
        if healed {
            self.core.emit(Fact::LinkHealed { consumer, server });
        }
        if let Some(link) = self.troubled(consumer, server) {
            if healed {
                self.core.link_release(link);
            }
            self.core.network.links.forget_if_calm(link);
            self.core.network.links_changed();
        }
    }

    /// Schedules the time-outs of what was sent while the link was whole.
    fn start_the_clock(&mut self, consumer: ConsumerId, server: Server) {
        for kind in CallKind::ALL {
            let client = &self.consumers[consumer.index()];
            let is_timed = client.timed & kind.bit() != 0;
            let waits = client.call(kind).filter(|call| call.server == server);
            if let Some(call) = waits.filter(|_| !is_timed) {
                // A client that is stopped may have an answer that it has not read.
                let due = call.deadline.max(self.core.scheduler.now());
                self.time_call(consumer, kind, due);
            }
        }
        let Server::Broker(broker) = server else {
            return;
        };
        // Heartbeats to the others wait for the one to this broker.
        self.watch_all_for_silence(consumer);
        self.watch_for_silence(broker);
        let held = self.consumers[consumer.index()].held.iter();
        let of_broker = held.filter(|(queue, _)| self.queues[queue.index()].broker == broker);
        for slot in of_broker.map(|(_, slot)| *slot).collect::<Vec<_>>() {
            self.time_pull(slot);
        }
        self.time_send_backs(consumer, broker);
        self.time_dead_letters(consumer, broker);
    }

    /// What is due on a link in trouble arrives.
    pub(in crate::cluster) fn link_due(&mut self, link: LinkSlot, direction: Direction) {
        let now = self.core.now();
        let (event, next) = self.core.network.links.arrive(link, direction, now);
        self.core.link_next(link, direction, next);
        self.core.network.links_changed();
        if let Some(event) = event {
            self.happen_unless_deferred(event);
        }
    }

    /// A client is gone: nobody waits any more for what is on its links. A killed process has a kernel, which
    /// still delivers what was sent; a lost host has none.
    pub(super) fn forget_links(&mut self, consumer: ConsumerId, kernel_lives: bool) {
        for kind in CallKind::ALL {
            self.answered(consumer, kind);
        }
        for link in self.core.network.links.of(consumer) {
            let server = self.core.network.links.get(link).server;
            let closed = self.core.network.links.abandon(link, self.core.now());
            match server {
                Server::Broker(broker) if kernel_lives && !closed => {
                    self.purge(consumer, server, is_lost_with_the_connection);
                    self.watch_for_silence(broker);
                }
                _ => self.purge(consumer, server, |_, _| true),
            }
        }
    }

    /// The name server that the client uses does not answer: on to the next, which may.
    fn name_server_lost(&mut self, consumer: ConsumerId) {
        let servers = self.config.name_servers;
        let client = &mut self.consumers[consumer.index()];
        let lost = Server::NameServer(client.name_server);
        let was_connected = std::mem::take(&mut client.knows_name_server);
        client.name_server = (client.name_server + 1) % servers;
        client.name_servers_tried += 1;
        let try_next = !was_connected && client.name_servers_tried < servers;
        self.purge(consumer, lost, |_, _| true);
        if try_next {
            self.answered(consumer, CallKind::Route);
            self.ask_name_server(consumer);
        } else {
            self.call_failed(consumer, CallKind::Route);
        }
    }

    /// Asks the name server in use for the routes of all topics of the client.
    pub(super) fn ask_name_server(&mut self, consumer: ConsumerId) {
        let client = &mut self.consumers[consumer.index()];
        let number = client.name_server;
        let server = Server::NameServer(number);
        let connected = client.knows_name_server;
        if connected || !self.is_cut(consumer, server) {
            self.consumers[consumer.index()].knows_name_server = true;
            let from = Endpoint::Consumer(consumer);
            let request = Envelope::RouteRequest { from, number };
            self.core.send(from, server, Direction::Up, request);
        }
        self.wait_for(consumer, CallKind::Route, server, CONNECT_TIMEOUT);
    }

    /// Whether the client still does what it was started for.
    pub(super) fn is_at_work(&self, consumer: ConsumerId) -> bool {
        matches!(
            self.consumers[consumer.index()].state,
            ClientState::Running | ClientState::Draining | ClientState::Unlocking
        )
    }
}

/// Answers, pulls and messages sent back are lost with their connection; other requests that were sent before
/// its end still arrive before it.
fn is_lost_with_the_connection(direction: Direction, event: Event) -> bool {
    direction == Direction::Down || !matches!(event, Event::Deliver(_))
}
