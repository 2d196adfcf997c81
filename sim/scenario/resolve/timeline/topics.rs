//! What the timeline does to topics: `mqadmin updateTopic`.
//!
//! Source: `UpdateTopicSubCommand` sends the numbers to each broker; `TopicConfigManager.updateTopicConfig` puts
//! them in the place of the old ones. Queues beyond the new numbers stay, with what lies in them.

use super::Play;
use crate::cluster::config::{Action, TopicConfig, TopicQueues};
use crate::cluster::ids::{BrokerId, TopicId};
use crate::kernel::time::SimTime;
use crate::scenario::{defaults, limits};
use std::collections::BTreeMap;

/// Queue numbers of all topics, as far as the timeline has been played through.
pub(super) struct TopicNumbers {
    /// Names of the topics, by id.
    names: Vec<String>,
    /// The numbers now, and the most queues that there ever were.
    held: BTreeMap<(TopicId, BrokerId), (TopicQueues, u32)>,
    /// Queues that were ever made.
    made: u64,
}

impl TopicNumbers {
    pub(super) fn new(topics: &[TopicConfig]) -> Self {
        let mut numbers = Self {
            names: topics.iter().map(|t| t.name.clone()).collect(),
            held: BTreeMap::new(),
            made: 0,
        };
        for (id, topic) in (0..).map(TopicId).zip(topics) {
            for (broker, queues) in &topic.placement {
                numbers.set(id, *broker, *queues);
            }
        }
        numbers
    }

    fn set(&mut self, topic: TopicId, broker: BrokerId, queues: TopicQueues) {
        let (now, most) = self.held.entry((topic, broker)).or_insert((queues, 0));
        *now = queues;
        let more = queues.read.max(queues.write).saturating_sub(*most);
        *most += more;
        self.made += u64::from(more);
    }

    fn brokers_of(&self, topic: TopicId) -> Vec<BrokerId> {
        let all = (topic, BrokerId(0))..=(topic, BrokerId(u32::MAX));
        self.held.range(all).map(|((_, broker), _)| *broker).collect()
    }
}

impl Play<'_, '_> {
    /// An entry changes a topic on `brokers`, or on all that hold it.
    pub(super) fn update_topic(
        &mut self,
        at: SimTime,
        entry: usize,
        topic: TopicId,
        brokers: Option<&[BrokerId]>,
    ) {
        let block = self.block(entry);
        let (read, write) = (block.read_queue_nums, block.write_queue_nums);
        let holders = self.queues.brokers_of(topic);
        let mut changed: Vec<BrokerId> = brokers.map_or(holders, <[BrokerId]>::to_vec);
        if read.or(write).is_none() {
            changed.retain(|broker| !self.queues.held.contains_key(&(topic, *broker)));
            if changed.is_empty() {
                self.changes_nothing(entry);
                return;
            }
        }
        if !self.afford(entry, changed.len() as u64) {
            return;
        }
        let made = self.queues.made;
        for broker in changed {
            let before = self.queues.held.get(&(topic, broker)).map(|(now, _)| *now);
            let numbers = match before {
                Some(now) => TopicQueues {
                    read: read.unwrap_or(now.read),
                    write: write.unwrap_or(now.write),
                },
                None => {
                    let usual = self.queues_per_broker(topic);
                    TopicQueues {
                        read: read.or(write).unwrap_or(usual),
                        write: write.or(read).unwrap_or(usual),
                    }
                }
            };
            self.queues.set(topic, broker, numbers);
            self.act(
                at,
                Action::UpdateTopic {
                    topic,
                    broker,
                    numbers,
                },
            );
        }
        let all = (made, self.queues.made);
        self.within(entry, all, limits::QUEUES, "queues");
    }

    /// `queuesPerBroker` of a topic, for a broker that does not hold it yet.
    fn queues_per_broker(&self, topic: TopicId) -> u32 {
        let name = self.queues.names[topic.index()].as_str();
        let block = &self.resolver.file.cluster.topics[name];
        block.queues_per_broker.unwrap_or(defaults::QUEUES_PER_BROKER)
    }

    fn changes_nothing(&mut self, entry: usize) {
        let (path, span) = self.place(entry);
        let problem = self
            .resolver
            .problem_at(&path, span, "this change of a topic changes nothing");
        problem.label = "what about it?".to_owned();
        problem.help.push(
            "it needs \"readQueueNums\", \"writeQueueNums\", or \"brokers\" with one that does not hold the topic yet"
                .to_owned(),
        );
    }
}
