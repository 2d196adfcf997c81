//! Tracks side by side for what happens at once.

use crate::kernel::memory;
use std::collections::BTreeMap;

/// Lowest free numbers, for each key.
#[derive(Debug)]
pub struct Lanes<K>(BTreeMap<K, Vec<bool>>);

impl<K> Default for Lanes<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord> Lanes<K> {
    /// Takes the lowest number that is free.
    pub fn take(&mut self, key: K) -> u32 {
        let taken = self.0.entry(key).or_default();
        let free = taken.iter().position(|taken| !taken);
        let lane = free.unwrap_or(taken.len());
        match free {
            Some(lane) => taken[lane] = true,
            None => taken.push(true),
        }
        lane as u32
    }

    /// Gives one back.
    pub fn free(&mut self, key: &K, lane: u32) {
        if let Some(taken) = self.0.get_mut(key) {
            taken[lane as usize] = false;
        }
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of_map(&self.0) + self.0.values().map(memory::of_vec).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_lane_is_taken() {
        let mut lanes = Lanes::default();
        assert_eq!([0, 1, 2], [(); 3].map(|()| lanes.take('a')));
        assert_eq!(lanes.take('b'), 0);
        lanes.free(&'a', 1);
        lanes.free(&'a', 0);
        assert_eq!([0, 1, 3], [(); 3].map(|()| lanes.take('a')));
    }
}
