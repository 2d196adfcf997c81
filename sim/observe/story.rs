//! Hand-made cluster histories for the tests of observers.

use crate::cluster::directory::{ConsumerInfo, Directory, GroupInfo, QueueInfo, TopicInfo, TopicKind};
use crate::cluster::ids::{BrokerId, GroupId, TopicId};
use crate::kernel::time::SimTime;

/// `n` seconds after the start.
pub const fn secs(n: u64) -> SimTime {
    SimTime::from_nanos(n * 1_000_000_000)
}

/// `n` milliseconds after the start.
pub const fn millis(n: u64) -> SimTime {
    SimTime::from_nanos(n * 1_000_000)
}

/// A directory under construction: one broker, `broker-a`; all ids follow the order of the calls.
#[derive(Default)]
pub struct Story {
    /// Who is who.
    pub directory: Directory,
}

impl Story {
    /// One broker, nothing else.
    pub fn new() -> Self {
        let mut story = Self::default();
        story.directory.brokers.push("broker-a".into());
        story
    }

    fn add_topic(mut self, name: &str, kind: TopicKind, queues: u32) -> Self {
        let topic = TopicId(self.directory.topics.len() as u32);
        self.directory.topics.push(TopicInfo {
            name: name.into(),
            kind,
        });
        for index in 0..queues {
            self.directory.queues.push(QueueInfo {
                topic,
                broker: BrokerId(0),
                index,
            });
        }
        self
    }

    /// A user topic.
    pub fn topic(self, name: &str, queues: u32) -> Self {
        self.add_topic(name, TopicKind::User, queues)
    }

    /// `%RETRY%group` with one queue.
    pub fn retry_topic(self, group: &str) -> Self {
        let id = self.group_id(group);
        self.add_topic(&format!("%RETRY%{group}"), TopicKind::Retry(id), 1)
    }

    /// `%DLQ%group`.
    pub fn dead_letter_topic(self, group: &str) -> Self {
        let id = self.group_id(group);
        self.add_topic(&format!("%DLQ%{group}"), TopicKind::DeadLetter(id), 1)
    }

    /// A group that reads these topics.
    pub fn group(mut self, name: &str, topics: &[&str]) -> Self {
        let topics = topics.iter().map(|topic| self.topic_id(topic)).collect();
        self.directory.groups.push(GroupInfo {
            name: name.into(),
            topics,
        });
        self
    }

    /// A consumer of a group.
    pub fn consumer(mut self, name: &str, group: &str, threads: u32) -> Self {
        let group = self.group_id(group);
        self.directory.consumers.push(ConsumerInfo {
            name: name.into(),
            client_id: format!("192.0.2.1@{name}"),
            group,
            threads,
        });
        self
    }

    /// A producer of a topic.
    pub fn producer(mut self, name: &str, topic: &str) -> Self {
        let topic = self.topic_id(topic);
        self.directory.producers.push((name.into(), topic));
        self
    }

    fn topic_id(&self, name: &str) -> TopicId {
        let position = self.directory.topics.iter().position(|topic| topic.name == name);
        TopicId(position.expect("topic is declared first") as u32)
    }

    fn group_id(&self, name: &str) -> GroupId {
        let position = self.directory.groups.iter().position(|group| group.name == name);
        GroupId(position.expect("group is declared first") as u32)
    }
}
