//! What tables hold, in bytes, from what is in them, whatever the allocator does: the same wherever the same program runs.
//! Another word size or another standard library (how its vectors grow) may count otherwise.
//!
//! A count for bounds, not for accounts: small fixed parts of small things are left out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A heap block costs about so much beside its content.
pub const BLOCK: u64 = 16;

/// `count` values of `T` in a block.
pub const fn of<T>(count: usize) -> u64 {
    match count {
        0 => 0,
        count => BLOCK + (count * size_of::<T>()) as u64,
    }
}

/// The room of a vector.
pub const fn of_vec<T>(vec: &Vec<T>) -> u64 {
    of::<T>(vec.capacity())
}

/// The room of a ring buffer.
pub fn of_deque<T>(deque: &VecDeque<T>) -> u64 {
    of::<T>(deque.capacity())
}

/// The room of a vector or ring buffer that has grown one by one to `count` values: it doubles, from four on.
pub fn of_grown<T>(count: u64) -> u64 {
    match count {
        0 => 0,
        count => {
            BLOCK
                + (size_of::<T>() as u64)
                    .saturating_mul(count.max(4).checked_next_power_of_two().unwrap_or(count))
        }
    }
}

/// The nodes of a tree: eleven places each, a little more than half of them filled.
pub fn of_map<K, V>(map: &BTreeMap<K, V>) -> u64 {
    of_tree(map.len() as u64, size_of::<K>() + size_of::<V>())
}

/// Those of a map of so many entries.
pub fn of_entries<K, V>(count: u64) -> u64 {
    of_tree(count, size_of::<K>() + size_of::<V>())
}

/// As [`of_map`].
pub fn of_set<K>(set: &BTreeSet<K>) -> u64 {
    of_tree(set.len() as u64, size_of::<K>())
}

fn of_tree(entries: u64, entry: usize) -> u64 {
    // Beside the entries a leaf has its parent and two counts.
    entries.saturating_mul(entry as u64 + 3).saturating_mul(7) / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_counts_and_not_content() {
        let mut numbers: Vec<u64> = Vec::with_capacity(100);
        assert_eq!(of_vec(&numbers), 16 + 800);
        numbers.push(1);
        assert_eq!(of_vec(&numbers), 16 + 800);
        assert_eq!(of_vec(&Vec::<u64>::new()), 0);
        assert_eq!(of_deque(&VecDeque::from(vec![0_u8; 10])), 26);
    }

    #[test]
    fn vectors_grow_by_doubling() {
        for count in [0, 1, 4, 5, 100, 1000] {
            let mut numbers = Vec::new();
            (0..count).for_each(|n| numbers.push(n));
            assert_eq!(of_grown::<u64>(count), of_vec(&numbers), "{count}");
        }
    }

    /// A full leaf of 64-bit numbers and values is 11 × 16 + 12 bytes; three quarters more for each entry, as not all are full.
    #[test]
    fn trees_are_counted_by_their_entries() {
        let map: BTreeMap<u64, u64> = (0..1000).map(|i| (i, i)).collect();
        assert_eq!(of_map(&map), 1000 * 19 * 7 / 4);
        assert_eq!(of_set(&BTreeSet::from([1_u8])), 7);
    }
}
