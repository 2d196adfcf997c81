//! `mqadmin resetOffsetByTime` and `skipAccumulatedMessage`: an operator sets where a group goes on.
//!
//! From 5.2 on the broker does it: it puts the offset into its table, answers the next pull of the queue with
//! OFFSET_MOVED, and ignores all commits until then. Before, it tells the members that are connected
//! (`offset_repair`), and writes the table itself only if there are none; unless forced, no offset is moved up.
//! Brokers that are down are not reached. The target is the first message stored at the given time or later, the least
//! offset there is, or the end.
//!
//! Source: `AdminBrokerProcessor.resetOffset`, `Broker2Client.resetOffset`, `ResetOffsetByTimeCommand`.

use crate::cluster::Cluster;
use crate::cluster::broker::consume_queue::ConsumeQueue;
use crate::cluster::config::{Action, ClusterConfig, OffsetTarget};
use crate::cluster::core::ConsumerReply;
use crate::cluster::fact::{CommitVia, Fact, Observer};
use crate::cluster::ids::{BrokerId, GroupId, QueueId, TopicId};
use crate::kernel::time::SimTime;
use std::rc::Rc;

/// A group will be sent back: until then the records from there on are kept.
#[derive(Clone, Copy, Debug)]
pub struct Rewind {
    group: GroupId,
    topic: TopicId,
    target: OffsetTarget,
    /// It leads no further than what the broker's table says.
    minds_table: bool,
    /// When no member can still learn of it.
    over: SimTime,
}

impl Rewind {
    /// Those of the whole run. `client_side`: members learn of a reset themselves, who knows when.
    pub fn all(config: &ClusterConfig, client_side: bool) -> Vec<Self> {
        let rewind = |entry: &crate::cluster::config::TimelineEntry| match entry.action {
            Action::ResetOffset {
                group,
                topic,
                target,
                force,
            } => {
                let rewind = Self {
                    group,
                    topic,
                    target,
                    minds_table: client_side && !force,
                    over: if client_side { SimTime::MAX } else { entry.at },
                };
                (target != OffsetTarget::Latest || rewind.minds_table).then_some(rewind)
            }
            _ => None,
        };
        config.timeline.iter().filter_map(rewind).collect()
    }

    /// The least offset of `queue` that it may lead to, if it may still lead anywhere. `table` has what stands in the broker's
    /// table for a group: nobody moves on what an earlier reset has written there for a broadcasting one.
    pub fn floor(
        &self,
        now: SimTime,
        queue: &ConsumeQueue,
        table: impl FnOnce(GroupId) -> Option<u64>,
    ) -> Option<u64> {
        if self.topic != queue.topic || now > self.over {
            return None;
        }
        let table = self.minds_table.then(|| table(self.group)).flatten();
        let target = (self.target != OffsetTarget::Latest).then(|| self.target.offset(queue));
        table.into_iter().chain(target).min()
    }
}

impl OffsetTarget {
    fn offset(self, queue: &ConsumeQueue) -> u64 {
        match self {
            Self::Latest => queue.max_offset(),
            Self::Earliest => queue.search_by_time(SimTime::ZERO),
            Self::Time(time) => queue.search_by_time(time),
        }
    }
}

impl<O: Observer> Cluster<O> {
    /// Timeline: sets the offsets of `group` in all queues of `topic`.
    pub(in crate::cluster) fn reset_offset(
        &mut self,
        group: GroupId,
        topic: TopicId,
        target: OffsetTarget,
        force: bool,
    ) {
        for broker in (0..self.brokers.len() as u32).map(BrokerId) {
            let queues = self.topics.queues(topic, broker);
            if queues.is_empty() || self.brokers[broker.index()].is_down {
                continue;
            }
            let offsets = queues.iter();
            let offsets = offsets.map(|queue| (*queue, target.offset(&self.queues[queue.index()])));
            let offsets: Vec<(QueueId, u64)> = offsets.collect();
            for (queue, _) in &offsets {
                self.queues[queue.index()].keep_whole_segments();
            }
            if self.profile.server_side_reset {
                self.reset_at_broker(group, &offsets);
            } else {
                self.reset_at_members(broker, group, offsets, force);
            }
        }
    }

    fn reset_at_broker(&mut self, group: GroupId, offsets: &[(QueueId, u64)]) {
        self.any_resets = true;
        for (queue, to) in offsets {
            self.write_offset(group, *queue, *to);
            self.queues[queue.index()].assign_reset(group, *to);
        }
    }

    fn reset_at_members(
        &mut self,
        broker: BrokerId,
        group: GroupId,
        mut offsets: Vec<(QueueId, u64)>,
        force: bool,
    ) {
        for (queue, to) in &mut offsets {
            let committed = self.offsets.query(group, *queue);
            if let Some(committed) = committed.filter(|_| !force) {
                *to = committed.min(*to);
            }
        }
        let members = self.brokers[broker.index()].consumers.members(group);
        if members.is_empty() {
            for (queue, to) in offsets {
                self.write_offset(group, queue, to);
                // Members of a broadcasting group start where their files say.
                if !self.is_broadcasting(group) {
                    self.core.emit(Fact::OffsetsSkipped {
                        group,
                        queue,
                        from: 0,
                        to,
                        by_operator: true,
                    });
                }
            }
            return;
        }
        for (queue, to) in &offsets {
            let (queue, to) = (*queue, *to);
            self.core.emit(Fact::OffsetReset { group, queue, to });
        }
        let offsets = Rc::new(offsets);
        for member in members.iter() {
            for (queue, to) in offsets.iter() {
                if let Some(slot) = self.consumers[member.consumer.index()].held.get(queue) {
                    self.held_queues.get_mut(slot.0).news = Some(*to);
                }
            }
            let reply = ConsumerReply::ResetOffset(Rc::clone(&offsets));
            self.core.to_consumer(broker, member, reply);
        }
    }

    /// Puts an operator's offset into the table.
    fn write_offset(&mut self, group: GroupId, queue: QueueId, to: u64) {
        self.core.emit(Fact::OffsetReset { group, queue, to });
        self.queues[queue.index()].forget_resets(Some(group));
        self.commit_offset(group, queue, to, CommitVia::Reset);
    }
}
