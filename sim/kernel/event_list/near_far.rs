//! A heap for what is near, unsorted buckets for what is far.

use crate::kernel::event_list::quad_heap::{Keyed, LazyHeap};
use crate::kernel::event_list::{EventList, QuadHeap, Scheduled};
use crate::kernel::time::SimTime;
use std::cmp::Reverse;
use std::mem;

/// Binary logarithm of a slot's length in nanoseconds: a slot is 16.8 ms.
///
/// Hops and most service times stay within a slot or two and meet the heap only; timers of seconds do not.
const SLOT_BITS: u32 = 24;

/// Slots that have a bucket: 34.4 s of them, so that the longest of RocketMQ's periods (30 s) fits.
const BUCKETS: u64 = 2048;

/// A bucket that has grown beyond this many entries gives its memory back once it is emptied.
const KEPT_CAPACITY: usize = 32;

/// The memory of so many such buckets is kept for those that grow next: clients that started together do the same
/// together, every few seconds.
const SPARE: usize = 4;

/// Bits of a place in the near heap that number the entries.
const NUMBER_BITS: u32 = u64::BITS - SLOT_BITS;

/// An entry of the present slot. Place and event are two words: the heap moves a third less than it would with
/// [`Scheduled`], and compares one word instead of two.
#[derive(Clone, Copy, Debug)]
struct Near<E> {
    /// Nanoseconds since the start of the slot; then how many sequence numbers after the first one of the heap.
    place: u64,
    event: E,
}

impl<E: Copy> Keyed for Near<E> {
    type Key = u64;
    #[inline(always)]
    fn key(&self) -> u64 {
        self.place
    }
}

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
    run: Vec<Scheduled<E>>,
    /// What was scheduled for the present slot since it became that. At equal times it comes after what is in the run.
    near: LazyHeap<Near<E>>,
    /// Sequence number from which those in the near heap count.
    first_seq: u64,
    /// What was scheduled for an earlier slot than the present one: somebody has looked ahead in time.
    early: QuadHeap<E>,
    /// The next `BUCKETS` slots; slot s has the bucket s mod `BUCKETS`.
    far: Vec<Vec<Scheduled<E>>>,
    /// One bit for each bucket that is not empty.
    occupied: Vec<u64>,
    far_len: usize,
    /// Memory of buckets that were large, for the next that grow large.
    spare: Vec<Vec<Scheduled<E>>>,
    beyond: QuadHeap<E>,
}

impl<E> Default for NearFarList<E> {
    fn default() -> Self {
        Self {
            slot: 0,
            run: Vec::new(),
            near: LazyHeap::default(),
            first_seq: 0,
            early: QuadHeap::default(),
            far: (0..BUCKETS).map(|_| Vec::new()).collect(),
            occupied: vec![0; BUCKETS as usize / 64],
            far_len: 0,
            spare: Vec::new(),
            beyond: QuadHeap::default(),
        }
    }
}

/// The slot in which an entry is due.
#[inline]
fn slot_of<E>(entry: &Scheduled<E>) -> u64 {
    entry.time.as_nanos() >> SLOT_BITS
}

impl<E: Copy> NearFarList<E> {
    fn push_far(&mut self, slot: u64, entry: Scheduled<E>) {
        if slot - self.slot >= BUCKETS {
            self.beyond.push(entry);
            return;
        }
        let bucket = (slot % BUCKETS) as usize;
        if self.far[bucket].len() == KEPT_CAPACITY {
            self.enlarge(bucket);
        }
        self.far[bucket].push(entry);
        self.occupied[bucket / 64] |= 1 << (bucket % 64);
        self.far_len += 1;
    }

    /// A bucket becomes large: it goes on in memory that another one has left, if there is any.
    #[cold]
    #[inline(never)]
    fn enlarge(&mut self, bucket: usize) {
        if let Some(mut large) = self.spare.pop() {
            large.append(&mut self.far[bucket]);
            self.far[bucket] = large;
        }
    }

    /// Whether the present slot is used up.
    #[inline]
    fn is_drained(&self) -> bool {
        self.run.is_empty() && self.near.count() == 0 && self.early.is_empty()
    }

    /// Adds an entry of the present slot.
    #[inline(always)]
    fn push_near(&mut self, entry: Scheduled<E>) {
        if self.near.count() == 0 {
            self.first_seq = entry.seq;
        }
        let number = entry.seq - self.first_seq;
        assert!(
            number >> NUMBER_BITS == 0,
            "more than 2⁴⁰ events while something of one slot was pending"
        );
        let since = entry.time.as_nanos() & ((1 << SLOT_BITS) - 1);
        self.near.add(Near {
            place: since << NUMBER_BITS | number,
            event: entry.event,
        });
    }

    /// When an entry of the near heap is due.
    #[inline(always)]
    fn time_of(&self, near: &Near<E>) -> SimTime {
        SimTime::from_nanos(self.slot << SLOT_BITS | near.place >> NUMBER_BITS)
    }

    /// An entry of the near heap as it was pushed.
    #[inline(always)]
    fn unpack(&self, near: &Near<E>) -> Scheduled<E> {
        Scheduled {
            time: self.time_of(near),
            seq: self.first_seq + (near.place & ((1 << NUMBER_BITS) - 1)),
            event: near.event,
        }
    }

    /// Takes the earliest entry out while something lies before the present slot.
    #[cold]
    #[inline(never)]
    fn pop_early(&mut self) -> Option<Scheduled<E>> {
        match (self.run.last(), self.early.peek()) {
            (Some(ready), Some(early)) if ready.time <= early.time => self.run.pop(),
            _ => self.early.pop(),
        }
    }

    /// Makes the next occupied slot the present one; nothing happens if there is none.
    #[cold]
    #[inline(never)]
    fn refill(&mut self) {
        let in_bucket = self.next_occupied();
        let in_beyond = self.beyond.peek().map(|entry| slot_of(&entry));
        let Some(slot) = in_bucket.into_iter().chain(in_beyond).min() else {
            return;
        };
        self.slot = slot;
        if in_bucket == Some(slot) {
            let bucket = (slot % BUCKETS) as usize;
            self.occupied[bucket / 64] &= !(1 << (bucket % 64));
            self.far_len -= self.far[bucket].len();
            self.run.append(&mut self.far[bucket]);
            if self.far[bucket].capacity() > KEPT_CAPACITY {
                let large = mem::take(&mut self.far[bucket]);
                if self.spare.len() < SPARE {
                    self.spare.push(large);
                }
            }
        }
        while let Some(entry) = self.beyond.peek()
            && slot_of(&entry) == slot
        {
            self.beyond.pop();
            self.run.push(entry);
        }
        self.run.sort_unstable_by_key(|entry| Reverse(entry.key()));
    }

    /// The first slot after the present one that has something in its bucket.
    fn next_occupied(&self) -> Option<u64> {
        if self.far_len == 0 {
            return None;
        }
        let start = ((self.slot + 1) % BUCKETS) as usize;
        let words = self.occupied.len();
        // The first word is looked at from `start` on, and again in full after all the others.
        let mut mask = u64::MAX << (start % 64);
        for i in 0..=words {
            let word = (start / 64 + i) % words;
            let bits = self.occupied[word] & mask;
            mask = u64::MAX;
            if bits != 0 {
                let bucket = (word * 64) as u64 + u64::from(bits.trailing_zeros());
                return Some(self.slot + 1 + (bucket + BUCKETS - start as u64) % BUCKETS);
            }
        }
        None
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
        self.run.push(entry);
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
            (Some(ready), Some(near)) if ready.time <= self.time_of(&near) => self.run.pop(),
            (_, Some(near)) => {
                self.near.take();
                Some(self.unpack(&near))
            }
            _ => self.run.pop(),
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
        present + self.far_len + self.beyond.len()
    }

    fn retain(&mut self, mut keep: impl FnMut(&Scheduled<E>) -> bool) {
        self.run.retain(&mut keep);
        self.early.retain(&mut keep);
        self.beyond.retain(&mut keep);
        let mut near = std::mem::take(&mut self.near);
        near.keep(|entry| keep(&self.unpack(entry)));
        self.near = near;
        for (word, bits) in self.occupied.iter_mut().enumerate() {
            let mut left = *bits;
            while left != 0 {
                let bit = left.trailing_zeros();
                left &= left - 1;
                let bucket = &mut self.far[word * 64 + bit as usize];
                let before = bucket.len();
                bucket.retain(&mut keep);
                self.far_len -= before - bucket.len();
                if bucket.is_empty() {
                    *bits &= !(1 << bit);
                }
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = Scheduled<E>> {
        let near = self.near.entries().iter().map(|entry| self.unpack(entry));
        let present = self.run.iter().copied().chain(near).chain(self.early.iter());
        let later = self.far.iter().flatten().copied().chain(self.beyond.iter());
        present.chain(later)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let in_buckets = list.far.iter().map(Vec::len).sum();
        [list.run.len(), list.near.count(), in_buckets, list.beyond.len()]
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

    /// So many timers may meet in one slot that its bucket would hold their memory for the rest of the run.
    #[test]
    fn a_bucket_gives_back_more_memory_than_is_usual() {
        for (entries, kept) in [(1, true), (KEPT_CAPACITY, true), (KEPT_CAPACITY + 1, false)] {
            let mut list = NearFarList::default();
            (0..entries).for_each(|seq| list.push(entry(1, seq)));
            list.pop();
            assert_eq!(list.far[1].capacity() > 0, kept, "{entries} entries");
        }
    }
}
