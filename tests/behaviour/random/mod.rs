//! Small clusters made at random, each run under all rules (`sim/verify/rules`): those that once broke one, and what the
//! search (`sim/verify/fuzz`) does not make, which are operators whose brokers keep small files for a moment only.
//!
//! Their ends leave time for everything to come to rest. `RMQSIM_RANDOM_CASES` runs more cases than the usual ones; a
//! failure names its case.

pub mod cases;
mod faults;
mod listeners;
mod operators;
mod orderly;
mod stories;

use RocketMqVersion::{V4_9, V5_3};
use rmqsim::cluster::config::{ClusterConfig, RocketMqVersion};
use rmqsim::verify::check::check_rested;
use std::ops::Range;

type Case = fn(u64, RocketMqVersion) -> ClusterConfig;

/// What breaks in one case.
fn breaks(case: Case, number: u64, version: RocketMqVersion) -> Option<String> {
    let broken = check_rested(&case(number, version), None).err()?;
    Some(format!(
        "case {number} of {version:?} breaks {}: {} ({:?})",
        broken.id, broken.what, broken.at
    ))
}

#[track_caller]
fn check(case: Case, numbers: Range<u64>, version: RocketMqVersion) {
    let more = std::env::var("RMQSIM_RANDOM_CASES").ok();
    let more: u64 = more.and_then(|n| n.parse().ok()).unwrap_or(0);
    let numbers = numbers.start..numbers.end + more;
    let failed: Vec<String> = numbers
        .filter_map(|number| breaks(case, number, version))
        .collect();
    assert!(
        failed.is_empty(),
        "{} cases:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

/// Cases that were found once, and few others are like.
#[track_caller]
fn hold(case: Case, numbers: &[(u64, RocketMqVersion)]) {
    for &(number, version) in numbers {
        assert_eq!(breaks(case, number, version), None);
    }
}

fn in_order_in_trouble(number: u64, version: RocketMqVersion) -> ClusterConfig {
    orderly::in_order(faults::case(number, version))
}

#[test]
fn random_clusters_with_operators_keep_the_rules_of_5_3() {
    check(operators::case, 0..150, V5_3);
}

#[test]
fn random_clusters_with_operators_keep_the_rules_of_4_9() {
    check(operators::case, 0..150, V4_9);
}

/// The answer to where a queue starts came when the queue had been given up; the last messages of a listener that commits
/// by hand were dead.
#[test]
fn ordered_queues_end_well() {
    hold(in_order_in_trouble, &[(389, V5_3), (1380, V4_9)]);
}

/// Records were once freed although a commit or an answer on the wire led back to them.
#[test]
fn what_is_on_the_wire_keeps_records() {
    hold(
        cases::case,
        &[(318, V5_3), (1179, V4_9), (1919, V4_9), (1919, V5_3)],
    );
}

/// Records were once freed to which an operator had sent a group back: a commit reached the broker while the answer that
/// names the offset was on the wire.
#[test]
fn a_reset_on_the_wire_keeps_records() {
    hold(operators::case, &[(192, V5_3), (247, V5_3)]);
}

/// A message that waited for a connection to be sent back when its client vanished; a member that was registered over a
/// slow link between two scans, and vanished; offsets on a connection that never had a heartbeat, across a cut that never
/// ends.
#[test]
fn the_dead_leave_nothing() {
    hold(
        faults::case,
        &[(285, V5_3), (3669, V5_3), (12_019, V4_9), (15_768, V4_9)],
    );
}

/// A message that failed once was stored four times: sent back, and in three attempts as an ordinary one, over a link so
/// slow that no answer came in time.
#[test]
fn a_failure_in_trouble_may_be_stored_four_times() {
    hold(faults::case, &[(308, V5_3)]);
}

/// A guard lets one call through at a time, and that hangs: nothing of the client's queues is ever done again.
#[test]
fn a_call_that_hangs_keeps_its_place_at_the_guard() {
    hold(listeners::case, &[(342, V5_3)]);
}

/// Threads were set in a client that was stopped: they began to work at once.
#[test]
fn a_client_that_is_stopped_sets_no_threads() {
    hold(faults::case, &[(2144, V4_9), (2144, V5_3)]);
}

/// A client started where the last owner had committed, whose last commit came after that: its own first one is lower. One
/// gave an illegal queue up, and its repair came ten seconds later.
#[test]
fn offsets_fall_when_queues_change_hands() {
    hold(cases::case, &[(2149, V4_9), (2201, V5_3)]);
    hold(operators::case, &[(122, V4_9)]);
}

/// A broker ended before anybody had asked for the offset that an operator had set; and files were deleted to the end, so
/// that clients behind them let their queues rest.
#[test]
fn what_operators_set_is_told_of_though_a_broker_forgets_it() {
    hold(
        operators::case,
        &[
            (2213, V5_3),
            (2036, V4_9),
            (2183, V4_9),
            (2229, V5_3),
            (3094, V5_3),
        ],
    );
}

/// A client that had been stopped for long found the answer to its request for a lock in its socket.
#[test]
fn a_client_that_was_stopped_believes_an_old_lock() {
    hold(in_order_in_trouble, &[(2027, V4_9), (2027, V5_3)]);
}

/// A broker gave up a client that was stopped, and with it a pull on a slow link: the stopped client failed it at once.
#[test]
fn a_client_that_is_stopped_learns_later_of_a_lost_pull() {
    hold(in_order_in_trouble, &[(151, V5_3)]);
}
