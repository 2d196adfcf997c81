//! Strategies inside a run: what a scenario asks for is what its consumers hold.

use crate::support::{Experiment, at, run};
use rmqsim::cluster::config::{Action, TopicQueues};
use rmqsim::cluster::ids::{BrokerId, TopicId};

/// What each consumer holds of `orders` a minute after the start, for a cluster, a strategy and consumers.
#[track_caller]
fn check(brokers: &str, strategy: &str, consumers: &str, expected: &[(&str, &[&str])]) {
    let run = run(&format!(
        r#"{{ "title": "t", "duration": "2m",
             "cluster": {{ {brokers}, "topics": {{ "orders": {{ "queuesPerBroker": 4 }} }} }},
             "producers": {{ "shop": {{ "rate": "10/s" }} }},
             "groups": {{ "billing": {{ "strategy": {strategy}, "consumers": {consumers} }} }} }}"#
    ));
    let held = run.owners(at("1m"));
    let of_orders = |queues: &[String]| -> Vec<String> {
        let labels = queues.iter().filter_map(|label| label.strip_prefix("orders "));
        labels.map(str::to_owned).collect()
    };
    for (name, queues) in expected {
        let found = held.iter().find(|(known, _)| known == name);
        let found = found.map(|(_, queues)| of_orders(queues)).unwrap_or_default();
        assert_eq!(found, *queues, "{name}");
    }
    let holders = held
        .iter()
        .filter(|(_, queues)| !of_orders(queues).is_empty())
        .count();
    assert_eq!(
        holders,
        expected.iter().filter(|(_, queues)| !queues.is_empty()).count(),
        "{held:?}"
    );
}

const ONE: &str = r#""brokers": ["broker-a"]"#;

/// Half of a group runs another strategy, as while a deploy changes it. Blocks give billing-1 0 to 3, turns give
/// billing-2 1, 3, 5 and 7: two queues have two owners, two have none, for as long as both run.
#[test]
fn two_strategies_in_one_group_overlap_and_leave_gaps() {
    check(
        r#""brokers": ["broker-a", "broker-b"]"#,
        r#""AVG""#,
        r#"[{}, { "strategy": "AVG_BY_CIRCLE" }]"#,
        &[
            (
                "billing-1",
                &["broker-a:0", "broker-a:1", "broker-a:2", "broker-a:3"],
            ),
            (
                "billing-2",
                &["broker-a:1", "broker-a:3", "broker-b:1", "broker-b:3"],
            ),
        ],
    );
}

/// Room hz has two members, room sh none: its queues go to all.
#[test]
fn rooms_keep_to_themselves_while_each_has_a_member() {
    let brokers =
        r#""brokers": ["broker-a", "broker-b"], "machineRooms": { "hz": ["broker-a"], "sh": ["broker-b"] }"#;
    check(
        brokers,
        r#""MACHINE_ROOM_NEARBY-AVG""#,
        r#"[{ "machineRoom": "sh" }, { "machineRoom": "hz", "count": 2 }]"#,
        &[
            (
                "billing-1",
                &["broker-b:0", "broker-b:1", "broker-b:2", "broker-b:3"],
            ),
            ("billing-2", &["broker-a:0", "broker-a:1"]),
            ("billing-3", &["broker-a:2", "broker-a:3"]),
        ],
    );
    check(
        brokers,
        r#""MACHINE_ROOM_NEARBY-AVG_BY_CIRCLE""#,
        r#"{ "machineRoom": "hz", "count": 2 }"#,
        &[
            (
                "billing-1",
                &["broker-a:0", "broker-a:2", "broker-b:0", "broker-b:2"],
            ),
            (
                "billing-2",
                &["broker-a:1", "broker-a:3", "broker-b:1", "broker-b:3"],
            ),
        ],
    );
}

#[test]
fn queues_of_other_rooms_have_no_consumer() {
    check(
        r#""brokers": ["hz@broker-a", "sh@broker-b"]"#,
        r#"{ "MACHINE_ROOM": { "rooms": ["hz"] } }"#,
        r#"{ "count": 2 }"#,
        &[
            ("billing-1", &["hz@broker-a:0", "hz@broker-a:1"]),
            ("billing-2", &["hz@broker-a:2", "hz@broker-a:3"]),
        ],
    );
}

/// Nobody checks lists: queue 0 has two owners, 1 and 2 none, and whoever has no list idles.
#[test]
fn lists_are_followed_to_the_letter() {
    check(
        ONE,
        r#"{ "CONFIG": { "billing-1": ["orders broker-a:3", "orders broker-a:0"], "billing-2": ["orders broker-a:0"] } }"#,
        r#"{ "count": 3 }"#,
        &[
            ("billing-1", &["broker-a:0", "broker-a:3"]),
            ("billing-2", &["broker-a:0"]),
            ("billing-3", &[]),
        ],
    );
}

/// Three quarters of the threads, three quarters of the queues; or what the weights say.
#[test]
fn capacity_decides_how_many() {
    let consumers = r#"[{ "threads": 30 }, { "threads": 10 }]"#;
    check(
        ONE,
        r#""X_WEIGHTED""#,
        consumers,
        &[
            ("billing-1", &["broker-a:0", "broker-a:1", "broker-a:2"]),
            ("billing-2", &["broker-a:3"]),
        ],
    );
    check(
        ONE,
        r#"{ "X_WEIGHTED": { "weights": { "billing-1": 10 } } }"#,
        consumers,
        &[
            ("billing-1", &["broker-a:0", "broker-a:1"]),
            ("billing-2", &["broker-a:2", "broker-a:3"]),
        ],
    );
}

/// No place on the ring, no queue: as in RocketMQ.
#[test]
fn without_places_on_the_ring_nobody_gets_anything() {
    check(
        ONE,
        r#"{ "CONSISTENT_HASH": { "virtualNodes": 0 } }"#,
        r#"{ "count": 2 }"#,
        &[],
    );
}

/// One sequence over all topics goes on behind the queues of the topics before: when the first topic grows by a queue,
/// those of the second, of which nothing has changed, move by one.
#[test]
fn a_topic_that_grows_shifts_those_behind_it() {
    let group = r#"{ "title": "t", "duration": "3m",
        "cluster": { "brokers": ["broker-a"],
                     "topics": { "a": { "queuesPerBroker": 2 }, "b": { "queuesPerBroker": 3 } } },
        "producers": { "shop": { "topic": "a", "rate": "10/s" } },
        "groups": { "billing": { "subscribe": { "a": "*", "b": "*" }, "strategy": "X_KAFKA_ROUND_ROBIN",
                                 "consumers": { "count": 2 } } } }"#;
    let grown = Action::UpdateTopic {
        topic: TopicId(0),
        broker: BrokerId(0),
        numbers: TopicQueues { read: 3, write: 3 },
    };
    let run = Experiment::new(group, &[]).then("60s", grown).run();
    let held = |time: &str| -> Vec<Vec<String>> {
        let of_topics = |queues: Vec<String>| queues.into_iter().filter(|label| !label.starts_with('%'));
        run.owners(at(time))
            .into_iter()
            .map(|(_, queues)| of_topics(queues).collect())
            .collect()
    };
    let before = [
        vec!["a broker-a:0", "b broker-a:0", "b broker-a:2"],
        vec!["a broker-a:1", "b broker-a:1"],
    ];
    assert_eq!(held("50s"), before);
    let after = [
        vec!["a broker-a:0", "a broker-a:2", "b broker-a:1"],
        vec!["a broker-a:1", "b broker-a:0", "b broker-a:2"],
    ];
    assert_eq!(held("150s"), after);
}
