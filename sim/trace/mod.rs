//! What a run leaves beside its report, for other programs: the log of all facts, a trace that Perfetto draws, metrics by
//! RocketMQ's names, series as a table, and the progress of groups at an instant.
//!
//! All but the progress are onlookers ([`Beside`](crate::observe::beside::Beside)): they write while the run goes on and
//! hold what is open, not what is over. What they write to is anything that takes bytes; which file that is, others know.
//! An error of a write is kept until the end of the run, and nothing is written after it.

pub mod chrome;
pub mod facts;
mod line;
pub mod log;
mod names;
pub mod open_metrics;
mod out;
pub mod progress;
pub mod schema;
pub mod series;

use crate::cluster::config::ClusterConfig;
use crate::explain::actions;
use crate::kernel::time::SimTime;
use crate::report::Report;
use std::io::Write;

/// The run that is traced.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Name of the scenario.
    pub name: &'a str,
    /// What runs.
    pub config: &'a ClusterConfig,
}

impl Subject<'_> {
    /// What each step of the timeline does, as stories say it.
    fn steps(&self) -> Vec<String> {
        let steps = self.config.timeline.iter();
        steps
            .map(|step| actions::action(self.config, &step.action))
            .collect()
    }
}

/// A stretch of virtual time: from its first instant on, before its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From here on.
    pub from: SimTime,
    /// Not beyond.
    pub to: SimTime,
}

impl Window {
    /// All of a run.
    pub const ALL: Self = Self {
        from: SimTime::ZERO,
        to: SimTime::MAX,
    };

    /// Whether `at` lies in it.
    #[inline]
    pub fn has(self, at: SimTime) -> bool {
        self.from <= at && at < self.to
    }

    /// Whether something that lasted from `from` to `to` shows in it.
    pub fn sees(self, from: SimTime, to: SimTime) -> bool {
        from < self.to && to >= self.from
    }
}

/// How a run has ended, for last lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Events executed.
    pub events: u64,
    /// Hash over all of them.
    pub digest: String,
    /// Whether it ran to its end.
    pub complete: bool,
}

impl Ending {
    /// Of the run that is reported.
    pub fn of(report: &Report) -> Self {
        Self {
            events: report.run.events,
            digest: report.run.trace_digest.clone(),
            complete: report.run.complete.unwrap_or(true),
        }
    }
}

/// Onlookers that have something to write when the run is over.
pub trait Trace<W: Write>: crate::observe::beside::Beside {
    /// The run has ended: writes what is left.
    ///
    /// # Errors
    /// The first of all writes. What was written to comes back either way, incomplete after an error.
    fn end(self: Box<Self>, ending: &Ending) -> (W, std::io::Result<()>);
}
