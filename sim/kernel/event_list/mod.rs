//! Sets of pending events: push any, take the earliest.
//!
//! Entries order by (time, sequence number). The sequence number is the entry's rank of insertion, so the
//! order is total, ties resolve by insertion, and every list gives the same order: they differ in speed only.
//! [`QuadHeap`] is what the scheduler uses; the measurements behind that are in `docs/performance.md`.
//!
//! Left out: lists with a sorted near run (ladder, calendar, wheel). They win on spread-out times, and go
//! quadratic when many events share one instant, which is a cluster's normal start.

mod bucketed;

pub use bucketed::BucketedHeap;

use crate::kernel::time::SimTime;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

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

/// An implicit heap of four children a node that pops lazily.
///
/// A pop leaves a hole at the root. A handler nearly always schedules a successor; that push then fills the
/// hole, and one sift does the work of two. Four children halve the depth, and lie side by side in memory.
#[derive(Clone, Debug)]
pub struct QuadHeap<E> {
    /// The heap; `items[0]` is stale while `hole` is set.
    items: Vec<Scheduled<E>>,
    hole: bool,
}

/// Children of a node.
const ARITY: usize = 4;

impl<E> Default for QuadHeap<E> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            hole: false,
        }
    }
}

impl<E: Copy> QuadHeap<E> {
    /// Fills the hole, if there is one, with the last entry.
    #[inline]
    fn settle(&mut self) {
        if self.hole {
            self.hole = false;
            if let Some(last) = self.items.pop()
                && !self.items.is_empty()
            {
                self.sift_down(0, last);
            }
        }
    }

    /// Replaces the entries, in any order; gives back the empty store of the old ones.
    fn exchange(&mut self, items: Vec<Scheduled<E>>) -> Vec<Scheduled<E>> {
        self.hole = false;
        let mut spare = std::mem::replace(&mut self.items, items);
        spare.clear();
        self.heapify();
        spare
    }

    fn heapify(&mut self) {
        // From the last node that has children up to the root.
        for at in (0..self.items.len().saturating_sub(1).div_ceil(ARITY)).rev() {
            self.sift_down(at, self.items[at]);
        }
    }

    /// Puts `entry` at `at` or below, where `at` is free and its subtrees are heaps.
    #[inline]
    fn sift_down(&mut self, mut at: usize, entry: Scheduled<E>) {
        let items = &mut self.items[..];
        let key = entry.key();
        loop {
            let first = at * ARITY + 1;
            let Some((least, least_key)) = least_of(items, first) else {
                break;
            };
            if key <= least_key {
                break;
            }
            items[at] = items[least];
            at = least;
        }
        items[at] = entry;
    }

    /// Puts `entry` at `at` or above, where `at` is free.
    #[inline]
    fn sift_up(&mut self, mut at: usize, entry: Scheduled<E>) {
        let items = &mut self.items[..];
        let key = entry.key();
        while at > 0 {
            let parent = (at - 1) / ARITY;
            if items[parent].key() <= key {
                break;
            }
            items[at] = items[parent];
            at = parent;
        }
        items[at] = entry;
    }
}

/// The least of the siblings that start at `first`, if there are any.
#[inline]
fn least_of<E>(items: &[Scheduled<E>], first: usize) -> Option<(usize, u128)> {
    if let Some(siblings) = items.get(first..first + ARITY) {
        let (mut least, mut least_key) = (0, siblings[0].key());
        for (i, sibling) in siblings.iter().enumerate().skip(1) {
            let key = sibling.key();
            // Two selects, not a branch: which sibling is least is a coin toss that no processor predicts.
            let less = key < least_key;
            least = if less { i } else { least };
            least_key = if less { key } else { least_key };
        }
        return Some((first + least, least_key));
    }
    let siblings = items.get(first..)?.iter().enumerate();
    siblings
        .map(|(i, s)| (first + i, s.key()))
        .min_by_key(|&(_, key)| key)
}

impl<E: Copy> EventList<E> for QuadHeap<E> {
    #[inline]
    fn push(&mut self, entry: Scheduled<E>) {
        if self.hole {
            self.hole = false;
            self.sift_down(0, entry);
        } else {
            let end = self.items.len();
            self.items.push(entry);
            self.sift_up(end, entry);
        }
    }

    #[inline]
    fn pop(&mut self) -> Option<Scheduled<E>> {
        let first = self.peek()?;
        self.hole = true;
        Some(first)
    }

    #[inline]
    fn peek(&mut self) -> Option<Scheduled<E>> {
        self.settle();
        self.items.first().copied()
    }

    #[inline]
    fn len(&self) -> usize {
        self.items.len() - usize::from(self.hole)
    }

    fn retain(&mut self, keep: impl FnMut(&Scheduled<E>) -> bool) {
        self.settle();
        self.items.retain(keep);
        self.heapify();
    }

    fn iter<'a>(&'a self) -> impl Iterator<Item = &'a Scheduled<E>>
    where
        E: 'a,
    {
        self.items[usize::from(self.hole)..].iter()
    }
}

/// The standard library's binary heap: the yardstick of the benchmark and the oracle of the tests.
#[derive(Clone, Debug)]
pub struct StdHeap<E>(BinaryHeap<Earliest<E>>);

/// Reversed, because the standard heap gives the greatest first.
#[derive(Clone, Copy, Debug)]
struct Earliest<E>(Scheduled<E>);

impl<E> Ord for Earliest<E> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.key().cmp(&self.0.key())
    }
}
impl<E> PartialOrd for Earliest<E> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<E> PartialEq for Earliest<E> {
    fn eq(&self, other: &Self) -> bool {
        self.0.key() == other.0.key()
    }
}
impl<E> Eq for Earliest<E> {}

impl<E> Default for StdHeap<E> {
    fn default() -> Self {
        Self(BinaryHeap::new())
    }
}

impl<E: Copy> EventList<E> for StdHeap<E> {
    #[inline]
    fn push(&mut self, entry: Scheduled<E>) {
        self.0.push(Earliest(entry));
    }
    #[inline]
    fn pop(&mut self) -> Option<Scheduled<E>> {
        self.0.pop().map(|e| e.0)
    }
    #[inline]
    fn peek(&mut self) -> Option<Scheduled<E>> {
        self.0.peek().map(|e| e.0)
    }
    fn len(&self) -> usize {
        self.0.len()
    }
    fn retain(&mut self, mut keep: impl FnMut(&Scheduled<E>) -> bool) {
        self.0.retain(|e| keep(&e.0));
    }
    fn iter<'a>(&'a self) -> impl Iterator<Item = &'a Scheduled<E>>
    where
        E: 'a,
    {
        self.0.iter().map(|e| &e.0)
    }
}
