//! Delivery styles: what each costs and what it yields.

use crate::support::{Experiment, Recording, at, broker, cut, duration, heal, member, run_with};
use rmqsim::cluster::config::Action;
use rmqsim::cluster::fact::{Fact, PullFailure, RequestKind};
use rmqsim::cluster::ids::QueueId;
use rmqsim::kernel::time::{SimDuration, SimTime};
use std::collections::BTreeMap;

/// 60/s, far below what one consumer can do; nothing comes from the fourth minute on.
const CALM: &str = r#"{
  "title": "Calm", "duration": "14m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 4 } } },
  "producers": { "shop": { "topic": "orders", "rate": "60/s", "stop": "4m" } },
  "groups": { "billing": { "subscribe": { "orders": "*" }, "consumers": { "count": 1, "service": "10ms" } } }
}"#;

/// More than one consumer can do: 500/s for ten seconds, and 100/s are done.
const HASTE: &str = r#"{
  "title": "Haste", "duration": "2m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 2 } } },
  "producers": { "shop": { "topic": "orders", "rate": "500/s", "messages": 5000, "start": "5s" } },
  "groups": { "billing": { "subscribe": { "orders": "*" }, "consumers": { "count": 1, "threads": 1, "service": "10ms" } } }
}"#;

fn with(text: &str, delivery: &str) -> Recording {
    run_with(text, &[&format!("groups.billing.delivery={delivery}")])
}

/// Sorted times from birth to first delivery, from 10 s on, when the consumer has started.
fn latencies(run: &Recording) -> Vec<SimDuration> {
    let waited = run.select(|fact| match fact {
        Fact::Delivered { born, .. } if *born > at("10s") => Some(*born),
        _ => None,
    });
    let mut waited: Vec<SimDuration> = waited.iter().map(|(time, born)| time.since(*born)).collect();
    waited.sort();
    waited
}

fn requests(run: &Recording, kind: RequestKind, from: SimTime) -> usize {
    let all = run.select(|fact| matches!(fact, Fact::Request { kind: k, .. } if *k == kind).then_some(()));
    all.iter().filter(|(time, ())| *time >= from).count()
}

/// Most messages of one queue in the cache, and of all queues.
fn most_cached(run: &Recording) -> (u32, i64) {
    let cached = run.select(|fact| match fact {
        Fact::Cached { cached, client, .. } => Some((*cached, client.messages)),
        _ => None,
    });
    let cached = cached.iter().map(|(_, cached)| *cached);
    cached.fold((0, 0), |max, now| (max.0.max(now.0), max.1.max(now.1)))
}

/// Where the consumer keeps up, waiting at the broker costs nothing: the median, the 99th percentile and the mean of both
/// styles lie within 1 % of each other. The difference: a message that comes while the next pull is on its way (0.2 ms of
/// each 16 ms) waits for it.
#[test]
fn long_polling_is_as_fast_as_push() {
    let (long, push) = (
        latencies(&with(CALM, "longPolling")),
        latencies(&with(CALM, "push")),
    );
    assert_eq!(long.len(), push.len());
    let mean = |all: &[SimDuration]| all.iter().map(|d| d.as_nanos()).sum::<u64>() as f64 / all.len() as f64;
    let at = |all: &[SimDuration], share: usize| all[all.len() * share / 100].as_nanos() as f64;
    for (what, a, b) in [
        ("p50", at(&long, 50), at(&push, 50)),
        ("p99", at(&long, 99), at(&push, 99)),
        ("mean", mean(&long), mean(&push)),
    ] {
        assert!((a / b - 1.0).abs() < 0.01, "{what}: {a} and {b} ns");
    }
}

/// Five queues, the retry queue among them, one pull of each in a hold of 20 s: 15 a minute. An order needs no requests at
/// all. Polls of 1 s are 300 a minute, whether anything comes or not.
#[test]
fn idle_styles_cost_what_their_clocks_say() {
    let from = at("5m");
    let idle = |delivery: &str| requests(&with(CALM, delivery), RequestKind::Pull, from);
    assert!((9 * 15 - 5..=9 * 15 + 5).contains(&idle("longPolling")));
    assert_eq!(idle("push"), 0);
    for delivery in [
        r#"{"shortPolling":{"interval":"1s"}}"#,
        r#"{"pull":{"interval":"1s","batch":32}}"#,
    ] {
        let polls = idle(delivery);
        assert!(
            (9 * 300 - 5..=9 * 300 + 5).contains(&polls),
            "{delivery}: {polls}"
        );
    }
}

/// Whoever asks once a second waits for half of it on the average, and for a second at most; then up to 60 messages come
/// at once, three for each of 20 threads of 10 ms.
#[test]
fn short_polls_wait_for_their_clock() {
    let waited = latencies(&with(CALM, r#"{"shortPolling":{"interval":"1s"}}"#));
    let middle = waited[waited.len() / 2];
    assert!(
        (duration("480ms")..duration("540ms")).contains(&middle),
        "{middle}"
    );
    let last = *waited.last().unwrap();
    assert!((duration("980ms")..duration("1050ms")).contains(&last), "{last}");
}

/// A pull of 10 each 100 ms: never more than ten of a queue at the client, and none while the last ones are unfinished.
/// 1 thread of 10 ms does one batch of each of two queues in 200 ms, so it is never idle for long.
#[test]
fn pulls_never_hold_more_than_a_batch() {
    let run = with(HASTE, r#"{"pull":{"interval":"100ms","batch":10}}"#);
    assert_eq!(most_cached(&run), (10, 20));
    assert_eq!(run.count(|fact| matches!(fact, Fact::FlowControlled { .. })), 0);
    assert!(run.undelivered().is_empty());
}

/// 5000 messages of two queues in ten seconds, of which a tenth is done meanwhile: a push leaves all of the rest with the
/// client; long polls stop at the thresholds.
#[test]
fn pushed_messages_pile_up_at_the_client() {
    let (_, pushed) = most_cached(&with(HASTE, "push"));
    assert!((3900..=4200).contains(&pushed), "{pushed}");
    let (_, polled) = most_cached(&with(HASTE, "longPolling"));
    assert!((2002..=2064).contains(&polled), "{polled}");
}

/// With a credit the client has never more than that of each queue, and the thread always something to do: all is done as
/// soon as without. Half of the credit is given back at a time.
#[test]
fn credit_bounds_what_piles_up() {
    let last = |run: &Recording| run.deliveries().last().unwrap().0;
    let without = last(&with(HASTE, "push"));
    for credit in [1, 2, 7, 50] {
        let run = with(HASTE, &format!(r#"{{"push":{{"credit":{credit}}}}}"#));
        let (of_queue, _) = most_cached(&run);
        assert!(of_queue <= credit, "{of_queue}");
        assert!(last(&run) <= without + duration("200ms"), "credit {credit}");
        let acknowledged = requests(&run, RequestKind::Acknowledge, SimTime::ZERO);
        let expected = 5000 / credit.div_ceil(2) as usize;
        assert!(
            (expected - 2..=expected).contains(&acknowledged),
            "{acknowledged} for {credit}"
        );
        assert!(run.undelivered().is_empty());
    }
}

/// What was pushed and not committed comes to the others when a client is killed; a queue that is given up is pushed to
/// nobody but its new owner.
#[test]
fn pushes_follow_the_owner() {
    let text = CALM.replace(r#""count": 1"#, r#""count": 3"#);
    let run = Experiment::new(&text, &["groups.billing.delivery=push", "duration=5m"])
        .then("1m", Action::Kill(member(0)))
        .then("2m", Action::Leave(member(1)))
        .run();
    assert!(run.undelivered().is_empty());
    assert_eq!(
        (run.leftovers.held_queues_of_gone, run.leftovers.tasks_of_gone),
        (0, 0)
    );
    let mut owner: BTreeMap<QueueId, u32> = BTreeMap::new();
    for (_, fact) in &run.facts {
        match fact {
            Fact::QueueAcquired { consumer, queue, .. } => drop(owner.insert(*queue, consumer.0)),
            Fact::Pushed { consumer, queue, .. } => assert_eq!(owner[queue], consumer.0),
            _ => {}
        }
    }
}

/// A cut of a minute: the heartbeat finds the connection dead, what was on the wire is lost, and the order is made again
/// when the client gets through. Nothing is lost, and nothing comes twice that the client had seen.
#[test]
fn an_order_is_made_again_after_a_cut() {
    for credit in ["push", r#"{"push":{"credit":10}}"#] {
        let run = Experiment::new(
            CALM,
            &[&format!("groups.billing.delivery={credit}"), "duration=5m"],
        )
        .then("1m", cut(0, broker(0)))
        .then("2m", heal(0, broker(0)))
        .run();
        let failed = |fact: &Fact| {
            matches!(
                fact,
                Fact::PullFailed {
                    cause: PullFailure::Connection,
                    ..
                }
            )
        };
        assert!(run.count(failed) >= 5);
        assert!(run.undelivered().is_empty());
        assert!(run.times_delivered().values().all(|times| *times == 1));
    }
}

/// A process that is stopped finds what was pushed meanwhile in its socket.
#[test]
fn pushes_wait_for_a_stopped_process() {
    let run = Experiment::new(CALM, &["groups.billing.delivery=push", "duration=5m"])
        .then("1m", Action::Pause(member(0)))
        .then("90s", Action::Resume(member(0)))
        .run();
    assert!(run.undelivered().is_empty());
    assert!(run.times_delivered().values().all(|times| *times == 1));
    let (_, most) = most_cached(&run);
    assert!((1600..2000).contains(&most), "{most}");
}

/// A broker without long polling still pushes at once.
#[test]
fn orders_do_not_need_long_polling() {
    let set = [
        "groups.billing.delivery=push",
        "cluster.tuning.longPollingEnable=false",
    ];
    assert_eq!(latencies(&run_with(CALM, &set)), latencies(&with(CALM, "push")));
}
