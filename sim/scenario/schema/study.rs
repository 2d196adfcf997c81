//! The study block as types: what is varied, how often each variant runs, what is looked at.
//!
//! Values are kept as they stand: each is checked as part of the variant that it makes.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What is compared.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StudyBlock {
    /// Paths of fields, each with its values: a list, or whole numbers as a range, "1..16" or "1..16..5". All are
    /// combined with all; the last changes fastest. Default what `--vary` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "IndexMap<String, VaryBlock>", extend("minProperties" = 1))]
    pub vary: Option<IndexMap<String, VaryBlock>>,
    /// Runs of each variant, each with a seed of its own; with `untilCi` at most so many. Default 20, or 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 2, max = 100_000))]
    pub seeds: Option<u32>,
    /// The variant that others are compared with: its value, or its values in the order of `vary`. Default the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "BaselineBlock")]
    pub baseline: Option<BaselineBlock>,
    /// Paths through the report, as in `expect`, of what is compared; `lag.max` is that of every group. Default what
    /// the product is about: latency, lag, skew, throughput, duplicates, moves and their like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub metrics: Option<Vec<String>>,
    /// No more seeds are run when every interval is as narrow, half of it as a share of the baseline's mean, like "2%".
    /// Default all seeds are run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Percent")]
    pub until_ci: Option<Percent>,
}

/// Values of one field.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum VaryBlock {
    /// These.
    Listed(#[schemars(length(min = 1))] Vec<serde_json::Value>),
    /// Whole numbers, both ends included.
    Range(#[schemars(extend("pattern" = "^[0-9]+\\.\\.[0-9]+(\\.\\.[0-9]+)?$"))] String),
}

/// The name of a variant.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum BaselineBlock {
    /// As tables show it.
    Label(String),
    /// By its values.
    Values(#[schemars(length(min = 1))] Vec<String>),
}

/// A share that is written as per cent, from 0.01% to 100%.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percent(f64);

/// What is wrong with the text of a percentage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PercentError {
    /// No number with a sign behind it.
    #[error("`{0}` is not a percentage, write it like \"2%\"")]
    NotAPercentage(String),
    /// Too little or too much.
    #[error("a percentage must be between 0.01% and 100% here, but is `{0}`")]
    OutOfRange(String),
}

impl Percent {
    /// As a share: 2% is 0.02.
    pub fn share(self) -> f64 {
        self.0 / 100.0
    }
}

impl FromStr for Percent {
    type Err = PercentError;

    fn from_str(text: &str) -> Result<Self, PercentError> {
        let number = text
            .strip_suffix('%')
            .filter(|n| n.starts_with(|c: char| c.is_ascii_digit()));
        let percent: Option<f64> = number.and_then(|n| n.parse().ok());
        match percent {
            None => Err(PercentError::NotAPercentage(text.to_owned())),
            Some(p) if !(0.01..=100.0).contains(&p) => Err(PercentError::OutOfRange(text.to_owned())),
            Some(p) => Ok(Self(p)),
        }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl Serialize for Percent {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Percent {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Percent".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?%$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_a_number_with_its_sign() {
        assert_eq!("2%".parse().map(Percent::share), Ok(0.02));
        assert_eq!("0.5%".parse::<Percent>().unwrap().to_string(), "0.5%");
        for text in [
            "2", "%", "2 %", "two%", "-2%", "NaN%", "+2%", "0%", "0.001%", "101%", "1e9%",
        ] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }
}
