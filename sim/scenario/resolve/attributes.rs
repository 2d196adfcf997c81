//! Tags, keys and properties of the messages that producers make.

use super::Resolver;
use crate::cluster::config::{AttributesConfig, KeyDist, PropertyDist, QueueSelector};
use crate::scenario::limits;
use crate::scenario::locate::FieldPath;
use crate::scenario::schema::{KeysBlock, KeysShape, ProducerBlock, PropertyBlock};
use indexmap::IndexMap;

impl Resolver<'_> {
    pub(super) fn attributes(&mut self, path: &FieldPath, block: &ProducerBlock) -> AttributesConfig {
        if block.queue_selector == QueueSelector::ByKey && block.keys.is_none() {
            let message = format!("`{path}` chooses queues by key, but its messages have none");
            let problem = self.problem(&path.key("queueSelector"), message);
            problem.label = "needs \"keys\"".to_owned();
            problem.help.push("for example \"keys\": 1000".to_owned());
        }
        for name in block.tags.keys() {
            self.tag(&path.key("tags").key(name), name);
        }
        AttributesConfig {
            tags: self.choices(&path.key("tags"), &block.tags),
            keys: block.keys.map(keys),
            properties: self.properties(&path.key("properties"), &block.properties),
        }
    }

    fn tag(&mut self, path: &FieldPath, tag: &str) {
        let problem = if tag.len() > limits::NAME {
            self.problem(path, "a tag is too long")
        } else if tag.trim() != tag {
            self.problem(path, "a tag begins or ends with a blank")
        } else {
            return;
        };
        problem.label = match tag.len() > limits::NAME {
            true => format!("more than {} bytes", limits::NAME),
            false => "no subscription could name it: RocketMQ trims tags there".to_owned(),
        };
    }

    /// Texts with weights, at least one of them above 0 if there are any; those without weight are left out.
    fn choices(&mut self, path: &FieldPath, weights: &IndexMap<String, u32>) -> Vec<(String, u32)> {
        if weights.len() as u64 > limits::CHOICES {
            let message = format!("`{path}` has {} choices", weights.len());
            self.problem(path, message).label = format!("more than {}", limits::CHOICES);
        }
        if !weights.is_empty() && weights.values().all(|weight| *weight == 0) {
            let problem = self.problem(path, format!("`{path}` has no weight above 0"));
            problem.label = "nothing to choose from".to_owned();
        }
        let weighty = weights.iter().filter(|(_, weight)| **weight > 0);
        weighty.map(|(text, weight)| (text.clone(), *weight)).collect()
    }

    fn properties(
        &mut self,
        path: &FieldPath,
        properties: &IndexMap<String, PropertyBlock>,
    ) -> Vec<(String, PropertyDist)> {
        let mut dists = Vec::new();
        for (name, block) in properties {
            let path = path.key(name);
            self.property_name(&path, name);
            let dist = match block {
                PropertyBlock::OneOf(choices) => {
                    PropertyDist::Choices(self.choices(&path.key("oneOf"), choices))
                }
                PropertyBlock::Uniform { min, max } => {
                    if min > max {
                        let message = format!("`min` ({min}) is greater than `max` ({max})");
                        let problem = self.problem(&path.key("uniform").key("min"), message);
                        problem.label = "exchange them".to_owned();
                    }
                    PropertyDist::Uniform { min: *min, max: *max }
                }
            };
            dists.push((name.clone(), dist));
        }
        dists
    }

    fn property_name(&mut self, path: &FieldPath, name: &str) {
        let starts = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '$';
        let is_identifier = name.starts_with(starts) && name.chars().all(|c| starts(c) || c.is_ascii_digit());
        if RESERVED.contains(&name) {
            let problem = self.problem(path, format!("`{name}` is a property of RocketMQ's own"));
            problem.label = "cannot be set".to_owned();
            problem
                .help
                .push("tags and keys have blocks of their own: \"tags\", \"keys\"".to_owned());
        } else if !is_identifier || name.len() > limits::NAME {
            let problem = self.problem(path, format!("`{name}` is no name of a property"));
            problem.label = "a letter, _ or $, then letters, digits, _ and $".to_owned();
        }
    }
}

/// Some of `MessageConst.STRING_HASH_SET`: those that a user would try.
const RESERVED: [&str; 6] = ["TAGS", "KEYS", "DELAY", "WAIT", "UNIQ_KEY", "RETRY_TOPIC"];

fn keys(block: KeysBlock) -> KeyDist {
    match block {
        KeysBlock::Count(count) => KeyDist::Uniform { count },
        KeysBlock::Shape(KeysShape::Zipf { count, exponent }) => KeyDist::Zipf { count, exponent },
    }
}
