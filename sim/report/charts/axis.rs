//! Axes: where the ticks go and what they say.
//!
//! An axis maps a range of values to a range of pixels and carries its ticks. Steps are what people count in:
//! 1, 2, 5 and their tens for numbers; 1, 2, 5, 10, 15, 30 seconds and minutes, 1, 2, 3, 6, 12 hours, days for
//! time. Ticks are found with integers and exact divisions, never with a logarithm; a logarithmic axis is a
//! linear one over decades, fed with values that [`decades`] has logged by the portable maths.

use crate::kernel::math;
use crate::report::charts::text;

/// A mark on an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Where, in values of the axis.
    pub at: f64,
    /// What stands there.
    pub label: String,
}

/// A range of values with its ticks.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The value at its start.
    pub low: f64,
    /// The value at its end; above `low`.
    pub high: f64,
    /// Its ticks, rising, all within the range.
    pub ticks: Vec<Tick>,
}

impl Axis {
    /// How far along the axis `value` lies: 0 at its start, 1 at its end, cut to that range.
    pub fn fraction(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// The same axis, `percent` longer at its high end: room for a label on the highest mark.
    pub fn with_headroom(mut self, percent: f64) -> Self {
        self.high += (self.high - self.low) * percent / 100.0;
        self
    }
}

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Steps of a time axis above a second, in nanoseconds.
const LONG_STEPS: [u64; 24] = [
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    5 * DAY,
    10 * DAY,
    20 * DAY,
    50 * DAY,
    100 * DAY,
];

/// The axis of a run that lasts `end` nanoseconds, with at most `ticks_max` ticks. Its values are seconds.
pub fn time(end: u64, ticks_max: u64) -> Axis {
    let end = end.max(1);
    let short = (0..9).flat_map(|k| [1, 2, 5].map(|m| m * 10_u64.pow(k)));
    let fits = |step: &u64| end / step < ticks_max.max(2);
    let step = short
        .chain(LONG_STEPS)
        .find(fits)
        .unwrap_or_else(|| (end / ticks_max.max(2)).max(DAY));
    let ticks = (0..=end / step)
        .map(|i| Tick {
            at: seconds(i * step),
            label: text::tick(i * step),
        })
        .collect();
    Axis {
        low: 0.0,
        high: seconds(end),
        ticks,
    }
}

/// An axis of counts or rates from 0 to a little above `max`, with about five ticks.
///
/// An axis that has nothing to show ends at 1.
pub fn linear(max: f64) -> Axis {
    let max = if max.is_finite() && max > 0.0 {
        max.clamp(1e-9, 1e18)
    } else {
        1.0
    };
    let (mantissa, exponent) = step(max / 5.0);
    let value = |i: u64| scaled(i * mantissa, exponent);
    // Six per cent of air above the highest point: a line that runs along the frame cannot be seen.
    let high = max * 1.06;
    let ticks = (0..)
        .map(|i| Tick {
            at: value(i),
            label: plain(i * mantissa, exponent),
        })
        .take_while(|tick| tick.at <= high)
        .collect();
    Axis {
        low: 0.0,
        high,
        ticks,
    }
}

/// Like [`linear`], for things that come whole: no tick between two integers.
pub fn whole(max: u64) -> Axis {
    let mut axis = linear(max.max(1) as f64);
    axis.ticks.retain(|tick| tick.at.fract() == 0.0);
    axis
}

/// A logarithmic axis of durations that holds `low` and `high` (nanoseconds). Its values are [`decades`].
///
/// Its ends are 1, 2 or 5 × 10ᵏ; so are its ticks over less than two and a half decades, powers of ten beyond.
pub fn log_time(low: u64, high: u64) -> Axis {
    let marks: Vec<u64> = (0..19)
        .flat_map(|k| [1, 2, 5].map(|m| m * 10_u64.pow(k)))
        .collect();
    let last = marks.len() - 1;
    let start = marks.partition_point(|&mark| mark <= low.max(1)) - 1;
    let end = marks.partition_point(|&mark| mark < high).clamp(start + 1, last);
    let start = start.min(end - 1);
    let fine = end - start <= 7;
    let ticks = marks[start..=end]
        .iter()
        .filter(|&&mark| fine || is_power_of_ten(mark))
        .map(|&mark| Tick {
            at: decades(mark),
            label: time_mark(mark),
        })
        .collect();
    Axis {
        low: decades(marks[start]),
        high: decades(marks[end]),
        ticks,
    }
}

/// A logarithmic axis of counts from just below 1 to a little above `max`. Its values are [`decades`]; 0 has
/// no place on it.
pub fn log_count(max: u64) -> Axis {
    let max = max.max(1);
    let top = decades(max);
    // At most eight or so: nineteen powers of ten would stand on each other.
    let stride = max.ilog10() / 8 + 1;
    let ticks = (0..=max.ilog10())
        .step_by(stride as usize)
        .map(|k| Tick {
            at: f64::from(k),
            label: plain(1, k as i32),
        })
        .collect();
    Axis {
        low: -0.3,
        high: top + 0.25,
        ticks,
    }
}

/// A logarithmic axis of shares, from 10⁻ᵈᵉᶜᵃᵈᵉˢ to 1. Its values are decimal logarithms of the share.
pub fn log_share(decades_below: u32) -> Axis {
    let label = |k: u32| match k {
        0 => "100 %".to_owned(),
        1 => "10 %".to_owned(),
        2 => "1 %".to_owned(),
        k => format!("0.{}1 %", "0".repeat(k as usize - 3)),
    };
    let ticks = (0..=decades_below)
        .rev()
        .map(|k| Tick {
            at: -f64::from(k),
            label: label(k),
        })
        .collect();
    Axis {
        low: -f64::from(decades_below),
        high: 0.0,
        ticks,
    }
}

/// The place of `n` on a logarithmic axis: its decimal logarithm; that of 0 is taken as that of 1.
pub fn decades(n: u64) -> f64 {
    math::log10(n.max(1) as f64)
}

/// Nanoseconds as seconds.
pub fn seconds(nanos: u64) -> f64 {
    nanos as f64 / SECOND as f64
}

/// The least 1, 2 or 5 × 10ᵏ that is at least `v`, as (1 | 2 | 5, k).
pub(super) fn step(v: f64) -> (u64, i32) {
    (-10..19)
        .flat_map(|k| [1, 2, 5].map(|m| (m, k)))
        .find(|&(m, k)| scaled(m, k) >= v)
        .unwrap_or((1, 19))
}

/// `m` × 10ᵏ, rounded once.
pub(super) fn scaled(m: u64, k: i32) -> f64 {
    let power = 10_u64.pow(k.unsigned_abs()) as f64;
    if k < 0 { m as f64 / power } else { m as f64 * power }
}

/// `m` × 10ᵏ in words: `0.25`, `12 000`, `1.5 M`, `3 G`.
pub(super) fn plain(m: u64, k: i32) -> String {
    if m == 0 {
        return "0".to_owned();
    }
    if k < 0 {
        return fraction(m, k.unsigned_abs());
    }
    let value = u128::from(m) * 10_u128.pow(k as u32);
    for (name, digits) in [("E", 18), ("P", 15), ("T", 12), ("G", 9), ("M", 6)] {
        if value >= 10_u128.pow(digits) {
            // Ticks have few digits that count, so the cut loses none: 1 500 000 is 15 × 10⁵ is 1.5 M.
            return format!("{} {name}", fraction((value / 10_u128.pow(digits - 3)) as u64, 3));
        }
    }
    text::grouped(value as u64)
}

/// `m` / 10ᵏ, written out without idle zeros.
fn fraction(m: u64, k: u32) -> String {
    let unit = 10_u64.pow(k);
    let digits = format!("{:0width$}", m % unit, width = k as usize);
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        format!("{}", m / unit)
    } else {
        format!("{}.{digits}", m / unit)
    }
}

fn is_power_of_ten(n: u64) -> bool {
    n == 10_u64.pow(n.ilog10())
}

/// A round number of nanoseconds in one unit: `2 µs`, `10 ms`, `500 s`. Minutes do not fit into decades, so
/// seconds go on.
fn time_mark(nanos: u64) -> String {
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => format!("{} µs", nanos / 1_000),
        1_000_000..SECOND => format!("{} ms", nanos / 1_000_000),
        _ => format!("{} s", text::grouped(nanos / SECOND)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(axis: &Axis, labels: &[&str]) {
        let found: Vec<&str> = axis.ticks.iter().map(|t| t.label.as_str()).collect();
        assert_eq!(found, labels);
        assert!(axis.high > axis.low);
        assert!(
            axis.ticks.iter().all(|t| axis.low <= t.at && t.at <= axis.high),
            "{axis:?}"
        );
    }

    #[test]
    fn time_ticks_are_human_units() {
        check(&time(5 * MINUTE, 8), &["0", "1 m", "2 m", "3 m", "4 m", "5 m"]);
        check(
            &time(15 * MINUTE, 9),
            &["0", "2 m", "4 m", "6 m", "8 m", "10 m", "12 m", "14 m"],
        );
        check(&time(2 * MINUTE, 6), &["0", "30 s", "1 m", "1 m 30 s", "2 m"]);
        check(&time(5 * HOUR, 8), &["0", "1 h", "2 h", "3 h", "4 h", "5 h"]);
        check(&time(3 * DAY, 5), &["0", "1 d", "2 d", "3 d"]);
        check(&time(40_000_000, 6), &["0", "10 ms", "20 ms", "30 ms", "40 ms"]);
    }

    #[test]
    fn no_run_is_too_short_or_too_long_for_its_axis() {
        for end in [0, 1, 7, 999, MINUTE - 1, 292 * 365 * DAY, u64::MAX] {
            let axis = time(end, 8);
            assert!((1..=9).contains(&axis.ticks.len()), "{end} {axis:?}");
            assert!(axis.high.is_finite() && axis.high > 0.0);
        }
    }

    #[test]
    fn number_ticks_are_round() {
        check(&linear(12_040.0), &["0", "5000", "10\u{2009}000"]);
        check(&linear(1.0), &["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        check(&linear(0.03), &["0", "0.01", "0.02", "0.03"]);
        check(&linear(7_500_000.0), &["0", "2 M", "4 M", "6 M"]);
        check(&linear(1e15), &["0", "200 T", "400 T", "600 T", "800 T", "1 P"]);
    }

    /// A lag of 1 message is 0 or 1, not 0.2.
    #[test]
    fn whole_things_have_whole_ticks() {
        check(&whole(1), &["0", "1"]);
        check(&whole(3), &["0", "1", "2", "3"]);
        check(&whole(0), &["0", "1"]);
    }

    #[test]
    fn nothing_and_nonsense_get_an_axis_too() {
        for max in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::MAX, 1e-300] {
            let axis = linear(max);
            assert!(axis.high.is_finite() && axis.high > 0.0, "{max}");
            assert!((2..9).contains(&axis.ticks.len()), "{max} {axis:?}");
        }
    }

    #[test]
    fn logarithmic_time_goes_by_decades() {
        check(&log_time(3_000_000, 2_000_000_000), &["10 ms", "100 ms", "1 s"]);
        check(
            &log_time(1_000_000, 1_000_000_000),
            &["1 ms", "10 ms", "100 ms", "1 s"],
        );
        check(
            &log_time(HOUR, DAY),
            &[
                "2000 s",
                "5000 s",
                "10\u{2009}000 s",
                "20\u{2009}000 s",
                "50\u{2009}000 s",
                "100\u{2009}000 s",
            ],
        );
    }

    /// Both ends of what is measured lie on the axis, however close together.
    #[test]
    fn logarithmic_time_holds_its_range() {
        check(&log_time(61_000_000, 62_000_000), &["50 ms", "100 ms"]);
        check(&log_time(5, 5), &["5 ns", "10 ns"]);
        for (low, high) in [
            (0, 0),
            (1, 1),
            (u64::MAX / 4, u64::MAX / 2),
            (0, u64::MAX),
            (7, 3),
        ] {
            let axis = log_time(low, high);
            assert!(
                axis.low < axis.high && axis.ticks.len() > 1,
                "{low} {high} {axis:?}"
            );
        }
    }

    #[test]
    fn logarithmic_counts_and_shares_have_their_powers_of_ten() {
        check(&log_count(12_040), &["1", "10", "100", "1000", "10\u{2009}000"]);
        check(
            &log_count(10_u64.pow(18)),
            &["1", "1000", "1 M", "1 G", "1 T", "1 P", "1 E"],
        );
        check(&log_share(4), &["0.01 %", "0.1 %", "1 %", "10 %", "100 %"]);
    }

    #[test]
    fn decades_of_powers_of_ten_are_whole() {
        for k in 0..19 {
            assert!((decades(10_u64.pow(k)) - f64::from(k)).abs() < 1e-12);
        }
    }
}
