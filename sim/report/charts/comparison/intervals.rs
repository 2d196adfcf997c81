//! Estimates of all metrics with their intervals: a panel for each metric, a row for each variant.
//!
//! The baseline's mean is a line through its panel: what lies left of it is lower. Around a dot lie two intervals: its
//! own, and as a bar that of its difference from the baseline, which with common luck is often far narrower; only the
//! second one says whether the two differ. The words at the right say so too. Panels begin where their numbers do, so that small differences are seen; the numbers stand beside.
//! Panels that do not fit on one sheet go on on the next one.

use crate::report::charts::canvas::{Anchor, Canvas, svg};
use crate::report::charts::comparison::scale::{self, Scale};
use crate::report::charts::comparison::{Cell, Study, direction, headline, marks};
use crate::report::charts::style::{
    AXIS, CAPTION, Colour, GRID, HAIRLINE, INDENT, INK, LABEL, PAPER, QUIET, SMALL, WIDTH,
};
use crate::report::charts::{Drawing, text};
use crate::report::comparison::model::MetricReport;

/// Rows of a panel.
const ROWS_MAX: usize = 24;
const ROW: f64 = 19.0;
/// Above the rows: the caption.
const HEAD: f64 = 30.0;
/// Below the rows: the ticks.
const TICKS: f64 = 22.0;
const BETWEEN: f64 = 12.0;
/// Panels of one sheet are no higher together, unless it is one.
const SHEET: f64 = 1000.0;
/// Widest that the names may grow, in pixels.
const NAMES_MAX: f64 = 220.0;
const GAP: f64 = 14.0;
/// Half the height of the bar that is the interval of a difference.
const THICK_BAR: f64 = 2.5;

/// Draws the estimates of all metrics, on as many sheets as they need.
pub fn draw(study: &Study<'_>) -> Vec<Drawing> {
    if study.count() == 0 {
        return Vec::new();
    }
    let panels: Vec<Panel<'_>> = study
        .comparison
        .metrics
        .iter()
        .map(|metric| Panel::of(study, metric))
        .collect();
    let sheets = sheets(panels);
    let count = sheets.len();
    let draw = |(number, panels): (usize, Vec<Panel<'_>>)| {
        let name = text::fitted(&study.comparison.run.title, CAPTION, 300.0);
        let part = if count > 1 {
            format!(" ({} of {count})", number + 1)
        } else {
            String::new()
        };
        let factors = text::fitted(&study.factors(), CAPTION, 300.0);
        let by = if factors.is_empty() {
            String::new()
        } else {
            format!(" by {factors}")
        };
        let title = format!("Estimates{by} — {name}{part}");
        let columns = Columns::of(study, &panels);
        let top = study.heading_height();
        let height = top + panels.iter().map(|panel| panel.height() + BETWEEN).sum::<f64>();
        let svg = svg(WIDTH, height, &title, |canvas| {
            let note = format!(
                "{}; line: {}, bar: that of the difference; {}",
                study.seeds(),
                study.interval(),
                marks::LEGEND
            );
            study.heading(canvas, &title, &note);
            let mut y = top;
            for panel in &panels {
                panel.draw(study, canvas, &columns, y);
                y += panel.height() + BETWEEN;
            }
        });
        Drawing::still(title, svg)
    };
    sheets.into_iter().enumerate().map(draw).collect()
}

/// One metric.
struct Panel<'c> {
    metric: &'c MetricReport,
    /// Position of the variant, what was measured.
    rows: Vec<(usize, Cell<'c>)>,
    /// Variants that have no row.
    left_out: usize,
}

impl<'c> Panel<'c> {
    fn of(study: &Study<'_>, metric: &'c MetricReport) -> Self {
        // By their numbers, so that the extremes are among the chosen ones; those without one come last.
        let mut order: Vec<usize> = (0..study.count()).collect();
        let mean = |at: usize| {
            study
                .cell(metric, at)
                .and_then(|cell| cell.mean())
                .unwrap_or(f64::INFINITY)
        };
        order.sort_by(|&a, &b| mean(a).total_cmp(&mean(b)));
        let mut chosen = study.choice(&order, ROWS_MAX);
        chosen.sort_unstable();
        let cell = |at: usize| Some((at, study.cell(metric, at)?));
        if metric.estimates.iter().all(|estimate| estimate.mean.is_none()) {
            chosen.clear();
        }
        Self {
            metric,
            left_out: study.count() - chosen.len(),
            rows: chosen.into_iter().filter_map(cell).collect(),
        }
    }

    fn height(&self) -> f64 {
        match self.rows.len() {
            0 => HEAD,
            rows => HEAD + rows as f64 * ROW + TICKS,
        }
    }

    fn caption(&self, study: &Study<'_>) -> String {
        if self.rows.is_empty() {
            return "not measured in any run".to_owned();
        }
        let mut caption = direction(self.metric.better).to_owned();
        if self.left_out > 0 {
            caption = format!(
                "{caption}; {} of {} variants: the baseline, the extremes and an even choice between",
                self.rows.len(),
                text::grouped(study.count() as u64),
            );
        }
        caption
    }

    fn draw(&self, study: &Study<'_>, canvas: &mut Canvas<'_>, columns: &Columns, top: f64) {
        let caption = self.caption(study);
        let room = WIDTH - 2.0 * INDENT - GAP - text::width(&caption, SMALL);
        let name = text::fitted(&headline(&self.metric.title), CAPTION * 1.06, room);
        canvas.bold(&name, (INDENT, top + 14.0), Anchor::Start, CAPTION, INK);
        let behind = INDENT + text::width(&name, CAPTION * 1.06) + GAP;
        canvas.text(&caption, (behind, top + 14.5), Anchor::Start, SMALL, QUIET);

        let (top, bottom) = (top + HEAD, top + self.height() - TICKS);
        let ends = |(_, cell): &(usize, Cell<'_>)| {
            let half = cell.half().max(cell.half_of_difference());
            cell.mean().map(|mean| [mean - half, mean + half])
        };
        let ends: Vec<f64> = self.rows.iter().filter_map(ends).flatten().collect();
        let measured = scale::extremes(&ends);
        if let Some((low, high)) = measured {
            let plot = Plot {
                scale: Scale::linear(self.metric.unit, low, high, 5.0),
                columns,
                top,
                bottom,
            };
            plot.ground(canvas, self.baseline());
            for (row, (at, cell)) in self.rows.iter().enumerate() {
                plot.mark(canvas, cell, top + (row as f64 + 0.5) * ROW, study.colour(*at));
            }
        }
        for (row, (at, cell)) in self.rows.iter().enumerate() {
            columns.words(study, canvas, (*at, cell), top + (row as f64 + 0.5) * ROW);
        }
    }

    fn baseline(&self) -> Option<f64> {
        self.rows
            .iter()
            .find(|(_, cell)| cell.is_baseline)
            .and_then(|(_, cell)| cell.mean())
    }
}

/// Where the dots of one panel lie.
struct Plot<'l> {
    scale: Scale,
    columns: &'l Columns,
    top: f64,
    bottom: f64,
}

impl Plot<'_> {
    fn x(&self, value: f64) -> f64 {
        let Columns { left, right, .. } = *self.columns;
        left + self.scale.axis.fraction(value) * (right - left)
    }

    /// Grid, axis, and the line of the baseline.
    fn ground(&self, canvas: &mut Canvas<'_>, baseline: Option<f64>) {
        for tick in &self.scale.axis.ticks {
            let x = self.x(tick.at);
            canvas.line((x, self.top), (x, self.bottom), GRID, HAIRLINE);
            canvas.text(&tick.label, (x, self.bottom + 11.0), Anchor::Middle, SMALL, QUIET);
        }
        canvas.line(
            (self.columns.left, self.bottom),
            (self.columns.right, self.bottom),
            AXIS,
            HAIRLINE,
        );
        if let Some(mean) = baseline {
            let x = self.x(mean);
            canvas.line((x, self.top - 3.0), (x, self.bottom), QUIET, HAIRLINE);
        }
    }

    fn mark(&self, canvas: &mut Canvas<'_>, cell: &Cell<'_>, y: f64, colour: Colour) {
        let (Some(mean), Some(ends)) = (cell.mean(), cell.ends()) else {
            return;
        };
        let half = cell.half_of_difference();
        if half > 0.0 {
            let [x0, x1] = [mean - half, mean + half].map(|end| self.x(end));
            canvas.rect((x0, y - THICK_BAR), (x1, y + THICK_BAR), colour.mixed(PAPER, 55));
        }
        if cell.half() > 0.0 {
            marks::across(canvas, ends.map(|end| self.x(end)), y, colour);
        }
        marks::dot(canvas, cell, (self.x(mean), y), colour);
    }
}

/// The columns of a sheet, the same in all its panels.
struct Columns {
    names: f64,
    /// Edges of the plot.
    left: f64,
    right: f64,
    /// Right edge of the estimates.
    numbers: f64,
    /// Right edge of the changes, and left edge of the words.
    changes: f64,
}

impl Columns {
    fn of(study: &Study<'_>, panels: &[Panel<'_>]) -> Self {
        let widest = |text: &dyn Fn(usize, &Cell<'_>) -> String| {
            let rows = panels.iter().flat_map(|panel| &panel.rows);
            rows.map(|(at, cell)| text::width(&text(*at, cell), LABEL))
                .fold(0.0, f64::max)
        };
        let names = widest(&|at, _| study.label(at).to_owned()).min(NAMES_MAX);
        let words = widest(&|_, cell| match cell.against() {
            (change, _) if change.is_empty() => String::new(),
            (_, word) => word.to_owned(),
        });
        let changes = widest(&|_, cell| cell.against().0);
        // A word without a number may reach over the column of numbers.
        let alone = widest(&|_, cell| match cell.against() {
            (change, word) if change.is_empty() => word.to_owned(),
            _ => String::new(),
        });
        let verdict = (changes + 8.0 + words).max(alone);
        let changes = WIDTH - INDENT - verdict + changes;
        let numbers = WIDTH - INDENT - verdict - GAP;
        let left = INDENT + names + GAP;
        Self {
            names,
            left,
            right: (numbers - widest(&|_, cell| cell.number()) - 1.5 * GAP).max(left + 60.0),
            numbers,
            changes,
        }
    }

    /// What stands beside the dot of one variant.
    fn words(&self, study: &Study<'_>, canvas: &mut Canvas<'_>, (at, cell): (usize, &Cell<'_>), y: f64) {
        let ink = study.colour(at).readable();
        let name = text::fitted(study.label(at), LABEL, self.names.max(LABEL));
        canvas.text(&name, (INDENT + self.names, y), Anchor::End, LABEL, ink);
        canvas.text(&cell.number(), (self.numbers, y), Anchor::End, LABEL, INK);
        let (change, word) = cell.against();
        if change.is_empty() {
            canvas.text(word, (self.numbers + GAP, y), Anchor::Start, LABEL, QUIET);
            return;
        }
        let ink = if cell.differs() { INK } else { QUIET };
        canvas.text(&change, (self.changes, y), Anchor::End, LABEL, ink);
        canvas.text(word, (self.changes + 8.0, y), Anchor::Start, LABEL, ink);
    }
}

/// Panels, sheet by sheet.
fn sheets(panels: Vec<Panel<'_>>) -> Vec<Vec<Panel<'_>>> {
    let mut sheets: Vec<Vec<Panel<'_>>> = Vec::new();
    let mut filled = f64::INFINITY;
    for panel in panels {
        let height = panel.height() + BETWEEN;
        match sheets.last_mut().filter(|_| filled + height <= SHEET) {
            Some(sheet) => {
                filled += height;
                sheet.push(panel);
            }
            None => {
                filled = height;
                sheets.push(vec![panel]);
            }
        }
    }
    sheets
}
