//! Rules that differ between RocketMQ releases, in one place.
//!
//! Code asks the profile, never the version: a scenario's `"rocketmq": "4.9"` exchanges this one value.
//!
//! Source: `RebalanceService` and `RebalanceImpl` of releases 4.9.8 and 5.3.3.

use crate::cluster::config::RocketMqVersion;
use crate::kernel::time::SimDuration;

/// What a release does differently from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Least distance from the end of one rebalance round to the next of that client
    /// (`rocketmq.client.rebalance.minInterval`). Zero in 4.9: every wake-up runs at once.
    pub rebalance_min_interval: SimDuration,
    /// Whether an unbalanced round is repeated after the least interval instead of the full period.
    pub retries_unbalanced_round: bool,
    /// Pause between taking a queue and its first pull.
    pub first_pull_delay: SimDuration,
    /// Whether a pull asks for at most `pullBatchSizeInBytes` (absent in 4.9).
    pub pull_batch_bytes: bool,
}

impl Profile {
    /// The rules of `version`.
    pub const fn of(version: RocketMqVersion) -> Self {
        match version {
            RocketMqVersion::V4_9 => Self {
                rebalance_min_interval: SimDuration::ZERO,
                retries_unbalanced_round: false,
                first_pull_delay: SimDuration::ZERO,
                pull_batch_bytes: false,
            },
            RocketMqVersion::V5_3 => Self {
                rebalance_min_interval: SimDuration::from_secs(1),
                retries_unbalanced_round: true,
                first_pull_delay: SimDuration::from_millis(500),
                pull_batch_bytes: true,
            },
        }
    }
}
