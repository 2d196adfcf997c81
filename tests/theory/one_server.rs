//! M/G/1: one thread and any service time, by Pollaczek and Khinchine.

use crate::harness::cell::{GAP, Plan, config};
use crate::harness::watch::{Seen, run};
use rmqsim::kernel::dist::{Dist, Shape};
use rmqsim::kernel::time::SimDuration;
use rmqsim::study::queueing::pollaczek_khinchine_wait;

const MEAN: SimDuration = SimDuration::from_micros(800);

/// One thread, load 0.8. `stretch`: M/M/1 forgets within 72 messages at this load, and M/G/1 within about
/// (1 + cv²) ÷ 2 times that.
#[track_caller]
fn check(service: Dist, cv: f64) -> Seen {
    let plan = Plan::new(300_000, 72.0 * (1.0 + cv * cv) / 2.0);
    let seen = run(config(1, service, &plan, 1), &plan, SimDuration::ZERO);
    let wait = pollaczek_khinchine_wait(GAP.as_secs_f64(), MEAN.as_secs_f64(), cv).unwrap();
    let off = seen.wait.errors_above(wait);
    assert!(off.abs() <= 3.0, "{off:+.2} errors from {wait}: {seen:?}");
    let off = seen.sojourn.errors_above(wait + MEAN.as_secs_f64());
    assert!(
        off.abs() <= 3.0,
        "{off:+.2} errors from {wait} + service: {seen:?}"
    );
    // The run is long enough to tell the three apart: their means are 1.6, 3.2 and 8 ms.
    assert!(seen.wait.error / wait < 0.05, "{seen:?}");
    assert_eq!(
        (seen.little_difference, seen.needless_waits, seen.flow_controlled),
        (0, 0, 0)
    );
    seen
}

/// M/D/1. Nothing adds to the wait but the service itself, the same for all.
#[test]
fn constant_service_halves_the_wait() {
    let seen = check(Dist::Constant(MEAN), 0.0);
    assert!((seen.sojourn.mean - seen.wait.mean - MEAN.as_secs_f64()).abs() < 1e-12);
    assert_eq!(seen.beyond.mean, 1.0);
}

#[test]
fn gamma_service_of_cv_2_waits_by_pollaczek_and_khinchine() {
    check(Dist::Shape(Shape::Gamma { mean: MEAN, cv: 2.0 }), 2.0);
}

#[test]
fn gamma_service_of_cv_1_is_exponential() {
    check(Dist::Shape(Shape::Gamma { mean: MEAN, cv: 1.0 }), 1.0);
}
