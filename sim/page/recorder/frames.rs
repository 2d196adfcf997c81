//! What stood where at evenly spread instants: lags, caches, busy listeners, counts.
//!
//! State changes only at facts, so the rows between two facts are written when the second one comes, from what the
//! first has left. Entities beyond [`COLUMNS`] of a kind are left out, and the page says so.

use crate::kernel::memory;
use crate::kernel::time::{SimDuration, SimTime};

/// Rows of a whole run, but for the last.
const ROWS: u64 = 500;
/// Entities of one kind at most.
pub const COLUMNS: usize = 1_024;
/// Numbers on the page at most: with many columns every second row goes, maybe again.
const NUMBERS: usize = 300_000;
/// Rows that stay however many columns there are.
const ROWS_LEAST: usize = 60;

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

    /// Every `stride`-th row of an entity and the last, as differences from row to row. A zero is written as nothing:
    /// `5,,,-2`.
    fn told(&self, entity: usize, stride: usize) -> String {
        let mut told = String::new();
        let mut before = 0;
        for (n, row) in picked(&self.rows, stride).enumerate() {
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

/// Every `stride`-th of `rows`, and the last.
fn picked<T>(rows: &[T], stride: usize) -> impl Iterator<Item = &T> {
    let last = rows.len().saturating_sub(1);
    rows.iter()
        .enumerate()
        .filter(move |(n, _)| n.is_multiple_of(stride) || *n == last)
        .map(|(_, row)| row)
}

/// All numbers of a recording.
#[derive(Debug)]
pub struct Frames {
    interval: SimDuration,
    next: SimTime,
    times: Vec<SimTime>,
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
            times: Vec::new(),
            lag: Levels::default(),
            stored: Levels::default(),
            sent: Levels::default(),
            cached: Levels::default(),
            busy: Levels::default(),
            done: Levels::default(),
        }
    }

    /// Distance of the rows.
    pub fn interval(&self) -> SimDuration {
        self.interval
    }

    /// Writes the rows that lie before `now`.
    #[inline]
    pub fn reach(&mut self, now: SimTime) {
        while self.next < now {
            self.row(self.next);
            self.next = self.next + self.interval;
        }
    }

    /// Writes the last row.
    pub fn finish(&mut self, end: SimTime) {
        self.reach(end);
        self.row(end);
    }

    fn row(&mut self, at: SimTime) {
        self.times.push(at);
        self.all_mut().into_iter().for_each(Levels::snapshot);
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

    /// Every so-manieth row is told, so that the page stays small.
    fn stride(&self) -> usize {
        let columns: usize = self.all().iter().map(|levels| levels.now.len()).sum();
        let rows = (NUMBERS / columns.max(1)).max(ROWS_LEAST);
        self.times.len().div_ceil(rows).max(1)
    }

    /// When the rows that are told were written.
    pub fn times(&self) -> Vec<SimTime> {
        picked(&self.times, self.stride()).copied().collect()
    }

    /// The rows of the first `entities` of `levels`.
    pub fn told(&self, levels: &Levels, entities: usize) -> Vec<String> {
        let stride = self.stride();
        (0..entities.min(COLUMNS))
            .map(|entity| levels.told(entity, stride))
            .collect()
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        self.all().iter().map(|levels| levels.held()).sum::<u64>() + memory::of_vec(&self.times)
    }
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

    #[test]
    fn many_columns_have_fewer_rows() {
        let mut frames = Frames::new(SimDuration::from_secs(500));
        for entity in 0..2_000 {
            frames.lag.set(entity, 1);
            frames.done.set(entity, 1);
        }
        frames.finish(secs(500));
        assert_eq!(frames.told(&frames.lag, 2_000).len(), COLUMNS);
        let rows = frames.times().len();
        assert!((ROWS_LEAST..200).contains(&rows), "{rows}");
        assert_eq!(frames.times().last(), Some(&secs(500)));
    }

    #[test]
    fn a_run_of_no_length_has_a_row() {
        let mut frames = Frames::new(SimDuration::ZERO);
        frames.finish(SimTime::ZERO);
        assert_eq!(frames.times(), [SimTime::ZERO]);
    }
}
