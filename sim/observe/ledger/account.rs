//! One queue as one group has read it.

use crate::observe::passed::Passed;
use crate::observe::settled::Settled;

/// One queue as one group has read it. One cache line: there are as many as queues.
#[derive(Clone, Debug, Default)]
#[repr(C, align(64))]
pub(super) struct Account {
    /// All records below were delivered, passed over, skipped or expired; the one here was not.
    pub(super) frontier: u64,
    pub(super) settled: Settled,
    /// Records below do not count: they were there before this reader first came.
    pub(super) base: u64,
    /// Records below the frontier that were skipped or expired before any delivery.
    pub(super) unseen: u64,
    /// Deliveries of records below the frontier.
    pub(super) duplicates: u64,
    /// What filters have passed over; made by the first such record.
    pub(super) by_filter: Option<Box<ByFilter>>,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Account>() == 64, "one cache line");

/// What filters have passed over of one queue, as one group has read it.
#[derive(Clone, Debug)]
pub(super) struct ByFilter {
    /// Records passed over and not delivered, below and above the frontier.
    pub(super) passed: Passed,
    /// Those of them that a member asks for.
    pub(super) mismatched: Option<Passed>,
    /// How many of the passed ones lie above the frontier.
    pub(super) passed_above: u64,
    /// Whether one was delivered after all.
    pub(super) came_back: bool,
}

impl ByFilter {
    pub(super) fn new(frontier: u64) -> Self {
        Self {
            passed: Passed::new(frontier),
            mismatched: None,
            passed_above: 0,
            came_back: false,
        }
    }
}

impl Account {
    /// That of a reader who has not come yet: nothing counts for it.
    pub(super) fn unborn() -> Self {
        Self {
            base: u64::MAX,
            frontier: u64::MAX,
            unseen: u64::MAX,
            ..Self::default()
        }
    }

    pub(super) fn is_born(&self) -> bool {
        self.base != u64::MAX
    }

    /// Records passed over and not delivered.
    pub(super) fn passed(&self) -> u64 {
        self.by_filter.as_ref().map_or(0, |by| by.passed.count())
    }

    /// How many of them lie above the frontier.
    pub(super) fn passed_above(&self) -> u64 {
        self.by_filter.as_ref().map_or(0, |by| by.passed_above)
    }

    /// Moves the frontier to `to` or, beyond it, to the next record that was not passed over.
    #[inline]
    pub(super) fn advance(&mut self, to: u64) {
        if let Some(by) = &mut self.by_filter {
            let before = self.frontier;
            self.frontier = by.passed.first_gap(to);
            let jumped = (before..self.frontier).filter(|offset| by.passed.contains(*offset));
            by.passed_above -= jumped.count() as u64;
        } else {
            self.frontier = to;
        }
    }

    /// The group will not see what lies below `to` and was neither seen nor passed over. Returns how many records.
    pub(super) fn give_up(&mut self, to: u64) -> u64 {
        if to <= self.frontier {
            return 0;
        }
        let given_up = match &self.by_filter {
            None => self.settled.insert_range(self.frontier, to),
            Some(by) => {
                let unseen = (self.frontier..to).filter(|offset| !by.passed.contains(*offset));
                unseen.filter(|offset| self.settled.insert(*offset)).count() as u64
            }
        };
        self.unseen += given_up;
        self.advance(to);
        given_up
    }
}
