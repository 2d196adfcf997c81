//! What members are set to.

use super::Plan;
use super::chooser::{Chooser, block, given, maybe};
use super::groups::Group;
use serde_json::Value;

pub fn tuning(c: &mut Chooser, group: &Group, plan: &Plan) -> Value {
    let slow = plan.traits.slow;
    // What an orderly listener has not committed counts as cached: with low limits one that commits by hand would stop
    // itself.
    let (for_queue, mib, for_topic) = match group.by_hand {
        true => (1000, 100, -1),
        false => (
            c.pick(&[1000, 1000, 40, 5]),
            c.pick(&[100, 1]),
            c.pick(&[-1, -1, 100]),
        ),
    };
    let retries = match group.orderly {
        true => c.pick(&[5, 3, 1, 0]),
        false => c.pick(&[if slow { 2 } else { -1 }, 3, 1, 0]),
    };
    let batch = c.pick(&[1, 1, 3, if slow { 2 } else { 50 }]);
    block([
        ("pullBatchSize", c.within(if slow { 32 } else { 4 }, 32).into()),
        ("pullInterval", maybe(c, 25, |_| 20.into())),
        ("pullThresholdForQueue", for_queue.into()),
        ("pullThresholdSizeForQueue", mib.into()),
        ("pullThresholdForTopic", for_topic.into()),
        ("consumeConcurrentlyMaxSpan", c.pick(&[2000, 2000, 30]).into()),
        // Below which `setThreads` may set threads.
        ("consumeThreadMax", 64.into()),
        ("consumeMessageBatchMaxSize", batch.into()),
        ("maxReconsumeTimes", retries.into()),
        (
            "delayLevelWhenNextConsume",
            given(!group.orderly, || c.pick(&[0, 0, 0, 2, -1])),
        ),
        (
            "suspendCurrentQueueTimeMillis",
            given(group.orderly, || c.pick(&[10, 10, 200])),
        ),
        ("persistConsumerOffsetInterval", c.pick(&[5000, 5000, 500]).into()),
        ("heartbeatBrokerInterval", maybe(c, 10, |_| 10_000.into())),
        ("rebalanceWaitInterval", maybe(c, 10, |_| 5_000.into())),
        (
            "brokerSuspendMaxTimeMillis",
            c.pick(&[15_000, 15_000, 2_000]).into(),
        ),
        ("consumeTimeout", given(group.overdue, || 1)),
        (
            "awaitTerminationMillisWhenShutdown",
            c.pick(&[0, 0, 300, 5_000]).into(),
        ),
        ("startupTime", c.pick(&[0, 100, 100, 2_000]).into()),
    ])
}
