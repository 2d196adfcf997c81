//! What the timeline did about backlogs.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// One remedy: steps of one kind at one instant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RemedyReport {
    /// When.
    pub at_seconds: f64,
    /// The action and its target: `join billing`.
    pub action: String,
    /// Members, brokers or producers that it reached (not messages).
    pub steps: u64,
    /// By name of each group that it is for.
    pub groups: IndexMap<String, RemedyGroupReport>,
}

/// What became of the lag of one group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RemedyGroupReport {
    /// Lag just before.
    pub lag: u64,
    /// From then until the lag was at most 1 % of that; `null` if it never was, or if there was none.
    pub drain_seconds: Option<f64>,
}

/// What a guard did with the listener calls of a group; counts of calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GuardReport {
    /// Calls that passed.
    pub passed: u64,
    /// Calls that passed ÷ duration.
    pub passed_per_second: f64,
    /// Of those that passed, calls that waited for it on their threads.
    pub waited: u64,
    /// Thread time that they waited.
    pub waited_seconds: f64,
    /// Calls that were blocked: RECONSUME_LATER.
    pub blocked: u64,
}
