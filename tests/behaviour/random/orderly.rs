//! The same clusters, most of their groups with orderly listeners: locks, pauses of failing queues, commits by hand.

use crate::random::cases::Chooser;
use rmqsim::cluster::config::{ClusterConfig, Delivery, ListenerKind, Millis, OrderlySettings};
use rmqsim::kernel::streams::Streams;

/// Lets most groups of a case consume in order. What fails does not block a queue for ever, nor for so long that the
/// rest is too short.
pub fn in_order(mut config: ClusterConfig) -> ClusterConfig {
    let mut c = Chooser(Streams::new(config.seed).stream("case", "order"));
    for group in &mut config.groups {
        if c.percent(20) {
            continue;
        }
        let auto_commit = c.percent(70);
        let rollback = !auto_commit && c.percent(50);
        group.listener = ListenerKind::Orderly(OrderlySettings {
            auto_commit,
            commit_every: (!auto_commit).then(|| c.pick(&[1, 1, 3])),
            rollback,
        });
        // Whoever pushes, or pulls on its own clock, knows no locks.
        if matches!(group.delivery, Delivery::Push { .. } | Delivery::Pull { .. }) {
            group.delivery = Delivery::LongPolling;
        }
        let tuning = &mut group.tuning;
        tuning.suspend_current_queue_time_millis = Millis(c.pick(&[10, 10, 200]));
        tuning.max_reconsume_times = c.pick(&[5, 3, 1, 0]);
        // What is not committed counts as cached: with low limits such a listener would stop itself.
        if !auto_commit {
            tuning.pull_threshold_for_queue = 1000;
            tuning.pull_threshold_for_topic = -1;
            tuning.pull_threshold_size_for_queue = 100;
        }
        for consumer in &mut group.consumers {
            let failure = &mut consumer.failure;
            // A large batch that is rolled back with others would never get through.
            failure.probability = failure.probability.min(if rollback { 0.001 } else { 0.03 });
            // A rollback knows no limit of attempts.
            if !auto_commit {
                failure.poison = 0.0;
            }
            failure.fail_first_attempts = 0;
        }
    }
    config
}
