//! Scenarios and studies that come with the program, so that it works without its source tree.

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

/// The same of the studies, which `rmqsim compare` runs.
const STUDIES: &[(&str, &str)] = &[
    (
        "commit-interval-and-duplicates",
        include_str!("../../scenarios/studies/commit-interval-and-duplicates.json"),
    ),
    (
        "consumers-on-eight-queues",
        include_str!("../../scenarios/studies/consumers-on-eight-queues.json"),
    ),
    (
        "long-polling-or-intervals",
        include_str!("../../scenarios/studies/long-polling-or-intervals.json"),
    ),
    (
        "retry-limit",
        include_str!("../../scenarios/studies/retry-limit.json"),
    ),
    (
        "rolling-deploy",
        include_str!("../../scenarios/studies/rolling-deploy.json"),
    ),
    (
        "threads-and-service",
        include_str!("../../scenarios/studies/threads-and-service.json"),
    ),
    (
        "throughput-plateau",
        include_str!("../../scenarios/studies/throughput-plateau.json"),
    ),
];

/// Names of all scenarios but the studies, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

/// Names of all studies, sorted. Each runs alone too, as any scenario does.
pub fn studies() -> impl Iterator<Item = &'static str> {
    STUDIES.iter().map(|(name, _)| *name)
}

/// The text of scenario or study `name`.
pub fn text(name: &str) -> Option<&'static str> {
    let mut all = SHIPPED.iter().chain(STUDIES);
    all.find(|(n, _)| *n == name).map(|(_, text)| *text)
}

/// Where scenario or study `name` lies in the source tree.
pub fn path(name: &str) -> String {
    let folder = match studies().any(|study| study == name) {
        true => "scenarios/studies",
        false => "scenarios",
    };
    format!("{folder}/{name}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_a_sound_scenario() {
        let template = crate::scenario::Scenario::from_text("new", TEMPLATE, &Default::default());
        template.unwrap_or_else(|problems| panic!("{problems}"));
    }

    /// Names of the scenario files in a folder, sorted.
    fn files(folder: &str) -> Vec<String> {
        let folder = format!("{}/{folder}", env!("CARGO_MANIFEST_DIR"));
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
            .collect();
        files.sort();
        files
    }

    /// Every file of the folders is in the program, and in order.
    #[test]
    fn all_scenarios_are_shipped() {
        assert_eq!(names().collect::<Vec<_>>(), files("scenarios"));
        assert_eq!(studies().collect::<Vec<_>>(), files("scenarios/studies"));
    }

    /// A bare name stands for one file.
    #[test]
    fn no_study_is_called_like_a_scenario() {
        for study in studies() {
            assert!(names().all(|name| name != study), "{study}");
            assert_eq!(path(study), format!("scenarios/studies/{study}.json"));
        }
        assert_eq!(path("quickstart"), "scenarios/quickstart.json");
    }
}
