//! A second account (X1): each record of each group by itself, from facts alone.
//!
//! The ledger knows a frontier and ranges, so that it is fast; this knows one byte a record, so that it is plain. Both
//! must find as many first deliveries and duplicates in each queue, and as many lost records in each group.

use crate::cluster::directory::Directory;
use crate::cluster::fact::Fact;
use crate::cluster::ids::{ConsumerId, GroupId, QueueId};
use crate::kernel::time::SimTime;
use crate::observe::invariant::{Invariant, must};
use crate::observe::observation::Observation;
use crate::observe::slots::Slots;

/// What has become of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fate {
    /// Nobody has seen it.
    #[default]
    Unseen,
    /// Passed over by a filter.
    Passed,
    /// The same, and a member asks for it.
    Mismatched,
    /// Delivered.
    Open,
    /// Over.
    Ended,
}

/// One queue of one group or reader.
#[derive(Clone, Debug, Default)]
struct Records {
    fates: Vec<Fate>,
    /// The first that nobody has seen, passed over or given up.
    unseen: usize,
    first: u64,
    duplicates: u64,
    lost: i64,
    /// Whether its reader has come; the group of a clustering one always has.
    is_read: bool,
}

impl Records {
    fn settle(&mut self) {
        while self
            .fates
            .get(self.unseen)
            .is_some_and(|fate| *fate != Fate::Unseen)
        {
            self.unseen += 1;
        }
    }

    fn delivered(&mut self, offset: u64) {
        let fate = &mut self.fates[offset as usize];
        match *fate {
            Fate::Unseen | Fate::Passed | Fate::Mismatched => {
                self.lost -= i64::from(*fate == Fate::Mismatched);
                self.first += 1;
                *fate = Fate::Open;
            }
            Fate::Open | Fate::Ended => self.duplicates += 1,
        }
        self.settle();
    }

    fn ended(&mut self, offset: u64, is_loss: bool) {
        let fate = &mut self.fates[offset as usize];
        if *fate == Fate::Open {
            *fate = Fate::Ended;
            self.lost += i64::from(is_loss);
        }
    }

    fn passed(&mut self, from: u64, to: u64, wanted: bool) {
        for at in (from as usize).max(self.unseen)..to as usize {
            let fate = &mut self.fates[at];
            match (*fate, wanted) {
                (Fate::Unseen, false) => *fate = Fate::Passed,
                (Fate::Unseen | Fate::Passed, true) => {
                    *fate = Fate::Mismatched;
                    self.lost += 1;
                }
                _ => {}
            }
        }
        self.settle();
    }

    /// What lies between and is not over will not be seen any more.
    fn skipped(&mut self, from: u64, to: u64, is_loss: bool) {
        let to = (to as usize).min(self.fates.len());
        for at in from as usize..to {
            if is_loss && at < self.unseen && self.fates[at] == Fate::Open {
                self.fates[at] = Fate::Ended;
                self.lost += 1;
            }
        }
        for at in self.unseen..to {
            if self.fates[at] == Fate::Unseen {
                self.fates[at] = Fate::Ended;
                self.lost += i64::from(is_loss);
            }
        }
        self.settle();
    }
}

/// The second account.
#[derive(Debug, Default)]
pub struct History {
    slots: Slots,
    records: Vec<Records>,
}

impl History {
    fn slot(&self, directory: &Directory, consumer: ConsumerId, queue: QueueId) -> usize {
        let info = directory.consumer(consumer);
        self.slots.slot(info.group, queue) + info.reader as usize
    }

    fn of(&mut self, group: GroupId, queue: QueueId) -> &mut Records {
        &mut self.records[self.slots.slot(group, queue)]
    }

    fn stored(&mut self, queue: QueueId) {
        for slot in self.slots.readers(queue) {
            self.records[slot].fates.push(Fate::Unseen);
        }
    }

    /// Takes a fact in.
    pub fn observe(&mut self, directory: &Directory, fact: &Fact) {
        match *fact {
            Fact::QueueCreated { queue } => {
                self.slots.add_queue(queue, directory);
                self.records.resize_with(self.slots.len(), Records::default);
            }
            Fact::Stored { queue, .. }
            | Fact::RetryStored { queue, .. }
            | Fact::Resent { queue, .. }
            | Fact::Forwarded { queue, .. } => self.stored(queue),
            Fact::QueueAcquired {
                consumer,
                queue,
                start_offset,
                ..
            } => {
                let slot = self.slot(directory, consumer, queue);
                if self.slots.get(slot).reader.is_some() {
                    let records = &mut self.records[slot];
                    let is_known = std::mem::replace(&mut records.is_read, true);
                    records.skipped(0, start_offset, is_known);
                }
            }
            Fact::Delivered {
                consumer,
                queue,
                offset,
                ..
            } => {
                let slot = self.slot(directory, consumer, queue);
                self.records[slot].delivered(offset);
            }
            Fact::Consumed {
                consumer,
                queue,
                offset,
                success: true,
                ..
            } => {
                let slot = self.slot(directory, consumer, queue);
                self.records[slot].ended(offset, false);
            }
            Fact::Dropped {
                consumer,
                queue,
                offset,
                ..
            } => {
                let slot = self.slot(directory, consumer, queue);
                self.records[slot].ended(offset, true);
            }
            Fact::RetryScheduled {
                group, queue, offset, ..
            } => self.of(group, queue).ended(offset, false),
            Fact::DeadLettered {
                group,
                queue,
                offset,
                dlq_queue,
                ..
            } => {
                self.stored(dlq_queue);
                self.of(group, queue).ended(offset, false);
            }
            Fact::Filtered {
                consumer,
                queue,
                from,
                to,
                wanted,
                ..
            } => {
                let slot = self.slot(directory, consumer, queue);
                self.records[slot].passed(from, to, wanted);
            }
            Fact::OffsetsSkipped {
                group,
                queue,
                from,
                to,
                ..
            } => self.of(group, queue).skipped(from, to, true),
            Fact::Expired { queue, to, .. } => {
                for slot in self.slots.readers(queue) {
                    let records = &mut self.records[slot];
                    // A reader that has not come begins where it begins.
                    if records.is_read || self.slots.get(slot).reader.is_none() {
                        records.skipped(0, to, false);
                    }
                }
            }
            _ => {}
        }
    }

    /// Compares with the first account.
    ///
    /// # Panics
    /// If they differ.
    pub fn check(&self, now: SimTime, directory: &Directory, observation: &Observation) {
        let ledger = &observation.ledger;
        for (slot, records) in self.records.iter().enumerate() {
            let mine = (records.first, records.duplicates);
            let theirs = (ledger.delivered_once(slot), ledger.duplicates(slot));
            must(now, Invariant::X1, mine == theirs, || {
                let of = self.slots.get(slot);
                let (name, label) = (&directory.group(of.group).name, directory.queue_label(of.queue));
                format!(
                    "group {name}, {label}: first and repeated deliveries are {mine:?}, accounted {theirs:?}"
                )
            });
        }
        for group in (0..directory.groups.len() as u32).map(GroupId) {
            let mine: i64 = self
                .slots
                .of_group(group)
                .map(|slot| self.records[slot].lost)
                .sum();
            let theirs = ledger.balance(&observation.slots, group).lost();
            must(now, Invariant::X1, i128::from(mine) == i128::from(theirs), || {
                format!(
                    "group {}: {mine} records are lost, accounted {theirs}",
                    directory.group(group).name
                )
            });
        }
    }
}
