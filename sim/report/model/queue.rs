//! Queues: what is stored in each, and what each group made of it.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// One queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueueReport {
    /// Its topic.
    pub topic: String,
    /// Its broker.
    pub broker: String,
    /// `queueId`.
    pub id: u32,
    /// One past the last record (an offset).
    pub max_offset: u64,
    /// Bodies that producers sent, bytes.
    pub stored_bytes: u64,
    /// When it lay beyond `readQueueNums`, so that consumers were not given it.
    pub stranded: Vec<SpanReport>,
    /// By group that reads it; of a broadcasting group by member, like "group at client id".
    pub groups: IndexMap<String, QueueGroupReport>,
}

/// A stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpanReport {
    /// From when.
    pub from_seconds: f64,
    /// To when; the end of the run if it still lasts.
    pub to_seconds: f64,
}

/// One queue as one group sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueueGroupReport {
    /// Committed offset; `null` if there is none.
    pub committed: Option<u64>,
    /// Max offset − committed offset.
    pub lag: QueueLagReport,
    /// Max offset − records finished.
    pub backlog: QueueLagReport,
    /// Mean number of records stored and not yet delivered, over time. Little's law ties it to
    /// `wait_mean_seconds`.
    pub waiting_mean: f64,
    /// Mean time from storage to first delivery; `null` if nothing was delivered.
    pub wait_mean_seconds: Option<f64>,
    /// Deliveries.
    pub deliveries: u64,
    /// Of these, deliveries of records delivered before; those on the spot after a failure not counted.
    pub duplicates: u64,
    /// Time during which its head had failed and was not over; 0 unless the listener is an orderly one.
    pub blocked_seconds: f64,
    /// When that was: the first thousand stretches.
    pub blocked: Vec<SpanReport>,
    /// Who holds it at the end; `null` if nobody.
    pub owner: Option<String>,
    /// Time without an owner before its first.
    pub unclaimed_seconds: f64,
    /// Time with one owner or more.
    pub owned_seconds: f64,
    /// Of `owned_seconds`: every owner was a stopped process, so nobody worked on it.
    pub paused_seconds: f64,
    /// Of `owned_seconds`: two owners or more.
    pub overlap_seconds: f64,
    /// Time without an owner after its first.
    pub unowned_seconds: f64,
    /// The longest stretch of that.
    pub unowned_max_seconds: f64,
    /// Time beyond `readQueueNums`, held or not. The queue existed for
    /// `unclaimed_seconds` + `owned_seconds` + `unowned_seconds` + `stranded_seconds`.
    pub stranded_seconds: f64,
}

/// A queue's lag or backlog.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueueLagReport {
    /// At the end.
    #[serde(rename = "final")]
    pub last: u64,
    /// Highest ever.
    pub max: u64,
    /// Mean over time.
    pub mean: f64,
}
