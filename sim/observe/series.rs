//! Time series on a fixed grid, with a bound on their size.
//!
//! A row holds one value of each column. When rows become too many, every second one is dropped and the grid
//! becomes twice as wide, so that a run of any length yields a chart of the same size. A column that joins late
//! is filled up with zeros.

use crate::kernel::memory;
use crate::kernel::time::{SimDuration, SimTime};

/// Rows at most.
pub const ROWS: usize = 2_000;
/// Values at most in all columns together, but at least [`ROWS_LEAST`] rows are kept.
const VALUES: usize = 1_000_000;
const ROWS_LEAST: usize = 100;
/// Columns at most; those of later queues and consumers are left out.
const COLUMNS: usize = 10_000;

/// What a column shows; with the number of the entity it names one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Records stored so far, by topic.
    TopicStored,
    /// Requests so far, by broker.
    BrokerRequests,
    /// By group, as the following.
    GroupLag,
    /// Highest since the row before.
    GroupLagMax,
    /// Max offset − records ended.
    GroupBacklog,
    /// Delivered, not ended.
    GroupInFlight,
    /// Scheduled, or in the retry topic and not delivered.
    GroupAwaitingRetry,
    /// Successes so far.
    GroupSucceeded,
    /// Retry copies scheduled so far.
    GroupRetries,
    /// Dead letters so far.
    GroupDead,
    /// Duplicate deliveries so far.
    GroupDuplicates,
    /// Living consumers.
    GroupMembers,
    /// Age of the oldest message that waits, nanoseconds.
    GroupOldest,
    /// Lag by slot.
    SlotLag,
    /// Listener results so far, by consumer.
    ConsumerConsumed,
    /// Queues of subscribed topics held, by consumer.
    ConsumerQueues,
    /// Lag as brokers estimate it for groups that filter, by group.
    GroupEstimate,
    /// Records ended at or above the committed offset, by slot.
    SlotUncommitted,
}

/// Kinds of columns.
pub const MEASURES: usize = Measure::SlotUncommitted as usize + 1;
/// Columns of a group that is not one beside another.
pub const MEASURES_OF_GROUP: u64 = (Measure::SlotLag as usize - Measure::GroupLag as usize) as u64;

impl Measure {
    /// Whether it stands beside another column, which is counted for both: so it neither widens nor shortens the grid.
    fn is_beside(self) -> bool {
        matches!(self, Self::GroupEstimate | Self::SlotUncommitted)
    }
}

/// All columns.
#[derive(Debug)]
pub struct Series {
    interval: SimDuration,
    /// One sample in so many becomes a row.
    stride: u64,
    samples: u64,
    times: Vec<SimTime>,
    /// The values of each measure, row by row: a row is written to the end of one list, however many columns there are.
    rows: [Vec<Vec<u64>>; MEASURES],
    /// Columns of each measure.
    widths: [usize; MEASURES],
    width: usize,
    omitted: bool,
    /// The highest lag of each group in samples that became no row.
    carry: Vec<u64>,
}

impl Series {
    /// Empty series on a grid of `interval`.
    pub fn new(interval: SimDuration) -> Self {
        Self {
            interval,
            stride: 1,
            samples: 0,
            times: Vec::new(),
            rows: std::array::from_fn(|_| Vec::new()),
            widths: [0; MEASURES],
            width: 0,
            omitted: false,
            carry: Vec::new(),
        }
    }

    /// A sample was taken, in which each group's lag rose to `lag_max`; whether it is to become a row.
    pub fn sampled(&mut self, lag_max: impl Iterator<Item = u64>) -> bool {
        for (group, max) in lag_max.enumerate() {
            if self.carry.len() <= group {
                self.carry.push(0);
            }
            self.carry[group] = self.carry[group].max(max);
        }
        self.samples += 1;
        (self.samples - 1).is_multiple_of(self.stride)
    }

    /// Begins a row. A row of the same instant is replaced.
    pub fn begin(&mut self, now: SimTime) {
        if self.times.last() == Some(&now) {
            self.times.pop();
            self.rows
                .iter_mut()
                .for_each(|rows| rows.truncate(self.times.len()));
        } else if self.times.len() >= (VALUES / self.width.max(1)).clamp(ROWS_LEAST, ROWS) {
            self.thin();
        }
        self.times.push(now);
    }

    /// Puts one value into the row.
    pub fn put(&mut self, measure: Measure, entity: usize, value: u64) {
        if entity >= self.widths[measure as usize] {
            let optional = measure as usize >= Measure::SlotLag as usize;
            if optional && self.width >= COLUMNS {
                self.omitted = true;
                return;
            }
            if !measure.is_beside() {
                self.width += entity + 1 - self.widths[measure as usize];
            }
            self.widths[measure as usize] = entity + 1;
        }
        let row = self.present(measure);
        match row.get_mut(entity) {
            Some(known) => *known = value,
            None => {
                row.resize(entity, 0);
                row.push(value);
            }
        }
    }

    /// Puts the values of the first `count` entities into the row, of several measures that are told together and of which
    /// nothing is in it yet. As [`put`](Self::put) for one after the other, but a row at a time; for measures that may be left
    /// out, those of slots and consumers.
    pub fn put_all<const N: usize>(
        &mut self,
        measures: [Measure; N],
        count: usize,
        values: impl Fn(usize) -> [u64; N],
    ) {
        let widths = measures.map(|measure| self.widths[measure as usize]);
        let is_cut = widths.iter().any(|width| *width < count);
        if is_cut && self.width < COLUMNS {
            for entity in 0..count {
                for (measure, value) in measures.into_iter().zip(values(entity)) {
                    self.put(measure, entity, value);
                }
            }
            return;
        }
        self.omitted |= is_cut;
        let mut rows = widths.map(Vec::with_capacity);
        for entity in 0..count {
            for ((row, width), value) in rows.iter_mut().zip(widths).zip(values(entity)) {
                if entity < width {
                    row.push(value);
                }
            }
        }
        for (measure, row) in measures.into_iter().zip(rows) {
            let rows = &mut self.rows[measure as usize];
            debug_assert!(rows.len() < self.times.len(), "the row has values of {measure:?}");
            rows.resize_with(self.times.len() - 1, Vec::new);
            rows.push(row);
        }
    }

    /// The row that was begun last, of one measure.
    fn present(&mut self, measure: Measure) -> &mut Vec<u64> {
        let rows = &mut self.rows[measure as usize];
        if rows.len() < self.times.len() {
            rows.resize_with(self.times.len() - 1, Vec::new);
            rows.push(Vec::with_capacity(self.widths[measure as usize]));
        }
        &mut rows[self.times.len() - 1]
    }

    /// Puts the highest lag since the row before into the row.
    pub fn put_lag_max(&mut self, group: usize) {
        let max = std::mem::take(&mut self.carry[group]);
        self.put(Measure::GroupLagMax, group, max);
    }

    /// Drops every second row, so that the last one kept lies on the wider grid.
    fn thin(&mut self) {
        self.stride *= 2;
        let maxima = &mut self.rows[Measure::GroupLagMax as usize];
        for row in (2..maxima.len()).step_by(2) {
            let (before, from) = maxima.split_at_mut(row);
            for (max, dropped) in from[0].iter_mut().zip(&before[row - 1]) {
                *max = (*max).max(*dropped);
            }
        }
        // The carry takes over what the last row loses.
        if self.times.len().is_multiple_of(2) {
            let last = self.times.len() - 1;
            for (group, carry) in self.carry.iter_mut().enumerate() {
                let lost = self.rows[Measure::GroupLagMax as usize].get(last);
                let lost = lost.and_then(|row| row.get(group)).copied().unwrap_or(0);
                *carry = (*carry).max(lost);
            }
        }
        keep_even(&mut self.times);
        self.rows.iter_mut().for_each(keep_even);
    }

    /// Distance of the rows; the last one may come sooner.
    pub fn interval(&self) -> SimDuration {
        self.interval * self.stride
    }
    /// When the rows were taken.
    pub fn times(&self) -> &[SimTime] {
        &self.times
    }
    /// One column, filled up with zeros; empty if it was left out.
    pub fn column(&self, measure: Measure, entity: usize) -> Vec<u64> {
        if entity >= self.widths[measure as usize] && self.omitted {
            return Vec::new();
        }
        let rows = self.rows[measure as usize].iter();
        let mut column: Vec<u64> = rows.map(|row| row.get(entity).copied().unwrap_or(0)).collect();
        column.resize(self.times.len(), 0);
        column
    }
    /// Whether columns were left out.
    pub fn omitted(&self) -> bool {
        self.omitted
    }

    /// Rows and columns of so many samples of `width` columns.
    fn grid_for(samples: u64, width: u64) -> (u64, u64) {
        let kept = width.min(COLUMNS as u64);
        let most = (VALUES as u64 / kept.max(1)).clamp(ROWS_LEAST as u64, ROWS as u64);
        (samples.min(most), kept)
    }

    /// Numbers in a series of so many samples of `width` columns.
    pub fn numbers_for(samples: u64, width: u64) -> u64 {
        let (rows, columns) = Self::grid_for(samples, width);
        rows * columns
    }

    /// Bytes for `samples` samples of `width` columns and those that stand beside them, of so many measures.
    pub fn held_for(samples: u64, measures: u64, width: u64, beside: u64) -> u64 {
        let (rows, kept) = Self::grid_for(samples, width);
        let columns = kept + beside.min(COLUMNS as u64);
        let row = measures * memory::BLOCK + columns * size_of::<u64>() as u64;
        measures * memory::of_grown::<Vec<u64>>(rows) + rows * row + memory::of_grown::<SimTime>(rows)
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let rows = self.rows.iter().map(memory::of_vec).sum::<u64>();
        let values = self.rows.iter().flatten().map(memory::of_vec).sum::<u64>();
        rows + values + memory::of_vec(&self.times) + memory::of_vec(&self.carry)
    }
}

fn keep_even<T>(rows: &mut Vec<T>) {
    let mut row = 0;
    rows.retain(|_| {
        row += 1;
        row % 2 == 1
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::story::secs;

    fn take(series: &mut Series, at: u64, lag: u64, max: u64) {
        if series.sampled([max].into_iter()) {
            row(series, at, lag);
        }
    }

    fn row(series: &mut Series, at: u64, lag: u64) {
        series.begin(secs(at));
        series.put(Measure::GroupLag, 0, lag);
        series.put_lag_max(0);
    }

    /// Short, long and wide ones; when they hold most, which is before rows are dropped.
    #[test]
    fn a_series_holds_what_is_foreseen() {
        for (samples, width) in [(10, 3), (1_900, 5), (5_000, 2), (3_000, 2_000)] {
            let (mut series, mut most) = (Series::new(SimDuration::from_secs(1)), 0);
            for at in 0..samples {
                if series.sampled(std::iter::empty()) {
                    series.begin(secs(at));
                    (0..width).for_each(|slot| series.put(Measure::SlotLag, slot, at));
                    (0..width).for_each(|slot| series.put(Measure::SlotUncommitted, slot, at));
                    most = series.held().max(most);
                }
            }
            let foreseen = Series::held_for(samples, 2, width as u64, width as u64);
            let factor = foreseen as f64 / most as f64;
            assert!(
                (0.99..1.01).contains(&factor),
                "{samples} × {width}: {foreseen}, {most}"
            );
        }
    }

    /// 5 000 samples: 2 000 rows fill up at 2 000 and 4 000, so 2 s and then 4 s apart.
    #[test]
    fn a_long_run_keeps_a_short_series() {
        let mut series = Series::new(SimDuration::from_secs(1));
        for at in 0..5_000 {
            take(&mut series, at, at, at);
        }
        assert_eq!(series.interval(), SimDuration::from_secs(4));
        assert_eq!(series.times().len(), 1_250);
        for (row, at) in series.times().iter().enumerate() {
            assert_eq!(*at, secs(4 * row as u64));
            assert_eq!(series.column(Measure::GroupLag, 0)[row], 4 * row as u64);
            assert_eq!(series.column(Measure::GroupLagMax, 0)[row], 4 * row as u64);
        }
    }

    /// One peak, whichever sample it falls on, is in the maxima, and never before its time.
    #[test]
    fn thinning_loses_no_peak() {
        for peak_at in [3, 4, 1_997, 1_998, 1_999, 2_000, 2_001, 3_998] {
            let mut series = Series::new(SimDuration::from_secs(1));
            for at in 0..4_500 {
                take(&mut series, at, 0, if at == peak_at { 9 } else { 0 });
            }
            let maxima = series.column(Measure::GroupLagMax, 0);
            let found: Vec<usize> = (0..maxima.len()).filter(|&row| maxima[row] == 9).collect();
            assert_eq!(found, [(peak_at as usize).div_ceil(4)], "peak at {peak_at}");
        }
    }

    /// Two hundred columns more beside the lag of two hundred queues drop no row.
    #[test]
    fn columns_beside_others_leave_the_grid_as_it_is() {
        let rows = |beside: bool| {
            let mut series = Series::new(SimDuration::from_secs(1));
            for at in 0..6_000 {
                if series.sampled(std::iter::empty()) {
                    series.begin(secs(at));
                    for slot in 0..200 {
                        series.put(Measure::SlotLag, slot, at);
                        if beside {
                            series.put(Measure::SlotUncommitted, slot, 1);
                        }
                    }
                }
            }
            (
                series.times().len(),
                series.column(Measure::SlotUncommitted, 7)[0],
            )
        };
        assert_eq!((rows(true).0, rows(true).1), (rows(false).0, 1));
        assert_eq!(rows(false).1, 0);
    }

    #[test]
    fn the_last_row_replaces_one_of_the_same_instant() {
        let mut series = Series::new(SimDuration::from_secs(1));
        take(&mut series, 0, 1, 1);
        take(&mut series, 1, 2, 7);
        series.sampled([3].into_iter());
        row(&mut series, 1, 5);
        assert_eq!(series.times(), [secs(0), secs(1)]);
        assert_eq!(series.column(Measure::GroupLag, 0), [1, 5]);
    }

    #[test]
    fn a_late_column_starts_with_zeros() {
        let mut series = Series::new(SimDuration::from_secs(1));
        take(&mut series, 0, 1, 1);
        take(&mut series, 1, 1, 1);
        series.put(Measure::ConsumerConsumed, 2, 4);
        assert_eq!(series.column(Measure::ConsumerConsumed, 2), [0, 4]);
        assert_eq!(series.column(Measure::ConsumerConsumed, 1), [0, 0]);
    }

    /// Ten thousand columns of 100 rows are a million values; column 10 001 of a kind that may be missed is.
    #[test]
    fn width_is_bounded() {
        let mut series = Series::new(SimDuration::from_secs(1));
        for at in 0..250 {
            take(&mut series, at, 0, 0);
            if series.times().last() == Some(&secs(at)) {
                for slot in 0..COLUMNS + 5 {
                    series.put(Measure::SlotLag, slot, 1);
                }
            }
        }
        assert!(series.omitted());
        assert!(series.times().len() <= 100);
        assert!(series.column(Measure::SlotLag, COLUMNS + 4).is_empty());
    }

    /// Rows that grow, up to where columns are left out and beyond: one after the other and at a time.
    #[test]
    fn a_row_at_a_time_is_as_one_value_after_the_other() {
        let (measures, beside) = (
            [Measure::ConsumerConsumed, Measure::ConsumerQueues],
            [Measure::SlotLag, Measure::SlotUncommitted],
        );
        let value = |row: u64, entity: usize| [row * 7 + entity as u64, row + 1];
        let filled = |at_a_time: bool| {
            let mut series = Series::new(SimDuration::from_secs(1));
            for (at, count) in (0..).zip([3, 3, 1_200, 4_999, 5_000, 5_001, 2]) {
                series.begin(secs(at));
                for measures in [measures, beside] {
                    if at_a_time {
                        series.put_all(measures, count, |entity| value(at, entity));
                        continue;
                    }
                    for entity in 0..count {
                        for (measure, value) in measures.into_iter().zip(value(at, entity)) {
                            series.put(measure, entity, value);
                        }
                    }
                }
            }
            series
        };
        let [one, other] = [filled(false), filled(true)];
        assert!(one.omitted() && other.omitted());
        for measure in measures.into_iter().chain(beside) {
            for entity in [0, 2, 3, 1_199, 1_200, 4_998, 4_999, 5_000] {
                assert_eq!(
                    one.column(measure, entity),
                    other.column(measure, entity),
                    "{measure:?} {entity}"
                );
            }
        }
    }
}
