//! Same scenario, same seed: the same events. Another setting here: the same luck there.

use crate::support::{Experiment, Recording, broker, cut, heal, member, run, run_with, slow};
use rmqsim::cluster::config::{Action, TopicQueues};
use rmqsim::cluster::fact::Fact;
use rmqsim::cluster::ids::{BrokerId, TopicId};
use rmqsim::cluster::network::Server;
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

/// A message costs the same wherever it is consumed: the service time hangs on the message, not on the thread.
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
