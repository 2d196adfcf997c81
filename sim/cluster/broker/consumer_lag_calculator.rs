//! How far behind a group with filters is, as the broker's metrics say it: in messages that it wants.
//!
//! The broker goes through the index from the committed offset to the end and counts what matches the subscription
//! that it knows: all of it if that is no more than 20 000 entries and 5000 matches, else it scales up what it has seen.
//! Its index knows tags only, so that with SQL92 it counts everything. A queue without a committed offset counts as no
//! lag, and so does a group without members. Computed here at every sample, with `estimateAccumulation` on.
//!
//! Source: `ConsumerLagCalculator`, `ConsumeQueue.estimateMessageCount`.

use crate::cluster::Cluster;
use crate::cluster::broker::expression_message_filter::{Candidate, ExpressionId};
use crate::cluster::fact::{Fact, Observer};
use crate::cluster::ids::{BrokerId, GroupId, QueueId, TopicId};

/// `maxConsumeQueueScan`.
const MAX_CONSUME_QUEUE_SCAN: u64 = 20_000;
/// `sampleCountThreshold`.
const SAMPLE_COUNT_THRESHOLD: u64 = 5_000;

impl<O: Observer> Cluster<O> {
    /// Tells the lag of every group in which somebody filters, by topic.
    #[inline(never)]
    pub(in crate::cluster) fn estimate_lags(&mut self) {
        for at in 0..self.config.groups.len() {
            let group = GroupId(at as u32);
            if !self.config.has_filters(group) {
                continue;
            }
            for topic in self.config.groups[at].subscribe.clone() {
                let brokers = 0..self.brokers.len() as u32;
                let lags = brokers.map(|broker| self.estimated_lag(group, topic, BrokerId(broker)));
                let (diff, matching) = lags.fold((0, 0), |sum, lag| (sum.0 + lag.0, sum.1 + lag.1));
                self.core.emit(Fact::LagEstimated {
                    group,
                    topic,
                    diff,
                    matching,
                });
            }
        }
    }

    /// All messages behind the committed offsets, and those of them that match.
    fn estimated_lag(&self, group: GroupId, topic: TopicId, broker: BrokerId) -> (u64, u64) {
        let consumers = &self.brokers[broker.index()].consumers;
        let Some(subscription) = consumers.subscription(group, Some(topic)) else {
            return (0, 0);
        };
        let written = self.topics.numbers(topic, broker).write as usize;
        let queues = self.topics.queues(topic, broker).iter().take(written);
        let lag = |queue: &QueueId| match self.offsets.query(group, *queue) {
            Some(committed) => {
                let matching = self.estimate_message_count(*queue, committed, subscription.expression);
                (
                    self.queues[queue.index()].max_offset().saturating_sub(committed),
                    matching,
                )
            }
            None => (0, 0),
        };
        queues
            .map(lag)
            .fold((0, 0), |sum, lag| (sum.0 + lag.0, sum.1 + lag.1))
    }

    /// How many messages from `committed` on match.
    fn estimate_message_count(&self, queue: QueueId, committed: u64, expression: ExpressionId) -> u64 {
        let records = &self.queues[queue.index()];
        let (from, to) = (committed.max(records.kept_from()), records.max_offset());
        if expression.is_all() {
            return to.saturating_sub(from);
        }
        let (mut seen, mut matching) = (0, 0);
        for offset in from..to {
            let record = records.get(offset);
            let candidate = Candidate {
                attributes: &self.core.directory.attributes,
                id: record.id,
                luck: record.luck,
            };
            matching += u64::from(self.filters.index_passes(expression, candidate));
            seen += 1;
            if seen >= MAX_CONSUME_QUEUE_SCAN || matching > SAMPLE_COUNT_THRESHOLD {
                return (u128::from(matching) * u128::from(to - from) / u128::from(seen)) as u64;
            }
        }
        matching
    }
}
