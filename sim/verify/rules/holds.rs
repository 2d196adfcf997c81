//! One hold of a queue by a client: how far its listener has come, and what its cache has.

use crate::kernel::time::SimTime;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// See the module.
#[derive(Clone, Debug)]
pub struct Hold {
    /// The offset that comes next, unless it is passed over.
    pub next_delivery: u64,
    /// What a filter has passed over.
    pub passed: Ranges,
    /// Failed and maybe not sent back: these may come again, with a higher count.
    pub failed: BTreeMap<u64, u16>,
    /// In an orderly group: with how many attempts each was delivered last.
    pub attempts: BTreeMap<u64, u16>,
    /// One past the last offset that came into the cache, if nothing was passed over.
    pub entered: u64,
    /// Last sign of its pull loop.
    pub last_sign: SimTime,
    /// Whether there was any.
    pub started: bool,
    /// It is the first hold of the queue by this client: whatever the pull loop shows belongs to it.
    pub first: bool,
    /// Since when a pull waits at the broker.
    pub at_broker: Option<SimTime>,
    /// Answers with messages, and pushes, that were sent.
    pub sent: u32,
    /// How many of them have come.
    pub came: u32,
    /// Messages in the cache when that was told last.
    pub cached: u32,
    /// From the first offset on all below this were consumed or passed over, and nothing failed.
    succeeded: u64,
    /// What was consumed above it.
    above: BTreeSet<u64>,
    start: u64,
    /// When the queue was taken.
    pub since: SimTime,
}

impl Hold {
    /// A queue taken at `start`.
    pub fn new(now: SimTime, start: u64, first: bool) -> Self {
        Self {
            next_delivery: start,
            passed: Ranges::default(),
            failed: BTreeMap::new(),
            attempts: BTreeMap::new(),
            entered: start,
            last_sign: now,
            started: false,
            first,
            at_broker: None,
            sent: 0,
            came: 0,
            cached: 0,
            succeeded: start,
            above: BTreeSet::new(),
            start,
            since: now,
        }
    }

    /// The listener has consumed an offset.
    pub fn succeeded(&mut self, offset: u64) {
        if offset >= self.succeeded {
            self.above.insert(offset);
        }
        loop {
            if let Some(end) = self
                .passed
                .end_of(self.succeeded)
                .filter(|_| !self.above.is_empty())
            {
                self.succeeded = end;
            } else if self.above.remove(&self.succeeded) {
                self.succeeded += 1;
            } else {
                return;
            }
        }
    }

    /// The listener will go on at an offset; what lies above is pulled anew if `pulled_anew`.
    pub fn go_back(&mut self, offset: u64, pulled_anew: bool) {
        self.next_delivery = offset;
        if pulled_anew {
            self.entered = offset;
            self.attempts.clear();
        }
    }

    /// Offsets that have come and were not given to the listener yet; it may have passed over some of them.
    pub fn waiting(&self) -> Range<u64> {
        self.next_delivery..self.entered.max(self.next_delivery)
    }

    /// The offset that its client has in memory at least, if it has consumed anything.
    pub fn finished(&self) -> Option<u64> {
        (self.succeeded > self.start).then_some(self.succeeded)
    }

    /// Moves over what was passed over, up to `offset`. A batch that comes again has the same gaps.
    pub fn skip_passed(&mut self, offset: u64) {
        while self.next_delivery < offset
            && let Some(end) = self.passed.end_of(self.next_delivery)
        {
            self.next_delivery = end.min(offset);
        }
    }
}

/// Ranges of offsets that do not touch.
#[derive(Clone, Debug, Default)]
pub struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    /// Adds what is not in it yet.
    pub fn add(&mut self, range: Range<u64>) {
        let (mut from, mut to) = (range.start, range.end);
        while let Some((&start, &end)) = self.0.range(..=to).next_back().filter(|(_, end)| **end >= from) {
            self.0.remove(&start);
            (from, to) = (from.min(start), to.max(end));
        }
        self.0.insert(from, to);
    }

    /// The end of the range that `offset` lies in.
    pub fn end_of(&self, offset: u64) -> Option<u64> {
        let (_, &end) = self.0.range(..=offset).next_back()?;
        (end > offset).then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_become_one() {
        let mut ranges = Ranges::default();
        for range in [10..20, 30..40, 15..17, 20..25, 5..10] {
            ranges.add(range);
        }
        let ends: Vec<Option<u64>> = [4, 5, 24, 25, 30, 40].map(|offset| ranges.end_of(offset)).into();
        assert_eq!(ends, [None, Some(25), Some(25), None, Some(40), None]);
        ranges.add(20..35);
        assert_eq!(ranges.0, BTreeMap::from([(5, 40)]));
    }
}
