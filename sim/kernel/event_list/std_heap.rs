//! The standard library's heap, for comparison.

use crate::kernel::event_list::{EventList, Scheduled};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

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

    fn put_back(&mut self, entry: Scheduled<E>) {
        self.push(entry);
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
    fn iter(&self) -> impl Iterator<Item = Scheduled<E>> {
        self.0.iter().map(|e| e.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::time::SimTime;

    /// `Ord` asks that `==` and the order agree; what the entries carry has no part in either.
    #[test]
    fn entries_are_equal_where_the_order_says_so() {
        let entry = |time, seq, event| {
            let time = SimTime::from_nanos(time);
            Earliest(Scheduled { time, seq, event })
        };
        let entries = [
            entry(1, 2, 'a'),
            entry(1, 2, 'b'),
            entry(1, 3, 'a'),
            entry(2, 1, 'a'),
        ];
        for (i, a) in entries.iter().enumerate() {
            for (j, b) in entries.iter().enumerate() {
                assert_eq!(a == b, i.max(1) == j.max(1), "{a:?} {b:?}");
                assert_eq!(a == b, a.cmp(b).is_eq(), "{a:?} {b:?}");
            }
        }
    }
}
