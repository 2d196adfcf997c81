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
use crate::observe::lag::checkpoints::Checkpoints;
use crate::observe::lag::row::{Of, Row};
use crate::observe::slots::{Slot, Slots};

pub use peak::{Mark, Peak};

mod checkpoints;
mod peak;
mod row;

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

/// Folds dispatches, commits and ends of records into lag and backlog.
#[derive(Debug, Default)]
pub struct Lag {
    /// One past the last visible record, by queue.
    visible: Vec<u64>,
    checkpoints: Vec<Checkpoints>,
    slots: Vec<Row>,
    groups: Vec<GroupLag>,
    /// When the oldest record that no listener has seen was stored, by slot; as of the last change of its queue.
    oldest: Vec<Option<SimTime>>,
    /// Slots that have one, and others that had one at the last sample.
    behind: Vec<u32>,
    /// The last sample.
    sampled: SimTime,
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
        self.checkpoints
            .resize_with(slots.queues(), || Checkpoints::new(now));
        for slot in self.slots.len()..slots.len() {
            self.slots.push(Row::new(slots.get(slot).reader.is_some()));
        }
        self.oldest.resize(slots.len(), None);
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

    /// The regular look, at the queues that have `changed` since the last one: those of which `end`, or the `frontier` of a
    /// reader, which come from the ledger, is not what it was.
    pub fn sample(
        &mut self,
        now: SimTime,
        slots: &Slots,
        changed: &[QueueId],
        end: impl Fn(QueueId) -> u64,
        frontier: impl Fn(usize) -> u64,
    ) {
        for &queue in changed {
            let (end, readers) = (end(queue), slots.readers(queue));
            let lowest = readers.clone().map(&frontier).min();
            let points = &mut self.checkpoints[queue.index()];
            points.remember(self.sampled, now, end, lowest.unwrap_or(u64::MAX));
            for slot in readers {
                let frontier = frontier(slot);
                let oldest = (frontier < end).then(|| points.stored_at(frontier));
                if self.oldest[slot].is_none() && oldest.is_some() {
                    self.behind.push(slot as u32);
                }
                self.oldest[slot] = oldest;
            }
        }
        for group in &mut self.groups {
            group.lag_window_max = group.lag.sample();
            group.backlog.sample();
            group.oldest = SimDuration::ZERO;
        }
        let (oldest, groups) = (&self.oldest, &mut self.groups);
        self.behind.retain(|&slot| {
            let Some(stored) = oldest[slot as usize] else {
                return false;
            };
            let group = &mut groups[slots.get(slot as usize).group.index()];
            group.oldest = group.oldest.max(now.since(stored));
            group.oldest_max = group.oldest_max.max(group.oldest);
            true
        });
        self.sampled = now;
        debug_assert!(self.is_right(slots, end, frontier), "a change was not told");
    }

    /// Whether what is kept of the queues that were not looked at is what a look would have found.
    fn is_right(&self, slots: &Slots, end: impl Fn(QueueId) -> u64, frontier: impl Fn(usize) -> u64) -> bool {
        let is_right = |(slot, of): (usize, Slot)| {
            let (points, frontier) = (&self.checkpoints[of.queue.index()], frontier(slot));
            let oldest = (frontier < end(of.queue)).then(|| points.stored_at(frontier));
            points.end() == end(of.queue) && self.oldest[slot] == oldest
        };
        slots.iter().all(is_right) && self.behind.len() == self.oldest.iter().flatten().count()
    }

    /// One past the last visible record of `queue`.
    pub fn visible(&self, queue: QueueId) -> u64 {
        self.visible[queue.index()]
    }
    /// One slot.
    pub fn slot(&self, slot: usize) -> SlotLag {
        self.slots[slot].get()
    }
    /// Lag and backlog of one slot, now.
    pub fn now(&self, slot: usize) -> (u64, u64) {
        self.slots[slot].now()
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
        let remembered: u64 = behind
            .iter()
            .map(|(queues, samples)| queues * Checkpoints::held_for(*samples))
            .sum();
        memory::of_grown::<u64>(queues)
            + memory::of_grown::<Checkpoints>(queues)
            + memory::of_grown::<Row>(slots)
            + memory::of_grown::<GroupLag>(groups)
            + memory::of_grown::<Option<SimTime>>(slots)
            + memory::of_grown::<u32>(slots)
            + remembered
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let groups = self
            .groups
            .iter()
            .map(|group| group.lag.held() + group.backlog.held())
            .sum::<u64>();
        let checkpoints = self.checkpoints.iter().map(Checkpoints::held).sum::<u64>();
        memory::of_vec(&self.visible)
            + memory::of_vec(&self.slots)
            + memory::of_vec(&self.groups)
            + memory::of_vec(&self.oldest)
            + memory::of_vec(&self.behind)
            + memory::of_vec(&self.checkpoints)
            + groups
            + checkpoints
    }
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
            lag.sample(secs(t), &slots, &[QueueId(0)], |_| 100, |_| 0);
        }
        lag.committed(secs(5), 0, of, 60);
        lag.ended(secs(5), 0, of, 60);
        lag.restart(secs(6));
        for t in 6..8 {
            lag.sample(secs(t), &slots, &[QueueId(0)], |_| 100, |_| 60);
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
        lag.sample(secs(3), &slots, &[QueueId(0)], |_| 50, |_| 50);
        assert_eq!(lag.group(GroupId(0)).lag_window_max, 50);
        lag.sample(secs(4), &slots, &[QueueId(0)], |_| 50, |_| 50);
        assert_eq!(lag.group(GroupId(0)).lag_window_max, 5);
    }

    /// Nothing for 10 s, then 100 messages within one second: number 50 was stored at about 10.5 s.
    #[test]
    fn age_is_interpolated_between_checkpoints() {
        let (slots, mut lag) = desk();
        for t in 1..=10 {
            lag.sample(secs(t), &slots, &[QueueId(0)], |_| 0, |_| 0);
        }
        lag.sample(secs(11), &slots, &[QueueId(0)], |_| 100, |_| 50);
        assert_eq!(lag.group(GroupId(0)).oldest, SimDuration::from_millis(500));
        lag.sample(secs(20), &slots, &[QueueId(0)], |_| 100, |_| 50);
        assert_eq!(lag.group(GroupId(0)).oldest, SimDuration::from_millis(9_500));
        lag.sample(secs(21), &slots, &[QueueId(0)], |_| 100, |_| 100);
        assert_eq!(lag.group(GroupId(0)).oldest, SimDuration::ZERO);
        assert_eq!(lag.group(GroupId(0)).oldest_max, SimDuration::from_millis(9_500));
    }

    /// 100 messages of the first second wait in one queue, which nobody looks at any more, while the other one is busy: they
    /// grow older all the same, until somebody reads them.
    #[test]
    fn what_waits_grows_older_without_a_look() {
        let story = Story::new().topic("orders", 2).group("billing", &["orders"]);
        let (mut slots, mut lag) = (Slots::default(), Lag::default());
        let [busy, idle] = [QueueId(0), QueueId(1)];
        for queue in [busy, idle] {
            slots.add_queue(queue, &story.directory);
        }
        lag.grow(SimTime::ZERO, &slots, 1);
        let oldest = |lag: &Lag| lag.group(GroupId(0)).oldest;
        let end = |t: u64| move |queue| if queue == busy { t * 10 } else { 100 };
        lag.sample(secs(1), &slots, &[busy, idle], end(1), |slot| [10, 50][slot]);
        assert_eq!(oldest(&lag), SimDuration::from_millis(500));
        for t in 2..9 {
            lag.sample(secs(t), &slots, &[busy], end(t), |slot| [t * 10, 50][slot]);
            assert_eq!(oldest(&lag), secs(t).since(SimTime::from_nanos(500_000_000)));
        }
        lag.sample(secs(9), &slots, &[busy, idle], end(9), |slot| [80, 100][slot]);
        assert_eq!(oldest(&lag), SimDuration::from_secs(1));
        assert_eq!(lag.behind, [0]);
    }

    /// A reader that keeps up leaves one checkpoint; one that never reads, at most 256.
    #[test]
    fn checkpoints_stay_few() {
        let (slots, mut lag) = desk();
        for t in 1..5_000 {
            lag.sample(secs(t), &slots, &[QueueId(0)], |_| t, |_| t);
            assert!(lag.checkpoints[0].count() <= 2);
        }
        for t in 5_000..20_000 {
            lag.sample(secs(t), &slots, &[QueueId(0)], |_| t, |_| 5_000);
            assert!(lag.checkpoints[0].count() <= checkpoints::CHECKPOINTS);
        }
        // Stored at one a second, so offset 5 000 lies at about 5 000 s.
        let age = lag.group(GroupId(0)).oldest.as_secs_f64();
        assert!((age - 14_999.0).abs() < 200.0, "{age}");
    }
}
