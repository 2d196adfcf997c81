//! A heap for what is near, unsorted buckets for what is far.

use crate::kernel::event_list::buckets::{BUCKETS, Buckets};
use crate::kernel::event_list::in_slot::{InSlot, slot_of};
use crate::kernel::event_list::latest_first::sort_latest_first;
use crate::kernel::event_list::quad_heap::LazyHeap;
use crate::kernel::event_list::{EventList, QuadHeap, Scheduled};

/// Time cut into slots: the present one lies ready, each later one in a bucket, unsorted.
///
/// When the present slot is used up, the bucket of the next occupied one is sorted and becomes a run that is
/// only taken from at its end, where what was taken out last may come back. What is scheduled for the present slot
/// meanwhile goes into a heap beside the run, so nothing is ever inserted further back in a sorted run, and a storm of
/// ties costs no more than in the heap alone. Timers that lie far ahead cost one append and one part in a sort, and do
/// not deepen the heap. What lies beyond the last bucket waits in a heap of its own, and so does what is scheduled for a
/// slot before the present one: that happens when the list was asked for its next entry before time has come to it.
#[derive(Clone, Debug)]
pub struct NearFarList<E> {
    /// Number of the present slot. All of it and of earlier ones lies in `run`, `near` and `early`.
    slot: u64,
    /// What was scheduled for the present slot ahead of time, latest first; at the end what was put back.
    run: Vec<InSlot<E>>,
    /// Room for sorting it.
    scratch: Vec<InSlot<E>>,
    /// Sequence number from which those in the run count.
    run_seq: u64,
    /// What was scheduled for the present slot since it became that. At equal times it comes after what is in the run.
    near: LazyHeap<InSlot<E>>,
    /// Sequence number from which those in the near heap count.
    near_seq: u64,
    /// What was scheduled for an earlier slot than the present one: somebody has looked ahead in time.
    early: QuadHeap<E>,
    far: Buckets<E>,
    beyond: QuadHeap<E>,
}

impl<E> Default for NearFarList<E> {
    fn default() -> Self {
        Self {
            slot: 0,
            run: Vec::new(),
            scratch: Vec::new(),
            run_seq: 0,
            near: LazyHeap::default(),
            near_seq: 0,
            early: QuadHeap::default(),
            far: Buckets::default(),
            beyond: QuadHeap::default(),
        }
    }
}

impl<E: Copy> NearFarList<E> {
    /// Whether the present slot is used up.
    #[inline]
    fn is_drained(&self) -> bool {
        self.run.is_empty() && self.near.count() == 0 && self.early.is_empty()
    }

    /// Adds an entry of the present slot.
    #[inline(always)]
    fn push_near(&mut self, entry: Scheduled<E>) {
        if self.near.count() == 0 {
            self.near_seq = entry.seq;
        }
        self.near.add(InSlot::pack(entry, self.near_seq));
    }

    /// Adds an entry of a later slot.
    #[inline]
    fn push_far(&mut self, slot: u64, entry: Scheduled<E>) {
        if slot - self.slot < BUCKETS {
            self.far.push(entry);
        } else {
            self.beyond.push(entry);
        }
    }

    /// Takes an entry out of the run.
    #[inline(always)]
    fn pop_run(&mut self) -> Option<Scheduled<E>> {
        let entry = self.run.pop()?;
        Some(entry.unpack(self.slot, self.run_seq))
    }

    /// Takes the earliest entry out while something lies before the present slot.
    #[cold]
    #[inline(never)]
    fn pop_early(&mut self) -> Option<Scheduled<E>> {
        self.early.pop()
    }

    /// Makes the next occupied slot the present one; nothing happens if there is none.
    #[cold]
    #[inline(never)]
    fn refill(&mut self) {
        let in_bucket = self.far.next_occupied(self.slot);
        let in_beyond = self.beyond.peek().map(|entry| slot_of(&entry));
        let Some(slot) = in_bucket.into_iter().chain(in_beyond).min() else {
            return;
        };
        self.slot = slot;
        if in_bucket == Some(slot) {
            self.run_seq = self.far.take(slot, &mut self.run);
        }
        if in_beyond == Some(slot) {
            self.take_beyond();
        }
        sort_latest_first(&mut self.run, &mut self.scratch);
    }

    /// What is due in the present slot and was beyond the last bucket when it was scheduled comes into the run.
    fn take_beyond(&mut self) {
        let packed = self.run.drain(..);
        let mut entries: Vec<_> = packed
            .map(|entry| entry.unpack(self.slot, self.run_seq))
            .collect();
        while let Some(entry) = self.beyond.peek()
            && slot_of(&entry) == self.slot
        {
            self.beyond.pop();
            entries.push(entry);
        }
        self.run_seq = entries.iter().map(|entry| entry.seq).min().unwrap_or(0);
        let pack = |entry| InSlot::pack(entry, self.run_seq);
        self.run.extend(entries.into_iter().map(pack));
    }
}

impl<E: Copy> EventList<E> for NearFarList<E> {
    #[inline]
    fn push(&mut self, entry: Scheduled<E>) {
        match slot_of(&entry) {
            slot if slot == self.slot => self.push_near(entry),
            slot if slot > self.slot => self.push_far(slot, entry),
            _ => self.early.push(entry),
        }
    }

    #[inline]
    fn put_back(&mut self, entry: Scheduled<E>) {
        if slot_of(&entry) != self.slot {
            return self.early.push(entry);
        }
        // What is in the run was scheduled before.
        if self.run.is_empty() {
            self.run_seq = entry.seq;
        }
        self.run.push(InSlot::pack(entry, self.run_seq));
    }

    #[inline(always)]
    fn pop(&mut self) -> Option<Scheduled<E>> {
        if !self.early.is_empty() {
            return self.pop_early();
        }
        if self.is_drained() {
            self.refill();
        }
        match (self.run.last(), self.near.least()) {
            (Some(ready), Some(near)) if ready.since() <= near.since() => self.pop_run(),
            (_, Some(near)) => {
                self.near.take();
                Some(near.unpack(self.slot, self.near_seq))
            }
            _ => self.pop_run(),
        }
    }

    #[inline]
    fn peek(&mut self) -> Option<Scheduled<E>> {
        let earliest = self.pop()?;
        self.put_back(earliest);
        Some(earliest)
    }

    #[inline]
    fn len(&self) -> usize {
        let present = self.run.len() + self.near.count() + self.early.len();
        present + self.far.len() + self.beyond.len()
    }

    fn retain(&mut self, mut keep: impl FnMut(&Scheduled<E>) -> bool) {
        let (slot, run_seq, near_seq) = (self.slot, self.run_seq, self.near_seq);
        self.run.retain(|entry| keep(&entry.unpack(slot, run_seq)));
        self.near.keep(|entry| keep(&entry.unpack(slot, near_seq)));
        self.early.retain(&mut keep);
        self.beyond.retain(&mut keep);
        self.far.retain(slot, keep);
    }

    fn iter(&self) -> impl Iterator<Item = Scheduled<E>> {
        let (slot, run_seq, near_seq) = (self.slot, self.run_seq, self.near_seq);
        let run = self.run.iter().map(move |entry| entry.unpack(slot, run_seq));
        let near = self.near.entries().iter();
        let near = near.map(move |entry| entry.unpack(slot, near_seq));
        let present = run.chain(near).chain(self.early.iter());
        present.chain(self.far.iter(slot)).chain(self.beyond.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::event_list::in_slot::SLOT_BITS;
    use crate::kernel::time::SimTime;

    /// An entry at the beginning of `slot`.
    fn entry(slot: u64, seq: usize) -> Scheduled<()> {
        let time = SimTime::from_nanos(slot << SLOT_BITS);
        let seq = seq as u64;
        Scheduled { time, seq, event: () }
    }

    /// Somebody looks ahead to a timer; what is scheduled before it comes first, in its order, and so does what was
    /// put back.
    #[test]
    fn what_lies_before_the_present_slot_comes_first() {
        let mut list = NearFarList::default();
        list.push(entry(300, 0));
        let ahead = list.pop().expect("it is there");
        list.put_back(ahead);
        for (seq, slot) in [(1, 5), (2, 4), (3, 300), (4, 4)] {
            list.push(entry(slot, seq));
        }
        assert_eq!(list.early.len(), 3);
        let taken = list.pop().expect("the earliest");
        list.push(entry(4, 5));
        list.put_back(taken);
        let order: Vec<u64> = std::iter::from_fn(|| list.pop()).map(|entry| entry.seq).collect();
        assert_eq!(order, [2, 4, 5, 1, 0, 3]);
    }

    /// How many entries wait in the run, in the heap beside it, in buckets and beyond them.
    fn places(list: &NearFarList<()>) -> [usize; 4] {
        [
            list.run.len(),
            list.near.count(),
            list.far.len(),
            list.beyond.len(),
        ]
    }

    /// A timer lies in an unsorted bucket until its slot becomes the present one: it neither deepens the heap nor is
    /// sorted before its time. The same at the start of the run and far into it, where buckets are used once more.
    #[test]
    fn timers_wait_where_they_cost_least() {
        for start in [0, 3 * BUCKETS + 5] {
            let mut list = NearFarList::default();
            list.push(entry(start, 0));
            list.pop();
            for (seq, ahead) in [0, 0, 1, 2, BUCKETS - 1, BUCKETS].into_iter().enumerate() {
                list.push(entry(start + ahead, seq + 1));
            }
            assert_eq!(places(&list), [0, 2, 3, 1]);
            for expected in [
                [0, 1, 3, 1],
                [0, 0, 3, 1],
                [0, 0, 2, 1],
                [0, 0, 1, 1],
                [0, 0, 0, 1],
            ] {
                list.pop();
                assert_eq!(places(&list), expected, "from slot {start}");
            }
        }
    }
}
