//! How messages got to the clients of a group.

use serde::{Deserialize, Serialize};

/// The delivery style of a group and what it cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeliveryReport {
    /// `longPolling`, RocketMQ's, or one of those that it is compared with: `shortPolling`, `pull`, `push`.
    pub style: String,
    /// Time between two questions; `null` without a clock for them.
    pub interval_seconds: Option<f64>,
    /// Messages asked for at most by `pull`; `null` with the other styles.
    pub batch: Option<u64>,
    /// Messages of a queue that `push` may leave unfinished; `null` if there is no limit, and with the other styles.
    pub credit: Option<u64>,
    /// Requests to get messages that reached brokers: pulls, standing orders, acknowledgements (not messages).
    pub requests: u64,
    /// `requests` ÷ deliveries; `null` if nothing was delivered.
    pub requests_per_message: Option<f64>,
    /// Answers without messages (not messages).
    pub empty: u64,
    /// Answers and pushes with messages (not messages).
    pub envelopes: u64,
    /// Of these, pushes (not messages).
    pub pushes: u64,
    /// Messages in them.
    pub sent: u64,
    /// Most messages in the caches of all its clients at one time: taken from brokers and not finished.
    pub cached_max: u64,
    /// Most bytes of bodies in the caches of all its clients at one time.
    pub cached_max_bytes: u64,
}
