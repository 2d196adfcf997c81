//! What metrics were at the samples of a run, with a bound on how much that is.
//!
//! As in the series of the report every second row is dropped when there are too many, and the grid becomes twice as wide.

use super::families::Metric;
use crate::kernel::memory;
use crate::kernel::time::SimTime;
use std::collections::BTreeMap;

/// Rows at most.
const ROWS: usize = 2_000;
/// Values at most in all columns together, but at least [`ROWS_LEAST`] rows are kept.
const VALUES: usize = 1_000_000;
const ROWS_LEAST: usize = 100;

/// Nothing was told.
const NOTHING: u64 = u64::MAX;

/// All columns, by metric.
#[derive(Debug)]
pub struct Grid {
    stride: u64,
    samples: u64,
    times: Vec<SimTime>,
    columns: BTreeMap<Metric, Vec<u64>>,
}

impl Default for Grid {
    fn default() -> Self {
        Self {
            stride: 1,
            samples: 0,
            times: Vec::new(),
            columns: BTreeMap::new(),
        }
    }
}

impl Grid {
    /// A sample was taken: whether it is to become a row.
    pub fn sampled(&mut self) -> bool {
        self.samples += 1;
        (self.samples - 1).is_multiple_of(self.stride)
    }

    /// Begins a row.
    pub fn begin(&mut self, now: SimTime) {
        let most = (VALUES / self.columns.len().max(1)).clamp(ROWS_LEAST, ROWS);
        if self.times.len() >= most {
            self.stride *= 2;
            keep_even(&mut self.times);
            self.columns.values_mut().for_each(keep_even);
        }
        self.times.push(now);
    }

    /// Puts one value into the row.
    pub fn put(&mut self, metric: Metric, value: u64) {
        let row = self.times.len() - 1;
        let column = self.columns.entry(metric).or_default();
        column.resize(row, NOTHING);
        column.push(value);
    }

    /// When the last row was taken.
    pub fn last(&self) -> Option<SimTime> {
        self.times.last().copied()
    }

    /// All metrics in order, each with its points in order.
    pub fn metrics(&self) -> impl Iterator<Item = (Metric, impl Iterator<Item = (SimTime, u64)>)> {
        self.columns.iter().map(|(metric, column)| {
            let points = self.times.iter().copied().zip(column.iter().copied());
            (*metric, points.filter(|(_, value)| *value != NOTHING))
        })
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let columns = self.columns.values().map(memory::of_vec).sum::<u64>();
        memory::of_map(&self.columns) + columns + memory::of_vec(&self.times)
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
    use crate::trace::open_metrics::families::Family;

    /// 5 000 samples of 1 s: rows 4 s apart are left, each with its own value; what was told late has no points before.
    #[test]
    fn a_long_run_keeps_a_short_grid() {
        let metric = |family| Metric {
            family,
            group: None,
            topic: None,
            broker: None,
        };
        let mut grid = Grid::default();
        for second in 0..5_000 {
            if grid.sampled() {
                grid.begin(SimTime::from_nanos(second));
                grid.put(metric(Family::LagMessages), 10 * second);
                if second >= 3_000 {
                    grid.put(metric(Family::LagLatency), second);
                }
            }
        }
        let columns: Vec<Vec<(SimTime, u64)>> = grid.metrics().map(|(_, points)| points.collect()).collect();
        assert_eq!((columns[0].len(), columns[1].len()), (1_250, 500));
        for (row, (at, value)) in columns[0].iter().enumerate() {
            assert_eq!((at.as_nanos(), *value), (4 * row as u64, 40 * row as u64));
        }
        assert_eq!(columns[1][0], (SimTime::from_nanos(3_000), 3_000));
    }
}
