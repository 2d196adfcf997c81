//! What a cluster is made from: names resolved, defaults filled in, nothing left to guess.
//!
//! `scenario` builds these from a file; a program may build them by hand. The `…Tuning` blocks are read from
//! scenario files as they stand: their keys are RocketMQ's own, with RocketMQ's units and defaults, so that
//! a user can paste from her configuration.

pub use crate::cluster::broker::expression_message_filter::{Expression, ExpressionId};
pub use crate::cluster::consumer::allocate::Strategy;
pub use crate::cluster::consumer::consume_result::MessageModel;
pub use crate::cluster::consumer::delivery::Delivery;
pub use crate::cluster::consumer::guard::{Behavior, Blocked, GuardConfig, GuardRule};
pub use crate::cluster::consumer::idempotent::{IdempotentConfig, Identity, Mark, StoreScope};
pub use crate::cluster::consumer::listener::{FailureConfig, ListenerRule, Outcome, Which};

use crate::cluster::fact::PullFailure;
use crate::cluster::ids::{BrokerId, GroupId, ProducerId, TopicId};
use crate::cluster::network::Server;
use crate::cluster::producer::attributes::Key;
use crate::cluster::producer::workload::Arrivals;
use crate::kernel::dist::Dist;
use crate::kernel::time::{SimDuration, SimTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Whole milliseconds: the unit of most RocketMQ settings.
// The schema of a field only refers to that of this type, and `range(…)` would be lost on the way: fields bound
// themselves by `extend("minimum" = …)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// The same as a span of virtual time.
    pub const fn duration(self) -> SimDuration {
        SimDuration::from_millis(self.0)
    }
}

/// Whole minutes: the unit of `consumeTimeout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Minutes(pub u32);

impl Minutes {
    /// The same as a span of virtual time.
    pub const fn duration(self) -> SimDuration {
        SimDuration::from_secs(self.0 as u64 * 60)
    }
}

/// A whole run.
#[derive(Clone, Debug)]
pub struct ClusterConfig {
    /// Root of every random stream.
    pub seed: u64,
    /// Virtual time at which the run ends.
    pub duration: SimDuration,
    /// Which release's rules apply.
    pub version: RocketMqVersion,
    /// Brokers; [`BrokerId`] is the position here. Sorted by name.
    pub brokers: Vec<BrokerConfig>,
    /// User topics; [`TopicId`] is the position here. Retry and dead-letter topics come into being later.
    pub topics: Vec<TopicConfig>,
    /// Producer instances, each under its own name.
    pub producers: Vec<ProducerConfig>,
    /// Consumer groups.
    pub groups: Vec<GroupConfig>,
    /// What subscriptions ask for beside `*`; [`ExpressionId`] counts them from 1.
    pub expressions: Vec<Expression>,
    /// What happens when; sorted by time, ties in file order.
    pub timeline: Vec<TimelineEntry>,
    /// What [`Action::SetListener`] refers to.
    pub listeners: Vec<ListenerConfig>,
    /// One-way delay of everything that travels between two nodes.
    pub network: NetworkConfig,
    /// How many name servers there are; each knows all, a client uses one until it fails. At least 1.
    pub name_servers: u32,
    /// What forwarders do.
    pub forwards: Vec<ForwardConfig>,
    /// Settings that all brokers share.
    pub broker_tuning: BrokerTuning,
    /// How often the observer looks at the whole cluster; the grid of every time series.
    pub sample_interval: SimDuration,
    /// How long at the start nothing is measured, a multiple of the sampling interval. The cluster knows nothing of it.
    pub warmup: SimDuration,
}

impl ClusterConfig {
    /// Whether somebody in `group` wants less than all messages of a topic, or comes to.
    pub fn has_filters(&self, group: GroupId) -> bool {
        let subscribes = |entry: &TimelineEntry| matches!(entry.action, Action::Subscribe { member, .. } if member.group == group);
        let consumers = &self.groups[group.index()].consumers;
        consumers.iter().any(|consumer| !consumer.filters.is_empty()) || self.timeline.iter().any(subscribes)
    }

    /// Whether any broker crashes.
    pub fn has_crashes(&self) -> bool {
        let crashes = |entry: &TimelineEntry| matches!(entry.action, Action::StopBroker { crash: true, .. });
        self.timeline.iter().any(crashes)
    }
}

/// The release whose rules apply; see [`Profile`](crate::cluster::profile::Profile) for what differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RocketMqVersion {
    /// RocketMQ 4.9.
    #[serde(rename = "4.9")]
    V4_9,
    /// RocketMQ 5.3.
    #[default]
    #[serde(rename = "5.3")]
    V5_3,
}

/// One broker (master).
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// `brokerName`.
    pub name: String,
    /// The machine room in which it stands; empty if it is not known.
    pub machine_room: String,
}

/// One topic.
#[derive(Clone, Debug)]
pub struct TopicConfig {
    /// Topic name.
    pub name: String,
    /// Where it lives, with how many queues on each.
    pub placement: Vec<(BrokerId, TopicQueues)>,
}

/// Queue numbers of a topic on one broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicQueues {
    /// `readQueueNums`: consumers are given queues 0 … n − 1.
    pub read: u32,
    /// `writeQueueNums`: producers use queues 0 … n − 1.
    pub write: u32,
}

/// One producer instance.
#[derive(Clone, Debug)]
pub struct ProducerConfig {
    /// Name of the instance; its random streams depend on it.
    pub name: String,
    /// Where its messages go.
    pub topic: TopicId,
    /// When they are sent.
    pub arrivals: Arrivals,
    /// Body size in bytes.
    pub body_size: SizeDist,
    /// First instant at which it may send.
    pub start: SimTime,
    /// It sends nothing at or after this instant.
    pub stop: SimTime,
    /// It stops after this many messages.
    pub max_messages: u64,
    /// What its messages are about.
    pub attributes: AttributesConfig,
    /// Which queue a message goes to.
    pub queue_selector: QueueSelector,
}

/// Tags, keys and properties of one producer's messages; each message draws its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttributesConfig {
    /// Tags with their weights, not all zero; the empty tag means none. Empty: no message has a tag.
    pub tags: Vec<(String, u32)>,
    /// Keys; `None`: no message has one.
    pub keys: Option<KeyDist>,
    /// User properties by name.
    pub properties: Vec<(String, PropertyDist)>,
}

/// How often each key comes; keys are called k1, k2, …
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KeyDist {
    /// All alike.
    Uniform {
        /// How many there are; at least 1.
        count: u32,
    },
    /// Key number r in proportion to r^−exponent.
    Zipf {
        /// How many there are; at least 1.
        count: u32,
        /// 0 makes all alike.
        exponent: f64,
    },
}

/// Values of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PropertyDist {
    /// Texts with their weights, not all zero.
    Choices(Vec<(String, u32)>),
    /// Whole numbers from the first to the second, both included, all alike.
    Uniform {
        /// Least.
        min: i64,
        /// Greatest.
        max: i64,
    },
}

/// Which queue a message goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum QueueSelector {
    /// In turn, another broker after a failure.
    #[default]
    RoundRobin,
    /// `SelectMessageQueueByHash` of the key: messages of one key go to one queue, while the queues stay as they are. A
    /// send that fails is not repeated.
    ByKey,
}

/// Body sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SizeDist {
    /// All alike.
    Constant(u32),
    /// Equally likely from the first to the second, both included.
    Uniform(u32, u32),
}

/// One consumer group.
#[derive(Clone, Debug)]
pub struct GroupConfig {
    /// Group name.
    pub name: String,
    /// Topics it subscribes to, all messages of each.
    pub subscribe: Vec<TopicId>,
    /// Who gets a message.
    pub message_model: MessageModel,
    /// Broadcasting: what becomes of the file with a client's offsets when its process ends.
    pub local_offset_store: LocalOffsetStore,
    /// How its members call their listeners.
    pub listener: ListenerKind,
    /// `AllocateMessageQueueStrategy`.
    pub strategy: Strategy,
    /// Where a queue without a committed offset starts.
    pub consume_from_where: ConsumeFromWhere,
    /// How messages get to its clients.
    pub delivery: Delivery,
    /// What stands before the listener of each client.
    pub guard: Option<GuardConfig>,
    /// Where a queue starts with `CONSUME_FROM_TIMESTAMP`; `None`: 30 min before the client's start.
    pub consume_timestamp: Option<SimTime>,
    /// Settings that its clients share.
    pub tuning: ConsumerTuning,
    /// How its listeners remember what they have done, if they do.
    pub idempotent: Option<IdempotentConfig>,
    /// Settings that brokers have for it.
    pub subscription_group: SubscriptionGroup,
    /// Members named in the file, in order; the timeline may add more.
    pub consumers: Vec<ConsumerConfig>,
}

impl GroupConfig {
    /// The distinct client ids of a broadcasting group, each of which gets all messages, in the order of its members; none
    /// of another.
    pub fn readers(&self) -> Vec<String> {
        let mut known = BTreeSet::new();
        let ids = self.consumers.iter().map(|consumer| &consumer.client_id);
        let distinct = ids.filter(|id| known.insert(*id)).cloned();
        match self.message_model {
            MessageModel::Clustering => Vec::new(),
            MessageModel::Broadcasting => distinct.collect(),
        }
    }
}

/// What becomes of a local file of offsets when its client's process ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LocalOffsetStore {
    /// It is there when a client of the same id starts.
    #[default]
    Kept,
    /// It is gone with its container.
    Lost,
}

/// How a client calls its listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListenerKind {
    /// `MessageListenerConcurrently`: on many threads, in no order.
    #[default]
    Concurrently,
    /// `MessageListenerOrderly`: each queue in its order, by one client at a time.
    Orderly(OrderlySettings),
}

/// What an orderly listener does besides its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderlySettings {
    /// `autoCommit`: each success is a commit.
    pub auto_commit: bool,
    /// Where the listener commits by hand: after how many calls that succeed; `None` = never.
    pub commit_every: Option<u32>,
    /// Where the listener commits by hand: a failure rolls back all since the last commit, instead of this call.
    pub rollback: bool,
}

impl Default for OrderlySettings {
    fn default() -> Self {
        Self {
            auto_commit: true,
            commit_every: None,
            rollback: false,
        }
    }
}

/// What brokers know of a group beside its members (`SubscriptionGroupConfig`), by RocketMQ's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubscriptionGroup {
    /// Queues of `%RETRY%group` on each broker; 0 = what fails is dropped. Default `cluster.tuning.retryQueueNums`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(max = 1000))]
    pub retry_queue_nums: Option<u32>,
}

/// One consumer client.
#[derive(Clone, Debug)]
pub struct ConsumerConfig {
    /// Name inside the scenario, for example `billing-1`; all lives of a member share it.
    pub name: String,
    /// Which life of the member this is, from 1. Its random streams depend on name and life.
    pub life: u32,
    /// Topics it subscribes to, if they differ from its group's: a mistake that RocketMQ does not notice.
    pub subscribe: Option<Vec<TopicId>>,
    /// Which messages it wants of these topics; all of the others.
    pub filters: Vec<(TopicId, ExpressionId)>,
    /// `clientId` as brokers and rebalances see it; its sort order decides who gets what.
    pub client_id: String,
    /// When it starts; `None` if only the timeline starts it.
    pub start: Option<SimTime>,
    /// `consumeThreadMin`: how many listener calls run at once.
    pub threads: u32,
    /// How long one listener call takes for each message in it.
    pub service: Dist,
    /// When the listener fails, and how.
    pub failure: FailureConfig,
    /// Whether its calls end when a shutdown interrupts their threads.
    pub interruptible: bool,
    /// Its own strategy where it differs from the group's, as during a deploy.
    pub strategy: Option<Strategy>,
    /// The machine room in which it runs; empty if it is not known.
    pub machine_room: String,
}

/// Where a queue starts for which the group has no committed offset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConsumeFromWhere {
    /// The end of the queue, unless the queue is young; see `client-offsets`.
    #[default]
    #[serde(rename = "CONSUME_FROM_LAST_OFFSET")]
    LastOffset,
    /// The oldest message.
    #[serde(rename = "CONSUME_FROM_FIRST_OFFSET")]
    FirstOffset,
    /// The first message stored 30 min before the client started, or later.
    #[serde(rename = "CONSUME_FROM_TIMESTAMP")]
    Timestamp,
}

/// What a listener does from some instant on.
#[derive(Clone, Debug, PartialEq)]
pub struct ListenerConfig {
    /// How long one call takes for each message in it.
    pub service: Dist,
    /// When it fails, and how.
    pub failure: FailureConfig,
}

/// What a forwarder does with a message.
#[derive(Clone, Debug, PartialEq)]
pub struct ForwardConfig {
    /// Where it sends it.
    pub topic: TopicId,
    /// How long it takes for it, the send apart.
    pub service: Dist,
}

/// One entry of the timeline, with wildcards expanded.
#[derive(Clone, Debug)]
pub struct TimelineEntry {
    /// When.
    pub at: SimTime,
    /// What.
    pub action: Action,
}

/// One incarnation of a member: `consumer` is its position in [`GroupConfig::consumers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its group.
    pub group: GroupId,
    /// Which member.
    pub consumer: u32,
}

/// What the timeline can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A client starts.
    Join(Member),
    /// Graceful shutdown.
    Leave(Member),
    /// `kill -9`: no last words, but the kernel closes the connections.
    Kill(Member),
    /// The host is gone (power, cable): nothing closes, the brokers learn of it by their time-out.
    Vanish(Member),
    /// The process stops (garbage collection, SIGSTOP, sleep of the machine); its kernel goes on.
    Pause(Member),
    /// The process goes on.
    Resume(Member),
    /// Nothing passes any more between the client and the server; nobody is told.
    Cut {
        /// The client.
        member: Member,
        /// The other end.
        server: Server,
    },
    /// The end of a [`Cut`](Self::Cut). Cuts of one link add up: it works again when all have ended.
    Heal {
        /// The client.
        member: Member,
        /// The other end.
        server: Server,
    },
    /// From now on every envelope on this link takes so much longer; zero ends it.
    Slow {
        /// The client.
        member: Member,
        /// The other end.
        server: Server,
        /// How much longer, at most 5 s.
        by: SimDuration,
    },
    /// `subscribe()` anew while it runs: the client wants other messages of a topic from now on.
    Subscribe {
        /// The client.
        member: Member,
        /// One of its topics.
        topic: TopicId,
        /// Which messages.
        expression: ExpressionId,
    },
    /// The member's listener behaves otherwise from now on; calls under way go on as they are.
    SetListener {
        /// Whose.
        member: Member,
        /// Position in [`ClusterConfig::listeners`].
        listener: u32,
    },
    /// The broker refuses all pulls until then: the queue of its pull threads is full.
    Busy {
        /// The broker.
        broker: BrokerId,
        /// When that ends.
        until: SimTime,
        /// What it answers.
        answer: PullFailure,
    },
    /// `updateCorePoolSize`: the client has so many listener threads from now on.
    SetThreads {
        /// The client.
        member: Member,
        /// How many.
        threads: u32,
    },
    /// The listener of the client sends its messages to another topic from now on.
    Forward {
        /// The client.
        member: Member,
        /// Position in [`ClusterConfig::forwards`].
        forward: u32,
    },
    /// Clients of the group ask for another limit of retries from now on.
    SetMaxReconsumeTimes {
        /// The group.
        group: GroupId,
        /// As [`ConsumerTuning::max_reconsume_times`].
        times: i32,
    },
    /// A producer sends at another rate from now on.
    SetRate {
        /// Which.
        producer: ProducerId,
        /// Mean time between two messages.
        gap: SimDuration,
    },
    /// `mqadmin queryMsgByKey`: which messages of the topic have the key.
    QueryMessage {
        /// The topic.
        topic: TopicId,
        /// The key.
        key: Key,
        /// How many each broker may give.
        max_num: u32,
    },
    /// Dead letters of a group are sent again to their topics of origin.
    ResendDlq {
        /// Whose.
        group: GroupId,
        /// Time between two of them.
        gap: SimDuration,
    },
    /// `mqadmin updateTopicPerm` of `%DLQ%group`.
    SetDlqPermission {
        /// Whose dead letters.
        group: GroupId,
        /// Whether they may be read.
        readable: bool,
    },
    /// `mqadmin resetOffsetByTime`: where a group goes on in all queues of a topic.
    ResetOffset {
        /// Whose offsets.
        group: GroupId,
        /// In which topic.
        topic: TopicId,
        /// Where it goes on.
        target: OffsetTarget,
        /// Whether offsets may be moved up; brokers from 5.2 on do not ask.
        force: bool,
    },
    /// The process of a broker ends.
    StopBroker {
        /// Which one.
        broker: BrokerId,
        /// `kill -9` instead of a graceful end.
        crash: bool,
    },
    /// The process of a broker starts again.
    StartBroker(BrokerId),
    /// `mqadmin updateTopic`: the topic has these queues on this broker from now on.
    UpdateTopic {
        /// The topic.
        topic: TopicId,
        /// The broker, which may not have held it before.
        broker: BrokerId,
        /// Its queues there.
        numbers: TopicQueues,
    },
}

impl Action {
    /// The life of a member that it names, if it names one.
    pub const fn member(&self) -> Option<Member> {
        match *self {
            Self::Join(member)
            | Self::Leave(member)
            | Self::Kill(member)
            | Self::Vanish(member)
            | Self::Pause(member)
            | Self::Resume(member)
            | Self::Cut { member, .. }
            | Self::Heal { member, .. }
            | Self::Slow { member, .. }
            | Self::Subscribe { member, .. }
            | Self::SetListener { member, .. }
            | Self::SetThreads { member, .. }
            | Self::Forward { member, .. } => Some(member),
            Self::Busy { .. }
            | Self::SetMaxReconsumeTimes { .. }
            | Self::SetRate { .. }
            | Self::QueryMessage { .. }
            | Self::ResendDlq { .. }
            | Self::SetDlqPermission { .. }
            | Self::ResetOffset { .. }
            | Self::StopBroker { .. }
            | Self::StartBroker(_)
            | Self::UpdateTopic { .. } => None,
        }
    }
}

/// Where an operator sends a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetTarget {
    /// To the least offset that there is.
    Earliest,
    /// To the end: the backlog is skipped.
    Latest,
    /// To the first message stored then or later.
    Time(SimTime),
}

/// The network between nodes.
#[derive(Clone, Debug)]
pub struct NetworkConfig {
    /// One-way delay of one envelope. Envelopes on one connection keep their order.
    pub latency: Dist,
}

/// Client settings by their RocketMQ names (`DefaultMQPushConsumer`, `ClientConfig`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ConsumerTuning {
    /// Messages asked for by one pull. Range 1 … 1024.
    #[schemars(range(min = 1, max = 1024))]
    pub pull_batch_size: u32,
    /// Bytes asked for by one pull. Sent along from 5.0 on, but no broker up to 5.3 looks at it.
    #[schemars(range(min = 1))]
    pub pull_batch_size_in_bytes: u32,
    /// Pause between a pull that found something and the next of that queue, ms. Range 0 … 65535.
    #[schemars(extend("maximum" = 65535))]
    pub pull_interval: Millis,
    /// Cached messages of one queue beyond which it is not pulled. Range 1 … 65535.
    #[schemars(range(min = 1, max = 65535))]
    pub pull_threshold_for_queue: u32,
    /// Cached MiB of one queue beyond which it is not pulled. Range 1 … 1024.
    #[schemars(range(min = 1, max = 1024))]
    pub pull_threshold_size_for_queue: u32,
    /// Cached messages of one topic, shared by the queues held; −1 = off. Range −1, 1 … 6 553 500.
    #[schemars(range(min = -1, max = 6_553_500))]
    pub pull_threshold_for_topic: i32,
    /// Cached MiB of one topic, shared by the queues held; −1 = off. Range −1, 1 … 102 400.
    #[schemars(range(min = -1, max = 102_400))]
    pub pull_threshold_size_for_topic: i32,
    /// Distance of offsets in the cache beyond which the queue is not pulled. Range 1 … 65535.
    #[schemars(range(min = 1, max = 65535))]
    pub consume_concurrently_max_span: u32,
    /// Listener threads below which `setThreads` may set them; if `threads` is more, that. Range 1 … 1000.
    #[schemars(range(min = 1, max = 1000))]
    pub consume_thread_max: u32,
    /// Messages handed to one listener call at most. Range 1 … 1024.
    #[schemars(range(min = 1, max = 1024))]
    pub consume_message_batch_max_size: u32,
    /// Retries before a message is dead; −1 = 16, for orderly listeners without end. Range −1 … 65 534: the count of
    /// attempts has 16 bits.
    #[schemars(range(min = -1, max = 65_534))]
    pub max_reconsume_times: i32,
    /// Delay level of a failed message: 0 = 3 + attempts so far, −1 = dead at once, 1 … 18 = that level.
    #[schemars(range(min = -1, max = 18))]
    pub delay_level_when_next_consume: i32,
    /// Pause of a queue whose orderly listener has failed, ms. Range 10 … 30 000.
    #[schemars(extend("minimum" = 10, "maximum" = 30_000))]
    pub suspend_current_queue_time_millis: Millis,
    /// Period of the consume offset's persistence, ms.
    #[schemars(extend("minimum" = 1))]
    pub persist_consumer_offset_interval: Millis,
    /// Period of heartbeats to brokers, ms.
    #[schemars(extend("minimum" = 1))]
    pub heartbeat_broker_interval: Millis,
    /// Period of route look-ups at the name server, ms.
    #[schemars(extend("minimum" = 1))]
    pub poll_name_server_interval: Millis,
    /// Longest pause between two rebalance rounds, ms (`rocketmq.client.rebalance.waitInterval`).
    #[schemars(extend("minimum" = 1))]
    pub rebalance_wait_interval: Millis,
    /// How long a pull may be held at the broker, ms (`brokerSuspendMaxTimeMillis`).
    #[schemars(extend("minimum" = 1, "maximum" = 3_600_000))]
    pub broker_suspend_max_time_millis: Millis,
    /// Time after which the message of a listener call is sent back although the call goes on, and the period of the
    /// looks for such calls, minutes. Range 1 … 525 600.
    #[schemars(extend("minimum" = 1, "maximum" = 525_600))]
    pub consume_timeout: Minutes,
    /// Time that running listener calls get at a graceful shutdown, ms.
    pub await_termination_millis_when_shutdown: Millis,
    /// Time from the start of a client to its first request, ms: loading classes, opening connections. Not a
    /// RocketMQ setting; 280 ms and more on the recorded clusters.
    pub startup_time: Millis,
}

impl Default for ConsumerTuning {
    fn default() -> Self {
        Self {
            pull_batch_size: 32,
            pull_batch_size_in_bytes: 262_144,
            pull_interval: Millis(0),
            pull_threshold_for_queue: 1000,
            pull_threshold_size_for_queue: 100,
            pull_threshold_for_topic: -1,
            pull_threshold_size_for_topic: -1,
            consume_concurrently_max_span: 2000,
            consume_thread_max: 20,
            consume_message_batch_max_size: 1,
            max_reconsume_times: -1,
            delay_level_when_next_consume: 0,
            suspend_current_queue_time_millis: Millis(1_000),
            persist_consumer_offset_interval: Millis(5_000),
            heartbeat_broker_interval: Millis(30_000),
            poll_name_server_interval: Millis(30_000),
            rebalance_wait_interval: Millis(20_000),
            broker_suspend_max_time_millis: Millis(15_000),
            consume_timeout: Minutes(15),
            await_termination_millis_when_shutdown: Millis(0),
            startup_time: Millis(100),
        }
    }
}

/// What may be done with a topic of dead letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DlqPermission {
    /// Groups may subscribe to it.
    #[default]
    ReadWrite,
    /// Nobody is given its queues.
    Write,
}

/// What becomes of old messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Retention {
    /// Whole commit-log files are deleted by their last write, at certain hours.
    #[default]
    Files,
    /// Each message is deleted by its age.
    Exact,
    /// Nothing is deleted.
    None,
}

/// Broker settings by their RocketMQ names (`BrokerConfig`, `MessageStoreConfig`, `SubscriptionGroupConfig`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct BrokerTuning {
    /// Whether empty pulls are held until something arrives.
    pub long_polling_enable: bool,
    /// Hold time and sweep period when long polling is off, ms.
    #[schemars(extend("minimum" = 1, "maximum" = 3_600_000))]
    pub short_polling_time_mills: Millis,
    /// Messages that one pull may carry at most.
    #[schemars(range(min = 1))]
    pub max_transfer_count_on_message_in_memory: u32,
    /// Bytes that one pull may carry at most.
    #[schemars(range(min = 1))]
    pub max_transfer_bytes_on_message_in_memory: u32,
    /// The same for messages that are not in memory any more.
    #[schemars(range(min = 1))]
    pub max_transfer_count_on_message_in_disk: u32,
    /// The same for messages that are not in memory any more.
    #[schemars(range(min = 1))]
    pub max_transfer_bytes_on_message_in_disk: u32,
    /// Memory of a broker's machine, MiB. Not a RocketMQ setting.
    #[schemars(range(min = 1))]
    pub physical_memory_mib: u32,
    /// How much of that holds the end of the commit log: messages there are "in memory", per cent. Range 0 … 100.
    #[schemars(range(max = 100))]
    pub access_message_in_memory_max_ratio: u32,
    /// What becomes of old messages, read or not. "files": whole commit-log files are deleted, as RocketMQ does.
    /// "exact": each message after `fileReservedTime`, to the minute. "none": nothing is deleted.
    pub retention: Retention,
    /// How long messages are kept at least, hours. Range 1 … 87 600.
    #[schemars(range(min = 1, max = 87_600))]
    pub file_reserved_time: u32,
    /// Hours of the day in which old files are deleted, like "04" or "04;16".
    pub delete_when: String,
    /// Local hour of the day at which the run starts. Range 0 … 23. Not a RocketMQ setting.
    #[schemars(range(max = 23))]
    pub hour_at_start: u32,
    /// Size of a commit-log file, bytes. At least 8 MiB here, so that the largest message fits.
    #[schemars(range(min = 8_388_608))]
    pub mapped_file_size_commit_log: u64,
    /// Names of the delay levels, the first is level 1.
    pub message_delay_level: String,
    /// Queues of `%RETRY%group` on each broker.
    #[schemars(range(min = 1, max = 1000))]
    pub retry_queue_nums: u32,
    /// Whether dead letters may be read at once, or only when `updateTopicPerm` allows it, as up to RocketMQ 4.5.1.
    /// Not a RocketMQ setting.
    pub dlq_permission: DlqPermission,
    /// Pause of the dispatch thread between two passes over the commit log, ms. 0 = dispatch with the append.
    #[schemars(extend("maximum" = 3_600_000))]
    pub reput_interval: Millis,
    /// Whether consumers may subscribe with SQL92 expressions.
    pub enable_property_filter: bool,
    /// Time without a heartbeat after which a broker gives a client up, ms; looked at every 10 s.
    #[schemars(extend("minimum" = 1))]
    pub channel_expired_timeout: Millis,
    /// Whether brokers tell a group that its members have changed.
    pub notify_consumer_ids_changed_enable: bool,
    /// Whether a broker that gives a silent client up tells the others. In RocketMQ that is a race between two
    /// scans, which the silent one wins on all recordings. Not a RocketMQ setting.
    pub notify_on_expiry: bool,
}

impl Default for BrokerTuning {
    fn default() -> Self {
        Self {
            long_polling_enable: true,
            short_polling_time_mills: Millis(1_000),
            max_transfer_count_on_message_in_memory: 32,
            max_transfer_bytes_on_message_in_memory: 262_144,
            max_transfer_count_on_message_in_disk: 8,
            max_transfer_bytes_on_message_in_disk: 65_536,
            physical_memory_mib: 16_384,
            access_message_in_memory_max_ratio: 40,
            retention: Retention::Files,
            file_reserved_time: 72,
            delete_when: "04".to_owned(),
            hour_at_start: 0,
            mapped_file_size_commit_log: 1 << 30,
            message_delay_level: "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h".to_owned(),
            retry_queue_nums: 1,
            dlq_permission: DlqPermission::ReadWrite,
            reput_interval: Millis(1),
            enable_property_filter: false,
            channel_expired_timeout: Millis(120_000),
            notify_consumer_ids_changed_enable: true,
            notify_on_expiry: false,
        }
    }
}

impl BrokerTuning {
    /// Bytes at the end of the commit log that are in memory.
    pub const fn bytes_in_memory(&self) -> u64 {
        ((self.physical_memory_mib as u64) << 20) / 100 * self.access_message_in_memory_max_ratio as u64
    }
}
