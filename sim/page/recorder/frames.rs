//! What stood where: lags, caches, busy listeners, counts; at evenly spread instants, and right behind moments.
//!
//! State changes only at facts, so what stood at an instant is known when the first fact behind it comes, and is written
//! then. Numbers are bounded: when they become too many, every second row behind a moment goes, and when there are none,
//! every second of the others. Entities beyond [`COLUMNS`] of a kind are left out, and the page says so.

use crate::kernel::memory;
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::observation::Extent;

/// Evenly spread rows of a whole run, but for the last.
const ROWS: u64 = 500;
/// Entities of one kind at most.
pub const COLUMNS: usize = 1_024;
/// Numbers at most, in all rows together.
const NUMBERS: usize = 300_000;
/// Rows that stay however many columns there are.
const ROWS_LEAST: usize = 40;

/// One number of each entity of a kind: its value now, and in each row.
#[derive(Debug, Default)]
pub struct Levels {
    now: Vec<u64>,
    rows: Vec<Vec<u64>>,
}

impl Levels {
    /// The value now; `None` for an entity that is left out.
    pub fn of(&mut self, entity: usize) -> Option<&mut u64> {
        if entity >= COLUMNS {
            return None;
        }
        if entity >= self.now.len() {
            self.now.resize(entity + 1, 0);
        }
        Some(&mut self.now[entity])
    }

    /// Adds to the value now.
    pub fn add(&mut self, entity: usize, more: u64) {
        if let Some(value) = self.of(entity) {
            *value += more;
        }
    }

    /// Takes from the value now, down to nothing.
    pub fn take(&mut self, entity: usize, less: u64) {
        if let Some(value) = self.of(entity) {
            *value = value.saturating_sub(less);
        }
    }

    /// Sets the value now.
    pub fn set(&mut self, entity: usize, to: u64) {
        if let Some(value) = self.of(entity) {
            *value = to;
        }
    }

    fn snapshot(&mut self) {
        self.rows.push(self.now.clone());
    }

    /// The rows of an entity, as differences from row to row. A zero is written as nothing: `5,,,-2`.
    fn told(&self, entity: usize) -> String {
        let mut told = String::new();
        let mut before = 0;
        for (n, row) in self.rows.iter().enumerate() {
            let value = row.get(entity).copied().unwrap_or(0) as i64;
            if n > 0 {
                told.push(',');
            }
            if value != before {
                told.push_str(&(value - before).to_string());
            }
            before = value;
        }
        told
    }

    fn held(&self) -> u64 {
        self.rows.iter().map(memory::of_vec).sum::<u64>() + memory::of_vec(&self.now)
    }
}

/// When a row was written, and why.
#[derive(Clone, Copy, Debug)]
struct Row {
    at: SimTime,
    /// Behind a moment, not on the grid.
    is_extra: bool,
}

/// All numbers of a recording.
#[derive(Debug)]
pub struct Frames {
    interval: SimDuration,
    next: SimTime,
    /// Something has happened at that instant which is worth a row when all of it is known.
    wanted: Option<SimTime>,
    rows: Vec<Row>,
    /// Max offset − committed offset, by slot.
    pub lag: Levels,
    /// Max offset, by queue.
    pub stored: Levels,
    /// Messages that brokers stored, by producer.
    pub sent: Levels,
    /// Messages in the process queues, by consumer.
    pub cached: Levels,
    /// Of these, messages at the listener, by consumer.
    pub busy: Levels,
    /// Listener results so far, by consumer.
    pub done: Levels,
}

impl Frames {
    /// For a run that is to last `planned`.
    pub fn new(planned: SimDuration) -> Self {
        Self {
            interval: SimDuration::from_nanos(planned.as_nanos().div_ceil(ROWS).max(1)),
            next: SimTime::ZERO,
            wanted: None,
            rows: Vec::new(),
            lag: Levels::default(),
            stored: Levels::default(),
            sent: Levels::default(),
            cached: Levels::default(),
            busy: Levels::default(),
            done: Levels::default(),
        }
    }

    /// Writes the rows that lie before `now`.
    #[inline]
    pub fn reach(&mut self, now: SimTime) {
        if let Some(at) = self.wanted.filter(|at| *at < now) {
            self.wanted = None;
            if self.next != at {
                self.row(at, true);
            }
        }
        while self.next < now {
            self.row(self.next, false);
            self.next += self.interval;
        }
    }

    /// Asks for a row of this instant, when everything that happens then has happened.
    pub fn want(&mut self, now: SimTime) {
        self.wanted = Some(now);
    }

    /// Writes the last row.
    pub fn finish(&mut self, end: SimTime) {
        self.reach(end);
        self.row(end, false);
    }

    fn row(&mut self, at: SimTime, is_extra: bool) {
        self.rows.push(Row { at, is_extra });
        self.all_mut().into_iter().for_each(Levels::snapshot);
        while self.rows.len() > ROWS_LEAST && self.numbers() > NUMBERS {
            self.thin();
        }
    }

    fn numbers(&self) -> usize {
        let columns: usize = self.all().iter().map(|levels| levels.now.len()).sum();
        columns * self.rows.len()
    }

    /// Drops every second row behind a moment; if there are none, every second row but the last.
    fn thin(&mut self) {
        let has_extra = self.rows.iter().any(|row| row.is_extra);
        let last = self.rows.len() - 1;
        let mut number = 0;
        let kept: Vec<bool> = (self.rows.iter().enumerate())
            .map(|(n, row)| {
                match (row.is_extra, has_extra) {
                    (false, true) => true,
                    // The first goes, so that one alone goes too.
                    (true, _) => {
                        number += 1;
                        number % 2 == 0
                    }
                    (false, false) => n % 2 == 0 || n == last,
                }
            })
            .collect();
        if !has_extra {
            self.interval = self.interval * 2;
        }
        keep(&mut self.rows, &kept);
        for levels in self.all_mut() {
            keep(&mut levels.rows, &kept);
        }
    }

    fn all(&self) -> [&Levels; 6] {
        [
            &self.lag,
            &self.stored,
            &self.sent,
            &self.cached,
            &self.busy,
            &self.done,
        ]
    }

    fn all_mut(&mut self) -> [&mut Levels; 6] {
        [
            &mut self.lag,
            &mut self.stored,
            &mut self.sent,
            &mut self.cached,
            &mut self.busy,
            &mut self.done,
        ]
    }

    /// When the rows were written.
    pub fn times(&self) -> Vec<SimTime> {
        self.rows.iter().map(|row| row.at).collect()
    }

    /// The rows of the first `entities` of `levels`.
    pub fn told(&self, levels: &Levels, entities: usize) -> Vec<String> {
        (0..entities.min(COLUMNS))
            .map(|entity| levels.told(entity))
            .collect()
    }

    /// Bytes at most of one of a run of that extent.
    pub fn held_for(extent: &Extent) -> u64 {
        let columns = [extent.slots, extent.queues, extent.producers];
        let columns = columns.into_iter().chain([extent.consumers; 3]);
        let columns: u64 = columns.map(|columns| columns.min(COLUMNS as u64)).sum();
        // Moments have rows of their own, which go first when there are too many.
        let rows = (NUMBERS as u64 / columns.max(1)).clamp(ROWS_LEAST as u64, 2 * ROWS);
        rows * columns * size_of::<u64>() as u64
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        self.all().iter().map(|levels| levels.held()).sum::<u64>() + memory::of_vec(&self.rows)
    }
}

fn keep<T>(rows: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    rows.retain(|_| kept.next().copied().unwrap_or(true));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(n: u64) -> SimTime {
        SimTime::from_nanos(n * 1_000_000_000)
    }

    /// What happens late does not show early.
    #[test]
    fn rows_hold_what_stood_before_the_fact() {
        let mut frames = Frames::new(SimDuration::from_secs(500));
        frames.reach(secs(3));
        frames.lag.set(1, 7);
        frames.reach(secs(100));
        frames.lag.set(1, 0);
        frames.finish(secs(102));
        let told = frames.told(&frames.lag, 2);
        let values: Vec<i64> = told[1].split(',').map(|d| d.parse().unwrap_or(0)).collect();
        assert_eq!(frames.times().len(), values.len());
        assert_eq!(frames.times()[..4], [secs(0), secs(1), secs(2), secs(3)]);
        let at = |n: usize| values[..=n].iter().sum::<i64>();
        assert_eq!(
            [at(0), at(2), at(3), at(99), at(100), at(102)],
            [0, 0, 7, 7, 0, 0]
        );
        assert!(
            told[0].chars().all(|c| c == ','),
            "nothing is written for no change"
        );
    }

    /// A row that is asked for holds all that happens at its instant, and stands between those of the grid.
    #[test]
    fn a_moment_has_a_row_of_its_own() {
        let mut frames = Frames::new(SimDuration::from_secs(5_000));
        frames.reach(secs(13));
        frames.want(secs(13));
        frames.lag.set(0, 5);
        frames.reach(secs(13));
        frames.lag.set(0, 6);
        frames.reach(secs(14));
        frames.lag.set(0, 7);
        frames.finish(secs(20));
        assert_eq!(frames.times(), [secs(0), secs(10), secs(13), secs(20)]);
        assert_eq!(frames.told(&frames.lag, 1), [",,6,1"]);
    }

    #[test]
    fn many_columns_have_fewer_rows() {
        let mut frames = Frames::new(SimDuration::from_secs(500));
        for entity in 0..2_000 {
            frames.lag.set(entity, 1);
            frames.done.set(entity, 1);
        }
        frames.reach(secs(7));
        frames.want(secs(7));
        frames.finish(secs(500));
        assert_eq!(frames.told(&frames.lag, 2_000).len(), COLUMNS);
        let rows = frames.times().len();
        assert!((ROWS_LEAST..200).contains(&rows), "{rows}");
        assert!(frames.numbers() <= NUMBERS);
        assert_eq!(frames.times().last(), Some(&secs(500)));
    }

    /// Rows behind moments make room for those of the grid, and for each other.
    #[test]
    fn many_moments_do_not_push_the_grid_out() {
        let mut frames = Frames::new(SimDuration::from_secs(500));
        for entity in 0..100 {
            frames.lag.set(entity, 1);
        }
        for n in 0..50_000 {
            let now = SimTime::from_nanos(n * 10_000_000);
            frames.reach(now);
            frames.want(now);
        }
        frames.finish(secs(500));
        assert!(frames.numbers() <= NUMBERS);
        let grid = frames.rows.iter().filter(|row| !row.is_extra).count();
        assert!(grid >= 450, "{grid}");
        assert!(frames.times().windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_run_of_no_length_has_a_row() {
        let mut frames = Frames::new(SimDuration::ZERO);
        frames.finish(SimTime::ZERO);
        assert_eq!(frames.times(), [SimTime::ZERO]);
    }
}
