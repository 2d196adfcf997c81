//! Retries and dead letters.

use crate::support::{Experiment, Recorder, Recording, at, duration, run, run_with};
use rmqsim::cluster::Cluster;
use rmqsim::cluster::directory::TopicKind;
use rmqsim::cluster::fact::Fact;
use rmqsim::cluster::sabotage::Sabotage;
use rmqsim::kernel::time::{SimDuration, SimTime};
use std::collections::BTreeSet;

const POISON: &str = r#"{
  "title": "One poison message", "duration": "5h",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 4 } } },
  "producers": { "shop": { "topic": "orders", "rate": "1/s", "arrivals": "constant", "start": "1m", "messages": 1 } },
  "groups": { "billing": { "subscribe": { "orders": "*" },
    "consumers": { "count": 2, "service": "10ms", "failure": { "probability": 1 } } } }
}"#;

fn deliveries(run: &Recording) -> Vec<(SimTime, u16)> {
    run.select(|fact| match fact {
        Fact::Delivered { reconsume_times, .. } => Some(*reconsume_times),
        _ => None,
    })
}

/// A poison message is sent back at levels 3 … 18 (10 s, 30 s, 1–10 m, 20 m, 30 m, 1 h, 2 h): 17 deliveries
/// and 4 h 45 m 40 s of delay until it is dead. Source: `AbstractSendMessageProcessor`, `messageDelayLevel`.
#[test]
fn poison_message_is_dead_after_sixteen_retries() {
    let run = run(POISON);
    let attempts: Vec<u16> = deliveries(&run).into_iter().map(|(_, attempt)| attempt).collect();
    assert_eq!(attempts, (0..=16).collect::<Vec<_>>());

    let levels = run.select(|fact| match fact {
        Fact::RetryScheduled { level, delay, .. } => Some((*level, *delay)),
        _ => None,
    });
    let expected = [
        "10s", "30s", "1m", "2m", "3m", "4m", "5m", "6m", "7m", "8m", "9m", "10m", "20m", "30m", "1h", "2h",
    ];
    let expected: Vec<_> = (3..=18).zip(expected.map(duration)).collect();
    assert_eq!(
        levels.into_iter().map(|(_, level)| level).collect::<Vec<_>>(),
        expected
    );
    let asked = expected
        .iter()
        .fold(SimDuration::ZERO, |sum, (_, delay)| sum + *delay);
    assert_eq!(asked, duration("4h45m40s"));

    let dead = run.select(|fact| match fact {
        Fact::DeadLettered {
            reconsume_times,
            dlq_queue,
            ..
        } => Some((*reconsume_times, *dlq_queue)),
        _ => None,
    });
    assert_eq!(dead.len(), 1);
    let (time, (reconsume_times, queue)) = dead[0];
    assert_eq!(reconsume_times, 17);
    assert_eq!(run.queue(queue), "%DLQ%billing broker-a:0");
    // Sent at 1 m 1 s, dead after the delays and at most 0.15 s more for each of 17 deliveries.
    let earliest = at("1m1s") + asked;
    assert!(earliest < time && time < earliest + duration("2550ms"), "{time}");
}

/// Each retry comes after its delay and at most 150 ms later: the schedule service looks every 100 ms.
#[test]
fn retries_wait_their_delay_and_little_more() {
    let run = run(POISON);
    let times: Vec<SimTime> = deliveries(&run).into_iter().map(|(time, _)| time).collect();
    let delays = run.select(|fact| match fact {
        Fact::RetryScheduled { delay, .. } => Some(*delay),
        _ => None,
    });
    for (next, (sent_back, delay)) in times[1..].iter().zip(delays) {
        let waited = next.since(sent_back);
        assert!(
            delay <= waited && waited <= delay + duration("150ms"),
            "{waited} instead of {delay}"
        );
    }
}

/// A retry is a record of its own, stored when its delay is over; its message is as old as ever.
#[test]
fn a_retry_is_stored_anew_and_was_born_long_ago() {
    let run = run(POISON);
    let stored = run.select(|fact| matches!(fact, Fact::RetryStored { .. }).then_some(()));
    let records = run.select(|fact| match fact {
        Fact::Delivered { born, stored, .. } => Some((*born, *stored)),
        _ => None,
    });
    let born: BTreeSet<SimTime> = records.iter().map(|(_, (born, _))| *born).collect();
    assert_eq!(born.len(), 1);
    let retries = records[1..].iter().map(|(_, (_, stored))| *stored);
    let times = stored.into_iter().map(|(time, ())| time);
    assert_eq!(retries.collect::<Vec<_>>(), times.collect::<Vec<_>>());
}

/// Levels of the retries, with a fault of the simulator.
fn planted(fault: Sabotage) -> Vec<u8> {
    let cluster = Cluster::new(Experiment::new(POISON, &[]).0, Recorder::default()).sabotaged(fault);
    let facts = cluster.run(|_, _| {}).observer.0;
    let levels = facts.iter().filter_map(|(_, fact)| match fact {
        Fact::RetryScheduled { level, .. } => Some(*level),
        _ => None,
    });
    levels.collect()
}

/// A planted fault errs on the side that its name says, or whoever finds it has found something else.
#[test]
fn planted_faults_of_retries_are_what_they_are_called() {
    let highest = 18;
    assert_eq!(
        planted(Sabotage::LevelTooHigh),
        (4..=highest).chain([highest]).collect::<Vec<_>>()
    );
    assert_eq!(
        planted(Sabotage::DeadTooLate),
        (3..=highest).chain([highest]).collect::<Vec<_>>()
    );
}

/// `%DLQ%group` comes into being with the first dead letter, not before, and has one queue.
#[test]
fn the_dead_letter_topic_is_made_for_the_first_dead_letter() {
    let run = run(POISON);
    let is_dlq = |queue| {
        let topic = run.directory.queue(queue).topic;
        matches!(run.directory.topic(topic).kind, TopicKind::DeadLetter(_))
    };
    let created = run.select(|fact| match fact {
        Fact::QueueCreated { queue } if is_dlq(*queue) => Some(()),
        _ => None,
    });
    let dead = run.select(|fact| matches!(fact, Fact::DeadLettered { .. }).then_some(()));
    assert_eq!(created, dead);
}

/// With maxReconsumeTimes = N there are N + 1 deliveries; with 0 the first failure is the last.
#[test]
fn max_reconsume_times_counts_retries_not_deliveries() {
    for (max, expected) in [("0", 1), ("1", 2), ("3", 4)] {
        let run = run_with(
            POISON,
            &[&format!("groups.billing.tuning.maxReconsumeTimes={max}")],
        );
        assert_eq!(deliveries(&run).len(), expected, "maxReconsumeTimes {max}");
        assert_eq!(run.count(|fact| matches!(fact, Fact::DeadLettered { .. })), 1);
    }
}

/// A level asked for by the listener is used every time; −1 means dead at once.
#[test]
fn the_listener_may_choose_the_delay_level() {
    let level = |level: &str| {
        let set = format!("groups.billing.tuning.delayLevelWhenNextConsume={level}");
        run_with(POISON, &[&set, "groups.billing.tuning.maxReconsumeTimes=3"])
    };
    let fixed = level("2").select(|fact| match fact {
        Fact::RetryScheduled { level, .. } => Some(*level),
        _ => None,
    });
    assert_eq!(
        fixed.into_iter().map(|(_, level)| level).collect::<Vec<_>>(),
        [2, 2, 2]
    );
    let dead = level("-1");
    assert_eq!(deliveries(&dead).len(), 1);
    assert_eq!(dead.count(|fact| matches!(fact, Fact::DeadLettered { .. })), 1);
}

/// One retry queue on one broker: whoever owns it gets every retry, whoever failed.
#[test]
fn the_owner_of_the_retry_queue_gets_all_retries() {
    let text = POISON
        .replace("\"messages\": 1", "\"messages\": 8")
        .replace("5h", "3m");
    let run = run(&text);
    let retried_at = run.select(|fact| match fact {
        Fact::Delivered {
            consumer,
            reconsume_times: 1..,
            ..
        } => Some(*consumer),
        _ => None,
    });
    assert!(retried_at.len() >= 8);
    assert!(
        retried_at
            .iter()
            .all(|(_, consumer)| *consumer == retried_at[0].1)
    );
}
