//! The terminal summary: what a run came to, at a glance, in at most 100 columns.
//!
//! One block a group, one table of its consumers, retries by attempt if there were any, then delivery styles where
//! there are others than RocketMQ's, expectations and warnings. Names are cut in the middle of nothing but their end; long lines break between their parts. Colours
//! are escape sequences; whoever prints takes them out where they are not wanted.

mod consumers;
mod delivery;
mod group;
mod head;
mod order;
pub(in crate::report) mod page;
mod readers;
mod rebalance;
mod remedies;
mod retries;
mod verdicts;
pub(in crate::report) mod words;

use crate::report::model::Report;
use crate::report::model::StoppedReport;
use page::Page;
pub use words::{bytes, columns, wrapped};

/// Columns of a line at most.
pub const WIDTH: usize = 100;
/// Columns of the words at the start of the lines of a group.
pub(in crate::report) const LABEL: usize = 14;
/// Columns of a name at most.
pub(in crate::report) const NAME: usize = 36;

/// The summary of a report, with a line feed at the end.
pub fn summary(report: &Report, colour: bool) -> String {
    let mut page = Page {
        text: String::new(),
        colour,
        width: WIDTH,
    };
    page.header(report);
    for (name, group) in &report.groups {
        page.group(report, name, group);
    }
    page.deliveries(report);
    page.remedies(report);
    page.expectations(&report.expect);
    page.warnings(&report.warnings);
    page.text
}

/// Which run of a study met a bound, and where.
pub fn stopped(label: &str, seed: u64, stopped: &StoppedReport) -> String {
    let label = words::cut(label, NAME);
    format!(
        "the run of {label} with seed {seed} {}",
        head::why_stopped(stopped)
    )
    .replace('\u{2009}', " ")
}

#[cfg(test)]
mod tests;
