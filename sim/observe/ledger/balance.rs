//! What an account says.

use crate::cluster::fact::DropCause;

/// The account of one group; counts of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Stored in the topics it subscribes to.
    pub produced: u64,
    /// Copies and dead letters made of a record that had ended before.
    pub extra_copies: u64,
    /// Stored in subscribed topics, not delivered.
    pub waiting: u64,
    /// Delivered, not ended.
    pub in_flight: u64,
    /// Scheduled, or in the retry topic and not delivered.
    pub awaiting_retry: u64,
    /// Ended with success.
    pub succeeded: u64,
    /// Ended in the dead-letter topic.
    pub dead: u64,
    /// Passed over by a filter, never delivered.
    pub filtered: u64,
    /// Removed by retention before any delivery.
    pub expired: u64,
    /// Skipped before any delivery.
    pub skipped: u64,
    /// Delivered, not ended, and skipped.
    pub skipped_unfinished: u64,
    /// Passed over by a filter, never delivered, and a member asks for them.
    pub mismatched: u64,
    /// Skipped because an operator has reset the offset, delivered or not.
    pub reset: u64,
    /// Failed, and nobody will try them again; by [`DropCause`].
    pub dropped: [u64; DropCause::ALL.len()],
}

impl Balance {
    /// What came in.
    pub fn left(&self) -> u64 {
        self.produced + self.extra_copies
    }
    /// Where it is.
    pub fn right(&self) -> u64 {
        let open = self.waiting + self.in_flight + self.awaiting_retry;
        open + self.succeeded + self.dead + self.filtered + self.expired + self.lost()
    }
    /// Records that somebody in the group asks for, as far as known.
    pub fn asked_for(&self) -> u64 {
        self.produced.saturating_sub(self.filtered + self.mismatched)
    }
    /// Skipped, delivered or not, passed over by mistake, and dropped.
    pub fn lost(&self) -> u64 {
        let by_mistake = self.mismatched + self.skipped + self.skipped_unfinished;
        by_mistake + self.reset + self.dropped.iter().sum::<u64>()
    }
}
