//! Life of a consumer client: start, routes, and what servers tell it. Its end is in `shutdown`.
//!
//! One client holds one consumer of one group, as in a process of its own. The first requests come only when the
//! process has loaded (`startupTime`): routes, heartbeats to all brokers one after another, then the rebalance. A
//! client that cannot reach any name server when it starts gives up. Left out: the routes of all its topics are
//! asked for in one request.
//!
//! Source: `MQClientInstance`, `DefaultMQPushConsumerImpl.start`.

use crate::cluster::Cluster;
use crate::cluster::broker::consumer_manager::{
    ClientRank, Connection, SubscribedTopic, Subscription, Subscriptions,
};
use crate::cluster::broker::expression_message_filter::ExpressionId;
use crate::cluster::config::{ConsumerConfig, GroupConfig, ListenerKind, MessageModel};
use crate::cluster::consumer::clean_expired_msg::CleanUp;
use crate::cluster::consumer::connection::Call;
use crate::cluster::consumer::consume_orderly::ConsumeOrderly;
use crate::cluster::consumer::consume_request::ListenerPool;
use crate::cluster::consumer::delivery::Delivery;
use crate::cluster::consumer::epochs::Epochs;
use crate::cluster::consumer::flow_control::PullThresholds;
use crate::cluster::consumer::forward::Forwarder;
use crate::cluster::consumer::guard::Guard;
use crate::cluster::consumer::heartbeat::{HeartbeatFor, Heartbeats};
use crate::cluster::consumer::held_queue::CacheTotal;
use crate::cluster::consumer::known_routes::KnownRoutes;
use crate::cluster::consumer::listener::Listener;
use crate::cluster::consumer::process_queue_table::ProcessQueueTable;
use crate::cluster::consumer::rebalance_service::RebalanceService;
use crate::cluster::consumer::timer_thread::TimerThread;
use crate::cluster::core::{ConsumerReply, QueriedOffset, Routes};
use crate::cluster::event::{CallKind, Event};
use crate::cluster::fact::{Fact, Observer, RebalanceTrigger, StartOffsetRule, StopKind};
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId, TopicId};
use crate::cluster::memory::of_shared;
use crate::kernel::memory;
use crate::kernel::scheduler::Ticket;
use crate::kernel::streams::Stream;
use crate::kernel::time::SimTime;
use std::rc::Rc;

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
    /// `shutdown()` gives back the locks of an orderly client; nothing reaches its listener, all else goes on.
    Unlocking,
    /// `shutdown()` unregisters.
    Stopping,
    /// Shut down, killed or lost. Who comes back is a new client.
    Gone,
}

/// See the module. What timers and envelopes look at comes first and together: with thousands of clients that do nothing
/// else, each further cache line costs more than the rest of an event.
#[repr(C, align(64))]
pub struct ConsumerClient {
    /// Itself.
    pub id: ConsumerId,
    /// Its group.
    pub group: GroupId,
    /// Its client id, as a position among the ids of the group.
    pub rank: ClientRank,
    /// The strategy that it runs, among those of the cluster.
    pub strategy: u32,
    /// Where it stands in its life.
    pub state: ClientState,
    /// The start is waiting for: the routes, or the first heartbeats.
    pub(super) start_step: StartStep,
    /// Whether each member of its group gets all messages.
    pub is_broadcasting: bool,
    /// Whether a shutdown ends its listener calls.
    pub interruptible: bool,
    /// Whether its listener remembers what it has done.
    pub is_idempotent: bool,
    /// What its threads wait for, a bit for each [`CallKind`].
    pub(super) waits: u8,
    /// Which of that has a time-out.
    pub(super) timed: u8,
    /// When its process started; `ConsumeFromWhere` by time looks back from here.
    pub started: SimTime,
    pub(super) timer: TimerThread,
    /// The present connection to each broker, as the client knows it.
    pub connections: Epochs,
    /// Routes of [`Self::topics`].
    pub routes: Rc<KnownRoutes>,
    /// `processQueueTable`.
    pub held: ProcessQueueTable,
    pub(super) heartbeats: Heartbeats,
    /// What its heartbeats carry.
    pub(super) subscriptions: Subscriptions,
    /// Its topics, `%RETRY%group` included, in the order in which it walks them.
    pub topics: Rc<[SubscribedTopic]>,
    /// State of the name server that these routes show.
    pub route_version: u64,
    /// The rebalance thread.
    pub rebalance: RebalanceService,
    /// What its threads have asked for last, by [`CallKind`].
    pub(super) calls: [Call; CallKind::ALL.len()],
    /// Luck of its own: which broker it asks.
    pub luck: Stream,
    /// Beyond what a queue is not pulled, now.
    pub thresholds: PullThresholds,
    /// How its messages get to it.
    pub delivery: Delivery,
    /// What it has cached of all its queues.
    pub cache: CacheTotal,
    /// Listener threads and their queue of tasks.
    pub pool: ListenerPool,
    /// What it has besides, if its listener is an orderly one.
    pub(super) orderly: Option<Box<ConsumeOrderly>>,
    /// What the user's code does with messages.
    pub listener: Listener,
    /// When it last changed its subscription of each of [`Self::topics`] (`subVersion`), milliseconds.
    pub(super) versions: Vec<u64>,
    /// Which messages it wants of each of [`Self::topics`].
    pub(super) expressions: Vec<ExpressionId>,
    /// What stands before its listener.
    pub guard: Option<Box<Guard>>,
    /// Where its listener sends messages, instead of working on them.
    pub forwarder: Option<Box<Forwarder>>,
    /// When threads wait no longer that have a time-out.
    pub(super) time_outs: Vec<(CallKind, Ticket)>,
    /// How many connections it has made.
    pub last_epoch: u32,
    /// The name server that it uses.
    pub(super) name_server: u32,
    /// Whether it has a connection to that.
    pub(super) knows_name_server: bool,
    pub(super) name_servers_tried: u32,
    pub(super) clean_up: CleanUp,
    /// What came due while the process is stopped; `None` while it runs.
    pub(super) paused: Option<Vec<Event>>,
    /// Brokers that a shutdown has yet to unregister from, the next one last.
    pub(super) unregister_left: Vec<BrokerId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StartStep {
    Routes,
    Heartbeats,
    Done,
}

impl ConsumerClient {
    /// A client that has not started. `topics` are those that it subscribes to, `%RETRY%group` included.
    ///
    /// # Panics
    /// If the service time is not valid; scenarios check it.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        id: ConsumerId,
        group: GroupId,
        rank: ClientRank,
        settings: &GroupConfig,
        consumer: &ConsumerConfig,
        topics: Rc<[SubscribedTopic]>,
        brokers: usize,
        luck: Stream,
    ) -> Self {
        Self {
            id,
            group,
            rank,
            strategy: 0,
            interruptible: consumer.interruptible,
            is_idempotent: settings.idempotent.is_some(),
            is_broadcasting: settings.message_model == MessageModel::Broadcasting,
            state: ClientState::Absent,
            pool: ListenerPool::new(consumer.threads, settings.tuning.consume_timeout.duration()),
            orderly: match settings.listener {
                ListenerKind::Concurrently => None,
                ListenerKind::Orderly(_) => Some(Box::default()),
            },
            listener: Listener::new(&consumer.service, &consumer.failure)
                .expect("the scenario has checked the service time"),
            versions: vec![0; topics.len()],
            expressions: expressions(&topics, &consumer.filters),
            subscriptions: Rc::default(),
            routes: KnownRoutes::none(topics.len()),
            topics,
            route_version: 0,
            held: ProcessQueueTable::default(),
            rebalance: RebalanceService::default(),
            thresholds: PullThresholds::of(&settings.tuning, 0),
            delivery: settings.delivery,
            guard: settings.guard.map(|guard| Box::new(Guard::new(guard))),
            forwarder: None,
            cache: CacheTotal::default(),
            connections: Epochs::none(brokers),
            last_epoch: 0,
            waits: 0,
            timed: 0,
            calls: [Call::default(); CallKind::ALL.len()],
            time_outs: Vec::new(),
            name_server: 0,
            knows_name_server: false,
            name_servers_tried: 0,
            luck,
            started: SimTime::ZERO,
            clean_up: CleanUp::default(),
            heartbeats: Heartbeats::default(),
            timer: TimerThread::default(),
            paused: None,
            start_step: StartStep::Done,
            unregister_left: Vec::new(),
        }
    }

    /// What it asks for itself of the topic at `topic_at`, if that is all that counts: in a broadcasting group what others
    /// ask for is not for this member.
    pub(in crate::cluster) fn own_wish(&self, topic_at: u16) -> Option<&[ExpressionId]> {
        let own = &self.expressions[usize::from(topic_at)];
        self.is_broadcasting.then(|| std::slice::from_ref(own))
    }

    /// What one of its threads waits for.
    pub(super) fn call(&self, kind: CallKind) -> Option<Call> {
        let waits = self.waits & kind.bit() != 0;
        waits.then_some(self.calls[kind as usize])
    }

    /// Whether it still has connections and threads.
    pub fn is_alive(&self) -> bool {
        !matches!(self.state, ClientState::Absent | ClientState::Gone)
    }

    /// Whether its timers and its rebalance thread do their work.
    pub fn is_at_work(&self) -> bool {
        matches!(
            self.state,
            ClientState::Running | ClientState::Draining | ClientState::Unlocking
        )
    }

    /// Whether nothing is with the listener and nothing waits for a thread.
    pub(super) fn is_idle(&self) -> bool {
        let no_task_waits = |orderly: &ConsumeOrderly| orderly.is_idle();
        self.pool.is_idle() && self.orderly.as_deref().is_none_or(no_task_waits)
    }

    /// Whether it waits to hear where it is to start in `queue`.
    pub fn asks_for(&self, queue: QueueId) -> bool {
        let round = self.rebalance.round.as_ref();
        self.is_alive() && round.is_some_and(|round| round.asking_for() == Some(queue))
    }

    /// Whether its process is stopped.
    pub fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// Lists anew what its heartbeats carry. `latest` is what was listed last for any client: who subscribes to the same
    /// since the same millisecond shares it.
    pub(super) fn list_subscriptions(&mut self, latest: &mut Subscriptions) {
        let all = self.topics.iter().zip(&self.versions).zip(&self.expressions);
        let all = all.map(|((&topic, &version), &expression)| Subscription {
            topic,
            version,
            expression,
        });
        if !all.clone().eq(latest.iter().copied()) {
            *latest = Rc::new(all.collect());
        }
        self.subscriptions = Rc::clone(latest);
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let topics = memory::of_vec(&self.versions) + memory::of_vec(&self.expressions);
        let told = of_shared(&self.subscriptions) + self.connections.held();
        let tasks = self.pool.held() + self.held.held() + self.paused.as_ref().map_or(0, memory::of_vec);
        let orderly = self.orderly.as_ref().map_or(0, |orderly| orderly.held());
        let before_listener = self.guard.as_ref().map_or(0, |guard| guard.held());
        let forwarder = memory::of::<Forwarder>(usize::from(self.forwarder.is_some()));
        let threads = memory::of_vec(&self.time_outs) + memory::of_vec(&self.unregister_left);
        topics + told + tasks + orderly + before_listener + forwarder + threads + self.rebalance.held()
    }

    /// Bytes that one holds beside itself with so many topics and queues, in whose pool so many tasks have waited.
    pub fn held_for(brokers: usize, topics: u64, queues: u64, tasks: u64) -> u64 {
        let of_topics = memory::of_grown::<u64>(topics) + memory::of_grown::<ExpressionId>(topics);
        let of_queues = ProcessQueueTable::held_for(queues);
        of_topics + of_queues + ListenerPool::held_for(tasks) + Epochs::none(brokers).held()
    }
}

/// The version of a subscription that is made or renewed `now`: the time, in milliseconds.
pub(super) fn version(now: SimTime) -> u64 {
    now.since(SimTime::ZERO).as_millis()
}

/// What a client wants of each of its topics.
fn expressions(topics: &[SubscribedTopic], filters: &[(TopicId, ExpressionId)]) -> Vec<ExpressionId> {
    let of = |topic: &SubscribedTopic| {
        let filter = filters.iter().find(|(of, _)| Some(*of) == *topic);
        filter.map_or(ExpressionId::ALL, |(_, expression)| *expression)
    };
    topics.iter().map(of).collect()
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
        client.versions.fill(version(now));
        client.list_subscriptions(&mut self.latest_list);
        self.wishes.add(client.group, &client.topics, &client.expressions);
        self.core.emit(Fact::ConsumerStarted { consumer });
        let loading = self.config.groups[client.group.index()].tuning.startup_time;
        self.open_local_file(consumer);
        self.start_timers(consumer);
        self.start_lock_thread(consumer);
        self.core
            .scheduler
            .after(loading.duration(), Event::ConsumerReady(consumer));
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

    /// Asks for the routes of all topics of the client. One question at a time: who asks meanwhile shares its
    /// answer.
    pub(super) fn ask_routes(&mut self, consumer: ConsumerId) {
        let client = &mut self.consumers[consumer.index()];
        if client.call(CallKind::Route).is_none() {
            client.name_servers_tried = 0;
            self.ask_name_server(consumer);
        }
    }

    /// A reply or notification of a broker has reached a client. One that is gone hears nothing, nor does one that
    /// has given the connection up: it waits for something else by now.
    pub(in crate::cluster) fn consumer_reply(
        &mut self,
        broker: BrokerId,
        connection: Connection,
        reply: ConsumerReply,
    ) {
        let consumer = connection.consumer;
        let client = &self.consumers[consumer.index()];
        if !client.is_alive() || client.connections.get(broker.index()) != Some(connection.epoch) {
            return;
        }
        match reply {
            ConsumerReply::HeartbeatDone => {
                if self.answered(consumer, CallKind::Heartbeat) {
                    self.next_heartbeat(consumer, true);
                }
            }
            ConsumerReply::UnregisterDone | ConsumerReply::UnlockDone => {
                if self.answered(consumer, CallKind::Unregister) {
                    self.shutdown_goes_on(consumer);
                }
            }
            ConsumerReply::ConsumerIdsChanged => {
                self.wake_rebalance(consumer, RebalanceTrigger::Notification)
            }
            ConsumerReply::ResetOffset(offsets) => self.told_of_reset(consumer, &offsets),
            ConsumerReply::ConnectionClosed => self.connection_closed_by_broker(consumer, broker),
            ConsumerReply::ConsumerList(members) => {
                if self.answered(consumer, CallKind::Rebalance) {
                    self.member_list_arrives(consumer, members);
                }
            }
            ConsumerReply::CommittedOffset(offset, by) => {
                self.queried_offset_arrives(consumer, Some(QueriedOffset::Committed(offset)), by);
            }
            ConsumerReply::YoungQueue(by) => {
                self.queried_offset_arrives(consumer, Some(QueriedOffset::Young), by);
            }
            ConsumerReply::NoOffset(by) => self.queried_offset_arrives(consumer, None, by),
            ConsumerReply::LookedUp(offset, by) => {
                if !self.answered(consumer, by) {
                    return;
                }
                if by == CallKind::StartOffset {
                    self.start_offset_settled(consumer, offset, StartOffsetRule::ConsumeFromWhere);
                } else {
                    self.looked_up_offset_arrives(consumer, offset);
                }
            }
            ConsumerReply::Locked(locked) => {
                if self.answered(consumer, locked.by) {
                    self.locks_arrive(consumer, locked.by, &locked.asked, &locked.granted);
                }
            }
            ConsumerReply::RetrySent { held_queue, number } => {
                self.dead_letter_sent(consumer, held_queue, number);
            }
        }
    }

    /// The broker's answer to where the group is in a queue.
    fn queried_offset_arrives(&mut self, consumer: ConsumerId, offset: Option<QueriedOffset>, by: CallKind) {
        if !self.answered(consumer, by) {
            return;
        }
        if by == CallKind::StartOffset {
            self.start_offset_again_arrives(consumer, offset);
        } else {
            self.start_offset_arrives(consumer, offset);
        }
    }

    /// Routes have come, for whoever has asked: the start, the timer, a rebalance round that lacked one.
    pub(in crate::cluster) fn consumer_routes(&mut self, consumer: ConsumerId, routes: Option<Routes>) {
        if !self.consumers[consumer.index()].is_alive() || !self.answered(consumer, CallKind::Route) {
            return;
        }
        let client = &mut self.consumers[consumer.index()];
        if let Some((version, routes)) = routes {
            client.route_version = version;
            client.routes = client.routes.renewed(routes);
        }
        if client.start_step == StartStep::Routes {
            client.start_step = StartStep::Heartbeats;
            self.heartbeat_all(consumer, HeartbeatFor::Start);
        }
        self.routes_settled(consumer);
    }

    /// No name server answers. A start fails; everybody else goes on with what is known.
    pub(super) fn routes_failed(&mut self, consumer: ConsumerId) {
        if self.consumers[consumer.index()].start_step == StartStep::Routes {
            self.abandon_tasks(consumer, false);
            return self.consumer_gone(consumer, StopKind::StartFailed);
        }
        self.routes_settled(consumer);
    }

    /// Whoever waited for routes goes on.
    fn routes_settled(&mut self, consumer: ConsumerId) {
        self.route_poll_done(consumer);
        self.route_for_round_arrives(consumer);
    }
}
