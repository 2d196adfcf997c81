//! The present connection of a client to each broker.
//!
//! Every envelope that a client gets is held against them, so those to the first brokers lie in the client itself: with
//! thousands of clients each look elsewhere is a cache miss.

use crate::kernel::memory;
use std::ops::{Index, IndexMut};

/// So many lie in the client.
const NEAR: usize = 4;

/// The number of the connection to each broker; `None` where there is none.
#[derive(Clone, Debug)]
pub struct Epochs {
    near: [Option<u32>; NEAR],
    far: Box<[Option<u32>]>,
}

impl Epochs {
    /// No connection to any of `brokers`.
    pub fn none(brokers: usize) -> Self {
        Self {
            near: [None; NEAR],
            far: vec![None; brokers.saturating_sub(NEAR)].into(),
        }
    }

    /// By broker; there may be places for more.
    pub fn iter(&self) -> impl Iterator<Item = Option<u32>> {
        self.near.iter().chain(&self.far).copied()
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of::<Option<u32>>(self.far.len())
    }
}

impl Index<usize> for Epochs {
    type Output = Option<u32>;

    #[inline]
    fn index(&self, broker: usize) -> &Option<u32> {
        match self.near.get(broker) {
            Some(epoch) => epoch,
            None => &self.far[broker - NEAR],
        }
    }
}

impl IndexMut<usize> for Epochs {
    #[inline]
    fn index_mut(&mut self, broker: usize) -> &mut Option<u32> {
        match broker < NEAR {
            true => &mut self.near[broker],
            false => &mut self.far[broker - NEAR],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brokers 3 and 4 lie on both sides of the border.
    #[test]
    fn each_broker_has_its_place() {
        for brokers in [1, 4, 6] {
            let mut epochs = Epochs::none(brokers);
            for broker in 0..brokers {
                epochs[broker] = Some(broker as u32 + 7);
            }
            let all: Vec<_> = epochs.iter().filter(Option::is_some).collect();
            let expected: Vec<_> = (0..brokers).map(|broker| Some(broker as u32 + 7)).collect();
            assert_eq!(all, expected);
            assert_eq!(epochs[brokers - 1], expected[brokers - 1]);
        }
    }
}
