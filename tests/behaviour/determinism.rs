//! Same scenario, same seed: the same events. Another setting here: the same luck there.

use crate::support::{Experiment, Recording, broker, cut, heal, member, run, run_with, slow};
use rmqsim::cluster::Cluster;
use rmqsim::cluster::config::{Action, TopicQueues};
use rmqsim::cluster::directory::Directory;
use rmqsim::cluster::fact::Fact;
use rmqsim::cluster::fact::Observer;
use rmqsim::cluster::ids::{BrokerId, TopicId};
use rmqsim::cluster::network::Server;
use rmqsim::kernel::time::{SimDuration, SimTime};
use rmqsim::observe::observation::Observation;
use rmqsim::scenario::{Overrides, Scenario};
use serde_json::Value;
use std::collections::BTreeMap;

const MIXED: &str = r#"{
  "title": "A bit of everything", "duration": "2m",
  "cluster": { "brokers": ["broker-a", "broker-b"], "topics": { "orders": { "queuesPerBroker": 3 } },
               "network": { "latency": { "lognormal": { "mean": "0.4ms", "p99": "2ms" } } } },
  "producers": { "shop": { "topic": "orders", "rate": "150/s", "count": 2 },
                 "till": { "topic": "orders", "rate": "20/s", "arrivals": { "bursts": { "on": "5s", "off": "5s" } } } },
  "groups": { "billing": { "subscribe": { "orders": "*" },
      "consumers": { "count": 3, "service": { "gamma": { "mean": "60ms", "cv": 1.5 } }, "failure": { "probability": 0.02 } } },
    "audit": { "subscribe": { "orders": "*" }, "strategy": "AVG_BY_CIRCLE", "consumers": { "count": 2, "service": "5ms" } } },
  "timeline": [ { "at": "30s", "kill": "billing/1" }, { "at": "60s", "join": "billing" }, { "at": "90s", "leave": "audit/2" } ]
}"#;

/// Time, luck and size of all messages of each producer.
fn arrivals(run: &Recording) -> BTreeMap<u32, Vec<(u64, u64, u32)>> {
    let mut arrivals = BTreeMap::<u32, Vec<(u64, u64, u32)>>::new();
    for (time, fact) in &run.facts {
        if let Fact::Born {
            producer,
            luck,
            body_size,
            ..
        } = fact
        {
            arrivals
                .entry(producer.0)
                .or_default()
                .push((time.as_nanos(), *luck, *body_size));
        }
    }
    arrivals
}

#[test]
fn the_same_seed_gives_the_same_events() {
    let (a, b) = (run(MIXED), run(MIXED));
    assert_eq!(a.digest, b.digest);
    assert_eq!(format!("{:?}", a.facts), format!("{:?}", b.facts));
}

#[test]
fn another_seed_gives_other_events() {
    assert_ne!(run(MIXED).digest, run_with(MIXED, &["seed=2"]).digest);
}

/// Common random numbers: a consumer more, another strategy, other threads leave every arrival where it was.
#[test]
fn what_consumers_do_moves_no_arrival() {
    let base = arrivals(&run(MIXED));
    assert_eq!(base.len(), 3);
    for change in [
        "groups.billing.consumers.count=4",
        "groups.billing.strategy=AVG_BY_CIRCLE",
        "groups.billing.consumers.threads=3",
        "groups.audit.consumers.service=50ms",
        "cluster.network.latency=3ms",
    ] {
        assert_eq!(arrivals(&run_with(MIXED, &[change])), base, "{change}");
    }
}

/// A message costs the same wherever it is consumed: the service time depends on the message, not on the thread.
#[test]
fn a_message_costs_the_same_under_every_strategy() {
    let costs = |run: Recording| {
        let mut costs = BTreeMap::new();
        for (_, fact) in &run.facts {
            if let Fact::Consumed {
                group,
                message,
                reconsume_times,
                busy,
                ..
            } = fact
            {
                costs.entry((*group, *message, *reconsume_times)).or_insert(*busy);
            }
        }
        costs
    };
    let base = costs(run(MIXED));
    let other = costs(run_with(
        MIXED,
        &[
            "groups.billing.strategy=AVG_BY_CIRCLE",
            "groups.billing.consumers.count=5",
        ],
    ));
    let common: Vec<_> = base.iter().filter(|(key, _)| other.contains_key(*key)).collect();
    assert!(common.len() > 20_000, "{}", common.len());
    assert!(common.iter().all(|(key, busy)| other[*key] == **busy));
}

/// Every kind of fault, on members of `audit`, the first group by name.
fn faults(experiment: Experiment) -> Experiment {
    let update = Action::UpdateTopic {
        topic: TopicId(0),
        broker: BrokerId(0),
        numbers: TopicQueues { read: 5, write: 5 },
    };
    experiment
        .then("5s", cut(1, broker(0)))
        .then("6s", slow(0, broker(1), "1700ms"))
        .then("10s", update)
        .then("12s", cut(0, Server::NameServer(0)))
        .then("20s", Action::Pause(member(1)))
        .then("45s", heal(1, broker(0)))
        .then("50s", Action::Resume(member(1)))
        .then("55s", slow(0, broker(1), "0s"))
        .then("56s", heal(0, Server::NameServer(0)))
        .then("70s", Action::Vanish(member(1)))
}

fn without_timeline() -> Experiment {
    let mut experiment = Experiment::new(MIXED, &[]);
    experiment.0.timeline.clear();
    experiment
}

#[test]
fn faults_are_deterministic() {
    let (a, b) = (faults(without_timeline()).run(), faults(without_timeline()).run());
    assert_eq!(a.digest, b.digest);
    assert_eq!(format!("{:?}", a.facts), format!("{:?}", b.facts));
}

/// What happens to clients of one group moves no arrival, and nothing of another group on links of its own: `billing`
/// is given the same messages at the same times. (Queues that are added do move messages.)
#[test]
fn a_fault_of_one_client_is_nobody_elses_luck() {
    let base = without_timeline().run();
    let faulty = without_timeline()
        .then("5s", cut(1, broker(0)))
        .then("6s", slow(0, broker(1), "1700ms"))
        .then("20s", Action::Pause(member(0)))
        .then("70s", Action::Vanish(member(1)))
        .run();
    assert_eq!(arrivals(&faulty), arrivals(&base));
    let billing = |run: &Recording| {
        let group = run
            .directory
            .groups
            .iter()
            .position(|group| group.name == "billing")
            .unwrap();
        let mut deliveries = run.deliveries();
        deliveries.retain(|(_, (consumer, ..))| run.directory.consumer(*consumer).group.index() == group);
        // Retry topics are numbered in the order in which they come into being.
        deliveries.retain(|(_, (_, queue, _))| queue.0 < 6);
        deliveries
    };
    assert!(billing(&base).len() > 10_000);
    assert_eq!(billing(&faulty), billing(&base));
}

/// A producer may bear the name of a group, so that its instances are called as the consumers are. Once their
/// connections drew from one stream, which stopped the run before it began.
#[test]
fn producers_may_be_called_like_groups() {
    let twins = MIXED.replace("\"shop\"", "\"billing\"");
    let messages = |run: &Recording| run.count(|fact| matches!(fact, Fact::Stored { .. }));
    assert!(messages(&run(&twins)) > 15_000);
}

/// How long a thread of `billing` was busy with each message, by the message's own random word and the attempt.
fn demands(run: &Recording) -> BTreeMap<(u64, u16), SimDuration> {
    let mut lucks = BTreeMap::new();
    let mut demands = BTreeMap::new();
    for (_, fact) in &run.facts {
        match fact {
            Fact::Born { message, luck, .. } => {
                lucks.insert(*message, *luck);
            }
            Fact::Consumed {
                group,
                message,
                reconsume_times,
                busy,
                ..
            } if run.directory.groups[group.index()].name == "billing" => {
                demands.insert((lucks[message], *reconsume_times), *busy);
            }
            _ => (),
        }
    }
    demands
}

/// Isolation: an idle group, another name of a group, a consumer more in it. Nobody else notices: the same arrivals to
/// the byte, and a message asks of `billing` what it asked before.
#[test]
fn what_happens_elsewhere_is_nobody_elses_luck() {
    let base = run(MIXED);
    let (times, asked) = (arrivals(&base), demands(&base));
    assert!(asked.len() > 15_000, "{}", asked.len());
    // First in the order of names: all that follow get other numbers.
    let idle = MIXED
        .replace(r#""topics": {"#, r#""topics": { "a-quiet-one": {},"#)
        .replace(
            r#""groups": {"#,
            r#""groups": { "a-idle": { "subscribe": { "a-quiet-one": "*" }, "consumers": { "service": "1s" } },"#,
        );
    let renamed = MIXED.replace("audit", "zz-audit");
    let joined = MIXED.replace(
        r#""count": 2, "service": "5ms""#,
        r#""count": 3, "service": "5ms""#,
    );
    for (label, text) in [("idle", idle), ("renamed", renamed), ("joined", joined)] {
        assert_ne!(text, MIXED, "{label}");
        let other = run(&text);
        assert_eq!(arrivals(&other), times, "{label}");
        let other = demands(&other);
        // What is under way when the run ends may differ; nothing else.
        let common: Vec<_> = asked.keys().filter(|key| other.contains_key(*key)).collect();
        assert!(asked.len() - common.len() < 20, "{label}: {}", common.len());
        for key in common {
            assert_eq!(other[key], asked[key], "{label}: {key:?}");
        }
    }
}

/// The same objects, their keys in the opposite order.
fn turned(value: &Value) -> Value {
    match value {
        Value::Object(keys) => keys
            .iter()
            .rev()
            .map(|(key, value)| (key.clone(), turned(value)))
            .collect(),
        Value::Array(values) => values.iter().map(turned).collect(),
        other => other.clone(),
    }
}

/// How a scenario is written is nobody's luck: keys in another order, on one line, with comments everywhere.
#[test]
fn the_order_of_keys_and_the_spaces_move_nothing() {
    let value: Value = serde_json::from_str(MIXED).unwrap();
    let turned = turned(&value).to_string();
    assert_ne!(turned, value.to_string());
    let commented = MIXED
        .replace(',', ", // and\n")
        .replace('{', "/* an object */ {\r\n\t");
    let digest = run(MIXED).digest;
    assert_eq!(run(&turned).digest, digest);
    assert_eq!(run(&commented).digest, digest);
}

/// A shorter run is the beginning of the longer one, to the instant at which it ends.
#[test]
fn a_run_that_ends_early_is_the_beginning_of_the_whole() {
    let whole = run(MIXED);
    for until in ["1ms", "29999ms", "60s", "90001ms"] {
        let end = SimTime::ZERO + until.parse::<SimDuration>().unwrap();
        let overrides = Overrides {
            until: Some(until.parse().unwrap()),
            ..Overrides::default()
        };
        let scenario = Scenario::from_text("test.json", MIXED, &overrides)
            .unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)));
        let early = Experiment(scenario.config).run();
        let before = |run: &Recording| -> Vec<String> {
            let facts = run.facts.iter().take_while(|(time, _)| *time < end);
            facts.map(|fact| format!("{fact:?}")).collect()
        };
        assert_eq!(before(&early), before(&whole), "{until}");
    }
}

/// Sees nothing.
struct Blind;

impl Observer for Blind {
    fn observe(&mut self, _: SimTime, _: &Directory, _: &Fact) {}
    fn sample(&mut self, _: SimTime, _: &Directory) {}
}

/// Nobody looks, somebody keeps every fact, all measures and invariants are at work: the same events.
#[test]
fn being_observed_moves_no_event() {
    let config = || faults(without_timeline()).0;
    let blind = Cluster::new(config(), Blind).run(|_, _| {}).trace_digest;
    let recorded = faults(without_timeline()).run().digest;
    let measured = Cluster::new(config(), Observation::new(&config())).run(|_, _| {});
    assert_eq!([&recorded, &measured.trace_digest], [&blind, &blind]);
}
