//! Virtual time: integer nanoseconds, so that no sum ever rounds.
//!
//! A point ([`SimTime`]) and a span ([`SimDuration`]) are different types. Text form: `"250ms"`, `"1h30m"`,
//! `"1.5s"`; a bare number is refused, because nobody can tell its unit.

use std::fmt;
use std::ops::{Add, AddAssign, Div, Mul, Sub};
use std::str::FromStr;

/// A point on the virtual clock, in nanoseconds since the start of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SimTime(u64);

/// A span of virtual time, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SimDuration(u64);

impl SimTime {
    /// The start of every run.
    pub const ZERO: Self = Self(0);
    /// Later than every event.
    pub const MAX: Self = Self(u64::MAX);

    /// The point `nanos` after the start.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }
    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
    /// Seconds since the start, for people and charts.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
    /// Time since `earlier`; zero if `earlier` lies in the future.
    pub const fn since(self, earlier: Self) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }
    /// The first point at or after `self` on the grid `phase + k × period`.
    ///
    /// # Panics
    /// If `period` is zero.
    pub const fn next_on_grid(self, phase: Self, period: SimDuration) -> Self {
        if self.0 <= phase.0 {
            return phase;
        }
        Self(phase.0 + (self.0 - phase.0).div_ceil(period.0) * period.0)
    }
}

impl SimDuration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// `n` nanoseconds.
    pub const fn from_nanos(n: u64) -> Self {
        Self(n)
    }
    /// `n` microseconds.
    pub const fn from_micros(n: u64) -> Self {
        Self(n * 1_000)
    }
    /// `n` milliseconds; saturates far beyond any scenario.
    pub const fn from_millis(n: u64) -> Self {
        Self(n.saturating_mul(1_000_000))
    }
    /// `n` seconds; saturates far beyond any scenario.
    pub const fn from_secs(n: u64) -> Self {
        Self(n.saturating_mul(1_000_000_000))
    }
    /// The nearest whole nanosecond; negative and NaN give zero, too large saturates.
    pub fn from_secs_f64(s: f64) -> Self {
        Self((s * 1e9).round() as u64)
    }
    /// Whole nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
    /// Milliseconds, cut off.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }
    /// Seconds, for people and charts.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
    /// Whether this is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
    /// The difference, or zero if `other` is longer.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add<SimDuration> for SimTime {
    type Output = Self;
    #[inline]
    fn add(self, d: SimDuration) -> Self {
        Self(self.0.saturating_add(d.0))
    }
}
impl AddAssign<SimDuration> for SimTime {
    fn add_assign(&mut self, d: SimDuration) {
        *self = *self + d;
    }
}
impl Sub<SimDuration> for SimTime {
    type Output = Self;
    fn sub(self, d: SimDuration) -> Self {
        Self(self.0.saturating_sub(d.0))
    }
}
impl Add for SimDuration {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
impl AddAssign for SimDuration {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
impl Mul<u64> for SimDuration {
    type Output = Self;
    fn mul(self, n: u64) -> Self {
        Self(self.0.saturating_mul(n))
    }
}
impl Div<u64> for SimDuration {
    type Output = Self;
    fn div(self, n: u64) -> Self {
        Self(self.0 / n)
    }
}

/// Units by falling size; a text may use each at most once, in this order.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// What is wrong with the text of a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Nothing there.
    #[error("a duration is missing, write it like \"250ms\", \"10s\" or \"1h30m\"")]
    Empty,
    /// A number without a unit.
    #[error("`{0}` has no unit, write \"{0}ms\", \"{0}s\", \"{0}m\" or \"{0}h\"")]
    NoUnit(String),
    /// A unit that is not one.
    #[error("unknown unit of time `{0}`, use one of d, h, m, s, ms, us, ns")]
    UnknownUnit(String),
    /// Units repeated or not in falling order.
    #[error("`{0}` names its units twice or out of order, write the largest first like \"1h30m\"")]
    Order(String),
    /// Not a number where one should be.
    #[error("`{0}` is not a duration, write it like \"250ms\", \"10s\" or \"1h30m\"")]
    NotANumber(String),
    /// Longer than 2⁶³ ns.
    #[error("`{0}` is longer than the virtual clock can count (about 292 years)")]
    TooLong(String),
}

impl FromStr for SimDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        if text.is_empty() {
            return Err(DurationError::Empty);
        }
        let (mut rest, mut total, mut smallest) = (text, 0_u128, usize::MAX);
        while !rest.is_empty() {
            let digits = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .unwrap_or(rest.len());
            let (number, tail) = rest.split_at(digits);
            let unit_len = tail
                .find(|c: char| c.is_ascii_digit() || c == '.')
                .unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(unit_len);
            if number.is_empty() {
                return Err(DurationError::NotANumber(text.to_owned()));
            }
            if unit.is_empty() {
                return Err(DurationError::NoUnit(number.to_owned()));
            }
            let unit = if unit == "µs" { "us" } else { unit };
            let Some(rank) = UNITS.iter().position(|(name, _)| *name == unit) else {
                return Err(DurationError::UnknownUnit(unit.to_owned()));
            };
            if smallest != usize::MAX && rank <= smallest {
                return Err(DurationError::Order(text.to_owned()));
            }
            smallest = rank;
            let part =
                scaled(number, UNITS[rank].1).ok_or_else(|| DurationError::NotANumber(text.to_owned()))?;
            total = total.saturating_add(part);
            if total > u128::from(u64::MAX / 2) {
                return Err(DurationError::TooLong(text.to_owned()));
            }
            rest = tail;
        }
        Ok(Self(total as u64))
    }
}

/// `number` (decimal digits, at most one point) times `unit`, exactly; what lies below 1 ns is cut off, and what no
/// integer holds saturates.
fn scaled(number: &str, unit: u64) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.contains('.') {
        return None;
    }
    let fraction = &fraction[..fraction.len().min(18)];
    let whole = whole
        .parse()
        .unwrap_or(u128::MAX)
        .saturating_mul(u128::from(unit));
    let part: u128 = fraction.parse().ok()?;
    Some(whole.saturating_add(part * u128::from(unit) / 10_u128.pow(fraction.len() as u32)))
}

impl fmt::Display for SimDuration {
    /// The shortest exact form: `1h30m`, `250ms`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (name, size) in UNITS {
            if rest >= size {
                write!(f, "{}{name}", rest / size)?;
                rest %= size;
            }
        }
        Ok(())
    }
}

impl fmt::Display for SimTime {
    /// Seconds with nine decimals, as traces and errors show it: `183.204000000s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}s", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

impl serde::Serialize for SimDuration {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for SimDuration {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = SimDuration;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration like \"250ms\", \"10s\" or \"1h30m\"")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<SimDuration, E> {
                text.parse().map_err(E::custom)
            }
        }
        d.deserialize_str(Text)
    }
}

impl schemars::JsonSchema for SimDuration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A span of virtual time with its unit: \"250ms\", \"10s\", \"1h30m\".",
            "pattern": "^([0-9]+(\\.[0-9]+)?(d|h|m|s|ms|us|µs|ns))+$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, nanos: u64) {
        assert_eq!(text.parse(), Ok(SimDuration(nanos)), "{text}");
    }

    #[test]
    fn durations_read_as_people_write_them() {
        check("250ms", 250_000_000);
        check("1h30m", 5_400_000_000_000);
        check("1.5s", 1_500_000_000);
        check("0.5ms", 500_000);
        check("0s", 0);
        check("3d", 259_200_000_000_000);
        check("7µs", 7_000);
    }

    #[test]
    fn units_convert_by_their_factors() {
        assert_eq!(SimTime::from_nanos(2_500_000_000).as_secs_f64(), 2.5);
        assert_eq!(SimDuration::from_micros(7), SimDuration(7_000));
        assert_eq!(SimDuration::from_secs_f64(1.25), SimDuration(1_250_000_000));
        assert_eq!(SimDuration::from_secs_f64(2e-10), SimDuration::ZERO);
        assert_eq!(SimDuration::from_secs_f64(-1.0), SimDuration::ZERO);
    }

    /// Points and spans add up as integers do, and stop at the ends of the clock instead of going round.
    #[test]
    fn times_add_up_and_saturate() {
        let (mut time, mut span) = (SimTime(7), SimDuration(20));
        time += span;
        span += SimDuration(3);
        assert_eq!((time, span), (SimTime(27), SimDuration(23)));
        assert_eq!((time + span, time - span), (SimTime(50), SimTime(4)));
        assert_eq!((span + span, span * 3), (SimDuration(46), SimDuration(69)));
        assert_eq!((span / 3, span.as_secs_f64()), (SimDuration(7), 23e-9));

        let far = SimDuration(u64::MAX);
        assert_eq!(
            (SimTime::MAX + span, SimTime(22) - span),
            (SimTime::MAX, SimTime::ZERO)
        );
        assert_eq!((far + span, far * 2), (far, far));
    }

    #[track_caller]
    fn check_refused(text: &str, error: DurationError) {
        assert_eq!(text.parse::<SimDuration>(), Err(error), "{text}");
    }

    #[test]
    fn durations_without_a_sound_unit_are_refused() {
        check_refused("", DurationError::Empty);
        check_refused("5", DurationError::NoUnit("5".to_owned()));
        for (text, unit) in [("5x", "x"), ("1e3s", "e"), ("1 s", " s")] {
            check_refused(text, DurationError::UnknownUnit(unit.to_owned()));
        }
        for text in ["1m1h", "1s1s"] {
            check_refused(text, DurationError::Order(text.to_owned()));
        }
        for text in [
            "s",
            "-1s",
            "NaN",
            ".5s",
            "5.s",
            ".s",
            "1..5s",
            "1.2.3s",
            "1.0000000000000000000.5s",
        ] {
            check_refused(text, DurationError::NotANumber(text.to_owned()));
        }
    }

    /// 2⁶³ − 1 ns is the longest, as a sum too. What no integer of the machine holds is too long and no more: not
    /// another number, and not a slip of the pen.
    #[test]
    fn the_clock_counts_292_years() {
        check("9223372036854775807ns", i64::MAX as u64);
        check("9223372036s854775807ns", i64::MAX as u64);
        check("0.000000000000000000000000000001s", 0);
        check("000000000000000000000001s", 1_000_000_000);
        let beyond_any = "9".repeat(50);
        for text in [
            "9223372036854775808ns",
            "9223372036s854775808ns",
            "999999999d",
            &format!("{beyond_any}.9d"),
            &format!("1d{beyond_any}ns"),
        ] {
            check_refused(text, DurationError::TooLong(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_duration_is_told_what_one_is() {
        let error = serde_json::from_str::<SimDuration>("60").expect_err("a number has no unit");
        let text = error.to_string();
        assert!(
            text.contains("expected a duration like \"250ms\", \"10s\" or \"1h30m\""),
            "{text}"
        );
    }

    /// An editor knows the units that are read.
    #[test]
    fn the_schema_has_every_unit() {
        let schema = schemars::schema_for!(SimDuration).to_value();
        let pattern = schema["pattern"].as_str().expect("a pattern");
        let (_, units) = pattern.rsplit_once("?(").expect("a group of units");
        let units: Vec<&str> = units
            .trim_end_matches(")+$")
            .trim_end_matches(')')
            .split('|')
            .collect();
        let read = UNITS.map(|(name, _)| name);
        assert!(read.iter().all(|name| units.contains(name)), "{pattern}");
        assert!(
            units.iter().all(|unit| *unit == "µs" || read.contains(unit)),
            "{pattern}"
        );
    }

    #[test]
    fn what_is_displayed_parses_back_to_itself() {
        for nanos in [
            0,
            1,
            999,
            1_000,
            61_000_000_000,
            17_140_000_000_000,
            1_500_000_001,
        ] {
            let d = SimDuration(nanos);
            assert_eq!(d.to_string().parse(), Ok(d));
        }
    }

    /// A grid point is due at its own instant, not one period later.
    #[test]
    fn next_on_grid_includes_the_present() {
        let (phase, period) = (SimTime(100), SimDuration(50));
        for (now, next) in [(0, 100), (100, 100), (101, 150), (150, 150), (199, 200)] {
            assert_eq!(SimTime(now).next_on_grid(phase, period), SimTime(next));
        }
    }
}
