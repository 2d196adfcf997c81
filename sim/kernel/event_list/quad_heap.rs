//! The lazy four-ary heap.

use crate::kernel::event_list::{EventList, Scheduled};

/// Something with a place in an order.
pub trait Keyed: Copy {
    /// Orders as the entries do. No two entries of a heap have the same.
    type Key: Ord + Copy;
    /// The entry's place.
    fn key(&self) -> Self::Key;
}

impl<E: Copy> Keyed for Scheduled<E> {
    type Key = u128;
    #[inline(always)]
    fn key(&self) -> u128 {
        Scheduled::key(self)
    }
}

/// An implicit heap of four children a node that pops lazily.
///
/// A pop leaves a hole at the root. A handler nearly always schedules a successor; that push then fills the
/// hole, and one sift does the work of two. Four children halve the depth, and lie side by side in memory.
#[derive(Clone, Debug)]
pub struct LazyHeap<T> {
    /// The heap; `items[0]` is stale while `hole` is set.
    items: Vec<T>,
    hole: bool,
}

/// The heap as an event list.
pub type QuadHeap<E> = LazyHeap<Scheduled<E>>;

/// Children of a node.
const ARITY: usize = 4;

impl<T> Default for LazyHeap<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            hole: false,
        }
    }
}

impl<T: Keyed> LazyHeap<T> {
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

    /// Makes a heap of entries in any order, in time proportional to their number.
    fn heapify(&mut self) {
        // From the last node that has children up to the root.
        for at in (0..self.items.len().saturating_sub(1).div_ceil(ARITY)).rev() {
            self.sift_down(at, self.items[at]);
        }
    }

    /// Puts `entry` at `at` or below, where `at` is free and its subtrees are heaps.
    #[inline]
    fn sift_down(&mut self, mut at: usize, entry: T) {
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
    fn sift_up(&mut self, mut at: usize, entry: T) {
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
fn least_of<T: Keyed>(items: &[T], first: usize) -> Option<(usize, T::Key)> {
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

impl<T: Keyed> LazyHeap<T> {
    /// Adds an entry.
    #[inline(always)]
    pub fn add(&mut self, entry: T) {
        if self.hole {
            self.hole = false;
            self.sift_down(0, entry);
        } else {
            let end = self.items.len();
            self.items.push(entry);
            self.sift_up(end, entry);
        }
    }

    /// Takes out the least entry.
    #[inline]
    pub fn take(&mut self) -> Option<T> {
        let first = self.least()?;
        self.hole = true;
        Some(first)
    }

    /// The least entry; fills the hole first.
    #[inline]
    pub fn least(&mut self) -> Option<T> {
        self.settle();
        self.items.first().copied()
    }

    /// How many entries there are.
    #[inline]
    pub fn count(&self) -> usize {
        self.items.len() - usize::from(self.hole)
    }

    /// Drops the entries that `keep` refuses.
    pub fn keep(&mut self, keep: impl FnMut(&T) -> bool) {
        self.settle();
        self.items.retain(keep);
        self.heapify();
    }

    /// All entries, in no particular order.
    pub fn entries(&self) -> &[T] {
        &self.items[usize::from(self.hole)..]
    }
}

impl<E: Copy> EventList<E> for QuadHeap<E> {
    #[inline(always)]
    fn push(&mut self, entry: Scheduled<E>) {
        self.add(entry);
    }

    fn put_back(&mut self, entry: Scheduled<E>) {
        self.add(entry);
    }

    #[inline]
    fn pop(&mut self) -> Option<Scheduled<E>> {
        self.take()
    }

    #[inline]
    fn peek(&mut self) -> Option<Scheduled<E>> {
        self.least()
    }

    #[inline]
    fn len(&self) -> usize {
        self.count()
    }

    fn retain(&mut self, keep: impl FnMut(&Scheduled<E>) -> bool) {
        self.keep(keep);
    }

    fn iter(&self) -> impl Iterator<Item = Scheduled<E>> {
        self.entries().iter().copied()
    }
}
