//! From a scenario to its report: the one function that most users of the library need.

use crate::cluster::Cluster;
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
    simulate_sabotaged(name, scenario, None, progress)
}

/// As [`simulate`], maybe with a fault of the simulator in it, so that a test sees its checks at work.
///
/// # Panics
/// As [`simulate`]; with a fault, always when the fault has happened.
pub fn simulate_sabotaged(
    name: &str,
    scenario: &Scenario,
    sabotage: Option<Sabotage>,
    mut progress: impl FnMut(SimTime, u64),
) -> Report {
    let goes_on = |now, events| {
        progress(now, events);
        true
    };
    let (report, _) = observe(name, scenario, sabotage, goes_on).expect("it goes on to the end");
    report
}

/// As [`simulate`], with all that was observed beside the report. `goes_on` may end the run early, at a sample:
/// then there is no result.
///
/// # Panics
/// As [`simulate`].
pub fn observe(
    name: &str,
    scenario: &Scenario,
    sabotage: Option<Sabotage>,
    goes_on: impl FnMut(SimTime, u64) -> bool,
) -> Option<(Report, Observation)> {
    let observation = Observation::new(&scenario.config);
    let mut cluster = Cluster::new(scenario.config.clone(), observation);
    if let Some(sabotage) = sabotage {
        cluster = cluster.sabotaged(sabotage);
    }
    let mut done = cluster.run_while(goes_on)?;
    done.observer.finish(done.end, &done.directory);
    let identity = Identity {
        name: name.to_owned(),
        title: Some(scenario.file.title.clone()),
        scenario: scenario.normalised.clone(),
        seed: scenario.config.seed,
        events: done.events,
        trace_digest: done.trace_digest,
        end: done.end,
    };
    let report = Report::new(identity, &done.observer, &done.directory);
    Some((report, done.observer))
}
