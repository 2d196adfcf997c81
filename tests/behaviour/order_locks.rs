//! Locks of queues: who has them, for how long, and how they change hands.

use crate::support::{Experiment, Recording, at, broker, cut, duration, heal, member, run_with};
use rmqsim::cluster::config::Action;
use rmqsim::cluster::fact::{Fact, RequestKind};
use rmqsim::cluster::ids::{BrokerId, ConsumerId, QueueId};
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
        let next = first_delivery(&run, queue, 0, at("80s"));
        let granted = locks_of(&run, queue, 0)
            .into_iter()
            .rfind(|time| *time < next)
            .expect("it is asked for");
        assert_eq!(next.since(granted), duration("200us") + duration("10ms"));
        assert!(granted > at("80s") && granted < at("80101ms"), "{granted}");
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

/// The shutdown begins while a renewal is under way: the thread that renews is stopped, so that no lock is won again that
/// was just given back. Source: `ConsumeMessageOrderlyService.shutdown`, whose flag `lockMQPeriodically` looks at.
#[test]
fn a_shutdown_in_the_midst_of_a_renewal_leaves_no_lock_behind() {
    let two_brokers = ["cluster.brokers=2", "cluster.topics.orders.queuesPerBroker=2"];
    let run = Experiment::new(TWO, &two_brokers)
        .then_at(at("21s") + duration("100us"), Action::Leave(member(0)))
        .run();
    let of_the_one = |run: &Recording| -> Vec<u32> {
        let all = (0..4).filter(|queue| !locks_of(run, *queue, 0).is_empty());
        all.collect()
    };
    assert_eq!(of_the_one(&run).len(), 2);
    for queue in of_the_one(&run) {
        let taken = locks_of(&run, queue, 1)[0].since(at("21s"));
        assert!(taken < duration("20ms"), "{taken}");
    }
    assert_eq!(run.count(|fact| matches!(fact, Fact::LockRefused { .. })), 0);
}

/// Queue 0 has quick calls, queue 1 calls of 90 s. After a pause of 35 s the lock of queue 0 is to be asked for 10 ms
/// later, but by then a shutdown has begun, which waits for the call of queue 1: it asks for no lock and renews none.
/// Source: `lockOneMQ`, `lockMQPeriodically`.
#[test]
fn who_shuts_down_asks_for_no_lock() {
    let set = [
        "cluster.topics.orders.queuesPerBroker=2",
        "groups.billing.consumers={\"service\":\"10ms\",\"failure\":{\"rules\":[{\"queue\":\"orders broker-a:1\",\"service\":\"90s\"}]}}",
        "groups.billing.tuning.awaitTerminationMillisWhenShutdown=200000",
        "producers.shop.rate=\"200/s\"",
    ];
    let run = Experiment::new(TWO, &set)
        .then("45s", Action::Pause(member(0)))
        .then("80s", Action::Resume(member(0)))
        .then("80005ms", Action::Leave(member(0)))
        .run();
    let mut called = run
        .deliveries()
        .into_iter()
        .filter(|(_, (_, queue, _))| queue.0 == 1);
    let last = called.next_back().expect("it is called").0;
    let end = last + duration("90s");
    assert!(end > at("81s"), "its call runs at the shutdown: {last}");
    let after = locks(&run, 0).into_iter().chain(locks(&run, 1));
    let after: Vec<_> = after.filter(|(time, _)| *time > at("80005ms")).collect();
    assert_eq!(after, []);
    let unlocked = run.select(|fact| matches!(fact, Fact::QueueUnlocked { .. }).then_some(()));
    assert!(unlocked[0].0 > end, "locks go back after the call");
}

/// The renewal of 21 s is not answered: the thread waits for 1 s and what it has to do besides, here the end of the pause of
/// a queue, waits with it. The renewal of 41 s comes as ever. Source: `lockBatchMQ(…, 1000)`, one scheduled thread.
#[test]
fn a_renewal_without_an_answer_delays_and_ends() {
    let set = [
        "cluster.rocketmq=\"4.9\"",
        "duration=50s",
        "groups.billing.consumers.count=1",
        "groups.billing.consumers.failure={\"rules\":[{\"message\":{\"producer\":\"shop-1\",\"number\":1},\"outcome\":\"later\"}]}",
        "groups.billing.tuning={\"suspendCurrentQueueTimeMillis\":200}",
    ];
    let run = Experiment::new(TWO, &set)
        .then("20950ms", cut(0, broker(0)))
        .then("24s", heal(0, broker(0)))
        .run();
    let first = run.deliveries()[0].1;
    let again: Vec<SimTime> = run
        .deliveries()
        .into_iter()
        .filter(|(_, of)| *of == first)
        .map(|(time, _)| time)
        .collect();
    let late = again
        .windows(2)
        .find(|pair| pair[1] > at("21s"))
        .expect("it is called again");
    assert!(late[0] > at("20700ms") && late[0] <= at("21s"), "{}", late[0]);
    assert_eq!(late[1], at("22s"));
    let renewed: Vec<SimTime> = locks_of(&run, 0, 0)
        .into_iter()
        .filter(|time| *time > at("32s"))
        .collect();
    assert_eq!(renewed, [at("41s") + duration("200us")]);
}

/// Member 1 is cut off while the broker forgets all locks and members in a crash; member 2 takes everything. When the link
/// is healed, the renewal of 61 s is refused, 10 s before member 1 would have lost its faith: from then on it hands nothing
/// of queue 0 to its listener before it has the lock again. Source: `RebalanceImpl.lockAll`.
#[test]
fn a_refused_renewal_stops_the_queue_at_once() {
    let (down, crash) = (BrokerId(0), true);
    let run = Experiment::new(TWO, &["groups.billing.consumers.service=\"1s\""])
        .then("44900ms", cut(0, broker(0)))
        .then("45s", Action::StopBroker { broker: down, crash })
        .then("46s", Action::StartBroker(down))
        .then("60900ms", heal(0, broker(0)))
        .run();
    let of_member = |time: SimTime| {
        let all = run.deliveries().into_iter();
        all.filter(move |(at, (who, of, _))| *at > time && (who.0, of.0) == (0, 0))
            .map(|(at, _)| at)
            .next()
    };
    let refused = run.select(|fact| match fact {
        Fact::LockRefused { consumer, queue } if (consumer.0, queue.0) == (0, 0) => Some(()),
        _ => None,
    });
    let refused = refused[0].0;
    assert_eq!(refused, at("61s") + duration("200us"));
    assert!(
        of_member(at("59s")).is_some_and(|time| time < at("61s")),
        "it has gone on without the broker"
    );
    let again = locks_of(&run, 0, 0)
        .into_iter()
        .find(|time| *time > refused)
        .expect("it has the lock again");
    let next = of_member(refused).expect("it goes on");
    assert!(next > again, "{next} is before {again}");
    assert!(of_member(at("69s")).is_some());
}
