//! Skew: of the whole run and of its windows.

use super::View;
use crate::cluster::ids::GroupId;
use crate::kernel::time::SimTime;
use crate::observe::skew::{Skew, skew};
use crate::observe::windows::{Done, Row};
use crate::report::model::{GroupSkewReport, SkewReport, SkewWindowReport};

/// A mean number of queues is compared in millionths of a queue.
const MICRO: f64 = 1e6;

impl View<'_> {
    pub(super) fn skews(&self, group: GroupId) -> GroupSkewReport {
        let observation = self.observation;
        let lives = &observation.consumers;
        let held: Vec<u64> = (self.members(group).filter(|&id| lives[id].is_alive()))
            .map(|id| lives[id].queues.value())
            .collect();
        let busy = skew(self.measured_sums(group, |id| self.busy(id).as_nanos()));
        let messages = skew(self.measured_sums(group, |id| self.deliveries(id)));
        let before = |slot| observation.warm_up.slot(slot).deliveries;
        let deliveries = |slot| observation.ledger.deliveries(slot) - before(slot);
        GroupSkewReport {
            consumer_messages: messages.map(shares(1.0)),
            consumer_busy: busy.map(shares(1e9)),
            idle_consumers: held.iter().filter(|&&queues| queues == 0).count() as u64,
            consumer_queues: skew(held).map(shares(1.0)),
            consumer_queues_mean: skew(self.queues_means(group)).map(shares(MICRO)),
            queue_messages: skew(self.user_slots(group).map(deliveries).collect()).map(shares(1.0)),
            windows: self.skew_windows(group),
        }
    }

    /// Millionths of a queue that each member held on an average while it was alive.
    fn queues_means(&self, group: GroupId) -> Vec<u64> {
        let lives = &self.observation.consumers;
        let lived = |id: usize| lives[id].length(self.from, self.end).as_nanos();
        // An integral may exceed what a sum of `u64` holds; seconds are exact enough on both sides of a mean.
        let held = self.measured_sums(group, |id| (self.held(id) / 1_000) as u64);
        let lived = self.measured_sums(group, lived);
        let mean = |(held, lived)| micro_mean(i128::from(held) * 1_000, lived);
        held.into_iter().zip(lived).map(mean).collect()
    }

    /// A number for each member that lived after the warm-up, summed over its lives.
    fn measured_sums(&self, group: GroupId, of: impl Fn(usize) -> u64) -> Vec<u64> {
        let is_over = |at: SimTime| at <= self.from && self.from != SimTime::ZERO;
        let lives = &self.observation.consumers;
        self.member_sums(
            group,
            |id| !lives[id].stopped.is_some_and(|(at, _)| is_over(at)),
            of,
        )
    }

    /// Slots of the subscribed topics, without those of the retry topic.
    pub(super) fn user_slots(&self, group: GroupId) -> impl Iterator<Item = usize> {
        let slots = &self.observation.slots;
        slots.of_group(group).filter(|&slot| !slots.get(slot).is_retry)
    }

    fn skew_windows(&self, group: GroupId) -> Vec<SkewWindowReport> {
        let windows = self.observation.windows.iter();
        windows
            .map(|(from, to)| self.skew_window(group, from, to))
            .collect()
    }

    fn skew_window(&self, group: GroupId, from: &Row, to: &Row) -> SkewWindowReport {
        let lived = |&id: &usize| {
            let life = &self.observation.consumers[id];
            life.started.is_some_and(|at| at <= from.at) && life.stopped.is_none_or(|(at, _)| at >= to.at)
        };
        let members: Vec<(Done, Done)> = (self.members(group).filter(lived))
            .map(|id| {
                (
                    from.consumers.get(id).copied().unwrap_or_default(),
                    to.consumers[id],
                )
            })
            .collect();
        let over = |of: fn(&Done) -> u64| members.iter().map(|(a, b)| of(b) - of(a)).collect();
        let span = to.at.since(from.at).as_nanos();
        let queues: Vec<u64> = (members.iter())
            .map(|(a, b)| micro_mean(b.held - a.held, span))
            .collect();
        let messages = (self.user_slots(group))
            .filter(|&slot| slot < from.deliveries.len() && !self.is_stranded_through(slot, from, to))
            .map(|slot| to.deliveries[slot] - from.deliveries[slot]);
        SkewWindowReport {
            from_seconds: from.at.as_secs_f64(),
            to_seconds: to.at.as_secs_f64(),
            consumer_messages: skew(over(|done| done.consumed)).map(shares(1.0)),
            consumer_busy: skew(over(|done| done.busy)).map(shares(1e9)),
            idle_consumers: queues.iter().filter(|&&mean| mean == 0).count() as u64,
            consumer_queues: skew(queues).map(shares(MICRO)),
            queue_messages: skew(messages.collect()).map(shares(1.0)),
        }
    }

    /// Whether consumers were not given the queue at any time of a window.
    fn is_stranded_through(&self, slot: usize, from: &Row, to: &Row) -> bool {
        let queue = self.observation.slots.get(slot).queue;
        let mut spans = self.observation.stranded[queue.index()].iter();
        spans.any(|&(start, end)| start <= from.at && end.is_none_or(|end| end >= to.at))
    }
}

/// Queue-nanoseconds over nanoseconds, in millionths, rounded up: who held a queue for a moment was not idle.
fn micro_mean(held: i128, nanos: u64) -> u64 {
    let micros = (held * 1_000_000 + i128::from(nanos) - 1).checked_div(i128::from(nanos));
    micros.map_or(0, |mean| mean as u64)
}

/// Shares in units of `unit`.
fn shares(unit: f64) -> impl Fn(Skew) -> SkewReport {
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
