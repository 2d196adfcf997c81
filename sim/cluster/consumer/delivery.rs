//! How messages get from a broker to the clients of a group.
//!
//! RocketMQ has one way, *long polling*: a client asks, and a broker that has nothing keeps the question until something
//! comes. The others are what it is compared with. They are not RocketMQ's, and share everything else with it: queues
//! and their owners, offsets, commits, retries.
//!
//! - *Short polling*: no broker keeps a question. Who finds nothing asks again `interval` after the last time; who finds
//!   something asks again at once, within the limits of flow control.
//! - *Pull*: the application asks for one batch of each queue on a clock of its own, as with `DefaultMQPullConsumer`. While
//!   it works on the last batch of a queue it leaves that queue out, so a client never holds more than a batch of each.
//!   Offsets move when a batch is done, as of an application that commits what it has finished. (`DefaultLitePullConsumer`
//!   commits what it has handed out, and so loses a batch with a crash.)
//! - *Push*: see [`push`](super::push).

use crate::kernel::time::SimDuration;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Serialize};

/// The delivery style of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// RocketMQ's: the broker keeps a pull that finds nothing until something comes.
    #[default]
    LongPolling,
    /// The broker answers at once; after an empty answer the client asks again in a while.
    ShortPolling {
        /// Time from a pull that finds nothing to the next of that queue.
        interval: SimDuration,
    },
    /// The application asks for a batch of each queue on its own clock.
    Pull {
        /// Time from one pull of a queue to the next.
        interval: SimDuration,
        /// Messages asked for at most.
        batch: u32,
    },
    /// The broker sends whatever comes, at once.
    Push {
        /// Messages of one queue that may be with the client, or on their way to it, and not finished; `None` = any number.
        credit: Option<u32>,
    },
}

/// The shortest and the longest interval. A queue that is not asked for in 2 min is taken away and given anew
/// (`pullMaxIdleTime`).
pub const INTERVALS: (SimDuration, SimDuration) = (SimDuration::from_millis(1), SimDuration::from_secs(60));

impl Delivery {
    /// Words that name a style with its usual settings.
    const WORDS: [&'static str; 4] = ["longPolling", "shortPolling", "pull", "push"];

    /// The style that `word` names.
    pub fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "longPolling" => Self::LongPolling,
            "shortPolling" => Self::ShortPolling { interval: interval() },
            "pull" => Self::Pull {
                interval: interval(),
                batch: batch(),
            },
            "push" => Self::Push { credit: None },
            _ => return None,
        })
    }

    /// Its word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::LongPolling => "longPolling",
            Self::ShortPolling { .. } => "shortPolling",
            Self::Pull { .. } => "pull",
            Self::Push { .. } => "push",
        }
    }

    /// Time between two questions, where the client has a clock for them.
    pub fn interval(&self) -> Option<SimDuration> {
        match self {
            Self::ShortPolling { interval } | Self::Pull { interval, .. } => Some(*interval),
            Self::LongPolling | Self::Push { .. } => None,
        }
    }
}

/// What an object may say: one key, the name of the style, and its settings.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[schemars(rename = "DeliverySettings")]
enum Settings {
    /// The broker answers at once; after an empty answer the client asks again in a while. Not RocketMQ's.
    ShortPolling {
        /// Time from a pull that finds nothing to the next of that queue; 1ms … 1m. Default "1s".
        #[serde(default = "interval")]
        interval: SimDuration,
    },
    /// The application asks for a batch of each queue on its own clock, as with DefaultMQPullConsumer.
    Pull {
        /// Time from one pull of a queue to the next; 1ms … 1m. Default "1s".
        #[serde(default = "interval")]
        interval: SimDuration,
        /// Messages asked for at most; brokers give 32. Default 10 (`DefaultLitePullConsumer.pullBatchSize`).
        #[serde(default = "batch")]
        #[schemars(range(min = 1, max = 1024))]
        batch: u32,
    },
    /// The broker sends whatever comes, at once. Not RocketMQ's.
    Push {
        /// Messages of one queue that may be unfinished at a client, or on the way to it. Default any number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "u32", range(min = 1, max = 1_000_000))]
        credit: Option<u32>,
    },
}

fn interval() -> SimDuration {
    SimDuration::from_secs(1)
}

fn batch() -> u32 {
    10
}

impl From<Settings> for Delivery {
    fn from(settings: Settings) -> Self {
        match settings {
            Settings::ShortPolling { interval } => Self::ShortPolling { interval },
            Settings::Pull { interval, batch } => Self::Pull { interval, batch },
            Settings::Push { credit } => Self::Push { credit },
        }
    }
}

/// An object with all settings where there are any, else the word.
impl Serialize for Delivery {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::LongPolling | Self::Push { credit: None } => s.serialize_str(self.word()),
            Self::ShortPolling { interval } => Settings::ShortPolling { interval }.serialize(s),
            Self::Pull { interval, batch } => Settings::Pull { interval, batch }.serialize(s),
            Self::Push { credit } => Settings::Push { credit }.serialize(s),
        }
    }
}

impl<'de> Deserialize<'de> for Delivery {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct WordOrSettings;
        impl<'de> serde::de::Visitor<'de> for WordOrSettings {
            type Value = Delivery;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a style like \"longPolling\" or settings like { \"push\": { \"credit\": 100 } }")
            }
            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Delivery, E> {
                Delivery::of_word(word).ok_or_else(|| E::custom(format!("unknown delivery style `{word}`")))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Delivery, A::Error> {
                Settings::deserialize(MapAccessDeserializer::new(map)).map(Delivery::from)
            }
        }
        d.deserialize_any(WordOrSettings)
    }
}

impl JsonSchema for Delivery {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Delivery".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let settings = generator.subschema_for::<Settings>();
        schemars::json_schema!({ "anyOf": [{ "enum": Self::WORDS }, settings] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written reads back, and a word means the same as the object with its usual settings.
    #[test]
    fn both_forms_are_read() {
        for (written, normal) in [
            (r#""longPolling""#, r#""longPolling""#),
            (r#""push""#, r#""push""#),
            (r#"{"push":{}}"#, r#""push""#),
            (r#"{"push":{"credit":5}}"#, r#"{"push":{"credit":5}}"#),
            (r#""shortPolling""#, r#"{"shortPolling":{"interval":"1s"}}"#),
            (r#""pull""#, r#"{"pull":{"interval":"1s","batch":10}}"#),
            (
                r#"{"pull":{"interval":"50ms"}}"#,
                r#"{"pull":{"interval":"50ms","batch":10}}"#,
            ),
        ] {
            let delivery: Delivery = serde_json::from_str(written).expect(written);
            assert_eq!(serde_json::to_string(&delivery).unwrap(), normal);
            assert_eq!(serde_json::from_str::<Delivery>(normal).unwrap(), delivery);
        }
        assert!(
            Delivery::WORDS
                .iter()
                .all(|word| Delivery::of_word(word).unwrap().word() == *word)
        );
        assert_eq!(Delivery::of_word("pop"), None);
    }
}
