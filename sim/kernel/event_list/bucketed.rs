//! A heap for what is near, unsorted buckets for what is far.

use crate::kernel::event_list::{EventList, QuadHeap, Scheduled};
use std::mem;

/// Width of a bucket: 2²⁵ ns, about 34 ms.
pub const WIDTH_BITS: u32 = 25;
/// Buckets, so about 34 s from the first to the last.
pub const BUCKETS: u64 = 1024;

/// x.
#[derive(Clone, Debug)]
pub struct BucketedHeap<E> {
    near: QuadHeap<E>,
    /// The present slot: everything before its end is in `near`.
    slot: u64,
    far: Vec<Vec<Scheduled<E>>>,
    occupied: [u64; BUCKETS as usize / 64],
    far_len: usize,
    beyond: QuadHeap<E>,
}

impl<E: Copy> Default for BucketedHeap<E> {
    fn default() -> Self {
        Self {
            near: QuadHeap::default(),
            slot: 0,
            far: (0..BUCKETS).map(|_| Vec::new()).collect(),
            occupied: [0; BUCKETS as usize / 64],
            far_len: 0,
            beyond: QuadHeap::default(),
        }
    }
}

fn slot_of<E>(entry: &Scheduled<E>) -> u64 {
    entry.time.as_nanos() >> WIDTH_BITS
}

impl<E: Copy> BucketedHeap<E> {
    #[inline(never)]
    fn push_far(&mut self, slot: u64, entry: Scheduled<E>) {
        if slot - self.slot >= BUCKETS {
            self.beyond.push(entry);
            return;
        }
        let bucket = (slot % BUCKETS) as usize;
        self.far[bucket].push(entry);
        self.occupied[bucket / 64] |= 1 << (bucket % 64);
        self.far_len += 1;
    }

    /// Moves the next occupied slot into the heap.
    #[inline(never)]
    fn refill(&mut self) {
        let in_bucket = self.next_occupied();
        let in_beyond = self.beyond.peek().map(|e| slot_of(&e));
        let Some(slot) = in_bucket.into_iter().chain(in_beyond).min() else {
            return;
        };
        self.slot = slot;
        if in_bucket == Some(slot) {
            let bucket = (slot % BUCKETS) as usize;
            self.occupied[bucket / 64] &= !(1 << (bucket % 64));
            self.far_len -= self.far[bucket].len();
            let spare = self.near.exchange(mem::take(&mut self.far[bucket]));
            if spare.capacity() <= 256 {
                self.far[bucket] = spare;
            }
        }
        while let Some(e) = self.beyond.peek().filter(|e| slot_of(e) == slot) {
            self.near.push(e);
            self.beyond.pop();
        }
    }

    /// The first slot after the present one whose bucket is not empty.
    fn next_occupied(&self) -> Option<u64> {
        if self.far_len == 0 {
            return None;
        }
        let start = (self.slot + 1) % BUCKETS;
        let words = self.occupied.len() as u64;
        for i in 0..=words {
            let word = (start / 64 + i) % words;
            let mut bits = self.occupied[word as usize];
            if i == 0 {
                bits &= u64::MAX << (start % 64);
            }
            if bits != 0 {
                let bucket = word * 64 + u64::from(bits.trailing_zeros());
                let ahead = (bucket + BUCKETS - start) % BUCKETS;
                return Some(self.slot + 1 + ahead);
            }
        }
        None
    }
}

impl<E: Copy> EventList<E> for BucketedHeap<E> {
    #[inline]
    fn push(&mut self, entry: Scheduled<E>) {
        let slot = slot_of(&entry);
        if slot <= self.slot {
            self.near.push(entry);
        } else {
            self.push_far(slot, entry);
        }
    }
    #[inline]
    fn pop(&mut self) -> Option<Scheduled<E>> {
        if self.near.is_empty() {
            self.refill();
        }
        self.near.pop()
    }
    #[inline]
    fn peek(&mut self) -> Option<Scheduled<E>> {
        if self.near.is_empty() {
            self.refill();
        }
        self.near.peek()
    }
    fn len(&self) -> usize {
        self.near.len() + self.far_len + self.beyond.len()
    }
    fn retain(&mut self, mut keep: impl FnMut(&Scheduled<E>) -> bool) {
        self.near.retain(&mut keep);
        self.beyond.retain(&mut keep);
        for bucket in &mut self.far {
            let before = bucket.len();
            bucket.retain(&mut keep);
            self.far_len -= before - bucket.len();
        }
    }
    fn iter<'a>(&'a self) -> impl Iterator<Item = &'a Scheduled<E>>
    where
        E: 'a,
    {
        self.near
            .iter()
            .chain(self.far.iter().flatten())
            .chain(self.beyond.iter())
    }
}
