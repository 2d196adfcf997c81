//! What the end of a run looks like to one group: worked out once, however many queues ask.

use super::Judge;
use crate::cluster::config::{ConsumerConfig, Strategy};
use crate::cluster::directory::{Directory, TopicKind};
use crate::cluster::ids::{ConsumerId, GroupId, QueueId, TopicId};
use crate::kernel::time::SimTime;
use std::collections::{BTreeMap, BTreeSet};

/// See the module.
#[derive(Debug)]
pub struct GroupEnd {
    /// Which group.
    pub group: GroupId,
    /// Living members that are not stopped, in the order of their client ids.
    pub members: Vec<ConsumerId>,
    /// Whether no two members have one id.
    pub distinct: bool,
    /// What all of them subscribe to; `None` if they differ, or nobody is there.
    pub topics: Option<Vec<TopicId>>,
    /// Queues of these topics and of the retry topic, by topic, in `MessageQueue` order; those that nobody is given apart.
    pub queues: Vec<(Vec<QueueId>, Vec<QueueId>)>,
    /// All that somebody is given.
    pub given: BTreeSet<QueueId>,
    /// Members that hold a queue, in their order.
    pub holders: BTreeMap<QueueId, Vec<ConsumerId>>,
    /// Whether it can have nothing left to do.
    pub is_done: bool,
    /// Whether queues may belong to nobody: lists and rooms leave out what they do not name, and members that share out
    /// otherwise than others leave queues between them.
    pub leaves_out: bool,
}

impl GroupEnd {
    /// Who holds a queue.
    pub fn holders_of(&self, queue: QueueId) -> &[ConsumerId] {
        self.holders.get(&queue).map_or(&[], Vec::as_slice)
    }
}

impl Judge<'_> {
    /// All groups at the end.
    pub(super) fn group_ends(&self, end: SimTime, directory: &Directory) -> Vec<GroupEnd> {
        let mut by_topic = vec![Vec::new(); directory.topics.len()];
        for queue in (0..directory.queues.len() as u32).map(QueueId) {
            by_topic[directory.queue(queue).topic.index()].push(queue);
        }
        for queues in &mut by_topic {
            queues.sort_by_key(|queue| (directory.queue(*queue).broker, directory.queue(*queue).index));
        }
        let groups = (0..self.config.groups.len() as u32).map(GroupId);
        groups
            .map(|group| self.group_end(end, directory, group, &by_topic))
            .collect()
    }

    fn group_end(
        &self,
        end: SimTime,
        directory: &Directory,
        group: GroupId,
        by_topic: &[Vec<QueueId>],
    ) -> GroupEnd {
        let id = |consumer: &ConsumerId| directory.consumer(*consumer).client_id.as_str();
        let at_work = self.processes.at_work();
        let mut members: Vec<_> = at_work
            .filter(|consumer| directory.consumer(*consumer).group == group)
            .collect();
        members.sort_by_key(|consumer| id(consumer));
        let topics = self.common_topics(directory, &members);
        let queues = self.queues(directory, group, topics.as_deref().unwrap_or_default(), by_topic);
        let mut holders = BTreeMap::<QueueId, Vec<ConsumerId>>::new();
        for member in &members {
            let of_member = (*member, QueueId(0))..=(*member, QueueId(u32::MAX));
            for ((_, queue), _) in self.holds.range(of_member) {
                holders.entry(*queue).or_default().push(*member);
            }
        }
        let has_own = |member: &ConsumerId| self.consumer_config(directory, *member).strategy.is_some();
        let strategy = &self.config.groups[group.index()].strategy;
        GroupEnd {
            group,
            distinct: members.iter().map(id).collect::<BTreeSet<_>>().len() == members.len(),
            given: queues.iter().flat_map(|(given, _)| given).copied().collect(),
            queues,
            topics,
            holders,
            is_done: self.is_done_at(end, directory, group),
            leaves_out: matches!(strategy, Strategy::Config(_) | Strategy::MachineRoom { .. })
                || members.iter().any(has_own),
            members,
        }
    }

    /// What the configuration says of a client.
    pub(super) fn consumer_config(&self, directory: &Directory, consumer: ConsumerId) -> &ConsumerConfig {
        let group = directory.consumer(consumer).group;
        &self.config.groups[group.index()].consumers[self.excuses.member(directory, consumer)]
    }

    /// Topics that a client subscribes to.
    pub(super) fn subscription(&self, directory: &Directory, consumer: ConsumerId) -> &[TopicId] {
        let group = self.group_of(directory, consumer);
        let own = &self.consumer_config(directory, consumer).subscribe;
        own.as_ref().unwrap_or(&group.subscribe)
    }

    fn common_topics(&self, directory: &Directory, members: &[ConsumerId]) -> Option<Vec<TopicId>> {
        let topics = self.subscription(directory, *members.first()?);
        let mut members = members.iter();
        let same = members.all(|member| self.subscription(directory, *member) == topics);
        same.then(|| topics.to_vec())
    }

    fn queues(
        &self,
        directory: &Directory,
        group: GroupId,
        topics: &[TopicId],
        by_topic: &[Vec<QueueId>],
    ) -> Vec<(Vec<QueueId>, Vec<QueueId>)> {
        let reads = |topic: &usize| match directory.topics[*topic].kind {
            TopicKind::User => topics.contains(&TopicId(*topic as u32)),
            TopicKind::Retry(of) => of == group,
            // Whether it may be read is an operator's business.
            TopicKind::DeadLetter(_) => false,
        };
        let is_given = |queue: &QueueId| {
            let info = directory.queue(*queue);
            self.read
                .number(info.topic, info.broker)
                .is_none_or(|read| info.index < read)
        };
        (0..by_topic.len())
            .filter(reads)
            .map(|topic| by_topic[topic].iter().copied().partition(is_given))
            .collect()
    }
}
