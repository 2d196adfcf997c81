//! When a client stops pulling.

use crate::support::{Recording, run_with};
use rmqsim::cluster::fact::{Fact, FlowControlCause};

const SLOW: &str = r#"{
  "title": "Slow consumer", "duration": "1m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 2 } } },
  "producers": { "shop": { "topic": "orders", "rate": "5000/s", "messages": 20000, "bodySize": "1KiB" } },
  "groups": { "billing": { "subscribe": { "orders": "*" }, "consumers": { "count": 1, "service": "1s" } } }
}"#;

/// The most messages of one queue that a client ever had in its cache.
fn most_cached(run: &Recording) -> u32 {
    let cached = run.select(|fact| match fact {
        Fact::Cached { cached, .. } => Some(*cached),
        _ => None,
    });
    cached
        .into_iter()
        .map(|(_, cached)| cached)
        .max()
        .expect("something is cached")
}

/// The cache fills up to between the threshold and the threshold plus one batch, both included: a pull is sent
/// at exactly 1000. Field recording `flow-default`.
#[test]
fn the_cache_holds_the_threshold_and_a_batch_at_most() {
    for threshold in [100, 1000] {
        let run = run_with(
            SLOW,
            &[&format!(
                "groups.billing.tuning.pullThresholdForQueue={threshold}"
            )],
        );
        let plateau = most_cached(&run);
        assert!((threshold + 1..=threshold + 32).contains(&plateau), "{plateau}");
        assert!(
            run.count(|fact| matches!(
                fact,
                Fact::FlowControlled {
                    by: FlowControlCause::Count,
                    ..
                }
            )) > 1000
        );
    }
}

/// 1 MiB of bodies are 1024 messages of 1 KiB; the rule cuts off MiB, so it bites from 2 MiB on.
#[test]
fn the_size_threshold_counts_whole_mebibytes() {
    let set = [
        "groups.billing.tuning.pullThresholdSizeForQueue=1",
        "groups.billing.tuning.pullThresholdForQueue=65535",
        "groups.billing.tuning.consumeConcurrentlyMaxSpan=65535",
    ];
    let run = run_with(SLOW, &set);
    let largest = most_cached(&run);
    assert!((2048..2048 + 32).contains(&largest), "{largest}");
    assert!(
        run.count(|fact| matches!(
            fact,
            Fact::FlowControlled {
                by: FlowControlCause::Size,
                ..
            }
        )) > 1000
    );
}

/// The span counts offsets: with one thread on a long message, the queue stops after 2000 further offsets and
/// at most one batch. Field recording `stuck-span-limit`.
#[test]
fn the_span_stops_a_queue_behind_its_oldest_message() {
    let set = ["groups.billing.tuning.pullThresholdForQueue=65535"];
    let run = run_with(SLOW, &set);
    let largest = most_cached(&run);
    assert!((2002..=2001 + 32).contains(&largest), "{largest}");
    assert!(
        run.count(|fact| matches!(
            fact,
            Fact::FlowControlled {
                by: FlowControlCause::Span,
                ..
            }
        )) > 1000
    );
}

/// A client sends `pullBatchSizeInBytes` along, but no broker looks at it: 32 messages come in one answer.
#[test]
fn pull_batch_size_in_bytes_has_no_effect() {
    let run = run_with(SLOW, &["groups.billing.tuning.pullBatchSizeInBytes=1"]);
    let largest = run
        .select(|fact| match fact {
            Fact::PullAnswered { messages, .. } => Some(*messages),
            _ => None,
        })
        .into_iter()
        .map(|(_, messages)| messages)
        .max();
    assert_eq!(largest, Some(32));
}
