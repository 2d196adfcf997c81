//! What a filter may pass over: in a group whose members all ask for the same, what they do not ask for; else what a
//! reader has passed over.

use rmqsim::cluster::broker::expression_message_filter::{Candidate, ExpressionId, Filters};
use rmqsim::cluster::config::{Action, ClusterConfig};
use rmqsim::cluster::directory::{Directory, TopicKind};
use rmqsim::cluster::ids::{GroupId, MessageId, QueueId, TopicId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

pub struct Filtering {
    filters: Filters,
    /// What all members of a group ask for; `None` if they differ or come to.
    same: Vec<Option<Vec<(TopicId, ExpressionId)>>>,
    luck: BTreeMap<MessageId, u64>,
    messages: BTreeMap<(QueueId, u64), MessageId>,
    passed: BTreeSet<(GroupId, QueueId, u64)>,
}

impl Filtering {
    pub fn new(config: &ClusterConfig, directory: &Directory) -> Self {
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
        Self {
            filters: Filters::new(&config.expressions, &directory.attributes),
            same: same.collect(),
            luck: BTreeMap::new(),
            messages: BTreeMap::new(),
            passed: BTreeSet::new(),
        }
    }

    pub fn born(&mut self, message: MessageId, luck: u64) {
        self.luck.insert(message, luck);
    }

    pub fn stored(&mut self, queue: QueueId, offset: u64, message: MessageId) {
        self.messages.insert((queue, offset), message);
    }

    pub fn passed(&mut self, group: GroupId, queue: QueueId, offsets: Range<u64>) {
        self.passed.extend(offsets.map(|offset| (group, queue, offset)));
    }

    /// Whether it is right that the group has never been given this record.
    pub fn may_pass(
        &self,
        (group, topic, queue, offset): (GroupId, TopicId, QueueId, u64),
        directory: &Directory,
    ) -> bool {
        if directory.topic(topic).kind != TopicKind::User {
            return false;
        }
        let Some(same) = &self.same[group.index()] else {
            return self.passed.contains(&(group, queue, offset));
        };
        let filter = same.iter().find(|(of, _)| *of == topic);
        let expression = filter.map_or(ExpressionId::ALL, |(_, expression)| *expression);
        let id = self.messages[&(queue, offset)];
        let message = Candidate {
            attributes: &directory.attributes,
            id,
            luck: self.luck[&id],
        };
        !self.filters.wants(expression, message)
    }
}
