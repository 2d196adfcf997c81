//! Join, leave and kill: who owns what, and when.

use crate::support::{Recording, at, duration, run_with};
use rmqsim::cluster::fact::{Fact, StopKind};
use rmqsim::kernel::time::SimTime;

const GROUP: &str = r#"{
  "title": "Three consumers", "duration": "3m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 6 } } },
  "producers": { "shop": { "topic": "orders", "rate": "200/s" } },
  "groups": { "billing": { "subscribe": { "orders": "*" }, "consumers": { "count": 3, "service": "20ms" } } }
}"#;

fn queues_of(run: &Recording, time: SimTime) -> Vec<(String, usize)> {
    let user = |queues: Vec<String>| queues.iter().filter(|q| q.starts_with("orders")).count();
    run.owners(time)
        .into_iter()
        .map(|(name, queues)| (name, user(queues)))
        .collect()
}

fn counts(list: &[(&str, usize)]) -> Vec<(String, usize)> {
    list.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect()
}

/// Survivors hear of a kill at once and are stable within a second (rounds lie 1 s apart) and a few hops.
/// Field recording `rebalance-1b-join-leave-kill`: below 1 s.
#[test]
fn a_killed_consumers_queues_move_within_a_second() {
    let run = run_with(GROUP, &[r#"timeline=[{"at":"1m","kill":"billing/2"}]"#]);
    assert_eq!(
        queues_of(&run, at("59s")),
        counts(&[("billing-1", 2), ("billing-2", 2), ("billing-3", 2)])
    );
    assert_eq!(
        queues_of(&run, at("61100ms")),
        counts(&[("billing-1", 3), ("billing-2", 0), ("billing-3", 3)])
    );
    let stopped = run.select(|fact| match fact {
        Fact::ConsumerStopped { how, .. } => Some(*how),
        _ => None,
    });
    assert_eq!(stopped, [(at("1m"), StopKind::Killed)]);
}

/// What a killed client had consumed and not committed is consumed again; nothing is lost.
#[test]
fn a_kill_repeats_messages_and_loses_none() {
    let run = run_with(GROUP, &[r#"timeline=[{"at":"1m","kill":"billing/2"}]"#]);
    let mut seen = std::collections::BTreeMap::new();
    for (_, key) in run.select(|fact| match fact {
        Fact::Delivered { queue, offset, .. } => Some((*queue, *offset)),
        _ => None,
    }) {
        *seen.entry(key).or_insert(0) += 1;
    }
    let repeated = seen.values().filter(|n| **n > 1).count();
    // Unfinished at the kill: about 200/s ÷ 3 × 20 ms = 1.3, plus what piggy-backed commits had not covered.
    assert!((1..=20).contains(&repeated), "{repeated}");
    let stored = run.count(|fact| matches!(fact, Fact::Stored { .. }));
    assert!(stored - seen.len() <= 3, "{} of {stored} delivered", seen.len());
}

/// A graceful leave commits what is done and tells the brokers: the others take over within a second.
#[test]
fn a_leaving_consumer_hands_over() {
    let run = run_with(GROUP, &[r#"timeline=[{"at":"1m","leave":"billing/3"}]"#]);
    assert_eq!(
        queues_of(&run, at("61100ms")),
        counts(&[("billing-1", 3), ("billing-2", 3), ("billing-3", 0)])
    );
}

/// With time to finish, a leaving client leaves nothing undone: no message is delivered twice.
#[test]
fn a_leave_with_time_to_finish_repeats_nothing() {
    let set = [
        r#"timeline=[{"at":"1m","leave":"billing/3"}]"#,
        "groups.billing.tuning.awaitTerminationMillisWhenShutdown=10000",
    ];
    let run = run_with(GROUP, &set);
    let mut seen = std::collections::BTreeSet::new();
    for (_, key) in run.select(|fact| match fact {
        Fact::Delivered { queue, offset, .. } => Some((*queue, *offset)),
        _ => None,
    }) {
        assert!(seen.insert(key), "{key:?} is delivered twice");
    }
}

/// A newcomer is known to the broker after its first heartbeat; the group is balanced again within 2.1 s of
/// its start (its own first round comes after 1 s, the others' at once or 1 s after their last).
#[test]
fn a_joining_consumer_gets_its_share() {
    let run = run_with(GROUP, &[r#"timeline=[{"at":"1m","join":"billing"}]"#]);
    let expected = counts(&[
        ("billing-1", 2),
        ("billing-2", 2),
        ("billing-3", 1),
        ("billing-4", 1),
    ]);
    assert_eq!(queues_of(&run, at("1m") + duration("2100ms")), expected);
}

/// More consumers than queues: the last ones sit idle.
#[test]
fn surplus_consumers_stay_idle() {
    let run = run_with(GROUP, &["groups.billing.consumers.count=8"]);
    let owners = queues_of(&run, at("1m"));
    assert_eq!(owners.iter().map(|(_, n)| n).sum::<usize>(), 6);
    assert!(
        owners
            .iter()
            .all(|(name, n)| *n == usize::from(!["billing-7", "billing-8"].contains(&&**name)))
    );
}
