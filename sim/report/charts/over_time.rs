//! Lines over time in one or more rows on one time axis: what throughput, latency, retries and load share.
//!
//! Each row has a vertical axis of its own and a caption with its unit; lines are named where they end.

use crate::report::charts::axis::{self, Axis};
use crate::report::charts::canvas::{Canvas, svg};
use crate::report::charts::events::Event;
use crate::report::charts::frame::{self, FOOT, HEADING, Plot};
use crate::report::charts::labels::{self, Label};
use crate::report::charts::panel::{Panel, Shown};
use crate::report::charts::strip::Strip;
use crate::report::charts::style::{Colour, LABEL, RIGHT_MARGIN, SMALL, WIDTH};
use crate::report::charts::{Drawing, nanos};
use crate::report::model::Report;

/// Seconds and values.
pub type Points = Vec<(f64, f64)>;

/// From the foot of one row to the top of the next, pixels.
const BETWEEN: f64 = 42.0;
/// Widest that labels may grow, pixels.
const ROOM_MAX: f64 = 250.0;
/// Lines with large labels.
const LARGE_MAX: usize = 5;

/// One panel.
pub struct Row {
    /// What it shows, with its unit in words.
    pub caption: String,
    /// The unit in a word.
    pub unit: &'static str,
    /// Pixels.
    pub height: f64,
    /// Values from bottom to top, as `place` gives them.
    pub y: Axis,
    /// Where a value lies on the axis.
    pub place: fn(f64) -> f64,
    /// Whether a value holds until the next point, and the last one so long; otherwise lines go from point to point.
    pub steps: Option<f64>,
    /// What is drawn, the last one on top.
    pub lines: Vec<Line>,
}

/// One line of a row.
pub struct Line {
    /// Its name.
    pub name: String,
    /// What more is to say; may be empty.
    pub remark: String,
    /// Its colour.
    pub colour: Colour,
    /// Its width, pixels.
    pub width: f64,
    /// How opaque the area below it is, per cent.
    pub shade: u8,
    /// What it goes through, with gaps between the runs.
    pub runs: Vec<Points>,
}

impl Line {
    /// A line without an area or a remark.
    pub fn new(name: &str, colour: Colour, width: f64, runs: Vec<Points>) -> Self {
        Self {
            name: name.to_owned(),
            remark: String::new(),
            colour,
            width,
            shade: 0,
            runs,
        }
    }

    fn last(&self) -> Option<(f64, f64)> {
        self.runs.iter().rev().find_map(|run| run.last().copied())
    }
}

impl Row {
    fn size(&self) -> f64 {
        if self.lines.len() > LARGE_MAX {
            SMALL
        } else {
            LABEL
        }
    }

    fn room(&self) -> f64 {
        let names = self
            .lines
            .iter()
            .map(|line| (line.name.as_str(), line.remark.as_str()));
        labels::room(names, self.size(), ROOM_MAX)
    }

    fn shown(&self) -> Vec<Shown> {
        let shown = |line: &Line| Shown::new(&line.name, self.unit, line.colour, &line.runs.concat());
        self.lines.iter().map(shown).collect()
    }

    /// A run as it is drawn.
    fn outline(&self, plot: &Plot, run: &Points) -> Points {
        let at = |(time, value): (f64, f64)| plot.at((time, (self.place)(value)));
        let Some(last) = self.steps else {
            return run.iter().copied().map(at).collect();
        };
        let next = run.iter().skip(1).map(|point| point.0);
        let ends = next.chain(run.last().map(|point| point.0 + last));
        run.iter()
            .zip(ends)
            .flat_map(|(&(from, value), to)| [at((from, value)), at((to, value))])
            .collect()
    }

    fn draw(&self, canvas: &mut Canvas<'_>, plot: &Plot, room: f64) {
        for line in &self.lines {
            for run in line.runs.iter().filter(|run| !run.is_empty()) {
                let outline = self.outline(plot, run);
                let (first, last) = (outline[0].0, outline[outline.len() - 1].0);
                if line.shade > 0 {
                    let floor = [(last, plot.bottom), (first, plot.bottom)];
                    canvas.area(outline.iter().copied().chain(floor), line.colour, line.shade);
                }
                canvas.path(outline, line.colour, line.width);
            }
        }
        let label = |line: &Line| {
            Some(Label {
                y: plot.py((self.place)(line.last()?.1)),
                colour: line.colour,
                name: line.name.clone(),
                remark: line.remark.clone(),
            })
        };
        let labels = self.lines.iter().filter_map(label).collect();
        labels::beside(canvas, labels, plot, room, self.size());
    }
}

/// Draws `rows` below each other, with `events` marked through all of them.
pub fn draw(report: &Report, events: &[Event], title: String, note: &str, rows: &[Row]) -> Drawing {
    let x = axis::time(nanos(report.run.duration_seconds), 9);
    let room = rows.iter().map(Row::room).fold(RIGHT_MARGIN, f64::max);
    let left = rows
        .iter()
        .map(|row| frame::left_room(&row.y))
        .fold(0.0, f64::max);
    let right = WIDTH - room;
    let strip = Strip::of(events, &x, left, right);
    let mut top = HEADING + 22.0 + strip.height();
    let mut plots = Vec::new();
    for row in rows {
        plots.push(Plot {
            left,
            right,
            top,
            bottom: top + row.height,
            x: x.clone(),
            y: row.y.clone(),
        });
        top += row.height + BETWEEN;
    }
    let bottom = plots.last().map_or(HEADING, |plot| plot.bottom);
    let svg = svg(WIDTH, bottom + FOOT, &title, |canvas| {
        frame::heading(canvas, &title, note);
        let warm_up = report.run.measured_from_seconds;
        for (number, (row, plot)) in rows.iter().zip(&plots).enumerate() {
            let caption = if number == 0 {
                HEADING + 8.0
            } else {
                plot.top - 13.0
            };
            plot.warm_up(canvas, warm_up);
            plot.grid(canvas, &row.caption, caption);
        }
        if let (Some(first), Some(last)) = (plots.first(), plots.last()) {
            strip.draw(canvas, first.top, last.bottom);
            first.warm_up_name(canvas, warm_up);
            rows.iter()
                .zip(&plots)
                .for_each(|(row, plot)| row.draw(canvas, plot, room));
            last.foot(canvas, frame::TIME);
        }
    });
    let panels = rows.iter().zip(&plots);
    Drawing {
        panels: panels.map(|(row, plot)| Panel::of(plot, row.shown())).collect(),
        title,
        svg,
    }
}

/// A value lies where it is.
pub fn as_it_is(value: f64) -> f64 {
    value
}

/// Seconds on a logarithmic axis.
pub fn by_decades(seconds: f64) -> f64 {
    axis::decades(nanos(seconds))
}
