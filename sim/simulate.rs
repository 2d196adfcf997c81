//! From a scenario to its report: the one function that most users of the library need.

use crate::cluster::bounds::Bounds;
use crate::cluster::fact::Observer;
use crate::cluster::sabotage::Planted;
use crate::cluster::{Cluster, Finished};
use crate::kernel::time::SimTime;
use crate::observe::beside::{Accompanied, Beside};
use crate::observe::observation::Observation;
use crate::report::Identity;
use crate::report::model::Report;
use crate::scenario::Scenario;
use crate::verify::double_run::Listener;

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

/// Who looks on at a run.
#[derive(Default)]
pub struct Onlookers<'a> {
    /// Hears of each event before it happens: when, and its code.
    pub watch: Option<Listener<'a>>,
    /// Beside the observation.
    pub others: Vec<&'a mut dyn Beside>,
}

/// As [`simulate_within`], maybe with a fault of the simulator in it, so that a test sees its checks at work, and maybe
/// before the eyes of others. What nobody looks at costs nothing.
///
/// # Panics
/// As [`simulate`]; with a fault, always when the fault has happened.
pub fn simulate_before(
    onlookers: Onlookers<'_>,
    name: &str,
    scenario: &Scenario,
    planted: Option<Planted>,
    bounds: &Bounds<'_>,
    progress: impl FnMut(SimTime, u64),
) -> Report {
    let Onlookers { watch, others } = onlookers;
    if others.is_empty() {
        let cluster = cluster(scenario, planted);
        let done = match watch {
            Some(watch) => cluster.run_watched(bounds, progress, watch),
            None => cluster.run_within(bounds, progress),
        };
        return reported(name, scenario, done).0;
    }
    let observer = Accompanied {
        observation: Observation::new(&scenario.config),
        others,
    };
    let cluster = sabotaged(Cluster::new(scenario.config.clone(), observer), planted);
    let mut done = match watch {
        Some(watch) => cluster.run_watched(bounds, progress, watch),
        None => cluster.run_within(bounds, progress),
    };
    let Accompanied { observation, others } = &mut done.observer;
    observation.finish(done.end, &done.directory);
    for other in others {
        other.finish(done.end, &done.directory, observation);
    }
    let identity = identity(name, scenario, &done);
    Report::new(identity, &done.observer.observation, &done.directory)
}

fn cluster(scenario: &Scenario, planted: Option<Planted>) -> Cluster<Observation> {
    let observation = Observation::new(&scenario.config);
    sabotaged(Cluster::new(scenario.config.clone(), observation), planted)
}

fn sabotaged<O: Observer>(cluster: Cluster<O>, planted: Option<Planted>) -> Cluster<O> {
    match planted {
        Some(planted) => cluster.sabotaged(planted),
        None => cluster,
    }
}

fn reported(name: &str, scenario: &Scenario, mut done: Finished<Observation>) -> (Report, Observation) {
    done.observer.finish(done.end, &done.directory);
    let identity = identity(name, scenario, &done);
    let report = Report::new(identity, &done.observer, &done.directory);
    (report, done.observer)
}

fn identity<O>(name: &str, scenario: &Scenario, done: &Finished<O>) -> Identity {
    Identity {
        name: name.to_owned(),
        title: Some(scenario.file.title.clone()),
        scenario: scenario.normalised.clone(),
        seed: scenario.config.seed,
        events: done.events,
        trace_digest: done.trace_digest.clone(),
        end: done.end,
        stopped: done.stopped,
        planned: scenario.config.duration,
    }
}
