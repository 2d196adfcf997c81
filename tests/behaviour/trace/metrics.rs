//! Metrics: the grammar of OpenMetrics, and the values of the report.

use super::{shipped, text, traced};
use rmqsim::trace::open_metrics::OpenMetrics;
use std::collections::{BTreeMap, BTreeSet};

/// The points of each metric, by name and labels.
pub type Points = BTreeMap<String, Vec<(f64, f64)>>;

/// Reads OpenMetrics text by its grammar, as far as it is used.
#[track_caller]
pub fn read_metrics(text: &str) -> Points {
    let mut points = Points::new();
    let (mut family, mut families, mut last): (String, BTreeSet<String>, String) = Default::default();
    let (mut kind, mut is_over) = (String::new(), false);
    for line in text.lines() {
        assert!(!is_over, "behind # EOF: {line}");
        if line == "# EOF" {
            is_over = true;
            continue;
        }
        if let Some(about) = line.strip_prefix("# ") {
            let mut words = about.splitn(3, ' ');
            let (what, name, rest) = (
                words.next().unwrap(),
                words.next().unwrap(),
                words.next().unwrap(),
            );
            match what {
                "TYPE" => {
                    assert!(families.insert(name.to_owned()), "{name} comes twice");
                    (family, kind) = (name.to_owned(), rest.to_owned());
                    assert!(["counter", "gauge"].contains(&rest), "{line}");
                }
                "UNIT" => assert!(name == family && name.ends_with(&format!("_{rest}")), "{line}"),
                "HELP" => assert_eq!(name, family, "{line}"),
                _ => panic!("{line}"),
            }
            continue;
        }
        let (metric, rest) = line.split_once("} ").unwrap_or_else(|| panic!("{line}"));
        let (name, labels) = metric.split_once('{').unwrap();
        let suffix = if kind == "counter" { "_total" } else { "" };
        assert_eq!(name, format!("{family}{suffix}"), "{line}");
        let mut known = BTreeSet::new();
        for label in labels.split("\",") {
            let (label, value) = label.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
            let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(label.chars().all(is_name) && known.insert(label), "{line}");
            assert!(!value.trim_end_matches('"').contains(['"', '\n']), "{line}");
        }
        let (value, time) = rest.split_once(' ').unwrap();
        let point: (f64, f64) = (time.parse().unwrap(), value.parse().unwrap());
        let of = points.entry(metric.to_owned()).or_default();
        assert!(
            of.is_empty() || last == metric,
            "the points of {metric} are scattered"
        );
        assert!(of.last().is_none_or(|before| before.0 < point.0), "{line}");
        assert!(
            kind == "gauge" || of.last().is_none_or(|before| before.1 <= point.1),
            "{line}"
        );
        of.push(point);
        metric.clone_into(&mut last);
    }
    assert!(is_over && text.ends_with('\n'));
    points
}

/// Sum of the last points of a family, of metrics whose labels hold `label`.
fn last_sum(points: &Points, name: &str, label: &str) -> f64 {
    let these = points
        .iter()
        .filter(|(metric, _)| metric.starts_with(&format!("{name}{{")) && metric.contains(label));
    these.map(|(_, points)| points.last().unwrap().1).sum()
}

/// The grammar holds, and the last values are those of the report: messages in and out, lag, dead letters.
#[test]
fn metrics_are_open_metrics_and_agree_with_the_report() {
    for (name, until) in [
        ("consumer-crash", "150s"),
        ("dlq-lifecycle-exact", "2h"),
        ("tag-filter-lag", "40s"),
    ] {
        let scenario = shipped(name, until);
        let (bytes, report) = traced(name, &scenario, |_| Box::new(OpenMetrics::new(Vec::new())));
        let points = read_metrics(&text(bytes));
        let user_topics: Vec<&String> = report.timeline.topics.keys().collect();
        for topic in user_topics {
            let stored = last_sum(
                &points,
                "rocketmq_messages_in_total",
                &format!("topic=\"{topic}\""),
            );
            assert_eq!(stored, report.topics[topic].stored as f64, "{name}: {topic}");
        }
        let dead: u64 = report.groups.values().map(|group| group.dead).sum();
        assert_eq!(
            last_sum(&points, "rocketmq_send_to_dlq_messages_total", ""),
            dead as f64,
            "{name}"
        );
        let end = report.run.duration_seconds;
        let is_at_end = |points: &Vec<(f64, f64)>| points.last().unwrap().0 == end;
        assert!(points.values().any(is_at_end), "{name}");
        for (group, of) in &report.groups {
            let label = format!("consumer_group=\"{group}\"");
            let connections = last_sum(&points, "rocketmq_consumer_connections", &label);
            let brokers = report.cluster.brokers.len() as f64;
            assert_eq!(connections, of.members_final as f64 * brokers, "{name}: {group}");
            let lag = last_sum(&points, "rocketmq_consumer_lag_messages", &label);
            match report.groups[group].filters.values().next() {
                None if of.retries.scheduled == 0 => assert_eq!(lag, of.lag.last as f64, "{name}: {group}"),
                None => assert!(lag <= of.lag.last as f64, "{name}: {group}"),
                Some(filter) => assert_eq!(lag, filter.lag_matching.last as f64, "{name}: {group}"),
            }
        }
    }
}

/// Lag is what is ready and what is in flight, at every sample of every queue that is not filtered.
#[test]
fn lag_is_ready_and_in_flight() {
    let scenario = shipped("consumer-crash", "150s");
    let (bytes, _) = traced("lag", &scenario, |_| Box::new(OpenMetrics::new(Vec::new())));
    let points = read_metrics(&text(bytes));
    let mut checked = 0;
    for (metric, lag) in points
        .iter()
        .filter(|(name, _)| name.starts_with("rocketmq_consumer_lag_messages"))
    {
        let labels = metric.split_once('{').unwrap().1;
        let ready = &points[&format!("rocketmq_consumer_ready_messages{{{labels}")];
        let inflight = &points[&format!("rocketmq_consumer_inflight_messages{{{labels}")];
        for ((lag, ready), inflight) in lag.iter().zip(ready).zip(inflight) {
            // Before the first commit a broker counts no lag.
            if lag.1 > 0.0 {
                assert_eq!(lag.1, ready.1 + inflight.1, "{metric} at {}", lag.0);
                checked += 1;
            }
        }
    }
    assert!(checked > 100, "{checked}");
}
