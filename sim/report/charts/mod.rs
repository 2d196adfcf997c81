//! Charts as SVG: what a report shows when a table would not. Those of one run are here, those of a comparison of
//! several variants in [`comparison`].
//!
//! Each group gets its lag, throughput, consumption, queue owners, latency and retries; a chart whose data are empty says
//! so in one line. What else there may be to see is drawn if it is there: the cost of changes, work by consumer, latency
//! and retries over time, what is finished and not committed, flow control. At the end stands what the brokers were
//! asked. The same report
//! yields the same bytes on every system: no clock, no counter, no platform maths, fixed order. Fonts are the
//! reader's; nothing depends on their widths but the look.
//!
//! Left out: anything that moves.

pub mod axis;
pub mod canvas;
pub mod comparison;
mod consumed;
mod events;
mod flow;
mod frame;
mod labels;
mod lag;
mod latency;
mod latency_time;
mod offsets;
mod over_time;
mod ownership;
pub mod panel;
#[cfg(feature = "png")]
pub mod png;
mod rebalance;
mod requests;
mod retries;
mod retries_time;
mod steps;
mod strip;
pub mod style;
pub mod text;
mod thin;
mod throughput;
mod work;

use indexmap::IndexMap;
use std::collections::BTreeSet;

use crate::report::charts::panel::Panel;
use crate::report::charts::text::seconds as span;
use crate::report::model::{GroupReport, Report};

/// One picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// A name for its file, unique within the report: `lag-billing.svg`. Letters, digits, `-`, `_`, `.` only.
    pub file_name: String,
    /// What it shows, in one sentence.
    pub title: String,
    /// What kind of chart it is, which is how its file's name begins: `lag`.
    pub kind: &'static str,
    /// The group that it is about; none if it is about the cluster, or about a comparison.
    pub group: Option<String>,
    /// The text of the SVG file.
    pub svg: String,
    /// Its parts that have a time axis, from top to bottom.
    pub panels: Vec<Panel>,
}

/// What a chart file yields.
struct Drawing {
    title: String,
    svg: String,
    panels: Vec<Panel>,
}

impl Drawing {
    /// A drawing without a time axis.
    fn still(title: String, svg: String) -> Self {
        let panels = Vec::new();
        Self { title, svg, panels }
    }
}

/// One group of a report, as the chart files see it.
struct Subject<'r> {
    report: &'r Report,
    name: &'r str,
    group: &'r GroupReport,
}

impl<'r> Subject<'r> {
    /// The name of the group, shortened to fit into a title.
    fn short_name(&self) -> String {
        text::fitted(self.name, style::TITLE, 260.0)
    }

    /// Length of the run, in nanoseconds.
    fn duration_nanos(&self) -> u64 {
        nanos(self.report.run.duration_seconds)
    }

    /// Whether its queues are shared out among its members; those of a broadcasting group are not.
    fn shares_out(&self) -> bool {
        self.group.readers.is_empty()
    }

    /// Members of the group in the order of the scenario; each life of a restarted one is listed under it.
    fn members(&self) -> Vec<Member<'r>> {
        let mut members: IndexMap<&str, Vec<&str>> = IndexMap::new();
        for (key, consumer) in self.report.consumers.iter().filter(|(_, c)| c.group == self.name) {
            members.entry(&consumer.member).or_default().push(key);
        }
        let member = |(name, lives)| Member { name, lives };
        members.into_iter().map(member).collect()
    }
}

/// A consumer with all its lives.
struct Member<'r> {
    name: &'r str,
    lives: Vec<&'r str>,
}

/// Seconds of the report as virtual nanoseconds.
fn nanos(seconds: f64) -> u64 {
    crate::kernel::time::SimDuration::from_secs_f64(seconds).as_nanos()
}

/// All charts of a report, group by group.
pub fn draw_all(report: &Report) -> Vec<Chart> {
    type Draw = fn(&Subject<'_>) -> Option<Drawing>;
    let kinds: [(&'static str, Draw); 12] = [
        ("lag", |subject| Some(lag::draw(subject))),
        ("throughput", |subject| Some(throughput::draw(subject))),
        ("consumed", |subject| Some(consumed::draw(subject))),
        ("work", work::draw),
        ("ownership", |subject| {
            subject.shares_out().then(|| ownership::draw(subject))
        }),
        ("rebalance", |subject| {
            rebalance::draw(subject).filter(|_| subject.shares_out())
        }),
        ("latency", |subject| Some(latency::draw(subject))),
        ("latency-time", latency_time::draw),
        ("retries", |subject| Some(retries::draw(subject))),
        ("retries-time", retries_time::draw),
        ("offsets", offsets::draw),
        ("flow-control", flow::draw),
    ];
    let mut taken = BTreeSet::new();
    let mut charts = Vec::new();
    for (name, group) in &report.groups {
        let subject = Subject { report, name, group };
        let stem = file_stem(name, &mut taken);
        for (kind, draw) in kinds {
            charts.extend(draw(&subject).map(|drawing| Chart {
                file_name: format!("{kind}-{stem}.svg"),
                title: drawing.title,
                kind,
                group: Some(name.clone()),
                svg: drawing.svg,
                panels: drawing.panels,
            }));
        }
    }
    let of_cluster = [
        ("requests", requests::draw(report)),
        ("load", requests::draw_load(report)),
    ];
    charts.extend(of_cluster.into_iter().filter_map(|(kind, drawing)| {
        drawing.map(|drawing| Chart {
            file_name: format!("{kind}.svg"),
            title: drawing.title,
            kind,
            group: None,
            svg: drawing.svg,
            panels: drawing.panels,
        })
    }));
    charts
}

/// `name` as part of a file name, unlike all that are `taken`: also where case makes no difference.
fn file_stem(name: &str, taken: &mut BTreeSet<String>) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || c == '_' {
            c
        } else {
            '-'
        }
    };
    let plain: String = name.chars().map(safe).take(100).collect();
    let mut stem = plain.clone();
    let mut number = 2_u64;
    while !taken.insert(stem.to_ascii_lowercase()) {
        stem = format!("{plain}-{number}");
        number += 1;
    }
    stem
}

#[cfg(test)]
mod proof;
#[cfg(test)]
mod tests;
