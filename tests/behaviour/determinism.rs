//! Same scenario, same seed: the same events. Another setting here: the same luck there.

use crate::support::{Recording, run, run_with};
use rmqsim::cluster::fact::Fact;
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
