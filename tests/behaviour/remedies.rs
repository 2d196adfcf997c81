//! What the timeline can do about a backlog.

use crate::support::{Recording, at, run, run_with};
use rmqsim::cluster::fact::{Fact, PullFailure};
use rmqsim::cluster::ids::QueueId;
use rmqsim::kernel::time::SimTime;
use std::collections::{BTreeMap, BTreeSet};

/// 100 a second done, 50 a second new, and 6000 that wait; `TIMELINE` is to be replaced.
const BACKLOG: &str = r#"{
  "title": "Backlog", "duration": "5m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 4 }, "wide": { "queuesPerBroker": 8 } } },
  "producers": {
    "backlog": { "topic": "orders", "arrivals": "atOnce", "messages": 6000 },
    "shop": { "topic": "orders", "rate": "50/s", "arrivals": "constant" }
  },
  "groups": {
    "billing": { "subscribe": { "orders": "*" }, "tuning": { "consumeThreadMax": 64 },
                 "consumers": { "count": 1, "threads": 20, "service": "200ms" } },
    "workers": { "subscribe": { "wide": "*" }, "consumers": { "count": 2, "threads": 20, "service": "20ms" } }
  },
  "timeline": [TIMELINE]
}"#;

fn with(timeline: &str) -> Recording {
    run(&BACKLOG.replace("TIMELINE", timeline))
}

/// Results of billing in the ten seconds from `from` on.
fn done(run: &Recording, from: &str) -> usize {
    let from = at(from);
    let to = SimTime::from_nanos(from.as_nanos() + 10_000_000_000);
    let done = run.select(|fact| match fact {
        Fact::Consumed { consumer, .. } => Some(*consumer),
        _ => None,
    });
    done.iter()
        .filter(|(time, consumer)| consumer.0 == 0 && *time >= from && *time < to)
        .count()
}

/// 20 threads of 200 ms make 100 a second, 60 make 300, 5 make 25; calls that run go on.
#[test]
fn threads_change_at_once() {
    let run = with(
        r#"{ "at": "20s", "setThreads": "billing/*", "threads": 60 }, { "at": "30s", "setThreads": "billing/1", "threads": 5 }"#,
    );
    assert_eq!(done(&run, "10s"), 1000);
    assert!(
        (2960..=3000).contains(&done(&run, "20s")),
        "{}",
        done(&run, "20s")
    );
    assert!((250..=310).contains(&done(&run, "30s")), "{}", done(&run, "30s"));
    assert_eq!(done(&run, "40s"), 250);
}

/// From 20 s on each message goes on to the wide topic, once, with its identity, and the workers there are given it.
#[test]
fn a_forwarder_moves_the_backlog() {
    let run = with(r#"{ "at": "20s", "forward": "billing/*", "to": "wide" }"#);
    let forwarded = run.select(|fact| match fact {
        Fact::Forwarded { message, .. } => Some(*message),
        _ => None,
    });
    let identities: BTreeSet<_> = forwarded.iter().map(|(_, message)| *message).collect();
    assert_eq!(identities.len(), forwarded.len());
    let worked_on = run.select(|fact| match fact {
        Fact::Delivered {
            consumer, message, ..
        } if consumer.0 > 0 => Some(*message),
        _ => None,
    });
    let worked_on: BTreeSet<_> = worked_on.into_iter().map(|(_, message)| message).collect();
    // Those of the last instant are on their way.
    assert!(identities.len() - worked_on.len() <= 2);
    assert!(worked_on.is_subset(&identities));
    // 6000 + 50 a second, less what was done before: 40 a second wait no more by 25 s.
    let of_five_seconds = forwarded.iter().filter(|(time, _)| *time < at("25s")).count();
    assert!((5000..5600).contains(&of_five_seconds), "{of_five_seconds}");
    assert!(run.undelivered().len() <= 2);
}

/// 50 a second become 200 and then 5: gaps of 20, 5 and 200 ms, the one under way cut or stretched.
#[test]
fn a_rate_changes_at_once() {
    let run = with(
        r#"{ "at": "20s", "setRate": "shop", "rate": "200/s" }, { "at": "30s", "setRate": "shop-1", "rate": "5/s" }"#,
    );
    let born = run.select(|fact| match fact {
        Fact::Born { producer, .. } => Some(*producer),
        _ => None,
    });
    let within = |from: &str, to: &str| {
        let (from, to) = (at(from), at(to));
        born.iter()
            .filter(|(time, producer)| producer.0 == 1 && *time > from && *time <= to)
            .count()
    };
    assert_eq!(
        [within("10s", "20s"), within("20s", "30s"), within("30s", "40s")],
        [500, 2000, 50]
    );
}

/// Messages that always fail die with the next failure once the limit is 0.
#[test]
fn fewer_retries_end_in_dead_letters() {
    let text = BACKLOG.replace(
        "TIMELINE",
        r#"{ "at": "2m", "setMaxReconsumeTimes": "billing", "maxReconsumeTimes": 0 }"#,
    );
    let run = run_with(&text, &[r#"groups.billing.consumers.failure={"poison":1}"#]);
    let scheduled = run.select(|fact| matches!(fact, Fact::RetryScheduled { .. }).then_some(()));
    assert!(scheduled.iter().all(|(time, ())| *time < at("120100ms")));
    assert!(run.count(|fact| matches!(fact, Fact::DeadLettered { .. })) > 3000);
}

/// A busy broker refuses what is asked of it; clients ask again after 1 s and the way, or after 20 ms if that is what it
/// says. Nothing is lost, and the queues are served again at once.
#[test]
fn a_busy_broker_refuses_pulls() {
    for (answer, cause, in_twenty_seconds) in [
        ("SYSTEM_BUSY", PullFailure::SystemBusy, 19..=20),
        ("FLOW_CONTROL", PullFailure::FlowControl, 960..=981),
    ] {
        let run = with(&format!(
            r#"{{ "at": "3m", "busy": "broker-a", "for": "20s", "answer": "{answer}" }}"#
        ));
        let failed = run.select(|fact| match fact {
            Fact::PullFailed {
                consumer,
                queue,
                cause,
            } if consumer.0 == 0 => Some((*queue, *cause)),
            _ => None,
        });
        let mut refused = BTreeMap::<QueueId, u32>::new();
        for (time, (queue, why)) in failed {
            // Others were refused at the start, when its subscription was not known yet.
            if why == cause {
                assert!(time > at("3m") && time < at("201s"));
                *refused.entry(queue).or_default() += 1;
            }
        }
        let most = refused.values().max().unwrap();
        assert!(in_twenty_seconds.contains(most), "{answer}: {most}");
        assert!(run.undelivered().len() <= 2);
    }
}

/// 1000 for the topic: 250 for each of four queues, while the client does not know of the retry queue; then 333 for each of
/// two and the retry queue.
#[test]
fn topic_thresholds_follow_the_assignment() {
    let set = ["groups.billing.tuning.pullThresholdForTopic=1000"];
    let run = run_with(
        &BACKLOG.replace("TIMELINE", r#"{ "at": "20s", "join": "billing" }"#),
        &set,
    );
    let most = |from: &str, to: &str| {
        let cached = run.select(|fact| match fact {
            Fact::Cached { consumer, cached, .. } if consumer.0 == 0 => Some(*cached),
            _ => None,
        });
        let within = cached
            .iter()
            .filter(|(time, _)| *time > at(from) && *time < at(to));
        within.map(|(_, cached)| *cached).max().unwrap()
    };
    assert!((251..=282).contains(&most("5s", "20s")), "{}", most("5s", "20s"));
    assert!(
        (334..=366).contains(&most("25s", "30s")),
        "{}",
        most("25s", "30s")
    );
}
