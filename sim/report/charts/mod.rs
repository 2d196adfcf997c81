//! Charts as SVG: what a report shows when a table would not. Those of one run are here, those of a comparison of
//! several variants in [`comparison`].
//!
//! Each group gets its lag, its consumption, its queue owners, its latency and its retries; a chart whose
//! data are empty says so in one line. What changes of members cost is drawn if there were any. The same report
//! yields the same bytes on every system: no clock, no counter, no platform maths, fixed order. Fonts are the
//! reader's; nothing depends on their widths but the look.
//!
//! Left out: anything that moves.

pub mod axis;
pub mod canvas;
pub mod comparison;
mod consumed;
mod events;
mod frame;
mod labels;
mod lag;
mod latency;
mod ownership;
pub mod panel;
mod rebalance;
mod retries;
mod strip;
pub mod style;
pub mod text;
mod thin;

use std::collections::BTreeSet;

use crate::report::charts::panel::Panel;
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

impl Subject<'_> {
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
    fn members(&self) -> Vec<Member<'_>> {
        let mut members: Vec<Member<'_>> = Vec::new();
        for (key, consumer) in self.report.consumers.iter().filter(|(_, c)| c.group == self.name) {
            match members.iter_mut().find(|m| m.name == consumer.member) {
                Some(member) => member.lives.push(key),
                None => members.push(Member {
                    name: &consumer.member,
                    lives: vec![key],
                }),
            }
        }
        members
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

/// Seconds of the report, in words.
fn span(seconds: f64) -> String {
    text::span(crate::kernel::time::SimDuration::from_secs_f64(seconds))
}

/// All charts of a report, group by group.
pub fn draw_all(report: &Report) -> Vec<Chart> {
    type Draw = fn(&Subject<'_>) -> Option<Drawing>;
    let kinds: [(&'static str, Draw); 6] = [
        ("lag", |subject| Some(lag::draw(subject))),
        ("consumed", |subject| Some(consumed::draw(subject))),
        ("ownership", |subject| {
            subject.shares_out().then(|| ownership::draw(subject))
        }),
        ("rebalance", |subject| {
            rebalance::draw(subject).filter(|_| subject.shares_out())
        }),
        ("latency", |subject| Some(latency::draw(subject))),
        ("retries", |subject| Some(retries::draw(subject))),
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
mod tests;
