//! Records that a group has passed over: filtered out before any listener saw them.
//!
//! A later reader with another subscription may still deliver one, so they are kept as a set, a bit for each
//! offset from the first on, and not as a number.

use crate::kernel::memory;

/// Offsets to a word.
const WORD: u64 = u64::BITS as u64;

/// A set of offsets, most of them above one another.
#[derive(Clone, Debug)]
pub struct Passed {
    /// Nothing below is in the set; a multiple of [`WORD`].
    base: u64,
    words: Vec<u64>,
    count: u64,
}

impl Passed {
    /// An empty set; nothing below `from` will ever be in it.
    pub fn new(from: u64) -> Self {
        Self {
            base: from - from % WORD,
            words: Vec::new(),
            count: 0,
        }
    }

    /// How many offsets are in the set.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Puts `offset` in; whether it is new there.
    pub fn insert(&mut self, offset: u64) -> bool {
        debug_assert!(offset >= self.base, "the frontier never falls");
        let (at, bit) = self.place(offset);
        if at >= self.words.len() {
            self.words.resize(at + 1, 0);
        }
        let new = self.words[at] & bit == 0;
        self.words[at] |= bit;
        self.count += u64::from(new);
        new
    }

    /// Takes `offset` out; whether it was there.
    pub fn remove(&mut self, offset: u64) -> bool {
        let there = self.contains(offset);
        if there {
            let (at, bit) = self.place(offset);
            self.words[at] &= !bit;
            self.count -= 1;
        }
        there
    }

    /// Whether `offset` is in the set.
    pub fn contains(&self, offset: u64) -> bool {
        offset >= self.base && {
            let (at, bit) = self.place(offset);
            self.words.get(at).is_some_and(|word| word & bit != 0)
        }
    }

    /// The first offset from `from` on that is not in the set.
    pub fn first_gap(&self, from: u64) -> u64 {
        if from < self.base {
            return from;
        }
        let (mut at, shift) = ((from - self.base) / WORD, from % WORD);
        let Some(first) = self.words.get(at as usize) else {
            return from;
        };
        let mut ones = u64::from((first >> shift).trailing_ones());
        if ones < WORD - shift {
            return from + ones;
        }
        loop {
            at += 1;
            let word = self.words.get(at as usize).copied().unwrap_or(0);
            let more = u64::from(word.trailing_ones());
            ones += more;
            if more < WORD {
                return from + ones;
            }
        }
    }

    fn place(&self, offset: u64) -> (usize, u64) {
        (((offset - self.base) / WORD) as usize, 1 << (offset % WORD))
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of_vec(&self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        /// Whatever the order, it behaves as a plain set.
        #[test]
        fn it_is_a_set(from in 0_u64..200, steps in prop::collection::vec((0_u64..300, 0_u64..90), 1..40)) {
            let (mut passed, mut plain) = (Passed::new(from), BTreeSet::new());
            for (start, len) in steps {
                for offset in from + start..from + start + len {
                    if len % 3 == 0 {
                        prop_assert_eq!(passed.remove(offset), plain.remove(&offset));
                    } else {
                        prop_assert_eq!(passed.insert(offset), plain.insert(offset));
                    }
                }
                prop_assert_eq!(passed.count(), plain.len() as u64);
            }
            for offset in 0..650 {
                prop_assert_eq!(passed.contains(offset), plain.contains(&offset));
                let gap = (offset..).find(|o| !plain.contains(o)).unwrap();
                prop_assert_eq!(passed.first_gap(offset), gap);
            }
        }
    }
}
