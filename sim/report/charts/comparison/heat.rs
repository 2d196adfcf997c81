//! Two factors, a cell for each combination: its mean by colour and in figures.
//!
//! Darker is more. An arrow says that the cell differs from the baseline beyond doubt, and which way; without one
//! no difference is shown. The baseline has a frame. Where the means span decades, colour goes by their logarithm.

use crate::kernel::math;
use crate::report::charts::canvas::{Anchor, Canvas, svg};
use crate::report::charts::comparison::{Cell, Study, direction, headline, last, marks, scale};
use crate::report::charts::style::{
    self, AXIS, Colour, GRID, INDENT, INK, LABEL, PAPER, QUIET, SMALL, WIDTH,
};
use crate::report::charts::{Drawing, text, thin};
use crate::report::comparison::figures;
use crate::report::comparison::model::{FactorReport, Finding, MetricReport};

const ROWS_MAX: usize = 24;
const COLUMNS_MAX: usize = 20;
/// Height of a cell with room for the interval.
const ROW: f64 = 46.0;
/// Height of a cell where there are many.
const ROW_MANY: f64 = 26.0;
const ROWS_MANY: usize = 10;
/// Widest that a cell may grow.
const CELL_MAX: f64 = 200.0;
/// Widest that the names of rows may grow.
const NAMES_MAX: f64 = 180.0;
/// Above the cells: the factors, the values of the one across.
const HEAD: f64 = 42.0;
/// Below the cells: the legend.
const LEGEND: f64 = 52.0;
const LEGEND_WIDTH: f64 = 260.0;

/// Draws one metric over all combinations of two factors, if there are two and it was measured.
pub fn draw(study: &Study<'_>, metric: &MetricReport) -> Option<Drawing> {
    let [down, across] = &study.comparison.design.factors[..] else {
        return None;
    };
    if down.values.len() < 2 || across.values.len() < 2 {
        return None;
    }
    let means: Vec<f64> = (0..study.count())
        .filter_map(|at| study.cell(metric, at)?.mean())
        .collect();
    let colours = Colours::of(&means)?;
    let title = format!(
        "{} by {} and {}",
        headline(&text::fitted(&metric.title, style::TITLE, 420.0)),
        text::fitted(last(&down.path), style::TITLE, 190.0),
        text::fitted(last(&across.path), style::TITLE, 190.0),
    );
    let map = Map::of(study, metric, [down, across], colours);
    let svg = svg(WIDTH, map.bottom() + LEGEND, &title, |canvas| {
        study.heading(canvas, &title, &map.note(study, metric));
        map.draw(canvas, metric);
    });
    Some(Drawing::still(title, svg))
}

/// From the lowest mean to the highest.
struct Colours {
    low: f64,
    high: f64,
    log: bool,
}

impl Colours {
    fn of(means: &[f64]) -> Option<Self> {
        let (low, high) = scale::extremes(means)?;
        Some(Self {
            low,
            high,
            log: scale::spans_decades(low, high),
        })
    }

    fn place(&self, value: f64) -> f64 {
        if self.log { math::log10(value) } else { value }
    }

    /// How far between both ends, 0 … 1; all are in the middle where all are alike.
    fn share(&self, value: f64) -> f64 {
        let (low, high) = (self.place(self.low), self.place(self.high));
        if high > low {
            ((self.place(value) - low) / (high - low)).clamp(0.0, 1.0)
        } else {
            0.5
        }
    }

    /// The value at a share.
    fn value(&self, share: f64) -> f64 {
        let (low, high) = (self.place(self.low), self.place(self.high));
        let place = low + share * (high - low);
        match share {
            0.0 => self.low,
            1.0 => self.high,
            _ if self.log => math::pow(10.0, place),
            _ => place,
        }
    }
}

/// Where everything lies.
struct Map<'c> {
    factors: [&'c FactorReport; 2],
    colours: Colours,
    /// Values that have a row, and a column.
    rows: Vec<usize>,
    columns: Vec<usize>,
    /// By row and column.
    cells: Vec<Vec<Option<Cell<'c>>>>,
    left: f64,
    top: f64,
    size: (f64, f64),
}

impl<'c> Map<'c> {
    fn of(
        study: &Study<'_>,
        metric: &'c MetricReport,
        factors: [&'c FactorReport; 2],
        colours: Colours,
    ) -> Self {
        let own = |at: usize| {
            study
                .comparison
                .variants
                .get(at)
                .map(|variant| &variant.cells[..])
        };
        let baseline = own(study.baseline).unwrap_or_default();
        let choice = |factor: usize, most: usize| {
            let mut chosen = thin::evenly(factors[factor].values.len(), most);
            if let Some(&value) = baseline.get(factor)
                && !chosen.contains(&(value as usize))
            {
                let middle = chosen.len() / 2;
                chosen[middle] = value as usize;
                chosen.sort_unstable();
            }
            chosen
        };
        let (rows, columns) = (choice(0, ROWS_MAX), choice(1, COLUMNS_MAX));
        let cell = |row: usize, column: usize| {
            let wanted = [row as u64, column as u64];
            let at = (0..study.count()).find(|&at| own(at) == Some(&wanted[..]))?;
            study.cell(metric, at)
        };
        let name = |row: &usize| text::width(&factors[0].values[*row], LABEL);
        let names = rows.iter().map(name).fold(40.0, f64::max).min(NAMES_MAX);
        let left = INDENT + names + 12.0;
        let width = ((WIDTH - INDENT - left) / columns.len() as f64).min(CELL_MAX);
        let height = if rows.len() > ROWS_MANY { ROW_MANY } else { ROW };
        let row = |row: &usize| columns.iter().map(|column| cell(*row, *column)).collect();
        Self {
            cells: rows.iter().map(row).collect(),
            factors,
            colours,
            rows,
            columns,
            left,
            top: study.heading_height() + HEAD,
            size: (width, height),
        }
    }

    fn bottom(&self) -> f64 {
        self.top + self.rows.len() as f64 * self.size.1
    }

    fn note(&self, study: &Study<'_>, metric: &MetricReport) -> String {
        let mut note = format!(
            "{}; {}; ▲ ▼ differs from the baseline (framed) beyond doubt",
            study.estimator(metric),
            direction(metric.better)
        );
        let all = self.factors.map(|factor| factor.values.len());
        if self.rows.len() < all[0] || self.columns.len() < all[1] {
            note = format!(
                "{} × {} of {} × {} cells; {note}",
                self.rows.len(),
                self.columns.len(),
                all[0],
                all[1]
            );
        }
        note
    }

    fn corner(&self, row: usize, column: usize) -> (f64, f64) {
        (
            self.left + column as f64 * self.size.0,
            self.top + row as f64 * self.size.1,
        )
    }

    fn draw(&self, canvas: &mut Canvas<'_>, metric: &MetricReport) {
        let [down, across] = self.factors;
        let room = (WIDTH - 2.0 * INDENT) / 2.0 - 60.0;
        let path = |factor: &FactorReport| text::fitted(&factor.path, LABEL, room);
        let factors = format!("rows: {}, columns: {}", path(down), path(across));
        canvas.text(&factors, (INDENT, self.top - 32.0), Anchor::Start, LABEL, QUIET);
        for (place, &column) in self.columns.iter().enumerate() {
            let name = text::fitted(&across.values[column], LABEL, self.size.0 - 4.0);
            let x = self.corner(0, place).0 + self.size.0 / 2.0;
            canvas.text(&name, (x, self.top - 12.0), Anchor::Middle, LABEL, INK);
        }
        for (place, &row) in self.rows.iter().enumerate() {
            let name = text::fitted(&down.values[row], LABEL, NAMES_MAX);
            let y = self.corner(place, 0).1 + self.size.1 / 2.0;
            canvas.text(&name, (self.left - 8.0, y), Anchor::End, LABEL, INK);
        }
        let mut framed = None;
        for (row, cells) in self.cells.iter().enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                self.cell(canvas, cell.as_ref(), self.corner(row, column));
                if cell.is_some_and(|cell| cell.is_baseline) {
                    framed = Some(self.corner(row, column));
                }
            }
        }
        // Last, so that no neighbour covers it.
        if let Some((x, y)) = framed {
            let far = (x + self.size.0 - 1.5, y + self.size.1 - 1.5);
            canvas.outline((x + 0.5, y + 0.5), far, INK, 2.5);
        }
        self.legend(canvas, metric);
    }

    fn cell(&self, canvas: &mut Canvas<'_>, cell: Option<&Cell<'_>>, (x, y): (f64, f64)) {
        let (width, height) = self.size;
        let (near, far) = ((x + 0.5, y + 0.5), (x + width - 1.5, y + height - 1.5));
        let middle = (x + width / 2.0 - 0.5, y + height / 2.0);
        let Some((cell, mean)) = cell.and_then(|cell| Some((cell, cell.mean()?))) else {
            canvas.hatch(near, far, 7.0, GRID, 1.0);
            if cell.is_some() {
                self.write(canvas, "not measured", middle, SMALL, QUIET);
            }
            return;
        };
        let share = self.colours.share(mean);
        canvas.rect(near, far, style::ramp(share));
        // From here on white reads better than black.
        let ink = if share > 0.6 { PAPER } else { INK };
        let figure = figures::Scale::of(cell.metric.unit, [mean]).estimate(mean, cell.estimate.half_width);
        let (number, rest) = match figure.rest.strip_prefix("± ") {
            // The unit stays with the number: `61.2 ms` above `± 0.3`.
            Some(rest) => {
                let (half, unit) = rest.split_once(' ').unwrap_or((rest, ""));
                (
                    format!("{} {unit}", figure.number).trim_end().to_owned(),
                    format!("± {half}"),
                )
            }
            None => (figure.to_string(), String::new()),
        };
        let arrow = match cell.finding() {
            Finding::Higher => Some(true),
            Finding::Lower => Some(false),
            _ => None,
        };
        let two_lines = height >= ROW && !rest.is_empty();
        let whole = figure.to_string();
        let number = if !two_lines && self.fits(&whole, LABEL) {
            whole
        } else {
            number
        };
        let y = if two_lines { middle.1 - 7.0 } else { middle.1 };
        let half = text::width(&number, LABEL) / 2.0;
        // The arrow stands before the number and moves it a little.
        let shift = if arrow.is_some() { 7.0 } else { 0.0 };
        if self.write(canvas, &number, (middle.0 + shift, y), LABEL, ink) {
            if let Some(up) = arrow {
                marks::arrow(canvas, (middle.0 + shift - half - 8.0, y), up, ink);
            }
            if two_lines {
                self.write(canvas, &rest, (middle.0, middle.1 + 10.0), SMALL, ink);
            }
        } else if let Some(up) = arrow {
            marks::arrow(canvas, middle, up, ink);
        }
    }

    /// Whether there is room for `text`; if so, it is written.
    fn write(&self, canvas: &mut Canvas<'_>, text: &str, at: (f64, f64), size: f64, ink: Colour) -> bool {
        let fits = self.fits(text, size);
        if fits {
            canvas.text(text, at, Anchor::Middle, size, ink);
        }
        fits
    }

    /// Whether a cell has room for `text`, and for an arrow before it.
    fn fits(&self, text: &str, size: f64) -> bool {
        let arrow = if size == LABEL { 22.0 } else { 4.0 };
        text::width(text, size) + arrow <= self.size.0
    }

    /// The colours and what they stand for, below the last column where there is room.
    fn legend(&self, canvas: &mut Canvas<'_>, metric: &MetricReport) {
        let (y, right) = (self.bottom() + 14.0, self.corner(0, self.columns.len()).0);
        let left = (right - 36.0).max(INDENT + 110.0 + LEGEND_WIDTH) - LEGEND_WIDTH;
        if self.colours.high <= self.colours.low {
            return;
        }
        const STEPS: usize = 64;
        for step in 0..STEPS {
            let x = |step: usize| left + LEGEND_WIDTH * step as f64 / STEPS as f64;
            // To the end: side by side, seams would be seen.
            canvas.rect(
                (x(step), y),
                (left + LEGEND_WIDTH, y + 10.0),
                style::ramp((step as f64 + 0.5) / STEPS as f64),
            );
        }
        canvas.outline((left, y), (left + LEGEND_WIDTH, y + 10.0), AXIS, 0.5);
        for share in [0.0, 0.5, 1.0] {
            let label = figures::value(self.colours.value(share), metric.unit);
            canvas.text(
                &label,
                (left + share * LEGEND_WIDTH, y + 21.0),
                Anchor::Middle,
                SMALL,
                QUIET,
            );
        }
        if self.colours.log {
            canvas.text("logarithmic", (left - 10.0, y + 5.0), Anchor::End, SMALL, QUIET);
        }
    }
}
