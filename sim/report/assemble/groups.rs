//! Groups and their accounts.

use super::cluster::requests;
use super::{View, mean_secs, ratio};
use crate::cluster::consumer::delivery::Delivery;
use crate::cluster::fact::DropCause;
use crate::cluster::ids::{ConsumerId, GroupId};
use crate::kernel::time::SimDuration;
use crate::observe::consumers::Life;
use crate::observe::lag::Peak;
use crate::observe::latency::Latency;
use crate::observe::retries::{Attempt, Retries};
use crate::report::model::{
    AttemptReport, BalanceReport, DeadLettersReport, DeliveriesReport, DeliveryReport, DistributionReport,
    DuplicateCausesReport, DuplicatesReport, EffectsReport, FailuresReport, GroupReport, KeyOrderReport,
    LagReport, LatenciesReport, LatencyReport, LostReport, OldestWaitingReport, OrderReport,
    QueueOrderReport, ReaderReport, RetriesReport,
};
use indexmap::IndexMap;

impl View<'_> {
    pub(super) fn groups(&self) -> IndexMap<String, GroupReport> {
        self.by_group(|group| self.group(group))
    }

    fn group(&self, group: GroupId) -> GroupReport {
        let (observation, id) = (self.observation, group.index());
        let balance = observation.ledger.balance(&observation.slots, group);
        let (lag, latencies) = (observation.lag.group(group), &observation.latencies[id]);
        let retries = &observation.retries[id];
        let duplicates = observation.duplicates[id];
        let (before, early) = (observation.warm_up.group(group), observation.warm_up.early(group));
        let first = latencies.first_delivery.count() + early.born;
        let retry = latencies.wait.count() + early.stored - first;
        let discarded = self
            .members(group)
            .map(|id| observation.consumers[id].discarded)
            .sum();
        GroupReport {
            topics: (self.directory.group(group).topics.iter())
                .map(|&topic| self.directory.topic(topic).name.clone())
                .collect(),
            members: self.member_sums(group, |_| true, |_| 0).len() as u64,
            members_final: observation.rebalances[id].shares.members(),
            produced: balance.produced,
            succeeded: balance.succeeded,
            succeeded_per_second: self.per_second(balance.succeeded - before.succeeded),
            deliveries: observation.deliveries(group),
            deliveries_by_kind: DeliveriesReport {
                first,
                retry,
                again: observation.again(group),
                duplicate: duplicates.total(),
            },
            failures: self.failures(group),
            discarded,
            lag: peak(
                &lag.lag,
                observation.lag.lag_mean(&observation.slots, group, self.end),
            ),
            backlog: peak(
                &lag.backlog,
                observation.lag.backlog_mean(&observation.slots, group, self.end),
            ),
            oldest_waiting: OldestWaitingReport {
                max_seconds: lag.oldest_max.as_secs_f64(),
                final_seconds: lag.oldest.as_secs_f64(),
            },
            latency: LatenciesReport {
                first_delivery: latency(&latencies.first_delivery),
                success: latency(&latencies.success),
                wait: latency(&latencies.wait),
            },
            retries: RetriesReport {
                scheduled: observation.ledger.scheduled(group),
                stored: observation.ledger.retries_stored(group),
                extra_copies: balance.extra_copies,
                by_attempt: attempts(
                    retries,
                    first,
                    balance.succeeded - observation.ledger.succeeded_copies(group),
                ),
            },
            dead: balance.dead,
            dead_by_topic: self.dead_by_topic(group),
            dead_letters: DeadLettersReport {
                kept: balance.dead - retries.dead_expired,
                expired: retries.dead_expired,
                resent: retries.resent,
            },
            filtered: balance.filtered,
            expired: balance.expired,
            lost: balance.lost(),
            lost_by_cause: LostReport {
                skipped: balance.skipped,
                skipped_unfinished: balance.skipped_unfinished,
                reset: balance.reset,
                broadcast_failures: balance.dropped[DropCause::Broadcasting as usize],
                no_retry_queue: balance.dropped[DropCause::NoRetryQueue as usize],
                subscription_mismatch: balance.mismatched,
            },
            duplicates: DuplicatesReport {
                total: duplicates.total(),
                ratio: ratio(duplicates.total(), first + retry),
                by_cause: DuplicateCausesReport {
                    killed: duplicates.killed,
                    vanished: duplicates.vanished,
                    graceful: duplicates.graceful,
                    rebalance: duplicates.rebalance,
                    overlap: duplicates.overlap,
                    paused: duplicates.paused,
                    local_retry: duplicates.local_retry,
                    broker: duplicates.broker,
                    reset: duplicates.reset,
                    other: duplicates.other,
                },
            },
            effects: self.effects(group),
            readers: self.readers(group),
            filters: self.filters(group),
            order: self.order(group),
            delivery: self.delivery(group),
            guard: self.guard(group),
            forwarded: observation.delivered[id].forwarded,
            requests: requests(|kind| self.observation.delivered[id].of(kind)),
            skew: self.skews(group),
            utilisation: self.utilisation(group),
        }
    }

    /// Effects against deliveries, if listeners of the group remember.
    fn effects(&self, group: GroupId) -> EffectsReport {
        let effects = &self.observation.effects[group.index()];
        EffectsReport {
            idempotent: self.directory.group(group).is_idempotent,
            happened: effects.happened,
            doubled: effects.doubled,
            suppressed: effects.suppressed,
            lost: effects.lost(),
        }
    }

    /// What each reader of a broadcasting group was given.
    fn readers(&self, group: GroupId) -> IndexMap<String, ReaderReport> {
        let (ledger, slots) = (&self.observation.ledger, &self.observation.slots);
        let reader = |(number, id): (u32, &String)| {
            let balance = ledger.balance_of_reader(slots, group, number);
            let own = slots
                .of_group(group)
                .filter(|&slot| slots.get(slot).reader == Some(number));
            let report = ReaderReport {
                produced: balance.produced,
                succeeded: balance.succeeded,
                failed: balance.dropped.iter().sum(),
                lost: balance.lost() - balance.dropped.iter().sum::<u64>(),
                filtered: balance.filtered,
                expired: balance.expired,
                waiting: balance.waiting,
                in_flight: balance.in_flight,
                duplicates: own.map(|slot| ledger.duplicates(slot)).sum(),
            };
            (id.clone(), report)
        };
        (0..)
            .zip(&self.directory.group(group).readers)
            .map(reader)
            .collect()
    }

    fn order(&self, group: GroupId) -> OrderReport {
        let orders = &self.observation.orders;
        let keys = orders.keys.get(group.index()).and_then(Option::as_deref);
        let slots = || {
            let slots = self.observation.slots.of_group(group);
            slots.map(|slot| &orders.queues[slot])
        };
        let blocked = slots().fold(SimDuration::ZERO, |sum, queue| sum + queue.blocked);
        let blocked_max = slots().map(|queue| queue.blocked_max).max();
        OrderReport {
            orderly: orders.is_orderly(group),
            keys: keys.map_or_else(KeyOrderReport::default, |keys| KeyOrderReport {
                seen: keys.keys(),
                late: keys.late,
                overtaking: keys.overtaking,
                late_again: keys.late_again,
            }),
            queues: QueueOrderReport {
                suspensions: slots().map(|queue| queue.suspensions).sum(),
                attempts_max: slots().map(|queue| queue.attempts).max().unwrap_or(0),
                blocked_seconds: blocked.as_secs_f64(),
                blocked_max_seconds: blocked_max.unwrap_or_default().as_secs_f64(),
                locks_refused: slots().map(|queue| queue.refused).sum(),
            },
        }
    }

    fn delivery(&self, group: GroupId) -> DeliveryReport {
        let delivered = &self.observation.delivered[group.index()];
        let before = self.observation.warm_up.group(group);
        let deliveries = self.observation.deliveries(group) - before.deliveries;
        let style = self.directory.group(group).delivery;
        DeliveryReport {
            style: style.word().to_owned(),
            interval_seconds: style.interval().map(|interval| interval.as_secs_f64()),
            batch: match style {
                Delivery::Pull { batch, .. } => Some(batch.into()),
                _ => None,
            },
            credit: match style {
                Delivery::Push { credit } => credit.map(u64::from),
                _ => None,
            },
            requests: delivered.requests(),
            requests_per_message: (deliveries > 0)
                .then(|| ratio(delivered.requests() - before.requests, deliveries)),
            empty: delivered.empty,
            envelopes: delivered.envelopes,
            pushes: delivered.pushed,
            sent: delivered.messages,
            cached_max: delivered.cached_max.messages as u64,
            cached_max_bytes: delivered.cached_max.bytes as u64,
        }
    }

    /// What listeners of the group did instead of success.
    fn failures(&self, group: GroupId) -> FailuresReport {
        let mut sum = FailuresReport::default();
        for id in self.members(group) {
            let of_life = failures(&self.observation.consumers[id]);
            sum.later += of_life.later;
            sum.threw += of_life.threw;
            sum.returned_null += of_life.returned_null;
            sum.hung += of_life.hung;
            sum.timed_out += of_life.timed_out;
            sum.threads_hung += of_life.threads_hung;
        }
        sum
    }

    fn dead_by_topic(&self, group: GroupId) -> IndexMap<String, u64> {
        let name = |topic| self.directory.topic(topic).name.clone();
        let subscribed = self.directory.group(group).topics.iter();
        let mut dead: IndexMap<String, u64> = subscribed.map(|&topic| (name(topic), 0)).collect();
        for &(topic, count) in self.observation.retries[group.index()].dead_by_topic() {
            *dead.entry(name(topic)).or_default() += count;
        }
        dead
    }

    /// Positions of all lives in the group that began.
    pub(super) fn members(&self, group: GroupId) -> impl Iterator<Item = usize> {
        (0..self.observation.consumers.len()).filter(move |&id| {
            self.directory.consumers[id].group == group && self.observation.consumers[id].started.is_some()
        })
    }

    /// A number for each member, summed over those of its lives that `count`.
    pub(super) fn member_sums(
        &self,
        group: GroupId,
        count: impl Fn(usize) -> bool,
        of: impl Fn(usize) -> u64,
    ) -> Vec<u64> {
        let mut sums: IndexMap<&str, u64> = IndexMap::new();
        for id in self.members(group).filter(|id| count(*id)) {
            *sums.entry(&self.directory.consumers[id].name).or_default() += of(id);
        }
        sums.into_values().collect()
    }

    /// Listener time of a life after the warm-up.
    pub(super) fn busy(&self, id: usize) -> SimDuration {
        let before = self.observation.warm_up.consumer(ConsumerId(id as u32));
        self.observation.consumers[id].busy.saturating_sub(before.busy)
    }

    /// Queue-nanoseconds that a life held after the warm-up.
    pub(super) fn held(&self, id: usize) -> i128 {
        let before = self.observation.warm_up.consumer(ConsumerId(id as u32));
        self.observation.consumers[id].queues.integral(self.end) - before.held
    }

    /// Deliveries of a life after the warm-up.
    pub(super) fn deliveries(&self, id: usize) -> u64 {
        let before = self.observation.warm_up.consumer(ConsumerId(id as u32));
        self.observation.consumers[id].deliveries - before.deliveries
    }

    fn utilisation(&self, group: GroupId) -> Option<f64> {
        let (mut busy, mut threads) = (0.0, 0.0);
        for id in self.members(group) {
            let life = &self.observation.consumers[id];
            busy += self.busy(id).as_secs_f64();
            threads += life.thread_secs(self.from, self.end, self.directory.consumers[id].threads);
        }
        (threads > 0.0).then(|| busy / threads)
    }

    pub(super) fn balances(&self) -> IndexMap<String, BalanceReport> {
        self.by_group(|group| {
            let balance = self.observation.ledger.balance(&self.observation.slots, group);
            BalanceReport {
                produced: balance.produced,
                extra_copies: balance.extra_copies,
                waiting: balance.waiting,
                in_flight: balance.in_flight,
                awaiting_retry: balance.awaiting_retry,
                succeeded: balance.succeeded,
                dead: balance.dead,
                filtered: balance.filtered,
                expired: balance.expired,
                lost: balance.lost(),
                checks: self.observation.ledger.checks(),
                balanced: balance.left() == balance.right(),
            }
        })
    }
}

/// What the listener of one life did instead of success.
pub(super) fn failures(life: &Life) -> FailuresReport {
    FailuresReport {
        later: life.failed.saturating_sub(life.threw + life.returned_null),
        threw: life.threw,
        returned_null: life.returned_null,
        hung: life.hung,
        timed_out: life.timed_out,
        threads_hung: life.threads_hung,
    }
}

fn peak(peak: &Peak, mean: f64) -> LagReport {
    LagReport {
        last: peak.value(),
        max: peak.max(),
        max_at_seconds: peak.max_at().map(|at| at.as_secs_f64()),
        mean,
        p99: peak.p99(),
        drain_seconds: peak.drain().map(|span| span.as_secs_f64()),
    }
}

fn latency(latency: &Latency) -> LatencyReport {
    let quantile = |q| latency.quantile(q).map(|span| span.as_secs_f64());
    let bins = latency.distribution();
    LatencyReport {
        count: latency.count(),
        mean_seconds: latency.mean_secs(),
        deviation_seconds: latency.deviation_secs(),
        p50_seconds: quantile(0.5),
        p90_seconds: quantile(0.9),
        p99_seconds: quantile(0.99),
        p999_seconds: quantile(0.999).filter(|_| latency.count() >= 1_000),
        max_seconds: latency.max().map(|span| span.as_secs_f64()),
        distribution: DistributionReport {
            lower_seconds: bins.iter().map(|bin| bin.lower.as_secs_f64()).collect(),
            upper_seconds: bins.iter().map(|bin| bin.upper.as_secs_f64()).collect(),
            count: bins.iter().map(|bin| bin.count).collect(),
        },
    }
}

/// The table by attempt; what originals did is counted elsewhere.
fn attempts(retries: &Retries, delivered: u64, succeeded: u64) -> Vec<AttemptReport> {
    let report = |(number, attempt): (usize, &Attempt)| AttemptReport {
        attempt: number as u64,
        level: attempt
            .levels
            .and_then(|(low, high)| (low == high).then_some(low.into())),
        scheduled: attempt.scheduled,
        stored: attempt.stored,
        delivered: if number == 0 { delivered } else { attempt.delivered },
        succeeded: if number == 0 { succeeded } else { attempt.succeeded },
        failed: attempt.failed,
        delay_asked_seconds: mean_secs(attempt.asked, attempt.scheduled),
        delay_waited_mean_seconds: mean_secs(attempt.waited, attempt.stored),
        delay_waited_max_seconds: (attempt.stored > 0).then(|| attempt.waited_max.as_secs_f64()),
    };
    retries.attempts().iter().enumerate().map(report).collect()
}
