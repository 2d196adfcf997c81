//! From the start of a client to its first message.

use crate::support::{Recording, at, duration, run, run_with};
use rmqsim::cluster::fact::{Fact, RequestKind, StartOffsetRule};
use rmqsim::kernel::time::SimTime;

const ONE: &str = r#"{
  "title": "One consumer", "duration": "1m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 4 } } },
  "producers": { "shop": { "topic": "orders", "rate": "10/s", "arrivals": "constant" } },
  "groups": { "billing": { "subscribe": { "orders": "*" }, "consumers": { "count": 1, "service": "1ms" } } }
}"#;

fn first(run: &Recording, is: impl Fn(&Fact) -> bool) -> SimTime {
    run.facts
        .iter()
        .find(|(_, fact)| is(fact))
        .map(|(time, _)| *time)
        .expect("it happens")
}

fn first_pull(run: &Recording) -> SimTime {
    first(run, |fact| {
        matches!(
            fact,
            Fact::Request {
                kind: RequestKind::Pull,
                ..
            }
        )
    })
}

/// 5.3: the first round comes 1 s after the client instance was made, the first pull 500 ms later; a few
/// round trips of 0.4 ms lie between.
#[test]
fn first_pull_comes_after_one_and_a_half_seconds() {
    let pull = first_pull(&run(ONE));
    assert!(at("1500ms") < pull && pull < at("1510ms"), "{pull}");
}

/// 4.9 has neither the spacing of rounds nor the pause before the first pull: only loading and requests.
#[test]
fn in_4_9_the_first_pull_follows_the_start_at_once() {
    let pull = first_pull(&run_with(ONE, &["cluster.rocketmq=4.9"]));
    assert!(at("100ms") < pull && pull < at("110ms"), "{pull}");
}

/// A lone client of a new group learns of its retry topic in its first round and takes it in the next, 20 s
/// later. Field recording `retry-default-max3`: nothing of RETRY in the first assignment.
#[test]
fn a_lone_clients_retry_queue_waits_for_the_second_round() {
    let run = run(ONE);
    let taken = run.select(|fact| match fact {
        Fact::QueueAcquired { queue, .. } => Some(run.queue(*queue)),
        _ => None,
    });
    let (time, _) = taken
        .iter()
        .find(|(_, queue)| queue == "%RETRY%billing broker-a:0")
        .expect("it is taken");
    assert!(at("21s") < *time && *time < at("21100ms"), "{time}");
    assert!(
        taken
            .iter()
            .filter(|(_, q)| q.starts_with("orders"))
            .all(|(t, _)| *t < at("1100ms"))
    );
}

/// A young queue is read from its start, whatever CONSUME_FROM_LAST_OFFSET says; an empty one from its end.
#[test]
fn a_new_group_on_a_young_topic_starts_at_zero() {
    let run = run(ONE);
    let starts = run.select(|fact| match fact {
        Fact::QueueAcquired {
            start_offset,
            decided_by,
            ..
        } => Some((*start_offset, *decided_by)),
        _ => None,
    });
    let young = starts
        .iter()
        .filter(|(_, (_, rule))| *rule == StartOffsetRule::YoungQueue)
        .count();
    assert_eq!(young, 4);
    assert!(starts.iter().all(|(_, (offset, _))| *offset == 0));
    let stored = run.count(|fact| matches!(fact, Fact::Stored { .. }));
    let delivered = run.count(|fact| matches!(fact, Fact::Delivered { .. }));
    assert!(stored - delivered <= 1, "{stored} stored, {delivered} delivered");
}

/// Offsets are persisted 10 s after the start and every 5 s from then on.
#[test]
fn offsets_are_persisted_every_five_seconds() {
    let run = run(ONE);
    let mut ticks: Vec<SimTime> = run
        .select(|fact| {
            matches!(
                fact,
                Fact::Request {
                    kind: RequestKind::UpdateOffset,
                    ..
                }
            )
            .then_some(())
        })
        .into_iter()
        .map(|(time, ())| time)
        .collect();
    ticks.dedup();
    let expected: Vec<SimTime> = (0..10)
        .map(|k| at("10s") + duration("5s") * k + duration("200us"))
        .collect();
    assert_eq!(ticks, expected);
}

/// An empty queue: 5.3 knows of no offset and the client asks for the end; 4.9 says 0 at once.
#[test]
fn who_decides_on_an_empty_queue_depends_on_the_release() {
    let late = "producers.shop.start=30s";
    for (version, expected) in [
        ("5.3", StartOffsetRule::ConsumeFromWhere),
        ("4.9", StartOffsetRule::YoungQueue),
    ] {
        let run = run_with(ONE, &[late, &format!("cluster.rocketmq={version}")]);
        let rules = run.select(|fact| match fact {
            Fact::QueueAcquired { decided_by, .. } => Some(*decided_by),
            _ => None,
        });
        assert!(!rules.is_empty() && rules.iter().all(|(_, rule)| *rule == expected));
    }
}

/// An offset that the client chose itself (the end of an empty queue) is in its memory only after the first
/// result: the ticks at 10 s and 15 s commit nothing. A hold that ends with nothing is such a result, and comes
/// at 16.5 s at the earliest.
#[test]
fn a_start_that_no_broker_named_is_not_committed_before_a_result() {
    let run = run_with(ONE, &["producers.shop.start=50s"]);
    let first = first(&run, |fact| matches!(fact, Fact::OffsetCommitted { .. }));
    assert!(at("20s") <= first && first <= at("26s"), "{first}");
}

/// The first round asks who is in the group once for each topic, also for the retry topic, whose route it had
/// to fetch first and which it therefore leaves to the next round.
#[test]
fn the_first_round_asks_for_members_of_the_retry_topic_too() {
    let run = run(ONE);
    let asked = run.select(|fact| match fact {
        Fact::Request {
            kind: RequestKind::ConsumerList,
            ..
        } => Some(()),
        _ => None,
    });
    assert_eq!(asked.iter().filter(|(time, ())| *time < at("2s")).count(), 2);
}
