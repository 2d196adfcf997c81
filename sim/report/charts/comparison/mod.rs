//! Charts of a comparison: what several variants come to, side by side.
//!
//! Estimates with their intervals for every metric, lag over time by group, the work of single consumers; where a
//! factor is a number the response to it, where there are two factors a map of their combinations. A variant has
//! one colour in all of them. What differs from the baseline beyond doubt is told by the fill of a mark or by an
//! arrow and in words, never by colour alone. Too many variants are thinned out, and the chart says so.

mod consumers;
mod factor;
mod heat;
mod intervals;
mod lag;
mod marks;
mod response;
mod scale;

use std::collections::BTreeSet;

use crate::report::charts::canvas::{Anchor, Canvas, svg};
use crate::report::charts::style::{self, ALARM, CAPTION, Colour, INDENT, MAIN};
use crate::report::charts::{Chart, Drawing, file_stem, frame, text, thin};
use crate::report::comparison::figures;
use crate::report::comparison::model::{
    Better, Comparison, DifferenceReport, EstimateReport, Estimator, Finding, MetricReport,
};

/// Variants that have a colour of their own.
const COLOURS: usize = 36;
/// Height of the line that says that a study is not complete.
const PARTIAL: f64 = 19.0;

/// All charts of a comparison: intervals first, then group by group, then metric by metric.
pub fn draw_all(comparison: &Comparison) -> Vec<Chart> {
    let study = Study::of(comparison);
    let mut charts = Charts::default();
    for (number, drawing) in intervals::draw(&study).into_iter().enumerate() {
        let stem = match number {
            0 => "intervals".to_owned(),
            number => format!("intervals-{}", number + 1),
        };
        charts.add("intervals", &stem, drawing);
    }
    for (group, bands) in &comparison.lag {
        charts.add_named("lag", group, lag::draw(&study, group, bands));
    }
    for (group, shares) in &comparison.consumers {
        charts.add_named("consumers", group, consumers::draw(&study, group, shares));
    }
    for metric in &comparison.metrics {
        if let Some(drawing) = response::draw(&study, metric) {
            charts.add_named("response", &metric.path, drawing);
        }
    }
    for metric in &comparison.metrics {
        if let Some(drawing) = heat::draw(&study, metric) {
            charts.add_named("heat", &metric.path, drawing);
        }
    }
    charts.drawn
}

/// What is drawn so far, and the names that are taken.
#[derive(Default)]
struct Charts {
    taken: BTreeSet<String>,
    drawn: Vec<Chart>,
}

impl Charts {
    /// Names of one kind only compete with each other: the kind is part of the name.
    fn add_named(&mut self, kind: &'static str, name: &str, drawing: Drawing) {
        let stem = file_stem(&format!("{kind}-{name}"), &mut self.taken);
        self.add(kind, &stem, drawing);
    }

    fn add(&mut self, kind: &'static str, stem: &str, drawing: Drawing) {
        self.drawn.push(Chart {
            file_name: format!("{stem}.svg"),
            title: drawing.title,
            kind,
            group: None,
            svg: drawing.svg,
            panels: drawing.panels,
        });
    }
}

/// A comparison as the chart files see it.
struct Study<'c> {
    comparison: &'c Comparison,
    /// Position of the variant that all others are compared with.
    baseline: usize,
}

impl<'c> Study<'c> {
    fn of(comparison: &'c Comparison) -> Self {
        Self {
            comparison,
            baseline: comparison
                .variants
                .iter()
                .position(|v| v.label == comparison.design.baseline)
                .unwrap_or(0),
        }
    }

    fn count(&self) -> usize {
        self.comparison.variants.len()
    }

    /// What stands for the variant at a position; a name of nothing but blanks would not be seen.
    fn label(&self, at: usize) -> &'c str {
        match self
            .comparison
            .variants
            .get(at)
            .map_or("", |variant| variant.label.as_str())
        {
            blank if blank.trim().is_empty() => "(no name)",
            label => label,
        }
    }

    /// The same where nothing else tells what a number is: `count 8`.
    fn name(&self, at: usize) -> String {
        match &self.comparison.design.factors[..] {
            [factor] if self.label(at).starts_with(|c: char| c.is_ascii_digit()) => {
                format!("{} {}", last(&factor.path), self.label(at))
            }
            _ => self.label(at).to_owned(),
        }
    }

    /// What was varied: `groups.billing.strategy`, `threads, service`.
    fn factors(&self) -> String {
        match &self.comparison.design.factors[..] {
            [factor] => factor.path.clone(),
            factors => factors
                .iter()
                .map(|factor| last(&factor.path))
                .collect::<Vec<_>>()
                .join(", "),
        }
    }

    fn position(&self, label: &str) -> Option<usize> {
        self.comparison
            .variants
            .iter()
            .position(|variant| variant.label == label)
    }

    /// The colour of a variant in all charts; where there are too many, all have the same.
    fn colour(&self, at: usize) -> Colour {
        if self.count() > COLOURS {
            MAIN
        } else {
            style::hue(at)
        }
    }

    /// At most `most` of the positions in `order`: the baseline, both ends and an even choice between.
    fn choice(&self, order: &[usize], most: usize) -> Vec<usize> {
        let mut chosen: Vec<usize> = thin::evenly(order.len(), most)
            .into_iter()
            .map(|at| order[at])
            .collect();
        if order.len() > most && !chosen.contains(&self.baseline) && order.contains(&self.baseline) {
            // An inner one makes room, so that both ends stay.
            let middle = chosen.len() / 2;
            chosen[middle] = self.baseline;
        }
        chosen
    }

    /// `95 % interval`.
    fn interval(&self) -> String {
        format!("{} interval", figures::percent(self.comparison.design.level))
    }

    /// `20 seeds`.
    fn seeds(&self) -> String {
        text::count(self.comparison.run.seeds.len() as u64, "seed")
    }

    /// What a metric's numbers and their intervals are.
    fn estimator(&self, metric: &MetricReport) -> String {
        let number = match metric.estimator {
            Estimator::MeanOfRuns => "mean of",
            Estimator::MergedQuantile => "quantile over",
        };
        format!("{number} {}, {}", self.seeds(), self.interval())
    }

    /// Room of the heading, in pixels.
    fn heading_height(&self) -> f64 {
        frame::HEADING
            + if self.comparison.run.complete {
                0.0
            } else {
                PARTIAL
            }
    }

    /// Title, note, and a warning if the study is not complete.
    fn heading(&self, canvas: &mut Canvas<'_>, title: &str, note: &str) {
        frame::heading(canvas, title, note);
        let run = &self.comparison.run;
        if !run.complete {
            let planned = run.seeds_planned.saturating_mul(self.count() as u64);
            let runs = format!("{} of {} runs", text::grouped(run.runs), text::grouped(planned));
            let line = format!("Interrupted: this is what {runs} show.");
            canvas.bold(
                &line,
                (INDENT, frame::HEADING + 4.0),
                Anchor::Start,
                CAPTION,
                ALARM,
            );
        }
    }

    /// A chart that has nothing to draw says so in one line.
    fn notice(&self, title: String, line: &str) -> Drawing {
        let svg = svg(style::WIDTH, self.heading_height() + 6.0, &title, |canvas| {
            self.heading(canvas, &title, line)
        });
        Drawing::still(title, svg)
    }

    /// One metric of one variant; none if it is missing.
    fn cell<'m>(&self, metric: &'m MetricReport, at: usize) -> Option<Cell<'m>> {
        let difference = match at.cmp(&self.baseline) {
            std::cmp::Ordering::Less => metric.differences.get(at),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => metric.differences.get(at - 1),
        };
        Some(Cell {
            metric,
            estimate: metric.estimates.get(at)?,
            difference,
            is_baseline: at == self.baseline,
        })
    }
}

/// One metric of one variant.
#[derive(Clone, Copy)]
struct Cell<'m> {
    metric: &'m MetricReport,
    estimate: &'m EstimateReport,
    difference: Option<&'m DifferenceReport>,
    is_baseline: bool,
}

impl Cell<'_> {
    /// Its estimate, if it is a number.
    fn mean(&self) -> Option<f64> {
        self.estimate.mean.filter(|mean| mean.is_finite())
    }

    /// Half the width of the interval; 0 where there is none.
    fn half(&self) -> f64 {
        self.estimate
            .half_width
            .filter(|half| half.is_finite())
            .map_or(0.0, f64::abs)
    }

    /// Half the width of the interval of the difference from the baseline; 0 where there is none.
    fn half_of_difference(&self) -> f64 {
        let half = self.difference.and_then(|difference| difference.half_width);
        half.filter(|half| half.is_finite()).map_or(0.0, f64::abs)
    }

    /// Both ends of the interval.
    fn ends(&self) -> Option<[f64; 2]> {
        self.mean().map(|mean| [mean - self.half(), mean + self.half()])
    }

    fn finding(&self) -> Finding {
        self.difference
            .map_or(Finding::Unmeasured, |difference| difference.finding)
    }

    /// Whether it differs from the baseline beyond doubt.
    fn differs(&self) -> bool {
        matches!(self.finding(), Finding::Lower | Finding::Higher)
    }

    /// `61.2 ± 0.3 ms`.
    fn number(&self) -> String {
        match self.mean() {
            Some(mean) => figures::estimate(mean, self.estimate.half_width, self.metric.unit),
            None => "not measured".to_owned(),
        }
    }

    /// What it comes to against the baseline: a number, and a word.
    fn against(&self) -> (String, &'static str) {
        if self.is_baseline {
            return (String::new(), "baseline");
        }
        let Some(difference) = self.difference else {
            return (String::new(), "not compared");
        };
        let change = match (difference.relative, difference.mean) {
            (Some(relative), _) => figures::relative(relative, difference.relative_half_width),
            (None, Some(mean)) => figures::difference(mean, difference.half_width, self.metric.unit),
            (None, None) => String::new(),
        };
        let judged = |lower: bool| match self.metric.better {
            Some(better) if (better == Better::Lower) == lower => "better",
            Some(_) => "worse",
            None if lower => "lower",
            None => "higher",
        };
        match difference.finding {
            Finding::Lower => (change, judged(true)),
            Finding::Higher => (change, judged(false)),
            Finding::Identical => (String::new(), "the same in every run"),
            Finding::Unclear => (change, "unclear"),
            Finding::Unmeasured if self.mean().is_none() => (String::new(), ""),
            Finding::Unmeasured => (String::new(), "too few runs"),
        }
    }
}

/// The last name of a path: `threads`.
fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// `Mean latency (billing)`.
fn headline(title: &str) -> String {
    let mut chars = title.chars();
    chars
        .next()
        .map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// A title with two names in it, as much of each as there is room for.
fn with_names(names: [&str; 2], title: impl Fn(&str, &str) -> String) -> String {
    let room = style::WIDTH - 2.0 * INDENT;
    let cut = |most: f64| {
        let [first, second] = names.map(|name| text::fitted(name, style::TITLE, most));
        title(&first, &second)
    };
    let fits = |title: &String| text::width(title, style::TITLE * 1.04) <= room;
    (6..=40)
        .rev()
        .map(|tens| cut(10.0 * f64::from(tens)))
        .find(fits)
        .unwrap_or_else(|| cut(60.0))
}

/// `lower is better`.
fn direction(better: Option<Better>) -> &'static str {
    match better {
        Some(Better::Lower) => "lower is better",
        Some(Better::Higher) => "higher is better",
        None => "neither way is better",
    }
}

#[cfg(test)]
mod tests;
