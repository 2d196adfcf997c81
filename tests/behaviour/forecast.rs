//! What `check` foresees of a run's memory, against what the run has counted.
//!
//! A forecast knows no luck, so it is held to a factor: no run holds more than 1 / 0.8 of what was foreseen, and none less than
//! half. Small runs are held to a difference instead: below it lies the noise of the program that they run in.

use crate::random;
use rmqsim::cluster::Cluster;
use rmqsim::cluster::bounds::Bounds;
use rmqsim::cluster::config::{ClusterConfig, RocketMqVersion};
use rmqsim::forecast::{Forecast, Why};
use rmqsim::observe::observation::Observation;
use rmqsim::scenario::{Overrides, Scenario, shipped};

/// Foreseen ÷ held, at least and at most.
const FACTOR: (f64, f64) = (0.8, 2.0);
/// So far apart is close enough whatever the factor.
const NOISE: u64 = 2 << 20;

/// What was foreseen, and what the run held at its peak.
fn both(config: &ClusterConfig) -> (Forecast, u64) {
    let bounds = Bounds {
        weigh: true,
        ..Bounds::default()
    };
    let cluster = Cluster::new(config.clone(), Observation::new(config));
    (
        Forecast::of(config),
        cluster.run_within(&bounds, |_, _| {}).peak.total(),
    )
}

/// What is wrong with a forecast, if anything is.
fn fault(name: &str, config: &ClusterConfig) -> Option<String> {
    let (forecast, held) = both(config);
    let factor = forecast.held() as f64 / held as f64;
    let is_close = forecast.held().abs_diff(held) <= NOISE;
    let told = format!(
        "{name}: foreseen {} KiB, held {} KiB: {factor:.2}",
        forecast.held() >> 10,
        held >> 10
    );
    println!("{told}");
    (!is_close && !(FACTOR.0..FACTOR.1).contains(&factor)).then(|| format!("{told}; {forecast:?}"))
}

fn scenario(name: &str, set: &[&str]) -> ClusterConfig {
    let overrides = Overrides {
        set: set.iter().map(|set| (*set).to_owned()).collect(),
        ..Overrides::default()
    };
    let scenario = Scenario::load(name, &overrides);
    scenario.unwrap_or_else(|problems| panic!("{problems}")).config
}

#[test]
fn shipped_scenarios_hold_what_is_foreseen() {
    let faults = shipped::names().filter_map(|name| fault(name, &scenario(name, &[])));
    let faults: Vec<String> = faults.collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Large ones: what waits, tables of queues and clients, retries, series, keys.
#[test]
fn large_scenarios_hold_what_is_foreseen() {
    let bench = |name: &str| format!("scenarios/bench/{name}.json");
    let cases: [(&str, &[&str]); 9] = [
        ("backlog", &[]),
        ("backlog", &["producers.load.messages=300000", "duration=35s"]),
        ("cluster", &[]),
        ("retry", &[]),
        ("ordered", &[]),
        ("broadcast", &[]),
        ("idle-queues", &["duration=10m"]),
        ("idle-consumers", &["duration=1m"]),
        (
            "group-2000",
            &["duration=50s", "timeline=[]", "groups.fleet.consumers.count=2000"],
        ),
    ];
    let faults = cases
        .iter()
        .filter_map(|(name, set)| fault(name, &scenario(&bench(name), set)));
    let faults: Vec<String> = faults.collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn random_clusters_hold_what_is_foreseen() {
    let cases = (0..40).map(|number| (number, random::cases::case(number, RocketMqVersion::V5_3)));
    let faults = cases.filter_map(|(number, config)| fault(&format!("case {number}"), &config));
    let faults: Vec<String> = faults.collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// 200 messages a second for an hour, of which one thread does 100: 360 000 wait in the end. If its process is killed after
/// half an hour, half as many by then and all later ones.
#[test]
fn a_backlog_is_what_comes_less_what_is_done() {
    let backlog = |timeline: &str| {
        let timeline = format!("timeline={timeline}");
        let set = [
            "expect=[]",
            "duration=1h",
            "producers.checkout.rate=200/s",
            "groups.billing.consumers.count=1",
            "groups.billing.consumers.threads=1",
            "groups.billing.consumers.service=10ms",
            &timeline,
        ];
        let forecast = Forecast::of(&scenario("quickstart", &set));
        forecast.backlog.expect("something waits")
    };
    let slow = backlog("[]");
    assert!(slow.messages.abs_diff(360_000) < 1_000, "{slow:?}");
    let names = [slow.group.as_str(), slow.topic.as_str()];
    assert_eq!((slow.why, names), (Why::Behind, ["billing", "orders"]));
    let killed = backlog(r#"[{ "at": "30m", "kill": "billing/1" }]"#);
    assert!(killed.messages.abs_diff(540_000) < 1_000, "{killed:?}");
    assert_eq!(killed.why, Why::Unread);
}
