//! Which records of a queue a group has finished: a base below which all are, and a bit for each above it.
//!
//! The memory is that of the span between the lowest unfinished and the highest finished record, not of the
//! messages that ever were.

use crate::kernel::memory;
use std::collections::VecDeque;

/// Offsets to a word.
const WORD: u64 = u64::BITS as u64;

/// A set of offsets that fills up from below.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub struct Settled {
    /// Everything below is in the set; a multiple of [`WORD`].
    base: u64,
    /// Bits from `base` on; never full.
    first: u64,
    /// The words behind, from the first time that there are any.
    #[expect(
        clippy::box_collection,
        reason = "most have one word, and there is one of these for each queue"
    )]
    more: Option<Box<VecDeque<u64>>>,
}

impl Settled {
    /// Puts `offset` in; whether it is new there.
    #[inline(always)]
    pub fn insert(&mut self, offset: u64) -> bool {
        if offset < self.base {
            return false;
        }
        let (index, bit) = ((offset - self.base) / WORD, 1_u64 << (offset % WORD));
        if index > 0 {
            return self.insert_behind(index as usize - 1, bit);
        }
        if self.first & bit != 0 {
            return false;
        }
        self.first |= bit;
        if self.first == u64::MAX {
            self.advance();
        }
        true
    }

    #[inline(never)]
    fn insert_behind(&mut self, index: usize, bit: u64) -> bool {
        let more = self.more.get_or_insert_default();
        if index >= more.len() {
            more.resize(index + 1, 0);
        }
        let word = &mut more[index];
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// Puts all offsets from `from` to below `to` in; how many are new there.
    pub fn insert_range(&mut self, from: u64, to: u64) -> u64 {
        let from = from.max(self.base);
        if from >= to {
            return 0;
        }
        if self.words() == 0 && from == self.base {
            self.base = to - to % WORD;
            self.first = (1 << (to % WORD)) - 1;
            return to - from;
        }
        let mut new = 0;
        for offset in from..to {
            new += u64::from(self.insert(offset));
        }
        new
    }

    /// Whether `offset` is in the set.
    pub fn contains(&self, offset: u64) -> bool {
        let Some(above) = offset.checked_sub(self.base) else {
            return true;
        };
        let word = match (above / WORD).checked_sub(1) {
            None => Some(&self.first),
            Some(index) => self.more.as_ref().and_then(|more| more.get(index as usize)),
        };
        word.is_some_and(|word| word >> (offset % WORD) & 1 == 1)
    }

    /// Words in memory that have bits, or lie before such.
    pub fn words(&self) -> usize {
        match self.more.as_ref().map_or(0, |more| more.len()) {
            0 => usize::from(self.first != 0),
            more => 1 + more,
        }
    }

    /// Moves the base past all full words.
    #[inline(never)]
    fn advance(&mut self) {
        while self.first == u64::MAX {
            self.base += WORD;
            self.first = (self.more.as_mut())
                .and_then(|more| more.pop_front())
                .unwrap_or(0);
        }
    }

    /// Bytes of one whose lowest missing and highest present offset lie so far apart.
    pub fn held_for(span: u64) -> u64 {
        memory::of_grown::<u64>(span.div_ceil(WORD))
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let more = self.more.as_ref();
        more.map_or(0, |more| memory::of::<VecDeque<u64>>(1) + memory::of_deque(more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// A million offsets finished in order leave no more than one word behind.
    #[test]
    fn memory_follows_the_unfinished_span() {
        let mut settled = Settled::default();
        for offset in 0..1_000_000 {
            assert!(settled.insert(offset));
            assert!(settled.words() <= 1);
        }
        assert!(!settled.insert(5));
        assert!(settled.contains(999_999) && !settled.contains(1_000_000));
    }

    /// An offset that stays open keeps what follows it, and its end releases all.
    #[test]
    fn a_gap_holds_the_base() {
        let mut settled = Settled::default();
        assert_eq!(settled.insert_range(1, 640), 639);
        assert_eq!(settled.words(), 10);
        assert!(settled.insert(0));
        assert_eq!(settled.words(), 0);
    }

    #[test]
    fn a_far_skip_costs_no_memory() {
        let mut settled = Settled::default();
        assert_eq!(settled.insert_range(0, 1_000_000_000_007), 1_000_000_000_007);
        assert_eq!(settled.words(), 1);
        assert!(!settled.insert(1_000_000_000_006));
        assert!(settled.insert(1_000_000_000_007));
    }

    proptest! {
        /// Whatever the order, it behaves as a plain set.
        #[test]
        fn it_is_a_set(steps in prop::collection::vec((0_u64..300, 0_u64..100), 1..60)) {
            let (mut settled, mut plain) = (Settled::default(), BTreeSet::new());
            for (from, len) in steps {
                if len < 50 {
                    prop_assert_eq!(settled.insert(from), plain.insert(from));
                } else {
                    let new = (from..from + len).filter(|&o| plain.insert(o)).count() as u64;
                    prop_assert_eq!(settled.insert_range(from, from + len), new);
                }
                for offset in 0..450 {
                    prop_assert_eq!(settled.contains(offset), plain.contains(&offset));
                }
            }
        }
    }
}
