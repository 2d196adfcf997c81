//! Readers: the members of a broadcasting group, each of which gets all messages.

use serde::{Deserialize, Serialize};

/// The message account of one client id of a broadcasting group, all its lives together:
/// produced = succeeded + failed + lost + filtered + expired + waiting + in_flight.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReaderReport {
    /// Records stored in its topics behind where it first started.
    pub produced: u64,
    /// Records finished with success.
    pub succeeded: u64,
    /// Records that its listener failed: nobody tries them again.
    pub failed: u64,
    /// Records that it passed by: it came back and started behind them, or another member's subscription filtered them.
    pub lost: u64,
    /// Records passed over by its filter.
    pub filtered: u64,
    /// Records that retention removed before it saw them.
    pub expired: u64,
    /// Records stored and not delivered to it.
    pub waiting: u64,
    /// Records delivered to it and not finished.
    pub in_flight: u64,
    /// Deliveries of records that it had been given before.
    pub duplicates: u64,
}
