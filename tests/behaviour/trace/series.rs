//! The table of all series.

use super::{shipped, traced};
use rmqsim::trace::series::SeriesTable;
use std::collections::BTreeMap;

/// The table holds the series of the report, value by value.
#[test]
fn the_table_holds_all_series() {
    let scenario = shipped("clustering-vs-broadcasting", "1m");
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
    for (group, of) in &report.timeline.groups {
        let oldest: Vec<u64> = of
            .oldest_waiting_seconds
            .iter()
            .map(|s| (s * 1e9).round() as u64)
            .collect();
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
        for (consumer, values) in &of.consumer_consumed {
            expect("consumer", consumer, group, "consumed", values);
        }
        for (consumer, values) in &of.consumer_queues {
            expect("consumer", consumer, group, "queues", values);
        }
    }
    assert_eq!(found, expected);
}
