//! What an observation holds, in bytes: accounts and levels by slot, histograms by group, series, windows.

use super::{Latencies, Observation, Waiting};
use crate::kernel::memory;
use crate::kernel::time::SimDuration;
use crate::observe::consumers::Life;
use crate::observe::duplicates::LedBack;
use crate::observe::effects::Effects;
use crate::observe::lag::Lag;
use crate::observe::latency::Latency;
use crate::observe::ledger::Ledger;
use crate::observe::order::{KeyOrder, QueueOrder};
use crate::observe::ownership::Ownership;
use crate::observe::paces::Paces;
use crate::observe::rebalance::Rebalances;
use crate::observe::series::{MEASURES, MEASURES_OF_GROUP, Series};
use crate::observe::slots::Slots;
use crate::observe::windows::Windows;

/// How much there is to observe in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Brokers.
    pub brokers: u64,
    /// Topics, those of retries and dead letters included.
    pub topics: u64,
    /// Queues of all topics.
    pub queues: u64,
    /// By topic: its queues, and for how many samples something has waited there.
    pub behind: Vec<(u64, u64)>,
    /// Pairs of a queue and a reader.
    pub slots: u64,
    /// Those of which somebody holds the queue.
    pub held: u64,
    /// Times that somebody takes a queue.
    pub taken: u64,
    /// Groups.
    pub groups: u64,
    /// Groups and readers of broadcasting groups.
    pub accounts: u64,
    /// Lives of consumers.
    pub consumers: u64,
    /// Producers.
    pub producers: u64,
    /// Samples.
    pub samples: u64,
    /// By group that messages reach: the longest time that one takes.
    pub spans: Vec<SimDuration>,
    /// By group: changes of its members, and rounds that they lead to.
    pub changes: Vec<(u64, u64)>,
    /// By group in which keys are looked at: how many there are.
    pub keys: Vec<u64>,
    /// How far the lowest unfinished and the highest finished record of a slot lie apart.
    pub unfinished: u64,
}

impl Extent {
    /// Columns of the series.
    fn width(&self) -> u64 {
        self.topics + self.brokers + MEASURES_OF_GROUP * self.groups + self.slots + 2 * self.consumers
    }
}

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

    /// Bytes of the series in a run of this extent.
    pub fn series_held_for(of: &Extent) -> u64 {
        Series::held_for(of.samples, MEASURES as u64, of.width(), of.slots)
    }

    /// Numbers in them, those beside others not counted.
    pub fn numbers_for(of: &Extent) -> u64 {
        Series::numbers_for(of.samples, of.width())
    }

    /// Bytes of all the rest.
    pub fn accounts_held_for(of: &Extent) -> u64 {
        let by_slot = Slots::held_for(of.queues, of.slots)
            + Ledger::held_for(of.queues, of.slots, of.accounts, of.unfinished)
            + Lag::held_for(of.queues, of.slots, of.groups, &of.behind)
            + Ownership::held_for(of.slots, of.held, of.consumers, of.taken)
            + memory::of_grown::<Waiting>(of.slots)
            + memory::of_grown::<Option<u32>>(of.slots)
            + memory::of_grown::<Option<(LedBack, u64)>>(of.slots)
            + memory::of_grown::<QueueOrder>(of.slots);
        let spans = of.spans.iter();
        let latencies = spans.map(|span| 3 * Latency::held_for(*span) + Paces::held_for(*span));
        let changes = of.changes.iter();
        let changes = changes.map(|(changes, rounds)| Rebalances::held_for(*changes, *rounds));
        by_slot
            + latencies.sum::<u64>()
            + changes.sum::<u64>()
            + of.keys.iter().map(|keys| KeyOrder::held_for(*keys)).sum::<u64>()
            + memory::of_grown::<Life>(of.consumers)
            + Windows::held_for(of.consumers, of.slots)
    }
}
