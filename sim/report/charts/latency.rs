//! How long messages took: from send to first delivery, and from send to success.
//!
//! Above, the share of messages by latency; below, the share that took longer, on a logarithmic axis that
//! shows the tail. The histogram of the report has bins of unequal width on a logarithmic axis: their counts
//! are spread over equal ones, or the picture would have teeth that the data have not.

use crate::kernel::math;
use crate::report::charts::axis::{self, Axis};
use crate::report::charts::canvas::{Anchor, Canvas, svg};
use crate::report::charts::frame::{self, FOOT, HEADING, Panel};
use crate::report::charts::style::{
    Colour, HAIRLINE, LABEL, MAIN, PAPER, RIGHT_MARGIN, SECOND, SMALL, THICK, WIDTH,
};
use crate::report::charts::{Drawing, Subject, nanos, span, text};
use crate::report::model::{DistributionReport, LatencyReport};

const SHARE_HEIGHT: f64 = 170.0;
const TAIL_HEIGHT: f64 = 190.0;
const BETWEEN: f64 = 42.0;
/// Values below which nobody should read a 99th percentile.
const FEW: u64 = 100;

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
        .filter(|(_, latency, _)| latency.distribution.count.iter().any(|&count| count > 0))
        .map(|(name, latency, colour)| Curve {
            name,
            latency,
            colour,
        })
        .collect();
    let Some(last) = curves.last() else {
        return frame::notice(title, "No message was delivered.");
    };
    let figures = [
        ("p50", last.latency.p50_seconds),
        ("p99", last.p99()),
        ("max", last.latency.max_seconds),
    ];
    let figures = figures
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name} {}", span(value?))));
    let title = format!(
        "{title} — from send to {}: {}",
        last.name,
        figures.collect::<Vec<_>>().join(", ")
    );
    let counts = curves
        .iter()
        .map(|curve| format!("{} to {}", text::grouped(curve.latency.count), curve.name));
    let note = format!(
        "from the producer’s send; messages measured: {}",
        counts.collect::<Vec<_>>().join(", ")
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

impl Curve<'_> {
    fn p99(&self) -> Option<f64> {
        self.latency.p99_seconds.filter(|_| self.latency.count >= FEW)
    }
}

fn draw_curves(canvas: &mut Canvas<'_>, curves: &[Curve<'_>]) {
    let x = range(curves);
    // The bins of the report are 2 … 3 hundredths of a decade wide: finer bars would show the bins.
    let parts = ((x.high - x.low) / 0.03).clamp(16.0, 96.0) as usize;
    let bars: Vec<Vec<f64>> = curves
        .iter()
        .map(|curve| shares(&curve.latency.distribution, &x, parts))
        .collect();
    let tallest = bars.iter().flatten().copied().fold(0.0, f64::max);
    let most = curves.iter().map(|curve| curve.latency.count).max().unwrap_or(1);
    let y = axis::linear(tallest).with_headroom(10.0);
    // One message in a hundred thousand is as rare as the eye can follow; fewer messages reach less deep.
    let depth = axis::log_share(most.max(1).ilog10().clamp(2, 5));
    let left = frame::left_room(&y).max(frame::left_room(&depth));
    let (right, top) = (WIDTH - RIGHT_MARGIN, HEADING + 24.0);
    let upper = Panel {
        left,
        right,
        top,
        bottom: top + SHARE_HEIGHT,
        x: x.clone(),
        y,
    };
    let below = upper.bottom + BETWEEN;
    let tail = Panel {
        left,
        right,
        top: below,
        bottom: below + TAIL_HEIGHT,
        x,
        y: depth,
    };
    upper.grid(canvas, "% of messages in each bar", upper.top - 13.0);
    tail.grid(canvas, "share of messages that took longer", tail.top - 13.0);

    for (curve, bars) in curves.iter().zip(&bars) {
        draw_bars(canvas, &upper, curve, bars);
    }
    for curve in curves {
        draw_tail(canvas, &tail, curve);
    }
    for (i, curve) in curves.iter().enumerate() {
        // Success comes after delivery: the last curve has room at its right, the first one at its left.
        let at_right = i + 1 == curves.len();
        name_peak(canvas, &upper, curve, &bars[i], at_right);
        draw_quantiles(canvas, &tail, curve, at_right);
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

/// Per cent of all values in each of `parts` equal parts of `axis`.
fn shares(distribution: &DistributionReport, axis: &Axis, parts: usize) -> Vec<f64> {
    let mut bars = vec![0.0; parts];
    let total = total(distribution);
    let place = |seconds: f64| axis.fraction(axis::decades(nanos(seconds))) * parts as f64;
    for ((&lower, &upper), &count) in distribution
        .lower_seconds
        .iter()
        .zip(&distribution.upper_seconds)
        .zip(&distribution.count)
    {
        let (from, to) = (place(lower), place(upper));
        let share = 100.0 * count as f64 / total.max(1) as f64;
        let (first, last) = ((from as usize).min(parts - 1), (to as usize).min(parts - 1));
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

/// Draws a histogram as an outline over a pale area.
fn draw_bars(canvas: &mut Canvas<'_>, panel: &Panel, curve: &Curve<'_>, bars: &[f64]) {
    let edge = |i: usize| panel.left + (panel.right - panel.left) * i as f64 / bars.len() as f64;
    let first = bars.iter().position(|&v| v > 0.0).unwrap_or(0);
    let last = bars.iter().rposition(|&v| v > 0.0).unwrap_or(0);
    let mut outline = vec![(edge(first), panel.bottom)];
    for (i, &height) in bars.iter().enumerate().take(last + 1).skip(first) {
        outline.extend([(edge(i), panel.py(height)), (edge(i + 1), panel.py(height))]);
    }
    outline.push((edge(last + 1), panel.bottom));
    canvas.area(outline.iter().copied(), curve.colour, 22);
    canvas.path(outline, curve.colour, 1.5);
}

/// Writes the name of a curve above the top of its histogram, to the left or to the right of it.
fn name_peak(canvas: &mut Canvas<'_>, panel: &Panel, curve: &Curve<'_>, bars: &[f64], at_right: bool) {
    let peak = bars
        .iter()
        .enumerate()
        .rev()
        .max_by(|a, b| a.1.total_cmp(b.1))
        .map_or(0, |(i, _)| i);
    let step = (panel.right - panel.left) / bars.len() as f64;
    let (start, end) = (
        panel.left + step * peak as f64,
        panel.left + step * (peak + 1) as f64,
    );
    let wide = text::width(curve.name, LABEL);
    let right = if at_right {
        start + wide < WIDTH - 4.0
    } else {
        end - wide < panel.left
    };
    let (x, anchor) = if right {
        (start, Anchor::Start)
    } else {
        (end, Anchor::End)
    };
    canvas.text(
        curve.name,
        (x, panel.py(bars[peak]) - 9.0),
        anchor,
        LABEL,
        curve.colour.readable(),
    );
}

/// Draws the share of values above each latency.
fn draw_tail(canvas: &mut Canvas<'_>, panel: &Panel, curve: &Curve<'_>) {
    let distribution = &curve.latency.distribution;
    let total = total(distribution);
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

/// All values of a distribution.
fn total(distribution: &DistributionReport) -> u64 {
    distribution
        .count
        .iter()
        .fold(0, |sum: u64, &count| sum.saturating_add(count))
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
        ("p99", curve.p99(), 0.01),
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
        canvas.text(&label, (x, y), anchor, SMALL, curve.colour.readable());
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
        let sum: f64 = shares(&distribution, &axis, 50).iter().sum();
        assert!((sum - 100.0).abs() < 1e-9, "{sum}");
    }
}
