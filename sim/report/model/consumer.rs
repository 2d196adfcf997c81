//! Consumers: what each life of one did, and what hindered its pulls.

use serde::{Deserialize, Serialize};

/// How a consumer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsumerEnd {
    /// `shutdown()`.
    Graceful,
    /// `kill -9`.
    Killed,
    /// Its host was lost.
    Vanished,
    /// `start()` failed.
    StartFailed,
}

/// One life of one consumer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConsumerReport {
    /// Its group.
    pub group: String,
    /// Its name without the number of the life.
    pub member: String,
    /// `clientId`.
    #[serde(rename = "clientId")]
    pub client_id: String,
    /// Listener threads.
    pub threads: u64,
    /// Start of the process; `null` if it never started.
    pub started_seconds: Option<f64>,
    /// End of the process; `null` if it lives at the end.
    pub stopped_seconds: Option<f64>,
    /// How it ended; `null` if it lives at the end.
    pub end: Option<ConsumerEnd>,
    /// Deliveries.
    pub deliveries: u64,
    /// Results `CONSUME_SUCCESS`.
    pub succeeded: u64,
    /// Results `RECONSUME_LATER`.
    pub failed: u64,
    /// What it did instead of success.
    pub failures: FailuresReport,
    /// Results thrown away.
    pub discarded: u64,
    /// Deliveries ÷ deliveries of its group; 0 if there were none.
    pub share: f64,
    /// Thread time spent in the listener.
    pub busy_seconds: f64,
    /// `busy_seconds` ÷ (threads × life); `null` if it had no life.
    pub busy_ratio: Option<f64>,
    /// Queues of subscribed topics held at the end (a count of queues).
    pub queues_final: u64,
    /// Most queues of subscribed topics ever held at once.
    pub queues_max: u64,
    /// Mean number of queues of subscribed topics held over its life.
    pub queues_mean: f64,
    /// Rebalance rounds it ran.
    pub rebalance_rounds: u64,
    /// Messages that entered its cache.
    pub cached: u64,
    /// Most messages of one queue in its cache.
    pub cached_max: u64,
    /// Most messages of all its queues in its cache at one time.
    pub cached_all_max: u64,
    /// Most bytes of bodies in its cache at one time.
    pub cached_all_max_bytes: u64,
    /// Pulls put off.
    pub flow_control: FlowControlReport,
    /// Times that its process was stopped for a while (a count of pauses).
    pub pauses: u64,
    /// How long in all.
    pub paused_seconds: f64,
    /// Connections to brokers that it lost while it lived (a count of connections).
    pub connections_lost: u64,
    /// Pulls that failed.
    pub pulls_failed: PullFailuresReport,
}

/// What listeners did instead of returning CONSUME_SUCCESS; counts of messages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FailuresReport {
    /// Failed by `RECONSUME_LATER`, or behind the `ackIndex` of a success.
    pub later: u64,
    /// Failed by an exception.
    pub threw: u64,
    /// Failed by `null`.
    pub returned_null: u64,
    /// In calls that hang.
    pub hung: u64,
    /// Sent back by `consumeTimeout` while the call went on.
    pub timed_out: u64,
    /// Threads that such calls keep, or kept until their process ended (a count of threads).
    pub threads_hung: u64,
}

/// Pulls that failed, by cause; counts of pulls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PullFailuresReport {
    /// The connection was lost, or could not be made.
    pub connection: u64,
    /// No answer in time.
    pub timeout: u64,
    /// The queue is beyond `readQueueNums`.
    pub illegal_queue: u64,
    /// SUBSCRIPTION_NOT_EXIST.
    pub subscription_not_exist: u64,
    /// SUBSCRIPTION_NOT_LATEST.
    pub subscription_not_latest: u64,
    /// SYSTEM_BUSY.
    pub system_busy: u64,
    /// FLOW_CONTROL.
    pub flow_control: u64,
}

/// Pulls put off, by what was exceeded; counts of pulls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FlowControlReport {
    /// `pullThresholdForQueue`.
    pub count: u64,
    /// `pullThresholdSizeForQueue`.
    pub size: u64,
    /// `consumeConcurrentlyMaxSpan`.
    pub span: u64,
    /// Episodes: times in which pulls were put off again and again, with less than a second in between (a count of
    /// episodes).
    pub episodes: u64,
    /// How long they lasted in all.
    pub lasted_seconds: f64,
    /// The first fifty.
    pub list: Vec<EpisodeReport>,
}

/// A time in which a consumer put pulls off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpisodeReport {
    /// First pull put off.
    pub from_seconds: f64,
    /// Last pull put off.
    pub to_seconds: f64,
    /// Pulls put off by `pullThresholdForQueue` (not messages).
    pub count: u64,
    /// By `pullThresholdSizeForQueue`.
    pub size: u64,
    /// By `consumeConcurrentlyMaxSpan`.
    pub span: u64,
}
