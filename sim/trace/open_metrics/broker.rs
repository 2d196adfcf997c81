//! What brokers know of their queues and groups: offsets, times of storage, connections, counters.
//!
//! A group whose members are all unknown to a broker has no lag there, as in `ConsumerLagCalculator.processAllGroup`;
//! its retry topics are left out there, too. A queue without a committed offset has no lag, unlike in
//! `mqadmin consumerProgress`. Ages need the times of storage of all that a group has yet to commit: eight bytes a
//! message, as long as the backlog is. If an offset goes back below them (a broker forgets commits, an operator resets),
//! there is no age until it is beyond again.

use super::families::{Family, Metric};
use crate::cluster::directory::{Directory, TopicKind};
use crate::cluster::fact::{Fact, StopKind};
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId, TopicId};
use crate::cluster::message::RECORD_OVERHEAD;
use crate::kernel::memory;
use crate::kernel::time::SimTime;
use crate::observe::observation::Observation;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// All brokers.
#[derive(Debug, Default)]
pub struct Brokers {
    counters: BTreeMap<Metric, u64>,
    /// When records were stored, by queue: from the first that a group may ask for on.
    stored: Vec<StoreTimes>,
    /// `ConsumerOffsetManager.pullOffsetTable`.
    pulled: BTreeMap<(GroupId, QueueId), u64>,
    connected: BTreeSet<(BrokerId, ConsumerId)>,
    /// By group and topic: what brokers estimate to match, where members filter.
    matching: BTreeMap<(GroupId, TopicId), u64>,
}

/// Times of storage of one queue.
#[derive(Debug, Default)]
struct StoreTimes {
    /// The offset of the first.
    from: u64,
    times: VecDeque<SimTime>,
}

impl StoreTimes {
    /// When the record at `offset` was stored; `None` if it is not there yet, or forgotten.
    fn of(&self, offset: u64) -> Option<SimTime> {
        let at = offset.checked_sub(self.from)?;
        self.times.get(at as usize).copied()
    }

    fn forget_below(&mut self, offset: u64) {
        let gone = (offset.saturating_sub(self.from) as usize).min(self.times.len());
        self.times.drain(..gone);
        self.from += gone as u64;
    }
}

/// The age of the oldest of some records.
#[derive(Clone, Copy, Debug, Default)]
struct Oldest {
    stored: Option<SimTime>,
    /// Whether it is forgotten when one of them was stored.
    is_unknown: bool,
}

impl Oldest {
    /// Takes the record at `offset` in, if there is one below `max`.
    fn take(&mut self, offset: Option<u64>, max: u64, known: Option<&StoreTimes>) {
        let Some(offset) = offset.filter(|offset| *offset < max) else {
            return;
        };
        let stored = known.and_then(|known| known.of(offset));
        self.is_unknown |= stored.is_none();
        self.stored = earlier(self.stored, stored);
    }

    /// Milliseconds; 0 if there are no such records, `None` if it is not known.
    fn age(self, now: SimTime) -> Option<u64> {
        let age = self.stored.map_or(0, |stored| now.since(stored).as_millis());
        (!self.is_unknown).then_some(age)
    }
}

/// What a group has yet to do of one topic on one broker.
#[derive(Clone, Copy, Debug, Default)]
struct Lag {
    lag: u64,
    inflight: u64,
    ready: u64,
    oldest_uncommitted: Oldest,
    oldest_unpulled: Oldest,
}

impl Brokers {
    pub fn fact(&mut self, now: SimTime, directory: &Directory, fact: &Fact, observation: &Observation) {
        match *fact {
            Fact::Stored { queue, body_size, .. } | Fact::Forwarded { queue, body_size, .. } => {
                self.stored(now, queue, observation);
                let size = u64::from(body_size.saturating_add(RECORD_OVERHEAD));
                self.count(Family::MessagesIn, None, queue, directory, 1);
                self.count(Family::ThroughputIn, None, queue, directory, size);
            }
            Fact::RetryStored { queue, .. } | Fact::Resent { queue, .. } => {
                self.stored(now, queue, observation);
                self.count(Family::MessagesIn, None, queue, directory, 1);
            }
            Fact::DeadLettered {
                group,
                dlq_queue,
                origin_topic,
                ..
            } => {
                self.stored(now, dlq_queue, observation);
                let metric = Metric {
                    family: Family::SendToDlq,
                    group: Some(group),
                    topic: Some(origin_topic),
                    broker: Some(directory.queue(dlq_queue).broker),
                };
                *self.counters.entry(metric).or_default() += 1;
            }
            Fact::PullHeld {
                queue,
                consumer,
                offset,
            } => {
                let group = directory.consumer(consumer).group;
                self.pulled.insert((group, queue), offset);
            }
            Fact::PullAnswered {
                queue,
                consumer,
                messages,
                bytes,
                next_offset,
                ..
            }
            | Fact::Pushed {
                queue,
                consumer,
                messages,
                bytes,
                next_offset,
            } => {
                let group = directory.consumer(consumer).group;
                self.pulled.insert((group, queue), next_offset);
                if messages > 0 && directory.topic(directory.queue(queue).topic).kind == TopicKind::User {
                    self.count(
                        Family::MessagesOut,
                        Some(group),
                        queue,
                        directory,
                        messages.into(),
                    );
                    self.count(Family::ThroughputOut, Some(group), queue, directory, bytes);
                }
            }
            Fact::Heartbeat { broker, consumer } => _ = self.connected.insert((broker, consumer)),
            Fact::MemberExpired { broker, consumer } => _ = self.connected.remove(&(broker, consumer)),
            Fact::ConsumerStopped { consumer, how } if how != StopKind::Vanished => {
                self.connected.retain(|(_, member)| *member != consumer);
            }
            Fact::BrokerStopped { broker, .. } => self.connected.retain(|(of, _)| *of != broker),
            Fact::LagEstimated {
                group,
                topic,
                matching,
                ..
            } => _ = self.matching.insert((group, topic), matching),
            _ => {}
        }
    }

    /// A record was stored in `queue`, unless it was there before.
    fn stored(&mut self, now: SimTime, queue: QueueId, observation: &Observation) {
        if self.stored.len() <= queue.index() {
            self.stored.resize_with(queue.index() + 1, StoreTimes::default);
        }
        let known = &mut self.stored[queue.index()];
        while known.from + (known.times.len() as u64) < observation.ledger.end(queue) {
            known.times.push_back(now);
        }
    }

    fn count(
        &mut self,
        family: Family,
        group: Option<GroupId>,
        queue: QueueId,
        directory: &Directory,
        by: u64,
    ) {
        let of = directory.queue(queue);
        let metric = Metric {
            family,
            group,
            topic: Some(of.topic),
            broker: Some(of.broker),
        };
        *self.counters.entry(metric).or_default() += by;
    }

    /// Forgets when records were stored that every group has committed.
    pub fn forget_finished(&mut self, directory: &Directory, observation: &Observation) {
        for (queue, known) in (0..).map(QueueId).zip(&mut self.stored) {
            let mut lowest = observation.ledger.end(queue);
            for slot in observation.slots.readers(queue) {
                let of = observation.slots.get(slot);
                if directory.group(of.group).readers.is_empty() {
                    let committed = observation.lag.slot(slot).committed();
                    lowest = lowest.min(committed.unwrap_or(0));
                }
            }
            // What has been pulled beyond is told of by where the next pull begins.
            known.forget_below(lowest);
        }
    }

    /// Tells of everything as it is now.
    pub fn tell(
        &self,
        now: SimTime,
        directory: &Directory,
        observation: &Observation,
        mut put: impl FnMut(Metric, u64),
    ) {
        for (metric, count) in &self.counters {
            put(*metric, *count);
        }
        let mut members: BTreeMap<(GroupId, BrokerId), u64> = BTreeMap::new();
        for (broker, consumer) in &self.connected {
            let group = directory.consumer(*consumer).group;
            *members.entry((group, *broker)).or_default() += 1;
        }
        for (&(group, broker), &count) in &members {
            let metric = Metric {
                family: Family::ConsumerConnections,
                group: Some(group),
                topic: None,
                broker: Some(broker),
            };
            put(metric, count);
        }
        for ((group, topic, broker), lag) in self.lags(&members, directory, observation) {
            self.tell_lag(now, (group, topic, broker), lag, &mut put);
        }
        for (&(group, topic), &matching) in &self.matching {
            if members.keys().any(|(known, _)| *known == group) {
                let metric = Metric {
                    family: Family::LagMessages,
                    group: Some(group),
                    topic: Some(topic),
                    broker: None,
                };
                put(metric, matching);
            }
        }
    }

    fn tell_lag(
        &self,
        now: SimTime,
        (group, topic, broker): (GroupId, TopicId, BrokerId),
        lag: Lag,
        put: &mut impl FnMut(Metric, u64),
    ) {
        let is_filtered = self.matching.contains_key(&(group, topic));
        let families = [
            (Family::LagMessages, Some(lag.lag)),
            (Family::LagLatency, lag.oldest_uncommitted.age(now)),
            (Family::InflightMessages, Some(lag.inflight)),
            (Family::QueueingLatency, lag.oldest_unpulled.age(now)),
            (Family::ReadyMessages, Some(lag.ready)),
        ];
        for (family, value) in families {
            // Brokers count what matches; that is known of all of them together alone.
            let counts = !matches!(family, Family::LagLatency | Family::QueueingLatency);
            if is_filtered && counts {
                continue;
            }
            let metric = Metric {
                family,
                group: Some(group),
                topic: Some(topic),
                broker: Some(broker),
            };
            if let Some(value) = value {
                put(metric, value);
            }
        }
    }

    /// What each group has yet to do of each topic, on each broker that knows a member.
    fn lags(
        &self,
        members: &BTreeMap<(GroupId, BrokerId), u64>,
        directory: &Directory,
        observation: &Observation,
    ) -> BTreeMap<(GroupId, TopicId, BrokerId), Lag> {
        let mut lags: BTreeMap<(GroupId, TopicId, BrokerId), Lag> = BTreeMap::new();
        for (slot, of) in observation.slots.iter() {
            let broker = directory.queue(of.queue).broker;
            if of.is_retry || of.reader.unwrap_or(0) > 0 || !members.contains_key(&(of.group, broker)) {
                continue;
            }
            let is_broadcasting = of.reader.is_some();
            let committed = observation.lag.slot(slot).committed();
            let committed = committed.filter(|_| !is_broadcasting);
            let pulled = self.pulled.get(&(of.group, of.queue)).copied();
            let max = observation.lag.visible(of.queue);
            let known = self.stored.get(of.queue.index());
            let lag = lags.entry((of.group, of.topic, broker)).or_default();
            let pulled_or_0 = pulled.unwrap_or(0);
            lag.lag += max.saturating_sub(committed.unwrap_or(max));
            lag.inflight += pulled_or_0.saturating_sub(committed.unwrap_or(pulled_or_0));
            lag.ready += max.saturating_sub(pulled.unwrap_or(max));
            lag.oldest_uncommitted.take(committed, max, known);
            lag.oldest_unpulled.take(pulled, max, known);
        }
        lags
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let times = self
            .stored
            .iter()
            .map(|of| memory::of_deque(&of.times))
            .sum::<u64>();
        memory::of_map(&self.counters)
            + memory::of_vec(&self.stored)
            + times
            + memory::of_map(&self.pulled)
            + memory::of_set(&self.connected)
            + memory::of_map(&self.matching)
    }
}

fn earlier(one: Option<SimTime>, other: Option<SimTime>) -> Option<SimTime> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What lies below the times that are kept has no age, rather than a wrong one.
    #[test]
    fn a_forgotten_record_has_no_age() {
        let second = |n: u64| SimTime::from_nanos(n * 1_000_000_000);
        let mut known = StoreTimes {
            from: 0,
            times: (0..6).map(second).collect(),
        };
        known.forget_below(3);
        let age = |offset: Option<u64>| {
            let mut oldest = Oldest::default();
            oldest.take(Some(5), 6, Some(&known));
            oldest.take(offset, 6, Some(&known));
            oldest.age(second(10))
        };
        assert_eq!(age(Some(3)), Some(7_000));
        assert_eq!(age(Some(2)), None);
        // Nothing waits there.
        assert_eq!([age(None), age(Some(6))], [Some(5_000); 2]);
        assert_eq!(Oldest::default().age(second(10)), Some(0));
    }
}
