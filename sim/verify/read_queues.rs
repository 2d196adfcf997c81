//! How many queues of each topic consumers are given on each broker, as operators change it.

use crate::cluster::config::ClusterConfig;
use crate::cluster::fact::Fact;
use crate::cluster::ids::{BrokerId, TopicId};
use std::collections::BTreeMap;

/// `readQueueNums`.
#[derive(Clone, Debug)]
pub struct ReadQueues(BTreeMap<(TopicId, BrokerId), u32>);

impl ReadQueues {
    /// At the start of a run of `config`.
    pub fn new(config: &ClusterConfig) -> Self {
        let topics = (0..).map(TopicId).zip(&config.topics);
        let placed = topics.flat_map(|(topic, settings)| {
            let placement = settings.placement.iter();
            placement.map(move |(broker, numbers)| ((topic, *broker), numbers.read))
        });
        Self(placed.collect())
    }

    /// Takes note of a fact: the number before and now, if it tells of one and there was one.
    pub fn hear(&mut self, fact: &Fact) -> Option<(u32, u32)> {
        let Fact::TopicUpdated {
            topic, broker, read, ..
        } = *fact
        else {
            return None;
        };
        let before = self.0.insert((topic, broker), read)?;
        Some((before, read))
    }

    /// How many there are; `None` for topics of groups.
    pub fn number(&self, topic: TopicId, broker: BrokerId) -> Option<u32> {
        self.0.get(&(topic, broker)).copied()
    }
}
