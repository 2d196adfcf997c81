//! Clients that fall silent: lost hosts, and processes that are stopped.

use crate::support::{Experiment, Recording, at, broker, cut, duration, heal, member};
use rmqsim::cluster::config::Action;
use rmqsim::cluster::fact::{CommitVia, Fact, RebalanceTrigger};
use rmqsim::cluster::ids::{ConsumerId, QueueId};
use rmqsim::kernel::time::SimTime;
use std::collections::BTreeSet;

/// Three clients with two queues each; 60 messages a second.
const GROUP: &str = r#"{
  "title": "Three consumers", "duration": "6m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 6 } } },
  "producers": { "shop": { "topic": "orders", "rate": "60/s", "arrivals": "constant", "messages": 20000 } },
  "groups": { "billing": { "subscribe": { "orders": "*" }, "consumers": { "count": 3, "service": "5ms" } } }
}"#;

fn expiries(run: &Recording) -> Vec<(SimTime, u32)> {
    run.select(|fact| match fact {
        Fact::MemberExpired { consumer, .. } => Some(consumer.0),
        _ => None,
    })
}

/// Queues that survivors took after `from`, and when.
fn takeovers(run: &Recording, from: &str) -> Vec<(SimTime, QueueId)> {
    let mut taken = run.select(|fact| match fact {
        Fact::QueueAcquired { queue, .. } => Some(*queue),
        _ => None,
    });
    taken.retain(|(time, _)| *time > at(from));
    taken
}

/// The last heartbeat of a host that is lost at 60 s was that of 31 s (1 s after the start and every 30 s). The
/// broker gives it up when it has been silent for more than 120 s, at its next 10 s scan, and says nothing; each
/// survivor finds out in its own 20 s round. Nobody reads the queues meanwhile.
#[test]
fn a_lost_host_keeps_its_queues_for_two_minutes() {
    let run = Experiment::new(GROUP, &[])
        .then("1m", Action::Vanish(member(1)))
        .run();
    let [(expired, 1)] = expiries(&run)[..] else {
        panic!("one member expires")
    };
    assert!((at("151s")..=at("161100ms")).contains(&expired), "{expired}");
    let taken = takeovers(&run, "1m");
    assert!(!taken.is_empty());
    assert!(
        taken
            .iter()
            .all(|(time, _)| (expired..=expired + duration("20100ms")).contains(time))
    );
    for survivor in [0, 2] {
        let told = run.rounds(survivor, RebalanceTrigger::Notification);
        assert!(told.iter().all(|time| *time < at("1m")), "told at {told:?}");
    }
}

/// The same with a broker that tells: rounds follow the news at once, or 1 s after the last.
#[test]
fn a_broker_may_tell_of_an_expiry() {
    let mut experiment = Experiment::new(GROUP, &[]).then("1m", Action::Vanish(member(1)));
    experiment.0.broker_tuning.notify_on_expiry = true;
    let run = experiment.run();
    let expired = expiries(&run)[0].0;
    let taken = takeovers(&run, "1m");
    assert!(
        taken
            .iter()
            .all(|(time, _)| time.since(expired) <= duration("1100ms"))
    );
}

/// Whoever takes over starts at the committed offset: what the lost host was given from there on comes twice,
/// nothing else does, and nothing is lost.
#[test]
fn a_lost_host_repeats_what_it_had_not_committed() {
    let run = Experiment::new(GROUP, &[])
        .then("1m", Action::Vanish(member(1)))
        .run();
    let of_the_dead = run
        .deliveries()
        .into_iter()
        .filter(|(_, (who, ..))| *who == ConsumerId(1));
    let mut committed = std::collections::BTreeMap::new();
    for (time, (queue, new)) in run.select(|fact| match fact {
        Fact::OffsetCommitted { queue, new, .. } => Some((*queue, *new)),
        _ => None,
    }) {
        // A commit that was on the wire still arrives.
        if time < at("1m") + duration("10ms") {
            committed.insert(queue, new);
        }
    }
    let open = of_the_dead.filter(|(_, (_, queue, offset))| *offset >= committed[queue]);
    let open: BTreeSet<(QueueId, u64)> = open.map(|(_, (_, queue, offset))| (queue, offset)).collect();
    let times = run.times_delivered();
    let twice: BTreeSet<(QueueId, u64)> = times
        .iter()
        .filter(|(_, n)| **n > 1)
        .map(|(key, _)| *key)
        .collect();
    assert_eq!(twice, open);
    let cut_off = run.undelivered();
    assert!(cut_off.iter().all(|(time, _)| *time > at("5m59s")), "{cut_off:?}");
}

/// A kill closes the connection: survivors react within a round trip, unless their last round is less than 1 s old.
#[test]
fn a_kill_is_felt_at_once() {
    let run = Experiment::new(GROUP, &[])
        .then("1m", Action::Kill(member(1)))
        .run();
    let first = takeovers(&run, "1m")[0].0;
    assert!(first.since(at("1m")) < duration("150ms"), "{first}");
}

/// A pause of a minute: the brokers wait for two. Nobody moves, everything comes once, and late.
#[test]
fn a_short_pause_moves_nothing() {
    let run = Experiment::new(GROUP, &[])
        .then("60s", Action::Pause(member(1)))
        .then("120s", Action::Resume(member(1)))
        .run();
    assert_eq!(takeovers(&run, "30s"), []);
    assert!(run.times_delivered().values().all(|times| *times == 1));
    assert!(run.undelivered().iter().all(|(time, _)| *time > at("5m59s")));
    let of_it = run
        .deliveries()
        .into_iter()
        .filter(|(_, (who, ..))| *who == ConsumerId(1));
    let in_pause = of_it
        .filter(|(time, _)| (at("60s")..at("120s")).contains(time))
        .count();
    // What it was given in the instant of the pause, at most.
    assert!(in_pause <= 1, "{in_pause}");
}

/// A pause of 150 s: survivors have taken over when it goes on, and it does not know. It goes on with what it has
/// until its next round; for so long its queues have two owners. Its connection is closed; a heartbeat over the next
/// one brings it back.
#[test]
fn a_long_pause_gives_queues_two_owners() {
    let run = Experiment::new(GROUP, &[])
        .then("60s", Action::Pause(member(1)))
        .then("210s", Action::Resume(member(1)))
        .run();
    assert_eq!(expiries(&run).len(), 1);
    let held: Vec<QueueId> = (0..6)
        .map(QueueId)
        .filter(|q| run.holders(*q, at("60s")) == [1])
        .collect();
    assert_eq!(held.len(), 2);
    for queue in &held {
        assert_eq!(
            run.holders(*queue, at("209s")).len(),
            2,
            "its own view and a survivor's"
        );
    }
    // The end of the connection is read at once: 1 s until pulls are repeated, hops, and rounds 1 s apart.
    for queue in (0..6).map(QueueId) {
        assert_eq!(run.holders(queue, at("214s")).len(), 1);
    }
    let lost = run.count(|fact| {
        matches!(
            fact,
            Fact::ConnectionLost {
                consumer: ConsumerId(1),
                ..
            }
        )
    });
    assert_eq!(lost, 1);
    assert!(run.times_delivered().values().any(|times| *times > 1));
    assert!(run.undelivered().iter().all(|(time, _)| *time > at("5m59s")));
}

/// Once a client took a pull for lost whose answer lay in its socket, and pulled the queue twice from then on. The
/// link is cut, then the client is stopped, its pull is overdue, the link is healed, and the client goes on.
#[test]
fn an_answer_in_the_socket_is_an_answer() {
    let run = Experiment::new(GROUP, &[])
        .then("65s", cut(1, broker(0)))
        .then("66s", Action::Pause(member(1)))
        .then("110s", heal(1, broker(0)))
        .then("115s", Action::Resume(member(1)))
        .run();
    let timed_out = run.count(|fact| matches!(fact, Fact::PullFailed { .. }));
    assert_eq!(timed_out, 0);
    assert!(run.times_delivered().values().all(|times| *times == 1));
}

/// Once the link of a client that had been given up stayed closed for ever, if the client gave the connection up
/// before it heard of that. It is stopped, given up 120 s later across a cut, and goes on still cut off.
#[test]
fn a_closed_link_opens_again() {
    let run = Experiment::new(GROUP, &[])
        .then("60s", Action::Pause(member(1)))
        .then("100s", cut(1, broker(0)))
        .then("170s", Action::Resume(member(1)))
        .then("200s", heal(1, broker(0)))
        .run();
    assert_eq!(expiries(&run).len(), 1);
    // A pull fails after 3 s and is repeated after 1 s; the heartbeat that comes with it makes it a member again.
    for queue in (0..6).map(QueueId) {
        assert_eq!(run.holders(queue, at("207s")).len(), 1);
    }
    let commits = run.select(|fact| match fact {
        Fact::OffsetCommitted { via, queue, .. } if *via == CommitVia::Update => Some(*queue),
        _ => None,
    });
    assert!(commits.iter().any(|(time, _)| *time > at("5m50s")));
}
