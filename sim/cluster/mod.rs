//! The cluster model: everything between a producer's send and a listener's return. Knows no file, no terminal.
//!
//! [`Cluster`] owns all state and routes each event to the part that it concerns. Parts answer with values;
//! what crosses the network crosses it as an event. How one message flows: `ARCHITECTURE.md`.

pub mod agenda;
pub mod bounds;
pub mod broker;
pub mod config;
pub mod consumer;
pub mod core;
pub mod directory;
pub mod event;
pub mod fact;
pub mod faults;
pub mod ids;
pub mod link;
pub mod memory;
pub mod message;
pub mod message_queue;
pub mod nameserver;
pub mod network;
pub mod offset_lists;
pub mod producer;
pub mod profile;
pub mod sabotage;
pub mod slab;
pub mod topic_route;

use crate::cluster::agenda::Agenda;
use crate::cluster::bounds::{Bounds, Stopped};
use crate::cluster::broker::consume_queue::ConsumeQueue;
use crate::cluster::broker::consumer_manager::{SubscribedTopic, Subscriptions};
use crate::cluster::broker::consumer_offset_manager::ConsumerOffsetManager;
use crate::cluster::broker::expression_message_filter::Filters;
use crate::cluster::broker::index_service::IndexService;
use crate::cluster::broker::pull_request_hold::{HeldPull, PullRequestHold};
use crate::cluster::broker::resend_dlq::{PlannedResend, Resend};
use crate::cluster::broker::reset_offset::Rewind;
use crate::cluster::broker::retry_dlq;
use crate::cluster::broker::schedule_message::DelayLevels;
use crate::cluster::broker::{Broker, Topics};
use crate::cluster::config::ClusterConfig;
use crate::cluster::consumer::client::ConsumerClient;
use crate::cluster::consumer::consume_request::RunningTask;
use crate::cluster::consumer::held_queue::{CacheTotal, HeldQueue};
use crate::cluster::consumer::idempotent::Idempotence;
use crate::cluster::consumer::known_routes::KnownRoutes;
use crate::cluster::consumer::local_file_offset_store::LocalFileOffsetStore;
use crate::cluster::consumer::roused::Roused;
use crate::cluster::consumer::shared_views::SharedViews;
use crate::cluster::consumer::spare_rooms::SpareRooms;
use crate::cluster::consumer::wishes::Wishes;
use crate::cluster::consumer::{GroupClients, RunStrategy};
use crate::cluster::core::{Core, Envelope};
use crate::cluster::directory::Directory;
use crate::cluster::event::{EnvelopeSlot, Event, PqSlot, SendSlot, TaskSlot};
use crate::cluster::fact::{Fact, Observer};
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, ProducerId};
use crate::cluster::memory::Holding;
use crate::cluster::message_queue::MessageQueue;
use crate::cluster::nameserver::NameServer;
use crate::cluster::network::{Direction, Network};
use crate::cluster::offset_lists::OffsetLists;
use crate::cluster::producer::attributes::Attributes;
use crate::cluster::producer::{Producer, SendInFlight};
use crate::cluster::profile::Profile;
use crate::cluster::sabotage::{Planted, Saboteur};
use crate::cluster::slab::Slab;
use crate::kernel::digest::TraceDigest;
use crate::kernel::streams::Streams;
use crate::kernel::time::{SimDuration, SimTime};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A simulated cluster and the one who watches it.
pub struct Cluster<O> {
    core: Core<O>,
    config: ClusterConfig,
    profile: Profile,
    name_server: NameServer,
    topics: Topics,
    brokers: Vec<Broker>,
    queues: Vec<ConsumeQueue>,
    holds: Vec<PullRequestHold>,
    offsets: ConsumerOffsetManager,
    /// Offsets of broadcasting groups.
    local_offsets: LocalFileOffsetStore,
    /// Where messages lie that have a key, of all brokers.
    index: IndexService,
    /// What subscriptions ask for beside `*`.
    filters: Filters,
    /// What members of groups ask for that do not all ask for the same.
    wishes: Wishes,
    delay_levels: DelayLevels,
    /// Hours of the day in which brokers delete old files.
    delete_hours: Vec<u64>,
    /// How many bytes at the end of a broker's log are in memory.
    in_memory: u64,
    producers: Vec<Producer>,
    sends: Slab<SendInFlight>,
    consumers: Vec<ConsumerClient>,
    /// First consumer of each group in [`Self::consumers`].
    first_consumer: Vec<ConsumerId>,
    /// What strategies may know of the clients of each group.
    group_clients: Vec<GroupClients>,
    /// The strategy of each consumer in [`Self::consumers`].
    strategies: Vec<Rc<RunStrategy>>,
    /// Shares computed once for all clients of a group that see the same; by group.
    shared_views: Vec<SharedViews>,
    held_queues: Slab<HeldQueue>,
    /// What the clients of each group have in their caches.
    group_caches: Vec<CacheTotal>,
    tasks: Slab<RunningTask>,
    /// What listeners remember of what they have done.
    idempotence: Idempotence,
    /// Group salts for the luck of messages, by group.
    salts: Vec<LuckSalts>,
    /// How many clients are stopped.
    paused: u32,
    /// Whether any client ever was.
    has_paused: bool,
    /// Dead letters that are sent again, one entry for each run of the tool.
    resends: Vec<Resend>,
    planned_resends: Vec<PlannedResend>,
    /// Whether the dead-letter topic of each group may be read.
    dlq_readable: Vec<bool>,
    /// Groups that operators will send back.
    rewinds: Vec<Rewind>,
    /// Offsets that operators have set and brokers have forgotten before a client heard of them.
    unheard_resets: BTreeSet<(GroupId, ids::QueueId)>,
    /// Whether an operator has set any offset that brokers are to tell of.
    any_resets: bool,
    /// How many brokers are down.
    brokers_down: u32,
    /// Whom the news that a group has changed brings nothing new.
    roused: Roused,
    /// By group: the state of the name server, topics, and their routes that a client got last.
    last_routes: Vec<Option<LastRoutes>>,
    /// What the client whose subscription changed last subscribes to.
    latest_list: Subscriptions,
    /// Room that queues hand on which have no messages.
    spare_rooms: SpareRooms,
    /// Scratch list of woken holds.
    woken: Vec<HeldPull>,
    /// Scratch list of the queues that a dispatch pass has touched.
    touched: Vec<ids::QueueId>,
    digest: TraceDigest,
    /// A fault of the simulator, for the test of its checks.
    saboteur: Saboteur,
    /// The most that it was found to hold.
    peak: Holding,
}

/// See [`Cluster::last_routes`].
type LastRoutes = (u64, Rc<[SubscribedTopic]>, Rc<KnownRoutes>);

/// What keeps the luck of one message at one group apart from its luck elsewhere.
#[derive(Clone, Copy, Debug)]
struct LuckSalts {
    service: u64,
    failure: u64,
    poison: u64,
    retry_queue: u64,
    rule: u64,
    retry_send: u64,
    store: u64,
}

/// What is left when a run is over.
pub struct Finished<O> {
    /// The observer.
    pub observer: O,
    /// Who was who.
    pub directory: Directory,
    /// Virtual time at which the run ended.
    pub end: SimTime,
    /// Events executed.
    pub events: u64,
    /// Why it ended before its time, if it did.
    pub stopped: Option<Stopped>,
    /// Hash over all executed events, in hex.
    pub trace_digest: String,
    /// What memory still holds.
    pub leftovers: Leftovers,
    /// The most that it held, as far as looks have found it; nothing unless [`Bounds::weigh`] asks for it.
    pub peak: Holding,
}

/// What memory still holds when a run is over: whoever looks for leaks starts here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Queues held by clients that are gone. A pull that waits at a broker keeps one until its hold ends, a
    /// listener call that was cut off until it would have returned.
    pub held_queues_of_gone: u32,
    /// Listener calls of clients that are gone, which were cut off and would not have returned yet.
    pub tasks_of_gone: u32,
    /// Messages whose producers have no answer yet.
    pub sends: u32,
    /// Envelopes of the control plane on the wire.
    pub envelopes: u32,
    /// Records kept, by queue.
    pub records: Vec<u64>,
    /// Records ever stored, by queue.
    pub ends: Vec<u64>,
}

impl<O: Observer> Cluster<O> {
    /// Builds the cluster; nothing has happened yet.
    ///
    /// # Panics
    /// If the configuration is not sound: scenarios check it first.
    pub fn new(config: ClusterConfig, observer: O) -> Self {
        let mut streams = Streams::new(config.seed);
        let mut network = Network::new(&config.network.latency, config.brokers.len(), config.name_servers);
        let directory = Directory {
            attributes: Attributes::new(&config, &streams),
            ..Self::directory(&config)
        };
        let filters = Filters::new(&config.expressions, &directory.attributes);
        let producers = producer::build(&config, &mut streams, &mut network);
        let consumers = consumer::build(&config, &mut streams, &mut network);
        let salt = |group: &str, purpose: &str| streams.salt(group, purpose);
        let salts = config.groups.iter().map(|group| LuckSalts {
            service: salt(&group.name, "service"),
            failure: salt(&group.name, "failure"),
            poison: salt(&group.name, "poison"),
            retry_queue: salt(&group.name, "retry queue"),
            rule: salt(&group.name, "listener rule"),
            retry_send: salt(&group.name, "retry send"),
            store: salt(&group.name, "idempotent store"),
        });
        let salts = salts.collect();
        let delay_levels = DelayLevels::parse(&config.broker_tuning.message_delay_level)
            .expect("the scenario has checked messageDelayLevel");
        let delete_hours = broker::retention::delete_hours(&config.broker_tuning.delete_when)
            .expect("the scenario has checked deleteWhen");
        let brokers = broker::build(&config, &delay_levels, &mut streams);
        let core = Core {
            scheduler: Agenda::default(),
            directory,
            observer,
            network,
            envelopes: Slab::default(),
            offset_lists: OffsetLists::default(),
        };
        let clients = consumers.clients.len();
        let mut cluster = Self {
            core,
            profile: Profile::of(config.version),
            name_server: NameServer::default(),
            topics: Topics::new(&config),
            brokers,
            queues: Vec::new(),
            holds: Vec::new(),
            offsets: ConsumerOffsetManager::new(config.has_crashes()),
            local_offsets: LocalFileOffsetStore::default(),
            index: IndexService::new(&config),
            filters,
            wishes: Wishes::new(&config),
            delay_levels,
            delete_hours,
            in_memory: config.broker_tuning.bytes_in_memory(),
            producers,
            sends: Slab::default(),
            consumers: consumers.clients,
            first_consumer: consumers.first,
            group_clients: consumers.groups,
            strategies: consumers.strategies,
            shared_views: config.groups.iter().map(|_| SharedViews::default()).collect(),
            held_queues: Slab::default(),
            group_caches: vec![CacheTotal::default(); config.groups.len()],
            tasks: Slab::default(),
            idempotence: Idempotence::default(),
            salts,
            paused: 0,
            has_paused: false,
            resends: Vec::new(),
            planned_resends: PlannedResend::all(&config),
            dlq_readable: vec![
                config.broker_tuning.dlq_permission == config::DlqPermission::ReadWrite;
                config.groups.len()
            ],
            rewinds: Rewind::all(&config, !Profile::of(config.version).server_side_reset),
            unheard_resets: BTreeSet::new(),
            any_resets: false,
            brokers_down: 0,
            roused: Roused::none(clients, config.groups.len()),
            last_routes: config.groups.iter().map(|_| None).collect(),
            latest_list: Rc::default(),
            spare_rooms: SpareRooms::default(),
            woken: Vec::new(),
            touched: Vec::new(),
            digest: TraceDigest::new(),
            saboteur: Saboteur::default(),
            peak: Holding::default(),
            config,
        };
        cluster.prepare();
        cluster
    }

    /// The same cluster with a fault of the simulator in it: its own checks must end the run.
    pub fn sabotaged(mut self, planted: impl Into<Planted>) -> Self {
        let planted = planted.into();
        if planted.differs() {
            for producer in &mut self.producers {
                producer.arrivals.lose_draw();
            }
        }
        self.saboteur = planted.into();
        self
    }

    /// Names of everything that the configuration names.
    fn directory(config: &ClusterConfig) -> Directory {
        use crate::cluster::directory::{ConsumerInfo, GroupInfo, TopicInfo, TopicKind};
        let topic = |t: &config::TopicConfig| {
            let is_dlq = |group: &config::GroupConfig| retry_dlq::dlq_topic(&group.name) == t.name;
            let dead_letters_of = config.groups.iter().position(is_dlq);
            let kind = |group: usize| TopicKind::DeadLetter(GroupId(group as u32));
            TopicInfo {
                name: t.name.clone(),
                kind: dead_letters_of.map_or(TopicKind::User, kind),
            }
        };
        let readers: Vec<Vec<String>> = config.groups.iter().map(config::GroupConfig::readers).collect();
        let position_of =
            |readers: &Vec<String>| -> BTreeMap<String, u32> { (readers.iter().cloned()).zip(0..).collect() };
        let positions: Vec<_> = readers.iter().map(position_of).collect();
        let positions = &positions;
        let consumers = config.groups.iter().enumerate().flat_map(|(g, group)| {
            group.consumers.iter().map(move |c| ConsumerInfo {
                reader: positions[g].get(&c.client_id).copied().unwrap_or(0),
                name: c.name.clone(),
                client_id: c.client_id.clone(),
                group: GroupId(g as u32),
                threads: c.threads,
            })
        });
        let consumers = consumers.collect();
        Directory {
            brokers: config.brokers.iter().map(|b| b.name.clone()).collect(),
            topics: config.topics.iter().map(topic).collect(),
            queues: Vec::new(),
            producers: config
                .producers
                .iter()
                .map(|p| (p.name.clone(), p.topic))
                .collect(),
            groups: config
                .groups
                .iter()
                .zip(readers)
                .map(|(g, readers)| GroupInfo {
                    readers,
                    is_idempotent: g.idempotent.is_some(),
                    name: g.name.clone(),
                    topics: g.subscribe.clone(),
                    delivery: g.delivery,
                })
                .collect(),
            consumers,
            attributes: Attributes::default(),
        }
    }

    /// Brokers are up and have registered their topics before the clock starts.
    fn prepare(&mut self) {
        for topic in 0..self.config.topics.len() {
            for (broker, numbers) in self.config.topics[topic].placement.clone() {
                let topic = ids::TopicId(topic as u32);
                self.place_topic(topic, broker, numbers);
                let queues = self.topics.queues(topic, broker);
                self.name_server.register(topic, broker, queues, numbers);
            }
        }
        for (at, producer) in self.config.producers.iter().enumerate() {
            self.core
                .scheduler
                .at(producer.start, Event::ProducerStart(ProducerId(at as u32)));
        }
        let starts = self
            .config
            .groups
            .iter()
            .flat_map(|group| group.consumers.iter().map(|c| c.start));
        for (at, start) in starts.enumerate() {
            if let Some(start) = start {
                self.core
                    .scheduler
                    .at(start, Event::ConsumerStart(ConsumerId(at as u32)));
            }
        }
        for (at, entry) in self.config.timeline.iter().enumerate() {
            self.core.scheduler.at(entry.at, Event::Timeline(at as u32));
        }
    }

    /// Runs to the end of the scenario. `progress` hears of the virtual time and the events so far at every
    /// sample; it cannot change anything.
    pub fn run(self, mut progress: impl FnMut(SimTime, u64)) -> Finished<O> {
        let goes_on = |now, events| {
            progress(now, events);
            true
        };
        self.run_while(goes_on).expect("it goes on")
    }

    /// As [`run`](Self::run), but `goes_on` may end it early, at a sample: then there is nothing to tell.
    pub fn run_while(self, mut goes_on: impl FnMut(SimTime, u64) -> bool) -> Option<Finished<O>> {
        self.run_to_end::<true>(&Bounds::default(), &mut goes_on, unwatched)
    }

    /// As [`run`](Self::run), but no further than `bounds` allow; [`Finished::stopped`] says if they did not.
    pub fn run_within(self, bounds: &Bounds<'_>, mut progress: impl FnMut(SimTime, u64)) -> Finished<O> {
        let mut goes_on = |now, events| {
            progress(now, events);
            true
        };
        self.run_to_end::<true>(bounds, &mut goes_on, unwatched)
            .expect("it goes on")
    }

    /// As [`run_within`](Self::run_within), and `watch` hears of each event before it happens: when, and its
    /// [code](Event::code).
    pub fn run_watched(
        self,
        bounds: &Bounds<'_>,
        mut progress: impl FnMut(SimTime, u64),
        watch: impl FnMut(SimTime, u64),
    ) -> Finished<O> {
        let mut goes_on = |now, events| {
            progress(now, events);
            true
        };
        self.run_to_end::<true>(bounds, &mut goes_on, watch)
            .expect("it goes on")
    }

    /// As [`run`](Self::run), but the trace digest is that of no events. For the benchmark that prices the digest.
    pub fn run_without_digest(self, mut progress: impl FnMut(SimTime, u64)) -> Finished<O> {
        let mut goes_on = |now, events| {
            progress(now, events);
            true
        };
        self.run_to_end::<false>(&Bounds::default(), &mut goes_on, unwatched)
            .expect("it goes on")
    }

    /// The whole loop, with the frequent handlers in it, is compiled for each type of its arguments. So who is asked
    /// at samples alone comes without a type of its own; a closure of every caller made a hundred loops in the tests.
    fn run_to_end<const DIGEST: bool>(
        mut self,
        bounds: &Bounds<'_>,
        goes_on: &mut dyn FnMut(SimTime, u64) -> bool,
        mut watch: impl FnMut(SimTime, u64),
    ) -> Option<Finished<O>> {
        let mut end = SimTime::ZERO + self.config.duration;
        let (mut look_at, mut stopped) = (bounds.first_look(), None);
        let interval = self.config.sample_interval.max(SimDuration::from_nanos(1));
        let (mut next_sample, mut events) = (SimTime::ZERO, 0);
        // What lies before this instant needs no look at the clock: the next sample, or the end.
        let mut quiet = SimTime::ZERO;
        loop {
            let next = self.core.scheduler.pop();
            let time = next.map_or(SimTime::MAX, |(time, _)| time);
            if time >= quiet {
                while next_sample <= time && next_sample < end {
                    if !self.filters.is_empty() {
                        self.estimate_lags();
                    }
                    self.core.observer.sample(next_sample, &self.core.directory);
                    if !goes_on(next_sample, events) {
                        return None;
                    }
                    next_sample += interval;
                }
                quiet = next_sample.min(end);
                if time >= end {
                    break;
                }
            }
            let Some((time, code)) = next else { break };
            events += 1;
            if events >= look_at {
                match self.look(bounds, events) {
                    Ok(next) => look_at = next,
                    Err(why) => {
                        // What is due at this instant still happens.
                        end = time + SimDuration::from_nanos(1);
                        (look_at, stopped) = (u64::MAX, Some(why));
                        quiet = quiet.min(end);
                    }
                }
            }
            if DIGEST {
                self.digest.add(time, code);
            }
            watch(time, code);
            self.happen(code);
            self.core.observer.event_over(time, &self.core.directory);
        }
        if !self.filters.is_empty() {
            self.estimate_lags();
        }
        self.core.observer.sample(end, &self.core.directory);
        goes_on(end, events);
        if bounds.weigh {
            self.weigh();
        }
        let leftovers = self.leftovers();
        Some(Finished {
            leftovers,
            peak: self.peak,
            observer: self.core.observer,
            directory: self.core.directory,
            end,
            events,
            stopped,
            trace_digest: self.digest.finish(),
        })
    }

    fn leftovers(&self) -> Leftovers {
        let is_gone = |slot: u32| {
            let consumer = self.held_queues.get(slot).consumer;
            !self.consumers[consumer.index()].is_alive()
        };
        let held = self.held_queues.iter().filter(|(slot, _)| is_gone(*slot));
        let tasks = self.tasks.iter().filter(|(_, task)| is_gone(task.held_queue.0));
        Leftovers {
            held_queues_of_gone: held.count() as u32,
            tasks_of_gone: tasks.count() as u32,
            sends: self.sends.len() as u32,
            envelopes: self.core.envelopes.len() as u32,
            records: self.queues.iter().map(ConsumeQueue::kept).collect(),
            ends: self.queues.iter().map(ConsumeQueue::end_offset).collect(),
        }
    }

    /// Lets the event with this code happen, unless it happens in a client that is stopped.
    ///
    /// The frequent events are told by their code: putting the event together first costs more than some handlers.
    #[inline(always)]
    fn happen(&mut self, code: u64) {
        if self.paused != 0 {
            return self.happen_unless_deferred(Event::from_code(code));
        }
        let id = code as u32;
        match code >> 32 {
            event::ARRIVAL => self.arrival(ProducerId(id)),
            event::SEND_ARRIVES => self.send_arrives(SendSlot(id)),
            event::SEND_ACK_ARRIVES => self.send_ack_arrives(SendSlot(id)),
            event::DISPATCH => self.dispatch(BrokerId(id)),
            event::PULL_ARRIVES => self.pull_arrives(PqSlot(id)),
            event::PULL_REPLY_ARRIVES => self.pull_reply_arrives(PqSlot(id)),
            event::CONSUME_DONE => self.consume_done(TaskSlot(id)),
            event::DELIVER => self.deliver(EnvelopeSlot(id)),
            event::PERSIST_TICK => self.persist_tick(ConsumerId(id)),
            _ => self.handle_rare(Event::from_code(code)),
        }
    }

    #[inline(never)]
    fn happen_unless_deferred(&mut self, event: Event) {
        if !self.defer(event) {
            self.handle_now(event);
        }
    }

    /// Routes one event to the part that it concerns, from anywhere but the loop: there the frequent events are handled
    /// in line.
    #[inline(never)]
    fn handle_now(&mut self, event: Event) {
        match event {
            Event::Arrival(producer) => self.arrival(producer),
            Event::SendArrives(slot) => self.send_arrives(slot),
            Event::SendAckArrives(slot) => self.send_ack_arrives(slot),
            Event::Dispatch(broker) => self.dispatch(broker),
            Event::PullArrives(slot) => self.pull_arrives(slot),
            Event::PullReplyArrives(slot) => self.pull_reply_arrives(slot),
            Event::ConsumeDone(task) => self.consume_done(task),
            other => self.handle_rare(other),
        }
    }

    /// The events that are few.
    #[inline(never)]
    fn handle_rare(&mut self, event: Event) {
        match event {
            Event::PullDue(slot) => self.pull_due(slot),
            Event::Timeline(entry) => self.timeline(entry),
            Event::ProducerStart(producer) => self.producer_start(producer),
            Event::DeliverDelayed { broker, level } => self.deliver_delayed(broker, level),
            Event::HoldSweep(broker) => self.hold_sweep(broker),
            Event::Release(broker) => self.release(broker),
            Event::Deliver(slot) => self.deliver(slot),
            Event::ConsumerStart(consumer) => self.consumer_start(consumer),
            Event::ConsumerReady(consumer) => self.consumer_ready(consumer),
            Event::RoutePoll(consumer) => self.route_poll(consumer),
            Event::HeartbeatTick(consumer) => self.heartbeat_tick(consumer),
            Event::PersistTick(consumer) => self.persist_tick(consumer),
            Event::RebalanceWake(consumer) => self.rebalance_wake(consumer),
            Event::ShutdownDeadline(consumer) => self.shutdown_deadline(consumer),
            Event::SendBackArrives(task) => self.send_back_arrives(task),
            Event::SendBackReplyArrives(task) => self.send_back_reply_arrives(task),
            Event::LinkUpDue(link) => self.link_due(link, Direction::Up),
            Event::LinkDownDue(link) => self.link_due(link, Direction::Down),
            Event::CallTimeout { consumer, kind } => self.call_timeout(consumer, kind),
            Event::PullFails(slot) => self.pull_times_out(slot),
            Event::SendBackFails(task) => self.send_back_times_out(task),
            Event::LocalRetry(task) => self.local_retry(task),
            Event::ScanNotActiveChannel(broker) => self.scan_not_active_channel(broker),
            Event::ProducerRoutePoll(producer) => self.producer_route_poll(producer),
            Event::CleanCommitLog(broker) => self.clean_commit_log(broker),
            Event::RepairOffset(slot) => self.repair_offset(slot),
            Event::PushArrives(slot) => self.push_arrives(slot),
            Event::CreditArrives(slot) => self.credit_arrives(slot),
            Event::OrderlyDue(slot) => self.orderly_due(slot),
            Event::LockTick(consumer) => self.lock_tick(consumer),
            Event::ConsumeLockTimeout(consumer) => self.consume_lock_timeout(consumer),
            Event::UnlockDue(slot) => self.unlock_due(slot),
            Event::CleanExpired(consumer) => self.clean_expired(consumer),
            Event::ResendDlq(resend) => self.resend_next(resend),
            Event::GuardOpens(consumer) => self.guard_opens(consumer),
            Event::ForwardArrives(task) => self.forward_arrives(task),
            Event::ForwardReplyArrives(task) => self.forward_reply_arrives(task),
            Event::Arrival(_)
            | Event::SendArrives(_)
            | Event::SendAckArrives(_)
            | Event::Dispatch(_)
            | Event::PullArrives(_)
            | Event::PullReplyArrives(_)
            | Event::ConsumeDone(_) => unreachable!("the frequent events do not come here"),
        }
    }

    /// An envelope of the control plane has arrived.
    #[inline(never)]
    fn deliver(&mut self, slot: EnvelopeSlot) {
        match self.core.envelopes.remove(slot.0) {
            Envelope::ToBroker {
                connection,
                broker,
                request,
            } => self.broker_request(broker, connection, request),
            Envelope::ToConsumer {
                broker,
                connection,
                reply,
            } => self.consumer_reply(broker, connection, reply),
            Envelope::ConsumerRoutes { to, routes } => self.consumer_routes(to, routes),
            Envelope::RouteRequest { from, number } => self.route_request(from, number),
            Envelope::ProducerRoute { to, route } => self.producer_route(to, route.as_deref()),
            Envelope::BrokerGone { broker } => self.broker_gone(broker),
            Envelope::TopicRegistration { broker, topic } => self.topic_registration(broker, topic),
            Envelope::ConsumerIdsChanged { broker, members } => self.consumer_ids_changed(broker, &members),
        }
    }

    /// Gives `topic` so many queues on `broker`, creates those that are missing, and tells of each.
    fn place_topic(&mut self, topic: ids::TopicId, broker: BrokerId, numbers: config::TopicQueues) {
        let existing = self.topics.queues(topic, broker).len() as u32;
        let wanted = numbers.read.max(numbers.write);
        let mut created = Vec::new();
        let topic_name = &self.core.directory.topic(topic).name;
        let mut name = MessageQueue::new(topic_name, self.core.directory.broker(broker), 0);
        for index in existing..wanted {
            name.queue_id = index as i32;
            let queue = ids::QueueId(self.queues.len() as u32);
            let consume_queue = ConsumeQueue::new(topic, broker, name.hash_code());
            self.queues.push(consume_queue);
            self.holds.push(PullRequestHold::default());
            self.offsets.add_queue();
            self.brokers[broker.index()].queues.push(queue);
            self.core
                .directory
                .queues
                .push(directory::QueueInfo { topic, broker, index });
            self.core.emit(Fact::QueueCreated { queue });
            created.push(queue);
        }
        self.topics.placed(topic, broker, &created, numbers);
        for (index, queue) in (0..).zip(self.topics.queues(topic, broker)) {
            let queue = &mut self.queues[queue.index()];
            queue.readable = index < numbers.read;
            queue.writable = index < wanted;
        }
    }
}

/// What hears of events when nobody does: a function, as a closure would be another type in each place.
fn unwatched(_: SimTime, _: u64) {}
