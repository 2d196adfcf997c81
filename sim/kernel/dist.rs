//! Distributions of spans of time.

use crate::kernel::time::SimDuration;
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Serialize};

/// A distribution of spans of time, as a scenario names it.
///
/// In a file: `"60ms"` for a constant, else an object with one key, the name of the shape.
#[derive(Clone, Debug, PartialEq)]
pub enum Dist {
    /// Always the same.
    Constant(SimDuration),
    /// One of the random shapes.
    Shape(Shape),
}

/// The random shapes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Shape {
    /// All values from `min` to `max` equally likely.
    Uniform {
        /// Least value.
        min: SimDuration,
        /// Greatest value.
        max: SimDuration,
    },
    /// Exponential.
    Exponential {
        /// Mean.
        mean: SimDuration,
    },
    /// Gamma, by mean and coefficient of variation (standard deviation ÷ mean).
    Gamma {
        /// Mean.
        mean: SimDuration,
        /// Coefficient of variation, greater than 0; 1 is the exponential.
        cv: f64,
    },
    /// Lognormal, by mean and 99th percentile.
    Lognormal {
        /// Mean.
        mean: SimDuration,
        /// 99th percentile; greater than the mean, at most about 14.9 times it.
        p99: SimDuration,
    },
    /// Pareto (type I), by mean and shape.
    Pareto {
        /// Mean.
        mean: SimDuration,
        /// Tail exponent, greater than 1; the smaller, the heavier the tail.
        alpha: f64,
    },
    /// One of the listed values, each as likely as it is often listed.
    Empirical {
        /// The values, at least one.
        values: Vec<SimDuration>,
    },
}

/// Why a distribution makes no sense.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DistError {
    /// The range is empty.
    #[error("`min` ({min}) is greater than `max` ({max}); exchange them")]
    MinAboveMax {
        /// As given.
        min: SimDuration,
        /// As given.
        max: SimDuration,
    },
    /// A mean of zero leaves nothing to scale.
    #[error("the mean of {shape} must be greater than 0; for no time at all write the constant \"0s\"")]
    MeanZero {
        /// The shape, with its article.
        shape: &'static str,
    },
    /// The spread is not one that can be drawn.
    #[error("`cv` must be between {min} and {max}, but is {found}; it is the standard deviation divided by the mean, and 1 is the exponential; for no spread at all write a constant", min = Dist::CV_MIN, max = Dist::CV_MAX)]
    CvOutOfRange {
        /// As given.
        found: f64,
    },
    /// The percentile lies on the wrong side of the mean.
    #[error(
        "`p99` ({p99}) must be greater than `mean` ({mean}): 99 of 100 values lie below it; for no spread at all write a constant"
    )]
    P99NotAboveMean {
        /// As given.
        mean: SimDuration,
        /// As given.
        p99: SimDuration,
    },
    /// No lognormal has so heavy a tail.
    #[error("`p99` ({p99}) is more than {max} times `mean` ({mean}), which no lognormal reaches; lower it, or use a Pareto shape", max = Dist::P99_TO_MEAN_MAX)]
    P99TooFar {
        /// As given.
        mean: SimDuration,
        /// As given.
        p99: SimDuration,
    },
    /// With such a tail the mean would be infinite.
    #[error(
        "`alpha` must be greater than 1, but is {found}: at 1 and below a Pareto tail is so heavy that it has no mean"
    )]
    AlphaTooSmall {
        /// As given.
        found: f64,
    },
    /// Nothing to choose from.
    #[error("`values` is empty; list at least one duration")]
    NoValues,
}

impl Dist {
    /// Least coefficient of variation of a gamma shape.
    pub const CV_MIN: f64 = 0.001;
    /// Greatest coefficient of variation of a gamma shape; beyond it nearly every draw is 0.
    pub const CV_MAX: f64 = 100.0;
    /// How far the 99th percentile of a lognormal can lie above its mean: e^(z²/2) with z = 2.326…, cut off.
    pub const P99_TO_MEAN_MAX: f64 = 14.96;

    /// Whether it can be drawn from.
    ///
    /// # Errors
    /// The first thing that is wrong, in words for the author of the scenario.
    pub fn validate(&self) -> Result<(), DistError> {
        let Self::Shape(shape) = self else { return Ok(()) };
        match shape {
            Shape::Uniform { min, max } if min > max => Err(DistError::MinAboveMax { min: *min, max: *max }),
            Shape::Exponential { mean } => positive(*mean, "an exponential"),
            Shape::Gamma { mean, cv } => {
                positive(*mean, "a gamma")?;
                let drawable = (Self::CV_MIN..=Self::CV_MAX).contains(cv);
                drawable
                    .then_some(())
                    .ok_or(DistError::CvOutOfRange { found: *cv })
            }
            Shape::Lognormal { mean, p99 } => {
                positive(*mean, "a lognormal")?;
                let (mean, p99) = (*mean, *p99);
                if p99 <= mean {
                    return Err(DistError::P99NotAboveMean { mean, p99 });
                }
                let ratio = p99.as_nanos() as f64 / mean.as_nanos() as f64;
                let reached = ratio <= Self::P99_TO_MEAN_MAX;
                reached.then_some(()).ok_or(DistError::P99TooFar { mean, p99 })
            }
            Shape::Pareto { mean, alpha } => {
                positive(*mean, "a Pareto")?;
                let has_mean = alpha.is_finite() && *alpha > 1.0;
                has_mean
                    .then_some(())
                    .ok_or(DistError::AlphaTooSmall { found: *alpha })
            }
            Shape::Empirical { values } if values.is_empty() => Err(DistError::NoValues),
            Shape::Uniform { .. } | Shape::Empirical { .. } => Ok(()),
        }
    }

    /// Its mean, rounded to the nearest nanosecond; zero for an empty list.
    pub fn mean(&self) -> SimDuration {
        match self {
            Self::Constant(value) => *value,
            Self::Shape(Shape::Uniform { min, max }) => mean_of(&[*min, *max]),
            Self::Shape(Shape::Empirical { values }) => mean_of(values),
            Self::Shape(
                Shape::Exponential { mean }
                | Shape::Gamma { mean, .. }
                | Shape::Lognormal { mean, .. }
                | Shape::Pareto { mean, .. },
            ) => *mean,
        }
    }
}

fn positive(mean: SimDuration, shape: &'static str) -> Result<(), DistError> {
    if mean.is_zero() {
        return Err(DistError::MeanZero { shape });
    }
    Ok(())
}

fn mean_of(values: &[SimDuration]) -> SimDuration {
    let n = values.len().max(1) as u128;
    let sum: u128 = values.iter().map(|v| u128::from(v.as_nanos())).sum();
    SimDuration::from_nanos(((sum + n / 2) / n) as u64)
}

impl Serialize for Dist {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Constant(d) => d.serialize(s),
            Self::Shape(shape) => shape.serialize(s),
        }
    }
}

impl<'de> Deserialize<'de> for Dist {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct TextOrShape;
        impl<'de> serde::de::Visitor<'de> for TextOrShape {
            type Value = Dist;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(
                    "a duration like \"60ms\" or a shape like { \"exponential\": { \"mean\": \"60ms\" } }",
                )
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Dist, E> {
                text.parse().map(Dist::Constant).map_err(E::custom)
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Dist, A::Error> {
                Shape::deserialize(MapAccessDeserializer::new(map)).map(Dist::Shape)
            }
        }
        d.deserialize_any(TextOrShape)
    }
}

impl schemars::JsonSchema for Dist {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Distribution".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let constant = generator.subschema_for::<SimDuration>();
        let shape = generator.subschema_for::<Shape>();
        schemars::json_schema!({ "anyOf": [constant, shape] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses as a scenario would.
    fn dist(json: &str) -> Dist {
        serde_json::from_str(json).expect(json)
    }

    #[track_caller]
    fn check(json: &str, error: &str) {
        assert_eq!(
            dist(json).validate().map_err(|e| e.to_string()),
            Err(error.to_owned()),
            "{json}"
        );
    }

    #[test]
    fn senseless_distributions_are_refused_with_a_way_out() {
        check(
            r#"{ "uniform": { "min": "9ms", "max": "4ms" } }"#,
            "`min` (9ms) is greater than `max` (4ms); exchange them",
        );
        for (json, shape) in [
            (r#"{ "exponential": { "mean": "0s" } }"#, "an exponential"),
            (r#"{ "gamma": { "mean": "0s", "cv": 1 } }"#, "a gamma"),
            (r#"{ "lognormal": { "mean": "0s", "p99": "1s" } }"#, "a lognormal"),
            (r#"{ "pareto": { "mean": "0s", "alpha": 2 } }"#, "a Pareto"),
        ] {
            let text = format!(
                "the mean of {shape} must be greater than 0; for no time at all write the constant \"0s\""
            );
            check(json, &text);
        }
        for cv in ["0", "-1", "0.0009", "101", "1e300"] {
            let error = dist(&format!(r#"{{ "gamma": {{ "mean": "1s", "cv": {cv} }} }}"#)).validate();
            let found = cv.parse().expect(cv);
            assert_eq!(error, Err(DistError::CvOutOfRange { found }));
        }
        check(
            r#"{ "lognormal": { "mean": "4ms", "p99": "4ms" } }"#,
            "`p99` (4ms) must be greater than `mean` (4ms): 99 of 100 values lie below it; for no spread at \
             all write a constant",
        );
        check(
            r#"{ "lognormal": { "mean": "1ms", "p99": "15ms" } }"#,
            "`p99` (15ms) is more than 14.96 times `mean` (1ms), which no lognormal reaches; lower it, or \
             use a Pareto shape",
        );
        check(
            r#"{ "pareto": { "mean": "1ms", "alpha": 1 } }"#,
            "`alpha` must be greater than 1, but is 1: at 1 and below a Pareto tail is so heavy that it has \
             no mean",
        );
        check(
            r#"{ "empirical": { "values": [] } }"#,
            "`values` is empty; list at least one duration",
        );
    }

    #[test]
    fn what_is_no_distribution_is_told_what_one_is() {
        let error = serde_json::from_str::<Dist>("60")
            .expect_err("a number has no unit")
            .to_string();
        assert!(
            error.contains("expected a duration like \"60ms\" or a shape like"),
            "{error}"
        );
    }

    /// An editor offers both forms.
    #[test]
    fn the_schema_has_the_constant_and_the_shapes() {
        let schema = schemars::schema_for!(Dist).to_value();
        let forms = schema["anyOf"].as_array().map(Vec::len);
        assert_eq!(forms, Some(2), "{schema}");
    }

    #[test]
    fn not_a_number_is_refused() {
        let mean = SimDuration::from_millis(1);
        for shape in [
            Shape::Gamma { mean, cv: f64::NAN },
            Shape::Gamma {
                mean,
                cv: f64::INFINITY,
            },
            Shape::Pareto {
                mean,
                alpha: f64::NAN,
            },
            Shape::Pareto {
                mean,
                alpha: f64::INFINITY,
            },
        ] {
            assert!(Dist::Shape(shape.clone()).validate().is_err(), "{shape:?}");
        }
    }

    #[test]
    fn the_edges_of_sense_are_accepted() {
        for json in [
            r#""0s""#,
            r#"{ "uniform": { "min": "4ms", "max": "4ms" } }"#,
            r#"{ "exponential": { "mean": "1ns" } }"#,
            r#"{ "gamma": { "mean": "1s", "cv": 0.001 } }"#,
            r#"{ "gamma": { "mean": "1s", "cv": 100 } }"#,
            r#"{ "lognormal": { "mean": "100ms", "p99": "1496ms" } }"#,
            r#"{ "pareto": { "mean": "1s", "alpha": 1.0001 } }"#,
            r#"{ "empirical": { "values": ["0s"] } }"#,
        ] {
            assert_eq!(dist(json).validate(), Ok(()), "{json}");
        }
    }

    #[test]
    fn means_are_rounded_to_the_nearest_nanosecond() {
        for (json, nanos) in [
            (r#""60ms""#, 60_000_000),
            (r#"{ "uniform": { "min": "1ns", "max": "4ns" } }"#, 3),
            (r#"{ "gamma": { "mean": "60ms", "cv": 1.5 } }"#, 60_000_000),
            (r#"{ "empirical": { "values": ["1ns", "1ns", "2ns"] } }"#, 1),
            (r#"{ "empirical": { "values": [] } }"#, 0),
        ] {
            assert_eq!(dist(json).mean().as_nanos(), nanos, "{json}");
        }
    }
}
