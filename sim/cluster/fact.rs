//! What has happened: the only thing that observers ever learn of a cluster.
//!
//! A state change and the [`Fact`] that tells of it stand on adjacent lines. Observers fold facts into
//! measures and cannot reach back: observing never touches. Calls are monomorphised, so an observer that
//! ignores a fact pays nothing for it.

use crate::cluster::consumer::held_queue::CacheTotal;
use crate::cluster::directory::Directory;
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, MessageId, ProducerId, QueueId, TopicId};
use crate::cluster::network::Server;
use crate::cluster::producer::attributes::Key;
use crate::kernel::time::{SimDuration, SimTime};

/// Folds facts into measures.
pub trait Observer {
    /// Something happened at `now`.
    fn observe(&mut self, now: SimTime, directory: &Directory, fact: &Fact);

    /// The regular look at the whole: called at every multiple of the sample interval, before the events of
    /// that instant, and once at the end of the run.
    fn sample(&mut self, now: SimTime, directory: &Directory);

    /// Bytes that it holds.
    fn held(&self) -> u64 {
        0
    }

    /// An event has happened, with all its facts. Only runs under all rules listen.
    #[inline(always)]
    fn event_over(&mut self, _now: SimTime, _directory: &Directory) {}
}

/// Everything that an observer may learn.
///
/// Offsets are queue offsets. "Listener" means the user's consume callback.
#[derive(Clone, Debug)]
pub enum Fact {
    // ---- entities come and go --------------------------------------------------------------------
    /// A queue exists from now on (user topics at the start; retry, dead-letter topics when created). Ids
    /// are handed out in order, from 0.
    QueueCreated {
        /// The queue.
        queue: QueueId,
    },
    /// The process of a consumer client starts (timeline or configuration).
    ConsumerStarted {
        /// The client.
        consumer: ConsumerId,
    },
    /// The process of a consumer client stops for a while; it keeps its queues.
    ConsumerPaused {
        /// The client.
        consumer: ConsumerId,
    },
    /// It goes on.
    ConsumerResumed {
        /// The client.
        consumer: ConsumerId,
    },
    /// Nothing passes any more between a client and a server; nobody is told. The client may be not yet there or gone.
    LinkCut {
        /// The client.
        consumer: ConsumerId,
        /// The server.
        server: Server,
    },
    /// Everything between a client and a server takes longer from now on, or no longer does. The client may be not yet
    /// there or gone.
    LinkSlowed {
        /// The client.
        consumer: ConsumerId,
        /// The server.
        server: Server,
        /// Whether it is slow now; it was not before, or the other way round.
        slow: bool,
    },
    /// It passes again.
    LinkHealed {
        /// The client.
        consumer: ConsumerId,
        /// The server.
        server: Server,
    },
    /// A broker gave up a client that had been silent for too long, and closed its connection.
    MemberExpired {
        /// The broker.
        broker: BrokerId,
        /// The client.
        consumer: ConsumerId,
    },
    /// A client has lost its connection to a broker: a request took too long, or the broker closed it.
    ConnectionLost {
        /// The broker.
        broker: BrokerId,
        /// The client.
        consumer: ConsumerId,
    },
    /// The process of a broker ends.
    BrokerStopped {
        /// Which one.
        broker: BrokerId,
        /// Whether it was killed.
        crash: bool,
    },
    /// The process of a broker starts again.
    BrokerStarted {
        /// Which one.
        broker: BrokerId,
    },
    /// The queues of a topic on a broker change (`mqadmin updateTopic`).
    TopicUpdated {
        /// The topic.
        topic: TopicId,
        /// The broker.
        broker: BrokerId,
        /// Queues that consumers are given.
        read: u32,
        /// Queues that producers use.
        write: u32,
    },
    /// A consumer client is gone.
    ConsumerStopped {
        /// The client.
        consumer: ConsumerId,
        /// Why.
        how: StopKind,
    },

    // ---- producing -------------------------------------------------------------------------------
    /// A producer hands a message to its client library; its luck is drawn.
    Born {
        /// Who.
        producer: ProducerId,
        /// The message.
        message: MessageId,
        /// Its random word, from which all its later luck derives.
        luck: u64,
        /// Body size, bytes.
        body_size: u32,
    },
    /// A broker appended a new message of a producer to the commit log.
    Stored {
        /// Where it lies.
        queue: QueueId,
        /// At which offset.
        offset: u64,
        /// The message.
        message: MessageId,
        /// Body size, bytes.
        body_size: u32,
    },
    /// The producer has the broker's answer.
    SendAcknowledged {
        /// Who.
        producer: ProducerId,
        /// The message.
        message: MessageId,
        /// From the call of send to the answer.
        latency: SimDuration,
    },

    /// A broker refused a message (its queue is no more), or the topic has none to write to; the producer tries
    /// another queue, or gives up.
    SendRefused {
        /// Who.
        producer: ProducerId,
        /// The message.
        message: MessageId,
        /// Whether that was the last attempt: the message is not stored anywhere.
        gave_up: bool,
    },

    // ---- broker ----------------------------------------------------------------------------------
    /// Records of a queue became visible to pulls: all offsets below `max_offset`.
    Dispatched {
        /// The queue.
        queue: QueueId,
        /// One past the last visible record.
        max_offset: u64,
    },
    /// A request reached a broker.
    Request {
        /// Which broker.
        broker: BrokerId,
        /// What kind.
        kind: RequestKind,
        /// The group whose client sent it; `None` for those of producers.
        group: Option<GroupId>,
    },
    /// A broker has taken a client's heartbeat.
    Heartbeat {
        /// Which broker.
        broker: BrokerId,
        /// Whose.
        consumer: ConsumerId,
    },
    /// A pull found nothing and is held.
    PullHeld {
        /// At whose broker, for which queue.
        queue: QueueId,
        /// Whose pull.
        consumer: ConsumerId,
        /// The offset that it waits for.
        offset: u64,
    },
    /// A pull failed at the client, for want of an answer or because the broker refused it; again after 1 s, or after
    /// 20 ms if the broker said FLOW_CONTROL.
    PullFailed {
        /// Whose pull.
        consumer: ConsumerId,
        /// Which queue.
        queue: QueueId,
        /// Why.
        cause: PullFailure,
    },
    /// A broker answers a pull.
    PullAnswered {
        /// Which queue.
        queue: QueueId,
        /// Whose pull.
        consumer: ConsumerId,
        /// How.
        result: PullResult,
        /// Messages in the answer.
        messages: u32,
        /// Their bytes.
        bytes: u64,
        /// `nextBeginOffset`: where the client is to go on.
        next_offset: u64,
        /// How long it was held; zero if answered at once.
        held: SimDuration,
    },
    /// A broker sends messages unasked, by a standing order.
    Pushed {
        /// Which queue.
        queue: QueueId,
        /// Whose order.
        consumer: ConsumerId,
        /// Messages in the envelope.
        messages: u32,
        /// Their bytes.
        bytes: u64,
        /// One past the last of them.
        next_offset: u64,
    },
    /// A group's committed offset at the broker is overwritten (maybe by the same value).
    OffsetCommitted {
        /// Whose.
        group: GroupId,
        /// Which queue.
        queue: QueueId,
        /// What stood there; `None` if nothing did.
        old: Option<u64>,
        /// What stands there now.
        new: u64,
        /// By a pull or by a message of its own.
        via: CommitVia,
    },

    // ---- consuming -------------------------------------------------------------------------------
    /// A consumer took a queue; it will pull from `start_offset`.
    QueueAcquired {
        /// Who.
        consumer: ConsumerId,
        /// Which queue.
        queue: QueueId,
        /// First offset to pull.
        start_offset: u64,
        /// What decided the offset.
        decided_by: StartOffsetRule,
    },
    /// A member of a broadcasting group wrote an offset into its file.
    LocalOffsetStored {
        /// Whose file.
        consumer: ConsumerId,
        /// Which queue.
        queue: QueueId,
        /// What stands there now.
        offset: u64,
    },
    /// A consumer gave a queue up.
    QueueReleased {
        /// Who.
        consumer: ConsumerId,
        /// Which queue.
        queue: QueueId,
        /// Messages that it had cached and not finished.
        unfinished: u32,
    },
    /// A rebalance round of one client begins.
    RebalanceBegan {
        /// Who.
        consumer: ConsumerId,
        /// What woke it.
        trigger: RebalanceTrigger,
    },
    /// A rebalance round of one client ended.
    RebalanceEnded {
        /// Who.
        consumer: ConsumerId,
        /// Queues taken.
        added: u32,
        /// Queues given up.
        removed: u32,
        /// Whether the client counts itself as balanced.
        balanced: bool,
    },
    /// A pull was put off because the cache is full.
    FlowControlled {
        /// Who.
        consumer: ConsumerId,
        /// Which queue.
        queue: QueueId,
        /// What was exceeded.
        by: FlowControlCause,
    },
    /// A message entered a client's cache.
    Cached {
        /// Who.
        consumer: ConsumerId,
        /// Which queue.
        queue: QueueId,
        /// Messages in this answer.
        messages: u32,
        /// Messages of the queue now in the cache.
        cached: u32,
        /// What the client has cached of all its queues now.
        client: CacheTotal,
        /// What all clients of its group have cached now.
        group: CacheTotal,
    },
    /// The listener is called with a message.
    Delivered {
        /// Whose listener.
        consumer: ConsumerId,
        /// Its group.
        group: GroupId,
        /// Where the record lies (a queue of a user topic or of `%RETRY%group`).
        queue: QueueId,
        /// At which offset.
        offset: u64,
        /// The message.
        message: MessageId,
        /// Its random word, from which its tag and key derive.
        luck: u64,
        /// `reconsumeTimes` that the listener sees: 0 for the original.
        reconsume_times: u16,
        /// When its producer made it.
        born: SimTime,
        /// When this record was stored.
        stored: SimTime,
        /// How many messages of the same call were told before it: 0 for the first.
        position: u16,
    },
    /// The listener has returned and the result counts.
    Consumed {
        /// Whose listener.
        consumer: ConsumerId,
        /// Its group.
        group: GroupId,
        /// Where the record lies.
        queue: QueueId,
        /// At which offset.
        offset: u64,
        /// The message.
        message: MessageId,
        /// `reconsumeTimes` that the listener saw.
        reconsume_times: u16,
        /// When its producer made it.
        born: SimTime,
        /// How long a thread was busy with it (its share of the call).
        busy: SimDuration,
        /// `CONSUME_SUCCESS` (true) or `RECONSUME_LATER`.
        success: bool,
    },
    /// The listener has thrown or returned `null`, which counts as `RECONSUME_LATER`, or it hangs: it will never return.
    NoStatus {
        /// Whose listener.
        consumer: ConsumerId,
        /// Where the call's records lie.
        queue: QueueId,
        /// The offset of the first.
        offset: u64,
        /// How many there are.
        messages: u32,
        /// What it does instead.
        how: NoStatus,
    },
    /// A listener that remembers what it has done has worked on a message, whatever becomes of the result.
    EffectHappened {
        /// Whose listener.
        group: GroupId,
        /// The message, or its key, as the store knows it.
        identity: u64,
    },
    /// Such a listener has answered a delivery with success and without work: it had been marked before.
    EffectSuppressed {
        /// Whose listener.
        group: GroupId,
        /// The message, or its key, as the store knows it.
        identity: u64,
    },
    /// Messages that could not be sent back go to the listener again, at the same client.
    LocalRetry {
        /// The client.
        consumer: ConsumerId,
        /// Where the records lie.
        queue: QueueId,
        /// The first offset.
        from: u64,
        /// One past the last.
        to: u64,
    },
    /// A call has taken longer than `consumeTimeout`, and its message was sent back while the listener still has it.
    ConsumeTimedOut {
        /// Whose listener.
        consumer: ConsumerId,
        /// Where the record lies.
        queue: QueueId,
        /// At which offset.
        offset: u64,
    },
    /// The listener has returned or was cut off, and the result is thrown away: queue dropped, client
    /// gone, or the message was taken from it by `consumeTimeout`.
    ResultDiscarded {
        /// Whose listener.
        consumer: ConsumerId,
        /// Its group.
        group: GroupId,
        /// Where the record lies.
        queue: QueueId,
        /// At which offset.
        offset: u64,
        /// How long a thread was busy with it.
        busy: SimDuration,
    },

    /// The guard of a client lets a listener call pass.
    GuardPassed {
        /// Whose guard.
        consumer: ConsumerId,
        /// How long its thread waited, or will wait, for that.
        waited: SimDuration,
    },
    /// The guard of a client blocks a listener call: it returns `RECONSUME_LATER`.
    GuardBlocked {
        /// Whose guard.
        consumer: ConsumerId,
    },
    /// A client has so many listener threads from now on.
    ThreadsSet {
        /// Which.
        consumer: ConsumerId,
        /// How many.
        threads: u32,
    },
    /// A broker stored a message that a client forwards from another topic.
    Forwarded {
        /// Who forwards.
        consumer: ConsumerId,
        /// Where it lies now.
        queue: QueueId,
        /// At which offset.
        offset: u64,
        /// The message, the same as before.
        message: MessageId,
        /// Body size, bytes.
        body_size: u32,
    },
    /// A step of the timeline happens next.
    TimelineStep {
        /// Its position in the configuration.
        step: u32,
    },

    // ---- order -----------------------------------------------------------------------------------
    /// A broker granted an orderly client the lock of a queue, or renewed it.
    QueueLocked {
        /// Whose.
        consumer: ConsumerId,
        /// Which queue.
        queue: QueueId,
    },
    /// A client gave the lock of a queue back, whether or not it had it.
    QueueUnlocked {
        /// Who.
        consumer: ConsumerId,
        /// Which queue.
        queue: QueueId,
    },
    /// A broker refused the lock of a queue: another client has it.
    LockRefused {
        /// Whom.
        consumer: ConsumerId,
        /// Which queue.
        queue: QueueId,
    },
    /// An orderly client has won the lock of a queue and asked again where it starts: elsewhere than it had been told.
    StartOffsetChanged {
        /// Who.
        consumer: ConsumerId,
        /// Which queue.
        queue: QueueId,
        /// First offset to pull.
        start_offset: u64,
    },
    /// An orderly listener has failed, and the queue pauses: the next delivery is `offset` again.
    QueueSuspended {
        /// Whose listener.
        consumer: ConsumerId,
        /// Its group.
        group: GroupId,
        /// Which queue.
        queue: QueueId,
        /// The first message that comes again.
        offset: u64,
        /// All since the last commit come again, not this call's alone.
        rolled_back: bool,
    },

    // ---- retry and dead letters ------------------------------------------------------------------
    /// The broker took a failed message back and scheduled a copy for `%RETRY%group`.
    RetryScheduled {
        /// Whose failure.
        group: GroupId,
        /// The record that failed.
        queue: QueueId,
        /// Its offset.
        offset: u64,
        /// The message.
        message: MessageId,
        /// `reconsumeTimes` of the copy: 1 for the first retry.
        reconsume_times: u16,
        /// Delay level, from 1.
        level: u8,
        /// Its delay.
        delay: SimDuration,
    },
    /// The schedule service moved a copy to its retry queue.
    RetryStored {
        /// Whose retry.
        group: GroupId,
        /// Where the copy lies.
        queue: QueueId,
        /// At which offset.
        offset: u64,
        /// The message.
        message: MessageId,
        /// `reconsumeTimes` of the copy.
        reconsume_times: u16,
        /// From the send-back to now.
        waited: SimDuration,
        /// It was stored before: a crash of the broker has undone the progress of its delay level.
        again: bool,
    },
    /// A message was given up and lies in `%DLQ%group`.
    DeadLettered {
        /// Whose failure.
        group: GroupId,
        /// The record that failed last.
        queue: QueueId,
        /// Its offset.
        offset: u64,
        /// Where the dead letter lies.
        dlq_queue: QueueId,
        /// The message.
        message: MessageId,
        /// `reconsumeTimes` of the dead letter.
        reconsume_times: u16,
        /// The user topic from which it came.
        origin_topic: TopicId,
        /// When its producer made it.
        born: SimTime,
    },
    /// A failed message that nobody will try again.
    Dropped {
        /// Whose listener had it.
        consumer: ConsumerId,
        /// Its group.
        group: GroupId,
        /// The record that failed.
        queue: QueueId,
        /// Its offset.
        offset: u64,
        /// The message.
        message: MessageId,
        /// Why.
        cause: DropCause,
    },
    /// A reader of a group passed over records that its subscription does not want, at the broker or at the client.
    /// A later reader with another subscription may deliver them after all.
    Filtered {
        /// Who passed over them.
        consumer: ConsumerId,
        /// Its group.
        group: GroupId,
        /// Which queue.
        queue: QueueId,
        /// First offset passed over.
        from: u64,
        /// First offset not passed over.
        to: u64,
        /// Who did not let them through.
        by: FilteredBy,
        /// Whether the subscription of a member of the group, now, asks for them.
        wanted: bool,
    },
    /// How many messages of a topic a group has yet to commit that match its subscription at a broker, as that broker
    /// estimates it (`rocketmq_consumer_lag_messages`). Told before every sample where groups have filters.
    LagEstimated {
        /// Whose.
        group: GroupId,
        /// Of which topic.
        topic: TopicId,
        /// All messages from the committed offsets on.
        diff: u64,
        /// The estimate, all brokers together.
        matching: u64,
    },
    /// Somebody looks for messages by key; what is found follows, the newest first.
    MessagesQueried {
        /// Of which topic.
        topic: TopicId,
        /// With which key.
        key: Key,
        /// How many each broker may give.
        max_num: u32,
    },
    /// A message that the last [`MessagesQueried`](Self::MessagesQueried) has found.
    MessageFound {
        /// Where it lies.
        queue: QueueId,
        /// At which offset.
        offset: u64,
        /// The message.
        message: MessageId,
        /// Its random word.
        luck: u64,
        /// When this record was stored.
        stored: SimTime,
    },
    /// Retention has removed the records below an offset; whoever has not seen them never will.
    Expired {
        /// Which queue.
        queue: QueueId,
        /// The least offset before.
        from: u64,
        /// The least offset now.
        to: u64,
    },
    /// A dead letter of a group was sent again to its topic of origin, as a new message of the same identity.
    Resent {
        /// Whose dead letter.
        group: GroupId,
        /// Where it lies now.
        queue: QueueId,
        /// At which offset.
        offset: u64,
        /// The message.
        message: MessageId,
    },
    /// An operator sets the offset of a group.
    OffsetReset {
        /// Whose.
        group: GroupId,
        /// Which queue.
        queue: QueueId,
        /// Where the group is to go on.
        to: u64,
    },
    /// The group goes on beyond messages that it never saw, or has not finished: it skips them for good.
    OffsetsSkipped {
        /// Whose loss.
        group: GroupId,
        /// Which queue.
        queue: QueueId,
        /// First offset skipped.
        from: u64,
        /// First offset not skipped.
        to: u64,
        /// Whether an operator has set the offset, rather than `ConsumeFromWhere` or what retention has left.
        by_operator: bool,
    },
}

/// Who did not let a message through to a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilteredBy {
    /// The broker: it does not match the subscription that the broker goes by.
    Broker,
    /// The client: the broker went by another member's subscription.
    Client,
    /// The client: the hash of its tag matches, its tag does not.
    HashCollision,
}

impl FilteredBy {
    /// All of them, in report order.
    pub const ALL: [Self; 3] = [Self::Broker, Self::Client, Self::HashCollision];
}

/// What a listener does that returns no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoStatus {
    /// It throws an exception.
    Threw,
    /// It returns `null`.
    ReturnedNull,
    /// It never returns.
    Hangs,
}

/// Why a failed message is not tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropCause {
    /// A member of a broadcasting group failed it.
    Broadcasting,
    /// The group has no retry queue (`retryQueueNums` ≤ 0), and the broker dropped it.
    NoRetryQueue,
}

impl DropCause {
    /// All of them, in report order.
    pub const ALL: [Self; 2] = [Self::Broadcasting, Self::NoRetryQueue];
}

/// How a client went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopKind {
    /// `shutdown()`.
    Graceful,
    /// `kill -9`.
    Killed,
    /// Its host is gone; no connection was closed.
    Vanished,
    /// `start()` failed: the name server could not be reached.
    StartFailed,
}

/// Why a pull failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullFailure {
    /// The connection was lost, or could not be made.
    Connection,
    /// No answer within 31 s.
    Timeout,
    /// `queueId` is beyond `readQueueNums`.
    IllegalQueue,
    /// SUBSCRIPTION_NOT_EXIST.
    SubscriptionNotExist,
    /// SUBSCRIPTION_NOT_LATEST.
    SubscriptionNotLatest,
    /// SYSTEM_BUSY: the queue of the broker's pull threads is full.
    SystemBusy,
    /// FLOW_CONTROL.
    FlowControl,
}

/// Requests that brokers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestKind {
    /// SEND_MESSAGE.
    Send,
    /// PULL_MESSAGE.
    Pull,
    /// HEART_BEAT.
    Heartbeat,
    /// UNREGISTER_CLIENT.
    Unregister,
    /// GET_CONSUMER_LIST_BY_GROUP.
    ConsumerList,
    /// QUERY_CONSUMER_OFFSET.
    QueryOffset,
    /// GET_MAX_OFFSET and SEARCH_OFFSET_BY_TIMESTAMP.
    LookupOffset,
    /// UPDATE_CONSUMER_OFFSET; each queue is a request of its own.
    UpdateOffset,
    /// CONSUMER_SEND_MSG_BACK.
    SendBack,
    /// An acknowledgement of pushed messages, which gives credit back; not RocketMQ's.
    Acknowledge,
    /// LOCK_BATCH_MQ.
    LockBatch,
    /// UNLOCK_BATCH_MQ.
    UnlockBatch,
}

impl RequestKind {
    /// All of them, in report order.
    pub const ALL: [Self; 12] = [
        Self::Send,
        Self::Pull,
        Self::Heartbeat,
        Self::Unregister,
        Self::ConsumerList,
        Self::QueryOffset,
        Self::LookupOffset,
        Self::UpdateOffset,
        Self::SendBack,
        Self::Acknowledge,
        Self::LockBatch,
        Self::UnlockBatch,
    ];
}

/// How a pull ended at the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullResult {
    /// Messages.
    Found,
    /// Nothing, and the hold is over.
    NotFound,
    /// Nothing that the group wants in what was looked at: the client is to go on at once (PULL_RETRY_IMMEDIATELY).
    NoMatched,
    /// The offset is out of range or was reset: the answer names another.
    OffsetMoved,
}

/// How a commit came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitVia {
    /// Piggy-backed on a pull.
    Pull,
    /// The 5 s tick, the give-up of a queue or the shutdown.
    Update,
    /// The broker has crashed: its offsets are those of its last save.
    FellBack,
    /// An operator has reset it.
    Reset,
}

/// What decided where a queue starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartOffsetRule {
    /// The committed offset: the broker's, or in a broadcasting group that of the local file.
    Committed,
    /// No offset, but the queue is young: the broker answers 0.
    YoungQueue,
    /// `ConsumeFromWhere`.
    ConsumeFromWhere,
}

/// What woke a rebalance round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebalanceTrigger {
    /// The client's own start.
    Start,
    /// `notifyConsumerIdsChanged` from a broker.
    Notification,
    /// The period (20 s) passed.
    Period,
    /// 1 s passed after a round that did not reach its aim.
    Unbalanced,
    /// A broker was connected to anew and took the heartbeat (5.2 and later).
    Reconnect,
    /// A broker has called an offset illegal (5.2 and later).
    OffsetIllegal,
}

/// Which threshold put a pull off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowControlCause {
    /// `pullThresholdForQueue`.
    Count,
    /// `pullThresholdSizeForQueue`.
    Size,
    /// `consumeConcurrentlyMaxSpan`.
    Span,
}
