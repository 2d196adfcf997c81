//! Who is who: names of all entities and where each queue lives. Grows during a run, never shrinks.

use crate::cluster::consumer::delivery::Delivery;
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, MessageId, ProducerId, QueueId, TopicId};
use crate::cluster::producer::attributes::Attributes;

/// What a topic is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicKind {
    /// Made by the user.
    User,
    /// `%RETRY%group`.
    Retry(GroupId),
    /// `%DLQ%group`.
    DeadLetter(GroupId),
}

/// A topic's name and purpose.
#[derive(Clone, Debug)]
pub struct TopicInfo {
    /// Its name, prefix included.
    pub name: String,
    /// Its purpose.
    pub kind: TopicKind,
}

/// Where a queue lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueInfo {
    /// Its topic.
    pub topic: TopicId,
    /// Its broker.
    pub broker: BrokerId,
    /// `queueId` on that broker, from 0.
    pub index: u32,
}

/// A group's name and what it reads.
#[derive(Clone, Debug)]
pub struct GroupInfo {
    /// Its name.
    pub name: String,
    /// User topics that it subscribes to.
    pub topics: Vec<TopicId>,
    /// Broadcasting: the client ids of its members, each of which gets all messages; else empty.
    pub readers: Vec<String>,
    /// Whether its listeners remember what they have done.
    pub is_idempotent: bool,
    /// How messages get to its clients.
    pub delivery: Delivery,
}

/// A consumer client.
#[derive(Clone, Debug)]
pub struct ConsumerInfo {
    /// Name in the scenario.
    pub name: String,
    /// `clientId`.
    pub client_id: String,
    /// Its group.
    pub group: GroupId,
    /// Position of its client id among the readers of a broadcasting group; else 0.
    pub reader: u32,
    /// Listener threads.
    pub threads: u32,
}

/// Tables by id.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// By [`BrokerId`].
    pub brokers: Vec<String>,
    /// By [`TopicId`].
    pub topics: Vec<TopicInfo>,
    /// By [`QueueId`].
    pub queues: Vec<QueueInfo>,
    /// By [`ProducerId`]: name and topic.
    pub producers: Vec<(String, TopicId)>,
    /// By [`GroupId`].
    pub groups: Vec<GroupInfo>,
    /// By [`ConsumerId`].
    pub consumers: Vec<ConsumerInfo>,
    /// What messages are about.
    pub attributes: Attributes,
}

impl Directory {
    /// Name of a broker.
    pub fn broker(&self, id: BrokerId) -> &str {
        &self.brokers[id.index()]
    }
    /// Name and purpose of a topic.
    pub fn topic(&self, id: TopicId) -> &TopicInfo {
        &self.topics[id.index()]
    }
    /// Place of a queue.
    #[inline]
    pub fn queue(&self, id: QueueId) -> QueueInfo {
        self.queues[id.index()]
    }
    /// A group.
    pub fn group(&self, id: GroupId) -> &GroupInfo {
        &self.groups[id.index()]
    }
    /// A consumer.
    pub fn consumer(&self, id: ConsumerId) -> &ConsumerInfo {
        &self.consumers[id.index()]
    }
    /// A producer's name.
    pub fn producer(&self, id: ProducerId) -> &str {
        &self.producers[id.index()].0
    }
    /// `shop 17`, as people name a message: its producer, and which of its messages it is, from 0.
    pub fn message_label(&self, id: MessageId) -> String {
        format!("{} {}", self.producer(id.producer()), id.number())
    }
    /// `topic broker:id`, as people name a queue: `orders broker-a:3`.
    pub fn queue_label(&self, id: QueueId) -> String {
        let queue = self.queue(id);
        format!(
            "{} {}:{}",
            self.topic(queue.topic).name,
            self.broker(queue.broker),
            queue.index
        )
    }
}
