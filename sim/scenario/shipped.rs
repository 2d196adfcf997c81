//! Scenarios that come with the program, so that it works without its source tree.

/// A commented scenario to start from.
pub const TEMPLATE: &str = include_str!("template.jsonc");

/// Name and text of each, by name.
const SHIPPED: &[(&str, &str)] = &[
    (
        "avg-remainder-skew",
        include_str!("../../scenarios/avg-remainder-skew.json"),
    ),
    (
        "backlog-drain",
        include_str!("../../scenarios/backlog-drain.json"),
    ),
    (
        "backlog-remedies",
        include_str!("../../scenarios/backlog-remedies.json"),
    ),
    (
        "batch-partial-failure",
        include_str!("../../scenarios/batch-partial-failure.json"),
    ),
    (
        "broadcast-gap",
        include_str!("../../scenarios/broadcast-gap.json"),
    ),
    (
        "broker-crash-offset-rollback",
        include_str!("../../scenarios/broker-crash-offset-rollback.json"),
    ),
    (
        "cache-thresholds",
        include_str!("../../scenarios/cache-thresholds.json"),
    ),
    (
        "clustering-vs-broadcasting",
        include_str!("../../scenarios/clustering-vs-broadcasting.json"),
    ),
    (
        "consume-timeout",
        include_str!("../../scenarios/consume-timeout.json"),
    ),
    (
        "consumer-crash",
        include_str!("../../scenarios/consumer-crash.json"),
    ),
    (
        "dead-consumer-detection",
        include_str!("../../scenarios/dead-consumer-detection.json"),
    ),
    (
        "dlq-lifecycle",
        include_str!("../../scenarios/dlq-lifecycle.json"),
    ),
    (
        "dlq-lifecycle-exact",
        include_str!("../../scenarios/dlq-lifecycle-exact.json"),
    ),
    (
        "duplicate-client-id",
        include_str!("../../scenarios/duplicate-client-id.json"),
    ),
    (
        "flapping-rebalance-storm",
        include_str!("../../scenarios/flapping-rebalance-storm.json"),
    ),
    ("gc-pause", include_str!("../../scenarios/gc-pause.json")),
    (
        "global-vs-sharded-order",
        include_str!("../../scenarios/global-vs-sharded-order.json"),
    ),
    ("hot-queue", include_str!("../../scenarios/hot-queue.json")),
    (
        "idempotent-consumer",
        include_str!("../../scenarios/idempotent-consumer.json"),
    ),
    (
        "machine-room-fallback",
        include_str!("../../scenarios/machine-room-fallback.json"),
    ),
    (
        "more-consumers-than-queues",
        include_str!("../../scenarios/more-consumers-than-queues.json"),
    ),
    (
        "network-partition-two-views",
        include_str!("../../scenarios/network-partition-two-views.json"),
    ),
    (
        "new-group-start",
        include_str!("../../scenarios/new-group-start.json"),
    ),
    (
        "orderly-lock-handover",
        include_str!("../../scenarios/orderly-lock-handover.json"),
    ),
    (
        "orderly-poison",
        include_str!("../../scenarios/orderly-poison.json"),
    ),
    (
        "push-pull-longpoll",
        include_str!("../../scenarios/push-pull-longpoll.json"),
    ),
    (
        "queue-count-change",
        include_str!("../../scenarios/queue-count-change.json"),
    ),
    ("quickstart", include_str!("../../scenarios/quickstart.json")),
    (
        "retry-to-dlq-timetable",
        include_str!("../../scenarios/retry-to-dlq-timetable.json"),
    ),
    (
        "rolling-deploy-strategy",
        include_str!("../../scenarios/rolling-deploy-strategy.json"),
    ),
    (
        "scale-out-duplicates",
        include_str!("../../scenarios/scale-out-duplicates.json"),
    ),
    (
        "sentinel-pacing",
        include_str!("../../scenarios/sentinel-pacing.json"),
    ),
    (
        "shutdown-without-drain",
        include_str!("../../scenarios/shutdown-without-drain.json"),
    ),
    (
        "stuck-message-pins-offset",
        include_str!("../../scenarios/stuck-message-pins-offset.json"),
    ),
    (
        "subscription-mismatch",
        include_str!("../../scenarios/subscription-mismatch.json"),
    ),
    (
        "tag-filter-lag",
        include_str!("../../scenarios/tag-filter-lag.json"),
    ),
];

/// All names, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

/// The text of scenario `name`.
pub fn text(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_a_sound_scenario() {
        let template = crate::scenario::Scenario::from_text("new", TEMPLATE, &Default::default());
        template.unwrap_or_else(|problems| panic!("{problems}"));
    }

    /// Every file of the folder is in the program, and in order.
    #[test]
    fn all_scenarios_are_shipped() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
            .collect();
        files.sort();
        assert_eq!(names().collect::<Vec<_>>(), files);
    }
}
