//! Groups, their rebalances and their accounts.

use super::{View, mean_secs, ratio};
use crate::cluster::fact::RebalanceTrigger;
use crate::cluster::ids::GroupId;
use crate::kernel::time::SimDuration;
use crate::observe::lag::Peak;
use crate::observe::latency::Latency;
use crate::observe::ownership::Gaps;
use crate::observe::rebalance::{Change, MemberChange, Round};
use crate::observe::retries::{Attempt, Retries};
use crate::observe::skew::{Skew, skew};
use crate::report::model::{
    AttemptReport, BalanceReport, DeliveriesReport, DistributionReport, DuplicateCausesReport,
    DuplicatesReport, GroupReport, GroupSkewReport, LagReport, LatenciesReport, LatencyReport, LostReport,
    MemberChange as MemberChangeKind, MemberChangeReport, OldestWaitingReport, OwnershipReport,
    RebalanceEventReport, RebalanceReport, RetriesReport, SkewReport, Trigger, TriggersReport,
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
        let first = observation.latencies[id].first_delivery.count();
        let retry = latencies.wait.count() - first;
        let seconds = self.end.as_secs_f64();
        let discarded = self
            .members(group)
            .map(|id| observation.consumers[id].discarded)
            .sum();
        GroupReport {
            topics: (self.directory.group(group).topics.iter())
                .map(|&topic| self.directory.topic(topic).name.clone())
                .collect(),
            members: self.member_sums(group, |_| 0).len() as u64,
            members_final: observation.rebalances[id].members.len() as u64,
            produced: balance.produced,
            succeeded: balance.succeeded,
            succeeded_per_second: if seconds > 0.0 {
                balance.succeeded as f64 / seconds
            } else {
                0.0
            },
            deliveries: observation.deliveries(group),
            deliveries_by_kind: DeliveriesReport {
                first,
                retry,
                duplicate: duplicates.total(),
            },
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
            lost: balance.lost(),
            lost_by_cause: LostReport {
                skipped: balance.skipped,
                skipped_unfinished: balance.skipped_unfinished,
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
                    other: duplicates.other,
                },
            },
            skew: self.skews(group),
            utilisation: self.utilisation(group),
        }
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
    fn members(&self, group: GroupId) -> impl Iterator<Item = usize> {
        (0..self.observation.consumers.len()).filter(move |&id| {
            self.directory.consumers[id].group == group && self.observation.consumers[id].started.is_some()
        })
    }

    /// A number for each member, summed over its lives.
    fn member_sums(&self, group: GroupId, of: impl Fn(usize) -> u64) -> Vec<u64> {
        let mut sums: IndexMap<&str, u64> = IndexMap::new();
        for id in self.members(group) {
            *sums.entry(&self.directory.consumers[id].name).or_default() += of(id);
        }
        sums.into_values().collect()
    }

    fn skews(&self, group: GroupId) -> GroupSkewReport {
        let observation = self.observation;
        let lives = &observation.consumers;
        let queues =
            (observation.slots.of_group(group)).filter(|&slot| !observation.slots.get(slot).is_retry);
        let held: Vec<u64> = (self.members(group).filter(|&id| lives[id].is_alive()))
            .map(|id| lives[id].queues.value())
            .collect();
        let busy = skew(self.member_sums(group, |id| lives[id].busy.as_nanos()));
        GroupSkewReport {
            consumer_messages: skew(self.member_sums(group, |id| lives[id].deliveries)).map(shares(1.0)),
            consumer_busy: busy.map(shares(1e9)),
            idle_consumers: held.iter().filter(|&&queues| queues == 0).count() as u64,
            consumer_queues: skew(held).map(shares(1.0)),
            queue_messages: skew(queues.map(|slot| observation.ledger.deliveries(slot)).collect())
                .map(shares(1.0)),
            windows: self.skew_windows(group),
        }
    }

    fn utilisation(&self, group: GroupId) -> Option<f64> {
        let (mut busy, mut threads) = (0.0, 0.0);
        for id in self.members(group) {
            let life = &self.observation.consumers[id];
            busy += life.busy.as_secs_f64();
            threads += life.length(self.end).as_secs_f64() * f64::from(self.directory.consumers[id].threads);
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
                expired: 0,
                lost: balance.lost(),
                checks: self.observation.ledger.checks(),
                balanced: balance.left() == balance.right(),
            }
        })
    }

    pub(super) fn rebalances(&self) -> IndexMap<String, RebalanceReport> {
        self.by_group(|group| self.rebalance(group))
    }

    fn rebalance(&self, group: GroupId) -> RebalanceReport {
        let observation = self.observation;
        let rebalances = &observation.rebalances[group.index()];
        let gaps: Vec<Gaps> = (observation.slots.of_group(group))
            .filter(|&slot| !observation.slots.get(slot).is_retry)
            .map(|slot| observation.ownership.gaps(self.end, slot))
            .collect();
        let sum = |of: fn(&Gaps) -> SimDuration| {
            let total = gaps
                .iter()
                .map(of)
                .fold(SimDuration::ZERO, |sum, span| sum + span);
            total.as_secs_f64()
        };
        let [start, notification, period, unbalanced, reconnect] = rebalances.rounds;
        let intervals = observation.ownership.intervals().iter();
        RebalanceReport {
            rounds: rebalances.rounds.iter().sum(),
            rounds_by_trigger: TriggersReport {
                start,
                notification,
                period,
                unbalanced,
                reconnect,
            },
            rounds_with_change: rebalances.rounds_with_change,
            moves: rebalances.moves,
            moves_least: rebalances.moves_least,
            all_owned_seconds: rebalances.all_owned_at.map(|at| at.as_secs_f64()),
            unowned_seconds: sum(|gap| gap.unowned),
            unowned_max_seconds: gaps
                .iter()
                .map(|gap| gap.unowned_max)
                .max()
                .unwrap_or_default()
                .as_secs_f64(),
            overlap_seconds: sum(|gap| gap.overlap),
            stable_max_seconds: rebalances.stable_max.map(|span| span.as_secs_f64()),
            released_unfinished: rebalances.released_unfinished,
            changes: rebalances
                .changes
                .iter()
                .map(|change| self.change(change))
                .collect(),
            events: rebalances.events.iter().map(|round| self.event(round)).collect(),
            events_omitted: rebalances.omitted,
            ownership: intervals
                .filter(|interval| observation.slots.get(interval.slot as usize).group == group)
                .map(|interval| OwnershipReport {
                    queue: (self.directory).queue_label(observation.slots.get(interval.slot as usize).queue),
                    consumer: self.consumer_key(interval.consumer),
                    from_seconds: interval.from.as_secs_f64(),
                    to_seconds: interval.to.unwrap_or(self.end).as_secs_f64(),
                })
                .collect(),
            ownership_omitted: observation.ownership.omitted(),
        }
    }

    fn change(&self, change: &MemberChange) -> MemberChangeReport {
        MemberChangeReport {
            at_seconds: change.at.as_secs_f64(),
            consumer: self.consumer_key(change.consumer),
            change: match change.change {
                Change::Started => MemberChangeKind::Started,
                Change::Graceful => MemberChangeKind::Graceful,
                Change::Killed => MemberChangeKind::Killed,
                Change::Vanished => MemberChangeKind::Vanished,
                Change::StartFailed => MemberChangeKind::StartFailed,
            },
            members: change.members,
            moves: change.moves,
            moves_least: change.moves_least,
            stable_seconds: change.stable.as_secs_f64(),
        }
    }

    fn event(&self, round: &Round) -> RebalanceEventReport {
        RebalanceEventReport {
            at_seconds: round.at.as_secs_f64(),
            consumer: self.consumer_key(round.consumer),
            trigger: match round.trigger {
                RebalanceTrigger::Start => Trigger::Start,
                RebalanceTrigger::Notification => Trigger::Notification,
                RebalanceTrigger::Period => Trigger::Period,
                RebalanceTrigger::Unbalanced => Trigger::Unbalanced,
                RebalanceTrigger::Reconnect => Trigger::Reconnect,
            },
            added: round.added.into(),
            removed: round.removed.into(),
            balanced: round.balanced,
        }
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

/// Shares in units of `unit`.
pub(super) fn shares(unit: f64) -> impl Fn(Skew) -> SkewReport {
    move |skew| SkewReport {
        count: skew.count,
        mean: skew.mean / unit,
        max: skew.max as f64 / unit,
        max_over_mean: skew.max_over_mean,
        cv: skew.cv,
        gini: skew.gini,
        jain: skew.jain,
    }
}
