//! Lag and backlog: how much of a queue a group has yet to do, over time.
//!
//! *Lag* is max offset − committed offset, what operators see; a queue without a committed offset counts from
//! 0, as `mqadmin consumerProgress` does. *Backlog* is max offset − records ended, what is truly left. The max
//! offset is that of the consume queue: what pulls can see. Means are exact integrals over time, kept as
//! integers: a change by δ at time t moves the integral up to the end T by δ × (T − t), so the sum of δ × t is
//! all there is to keep.
//!
//! The 99th percentile is that of the samples. The age of the oldest waiting message comes from checkpoints
//! (end of the queue at each sample); a message between two of them is taken to be stored at an even pace.

use crate::cluster::ids::{GroupId, QueueId};
use crate::kernel::memory;
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::histogram::Histogram;
use crate::observe::lag::row::{Of, Row};
use crate::observe::slots::{Slot, Slots};

mod row;

/// Checkpoints of one queue at most; beyond, every second one is dropped.
const CHECKPOINTS: usize = 256;

/// A count over time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Level {
    value: i64,
    max: i64,
    /// Sum of δ × t, in messages × nanoseconds.
    moment: i128,
}

impl Level {
    /// The count changes by `delta` at `now`.
    #[inline(always)]
    pub fn change(&mut self, now: SimTime, delta: i64) {
        self.value += delta;
        self.max = self.max.max(self.value);
        self.moment += i128::from(delta) * i128::from(now.as_nanos());
    }
    /// Now. Never below 0 for a count that starts at 0 and is kept right.
    pub fn value(&self) -> u64 {
        self.value.max(0) as u64
    }
    /// Highest ever.
    pub fn max(&self) -> u64 {
        self.max as u64
    }
    /// Integral from the start of the run, or the last restart, to `end`, in messages × nanoseconds.
    pub fn integral(&self, end: SimTime) -> i128 {
        i128::from(self.value) * i128::from(end.as_nanos()) - self.moment
    }
    /// Mean from `from`, the start of the run or the last restart, to `end`; 0 if there is nothing between.
    pub fn mean(&self, from: SimTime, end: SimTime) -> f64 {
        mean(self.integral(end), from, end)
    }
    /// Integral and maximum begin at `now`.
    fn restart(&mut self, now: SimTime) {
        self.moment = i128::from(self.value) * i128::from(now.as_nanos());
        self.forget_max();
    }
    /// The maximum begins now.
    pub fn forget_max(&mut self) {
        self.max = self.value.max(0);
    }
}

fn mean(integral: i128, from: SimTime, end: SimTime) -> f64 {
    let span = end.since(from);
    if span.is_zero() {
        return 0.0;
    }
    integral as f64 / span.as_nanos() as f64
}

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
    fn new() -> Self {
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
    fn restart(&mut self, now: SimTime) {
        self.max = self.value.max(0);
        self.max_at = now;
        self.drained_at = None;
        self.samples = Histogram::default();
    }

    /// Notes what there is to be drained.
    fn mark(&mut self, now: SimTime) {
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
    fn change(&mut self, now: SimTime, delta: i64) {
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

    fn sample(&mut self) -> u64 {
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
}

/// Lag and backlog of one slot.
#[derive(Clone, Copy, Debug, Default)]
pub struct SlotLag {
    committed: Option<u64>,
    /// Max offset − committed offset.
    pub lag: Level,
    /// Max offset − records ended.
    pub backlog: Level,
}

impl SlotLag {
    /// The committed offset.
    pub fn committed(&self) -> Option<u64> {
        self.committed
    }
}

/// Lag and backlog of one group.
#[derive(Clone, Debug)]
pub struct GroupLag {
    /// Max offset − committed offset, over all its queues.
    pub lag: Peak,
    /// Max offset − records ended, over all its queues.
    pub backlog: Peak,
    /// Age of the oldest message that no listener has seen, at the last sample.
    pub oldest: SimDuration,
    /// The highest such age at any sample.
    pub oldest_max: SimDuration,
    /// Highest lag between the last two samples.
    pub lag_window_max: u64,
}

/// A queue ended at `end` from sample `reached` (or earlier) to sample `until`.
#[derive(Clone, Copy, Debug)]
struct Checkpoint {
    end: u64,
    reached: SimTime,
    until: SimTime,
}

/// Folds dispatches, commits and ends of records into lag and backlog.
#[derive(Debug, Default)]
pub struct Lag {
    /// One past the last visible record, by queue.
    visible: Vec<u64>,
    checkpoints: Vec<Vec<Checkpoint>>,
    slots: Vec<Row>,
    groups: Vec<GroupLag>,
    /// When means and maxima began.
    from: SimTime,
}

impl Lag {
    /// Means, maxima, percentiles and drain times begin at `now`.
    pub fn restart(&mut self, now: SimTime) {
        self.from = now;
        for slot in &mut self.slots {
            slot.restart(Of::Lag, now);
            slot.restart(Of::Backlog, now);
        }
        for group in &mut self.groups {
            group.lag.restart(now);
            group.backlog.restart(now);
            group.oldest_max = SimDuration::ZERO;
        }
    }

    /// Makes room for all queues and slots known.
    pub fn grow(&mut self, now: SimTime, slots: &Slots, groups: usize) {
        self.visible.resize(slots.queues(), 0);
        let empty = Checkpoint {
            end: 0,
            reached: now,
            until: now,
        };
        self.checkpoints.resize_with(slots.queues(), || vec![empty]);
        for slot in self.slots.len()..slots.len() {
            self.slots.push(Row::new(slots.get(slot).reader.is_some()));
        }
        self.groups.resize_with(groups, || GroupLag {
            lag: Peak::new(),
            backlog: Peak::new(),
            oldest: SimDuration::ZERO,
            oldest_max: SimDuration::ZERO,
            lag_window_max: 0,
        });
    }

    /// Pulls now see all offsets of `queue` below `max_offset`.
    #[inline(always)]
    pub fn dispatched(&mut self, now: SimTime, slots: &Slots, queue: QueueId, max_offset: u64) {
        let visible = &mut self.visible[queue.index()];
        let delta = max_offset as i64 - *visible as i64;
        *visible = max_offset;
        for slot in slots.readers(queue) {
            let group = &mut self.groups[slots.get(slot).group.index()];
            let slot = &mut self.slots[slot];
            if slot.is_unborn() {
                continue;
            }
            slot.change(Of::Lag, now, delta);
            slot.change(Of::Backlog, now, delta);
            group.lag.change(now, delta);
            group.backlog.change(now, delta);
        }
    }

    /// A reader of a broadcasting group comes for the first time, and starts at `start`.
    pub fn begins(&mut self, now: SimTime, slot: usize, of: Slot, start: u64) {
        let delta = self.visible[of.queue.index()] as i64 - start as i64;
        let state = &mut self.slots[slot];
        state.commit(start);
        let group = &mut self.groups[of.group.index()];
        for (level, peak) in [(Of::Lag, &mut group.lag), (Of::Backlog, &mut group.backlog)] {
            state.change(level, now, delta);
            peak.change(now, delta);
        }
    }

    /// The broker's committed offset is overwritten, or that in a local file.
    #[inline(always)]
    pub fn committed(&mut self, now: SimTime, slot: usize, of: Slot, new: u64) {
        let state = &mut self.slots[slot];
        // An operator has set the group's offset at the broker, where no reader of a broadcasting group looks.
        if state.is_unborn() {
            return;
        }
        let delta = state.committed().unwrap_or(0) as i64 - new as i64;
        state.commit(new);
        if delta != 0 {
            state.change(Of::Lag, now, delta);
            self.groups[of.group.index()].lag.change(now, delta);
        }
    }

    /// So many records of the slot ended for the first time, or were skipped.
    #[inline(always)]
    pub fn ended(&mut self, now: SimTime, slot: usize, of: Slot, records: u64) {
        let delta = -(records as i64);
        self.slots[slot].change(Of::Backlog, now, delta);
        self.groups[of.group.index()].backlog.change(now, delta);
    }

    /// A record of the slot that had ended by being passed over is open again.
    pub fn reopened(&mut self, now: SimTime, slot: usize, of: Slot) {
        self.slots[slot].change(Of::Backlog, now, 1);
        self.groups[of.group.index()].backlog.change(now, 1);
    }

    /// Notes the lag of every group.
    pub fn mark(&mut self, now: SimTime) {
        self.groups.iter_mut().for_each(|group| group.lag.mark(now));
    }

    /// The regular look. `end` and `frontier` come from the ledger.
    pub fn sample(
        &mut self,
        now: SimTime,
        slots: &Slots,
        end: impl Fn(QueueId) -> u64,
        frontier: impl Fn(usize) -> u64,
    ) {
        for queue in (0..slots.queues() as u32).map(QueueId) {
            let lowest = slots.readers(queue).map(&frontier).min();
            let points = &mut self.checkpoints[queue.index()];
            remember(points, now, end(queue), lowest.unwrap_or(u64::MAX));
        }
        for group in &mut self.groups {
            group.lag_window_max = group.lag.sample();
            group.backlog.sample();
            group.oldest = SimDuration::ZERO;
        }
        for (slot, of) in slots.iter() {
            let frontier = frontier(slot);
            if frontier < end(of.queue) {
                let age = now.since(stored_at(&self.checkpoints[of.queue.index()], frontier));
                let group = &mut self.groups[of.group.index()];
                group.oldest = group.oldest.max(age);
                group.oldest_max = group.oldest_max.max(age);
            }
        }
    }

    /// One past the last visible record of `queue`.
    pub fn visible(&self, queue: QueueId) -> u64 {
        self.visible[queue.index()]
    }
    /// One slot.
    pub fn slot(&self, slot: usize) -> SlotLag {
        self.slots[slot].get()
    }
    /// One group.
    pub fn group(&self, group: GroupId) -> &GroupLag {
        &self.groups[group.index()]
    }
    /// Mean lag of a group over time.
    pub fn lag_mean(&self, slots: &Slots, group: GroupId, end: SimTime) -> f64 {
        let integral = slots
            .of_group(group)
            .map(|slot| self.slots[slot].level(Of::Lag).integral(end))
            .sum();
        mean(integral, self.from, end)
    }
    /// Mean backlog of a group over time.
    pub fn backlog_mean(&self, slots: &Slots, group: GroupId, end: SimTime) -> f64 {
        let integral = slots
            .of_group(group)
            .map(|slot| self.slots[slot].level(Of::Backlog).integral(end))
            .sum();
        mean(integral, self.from, end)
    }

    /// Bytes for so many queues, slots and groups. `behind` are queues, and for how many samples something waits there.
    pub fn held_for(queues: u64, slots: u64, groups: u64, behind: &[(u64, u64)]) -> u64 {
        let points = |samples: u64| memory::of_grown::<Checkpoint>(samples.clamp(1, CHECKPOINTS as u64 + 1));
        let remembered: u64 = behind
            .iter()
            .map(|(queues, samples)| queues * points(*samples))
            .sum();
        memory::of_grown::<u64>(queues)
            + memory::of_grown::<Vec<Checkpoint>>(queues)
            + memory::of_grown::<Row>(slots)
            + memory::of_grown::<GroupLag>(groups)
            + remembered
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let of_peak = |peak: &Peak| peak.samples.held() + memory::of_vec(&peak.marks);
        let groups = self
            .groups
            .iter()
            .map(|group| of_peak(&group.lag) + of_peak(&group.backlog))
            .sum::<u64>();
        let checkpoints = self.checkpoints.iter().map(memory::of_vec).sum::<u64>();
        memory::of_vec(&self.visible)
            + memory::of_vec(&self.slots)
            + memory::of_vec(&self.groups)
            + groups
            + checkpoints
    }
}

/// Notes where a queue ends now, and forgets what every reader has passed (all below `lowest`).
fn remember(points: &mut Vec<Checkpoint>, now: SimTime, end: u64, lowest: u64) {
    let last = points.last_mut().expect("there is always one checkpoint");
    if last.end == end {
        last.until = now;
    } else {
        points.push(Checkpoint {
            end,
            reached: now,
            until: now,
        });
    }
    // The last point at or below the lowest frontier is still needed: the next message lies behind it.
    let passed = points.partition_point(|point| point.end <= lowest);
    points.drain(..passed.saturating_sub(1));
    if points.len() > CHECKPOINTS {
        let last = points.len() - 1;
        let mut index = 0;
        points.retain(|_| {
            index += 1;
            (index - 1) % 2 == 0 || index - 1 == last
        });
    }
}

/// About when the record at `offset` was stored; `offset` lies below the last checkpoint's end.
fn stored_at(points: &[Checkpoint], offset: u64) -> SimTime {
    let after = points.partition_point(|point| point.end <= offset);
    let (Some(before), Some(next)) = (
        after.checked_sub(1).and_then(|i| points.get(i)),
        points.get(after),
    ) else {
        return points.last().map_or(SimTime::ZERO, |point| point.reached);
    };
    let span = u128::from(next.reached.since(before.until).as_nanos());
    let share = span * u128::from(offset - before.end) / u128::from(next.end - before.end);
    before.until + SimDuration::from_nanos(share as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::story::{Story, secs};

    fn desk() -> (Slots, Lag) {
        let story = Story::new().topic("orders", 1).group("billing", &["orders"]);
        let (mut slots, mut lag) = (Slots::default(), Lag::default());
        slots.add_queue(QueueId(0), &story.directory);
        lag.grow(SimTime::ZERO, &slots, 1);
        (slots, lag)
    }

    /// 10 messages from 2 s on, 4 fewer from 5 s on: over 10 s that is 10 × 8 − 4 × 5 = 60 message-seconds.
    #[test]
    fn the_mean_is_an_integral_over_time() {
        let mut level = Level::default();
        level.change(secs(2), 10);
        level.change(secs(5), -4);
        assert_eq!(level.integral(secs(10)), 60_000_000_000);
        assert_eq!(
            (level.mean(secs(0), secs(10)), level.value(), level.max()),
            (6.0, 6, 10)
        );
    }

    /// What an operator writes at the broker is no offset of a reader that has not come.
    #[test]
    fn nothing_lags_behind_who_has_not_come() {
        let (slots, mut lag) = desk();
        lag.slots[0] = Row::new(true);
        lag.dispatched(secs(1), &slots, QueueId(0), 100);
        lag.committed(secs(2), 0, slots.get(0), 70);
        lag.dispatched(secs(3), &slots, QueueId(0), 150);
        assert_eq!(
            (lag.slot(0).committed(), lag.group(GroupId(0)).lag.value()),
            (None, 0)
        );
        lag.begins(secs(4), 0, slots.get(0), 140);
        assert_eq!(
            (lag.slot(0).committed(), lag.group(GroupId(0)).lag.value()),
            (Some(140), 10)
        );
    }

    #[test]
    fn lag_follows_commits_and_backlog_follows_work() {
        let (slots, mut lag) = desk();
        let of = slots.get(0);
        lag.dispatched(secs(1), &slots, QueueId(0), 100);
        lag.ended(secs(2), 0, of, 30);
        lag.committed(secs(5), 0, of, 20);
        lag.committed(secs(6), 0, of, 10);
        assert_eq!(lag.slot(0).lag.value(), 90);
        assert_eq!(lag.slot(0).backlog.value(), 70);
        assert_eq!(lag.group(GroupId(0)).lag.value(), 90);
        // 100 from 1 s, 80 from 5 s, 90 from 6 s to 10 s: 400 + 80 + 360.
        assert_eq!(lag.lag_mean(&slots, GroupId(0), secs(10)), 84.0);
    }

    /// The peak of 1 000 at 4 s is drained when at most 10 are left, at 9 s; a later rise is no new peak.
    #[test]
    fn drain_time_counts_from_the_highest_peak() {
        let (slots, mut lag) = desk();
        let of = slots.get(0);
        lag.dispatched(secs(1), &slots, QueueId(0), 500);
        lag.committed(secs(2), 0, of, 500);
        assert_eq!(lag.group(GroupId(0)).lag.drain(), Some(SimDuration::from_secs(1)));
        lag.dispatched(secs(4), &slots, QueueId(0), 1_500);
        assert_eq!(lag.group(GroupId(0)).lag.drain(), None);
        lag.committed(secs(8), 0, of, 1_489);
        assert_eq!(lag.group(GroupId(0)).lag.drain(), None);
        lag.committed(secs(9), 0, of, 1_490);
        lag.dispatched(secs(12), &slots, QueueId(0), 1_600);
        let peak = &lag.group(GroupId(0)).lag;
        assert_eq!((peak.max(), peak.max_at()), (1_000, Some(secs(4))));
        assert_eq!(peak.drain(), Some(SimDuration::from_secs(5)));
    }

    /// 1 000 to be drained at 1 s, 600 at 3 s: 10 are left at 5 s, 6 at 7 s; with nothing there is nothing to drain.
    #[test]
    fn marks_count_from_their_own_instants() {
        let (slots, mut lag) = desk();
        let of = slots.get(0);
        lag.mark(secs(0));
        lag.dispatched(secs(1), &slots, QueueId(0), 1_000);
        lag.mark(secs(1));
        lag.committed(secs(2), 0, of, 400);
        lag.mark(secs(3));
        for (time, committed) in [(4, 989), (5, 990), (6, 993), (7, 994)] {
            lag.committed(secs(time), 0, of, committed);
        }
        let marks = lag.group(GroupId(0)).lag.marks().iter();
        let marks: Vec<_> = marks.map(|mark| (mark.value(), mark.drain())).collect();
        let after = |n| Some(SimDuration::from_secs(n));
        assert_eq!(marks, [(0, None), (1_000, after(4)), (600, after(4))]);
    }

    /// 100 until 5 s, 40 until 8 s, then none. From 6 s on that is a maximum of 40 at once, drained in 2 s, and 80
    /// message-seconds in 4 s; percentiles know the samples at 6 s and later only.
    #[test]
    fn a_restart_forgets_what_was_before() {
        let (slots, mut lag) = desk();
        let of = slots.get(0);
        lag.dispatched(secs(1), &slots, QueueId(0), 100);
        for t in 1..5 {
            lag.sample(secs(t), &slots, |_| 100, |_| 0);
        }
        lag.committed(secs(5), 0, of, 60);
        lag.ended(secs(5), 0, of, 60);
        lag.restart(secs(6));
        for t in 6..8 {
            lag.sample(secs(t), &slots, |_| 100, |_| 60);
        }
        lag.committed(secs(8), 0, of, 100);
        let group = lag.group(GroupId(0));
        assert_eq!(
            (group.lag.max(), group.lag.max_at(), group.lag.p99()),
            (40, Some(secs(6)), 40)
        );
        assert_eq!(group.lag.drain(), Some(SimDuration::from_secs(2)));
        assert_eq!(lag.lag_mean(&slots, GroupId(0), secs(10)), 20.0);
        assert_eq!(lag.backlog_mean(&slots, GroupId(0), secs(10)), 40.0);
        assert_eq!(lag.slot(0).lag.max(), 40);
        // Offset 60 was stored at about 0.6 s: 6.4 s old at 7 s.
        assert_eq!(group.oldest_max, SimDuration::from_millis(6_400));
    }

    #[test]
    fn a_peak_between_two_samples_is_not_forgotten() {
        let (slots, mut lag) = desk();
        let of = slots.get(0);
        lag.dispatched(secs(1), &slots, QueueId(0), 50);
        lag.committed(secs(2), 0, of, 45);
        lag.sample(secs(3), &slots, |_| 50, |_| 50);
        assert_eq!(lag.group(GroupId(0)).lag_window_max, 50);
        lag.sample(secs(4), &slots, |_| 50, |_| 50);
        assert_eq!(lag.group(GroupId(0)).lag_window_max, 5);
    }

    /// Nothing for 10 s, then 100 messages within one second: number 50 was stored at about 10.5 s.
    #[test]
    fn age_is_interpolated_between_checkpoints() {
        let (slots, mut lag) = desk();
        for t in 1..=10 {
            lag.sample(secs(t), &slots, |_| 0, |_| 0);
        }
        lag.sample(secs(11), &slots, |_| 100, |_| 50);
        assert_eq!(lag.group(GroupId(0)).oldest, SimDuration::from_millis(500));
        lag.sample(secs(20), &slots, |_| 100, |_| 50);
        assert_eq!(lag.group(GroupId(0)).oldest, SimDuration::from_millis(9_500));
        lag.sample(secs(21), &slots, |_| 100, |_| 100);
        assert_eq!(lag.group(GroupId(0)).oldest, SimDuration::ZERO);
        assert_eq!(lag.group(GroupId(0)).oldest_max, SimDuration::from_millis(9_500));
    }

    /// A reader that keeps up leaves one checkpoint; one that never reads, at most 256.
    #[test]
    fn checkpoints_stay_few() {
        let (slots, mut lag) = desk();
        for t in 1..5_000 {
            lag.sample(secs(t), &slots, |_| t, |_| t);
            assert!(lag.checkpoints[0].len() <= 2);
        }
        for t in 5_000..20_000 {
            lag.sample(secs(t), &slots, |_| t, |_| 5_000);
            assert!(lag.checkpoints[0].len() <= CHECKPOINTS + 1);
        }
        // Stored at one a second, so offset 5 000 lies at about 5 000 s.
        let age = lag.group(GroupId(0)).oldest.as_secs_f64();
        assert!((age - 14_999.0).abs() < 200.0, "{age}");
    }
}
