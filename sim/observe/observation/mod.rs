//! The observer of every run: routes each fact to the measures that it concerns.
//!
//! What happens for every message is inlined; the rest is one call away. At every sample the message accounts
//! are checked and the series get a row; at the end sums that were counted in two ways must agree.

mod checks;
mod members;
mod memory;
mod order;
mod rare;
mod warm_up;

pub use memory::Extent;

use crate::cluster::config::ClusterConfig;
use crate::cluster::directory::{Directory, TopicKind};
use crate::cluster::fact::{Fact, Observer, PullResult, RebalanceTrigger};
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId, TopicId};
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::consumers::Life;
use crate::observe::delivery::{Delivered, raise};
use crate::observe::duplicates::{Duplicates, LedBack};
use crate::observe::effects::Effects;
use crate::observe::filters::Filters;
use crate::observe::lag::Lag;
use crate::observe::latency::Latency;
use crate::observe::ledger::{Delivery, Ledger, Outcome};
use crate::observe::observation::order::Orders;
use crate::observe::order::{InQueue, QueueOrder};
use crate::observe::ownership::Ownership;
use crate::observe::paces::Paces;
use crate::observe::producers::Producers;
use crate::observe::queries::Query;
use crate::observe::rebalance::Rebalances;
use crate::observe::remedies::Remedies;
use crate::observe::requests::Requests;
use crate::observe::retries::Retries;
use crate::observe::series::{Measure, Series};
use crate::observe::slots::Slots;
use crate::observe::warm_up::WarmUp;
use crate::observe::windows::{Done, Row, Windows};
use std::collections::{BTreeMap, BTreeSet};

/// The spans of a message's life in one group, of what came into being after the warm-up.
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
    /// Sum of the instants at which filtered records were passed over, less those at which some came back.
    passed_at: i128,
    /// Sum of the instants of storage of records that do not count, because the reader came later.
    before: i128,
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
    /// Of groups with filters.
    pub filters: Filters,
    /// Questions for messages by key, in order.
    pub queries: Vec<Query>,
    /// By group.
    pub effects: Vec<Effects>,
    /// Slots and offsets of records that go to a listener again because they could not be sent back.
    local_retries: BTreeSet<(usize, u64)>,
    /// By group.
    pub delivered: Vec<Delivered>,
    /// What the timeline does about backlogs.
    pub remedies: Remedies,
    /// Bytes that producers stored, by queue.
    pub stored_bytes: Vec<u64>,
    /// The grid.
    pub series: Series,
    /// Totals at each twelfth of the run.
    pub windows: Windows,
    /// Latency in each sixtieth of the run.
    pub paces: Paces,
    /// What is not measured.
    pub warm_up: WarmUp,
    /// From when to when each queue lay beyond `readQueueNums`, by queue.
    pub stranded: Vec<Vec<(SimTime, Option<SimTime>)>>,
    /// `readQueueNums` by topic and broker, as far as told.
    reads: BTreeMap<(TopicId, BrokerId), u32>,
    /// Order of queues and keys, where it is looked at.
    pub orders: Orders,
    /// The change that each slot changed hands after, by its number in the group.
    moved_by: Vec<Option<u32>>,
    /// What led the group of each slot back, and up to where it had seen everything then.
    led_back: Vec<Option<(LedBack, u64)>>,
    waiting: Vec<Waiting>,
    /// Sum of the instants of storage, nanoseconds, by queue.
    stored_at: Vec<u128>,
    /// What woke the round that each consumer is in.
    triggers: Vec<RebalanceTrigger>,
    sampled_at: Option<SimTime>,
    /// Scratch list of the queues that a sample looks at.
    changed: Vec<QueueId>,
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
            Fact::Request { broker, kind, group } => {
                self.brokers[broker.index()].request(kind);
                if let Some(group) = group {
                    self.delivered[group.index()].request(kind);
                }
            }
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
                let life = &mut self.consumers[consumer.index()];
                life.deliveries += 1;
                let slot = self.slots.slot(group, queue) + life.reader;
                let of = self.slots.get(slot);
                let delivery = self.ledger.delivered(now, directory, slot, of, offset);
                let in_order = if self.orders.is_watched(group) {
                    self.delivered_in_order(now, directory, fact, delivery)
                } else {
                    None
                };
                if delivery == Delivery::FirstAfterAll {
                    self.comes_back(now, slot);
                }
                if delivery != Delivery::Duplicate {
                    let waiting = &mut self.waiting[slot];
                    waiting.delivered_at += u128::from(now.as_nanos());
                    waiting.stored_at += u128::from(stored.as_nanos());
                    let latencies = &mut self.latencies[group.index()];
                    if stored >= self.warm_up.end {
                        latencies.wait.record(now.since(stored));
                    } else {
                        self.warm_up.stored_early(group, slot, now.since(stored));
                    }
                    if !of.is_retry {
                        if born >= self.warm_up.end {
                            latencies.first_delivery.record(now.since(born));
                        } else {
                            self.warm_up.born_early(group);
                        }
                    }
                } else if in_order != Some(InQueue::Again) {
                    self.duplicate(group, slot, consumer, offset);
                }
                if reconsume_times > 0 && in_order.is_none() {
                    self.retries[group.index()].delivered(reconsume_times);
                }
            }
            Fact::Consumed {
                consumer,
                group,
                queue,
                offset,
                message,
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
                    let slot = self.slots.slot(group, queue) + life.reader;
                    let of = self.slots.get(slot);
                    if self
                        .ledger
                        .ended(now, directory, slot, of, offset, Outcome::Succeeded)
                    {
                        self.lag.ended(now, slot, of, 1);
                        if born >= self.warm_up.end {
                            self.latencies[group.index()].success.record(now.since(born));
                        }
                    }
                    if self.orders.is_watched(group) {
                        self.finished_in_order(now, slot, message);
                    }
                } else {
                    life.failed += 1;
                }
                if (reconsume_times > 0 || !success) && !self.orders.is_orderly(group) {
                    self.retries[group.index()].result(reconsume_times, success);
                }
            }
            Fact::PullHeld { queue, .. } => {
                self.brokers[directory.queue(queue).broker.index()].held += 1;
            }
            Fact::PullAnswered {
                queue,
                consumer,
                result,
                messages,
                bytes,
                held,
                ..
            } => {
                let of = directory.queue(queue);
                self.brokers[of.broker.index()].answered(result, messages, bytes, held);
                let group = directory.consumer(consumer).group;
                self.delivered[group.index()].answered(result, messages);
                if result == PullResult::NoMatched {
                    self.filters.without_match(group, of.topic);
                }
            }
            Fact::Pushed {
                queue,
                consumer,
                messages,
                bytes,
                ..
            } => {
                self.brokers[directory.queue(queue).broker.index()].pushed(messages, bytes);
                self.delivered[directory.consumer(consumer).group.index()].pushed(messages);
            }
            // The requests are counted.
            Fact::Heartbeat { .. } => {}
            // Most that an idle client has to tell is told again and again.
            Fact::OffsetCommitted { old, new, .. } if old == Some(new) => {}
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
                client,
                group,
                ..
            } => {
                let life = &mut self.consumers[consumer.index()];
                life.cached += u64::from(messages);
                life.cached_max = life.cached_max.max(cached);
                raise(&mut life.cached_all_max, client);
                let of = directory.consumer(consumer).group;
                raise(&mut self.delivered[of.index()].cached_max, group);
            }
            _ => self.observe_rare(now, directory, fact),
        }
    }

    fn sample(&mut self, now: SimTime, directory: &Directory) {
        self.sampled_at = Some(now);
        self.ledger.look(&self.slots, &mut self.changed);
        self.ledger.check(now, &self.slots, directory);
        self.producers.check(now);
        if now == self.warm_up.end && now != SimTime::ZERO {
            self.warm_up_ends(now);
        }
        let ledger = &self.ledger;
        self.lag.sample(
            now,
            &self.slots,
            &self.changed,
            |queue| ledger.end(queue),
            |slot| ledger.frontier(slot),
        );
        let groups = 0..directory.groups.len() as u32;
        let lag_max = groups.map(|group| self.lag.group(GroupId(group)).lag_window_max);
        if self.series.sampled(lag_max) {
            self.row(now, directory);
        }
        if self.windows.is_due(now) {
            self.windows.take(self.totals(now));
        }
        if self.paces.is_due(now) {
            self.paces
                .take(now, self.latencies.iter().map(|of| of.success.histogram()));
        }
    }

    fn held(&self) -> u64 {
        self.bytes()
    }
}

impl Observation {
    /// An observer for one run of `config`.
    pub fn new(config: &ClusterConfig) -> Self {
        let (interval, horizon) = (config.sample_interval, config.duration);
        let mut observation = Self::with_interval(interval, horizon).after(config.warmup, horizon);
        observation.remedies = Remedies::new(config);
        observation.orders = Orders::new(config);
        for (topic, of) in config.topics.iter().enumerate() {
            for (broker, queues) in &of.placement {
                let place = (TopicId(topic as u32), *broker);
                observation.reads.insert(place, queues.read);
            }
        }
        observation
    }

    /// An observer that is asked to sample every `interval` in a run that is to last for `horizon`.
    pub fn with_interval(interval: SimDuration, horizon: SimDuration) -> Self {
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
            effects: Vec::new(),
            local_retries: BTreeSet::new(),
            filters: Filters::default(),
            queries: Vec::new(),
            delivered: Vec::new(),
            remedies: Remedies::default(),
            stored_bytes: Vec::new(),
            series: Series::new(interval),
            windows: Windows::new(SimTime::ZERO, horizon),
            paces: Paces::new(SimTime::ZERO, horizon),
            warm_up: WarmUp::default(),
            stranded: Vec::new(),
            reads: BTreeMap::new(),
            orders: Orders::default(),
            moved_by: Vec::new(),
            led_back: Vec::new(),
            waiting: Vec::new(),
            stored_at: Vec::new(),
            triggers: Vec::new(),
            sampled_at: None,
            changed: Vec::new(),
        }
    }

    /// What happens in the first `warmup`, a multiple of the sampling interval, of a run that is to last for `horizon` is
    /// not measured.
    pub fn after(mut self, warmup: SimDuration, horizon: SimDuration) -> Self {
        let end = SimTime::ZERO + warmup;
        self.warm_up = WarmUp::until(end);
        self.windows = Windows::new(end, (SimTime::ZERO + horizon).since(end));
        self.paces = Paces::new(end, (SimTime::ZERO + horizon).since(end));
        self
    }

    /// Compares both sides of every account.
    ///
    /// # Panics
    /// If one does not add up.
    pub fn compare(&mut self, now: SimTime, directory: &Directory) {
        self.ledger.check_anew(now, &self.slots, directory);
        self.producers.check(now);
    }

    /// Ends the observation: the last row of the series, the last checks.
    ///
    /// # Panics
    /// If an invariant does not hold.
    pub fn finish(&mut self, end: SimTime, directory: &Directory) {
        self.grow(end, directory);
        match self.sampled_at == Some(end) {
            true => self.ledger.look(&self.slots, &mut self.changed),
            false => self.sample(end, directory),
        }
        if self.series.times().last() != Some(&end) {
            self.row(end, directory);
        }
        if self.paces.is_open(end) {
            self.paces
                .take(end, self.latencies.iter().map(|of| of.success.histogram()));
        }
        for group in &mut self.rebalances {
            group.finish(end);
        }
        for queue in &mut self.orders.queues {
            queue.goes_on(end);
        }
        self.check_sums(end, directory);
        self.ledger.check_looks(end, &self.slots, directory);
    }

    /// A step of the timeline happens next: lags are noted before anything has come of it.
    fn timeline_step(&mut self, now: SimTime, directory: &Directory, step: u32) {
        self.grow(now, directory);
        if self.remedies.step(now, step) {
            self.lag.mark(now);
        }
    }

    fn slot_ended(
        &mut self,
        now: SimTime,
        directory: &Directory,
        slot: usize,
        offset: u64,
        outcome: Outcome,
    ) {
        let of = self.slots.get(slot);
        if self.ledger.ended(now, directory, slot, of, offset, outcome) {
            self.lag.ended(now, slot, of, 1);
        }
    }

    /// The group of the slot may be given again what it has seen.
    fn leads_back(&mut self, slot: usize, by: LedBack) {
        self.led_back[slot] = Some((by, self.ledger.frontier(slot)));
    }

    fn broker_stopped(&mut self, now: SimTime, directory: &Directory, broker: BrokerId) {
        self.brokers[broker.index()].stops(now);
        for slot in 0..self.slots.len() {
            if directory.queue(self.slots.get(slot).queue).broker == broker {
                self.leads_back(slot, LedBack::BrokerEnded);
                if let Some(order) = self.orders.queues.get_mut(slot) {
                    order.lock_forgotten();
                }
            }
        }
    }

    /// A record is delivered once more.
    #[inline(never)]
    fn duplicate(&mut self, group: GroupId, slot: usize, consumer: ConsumerId, offset: u64) {
        let duplicates = &mut self.duplicates[group.index()];
        if self.local_retries.remove(&(slot, offset)) {
            duplicates.local_retry += 1;
            return;
        }
        match self.led_back[slot].filter(|(_, below)| offset < *below) {
            Some((by, _)) => duplicates.count_led_back(by),
            None => duplicates.count(self.ownership.cause(slot, consumer)),
        }
        if let Some(change) = self.moved_by[slot] {
            self.rebalances[group.index()].duplicate(change);
        }
    }

    /// The slot of `group` at `queue`, or in a broadcasting group that of `consumer`.
    pub fn slot_of(&self, group: GroupId, queue: QueueId, consumer: ConsumerId) -> usize {
        self.slots.slot(group, queue) + self.consumers[consumer.index()].reader
    }

    fn filtered(&mut self, now: SimTime, slot: usize, (from, to): (u64, u64), wanted: bool) {
        let of = self.slots.get(slot);
        let filtered = self.ledger.filtered(now, slot, of, (from, to), wanted);
        self.waiting[slot].passed_at += i128::from(filtered) * i128::from(now.as_nanos());
        self.lag.ended(now, slot, of, filtered);
    }

    /// A record that was passed over is delivered after all.
    fn comes_back(&mut self, now: SimTime, slot: usize) {
        self.waiting[slot].passed_at -= i128::from(now.as_nanos());
        self.lag.reopened(now, slot, self.slots.get(slot));
    }

    fn expired(&mut self, now: SimTime, directory: &Directory, queue: QueueId, (from, to): (u64, u64)) {
        if let TopicKind::DeadLetter(group) = directory.topic(directory.queue(queue).topic).kind {
            self.retries[group.index()].dead_letters_expired(to - from);
        }
        for slot in self.slots.readers(queue) {
            let of = self.slots.get(slot);
            let expired = self.ledger.expired(slot, of, to);
            self.lag.ended(now, slot, of, expired);
        }
    }

    /// Makes room for every entity that the directory knows.
    fn grow(&mut self, now: SimTime, directory: &Directory) {
        let groups = directory.groups.len();
        self.ledger.grow(&self.slots, groups);
        self.lag.grow(now, &self.slots, groups);
        self.ownership
            .grow(now, self.slots.len(), directory.consumers.len());
        self.producers.grow(directory.producers.len());
        for info in &directory.consumers[self.consumers.len()..] {
            self.consumers.push(Life::of_reader(info.reader));
        }
        self.triggers
            .resize(directory.consumers.len(), RebalanceTrigger::Start);
        self.brokers
            .resize_with(directory.brokers.len(), Requests::default);
        self.latencies.resize_with(groups, Latencies::default);
        self.rebalances.resize_with(groups, Rebalances::default);
        self.retries.resize_with(groups, Retries::default);
        self.duplicates.resize_with(groups, Duplicates::default);
        self.effects.resize_with(groups, Effects::default);
        self.delivered.resize_with(groups, Delivered::default);
        self.stored_bytes.resize(self.slots.queues(), 0);
        self.stored_at.resize(self.slots.queues(), 0);
        self.orders
            .queues
            .resize_with(self.slots.len(), QueueOrder::default);
        self.waiting.resize_with(self.slots.len(), Waiting::default);
        self.stranded.resize_with(self.slots.queues(), Vec::new);
        self.moved_by.resize(self.slots.len(), None);
        self.led_back.resize(self.slots.len(), None);
    }

    /// What consumers and queues have done so far.
    fn totals(&self, now: SimTime) -> Row {
        let consumers = self.consumers.iter().map(|life| Done {
            consumed: life.consumed(),
            busy: life.busy.as_nanos(),
            held: life.queues.integral(now),
        });
        Row {
            at: now,
            consumers: consumers.collect(),
            deliveries: (0..self.slots.len())
                .map(|slot| self.ledger.deliveries(slot))
                .collect(),
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
            let (lag, balance) = (
                self.lag.group(group),
                self.ledger.balance_looked(&self.slots, group),
            );
            series.put(Measure::GroupLag, id, lag.lag.value());
            series.put_lag_max(id);
            series.put(Measure::GroupBacklog, id, lag.backlog.value());
            series.put(Measure::GroupInFlight, id, balance.in_flight);
            series.put(Measure::GroupAwaitingRetry, id, balance.awaiting_retry);
            series.put(Measure::GroupSucceeded, id, balance.succeeded);
            series.put(Measure::GroupRetries, id, self.ledger.scheduled(group));
            series.put(Measure::GroupDead, id, balance.dead);
            series.put(Measure::GroupDuplicates, id, self.duplicates[id].total());
            series.put(Measure::GroupMembers, id, self.rebalances[id].shares.members());
            series.put(Measure::GroupOldest, id, lag.oldest.as_nanos());
            if let Some(estimate) = self.filters.estimate(group) {
                series.put(Measure::GroupEstimate, id, estimate);
            }
        }
        let lag = &self.lag;
        series.put_all(
            [Measure::SlotLag, Measure::SlotUncommitted],
            self.slots.len(),
            |slot| {
                let (lag, backlog) = lag.now(slot);
                // What is below the committed offset has ended: so the rest of what has ended lies above it.
                [lag, lag.saturating_sub(backlog)]
            },
        );
        let lives = &self.consumers;
        series.put_all(
            [Measure::ConsumerConsumed, Measure::ConsumerQueues],
            lives.len(),
            |id| [lives[id].consumed(), lives[id].queues.value()],
        );
    }

    /// Deliveries of a group: those of its queues.
    pub fn deliveries(&self, group: GroupId) -> u64 {
        self.slots
            .of_group(group)
            .map(|slot| self.ledger.deliveries(slot))
            .sum()
    }

    /// Mean number of records of the slot that were stored and not delivered, from the end of the warm-up to `end`.
    pub fn waiting_mean(&self, slot: usize, end: SimTime) -> f64 {
        let span = end.since(self.warm_up.end);
        if span.is_zero() {
            return 0.0;
        }
        let waited = self.waiting_integral(slot, end) - self.warm_up.slot(slot).waited;
        waited as f64 / span.as_nanos() as f64
    }

    /// Sum over all records of the time from storage to first delivery or to being passed over, or to `end`.
    /// Skipped and expired records, whose waiting ends at an unknown instant, count until `end`.
    /// For a reader that came later than its queue, what waits for it counts from its coming on.
    fn waiting_integral(&self, slot: usize, end: SimTime) -> i128 {
        let of = self.slots.get(slot);
        let end = i128::from(end.as_nanos());
        let Some(base) = self.ledger.base(slot) else {
            return 0;
        };
        let stored_at = self.stored_at[of.queue.index()] as i128 - self.waiting[slot].before;
        let stored = end * i128::from(self.ledger.end(of.queue) - base) - stored_at;
        let delivered =
            end * i128::from(self.ledger.delivered_once(slot)) - self.waiting[slot].delivered_at as i128;
        let passed = end * i128::from(self.ledger.passed(slot)) - self.waiting[slot].passed_at;
        stored - delivered - passed
    }

    /// Mean time from storage to first delivery, over the records that were stored after the warm-up and delivered; `None`
    /// if there was none.
    pub fn wait_mean_secs(&self, slot: usize) -> Option<f64> {
        let early = self.warm_up.waits(slot);
        let delivered = self.ledger.delivered_once(slot) - early.count;
        let waited = self.waiting[slot].delivered_at - self.waiting[slot].stored_at - early.sum;
        (delivered > 0).then(|| waited as f64 / delivered as f64 / 1e9)
    }
}

#[cfg(test)]
mod tests;
