//! What listeners do: hang, throw, take part of a batch, follow rules, change with time.

use crate::support::{Experiment, Recording, at, duration, run_with};
use rmqsim::cluster::fact::{Fact, NoStatus};
use rmqsim::kernel::time::SimTime;
use rmqsim::report::Report;
use rmqsim::scenario::{Overrides, Scenario};

/// Twenty messages, one every 100 ms from 10 s on, of one queue.
const TWENTY: &str = r#"{
  "title": "Twenty messages", "duration": "2m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 1 } } },
  "producers": { "shop": { "rate": "10/s", "arrivals": "constant", "start": "10s", "messages": 20 } },
  "groups": { "billing": { "consumers": { "count": 1, "threads": 2, "service": "10ms", "failure": {} } } }
}"#;

/// Offset and attempt of each success or failure that counts.
fn results(run: &Recording, wanted: bool) -> Vec<(SimTime, (u64, u16))> {
    run.select(|fact| match fact {
        Fact::Consumed {
            offset,
            reconsume_times,
            success,
            ..
        } if *success == wanted => Some((*offset, *reconsume_times)),
        _ => None,
    })
}

fn offsets(results: Vec<(SimTime, (u64, u16))>) -> Vec<u64> {
    results.into_iter().map(|(_, (offset, _))| offset).collect()
}

fn no_status(run: &Recording) -> Vec<NoStatus> {
    let how = run.select(|fact| match fact {
        Fact::NoStatus { how, .. } => Some(*how),
        _ => None,
    });
    how.into_iter().map(|(_, how)| how).collect()
}

fn rules(rules: &str) -> Recording {
    run_with(
        TWENTY,
        &[&format!("groups.billing.consumers.failure.rules={rules}")],
    )
}

#[track_caller]
fn report(set: &[&str]) -> Report {
    let overrides = Overrides {
        set: set.iter().map(|s| (*s).to_owned()).collect(),
        ..Overrides::default()
    };
    let scenario = Scenario::from_text("test.json", TWENTY, &overrides);
    let scenario = scenario.unwrap_or_else(|problems| panic!("{problems}"));
    rmqsim::simulate("test.json", &scenario, |_, _| {})
}

/// Message 3 hangs: one of two threads is lost, the rest is consumed by the other, and the commit stays at its offset.
#[test]
fn a_call_that_hangs_keeps_its_thread_and_the_commit() {
    let run = rules(r#"[{"message":{"producer":"shop-1","number":3},"outcome":"hang"}]"#);
    let mut done = offsets(results(&run, true));
    done.sort_unstable();
    assert_eq!(done, (0..20).filter(|offset| *offset != 2).collect::<Vec<_>>());
    assert_eq!(no_status(&run), [NoStatus::Hangs]);
    let last = run.select(|fact| match fact {
        Fact::OffsetCommitted { new, .. } => Some(*new),
        _ => None,
    });
    assert_eq!(last.iter().map(|(_, new)| *new).max(), Some(2));
}

/// Two hanging calls are all threads that there are: nothing is consumed any more, and nobody takes the queue over.
#[test]
fn as_many_hanging_calls_as_threads_stop_a_member() {
    let report =
        report(&["groups.billing.consumers.failure.rules=[{\"from\":\"10950ms\",\"outcome\":\"hang\"}]"]);
    let group = &report.groups["billing"];
    assert_eq!(
        (group.succeeded, group.failures.hung, group.failures.threads_hung),
        (9, 2, 2)
    );
    let balance = &report.balance["billing"];
    assert_eq!(
        (balance.in_flight, balance.waiting, group.members_final),
        (2, 9, 1)
    );
}

/// A hanging call of a client that goes is cut off like others, and leaves nothing behind.
#[test]
fn a_hanging_call_ends_with_its_process() {
    let set = [
        "groups.billing.consumers.failure.rules=[{\"message\":{\"producer\":\"shop-1\",\"number\":3},\"outcome\":\"hang\",\"firstAttempts\":1}]",
        "groups.billing.tuning.awaitTerminationMillisWhenShutdown=5000",
        r#"timeline=[{"at":"30s","restart":"billing/1"}]"#,
    ];
    let run = run_with(TWENTY, &set);
    let discarded = run.select(|fact| match fact {
        Fact::ResultDiscarded { offset, .. } => Some(*offset),
        _ => None,
    });
    // The shutdown waits for it in vain.
    assert_eq!(discarded, [(at("35s"), 2)]);
    assert_eq!(
        (run.leftovers.held_queues_of_gone, run.leftovers.tasks_of_gone),
        (0, 0)
    );
}

/// An exception and `null` are retried as `RECONSUME_LATER` is, and told apart in the report.
#[test]
fn exceptions_and_null_are_failures_of_their_own_name() {
    let rules = r#"[{"message":{"producer":"shop-1","number":1},"firstAttempts":1,"outcome":"throw"},
                    {"message":{"producer":"shop-1","number":2},"firstAttempts":1,"outcome":"null"},
                    {"message":{"producer":"shop-1","number":3},"firstAttempts":1,"outcome":"later"}]"#;
    let report = report(&[&format!("groups.billing.consumers.failure.rules={rules}")]);
    let group = &report.groups["billing"];
    let failures = &group.failures;
    assert_eq!(
        (failures.threw, failures.returned_null, failures.later),
        (1, 1, 1)
    );
    assert_eq!((group.retries.scheduled, group.succeeded), (3, 20));
}

/// Twenty messages at once in calls of five; number 8 fails at its first attempt. Without `ackIndex` all of its call
/// come again, with it those from number 8 on.
#[test]
fn a_batch_fails_as_a_whole_or_from_its_first_failure_on() {
    let set = |ack_index: bool| {
        format!(
            r#"groups.billing.consumers.failure={{"ackIndex":{ack_index},"rules":[
               {{"message":{{"producer":"shop-1","number":8}},"firstAttempts":1,"outcome":"later"}}]}}"#
        )
    };
    for (ack_index, again) in [(false, vec![5, 6, 7, 8, 9]), (true, vec![7, 8, 9])] {
        let set = [
            r#"producers.shop={"arrivals":"atOnce","start":"10s","messages":20}"#,
            "groups.billing.tuning.consumeMessageBatchMaxSize=5",
            &set(ack_index),
        ];
        let run = run_with(TWENTY, &set);
        assert_eq!(offsets(results(&run, false)), again, "ackIndex {ack_index}");
        assert_eq!(results(&run, true).len(), 20);
    }
}

/// A dependency is down from 10.5 s to 11.5 s: messages 5 to 14 fail, and no other. Their first retry succeeds.
#[test]
fn a_rule_holds_for_its_time() {
    let run = rules(r#"[{"from":"10450ms","until":"11450ms","outcome":"throw"}]"#);
    assert_eq!(offsets(results(&run, false)), (4..14).collect::<Vec<_>>());
    assert_eq!(results(&run, true).len(), 20);
}

/// A rule may give one message a service time, and a failing one a delay level of its own.
#[test]
fn a_rule_gives_time_and_delay_level() {
    let run = rules(
        r#"[{"message":{"producer":"shop-1","number":5},"service":"7s"},
            {"message":{"producer":"shop-1","number":6},"firstAttempts":1,"outcome":"later","delayLevelWhenNextConsume":2}]"#,
    );
    let slow = results(&run, true)
        .into_iter()
        .find(|(_, (offset, _))| *offset == 4);
    let called = run
        .deliveries()
        .into_iter()
        .find(|(_, (_, _, offset))| *offset == 4);
    assert_eq!(slow.unwrap().0, called.unwrap().0 + duration("7s"));
    let retries = run.select(|fact| match fact {
        Fact::RetryScheduled { offset, level, .. } => Some((*offset, *level)),
        _ => None,
    });
    assert_eq!(
        retries.iter().map(|(_, retry)| *retry).collect::<Vec<_>>(),
        [(5, 2)]
    );
}

/// The first queue alone is trouble; the retries, which lie elsewhere, are not.
#[test]
fn a_rule_may_hold_for_a_queue() {
    let set = [
        "cluster.topics.orders.queuesPerBroker=2",
        r#"groups.billing.consumers.failure.rules=[{"queue":"orders broker-a:1","outcome":"later"}]"#,
    ];
    let run = run_with(TWENTY, &set);
    let failed = run.select(|fact| match fact {
        Fact::Consumed {
            queue,
            success: false,
            ..
        } => Some(*queue),
        _ => None,
    });
    assert_eq!(failed.len(), 10);
    assert!(
        failed
            .iter()
            .all(|(_, queue)| run.queue(*queue) == "orders broker-a:1")
    );
}

/// From 11 s on the listener takes 1 s; a restart at 30 s brings the changed one back, and a call under way at the
/// change ends as it began.
#[test]
fn a_listener_changes_with_time_and_stays_changed() {
    let set = [
        r#"timeline=[{"at":"11s","setListener":"billing/*","service":"1s","failure":{"failFirstAttempts":1}},
                     {"at":"30s","restart":"billing/1","downFor":"5s"}]"#,
    ];
    let experiment = Experiment::new(TWENTY, &set);
    let members = &experiment.0.groups[0].consumers;
    assert_eq!(members.len(), 2);
    assert_eq!(members[1].failure.fail_first_attempts, 1);
    assert_eq!(members[1].service, experiment.0.listeners[0].service);
    let run = experiment.run();
    // Sent every 100 ms from 10.1 s on: the first nine are through before 11 s.
    let quick = results(&run, true)
        .into_iter()
        .filter(|(t, _)| *t < at("11s"))
        .count();
    assert_eq!(quick, 9);
    assert_eq!(results(&run, false).len(), 11);
}

/// Half of the messages carry TagB, and one key in four is k2: failures are those that have both, each once.
#[test]
fn a_rule_may_hold_for_a_tag_and_a_key() {
    let set = [
        r#"producers.shop.tags={"TagA":1,"TagB":1}"#,
        "producers.shop.keys=4",
        "producers.shop.messages=400",
        r#"groups.billing.consumers.failure.rules=[{"tag":"TagB","key":"k2","firstAttempts":1,"outcome":"later"}]"#,
    ];
    let run = run_with(TWENTY, &set);
    let attributes = &run.directory.attributes;
    let wanted = run.select(|fact| match fact {
        Fact::Delivered {
            message,
            luck,
            offset,
            reconsume_times: 0,
            ..
        } => {
            let tag = attributes.tag(*message, *luck)?;
            let key = attributes.key(*message, *luck)?;
            (attributes.tags()[tag.index()] == "TagB" && key.0 == 2).then_some(*offset)
        }
        _ => None,
    });
    let wanted: Vec<u64> = wanted.into_iter().map(|(_, offset)| offset).collect();
    assert!((30..=70).contains(&wanted.len()), "{} of 400", wanted.len());
    assert_eq!(offsets(results(&run, false)), wanted);
}
