//! Busy time of each consumer, a small panel for each variant, all to one scale.
//!
//! A bar is the mean of the runs with its interval, the line is the mean over the consumers. Who had no work in any
//! run has a hollow mark on the ground instead of a bar. Beyond 16 variants the baseline and an even choice of the
//! others are drawn, beyond 60 consumers an even choice from the busiest to the idlest.

use crate::report::charts::axis::Axis;
use crate::report::charts::canvas::{Anchor, Canvas, svg};
use crate::report::charts::comparison::scale::{self, Scale};
use crate::report::charts::comparison::{Study, marks, with_names};
use crate::report::charts::frame;
use crate::report::charts::style::{
    AXIS, CAPTION, Colour, GRID, HAIRLINE, INDENT, INK, LABEL, PAPER, QUIET, SMALL, THIN, TITLE, WIDTH,
};
use crate::report::charts::{Drawing, text, thin};
use crate::report::comparison::model::{ConsumerShares, Unit};

const PANELS_MAX: usize = 16;
const BARS_MAX: usize = 60;
const COLUMNS: usize = 4;
const HEIGHT: f64 = 110.0;
/// Above a panel: its name and its figures.
const HEAD: f64 = 40.0;
/// Below a panel: the names of the first and of the last consumer.
const NAMES: f64 = 22.0;
const GAP: f64 = 24.0;
/// Bars at least so far apart have room for intervals; for a gap; in pixels.
const PITCH_INTERVAL: f64 = 6.0;
const PITCH_GAP: f64 = 3.0;
/// Widest that a bar may grow.
const BAR_MAX: f64 = 26.0;

/// Draws how the work of one group lay on its consumers.
pub fn draw(study: &Study<'_>, group: &str, shares: &[ConsumerShares]) -> Drawing {
    let group = text::fitted(group, TITLE, 200.0);
    let title = format!("Busy time by consumer of {group}");
    let mut panels: Vec<Panel<'_>> = shares
        .iter()
        .filter_map(|shares| Panel::of(study, shares))
        .collect();
    if panels.iter().all(|panel| panel.sum() <= 0.0) {
        return study.notice(title, "No consumer did any work in any run.");
    }
    let title = with_range(study, &title, &panels);
    let all = panels.len();
    let order: Vec<usize> = panels.iter().map(|panel| panel.at).collect();
    let chosen = study.choice(&order, PANELS_MAX);
    panels.retain(|panel| chosen.contains(&panel.at));
    let sheet = Sheet::of(study, &panels);
    let svg = svg(WIDTH, sheet.height(panels.len()), &title, |canvas| {
        study.heading(canvas, &title, &note(study, &panels, all));
        for (place, panel) in panels.iter().enumerate() {
            sheet.draw(canvas, study, panel, place);
        }
    });
    Drawing::still(title, svg)
}

fn note(study: &Study<'_>, panels: &[Panel<'_>], all: usize) -> String {
    let seeds = study.seeds();
    let mut note = format!(
        "bar: mean over {seeds} with its {}; line: mean over the consumers",
        study.interval()
    );
    if panels.len() < all {
        note = format!(
            "{note}; {} of {} variants",
            panels.len(),
            text::grouped(all as u64)
        );
    }
    if panels
        .iter()
        .any(|panel| panel.shares.busy_seconds.len() > BARS_MAX)
    {
        note = format!("{note}; {BARS_MAX} consumers of more, from the busiest to the idlest");
    }
    note
}

/// The range of max ÷ mean in words, behind `title`.
fn with_range(study: &Study<'_>, title: &str, panels: &[Panel<'_>]) -> String {
    let known = || panels.iter().filter_map(|panel| Some((panel, panel.skew()?)));
    // Of equals the first one is named.
    let lowest = known().min_by(|a, b| a.1.total_cmp(&b.1));
    let highest = known().fold(None, |most: Option<(&Panel<'_>, f64)>, next| match most {
        Some(most) if most.1 >= next.1 => Some(most),
        _ => Some(next),
    });
    match (lowest, highest) {
        (Some((low, least)), Some((high, most))) if format!("{least:.2}") != format!("{most:.2}") => {
            let names = [study.name(low.at), study.name(high.at)];
            with_names([&names[0], &names[1]], |low, high| {
                format!("{title} — max ÷ mean {least:.2} ({low}) to {most:.2} ({high})")
            })
        }
        (Some((_, least)), _) => format!("{title} — max ÷ mean {least:.2}"),
        _ => title.to_owned(),
    }
}

/// One variant.
struct Panel<'c> {
    at: usize,
    shares: &'c ConsumerShares,
}

impl<'c> Panel<'c> {
    fn of(study: &Study<'_>, shares: &'c ConsumerShares) -> Option<Self> {
        Some(Self {
            at: study.position(&shares.variant)?,
            shares,
        })
    }

    fn busy(&self) -> impl Iterator<Item = f64> {
        self.shares
            .busy_seconds
            .iter()
            .map(|busy| if busy.is_finite() { busy.max(0.0) } else { 0.0 })
    }

    fn sum(&self) -> f64 {
        self.busy().sum()
    }

    fn mean(&self) -> f64 {
        self.sum() / self.shares.busy_seconds.len().max(1) as f64
    }

    /// Greatest busy time ÷ mean; none without work.
    fn skew(&self) -> Option<f64> {
        (self.sum() > 0.0).then(|| self.busy().fold(0.0, f64::max) / self.mean())
    }

    fn idle(&self) -> usize {
        self.busy().filter(|busy| *busy == 0.0).count()
    }

    /// Half the width of the interval of one consumer.
    fn half(&self, consumer: usize) -> f64 {
        let half = self.shares.busy_half_width.get(consumer).copied().flatten();
        half.filter(|half| half.is_finite()).map_or(0.0, f64::abs)
    }

    /// Those that are drawn: all in their order, or an even choice from the busiest to the idlest.
    fn bars(&self) -> Vec<(usize, f64)> {
        let mut bars: Vec<(usize, f64)> = self.busy().enumerate().collect();
        if bars.len() > BARS_MAX {
            bars.sort_by(|a, b| b.1.total_cmp(&a.1));
            bars = thin::evenly(bars.len(), BARS_MAX)
                .into_iter()
                .map(|at| bars[at])
                .collect();
        }
        bars
    }

    fn figures(&self) -> String {
        let count = self.shares.busy_seconds.len() as u64;
        let skew = self
            .skew()
            .map_or("no work".to_owned(), |skew| format!("max ÷ mean {skew:.2}"));
        match self.idle() {
            0 => skew,
            idle => format!("{skew} · {idle} of {count} idle"),
        }
    }
}

/// Where the panels lie.
struct Sheet {
    scale: Scale,
    top: f64,
    left: f64,
    /// Width of one panel.
    width: f64,
    columns: usize,
}

impl Sheet {
    fn of(study: &Study<'_>, panels: &[Panel<'_>]) -> Self {
        let tops = |panel: &Panel<'_>| -> Vec<f64> {
            panel
                .bars()
                .iter()
                .map(|(at, busy)| busy + panel.half(*at))
                .collect()
        };
        let tops: Vec<f64> = panels.iter().flat_map(tops).collect();
        let most = scale::extremes(&tops).map_or(0.0, |ends| ends.1);
        let scale = Scale::linear(Unit::Seconds, 0.0, most, 5.0);
        let left = frame::left_room(&scale.axis);
        let columns = panels.len().clamp(2, COLUMNS);
        let room = WIDTH - left - INDENT - GAP * (columns - 1) as f64;
        Self {
            scale,
            top: study.heading_height(),
            left,
            width: room / columns as f64,
            columns,
        }
    }

    fn height(&self, panels: usize) -> f64 {
        let rows = panels.div_ceil(self.columns);
        self.top + rows as f64 * (HEAD + HEIGHT + NAMES) + 12.0
    }

    fn draw(&self, canvas: &mut Canvas<'_>, study: &Study<'_>, panel: &Panel<'_>, place: usize) {
        let (row, column) = (place / self.columns, place % self.columns);
        let left = self.left + column as f64 * (self.width + GAP);
        let top = self.top + row as f64 * (HEAD + HEIGHT + NAMES) + HEAD;
        let frame = frame::Plot {
            left,
            right: left + self.width,
            top,
            bottom: top + HEIGHT,
            x: Axis {
                low: 0.0,
                high: 1.0,
                ticks: Vec::new(),
            },
            y: self.scale.axis.clone(),
        };
        let colour = study.colour(panel.at);
        let baseline = if panel.at == study.baseline {
            " (baseline)"
        } else {
            ""
        };
        let room = self.width - text::width(baseline, CAPTION);
        let name = text::fitted(&study.name(panel.at), CAPTION * 1.06, room) + baseline;
        canvas.bold(
            &name,
            (left, top - 27.0),
            Anchor::Start,
            CAPTION,
            colour.readable(),
        );
        let figures = text::fitted(&panel.figures(), SMALL, self.width);
        canvas.text(&figures, (left, top - 11.0), Anchor::Start, SMALL, QUIET);
        for tick in &self.scale.axis.ticks {
            let y = frame.py(tick.at);
            canvas.line((frame.left, y), (frame.right, y), GRID, HAIRLINE);
            if column == 0 {
                canvas.text(&tick.label, (left - 7.0, y), Anchor::End, LABEL, QUIET);
            }
        }
        self.bars(canvas, &frame, panel, colour);
        canvas.line(
            (frame.left, frame.bottom),
            (frame.right, frame.bottom),
            AXIS,
            THIN,
        );
        self.names(canvas, &frame, panel);
    }

    fn bars(&self, canvas: &mut Canvas<'_>, frame: &frame::Plot, panel: &Panel<'_>, colour: Colour) {
        let bars = panel.bars();
        let pitch = (self.width / bars.len().max(1) as f64).min(BAR_MAX * 1.3);
        let gap = if pitch < PITCH_GAP {
            0.0
        } else {
            (pitch * 0.22).max(1.0)
        };
        for (rank, &(consumer, busy)) in bars.iter().enumerate() {
            let x = frame.left + rank as f64 * pitch + gap / 2.0;
            let (end, y) = (x + pitch - gap, frame.py(busy));
            if busy == 0.0 {
                canvas.rect((x, frame.bottom - 4.0), (end, frame.bottom), QUIET);
                canvas.rect((x + 1.0, frame.bottom - 3.0), (end - 1.0, frame.bottom), PAPER);
                continue;
            }
            canvas.rect((x, y), (end, frame.bottom), colour.mixed(PAPER, 35));
            let half = panel.half(consumer);
            if half > 0.0 && pitch >= PITCH_INTERVAL {
                let ends = [busy - half, busy + half].map(|end| frame.py(end));
                marks::upright(canvas, (x + end) / 2.0, ends, (pitch * 0.16).min(3.0), INK);
            }
        }
        let (mean, right) = (frame.py(panel.mean()), frame.left + pitch * bars.len() as f64);
        canvas.line((frame.left, mean), (right, mean), INK, HAIRLINE);
    }

    /// The first and the last consumer, if there is room; and who is idle, if they stand together.
    fn names(&self, canvas: &mut Canvas<'_>, frame: &frame::Plot, panel: &Panel<'_>) {
        let bars = panel.bars();
        let pitch = (self.width / bars.len().max(1) as f64).min(BAR_MAX * 1.3);
        let y = frame.bottom + 11.0;
        let name = |bar: Option<&(usize, f64)>| {
            bar.and_then(|bar| panel.shares.names.get(bar.0))
                .map_or("", |n| n)
        };
        let (first, last) = (name(bars.first()), name(bars.last()));
        let room = (self.width - 12.0) / 2.0;
        let first = text::fitted(first, SMALL, room);
        canvas.text(&first, (frame.left, y), Anchor::Start, SMALL, QUIET);
        if bars.len() > 1 {
            let last = text::fitted(last, SMALL, room);
            let end = frame.left + pitch * bars.len() as f64;
            let least = frame.left + text::width(&first, SMALL) + 8.0 + text::width(&last, SMALL);
            canvas.text(&last, (end.max(least), y), Anchor::End, SMALL, QUIET);
        }
        let idle: Vec<usize> = (0..bars.len()).filter(|&rank| bars[rank].1 == 0.0).collect();
        if let [from, .., to] | [from @ to] = idle[..]
            && to - from + 1 == idle.len()
        {
            let (x0, x1) = (
                frame.left + from as f64 * pitch,
                frame.left + (to + 1) as f64 * pitch,
            );
            let (width, middle) = (text::width("idle", SMALL), ((x0 + x1) / 2.0, frame.bottom - 12.0));
            if width <= x1 - x0 {
                // The line of the mean may pass here.
                let half = (width / 2.0, SMALL / 2.0);
                canvas.rect(
                    (middle.0 - half.0, middle.1 - half.1),
                    (middle.0 + half.0, middle.1 + half.1),
                    PAPER,
                );
                canvas.text("idle", middle, Anchor::Middle, SMALL, QUIET);
            }
        }
    }
}
