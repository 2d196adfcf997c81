//! Names of entities as traces give them, made once: those of `report.json`.

use super::out::quoted;
use crate::cluster::directory::Directory;
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, MessageId, ProducerId, QueueId, TopicId};
use crate::kernel::memory;
use crate::report::consumer_keys;

/// Each as a JSON string.
#[derive(Debug, Default)]
pub struct Names {
    brokers: Vec<String>,
    topics: Vec<String>,
    queues: Vec<String>,
    producers: Vec<String>,
    groups: Vec<String>,
    consumers: Vec<String>,
    /// Of consumers, without quotes.
    keys: Vec<String>,
}

impl Names {
    /// Learns of what is new.
    #[inline]
    pub fn learn(&mut self, directory: &Directory) {
        if self.queues.len() < directory.queues.len() || self.consumers.len() < directory.consumers.len() {
            self.learn_all(directory);
        }
    }

    #[inline(never)]
    fn learn_all(&mut self, directory: &Directory) {
        if self.brokers.is_empty() {
            self.brokers = directory.brokers.iter().map(|name| quoted(name)).collect();
            self.groups = directory.groups.iter().map(|of| quoted(&of.name)).collect();
            self.producers = directory.producers.iter().map(|(name, _)| name.clone()).collect();
        }
        if self.keys.len() < directory.consumers.len() {
            self.keys = consumer_keys(directory);
            self.consumers = self.keys.iter().map(|key| quoted(key)).collect();
        }
        for topic in &directory.topics[self.topics.len()..] {
            self.topics.push(quoted(&topic.name));
        }
        for queue in self.queues.len()..directory.queues.len() {
            let label = directory.queue_label(QueueId(queue as u32));
            self.queues.push(quoted(&label));
        }
    }

    pub fn broker(&self, id: BrokerId) -> &str {
        &self.brokers[id.index()]
    }
    pub fn topic(&self, id: TopicId) -> &str {
        &self.topics[id.index()]
    }
    pub fn queue(&self, id: QueueId) -> &str {
        &self.queues[id.index()]
    }
    pub fn group(&self, id: GroupId) -> &str {
        &self.groups[id.index()]
    }
    pub fn consumer(&self, id: ConsumerId) -> &str {
        &self.consumers[id.index()]
    }
    pub fn producer(&self, id: ProducerId) -> String {
        quoted(&self.producers[id.index()])
    }
    /// The name of a consumer in reports, without quotes.
    pub fn key(&self, id: ConsumerId) -> &str {
        &self.keys[id.index()]
    }
    /// `checkout-1#42`, without quotes: the 42nd that this producer has made, as `rmqsim explain` names it.
    pub fn message(&self, id: MessageId) -> String {
        format!("{}#{}", self.producers[id.producer().index()], id.number() + 1)
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let lists = [
            &self.brokers,
            &self.topics,
            &self.queues,
            &self.producers,
            &self.groups,
            &self.consumers,
            &self.keys,
        ];
        let of_list = |list: &Vec<String>| {
            let texts: usize = list.iter().map(String::capacity).sum();
            memory::of_vec(list) + texts as u64
        };
        lists.into_iter().map(of_list).sum()
    }
}
