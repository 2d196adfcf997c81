//! Rules that differ between RocketMQ releases, in one place.
//!
//! Code asks the profile, never the version: a scenario's `"rocketmq": "4.9"` exchanges this one value.
//!
//! Source: `RebalanceService`, `RebalanceImpl`, `RebalancePushImpl` and `ConsumerManageProcessor` of releases 4.9.8 and 5.3.3.

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
    /// How long a rebalance waits for the listener call of an orderly queue that it gives up.
    pub consume_lock_wait: SimDuration,
    /// Whether an orderly queue that was given up with cached messages keeps its lock for 20 s more. From 5.2 on it is
    /// the other way round: who waits for a call lets the queue go by force when 20 s have passed.
    pub unlocks_cached_queue_late: bool,
    /// How many threads of a client renew its locks. From 5.0 on the service for POP does so too, if nothing is popped.
    pub lock_renewals: u32,
    /// Whether the locks of dropped queues are renewed.
    pub renews_dropped_queues: bool,
    /// Whether members of a broadcasting group are told when others come and go, for nothing.
    pub notifies_broadcasting: bool,
    /// Whether a failed message is sent back that `consumeTimeout` has sent back before: 5.x looks whether it is still
    /// in the cache.
    pub sends_back_what_timed_out: bool,
    /// Whether an ordinary message to a retry topic is dead when its attempts reach the limit, or only beyond it.
    pub dead_at_limit: bool,
    /// Whether the broker itself resets offsets (`useServerSideResetOffset`, 5.2 and later), or tells the members to.
    pub server_side_reset: bool,
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
                consume_lock_wait: SimDuration::from_secs(1),
                unlocks_cached_queue_late: true,
                lock_renewals: 1,
                renews_dropped_queues: true,
                notifies_broadcasting: true,
                sends_back_what_timed_out: true,
                dead_at_limit: true,
                server_side_reset: false,
            },
            RocketMqVersion::V5_3 => Self {
                rebalance_min_interval: SimDuration::from_secs(1),
                retries_unbalanced_round: true,
                heartbeat_on_connect: true,
                first_pull_delay: SimDuration::from_millis(500),
                empty_queue_starts_at_zero: false,
                offset_repair_delay: SimDuration::ZERO,
                consume_lock_wait: SimDuration::from_millis(500),
                unlocks_cached_queue_late: false,
                lock_renewals: 2,
                renews_dropped_queues: false,
                notifies_broadcasting: false,
                sends_back_what_timed_out: false,
                dead_at_limit: false,
                server_side_reset: true,
            },
        }
    }
}
