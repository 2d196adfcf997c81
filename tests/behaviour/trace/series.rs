//! The table of all series.

use super::{shipped, traced};
use rmqsim::trace::series::SeriesTable;
use std::collections::{BTreeMap, BTreeSet};

/// What the report holds of a group over time. A new series is to be in the table, too.
const OF_GROUP: [&str; 17] = [
    "lag",
    "lag_max",
    "backlog",
    "in_flight",
    "awaiting_retry",
    "succeeded",
    "retries",
    "dead",
    "duplicates",
    "members",
    "oldest_waiting_seconds",
    "queue_lag",
    "consumer_consumed",
    "consumer_queues",
    "lag_estimate",
    "queue_uncommitted",
    "latency",
];
const OF_LATENCY: [&str; 7] = [
    "from_seconds",
    "to_seconds",
    "count",
    "p50_seconds",
    "p95_seconds",
    "p99_seconds",
    "max_seconds",
];

/// The table holds the series of the report, value by value.
#[test]
fn the_table_holds_all_series() {
    holds_all_series("clustering-vs-broadcasting", "1m");
    holds_all_series("tag-filter-lag", "40s");
}

fn nanos(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

fn holds_all_series(name: &str, until: &str) {
    let scenario = shipped(name, until);
    let (bytes, report) = traced("table", &scenario, |subject| {
        Box::new(SeriesTable::new(subject, Vec::new()))
    });
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let columns: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(columns, rmqsim::trace::series::COLUMNS);
    let mut found: BTreeMap<[String; 4], Vec<u64>> = BTreeMap::new();
    for row in reader.records() {
        let row = row.unwrap();
        assert_eq!((&row[0], &row[1]), ("run", "7"));
        let key = [3, 4, 5, 6].map(|column: usize| row[column].to_owned());
        found.entry(key).or_default().push(row[8].parse().unwrap());
    }
    let mut expected: BTreeMap<[String; 4], Vec<u64>> = BTreeMap::new();
    let mut expect = |kind: &str, entity: &str, group: &str, metric: &str, values: &[u64]| {
        let key = [kind, entity, group, metric].map(str::to_owned);
        expected.insert(key, values.to_vec());
    };
    for (topic, of) in &report.timeline.topics {
        expect("topic", topic, "", "stored", &of.stored);
    }
    for (broker, of) in &report.timeline.brokers {
        expect("broker", broker, "", "requests", &of.requests);
    }
    let mut uncommitted: BTreeSet<String> = BTreeSet::new();
    for (group, of) in &report.timeline.groups {
        let json = serde_json::to_value(of).unwrap();
        for (json, known) in [(&json, &OF_GROUP[..]), (&json["latency"], &OF_LATENCY[..])] {
            for key in json.as_object().unwrap().keys() {
                assert!(known.contains(&key.as_str()), "{key} is in no table");
            }
        }
        let oldest: Vec<u64> = of.oldest_waiting_seconds.iter().copied().map(nanos).collect();
        if !of.lag_estimate.is_empty() {
            expect("group", group, group, "lag_estimate", &of.lag_estimate);
        }
        for (metric, values) in [
            ("latency_p50", &of.latency.p50_seconds),
            ("latency_p95", &of.latency.p95_seconds),
            ("latency_p99", &of.latency.p99_seconds),
            ("latency_max", &of.latency.max_seconds),
        ] {
            let values: Vec<u64> = values.iter().flatten().copied().map(nanos).collect();
            if !values.is_empty() {
                expect("group", group, group, metric, &values);
            }
        }
        if !of.latency.count.is_empty() {
            expect("group", group, group, "latency_count", &of.latency.count);
        }
        for (metric, values) in [
            ("lag", &of.lag),
            ("lag_max", &of.lag_max),
            ("backlog", &of.backlog),
            ("in_flight", &of.in_flight),
            ("awaiting_retry", &of.awaiting_retry),
            ("succeeded", &of.succeeded),
            ("retries", &of.retries),
            ("dead", &of.dead),
            ("duplicates", &of.duplicates),
            ("members", &of.members),
            ("oldest_waiting", &oldest),
        ] {
            expect("group", group, group, metric, values);
        }
        for (queue, values) in &of.queue_lag {
            expect("queue", queue, group, "lag", values);
        }
        for (queue, values) in &of.queue_uncommitted {
            expect("queue", queue, group, "uncommitted", values);
        }
        // The report has the twelve widest.
        if of.queue_uncommitted.len() == 12 {
            uncommitted.insert(group.clone());
        }
        for (consumer, values) in &of.consumer_consumed {
            expect("consumer", consumer, group, "consumed", values);
        }
        for (consumer, values) in &of.consumer_queues {
            expect("consumer", consumer, group, "queues", values);
        }
    }
    found.retain(|key, _| {
        let is_more = key[3] == "uncommitted" && uncommitted.contains(&key[2]);
        !is_more || expected.contains_key(key)
    });
    assert_eq!(found, expected, "{name}");
}
