//! Unsorted buckets for slots of time that are still to come.

use crate::kernel::event_list::Scheduled;
use crate::kernel::event_list::in_slot::{InSlot, slot_of};

/// Slots that have a bucket: 34.4 s of them, so that the longest of RocketMQ's periods (30 s) fits.
pub const BUCKETS: u64 = 4096;

/// Entries in a block.
const BLOCK: usize = 16;

/// No block.
const NONE: u32 = u32::MAX;

/// What is due in the next [`BUCKETS`] slots; slot s has the bucket s mod `BUCKETS`.
///
/// Entries lie in blocks that buckets take one by one and give back together: a million timers are never moved while
/// they wait, and their memory is that of the entries.
#[derive(Clone, Debug)]
pub struct Buckets<E> {
    buckets: Vec<Bucket>,
    /// One bit for each bucket that is not empty.
    occupied: Vec<u64>,
    blocks: Vec<[InSlot<E>; BLOCK]>,
    /// By block: the next one in its bucket or among the free ones.
    next: Vec<u32>,
    /// The first free block.
    free: u32,
    len: usize,
}

#[derive(Clone, Debug)]
struct Bucket {
    /// Sequence number from which those in the bucket count: that of the first one.
    first_seq: u64,
    /// The block that is being filled; older ones follow.
    block: u32,
    len: u32,
}

/// An empty bucket.
const EMPTY: Bucket = Bucket {
    first_seq: 0,
    block: NONE,
    len: 0,
};

impl<E> Default for Buckets<E> {
    fn default() -> Self {
        Self {
            buckets: vec![EMPTY; BUCKETS as usize],
            occupied: vec![0; BUCKETS as usize / 64],
            blocks: Vec::new(),
            next: Vec::new(),
            free: NONE,
            len: 0,
        }
    }
}

impl<E: Copy> Buckets<E> {
    /// Adds an entry, which is due in one of the slots that have a bucket.
    #[inline]
    pub fn push(&mut self, entry: Scheduled<E>) {
        let at = (slot_of(&entry) % BUCKETS) as usize;
        let bucket = &mut self.buckets[at];
        if bucket.len == 0 {
            bucket.first_seq = entry.seq;
            self.occupied[at / 64] |= 1 << (at % 64);
        }
        let packed = InSlot::pack(entry, bucket.first_seq);
        let place = bucket.len as usize % BLOCK;
        bucket.len += 1;
        self.len += 1;
        if place == 0 {
            self.begin_block(at, packed);
        } else {
            self.blocks[bucket.block as usize][place] = packed;
        }
    }

    /// Gives a bucket one more block, in which `first` is the first entry.
    fn begin_block(&mut self, bucket: usize, first: InSlot<E>) {
        let mut block = self.free;
        if block == NONE {
            block = self.blocks.len() as u32;
            self.blocks.push([first; BLOCK]);
            self.next.push(NONE);
        } else {
            self.free = self.next[block as usize];
            self.blocks[block as usize][0] = first;
        }
        let bucket = &mut self.buckets[bucket];
        self.next[block as usize] = bucket.block;
        bucket.block = block;
    }

    /// Empties the bucket of `slot` into `out`, the youngest entry first; the sequence number from which the entries count.
    pub fn take(&mut self, slot: u64, out: &mut Vec<InSlot<E>>) -> u64 {
        let at = (slot % BUCKETS) as usize;
        let bucket = std::mem::replace(&mut self.buckets[at], EMPTY);
        self.occupied[at / 64] &= !(1 << (at % 64));
        self.len -= bucket.len as usize;
        self.blocks_of(&bucket, |entries| out.extend(entries.iter().rev()));
        let (mut block, mut last) = (bucket.block, NONE);
        while block != NONE {
            (last, block) = (block, self.next[block as usize]);
        }
        if last != NONE {
            self.next[last as usize] = self.free;
            self.free = bucket.block;
        }
        bucket.first_seq
    }

    /// Shows the entries of a bucket, block by block, the youngest block first.
    fn blocks_of<'a>(&'a self, bucket: &Bucket, mut see: impl FnMut(&'a [InSlot<E>])) {
        let mut left = bucket.len as usize;
        let mut block = bucket.block;
        while block != NONE {
            let count = (left - 1) % BLOCK + 1;
            see(&self.blocks[block as usize][..count]);
            left -= count;
            block = self.next[block as usize];
        }
    }

    /// The first slot after `present` that has something in its bucket.
    pub fn next_occupied(&self, present: u64) -> Option<u64> {
        if self.len == 0 {
            return None;
        }
        let start = ((present + 1) % BUCKETS) as usize;
        let words = self.occupied.len();
        // The first word is looked at from `start` on, and again in full after all the others.
        let mut mask = u64::MAX << (start % 64);
        for i in 0..=words {
            let word = (start / 64 + i) % words;
            let bits = self.occupied[word] & mask;
            mask = u64::MAX;
            if bits != 0 {
                let bucket = (word * 64) as u64 + u64::from(bits.trailing_zeros());
                return Some(slot_after(present, bucket));
            }
        }
        None
    }

    /// How many entries wait.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Drops the entries that `keep` refuses, where `present` is the present slot.
    pub fn retain(&mut self, present: u64, mut keep: impl FnMut(&Scheduled<E>) -> bool) {
        let mut entries = Vec::new();
        for at in 0..BUCKETS {
            if self.buckets[at as usize].len == 0 {
                continue;
            }
            let slot = slot_after(present, at);
            entries.clear();
            let first_seq = self.take(slot, &mut entries);
            let unpacked = entries.iter().map(|entry| entry.unpack(slot, first_seq));
            let mut kept: Vec<_> = unpacked.filter(|entry| keep(entry)).collect();
            kept.sort_unstable_by_key(|entry| entry.seq);
            kept.into_iter().for_each(|entry| self.push(entry));
        }
    }

    /// All entries, in no particular order, where `present` is the present slot.
    pub fn iter(&self, present: u64) -> impl Iterator<Item = Scheduled<E>> {
        (0..BUCKETS).zip(&self.buckets).flat_map(move |(at, bucket)| {
            let mut entries = Vec::new();
            self.blocks_of(bucket, |block| entries.extend_from_slice(block));
            let slot = slot_after(present, at);
            entries
                .into_iter()
                .map(move |entry| entry.unpack(slot, bucket.first_seq))
        })
    }
}

/// The first slot after `present` that has the bucket `at`.
fn slot_after(present: u64, at: u64) -> u64 {
    let next = present + 1;
    next + (at + BUCKETS - next % BUCKETS) % BUCKETS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::event_list::in_slot::SLOT_BITS;
    use crate::kernel::time::SimTime;

    fn entry(slot: u64, seq: u64) -> Scheduled<u64> {
        Scheduled {
            time: SimTime::from_nanos((slot << SLOT_BITS) + seq % 5),
            seq,
            event: seq,
        }
    }

    /// Buckets of all lengths around that of a block come back whole, and their blocks are used again.
    #[test]
    fn a_bucket_gives_back_what_it_got() {
        let mut buckets = Buckets::default();
        let mut seq = 100;
        for _ in 0..3 {
            let mut before = seq;
            for len in 1..=3 * BLOCK as u64 {
                (0..len).for_each(|_| {
                    buckets.push(entry(len, seq));
                    seq += 1;
                });
            }
            let blocks = buckets.blocks.len();
            for len in 1..=3 * BLOCK as u64 {
                let mut out = Vec::new();
                let first = buckets.take(len, &mut out);
                let seqs: Vec<u64> = out.iter().map(|entry| entry.unpack(len, first).seq).collect();
                assert_eq!(seqs, (before..before + len).rev().collect::<Vec<_>>());
                before += len;
            }
            assert_eq!((buckets.len(), buckets.blocks.len()), (0, blocks));
            let needed: usize = (1..=3 * BLOCK).map(|len| len.div_ceil(BLOCK)).sum();
            assert_eq!(blocks, needed);
        }
    }

    #[test]
    fn a_slot_is_found_again_from_its_bucket() {
        for present in [0, 1, BUCKETS - 1, BUCKETS, 10 * BUCKETS + 77] {
            for slot in present + 1..=present + BUCKETS {
                assert_eq!(slot_after(present, slot % BUCKETS), slot);
            }
        }
    }
}
