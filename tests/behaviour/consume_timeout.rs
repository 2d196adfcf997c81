//! `consumeTimeout`: calls that take too long.

use crate::support::{Experiment, Recording, at, run_with};
use rmqsim::cluster::config::RocketMqVersion;
use rmqsim::cluster::fact::{Fact, NoStatus};
use rmqsim::kernel::time::SimTime;

/// Twenty messages, one every 100 ms from 10 s on; number 3 hangs at its first attempt. Looks at 2 m, 4 m, …
const HANGS: &str = r#"{
  "title": "A call that hangs", "duration": "10m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 1 } } },
  "producers": { "shop": { "rate": "10/s", "arrivals": "constant", "start": "10s", "messages": 20 } },
  "groups": { "billing": { "consumers": { "count": 1, "threads": 2, "service": "10ms", "failure": { "rules": [
      { "message": { "producer": "shop-1", "number": 3 }, "firstAttempts": 1, "outcome": "hang" } ] } },
    "tuning": { "consumeTimeout": 2 } } }
}"#;

fn timed_out(run: &Recording) -> Vec<(SimTime, u64)> {
    run.select(|fact| match fact {
        Fact::ConsumeTimedOut { offset, .. } => Some(*offset),
        _ => None,
    })
}

fn retries(run: &Recording) -> Vec<(SimTime, (u64, u8))> {
    run.select(|fact| match fact {
        Fact::RetryScheduled { offset, level, .. } => Some((*offset, *level)),
        _ => None,
    })
}

fn commits(run: &Recording, until: SimTime) -> Option<u64> {
    let commits = run.select(|fact| match fact {
        Fact::OffsetCommitted { new, queue, .. } if run.queue(*queue) == "orders broker-a:0" => Some(*new),
        _ => None,
    });
    let before = commits.into_iter().filter(|(time, _)| *time < until);
    before.map(|(_, new)| new).next_back()
}

/// Called at 10.3 s, it is 1 m 49.7 s old at the look of 2 m and overdue at that of 4 m. Its retry comes after level 3.
#[test]
fn a_call_that_hangs_is_found_at_the_second_look() {
    let run = run_with(HANGS, &[]);
    let found = timed_out(&run);
    assert_eq!(found.len(), 1);
    assert!((at("4m")..at("240010ms")).contains(&found[0].0), "{found:?}");
    assert_eq!(retries(&run)[0].1, (2, 3));
    let again = run.select(|fact| match fact {
        Fact::Consumed {
            reconsume_times: 1,
            success,
            ..
        } => Some(*success),
        _ => None,
    });
    assert_eq!(again.len(), 1);
    assert!(
        again[0].1 && (at("250s")..at("251s")).contains(&again[0].0),
        "{again:?}"
    );
    // Its thread is lost all the same.
    assert_eq!(
        run.count(|fact| matches!(
            fact,
            Fact::NoStatus {
                how: NoStatus::Hangs,
                ..
            }
        )),
        1
    );
}

/// The removal moves no commit; the next pull that finds nothing does, with the cache empty.
#[test]
fn the_commit_follows_with_the_next_empty_pull() {
    let run = run_with(HANGS, &[]);
    assert_eq!(commits(&run, at("4m")), Some(2));
    assert_eq!(commits(&run, at("265s")), Some(20));
}

/// A slow call returns after it was sent back: its success changes nothing, and the retry is a second success.
#[test]
fn a_late_success_makes_two_of_one() {
    let slow = r#"groups.billing.consumers.failure.rules=[{"message":{"producer":"shop-1","number":3},"firstAttempts":1,"service":"5m"}]"#;
    let run = run_with(HANGS, &[slow]);
    assert_eq!(timed_out(&run).len(), 1);
    let discarded = run.select(|fact| match fact {
        Fact::ResultDiscarded { offset, .. } => Some(*offset),
        _ => None,
    });
    assert_eq!(discarded.len(), 1);
    assert_eq!((discarded[0].1, discarded[0].0 > at("310s")), (2, true));
    let good = run.count(|fact| matches!(fact, Fact::Consumed { success: true, .. }));
    assert_eq!(good, 20);
}

/// A late failure is looked for in the cache by 5.x, and sent back a second time by 4.9.
#[test]
fn a_late_failure_is_sent_back_again_in_4_9() {
    let slow = r#"groups.billing.consumers.failure.rules=[{"message":{"producer":"shop-1","number":3},"firstAttempts":1,"service":"5m","outcome":"later"}]"#;
    let mut experiment = Experiment::new(HANGS, &[slow]);
    assert_eq!(retries(&experiment.run()).len(), 1);
    experiment = Experiment::new(HANGS, &[slow]);
    experiment.0.version = RocketMqVersion::V4_9;
    let twice: Vec<u64> = retries(&experiment.run())
        .into_iter()
        .map(|(_, (offset, _))| offset)
        .collect();
    assert_eq!(twice, [2, 2]);
}

/// Nobody looks while no call can be overdue: the same events with a time-out of 1 min and of a year.
#[test]
fn looks_cost_nothing_while_calls_are_short() {
    let set = |minutes: u32| {
        [
            "groups.billing.consumers.failure.rules=[]".to_owned(),
            format!("groups.billing.tuning.consumeTimeout={minutes}"),
        ]
    };
    let digest = |minutes: u32| {
        let set = set(minutes);
        run_with(HANGS, &[&set[0], &set[1]]).digest
    };
    assert_eq!(digest(1), digest(525_600));
}

/// A message that waits for a thread has no start, and hides whatever hangs behind it.
#[test]
fn a_waiting_message_hides_those_behind_it() {
    let hang = r#"groups.billing.consumers.failure.rules=[{"message":{"producer":"shop-1","number":3},"outcome":"hang"},{"message":{"producer":"shop-1","number":4},"outcome":"hang"}]"#;
    let run = run_with(HANGS, &[hang]);
    // Both threads hang. Offsets 2 and 3 are sent back; offset 4 was never begun.
    let found: Vec<u64> = timed_out(&run).into_iter().map(|(_, offset)| offset).collect();
    assert_eq!(found, [2, 3]);
    assert_eq!(run.deliveries().len(), 4);
}
