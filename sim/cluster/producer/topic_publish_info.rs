//! Which queue the next message goes to: round robin from a random start, or by hash.
//!
//! Each sending thread has a counter of its own per topic, so T threads walk the queues independently.
//!
//! Source: `TopicPublishInfo`, `ThreadLocalIndex`, `SelectMessageQueueByHash`.

use crate::kernel::memory;

/// The queues that a producer may send to; `B` names a broker, `Q` a queue.
#[derive(Clone, Debug)]
pub struct TopicPublishInfo<B, Q> {
    queues: Vec<(B, Q)>,
    index: ThreadLocalIndex,
    /// The index modulo the number of queues, kept along so that a turn costs no division.
    position: usize,
}

impl<B: PartialEq, Q> TopicPublishInfo<B, Q> {
    /// `queues` with their brokers, in the order of
    /// [`TopicRoute::publish`](crate::cluster::topic_route::TopicRoute::publish); `start` is random.
    pub fn new(queues: Vec<(B, Q)>, start: i32) -> Self {
        let mut info = Self {
            queues,
            index: ThreadLocalIndex(start),
            position: 0,
        };
        info.reset_index(start);
        info
    }

    /// The queues, in order.
    pub fn queues(&self) -> &[(B, Q)] {
        &self.queues
    }

    /// The next queue in turn, as its position; `None` if there are none.
    #[inline]
    pub fn select_one(&mut self) -> Option<usize> {
        (!self.queues.is_empty()).then(|| self.turn())
    }

    /// The next queue in turn that is not on the broker tried last. If all are there, the next one anyway.
    pub fn select_one_avoiding(&mut self, last: Option<&B>) -> Option<usize> {
        match last {
            None => self.select_one(),
            Some(last) => self
                .select_filtered(|broker| broker != last)
                .or_else(|| self.select_one()),
        }
    }

    /// The next queue in turn whose broker passes; `None` after a full circle without one.
    pub fn select_filtered(&mut self, passes: impl Fn(&B) -> bool) -> Option<usize> {
        for _ in 0..self.queues.len() {
            let position = self.turn();
            if passes(&self.queues[position].0) {
                return Some(position);
            }
        }
        None
    }

    /// `resetIndex`: the counter goes on from another random value.
    pub fn reset_index(&mut self, start: i32) {
        self.index = ThreadLocalIndex(start);
        self.position = self.index.get() % self.queues.len().max(1);
    }

    /// Moves on by one queue.
    #[inline]
    fn turn(&mut self) -> usize {
        self.index.0 = self.index.0.wrapping_add(1);
        self.position = match self.position + 1 {
            _ if self.index.get() == 0 => 0,
            next if next == self.queues.len() => 0,
            next => next,
        };
        self.position
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of_vec(&self.queues)
    }
}

/// A counter that wraps round at 2³¹.
#[derive(Clone, Copy, Debug)]
struct ThreadLocalIndex(i32);

impl ThreadLocalIndex {
    #[inline]
    fn get(self) -> usize {
        (self.0 & i32::MAX) as usize
    }
}

/// `SelectMessageQueueByHash`: the queue of a key with Java hash code `hash`, as its position among `size`.
///
/// # Panics
/// If `size` is 0.
pub const fn select_by_hash(hash: i32, size: u32) -> usize {
    (hash as i64 % size as i64).unsigned_abs() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(queues: &[(char, u32)], start: i32, steps: &[(Option<char>, usize)]) {
        let mut info = TopicPublishInfo::new(queues.to_vec(), start);
        for &(last, expected) in steps {
            assert_eq!(info.select_one_avoiding(last.as_ref()), Some(expected));
        }
    }

    /// Attempts skip the broker tried last; with a single broker they just go on.
    #[test]
    fn resend_goes_to_another_broker() {
        check(
            &[('a', 0), ('a', 1), ('b', 0)],
            -1,
            &[(None, 0), (Some('a'), 2), (Some('b'), 0)],
        );
        check(&[('a', 0), ('a', 1)], -1, &[(None, 0), (Some('a'), 1)]);
    }

    /// After 2³¹ − 1 comes 0, whatever the position was: (2³¹ − 1) mod 3 = 1, then 0.
    #[test]
    fn counter_wraps_round() {
        check(
            &[('a', 0), ('a', 1), ('a', 2)],
            i32::MAX - 1,
            &[(None, 1), (None, 0), (None, 1)],
        );
    }

    #[test]
    fn no_queue_no_choice() {
        assert_eq!(
            TopicPublishInfo::<char, u32>::new(vec![], 0).select_one_avoiding(Some(&'a')),
            None
        );
    }

    /// The remainder has the sign of the hash; its absolute value counts. −7 mod 3 = −1 → 1.
    #[test]
    fn negative_hashes_are_mirrored() {
        assert_eq!(select_by_hash(-7, 3), 1);
        assert_eq!(select_by_hash(i32::MIN, 5), 3);
    }
}
