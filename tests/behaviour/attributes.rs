//! Tags, keys and properties: what they change, and what they must not.

use crate::support::{Recording, run_with};
use rmqsim::cluster::fact::Fact;
use std::collections::{BTreeMap, BTreeSet};

const KEYED: &str = r#"{
  "title": "keys", "duration": "20s",
  "cluster": { "brokers": 2, "topics": { "orders": { "queuesPerBroker": 4 } } },
  "producers": { "shop": { "rate": "200/s", "count": 2, "stop": "15s",
    "tags": { "TagA": 1, "TagB": 1 }, "keys": { "zipf": { "count": 100, "exponent": 1.1 } },
    "properties": { "region": { "oneOf": { "eu": 1, "us": 1 } } } } },
  "groups": { "billing": {} }
}"#;

/// By message: tag, key and luck as the listener could know them.
fn delivered(run: &Recording) -> BTreeMap<u64, (Option<u16>, Option<u32>, u64)> {
    let attributes = &run.directory.attributes;
    let seen = run.select(|fact| match fact {
        Fact::Delivered { message, luck, .. } => {
            let tag = attributes.tag(*message, *luck).map(|tag| tag.0);
            let key = attributes.key(*message, *luck).map(|key| key.0);
            Some((message.0, (tag, key, *luck)))
        }
        _ => None,
    });
    seen.into_iter().map(|(_, message)| message).collect()
}

/// All messages of a key lie in one queue, and there are many keys in each queue.
#[test]
fn a_key_has_one_queue() {
    let run = run_with(KEYED, &["producers.shop.queueSelector=byKey"]);
    let mut queues: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    let attributes = &run.directory.attributes;
    for (_, (queue, key)) in run.select(|fact| match fact {
        Fact::Delivered {
            queue, message, luck, ..
        } => Some((queue.0, attributes.key(*message, *luck).expect("all have keys").0)),
        _ => None,
    }) {
        queues.entry(key).or_default().insert(queue);
    }
    assert!(queues.len() > 80, "{} keys", queues.len());
    assert!(queues.values().all(|queues| queues.len() == 1));
    let used: BTreeSet<u32> = queues.values().flatten().copied().collect();
    assert_eq!(used.len(), 8);
}

/// Common random numbers: neither attributes nor the choice of queues move anybody's luck, and another distribution of
/// one attribute leaves the others alone.
#[test]
fn attributes_have_luck_of_their_own() {
    let plain = delivered(&run_with(KEYED, &["producers.shop.tags={}"]));
    let keyed = delivered(&run_with(KEYED, &["producers.shop.queueSelector=byKey"]));
    let steep = delivered(&run_with(
        KEYED,
        &["producers.shop.keys={\"zipf\":{\"count\":100,\"exponent\":3}}"],
    ));
    assert!(plain.len() > 5000);
    let mut moved = 0;
    for (message, (tag, key, luck)) in &keyed {
        assert_eq!(plain[message], (None, *key, *luck));
        let (other_tag, other_key, other_luck) = steep[message];
        assert_eq!((other_tag, other_luck), (*tag, *luck));
        assert!(other_key <= *key, "a steeper distribution favours low keys");
        moved += u32::from(other_key < *key);
    }
    assert!(moved > 1000);
}
