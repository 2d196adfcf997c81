//! Committed offsets: what a broker remembers for each `topic@group` and queue.
//!
//! An offset is the next one to consume. A commit overwrites whatever stands there, lower or higher: neither
//! order nor ownership is checked, so a late commit of a former owner moves a group back. The table is saved to a file
//! every 5 s; a crash throws it back to what the last save had. What that was is kept only in runs in which a broker
//! crashes.
//!
//! Source: `ConsumerOffsetManager.commitOffset`, `ConfigManager.persist`, `ConsumerManageProcessor`.

use crate::cluster::ids::{GroupId, QueueId};
use crate::kernel::memory;
use crate::kernel::time::SimTime;

/// See the module. Holds the queues of all brokers; each queue lives on one.
#[derive(Debug, Default)]
pub struct ConsumerOffsetManager {
    by_queue: Vec<Committed>,
    /// What the file has, by queue; only if a broker will crash.
    saved: Option<Vec<Vec<Saved>>>,
}

/// What groups have committed of one queue. The group that committed first, mostly the only one, lies in the table.
#[derive(Debug, Default)]
#[repr(align(32))]
struct Committed {
    first: Option<(GroupId, u64)>,
    #[expect(clippy::box_collection, reason = "half a cache line for each queue")]
    others: Option<Box<Vec<(GroupId, u64)>>>,
}

impl Committed {
    #[inline]
    fn find(&self, group: GroupId) -> Option<u64> {
        let mut all = self
            .first
            .iter()
            .chain(self.others.iter().flat_map(|others| others.iter()));
        all.find(|(of, _)| *of == group).map(|(_, offset)| *offset)
    }

    #[inline]
    fn find_mut(&mut self, group: GroupId) -> Option<&mut u64> {
        let mut all = self
            .first
            .iter_mut()
            .chain(self.others.iter_mut().flat_map(|others| others.iter_mut()));
        all.find(|(of, _)| *of == group).map(|(_, offset)| offset)
    }

    fn add(&mut self, group: GroupId, offset: u64) {
        match self.first {
            None => self.first = Some((group, offset)),
            Some(_) => self.others.get_or_insert_default().push((group, offset)),
        }
    }

    /// As [`ConsumerOffsetManager::commit`], for a group that is not the first here, or the first ever.
    #[inline(never)]
    fn commit_behind(&mut self, group: GroupId, offset: u64) -> Option<u64> {
        let old = self.find_mut(group).map(|old| std::mem::replace(old, offset));
        if old.is_none() {
            self.add(group, offset);
        }
        old
    }

    fn remove(&mut self, group: GroupId) {
        if let Some(others) = &mut self.others {
            others.retain(|(of, _)| *of != group);
        }
        self.first = self.first.filter(|(of, _)| *of != group);
    }
}

/// What the file has for one group and queue.
#[derive(Clone, Copy, Debug)]
struct Saved {
    group: GroupId,
    /// When the offset changed last.
    changed: SimTime,
    /// What the last save before that had; `None` if nothing.
    before: Option<u64>,
}

impl ConsumerOffsetManager {
    /// An empty table. `crashes`: whether any broker will crash.
    pub fn new(crashes: bool) -> Self {
        Self {
            by_queue: Vec::new(),
            saved: crashes.then(Vec::new),
        }
    }

    /// Makes room for one more queue; ids count up from 0.
    pub fn add_queue(&mut self) {
        self.by_queue.push(Committed::default());
        if let Some(saved) = &mut self.saved {
            saved.push(Vec::new());
        }
    }

    /// Overwrites the offset; what stood there before.
    #[inline]
    pub fn commit(&mut self, group: GroupId, queue: QueueId, offset: u64) -> Option<u64> {
        let entries = &mut self.by_queue[queue.index()];
        match &mut entries.first {
            Some((of, old)) if *of == group => Some(std::mem::replace(old, offset)),
            _ => entries.commit_behind(group, offset),
        }
    }

    /// Whether [`Self::changed`] is to be told of commits.
    #[inline]
    pub fn keeps_saves(&self) -> bool {
        self.saved.is_some()
    }

    /// An offset that was `old` has just been overwritten; the table was saved last at `last_save`.
    pub fn changed(
        &mut self,
        now: SimTime,
        last_save: SimTime,
        group: GroupId,
        queue: QueueId,
        old: Option<u64>,
    ) {
        let Some(saved) = &mut self.saved else { return };
        let entries = &mut saved[queue.index()];
        match entries.iter_mut().find(|entry| entry.group == group) {
            Some(entry) => {
                if entry.changed <= last_save {
                    entry.before = old;
                }
                entry.changed = now;
            }
            None => entries.push(Saved {
                group,
                changed: now,
                before: old,
            }),
        }
    }

    /// The broker of `queue` has crashed: its offsets are those of its last save. Returns which groups had another
    /// before, and which they have now (0 for none).
    pub fn fall_back(&mut self, queue: QueueId, last_save: SimTime) -> Vec<(GroupId, u64, u64)> {
        let Some(saved) = &mut self.saved else {
            return Vec::new();
        };
        let mut fell = Vec::new();
        let table = &mut self.by_queue[queue.index()];
        for entry in std::mem::take(&mut saved[queue.index()]) {
            let Some(offset) = table.find_mut(entry.group) else {
                continue;
            };
            if entry.changed <= last_save {
                continue;
            }
            let old = *offset;
            match entry.before {
                Some(before) => *offset = before,
                None => table.remove(entry.group),
            }
            let new = entry.before.unwrap_or(0);
            if new != old {
                fell.push((entry.group, old, new));
            }
        }
        fell
    }

    /// The committed offset, if any was ever committed.
    #[inline]
    pub fn query(&self, group: GroupId, queue: QueueId) -> Option<u64> {
        self.by_queue[queue.index()].find(group)
    }

    /// The least offset at which the group may find itself: the committed one, or what a crash would leave.
    pub fn least(&self, group: GroupId, queue: QueueId) -> Option<u64> {
        let committed = self.query(group, queue);
        let Some(saved) = &self.saved else {
            return committed;
        };
        let mut entries = saved[queue.index()].iter();
        match entries.find(|entry| entry.group == group) {
            Some(entry) => Some(committed?.min(entry.before?)),
            None => committed,
        }
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let saved = self.saved.iter().flatten().map(memory::of_vec);
        let by_queue = self.by_queue.iter().filter_map(|of| of.others.as_ref());
        let by_queue = by_queue.map(|others| memory::of::<Vec<(GroupId, u64)>>(1) + memory::of_vec(others));
        memory::of_vec(&self.by_queue) + by_queue.sum::<u64>() + saved.sum::<u64>()
    }

    /// Bytes for so many queues, each of which so many groups read.
    pub fn held_for(queues: u64, groups: u64) -> u64 {
        let others = match groups.saturating_sub(1) {
            0 => 0,
            others => memory::of::<Vec<(GroupId, u64)>>(1) + memory::of_grown::<(GroupId, u64)>(others),
        };
        memory::of_grown::<Committed>(queues) + queues.saturating_mul(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::time::SimDuration;

    const BILLING: GroupId = GroupId(0);
    const QUEUE: QueueId = QueueId(0);

    #[test]
    fn a_commit_overwrites_even_downwards() {
        let mut offsets = ConsumerOffsetManager::default();
        offsets.add_queue();
        assert_eq!(offsets.query(BILLING, QUEUE), None);
        assert_eq!(offsets.commit(BILLING, QUEUE, 120), None);
        assert_eq!(offsets.commit(BILLING, QUEUE, 100), Some(120));
        assert_eq!(offsets.query(BILLING, QUEUE), Some(100));
        assert_eq!(offsets.query(GroupId(1), QUEUE), None);
    }

    /// Groups of one queue do not meet, whichever committed first.
    #[test]
    fn each_group_has_its_own_offset() {
        let mut offsets = ConsumerOffsetManager::default();
        offsets.add_queue();
        for (group, offset) in [(0, 1), (1, 2), (2, 3), (1, 4), (0, 5)] {
            offsets.commit(GroupId(group), QUEUE, offset);
        }
        let of = |group| offsets.query(GroupId(group), QUEUE);
        assert_eq!([of(0), of(1), of(2), of(3)], [Some(5), Some(4), Some(3), None]);
    }

    /// Saved every 5 s; commits at 4, 6, 7 and 9 s. A crash at 9.5 s leaves what stood there at 5 s, one at 10 s all.
    #[test]
    fn a_crash_leaves_the_last_save() {
        let at = |ms| SimTime::ZERO + SimDuration::from_millis(ms);
        let filled = || {
            let mut offsets = ConsumerOffsetManager::new(true);
            offsets.add_queue();
            for (ms, save, offset) in [
                (4000, 0, 10),
                (6000, 5000, 20),
                (7000, 5000, 30),
                (9000, 5000, 40),
            ] {
                let old = offsets.commit(BILLING, QUEUE, offset);
                offsets.changed(at(ms), at(save), BILLING, QUEUE, old);
            }
            offsets
        };
        let mut offsets = filled();
        assert_eq!(offsets.least(BILLING, QUEUE), Some(10));
        assert_eq!(offsets.fall_back(QUEUE, at(5000)), [(BILLING, 40, 10)]);
        assert_eq!(offsets.query(BILLING, QUEUE), Some(10));
        let mut offsets = filled();
        assert_eq!(offsets.fall_back(QUEUE, at(10_000)), []);
        assert_eq!(offsets.query(BILLING, QUEUE), Some(40));
    }

    /// What was never saved is gone altogether: the group has no offset again.
    #[test]
    fn a_crash_before_the_first_save_leaves_nothing() {
        let mut offsets = ConsumerOffsetManager::new(true);
        offsets.add_queue();
        let old = offsets.commit(BILLING, QUEUE, 10);
        offsets.changed(SimTime::from_nanos(5), SimTime::ZERO, BILLING, QUEUE, old);
        assert_eq!(offsets.least(BILLING, QUEUE), None);
        assert_eq!(offsets.fall_back(QUEUE, SimTime::ZERO), [(BILLING, 10, 0)]);
        assert_eq!(offsets.query(BILLING, QUEUE), None);
    }
}
