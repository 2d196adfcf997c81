//! How a number of a comparison reads: as many digits as its interval bears, units that fit, a true minus.
//!
//! Half-widths have one significant digit, or two if the first is a 1; the number beside them ends at the same
//! place. Thousands are grouped by thin spaces, as in charts. Nothing here reads as `-0`.
//!
//! Source: Taylor, "An Introduction to Error Analysis", 2nd edition, rules 2.5 and 2.9 and the exception to them.

use super::model::Unit;
use crate::report::charts::text::grouped;
use std::fmt;

/// What stands for a number that is not there.
pub const NOTHING: &str = "–";
/// From this factor on a change reads as `×3.4`: hundreds of per cent are hard to imagine.
const FACTOR: f64 = 3.0;
/// Digits of a number at most, however narrow its interval; beyond, the number stands alone.
const DIGITS: i32 = 7;
/// The same of a share.
const SHARE_DIGITS: i32 = 4;
/// A unit serves a set of numbers if the largest is less than this in it.
const LARGEST: f64 = 10_000.0;

/// A number and what follows it, apart so that a column of them can be aligned: `61.2`, `± 0.3 ms`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figure {
    /// With its sign, if it has one.
    pub number: String,
    /// Half-width and unit; may be empty.
    pub rest: String,
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rest.is_empty() {
            true => f.write_str(&self.number),
            false => write!(f, "{} {}", self.number, self.rest),
        }
    }
}

/// `61.2 ms`, `12 040`, `1.5 MiB`: three digits that count below 1000, whole numbers above.
pub fn value(v: f64, unit: Unit) -> String {
    Scale::of(unit, [v]).value(v).to_string()
}

/// `61.2 ± 0.3 ms`; without a half-width as [`value`].
pub fn estimate(mean: f64, half_width: Option<f64>, unit: Unit) -> String {
    let all = [mean, half_width.unwrap_or(0.0)];
    Scale::of(unit, largest(all))
        .estimate(mean, half_width)
        .to_string()
}

/// `+0.4 ± 0.1 ms`, `−12`; 0 has no sign.
pub fn difference(mean: f64, half_width: Option<f64>, unit: Unit) -> String {
    let all = [mean, half_width.unwrap_or(0.0)];
    Scale::of(unit, largest(all))
        .difference(mean, half_width)
        .to_string()
}

/// A difference as a share of the baseline: `−31 % ± 2 %`, `×3.4 ± 0.2` from three times as much on.
pub fn relative(relative: f64, half_width: Option<f64>) -> String {
    relative_parts(relative, half_width).to_string()
}

/// As [`relative`], for a column.
pub fn relative_parts(relative: f64, half_width: Option<f64>) -> Figure {
    let half_width = half_width.filter(|half| shown(relative, *half));
    let times = 1.0 + relative;
    if times >= FACTOR {
        let (size, prefix) = fitting(Unit::Count, times);
        let (number, half) = rounded_alike(times / size, half_width.map(|half| half / size), 2, SHARE_DIGITS);
        return figure(format!("×{number}"), half, "", prefix);
    }
    let (number, half) = rounded_alike(
        relative * 100.0,
        half_width.map(|half| half * 100.0),
        2,
        SHARE_DIGITS,
    );
    figure(signed(relative, number) + " %", half, " %", "")
}

/// The size of a relative difference: `31 % ± 2 %`, for sentences that say which way.
pub fn share(relative: f64, half_width: Option<f64>) -> String {
    let half_width = half_width.filter(|half| shown(relative, *half));
    let (number, half) = rounded_alike(
        relative * 100.0,
        half_width.map(|half| half * 100.0),
        2,
        SHARE_DIGITS,
    );
    figure(number + " %", half, " %", "").to_string()
}

/// A share as per cent: `95 %`, `1.8 %`.
pub fn percent(share: f64) -> String {
    format!("{} %", alone(share * 100.0, 2))
}

/// A factor with two digits that count: `×31`, `×0.87`.
pub fn factor(factor: f64) -> String {
    format!("×{}", alone(factor, 2))
}

/// Hedges' g: `0.83`, `−7.4`, `12`. What is below a hundredth of a deviation is nothing.
pub fn effect(g: f64) -> String {
    if !g.is_finite() {
        return NOTHING.to_owned();
    }
    let decimals = match g.abs() {
        size if size < 0.995 => 2,
        size if size < 9.95 => 1,
        _ => 0,
    };
    signed_if_negative(g, fixed(g, decimals))
}

/// A probability as it stands in a table: `< 0.001`, `0.012`, `0.34`, `1`.
///
/// Rounding never lifts one to a usual threshold (0.1, 0.05, 0.01) that it is below.
pub fn probability(p: f64) -> String {
    if !p.is_finite() {
        return NOTHING.to_owned();
    }
    if p < 0.001 {
        return "< 0.001".to_owned();
    }
    if p >= 0.995 {
        return "1".to_owned();
    }
    let honest = |text: &String| {
        let rounded: f64 = text.parse().unwrap_or(p);
        ![0.1, 0.05, 0.01].iter().any(|&at| p < at && rounded >= at)
    };
    let fewest = if p < 0.0995 { 3 } else { 2 };
    (fewest..=8)
        .map(|decimals| format!("{p:.decimals$}"))
        .find(honest)
        .unwrap_or_else(|| p.to_string())
}

/// `p < 0.001`, `p = 0.012`.
pub fn p_value(p: f64) -> String {
    let text = probability(p);
    match text.starts_with('<') {
        true => format!("p {text}"),
        false => format!("p = {text}"),
    }
}

/// The unit in which a set of numbers is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    unit: Unit,
    /// Size and name of the one for all; without one, each number has its own.
    common: Option<(f64, &'static str)>,
}

impl Scale {
    /// The unit in which the smallest of `values` reads best, if the largest still reads well in it; else none for all.
    pub fn of(unit: Unit, values: impl IntoIterator<Item = f64>) -> Self {
        let sizes = values
            .into_iter()
            .map(f64::abs)
            .filter(|v| v.is_finite() && *v > 0.0);
        let ends = sizes.fold(None, |ends: Option<(f64, f64)>, v| {
            let (low, high) = ends.unwrap_or((v, v));
            Some((low.min(v), high.max(v)))
        });
        let (low, high) = ends.unwrap_or((0.0, 0.0));
        let small = fitting(unit, low);
        let serves = high < LARGEST * small.0 || fitting(unit, high) == small;
        Self {
            unit,
            common: serves.then_some(small),
        }
    }

    /// Name of the unit that all its numbers have, `ms`; empty if they have none, or each its own.
    pub fn name(&self) -> &'static str {
        self.common.map_or("", |(_, name)| name)
    }

    /// The same without the name of the common unit, for a column that has it in its head.
    pub fn without_name(&self) -> Self {
        Self {
            common: self.common.map(|(size, _)| (size, "")),
            ..*self
        }
    }

    /// A number without an interval.
    pub fn value(&self, v: f64) -> Figure {
        self.figure(v, None, signed_if_negative)
    }

    /// A number with the half of its interval; `None`, or so narrow that it cannot be seen: the number alone.
    pub fn estimate(&self, mean: f64, half_width: Option<f64>) -> Figure {
        self.figure(mean, half_width, signed_if_negative)
    }

    /// As [`Self::estimate`], with a sign.
    pub fn difference(&self, mean: f64, half_width: Option<f64>) -> Figure {
        self.figure(mean, half_width, signed)
    }

    fn figure(&self, v: f64, half_width: Option<f64>, sign: fn(f64, String) -> String) -> Figure {
        let half_width = half_width.filter(|half| shown(v, *half));
        let most = v.abs().max(half_width.unwrap_or(0.0));
        let (size, name) = self.common.unwrap_or_else(|| fitting(self.unit, most));
        let (number, half) = rounded_alike(v / size, half_width.map(|half| half / size), 3, DIGITS);
        figure(sign(v, number), half, "", name)
    }
}

/// The unit for a number of this size, and how much of the base unit it is.
pub fn fitting(unit: Unit, v: f64) -> (f64, &'static str) {
    // Minutes, hours and days only from two on: 61.2 ± 0.3 s loses by becoming 1.020 ± 0.005 min.
    const SECONDS: [(f64, f64, &str); 7] = [
        (172_800.0, 86_400.0, "d"),
        (7_200.0, 3_600.0, "h"),
        (120.0, 60.0, "min"),
        (1.0, 1.0, "s"),
        (1e-3, 1e-3, "ms"),
        (1e-6, 1e-6, "µs"),
        (1e-9, 1e-9, "ns"),
    ];
    const BYTES: [(f64, f64, &str); 7] = [
        (1_152_921_504_606_846_976.0, 1_152_921_504_606_846_976.0, "EiB"),
        (1_125_899_906_842_624.0, 1_125_899_906_842_624.0, "PiB"),
        (1_099_511_627_776.0, 1_099_511_627_776.0, "TiB"),
        (1_073_741_824.0, 1_073_741_824.0, "GiB"),
        (1_048_576.0, 1_048_576.0, "MiB"),
        (1024.0, 1024.0, "KiB"),
        (1.0, 1.0, "B"),
    ];
    const COUNTS: [(f64, f64, &str); 6] = [
        (1e18, 1e18, "E"),
        (1e15, 1e15, "P"),
        (1e12, 1e12, "T"),
        (1e9, 1e9, "G"),
        (1e7, 1e6, "M"),
        (0.0, 1.0, ""),
    ];
    let units: &[(f64, f64, &str)] = match unit {
        Unit::Seconds => &SECONDS,
        Unit::Bytes => &BYTES,
        Unit::Count => &COUNTS,
        Unit::Ratio => &[(0.0, 1.0, "")],
    };
    if v == 0.0 {
        let one = units.iter().find(|(_, size, _)| *size == 1.0);
        return one.map_or((1.0, ""), |&(_, size, name)| (size, name));
    }
    // 999.6 ms is 1 s: choose the unit after rounding to three digits.
    let fits = |from: f64| v >= from * 0.9995;
    let found = units.iter().find(|(from, _, _)| fits(*from)).or(units.last());
    found.map_or((1.0, ""), |&(_, size, name)| (size, name))
}

/// The larger of a number and its half-width: what the unit is chosen by.
fn largest(of: [f64; 2]) -> [f64; 1] {
    [of[0].abs().max(of[1].abs())]
}

/// Whether a half-width is wide enough to be seen beside its number.
fn shown(v: f64, half_width: f64) -> bool {
    half_width.is_finite() && half_width > v.abs() * 1e-9
}

fn figure(number: String, half: Option<String>, half_unit: &str, unit: &str) -> Figure {
    let spread = half.map(|half| format!("± {half}{half_unit}"));
    let parts = [spread.as_deref().unwrap_or(""), unit];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Figure {
        number,
        rest: parts.join(" "),
    }
}

/// The sign belongs to the text: what was rounded to 0 has none.
fn signed(v: f64, magnitude: String) -> String {
    match magnitude.chars().any(|c| ('1'..='9').contains(&c)) {
        true if v > 0.0 => format!("+{magnitude}"),
        true if v < 0.0 => format!("−{magnitude}"),
        _ => magnitude,
    }
}

fn signed_if_negative(v: f64, magnitude: String) -> String {
    match v < 0.0 {
        true => signed(v, magnitude),
        false => magnitude,
    }
}

/// The magnitudes of a number and of its half-width, which says where both end. Where that is nowhere among the `most`
/// digits that anybody reads, the number stands alone, with `digits`.
fn rounded_alike(v: f64, half_width: Option<f64>, digits: i32, most: i32) -> (String, Option<String>) {
    let Some(half) = half_width.filter(|half| v.is_finite() && half.is_finite()) else {
        return (alone(v, digits), None);
    };
    let (leading, exponent) = decimal(half);
    let decimals = i32::from(leading < 195) - exponent;
    if decimals > 0 && decimals + decimal(v).1 >= most {
        return (alone(v, digits), None);
    }
    (fixed(v, decimals), Some(fixed(half, decimals)))
}

/// The magnitude of a number without an interval: whole if it is whole, else with `digits` that count.
fn alone(v: f64, digits: i32) -> String {
    let magnitude = v.abs();
    if !v.is_finite() {
        return "?".to_owned();
    }
    if magnitude.fract() == 0.0 && magnitude < 1e7 {
        return grouped(magnitude as u64);
    }
    let (_, exponent) = decimal(magnitude);
    let decimals = (digits - 1 - exponent).max(0);
    match fixed(magnitude, decimals) {
        text if text.contains('.') => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        text => text,
    }
}

/// The first three digits of a magnitude and the power of ten of the first: 0.0352 is (352, −2).
fn decimal(v: f64) -> (u32, i32) {
    let text = format!("{:.2e}", v.abs());
    let (digits, exponent) = text.split_once('e').unwrap_or(("0", "0"));
    let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
    (digits.parse().unwrap_or(0), exponent.parse().unwrap_or(0))
}

/// A magnitude with so many decimals; with fewer than none, rounded to tens, hundreds, ….
fn fixed(v: f64, decimals: i32) -> String {
    let magnitude = v.abs();
    if let Ok(decimals) = usize::try_from(decimals) {
        let text = format!("{magnitude:.decimals$}");
        let (whole, rest) = text.split_once('.').map_or((text.as_str(), ""), |parts| parts);
        let whole = whole.parse().map_or(whole.to_owned(), grouped);
        return match rest.is_empty() {
            true => whole,
            false => format!("{whole}.{rest}"),
        };
    }
    let step = 10_u64.saturating_pow(decimals.unsigned_abs());
    let steps = (magnitude / step as f64).round() as u64;
    grouped(steps.saturating_mul(step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Thin spaces are hard to read in a test.
    fn plain(text: &str) -> String {
        text.replace('\u{2009}', " ")
    }

    #[test]
    fn a_half_width_says_where_its_number_ends() {
        for (mean, half, unit, text) in [
            (0.0612, 0.000_3, Unit::Seconds, "61.2 ± 0.3 ms"),
            (0.06123, 0.000_12, Unit::Seconds, "61.23 ± 0.12 ms"),
            (0.06123, 0.000_194, Unit::Seconds, "61.23 ± 0.19 ms"),
            (0.06123, 0.000_196, Unit::Seconds, "61.2 ± 0.2 ms"),
            (0.06123, 0.000_962, Unit::Seconds, "61.2 ± 1.0 ms"),
            (12_041.6, 88.0, Unit::Count, "12 040 ± 90"),
            (12_041.6, 1_234.0, Unit::Count, "12 000 ± 1200"),
            (3.0, 0.0, Unit::Count, "3"),
            (0.0, 0.0, Unit::Seconds, "0 s"),
            (0.0, 0.004, Unit::Seconds, "0 ± 4 ms"),
            (0.0004, 0.0021, Unit::Ratio, "0.000 ± 0.002"),
            (1.4, 0.02, Unit::Ratio, "1.40 ± 0.02"),
            (1.4, 0.012, Unit::Ratio, "1.400 ± 0.012"),
            (600.0, 30.0, Unit::Seconds, "10.0 ± 0.5 min"),
            (119.0, 1.0, Unit::Seconds, "119.0 ± 1.0 s"),
            (3e6, 2e5, Unit::Bytes, "2.86 ± 0.19 MiB"),
            (12_345_678.0, 1_234.0, Unit::Count, "12.3457 ± 0.0012 M"),
            (12_115.831, 0.11, Unit::Count, "12 115.83 ± 0.11"),
            (37.119_56, 0.000_000_4, Unit::Seconds, "37.1 s"),
            (181.1196, 1e-6, Unit::Seconds, "3.02 min"),
        ] {
            assert_eq!(plain(&estimate(mean, Some(half), unit)), text);
        }
    }

    #[test]
    fn a_number_alone_has_three_digits() {
        for (v, unit, text) in [
            (0.061_234, Unit::Seconds, "61.2 ms"),
            (0.25, Unit::Seconds, "250 ms"),
            (0.9996, Unit::Seconds, "1 s"),
            (2.5e-7, Unit::Seconds, "250 ns"),
            (100_000.0, Unit::Seconds, "27.8 h"),
            (0.000_123_4, Unit::Ratio, "0.000123"),
            (24.0, Unit::Count, "24"),
            (12_040.4, Unit::Count, "12 040"),
            (512.0, Unit::Bytes, "512 B"),
            (1_572_864.0, Unit::Bytes, "1.5 MiB"),
            (65_701_265_461_291_968.0, Unit::Count, "65.7 P"),
            (-3.0, Unit::Count, "−3"),
            (f64::NAN, Unit::Count, "?"),
        ] {
            assert_eq!(plain(&value(v, unit)), text);
        }
    }

    #[test]
    fn differences_have_a_sign_unless_they_are_nothing() {
        for (mean, half, text) in [
            (0.0004, Some(0.0001), "+400 ± 100 µs"),
            (-0.0184, Some(0.0007), "−18.4 ± 0.7 ms"),
            (-0.000_01, Some(0.004), "0 ± 4 ms"),
            (0.0, Some(0.0), "0 s"),
            (-0.0, None, "0 s"),
        ] {
            assert_eq!(difference(mean, half, Unit::Seconds), text);
        }
        assert_eq!(difference(-12.0, Some(0.0), Unit::Count), "−12");
    }

    #[test]
    fn great_changes_are_factors() {
        for (change, half, text) in [
            (-0.31, Some(0.02), "−31 % ± 2 %"),
            (-0.312, Some(0.04), "−31 % ± 4 %"),
            (0.007, Some(0.0012), "+0.70 % ± 0.12 %"),
            (1.9, Some(0.4), "+190 % ± 40 %"),
            (2.4, Some(0.12), "×3.40 ± 0.12"),
            (2.4, Some(0.4), "×3.4 ± 0.4"),
            (12_039.0, None, "×12 040"),
            (1.999e9, Some(2e7), "×2.00 ± 0.02 G"),
            (-1.0, Some(0.0), "−100 %"),
            (0.0, Some(0.0), "0 %"),
            (-0.312, None, "−31 %"),
            (-0.724_563, Some(0.000_002_9), "−72 %"),
            (0.17, Some(f64::MAX), "+17 %"),
        ] {
            assert_eq!(plain(&relative(change, half)), text);
        }
    }

    #[test]
    fn probabilities_are_not_rounded_over_a_threshold() {
        for (p, text) in [
            (0.0, "< 0.001"),
            (0.000_999, "< 0.001"),
            (0.0123, "0.012"),
            (0.0496, "0.0496"),
            (0.049_98, "0.04998"),
            (0.0504, "0.050"),
            (0.342, "0.34"),
            (0.0999, "0.0999"),
            (0.996, "1"),
            (1.0, "1"),
        ] {
            assert_eq!(probability(p), text);
        }
        assert_eq!(p_value(1e-9), "p < 0.001");
        assert_eq!(p_value(0.34), "p = 0.34");
    }

    #[test]
    fn effects_and_factors_have_two_digits() {
        assert_eq!(effect(-0.834), "−0.83");
        assert_eq!(effect(-7.36), "−7.4");
        assert_eq!(effect(52.34), "52");
        assert_eq!(effect(-0.001), "0.00");
        assert_eq!(share(-0.312, Some(0.002)), "31.2 % ± 0.2 %");
        assert_eq!(share(0.5, None), "50 %");
        assert_eq!(factor(31.4), "×31");
        assert_eq!(factor(0.871), "×0.87");
        assert_eq!(percent(0.95), "95 %");
        assert_eq!(percent(0.0184), "1.8 %");
    }

    /// Numbers of one table share a unit while that reads well.
    #[test]
    fn numbers_of_a_scale_share_its_unit() {
        let scale = Scale::of(Unit::Seconds, [0.95, 1.05]);
        assert_eq!(scale.estimate(0.95, Some(0.02)).to_string(), "950 ± 20 ms");
        assert_eq!(scale.estimate(1.05, Some(0.04)).to_string(), "1050 ± 40 ms");
        assert_eq!(scale.without_name().value(1.05).to_string(), "1050");
        assert_eq!(scale.name(), "ms");
        let scale = Scale::of(Unit::Seconds, [0.001, 30.0]);
        assert_eq!(scale.value(0.001).to_string(), "1 ms");
        assert_eq!(scale.name(), "");
        let figure = Scale::of(Unit::Seconds, [0.0612]).estimate(0.0612, Some(0.0003));
        assert_eq!(
            (figure.number.as_str(), figure.rest.as_str()),
            ("61.2", "± 0.3 ms")
        );
    }

    proptest! {
        /// Whatever comes: no `-0`, no exponent, no more digits than anybody reads.
        #[test]
        fn any_numbers_read_well(v in -1e18..1e18, tiny in 1e-12..1.0, half in 0.0..1e18) {
            for (v, half) in [(v, half), (v * tiny, half * tiny), (v * tiny * tiny, half), (v, half * tiny * tiny)] {
                for unit in [Unit::Seconds, Unit::Bytes, Unit::Ratio, Unit::Count] {
                    for text in [estimate(v, Some(half), unit), difference(v, Some(half), unit), value(v, unit)] {
                        prop_assert!(!text.contains('e') && !text.contains("-"), "{text}");
                        prop_assert!(!text.contains("NaN") && !text.contains('?'), "{text}");
                    }
                }
            }
        }
    }
}
