//! Windows: what consumers and queues have done by the end of each twelfth of the run, after its warm-up.
//!
//! A row holds totals since the start; the difference of two is what one window saw. A row is taken at the first
//! sample at or after its twelfth, so a run of few samples has fewer windows.

use crate::kernel::memory;
use crate::kernel::time::{SimDuration, SimTime};

/// Windows of a run.
pub const WINDOWS: u64 = 12;

/// What one consumer has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Listener results.
    pub consumed: u64,
    /// Thread time in the listener, nanoseconds.
    pub busy: u64,
    /// Integral of the queues of subscribed topics that it held, queue-nanoseconds.
    pub held: i128,
}

/// Totals at one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// When.
    pub at: SimTime,
    /// By consumer; those that come later are missing.
    pub consumers: Vec<Done>,
    /// Deliveries by slot; those that come later are missing.
    pub deliveries: Vec<u64>,
}

/// The rows of a run.
#[derive(Debug, Default)]
pub struct Windows {
    /// Where the first one begins.
    from: SimTime,
    /// From there to the end of the run as planned.
    horizon: SimDuration,
    rows: Vec<Row>,
}

impl Windows {
    /// No rows yet; the run is to last for `horizon` from `from` on.
    pub fn new(from: SimTime, horizon: SimDuration) -> Self {
        Self {
            from,
            horizon,
            rows: Vec::new(),
        }
    }

    /// Whether a row is to be taken at `now`.
    pub fn is_due(&self, now: SimTime) -> bool {
        let next = u128::from(self.horizon.as_nanos()) * self.rows.len() as u128 / u128::from(WINDOWS);
        self.rows.len() as u64 <= WINDOWS
            && now >= self.from
            && u128::from(now.since(self.from).as_nanos()) >= next
            && self.rows.last().is_none_or(|last| last.at < now)
    }

    /// Takes a row.
    pub fn take(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// The totals at both ends of each window.
    pub fn iter(&self) -> impl Iterator<Item = (&Row, &Row)> {
        self.rows.windows(2).map(|pair| (&pair[0], &pair[1]))
    }

    /// Bytes for so many consumers and slots.
    pub fn held_for(consumers: u64, slots: u64) -> u64 {
        let row = memory::of::<Done>(consumers as usize) + memory::of::<u64>(slots as usize);
        WINDOWS * row
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let of_row = |row: &Row| memory::of_vec(&row.consumers) + memory::of_vec(&row.deliveries);
        self.rows.iter().map(of_row).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::story::secs;

    fn edges(horizon: u64, samples: impl Iterator<Item = u64>) -> Vec<u64> {
        edges_from(0, horizon, samples)
    }

    fn edges_from(from: u64, horizon: u64, samples: impl Iterator<Item = u64>) -> Vec<u64> {
        let mut windows = Windows::new(secs(from), SimDuration::from_secs(horizon));
        let mut taken = Vec::new();
        for at in samples {
            if windows.is_due(secs(at)) {
                taken.push(at);
                windows.take(Row {
                    at: secs(at),
                    ..Row::default()
                });
            }
        }
        taken
    }

    #[test]
    fn a_run_has_twelve_windows() {
        assert_eq!(edges(300, 0..=300), (0..=12).map(|w| 25 * w).collect::<Vec<_>>());
        // Twelfths of 100 s do not fall on whole seconds: the first sample after them will do.
        assert_eq!(edges(100, 0..=100)[..4], [0, 9, 17, 25]);
    }

    #[test]
    fn the_warm_up_has_none() {
        let expected: Vec<u64> = (0..=12).map(|w| 60 + 20 * w).collect();
        assert_eq!(edges_from(60, 240, 0..=300), expected);
    }

    #[test]
    fn few_samples_make_few_windows() {
        assert_eq!(edges(3, 0..=3), [0, 1, 2, 3]);
        assert_eq!(edges(0, [0, 0].into_iter()), [0]);
    }
}
