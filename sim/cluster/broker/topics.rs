//! Which topics exist where: user topics from the start, retry and dead-letter topics when first needed.
//!
//! Source: `TopicConfigManager`.

use crate::cluster::broker::consumer_manager::SubscribedTopic;
use crate::cluster::broker::retry_dlq::{dlq_topic, retry_topic};
use crate::cluster::config::{ClusterConfig, MessageModel, TopicQueues};
use crate::cluster::ids::{BrokerId, GroupId, QueueId, TopicId};
use crate::cluster::message_queue::{java_hash, java_hash_order};
use crate::kernel::memory;
use std::collections::BTreeMap;
use std::rc::Rc;

/// See the module.
#[derive(Debug)]
pub struct Topics {
    queues: BTreeMap<(TopicId, BrokerId), (Vec<QueueId>, TopicQueues)>,
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
        let by_name = |name: String| config.topics.iter().position(|topic| topic.name == name);
        let dead_letter = config.groups.iter().map(|group| {
            // Known by name before it exists, if somebody subscribes to it.
            by_name(dlq_topic(&group.name)).map(|topic| TopicId(topic as u32))
        });
        Self {
            queues: BTreeMap::new(),
            retry: vec![None; config.groups.len()],
            dead_letter: dead_letter.collect(),
            readers,
            nobody: Vec::new(),
        }
    }

    /// `topic` has these queues on `broker`: `created` beside those it had.
    pub fn placed(&mut self, topic: TopicId, broker: BrokerId, created: &[QueueId], numbers: TopicQueues) {
        let nothing = (Vec::new(), numbers);
        let (queues, known) = self.queues.entry((topic, broker)).or_insert(nothing);
        queues.extend_from_slice(created);
        *known = numbers;
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let queues = self.queues.values().map(|(queues, _)| memory::of_vec(queues));
        let readers = self.readers.iter().map(memory::of_vec);
        memory::of_map(&self.queues) + memory::of_vec(&self.readers) + queues.chain(readers).sum::<u64>()
    }

    /// Bytes of one in which topics have so many places at brokers and so many queues there.
    pub fn held_for(placements: u64, queues: u64) -> u64 {
        let of_place = memory::of::<QueueId>(1);
        memory::of_entries::<(TopicId, BrokerId), (Vec<QueueId>, TopicQueues)>(placements)
            + placements * of_place
            + queues * size_of::<QueueId>() as u64
    }

    /// How many of them are read and written.
    pub fn numbers(&self, topic: TopicId, broker: BrokerId) -> TopicQueues {
        let none = TopicQueues { read: 0, write: 0 };
        self.queues
            .get(&(topic, broker))
            .map_or(none, |(_, numbers)| *numbers)
    }

    /// Queues of `topic` on `broker`, from id 0; empty if it has none there.
    pub fn queues(&self, topic: TopicId, broker: BrokerId) -> &[QueueId] {
        self.queues
            .get(&(topic, broker))
            .map_or(&[], |(queues, _)| queues)
    }

    /// `%RETRY%group`, if it exists.
    pub fn retry(&self, group: GroupId) -> Option<TopicId> {
        self.retry[group.index()]
    }

    /// `%DLQ%group`, if it exists or somebody subscribes to it.
    pub fn dead_letter(&self, group: GroupId) -> Option<TopicId> {
        self.dead_letter[group.index()]
    }

    /// `%RETRY%group` came into being.
    pub fn set_retry(&mut self, group: GroupId, topic: TopicId) {
        self.retry[group.index()] = Some(topic);
        self.note_reader(topic, group);
    }

    /// `%DLQ%group` came into being, to which nobody subscribes.
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

    /// The topic that a client of `group` means; `None` while `%RETRY%group` does not exist.
    pub fn resolve(&self, group: GroupId, topic: SubscribedTopic) -> Option<TopicId> {
        topic.or(self.retry(group))
    }
}

/// What a member asks routes for and rebalances: its subscriptions and, unless it is broadcasting, `%RETRY%group`, in the order of Java's table
/// (`RebalanceImpl.subscriptionInner`).
pub fn subscribed(config: &ClusterConfig, group: usize, own: Option<&[TopicId]>) -> Rc<[SubscribedTopic]> {
    let settings = &config.groups[group];
    let user = own.unwrap_or(&settings.subscribe).iter().copied().map(Some);
    // A broadcasting group retries nothing.
    let retry = (settings.message_model == MessageModel::Clustering).then_some(None);
    let mut topics: Vec<Option<TopicId>> = user.chain(retry).collect();
    java_hash_order(&mut topics, |topic| match topic {
        Some(topic) => java_hash(&config.topics[topic.index()].name),
        None => java_hash(&retry_topic(&settings.name)),
    });
    topics.into()
}
