//! Looking for messages by key.

use crate::support::{Recording, run};
use rmqsim::cluster::fact::Fact;
use std::collections::BTreeMap;

const KEYED: &str = r#"{
  "title": "keys", "duration": "2m",
  "cluster": { "brokers": 2, "topics": { "orders": { "queuesPerBroker": 2 } } },
  "producers": { "shop": { "rate": "100/s", "keys": { "zipf": { "count": 200, "exponent": 1.1 } } } },
  "groups": { "billing": { "consumers": { "service": "1ms" } } },
  "timeline": [ { "at": "30s", "queryMessage": "orders", "key": "k1", "maxNum": 5 },
                { "at": "1m", "queryMessage": "orders", "key": "k1" },
                { "at": "1m", "queryMessage": "orders", "key": "k150", "maxNum": 64 } ]
}"#;

/// The answers of each question, as (queue, offset), and the time of storage of each in nanoseconds.
fn answers(run: &Recording) -> Vec<Vec<((u32, u64), u64)>> {
    let mut answers: Vec<Vec<_>> = Vec::new();
    for (_, fact) in &run.facts {
        match fact {
            Fact::MessagesQueried { .. } => answers.push(Vec::new()),
            Fact::MessageFound {
                queue,
                offset,
                stored,
                ..
            } => {
                let answer = answers.last_mut().expect("a question comes first");
                answer.push(((queue.0, *offset), stored.as_nanos()));
            }
            _ => {}
        }
    }
    answers
}

/// Each broker gives its newest, and nothing that came later; consumed messages are found as well.
#[test]
fn the_newest_of_each_broker_are_found() {
    let run = run(KEYED);
    let attributes = &run.directory.attributes;
    let keys: BTreeMap<(u32, u64), u32> = run
        .select(|fact| match fact {
            Fact::Delivered {
                queue,
                offset,
                message,
                luck,
                ..
            } => Some((
                (queue.0, *offset),
                attributes.key(*message, *luck).expect("all have keys").0,
            )),
            _ => None,
        })
        .into_iter()
        .map(|(_, place)| place)
        .collect();
    let answers = answers(&run);
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[0].len(), 2 * 5);
    assert_eq!(answers[1].len(), 2 * 32);
    for (answer, key) in answers.iter().zip([1, 1, 150]) {
        assert!(answer.iter().all(|(place, _)| keys[place] == key));
        assert!(
            answer.windows(2).all(|pair| pair[0].1 >= pair[1].1),
            "the newest first"
        );
    }
    let most = |answer: &[((u32, u64), u64)]| answer[0].1;
    assert!(most(&answers[0]) < 30_000_000_000 && most(&answers[1]) > 50_000_000_000);
    let rare = keys.iter().filter(|(_, key)| **key == 150).count();
    assert!(!answers[2].is_empty() && answers[2].len() < rare);
}
