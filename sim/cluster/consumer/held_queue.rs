//! One queue held by one client: its process queue, its offset in memory and its pull request, which cycles
//! as long as the queue is held.
//!
//! There is exactly one pull request for each held queue, so at most one pull is under way and its answer
//! can wait here for its arrival. A queue that was given up stays here until nothing refers to it any more:
//! its pull request, commits on the wire, listener calls.
//!
//! Source: `PullRequest`, `RebalanceImpl.processQueueTable`.

use crate::cluster::Cluster;
use crate::cluster::broker::consumer_manager::SubscribedTopic;
use crate::cluster::broker::expression_message_filter::ExpressionId;
use crate::cluster::broker::store_filter::PassedOver;
use crate::cluster::consumer::consume_orderly::OrderlyQueue;
use crate::cluster::consumer::delivery::Delivery;
use crate::cluster::consumer::offset_store::MemoryOffset;
use crate::cluster::consumer::process_queue::{CachedMessage, ProcessQueue, Progress};
use crate::cluster::consumer::push::Push;
use crate::cluster::event::PqSlot;
use crate::cluster::fact::{Fact, Observer, PullFailure, PullResult};
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId};
use crate::cluster::message::Record;
use crate::cluster::sabotage::Sabotage;
use crate::kernel::memory;
use crate::kernel::scheduler::Ticket;
use crate::kernel::time::SimTime;

/// See the module. Four cache lines have what each message needs, the first what is told every 5 s of a queue that rests; what
/// comes after is for orderly listeners, filters and trouble.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct HeldQueue {
    /// Who holds it.
    pub consumer: ConsumerId,
    /// Whose group.
    pub group: GroupId,
    /// Which queue.
    pub queue: QueueId,
    /// The broker that has it.
    pub broker: BrokerId,
    /// The offset in the client's memory, to be committed.
    pub offset: MemoryOffset,
    /// What may still ask the broker for something: the pull request, commits on the wire; and a client that
    /// unregisters, until it is gone.
    pub requests: u32,
    /// Listener tasks that name this, waiting or running.
    pub calls: u32,
    /// The least offset that may still reach the broker from here, as a commit or as a pull: what arrived
    /// last, at first the start. Nothing on the wire lies below it, since offsets in memory only rise once the start
    /// is settled.
    pub floor: u64,
    /// First offset of the pull under way, or of the next one.
    pub next_offset: u64,
    /// Its topic, as the client subscribes to it.
    pub topic: SubscribedTopic,
    /// Messages of the answer on the wire.
    pub inbox: Vec<CachedMessage>,
    /// The commit that the pull under way carries.
    pub request_commit: Option<u64>,
    /// The client's version of the subscription when it sent the pull.
    pub request_version: u64,
    /// Position of the topic among those of its client.
    pub topic_at: u16,
    /// A pull is under way: on the wire, or at the broker.
    pub pulling: bool,
    /// Which messages the client wanted when it sent the pull.
    pub request_expression: ExpressionId,
    /// Which messages the broker serves the pull, or has served the last one: what the group wants, as it knows.
    pub served: ExpressionId,
    /// How it is consumed in order; `None` with a concurrent listener.
    pub orderly: Option<Box<OrderlyQueue>>,
    /// The answer on the wire.
    pub reply: PullReply,
    /// The standing order, if the group's messages are pushed.
    pub push: Option<Box<Push>>,
    /// When the pull under way fails, if it is in trouble.
    pub fails: Option<Box<(SimTime, Ticket)>>,
    /// What of it is in the totals of its client and its group.
    counted: CacheTotal,
    /// Taken but unfinished messages.
    pub process_queue: ProcessQueue,
    /// The offset at which the queue is to be taken anew, if its own was illegal or an operator has set another.
    pub repair: Option<Repair>,
    /// Where a broker before 5.2 has told the client to go, which has not heard it yet.
    pub news: Option<u64>,
    /// What the broker has passed over for the answer on the wire.
    pub passed_over: Vec<PassedOver>,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(
    std::mem::offset_of!(HeldQueue, process_queue) + std::mem::offset_of!(ProcessQueue, last_lock) == 256,
    "what each message needs lies in four cache lines"
);
#[cfg(target_pointer_width = "64")]
const _: () = assert!(
    std::mem::offset_of!(HeldQueue, inbox) == 64,
    "what a commit needs lies in one"
);

/// What is cached: messages and the bytes of their bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheTotal {
    /// Messages.
    pub messages: i64,
    /// Bytes.
    pub bytes: i64,
}

impl CacheTotal {
    /// Takes account of a part that was `before` and is `now`.
    #[inline]
    fn change(&mut self, before: Self, now: Self) {
        self.messages += now.messages - before.messages;
        self.bytes += now.bytes - before.bytes;
    }
}

/// Where a queue goes on whose offset was not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repair {
    /// Next offset to consume.
    pub to: u64,
    /// An operator has chosen it.
    pub by_operator: bool,
}

/// The broker's answer to a pull, without its messages.
#[derive(Clone, Copy, Debug)]
pub struct PullReply {
    /// How it ended, or why it was refused.
    pub result: Result<PullResult, PullFailure>,
    /// `nextBeginOffset`.
    pub next_offset: u64,
}

impl HeldQueue {
    /// A queue just taken; its pull request exists and starts at `start_offset`. The offset is in memory only if
    /// the broker named it (`in_memory`); else it comes there with the first result.
    pub fn new(
        now: SimTime,
        consumer: ConsumerId,
        group: GroupId,
        (queue, broker): (QueueId, BrokerId),
        (topic, topic_at): (SubscribedTopic, u16),
        (start_offset, in_memory): (u64, bool),
        delivery: Delivery,
    ) -> Self {
        let mut offset = MemoryOffset::default();
        if in_memory {
            offset.update(start_offset, false);
        }
        Self {
            consumer,
            group,
            queue,
            broker,
            process_queue: ProcessQueue::new(now),
            offset,
            next_offset: start_offset,
            request_commit: None,
            topic,
            topic_at,
            request_version: 0,
            request_expression: ExpressionId::ALL,
            served: ExpressionId::ALL,
            pulling: false,
            fails: None,
            repair: None,
            news: None,
            reply: PullReply {
                result: Ok(PullResult::NotFound),
                next_offset: start_offset,
            },
            inbox: Vec::new(),
            passed_over: Vec::new(),
            floor: start_offset,
            requests: 1,
            calls: 0,
            orderly: None,
            counted: CacheTotal::default(),
            push: Push::of(delivery),
        }
    }

    /// The standing order is made: it asks for what comes from here on.
    pub fn order(&mut self) {
        let unfinished = self.process_queue.msg_count() as u64;
        if let Some(push) = &mut self.push {
            push.order(self.next_offset, unfinished);
        }
    }

    /// The least offset of the queue that is still to be kept for this: the floor, or where the broker has sent the client
    /// with an answer that a commit on the wire has overtaken, or with news that it has not heard.
    pub fn least_needed(&self) -> u64 {
        let repair = self.repair.map_or(u64::MAX, |repair| repair.to);
        self.floor.min(repair).min(self.news.unwrap_or(u64::MAX))
    }

    /// The broker puts a message into the answer.
    #[inline(always)]
    pub fn receive(&mut self, offset: u64, record: &Record) {
        self.inbox.push(CachedMessage {
            offset,
            stored: record.stored,
            born: record.born,
            luck: record.luck,
            id: record.id,
            body_size: record.body_size,
            origin_topic: record.origin_topic,
            progress: Progress::new(record.reconsume_times),
        });
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let pushed = self.push.as_ref().map_or(0, |push| push.held());
        let batch = self.orderly.as_ref().map_or(0, |orderly| orderly.held());
        self.process_queue.held()
            + memory::of_vec(&self.inbox)
            + memory::of_vec(&self.passed_over)
            + pushed
            + batch
    }

    /// Bytes that one holds beside itself that has cached so many messages, got in answers of so many.
    pub fn held_for(messages: u64, answer: u64) -> u64 {
        ProcessQueue::held_for(messages) + memory::of_grown::<CachedMessage>(answer)
    }
}

impl<O: Observer> Cluster<O> {
    /// Marks a held queue as dropped: it pulls no more, its queued tasks are skipped, results of running
    /// listener calls will be thrown away.
    pub(in crate::cluster) fn drop_held_queue(&mut self, slot: PqSlot) {
        let held = self.held_queues.get_mut(slot.0);
        held.process_queue.dropped = true;
        let (consumer, queue) = (held.consumer, held.queue);
        let unfinished = held.process_queue.msg_count() as u32;
        self.uncount_cache(slot);
        self.core.emit(Fact::QueueReleased {
            consumer,
            queue,
            unfinished,
        });
    }

    /// The cache of a held queue has changed. Finished messages give credit back, where there is one.
    #[inline(always)]
    pub(in crate::cluster) fn cache_changed(&mut self, slot: PqSlot) {
        let held = self.held_queues.get_mut(slot.0);
        if held.process_queue.dropped {
            return;
        }
        let now = CacheTotal {
            messages: held.process_queue.msg_count(),
            bytes: held.process_queue.msg_size(),
        };
        let before = std::mem::replace(&mut held.counted, now);
        self.consumers[held.consumer.index()].cache.change(before, now);
        self.group_caches[held.group.index()].change(before, now);
        if now.messages == 0
            && let Some(room) = held.process_queue.give_room_back()
        {
            self.spare_rooms.keep_cache(room);
        }
        let finished = before.messages - now.messages;
        if finished > 0 && held.push.is_some() {
            self.give_credit_back(slot, finished as u64);
        }
    }

    /// Nothing of a queue is cached that counts.
    fn uncount_cache(&mut self, slot: PqSlot) {
        let held = self.held_queues.get_mut(slot.0);
        let (before, now) = (std::mem::take(&mut held.counted), CacheTotal::default());
        self.consumers[held.consumer.index()].cache.change(before, now);
        self.group_caches[held.group.index()].change(before, now);
    }

    /// The pull request of a dropped queue has ended, or a commit has arrived.
    #[inline(always)]
    pub(in crate::cluster) fn request_ended(&mut self, slot: PqSlot) {
        let held = self.held_queues.get_mut(slot.0);
        held.requests -= 1;
        // The pull request lives as long as the queue is held, so this is the end.
        if held.requests == 0 {
            self.last_request_ended(slot);
        }
    }

    /// Nothing may ask the broker for anything any more.
    #[cold]
    #[inline(never)]
    pub(in crate::cluster) fn last_request_ended(&mut self, slot: PqSlot) {
        let held = self.held_queues.get(slot.0);
        debug_assert!(held.process_queue.dropped, "a held queue has a pull request");
        let (queue, unreferenced) = (held.queue, held.calls == 0);
        self.queues[queue.index()].remove_reader(slot);
        if unreferenced && !self.is_sabotaged(Sabotage::LeakQueue) {
            self.held_queues.remove(slot.0);
        }
    }

    /// A listener task has ended.
    #[inline(always)]
    pub(in crate::cluster) fn call_ended(&mut self, slot: PqSlot) {
        let held = self.held_queues.get_mut(slot.0);
        held.calls -= 1;
        if held.calls == 0 && held.requests == 0 {
            self.held_queues.remove(slot.0);
        }
    }
}

impl From<&CachedMessage> for Record {
    /// The message as the broker will store it again.
    fn from(message: &CachedMessage) -> Self {
        Self {
            born: message.born,
            stored: message.stored,
            luck: message.luck,
            id: message.id,
            body_size: message.body_size,
            origin_topic: message.origin_topic,
            reconsume_times: message.progress.reconsume_times(),
        }
    }
}
