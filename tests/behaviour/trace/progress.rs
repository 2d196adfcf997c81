//! The progress of groups at an instant.

use super::shipped;
use rmqsim::cluster::bounds::Bounds;
use rmqsim::kernel::time::{SimDuration, SimTime};
use rmqsim::trace::progress::progress;

/// The progress at an instant agrees with what a run to that instant reports.
#[test]
fn progress_agrees_with_a_report_at_that_time() {
    let scenario = shipped("consumer-crash", "3m");
    let at = SimTime::ZERO + SimDuration::from_secs(125);
    let told = progress(&scenario.config, at, &Bounds::default(), |_, _| {}).unwrap();
    let report = rmqsim::simulate("progress", &shipped("consumer-crash", "125s"), |_, _| {});
    let group = &told.groups[0];
    assert_eq!(
        (group.group.as_str(), group.count, told.groups.len()),
        ("billing", 3, 1)
    );
    assert_eq!(group.diff_total(), report.groups["billing"].lag.last);
    for queue in &group.queues {
        let label = format!("{} {}:{}", queue.topic, queue.broker, queue.queue_id);
        let of = &report.queues[&label].groups["billing"];
        assert_eq!(queue.consumer_offset, of.committed.unwrap_or(0), "{label}");
        assert_eq!(queue.diff(), of.lag.last, "{label}");
        assert!(queue.inflight <= queue.diff(), "{label}");
        assert_eq!(queue.last_time.is_some(), queue.consumer_offset > 0, "{label}");
        if let Some(stored) = queue.last_time {
            let age = at.since(stored);
            assert!(stored < at && age < SimDuration::from_secs(10), "{label}: {age}");
        }
        assert_eq!(queue.client, of.owner, "{label}");
    }
    // 400 a second come in, 400 a second are pulled.
    assert!((group.consume_tps - 400.0).abs() < 20.0, "{}", group.consume_tps);
}

/// `mqadmin` asks brokers that are up: queues of a dead one are missing until it is back.
#[test]
fn queues_of_a_dead_broker_are_not_listed() {
    let scenario = shipped("broker-crash-offset-rollback", "3m");
    for (at, expected) in [(140, vec!["broker-b"]), (170, vec!["broker-a", "broker-b"])] {
        let at = SimTime::ZERO + SimDuration::from_secs(at);
        let told = progress(&scenario.config, at, &Bounds::default(), |_, _| {}).unwrap();
        let queues = told.groups[0].queues.iter();
        let mut brokers: Vec<&str> = queues.map(|queue| queue.broker.as_str()).collect();
        brokers.sort_unstable();
        brokers.dedup();
        assert_eq!(brokers, expected);
    }
}
