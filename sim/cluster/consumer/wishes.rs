//! What the members of a group ask for, where they do not all ask for the same: what a message must match to be missed
//! when the group passes it over.
//!
//! Kept for groups only whose members differ, or come to differ. No part of RocketMQ knows this.

use crate::cluster::broker::consumer_manager::SubscribedTopic;
use crate::cluster::broker::expression_message_filter::ExpressionId;
use crate::cluster::config::{Action, ClusterConfig};
use crate::cluster::ids::{GroupId, TopicId};
use std::collections::BTreeMap;

/// See the module.
#[derive(Debug, Default)]
pub struct Wishes {
    /// By group, whether its members may differ.
    differ: Vec<bool>,
    topics: BTreeMap<(GroupId, TopicId), Wish>,
}

#[derive(Debug, Default)]
struct Wish {
    /// Each once.
    expressions: Vec<ExpressionId>,
    /// How many members have it.
    members: Vec<u32>,
}

impl Wishes {
    /// Nobody has started yet.
    pub fn new(config: &ClusterConfig) -> Self {
        let mut differ: Vec<bool> = Vec::new();
        for group in &config.groups {
            let filters = |at: usize| &group.consumers[at].filters;
            differ.push((1..group.consumers.len()).any(|at| filters(at) != filters(0)));
        }
        for entry in &config.timeline {
            if let Action::Subscribe { member, .. } = entry.action {
                differ[member.group.index()] = true;
            }
        }
        Self {
            differ,
            topics: BTreeMap::new(),
        }
    }

    /// What members of `group` ask for of `topic` now; nothing if they cannot differ.
    #[inline]
    pub fn of(&self, group: GroupId, topic: SubscribedTopic) -> &[ExpressionId] {
        let wish = topic.and_then(|topic| self.topics.get(&(group, topic)));
        wish.map_or(&[], |wish| &wish.expressions)
    }

    /// A member starts, which asks for these messages of these topics.
    pub fn add(&mut self, group: GroupId, topics: &[SubscribedTopic], expressions: &[ExpressionId]) {
        if self.differ[group.index()] {
            for (topic, expression) in topics.iter().zip(expressions) {
                self.one_more(group, *topic, *expression);
            }
        }
    }

    /// A member that has started is gone.
    pub fn remove(&mut self, group: GroupId, topics: &[SubscribedTopic], expressions: &[ExpressionId]) {
        if self.differ[group.index()] {
            for (topic, expression) in topics.iter().zip(expressions) {
                self.one_less(group, *topic, *expression);
            }
        }
    }

    /// A member asks for other messages than before.
    pub fn replace(&mut self, group: GroupId, topic: TopicId, before: ExpressionId, now: ExpressionId) {
        self.one_less(group, Some(topic), before);
        self.one_more(group, Some(topic), now);
    }

    fn one_more(&mut self, group: GroupId, topic: SubscribedTopic, expression: ExpressionId) {
        let Some(topic) = topic else { return };
        let wish = self.topics.entry((group, topic)).or_default();
        match wish.expressions.iter().position(|known| *known == expression) {
            Some(at) => wish.members[at] += 1,
            None => {
                wish.expressions.push(expression);
                wish.members.push(1);
            }
        }
    }

    fn one_less(&mut self, group: GroupId, topic: SubscribedTopic, expression: ExpressionId) {
        let wish = topic.and_then(|topic| self.topics.get_mut(&(group, topic)));
        let Some(wish) = wish else { return };
        if let Some(at) = wish.expressions.iter().position(|known| *known == expression) {
            wish.members[at] -= 1;
            if wish.members[at] == 0 {
                wish.expressions.remove(at);
                wish.members.remove(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: GroupId = GroupId(0);
    const TOPIC: SubscribedTopic = Some(TopicId(3));
    const A: ExpressionId = ExpressionId(1);
    const B: ExpressionId = ExpressionId(2);

    /// Two ask for A, one of them then for B; the retry topic is nobody's wish.
    #[test]
    fn a_wish_lasts_as_long_as_somebody_has_it() {
        let mut wishes = Wishes {
            differ: vec![true],
            ..Wishes::default()
        };
        for _ in 0..2 {
            wishes.add(GROUP, &[TOPIC, None], &[A, ExpressionId::ALL]);
        }
        assert_eq!(wishes.of(GROUP, TOPIC), [A]);
        assert_eq!(wishes.of(GROUP, None), []);
        wishes.replace(GROUP, TopicId(3), A, B);
        assert_eq!(wishes.of(GROUP, TOPIC), [A, B]);
        wishes.remove(GROUP, &[TOPIC, None], &[A, ExpressionId::ALL]);
        assert_eq!(wishes.of(GROUP, TOPIC), [B]);
    }
}
