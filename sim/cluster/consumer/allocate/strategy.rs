//! Strategies as a scenario names them: a word, or an object with the word and its settings.

use crate::cluster::consumer::allocate::AllocateMessageQueueStrategy;
use crate::cluster::consumer::allocate::avg::AllocateMessageQueueAveragely;
use crate::cluster::consumer::allocate::avg_by_circle::AllocateMessageQueueAveragelyByCircle;
use crate::cluster::consumer::allocate::bounded_consistent_hash::AllocateBoundedConsistentHash;
use crate::cluster::consumer::allocate::by_config::ConfiguredLists;
use crate::cluster::consumer::allocate::consistent_hash::AllocateMessageQueueConsistentHash;
use crate::cluster::consumer::allocate::kafka_range::KafkaRangeAssignor;
use crate::cluster::consumer::allocate::kafka_round_robin::KafkaRoundRobinAssignor;
use crate::cluster::consumer::allocate::kafka_sticky::KafkaStickyAssignor;
use crate::cluster::consumer::allocate::machine_room::AllocateMessageQueueByMachineRoom;
use crate::cluster::consumer::allocate::machine_room_nearby::AllocateMachineRoomNearby;
use crate::cluster::consumer::allocate::rotated_avg::AllocateRotatedAveragely;
use crate::cluster::consumer::allocate::sticky::AllocateSticky;
use crate::cluster::consumer::allocate::weighted::AllocateWeighted;
use crate::cluster::message_queue::MessageQueue;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Every built-in strategy with its settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Strategy {
    /// Contiguous blocks; the default.
    #[default]
    Avg,
    /// Dealt out in turn, like cards.
    AvgByCircle,
    /// The next member on a ring.
    ConsistentHash {
        /// Places on the ring for each member.
        virtual_nodes: u32,
    },
    /// Only the queues of these rooms.
    MachineRoom {
        /// `consumeridcs`.
        rooms: Vec<String>,
    },
    /// Each room's queues to the clients of that room, by the inner strategy.
    MachineRoomNearby(Box<Self>),
    /// Lists written down beforehand: the labels of its queues (`orders broker-a:0`) for each member by name.
    Config(BTreeMap<String, Vec<String>>),
    /// Even, with the fewest moves.
    Sticky,
    /// The next member on a ring that is not full.
    BoundedConsistentHash {
        /// Places on the ring for each member.
        virtual_nodes: u32,
        /// What one member may get, in means; at least 1.
        load_bound: f64,
    },
    /// Blocks in proportion to capacity.
    Weighted {
        /// Weights of members by name; of others their capacity, see [`Names::weight`](super::Names::weight).
        weights: BTreeMap<String, u32>,
    },
    /// Blocks that start at another client for each topic.
    RotatedAvg,
    /// Kafka's `RangeAssignor`.
    KafkaRange,
    /// Kafka's `RoundRobinAssignor`.
    KafkaRoundRobin,
    /// After Kafka's `StickyAssignor`.
    KafkaSticky,
}

/// Before the name of the inner strategy.
const NEARBY: &str = "MACHINE_ROOM_NEARBY-";

/// Strategies that a word alone names. Those that look at one topic by itself can work inside rooms too.
const WORDS: [(&str, bool); 10] = [
    ("AVG", true),
    ("AVG_BY_CIRCLE", true),
    ("CONSISTENT_HASH", true),
    ("X_STICKY", true),
    ("X_BOUNDED_CONSISTENT_HASH", true),
    ("X_WEIGHTED", true),
    ("X_ROTATED_AVG", true),
    ("X_KAFKA_RANGE", false),
    ("X_KAFKA_ROUND_ROBIN", false),
    ("X_KAFKA_STICKY", false),
];

impl Strategy {
    /// Every word that names a strategy with its usual settings.
    pub fn words() -> impl Iterator<Item = String> {
        let alone = WORDS.iter().map(|(word, _)| (*word).to_owned());
        let nearby = WORDS.iter().filter(|(_, inside_rooms)| *inside_rooms);
        alone.chain(nearby.map(|(word, _)| format!("{NEARBY}{word}")))
    }

    /// The strategy that `word` names (`AVG`); `None` if there is none, or if it cannot do without settings.
    pub fn of_word(word: &str) -> Option<Self> {
        if let Some(inner) = word.strip_prefix(NEARBY) {
            let inside_rooms = WORDS.contains(&(inner, true));
            return inside_rooms
                .then(|| Self::of_word(inner))?
                .map(|inner| Self::MachineRoomNearby(Box::new(inner)));
        }
        let virtual_nodes = AllocateMessageQueueConsistentHash::VIRTUAL_NODES;
        Some(match word {
            "AVG" => Self::Avg,
            "AVG_BY_CIRCLE" => Self::AvgByCircle,
            "CONSISTENT_HASH" => Self::ConsistentHash { virtual_nodes },
            "X_STICKY" => Self::Sticky,
            "X_BOUNDED_CONSISTENT_HASH" => Self::BoundedConsistentHash {
                virtual_nodes,
                load_bound: AllocateBoundedConsistentHash::LOAD_BOUND,
            },
            "X_WEIGHTED" => Self::Weighted {
                weights: BTreeMap::new(),
            },
            "X_ROTATED_AVG" => Self::RotatedAvg,
            "X_KAFKA_RANGE" => Self::KafkaRange,
            "X_KAFKA_ROUND_ROBIN" => Self::KafkaRoundRobin,
            "X_KAFKA_STICKY" => Self::KafkaSticky,
            _ => return None,
        })
    }

    /// `getName()`.
    pub fn name(&self) -> String {
        self.build::<(), ()>(|_| Vec::new()).name().to_owned()
    }

    /// Places on the ring for each member; 0 without a ring.
    pub fn virtual_nodes(&self) -> u32 {
        match self {
            Self::ConsistentHash { virtual_nodes } | Self::BoundedConsistentHash { virtual_nodes, .. } => {
                *virtual_nodes
            }
            Self::MachineRoomNearby(inner) => inner.virtual_nodes(),
            _ => 0,
        }
    }

    /// The rule itself. `clients`: the ids of the member of that name, of all its lives; settings of members that do
    /// not exist are passed over.
    pub fn build<Q: Clone + Ord + 'static, C: Clone + Ord + 'static>(
        &self,
        clients: impl Fn(&str) -> Vec<C>,
    ) -> Box<dyn AllocateMessageQueueStrategy<Q, C>> {
        self.build_for(&clients)
    }

    fn build_for<Q: Clone + Ord + 'static, C: Clone + Ord + 'static>(
        &self,
        clients: &dyn Fn(&str) -> Vec<C>,
    ) -> Box<dyn AllocateMessageQueueStrategy<Q, C>> {
        match self {
            Self::Avg => Box::new(AllocateMessageQueueAveragely),
            Self::AvgByCircle => Box::new(AllocateMessageQueueAveragelyByCircle),
            Self::ConsistentHash { virtual_nodes } => {
                Box::new(AllocateMessageQueueConsistentHash::new(*virtual_nodes))
            }
            Self::MachineRoom { rooms } => {
                Box::new(AllocateMessageQueueByMachineRoom::new(Some(rooms.clone())))
            }
            Self::MachineRoomNearby(inner) => {
                Box::new(AllocateMachineRoomNearby::new(inner.build_for(clients)))
            }
            Self::Config(lists) => {
                let list = |labels: &Vec<String>| {
                    let queues = labels.iter().filter_map(|label| MessageQueue::of_label(label));
                    queues.collect()
                };
                Box::new(ConfiguredLists::new(by_client(lists, clients, list)))
            }
            Self::Sticky => Box::new(AllocateSticky),
            Self::BoundedConsistentHash {
                virtual_nodes,
                load_bound,
            } => Box::new(AllocateBoundedConsistentHash::new(*virtual_nodes, *load_bound)),
            Self::Weighted { weights } => {
                Box::new(AllocateWeighted::new(by_client(weights, clients, |weight| {
                    *weight
                })))
            }
            Self::RotatedAvg => Box::new(AllocateRotatedAveragely),
            Self::KafkaRange => Box::new(KafkaRangeAssignor),
            Self::KafkaRoundRobin => Box::new(KafkaRoundRobinAssignor),
            Self::KafkaSticky => Box::new(KafkaStickyAssignor),
        }
    }
}

/// Settings by member name as settings by client id. Of members that share an id the first counts.
fn by_client<C: Ord, T, U>(
    settings: &BTreeMap<String, T>,
    clients: &dyn Fn(&str) -> Vec<C>,
    value: impl Fn(&T) -> U,
) -> BTreeMap<C, U> {
    let mut found = BTreeMap::new();
    for (member, setting) in settings {
        for client in clients(member) {
            found.entry(client).or_insert_with(|| value(setting));
        }
    }
    found
}

/// What an object may say: one key, the name of the strategy, and its settings.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all_fields = "camelCase")]
#[schemars(rename = "StrategySettings")]
enum Settings {
    /// The next member on a ring.
    #[serde(rename = "CONSISTENT_HASH")]
    ConsistentHash {
        /// Places on the ring for each member; 0: nobody gets anything.
        #[serde(default = "virtual_nodes")]
        #[schemars(range(min = 0, max = 100_000))]
        virtual_nodes: u32,
    },
    /// Only the queues of brokers `room@…` of these rooms.
    #[serde(rename = "MACHINE_ROOM")]
    MachineRoom {
        /// `consumeridcs`.
        #[schemars(length(min = 1))]
        rooms: Vec<String>,
    },
    /// For each member by name its queues, as "orders broker-a:0".
    #[serde(rename = "CONFIG")]
    Config(BTreeMap<String, Vec<String>>),
    /// The next member on a ring that is not full.
    #[serde(rename = "X_BOUNDED_CONSISTENT_HASH")]
    BoundedConsistentHash {
        /// Places on the ring for each member; 0: nobody gets anything.
        #[serde(default = "virtual_nodes")]
        #[schemars(range(min = 0, max = 100_000))]
        virtual_nodes: u32,
        /// What one member may get, in means, to three decimals.
        #[serde(default = "load_bound")]
        #[schemars(range(min = 1.0, max = 100_000.0))]
        load_bound: f64,
    },
    /// Blocks in proportion to capacity.
    #[serde(rename = "X_WEIGHTED")]
    Weighted {
        /// Weights of members by name; that of others is their `threads`.
        #[serde(default)]
        weights: BTreeMap<String, u32>,
    },
}

fn virtual_nodes() -> u32 {
    AllocateMessageQueueConsistentHash::VIRTUAL_NODES
}

fn load_bound() -> f64 {
    AllocateBoundedConsistentHash::LOAD_BOUND
}

impl From<Settings> for Strategy {
    fn from(settings: Settings) -> Self {
        match settings {
            Settings::ConsistentHash { virtual_nodes } => Self::ConsistentHash { virtual_nodes },
            Settings::MachineRoom { rooms } => Self::MachineRoom { rooms },
            Settings::Config(lists) => Self::Config(lists),
            Settings::BoundedConsistentHash {
                virtual_nodes,
                load_bound,
            } => Self::BoundedConsistentHash {
                virtual_nodes,
                load_bound,
            },
            Settings::Weighted { weights } => Self::Weighted { weights },
        }
    }
}

impl Strategy {
    /// The settings, if there are any; the others are told by their word.
    fn settings(&self) -> Option<Settings> {
        Some(match self.clone() {
            Self::ConsistentHash { virtual_nodes } => Settings::ConsistentHash { virtual_nodes },
            Self::MachineRoom { rooms } => Settings::MachineRoom { rooms },
            Self::Config(lists) => Settings::Config(lists),
            Self::BoundedConsistentHash {
                virtual_nodes,
                load_bound,
            } => Settings::BoundedConsistentHash {
                virtual_nodes,
                load_bound,
            },
            Self::Weighted { weights } => Settings::Weighted { weights },
            _ => return None,
        })
    }
}

/// An object with all settings where there are any, else the word.
impl Serialize for Strategy {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self.settings() {
            Some(settings) => settings.serialize(s),
            None => s.serialize_str(&self.name()),
        }
    }
}

impl<'de> Deserialize<'de> for Strategy {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct WordOrSettings;
        impl<'de> serde::de::Visitor<'de> for WordOrSettings {
            type Value = Strategy;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(
                    "a strategy like \"AVG\" or settings like { \"CONSISTENT_HASH\": { \"virtualNodes\": 100 } }",
                )
            }
            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Strategy, E> {
                Strategy::of_word(word).ok_or_else(|| E::custom(format!("unknown strategy `{word}`")))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Strategy, A::Error> {
                Settings::deserialize(MapAccessDeserializer::new(map)).map(Strategy::from)
            }
        }
        d.deserialize_any(WordOrSettings)
    }
}

impl JsonSchema for Strategy {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Strategy".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let words: Vec<String> = Self::words().collect();
        let settings = generator.subschema_for::<Settings>();
        schemars::json_schema!({ "anyOf": [{ "enum": words }, settings] })
    }
}

#[cfg(test)]
mod tests;
