//! Rules that differ between RocketMQ releases, in one place.
//!
//! Code asks the profile, never the version: a scenario's `"rocketmq": "4.9"` exchanges this one value.
//!
//! Source: `RebalanceService`, `RebalanceImpl` and `ConsumerManageProcessor` of releases 4.9.8 and 5.3.3.

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
    /// Whether a new connection to a broker brings a heartbeat with it, and that a rebalance (5.2 and later).
    pub heartbeat_on_connect: bool,
    /// Pause between taking a queue and its first pull.
    pub first_pull_delay: SimDuration,
    /// Whether the broker answers 0 to a group without offset on an empty queue. 4.9 looks whether the message
    /// at offset 0 is on disk (there is none), 5.3 whether it is in memory.
    pub empty_queue_starts_at_zero: bool,
    /// How long a client lets a queue rest whose offset the broker calls illegal, before it takes it anew. After no rest
    /// (5.2 and later) it rebalances at once.
    pub offset_repair_delay: SimDuration,
}

impl Profile {
    /// The rules of `version`.
    pub const fn of(version: RocketMqVersion) -> Self {
        match version {
            RocketMqVersion::V4_9 => Self {
                rebalance_min_interval: SimDuration::ZERO,
                retries_unbalanced_round: false,
                heartbeat_on_connect: false,
                first_pull_delay: SimDuration::ZERO,
                empty_queue_starts_at_zero: true,
                offset_repair_delay: SimDuration::from_secs(10),
            },
            RocketMqVersion::V5_3 => Self {
                rebalance_min_interval: SimDuration::from_secs(1),
                retries_unbalanced_round: true,
                heartbeat_on_connect: true,
                first_pull_delay: SimDuration::from_millis(500),
                empty_queue_starts_at_zero: false,
                offset_repair_delay: SimDuration::ZERO,
            },
        }
    }
}
