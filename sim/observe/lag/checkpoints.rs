//! Where a queue ended at the samples of the past, so that it can be told about when a record was stored.

use crate::kernel::memory;
use crate::kernel::time::{SimDuration, SimTime};

/// Checkpoints of one queue at most; beyond, every second one is dropped.
pub(super) const CHECKPOINTS: usize = 256;

/// A queue ended at `end` from sample `reached` (or earlier) to sample `until`.
#[derive(Clone, Copy, Debug)]
struct Checkpoint {
    end: u64,
    reached: SimTime,
    until: SimTime,
}

/// Those of one queue that somebody who reads it may still need. Most queues have one alone, as their readers keep up.
#[derive(Clone, Debug)]
pub(super) struct Checkpoints {
    last: Checkpoint,
    older: Vec<Checkpoint>,
}

impl Checkpoints {
    /// Those of an empty queue that was created `now`.
    pub(super) fn new(now: SimTime) -> Self {
        Self {
            last: Checkpoint {
                end: 0,
                reached: now,
                until: now,
            },
            older: Vec::new(),
        }
    }

    /// Notes where the queue ends now, which was looked at last `before`, and forgets what every reader has passed (all below
    /// `lowest`).
    pub(super) fn remember(&mut self, before: SimTime, now: SimTime, end: u64, lowest: u64) {
        if self.last.end != end {
            let mut last = std::mem::replace(
                &mut self.last,
                Checkpoint {
                    end,
                    reached: now,
                    until: now,
                },
            );
            if lowest < end {
                last.until = last.until.max(before);
                self.older.push(last);
            }
        }
        if lowest >= end {
            return self.older.clear();
        }
        // The last point at or below the lowest frontier is still needed: the next message lies behind it.
        let passed = self.older.partition_point(|point| point.end <= lowest);
        self.older.drain(..passed.saturating_sub(1));
        if self.older.len() >= CHECKPOINTS {
            let mut index = 0;
            self.older.retain(|_| {
                index += 1;
                index % 2 == 1
            });
        }
    }

    /// About when the record at `offset` was stored, which lies before the end at the last look.
    pub(super) fn stored_at(&self, offset: u64) -> SimTime {
        let after = self.older.partition_point(|point| point.end <= offset);
        let Some(before) = after.checked_sub(1).map(|at| self.older[at]) else {
            return self.last.reached;
        };
        let next = self.older.get(after).unwrap_or(&self.last);
        let span = u128::from(next.reached.since(before.until).as_nanos());
        let share = span * u128::from(offset - before.end) / u128::from(next.end - before.end);
        before.until + SimDuration::from_nanos(share as u64)
    }

    /// Where the queue ended at the last look.
    pub(super) fn end(&self) -> u64 {
        self.last.end
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.older.len() + 1
    }

    /// Bytes of a queue in which something has waited for so many samples.
    pub(super) fn held_for(samples: u64) -> u64 {
        memory::of_grown::<Checkpoint>(samples.min(CHECKPOINTS as u64))
    }

    /// Bytes that they hold.
    pub(super) fn held(&self) -> u64 {
        memory::of_vec(&self.older)
    }
}
