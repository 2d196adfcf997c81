//! A factor whose values are numbers, and an axis for it.

use crate::kernel::math;
use crate::kernel::time::SimDuration;
use crate::report::charts::axis::{Axis, Tick};
use crate::report::charts::comparison::scale;
use crate::report::charts::style::LABEL;
use crate::report::charts::text;
use crate::report::comparison::model::FactorReport;

/// Least distance between two labels below the axis, in pixels.
const APART: f64 = 10.0;

/// A factor whose values have places on an axis.
pub struct Factor<'c> {
    /// Its path.
    pub path: &'c str,
    labels: &'c [String],
    /// By position of the value.
    numbers: Vec<f64>,
    log: bool,
}

impl<'c> Factor<'c> {
    /// None if it has fewer than two values, or not all are different numbers of one unit or durations.
    pub fn of(factor: &'c FactorReport) -> Option<Self> {
        let numbers = numbers(&factor.values)?;
        let (low, high) = scale::extremes(&numbers)?;
        let mut sorted = numbers.clone();
        sorted.sort_by(f64::total_cmp);
        let distinct = sorted.windows(2).all(|pair| pair[0] < pair[1]);
        (distinct && low < high).then(|| Self {
            path: &factor.path,
            labels: &factor.values,
            numbers,
            log: scale::spans_decades(low, high),
        })
    }

    /// Number of its values.
    pub fn count(&self) -> usize {
        self.numbers.len()
    }

    /// Whether its axis is logarithmic.
    pub fn is_log(&self) -> bool {
        self.log
    }

    /// Where a value lies, by its position.
    pub fn at(&self, value: u64) -> Option<f64> {
        let number = *self.numbers.get(value as usize)?;
        Some(if self.log { math::log10(number) } else { number })
    }

    /// An axis of `width` pixels with the values themselves as ticks, as far as there is room for their labels.
    pub fn axis(&self, width: f64) -> Axis {
        let mut ticks: Vec<Tick> = (0_u64..)
            .zip(self.labels)
            .filter_map(|(value, label)| {
                let label = text::fitted(label, LABEL, 90.0);
                Some(Tick {
                    at: self.at(value)?,
                    label,
                })
            })
            .collect();
        ticks.sort_by(|a, b| a.at.total_cmp(&b.at));
        let (low, high) = (
            ticks.first().map_or(0.0, |t| t.at),
            ticks.last().map_or(1.0, |t| t.at),
        );
        let air = (high - low) * 0.03;
        let mut axis = Axis {
            low: low - air,
            high: high + air,
            ticks: Vec::new(),
        };
        let place = |axis: &Axis, tick: &Tick| axis.fraction(tick.at) * width;
        let half = |tick: &Tick| text::width(&tick.label, LABEL) / 2.0;
        // The last one stays: it is the end of what was tried.
        let last = ticks.pop();
        let end = last
            .as_ref()
            .map_or(width, |tick| place(&axis, tick) - half(tick) - APART);
        let mut free = f64::NEG_INFINITY;
        for tick in ticks {
            let (x, half) = (place(&axis, &tick), half(&tick));
            if x - half >= free && x + half <= end {
                free = x + half + APART;
                axis.ticks.push(tick);
            }
        }
        axis.ticks.extend(last);
        axis
    }
}

/// The values as numbers: with one unit for all, or durations.
fn numbers(values: &[String]) -> Option<Vec<f64>> {
    let split = |value: &'_ String| {
        let value = value.trim();
        let end = value
            .find(|c: char| !(c.is_ascii_digit() || "+-.".contains(c)))
            .unwrap_or(value.len());
        let number: f64 = value[..end].parse().ok()?;
        Some((number, value[end..].to_owned()))
    };
    let parts: Option<Vec<(f64, String)>> = values.iter().map(split).collect();
    let alike = |parts: &Vec<(f64, String)>| parts.windows(2).all(|pair| pair[0].1 == pair[1].1);
    // `1h30m` is no number of the unit `h30m`.
    let plain = |parts: &Vec<(f64, String)>| {
        parts
            .iter()
            .all(|part| !part.1.contains(|c: char| c.is_ascii_digit()))
    };
    if let Some(parts) = parts.filter(|parts| alike(parts) && plain(parts)) {
        return Some(parts.into_iter().map(|part| part.0).collect());
    }
    let seconds = |value: &String| Some(value.trim().parse::<SimDuration>().ok()?.as_nanos() as f64 / 1e9);
    values.iter().map(seconds).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[&str], expected: Option<&[f64]>) {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        assert_eq!(numbers(&values).as_deref(), expected, "{values:?}");
    }

    #[test]
    fn numbers_of_one_unit_and_durations_have_places() {
        check(&["1", "16", "2.5"], Some(&[1.0, 16.0, 2.5]));
        check(&["20ms", "160ms"], Some(&[20.0, 160.0]));
        check(&["400/s", "800/s"], Some(&[400.0, 800.0]));
        check(&["250ms", "1s", "1m30s"], Some(&[0.25, 1.0, 90.0]));
    }

    #[test]
    fn words_and_mixtures_have_none() {
        check(&["AVG", "X_STICKY"], None);
        check(&["1", "2s"], None);
        check(&["20ms", "fast"], None);
        check(&["1KiB", "1MiB"], None);
        check(&["", "1"], None);
    }

    #[track_caller]
    fn factor(values: &[&str]) -> FactorReport {
        FactorReport {
            path: "x".to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        }
    }

    #[test]
    fn one_value_or_one_twice_is_no_axis() {
        for values in [&["5"][..], &[], &["5", "5.0"]] {
            assert!(Factor::of(&factor(values)).is_none(), "{values:?}");
        }
    }

    /// Both ends have their labels; decades are logarithmic.
    #[test]
    fn ticks_are_the_values_that_have_room() {
        let values = factor(&["1", "10", "11", "1000"]);
        let found = Factor::of(&values).expect("numbers");
        let labels = |width: f64| -> Vec<String> {
            found
                .axis(width)
                .ticks
                .into_iter()
                .map(|tick| tick.label)
                .collect()
        };
        assert!(found.is_log());
        assert_eq!(labels(700.0), ["1", "10", "1000"]);
        assert_eq!(labels(60.0), ["1", "1000"]);
    }
}
