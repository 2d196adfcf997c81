//! Which topics exist where: user topics from the start, retry and dead-letter topics when first needed.
//!
//! Source: `TopicConfigManager`.

use crate::cluster::config::ClusterConfig;
use crate::cluster::ids::{BrokerId, GroupId, QueueId, TopicId};
use std::collections::BTreeMap;

/// See the module.
#[derive(Debug)]
pub struct Topics {
    queues: BTreeMap<(TopicId, BrokerId), Vec<QueueId>>,
    retry: Vec<Option<TopicId>>,
    dead_letter: Vec<Option<TopicId>>,
    /// Groups that read a topic, by topic.
    readers: Vec<Vec<GroupId>>,
    /// What the readers of an unread topic are.
    nobody: Vec<GroupId>,
}

impl Topics {
    /// Knows who subscribes to what; no topic is placed yet.
    pub fn new(config: &ClusterConfig) -> Self {
        let mut readers = vec![Vec::new(); config.topics.len()];
        for (group, settings) in config.groups.iter().enumerate() {
            for topic in &settings.subscribe {
                readers[topic.index()].push(GroupId(group as u32));
            }
        }
        let none = vec![None; config.groups.len()];
        Self {
            queues: BTreeMap::new(),
            retry: none.clone(),
            dead_letter: none,
            readers,
            nobody: Vec::new(),
        }
    }

    /// `topic` has these queues on `broker`.
    pub fn placed(&mut self, topic: TopicId, broker: BrokerId, queues: &[QueueId]) {
        self.queues.insert((topic, broker), queues.to_vec());
    }

    /// Queues of `topic` on `broker`, from id 0; empty if it has none there.
    pub fn queues(&self, topic: TopicId, broker: BrokerId) -> &[QueueId] {
        self.queues.get(&(topic, broker)).map_or(&[], Vec::as_slice)
    }

    /// `%RETRY%group`, if it exists.
    pub fn retry(&self, group: GroupId) -> Option<TopicId> {
        self.retry[group.index()]
    }

    /// `%DLQ%group`, if it exists.
    pub fn dead_letter(&self, group: GroupId) -> Option<TopicId> {
        self.dead_letter[group.index()]
    }

    /// `%RETRY%group` came into being.
    pub fn set_retry(&mut self, group: GroupId, topic: TopicId) {
        self.retry[group.index()] = Some(topic);
        self.note_reader(topic, group);
    }

    /// `%DLQ%group` came into being. Nobody reads it.
    pub fn set_dead_letter(&mut self, group: GroupId, topic: TopicId) {
        self.dead_letter[group.index()] = Some(topic);
    }

    fn note_reader(&mut self, topic: TopicId, group: GroupId) {
        if self.readers.len() <= topic.index() {
            self.readers.resize(topic.index() + 1, Vec::new());
        }
        self.readers[topic.index()].push(group);
    }

    /// Groups that read `topic`.
    pub fn readers(&self, topic: TopicId) -> &[GroupId] {
        self.readers.get(topic.index()).unwrap_or(&self.nobody)
    }

    /// What a client of `group` asks routes for and rebalances, in this order: its subscriptions, then
    /// `%RETRY%group`; `None` while that does not exist.
    pub fn subscribed<'a>(
        &'a self,
        group: GroupId,
        config: &'a ClusterConfig,
    ) -> impl Iterator<Item = Option<TopicId>> + 'a {
        let user = config.groups[group.index()].subscribe.iter().copied().map(Some);
        user.chain([self.retry(group)])
    }
}
