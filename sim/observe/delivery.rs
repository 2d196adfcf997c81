//! How messages got to the clients of a group: requests, answers, and what lay in their caches.

use crate::cluster::consumer::held_queue::CacheTotal;
use crate::cluster::fact::{PullResult, RequestKind};
use crate::kernel::time::SimDuration;

/// One group.
#[derive(Clone, Debug, Default)]
pub struct Delivered {
    by_kind: [u64; RequestKind::ALL.len()],
    /// Answers and envelopes with messages.
    pub envelopes: u64,
    /// Of these, sent unasked.
    pub pushed: u64,
    /// Answers without messages.
    pub empty: u64,
    /// Messages in all of them.
    pub messages: u64,
    /// Listener calls that passed a guard.
    pub passed: u64,
    /// Of these, calls that waited for it.
    pub passed_late: u64,
    /// Listener calls that a guard blocked.
    pub blocked: u64,
    /// Thread time that waited at guards.
    pub waited: SimDuration,
    /// Messages forwarded to another topic.
    pub forwarded: u64,
    /// What all clients of the group had in their caches at most, each for itself.
    pub cached_max: CacheTotal,
}

impl Delivered {
    /// A request of one of its clients arrived.
    #[inline(always)]
    pub fn request(&mut self, kind: RequestKind) {
        self.by_kind[kind as usize] += 1;
    }

    /// A pull is answered.
    #[inline(always)]
    pub fn answered(&mut self, result: PullResult, messages: u32) {
        match result {
            PullResult::Found => self.envelopes += 1,
            PullResult::NotFound | PullResult::NoMatched | PullResult::OffsetMoved => self.empty += 1,
        }
        self.messages += u64::from(messages);
    }

    /// Messages are sent unasked.
    pub fn pushed(&mut self, messages: u32) {
        self.envelopes += 1;
        self.pushed += 1;
        self.messages += u64::from(messages);
    }

    /// A listener call passes a guard.
    pub fn guard_passed(&mut self, waited: SimDuration) {
        self.passed += 1;
        self.passed_late += u64::from(!waited.is_zero());
        self.waited += waited;
    }

    /// Requests of one kind.
    pub fn of(&self, kind: RequestKind) -> u64 {
        self.by_kind[kind as usize]
    }

    /// Requests that are there to get messages: pulls, orders, acknowledgements.
    pub fn requests(&self) -> u64 {
        self.of(RequestKind::Pull) + self.of(RequestKind::Acknowledge)
    }
}

/// Raises each part of `max` to that of `now`.
#[inline(always)]
pub fn raise(max: &mut CacheTotal, now: CacheTotal) {
    max.messages = max.messages.max(now.messages);
    max.bytes = max.bytes.max(now.bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pulls_and_acknowledgements_are_what_messages_cost() {
        let mut delivered = Delivered::default();
        for kind in RequestKind::ALL {
            delivered.request(kind);
        }
        delivered.answered(PullResult::Found, 3);
        delivered.answered(PullResult::NotFound, 0);
        delivered.pushed(4);
        assert_eq!(
            (delivered.requests(), delivered.envelopes, delivered.pushed),
            (2, 2, 1)
        );
        assert_eq!((delivered.messages, delivered.empty), (7, 1));
    }

    /// The most messages and the most bytes need not come together.
    #[test]
    fn peaks_are_of_each_part() {
        let mut max = CacheTotal::default();
        raise(
            &mut max,
            CacheTotal {
                messages: 5,
                bytes: 10,
            },
        );
        raise(
            &mut max,
            CacheTotal {
                messages: 2,
                bytes: 90,
            },
        );
        assert_eq!((max.messages, max.bytes), (5, 90));
    }
}
