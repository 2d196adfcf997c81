//! From a scenario to its report: the one function that most users of the library need.

use crate::cluster::Cluster;
use crate::cluster::bounds::Bounds;
use crate::cluster::sabotage::Sabotage;
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
    simulate_sabotaged(name, scenario, None, bounds, progress)
}

/// As [`simulate_within`], maybe with a fault of the simulator in it, so that a test sees its checks at work.
///
/// # Panics
/// As [`simulate`]; with a fault, always when the fault has happened.
pub fn simulate_sabotaged(
    name: &str,
    scenario: &Scenario,
    sabotage: Option<Sabotage>,
    bounds: &Bounds<'_>,
    progress: impl FnMut(SimTime, u64),
) -> Report {
    observe(name, scenario, sabotage, bounds, progress).0
}

/// As [`simulate_sabotaged`], with all that was observed beside the report.
///
/// # Panics
/// As [`simulate_sabotaged`].
pub fn observe(
    name: &str,
    scenario: &Scenario,
    sabotage: Option<Sabotage>,
    bounds: &Bounds<'_>,
    progress: impl FnMut(SimTime, u64),
) -> (Report, Observation) {
    let observation = Observation::new(&scenario.config);
    let mut cluster = Cluster::new(scenario.config.clone(), observation);
    if let Some(sabotage) = sabotage {
        cluster = cluster.sabotaged(sabotage);
    }
    let mut done = cluster.run_within(bounds, progress);
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
