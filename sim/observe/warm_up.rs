//! The warm-up: what had been done by its end, so that it can be left out of what is measured.
//!
//! Counters go on counting from the start, because the message account needs them whole; a rate or a share over the
//! measured part takes off what is noted here. A latency counts if the message was born, or the record stored, after the
//! warm-up; those of earlier ones are only counted, so that sums which are counted in two ways still agree. In a run
//! without a warm-up everything here is 0.

use crate::cluster::ids::{ConsumerId, GroupId};
use crate::kernel::time::{SimDuration, SimTime};

/// The end of the warm-up, and all that had happened by then.
#[derive(Debug, Default)]
pub struct WarmUp {
    /// From when on is measured.
    pub end: SimTime,
    /// By consumer; those that come later are missing, as below.
    pub(super) consumers: Vec<ConsumerBefore>,
    /// By slot.
    pub(super) slots: Vec<SlotBefore>,
    /// By group.
    pub(super) groups: Vec<GroupBefore>,
    /// First deliveries of what came before the end, by group.
    early: Vec<Early>,
    /// Waits of what was stored before the end, by slot.
    waits: Vec<Waits>,
}

/// One consumer at the end of the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConsumerBefore {
    /// Deliveries.
    pub deliveries: u64,
    /// Listener results, those that were thrown away included.
    pub results: u64,
    /// Thread time in the listener.
    pub busy: SimDuration,
    /// Integral of the queues that it held, queue-nanoseconds.
    pub held: i128,
}

/// One slot at the end of the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotBefore {
    /// Deliveries.
    pub deliveries: u64,
    /// Sum over all records of the time that they had waited, nanoseconds.
    pub waited: i128,
}

/// One group at the end of the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupBefore {
    /// Records stored that somebody in the group asks for, as far as known then.
    pub asked_for: u64,
    /// Successes.
    pub succeeded: u64,
    /// Deliveries.
    pub deliveries: u64,
    /// Requests to get messages.
    pub requests: u64,
    /// Listener calls that passed a guard.
    pub passed: u64,
}

/// First deliveries that are not measured, by what came too early.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Early {
    /// Originals that were born before the end of the warm-up.
    pub born: u64,
    /// Records, originals or copies, that were stored before it.
    pub stored: u64,
}

/// How long records had waited that were stored during the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// How many were delivered.
    pub count: u64,
    /// Sum, nanoseconds.
    pub sum: u128,
}

impl WarmUp {
    /// A warm-up that lasts until `end`.
    pub fn until(end: SimTime) -> Self {
        Self {
            end,
            ..Self::default()
        }
    }

    /// An original is delivered that was born too early.
    #[cold]
    pub(super) fn born_early(&mut self, group: GroupId) {
        entry(&mut self.early, group.index()).born += 1;
    }

    /// A record is delivered, after a wait, that was stored too early.
    #[cold]
    pub(super) fn stored_early(&mut self, group: GroupId, slot: usize, waited: SimDuration) {
        entry(&mut self.early, group.index()).stored += 1;
        let waits = entry(&mut self.waits, slot);
        waits.count += 1;
        waits.sum += u128::from(waited.as_nanos());
    }

    /// What a consumer had done.
    pub fn consumer(&self, consumer: ConsumerId) -> ConsumerBefore {
        self.consumers.get(consumer.index()).copied().unwrap_or_default()
    }
    /// What had happened in a slot.
    pub fn slot(&self, slot: usize) -> SlotBefore {
        self.slots.get(slot).copied().unwrap_or_default()
    }
    /// What a group had done.
    pub fn group(&self, group: GroupId) -> GroupBefore {
        self.groups.get(group.index()).copied().unwrap_or_default()
    }
    /// First deliveries of a group, at any time, of what came too early.
    pub fn early(&self, group: GroupId) -> Early {
        self.early.get(group.index()).copied().unwrap_or_default()
    }
    /// Waits in a slot, at any time, of what was stored too early.
    pub fn waits(&self, slot: usize) -> Waits {
        self.waits.get(slot).copied().unwrap_or_default()
    }
}

fn entry<T: Clone + Default>(table: &mut Vec<T>, at: usize) -> &mut T {
    if at >= table.len() {
        table.resize(at + 1, T::default());
    }
    &mut table[at]
}
