//! The lag or backlog of a group: how high it rose, and how long that took to drain.

use crate::kernel::memory;
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::histogram::Histogram;

/// The sum of all levels of one kind in a group: its peak and how long that took to drain.
#[derive(Clone, Debug)]
pub struct Peak {
    value: i64,
    max: i64,
    max_at: SimTime,
    /// When it first fell to 1 % of the maximum or below, after the maximum.
    drained_at: Option<SimTime>,
    /// Its maximum since the last sample.
    window_max: i64,
    samples: Histogram,
    marks: Vec<Mark>,
    /// The highest value at which a mark is still to be reached; below 0 if none is.
    watch: i64,
}

/// A value to be drained, noted at one instant.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    at: SimTime,
    value: i64,
    drained_at: Option<SimTime>,
}

impl Mark {
    /// What was there.
    pub fn value(&self) -> u64 {
        self.value.max(0) as u64
    }
    /// From then to 1 % of it.
    pub fn drain(&self) -> Option<SimDuration> {
        Some(self.drained_at?.since(self.at))
    }
    /// The value at which it is drained.
    fn goal(&self) -> i64 {
        self.value / 100
    }
}

impl Peak {
    pub(super) fn new() -> Self {
        Self {
            value: 0,
            max: 0,
            max_at: SimTime::ZERO,
            drained_at: None,
            window_max: 0,
            samples: Histogram::default(),
            marks: Vec::new(),
            watch: -1,
        }
    }

    /// Maximum, drain time and percentile begin at `now`. Marks stay, and so does what the next sample looks back to.
    pub(super) fn restart(&mut self, now: SimTime) {
        self.max = self.value.max(0);
        self.max_at = now;
        self.drained_at = None;
        self.samples = Histogram::default();
    }

    /// Notes what there is to be drained.
    pub(super) fn mark(&mut self, now: SimTime) {
        self.marks.push(Mark {
            at: now,
            value: self.value,
            drained_at: None,
        });
        if self.value > 0 {
            self.watch = self.watch.max(self.value / 100);
        }
    }

    /// Some mark is drained.
    #[cold]
    fn reach(&mut self, now: SimTime) {
        self.watch = -1;
        for mark in self
            .marks
            .iter_mut()
            .filter(|mark| mark.value > 0 && mark.drained_at.is_none())
        {
            if self.value <= mark.goal() {
                mark.drained_at = Some(now);
            } else {
                self.watch = self.watch.max(mark.goal());
            }
        }
    }

    #[inline(always)]
    pub(super) fn change(&mut self, now: SimTime, delta: i64) {
        self.value += delta;
        if delta > 0 {
            self.window_max = self.window_max.max(self.value);
            if self.value > self.max {
                self.max = self.value;
                self.max_at = now;
                self.drained_at = None;
            }
        } else {
            if self.drained_at.is_none() && self.value * 100 <= self.max {
                self.drained_at = Some(now);
            }
            if self.value <= self.watch {
                self.reach(now);
            }
        }
    }

    pub(super) fn sample(&mut self) -> u64 {
        self.samples.record(self.value());
        let window_max = self.window_max.max(self.value);
        self.window_max = self.value;
        window_max.max(0) as u64
    }

    /// What was noted, in order.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }
    /// Now.
    pub fn value(&self) -> u64 {
        self.value.max(0) as u64
    }
    /// Highest ever.
    pub fn max(&self) -> u64 {
        self.max as u64
    }
    /// When it was highest first.
    pub fn max_at(&self) -> Option<SimTime> {
        (self.max > 0).then_some(self.max_at)
    }
    /// From the maximum to 1 % of it.
    pub fn drain(&self) -> Option<SimDuration> {
        let drained_at = self.drained_at?;
        (self.max > 0).then(|| drained_at.since(self.max_at))
    }
    /// 99th percentile of the samples, to three digits.
    pub fn p99(&self) -> u64 {
        self.samples.quantile(0.99).min(self.max())
    }
    /// Bytes that it holds.
    pub(super) fn held(&self) -> u64 {
        self.samples.held() + memory::of_vec(&self.marks)
    }
}
