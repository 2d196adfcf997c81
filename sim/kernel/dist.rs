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
