//! Small clusters made at random, judged by what must hold in every one of them.
//!
//! The rules are checked on the facts alone. `RMQSIM_RANDOM_CASES` runs more cases than the usual ones; a failure
//! names its case.

mod broadcasting;
mod cases;
mod faults;
mod filtering;
mod listeners;
mod operators;
mod orderly;
mod outcome;
mod rules;
mod trouble;

use crate::support::Recorder;
use rmqsim::cluster::Cluster;
use rmqsim::cluster::config::{ClusterConfig, RocketMqVersion};
use rmqsim::observe::observation::Observation;
use rules::Judge;
use std::ops::Range;

type Case = fn(u64, RocketMqVersion) -> ClusterConfig;

fn holds(case: Case, number: u64, version: RocketMqVersion) -> bool {
    let config = case(number, version);
    std::panic::catch_unwind(|| {
        let done = Cluster::new(config.clone(), Recorder::default()).run(|_, _| {});
        Judge::new(&config, &done).judge();
        listeners::effects_are_as_promised(&config, &done);
        // The account of messages is checked at every sample.
        let mut watched = Cluster::new(config.clone(), Observation::new(&config)).run(|_, _| {});
        watched.observer.finish(watched.end, &watched.directory);
    })
    .inspect_err(|_| eprintln!("case {number} of {version:?}: see above"))
    .is_ok()
}

#[track_caller]
fn check(case: Case, numbers: Range<u64>, version: RocketMqVersion) {
    let more = std::env::var("RMQSIM_RANDOM_CASES")
        .ok()
        .and_then(|n| n.parse().ok());
    let failed: Vec<u64> = (numbers.start..numbers.end + more.unwrap_or(0))
        .filter(|number| !holds(case, *number, version))
        .collect();
    assert!(failed.is_empty(), "cases that break a rule: {failed:?}");
}

#[test]
fn random_clusters_keep_the_rules_of_5_3() {
    check(cases::case, 0..60, RocketMqVersion::V5_3);
}

#[test]
fn random_clusters_keep_the_rules_of_4_9() {
    check(cases::case, 1000..1060, RocketMqVersion::V4_9);
}

#[test]
fn random_clusters_in_trouble_keep_the_rules_of_5_3() {
    check(faults::case, 0..150, RocketMqVersion::V5_3);
}

#[test]
fn random_clusters_in_trouble_keep_the_rules_of_4_9() {
    check(faults::case, 1000..1100, RocketMqVersion::V4_9);
}

#[test]
fn random_listeners_keep_the_rules_of_5_3() {
    check(listeners::case, 0..60, RocketMqVersion::V5_3);
}

#[test]
fn random_listeners_keep_the_rules_of_4_9() {
    check(listeners::case, 1000..1060, RocketMqVersion::V4_9);
}

#[test]
fn random_broadcasting_groups_keep_their_accounts() {
    let versions = [(0, RocketMqVersion::V5_3), (1000, RocketMqVersion::V4_9)];
    let more = std::env::var("RMQSIM_RANDOM_CASES")
        .ok()
        .and_then(|n| n.parse().ok());
    for (first, version) in versions {
        for number in first..first + 40 + more.unwrap_or(0) {
            let config = broadcasting::case(number, version);
            let holds = std::panic::catch_unwind(|| broadcasting::judge(&config)).is_ok();
            assert!(holds, "case {number} of {version:?}: see above");
        }
    }
}

#[test]
fn random_orderly_clusters_keep_the_rules_of_5_3() {
    let case = |number, version| orderly::in_order(cases::case(number, version));
    check(case, 0..40, RocketMqVersion::V5_3);
}

#[test]
fn random_orderly_clusters_keep_the_rules_of_4_9() {
    let case = |number, version| orderly::in_order(cases::case(number, version));
    check(case, 1000..1040, RocketMqVersion::V4_9);
}

#[test]
fn random_orderly_clusters_in_trouble_keep_the_rules_of_5_3() {
    let case = |number, version| orderly::in_order(faults::case(number, version));
    check(case, 0..100, RocketMqVersion::V5_3);
}

#[test]
fn random_orderly_clusters_in_trouble_keep_the_rules_of_4_9() {
    let case = |number, version| orderly::in_order(faults::case(number, version));
    check(case, 1000..1060, RocketMqVersion::V4_9);
}

/// Cases in which the answer to where a queue starts came when the queue had been given up, and in which the last messages
/// of a listener that commits by hand were dead.
#[test]
fn ordered_queues_end_well() {
    let trouble = |number, version| orderly::in_order(faults::case(number, version));
    assert!(holds(trouble, 389, RocketMqVersion::V5_3));
    assert!(holds(trouble, 1380, RocketMqVersion::V4_9));
}

fn holds_with_operators(number: u64, version: RocketMqVersion) -> bool {
    let config = operators::case(number, version);
    std::panic::catch_unwind(|| {
        let done = Cluster::new(config.clone(), Recorder::default()).run(|_, _| {});
        let mut watched = Cluster::new(config.clone(), Observation::new(&config)).run(|_, _| {});
        watched.observer.finish(watched.end, &watched.directory);
        operators::judge(&done, &watched.observer);
    })
    .inspect_err(|_| eprintln!("case {number} of {version:?} with operators: see above"))
    .is_ok()
}

#[test]
fn random_clusters_with_operators_keep_their_accounts() {
    let more = std::env::var("RMQSIM_RANDOM_CASES")
        .ok()
        .and_then(|n| n.parse().ok());
    let all = (0..150 + more.unwrap_or(0_u64))
        .flat_map(|number| [(number, RocketMqVersion::V5_3), (number, RocketMqVersion::V4_9)]);
    let failed: Vec<_> = all
        .filter(|&(number, version)| !holds_with_operators(number, version))
        .collect();
    assert!(failed.is_empty(), "cases that break a rule: {failed:?}");
}

/// Cases in which records were once freed although a commit or an answer on the wire led back to them.
#[test]
fn what_is_on_the_wire_keeps_records() {
    for (number, version) in [
        (318, RocketMqVersion::V5_3),
        (1179, RocketMqVersion::V4_9),
        (1919, RocketMqVersion::V4_9),
        (1919, RocketMqVersion::V5_3),
    ] {
        assert!(holds(cases::case, number, version));
    }
}

/// Cases in which records were once freed to which an operator had sent a group back: a commit reached the broker while
/// the answer that names the offset was on the wire.
#[test]
fn a_reset_on_the_wire_keeps_records() {
    for number in [192, 247] {
        assert!(holds_with_operators(number, RocketMqVersion::V5_3));
    }
}

/// Cases that few others are like: a message that waited for a connection to be sent back when its client vanished;
/// a member that was registered over a slow link between two scans, and vanished; offsets on a connection that never
/// had a heartbeat, across a cut that never ends.
#[test]
fn the_dead_leave_nothing() {
    for (number, version) in [
        (285, RocketMqVersion::V5_3),
        (3669, RocketMqVersion::V5_3),
        (12_019, RocketMqVersion::V4_9),
        (15_768, RocketMqVersion::V4_9),
    ] {
        assert!(holds(faults::case, number, version));
    }
}
