//! The guard around listeners, as types.

use crate::cluster::config::{Behavior, Blocked};
use crate::kernel::time::SimDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A guard around the listener of each member: a rate with `qps`, or a limit of calls at once with `concurrency`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuardBlock {
    /// Listener calls a second of each member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 1_000_000))]
    pub qps: Option<u32>,
    /// Listener calls at once of each member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 1000))]
    pub concurrency: Option<u32>,
    /// What is done with calls beyond `qps`. Default "reject".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Behavior")]
    pub behavior: Option<Behavior>,
    /// The longest wait for a turn, for "pace" and "warmUpPace"; 0s … 1h. Default "500ms".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SimDuration")]
    pub max_queueing: Option<SimDuration>,
    /// About how long it takes from cold to all of `qps`; 1s … 1h. Default "10s".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SimDuration")]
    pub warm_up: Option<SimDuration>,
    /// A cold guard lets so many times less pass. Default 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 2, max = 100))]
    pub cold_factor: Option<u32>,
    /// What becomes of a blocked call. Default "later": RECONSUME_LATER.
    #[serde(default)]
    pub blocked: Blocked,
}
