//! Axes of a metric: in its unit, around the numbers that it has, logarithmic where they span decades.

use crate::kernel::math;
use crate::report::charts::axis::{self, Axis, Tick};
use crate::report::charts::text;
use crate::report::comparison::figures;
use crate::report::comparison::model::Unit;

/// Numbers further apart than this factor need a logarithmic axis.
const DECADES: f64 = 100.0;

/// Nothing on an axis is larger, and nothing but 0 is smaller than `LEAST`.
const MOST: f64 = 1e18;
const LEAST: f64 = 1e-12;

/// An axis, and how a number finds its place on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// Its values are those of [`Scale::at`].
    pub axis: Axis,
    /// On a logarithmic one, what a number is multiplied with before its logarithm is taken.
    log: Option<f64>,
}

impl Scale {
    /// A linear one that holds `low` … `high`, with about `ticks` ticks and a little air at both ends.
    pub fn linear(unit: Unit, low: f64, high: f64, ticks: f64) -> Self {
        let (low, high) = apart(low, high);
        let (size, name) = figures::fitting(unit, low.abs().max(high.abs()));
        let (start, end) = (low / size, high / size);
        let air = (end - start) * 0.05;
        // What begins at 0 stands on it.
        let (start, end) = (if low == 0.0 { 0.0 } else { start - air }, end + air);
        let (mantissa, exponent) = axis::step((end - start) / ticks);
        let step = axis::scaled(mantissa, exponent);
        let decimals = exponent.min(0).unsigned_abs() as usize;
        let (first, last) = ((start / step).ceil() as i64, (end / step).floor() as i64);
        let tick = |rank: i64| {
            let value = rank as f64 * step;
            Tick {
                at: value * size,
                label: label(value, decimals, name),
            }
        };
        Self {
            axis: Axis {
                low: start * size,
                high: end * size,
                ticks: (first..=last).take(2 * ticks as usize + 2).map(tick).collect(),
            },
            log: None,
        }
    }

    /// One that holds `means` and the `ends` of their intervals and, unless all are close together, 0; logarithmic if
    /// the means are positive and span decades. An interval that reaches down to 0 is cut there.
    pub fn of(unit: Unit, means: &[f64], ends: &[f64], ticks: f64) -> Self {
        let all: Vec<f64> = means.iter().chain(ends).copied().collect();
        let (Some((least, most)), Some((low, high))) = (extremes(means), extremes(&all)) else {
            return Self::linear(unit, 0.0, 1.0, ticks);
        };
        if spans_decades(least, most) && unit != Unit::Bytes {
            return Self::log(unit, low.max(least / 2.0), high);
        }
        // Where all is in the upper part of the height, the axis begins elsewhere: points, unlike bars, bear that.
        let close = (high - low).abs() < 0.6 * high.abs().max(low.abs());
        match close {
            true => Self::linear(unit, low, high, ticks),
            false => Self::linear(unit, low.min(0.0), high.max(0.0), ticks),
        }
    }

    fn log(unit: Unit, low: f64, high: f64) -> Self {
        if unit == Unit::Seconds {
            let nanos = |seconds: f64| (seconds * 1e9) as u64;
            return Self {
                axis: axis::log_time(nanos(low), nanos(high)),
                log: Some(1e9),
            };
        }
        let (low, high) = (math::log10(low) - 0.1, math::log10(high) + 0.1);
        let stride = ((high - low) / 8.0).ceil().max(1.0) as i32;
        let tick = |k: i32| Tick {
            at: f64::from(k),
            label: axis::plain(1, k),
        };
        // Beyond these, a power of ten has no name.
        let (first, last) = (
            low.ceil().clamp(-12.0, 18.0) as i32,
            high.floor().clamp(-12.0, 18.0) as i32,
        );
        Self {
            axis: Axis {
                low,
                high,
                ticks: (first..=last).step_by(stride as usize).map(tick).collect(),
            },
            log: Some(1.0),
        }
    }

    /// Where a number lies, in values of the axis.
    pub fn at(&self, value: f64) -> f64 {
        match self.log {
            Some(factor) if value > 0.0 => math::log10(value * factor),
            Some(_) => self.axis.low,
            None => value,
        }
    }

    /// Whether it is logarithmic.
    pub fn is_log(&self) -> bool {
        self.log.is_some()
    }
}

/// Lowest and highest of the finite among `values`, cut to what an axis can bear.
pub fn extremes(values: &[f64]) -> Option<(f64, f64)> {
    let known = values
        .iter()
        .filter(|value| value.is_finite())
        .map(|value| value.clamp(-MOST, MOST));
    known.fold(None, |ends: Option<(f64, f64)>, v| {
        let (low, high) = ends.unwrap_or((v, v));
        Some((low.min(v), high.max(v)))
    })
}

/// Whether only a logarithmic axis shows both ends.
pub fn spans_decades(low: f64, high: f64) -> bool {
    low > 0.0 && high / low > DECADES
}

/// Two ends with room between them.
fn apart(low: f64, high: f64) -> (f64, f64) {
    let size = low.abs().max(high.abs());
    if size < LEAST {
        return (0.0, 1.0);
    }
    if high - low > size * 1e-6 {
        (low, high)
    } else {
        (low - 0.1 * size, high + 0.1 * size)
    }
}

/// A tick: `20 ms`, `−5`, `12 000`; 0 needs no unit.
fn label(value: f64, decimals: usize, unit: &str) -> String {
    let magnitude = format!("{:.decimals$}", value.abs());
    if !magnitude.chars().any(|c| ('1'..='9').contains(&c)) {
        return "0".to_owned();
    }
    let (whole, rest) = magnitude.split_once('.').unwrap_or((&magnitude, ""));
    let whole = whole.parse().map_or(whole.to_owned(), text::grouped);
    let rest = rest.trim_end_matches('0');
    let sign = if value < 0.0 { "−" } else { "" };
    let point = if rest.is_empty() { "" } else { "." };
    let space = if unit.is_empty() { "" } else { " " };
    format!("{sign}{whole}{point}{rest}{space}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(scale: &Scale, labels: &[&str]) {
        let found: Vec<&str> = scale.axis.ticks.iter().map(|t| t.label.as_str()).collect();
        assert_eq!(found, labels);
        let (low, high) = (scale.axis.low, scale.axis.high);
        assert!(
            low < high && scale.axis.ticks.iter().all(|t| low <= t.at && t.at <= high),
            "{scale:?}"
        );
    }

    #[test]
    fn ticks_are_round_in_the_unit_that_fits() {
        check(
            &Scale::linear(Unit::Seconds, 0.0524, 0.0731, 5.0),
            &["55 ms", "60 ms", "65 ms", "70 ms"],
        );
        check(
            &Scale::linear(Unit::Seconds, 0.0, 600.0, 4.0),
            &["0", "5 min", "10 min"],
        );
        check(
            &Scale::linear(Unit::Count, 402.1, 402.6, 3.0),
            &["402.2", "402.4", "402.6"],
        );
        check(&Scale::linear(Unit::Count, -20.0, 4.0, 4.0), &["−20", "−10", "0"]);
        check(
            &Scale::linear(Unit::Bytes, 0.0, 3e6, 4.0),
            &["0", "1 MiB", "2 MiB", "3 MiB"],
        );
    }

    #[test]
    fn nothing_is_cut_off_unless_all_is_close_together() {
        check(
            &Scale::of(Unit::Count, &[150.0, 400.0], &[], 4.0),
            &["0", "200", "400"],
        );
        check(&Scale::of(Unit::Ratio, &[1.0, 2.0], &[], 4.0), &["1", "1.5", "2"]);
        check(
            &Scale::of(Unit::Count, &[400.0, 410.0], &[], 4.0),
            &["400", "405", "410"],
        );
        check(&Scale::of(Unit::Count, &[-3.0, 5.0], &[], 4.0), &["0", "5"]);
    }

    #[test]
    fn decades_are_logarithmic() {
        let scale = Scale::of(Unit::Seconds, &[0.061, 1152.0], &[], 5.0);
        check(&scale, &["100 ms", "1 s", "10 s", "100 s", "1000 s"]);
        assert!(scale.is_log() && (scale.at(1.0) - 9.0).abs() < 1e-9);
        assert_eq!(scale.at(0.0), scale.axis.low, "0 lies at the edge");
        check(
            &Scale::of(Unit::Count, &[0.5, 4000.0], &[], 5.0),
            &["1", "10", "100", "1000"],
        );
        let reaching_down = Scale::of(Unit::Count, &[0.5, 4000.0], &[-10.0, 4100.0], 5.0);
        check(&reaching_down, &["1", "10", "100", "1000"]);
        assert!(
            !Scale::of(Unit::Count, &[0.0, 4000.0], &[], 5.0).is_log(),
            "0 has no logarithm"
        );
    }

    #[test]
    fn nothing_and_nonsense_get_an_axis_too() {
        let sizes = [
            0.0,
            1.0,
            -1.0,
            1e-300,
            1e300,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MAX,
            5e17,
        ];
        for low in sizes {
            for high in sizes {
                for unit in [Unit::Seconds, Unit::Bytes, Unit::Ratio, Unit::Count] {
                    let Axis { low, high, ticks } = Scale::of(unit, &[low], &[high], 5.0).axis;
                    assert!(low < high && low.is_finite() && high.is_finite(), "{low} {high}");
                    assert!(
                        ticks.len() < 25 && ticks.windows(2).all(|w| w[0].at < w[1].at),
                        "{ticks:?}"
                    );
                }
            }
        }
    }
}
