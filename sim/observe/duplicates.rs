//! Duplicates: deliveries of a record that the group had been given before, by how its queue changed hands.
//!
//! A record is delivered again because its queue starts over at a committed offset that lags behind the
//! deliveries. The cause is therefore that of the last hand-over of the queue; where hand-overs follow each
//! other faster than commits, the last one takes the blame of all. What could not be sent back comes again without one.

use crate::observe::ownership::HandOver;

/// Duplicates of one group by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Duplicates {
    /// The owner before was killed.
    pub killed: u64,
    /// The host of the owner before was lost.
    pub vanished: u64,
    /// The owner before shut down.
    pub graceful: u64,
    /// The owner before lives and gave the queue up.
    pub rebalance: u64,
    /// Two consumers held the queue at once.
    pub overlap: u64,
    /// The owner before was a stopped process, or this one was and others took the queue meanwhile.
    pub paused: u64,
    /// It had failed at the same consumer and could not be sent back.
    pub local_retry: u64,
    /// The queue did not change hands.
    pub other: u64,
}

impl Duplicates {
    /// One more.
    pub fn count(&mut self, cause: HandOver) {
        *match cause {
            HandOver::Killed => &mut self.killed,
            HandOver::Vanished => &mut self.vanished,
            HandOver::Graceful => &mut self.graceful,
            HandOver::Rebalance => &mut self.rebalance,
            HandOver::Overlap => &mut self.overlap,
            HandOver::Paused => &mut self.paused,
            HandOver::None => &mut self.other,
        } += 1;
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        let moved = self.killed + self.vanished + self.graceful + self.rebalance + self.overlap + self.paused;
        moved + self.local_retry + self.other
    }
}
