//! Duplicates: deliveries of a record that the group had been given before, by how its queue changed hands.
//!
//! A record is delivered again because its queue starts over at a committed offset that lags behind the
//! deliveries. The cause is therefore that of the last hand-over of the queue; where hand-overs follow each
//! other faster than commits, the last one takes the blame of all. If the broker ended or an operator reset the offset,
//! that is the cause for all that the group had seen by then, whoever delivers it. What could not be sent back comes again
//! without one.

use crate::observe::ownership::HandOver;

/// What leads a group back to records that it has seen, other than a change of hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedBack {
    /// The process of the broker ended: it forgot offsets, members and what it had delivered.
    BrokerEnded,
    /// An operator has set the offset.
    Reset,
}

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
    /// The broker of the queue had ended.
    pub broker: u64,
    /// An operator had sent the group back.
    pub reset: u64,
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

    /// One more, of a record that the group had seen when something else than its consumers led it back.
    pub fn count_led_back(&mut self, by: LedBack) {
        *match by {
            LedBack::BrokerEnded => &mut self.broker,
            LedBack::Reset => &mut self.reset,
        } += 1;
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        let moved = self.killed + self.vanished + self.graceful + self.rebalance + self.overlap + self.paused;
        moved + self.broker + self.reset + self.local_retry + self.other
    }
}
