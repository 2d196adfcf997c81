//! Marks of an estimate: a dot that is filled where a difference is beyond doubt, and its interval.

use crate::report::charts::canvas::Canvas;
use crate::report::charts::comparison::Cell;
use crate::report::charts::style::{Colour, PAPER, THIN};

/// Radius of a dot, in pixels.
pub const RADIUS: f64 = 4.0;
/// Half the length of the stroke at the end of an interval.
const CAP: f64 = 3.0;

/// How to read the dots.
pub const LEGEND: &str = "filled: differs from the baseline (■) beyond doubt, hollow: unclear";

/// A dot: a square for the baseline, filled where the cell differs from it, hollow otherwise.
pub fn dot(canvas: &mut Canvas<'_>, cell: &Cell<'_>, (x, y): (f64, f64), colour: Colour) {
    if cell.is_baseline {
        let half = RADIUS - 0.25;
        canvas.rect((x - half, y - half), (x + half, y + half), colour);
        return;
    }
    canvas.disc((x, y), RADIUS, colour);
    if !cell.differs() {
        canvas.disc((x, y), RADIUS - 1.5, PAPER);
    }
}

/// An interval from left to right.
pub fn across(canvas: &mut Canvas<'_>, [x0, x1]: [f64; 2], y: f64, colour: Colour) {
    canvas.line((x0, y), (x1, y), colour, THIN);
    for x in [x0, x1] {
        canvas.line((x, y - CAP), (x, y + CAP), colour, THIN);
    }
}

/// An interval from below to above; `cap` is half the length of the stroke at its ends.
pub fn upright(canvas: &mut Canvas<'_>, x: f64, [y0, y1]: [f64; 2], cap: f64, colour: Colour) {
    canvas.line((x, y0), (x, y1), colour, THIN);
    for y in [y0, y1] {
        canvas.line((x - cap, y), (x + cap, y), colour, THIN);
    }
}

/// A small triangle that points up or down.
pub fn arrow(canvas: &mut Canvas<'_>, (x, y): (f64, f64), up: bool, colour: Colour) {
    let tip = if up { -4.0 } else { 4.0 };
    canvas.area(
        [(x - 4.0, y - tip), (x + 4.0, y - tip), (x, y + tip)],
        colour,
        100,
    );
}
