//! Life of a consumer client: start, timers, heartbeats, routes. The end of it is in `shutdown`.
//!
//! One client holds one consumer of one group, as in a process of its own. Its timers start with its client
//! instance: routes after 10 ms and every 30 s, heartbeats after 1 s and every 30 s, offsets after 10 s and
//! every 5 s. The first requests come only when the process has loaded (`startupTime`): route, heartbeats to
//! all brokers one after another, then the rebalance. Left out: the timers of one client do not delay one
//! another, and the routes of all its topics are asked for in one request.
//!
//! Source: `MQClientInstance`, `DefaultMQPushConsumerImpl.start`.

use crate::cluster::Cluster;
use crate::cluster::broker::consumer_manager::ClientRank;
use crate::cluster::config::{ConsumerConfig, FailureConfig, GroupConfig};
use crate::cluster::consumer::consume_concurrently::ListenerPool;
use crate::cluster::consumer::flow_control::PullThresholds;
use crate::cluster::consumer::rebalance_service::RebalanceService;
use crate::cluster::core::{BrokerRequest, ConsumerReply, Envelope};
use crate::cluster::event::{Event, PqSlot};
use crate::cluster::fact::{Fact, Observer, RebalanceTrigger};
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId};
use crate::cluster::nameserver::KnownRoute;
use crate::cluster::network::{Direction, Endpoint, Server};
use crate::kernel::sampler::Sampler;
use crate::kernel::streams::Stream;
use crate::kernel::time::{SimDuration, SimTime};
use std::collections::BTreeMap;
use std::rc::Rc;

/// First look-up of routes after the start of the client instance.
const FIRST_ROUTE_POLL: SimDuration = SimDuration::from_millis(10);
/// First heartbeat of the timer after the start of the client instance.
const FIRST_HEARTBEAT: SimDuration = SimDuration::from_secs(1);
/// First persistence of offsets after the start of the client instance.
const FIRST_PERSIST: SimDuration = SimDuration::from_secs(10);

/// Where a client stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientState {
    /// Not started yet.
    Absent,
    /// Loading; its timers run already.
    Starting,
    /// At work.
    Running,
    /// `shutdown()` waits for its listener calls; nothing new reaches them, all else goes on.
    Draining,
    /// `shutdown()` unregisters.
    Stopping,
    /// Shut down or killed. Who comes back is a new client.
    Gone,
}

/// See the module.
pub struct ConsumerClient {
    /// Itself.
    pub id: ConsumerId,
    /// Its group.
    pub group: GroupId,
    /// Its client id, as a position among the ids of the group.
    pub rank: ClientRank,
    /// Where it stands in its life.
    pub state: ClientState,
    /// Listener threads and their queue of tasks.
    pub pool: ListenerPool,
    /// How long the listener takes for a message.
    pub service: Sampler,
    /// When the listener fails.
    pub failure: FailureConfig,
    /// Routes of the subscribed topics and `%RETRY%group`, in the order of `Topics::subscribed`.
    pub routes: Vec<Option<Rc<KnownRoute>>>,
    /// State of the name server that these routes show.
    pub route_version: u64,
    /// `processQueueTable`.
    pub held: BTreeMap<QueueId, PqSlot>,
    /// The rebalance thread.
    pub rebalance: RebalanceService,
    /// Beyond what a queue is not pulled, now.
    pub thresholds: PullThresholds,
    /// Brokers that know a connection of this client.
    pub connected: Vec<bool>,
    /// Luck of its own: which broker it asks.
    pub luck: Stream,
    /// When its process started; `ConsumeFromWhere` by time looks back from here.
    pub started: SimTime,
    /// Brokers that the running round of heartbeats has yet to visit, the next one last.
    heartbeats_left: Vec<BrokerId>,
    heartbeat_running: bool,
    /// The start is waiting for: the routes, or the first heartbeats.
    start_step: StartStep,
    /// Brokers that a shutdown has yet to unregister from, the next one last.
    pub(super) unregister_left: Vec<BrokerId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StartStep {
    Routes,
    Heartbeats,
    Done,
}

impl ConsumerClient {
    /// A client that has not started.
    ///
    /// # Panics
    /// If the service time is not valid; scenarios check it.
    pub fn new(
        id: ConsumerId,
        group: GroupId,
        rank: ClientRank,
        settings: &GroupConfig,
        consumer: &ConsumerConfig,
        brokers: usize,
        luck: Stream,
    ) -> Self {
        Self {
            id,
            group,
            rank,
            state: ClientState::Absent,
            pool: ListenerPool::new(consumer.threads),
            service: Sampler::new(&consumer.service).expect("the scenario has checked the service time"),
            failure: consumer.failure,
            routes: vec![None; settings.subscribe.len() + 1],
            route_version: 0,
            held: BTreeMap::new(),
            rebalance: RebalanceService::default(),
            thresholds: PullThresholds::of(&settings.tuning, 0),
            connected: vec![false; brokers],
            luck,
            started: SimTime::ZERO,
            heartbeats_left: Vec::new(),
            heartbeat_running: false,
            start_step: StartStep::Done,
            unregister_left: Vec::new(),
        }
    }

    /// Whether it still has connections and threads.
    pub fn is_alive(&self) -> bool {
        !matches!(self.state, ClientState::Absent | ClientState::Gone)
    }

    /// Whether its timers and its rebalance thread do their work.
    pub fn is_at_work(&self) -> bool {
        matches!(self.state, ClientState::Running | ClientState::Draining)
    }

    /// Brokers named in its routes, each once, by name.
    fn known_brokers(&self) -> Vec<BrokerId> {
        let mut brokers: Vec<BrokerId> = self.routes.iter().flatten().flat_map(|r| r.brokers()).collect();
        brokers.sort_unstable();
        brokers.dedup();
        brokers
    }
}

impl<O: Observer> Cluster<O> {
    /// The process starts: the client instance exists, its timers run. Whoever has started before stays as it
    /// is: who comes back is a new client.
    pub(in crate::cluster) fn consumer_start(&mut self, consumer: ConsumerId) {
        let now = self.core.now();
        let client = &mut self.consumers[consumer.index()];
        if client.state != ClientState::Absent {
            return;
        }
        client.state = ClientState::Starting;
        client.started = now;
        self.core.emit(Fact::ConsumerStarted { consumer });
        let tuning = &self.config.groups[client.group.index()].tuning;
        let scheduler = &mut self.core.scheduler;
        scheduler.after(FIRST_ROUTE_POLL, Event::RoutePoll(consumer));
        scheduler.after(FIRST_HEARTBEAT, Event::HeartbeatTick(consumer));
        scheduler.after(FIRST_PERSIST, Event::PersistTick(consumer));
        scheduler.after(tuning.startup_time.duration(), Event::ConsumerReady(consumer));
        self.start_rebalance_service(consumer);
    }

    /// The process has loaded: it asks for the routes of its topics.
    pub(in crate::cluster) fn consumer_ready(&mut self, consumer: ConsumerId) {
        let client = &mut self.consumers[consumer.index()];
        if client.state != ClientState::Starting {
            return;
        }
        client.state = ClientState::Running;
        client.start_step = StartStep::Routes;
        self.ask_routes(consumer);
    }

    /// 30 s tick.
    pub(in crate::cluster) fn route_poll(&mut self, consumer: ConsumerId) {
        let client = &self.consumers[consumer.index()];
        if !client.is_alive() {
            return;
        }
        let period = self.config.groups[client.group.index()]
            .tuning
            .poll_name_server_interval
            .duration();
        self.core.scheduler.after(period, Event::RoutePoll(consumer));
        self.ask_routes(consumer);
    }

    /// Asks the name server for the routes of all topics of the client.
    pub(in crate::cluster) fn ask_routes(&mut self, consumer: ConsumerId) {
        let from = Endpoint::Consumer(consumer);
        self.core.send(
            from,
            Server::NameServer(0),
            Direction::Up,
            Envelope::RouteRequest { from },
        );
    }

    /// A reply or notification has reached a client. One that is gone hears nothing.
    pub(in crate::cluster) fn consumer_reply(&mut self, consumer: ConsumerId, reply: ConsumerReply) {
        if !self.consumers[consumer.index()].is_alive() {
            return;
        }
        match reply {
            ConsumerReply::Routes(routes) => self.routes_arrive(consumer, routes),
            ConsumerReply::HeartbeatDone => self.next_heartbeat(consumer),
            ConsumerReply::UnregisterDone => self.unregister_next(consumer),
            ConsumerReply::ConsumerIdsChanged => {
                self.wake_rebalance(consumer, RebalanceTrigger::Notification)
            }
            ConsumerReply::ConsumerList(members) => self.member_list_arrives(consumer, members),
            ConsumerReply::Offset(offset) => self.start_offset_arrives(consumer, offset),
            ConsumerReply::LookedUp(offset) => self.looked_up_offset_arrives(consumer, offset),
        }
    }

    /// Routes have come, for the start, for a tick, or for a rebalance round that lacked one.
    fn routes_arrive(&mut self, consumer: ConsumerId, routes: Option<(u64, Vec<Option<Rc<KnownRoute>>>)>) {
        let client = &mut self.consumers[consumer.index()];
        if let Some((version, routes)) = routes {
            client.route_version = version;
            client.routes = routes;
        }
        if client.start_step == StartStep::Routes {
            client.start_step = StartStep::Heartbeats;
            self.heartbeat_all(consumer);
        }
        self.route_for_round_arrives(consumer);
    }

    /// 30 s tick.
    pub(in crate::cluster) fn heartbeat_tick(&mut self, consumer: ConsumerId) {
        let client = &self.consumers[consumer.index()];
        if !client.is_alive() {
            return;
        }
        let period = self.config.groups[client.group.index()]
            .tuning
            .heartbeat_broker_interval
            .duration();
        self.core.scheduler.after(period, Event::HeartbeatTick(consumer));
        if client.is_at_work() {
            self.heartbeat_all(consumer);
        }
    }

    /// Heartbeats to all known brokers, one after another; skipped while another round of them runs.
    pub(in crate::cluster) fn heartbeat_all(&mut self, consumer: ConsumerId) {
        let client = &mut self.consumers[consumer.index()];
        if client.heartbeat_running {
            return;
        }
        client.heartbeats_left = client.known_brokers();
        client.heartbeats_left.reverse();
        client.heartbeat_running = true;
        self.next_heartbeat(consumer);
    }

    fn next_heartbeat(&mut self, consumer: ConsumerId) {
        let client = &mut self.consumers[consumer.index()];
        if !client.is_at_work() {
            return;
        }
        if let Some(broker) = client.heartbeats_left.pop() {
            client.connected[broker.index()] = true;
            return self.core.to_broker(consumer, broker, BrokerRequest::Heartbeat);
        }
        client.heartbeat_running = false;
        if client.start_step == StartStep::Heartbeats {
            client.start_step = StartStep::Done;
            if client.connected.contains(&true) {
                self.wake_rebalance(consumer, RebalanceTrigger::Start);
            }
        }
    }

    /// 5 s tick.
    pub(in crate::cluster) fn persist_tick(&mut self, consumer: ConsumerId) {
        let client = &self.consumers[consumer.index()];
        if !client.is_alive() {
            return;
        }
        let period = self.config.groups[client.group.index()]
            .tuning
            .persist_consumer_offset_interval
            .duration();
        self.core.scheduler.after(period, Event::PersistTick(consumer));
        if client.is_at_work() {
            self.persist_all(consumer);
        }
    }

    /// Sends the offsets of all held queues to their brokers, changed or not, without waiting for an answer.
    pub(in crate::cluster) fn persist_all(&mut self, consumer: ConsumerId) {
        let mut by_broker: Vec<Vec<(PqSlot, u64)>> = vec![Vec::new(); self.brokers.len()];
        for (queue, slot) in &self.consumers[consumer.index()].held {
            let held = self.held_queues.get_mut(slot.0);
            if let Some(offset) = held.offset.read() {
                held.requests += 1;
                by_broker[self.queues[queue.index()].broker.index()].push((*slot, offset));
            }
        }
        for (broker, offsets) in by_broker.into_iter().enumerate() {
            if !offsets.is_empty() {
                let request = BrokerRequest::UpdateOffsets(offsets);
                self.core.to_broker(consumer, BrokerId(broker as u32), request);
            }
        }
    }
}
