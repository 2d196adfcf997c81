//! What the records that have not ended add to the accounts of groups, kept from look to look.
//!
//! It follows from the ends of queues and the frontiers of their readers. Counted anew at every look it would be the dearest
//! part of a run of many queues; so only what queues have changed since the last look is put in the place of what they added.

use crate::cluster::ids::{GroupId, QueueId};
use crate::kernel::memory;
use crate::observe::ledger::{Balance, Ledger};
use crate::observe::slots::Slots;

/// What slots add.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Open {
    /// Stored in subscribed topics.
    pub(super) produced: u64,
    /// Of those, not delivered.
    pub(super) waiting: u64,
    /// In the retry topic, not delivered.
    pub(super) awaiting_retry: u64,
}

impl Open {
    pub(super) fn add_to(&self, balance: &mut Balance) {
        balance.produced += self.produced;
        balance.waiting += self.waiting;
        balance.awaiting_retry += self.awaiting_retry;
    }

    fn replace(&mut self, old: Self, new: Self) {
        self.produced = self.produced - old.produced + new.produced;
        self.waiting = self.waiting - old.waiting + new.waiting;
        self.awaiting_retry = self.awaiting_retry - old.awaiting_retry + new.awaiting_retry;
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct KnownOpen {
    slots: Vec<Open>,
    groups: Vec<Open>,
}

impl KnownOpen {
    /// Makes room for so many slots and groups, which add nothing yet.
    pub(super) fn grow(&mut self, slots: usize, groups: usize) {
        self.slots.resize(slots, Open::default());
        self.groups.resize(groups, Open::default());
    }

    pub(super) fn of_group(&self, group: GroupId) -> Open {
        self.groups[group.index()]
    }

    /// Bytes for so many slots and groups.
    pub(super) fn held_for(slots: u64, groups: u64) -> u64 {
        memory::of_grown::<Open>(slots) + memory::of_grown::<Open>(groups)
    }

    /// Bytes that it holds.
    pub(super) fn held(&self) -> u64 {
        memory::of_vec(&self.slots) + memory::of_vec(&self.groups)
    }
}

impl Ledger {
    /// Looks at the queues that have changed since the last look, and lists them in `changed`.
    pub fn look(&mut self, slots: &Slots, changed: &mut Vec<QueueId>) {
        self.changed.take(changed);
        for queue in changed.iter() {
            for slot in slots.readers(*queue) {
                let new = self.open(slots, slot);
                let old = std::mem::replace(&mut self.known.slots[slot], new);
                let group = slots.get(slot).group;
                self.known.groups[group.index()].replace(old, new);
            }
        }
    }

    /// The account of `group` as the last look left it: equal to [`balance`](Self::balance) then.
    pub fn balance_looked(&self, slots: &Slots, group: GroupId) -> Balance {
        let mut balance = self.counted(slots, group);
        self.known.of_group(group).add_to(&mut balance);
        balance
    }
}
