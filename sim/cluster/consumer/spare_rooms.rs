//! Room for messages that clients take in: lent to a queue while it has some, and handed on.
//!
//! Where queues are many, few have messages at a time. If each kept room of its own, every message would meet memory that
//! no cache of the processor holds any more; handed on, the same few places serve all.

use crate::cluster::consumer::offset_window::CachedMessage;
use crate::kernel::memory;
use std::collections::VecDeque;

/// So many rooms of a kind are kept at most.
const KEPT: usize = 256;
/// What has room for more messages is not handed on: its queue keeps it.
pub const LENT: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub struct SpareRooms {
    answers: Vec<Vec<CachedMessage>>,
    caches: Vec<VecDeque<CachedMessage>>,
}

impl SpareRooms {
    /// Room for the messages of an answer on the wire.
    #[inline]
    pub fn for_answer(&mut self) -> Vec<CachedMessage> {
        self.answers.pop().unwrap_or_default()
    }

    /// An answer has arrived and was emptied.
    #[inline]
    pub fn keep_answer(&mut self, room: Vec<CachedMessage>) {
        debug_assert!(room.is_empty() && room.capacity() <= LENT);
        if self.answers.len() < KEPT {
            self.answers.push(room);
        }
    }

    /// Room for the cache of a queue.
    #[inline]
    pub fn for_cache(&mut self) -> VecDeque<CachedMessage> {
        self.caches.pop().unwrap_or_default()
    }

    /// Nothing of a queue is cached any more.
    #[inline]
    pub fn keep_cache(&mut self, room: VecDeque<CachedMessage>) {
        debug_assert!(room.is_empty() && room.capacity() <= LENT);
        if self.caches.len() < KEPT {
            self.caches.push(room);
        }
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let answers = self.answers.iter().map(memory::of_vec).sum::<u64>();
        let caches = self.caches.iter().map(memory::of_deque).sum::<u64>();
        memory::of_vec(&self.answers) + memory::of_vec(&self.caches) + answers + caches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was used last is used next, and few are kept.
    #[test]
    fn few_rooms_are_kept() {
        let mut rooms = SpareRooms::default();
        for capacity in (1..=LENT).cycle().take(1000) {
            rooms.keep_answer(Vec::with_capacity(capacity));
            rooms.keep_cache(VecDeque::with_capacity(capacity));
        }
        assert_eq!((rooms.answers.len(), rooms.caches.len()), (KEPT, KEPT));
        rooms.for_answer();
        rooms.keep_answer(Vec::with_capacity(33));
        assert_eq!(rooms.for_answer().capacity(), 33);
    }
}
