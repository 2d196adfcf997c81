//! What a page needs to know of a drawing to lay a time cursor and values over it.
//!
//! A drawing is a picture and does not know its numbers. So each part of it that has a time axis is told along: where
//! it lies, which time it spans, and the series that it shows. Both are bounded, whatever the run: what a reader
//! can tell apart in the picture is what a cursor has to name.

use crate::report::charts::axis::Axis;
use crate::report::charts::canvas::UNITS;
use crate::report::charts::frame::Plot;
use crate::report::charts::style::{Colour, LINES_MAX};
use crate::report::charts::thin;
use serde::Serialize;

/// Points of one series at most.
pub const POINTS_MAX: usize = 400;

/// One area of a drawing whose horizontal axis is time. Lengths are units of the drawing's `viewBox`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Panel {
    /// Left edge.
    pub left: f64,
    /// Right edge.
    pub right: f64,
    /// Upper edge.
    pub top: f64,
    /// Lower edge.
    pub bottom: f64,
    /// Virtual time at the left edge, seconds.
    pub from: f64,
    /// Virtual time at the right edge, seconds.
    pub to: f64,
    /// What it shows, in the order in which it is labelled; at most [`LINES_MAX`].
    pub series: Vec<Shown>,
}

/// One series of a panel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// What it is called in the drawing.
    pub name: String,
    /// Its unit: `messages`, `messages/s`, `s`; empty for a plain number.
    pub unit: String,
    /// Its colour on a light page, `#rrggbb`.
    pub color: String,
    /// Its colour on a dark page, `#rrggbb`.
    pub dark: String,
    /// Seconds and value, in order of time; at most [`POINTS_MAX`]. A value holds until the next point.
    pub points: Vec<(f64, f64)>,
}

impl Panel {
    /// The area of `plot`, whose horizontal axis counts seconds.
    pub fn of(plot: &Plot, mut series: Vec<Shown>) -> Self {
        let unit = |pixels: f64| (pixels * UNITS).round();
        let Axis { low, high, .. } = plot.x;
        series.truncate(LINES_MAX);
        Self {
            left: unit(plot.left),
            right: unit(plot.right),
            top: unit(plot.top),
            bottom: unit(plot.bottom),
            from: low,
            to: high,
            series,
        }
    }
}

impl Shown {
    /// A series with as many of its points as a cursor can tell apart: the lowest and the highest of each stretch stay.
    pub fn new(name: &str, unit: &str, colour: Colour, points: &[(f64, f64)]) -> Self {
        let sound = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
        let points: Vec<(f64, f64)> = points.iter().copied().filter(sound).collect();
        Self {
            name: name.to_owned(),
            unit: unit.to_owned(),
            color: colour.light_hex(),
            dark: colour.dark_hex(),
            points: thin::extremes(&points, POINTS_MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::charts::axis;
    use crate::report::charts::style::MAIN;

    /// Pixels become units of the view box, four to one; a run of 90 s spans them.
    #[test]
    fn a_panel_lies_where_its_plot_is_drawn() {
        let plot = Plot {
            left: 60.0,
            right: 900.0,
            top: 80.25,
            bottom: 290.0,
            x: axis::time(90_000_000_000, 9),
            y: axis::whole(7),
        };
        let panel = Panel::of(&plot, vec![Shown::new("a", "s", MAIN, &[]); 20]);
        let edges = [panel.left, panel.right, panel.top, panel.bottom];
        assert_eq!(edges, [240.0, 3600.0, 321.0, 1160.0]);
        assert_eq!((panel.from, panel.to), (0.0, 90.0));
        assert_eq!(panel.series.len(), LINES_MAX);
    }

    #[test]
    fn a_series_keeps_its_peak_and_loses_what_is_no_number() {
        let mut points: Vec<(f64, f64)> = (0..9000).map(|i| (f64::from(i), 1.0)).collect();
        points[4321].1 = 77.0;
        points[5].1 = f64::NAN;
        let shown = Shown::new("a", "messages", MAIN, &points);
        assert!(shown.points.len() <= POINTS_MAX);
        assert!(shown.points.contains(&(4321.0, 77.0)));
        assert!(shown.points.iter().all(|point| point.1.is_finite()));
    }
}
