//! The observer of every run: routes each fact to the measures that it concerns.
//!
//! What happens for every message is inlined; the rest is one call away. At every sample the message accounts
//! are checked and the series get a row; at the end sums that were counted in two ways must agree.

use crate::cluster::config::ClusterConfig;
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, Observer, RebalanceTrigger, StopKind};
use crate::cluster::ids::{ConsumerId, GroupId, QueueId};
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::consumers::Life;
use crate::observe::duplicates::Duplicates;
use crate::observe::invariant::broken;
use crate::observe::lag::Lag;
use crate::observe::latency::Latency;
use crate::observe::ledger::{Ledger, Outcome};
use crate::observe::ownership::{Acquired, HandOver, Ownership};
use crate::observe::producers::Producers;
use crate::observe::rebalance::{Change, Held, Rebalances, Round};
use crate::observe::requests::Requests;
use crate::observe::retries::Retries;
use crate::observe::series::{Measure, Series};
use crate::observe::slots::Slots;

/// The spans of a message's life in one group.
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    /// From birth to the first delivery of the original.
    pub first_delivery: Latency,
    /// From birth to the first success of the record, original or copy.
    pub success: Latency,
    /// From the storage of a record to its first delivery.
    pub wait: Latency,
}

/// Waiting of one slot's records, for Little's law.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waiting {
    /// Sum of the instants of first delivery, nanoseconds.
    delivered_at: u128,
    /// Sum of the instants of storage of the same records, nanoseconds.
    stored_at: u128,
}

/// All measures of a run.
#[derive(Debug)]
pub struct Observation {
    /// Pairs of group and queue.
    pub slots: Slots,
    /// The message account.
    pub ledger: Ledger,
    /// Lag and backlog.
    pub lag: Lag,
    /// Who held which queue, by slot.
    pub ownership: Ownership,
    /// By producer.
    pub producers: Producers,
    /// By consumer.
    pub consumers: Vec<Life>,
    /// By broker.
    pub brokers: Vec<Requests>,
    /// By group.
    pub latencies: Vec<Latencies>,
    /// By group.
    pub rebalances: Vec<Rebalances>,
    /// By group.
    pub retries: Vec<Retries>,
    /// By group.
    pub duplicates: Vec<Duplicates>,
    /// Bytes that producers stored, by queue.
    pub stored_bytes: Vec<u64>,
    /// The grid.
    pub series: Series,
    waiting: Vec<Waiting>,
    /// Sum of the instants of storage, nanoseconds, by queue.
    stored_at: Vec<u128>,
    /// What woke the round that each consumer is in.
    triggers: Vec<RebalanceTrigger>,
    sampled_at: Option<SimTime>,
}

impl Observer for Observation {
    #[inline(always)]
    fn observe(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        match *fact {
            Fact::Born {
                producer,
                message,
                luck,
                body_size,
            } => self.producers.born(now, producer, message, luck, body_size),
            Fact::Stored {
                queue,
                offset,
                message,
                body_size,
            } => {
                self.ledger.stored(now, queue, offset);
                self.stored_at[queue.index()] += u128::from(now.as_nanos());
                self.stored_bytes[queue.index()] += u64::from(body_size);
                self.producers.stored(message);
            }
            Fact::SendAcknowledged {
                producer, latency, ..
            } => self.producers.acknowledged(producer, latency),
            Fact::Dispatched { queue, max_offset } => {
                self.lag.dispatched(now, &self.slots, queue, max_offset);
            }
            Fact::Request { broker, kind } => self.brokers[broker.index()].request(kind),
            Fact::Delivered {
                consumer,
                group,
                queue,
                offset,
                reconsume_times,
                born,
                stored,
                ..
            } => {
                let slot = self.slots.slot(group, queue);
                let of = self.slots.get(slot);
                self.consumers[consumer.index()].deliveries += 1;
                if self.ledger.delivered(now, slot, of, offset) {
                    let waiting = &mut self.waiting[slot];
                    waiting.delivered_at += u128::from(now.as_nanos());
                    waiting.stored_at += u128::from(stored.as_nanos());
                    let latencies = &mut self.latencies[group.index()];
                    latencies.wait.record(now.since(stored));
                    if !of.is_retry {
                        latencies.first_delivery.record(now.since(born));
                    }
                } else {
                    self.duplicates[group.index()].count(self.ownership.cause(slot, consumer));
                }
                if reconsume_times > 0 {
                    self.retries[group.index()].delivered(reconsume_times);
                }
            }
            Fact::Consumed {
                consumer,
                group,
                queue,
                offset,
                reconsume_times,
                born,
                busy,
                success,
                ..
            } => {
                let life = &mut self.consumers[consumer.index()];
                life.busy += busy;
                if success {
                    life.succeeded += 1;
                    let slot = self.slots.slot(group, queue);
                    let of = self.slots.get(slot);
                    if self.ledger.ended(now, slot, of, offset, Outcome::Succeeded) {
                        self.lag.ended(now, slot, of, 1);
                        self.latencies[group.index()].success.record(now.since(born));
                    }
                } else {
                    life.failed += 1;
                }
                if reconsume_times > 0 || !success {
                    self.retries[group.index()].result(reconsume_times, success);
                }
            }
            Fact::PullHeld { queue, .. } => {
                self.brokers[directory.queue(queue).broker.index()].held += 1;
            }
            Fact::PullAnswered {
                queue,
                result,
                messages,
                bytes,
                held,
                ..
            } => self.brokers[directory.queue(queue).broker.index()].answered(result, messages, bytes, held),
            Fact::OffsetCommitted {
                group, queue, new, ..
            } => {
                let slot = self.slots.slot(group, queue);
                self.lag.committed(now, slot, self.slots.get(slot), new);
            }
            Fact::Cached {
                consumer,
                messages,
                cached,
                ..
            } => {
                let life = &mut self.consumers[consumer.index()];
                life.cached += u64::from(messages);
                life.cached_max = life.cached_max.max(cached);
            }
            _ => self.observe_rare(now, directory, fact),
        }
    }

    fn sample(&mut self, now: SimTime, directory: &Directory) {
        self.sampled_at = Some(now);
        self.ledger.check(now, &self.slots, directory);
        self.producers.check(now);
        let ledger = &self.ledger;
        self.lag.sample(
            now,
            &self.slots,
            |queue| ledger.end(queue),
            |slot| ledger.frontier(slot),
        );
        let groups = 0..directory.groups.len() as u32;
        let lag_max = groups.map(|group| self.lag.group(GroupId(group)).lag_window_max);
        if self.series.sampled(lag_max) {
            self.row(now, directory);
        }
    }
}

impl Observation {
    /// An observer for one run of `config`.
    pub fn new(config: &ClusterConfig) -> Self {
        Self::with_interval(config.sample_interval)
    }

    /// An observer that is asked to sample every `interval`.
    pub fn with_interval(interval: SimDuration) -> Self {
        Self {
            slots: Slots::default(),
            ledger: Ledger::default(),
            lag: Lag::default(),
            ownership: Ownership::default(),
            producers: Producers::default(),
            consumers: Vec::new(),
            brokers: Vec::new(),
            latencies: Vec::new(),
            rebalances: Vec::new(),
            retries: Vec::new(),
            duplicates: Vec::new(),
            stored_bytes: Vec::new(),
            series: Series::new(interval),
            waiting: Vec::new(),
            stored_at: Vec::new(),
            triggers: Vec::new(),
            sampled_at: None,
        }
    }

    /// Ends the observation: the last row of the series, the last checks.
    ///
    /// # Panics
    /// If an invariant does not hold.
    pub fn finish(&mut self, end: SimTime, directory: &Directory) {
        self.grow(end, directory);
        if self.sampled_at != Some(end) {
            self.sample(end, directory);
        }
        if self.series.times().last() != Some(&end) {
            self.row(end, directory);
        }
        for group in (0..directory.groups.len() as u32).map(GroupId) {
            self.find_least_moves(group);
            self.rebalances[group.index()].close();
        }
        self.check_sums(end, directory);
    }

    /// Facts that come far more rarely than messages.
    #[inline(never)]
    fn observe_rare(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        match *fact {
            Fact::FlowControlled { consumer, by, .. } => self.consumers[consumer.index()].put_off(by),
            Fact::QueueCreated { queue } => {
                self.slots.add_queue(queue, directory);
                self.grow(now, directory);
            }
            Fact::ConsumerStarted { consumer } => self.consumer_started(now, directory, consumer),
            Fact::ConsumerStopped { consumer, how } => self.consumer_stopped(now, directory, consumer, how),
            Fact::QueueAcquired { consumer, queue, .. } => {
                let group = directory.consumer(consumer).group;
                self.queue_acquired(now, group, queue, consumer);
            }
            Fact::QueueReleased {
                consumer,
                queue,
                unfinished,
            } => {
                let group = directory.consumer(consumer).group;
                self.rebalances[group.index()].released_unfinished += u64::from(unfinished);
                let slot = self.slots.slot(group, queue);
                self.release(now, slot, consumer, HandOver::Rebalance);
            }
            Fact::ConsumerPaused { .. }
            | Fact::ConsumerResumed { .. }
            | Fact::MemberExpired { .. }
            | Fact::ConnectionLost { .. }
            | Fact::TopicUpdated { .. }
            | Fact::PullFailed { .. }
            | Fact::SendRefused { .. } => {}
            Fact::RebalanceBegan { consumer, trigger } => {
                self.consumers[consumer.index()].rounds += 1;
                self.triggers[consumer.index()] = trigger;
            }
            Fact::RebalanceEnded {
                consumer,
                added,
                removed,
                balanced,
            } => self.rebalances[directory.consumer(consumer).group.index()].round(Round {
                at: now,
                consumer,
                trigger: self.triggers[consumer.index()],
                added,
                removed,
                balanced,
            }),
            Fact::ResultDiscarded { consumer, busy, .. } => {
                let life = &mut self.consumers[consumer.index()];
                life.busy += busy;
                life.discarded += 1;
            }
            Fact::RetryScheduled {
                group,
                queue,
                offset,
                reconsume_times,
                level,
                delay,
                ..
            } => {
                self.retries[group.index()].scheduled(reconsume_times, level, delay);
                self.ended(now, group, queue, offset, Outcome::SentBack);
            }
            Fact::RetryStored {
                group,
                queue,
                offset,
                reconsume_times,
                waited,
                ..
            } => {
                self.stored_at[queue.index()] += u128::from(now.as_nanos());
                self.retries[group.index()].stored(reconsume_times, waited);
                self.ledger.retry_stored(now, group, queue, offset);
            }
            Fact::DeadLettered {
                group,
                queue,
                offset,
                dlq_queue,
                origin_topic,
                ..
            } => {
                self.retries[group.index()].dead(origin_topic);
                self.ledger.stored(now, dlq_queue, self.ledger.end(dlq_queue));
                self.ended(now, group, queue, offset, Outcome::Dead);
            }
            Fact::OffsetsSkipped {
                group,
                queue,
                from,
                to,
            } => {
                let slot = self.slots.slot(group, queue);
                let of = self.slots.get(slot);
                let skipped = self.ledger.skipped(slot, of, from, to);
                self.lag.ended(now, slot, of, skipped);
            }
            Fact::Born { .. }
            | Fact::Stored { .. }
            | Fact::SendAcknowledged { .. }
            | Fact::Dispatched { .. }
            | Fact::Request { .. }
            | Fact::PullHeld { .. }
            | Fact::PullAnswered { .. }
            | Fact::OffsetCommitted { .. }
            | Fact::Cached { .. }
            | Fact::Delivered { .. }
            | Fact::Consumed { .. } => unreachable!("handled by observe"),
        }
    }

    fn ended(&mut self, now: SimTime, group: GroupId, queue: QueueId, offset: u64, outcome: Outcome) {
        let slot = self.slots.slot(group, queue);
        let of = self.slots.get(slot);
        if self.ledger.ended(now, slot, of, offset, outcome) {
            self.lag.ended(now, slot, of, 1);
        }
    }

    /// Makes room for every entity that the directory knows.
    fn grow(&mut self, now: SimTime, directory: &Directory) {
        let groups = directory.groups.len();
        self.ledger.grow(&self.slots, groups);
        self.lag.grow(now, &self.slots, groups);
        self.ownership.grow(self.slots.len());
        self.producers.grow(directory.producers.len());
        self.consumers
            .resize_with(directory.consumers.len(), Life::default);
        self.triggers
            .resize(directory.consumers.len(), RebalanceTrigger::Start);
        self.brokers
            .resize_with(directory.brokers.len(), Requests::default);
        self.latencies.resize_with(groups, Latencies::default);
        self.rebalances.resize_with(groups, Rebalances::default);
        self.retries.resize_with(groups, Retries::default);
        self.duplicates.resize_with(groups, Duplicates::default);
        self.stored_bytes.resize(self.slots.queues(), 0);
        self.stored_at.resize(self.slots.queues(), 0);
        self.waiting.resize_with(self.slots.len(), Waiting::default);
    }

    fn consumer_started(&mut self, now: SimTime, directory: &Directory, consumer: ConsumerId) {
        self.grow(now, directory);
        self.consumers[consumer.index()].started = Some(now);
        let group = directory.consumer(consumer).group;
        self.member_changed(now, group, consumer, Change::Started);
    }

    fn consumer_stopped(&mut self, now: SimTime, directory: &Directory, consumer: ConsumerId, how: StopKind) {
        self.consumers[consumer.index()].stopped = Some((now, how));
        let group = directory.consumer(consumer).group;
        let (change, by) = match how {
            StopKind::Graceful => (Change::Graceful, HandOver::Graceful),
            StopKind::Killed => (Change::Killed, HandOver::Killed),
            StopKind::Vanished => (Change::Vanished, HandOver::Vanished),
            StopKind::StartFailed => (Change::StartFailed, HandOver::Graceful),
        };
        // Before the queues go, so that they go on the account of this change.
        self.member_changed(now, group, consumer, change);
        for slot in self.slots.of_group(group).collect::<Vec<_>>() {
            self.release(now, slot, consumer, by);
            self.ownership.left_for_good(slot, consumer, by);
        }
    }

    fn member_changed(&mut self, now: SimTime, group: GroupId, consumer: ConsumerId, change: Change) {
        if self.rebalances[group.index()].wants_least(Some(now)) {
            self.find_least_moves(group);
        }
        self.rebalances[group.index()].changed(now, consumer, change);
    }

    fn find_least_moves(&mut self, group: GroupId) {
        if !self.rebalances[group.index()].wants_least(None) {
            return;
        }
        let held = self
            .slots
            .of_group(group)
            .filter(|&slot| !self.slots.get(slot).is_retry)
            .map(|slot| Held {
                topic: self.slots.get(slot).topic,
                by: self.ownership.newest(slot),
            });
        self.rebalances[group.index()].least(held);
    }

    fn queue_acquired(&mut self, now: SimTime, group: GroupId, queue: QueueId, consumer: ConsumerId) {
        let slot = self.slots.slot(group, queue);
        if self.slots.get(slot).is_retry {
            self.ownership.acquired(now, slot, consumer);
            return;
        }
        self.find_least_moves(group);
        let acquired = self.ownership.acquired(now, slot, consumer);
        self.consumers[consumer.index()].queues.change(now, 1);
        let queues = self.slots.user_queues(group);
        let group = &mut self.rebalances[group.index()];
        group.owners_changed(now, acquired == Acquired::Moved);
        if acquired == Acquired::First {
            group.ever_owned += 1;
            if group.ever_owned == queues {
                group.all_owned_at = Some(now);
            }
        }
    }

    fn release(&mut self, now: SimTime, slot: usize, consumer: ConsumerId, by: HandOver) {
        if self.ownership.released(now, slot, consumer, by) && !self.slots.get(slot).is_retry {
            self.consumers[consumer.index()].queues.change(now, -1);
            self.rebalances[self.slots.get(slot).group.index()].owners_changed(now, false);
        }
    }

    /// Writes one row of the series.
    fn row(&mut self, now: SimTime, directory: &Directory) {
        self.series.begin(now);
        let series = &mut self.series;
        let mut stored = vec![0; directory.topics.len()];
        for queue in (0..self.slots.queues() as u32).map(QueueId) {
            stored[directory.queue(queue).topic.index()] += self.ledger.end(queue);
        }
        for (topic, stored) in stored.into_iter().enumerate() {
            series.put(Measure::TopicStored, topic, stored);
        }
        for (broker, requests) in self.brokers.iter().enumerate() {
            series.put(Measure::BrokerRequests, broker, requests.total());
        }
        for id in 0..directory.groups.len() {
            let group = GroupId(id as u32);
            let (lag, balance) = (self.lag.group(group), self.ledger.balance(&self.slots, group));
            series.put(Measure::GroupLag, id, lag.lag.value());
            series.put_lag_max(id);
            series.put(Measure::GroupBacklog, id, lag.backlog.value());
            series.put(Measure::GroupInFlight, id, balance.in_flight);
            series.put(Measure::GroupAwaitingRetry, id, balance.awaiting_retry);
            series.put(Measure::GroupSucceeded, id, balance.succeeded);
            series.put(Measure::GroupRetries, id, self.ledger.scheduled(group));
            series.put(Measure::GroupDead, id, balance.dead);
            series.put(Measure::GroupDuplicates, id, self.duplicates[id].total());
            series.put(
                Measure::GroupMembers,
                id,
                self.rebalances[id].members.len() as u64,
            );
            series.put(Measure::GroupOldest, id, lag.oldest.as_nanos());
        }
        for slot in 0..self.slots.len() {
            series.put(Measure::SlotLag, slot, self.lag.slot(slot).lag.value());
        }
        for (id, life) in self.consumers.iter().enumerate() {
            series.put(Measure::ConsumerConsumed, id, life.consumed());
            series.put(Measure::ConsumerQueues, id, life.queues.value());
        }
    }

    /// Deliveries of a group: those of its queues.
    pub fn deliveries(&self, group: GroupId) -> u64 {
        self.slots
            .of_group(group)
            .map(|slot| self.ledger.deliveries(slot))
            .sum()
    }

    /// Mean number of records of the slot that were stored and not delivered, over the whole run until `end`.
    pub fn waiting_mean(&self, slot: usize, end: SimTime) -> f64 {
        if end == SimTime::ZERO {
            return 0.0;
        }
        self.waiting_integral(slot, end) as f64 / end.as_nanos() as f64
    }

    /// Sum over all records of the time from storage to first delivery, or to `end`. Skipped records, whose
    /// waiting ends at an unknown instant, count until `end`.
    fn waiting_integral(&self, slot: usize, end: SimTime) -> i128 {
        let of = self.slots.get(slot);
        let end = i128::from(end.as_nanos());
        let stored = end * i128::from(self.ledger.end(of.queue)) - self.stored_at[of.queue.index()] as i128;
        let delivered =
            end * i128::from(self.ledger.delivered_once(slot)) - self.waiting[slot].delivered_at as i128;
        stored - delivered
    }

    /// Mean time from storage to first delivery, over the records delivered; `None` if there was none.
    pub fn wait_mean_secs(&self, slot: usize) -> Option<f64> {
        let delivered = self.ledger.delivered_once(slot);
        let waited = self.waiting[slot].delivered_at - self.waiting[slot].stored_at;
        (delivered > 0).then(|| waited as f64 / delivered as f64 / 1e9)
    }

    /// Sums that two ways of counting must share (invariants M1, M2).
    fn check_sums(&self, end: SimTime, directory: &Directory) {
        for (id, info) in directory.groups.iter().enumerate() {
            let group = GroupId(id as u32);
            let by_queue = self.deliveries(group);
            let of_group = |consumer: &usize| directory.consumers[*consumer].group == group;
            let by_consumer: u64 = (0..self.consumers.len())
                .filter(of_group)
                .map(|consumer| self.consumers[consumer].deliveries)
                .sum();
            let first: u64 = self
                .slots
                .of_group(group)
                .map(|slot| self.ledger.delivered_once(slot))
                .sum();
            let (measured, duplicates) = (self.latencies[id].wait.count(), self.duplicates[id].total());
            if by_queue != by_consumer || first != measured || first + duplicates != by_queue {
                let text = format!(
                    "group {}: {by_queue} deliveries by queue, {by_consumer} by consumer; {first} first \
                     deliveries, {measured} measured, {duplicates} duplicates",
                    info.name
                );
                broken(end, "M2", &text);
            }
        }
        for (slot, of) in self.slots.iter() {
            if self.ledger.delivered_once(slot) != self.ledger.end(of.queue) {
                continue;
            }
            let waited = self.waiting[slot].delivered_at as i128 - self.waiting[slot].stored_at as i128;
            let integral = self.waiting_integral(slot, end);
            if integral != waited {
                let label = directory.queue_label(of.queue);
                let text = format!("{label}: integral {integral} ns, but its messages waited {waited} ns");
                broken(end, "M1", &text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::ledger::Balance;
    use crate::observe::story::{Run, Story, crash, millis, secs};

    const GROUP: GroupId = GroupId(0);

    /// Seven stored: five succeeded, one dead, one in flight.
    #[test]
    fn the_account_of_a_crash_adds_up() {
        let run = crash();
        assert_eq!(
            run.observation.ledger.balance(&run.observation.slots, GROUP),
            Balance {
                produced: 7,
                in_flight: 1,
                succeeded: 5,
                dead: 1,
                ..Balance::default()
            }
        );
    }

    /// Seven originals, one copy, two again after the kill; consumer 1 had three of them.
    #[test]
    fn deliveries_are_counted_by_kind_and_by_consumer() {
        let observation = crash().observation;
        assert_eq!(observation.deliveries(GROUP), 10);
        assert_eq!(observation.latencies[0].first_delivery.count(), 7);
        assert_eq!(observation.latencies[0].wait.count(), 8);
        assert_eq!(
            (
                observation.consumers[0].deliveries,
                observation.consumers[1].deliveries
            ),
            (7, 3)
        );
        assert_eq!(
            (
                observation.duplicates[0].killed,
                observation.duplicates[0].total()
            ),
            (2, 2)
        );
        // Six originals and the copy came to an end, and the two duplicates; all but the two failures well.
        let (a, b) = (&observation.consumers[0], &observation.consumers[1]);
        assert_eq!((a.succeeded, a.failed, b.succeeded), (4, 2, 3));
        assert_eq!(a.busy, SimDuration::from_millis(6 * 50));
    }

    /// First deliveries 5 ms after birth; successes 55 ms after; the copy waits 5 ms for its delivery.
    #[test]
    fn latencies_are_exact() {
        let observation = crash().observation;
        let latencies = &observation.latencies[0];
        assert_eq!(latencies.first_delivery.sum_nanos(), 7 * 5_000_000);
        assert_eq!(latencies.wait.sum_nanos(), 8 * 5_000_000);
        assert_eq!(
            (latencies.success.count(), latencies.success.sum_nanos()),
            (5, 5 * 55_000_000)
        );
    }

    /// Queue 1 had no owner from 10 to 10.2 s: one move, and one is the least. From the change to the move: 0.2 s.
    #[test]
    fn a_kill_is_a_change_with_its_consequences() {
        let mut run = crash();
        let group = &run.observation.rebalances[0];
        assert_eq!((group.moves, group.moves_least), (1, 1));
        assert_eq!(group.all_owned_at, Some(millis(100)));
        let kill = group.changes.last().unwrap();
        assert_eq!((kill.change, kill.members, kill.moves), (Change::Killed, 1, 1));
        assert_eq!(kill.stable, SimDuration::from_millis(200));
        assert_eq!(group.stable_max, Some(SimDuration::from_millis(200)));
        run.at(30_000);
        let gaps = run.observation.ownership.gaps(secs(30), 1);
        assert_eq!(gaps.unowned, SimDuration::from_millis(200));
        // Owned and unowned time of a queue fill the time from its first owner to the end.
        let owned: SimDuration = (run.observation.ownership.intervals().iter())
            .filter(|interval| interval.slot == 1)
            .map(|interval| interval.to.unwrap_or(secs(30)).since(interval.from))
            .fold(SimDuration::ZERO, |sum, span| sum + span);
        assert_eq!(owned + gaps.unowned, SimDuration::from_millis(29_900));
    }

    /// Queue 0 is committed at 3 of 4, queue 1 at 3 of 3, the retry queue at 1 of 1.
    #[test]
    fn lag_at_the_end_is_what_is_not_committed() {
        let observation = crash().observation;
        assert_eq!(observation.lag.group(GROUP).lag.value(), 1);
        assert_eq!(observation.lag.group(GROUP).backlog.value(), 1);
        // Before the first commit at 8 s all six were lag.
        assert_eq!(observation.lag.group(GROUP).lag.max(), 6);
        assert_eq!(observation.lag.group(GROUP).lag.max_at(), Some(secs(6)));
    }

    /// Every queue's waiting count, integrated, is the sum of its messages' waiting times: n × 5 ms.
    #[test]
    fn little_holds_for_each_queue() {
        let observation = crash().observation;
        for (slot, records) in [(0, 4.0), (1, 3.0), (2, 1.0)] {
            let mean = observation.waiting_mean(slot, secs(30));
            assert!((mean - records * 0.005 / 30.0).abs() < 1e-15, "{mean}");
            assert_eq!(observation.wait_mean_secs(slot), Some(0.005));
        }
    }

    /// Samples from 0 to 30 s; the last row is the end of the run.
    #[test]
    fn the_series_has_a_row_for_each_second() {
        let observation = crash().observation;
        let times = observation.series.times();
        assert_eq!((times.len(), times[30]), (31, secs(30)));
        let members = observation.series.column(Measure::GroupMembers, 0);
        assert_eq!((members[0], members[10], members[11]), (0, 2, 1));
        let duplicates = observation.series.column(Measure::GroupDuplicates, 0);
        assert_eq!((duplicates[10], duplicates[11], duplicates[30]), (0, 2, 2));
    }

    /// A copy is handed out before it came back: the listener's record was never stored.
    #[test]
    #[should_panic = "invariant L4"]
    fn a_delivery_out_of_nowhere_is_found() {
        let story = Story::new()
            .topic("orders", 1)
            .group("billing", &["orders"])
            .consumer("billing-1", "billing", 1)
            .producer("shop", "orders");
        let mut run = Run::new(story);
        run.at(0).start(0).take(0, &[0]).send(0).deliver(0, 0, 0);
        run.tell(Fact::Delivered {
            consumer: ConsumerId(0),
            group: GROUP,
            queue: QueueId(0),
            offset: 1,
            message: Default::default(),
            reconsume_times: 0,
            born: SimTime::ZERO,
            stored: SimTime::ZERO,
        });
    }

    /// The record was stored at 1 s, but the delivery claims 0.5 s: the sums disagree at the end.
    #[test]
    #[should_panic = "invariant M1 broken at 3.000000000s: orders broker-a:0"]
    fn a_wrong_time_of_storage_is_found() {
        let story = Story::new()
            .topic("orders", 1)
            .group("billing", &["orders"])
            .consumer("billing-1", "billing", 1)
            .producer("shop", "orders");
        let mut run = Run::new(story);
        run.at(0).start(0).take(0, &[0]);
        run.at(1_000).send(0);
        run.tell(Fact::Delivered {
            consumer: ConsumerId(0),
            group: GROUP,
            queue: QueueId(0),
            offset: 0,
            message: Default::default(),
            reconsume_times: 0,
            born: millis(1_000),
            stored: millis(500),
        });
        run.at(3_000).finish();
    }
}
