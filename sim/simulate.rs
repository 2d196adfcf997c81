//! From a scenario to its report: the one function that most users of the library need.

use crate::cluster::bounds::Bounds;
use crate::cluster::sabotage::Planted;
use crate::cluster::{Cluster, Finished};
use crate::kernel::time::SimTime;
use crate::observe::observation::Observation;
use crate::report::Identity;
use crate::report::model::Report;
use crate::scenario::Scenario;

/// Runs a scenario on the virtual clock and reports. Expectations are not judged here: see
/// [`Report::judge`].
///
/// `progress` hears of the virtual time and the events executed so far, at every sample; it cannot change
/// anything.
///
/// # Panics
/// With a text that begins with `invariant` if the simulator breaks one of its own rules.
pub fn simulate(name: &str, scenario: &Scenario, progress: impl FnMut(SimTime, u64)) -> Report {
    simulate_within(name, scenario, &Bounds::default(), progress)
}

/// As [`simulate`], but no further than `bounds` allow: the report says if they did not.
///
/// # Panics
/// As [`simulate`].
pub fn simulate_within(
    name: &str,
    scenario: &Scenario,
    bounds: &Bounds<'_>,
    progress: impl FnMut(SimTime, u64),
) -> Report {
    observe(name, scenario, bounds, progress).0
}

/// As [`simulate_within`], with all that was observed beside the report.
///
/// # Panics
/// As [`simulate`].
pub fn observe(
    name: &str,
    scenario: &Scenario,
    bounds: &Bounds<'_>,
    progress: impl FnMut(SimTime, u64),
) -> (Report, Observation) {
    reported(
        name,
        scenario,
        cluster(scenario, None).run_within(bounds, progress),
    )
}

/// As [`simulate_within`], maybe with a fault of the simulator in it, so that a test sees its checks at work.
///
/// # Panics
/// As [`simulate`]; with a fault, always when the fault has happened.
pub fn simulate_sabotaged(
    name: &str,
    scenario: &Scenario,
    planted: Option<Planted>,
    bounds: &Bounds<'_>,
    progress: impl FnMut(SimTime, u64),
) -> Report {
    let done = cluster(scenario, planted).run_within(bounds, progress);
    reported(name, scenario, done).0
}

/// As [`simulate_sabotaged`], and `watch` hears of each event: when, and its code.
///
/// # Panics
/// As [`simulate_sabotaged`].
pub fn simulate_watched(
    name: &str,
    scenario: &Scenario,
    planted: Option<Planted>,
    bounds: &Bounds<'_>,
    progress: impl FnMut(SimTime, u64),
    watch: impl FnMut(SimTime, u64),
) -> Report {
    let done = cluster(scenario, planted).run_watched(bounds, progress, watch);
    reported(name, scenario, done).0
}

fn cluster(scenario: &Scenario, planted: Option<Planted>) -> Cluster<Observation> {
    let cluster = Cluster::new(scenario.config.clone(), Observation::new(&scenario.config));
    match planted {
        Some(planted) => cluster.sabotaged(planted),
        None => cluster,
    }
}

fn reported(name: &str, scenario: &Scenario, mut done: Finished<Observation>) -> (Report, Observation) {
    done.observer.finish(done.end, &done.directory);
    let identity = Identity {
        name: name.to_owned(),
        title: Some(scenario.file.title.clone()),
        scenario: scenario.normalised.clone(),
        seed: scenario.config.seed,
        events: done.events,
        trace_digest: done.trace_digest,
        end: done.end,
        stopped: done.stopped,
        planned: scenario.config.duration,
    };
    let report = Report::new(identity, &done.observer, &done.directory);
    (report, done.observer)
}
