//! A broker ends and starts again: what clients see of it, and what it has forgotten.

use crate::support::{Experiment, Recording, at, run_with};
use rmqsim::cluster::config::Action;
use rmqsim::cluster::fact::{CommitVia, Fact, PullFailure};
use rmqsim::cluster::ids::{BrokerId, QueueId};
use rmqsim::kernel::time::{SimDuration, SimTime};
use rmqsim::observe::observation::Observation;
use std::collections::BTreeMap;

/// Two brokers, two queues on each.
const GROUP: &str = r#"{
  "title": "Two brokers", "duration": "5m",
  "cluster": { "brokers": 2, "topics": { "orders": { "queuesPerBroker": 2 } } },
  "producers": { "shop": { "rate": "80/s", "arrivals": "constant" } },
  "groups": { "billing": { "consumers": { "count": 2, "service": "5ms" } } }
}"#;

const A: BrokerId = BrokerId(0);

fn crash(time: &str) -> (&str, Action) {
    let (broker, crash) = (A, true);
    (time, Action::StopBroker { broker, crash })
}

fn experiment(steps: &[(&str, Action)], set: &[&str]) -> Experiment {
    let steps = steps.iter();
    steps.fold(Experiment::new(GROUP, set), |made, (time, action)| {
        made.then(time, *action)
    })
}

fn on_a(run: &Recording, queue: QueueId) -> bool {
    run.directory.queue(queue).broker == A
}

/// Everything that was acknowledged is delivered, and the account balances all the time.
fn nothing_is_lost(experiment: Experiment) -> Recording {
    let config = experiment.0.clone();
    let mut watched = rmqsim::cluster::Cluster::new(config.clone(), Observation::new(&config)).run(|_, _| {});
    watched.observer.finish(watched.end, &watched.directory);
    let run = experiment.run();
    let late = run
        .undelivered()
        .into_iter()
        .filter(|(time, _)| *time < at("4m30s"));
    assert_eq!(late.collect::<Vec<_>>(), []);
    run
}

/// Sends to the broker that is down fail at once and go to the other; the route without it comes with the next look,
/// 30 s later at most. After the start, sends come again with a later look.
#[test]
fn producers_turn_to_the_other_broker() {
    let run = nothing_is_lost(experiment(&[crash("65s"), ("125s", Action::StartBroker(A))], &[]));
    let refused = run.select(|fact| match fact {
        Fact::SendRefused { gave_up, .. } => Some(*gave_up),
        _ => None,
    });
    assert!(
        refused
            .iter()
            .all(|(time, gave_up)| !gave_up && *time < at("90.1s"))
    );
    // Half of 80 a second, from 65 s to the look at 90.01 s.
    assert!((900..1100).contains(&refused.len()), "{}", refused.len());
    let stored = run.select(|fact| match fact {
        Fact::Stored { queue, .. } => Some(*queue),
        _ => None,
    });
    let of_a = stored.iter().filter(|(_, queue)| on_a(&run, *queue));
    let away = of_a
        .map(|(time, _)| *time)
        .filter(|time| *time > at("65.1s") && *time < at("150s"));
    assert_eq!(away.count(), 0);
    assert!(
        stored
            .iter()
            .any(|(time, queue)| *time > at("151s") && on_a(&run, *queue))
    );
}

/// Pulls that wait fail at once, and are repeated every second until the queue is given up; the name server tells of
/// that within 30 s, and a round follows within 20 s.
#[test]
fn pulls_fail_until_the_route_is_known() {
    let run = nothing_is_lost(experiment(&[crash("65s"), ("125s", Action::StartBroker(A))], &[]));
    let failed = run.select(|fact| match fact {
        Fact::PullFailed {
            queue,
            cause: PullFailure::Connection,
            ..
        } => Some(*queue),
        _ => None,
    });
    let mut by_queue: BTreeMap<QueueId, Vec<SimTime>> = BTreeMap::new();
    for (time, queue) in failed {
        assert!(on_a(&run, queue));
        by_queue.entry(queue).or_default().push(time);
    }
    // Two queues of the topic and the retry queue.
    assert_eq!(by_queue.len(), 3);
    for times in by_queue.values() {
        assert!(
            times[0].since(at("65s")) <= SimDuration::from_millis(1),
            "{times:?}"
        );
        let second = times[1].since(times[0]).as_millis();
        assert!((1000..=1002).contains(&second), "{second}");
        assert!(times[times.len() - 1] <= at("115s"), "{times:?}");
    }
    let owners = run.owners(at("120s"));
    assert!(
        owners
            .iter()
            .all(|(_, queues)| queues.iter().all(|queue| !queue.contains("broker-a")))
    );
    let taken = run.owners(at("4m"));
    let of_a = taken
        .iter()
        .flat_map(|(_, queues)| queues)
        .filter(|queue| queue.contains("orders broker-a"));
    assert_eq!(of_a.count(), 2);
}

/// A crash throws the committed offsets back to the last save, at most 5 s; the members still know better, and commit
/// again. A graceful end throws nothing back.
#[test]
fn a_crash_rolls_offsets_back() {
    let fell = |run: &Recording| {
        run.select(|fact| match fact {
            Fact::OffsetCommitted {
                queue,
                old: Some(old),
                new,
                via: CommitVia::FellBack,
                ..
            } => Some((*queue, *old, *new)),
            _ => None,
        })
    };
    let run = nothing_is_lost(experiment(&[crash("65s"), ("66s", Action::StartBroker(A))], &[]));
    let crashed = fell(&run);
    assert_eq!(crashed.len(), 2, "{crashed:?}");
    for (_, (_, old, new)) in &crashed {
        // 20 messages a second and queue.
        assert!(*old > *new && old - new <= 101, "{old} {new}");
    }
    let stop = Action::StopBroker {
        broker: A,
        crash: false,
    };
    let run = nothing_is_lost(experiment(&[("65s", stop), ("66s", Action::StartBroker(A))], &[]));
    assert_eq!(fell(&run), []);
}

/// If broker and consumers go together, what lay between the last save and the crash comes twice, and the report says
/// why.
#[test]
fn a_crash_with_its_consumers_delivers_again() {
    let experiment = || {
        experiment(&[crash("65s"), ("75s", Action::StartBroker(A))], &[])
            .then("65s", Action::Kill(crate::support::member(0)))
            .then("65s", Action::Kill(crate::support::member(1)))
            .then("80s", Action::Join(crate::support::member(2)))
    };
    let mut first = experiment();
    let mut third = first.0.groups[0].consumers[0].clone();
    (third.name, third.client_id, third.start) = ("billing-3".into(), "billing-3".into(), None);
    first.0.groups[0].consumers.push(third);
    first.0.timeline.sort_by_key(|entry| entry.at);
    let config = first.0.clone();
    let mut done = rmqsim::cluster::Cluster::new(config.clone(), Observation::new(&config)).run(|_, _| {});
    done.observer.finish(done.end, &done.directory);
    let duplicates = done.observer.duplicates[0];
    assert!(duplicates.broker > 0, "{duplicates:?}");
    assert!(duplicates.broker <= 2 * 20 * 6, "{duplicates:?}");
}

/// Retries that were delivered in the 10 s before a crash are delivered again, as copies of their own.
#[test]
fn a_crash_delivers_retries_again() {
    let failing = [
        "groups.billing.consumers.failure.failFirstAttempts=1",
        "cluster.tuning.messageDelayLevel=1s 1s 1s",
    ];
    let run = nothing_is_lost(experiment(
        &[crash("68s"), ("70s", Action::StartBroker(A))],
        &failing,
    ));
    let again = run.select(|fact| match fact {
        Fact::RetryStored { again: true, .. } => Some(()),
        _ => None,
    });
    // 40 retries a second on this broker, 10 s at most; first looks a second after the start.
    assert!(!again.is_empty() && again.len() <= 400, "{}", again.len());
    assert!(
        again
            .iter()
            .all(|(time, ())| *time >= at("71s") && *time < at("71.2s"))
    );
}

/// A broker that has just started knows no members: pulls are refused until heartbeats have come, which new
/// connections bring with them from 5.2 on.
#[test]
fn a_new_process_knows_nobody() {
    for (version, most) in [("5.3", 3), ("4.9", 60)] {
        let version = format!("cluster.rocketmq={version}");
        let run = nothing_is_lost(experiment(
            &[crash("65s"), ("68s", Action::StartBroker(A))],
            &[&version],
        ));
        let refused = run.select(|fact| match fact {
            Fact::PullFailed {
                cause: PullFailure::SubscriptionNotExist,
                ..
            } => Some(()),
            _ => None,
        });
        let last = refused.last().map_or(at("68s"), |(time, ())| *time);
        assert!(
            last.since(at("68s")) <= SimDuration::from_secs(most),
            "{version}: {last:?}"
        );
    }
}

/// With its only broker down a topic has no route: messages are given up, and nothing waits for ever.
#[test]
fn without_any_broker_messages_are_given_up() {
    let run = run_with(
        GROUP,
        &[
            "cluster.brokers=1",
            "timeline=[{\"at\":\"1m\",\"kill\":\"broker-a\"}]",
        ],
    );
    let given_up = run.count(|fact| matches!(fact, Fact::SendRefused { gave_up: true, .. }));
    assert!(given_up >= 4 * 60 * 80 - 10, "{given_up}");
    assert_eq!(run.leftovers.sends, 0);
}
