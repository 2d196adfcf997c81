//! How long messages took: from send to first delivery, and from send to success.
//!
//! Above, the share of messages by latency; below, the share that took longer, on a logarithmic axis that
//! shows the tail. The histogram of the report has bins of unequal width on a logarithmic axis: their counts
//! are spread over equal ones, or the picture would have teeth that the data have not.

use crate::kernel::math;
use crate::report::charts::axis::{self, Axis};
use crate::report::charts::canvas::{Anchor, Canvas, svg};
use crate::report::charts::frame::{self, FOOT, HEADING, Plot};
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
        .map(|(name, latency, colour)| Curve {
            name,
            latency,
            colour,
            bins: bins(&latency.distribution),
        })
        .filter(|curve| !curve.bins.is_empty())
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
    let from = subject.report.run.measured_from_seconds;
    let note = format!(
        "from the producer’s send; messages measured{}: {}",
        from.map_or(String::new(), |from| format!(" from {} on", span(from))),
        counts.collect::<Vec<_>>().join(", ")
    );
    let height = HEADING + 24.0 + SHARE_HEIGHT + BETWEEN + TAIL_HEIGHT + FOOT;
    let svg = svg(WIDTH, height, &title, |canvas| {
        frame::heading(canvas, &title, &note);
        draw_curves(canvas, &curves);
    });
    Drawing::still(title, svg)
}

struct Curve<'r> {
    name: &'static str,
    latency: &'r LatencyReport,
    colour: Colour,
    bins: Vec<Bin>,
}

/// Values between two latencies, as places on the logarithmic axis.
#[derive(Clone, Copy, Debug)]
struct Bin {
    lower: f64,
    upper: f64,
    count: f64,
}

/// The bins that hold something. Few values are put into the middle of their bins: spread out, they would
/// look like many.
fn bins(distribution: &DistributionReport) -> Vec<Bin> {
    let ends = distribution.lower_seconds.iter().zip(&distribution.upper_seconds);
    let place = |seconds: f64| axis::decades(nanos(seconds));
    let bin = |((&lower, &upper), &count): ((&f64, &f64), &u64)| {
        let (lower, upper) = (place(lower), place(upper));
        Bin {
            lower,
            upper: upper.max(lower),
            count: count as f64,
        }
    };
    let mut bins: Vec<Bin> = ends
        .zip(&distribution.count)
        .map(bin)
        .filter(|bin| bin.count > 0.0)
        .collect();
    if total(&bins) < FEW as f64 {
        for bin in &mut bins {
            bin.lower = (bin.lower + bin.upper) / 2.0;
            bin.upper = bin.lower;
        }
    }
    bins
}

/// All values of some bins.
fn total(bins: &[Bin]) -> f64 {
    bins.iter().map(|bin| bin.count).sum()
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
        .map(|curve| shares(&curve.bins, &x, parts))
        .collect();
    let tallest = bars.iter().flatten().copied().fold(0.0, f64::max);
    let most = curves.iter().map(|curve| curve.latency.count).max().unwrap_or(1);
    let y = axis::linear(tallest).with_headroom(10.0);
    // One message in a hundred thousand is as rare as the eye can follow; fewer messages reach less deep.
    let depth = axis::log_share(most.max(1).ilog10().clamp(2, 5));
    let left = frame::left_room(&y).max(frame::left_room(&depth));
    let (right, top) = (WIDTH - RIGHT_MARGIN, HEADING + 24.0);
    let upper = Plot {
        left,
        right,
        top,
        bottom: top + SHARE_HEIGHT,
        x: x.clone(),
        y,
    };
    let below = upper.bottom + BETWEEN;
    let tail = Plot {
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
fn shares(bins: &[Bin], axis: &Axis, parts: usize) -> Vec<f64> {
    let mut bars = vec![0.0; parts];
    let total = total(bins);
    let place = |decades: f64| axis.fraction(decades) * parts as f64;
    for bin in bins {
        let (from, to) = (place(bin.lower), place(bin.upper));
        let share = 100.0 * bin.count / total;
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
fn draw_bars(canvas: &mut Canvas<'_>, panel: &Plot, curve: &Curve<'_>, bars: &[f64]) {
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
fn name_peak(canvas: &mut Canvas<'_>, panel: &Plot, curve: &Curve<'_>, bars: &[f64], at_right: bool) {
    let peak = bars
        .iter()
        .enumerate()
        .rev()
        .max_by(|a, b| a.1.total_cmp(b.1))
        .map_or(0, |(i, _)| i);
    let step = (panel.right - panel.left) / bars.len() as f64;
    let at = (
        panel.left + step * (peak as f64 + 0.5),
        panel.py(bars[peak]) - 9.0,
    );
    let (x, anchor) = beside(panel, at.0, 4.0, text::width(curve.name, LABEL), at_right);
    canvas.text(curve.name, (x, at.1), anchor, LABEL, curve.colour.readable());
}

/// Where a text of the given width stands beside `x`, at a distance of `gap`: on the side that is wished if
/// there is room.
fn beside(panel: &Plot, x: f64, gap: f64, width: f64, at_right: bool) -> (f64, Anchor) {
    let right = if at_right {
        x + gap + width < WIDTH - 4.0
    } else {
        x - gap - width < panel.left
    };
    if right {
        (x + gap, Anchor::Start)
    } else {
        (x - gap, Anchor::End)
    }
}

/// Draws the share of values above each latency.
fn draw_tail(canvas: &mut Canvas<'_>, panel: &Plot, curve: &Curve<'_>) {
    let total = total(&curve.bins);
    let mut left = total;
    let mut points = vec![(panel.left, panel.py(0.0))];
    for bin in &curve.bins {
        points.push(panel.at((bin.lower, log_share(left, total))));
        left -= bin.count;
        points.push(panel.at((bin.upper, log_share(left, total))));
    }
    canvas.path(points, curve.colour, THICK);
}

/// Where a share lies on its logarithmic axis; none at all lies below every axis.
fn log_share(part: f64, total: f64) -> f64 {
    if part > 0.0 {
        math::log10(part / total)
    } else {
        -1e3
    }
}

/// Dots and labels at p50 and p99, at the right of the curve or at its left.
fn draw_quantiles(canvas: &mut Canvas<'_>, panel: &Plot, curve: &Curve<'_>, at_right: bool) {
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
        let (x, anchor) = beside(panel, at.0, 9.0, text::width(&label, SMALL), at_right);
        // Above for the one, below for the other: where both stand on one side they keep apart.
        let y = if at_right { at.1 - 7.0 } else { at.1 + 8.0 };
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

    fn distribution(lower: &[f64], upper: &[f64], count: &[u64]) -> DistributionReport {
        let (lower_seconds, upper_seconds, count) = (lower.to_vec(), upper.to_vec(), count.to_vec());
        DistributionReport {
            lower_seconds,
            upper_seconds,
            count,
        }
    }

    /// Whatever the bins, all values are in the bars: 100 per cent.
    #[test]
    fn bars_hold_every_value_once() {
        for scale in [1, 100] {
            let count = [1, 2, 3, 40, 5].map(|n| n * scale);
            let bins = bins(&distribution(
                &[0.0, 0.001, 0.0011, 0.2, 5.0],
                &[0.0, 0.001, 0.0019, 4.0, 5.0],
                &count,
            ));
            let axis = axis::log_time(0, 5_000_000_000);
            let sum: f64 = shares(&bins, &axis, 50).iter().sum();
            assert!((sum - 100.0).abs() < 1e-9, "{sum}");
        }
    }

    /// A bin that reaches over 1.5 bars gives two thirds of its values to the first: on an axis of one decade
    /// and ten bars, from 10^0 to 10^0.15.
    #[test]
    fn bins_are_spread_evenly_over_the_logarithmic_axis() {
        let axis = Axis {
            low: 0.0,
            high: 1.0,
            ticks: Vec::new(),
        };
        let bars = shares(
            &[Bin {
                lower: 0.0,
                upper: 0.15,
                count: 7.0,
            }],
            &axis,
            10,
        );
        assert!(
            (bars[0] - 200.0 / 3.0).abs() < 1e-9 && (bars[1] - 100.0 / 3.0).abs() < 1e-9,
            "{bars:?}"
        );
    }

    #[test]
    fn few_values_stand_in_the_middle_of_their_bins() {
        let few = bins(&distribution(&[0.1], &[0.2], &[99]))[0];
        assert_eq!(few.lower, few.upper);
        let many = bins(&distribution(&[0.1], &[0.2], &[100]))[0];
        assert!(many.lower < many.upper);
    }
}
