//! Who holds which queue when: intervals, gaps, overlaps, and why a queue last changed hands.
//!
//! A queue of a group has no owner (a gap), one, or for a while two: consumers decide for themselves, on views
//! that differ for some milliseconds. Gaps count from the first owner on, so that the start-up is no gap.

use crate::cluster::ids::ConsumerId;
use crate::kernel::time::{SimDuration, SimTime};

/// Intervals kept at most; what comes later is counted only.
const INTERVALS: usize = 100_000;

/// Why the present owner of a queue starts where another stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HandOver {
    /// It is the first owner.
    #[default]
    None,
    /// The owner before was killed.
    Killed,
    /// The host of the owner before was lost.
    Vanished,
    /// The owner before shut down.
    Graceful,
    /// The owner before lives and gave it up.
    Rebalance,
    /// The owner before still held it.
    Overlap,
}

/// What an acquisition meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// The queue never had an owner.
    First,
    /// The same consumer had it last.
    Again,
    /// Another consumer had it last.
    Moved,
}

/// One consumer holds one queue for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Position of the slot.
    pub slot: u32,
    /// Who.
    pub consumer: ConsumerId,
    /// From when.
    pub from: SimTime,
    /// To when; `None` while it lasts.
    pub to: Option<SimTime>,
}

/// One queue of one group.
#[derive(Clone, Debug, Default)]
struct Holding {
    /// Present owners by the position of their open interval, oldest first.
    owners: Vec<(ConsumerId, Option<u32>)>,
    /// Who took it last.
    newest: Option<ConsumerId>,
    came_by: HandOver,
    left_by: HandOver,
    unowned_since: SimTime,
    overlap_since: SimTime,
    unowned: SimDuration,
    unowned_max: SimDuration,
    overlap: SimDuration,
}

/// Gaps and overlaps of one queue up to some instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Without an owner, after the first.
    pub unowned: SimDuration,
    /// The longest gap.
    pub unowned_max: SimDuration,
    /// With two owners or more.
    pub overlap: SimDuration,
}

/// Folds acquisitions and releases into intervals.
#[derive(Debug, Default)]
pub struct Ownership {
    holdings: Vec<Holding>,
    intervals: Vec<Interval>,
    omitted: u64,
}

impl Ownership {
    /// Makes room for all slots known.
    pub fn grow(&mut self, slots: usize) {
        self.holdings.resize_with(slots, Holding::default);
    }

    /// `consumer` takes the queue of `slot`.
    pub fn acquired(&mut self, now: SimTime, slot: usize, consumer: ConsumerId) -> Acquired {
        let interval = (self.intervals.len() < INTERVALS).then_some(self.intervals.len() as u32);
        if interval.is_some() {
            self.intervals.push(Interval {
                slot: slot as u32,
                consumer,
                from: now,
                to: None,
            });
        } else {
            self.omitted += 1;
        }
        let holding = &mut self.holdings[slot];
        let before = holding.newest.replace(consumer);
        match holding.owners.len() {
            0 => {
                holding.came_by = holding.left_by;
                if before.is_some() {
                    holding.end_gap(now);
                }
            }
            owners => {
                holding.came_by = HandOver::Overlap;
                if owners == 1 {
                    holding.overlap_since = now;
                }
            }
        }
        holding.owners.push((consumer, interval));
        match before {
            None => Acquired::First,
            Some(before) if before == consumer => Acquired::Again,
            Some(_) => Acquired::Moved,
        }
    }

    /// `consumer` gives the queue of `slot` up; whether it held it.
    pub fn released(&mut self, now: SimTime, slot: usize, consumer: ConsumerId, by: HandOver) -> bool {
        let holding = &mut self.holdings[slot];
        let Some(position) = holding.owners.iter().position(|&(owner, _)| owner == consumer) else {
            return false;
        };
        let (_, interval) = holding.owners.remove(position);
        if let Some(interval) = interval {
            self.intervals[interval as usize].to = Some(now);
        }
        match holding.owners.len() {
            0 => {
                holding.left_by = by;
                holding.unowned_since = now;
            }
            1 => {
                holding.overlap += now.since(holding.overlap_since);
                // A client that shuts down holds its queues until it is gone, while others take them.
                if holding.came_by == HandOver::Overlap && by != HandOver::Rebalance {
                    holding.came_by = by;
                }
            }
            _ => {}
        }
        true
    }

    /// A client is gone. If it was the last to give the queue of `slot` up and nobody took it since, that was
    /// part of its going.
    pub fn left_for_good(&mut self, slot: usize, consumer: ConsumerId, by: HandOver) {
        let holding = &mut self.holdings[slot];
        if holding.owners.is_empty() && holding.newest == Some(consumer) {
            holding.left_by = by;
        }
    }

    /// Why `consumer` may see messages again that the group saw before.
    pub fn cause(&self, slot: usize, consumer: ConsumerId) -> HandOver {
        let holding = &self.holdings[slot];
        if holding.newest == Some(consumer) {
            holding.came_by
        } else {
            HandOver::Overlap
        }
    }

    /// Who took the queue last, whether or not it still holds it.
    pub fn newest(&self, slot: usize) -> Option<ConsumerId> {
        self.holdings[slot].newest
    }

    /// Who holds the queue: of several owners the newest.
    pub fn owner(&self, slot: usize) -> Option<ConsumerId> {
        self.holdings[slot].owners.last().map(|&(owner, _)| owner)
    }

    /// Gaps and overlaps of the queue until `now`.
    pub fn gaps(&self, now: SimTime, slot: usize) -> Gaps {
        let mut holding = self.holdings[slot].clone();
        match holding.owners.len() {
            0 if holding.newest.is_some() => holding.end_gap(now),
            0 | 1 => {}
            _ => holding.overlap += now.since(holding.overlap_since),
        }
        Gaps {
            unowned: holding.unowned,
            unowned_max: holding.unowned_max,
            overlap: holding.overlap,
        }
    }

    /// All intervals in order of their starts, the first 100 000.
    pub fn intervals(&self) -> &[Interval] {
        &self.intervals
    }

    /// Intervals beyond those.
    pub fn omitted(&self) -> u64 {
        self.omitted
    }
}

impl Holding {
    fn end_gap(&mut self, now: SimTime) {
        let gap = now.since(self.unowned_since);
        self.unowned += gap;
        self.unowned_max = self.unowned_max.max(gap);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::story::secs;

    const A: ConsumerId = ConsumerId(0);
    const B: ConsumerId = ConsumerId(1);

    fn one_slot() -> Ownership {
        let mut ownership = Ownership::default();
        ownership.grow(1);
        ownership
    }

    /// A from 5 s, killed at 10 s; B from 14 s. Nobody until 5 s is no gap, from 10 to 14 s is.
    #[test]
    fn a_killed_owner_leaves_a_gap() {
        let mut ownership = one_slot();
        assert_eq!(ownership.acquired(secs(5), 0, A), Acquired::First);
        assert!(ownership.released(secs(10), 0, A, HandOver::Killed));
        assert_eq!(ownership.owner(0), None);
        assert_eq!(ownership.gaps(secs(12), 0).unowned, SimDuration::from_secs(2));
        assert_eq!(ownership.acquired(secs(14), 0, B), Acquired::Moved);
        let gaps = ownership.gaps(secs(20), 0);
        assert_eq!(
            (gaps.unowned, gaps.overlap),
            (SimDuration::from_secs(4), SimDuration::ZERO)
        );
        assert_eq!(ownership.cause(0, B), HandOver::Killed);
        assert_eq!(
            ownership.intervals()[0],
            Interval {
                slot: 0,
                consumer: A,
                from: secs(5),
                to: Some(secs(10))
            }
        );
        assert_eq!(ownership.intervals()[1].to, None);
    }

    /// B takes the queue 3 s before A lets go.
    #[test]
    fn two_owners_overlap() {
        let mut ownership = one_slot();
        ownership.acquired(secs(1), 0, A);
        ownership.acquired(secs(4), 0, B);
        assert_eq!(ownership.gaps(secs(6), 0).overlap, SimDuration::from_secs(2));
        assert_eq!(
            (ownership.cause(0, A), ownership.cause(0, B)),
            (HandOver::Overlap, HandOver::Overlap)
        );
        ownership.released(secs(7), 0, A, HandOver::Rebalance);
        let gaps = ownership.gaps(secs(9), 0);
        assert_eq!(
            (gaps.overlap, gaps.unowned),
            (SimDuration::from_secs(3), SimDuration::ZERO)
        );
        assert_eq!(ownership.owner(0), Some(B));
    }

    /// A graceful client gives its queues up before it reports its end.
    #[test]
    fn giving_up_on_the_way_out_counts_as_going() {
        let mut ownership = one_slot();
        ownership.acquired(secs(1), 0, A);
        ownership.released(secs(2), 0, A, HandOver::Rebalance);
        ownership.left_for_good(0, A, HandOver::Graceful);
        ownership.acquired(secs(3), 0, B);
        assert_eq!(ownership.cause(0, B), HandOver::Graceful);
    }

    /// The brokers tell the others before the client is gone: B takes the queue a little too early.
    #[test]
    fn taking_over_from_one_that_is_going_counts_as_its_going() {
        let mut ownership = one_slot();
        ownership.acquired(secs(1), 0, A);
        ownership.acquired(secs(2), 0, B);
        ownership.released(secs(3), 0, A, HandOver::Graceful);
        assert_eq!(ownership.cause(0, B), HandOver::Graceful);
        assert_eq!(ownership.gaps(secs(9), 0).overlap, SimDuration::from_secs(1));
    }

    #[test]
    fn taking_back_is_no_move_and_giving_up_twice_is_nothing() {
        let mut ownership = one_slot();
        ownership.acquired(secs(1), 0, A);
        assert!(ownership.released(secs(2), 0, A, HandOver::Rebalance));
        assert!(!ownership.released(secs(2), 0, A, HandOver::Killed));
        assert_eq!(ownership.acquired(secs(3), 0, A), Acquired::Again);
        assert_eq!(ownership.cause(0, A), HandOver::Rebalance);
    }
}
