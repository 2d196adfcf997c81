//! Pulls that find nothing.

use crate::support::{duration, run, run_with};
use rmqsim::cluster::fact::{Fact, PullResult};

const IDLE: &str = r#"{
  "title": "Idle", "duration": "5m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 4 } } },
  "producers": { "shop": { "topic": "orders", "rate": "1/s", "arrivals": "constant", "start": "4m", "messages": 8 } },
  "groups": { "billing": { "subscribe": { "orders": "*" }, "consumers": { "count": 1, "service": "1ms" } } }
}"#;

/// A hold of 15 s ends at the next 5 s check. Field recording `longpoll-idle`: within [15 s, 20.1 s].
#[test]
fn an_idle_pull_is_held_for_fifteen_to_twenty_seconds() {
    let run = run(IDLE);
    let held = run.select(|fact| match fact {
        Fact::PullAnswered {
            result: PullResult::NotFound,
            held,
            ..
        } => Some(*held),
        _ => None,
    });
    assert!(held.len() > 50, "{}", held.len());
    assert!(
        held.iter()
            .all(|(_, held)| (duration("15s")..=duration("20100ms")).contains(held))
    );
    // Each new pull starts just after a sweep, so it settles near 20 s.
    assert!(
        held[20..]
            .iter()
            .filter(|(_, held)| *held > duration("19900ms"))
            .count()
            > 20
    );
}

/// A message ends the hold: send, dispatch (at most 1 ms), answer. Three hops of 0.2 ms.
#[test]
fn a_message_wakes_the_held_pull() {
    let run = run(IDLE);
    let waits = run.select(|fact| match fact {
        Fact::Delivered { born, .. } => Some(*born),
        _ => None,
    });
    assert_eq!(waits.len(), 8);
    for (time, born) in waits {
        assert!(time.since(born) <= duration("1400us"), "{}", time.since(born));
    }
}

/// Without long polling a message wakes nobody: the pull is looked at once a second.
#[test]
fn short_polling_adds_up_to_two_seconds() {
    let run = run_with(IDLE, &["cluster.tuning.longPollingEnable=false"]);
    let slowest = run
        .select(|fact| match fact {
            Fact::Delivered { born, .. } => Some(*born),
            _ => None,
        })
        .into_iter()
        .map(|(time, born)| time.since(born))
        .max()
        .unwrap();
    assert!(
        duration("100ms") < slowest && slowest <= duration("2s"),
        "{slowest}"
    );
}
