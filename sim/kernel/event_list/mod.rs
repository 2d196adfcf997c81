//! Sets of pending events: push any, take the earliest.
//!
//! Entries order by (time, sequence number). The sequence number is the entry's rank of insertion, so the
//! order is total, ties resolve by insertion, and every list gives the same order: they differ in speed only.
//! [`NearFarList`] is what the scheduler uses; the measurements behind that are in `docs/performance.md`.
//!
//! Left out: lists that insert into a sorted run (ladder, calendar, wheel). They win on spread-out times, and
//! go quadratic when many events share one instant, which is how a cluster of equal clients starts.

mod near_far;
mod quad_heap;
mod std_heap;

pub use near_far::NearFarList;
pub use quad_heap::QuadHeap;
pub use std_heap::StdHeap;

use crate::kernel::time::SimTime;

/// An event with its place in the order.
#[derive(Clone, Copy, Debug)]
pub struct Scheduled<E> {
    /// When it is due.
    pub time: SimTime,
    /// Rank of insertion, unique within a list.
    pub seq: u64,
    /// What happens.
    pub event: E,
}

impl<E> Scheduled<E> {
    /// Time and sequence number in one integer that orders as the pair does.
    #[inline]
    pub fn key(&self) -> u128 {
        u128::from(self.time.as_nanos()) << 64 | u128::from(self.seq)
    }
}

/// A set of pending events.
///
/// A list must not be given the same sequence number twice; it may be given times before the last one taken.
pub trait EventList<E: Copy>: Default {
    /// Adds an entry.
    fn push(&mut self, entry: Scheduled<E>);
    /// Takes out the earliest entry.
    fn pop(&mut self) -> Option<Scheduled<E>>;
    /// The earliest entry; may tidy up to find it.
    fn peek(&mut self) -> Option<Scheduled<E>>;
    /// How many entries it holds.
    fn len(&self) -> usize;
    /// Whether it holds none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Drops the entries that `keep` refuses, in time proportional to the length.
    fn retain(&mut self, keep: impl FnMut(&Scheduled<E>) -> bool);
    /// All entries, in no particular order.
    fn iter<'a>(&'a self) -> impl Iterator<Item = &'a Scheduled<E>>
    where
        E: 'a;
}
