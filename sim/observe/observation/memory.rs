//! What an observation holds, in bytes: accounts and levels by slot, histograms by group, series, windows.

use super::{Latencies, Observation};
use crate::kernel::memory;
use crate::observe::effects::Effects;
use crate::observe::rebalance::Rebalances;

impl Observation {
    pub(super) fn bytes(&self) -> u64 {
        let of_latencies = |of: &Latencies| of.first_delivery.held() + of.success.held() + of.wait.held();
        let groups = self.latencies.iter().map(of_latencies).sum::<u64>()
            + self.rebalances.iter().map(Rebalances::held).sum::<u64>()
            + self.effects.iter().map(Effects::held).sum::<u64>();
        let by_slot = self.slots.held() + self.ledger.held() + self.lag.held() + self.ownership.held();
        let small =
            memory::of_vec(&self.waiting) + memory::of_vec(&self.moved_by) + memory::of_vec(&self.led_back);
        let consumers = memory::of_vec(&self.consumers) + memory::of_vec(&self.triggers);
        let over_time = self.series.held() + self.windows.held() + self.paces.held() + self.orders.held();
        groups + by_slot + small + consumers + over_time + memory::of_set(&self.local_retries)
    }
}
