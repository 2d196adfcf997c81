//! Event logs: every line obeys the schema, every fact comes up, and the sums are those of the report.

use super::{ALL, shipped, text, traced};
use crate::support::at;
use rmqsim::Report;
use rmqsim::scenario::{Overrides, Scenario};
use rmqsim::trace::log::{EventLog, Thinning};
use rmqsim::trace::{Window, facts, schema};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

fn log(scenario: &Scenario, thinning: Thinning) -> (Vec<Value>, Report) {
    let (bytes, report) = traced("log", scenario, |subject| {
        Box::new(EventLog::new(subject, thinning, Vec::new()))
    });
    let lines = text(bytes);
    let parsed = lines.lines().map(|line| serde_json::from_str(line).unwrap());
    (parsed.collect(), report)
}

/// Keeps the first lines of each fact, and all that are no facts.
#[derive(Default)]
pub struct Samples {
    pub lines: Vec<String>,
    pub counts: BTreeMap<String, u64>,
}

impl Write for Samples {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let line = std::str::from_utf8(bytes).unwrap();
        assert!(
            line.ends_with('\n') && line.matches('\n').count() == 1,
            "{line:?}"
        );
        let fact = line
            .split_once("\"fact\":\"")
            .map(|(_, rest)| rest.split('"').next().unwrap());
        let count = self
            .counts
            .entry(fact.unwrap_or("header").to_owned())
            .or_default();
        *count += 1;
        if *count <= 8 {
            self.lines.push(line.to_owned());
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What takes shipped scenarios long to show, all at once.
const ODD: &str = r#"{
  "title": "Odd things", "seed": 3, "duration": "5m",
  "cluster": { "brokers": ["broker-a", "broker-b"], "topics": { "orders": { "queuesPerBroker": 3 }, "wide": {} } },
  "producers": { "shop": { "topic": "orders", "rate": "60/s", "keys": 50, "queueSelector": "byKey" } },
  "groups": {
    "billing": { "subscribe": { "orders": "*" }, "tuning": { "maxReconsumeTimes": 1, "delayLevelWhenNextConsume": 1 },
                 "consumers": { "count": 3, "service": "5ms", "failure": { "probability": 0.1, "outcome": "throw" } } },
    "guarded": { "subscribe": { "orders": "*" }, "guard": { "qps": 50 }, "consumers": { "service": "5ms" } },
    "once": { "subscribe": { "orders": "*" }, "idempotent": { "mark": "before" },
              "consumers": { "count": 2, "service": "20ms", "failure": { "probability": 0.05 } } },
    "all": { "subscribe": { "orders": "*" }, "messageModel": "BROADCASTING",
             "consumers": { "count": 2, "service": "5ms", "failure": { "probability": 0.02 } } },
    "ordered": { "subscribe": { "orders": "*" }, "listener": "orderly",
                 "consumers": { "count": 2, "service": "10ms", "failure": { "probability": 0.01 } } },
    "pushed": { "subscribe": { "orders": "*" }, "delivery": "push", "consumers": { "service": "5ms" } }
  },
  "timeline": [
    { "at": "20s", "slow": "billing/1", "from": "broker-a", "by": "50ms", "for": "20s" },
    { "at": "30s", "setThreads": "billing/1", "threads": 10 },
    { "at": "35s", "queryMessage": "orders", "key": "k3" },
    { "at": "40s", "forward": "billing/2", "to": "wide" },
    { "at": "50s", "pause": "billing/3", "for": "10s" },
    { "at": "68s", "setListener": "billing/1", "service": "4s", "failure": { "probability": 1 } },
    { "at": "70s", "partition": "billing/1", "from": "broker-a", "for": "60s" },
    { "at": "75s", "join": "ordered" },
    { "at": "76200ms", "resetOffset": "ordered", "topic": "orders", "to": "60s" },
    { "at": "90s", "updateTopic": "orders", "readQueueNums": 4, "writeQueueNums": 4 },
    { "at": "100s", "kill": "once/1" },
    { "at": "110s", "resetOffset": "billing", "topic": "orders", "to": "60s" },
    { "at": "120s", "skipBacklog": "guarded", "topic": "orders" },
    { "at": "130s", "leave": "ordered/1" },
    { "at": "150s", "restart": "broker-b", "shutdown": "kill", "downFor": "20s" },
    { "at": "180s", "resendDlq": "billing", "rate": "50/s" },
    { "at": "190s", "vanish": "ordered/2" }
  ]
}"#;

/// Runs of many kinds: each of their lines obeys the published schema, and all facts come up.
#[test]
fn lines_obey_the_schema_and_all_facts_come_up() {
    let validator = jsonschema::validator_for(&schema::json_schema()).unwrap();
    let mut missing: BTreeSet<&str> = facts::NAMES.iter().copied().collect();
    let odd = Scenario::from_text("odd.json", ODD, &Overrides::default());
    let odd = odd.unwrap_or_else(|problems| panic!("{problems}"));
    let names = [
        ("tag-filter-lag", "30s"),
        ("network-partition-two-views", "6m"),
        ("consume-timeout", "40m"),
        ("dlq-lifecycle-exact", "4d"),
    ];
    let early = names.map(|(name, until)| (name, shipped(name, until)));
    for (name, scenario) in [("odd", odd)].into_iter().chain(early) {
        let (samples, report) = traced(name, &scenario, |subject| {
            Box::new(EventLog::new(subject, ALL, Samples::default()))
        });
        assert!(samples.lines[0].starts_with("{\"rmqsim\":\"trace\",\"version\":1,\"scenario\":\"run\""));
        for line in &samples.lines {
            let line: Value = serde_json::from_str(line).unwrap();
            if let Err(error) = validator.validate(&line) {
                panic!("{name}: {line}: {error}");
            }
        }
        assert_eq!(
            (samples.counts["header"], samples.counts["End"]),
            (1, 1),
            "{name}"
        );
        let facts = samples.counts.values().sum::<u64>() - 2;
        let end: Value = serde_json::from_str(samples.lines.last().unwrap()).unwrap();
        assert_eq!(end["facts"], facts, "{name}");
        assert_eq!(end["digest"], report.run.trace_digest, "{name}");
        missing.retain(|fact| !samples.counts.contains_key(*fact));
    }
    assert_eq!(missing, BTreeSet::new());
}

/// The log tells of as many deliveries, successes and dead letters as the report counts, and looking on changes nothing.
#[test]
fn a_log_agrees_with_the_report() {
    let scenario = shipped("consumer-crash", "130s");
    let (lines, report) = log(&scenario, ALL);
    let alone = rmqsim::simulate("log", &scenario, |_, _| {});
    assert_eq!(report, alone);
    let count = |fact: &str| lines.iter().filter(|line| line["fact"] == fact).count() as u64;
    let group = &report.groups["billing"];
    assert_eq!(count("Delivered"), group.deliveries);
    assert_eq!(count("Born"), report.run.messages);
    let successes = lines.iter().filter(|line| line["success"] == true).count() as u64;
    assert_eq!(
        successes,
        report.consumers.values().map(|of| of.succeeded).sum::<u64>()
    );
    let killed = lines
        .iter()
        .find(|line| line["fact"] == "ConsumerStopped")
        .unwrap();
    assert_eq!(
        (
            killed["t"].as_u64(),
            killed["consumer"].as_str(),
            killed["how"].as_str()
        ),
        (Some(120_000_000_000), Some("billing-2"), Some("Killed"))
    );
    let times: Vec<u64> = lines[1..]
        .iter()
        .map(|line| line["t"].as_u64().unwrap())
        .collect();
    assert!(times.is_sorted());
}

/// A window and names thin the log; header and End stay.
#[test]
fn a_log_can_be_thinned() {
    let scenario = shipped("quickstart", "20s");
    let thinning = Thinning {
        window: Window {
            from: at("5s"),
            to: at("6s"),
        },
        only: Some(vec!["Delivered", "Consumed"]),
    };
    let (lines, _) = log(&scenario, thinning);
    let facts = &lines[1..lines.len() - 1];
    assert!(facts.len() > 100);
    for line in facts {
        let t = line["t"].as_u64().unwrap();
        assert!((5_000_000_000..6_000_000_000).contains(&t), "{line}");
        assert!(
            ["Delivered", "Consumed"].contains(&line["fact"].as_str().unwrap()),
            "{line}"
        );
    }
    let (all, _) = log(&scenario, ALL);
    let kept = all.iter().filter(|line| facts.contains(line)).count();
    assert_eq!(kept, facts.len());
}
