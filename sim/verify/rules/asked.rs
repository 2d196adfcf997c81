//! How often each rule was asked, past all of its excuses: a rule that is never asked holds nothing.

use crate::kernel::time::SimTime;
use crate::observe::invariant::{Invariant, must};
use std::cell::Cell;

/// Counts by invariant.
#[derive(Debug)]
pub struct Asked([Cell<u64>; Invariant::ALL.len()]);

impl Default for Asked {
    fn default() -> Self {
        Self([const { Cell::new(0) }; Invariant::ALL.len()])
    }
}

impl Asked {
    /// Asks a rule: the run ends if it does not hold.
    #[inline]
    #[track_caller]
    pub fn must(&self, now: SimTime, invariant: Invariant, holds: bool, what: impl FnOnce() -> String) {
        self.add(invariant, 1);
        must(now, invariant, holds, what);
    }

    /// Somebody else has asked it so often.
    #[inline]
    pub fn add(&self, invariant: Invariant, times: u64) {
        let count = &self.0[invariant as usize];
        count.set(count.get() + times);
    }

    /// By invariant, in their order.
    pub fn counts(&self) -> Vec<u64> {
        self.0.iter().map(Cell::get).collect()
    }
}
