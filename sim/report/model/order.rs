//! Order of messages.

use serde::{Deserialize, Serialize};

/// What a group saw out of turn, and what it waited for because of order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OrderReport {
    /// Whether its listener is an orderly one.
    pub orderly: bool,
    /// Order of the messages of each key, by their birth.
    pub keys: KeyOrderReport,
    /// Its queues, if its listener is an orderly one; else all 0.
    pub queues: QueueOrderReport,
}

/// Order of the messages of each key, by their birth; all 0 if no message has a key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeyOrderReport {
    /// Keys seen (a count of keys).
    pub seen: u64,
    /// First deliveries after a younger message of the same key: order is broken.
    pub late: u64,
    /// First deliveries while an older message of the same key was not finished.
    pub overtaking: u64,
    /// Deliveries of retries and duplicates after a younger message of the same key.
    pub late_again: u64,
}

/// Queues of an orderly group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueueOrderReport {
    /// Pauses after a failure (a count of pauses).
    pub suspensions: u64,
    /// Most attempts of one message at one owner (a count of calls).
    pub attempts_max: u64,
    /// Time during which a queue's head had failed and was not over, summed over the queues.
    pub blocked_seconds: f64,
    /// The longest such time.
    pub blocked_max_seconds: f64,
    /// Locks that brokers refused (a count of requests).
    pub locks_refused: u64,
}
