//! The present connection of a client to each broker.
//!
//! Every envelope that a client gets is held against them, so those to the first brokers lie in the client itself: with
//! thousands of clients each look elsewhere is a cache miss.

use crate::kernel::memory;
use std::num::NonZeroU32;

/// So many lie in the client.
const NEAR: usize = 4;

/// The number of the connection to each broker, which is never 0.
#[derive(Clone, Debug)]
pub struct Epochs {
    near: [Option<NonZeroU32>; NEAR],
    far: Box<[Option<NonZeroU32>]>,
}

impl Epochs {
    /// No connection to any of `brokers`.
    pub fn none(brokers: usize) -> Self {
        Self {
            near: [None; NEAR],
            far: vec![None; brokers.saturating_sub(NEAR)].into(),
        }
    }

    /// The connection to the broker at this position; `None` if there is none.
    #[inline(always)]
    pub fn get(&self, broker: usize) -> Option<u32> {
        let epoch = match self.near.get(broker) {
            Some(epoch) => *epoch,
            None => self.far[broker - NEAR],
        };
        epoch.map(NonZeroU32::get)
    }

    /// Notes that there is another one, or none.
    ///
    /// # Panics
    /// If its number is 0.
    pub fn set(&mut self, broker: usize, epoch: Option<u32>) {
        let epoch = epoch.map(|epoch| NonZeroU32::new(epoch).expect("connections count from 1"));
        match broker < NEAR {
            true => self.near[broker] = epoch,
            false => self.far[broker - NEAR] = epoch,
        }
    }

    /// By broker; there may be places for more.
    pub fn iter(&self) -> impl Iterator<Item = Option<u32>> {
        let all = self.near.iter().chain(&self.far);
        all.map(|epoch| epoch.map(NonZeroU32::get))
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of::<Option<NonZeroU32>>(self.far.len())
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
                epochs.set(broker, Some(broker as u32 + 7));
            }
            let all: Vec<_> = epochs.iter().filter(Option::is_some).collect();
            let expected: Vec<_> = (0..brokers).map(|broker| Some(broker as u32 + 7)).collect();
            assert_eq!(all, expected);
            assert_eq!(epochs.get(brokers - 1), expected[brokers - 1]);
            epochs.set(brokers - 1, None);
            assert_eq!(epochs.get(brokers - 1), None);
        }
    }
}
