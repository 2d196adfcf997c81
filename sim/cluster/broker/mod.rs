//! Brokers: requests in, replies out.
//!
//! The handlers here stand for `SendMessageProcessor`, `ConsumerManageProcessor` and `AdminBrokerProcessor`; the
//! state that they use lives in the files named after RocketMQ's classes. A broker answers at once: the time that a
//! request waits for a broker thread is left out.

pub mod broker_controller;
pub mod client_manage;
pub mod commit_log;
pub mod consume_queue;
pub mod consumer_lag_calculator;
pub mod consumer_manager;
pub mod consumer_offset_manager;
pub mod expression_message_filter;
pub mod index_service;
pub mod lock_batch_mq;
pub mod message_filter;
pub mod packed_segment;
pub mod pull_message;
pub mod pull_request_hold;
pub mod push;
pub mod rebalance_lock_manager;
pub mod resend_dlq;
pub mod reset_offset;
pub mod retention;
pub mod retry_dlq;
pub mod retry_policy;
pub mod schedule_message;
pub mod schedule_message_service;
pub mod segments;
pub mod send_back;
pub mod store_filter;
pub mod topics;

pub use topics::Topics;

use crate::cluster::Cluster;
use crate::cluster::broker::client_manage::SCAN_PERIOD;
use crate::cluster::broker::commit_log::CommitLog;
use crate::cluster::broker::consumer_manager::{ClientRank, Connection, ConsumerManager};
use crate::cluster::broker::rebalance_lock_manager::RebalanceLockManager;
use crate::cluster::broker::schedule_message::{DELAY_FOR_A_WHILE, DelayLevels};
use crate::cluster::broker::schedule_message_service::ScheduleMessageService;
use crate::cluster::config::{ClusterConfig, TopicQueues};
use crate::cluster::consumer::roused::Told;
use crate::cluster::core::{BrokerRequest, ConsumerReply, Envelope, LockBatch, Locked, QueriedOffset};
use crate::cluster::directory::{TopicInfo, TopicKind};
use crate::cluster::event::{CallKind, Event, PqSlot, SendSlot};
use crate::cluster::fact::{CommitVia, Fact, Observer, PullFailure, RequestKind};
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId, TopicId};
use crate::cluster::message::Record;
use crate::cluster::network::{Direction, Endpoint, Server};
use crate::cluster::offset_lists::OffsetList;
use crate::kernel::memory;
use crate::kernel::streams::{Source, Streams};
use crate::kernel::time::{SimDuration, SimTime};

/// How often a broker looks for records that it may free, while there are any. Ours, not RocketMQ's: it
/// bounds memory and nothing else.
const RELEASE_PERIOD: SimDuration = SimDuration::from_millis(250);

/// State of one broker.
#[derive(Debug)]
pub struct Broker {
    /// Its queues of all topics.
    pub queues: Vec<QueueId>,
    commit_log: CommitLog,
    consumers: ConsumerManager,
    /// To whom it has told a change last, by group.
    told: Vec<Told>,
    /// Groups whose `%RETRY%` topic has what queues it may have here.
    retry_made: Vec<bool>,
    locks: RebalanceLockManager<GroupId, QueueId, ClientRank>,
    schedule: ScheduleMessageService,
    /// Passes of the dispatch thread happen at this instant plus multiples of its period.
    dispatch_phase: SimTime,
    /// Likewise the sweeps over held pulls.
    sweep_phase: SimTime,
    /// Likewise the scans for silent clients.
    scan_phase: SimTime,
    scan_pending: bool,
    /// Pulls that wait here.
    pub(in crate::cluster) held: u32,
    /// Before this instant no sweep finds a pull whose time is up, or one that sleeps through its message.
    first_due: SimTime,
    sweep_pending: bool,
    release_pending: bool,
    /// Queues of which a release may free something.
    releasable: Vec<QueueId>,
    /// Likewise the looks for files that are old enough to be deleted.
    clean_phase: SimTime,
    clean_pending: bool,
    /// Until when its pull threads have too much to do, and what they answer then.
    pub(in crate::cluster) busy: Option<(SimTime, PullFailure)>,
    /// The process has ended.
    pub(in crate::cluster) is_down: bool,
    /// When the process started.
    started: SimTime,
    /// When it first saves offsets and the progress of the delay levels.
    saves_from: SimTime,
    /// When the members or topics of a group here changed last, or the queues of a topic: what was right for a pull
    /// before need not be right now.
    changed: SimTime,
}

impl Broker {
    /// Bytes that it holds beside clients and records.
    pub fn table_held(&self) -> u64 {
        let locks = self.locks.held() + memory::of::<Self>(1);
        let queues = memory::of_vec(&self.queues) + memory::of_vec(&self.releasable);
        let groups = memory::of_vec(&self.told) + memory::of_vec(&self.retry_made);
        queues + groups + self.commit_log.held() + locks
    }

    /// Bytes of one with so many queues and groups, itself included, beside clients and records.
    pub fn table_held_for(queues: u64, groups: u64) -> u64 {
        let of_groups = memory::of::<Told>(groups as usize) + memory::of::<bool>(groups as usize);
        memory::of::<Self>(1) + 2 * memory::of_grown::<QueueId>(queues) + of_groups
    }

    /// Bytes of what it knows of clients.
    pub fn clients_held(&self) -> u64 {
        self.consumers.held()
    }

    /// Bytes of the records that wait here for their next attempt.
    pub fn records_held(&self) -> u64 {
        self.schedule.held()
    }
}

/// Builds the brokers. They have been up for a while, so each has its timers at a phase of its own.
pub fn build(config: &ClusterConfig, levels: &DelayLevels, streams: &mut Streams) -> Vec<Broker> {
    let broker = |name: &str| {
        let mut luck = streams.stream(name, "timer phases");
        let mut phase = |period: SimDuration| SimTime::from_nanos(luck.below(period.as_nanos().max(1)));
        let sweep_period = pull_message::sweep_period(&config.broker_tuning);
        let (dispatch_phase, sweep_phase) = (
            phase(config.broker_tuning.reput_interval.duration()),
            phase(sweep_period),
        );
        let look_phases = (0..levels.max_level())
            .map(|_| phase(DELAY_FOR_A_WHILE))
            .collect();
        let scan_phase = phase(SCAN_PERIOD);
        let mut luck = streams.stream(name, "clean phase");
        let clean_phase = SimTime::from_nanos(luck.below(retention::CLEAN_PERIOD.as_nanos()));
        let mut luck = streams.stream(name, "save phase");
        let saves_from = SimTime::from_nanos(luck.below(broker_controller::SAVE_DELAY_PROGRESS.as_nanos()));
        Broker {
            queues: Vec::new(),
            commit_log: CommitLog::new(retention::file_end(&config.broker_tuning)),
            consumers: ConsumerManager::new(config.groups.len()),
            told: config.groups.iter().map(|_| Told::default()).collect(),
            retry_made: vec![false; config.groups.len()],
            locks: RebalanceLockManager::new(),
            schedule: ScheduleMessageService::new(look_phases, config.has_crashes()),
            dispatch_phase,
            sweep_phase,
            scan_phase,
            scan_pending: false,
            held: 0,
            first_due: SimTime::MAX,
            sweep_pending: false,
            release_pending: false,
            releasable: Vec::new(),
            clean_phase,
            clean_pending: false,
            busy: None,
            is_down: false,
            started: SimTime::ZERO,
            saves_from,
            changed: SimTime::ZERO,
        }
    };
    config.brokers.iter().map(|b| &*b.name).map(broker).collect()
}

/// `DLQ_NUMS_PER_GROUP`: one queue on each broker. One without the permission to be read is one that nobody is given.
fn dead_letter_numbers(readable: bool) -> TopicQueues {
    TopicQueues {
        read: u32::from(readable),
        write: 1,
    }
}

impl<O: Observer> Cluster<O> {
    /// SEND_MESSAGE of a producer.
    #[inline(always)]
    pub(in crate::cluster) fn send_arrives(&mut self, slot: SendSlot) {
        let now = self.core.now();
        let send = self.sends.get_mut(slot.0);
        send.record.stored = now;
        let (record, queue, producer) = (send.record, send.queue, send.producer);
        let broker = self.queues[queue.index()].broker;
        if !self.queues[queue.index()].writable {
            return self.refuse_send(slot);
        }
        self.core.emit_often(Fact::Request {
            broker,
            kind: RequestKind::Send,
            group: None,
        });
        let offset = self.append(queue, record);
        let (message, body_size) = (record.id, record.body_size);
        self.core.emit_often(Fact::Stored {
            queue,
            offset,
            message,
            body_size,
        });
        let event = Event::SendAckArrives(slot);
        self.core.travel(
            Endpoint::Producer(producer),
            Server::Broker(broker),
            Direction::Down,
            event,
        );
        self.make_visible(broker);
    }

    /// The queue is no more (`request queueId is illegal`), or its broker is down.
    #[inline(never)]
    fn refuse_send(&mut self, slot: SendSlot) {
        let send = self.sends.get_mut(slot.0);
        send.refused = true;
        let (client, broker) = (
            Endpoint::Producer(send.producer),
            self.queues[send.queue.index()].broker,
        );
        if !self.brokers[broker.index()].is_down {
            let kind = RequestKind::Send;
            self.core.emit(Fact::Request {
                broker,
                kind,
                group: None,
            });
        }
        let event = Event::SendAckArrives(slot);
        self.core
            .travel(client, Server::Broker(broker), Direction::Down, event);
    }

    /// Timeline: the queue of the broker's pull threads is full until then, and pulls that wait will find it so.
    pub(in crate::cluster) fn broker_busy(&mut self, broker: BrokerId, until: SimTime, answer: PullFailure) {
        let now = self.core.now();
        let state = &mut self.brokers[broker.index()];
        state.busy = Some((until, answer));
        state.changed = now;
    }

    /// Appends a record to the log of the queue's broker. Call [`Self::make_visible`] when its fact is told.
    #[inline(always)]
    pub(in crate::cluster) fn append(&mut self, queue: QueueId, record: Record) -> u64 {
        let size = record.stored_size();
        let broker_id = self.queues[queue.index()].broker;
        let now = self.core.scheduler.now();
        if self.brokers[broker_id.index()].commit_log.is_full(now, size) {
            self.begin_file(broker_id);
        }
        if self.queues[queue.index()].is_full() {
            self.make_room(queue);
        }
        let broker = &mut self.brokers[broker_id.index()];
        let offset = self.queues[queue.index()].append(record, broker.commit_log.end());
        if self.queues[queue.index()].has_first_releasable() {
            broker.releasable.push(queue);
        }
        let first = broker.commit_log.append(queue, size);
        let period = self.config.broker_tuning.reput_interval.duration();
        if first && !period.is_zero() {
            let pass = now.next_on_grid(broker.dispatch_phase, period);
            self.core.scheduler.at(pass, Event::Dispatch(broker_id));
        }
        self.plan_release(broker_id);
        offset
    }

    #[inline(never)]
    fn make_room(&mut self, queue: QueueId) {
        let needed = self.least_needed_offset(queue);
        self.queues[queue.index()].make_room(needed);
    }

    /// There may be records that nobody can ask for any more.
    #[inline]
    fn plan_release(&mut self, broker_id: BrokerId) {
        let broker = &mut self.brokers[broker_id.index()];
        if !broker.release_pending {
            broker.release_pending = true;
            self.core
                .scheduler
                .after(RELEASE_PERIOD, Event::Release(broker_id));
        }
    }

    /// From where on the broker's log is in memory (`accessMessageInMemoryMaxRatio`). What was written last stays there.
    #[inline]
    fn in_memory_from(&self, broker: BrokerId) -> u64 {
        let log = &self.brokers[broker.index()].commit_log;
        log.end().saturating_sub(self.in_memory)
    }

    /// With no dispatch interval, appended records are visible at once.
    #[inline]
    pub(in crate::cluster) fn make_visible(&mut self, broker: BrokerId) {
        if self.config.broker_tuning.reput_interval.duration().is_zero() {
            self.dispatch(broker);
        }
    }

    /// One pass of the dispatch thread: index what was appended, then wake the pulls that wait for it. A
    /// woken pull sees all that the pass has indexed.
    #[inline(always)]
    pub(in crate::cluster) fn dispatch(&mut self, broker: BrokerId) {
        let appended = self.brokers[broker.index()].commit_log.take_undispatched();
        let mut touched = std::mem::take(&mut self.touched);
        for queue in &appended {
            let consume_queue = &mut self.queues[queue.index()];
            if consume_queue.dispatch_one() {
                touched.push(*queue);
            }
            if !self.index.is_idle() {
                let offset = consume_queue.max_offset() - 1;
                let record = consume_queue.get(offset);
                let attributes = &self.core.directory.attributes;
                self.index
                    .build(consume_queue.topic, (*queue, offset), record, attributes);
            }
        }
        self.brokers[broker.index()].commit_log.recycle(appended);
        for queue in touched.drain(..) {
            let max_offset = self.queues[queue.index()].end_pass();
            self.core.emit_often(Fact::Dispatched { queue, max_offset });
            if !self.holds[queue.index()].is_empty() {
                self.wake(queue);
            }
        }
        self.touched = touched;
    }

    /// Frees what every group has behind it.
    pub(in crate::cluster) fn release(&mut self, broker: BrokerId) {
        let mut releasable = std::mem::take(&mut self.brokers[broker.index()].releasable);
        releasable.retain(|queue| {
            let needed = self.least_needed_offset(*queue);
            let consume_queue = &mut self.queues[queue.index()];
            consume_queue.release(needed);
            consume_queue.has_releasable()
        });
        let more = !releasable.is_empty();
        self.brokers[broker.index()].releasable = releasable;
        self.brokers[broker.index()].release_pending = more;
        if more {
            self.core.scheduler.after(RELEASE_PERIOD, Event::Release(broker));
        }
    }

    /// The least offset of `queue` that any group may still ask for: what is committed, what a client's pulls
    /// and commits on the wire may name, or where a client may start that has asked and not begun.
    fn least_needed_offset(&self, queue: QueueId) -> u64 {
        let consume_queue = &self.queues[queue.index()];
        let groups = self.topics.readers(consume_queue.topic);
        let committed = groups.iter().map(|group| match self.is_broadcasting(*group) {
            // A reset that the next pull hears of stands in no file.
            true => {
                let pending = consume_queue.pending_reset(*group).unwrap_or(u64::MAX);
                self.least_local_offset(*group, queue).min(pending)
            }
            false => self.offsets.least(*group, queue).unwrap_or(0),
        });
        let readers = consume_queue.readers().iter();
        let held = readers.map(|slot| self.held_queues.get(slot.0).least_needed());
        let asked = consume_queue.least_asked();
        let now = self.core.scheduler.now();
        let table = |group| self.offsets.least(group, queue);
        let rewinds = self.rewinds.iter();
        let rewinds = rewinds.filter_map(|rewind| rewind.floor(now, consume_queue, table));
        committed
            .chain(held)
            .chain(asked)
            .chain(rewinds)
            .chain(self.least_to_resend(queue))
            .min()
            .unwrap_or(u64::MAX)
            // What is not dispatched yet is still to be indexed, and to be seen.
            .min(consume_queue.max_offset())
    }

    /// A request of a consumer client has arrived.
    pub(in crate::cluster) fn broker_request(
        &mut self,
        broker: BrokerId,
        connection: Connection,
        request: BrokerRequest,
    ) {
        let state = &self.brokers[broker.index()];
        if state.is_down || !state.consumers.is_open(connection) {
            return self.request_lost(request);
        }
        // Most of what an idle client sends, and nobody answers it: neither does anybody look at the client.
        let request = match request {
            BrokerRequest::UpdateOffset(slot, offset) => return self.update_offset(broker, slot, offset),
            BrokerRequest::UpdateOffsets(list) => return self.update_offsets(broker, list),
            answered => answered,
        };
        let consumer = connection.consumer;
        let group = self.consumers[consumer.index()].group;
        let kind = match &request {
            BrokerRequest::Heartbeat(_) => Some(RequestKind::Heartbeat),
            BrokerRequest::Unregister => Some(RequestKind::Unregister),
            BrokerRequest::ConsumerList => Some(RequestKind::ConsumerList),
            BrokerRequest::QueryOffset(..) => Some(RequestKind::QueryOffset),
            BrokerRequest::MaxOffset(..) | BrokerRequest::SearchOffset(..) => Some(RequestKind::LookupOffset),
            BrokerRequest::LockBatch(_) => Some(RequestKind::LockBatch),
            BrokerRequest::UnlockBatch(_) => Some(RequestKind::UnlockBatch),
            BrokerRequest::SendRetry(_) => Some(RequestKind::Send),
            BrokerRequest::UpdateOffset(..)
            | BrokerRequest::UpdateOffsets(_)
            | BrokerRequest::ConnectionClosed => None,
        };
        if let Some(kind) = kind {
            self.core.tell_request(broker, kind, Some(group));
        }
        let reply = match request {
            BrokerRequest::Heartbeat(subscriptions) => {
                self.heartbeat(broker, group, connection, &subscriptions);
                ConsumerReply::HeartbeatDone
            }
            BrokerRequest::Unregister => {
                self.unregister(broker, group, connection);
                ConsumerReply::UnregisterDone
            }
            BrokerRequest::ConnectionClosed => return self.connection_closed(broker, group, connection),
            BrokerRequest::ConsumerList => ConsumerReply::ConsumerList(self.consumer_list(broker, group)),
            BrokerRequest::QueryOffset(queue, by) => match self.query_offset(group, consumer, queue, by) {
                Some(QueriedOffset::Committed(offset)) => ConsumerReply::CommittedOffset(offset, by),
                Some(QueriedOffset::Young) => ConsumerReply::YoungQueue(by),
                None => ConsumerReply::NoOffset(by),
            },
            BrokerRequest::MaxOffset(queue, by) => {
                ConsumerReply::LookedUp(self.queues[queue.index()].max_offset(), by)
            }
            BrokerRequest::SearchOffset(queue, time, by) => {
                ConsumerReply::LookedUp(self.queues[queue.index()].search_by_time(time), by)
            }
            BrokerRequest::LockBatch(batch) => {
                let LockBatch { queues: asked, by } = *batch;
                let granted = self.lock_batch(broker, group, consumer, &asked);
                ConsumerReply::Locked(Box::new(Locked { by, asked, granted }))
            }
            BrokerRequest::UnlockBatch(batch) => {
                self.unlock_batch(broker, group, consumer, &batch.queues);
                if !batch.answer {
                    return;
                }
                ConsumerReply::UnlockDone
            }
            BrokerRequest::SendRetry(send) => {
                self.retry_send_arrives(broker, group, &send);
                ConsumerReply::RetrySent {
                    held_queue: send.held_queue,
                    number: send.number,
                }
            }
            BrokerRequest::UpdateOffset(..) | BrokerRequest::UpdateOffsets(_) => {
                unreachable!("commits have no answer")
            }
        };
        self.core.to_consumer(broker, connection, reply);
    }

    /// QUERY_CONSUMER_OFFSET. A group without offset is sent to 0 while the queue is young, in 4.9 also while it
    /// is empty.
    fn query_offset(
        &mut self,
        group: GroupId,
        consumer: ConsumerId,
        queue: QueueId,
        by: CallKind,
    ) -> Option<QueriedOffset> {
        let in_memory_from = self.in_memory_from(self.queues[queue.index()].broker);
        let committed = self.offsets.query(group, queue);
        let consume_queue = &mut self.queues[queue.index()];
        let committed = consume_queue.pending_reset(group).or(committed);
        let client = &self.consumers[consumer.index()];
        // Who gave up waiting asks no more; who holds the queue already may have to start below where it thought.
        if by == CallKind::StartOffset {
            if let Some(slot) = client.held.get(&queue) {
                let floor = &mut self.held_queues.get_mut(slot.0).floor;
                *floor = committed.unwrap_or(0).min(*floor);
            }
        } else if client.asks_for(queue) {
            consume_queue.note_asker(consumer, committed.unwrap_or(0));
        }
        match committed {
            Some(offset) => Some(QueriedOffset::Committed(offset)),
            None => {
                let is_empty = consume_queue.max_offset() == 0;
                let young = consume_queue.is_young(in_memory_from)
                    || is_empty && self.profile.empty_queue_starts_at_zero;
                young.then_some(QueriedOffset::Young)
            }
        }
    }

    /// UPDATE_CONSUMER_OFFSET of several queues.
    #[inline(never)]
    fn update_offsets(&mut self, broker: BrokerId, list: OffsetList) {
        let offsets = self.core.offset_lists.receive(list);
        for &(slot, offset) in &offsets {
            self.update_offset(broker, slot, offset);
        }
        self.core.offset_lists.give_back(offsets);
    }

    /// UPDATE_CONSUMER_OFFSET.
    #[inline(always)]
    fn update_offset(&mut self, broker: BrokerId, slot: PqSlot, offset: u64) {
        let held = self.held_queues.get_mut(slot.0);
        held.floor = offset;
        held.requests -= 1;
        let (group, queue, is_last) = (held.group, held.queue, held.requests == 0);
        self.core.emit_often(Fact::Request {
            broker,
            kind: RequestKind::UpdateOffset,
            group: Some(group),
        });
        self.commit_offset(group, queue, offset, CommitVia::Update);
        if is_last {
            self.last_request_ended(slot);
        }
    }

    /// Overwrites a committed offset; while an operator's is pending, nobody else's counts.
    #[inline(always)]
    fn commit_offset(&mut self, group: GroupId, queue: QueueId, new: u64, via: CommitVia) {
        if self.any_resets && self.queues[queue.index()].pending_reset(group).is_some() {
            return;
        }
        let old = self.offsets.commit(group, queue, new);
        if self.offsets.keeps_saves() {
            let broker = self.queues[queue.index()].broker;
            let last_save = self.last_save(broker, broker_controller::SAVE_OFFSETS);
            let now = self.core.now();
            self.offsets.changed(now, last_save, group, queue, old);
        }
        self.core.emit_often(Fact::OffsetCommitted {
            group,
            queue,
            old,
            new,
            via,
        });
    }

    /// How many queues `%RETRY%group` has on each broker; `None`: the group has no such topic.
    fn retry_queue_nums(&self, group: GroupId) -> Option<u32> {
        let of_group = self.config.groups[group.index()]
            .subscription_group
            .retry_queue_nums;
        let number = of_group.unwrap_or(self.config.broker_tuning.retry_queue_nums);
        Some(number).filter(|number| *number > 0)
    }

    /// The queues of `%RETRY%group` on `broker`, created if need be; none if the group has none.
    fn retry_queues(&mut self, broker: BrokerId, group: GroupId) -> &[QueueId] {
        let Some(number) = self.retry_queue_nums(group) else {
            return &[];
        };
        let topic = self.topics.retry(group).unwrap_or_else(|| {
            let name = retry_dlq::retry_topic(&self.config.groups[group.index()].name);
            let topic = self.create_topic(name, TopicKind::Retry(group));
            self.topics.set_retry(group, topic);
            topic
        });
        let numbers = TopicQueues {
            read: number,
            write: number,
        };
        self.queues_of(topic, broker, numbers)
    }

    /// The queue of `%DLQ%group` on `broker`, created if need be.
    fn dead_letter_queue(&mut self, broker: BrokerId, group: GroupId) -> QueueId {
        let topic = self.topics.dead_letter(group).unwrap_or_else(|| {
            let name = retry_dlq::dlq_topic(&self.config.groups[group.index()].name);
            let topic = self.create_topic(name, TopicKind::DeadLetter(group));
            self.topics.set_dead_letter(group, topic);
            topic
        });
        let readable = self.dlq_readable[group.index()];
        self.queues_of(topic, broker, dead_letter_numbers(readable))[0]
    }

    /// Timeline: `mqadmin updateTopicPerm` of `%DLQ%group`.
    pub(in crate::cluster) fn set_dlq_permission(&mut self, group: GroupId, readable: bool) {
        self.dlq_readable[group.index()] = readable;
        let Some(topic) = self.topics.dead_letter(group) else {
            return;
        };
        for broker in (0..self.brokers.len() as u32).map(BrokerId) {
            if !self.topics.queues(topic, broker).is_empty() {
                self.update_topic(topic, broker, dead_letter_numbers(readable));
            }
        }
    }

    fn create_topic(&mut self, name: String, kind: TopicKind) -> TopicId {
        let topic = TopicId(self.core.directory.topics.len() as u32);
        self.core.directory.topics.push(TopicInfo { name, kind });
        topic
    }

    /// The queues of `topic` on `broker`; if it has none, they are created and registered.
    fn queues_of(&mut self, topic: TopicId, broker: BrokerId, numbers: TopicQueues) -> &[QueueId] {
        if self.topics.queues(topic, broker).is_empty() {
            self.place_topic(topic, broker, numbers);
            self.register_topic(topic, broker);
        }
        self.topics.queues(topic, broker)
    }

    /// `updateTopic`: the topic has these queues on this broker from now on. Queues that are more than before come
    /// into being; those beyond `readQueueNums` stay, but nobody is given them. Topics are registered at once.
    pub(in crate::cluster) fn update_topic(
        &mut self,
        topic: TopicId,
        broker: BrokerId,
        numbers: TopicQueues,
    ) {
        // The tool cannot reach a broker that is down.
        if self.brokers[broker.index()].is_down {
            return;
        }
        self.place_topic(topic, broker, numbers);
        self.brokers[broker.index()].changed = self.core.now();
        self.core.emit(Fact::TopicUpdated {
            topic,
            broker,
            read: numbers.read,
            write: numbers.write,
        });
        self.register_topic(topic, broker);
    }

    /// A broker tells the name servers.
    fn register_topic(&mut self, topic: TopicId, broker: BrokerId) {
        self.tell_name_servers(Envelope::TopicRegistration { broker, topic });
    }

    /// The name servers learn of a topic that a broker has created or changed. Producers find out with their next
    /// look, whose time is known.
    pub(in crate::cluster) fn topic_registration(&mut self, broker: BrokerId, topic: TopicId) {
        let numbers = self.topics.numbers(topic, broker);
        let queues = self.topics.queues(topic, broker);
        // A broker that is gone by now has no connection on which it could register.
        let is_up = !self.brokers[broker.index()].is_down;
        if is_up && self.name_server.register(topic, broker, queues, numbers) {
            self.plan_route_polls(topic);
        }
    }

    /// The name server answers a client.
    pub(in crate::cluster) fn route_request(&mut self, from: Endpoint, number: u32) {
        let envelope = match from {
            Endpoint::Producer(to) => {
                let route = self.name_server.route(self.producers[to.index()].topic);
                Envelope::ProducerRoute { to, route }
            }
            Endpoint::Consumer(consumer) => {
                let client = &self.consumers[consumer.index()];
                let version = self.name_server.version();
                let is_news = client.route_version != version;
                let routes = is_news.then(|| (version, self.routes_of(consumer)));
                Envelope::ConsumerRoutes { to: consumer, routes }
            }
        };
        self.core
            .send(from, Server::NameServer(number), Direction::Down, envelope);
    }
}
