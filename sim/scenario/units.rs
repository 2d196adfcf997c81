//! Quantities that a scenario writes as text with a unit: rates and sizes. Durations live in the kernel.
//!
//! A bare number is refused, because nobody can tell its unit. Values are kept exactly as integers; the text
//! form that [`Display`](std::fmt::Display) gives reads back to the same value.

use crate::kernel::time::SimDuration;
use std::fmt;
use std::str::FromStr;

/// Messages per period, exact to a billionth of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Messages per period, in billionths.
    billionths: u64,
    period: Period,
}

/// What a rate is counted per.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Period {
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
}

impl Period {
    const ALL: [(&'static str, Self); 5] = [
        ("ms", Self::Millisecond),
        ("s", Self::Second),
        ("min", Self::Minute),
        ("h", Self::Hour),
        ("d", Self::Day),
    ];

    fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    fn nanos(self) -> u64 {
        match self {
            Self::Millisecond => 1_000_000,
            Self::Second => 1_000_000_000,
            Self::Minute => 60_000_000_000,
            Self::Hour => 3_600_000_000_000,
            Self::Day => 86_400_000_000_000,
        }
    }
}

const BILLION: u128 = 1_000_000_000;

/// What is wrong with the text of a rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// Not `number/unit` at all.
    #[error("`{0}` is not a rate, write it like \"800/s\", \"20k/min\" or \"3/h\"")]
    NotARate(String),
    /// No `/unit`.
    #[error("`{0}` does not say per what time, write \"{0}/s\", \"{0}/min\" or \"{0}/h\"")]
    NoPeriod(String),
    /// A unit of time that a rate does not know.
    #[error("unknown unit of time `{0}` in a rate, use one of ms, s, min, h, d{hint}", hint = minute_hint(.0))]
    UnknownPeriod(String),
    /// Below zero.
    #[error("a rate cannot be negative, but is `{0}`")]
    Negative(String),
    /// Nothing per second.
    #[error(
        "a rate must be greater than 0; to send nothing, leave the producer out or set its \"messages\" to 0"
    )]
    Zero,
    /// Not a number.
    #[error("a rate must be a finite number, but is `{0}`")]
    NotFinite(String),
    /// More than one message in a nanosecond.
    #[error("`{0}` is more than one message in a nanosecond, which is the resolution of the virtual clock")]
    TooFast(String),
    /// Longer gaps than any scenario.
    #[error("`{0}` is less than one message in 10 years, the longest run")]
    TooSlow(String),
}

impl Rate {
    /// `n` messages in each second.
    ///
    /// # Panics
    /// If `n` is 0 or above 10⁹.
    pub const fn per_second(n: u64) -> Self {
        assert!(n > 0 && n <= 1_000_000_000);
        Self {
            billionths: n * 1_000_000_000,
            period: Period::Second,
        }
    }

    /// Mean time between two messages, to the nearest whole nanosecond; 1 ns or more.
    pub fn gap(self) -> SimDuration {
        let numerator = u128::from(self.period.nanos()) * BILLION;
        let divisor = u128::from(self.billionths);
        SimDuration::from_nanos(((numerator + divisor / 2) / divisor) as u64)
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let owned = || text.to_owned();
        let Some((number, period)) = text.split_once('/') else {
            return Err(match text.trim().parse::<f64>() {
                Ok(x) if x.is_finite() => RateError::NoPeriod(owned()),
                Ok(_) => RateError::NotFinite(owned()),
                Err(_) => RateError::NotARate(owned()),
            });
        };
        let Some((_, period)) = Period::ALL.into_iter().find(|(name, _)| *name == period) else {
            return Err(match period {
                "" => RateError::NotARate(owned()),
                other => RateError::UnknownPeriod(other.to_owned()),
            });
        };
        let (digits, factor) = match number.strip_suffix(['k', 'M']) {
            Some(digits) if number.ends_with('k') => (digits, 1_000),
            Some(digits) => (digits, 1_000_000),
            None => (number, 1),
        };
        let value = decimal_billionths(digits).ok_or_else(|| why_no_number(digits, text))?;
        let billionths = value.saturating_mul(factor);
        if billionths == 0 {
            return Err(RateError::Zero);
        }
        let nanos = u128::from(period.nanos());
        if billionths > nanos * BILLION || billionths > u128::from(u64::MAX) {
            return Err(RateError::TooFast(owned()));
        }
        const TEN_YEARS: u128 = 3_650 * 86_400 * 1_000_000_000;
        if nanos * BILLION / billionths > TEN_YEARS {
            return Err(RateError::TooSlow(owned()));
        }
        Ok(Self {
            billionths: billionths as u64,
            period,
        })
    }
}

fn minute_hint(unit: &str) -> &'static str {
    if unit == "m" { "; a minute is `min`" } else { "" }
}

/// Why `digits`, the number of the rate `text`, is not a plain decimal number.
fn why_no_number(digits: &str, text: &str) -> RateError {
    match digits.parse::<f64>() {
        Ok(x) if !x.is_finite() => RateError::NotFinite(text.to_owned()),
        Ok(x) if x < 0.0 => RateError::Negative(text.to_owned()),
        Ok(x) if x >= 1e9 => RateError::TooFast(text.to_owned()),
        _ => RateError::NotARate(text.to_owned()),
    }
}

/// Decimal digits with at most one point and at most nine digits behind it, in billionths.
fn decimal_billionths(digits: &str) -> Option<u128> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || whole.len() > 19 || fraction.len() > 9 {
        return None;
    }
    let part: u128 = format!("{fraction:0<9}").parse().ok()?;
    Some(whole.parse::<u128>().ok()? * BILLION + part)
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.billionths / 1_000_000_000, self.billionths % 1_000_000_000);
        write!(f, "{whole}")?;
        if part > 0 {
            write!(f, ".{}", format!("{part:09}").trim_end_matches('0'))?;
        }
        write!(f, "/{}", self.period.name())
    }
}

/// A number of bytes, at most 4 GiB − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u32);

/// What is wrong with the text of a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// Not `number unit` at all.
    #[error("`{0}` is not a size, write it like \"100B\", \"2KiB\" or \"1MiB\"")]
    NotASize(String),
    /// A number without a unit.
    #[error("`{0}` has no unit, write \"{0}B\" for bytes or \"{0}KiB\" for 1024 bytes each")]
    NoUnit(String),
    /// Powers of ten.
    #[error(
        "`{unit}` is 1000 to some and 1024 to others: write \"{number}{binary}\" for powers of 1024, or the bytes with B"
    )]
    DecimalUnit {
        /// The number before the unit.
        number: String,
        /// The unit as written.
        unit: String,
        /// The binary unit that sounds alike.
        binary: &'static str,
    },
    /// A unit that is not one.
    #[error("unknown unit of size `{0}`, use one of B, KiB, MiB, GiB")]
    UnknownUnit(String),
    /// Parts of a byte.
    #[error("`{0}` is not a whole number of bytes")]
    NotWhole(String),
    /// Does not fit.
    #[error("`{0}` is more than 4 GiB")]
    TooLarge(String),
}

const SIZE_UNITS: [(&str, u128); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let bytes = byte_count(text)?;
        u32::try_from(bytes)
            .map(Self)
            .map_err(|_| SizeError::TooLarge(text.to_owned()))
    }
}

/// The bytes that a text like `2KiB` names, however many.
///
/// # Errors
/// As for a [`Size`].
pub fn byte_count(text: &str) -> Result<u64, SizeError> {
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let Some(value) = decimal_billionths(number) else {
        return Err(SizeError::NotASize(text.to_owned()));
    };
    let Some((_, factor)) = SIZE_UNITS.into_iter().find(|(name, _)| *name == unit) else {
        let binary = match unit.to_ascii_lowercase().as_str() {
            "" => return Err(SizeError::NoUnit(number.to_owned())),
            "k" | "kb" | "kib" => "KiB",
            "m" | "mb" | "mib" => "MiB",
            "g" | "gb" | "gib" => "GiB",
            _ => return Err(SizeError::UnknownUnit(unit.to_owned())),
        };
        return Err(SizeError::DecimalUnit {
            number: number.to_owned(),
            unit: unit.to_owned(),
            binary,
        });
    };
    let bytes = value * factor;
    if bytes % BILLION != 0 {
        return Err(SizeError::NotWhole(text.to_owned()));
    }
    u64::try_from(bytes / BILLION).map_err(|_| SizeError::TooLarge(text.to_owned()))
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = u128::from(self.0);
        let unit = SIZE_UNITS
            .into_iter()
            .find(|(_, size)| bytes >= *size && bytes % size == 0);
        let (name, size) = unit.unwrap_or(("B", 1));
        write!(f, "{}{name}", bytes / size)
    }
}

/// Text form in files, by `Display` and `FromStr`, and the schema that goes with it.
macro_rules! text_form {
    ($type:ident, $expected:literal, $description:literal, $pattern:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                d.deserialize_str(Text)
            }
        }
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "description": $description, "pattern": $pattern })
            }
        }
    };
}

text_form!(
    Rate,
    "a rate like \"800/s\"",
    "Messages per time: \"800/s\", \"20k/min\", \"3/h\". Suffixes k and M; per ms, s, min, h or d.",
    "^[0-9]+(\\.[0-9]{1,9})?[kM]?/(ms|s|min|h|d)$"
);
text_form!(
    Size,
    "a size like \"2KiB\"",
    "A number of bytes with its unit: \"100B\", \"2KiB\", \"1MiB\".",
    "^[0-9]+(\\.[0-9]{1,9})?(B|KiB|MiB|GiB)$"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_gap(text: &str, nanos: u64) {
        assert_eq!(
            text.parse::<Rate>().map(|r| r.gap().as_nanos()),
            Ok(nanos),
            "{text}"
        );
    }

    #[test]
    fn a_rate_becomes_the_nearest_gap() {
        check_gap("800/s", 1_250_000);
        check_gap("20k/min", 3_000_000); // 333.3/s
        check_gap("3/h", 1_200_000_000_000);
        check_gap("0.5/s", 2_000_000_000);
        check_gap("3/s", 333_333_333);
        check_gap("1.5M/s", 667);
        check_gap("1/ms", 1_000_000);
        check_gap("1000000000/s", 1);
    }

    #[test]
    fn rates_out_of_this_world_are_refused() {
        for text in [
            "800",
            "/s",
            "800/",
            "800/m",
            "800/x",
            "-1/s",
            "0/s",
            "0.0/s",
            "NaN/s",
            "inf/s",
            "1e300/s",
            "1e3/s",
            "1 /s",
            "1/ s",
            "+1/s",
            "1//s",
            "1/s/s",
            "2000000000/s",
            "2k/ns",
            "",
            "0.000000001/d",
            "99999999999999999999/s",
            "1.0000000001/s",
            "k/s",
            "10M/ms",
        ] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_read_as_people_write_them() {
        for (text, bytes) in [
            ("100B", 100),
            ("2KiB", 2048),
            ("1.5KiB", 1536),
            ("4MiB", 4 << 20),
            ("0B", 0),
        ] {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
    }

    #[test]
    fn sizes_of_doubtful_meaning_are_refused() {
        for text in [
            "100", "2KB", "2kb", "2K", "1.5B", "-1B", "4GiB", "", "B", "2 KiB", "2Kib", "1e3B",
        ] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_displayed_parses_back_to_itself() {
        for text in ["800/s", "0.5/s", "333.333333333/min", "1/d"] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(rate.to_string(), text);
        }
        for text in ["100B", "2KiB", "1536B", "1MiB", "0B"] {
            let size: Size = text.parse().unwrap();
            assert_eq!(size.to_string(), text);
        }
        assert_eq!("20k/min".parse::<Rate>().unwrap().to_string(), "20000/min");
    }
}
