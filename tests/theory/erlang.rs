//! M/M/c: all nine cells, short. Seeds are fixed, so these tests give the same answer every time.

use crate::harness::cell::{Cell, Plan, config};
use crate::harness::comparison::Comparison;
use crate::harness::watch::run;
use rmqsim::cluster::config::Millis;
use rmqsim::kernel::dist::{Dist, Shape};
use rmqsim::kernel::time::SimDuration;
use rmqsim::study::queueing::mm1_wait_error;

/// Messages of a cell; six times as many at load 0.95.
const MESSAGES: u64 = 500_000;

#[track_caller]
fn check(threads: u32, load_percent: u64) -> Comparison {
    let found = Comparison::of(Cell::new(threads, load_percent), MESSAGES, 1);
    let misses = found.misses(None);
    assert!(misses.is_empty(), "{}\n{}", Comparison::head(), found.row(None));
    found
}

/// Beyond agreeing, M/M/1 tells how large the standard error must be: Daley's formula. One of k batches has an
/// error of its own, of 1 ÷ √(2(k − 1)); three of these are allowed. An error that is too small would refuse a
/// right simulator, one that is too large would pass a wrong one. (Not at load 0.95: there the means of so few
/// batches are far from normal, and their spread strays much further than the formula allows.)
#[track_caller]
fn check_mm1(load_percent: u64) {
    let found = check(1, load_percent);
    let service = found.cell.mean_service().as_secs_f64();
    let expected = mm1_wait_error(found.theory.load(), found.plan.measured() as f64) * service;
    let ratio = found.seen.wait.error / expected;
    let allowed = 3.0 / (2.0 * (found.plan.batches as f64 - 1.0)).sqrt();
    assert!((ratio - 1.0).abs() < allowed, "{ratio} ± {allowed}");
}

#[test]
fn one_thread_at_load_50() {
    check_mm1(50);
}

#[test]
fn one_thread_at_load_80() {
    check_mm1(80);
}

#[test]
fn one_thread_at_load_95() {
    check(1, 95);
}

#[test]
fn four_threads_at_load_50() {
    check(4, 50);
}

#[test]
fn four_threads_at_load_80() {
    check(4, 80);
}

#[test]
fn four_threads_at_load_95() {
    check(4, 95);
}

#[test]
fn twenty_threads_at_load_50() {
    check(20, 50);
}

#[test]
fn twenty_threads_at_load_80() {
    check(20, 80);
}

#[test]
fn twenty_threads_at_load_95() {
    check(20, 95);
}

/// The same check refuses a broker that dispatches every millisecond: messages then wait half a millisecond on
/// average beside a free thread, where theory gives 1 ms for wait and service together.
#[test]
fn dispatch_pause_is_noticed() {
    let mut found = Comparison::of(Cell::new(1, 50), 20_000, 1);
    assert_eq!(found.misses(None), Vec::<String>::new());
    let mut config = found.cell.config(&found.plan, 1);
    config.broker_tuning.reput_interval = Millis(1);
    found.seen = run(config, &found.plan, SimDuration::from_millis(1));
    let misses = found.misses(None);
    assert!(misses[0].starts_with("the mean wait is +"), "{misses:?}");
    assert!(
        misses.last().unwrap().ends_with("waited beside a free thread"),
        "{misses:?}"
    );
}

/// The same check refuses services that are 5 % too long, and services that are not exponential: a gamma of cv
/// 0.8 has the right mean and the wrong spread.
#[test]
fn wrong_service_times_are_noticed() {
    let cell = Cell::new(4, 80);
    let plan = cell.plan(MESSAGES);
    let mut found = Comparison::of(cell, MESSAGES, 1);
    let p99 = SimDuration::from_secs_f64(found.theory.sojourn_quantile(0.99));
    let mut misses = |shape: Shape| {
        found.seen = run(config(4, Dist::Shape(shape), &plan, 1), &plan, p99);
        found.misses(None)
    };
    let mean = cell.mean_service();
    assert_eq!(
        misses(Shape::Exponential {
            mean: mean / 100 * 105
        })
        .len(),
        3
    );
    assert_eq!(misses(Shape::Gamma { mean, cv: 0.8 }).len(), 3);
}

/// 30 relaxation times a batch or more; never fewer than 20 batches, nor more than 400.
#[test]
fn batches_follow_the_memory_of_the_queue() {
    let plan = |warm_up, batches, batch| Plan {
        warm_up,
        batches,
        batch,
    };
    assert_eq!(Plan::new(300_000, 100.0), plan(2_000, 100, 3_000));
    assert_eq!(Plan::new(299_999, 100.0), plan(2_000, 99, 3_031));
    assert_eq!(Plan::new(100_000, 1_482.0), plan(29_640, 20, 5_000));
    assert_eq!(Plan::new(10_000_000, 5.0), plan(1_000, 400, 25_000));
}
