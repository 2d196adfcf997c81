//! Event logs, traces for Perfetto, metrics and tables: well formed, complete, in agreement with the report, bounded.

mod bounded;
mod log;
mod metrics;
mod perfetto;
mod progress;
mod random;
mod series;

use rmqsim::cluster::bounds::Bounds;
use rmqsim::observe::beside::Beside;
use rmqsim::scenario::{Overrides, Scenario};
use rmqsim::trace::log::Thinning;
use rmqsim::trace::{Ending, Subject, Trace, Window};
use rmqsim::{Onlookers, Report, simulate_before};
use std::io::Write;

const ALL: Thinning = Thinning {
    window: Window::ALL,
    only: None,
};

/// A shipped scenario, ended early.
fn shipped(name: &str, until: &str) -> Scenario {
    let overrides = Overrides {
        until: Some(until.parse().unwrap()),
        ..Overrides::default()
    };
    Scenario::load(name, &overrides).unwrap_or_else(|problems| panic!("{problems}"))
}

/// What one leaves that looks on at a run, and its report.
fn traced<'a, W: Write + 'a>(
    name: &str,
    scenario: &'a Scenario,
    trace: impl FnOnce(Subject<'a>) -> Box<dyn Trace<W> + 'a>,
) -> (W, Report) {
    let subject = Subject {
        name: "run",
        config: &scenario.config,
    };
    let mut trace = trace(subject);
    let onlookers = Onlookers {
        watch: None,
        others: vec![&mut *trace as &mut dyn Beside],
    };
    let report = simulate_before(onlookers, name, scenario, None, &Bounds::default(), |_, _| {});
    let (written, result) = trace.end(&Ending::of(&report));
    result.unwrap();
    (written, report)
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}
