//! Lag and backlog of one slot in one cache line: there are as many as queues, and each message changes one.

use crate::kernel::time::SimTime;
use crate::observe::lag::{Level, SlotLag};

/// See the module. What it holds is [`SlotLag`].
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Row {
    /// The committed offset, [`NOTHING`] or [`UNBORN`].
    committed: u64,
    /// Lag and backlog: now, the highest, and the lower and the upper part of the moment.
    values: [i64; 2],
    maxima: [i64; 2],
    low: [u64; 2],
    high: [i32; 2],
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Row>() == 64, "one cache line");

/// Nothing is committed.
const NOTHING: u64 = u64::MAX;
/// A reader of a broadcasting group that has not come yet: nothing lags behind it.
const UNBORN: u64 = NOTHING - 1;

/// Which level of a [`Row`].
#[derive(Clone, Copy)]
pub(super) enum Of {
    /// Max offset − committed offset.
    Lag,
    /// Max offset − records ended.
    Backlog,
}

impl Row {
    /// That of a queue of which nothing is known; `is_unborn`: as read by one who has not come yet.
    pub(super) fn new(is_unborn: bool) -> Self {
        Self {
            committed: if is_unborn { UNBORN } else { NOTHING },
            values: [0; 2],
            maxima: [0; 2],
            low: [0; 2],
            high: [0; 2],
        }
    }

    /// One of the two levels.
    #[inline(always)]
    pub(super) fn level(&self, of: Of) -> Level {
        let at = of as usize;
        Level {
            value: self.values[at],
            max: self.maxima[at],
            moment: i128::from(self.high[at]) << 64 | i128::from(self.low[at]),
        }
    }

    #[inline(always)]
    fn set(&mut self, of: Of, level: Level) {
        let at = of as usize;
        (self.values[at], self.maxima[at]) = (level.value, level.max);
        // 2⁹⁵ is a lag of 20 thousand million, all the events that a run may have, for 60 years.
        let high =
            i32::try_from(level.moment >> 64).expect("a lag over time of less than 2⁹⁵ message-nanoseconds");
        (self.low[at], self.high[at]) = (level.moment as u64, high);
    }

    /// The level changes by `delta` at `now`.
    #[inline(always)]
    pub(super) fn change(&mut self, of: Of, now: SimTime, delta: i64) {
        let mut level = self.level(of);
        level.change(now, delta);
        self.set(of, level);
    }

    /// Integral and maximum begin at `now`.
    pub(super) fn restart(&mut self, of: Of, now: SimTime) {
        let mut level = self.level(of);
        level.restart(now);
        self.set(of, level);
    }

    /// The committed offset.
    #[inline(always)]
    pub(super) fn committed(&self) -> Option<u64> {
        (self.committed < UNBORN).then_some(self.committed)
    }

    /// The committed offset is `offset` now; who had not come has come.
    #[inline(always)]
    pub(super) fn commit(&mut self, offset: u64) {
        self.committed = offset;
    }

    /// Whether its reader has not come yet.
    #[inline(always)]
    pub(super) fn is_unborn(&self) -> bool {
        self.committed == UNBORN
    }

    /// Lag and backlog, now.
    #[inline]
    pub(super) fn now(&self) -> (u64, u64) {
        let [lag, backlog] = self.values;
        (lag.max(0) as u64, backlog.max(0) as u64)
    }

    /// All of it.
    pub(super) fn get(&self) -> SlotLag {
        SlotLag {
            committed: self.committed(),
            lag: self.level(Of::Lag),
            backlog: self.level(Of::Backlog),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What goes in comes out, on both sides of 0 and far beyond 64 bits; the two levels do not disturb each other.
    #[test]
    fn a_row_keeps_both_levels() {
        let mut row = Row::new(false);
        let (mut lag, mut backlog) = (Level::default(), Level::default());
        for n in 1..100_i64 {
            let now = SimTime::from_nanos(n as u64 * 3_000_000_000_000_000);
            let (by, back) = (n * 4_000_000, -n * 3_000_000);
            row.change(Of::Lag, now, by);
            row.change(Of::Backlog, now, back);
            lag.change(now, by);
            backlog.change(now, back);
        }
        let end = SimTime::from_nanos(300_000_000_000_000_000);
        assert!(lag.integral(end) > i128::from(u64::MAX) * 1000);
        for (mine, plain) in [(row.get().lag, lag), (row.get().backlog, backlog)] {
            assert_eq!(mine.integral(end), plain.integral(end));
            assert_eq!((mine.value(), mine.max()), (plain.value(), plain.max()));
        }
    }

    #[test]
    fn who_has_not_come_has_committed_nothing() {
        let mut row = Row::new(true);
        assert_eq!((row.is_unborn(), row.committed()), (true, None));
        assert_eq!(Row::new(false).committed(), None);
        row.commit(7);
        assert_eq!((row.is_unborn(), row.committed()), (false, Some(7)));
    }
}
