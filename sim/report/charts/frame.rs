//! What surrounds the data: heading, panel with grid and axes.

use crate::report::charts::axis::Axis;
use crate::report::charts::canvas::{Anchor, Canvas, svg};
use crate::report::charts::style::{
    AXIS, CAPTION, GRID, HAIRLINE, INDENT, INK, LABEL, QUIET, SMALL, THIN, TITLE, WARM_UP, WIDTH,
};
use crate::report::charts::{Drawing, text};

/// What every time axis counts.
pub const TIME: &str = "virtual time since the start";
/// Height that [`heading`] takes.
pub const HEADING: f64 = 58.0;
/// Height that the time axis takes below a panel, its own label included.
pub const FOOT: f64 = 46.0;

/// Title in bold, a grey line below that says what is drawn and how to read it.
pub fn heading(canvas: &mut Canvas<'_>, title: &str, note: &str) {
    let room = WIDTH - 2.0 * INDENT;
    canvas.bold(
        &text::fitted(title, TITLE * 1.04, room),
        (INDENT, 22.0),
        Anchor::Start,
        TITLE,
        INK,
    );
    canvas.text(
        &text::fitted(note, CAPTION, room),
        (INDENT, 43.0),
        Anchor::Start,
        CAPTION,
        QUIET,
    );
}

/// A chart that has nothing to draw says so in one line.
pub fn notice(title: String, line: &str) -> Drawing {
    let svg = svg(WIDTH, HEADING + 6.0, &title, |canvas| {
        heading(canvas, &title, line)
    });
    Drawing::still(title, svg)
}

/// A rectangle of the sheet with its two axes.
pub struct Plot {
    /// Left edge, pixels.
    pub left: f64,
    /// Right edge, pixels.
    pub right: f64,
    /// Upper edge, pixels.
    pub top: f64,
    /// Lower edge, pixels.
    pub bottom: f64,
    /// Values from left to right.
    pub x: Axis,
    /// Values from bottom to top.
    pub y: Axis,
}

impl Plot {
    /// Where a value of the horizontal axis lies, in pixels.
    pub fn px(&self, value: f64) -> f64 {
        self.left + self.x.fraction(value) * (self.right - self.left)
    }

    /// Where a value of the vertical axis lies, in pixels.
    pub fn py(&self, value: f64) -> f64 {
        self.bottom - self.y.fraction(value) * (self.bottom - self.top)
    }

    /// Where a point lies, in pixels.
    pub fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.px(x), self.py(y))
    }

    /// Grid lines and the labels of the vertical axis; `unit` stands above it, at the height `unit_y`.
    pub fn grid(&self, canvas: &mut Canvas<'_>, unit: &str, unit_y: f64) {
        for tick in &self.x.ticks {
            let x = self.px(tick.at);
            canvas.line((x, self.top), (x, self.bottom), GRID, HAIRLINE);
        }
        for tick in &self.y.ticks {
            let y = self.py(tick.at);
            canvas.line((self.left, y), (self.right, y), GRID, HAIRLINE);
            canvas.text(&tick.label, (self.left - 7.0, y), Anchor::End, LABEL, QUIET);
        }
        canvas.text(unit, (INDENT, unit_y), Anchor::Start, LABEL, QUIET);
    }

    /// A grey ground under what is not measured, until the time `end` if there is such a part. To be drawn first.
    pub fn warm_up(&self, canvas: &mut Canvas<'_>, end: Option<f64>) {
        let Some(right) = end.map(|end| self.px(end)) else {
            return;
        };
        canvas.rect((self.left, self.top), (right, self.bottom), WARM_UP);
        canvas.line((right, self.top), (right, self.bottom), AXIS, HAIRLINE);
    }

    /// What the grey ground means: at its end, or behind it if it is narrow. To be drawn on lines and under data.
    pub fn warm_up_name(&self, canvas: &mut Canvas<'_>, end: Option<f64>) {
        let Some(right) = end.map(|end| self.px(end)) else {
            return;
        };
        let names = ["warm-up, not measured", "warm-up"].map(|name| (name, text::width(name, SMALL)));
        let fits = |(_, width): &&(&str, f64)| width + 12.0 < right - self.left;
        let (y, half) = (self.top + 10.0, SMALL / 2.0 + 1.0);
        if let Some(&(name, width)) = names.iter().find(fits) {
            let x = right - 6.0;
            canvas.rect((x - width - 2.0, y - half), (x + 2.0, y + half), WARM_UP);
            canvas.text(name, (x, y), Anchor::End, SMALL, QUIET);
        } else {
            canvas.text(names[1].0, (right + 5.0, y), Anchor::Start, SMALL, QUIET);
        }
    }

    /// The horizontal axis with its ticks; `unit` stands below it.
    pub fn foot(&self, canvas: &mut Canvas<'_>, unit: &str) {
        canvas.line((self.left, self.bottom), (self.right, self.bottom), AXIS, THIN);
        for tick in &self.x.ticks {
            let x = self.px(tick.at);
            canvas.line((x, self.bottom), (x, self.bottom + 4.0), AXIS, THIN);
            canvas.text(&tick.label, (x, self.bottom + 14.0), Anchor::Middle, LABEL, QUIET);
        }
        let middle = (self.left + self.right) / 2.0;
        canvas.text(unit, (middle, self.bottom + 32.0), Anchor::Middle, LABEL, QUIET);
    }
}

/// Room that the labels of a vertical axis need at its left, in pixels.
pub fn left_room(axis: &Axis) -> f64 {
    let widest = axis
        .ticks
        .iter()
        .map(|tick| text::width(&tick.label, LABEL))
        .fold(0.0, f64::max);
    (widest + 7.0 + INDENT).max(44.0)
}
