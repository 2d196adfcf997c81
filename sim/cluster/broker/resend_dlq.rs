//! Dead letters sent again: a tool of the operator reads `%DLQ%group` and sends each message to its topic of origin.
//!
//! It goes through the queues of the dead-letter topic one after another, up to where each ended when it began, at a
//! steady rate. What it sends is a new message with the identity, tag and key of the dead letter and without its count of
//! attempts; all groups of the topic are given it. The dead letter stays where it is until retention takes it. Queues of
//! the topic of origin are taken in turn. What lies on a broker that is down, or has expired, is passed over. Left
//! out: the tool's own requests; they take no time.
//!
//! Source: `DLQMessageController.batchResendDlqMessage` of the dashboard, which sends them as new messages too.

use crate::cluster::Cluster;
use crate::cluster::config::{Action, ClusterConfig};
use crate::cluster::event::Event;
use crate::cluster::fact::{Fact, Observer, RequestKind};
use crate::cluster::ids::{BrokerId, GroupId, QueueId};
use crate::cluster::message::Record;
use crate::kernel::time::{SimDuration, SimTime};
use std::collections::VecDeque;
use std::ops::Range;

/// One run of the tool.
#[derive(Debug)]
pub struct Resend {
    group: GroupId,
    /// What is left to be read.
    left: VecDeque<(QueueId, Range<u64>)>,
    gap: SimDuration,
    /// Counts what was sent: queues of the topic of origin are taken in turn.
    sent: usize,
}

/// Dead letters of a group will be sent again: until then they are kept.
#[derive(Clone, Copy, Debug)]
pub struct PlannedResend {
    at: SimTime,
    group: GroupId,
}

impl PlannedResend {
    /// Those of the whole run.
    pub fn all(config: &ClusterConfig) -> Vec<Self> {
        let planned = |entry: &crate::cluster::config::TimelineEntry| match entry.action {
            Action::ResendDlq { group, .. } => Some(Self { at: entry.at, group }),
            _ => None,
        };
        config.timeline.iter().filter_map(planned).collect()
    }
}

impl<O: Observer> Cluster<O> {
    /// Timeline: the tool is started; its first message goes at once.
    pub(in crate::cluster) fn resend_dlq(&mut self, group: GroupId, gap: SimDuration) {
        let Some(topic) = self.topics.dead_letter(group) else {
            return;
        };
        let brokers = (0..self.brokers.len() as u32).map(BrokerId);
        let queues = brokers.flat_map(|broker| self.topics.queues(topic, broker).to_vec());
        let range = |queue: QueueId| {
            let state = &self.queues[queue.index()];
            (queue, state.min_offset()..state.max_offset())
        };
        let resend = Resend {
            group,
            left: queues.map(range).collect(),
            gap,
            sent: 0,
        };
        self.resends.push(resend);
        self.resend_next(self.resends.len() as u32 - 1);
    }

    /// The tool sends its next message.
    pub(in crate::cluster) fn resend_next(&mut self, resend: u32) {
        let Some((queue, offset)) = self.next_to_resend(resend) else {
            return;
        };
        let state = &mut self.resends[resend as usize];
        let (group, gap, turn) = (state.group, state.gap, state.sent);
        state.sent += 1;
        self.core.scheduler.after(gap, Event::ResendDlq(resend));
        let dead = self.queues[queue.index()].get(offset);
        let route = self.name_server.route(dead.origin_topic);
        let mut open: Vec<QueueId> = route.map_or(Vec::new(), |route| route.write_queues.clone());
        open.retain(|queue| self.queues[queue.index()].writable);
        if open.is_empty() {
            return;
        }
        self.send_again(group, open[turn % open.len()], dead);
    }

    fn next_to_resend(&mut self, resend: u32) -> Option<(QueueId, u64)> {
        let left = &mut self.resends[resend as usize].left;
        while let Some((queue, range)) = left.front_mut() {
            let state = &self.queues[queue.index()];
            range.start = range.start.max(state.min_offset());
            if range.is_empty() || self.brokers[state.broker.index()].is_down {
                left.pop_front();
                continue;
            }
            range.start += 1;
            return Some((*queue, range.start - 1));
        }
        None
    }

    fn send_again(&mut self, group: GroupId, queue: QueueId, dead: Record) {
        let now = self.core.now();
        let broker = self.queues[queue.index()].broker;
        let record = Record {
            born: now,
            stored: now,
            reconsume_times: 0,
            ..dead
        };
        self.core.emit(Fact::Request {
            broker,
            kind: RequestKind::Send,
            group: None,
        });
        let offset = self.append(queue, record);
        self.core.emit(Fact::Resent {
            group,
            queue,
            offset,
            message: record.id,
        });
        self.make_visible(broker);
    }

    /// The least offset of a dead-letter queue that will be sent again.
    pub(super) fn least_to_resend(&self, queue: QueueId) -> Option<u64> {
        if self.planned_resends.is_empty() {
            return None;
        }
        let (now, state) = (self.core.scheduler.now(), &self.queues[queue.index()]);
        let of_topic = |group: GroupId| self.topics.dead_letter(group) == Some(state.topic);
        let planned = self.planned_resends.iter();
        let planned = planned.filter(|planned| planned.at >= now && of_topic(planned.group));
        let left = self.resends.iter().flat_map(|resend| &resend.left);
        let under_way = left.filter(|(of, range)| *of == queue && !range.is_empty());
        planned
            .map(|_| state.min_offset())
            .chain(under_way.map(|(_, range)| range.start))
            .min()
    }
}
