//! `consumeTimeout`: calls that take too long.

use crate::support::{Experiment, Recording, at, broker, cut, heal, run_with};
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

/// Two queues in turn. Message 3 fails once where that can be told to nobody, since the link is cut, and hangs when it comes
/// again at 23 s; message 1 of the same queue and message 4, at the same place in the other, hang from the beginning. All
/// are sent back at 4 m. The broker knows of no failure: these are first retries. Message 2 only makes the order of
/// begin another one.
#[test]
fn the_clean_up_sends_back_what_the_broker_has_stored() {
    let rules = r#"groups.billing.consumers.failure.rules=[
        {"message":{"producer":"shop-1","number":1},"firstAttempts":1,"outcome":"hang"},
        {"message":{"producer":"shop-1","number":2},"service":"150ms"},
        {"message":{"producer":"shop-1","number":3},"firstAttempts":1,"outcome":"later"},
        {"message":{"producer":"shop-1","number":3},"until":"1m","outcome":"hang"},
        {"message":{"producer":"shop-1","number":4},"firstAttempts":1,"outcome":"hang"}]"#;
    let set = [
        rules,
        "cluster.topics.orders.queuesPerBroker=2",
        "groups.billing.consumers.threads=6",
    ];
    let run = Experiment::new(HANGS, &set)
        .then("10305ms", cut(0, broker(0)))
        .then("20s", heal(0, broker(0)))
        .run();
    let found = run.select(|fact| match fact {
        Fact::ConsumeTimedOut { queue, offset, .. } => Some((queue.0, *offset)),
        _ => None,
    });
    let hung: Vec<(u32, u64)> = found.into_iter().map(|(_, place)| place).collect();
    assert_eq!(hung, [(0, 0), (0, 1), (1, 1)]);
    let attempts = run.select(|fact| match fact {
        Fact::RetryScheduled {
            queue,
            offset,
            reconsume_times,
            ..
        } => Some(((queue.0, *offset), *reconsume_times)),
        _ => None,
    });
    let attempts: Vec<_> = attempts.into_iter().map(|(_, attempt)| attempt).collect();
    assert_eq!(
        attempts,
        hung.into_iter().map(|place| (place, 1)).collect::<Vec<_>>()
    );
}

/// A message that hangs at its first retry has failed twice, and the copy counts both.
#[test]
fn a_retry_that_hangs_counts_on() {
    let rules = r#"groups.billing.consumers.failure.rules=[
        {"message":{"producer":"shop-1","number":3},"firstAttempts":1,"outcome":"later"},
        {"message":{"producer":"shop-1","number":3},"firstAttempts":2,"outcome":"hang"}]"#;
    let run = run_with(HANGS, &[rules]);
    let attempts = run.select(|fact| match fact {
        Fact::RetryScheduled { reconsume_times, .. } => Some(*reconsume_times),
        _ => None,
    });
    let attempts: Vec<u16> = attempts.into_iter().map(|(_, times)| times).collect();
    assert_eq!((attempts, timed_out(&run).len()), (vec![1, 2], 1));
}

/// The link is cut at the look of 4 m: after 8 s the message is given up for now, stays in the cache, and holds the commit
/// back until the look of 6 m.
#[test]
fn what_cannot_be_sent_back_stays_until_the_next_look() {
    let run = Experiment::new(HANGS, &[])
        .then("239s", cut(0, broker(0)))
        .then("258s", heal(0, broker(0)))
        .run();
    let found = timed_out(&run);
    assert_eq!((found.len(), retries(&run).len()), (1, 1));
    assert!((at("6m")..at("360010ms")).contains(&found[0].0), "{found:?}");
    assert_eq!(commits(&run, at("6m")), Some(2));
    assert_eq!(commits(&run, at("385s")), Some(20));
}

/// Where messages are pushed there are no empty pulls: the removal itself moves the offset behind all that has come.
#[test]
fn where_messages_are_pushed_the_commit_moves_with_the_removal() {
    let run = run_with(HANGS, &["groups.billing.delivery=push"]);
    assert_eq!(timed_out(&run).len(), 1);
    assert_eq!(commits(&run, at("4m")), Some(2));
    assert_eq!(commits(&run, at("4m6s")), Some(20));
}

/// A broadcasting group has nobody to send it back to: the message stays with its call.
#[test]
fn nothing_times_out_in_a_broadcasting_group() {
    let run = run_with(HANGS, &["groups.billing.messageModel=BROADCASTING"]);
    assert_eq!((timed_out(&run), retries(&run)), (vec![], vec![]));
    assert_eq!(run.deliveries().len(), 20);
}

/// A call may span offsets that a filter has taken out. They were never in the cache, and no result of theirs is discarded.
#[test]
fn offsets_between_the_messages_of_a_call_are_nobodys_result() {
    let set = [
        "producers.shop={\"arrivals\":\"atOnce\",\"start\":\"10s\",\"messages\":100,\"tags\":{\"TagA\":1,\"TagB\":1}}",
        "groups.billing.subscribe={\"orders\":\"TagA\"}",
        "groups.billing.tuning.consumeMessageBatchMaxSize=8",
        "groups.billing.consumers.failure.rules=[]",
    ];
    let run = run_with(HANGS, &set);
    let delivered = run.deliveries();
    assert!(
        delivered
            .windows(2)
            .any(|pair| pair[0].0 == pair[1].0 && pair[1].1.2 > pair[0].1.2 + 1)
    );
    assert_eq!(run.count(|fact| matches!(fact, Fact::ResultDiscarded { .. })), 0);
}

/// One call of 32 messages from 10 s on, which fails after 165 s. The look of 2 m sends the first sixteen back, the thread
/// the others at its end; in 4.9 it sends all of them. Source: `processConsumeResult`, `containsMessage`.
#[test]
fn the_call_sends_back_what_the_clean_up_has_left() {
    let set = [
        r#"producers.shop={"arrivals":"atOnce","start":"1s","messages":32}"#,
        r#"groups.billing.consumers={"start":"9s","service":"5156250us","failure":{"rules":[{"until":"1m","outcome":"later"}]}}"#,
        r#"groups.billing.consumeFromWhere="CONSUME_FROM_FIRST_OFFSET""#,
        r#"groups.billing.tuning={"consumeTimeout":1,"consumeMessageBatchMaxSize":32}"#,
    ];
    let returned = |version: RocketMqVersion| {
        let mut experiment = Experiment::new(HANGS, &set);
        experiment.0.version = version;
        let of_original = |fact: &Fact| match fact {
            Fact::RetryScheduled {
                offset,
                reconsume_times: 1,
                ..
            } => Some(*offset),
            _ => None,
        };
        let run = experiment.run();
        assert_eq!(
            timed_out(&run)
                .iter()
                .filter(|(time, _)| *time < at("3m"))
                .count(),
            16
        );
        run.select(of_original)
            .into_iter()
            .map(|(_, offset)| offset)
            .collect::<Vec<u64>>()
    };
    assert_eq!(returned(RocketMqVersion::V5_3), (0..32).collect::<Vec<_>>());
    assert_eq!(
        returned(RocketMqVersion::V4_9),
        (0..16).chain(0..32).collect::<Vec<_>>()
    );
}

/// Calls of sixteen on one thread: the clean-up has sent back all of the first call when that fails at its end, at 175 s.
/// Nothing is left to be sent back, least of all what waits for the next call.
#[test]
fn a_call_sends_back_nothing_but_its_own() {
    let set = [
        r#"producers.shop={"arrivals":"atOnce","start":"1s","messages":32}"#,
        r#"groups.billing.consumers={"start":"9s","threads":1,"service":"10312500us","failure":{"rules":[{"until":"1m","outcome":"later"}]}}"#,
        r#"groups.billing.consumeFromWhere="CONSUME_FROM_FIRST_OFFSET""#,
        r#"groups.billing.tuning={"consumeTimeout":1,"consumeMessageBatchMaxSize":16}"#,
    ];
    let run = run_with(HANGS, &set);
    let second = run.deliveries()[16].0;
    assert!(second > at("174s") && second < at("176s"), "{second}");
    let before = retries(&run).into_iter().filter(|(time, _)| *time < at("3m"));
    assert_eq!(
        before.map(|(_, (offset, _))| offset).collect::<Vec<_>>(),
        (0..16).collect::<Vec<_>>()
    );
}
