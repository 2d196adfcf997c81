//! Listeners that consume in order: pauses, attempts, commits by hand, and what becomes of the order of keys.

use crate::support::{Experiment, Recording, broker, cut, duration, heal, run_with};
use rmqsim::cluster::Cluster;
use rmqsim::cluster::config::ClusterConfig;
use rmqsim::cluster::fact::Fact;
use rmqsim::cluster::ids::{GroupId, QueueId};
use rmqsim::kernel::time::{SimDuration, SimTime};
use rmqsim::observe::observation::Observation;
use rmqsim::observe::order::KeyOrder;
use rmqsim::scenario::{Overrides, Scenario};

/// Ten messages in one queue, one every 10 ms from 60 s on; the third always fails.
const TEN: &str = r#"{
  "title": "Ten messages", "duration": "2m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 1 } } },
  "producers": { "shop": { "topic": "orders", "rate": "100/s", "arrivals": "constant", "start": "60s", "messages": 10 } },
  "groups": { "billing": {
    "subscribe": { "orders": "*" }, "listener": "orderly",
    "consumers": { "service": "20ms",
      "failure": { "rules": [{ "message": { "producer": "shop-1", "number": 3 }, "outcome": "later" }] } },
    "tuning": { "maxReconsumeTimes": 2, "suspendCurrentQueueTimeMillis": 500 }
  } }
}"#;

/// Offset and count of attempts of each call, with its time.
fn calls(run: &Recording) -> Vec<(SimTime, (u64, u16))> {
    run.select(|fact| match fact {
        Fact::Delivered {
            offset,
            reconsume_times,
            ..
        } => Some((*offset, *reconsume_times)),
        _ => None,
    })
}

/// What calls of the listener came in which order, without times.
fn sequence(run: &Recording) -> Vec<(u64, u16)> {
    calls(run).into_iter().map(|(_, call)| call).collect()
}

/// Three attempts 500 ms apart (and the 20 ms of a call); then the client sends the message to the retry topic, the
/// broker makes it a dead letter with a count of 3, and the queue goes on as soon as the answer is there.
#[test]
fn a_failing_head_is_tried_until_its_attempts_are_used_up() {
    let run = run_with(TEN, &[]);
    let calls = calls(&run);
    let sequence: Vec<(u64, u16)> = calls.iter().map(|(_, call)| *call).collect();
    let after: Vec<(u64, u16)> = (3..10).map(|offset| (offset, 0)).collect();
    assert_eq!(sequence[..5], [(0, 0), (1, 0), (2, 0), (2, 1), (2, 2)]);
    assert_eq!(sequence[5..], after);
    let gaps: Vec<SimDuration> = calls.windows(2).map(|pair| pair[1].0.since(pair[0].0)).collect();
    assert_eq!(
        gaps[2..5],
        [duration("520ms"), duration("520ms"), duration("20400us")]
    );
    let dead = run.select(|fact| match fact {
        Fact::DeadLettered {
            offset,
            reconsume_times,
            ..
        } => Some((*offset, *reconsume_times)),
        _ => None,
    });
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].1, (2, 3));
}

/// Without a limit, and without one being reached, nothing behind the head is ever seen.
#[test]
fn a_poison_message_stops_its_queue_for_ever() {
    let run = run_with(TEN, &["groups.billing.tuning.maxReconsumeTimes=-1"]);
    let sequence = sequence(&run);
    assert!(sequence.iter().all(|(offset, _)| *offset <= 2));
    // 60 s at one attempt each 520 ms.
    assert_eq!(sequence.last(), Some(&(2, 115)));
    let committed = run.select(|fact| match fact {
        Fact::OffsetCommitted { queue, new, .. } if *queue == QueueId(0) => Some(*new),
        _ => None,
    });
    assert_eq!(committed.last().map(|(_, offset)| *offset), Some(2));
}

/// A batch comes back as a whole, and all of it has one attempt more. When the one message is at its limit and the
/// others are as well, all of them are dead letters.
#[test]
fn a_batch_fails_as_a_whole() {
    let set = [
        "groups.billing.tuning.consumeMessageBatchMaxSize=4",
        "groups.billing.consumers.service=\"50ms\"",
    ];
    let run = run_with(TEN, &set);
    let failed: Vec<(u64, u16)> = sequence(&run)
        .into_iter()
        .filter(|(_, times)| *times > 0)
        .collect();
    let first = failed[0].0;
    let batch: Vec<u64> = failed
        .iter()
        .take_while(|(_, times)| *times == 1)
        .map(|(offset, _)| *offset)
        .collect();
    assert!(batch.len() > 1 && batch.contains(&2) && batch[0] == first);
    let second: Vec<u64> = failed[batch.len()..].iter().map(|(offset, _)| *offset).collect();
    assert_eq!(second, batch);
    let dead = run.count(|fact| matches!(fact, Fact::DeadLettered { .. }));
    assert_eq!(dead, batch.len());
}

/// The link is cut while the third attempt runs. The client waits 3 s for the answer to its dead letter and gives the
/// connection up; the message has one attempt more and comes again after the pause. Another connection cannot be made for
/// 3 s, and then it can. The first dead letter was on the wire, and arrives as well.
#[test]
fn a_dead_letter_that_cannot_be_sent_comes_again() {
    let third = calls(&run_with(TEN, &[]))[4].0;
    let run = Experiment::new(TEN, &[])
        .then_at(third, cut(0, broker(0)))
        .then_at(third + duration("4s"), heal(0, broker(0)))
        .run();
    let again = calls(&run)
        .into_iter()
        .find(|(_, call)| *call == (2, 3))
        .expect("it comes again");
    // The call, the time-out of the send, the pause.
    assert_eq!(
        again.0.since(third),
        duration("20ms") + duration("3s") + duration("500ms")
    );
    let dead = run.select(|fact| match fact {
        Fact::DeadLettered { reconsume_times, .. } => Some(*reconsume_times),
        _ => None,
    });
    let counts: Vec<u16> = dead.into_iter().map(|(_, times)| times).collect();
    assert_eq!((counts, sequence(&run).last()), (vec![3, 5], Some(&(9, 0))));
}

/// A call that hangs keeps its queue and its thread; the other queue has a thread of its own.
#[test]
fn a_hung_call_blocks_its_queue_alone() {
    let set = [
        "cluster.topics.orders.queuesPerBroker=2",
        "groups.billing.consumers.threads=2",
        "groups.billing.consumers.failure.rules[0].outcome=hang",
    ];
    let run = run_with(TEN, &set);
    let third = run.select(|fact| match fact {
        Fact::NoStatus { queue, offset, .. } => Some((*queue, *offset)),
        _ => None,
    });
    let (hung, offset) = third[0].1;
    let of = |queue: QueueId| {
        let all = run.deliveries().into_iter();
        all.filter(|(_, (_, of, _))| *of == queue).count() as u64
    };
    assert_eq!((of(hung), of(QueueId(1 - hung.0))), (offset + 1, 5));
}

/// Two queues with work for minutes and one thread: the first queue gives it up after 60 s.
#[test]
fn a_queue_gives_its_thread_to_others_after_a_minute() {
    let set = [
        "duration=4m",
        "cluster.topics.orders.queuesPerBroker=2",
        "producers.shop.messages=1000",
        "producers.shop.rate=\"1000/s\"",
        "producers.shop.start=\"1s\"",
        "groups.billing.consumers.threads=1",
        "groups.billing.consumers.service=\"200ms\"",
        "groups.billing.consumers.failure.rules=[]",
    ];
    let run = run_with(TEN, &set);
    let turns: Vec<(SimTime, QueueId)> = run
        .deliveries()
        .into_iter()
        .map(|(time, (_, queue, _))| (time, queue))
        .collect();
    let changes: Vec<SimTime> = turns
        .windows(2)
        .filter(|pair| pair[0].1 != pair[1].1)
        .map(|pair| pair[1].0)
        .collect();
    assert_eq!(changes.len(), 3);
    assert_eq!(changes[1].since(changes[0]), duration("60s") + duration("200ms"));
    for pair in turns.windows(2) {
        assert!(
            pair[1].0.since(pair[0].0) >= duration("200ms"),
            "two calls at once"
        );
    }
}

/// 2 000 messages in one queue for a listener that commits by hand.
const BY_HAND: &str = r#"{
  "title": "By hand", "duration": "5m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 1 } } },
  "producers": { "shop": { "topic": "orders", "arrivals": "atOnce", "start": "5s", "messages": 2000 } },
  "groups": { "billing": {
    "subscribe": { "orders": "*" }, "listener": "orderly", "orderly": { "autoCommit": false },
    "consumers": { "service": "1ms" }
  } }
}"#;

fn committed(run: &Recording) -> Vec<u64> {
    let commits = run.select(|fact| match fact {
        Fact::OffsetCommitted { queue, new, .. } if *queue == QueueId(0) => Some(*new),
        _ => None,
    });
    commits.into_iter().map(|(_, offset)| offset).collect()
}

/// What is not committed counts as cached: beyond 1 000 messages nothing more is pulled. Nothing tells of it.
#[test]
fn who_never_commits_stops_after_a_thousand_messages() {
    let run = run_with(BY_HAND, &[]);
    let delivered = run.deliveries().len();
    assert!((1001..=1032).contains(&delivered), "{delivered}");
    assert!(committed(&run).iter().all(|offset| *offset == 0));
}

#[test]
fn who_commits_every_tenth_call_gets_through() {
    let run = run_with(BY_HAND, &["groups.billing.orderly.commitEvery=10"]);
    assert_eq!(run.deliveries().len(), 2000);
    assert!(committed(&run).iter().all(|offset| offset % 10 == 0));
    assert_eq!(committed(&run).last(), Some(&2000));
}

/// Message 8 fails once; with a rollback 1 to 8 come again, all since the last commit after five calls.
#[test]
fn a_rollback_brings_back_all_since_the_last_commit() {
    let set = [
        "producers.shop.messages=20",
        "groups.billing.orderly={\"autoCommit\":false,\"commitEvery\":5,\"onFailure\":\"rollback\"}",
        "groups.billing.consumers.failure={\"rules\":[{\"message\":{\"producer\":\"shop-1\",\"number\":8},\"firstAttempts\":1,\"outcome\":\"later\"}]}",
    ];
    let run = run_with(BY_HAND, &set);
    let offsets: Vec<u64> = sequence(&run).into_iter().map(|(offset, _)| offset).collect();
    let expected: Vec<u64> = (0..8).chain(5..20).collect();
    assert_eq!(offsets, expected);
    assert_eq!(committed(&run).last(), Some(&20));
}

fn observed(config: &ClusterConfig) -> Observation {
    let mut done = Cluster::new(config.clone(), Observation::new(config)).run(|_, _| {});
    done.observer.finish(done.end, &done.directory);
    done.observer
}

fn keys(observed: &Observation, group: usize) -> &KeyOrder {
    observed.orders.keys[group]
        .as_deref()
        .expect("messages have keys")
}

/// Sixteen queues by key, failures, and members that come, go and die.
const BY_KEY: &str = r#"{
  "title": "By key", "duration": "100s",
  "cluster": { "brokers": 2, "topics": { "orders": { "queuesPerBroker": 8 } } },
  "producers": { "shop": { "topic": "orders", "rate": "30/s", "count": 2, "keys": 50, "queueSelector": "byKey" } },
  "groups": { "billing": {
    "subscribe": { "orders": "*" }, "listener": "orderly",
    "consumers": { "count": 3, "service": { "exponential": { "mean": "20ms" } }, "failure": { "probability": 0.01 } }
  } },
  "timeline": [
    { "at": "10s", "join": "billing" }, { "at": "15s", "leave": "billing/1" },
    { "at": "20s", "kill": "billing/2" }, { "at": "30s", "pause": "billing/3", "for": "35s" }
  ]
}"#;

/// Over a hundred seeds no message of a key comes for the first time after a younger one, and none overtakes one that
/// is not finished; the order of queues under a lock is checked in each run (invariants R2 and O1).
#[test]
fn no_key_is_out_of_order_over_a_hundred_seeds() {
    let mut experiment = Experiment::new(BY_KEY, &[]);
    let mut again = 0;
    for seed in 1..=100 {
        experiment.0.seed = seed;
        let observed = observed(&experiment.0);
        let keys = keys(&observed, 0);
        assert_eq!((keys.late, keys.overtaking), (0, 0), "seed {seed}");
        again += observed.again(GroupId(0));
    }
    assert!(again > 1000, "{again} retries on the spot");
}

/// The shipped scenarios, 20 s of each.
#[test]
fn shipped_ordered_scenarios_keep_their_order_over_a_hundred_seeds() {
    for (name, ordered) in [
        ("orderly-poison", &[0, 1][..]),
        ("orderly-lock-handover", &[0]),
        ("global-vs-sharded-order", &[0, 2]),
    ] {
        let path = format!("{}/scenarios/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).expect("it is shipped");
        let overrides = Overrides {
            until: Some(duration("20s")),
            ..Overrides::default()
        };
        let scenario = Scenario::from_text(name, &text, &overrides);
        let mut config = scenario
            .unwrap_or_else(|p| panic!("{}", p.render(false, 100)))
            .config;
        for seed in 1..=100 {
            config.seed = seed;
            let observed = observed(&config);
            for group in ordered {
                let keys = keys(&observed, *group);
                assert_eq!((keys.late, keys.overtaking), (0, 0), "{name}, seed {seed}");
                assert!(keys.keys() > 900);
            }
        }
    }
}

/// The same messages for a listener on many threads: what is slow is overtaken.
#[test]
fn concurrent_listeners_know_no_order() {
    let observed = observed(&Experiment::new(BY_KEY, &["groups.billing.listener=concurrently"]).0);
    let keys = keys(&observed, 0);
    assert!(keys.overtaking > 100, "{}", keys.overtaking);
    assert!(keys.late_again > 10, "{}", keys.late_again);
}

/// Keys that move to the fifth queue find no backlog there, while their older messages still wait in the queue before.
#[test]
fn another_number_of_queues_breaks_the_order_of_keys() {
    let set = [
        "cluster={\"topics\":{\"orders\":{\"queuesPerBroker\":4}}}",
        "producers.shop.rate=\"150/s\"",
        "groups.billing.consumers.failure={}",
        "timeline=[{\"at\":\"30s\",\"updateTopic\":\"orders\",\"readQueueNums\":5,\"writeQueueNums\":5}]",
    ];
    let with = observed(&Experiment::new(BY_KEY, &set).0);
    let late = keys(&with, 0).late;
    assert!(late > 50, "{late} messages come late");
    let without = observed(&Experiment::new(BY_KEY, &[&set[..3], &["timeline=[]"]].concat()).0);
    assert_eq!(keys(&without, 0).late, 0);
}

/// Pauses count from the failure to the end of the message, and a take-over ends them.
#[test]
fn a_blocked_queue_is_counted_until_its_head_is_over() {
    let observed = observed(&Experiment::new(TEN, &[]).0);
    let queue = &observed.orders.queues[0];
    // Two pauses of 500 ms, two calls of 20 ms, and the way to the dead letters.
    assert_eq!(queue.blocked, duration("1040200us"));
    assert_eq!((queue.suspensions, queue.again, queue.attempts), (2, 2, 3));
}
