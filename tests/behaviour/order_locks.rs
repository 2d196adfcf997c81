//! Locks of queues: who has them, for how long, and how they change hands.

use crate::support::{Experiment, Recording, at, duration, member, run_with};
use rmqsim::cluster::config::Action;
use rmqsim::cluster::fact::{Fact, RequestKind};
use rmqsim::cluster::ids::{ConsumerId, QueueId};
use rmqsim::kernel::time::SimTime;

/// Two members, four queues, a message every 100 ms; member 2 is there from the start.
const TWO: &str = r#"{
  "title": "Two members", "duration": "5m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 4 } } },
  "producers": { "shop": { "topic": "orders", "rate": "10/s", "arrivals": "constant" } },
  "groups": { "billing": {
    "subscribe": { "orders": "*" }, "listener": "orderly", "consumers": { "count": 2, "service": "10ms" }
  } }
}"#;

/// When the broker granted or renewed the lock of queue `queue`, and to whom.
fn locks(run: &Recording, queue: u32) -> Vec<(SimTime, u32)> {
    run.select(|fact| match fact {
        Fact::QueueLocked { consumer, queue: of } if of.0 == queue => Some(consumer.0),
        _ => None,
    })
}

fn locks_of(run: &Recording, queue: u32, consumer: u32) -> Vec<SimTime> {
    let all = locks(run, queue).into_iter();
    all.filter(|(_, who)| *who == consumer)
        .map(|(time, _)| time)
        .collect()
}

/// When `consumer` was first given a message of queue `queue` after `time`.
fn first_delivery(run: &Recording, queue: u32, consumer: u32, time: SimTime) -> SimTime {
    let wanted = (ConsumerId(consumer), QueueId(queue));
    let found = run
        .deliveries()
        .into_iter()
        .find(|(at, (who, of, _))| *at > time && (*who, *of) == wanted);
    found.expect("it is given something").0
}

/// A lock is won when the queue is taken, and renewed every 20 s, the first time 1 s after the start; in 5.3 two threads do
/// so, in 4.9 one.
#[test]
fn locks_are_renewed_every_twenty_seconds() {
    let run = run_with(TWO, &["duration=50s"]);
    let times = locks_of(&run, 0, 0);
    let after: Vec<SimTime> = times.into_iter().filter(|time| *time > at("10s")).collect();
    let (first, second) = (at("21s") + duration("200us"), at("41s") + duration("200us"));
    let answer = duration("400us");
    assert_eq!(after, [first, first + answer, second, second + answer]);
    let run = run_with(TWO, &["duration=50s", "cluster.rocketmq=\"4.9\""]);
    let times = locks_of(&run, 0, 0).into_iter().filter(|time| *time > at("10s"));
    assert_eq!(times.collect::<Vec<_>>(), [first, second]);
}

/// Member 1 dies at 50 s, after renewals at 41 s: its locks live until 101 s, and member 2 asks every second.
#[test]
fn a_killed_member_leaves_its_locks_for_a_minute() {
    let run = Experiment::new(TWO, &[])
        .then("50s", Action::Kill(member(0)))
        .run();
    let last = *locks_of(&run, 0, 0).last().expect("it was locked");
    let taken = locks_of(&run, 0, 1)[0];
    assert!(last > at("41s") && last < at("42s"));
    let waited = taken.since(last);
    assert!(
        (duration("60s")..duration("61100ms")).contains(&waited),
        "{waited}"
    );
    let refused = run.count(|fact| matches!(fact, Fact::LockRefused { .. }));
    // Two queues and the retry queue, for 51 s.
    assert!((145..=155).contains(&refused), "{refused}");
    assert_eq!(
        run.undelivered()
            .iter()
            .filter(|(time, _)| *time < at("4m50s"))
            .count(),
        0
    );
}

/// Whoever shuts down gives all locks back before it says goodbye: the other has them with its next round.
#[test]
fn a_shutdown_gives_locks_back_at_once() {
    let run = Experiment::new(TWO, &[])
        .then("50s", Action::Leave(member(0)))
        .run();
    for queue in [0, 1] {
        let taken = locks_of(&run, queue, 1)[0].since(at("50s"));
        assert!(taken < duration("20ms"), "{taken}");
    }
    let refused = run.count(|fact| matches!(fact, Fact::LockRefused { .. }));
    assert_eq!(refused, 0);
    let unlocks = run.count(|fact| {
        matches!(
            fact,
            Fact::Request {
                kind: RequestKind::UnlockBatch,
                ..
            }
        )
    });
    assert_eq!(unlocks, 1, "one request for each broker");
}

/// One queue and a message that takes long, when the other member joins.
fn join_during_a_call(service: &str) -> Recording {
    let set = [
        "cluster.topics.orders.queuesPerBroker=2",
        "producers.shop.rate=\"1/s\"",
        "groups.billing.consumers.count=1",
        &format!("groups.billing.consumers.service=\"{service}\""),
        "timeline=[{\"at\":\"60s\",\"join\":\"billing\"}]",
    ];
    run_with(TWO, &set)
}

/// A call that ends within 500 ms is waited for; its result is thrown away, and its message comes again at the other.
#[test]
fn a_short_call_ends_before_its_queue_changes_hands() {
    let run = join_during_a_call("400ms");
    let discarded = run.select(|fact| match fact {
        Fact::ResultDiscarded { queue, offset, .. } => Some((*queue, *offset)),
        _ => None,
    });
    assert_eq!(discarded.len(), 1, "the call was under way");
    let (ended, (queue, offset)) = discarded[0];
    let again = run
        .deliveries()
        .into_iter()
        .find(|(_, (who, of, at))| (*who, *of, *at) == (ConsumerId(1), queue, offset));
    assert!(again.expect("it comes again").0 > ended);
    let unlocked = run.select(|fact| matches!(fact, Fact::QueueUnlocked { .. }).then_some(()));
    assert_eq!(unlocked[0].0.since(ended), duration("200us"));
}

/// A call of half a minute is not waited for, but the queue stays locked: the client tries again with its next round after
/// 20 s, and then uses force while the call still runs.
#[test]
fn a_long_call_keeps_its_queue_until_force_is_used() {
    let run = join_during_a_call("35s");
    let released = run.select(|fact| match fact {
        Fact::QueueReleased { consumer, queue, .. } if consumer.0 == 0 => Some(*queue),
        _ => None,
    });
    let (dropped, queue) = released[0];
    let unlocked = run.select(|fact| matches!(fact, Fact::QueueUnlocked { .. }).then_some(()))[0].0;
    let kept = unlocked.since(dropped);
    assert!((duration("20s")..duration("22s")).contains(&kept), "{kept}");
    // Both have the same message for a while.
    let offset = |who: u32| {
        let mut of_queue = run
            .deliveries()
            .into_iter()
            .filter(move |(_, (c, q, _))| c.0 == who && *q == queue);
        move |after: SimTime| {
            of_queue
                .find(|(time, _)| *time >= after)
                .map(|(_, (.., offset))| offset)
        }
    };
    let last = run
        .deliveries()
        .into_iter()
        .rev()
        .find(|(time, (who, of, _))| who.0 == 0 && *of == queue && *time < dropped);
    assert_eq!(offset(1)(dropped), last.map(|(_, (.., offset))| offset));
}

/// A pause of 35 s: the client does not believe in its locks any more. Before anything else is handed to the listener it
/// asks for them, and goes on 10 ms after the answer.
#[test]
fn after_half_a_minute_of_sleep_locks_are_asked_for_again() {
    let run = Experiment::new(TWO, &["producers.shop.rate=\"200/s\""])
        .then("45s", Action::Pause(member(0)))
        .then("80s", Action::Resume(member(0)))
        .run();
    for queue in [0, 1] {
        let granted = locks_of(&run, queue, 0)
            .into_iter()
            .find(|time| *time > at("80s"));
        let granted = granted.expect("it is asked for");
        let next = run
            .deliveries()
            .into_iter()
            .filter(|(time, (who, of, _))| *time >= at("80s") && who.0 == 0 && of.0 == queue)
            .map(|(time, _)| time)
            .next();
        assert!(next.expect("it goes on") > granted);
        assert!(granted.since(at("80s")) < duration("30ms"));
    }
    assert_eq!(
        run.times_delivered().values().filter(|times| **times > 1).count(),
        0
    );
}

/// A pause of 150 s: the broker has given the member up, its locks have expired, and the other has its queues. When it goes
/// on, the lock that it asks for is refused, and it hands nothing of what it has cached to its listener.
#[test]
fn after_two_minutes_of_sleep_queues_have_another_owner() {
    let run = Experiment::new(TWO, &["producers.shop.rate=\"200/s\""])
        .then("45s", Action::Pause(member(0)))
        .then("195s", Action::Resume(member(0)))
        .run();
    let taken = locks_of(&run, 0, 1)[0];
    assert!(taken > at("2m") && taken < at("3m15s"), "{taken}");
    // Both share the queues again within a second or two; until then it delivers nothing.
    let woken = first_delivery(&run, 0, 0, at("195s"));
    let back = locks_of(&run, 0, 0).into_iter().find(|time| *time > at("195s"));
    assert!(woken > back.expect("it gets its queues back"));
}
