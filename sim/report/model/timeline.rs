//! Series over time.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// Series: the value of each at each of `time_seconds`. Counts that only grow are totals since the start.
/// When there are more than 2 000 points, or a million values, every second point is dropped and the
/// interval doubles.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TimelineReport {
    /// Distance of the points; the last one may come sooner.
    pub interval_seconds: f64,
    /// When the cluster was looked at, before the events of that instant.
    pub time_seconds: Vec<f64>,
    /// By topic that users made.
    pub topics: IndexMap<String, TopicSeries>,
    /// By broker.
    pub brokers: IndexMap<String, BrokerSeries>,
    /// By group.
    pub groups: IndexMap<String, GroupSeries>,
}

/// Series of one topic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TopicSeries {
    /// Records stored so far.
    pub stored: Vec<u64>,
}

/// Series of one broker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BrokerSeries {
    /// Requests so far.
    pub requests: Vec<u64>,
}

/// Series of one group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupSeries {
    /// Max offset − committed offset.
    pub lag: Vec<u64>,
    /// Its maximum since the point before.
    pub lag_max: Vec<u64>,
    /// Max offset − records finished.
    pub backlog: Vec<u64>,
    /// Delivered, result still open.
    pub in_flight: Vec<u64>,
    /// Scheduled for retry, or in the retry topic and not delivered.
    pub awaiting_retry: Vec<u64>,
    /// Successes so far.
    pub succeeded: Vec<u64>,
    /// Retry copies scheduled so far.
    pub retries: Vec<u64>,
    /// Dead letters so far.
    pub dead: Vec<u64>,
    /// Duplicate deliveries so far.
    pub duplicates: Vec<u64>,
    /// Living consumers (a count of consumers).
    pub members: Vec<u64>,
    /// Age of the oldest message that waits, seconds.
    pub oldest_waiting_seconds: Vec<f64>,
    /// Lag by queue label; retry queues too, 0 before they exist.
    pub queue_lag: IndexMap<String, Vec<u64>>,
    /// By consumer key: listener results so far, successes and failures; 0 before its start.
    pub consumer_consumed: IndexMap<String, Vec<u64>>,
    /// By consumer key: queues of subscribed topics held (a count of queues).
    pub consumer_queues: IndexMap<String, Vec<u64>>,
    /// Lag of its subscribed topics as brokers estimate it, in messages that it wants (`rocketmq_consumer_lag_messages`);
    /// missing if nobody in the group filters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lag_estimate: Vec<u64>,
    /// By queue label: messages finished (consumed, or passed over by a filter) and not committed, which would be read again
    /// if the owner died now. Of the twelve queues that ever had most; those that never had any are left out.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub queue_uncommitted: IndexMap<String, Vec<u64>>,
    /// Latency over time; on a grid of its own.
    #[serde(default)]
    pub latency: LatencySeries,
}

/// Latency from the producer's send to success, in up to sixty windows of the run after its warm-up. Each window begins
/// where the one before ends; what is `null` has no success in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencySeries {
    /// Start of each window.
    pub from_seconds: Vec<f64>,
    /// End of each window.
    pub to_seconds: Vec<f64>,
    /// Successes in it.
    pub count: Vec<u64>,
    /// Latency that half of them did not exceed.
    pub p50_seconds: Vec<Option<f64>>,
    /// 95 of 100.
    pub p95_seconds: Vec<Option<f64>>,
    /// 99 of 100.
    pub p99_seconds: Vec<Option<f64>>,
    /// All, to three digits.
    pub max_seconds: Vec<Option<f64>>,
}
