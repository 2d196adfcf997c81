//! What a filter may pass over: in a group whose members all ask for the same, what they do not ask for; else what a
//! reader has passed over.

use super::Judge;
use crate::cluster::broker::expression_message_filter::{Candidate, ExpressionId, Filters};
use crate::cluster::config::{Action, ClusterConfig};
use crate::cluster::directory::{Directory, TopicKind};
use crate::cluster::ids::{GroupId, QueueId, TopicId};

/// What the members of each group ask for.
#[derive(Debug)]
pub struct Filtering {
    /// What all members ask for, by group; `None` if they differ or come to.
    same: Vec<Option<Vec<(TopicId, ExpressionId)>>>,
    is_needed: bool,
}

impl Filtering {
    /// For one run of `config`.
    pub fn new(config: &ClusterConfig) -> Self {
        let same = (0..config.groups.len()).map(|group| {
            let consumers = &config.groups[group].consumers;
            let first = consumers
                .first()
                .map_or(Vec::new(), |first| first.filters.clone());
            let changes = config.timeline.iter().any(|entry| {
                matches!(entry.action, Action::Subscribe { member, .. } if member.group.index() == group)
            });
            let all_same = consumers.iter().all(|consumer| consumer.filters == first);
            (all_same && !changes).then_some(first)
        });
        let groups = (0..config.groups.len() as u32).map(GroupId);
        Self {
            same: same.collect(),
            is_needed: groups.into_iter().any(|group| config.has_filters(group)),
        }
    }

    /// Whether anybody filters.
    pub fn is_needed(&self) -> bool {
        self.is_needed
    }
}

impl Judge<'_> {
    /// Whether it is right that the group has never been given this record.
    pub(super) fn may_pass(
        &self,
        directory: &Directory,
        filters: &Filters,
        group: GroupId,
        (slot, queue, offset): (usize, QueueId, u64),
    ) -> bool {
        let topic = directory.queue(queue).topic;
        if !self.filtering.is_needed || directory.topic(topic).kind != TopicKind::User {
            return false;
        }
        let Some(same) = &self.filtering.same[group.index()] else {
            return self.readings[slot].seen(offset).is_some_and(|seen| seen.passed);
        };
        let filter = same.iter().find(|(of, _)| *of == topic);
        let expression = filter.map_or(ExpressionId::ALL, |(_, expression)| *expression);
        let Some(record) = self.records.get(queue, offset) else {
            return false;
        };
        let made = &self.records.made[record.message.producer().index()];
        let message = Candidate {
            attributes: &directory.attributes,
            id: record.message,
            luck: made.luck[record.message.number() as usize],
        };
        !filters.wants(expression, message)
    }
}
