//! What the report of a run takes while it is put together and written: its values, and the text of `report.json`.

use crate::cluster::config::ClusterConfig;
use crate::observe::observation::{Extent, Observation};
use crate::observe::ownership::INTERVALS;
use crate::observe::rebalance::LISTED;
use crate::report::json;
use crate::report::model::{
    ConsumerReport, OwnershipReport, QueueGroupReport, QueueReport, RebalanceEventReport, Trigger,
};

/// Bytes of the report of a run of that extent.
pub fn held(config: &ClusterConfig, extent: &Extent) -> u64 {
    let longest = |names: &mut dyn Iterator<Item = &String>| names.map(String::len).max().unwrap_or(0);
    let topic = "t".repeat(longest(&mut config.topics.iter().map(|topic| &topic.name)));
    let broker = "b".repeat(longest(&mut config.brokers.iter().map(|broker| &broker.name)));
    let consumers = config.groups.iter().flat_map(|group| &group.consumers);
    let consumer_name = "c".repeat(longest(&mut consumers.map(|consumer| &consumer.name)));
    let queue_name = format!("{topic}@{broker}/000");
    let queue = json::held_for(&QueueReport {
        topic,
        broker,
        ..QueueReport::default()
    });
    let events: u64 = extent.changes.iter().map(|(_, rounds)| rounds).sum();
    let consumer = json::held_for(&ConsumerReport::default());
    let event = json::held_for(&RebalanceEventReport {
        at_seconds: 0.0,
        consumer: consumer_name.clone(),
        trigger: Trigger::Notification,
        added: 0,
        removed: 0,
        balanced: true,
    });
    let ownership = json::held_for(&OwnershipReport {
        queue: queue_name,
        consumer: consumer_name,
        from_seconds: 0.0,
        to_seconds: 0.0,
    });
    extent.queues * queue
        + extent.slots * json::held_for(&QueueGroupReport::default())
        + extent.consumers * consumer
        + events.min(LISTED as u64) * event
        + extent.taken.min(INTERVALS as u64) * ownership
        + json::numbers_held_for(Observation::numbers_for(extent))
}
