//! Sums that are counted in two ways, compared at the end of a run.

use super::Observation;
use crate::cluster::directory::Directory;
use crate::cluster::ids::GroupId;
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::invariant::{Invariant, broken};

impl Observation {
    /// Sums that two ways of counting must share (invariants M1, M2).
    pub(super) fn check_sums(&self, end: SimTime, directory: &Directory) {
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
            let measured = self.latencies[id].wait.count() + self.warm_up.early(group).stored;
            let duplicates = self.duplicates[id].total();
            let again = self.again(group);
            if by_queue != by_consumer || first != measured || first + duplicates + again != by_queue {
                let text = format!(
                    "group {}: {by_queue} deliveries by queue, {by_consumer} by consumer; {first} first \
                     deliveries, {measured} measured, {duplicates} duplicates, {again} on the spot",
                    info.name
                );
                broken(end, Invariant::M2, &text);
            }
            self.check_times(end, group, &info.name, directory);
        }
        for (slot, of) in self.slots.iter() {
            let all_delivered = self.ledger.delivered_once(slot) == self.ledger.end(of.queue);
            // What came back waited until it was passed over, not until it was delivered.
            if !all_delivered || self.ledger.came_back(slot) {
                continue;
            }
            let waited = self.waiting[slot].delivered_at as i128 - self.waiting[slot].stored_at as i128;
            let integral = self.waiting_integral(slot, end);
            if integral != waited {
                let label = directory.queue_label(of.queue);
                let text = format!("{label}: integral {integral} ns, but its messages waited {waited} ns");
                broken(end, Invariant::M1, &text);
            }
        }
    }

    /// How queues spent their time: each all of it, and those of a group together as their owners and the changes
    /// say (invariant M2).
    fn check_times(&self, end: SimTime, group: GroupId, name: &str, directory: &Directory) {
        let (mut held, mut unowned) = (SimDuration::ZERO, SimDuration::ZERO);
        for slot in self.slots.of_group(group) {
            let of = self.slots.get(slot);
            let times = self.ownership.times(end, slot);
            let sum = times.unclaimed + times.owned + times.unowned + times.stranded;
            let existed = end.since(self.ownership.created(slot));
            if sum != existed {
                let label = directory.queue_label(of.queue);
                let text =
                    format!("group {name}, {label}: existed for {existed}, accounted {sum}: {times:?}");
                broken(end, Invariant::M2, &text);
            }
            if !of.is_retry {
                held += times.held;
                unowned += times.unowned;
            }
        }
        let lives = self.consumers.iter().zip(&directory.consumers);
        let by_consumer: i128 = lives
            .filter(|(_, info)| info.group == group)
            .map(|(life, _)| life.queues.integral(end))
            .sum();
        let rebalances = &self.rebalances[group.index()];
        let by_change = rebalances.unowned.integral(end);
        if i128::from(held.as_nanos()) != by_consumer || i128::from(unowned.as_nanos()) != by_change {
            let text = format!(
                "group {name}: queues were held for {held}, by consumers {by_consumer} ns; without owner for \
                 {unowned}, by changes {by_change} ns"
            );
            broken(end, Invariant::M2, &text);
        }
    }
}
