//! The end of the warm-up: totals are noted, and means and maxima begin anew.

use super::Observation;
use crate::cluster::ids::GroupId;
use crate::kernel::time::SimTime;
use crate::observe::warm_up::{ConsumerBefore, GroupBefore, SlotBefore};

impl Observation {
    /// Measuring begins. Called before the look at `now`, which is the first that counts.
    pub(super) fn warm_up_ends(&mut self, now: SimTime) {
        let slots = (0..self.slots.len()).map(|slot| SlotBefore {
            deliveries: self.ledger.deliveries(slot),
            waited: self.waiting_integral(slot, now),
        });
        let slots = slots.collect();
        let consumers = self.consumers.iter().map(|life| ConsumerBefore {
            deliveries: life.deliveries,
            results: life.results(),
            busy: life.busy,
            held: life.queues.integral(now),
        });
        let consumers = consumers.collect();
        let groups = (0..self.delivered.len()).map(|id| {
            let group = GroupId(id as u32);
            let balance = self.ledger.balance(&self.slots, group);
            GroupBefore {
                asked_for: balance.asked_for(),
                succeeded: balance.succeeded,
                deliveries: self.deliveries(group),
                requests: self.delivered[id].requests(),
                passed: self.delivered[id].passed,
            }
        });
        let groups = groups.collect();
        (self.warm_up.consumers, self.warm_up.slots, self.warm_up.groups) = (consumers, slots, groups);
        self.lag.restart(now);
        self.filters.restart();
        for life in &mut self.consumers {
            life.queues.forget_max();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::story::{secs, warmed_up};
    use crate::observe::warm_up::Early;

    const GROUP: GroupId = GroupId(0);

    /// Of five messages the third and the fourth were born at 10 s or later and delivered; the fifth never is.
    #[test]
    fn latencies_are_of_what_was_born_later() {
        let observation = warmed_up().observation;
        let of = &observation.latencies[0];
        let sums = [&of.first_delivery, &of.wait, &of.success].map(|l| (l.count(), l.sum_nanos()));
        assert_eq!(
            sums,
            [
                (2, 3_000_000_000 + 1_000_000_000),
                (2, 4_000_000_000),
                (2, 4_100_000_000)
            ]
        );
        let early = observation.warm_up.early(GROUP);
        assert_eq!(early, Early { born: 2, stored: 2 });
        assert_eq!(observation.wait_mean_secs(0), Some(2.0));
    }

    /// Waiting from 10 s to 30 s: the second until 12 s, the third until 13 s, the fourth for 1 s, the fifth for 2 s.
    /// To be finished took each that was 50 ms more.
    #[test]
    fn means_over_time_begin_at_the_end_of_the_warm_up() {
        let observation = warmed_up().observation;
        let near =
            |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        near(
            observation.waiting_mean(0, secs(30)),
            (2.0 + 3.0 + 1.0 + 2.0) / 20.0,
        );
        let mean = observation.lag.backlog_mean(&observation.slots, GROUP, secs(30));
        near(mean, (2.05 + 3.05 + 1.05 + 2.0) / 20.0);
        let backlog = &observation.lag.group(GROUP).backlog;
        // One from before, and one more at the very instant.
        assert_eq!((backlog.max(), backlog.max_at()), (2, Some(secs(10))));
    }

    #[test]
    fn windows_begin_at_the_end_of_the_warm_up() {
        let observation = warmed_up().observation;
        let (first, _) = observation.windows.iter().next().unwrap();
        assert_eq!((first.at, first.consumers[0].busy), (secs(10), 50_000_000));
    }
}
