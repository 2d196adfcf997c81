//! Committed offsets: never past what is unfinished (P1), and back only for a cause that is counted (Q2).

use super::Judge;
use crate::cluster::directory::Directory;
use crate::cluster::fact::{CommitVia, Fact};
use crate::cluster::ids::QueueId;
use crate::kernel::time::SimTime;
use crate::observe::invariant::{Invariant, broken};

/// Why a committed offset fell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fell {
    /// The broker has crashed since its last save.
    Crash,
    /// An operator has set it, or a client repairs it.
    Reset,
    /// The queue changed hands, and a former owner committed late.
    HandOver,
}

impl Judge<'_> {
    pub(super) fn offsets(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        match *fact {
            Fact::OffsetReset { group, queue, to } => {
                let reading = &mut self.readings[self.slots.slot(group, queue)];
                reading.reset_to = reading.reset_to.max(to);
                reading.was_reset = true;
            }
            Fact::OffsetCommitted {
                group,
                queue,
                old,
                new,
                via,
            } => {
                // Only an operator writes it for a broadcasting group, and nobody there reads it.
                if self.slots.is_broadcasting(group) {
                    return;
                }
                let slot = self.slots.slot(group, queue);
                let before = self.readings[slot].committed;
                // A crash may leave nothing, which is told as 0.
                let is_known = before == old || before == Some(0) && old.is_none();
                self.asked.must(now, Invariant::Q2, is_known, || {
                    let label = directory.queue_label(queue);
                    let offset = |of: Option<u64>| of.map_or("none".to_owned(), |of| of.to_string());
                    format!(
                        "{label}: {} is overwritten, but {} stood there",
                        offset(old),
                        offset(before)
                    )
                });
                self.commit(now, directory, (slot, queue), new, via);
            }
            Fact::LocalOffsetStored {
                consumer,
                queue,
                offset,
            } => {
                let slot = self.slot(directory, consumer, queue);
                self.commit(now, directory, (slot, queue), offset, CommitVia::Update);
            }
            _ => {}
        }
    }

    fn commit(
        &mut self,
        now: SimTime,
        directory: &Directory,
        (slot, queue): (usize, QueueId),
        new: u64,
        via: CommitVia,
    ) {
        let name = &directory.group(self.slots.get(slot).group).name;
        let what = || format!("group {name}, {}", directory.queue_label(queue));
        let before = self.readings[slot].committed.replace(new);
        let known = &mut self.readings[slot].known_since;
        *known = match new {
            0 => None,
            _ => known.or(Some(now)),
        };
        if let Some(old) = before.filter(|old| new < *old) {
            self.asked.add(Invariant::Q2, 1);
            let Some(why) = self.why_it_fell(now, directory, slot, (old, new), via) else {
                let reading = &self.readings[slot];
                let text = format!(
                    "{}: {new} is committed after {old}, but the queue has had one owner since {}",
                    what(),
                    reading.changed
                );
                broken(now, Invariant::Q2, &text);
            };
            self.fell[why as usize] += 1;
        }
        let reading = &self.readings[slot];
        let most = reading.lowest.max(reading.reset_to);
        // A member of a broadcasting group learns of a reset with a pull, and tells of it by where it goes on.
        let by_operator = || via == CommitVia::Reset || self.is_reset_reader(slot);
        self.asked
            .must(now, Invariant::P1, new <= most || by_operator(), || {
                format!("{}: {new} is committed, but {most} is not finished", what())
            });
    }

    /// Whether a reader of a broadcasting group may have been sent elsewhere by an operator.
    fn is_reset_reader(&self, slot: usize) -> bool {
        let group = self.slots.get(slot).group;
        self.slots.is_broadcasting(group) && self.excuses.is_reset(group)
    }

    /// A cause for a committed offset to fall; `None` if there is none.
    fn why_it_fell(
        &self,
        now: SimTime,
        directory: &Directory,
        slot: usize,
        (old, new): (u64, u64),
        via: CommitVia,
    ) -> Option<Fell> {
        let (reading, of) = (&self.readings[slot], self.slots.get(slot));
        let broker = directory.queue(of.queue).broker;
        let wire_is_long = self.bounds.on_the_wire(now, reading.changed)
            || self.excuses.was_felt_by_group(reading.changed, of.group, broker);
        // A former owner committed after this one had asked where it starts.
        let behind = (reading.start..old).contains(&new);
        let hands = reading.holders > 1 || reading.taken > 1 && (wire_is_long || behind);
        let reset = reading.was_reset || reading.is_repaired || self.is_reset_reader(slot);
        match via {
            CommitVia::FellBack => Some(Fell::Crash),
            CommitVia::Reset => Some(Fell::Reset),
            CommitVia::Pull | CommitVia::Update if reset => Some(Fell::Reset),
            CommitVia::Pull | CommitVia::Update => hands.then_some(Fell::HandOver),
        }
    }
}
