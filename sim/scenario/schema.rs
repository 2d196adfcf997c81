//! The scenario file as types: every key, its default and its meaning. The JSON Schema comes from here.
//!
//! These types hold what the file says; names are still names. `resolve` turns them into a
//! [`ClusterConfig`](crate::cluster::config::ClusterConfig). Keys are RocketMQ's own where RocketMQ has the thing.

mod guard;
mod listener;
mod study;
mod timeline;

pub use guard::GuardBlock;
pub use listener::{FailureBlock, FailureOutcome, IdempotentBlock, MessageBlock, RuleBlock};
pub use study::{BaselineBlock, Percent, StudyBlock, VaryBlock};
pub use timeline::{NextClientId, Permission, Refusal, ServersBlock, Shutdown, TimelineBlock};

use crate::cluster::config::{
    BrokerTuning, ConsumeFromWhere, ConsumerTuning, Delivery, LocalOffsetStore, MessageModel, QueueSelector,
    RocketMqVersion, Strategy, SubscriptionGroup,
};
use crate::kernel::dist::Dist;
use crate::kernel::time::SimDuration;
use crate::scenario::defaults;
use crate::scenario::units::{Rate, Size};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A scenario for rmqsim: a cluster, its load, what happens to it, and what is expected of it.
///
/// JSON with // and /* */ comments. Durations, rates and sizes are texts with a unit. What is left out has the
/// default named here.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "rmqsim scenario")]
pub struct ScenarioFile {
    /// Where an editor finds this schema; not read by rmqsim.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub schema: Option<String>,
    /// Version of the file format.
    #[serde(default = "defaults::format_version")]
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// What the scenario is called in reports.
    pub title: String,
    /// The one thing that it shows, in a sentence.
    #[serde(default)]
    pub teaches: String,
    /// Changes worth trying next.
    #[serde(default, rename = "try")]
    pub try_next: Vec<String>,
    /// Root of every random stream, 0 … 2⁶⁴ − 1; a text of digits is read too. Default 1.
    #[serde(default)]
    pub seed: Seed,
    /// Virtual time at which the run ends; more than 0, at most 3650d.
    pub duration: SimDuration,
    /// Grid of the time series. Default: the finest round interval that gives at most 600 points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SimDuration")]
    pub sample_interval: Option<SimDuration>,
    /// Time at the start that is not measured: means, quantiles, maxima, rates and skew begin at its end, rounded up to
    /// the sampling grid. Counters and the message account hold the whole run. Shorter than the run. Default "0s".
    #[serde(default, skip_serializing_if = "defaults::is_no_time")]
    #[schemars(extend("default" = "0s"))]
    pub warmup: SimDuration,
    /// Brokers, topics, network.
    pub cluster: ClusterBlock,
    /// Producers by name; instance n is called `name-n`.
    #[serde(default)]
    pub producers: IndexMap<String, ProducerBlock>,
    /// Consumer groups by name; member n is called `group-n`.
    #[serde(default)]
    pub groups: IndexMap<String, GroupBlock>,
    /// What happens when, in any order.
    #[serde(default)]
    pub timeline: Vec<TimelineBlock>,
    /// What must hold at the end, like `groups.billing.lost == 0`; a failed one makes the exit code 1.
    #[serde(default)]
    pub expect: Vec<String>,
    /// What `rmqsim compare` varies, and how often it runs each variant. Default nothing; a run does not look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "StudyBlock")]
    pub study: Option<StudyBlock>,
}

/// A seed of 64 bits. Beyond 2⁵³ it is written as a text, because other languages round such numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

/// Brokers, topics and network.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterBlock {
    /// RocketMQ release whose rules apply. Default "5.3".
    #[serde(default)]
    pub rocketmq: RocketMqVersion,
    /// Broker names, or how many (then broker-a, broker-b, …). Default one.
    #[serde(default)]
    pub brokers: Brokers,
    /// Name servers, each of which knows all brokers; a client uses one until it fails. Default 1.
    #[serde(default = "defaults::one")]
    #[schemars(range(min = 1, max = 16))]
    pub name_servers: u32,
    /// Topics by name, at least one.
    #[schemars(extend("minProperties" = 1))]
    pub topics: IndexMap<String, TopicBlock>,
    /// Machine rooms by name, each with the brokers in it, for MACHINE_ROOM_NEARBY. Default none.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("default" = {}))]
    pub machine_rooms: IndexMap<String, Vec<String>>,
    /// What lies between the nodes.
    #[serde(default)]
    pub network: NetworkBlock,
    /// Settings that all brokers share, by their RocketMQ names.
    #[serde(default)]
    pub tuning: BrokerTuning,
}

/// Names of brokers, or their number.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Brokers {
    /// So many, named broker-a, broker-b, …
    Count(#[schemars(range(min = 1, max = 1000))] u32),
    /// These.
    Named(#[schemars(length(min = 1))] Vec<String>),
}

/// One topic.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TopicBlock {
    /// Queues on each broker, for reading and writing alike. Default 4 (`defaultTopicQueueNums`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 100_000))]
    pub queues_per_broker: Option<u32>,
    /// Queues on each broker that consumers are given. Default `queuesPerBroker`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 100_000))]
    pub read_queue_nums: Option<u32>,
    /// Queues on each broker that producers use. Default `queuesPerBroker`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 100_000))]
    pub write_queue_nums: Option<u32>,
    /// Brokers that hold it. Default all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub brokers: Option<Vec<String>>,
}

/// The network between any two nodes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkBlock {
    /// One-way delay of one request or reply. Default "0.2ms"; not a RocketMQ setting.
    #[serde(default = "defaults::latency")]
    pub latency: Dist,
}

/// Producers that are alike.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProducerBlock {
    /// Where the messages go. Default the only topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub topic: Option<String>,
    /// Messages of each instance, on average; within a burst if there are bursts. Default "100/s".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Rate")]
    pub rate: Option<Rate>,
    /// How the messages are spread over time. Default "poisson".
    #[serde(default)]
    pub arrivals: ArrivalsBlock,
    /// Instances, each with the whole rate. Default 1.
    #[serde(default = "defaults::one")]
    #[schemars(range(min = 1, max = 10_000))]
    pub count: u32,
    /// Body size, 1B … 4MiB. Default "1KiB".
    #[serde(default)]
    pub body_size: BodySize,
    /// Sends nothing before. Default "0s".
    #[serde(default)]
    pub start: SimDuration,
    /// Sends nothing from then on. Default the end of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SimDuration")]
    pub stop: Option<SimDuration>,
    /// Each instance stops after so many messages. Default no limit; "atOnce" needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    pub messages: Option<u64>,
    /// Tags with their weights, like { "TagA": 3, "TagB": 1 }; the tag "" means none. Default no tag.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("default" = {}))]
    pub tags: IndexMap<String, u32>,
    /// Keys, called k1, k2, …: how many, all alike, or { "zipf": … }. Default no key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "KeysBlock")]
    pub keys: Option<KeysBlock>,
    /// Properties by name, for SQL92 filters. Default none.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("default" = {}))]
    pub properties: IndexMap<String, PropertyBlock>,
    /// Which queue a message goes to. Default "roundRobin".
    #[serde(default)]
    pub queue_selector: QueueSelector,
}

/// Keys of messages.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum KeysBlock {
    /// So many, all alike.
    Count(#[schemars(range(min = 1, max = 1_000_000))] u32),
    /// Some more often than others.
    Shape(KeysShape),
}

impl KeysBlock {
    /// How many keys there are.
    pub fn count(&self) -> u32 {
        match self {
            Self::Count(count) | Self::Shape(KeysShape::Zipf { count, .. }) => *count,
        }
    }
}

/// Keys of which some come more often than others.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum KeysShape {
    /// Key number r comes in proportion to r^−exponent.
    Zipf {
        /// How many keys there are.
        #[schemars(range(min = 1, max = 1_000_000))]
        count: u32,
        /// How steep: 0 makes all alike, around 1 is common. 0 … 10.
        #[schemars(range(min = 0.0, max = 10.0))]
        exponent: f64,
    },
}

/// Values of a property.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum PropertyBlock {
    /// Texts with their weights.
    OneOf(#[schemars(extend("minProperties" = 1))] IndexMap<String, u32>),
    /// Whole numbers from `min` to `max`, all alike.
    Uniform {
        /// Least.
        min: i64,
        /// Greatest.
        max: i64,
    },
}

/// How messages are spread over time.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum ArrivalsBlock {
    /// Independent of each other: exponential gaps.
    #[default]
    Poisson,
    /// One after each gap of equal length.
    Constant,
    /// All `messages` at the start.
    AtOnce,
    /// Poisson arrivals during `on`, silence during `off`, and so on.
    Bursts {
        /// Length of a burst; more than 0.
        on: SimDuration,
        /// Length of the silence.
        off: SimDuration,
    },
}

/// Size of message bodies.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum BodySize {
    /// All alike.
    Constant(Size),
    /// A random shape.
    Shape(SizeShape),
}

/// Random sizes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum SizeShape {
    /// All sizes from `min` to `max` equally likely.
    Uniform {
        /// Least size.
        min: Size,
        /// Greatest size.
        max: Size,
    },
}

/// One consumer group.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupBlock {
    /// Topics with the messages wanted of each: "*" or null for all, tags like "TagA || TagB", or { "sql": … }. Default
    /// all that its consumers name, else the only topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SubscribeBlock", extend("minProperties" = 1))]
    pub subscribe: Option<SubscribeBlock>,
    /// Who gets a message: one member (CLUSTERING), or each (BROADCASTING). Default "CLUSTERING".
    #[serde(default)]
    pub message_model: MessageModel,
    /// Broadcasting: whether a client's file with its offsets outlives its process. Default "kept".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "LocalOffsetStore")]
    pub local_offset_store: Option<LocalOffsetStore>,
    /// Kind of listener. Default "concurrently".
    #[serde(default)]
    pub listener: Listener,
    /// What an orderly listener does besides its work. Default: each success is a commit, a failure suspends the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "OrderlyBlock")]
    pub orderly: Option<OrderlyBlock>,
    /// How members share the queues (`AllocateMessageQueueStrategy`). Default "AVG".
    #[serde(default)]
    pub strategy: Strategy,
    /// Where a queue without a committed offset starts. Default "CONSUME_FROM_LAST_OFFSET".
    #[serde(default)]
    pub consume_from_where: ConsumeFromWhere,
    /// How listeners remember what they have done, so that duplicates have no effect. Default not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "IdempotentBlock")]
    pub idempotent: Option<IdempotentBlock>,
    /// Where such a queue starts with CONSUME_FROM_TIMESTAMP: at the first message stored at this time of the run or
    /// later. Default 30 min before each client's start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SimDuration")]
    pub consume_timestamp: Option<SimDuration>,
    /// How messages get to the members: RocketMQ's way, or one to compare it with. Default "longPolling".
    #[serde(default)]
    pub delivery: Delivery,
    /// What stands before the listener of each member, as a rule of Sentinel does. Default nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "GuardBlock")]
    pub guard: Option<GuardBlock>,
    /// Members that are alike, or a list of such blocks. Default one.
    #[serde(default)]
    pub consumers: Consumers,
    /// Allows two members to have one client id, a mistake that RocketMQ does not notice. Default false.
    #[serde(default)]
    pub allow_duplicate_client_ids: bool,
    /// Settings that all members share, by their RocketMQ names.
    #[serde(default)]
    pub tuning: ConsumerTuning,
    /// What brokers have set for the group, by RocketMQ's names.
    #[serde(default)]
    pub subscription_group: SubscriptionGroup,
}

/// Topics, and which of their messages are wanted; null and "" mean all, as "*" does.
pub type SubscribeBlock = IndexMap<String, Option<ExpressionBlock>>;

/// Which messages are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ExpressionBlock {
    /// Those with one of these tags, as in "TagA || TagB"; "*" for all.
    Tags(String),
    /// By their properties.
    Shape(ExpressionShape),
}

/// Filters that are not tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum ExpressionShape {
    /// An SQL92 expression over properties, TAGS and KEYS, as in "amount > 10 AND region = 'eu'". Needs the broker's
    /// `enablePropertyFilter`.
    Sql(String),
}

/// How a member calls its listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Listener {
    /// `MessageListenerConcurrently`: on many threads, in no order.
    #[default]
    Concurrently,
    /// `MessageListenerOrderly`: each queue in its order, by one member at a time, which holds the queue's lock.
    Orderly,
}

/// What an orderly listener does besides its work (`ConsumeOrderlyContext`).
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderlyBlock {
    /// Whether each success is a commit. Default true.
    #[serde(default = "defaults::yes")]
    pub auto_commit: bool,
    /// Where `autoCommit` is false: after how many calls that succeed the listener commits. Default never, and then it
    /// stops when the cache of a queue is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1))]
    pub commit_every: Option<u32>,
    /// What a failure looks like. Default "suspend".
    #[serde(default)]
    pub on_failure: OnFailure,
}

/// What an orderly listener returns when it fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnFailure {
    /// SUSPEND_CURRENT_QUEUE_A_MOMENT: the messages of this call come again.
    #[default]
    Suspend,
    /// ROLLBACK: all since the last commit come again. Needs `autoCommit` false.
    Rollback,
}

/// Members of a group.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Consumers {
    /// All alike.
    Alike(Box<ConsumerBlock>),
    /// Blocks of members, numbered through.
    Listed(#[schemars(length(min = 1))] Vec<ConsumerBlock>),
}

/// Consumers that are alike.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsumerBlock {
    /// How many. Default 1, or as many as `clientIds` has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 100_000))]
    pub count: Option<u32>,
    /// Listener calls at once (`consumeThreadMin`). Default 20.
    #[serde(default = "defaults::threads")]
    #[schemars(range(min = 1, max = 1000))]
    pub threads: u32,
    /// How long the listener takes for one message. Default "10ms".
    #[serde(default = "defaults::service")]
    pub service: Dist,
    /// When the listener fails, and how. Default never.
    #[serde(default)]
    pub failure: FailureBlock,
    /// Whether listener calls end when a shutdown interrupts their threads; else they go on, for nothing. Default true.
    #[serde(default = "defaults::yes")]
    pub interruptible: bool,
    /// When they start. Default "0s".
    #[serde(default)]
    pub start: SimDuration,
    /// A strategy of their own, as while a deploy changes it. Default that of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Strategy")]
    pub strategy: Option<Strategy>,
    /// The machine room in which they run, one of `cluster.machineRooms` or another. Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub machine_room: Option<String>,
    /// Client ids, one for each; their sort order decides who gets which queues. Default the members' names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub client_ids: Option<Vec<String>>,
    /// Topics of these members, and the messages wanted of each, if they differ from the group's, which must hold the
    /// topics: a mistake that RocketMQ does not notice. Default the group's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SubscribeBlock", extend("minProperties" = 1))]
    pub subscribe: Option<SubscribeBlock>,
}

impl Default for OrderlyBlock {
    fn default() -> Self {
        Self {
            auto_commit: defaults::yes(),
            commit_every: None,
            on_failure: OnFailure::default(),
        }
    }
}

impl Default for Brokers {
    fn default() -> Self {
        Self::Count(1)
    }
}

impl Default for NetworkBlock {
    fn default() -> Self {
        Self {
            latency: defaults::latency(),
        }
    }
}

impl Default for BodySize {
    fn default() -> Self {
        Self::Constant(Size(1024))
    }
}

impl Default for Consumers {
    fn default() -> Self {
        Self::Alike(Box::default())
    }
}

impl Default for ConsumerBlock {
    fn default() -> Self {
        Self {
            count: None,
            threads: defaults::threads(),
            service: defaults::service(),
            failure: FailureBlock::default(),
            interruptible: true,
            start: SimDuration::ZERO,
            strategy: None,
            machine_room: None,
            client_ids: None,
            subscribe: None,
        }
    }
}

impl Default for Seed {
    fn default() -> Self {
        Self(1)
    }
}

impl Consumers {
    /// The blocks, in order.
    pub fn blocks(&self) -> &[ConsumerBlock] {
        match self {
            Self::Alike(block) => std::slice::from_ref(&**block),
            Self::Listed(blocks) => blocks,
        }
    }
}

impl ConsumerBlock {
    /// How many members the block stands for.
    pub fn members(&self) -> u32 {
        let listed = self.client_ids.as_ref().map_or(1, |ids| ids.len() as u32);
        self.count.unwrap_or(listed)
    }
}

impl Serialize for Seed {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if self.0 <= 1 << 53 {
            s.serialize_u64(self.0)
        } else {
            s.collect_str(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Seed {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct NumberOrDigits;
        impl serde::de::Visitor<'_> for NumberOrDigits {
            type Value = Seed;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a whole number from 0 to 18446744073709551615")
            }
            fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<Seed, E> {
                Ok(Seed(n))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Seed, E> {
                text.parse().map(Seed).map_err(E::custom)
            }
        }
        d.deserialize_any(NumberOrDigits)
    }
}

impl JsonSchema for Seed {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Seed".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "anyOf": [
            { "type": "integer", "format": "uint64", "minimum": 0 },
            { "type": "string", "pattern": "^[0-9]{1,20}$" },
        ] })
    }
}

/// The JSON Schema (draft 2020-12) of scenario files.
pub fn json_schema() -> serde_json::Value {
    let mut schema = serde_json::Value::from(schemars::schema_for!(ScenarioFile));
    bound_integers(&mut schema);
    schema
}

/// Says in figures what the formats of integers only name, because editors do not check formats.
fn bound_integers(schema: &mut serde_json::Value) {
    use serde_json::Value;
    match schema {
        Value::Object(object) => {
            let bounds: Option<(Value, Value)> = match object.get("format").and_then(Value::as_str) {
                Some("uint32") => Some((0.into(), u32::MAX.into())),
                Some("uint64") => Some((0.into(), u64::MAX.into())),
                Some("int32") => Some((i32::MIN.into(), i32::MAX.into())),
                Some("int64") => Some((i64::MIN.into(), i64::MAX.into())),
                _ => None,
            };
            if let Some((min, max)) = bounds {
                object.entry("minimum").or_insert(min);
                object.entry("maximum").or_insert(max);
            }
            object.values_mut().for_each(bound_integers);
        }
        Value::Array(items) => items.iter_mut().for_each(bound_integers),
        _ => {}
    }
}
