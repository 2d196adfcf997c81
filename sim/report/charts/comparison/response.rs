//! The response of a metric to a factor that is a number; with a second factor, a line for each of its values.

use crate::report::charts::axis::Axis;
use crate::report::charts::canvas::{Anchor, Canvas, svg};
use crate::report::charts::comparison::factor::Factor;
use crate::report::charts::comparison::scale::Scale;
use crate::report::charts::comparison::{Cell, Study, direction, headline, marks};
use crate::report::charts::frame::{self, FOOT, Plot};
use crate::report::charts::labels::{self, Label};
use crate::report::charts::style::{
    self, Colour, HAIRLINE, LABEL, MAIN, QUIET, RIGHT_MARGIN, SMALL, THICK, WIDTH,
};
use crate::report::charts::{Drawing, text, thin};
use crate::report::comparison::model::{FactorReport, MetricReport};

/// Lines of one chart.
const LINES_MAX: usize = 6;
/// Points of a line that have room for a mark each.
const MARKS_MAX: usize = 60;
const HEIGHT: f64 = 300.0;
/// Widest that labels may grow.
const ROOM_MAX: f64 = 230.0;

/// Draws how one metric answers to a number, if there is one and it was measured.
pub fn draw(study: &Study<'_>, metric: &MetricReport) -> Option<Drawing> {
    let design = Design::of(&study.comparison.design.factors)?;
    let (lines, left_out) = design.lines(study, metric);
    if !lines
        .iter()
        .any(|line| line.points.iter().any(|point| point.cell.mean().is_some()))
    {
        return None;
    }
    let by = text::fitted(design.factor.path, style::TITLE, 360.0);
    let title = format!(
        "{} by {by}",
        headline(&text::fitted(&metric.title, style::TITLE, 460.0))
    );
    let sheet = Sheet::of(study, metric, &design, &lines);
    let svg = svg(WIDTH, sheet.panel.bottom + FOOT, &title, |canvas| {
        study.heading(canvas, &title, &note(study, metric, &lines, left_out));
        sheet.draw(canvas, &design, &lines);
    });
    Some(Drawing::still(title, svg))
}

fn note(study: &Study<'_>, metric: &MetricReport, lines: &[Line<'_>], left_out: usize) -> String {
    let mut note = format!(
        "{}; {}; {}",
        study.estimator(metric),
        direction(metric.better),
        marks::LEGEND
    );
    if left_out > 0 {
        note = format!("{} of {} lines; {note}", lines.len(), lines.len() + left_out);
    }
    note
}

/// What is the axis, and what tells the lines apart.
struct Design<'c> {
    factor: Factor<'c>,
    /// Position of the factor of the axis.
    across: usize,
    /// The other factor and its position.
    other: Option<(usize, &'c FactorReport)>,
}

impl<'c> Design<'c> {
    /// Of two numbers the one with more values is the axis, of equals the first.
    fn of(factors: &'c [FactorReport]) -> Option<Self> {
        if factors.len() > 2 {
            return None;
        }
        let numeric = factors
            .iter()
            .enumerate()
            .filter_map(|(at, factor)| Some((at, Factor::of(factor)?)));
        let (across, factor) = numeric.fold(None, |best: Option<(usize, Factor<'c>)>, next| match best {
            Some(best) if best.1.count() >= next.1.count() => Some(best),
            _ => Some(next),
        })?;
        let other = factors.iter().enumerate().find(|(at, _)| *at != across);
        Some(Self {
            factor,
            across,
            other,
        })
    }

    /// The lines, and how many there is no room for.
    fn lines<'m>(&self, study: &Study<'_>, metric: &'m MetricReport) -> (Vec<Line<'m>>, usize) {
        let values = self.other.map_or(1, |(_, factor)| factor.values.len());
        let own = |at: usize| {
            let cells = &study.comparison.variants.get(at)?.cells;
            match self.other {
                Some((factor, _)) => cells.get(factor).map(|value| *value as usize),
                None => Some(0),
            }
        };
        let mut chosen = thin::evenly(values, LINES_MAX);
        if let Some(baseline) = own(study.baseline).filter(|value| !chosen.contains(value)) {
            let middle = chosen.len() / 2;
            chosen[middle] = baseline;
            chosen.sort_unstable();
        }
        let line = |&value: &usize| {
            let mut points: Vec<Point<'m>> = (0..study.count())
                .filter(|&at| own(at) == Some(value))
                .filter_map(|at| {
                    let across = *study.comparison.variants[at].cells.get(self.across)?;
                    Some(Point {
                        x: self.factor.at(across)?,
                        cell: study.cell(metric, at)?,
                    })
                })
                .collect();
            points.sort_by(|a, b| a.x.total_cmp(&b.x));
            Line {
                name: self
                    .other
                    .and_then(|(_, factor)| factor.values.get(value))
                    .cloned(),
                colour: self.other.map_or(MAIN, |_| style::hue(value)),
                points,
            }
        };
        (
            chosen.iter().map(line).collect(),
            values.saturating_sub(LINES_MAX),
        )
    }
}

struct Line<'m> {
    /// Value of the other factor.
    name: Option<String>,
    colour: Colour,
    points: Vec<Point<'m>>,
}

struct Point<'m> {
    x: f64,
    cell: Cell<'m>,
}

/// Where everything lies.
struct Sheet {
    panel: Plot,
    scale: Scale,
    room: f64,
    baseline: Option<f64>,
}

impl Sheet {
    fn of(study: &Study<'_>, metric: &MetricReport, design: &Design<'_>, lines: &[Line<'_>]) -> Self {
        let cells = || lines.iter().flat_map(|line| &line.points);
        let means: Vec<f64> = cells().filter_map(|point| point.cell.mean()).collect();
        let ends: Vec<f64> = cells().filter_map(|point| point.cell.ends()).flatten().collect();
        let scale = Scale::of(metric.unit, &means, &ends, 5.0);
        let names = lines.iter().filter_map(|line| line.name.as_deref());
        let names = names.map(|name| labels::room([(name, "")], LABEL, ROOM_MAX));
        let baseline = study.cell(metric, study.baseline).and_then(|cell| cell.mean());
        let own = design
            .other
            .is_none()
            .then(|| text::width("baseline", SMALL) + 10.0);
        let room = names.chain(own).fold(RIGHT_MARGIN, f64::max);
        let left = frame::left_room(&scale.axis);
        let right = WIDTH - room;
        let top = study.heading_height() + 24.0;
        let x: Axis = design.factor.axis(right - left);
        Self {
            panel: Plot {
                left,
                right,
                top,
                bottom: top + HEIGHT,
                x,
                y: scale.axis.clone(),
            },
            scale,
            room,
            baseline,
        }
    }

    fn place(&self, x: f64, value: f64) -> (f64, f64) {
        self.panel.at((x, self.scale.at(value)))
    }

    fn draw(&self, canvas: &mut Canvas<'_>, design: &Design<'_>, lines: &[Line<'_>]) {
        let panel = &self.panel;
        let unit = match (self.scale.is_log(), design.other) {
            (true, _) => "logarithmic",
            (false, _) if self.scale.axis.low > 0.0 => "does not begin at 0",
            _ => "",
        };
        panel.grid(canvas, unit, panel.top - 14.0);
        if let Some((_, factor)) = design.other {
            let by = text::fitted(&factor.path, LABEL, 420.0);
            canvas.text(
                &format!("lines: {by}"),
                (WIDTH - 12.0, panel.top - 14.0),
                Anchor::End,
                LABEL,
                QUIET,
            );
        } else if let Some(mean) = self.baseline {
            let y = panel.py(self.scale.at(mean));
            canvas.line((panel.left, y), (panel.right, y), QUIET, HAIRLINE);
            canvas.text("baseline", (panel.right + 6.0, y), Anchor::Start, SMALL, QUIET);
        }
        let log = if design.factor.is_log() {
            " (logarithmic)"
        } else {
            ""
        };
        panel.foot(
            canvas,
            &format!("{}{log}", text::fitted(design.factor.path, LABEL, 500.0)),
        );
        for line in lines {
            self.line(canvas, line);
        }
        let label = |line: &Line<'_>| {
            let last = line.points.iter().rev().find_map(|point| point.cell.mean())?;
            Some(Label {
                y: panel.py(self.scale.at(last)),
                colour: line.colour,
                name: line.name.clone()?,
                remark: String::new(),
            })
        };
        labels::beside(
            canvas,
            lines.iter().filter_map(label).collect(),
            panel,
            self.room,
            LABEL,
        );
    }

    /// A value that was not measured leaves a gap.
    fn line(&self, canvas: &mut Canvas<'_>, line: &Line<'_>) {
        for run in line.points.split(|point| point.cell.mean().is_none()) {
            let points = run
                .iter()
                .filter_map(|point| Some(self.place(point.x, point.cell.mean()?)));
            canvas.path(points, line.colour, THICK);
        }
        let crowded = line.points.len() > MARKS_MAX;
        if crowded {
            for run in line.points.split(|point| point.cell.ends().is_none()) {
                let edge = |end: usize| {
                    run.iter()
                        .filter_map(move |point| Some((point.x, point.cell.ends()?[end])))
                };
                let high: Vec<(f64, f64)> = edge(1).collect();
                let low: Vec<(f64, f64)> = edge(0).collect();
                let outline = high.iter().chain(low.iter().rev());
                canvas.area(outline.map(|&(x, v)| self.place(x, v)), line.colour, 18);
            }
        }
        for Point { x, cell } in &line.points {
            let (Some(mean), Some(ends)) = (cell.mean(), cell.ends()) else {
                continue;
            };
            let at = self.place(*x, mean);
            if crowded && !cell.is_baseline {
                continue;
            }
            if cell.half() > 0.0 {
                let ends = ends.map(|end| self.place(*x, end).1);
                marks::upright(canvas, at.0, ends, 3.0, line.colour);
            }
            marks::dot(canvas, cell, at, line.colour);
        }
    }
}
