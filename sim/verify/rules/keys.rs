//! Order of keys (O2): where messages of one key go to one queue and an orderly listener takes them, the messages that
//! one producer made with one key come for the first time in the order in which it made them.
//!
//! Not asked of a group whose members filter, since what was passed over may come after all, nor while queues come and go.

use super::Judge;
use crate::cluster::broker::retry_dlq::DLQ_TOPIC_PREFIX;
use crate::cluster::config::{Action, ClusterConfig, ListenerKind, MessageModel, QueueSelector};
use crate::cluster::directory::Directory;
use crate::cluster::fact::Fact;
use crate::cluster::ids::{GroupId, ProducerId, TopicId};
use crate::cluster::producer::attributes::Key;
use crate::kernel::time::SimTime;
use crate::observe::invariant::Invariant;
use std::collections::BTreeMap;

/// The youngest message of each key that a group was given.
#[derive(Debug, Default)]
pub struct Keys {
    /// By group.
    asked: Vec<bool>,
    youngest: BTreeMap<(GroupId, ProducerId, Key), u64>,
}

impl Keys {
    /// For one run of `config`.
    pub fn new(config: &ClusterConfig) -> Self {
        let stays = |topic: TopicId| {
            let changes = |action: &Action| match action {
                Action::UpdateTopic { topic: of, .. } => *of == topic,
                Action::StopBroker { .. } | Action::ResendDlq { .. } | Action::Forward { .. } => true,
                _ => false,
            };
            // Dead letters lie in the order in which they died.
            let is_users = !config.topics[topic.index()].name.starts_with(DLQ_TOPIC_PREFIX);
            is_users && !config.timeline.iter().any(|entry| changes(&entry.action))
        };
        let by_key = |topic: TopicId| {
            let mut producers = config.producers.iter().filter(|producer| producer.topic == topic);
            producers.all(|p| p.queue_selector == QueueSelector::ByKey && p.attributes.keys.is_some())
        };
        let groups = (0..config.groups.len() as u32).map(GroupId);
        let asked = groups.map(|id| {
            let group = &config.groups[id.index()];
            let in_order = matches!(group.listener, ListenerKind::Orderly(_));
            let shares = group.message_model == MessageModel::Clustering;
            let even = group
                .subscribe
                .iter()
                .all(|topic| stays(*topic) && by_key(*topic));
            in_order && shares && even && !config.has_filters(id)
        });
        Self {
            asked: asked.collect(),
            youngest: BTreeMap::new(),
        }
    }
}

impl Judge<'_> {
    /// A record is delivered for the first time.
    pub(super) fn key_order(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        let Fact::Delivered {
            group,
            queue,
            message,
            luck,
            ..
        } = *fact
        else {
            return;
        };
        if !self.keys.asked[group.index()] {
            return;
        }
        let Some(key) = directory.attributes.key(message, luck) else {
            return;
        };
        let place = (group, message.producer(), key);
        let before = self.keys.youngest.insert(place, message.number());
        let rises = before.is_none_or(|before| before < message.number());
        self.asked.must(now, Invariant::O2, rises, || {
            let label = directory.queue_label(queue);
            let (message, before) = (directory.message_label(message), before.unwrap_or_default());
            format!("{label}: {message} of key {} comes after {before}", key.0)
        });
    }
}
