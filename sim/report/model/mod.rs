//! The shape of `report.json`.
//!
//! What identifies a run is in camelCase (`schemaVersion`, `traceDigest`), what was measured in snake_case
//! with its unit at the end (`p99_seconds`); a measure without a unit counts messages, unless its text says
//! otherwise. Maps are keyed by the names of the scenario and keep its order, so that a path such as
//! `groups.billing.lag.final` finds its number. Every number is finite; what was not measured is `null`.
//! Digests and seeds are strings, because other languages round integers above 2⁵³.

mod consumer;
mod delivery;
mod effects;
mod order;
mod queue;
mod reader;
mod rebalance;
mod remedy;
mod stopped;
mod timeline;

pub use consumer::{
    ConsumerEnd, ConsumerReport, EpisodeReport, FailuresReport, FlowControlReport, PullFailuresReport,
};
pub use delivery::DeliveryReport;
pub use effects::EffectsReport;
pub use order::{KeyOrderReport, OrderReport, QueueOrderReport};
pub use queue::{QueueGroupReport, QueueLagReport, QueueReport, SpanReport};
pub use reader::ReaderReport;
pub use rebalance::{
    ChangesReport, DisconnectReport, MemberChange, MemberChangeReport, OwnershipReport, RebalanceEventReport,
    RebalanceReport, Trigger, TriggersReport,
};
pub use remedy::{GuardReport, RemedyGroupReport, RemedyReport};
pub use stopped::{StopReason, StoppedReport};
pub use timeline::{BrokerSeries, GroupSeries, LatencySeries, TimelineReport, TopicSeries};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// Version of this shape. Grows when a field is renamed, removed or changes its meaning.
pub const SCHEMA_VERSION: u32 = 1;

/// Version of the numbers: grows when the same scenario and seed yield other results than before.
pub const RESULTS_VERSION: u32 = 4;

/// Everything that a run reports.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    #[serde(rename = "schemaVersion")]
    pub schema_version: u32,
    /// What ran.
    pub run: RunReport,
    /// The scenario with all its defaults filled in.
    pub scenario: serde_json::Value,
    /// What the brokers did.
    pub cluster: ClusterReport,
    /// By topic name, retry and dead-letter topics included.
    pub topics: IndexMap<String, TopicReport>,
    /// By producer name.
    pub producers: IndexMap<String, ProducerReport>,
    /// By group name.
    pub groups: IndexMap<String, GroupReport>,
    /// By consumer name; the second life of `billing-1` is `billing-1#2`.
    pub consumers: IndexMap<String, ConsumerReport>,
    /// By queue label, `orders broker-a:3`.
    pub queues: IndexMap<String, QueueReport>,
    /// By group name.
    pub rebalance: IndexMap<String, RebalanceReport>,
    /// What the timeline did about backlogs, in order; the first 200.
    pub remedies: Vec<RemedyReport>,
    /// Questions for messages by key, in order; missing if the timeline asks none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queries: Vec<QueryReport>,
    /// Series on a fixed grid.
    pub timeline: TimelineReport,
    /// The message account by group name.
    pub balance: IndexMap<String, BalanceReport>,
    /// The scenario's expectations and what became of them.
    pub expect: Vec<ExpectReport>,
    /// What a reader should know before trusting the numbers.
    pub warnings: Vec<Warning>,
}

/// What ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// Name of the scenario, usually its file's.
    pub name: String,
    /// `title` of the scenario.
    pub title: Option<String>,
    /// Version of the program.
    #[serde(rename = "engineVersion")]
    pub engine_version: String,
    /// [`RESULTS_VERSION`].
    #[serde(rename = "resultsVersion")]
    pub results_version: u32,
    /// Root of all luck.
    pub seed: String,
    /// BLAKE3 of the normalised scenario.
    #[serde(rename = "scenarioHash")]
    pub scenario_hash: String,
    /// Hash over every executed event.
    #[serde(rename = "traceDigest")]
    pub trace_digest: String,
    /// Hash over what all producers made: equal for runs that met the same messages.
    #[serde(rename = "workloadDigest")]
    pub workload_digest: String,
    /// Virtual time at the end.
    pub duration_seconds: f64,
    /// End of the warm-up, where means, quantiles, maxima, rates and skew begin; missing if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured_from_seconds: Option<f64>,
    /// Events executed (not messages).
    pub events: u64,
    /// Messages that producers made.
    pub messages: u64,
    /// `false` if the run ended before its time: the numbers are those of its beginning. Missing from a run that is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete: Option<bool>,
    /// Why, and how far it came. Missing from a run that is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<StoppedReport>,
}

/// What the brokers did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClusterReport {
    /// By broker name.
    pub brokers: IndexMap<String, BrokerReport>,
}

/// One broker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BrokerReport {
    /// Requests that reached it, by kind (not messages).
    pub requests: RequestsReport,
    /// Pulls answered, by result (not messages).
    pub pulls: PullsReport,
    /// Pulls that were held.
    pub holds: HoldsReport,
    /// Messages of producers that it stored.
    pub stored: u64,
    /// Their bodies, bytes.
    pub stored_bytes: u64,
    /// Envelopes with messages that it sent unasked (not messages).
    pub pushes: u64,
    /// Messages in its answers to pulls and in its pushes.
    pub sent: u64,
    /// Their records, headers included, bytes.
    pub sent_bytes: u64,
    /// Clients that it gave up because they had been silent for too long (a count of clients).
    pub members_expired: u64,
    /// How often its process ended.
    pub stops: u64,
    /// How long it was down.
    pub down_seconds: f64,
}

/// Requests by kind; counts of requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RequestsReport {
    /// Sum of all kinds.
    pub total: u64,
    /// SEND_MESSAGE.
    pub send: u64,
    /// PULL_MESSAGE.
    pub pull: u64,
    /// HEART_BEAT.
    pub heartbeat: u64,
    /// UNREGISTER_CLIENT.
    pub unregister: u64,
    /// GET_CONSUMER_LIST_BY_GROUP.
    pub consumer_list: u64,
    /// QUERY_CONSUMER_OFFSET.
    pub query_offset: u64,
    /// GET_MAX_OFFSET and SEARCH_OFFSET_BY_TIMESTAMP.
    pub lookup_offset: u64,
    /// UPDATE_CONSUMER_OFFSET.
    pub update_offset: u64,
    /// CONSUMER_SEND_MSG_BACK.
    pub send_back: u64,
    /// Acknowledgements of pushed messages; not RocketMQ's.
    pub acknowledge: u64,
    /// LOCK_BATCH_MQ of orderly groups.
    pub lock_batch: u64,
    /// UNLOCK_BATCH_MQ of orderly groups.
    pub unlock_batch: u64,
}

/// Answers to pulls; counts of answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PullsReport {
    /// With messages.
    pub found: u64,
    /// Without.
    pub not_found: u64,
    /// Told to go on at another offset: theirs was deleted, or an operator has set another.
    pub offset_moved: u64,
    /// Told to go on at once: nothing matched in what was looked at.
    pub no_match: u64,
    /// Mean messages in an answer or a push that had some; `null` if none had.
    pub messages_mean: Option<f64>,
}

/// Long polling at one broker; counts of holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HoldsReport {
    /// Pulls that were held.
    pub held: u64,
    /// Holds that ended with messages.
    pub woken: u64,
    /// Holds that ran out.
    pub expired: u64,
    /// Holds whose client went, or that still last at the end.
    pub unanswered: u64,
    /// Mean length of an answered hold; `null` if there was none.
    pub mean_seconds: Option<f64>,
    /// Longest answered hold; `null` if there was none.
    pub max_seconds: Option<f64>,
}

/// What a topic is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TopicPurpose {
    /// Made by the user.
    #[default]
    User,
    /// `%RETRY%group`.
    Retry,
    /// `%DLQ%group`.
    DeadLetter,
}

/// One topic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TopicReport {
    /// What it is for.
    pub purpose: TopicPurpose,
    /// The group of a retry or dead-letter topic.
    pub group: Option<String>,
    /// Queues on all brokers (a count of queues).
    pub queues: u64,
    /// Records stored: by producers, by the schedule service, as dead letters.
    pub stored: u64,
    /// Bodies that producers sent, bytes.
    pub stored_bytes: u64,
}

/// One producer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProducerReport {
    /// Where its messages go.
    pub topic: String,
    /// Messages it made.
    pub born: u64,
    /// Messages that a broker stored.
    pub stored: u64,
    /// Messages whose send succeeded.
    pub acknowledged: u64,
    /// Attempts to send that a broker refused (not messages).
    pub refused: u64,
    /// Of these, attempts after which it tried another queue.
    pub retried: u64,
    /// Messages whose last attempt was refused: no broker has stored them.
    pub given_up: u64,
    /// Messages whose send still lasts at the end: neither acknowledged nor given up.
    pub in_flight: u64,
    /// Bodies, bytes.
    pub bytes: u64,
    /// Mean time from send to answer; `null` if there was no answer.
    pub send_mean_seconds: Option<f64>,
    /// Longest time from send to answer; `null` if there was no answer.
    pub send_max_seconds: Option<f64>,
    /// Hash over its messages in order: time, luck, size, number.
    #[serde(rename = "arrivalDigest")]
    pub arrival_digest: String,
}

/// One consumer group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupReport {
    /// Topics it subscribes to.
    pub topics: Vec<String>,
    /// Consumers that ever started, a restarted one counted once (a count of consumers).
    pub members: u64,
    /// Consumers alive at the end.
    pub members_final: u64,
    /// Records stored in its topics.
    pub produced: u64,
    /// Records finished with success, each counted once; a retry copy stands for its message.
    pub succeeded: u64,
    /// `succeeded` ÷ duration.
    pub succeeded_per_second: f64,
    /// Calls of the listener, counted by messages.
    pub deliveries: u64,
    /// `deliveries` by kind.
    pub deliveries_by_kind: DeliveriesReport,
    /// What listeners did instead of returning CONSUME_SUCCESS.
    pub failures: FailuresReport,
    /// Results of the listener that were thrown away: the queue or the consumer was gone, or the message had been taken
    /// from it by `consumeTimeout`.
    pub discarded: u64,
    /// Max offset − committed offset, over its queues and its retry queues: what `mqadmin consumerProgress`
    /// calls Diff Total. A queue without a committed offset counts from 0.
    pub lag: LagReport,
    /// Max offset − records finished: what is truly left to do.
    pub backlog: LagReport,
    /// Age of the oldest message that no listener has seen yet, looked at on the grid. Where the message lies
    /// between two grid points, its time of storage is interpolated.
    pub oldest_waiting: OldestWaitingReport,
    /// From when to when.
    pub latency: LatenciesReport,
    /// Messages that came back.
    pub retries: RetriesReport,
    /// Messages in `%DLQ%group`.
    pub dead: u64,
    /// `dead` by the subscribed topic from which they came.
    pub dead_by_topic: IndexMap<String, u64>,
    /// What has become of its dead letters.
    pub dead_letters: DeadLettersReport,
    /// Records that no member's subscription wants, or that a member passed over for want of interest.
    pub filtered: u64,
    /// Records that retention removed before any listener saw them.
    pub expired: u64,
    /// Messages that no listener will ever finish, without being dead.
    pub lost: u64,
    /// `lost` by cause.
    pub lost_by_cause: LostReport,
    /// Records delivered more than once.
    pub duplicates: DuplicatesReport,
    /// Effects against deliveries, if its listeners remember what they have done (`idempotent`).
    pub effects: EffectsReport,
    /// Of a broadcasting group: what each client id was given. Empty for others.
    pub readers: IndexMap<String, ReaderReport>,
    /// What filters did, by topic; missing if no member of the group filters.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub filters: IndexMap<String, FilterReport>,
    /// Order by queue and by key.
    pub order: OrderReport,
    /// How messages got to its clients, and what that cost.
    pub delivery: DeliveryReport,
    /// What the guards of its clients did.
    pub guard: GuardReport,
    /// Messages that its listeners forwarded to another topic.
    pub forwarded: u64,
    /// Requests of its clients that reached brokers, by kind (not messages).
    pub requests: RequestsReport,
    /// How unevenly the work lay.
    pub skew: GroupSkewReport,
    /// Thread time spent in listeners ÷ thread time of living consumers; `null` if none lived.
    pub utilisation: Option<f64>,
}

/// What the filters of one group did to one topic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FilterReport {
    /// Records that did not match the subscription that the broker goes by; once for each reader that passed over them.
    pub filtered_at_broker: u64,
    /// Records that were sent and that the client's own subscription did not want; counted likewise.
    pub rejected_by_client: u64,
    /// Those of them whose tag has the hash of a tag that is wanted, and another text.
    pub hash_collisions: u64,
    /// Records passed over by all that a member asked for at that time, each once; part of `lost`.
    pub matched_never_delivered: u64,
    /// Pulls that looked at records none of which matched.
    pub pulls_without_match: u64,
    /// Max offset − committed offset at the grid points, over queues with a committed offset.
    pub lag_diff: SampledReport,
    /// The part of it that matches, as the metric `rocketmq_consumer_lag_messages` estimates it.
    pub lag_matching: SampledReport,
}

/// A number that is looked at on the grid.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SampledReport {
    /// At the end.
    #[serde(rename = "final")]
    pub last: u64,
    /// Highest at any grid point.
    pub max: u64,
    /// Mean of the grid points.
    pub mean: f64,
}

/// A question for messages by key, as `mqadmin queryMsgByKey` asks it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueryReport {
    /// When.
    pub at_seconds: f64,
    /// Of which topic.
    pub topic: String,
    /// With which key.
    pub key: String,
    /// How many messages each broker may give.
    pub max_num: u64,
    /// Those found, the newest first.
    pub found: Vec<FoundReport>,
}

/// A message that was found by its key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FoundReport {
    /// Its producer and its number there, from 1.
    pub message: String,
    /// Where it lies.
    pub queue: String,
    /// At which offset.
    pub offset: u64,
    /// When it was stored.
    pub stored_seconds: f64,
    /// Its tag; `null` if it has none.
    pub tag: Option<String>,
}

/// Deliveries by kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeliveriesReport {
    /// First deliveries of originals.
    pub first: u64,
    /// First deliveries of retry copies.
    pub retry: u64,
    /// Deliveries on the spot, by an orderly listener, of what had just failed.
    pub again: u64,
    /// Deliveries of a record that was delivered before, others than these.
    pub duplicate: u64,
}

/// A number of messages that rises and falls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LagReport {
    /// At the end.
    #[serde(rename = "final")]
    pub last: u64,
    /// Highest after the warm-up.
    pub max: u64,
    /// When it was highest first; `null` if it never rose above 0.
    pub max_at_seconds: Option<f64>,
    /// Mean over time, from the end of the warm-up to that of the run.
    pub mean: f64,
    /// 99th percentile of the grid points.
    pub p99: u64,
    /// From the maximum back to 1 % of it or less; `null` if that was not reached.
    pub drain_seconds: Option<f64>,
}

/// Age of the oldest message that waits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OldestWaitingReport {
    /// Highest at any grid point.
    pub max_seconds: f64,
    /// At the end; 0 if nothing waits.
    pub final_seconds: f64,
}

/// Spans of a message's life.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatenciesReport {
    /// From the producer's send to the first call of the listener.
    pub first_delivery: LatencyReport,
    /// From the producer's send to the first success, all retries included.
    pub success: LatencyReport,
    /// From the storage of a record (original or retry copy) to its first delivery.
    pub wait: LatencyReport,
}

/// Quantiles to three digits; mean, deviation and maximum are exact. `null` where nothing was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyReport {
    /// Number of values (not messages).
    pub count: u64,
    /// Arithmetic mean.
    pub mean_seconds: Option<f64>,
    /// Standard deviation.
    pub deviation_seconds: Option<f64>,
    /// Median.
    pub p50_seconds: Option<f64>,
    /// 90th percentile.
    pub p90_seconds: Option<f64>,
    /// 99th percentile.
    pub p99_seconds: Option<f64>,
    /// 99.9th percentile; `null` below 1 000 values.
    pub p999_seconds: Option<f64>,
    /// Largest.
    pub max_seconds: Option<f64>,
    /// For charts.
    pub distribution: DistributionReport,
}

/// A histogram: `count[i]` values lie from `lower_seconds[i]` to `upper_seconds[i]`, both included. Empty bins
/// are left out. There are 16 bins to an octave, equally wide within it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DistributionReport {
    /// Lower ends, seconds.
    pub lower_seconds: Vec<f64>,
    /// Upper ends, seconds.
    pub upper_seconds: Vec<f64>,
    /// Values in each bin.
    pub count: Vec<u64>,
}

/// Messages that came back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RetriesReport {
    /// Copies that the brokers scheduled.
    pub scheduled: u64,
    /// Copies that reached `%RETRY%group`.
    pub stored: u64,
    /// Copies that were scheduled although the same record had been finished before.
    pub extra_copies: u64,
    /// One by one from the originals on; empty if nothing ever failed.
    pub by_attempt: Vec<AttemptReport>,
}

/// All messages at one value of `reconsumeTimes`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AttemptReport {
    /// `reconsumeTimes`: 0 for the original.
    pub attempt: u64,
    /// Delay level of the copies; `null` for originals or if it differed.
    pub level: Option<u64>,
    /// Copies scheduled.
    pub scheduled: u64,
    /// Copies that reached the retry topic.
    pub stored: u64,
    /// Deliveries; of retries with duplicates, of originals without.
    pub delivered: u64,
    /// Results `CONSUME_SUCCESS`; of originals those that counted.
    pub succeeded: u64,
    /// Results `RECONSUME_LATER`.
    pub failed: u64,
    /// Mean of the delays asked for; `null` if none.
    pub delay_asked_seconds: Option<f64>,
    /// Mean of the delays from send-back to retry topic; `null` if none.
    pub delay_waited_mean_seconds: Option<f64>,
    /// Longest of those; `null` if none.
    pub delay_waited_max_seconds: Option<f64>,
}

/// The dead-letter topic of a group; counts of messages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeadLettersReport {
    /// Lie there at the end.
    pub kept: u64,
    /// Deleted by retention, read or not.
    pub expired: u64,
    /// Sent again to their topics of origin, once or more often. They lie there all the same.
    pub resent: u64,
}

/// Lost messages by cause.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LostReport {
    /// Never delivered: the group started to read behind them.
    pub skipped: u64,
    /// Delivered, never finished, and the group went on behind them.
    pub skipped_unfinished: u64,
    /// Skipped because an operator has reset the offset, delivered or not.
    pub reset: u64,
    /// Failed at a member of a broadcasting group: nothing is retried there.
    pub broadcast_failures: u64,
    /// Failed in a group without retry queues (`retryQueueNums` ≤ 0): the broker dropped them.
    pub no_retry_queue: u64,
    /// Never delivered: a member asks for them, but the group passed over them, since another member asks for others.
    pub subscription_mismatch: u64,
}

/// Deliveries of records that had been delivered to the group before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DuplicatesReport {
    /// All.
    pub total: u64,
    /// `total` ÷ records delivered at least once; 0 if none was.
    pub ratio: f64,
    /// By how the queue last came to its present owner.
    pub by_cause: DuplicateCausesReport,
}

/// Duplicates by how the queue last changed hands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DuplicateCausesReport {
    /// The owner before was killed.
    pub killed: u64,
    /// The host of the owner before was lost.
    pub vanished: u64,
    /// The owner before shut down.
    pub graceful: u64,
    /// The owner before lives and gave the queue up.
    pub rebalance: u64,
    /// Two consumers held the queue at once.
    pub overlap: u64,
    /// The owner before was a stopped process, or this one was and others took the queue meanwhile.
    pub paused: u64,
    /// It had failed at the same consumer and could not be sent back, so that it was tried again there after 5 s.
    pub local_retry: u64,
    /// The broker of the queue had ended, and forgotten offsets or members.
    pub broker: u64,
    /// An operator had sent the group back.
    pub reset: u64,
    /// The queue did not change hands.
    pub other: u64,
}

/// How unevenly the work lay. Lives of one consumer are added up. `null` where all shares are 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupSkewReport {
    /// Deliveries over consumers.
    pub consumer_messages: Option<SkewReport>,
    /// Listener time over consumers, seconds.
    pub consumer_busy: Option<SkewReport>,
    /// Queues of subscribed topics held at the end over living consumers.
    pub consumer_queues: Option<SkewReport>,
    /// Mean number of queues of subscribed topics held while alive, over consumers.
    pub consumer_queues_mean: Option<SkewReport>,
    /// Deliveries over queues of subscribed topics.
    pub queue_messages: Option<SkewReport>,
    /// Living consumers without a queue of a subscribed topic at the end (a count of consumers).
    pub idle_consumers: u64,
    /// The same in up to twelve windows of the run.
    pub windows: Vec<SkewWindowReport>,
}

/// Inequality of non-negative shares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SkewReport {
    /// Number of shares.
    pub count: u64,
    /// Mean share.
    pub mean: f64,
    /// Greatest share.
    pub max: f64,
    /// Greatest share ÷ mean; 1 = even.
    pub max_over_mean: f64,
    /// Coefficient of variation, standard deviation of the whole population ÷ mean; 0 = even.
    pub cv: f64,
    /// Gini coefficient; 0 = even, (n − 1) ÷ n = one has all.
    pub gini: f64,
    /// Jain's index; 1 = even, 1 ÷ n = one has all.
    pub jain: f64,
}

/// How unevenly the work of one window lay, over the consumers that lived through it and the queues that existed
/// at its start. `null` where all shares are 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SkewWindowReport {
    /// Start of the window.
    pub from_seconds: f64,
    /// End of the window.
    pub to_seconds: f64,
    /// Listener results over consumers.
    pub consumer_messages: Option<SkewReport>,
    /// Listener time over consumers, seconds.
    pub consumer_busy: Option<SkewReport>,
    /// Mean number of queues of subscribed topics held in the window, over consumers.
    pub consumer_queues: Option<SkewReport>,
    /// Deliveries over queues of subscribed topics, without those that consumers were not given at all.
    pub queue_messages: Option<SkewReport>,
    /// Consumers that held no queue of a subscribed topic all the while (a count of consumers).
    pub idle_consumers: u64,
}

/// The message account of one group at the end:
/// produced + extra_copies = waiting + in_flight + awaiting_retry + succeeded + dead + filtered + expired + lost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BalanceReport {
    /// Records stored in its topics.
    pub produced: u64,
    /// Retry copies and dead letters made of a record that had been finished before.
    pub extra_copies: u64,
    /// Stored, not delivered.
    pub waiting: u64,
    /// Delivered, result still open.
    pub in_flight: u64,
    /// Scheduled for retry, or in the retry topic and not delivered.
    pub awaiting_retry: u64,
    /// Consumed with success.
    pub succeeded: u64,
    /// Dead letters.
    pub dead: u64,
    /// Passed over by a filter.
    pub filtered: u64,
    /// Removed by retention before they were read.
    pub expired: u64,
    /// Skipped, or failed with nobody to try them again.
    pub lost: u64,
    /// How often the account was checked (a count of checks).
    pub checks: u64,
    /// Whether both sides are equal.
    pub balanced: bool,
}

/// One expectation and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpectReport {
    /// As it stands in the scenario.
    pub text: String,
    /// Whether it holds.
    pub passed: bool,
    /// What was measured; `null` if there is no value, which fails.
    pub actual: Option<f64>,
}

/// How much a warning matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningLevel {
    /// Conclusions may be wrong.
    Warning,
    /// Good to know.
    Note,
}

/// What a reader should know before trusting the numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Warning {
    /// How much it matters.
    pub level: WarningLevel,
    /// Stable name: `overload`, `retries-cut`, `few-samples`, …
    pub id: String,
    /// One sentence for people.
    pub text: String,
}
