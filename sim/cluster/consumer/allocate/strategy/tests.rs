//! Words, settings and what is built of them.

use super::*;
use crate::cluster::consumer::allocate::{Allocation, Needs};

#[test]
fn words_lead_to_strategies_of_that_name() {
    for word in Strategy::words() {
        assert_eq!(Strategy::of_word(&word).unwrap().name(), word);
    }
    for word in [
        "avg",
        "MACHINE_ROOM",
        "CONFIG",
        "MACHINE_ROOM_NEARBY-",
        "MACHINE_ROOM_NEARBY-CONFIG",
    ] {
        assert_eq!(Strategy::of_word(word), None, "{word}");
    }
}

/// What is written reads back, and a word means the same as the object with its usual settings.
#[test]
fn both_forms_are_read() {
    for (written, normal) in [
        (r#""AVG""#, r#""AVG""#),
        (
            r#""CONSISTENT_HASH""#,
            r#"{"CONSISTENT_HASH":{"virtualNodes":10}}"#,
        ),
        (
            r#"{"CONSISTENT_HASH":{}}"#,
            r#"{"CONSISTENT_HASH":{"virtualNodes":10}}"#,
        ),
        (
            r#""MACHINE_ROOM_NEARBY-CONSISTENT_HASH""#,
            r#""MACHINE_ROOM_NEARBY-CONSISTENT_HASH""#,
        ),
        (
            r#"{"MACHINE_ROOM":{"rooms":["hz"]}}"#,
            r#"{"MACHINE_ROOM":{"rooms":["hz"]}}"#,
        ),
        (
            r#""X_BOUNDED_CONSISTENT_HASH""#,
            r#"{"X_BOUNDED_CONSISTENT_HASH":{"virtualNodes":10,"loadBound":1.25}}"#,
        ),
        (
            r#"{"X_BOUNDED_CONSISTENT_HASH":{}}"#,
            r#"{"X_BOUNDED_CONSISTENT_HASH":{"virtualNodes":10,"loadBound":1.25}}"#,
        ),
        (r#"{"CONFIG":{"c":["t b:0"]}}"#, r#"{"CONFIG":{"c":["t b:0"]}}"#),
        (
            r#"{"X_WEIGHTED":{"weights":{"c":3}}}"#,
            r#"{"X_WEIGHTED":{"weights":{"c":3}}}"#,
        ),
    ] {
        let strategy: Strategy = serde_json::from_str(written).expect(written);
        assert_eq!(serde_json::to_string(&strategy).unwrap(), normal);
        assert_eq!(serde_json::from_str::<Strategy>(normal).unwrap(), strategy);
    }
}

fn read(text: &str) -> Strategy {
    serde_json::from_str(text).expect(text)
}

#[test]
fn settings_keep_the_name() {
    for (settings, name) in [
        (r#"{"MACHINE_ROOM":{"rooms":["hz"]}}"#, "MACHINE_ROOM"),
        (r#"{"CONFIG":{}}"#, "CONFIG"),
        (r#"{"CONSISTENT_HASH":{"virtualNodes":3}}"#, "CONSISTENT_HASH"),
    ] {
        assert_eq!(read(settings).name(), name);
    }
}

/// What a scenario with many members is counted by before a ring is built.
#[test]
fn places_on_the_ring_are_known() {
    for (strategy, places) in [
        (r#""AVG""#, 0),
        (r#"{"CONSISTENT_HASH":{"virtualNodes":3}}"#, 3),
        (r#"{"X_BOUNDED_CONSISTENT_HASH":{"virtualNodes":7}}"#, 7),
        (r#""MACHINE_ROOM_NEARBY-CONSISTENT_HASH""#, 10),
    ] {
        assert_eq!(read(strategy).virtual_nodes(), places, "{strategy}");
    }
}

/// Memory of who held what, and a view of all topics; inside rooms no less than outside.
#[test]
fn some_need_more_than_the_protocol_gives() {
    for (word, memory, other_topics) in [
        ("AVG", false, false),
        ("X_STICKY", true, false),
        ("X_KAFKA_ROUND_ROBIN", false, true),
        ("X_KAFKA_STICKY", true, true),
        ("MACHINE_ROOM_NEARBY-AVG", false, false),
        ("MACHINE_ROOM_NEARBY-X_STICKY", true, false),
    ] {
        let built = Strategy::of_word(word).unwrap().build::<u32, u32>(|_| Vec::new());
        let needs = Needs { memory, other_topics };
        assert_eq!(built.needs(), needs, "{word}");
    }
}

/// 7 queues for 3 : 3 : 1. A restarted member has another id and the same weight; of two members that share an id
/// the first counts; a member that does not exist weighs nothing.
#[test]
fn settings_hold_for_all_lives_of_a_member() {
    let lives = |name: &str| match name {
        "a" => vec!["a#1".to_owned(), "a#2".to_owned()],
        "b" => vec!["a#2".to_owned(), "b#1".to_owned()],
        _ => Vec::new(),
    };
    let queues: Vec<_> = (0..7)
        .map(|id| MessageQueue::new("orders", "broker-a", id))
        .collect();
    let clients = ["a#1", "a#2", "b#1"].map(str::to_owned);
    let ask = Allocation::of_texts("billing", None, &queues, &clients);
    let sizes = |settings| -> Vec<usize> {
        let shares = read(settings).build(lives).allocate_all(&ask).unwrap();
        shares.iter().map(Vec::len).collect()
    };
    assert_eq!(
        sizes(r#"{"X_WEIGHTED":{"weights":{"a":3,"b":1,"c":9}}}"#),
        [3, 3, 1]
    );
    assert_eq!(
        sizes(r#"{"CONFIG":{"a":["orders broker-a:0"],"b":[]}}"#),
        [1, 1, 0]
    );
}

#[test]
fn mistakes_are_told() {
    let complaint = |text| serde_json::from_str::<Strategy>(text).unwrap_err().to_string();
    assert!(complaint(r#""AVERAGE""#).starts_with("unknown strategy `AVERAGE`"));
    assert!(complaint("3").contains(r#"expected a strategy like "AVG" or settings like {"#));
    assert!(complaint(r#"{"X_STICKY":{}}"#).contains("unknown variant `X_STICKY`"));
}

/// Editors are told every word.
#[test]
fn the_schema_lists_all_words() {
    let schema = schemars::schema_for!(Strategy).to_value();
    assert_eq!(schema["title"], "Strategy");
    let words: Vec<String> = Strategy::words().collect();
    assert_eq!(schema["anyOf"][0]["enum"], serde_json::json!(words));
    assert_eq!(schema["anyOf"][1]["$ref"], "#/$defs/StrategySettings");
}
