//! How long messages took: from send to first delivery, and from send to success.
//!
//! Above, the share of messages by latency; below, the share that took longer, on a logarithmic axis that
//! shows the tail. The histogram of the report has bins of unequal width on a logarithmic axis: their counts
//! are spread over equal ones, or the picture would have teeth that the data have not.

use crate::kernel::math;
use crate::report::charts::axis::{self, Axis};
use crate::report::charts::canvas::{Anchor, Canvas, svg};
use crate::report::charts::frame::{self, FOOT, HEADING, Panel};
use crate::report::charts::labels::{self, Label};
use crate::report::charts::style::{
    Colour, HAIRLINE, INK, LABEL, MAIN, PAPER, RIGHT_MARGIN, SECOND, SMALL, THICK, WIDTH,
};
use crate::report::charts::{Drawing, Subject, nanos, span, text};
use crate::report::model::{DistributionReport, LatencyReport};

const SHARE_HEIGHT: f64 = 170.0;
const TAIL_HEIGHT: f64 = 190.0;
const BETWEEN: f64 = 40.0;
/// Bars of the histogram over the whole width.
const BARS: usize = 96;

/// Draws the latency of one group.
pub fn draw(subject: &Subject<'_>) -> Drawing {
    let (name, latency) = (subject.short_name(), &subject.group.latency);
    let title = format!("Latency of {name}");
    let kinds = [
        ("first delivery", &latency.first_delivery, MAIN),
        ("success", &latency.success, SECOND),
    ];
    let curves: Vec<Curve<'_>> = kinds
        .into_iter()
        .filter(|(_, latency, _)| !latency.distribution.count.is_empty())
        .map(|(name, latency, colour)| Curve {
            name,
            latency,
            colour,
        })
        .collect();
    let Some(Curve {
        name: until,
        latency: measured,
        ..
    }) = curves.last()
    else {
        return (title.clone(), frame::notice(&title, "No message was delivered."));
    };
    let quantile = |v: Option<f64>| v.map_or("?".to_owned(), span);
    let title = format!(
        "{title} — from send to {until}: p50 {}, p99 {}, max {}",
        quantile(measured.p50_seconds),
        quantile(measured.p99_seconds),
        quantile(measured.max_seconds)
    );
    let counts: Vec<String> = curves
        .iter()
        .map(|c| format!("{} to {}", text::grouped(c.latency.count), c.name))
        .collect();
    let note = format!(
        "from the producer’s send; messages measured: {}",
        counts.join(", ")
    );
    let height = HEADING + 24.0 + SHARE_HEIGHT + BETWEEN + TAIL_HEIGHT + FOOT;
    let svg = svg(WIDTH, height, &title, |canvas| {
        frame::heading(canvas, &title, &note);
        draw_curves(canvas, &curves);
    });
    (title, svg)
}

struct Curve<'r> {
    name: &'static str,
    latency: &'r LatencyReport,
    colour: Colour,
}

fn draw_curves(canvas: &mut Canvas<'_>, curves: &[Curve<'_>]) {
    let x = range(curves);
    let bars: Vec<Vec<f64>> = curves
        .iter()
        .map(|curve| shares(&curve.latency.distribution, &x))
        .collect();
    let tallest = bars.iter().flatten().copied().fold(0.0, f64::max);
    let most = curves.iter().map(|curve| curve.latency.count).max().unwrap_or(1);
    let room = labels::room(curves.iter().map(|curve| (curve.name, "")), LABEL, 200.0).max(RIGHT_MARGIN);
    let (left, right, top) = (74.0, WIDTH - room, HEADING + 24.0);
    let upper = Panel {
        left,
        right,
        top,
        bottom: top + SHARE_HEIGHT,
        x: x.clone(),
        y: axis::linear(tallest),
    };
    let below = upper.bottom + BETWEEN;
    // One message in ten thousand is as rare as the eye can follow; fewer messages than that reach less deep.
    let tail = Panel {
        left,
        right,
        top: below,
        bottom: below + TAIL_HEIGHT,
        x,
        y: axis::log_share(most.ilog10().clamp(1, 5)),
    };
    upper.grid(canvas, "per cent of messages in a bar");
    tail.grid(canvas, "share of messages that took longer");

    let mut names = Vec::new();
    for (curve, bars) in curves.iter().zip(&bars) {
        names.push(draw_bars(canvas, &upper, curve, bars));
    }
    labels::beside(canvas, names, right, room, (upper.top, upper.bottom), LABEL);
    for curve in curves {
        draw_tail(canvas, &tail, curve);
    }
    for (i, curve) in curves.iter().enumerate() {
        draw_quantiles(canvas, &tail, curve, i + 1 == curves.len());
    }
    tail.foot(canvas, "latency, logarithmic");
}

/// The axis that holds all bins of all curves.
fn range(curves: &[Curve<'_>]) -> Axis {
    let ends = |pick: fn(&DistributionReport) -> &Vec<f64>| {
        curves
            .iter()
            .flat_map(move |curve| pick(&curve.latency.distribution))
            .copied()
            .map(nanos)
    };
    let low = ends(|d| &d.lower_seconds).min().unwrap_or(1);
    let high = ends(|d| &d.upper_seconds).max().unwrap_or(1);
    axis::log_time(low, high)
}

/// Per cent of all values in each of [`BARS`] equal parts of `axis`.
fn shares(distribution: &DistributionReport, axis: &Axis) -> Vec<f64> {
    let mut bars = vec![0.0; BARS];
    let total: u64 = distribution.count.iter().sum();
    let place = |seconds: f64| axis.fraction(axis::decades(nanos(seconds))) * BARS as f64;
    for ((&lower, &upper), &count) in distribution
        .lower_seconds
        .iter()
        .zip(&distribution.upper_seconds)
        .zip(&distribution.count)
    {
        let (from, to) = (place(lower), place(upper));
        let share = 100.0 * count as f64 / total.max(1) as f64;
        let (first, last) = ((from as usize).min(BARS - 1), (to as usize).min(BARS - 1));
        for (bar, height) in bars.iter_mut().enumerate().take(last + 1).skip(first) {
            let covered = (to.min((bar + 1) as f64) - from.max(bar as f64)).max(0.0);
            *height += if first == last {
                share
            } else {
                share * covered / (to - from)
            };
        }
    }
    bars
}

/// Draws a histogram as an outline over a pale area; returns its label.
fn draw_bars(canvas: &mut Canvas<'_>, panel: &Panel, curve: &Curve<'_>, bars: &[f64]) -> Label {
    let edge = |i: usize| panel.left + (panel.right - panel.left) * i as f64 / BARS as f64;
    let first = bars.iter().position(|&v| v > 0.0).unwrap_or(0);
    let last = bars.iter().rposition(|&v| v > 0.0).unwrap_or(0);
    let mut outline = vec![(edge(first), panel.bottom)];
    for (i, &height) in bars.iter().enumerate().take(last + 1).skip(first) {
        outline.extend([(edge(i), panel.py(height)), (edge(i + 1), panel.py(height))]);
    }
    outline.push((edge(last + 1), panel.bottom));
    canvas.area(outline.iter().copied(), curve.colour, 22);
    canvas.path(outline, curve.colour, 1.5);
    Label {
        y: panel.py(bars[last]),
        colour: curve.colour,
        name: curve.name.to_owned(),
        remark: String::new(),
    }
}

/// Draws the share of values above each latency.
fn draw_tail(canvas: &mut Canvas<'_>, panel: &Panel, curve: &Curve<'_>) {
    let distribution = &curve.latency.distribution;
    let total: u64 = distribution.count.iter().sum();
    let x = |seconds: f64| axis::decades(nanos(seconds));
    let mut left = total;
    let mut points = vec![(panel.left, panel.py(0.0))];
    for ((&lower, &upper), &count) in distribution
        .lower_seconds
        .iter()
        .zip(&distribution.upper_seconds)
        .zip(&distribution.count)
    {
        points.push(panel.at((x(lower), log_share(left, total))));
        left = left.saturating_sub(count);
        points.push(panel.at((x(upper), log_share(left, total))));
    }
    canvas.path(points, curve.colour, THICK);
}

/// Where a share lies on its logarithmic axis; none at all lies below every axis.
fn log_share(part: u64, total: u64) -> f64 {
    if part == 0 {
        -1e3
    } else {
        math::log10(part as f64 / total as f64)
    }
}

/// Dots and labels at p50 and p99, at the right of the curve or at its left.
fn draw_quantiles(canvas: &mut Canvas<'_>, panel: &Panel, curve: &Curve<'_>, at_right: bool) {
    let marks = [
        ("p50", curve.latency.p50_seconds, 0.5),
        ("p99", curve.latency.p99_seconds, 0.01),
    ];
    for (name, value, share) in marks {
        let Some(seconds) = value else { continue };
        let at = panel.at((axis::decades(nanos(seconds)), math::log10(share)));
        canvas.disc(at, 4.5, PAPER);
        canvas.disc(at, 3.5, curve.colour);
        let label = format!("{name} {}", span(seconds));
        let wide = text::width(&label, SMALL) + 12.0;
        let right = if at_right {
            at.0 + wide < WIDTH - 4.0
        } else {
            at.0 - wide < panel.left
        };
        let (x, anchor) = if right {
            (at.0 + 9.0, Anchor::Start)
        } else {
            (at.0 - 9.0, Anchor::End)
        };
        let y = if right { at.1 - 7.0 } else { at.1 + 8.0 };
        canvas.text(&label, (x, y), anchor, SMALL, curve.colour.mixed(INK, 25));
        canvas.line(
            (at.0, panel.bottom),
            (at.0, at.1 + 4.5),
            curve.colour.mixed(PAPER, 55),
            HAIRLINE,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the bins, all values are in the bars: 100 per cent.
    #[test]
    fn bars_hold_every_value_once() {
        let distribution = DistributionReport {
            lower_seconds: vec![0.0, 0.001, 0.0011, 0.2, 5.0],
            upper_seconds: vec![0.0, 0.001, 0.0019, 4.0, 5.0],
            count: vec![1, 2, 3, 40, 5],
        };
        let axis = axis::log_time(0, 5_000_000_000);
        let sum: f64 = shares(&distribution, &axis).iter().sum();
        assert!((sum - 100.0).abs() < 1e-9, "{sum}");
    }
}
