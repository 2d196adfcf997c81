//! Spans of time: exact count, mean, deviation and maximum, and a mergeable histogram.
//!
//! The histogram keeps three digits from 1 ms on; below that it tells half microseconds apart. It grows with
//! the largest value, not with the number of values.

use crate::kernel::time::SimDuration;
use crate::observe::histogram::Histogram;

/// Bins of a [`Latency::distribution`] in an octave.
const BINS: u64 = 16;

/// A collection of spans.
#[derive(Clone, Debug)]
pub struct Latency {
    sum: u128,
    squares: u128,
    max: u64,
    histogram: Histogram,
}

/// Values from `lower` to `upper`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bin {
    /// Lowest value of the bin.
    pub lower: SimDuration,
    /// Highest value of the bin.
    pub upper: SimDuration,
    /// How many values lie in it.
    pub count: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            sum: 0,
            squares: 0,
            max: 0,
            histogram: Histogram::with_unit_bits(Self::UNIT_BITS),
        }
    }
}

impl Latency {
    /// The histogram tells spans apart in units of 2⁹ = 512 ns.
    pub const UNIT_BITS: u32 = 9;

    /// One more span.
    #[inline(always)]
    pub fn record(&mut self, span: SimDuration) {
        let nanos = span.as_nanos();
        self.sum += u128::from(nanos);
        self.squares += u128::from(nanos) * u128::from(nanos);
        self.max = self.max.max(nanos);
        self.histogram.record(nanos);
    }

    /// Takes all spans of `other` in: the same as if they had been recorded here.
    pub fn merge(&mut self, other: &Self) {
        self.sum += other.sum;
        self.squares += other.squares;
        self.max = self.max.max(other.max);
        self.histogram.add(&other.histogram);
    }

    /// Number of spans.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }
    /// Sum of all spans, nanoseconds.
    pub fn sum_nanos(&self) -> u128 {
        self.sum
    }
    /// Mean in seconds; `None` without spans.
    pub fn mean_secs(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.sum as f64 / self.count() as f64 / 1e9)
    }
    /// Standard deviation (of the whole population) in seconds; `None` without spans.
    pub fn deviation_secs(&self) -> Option<f64> {
        let n = u128::from(self.count());
        if n == 0 {
            return None;
        }
        // n Σx² − (Σx)² in integers, so that nearly equal spans do not cancel out.
        let variance = match (self.squares.checked_mul(n), self.sum.checked_mul(self.sum)) {
            (Some(left), Some(right)) => (left - right) as f64 / n as f64 / n as f64,
            _ => {
                let mean = self.sum as f64 / n as f64;
                (self.squares as f64 / n as f64 - mean * mean).max(0.0)
            }
        };
        Some(variance.sqrt() / 1e9)
    }
    /// Largest span, exactly; `None` without spans.
    pub fn max(&self) -> Option<SimDuration> {
        (self.count() > 0).then(|| SimDuration::from_nanos(self.max))
    }
    /// The span that a share `q` of all does not exceed, to three digits; `None` without spans.
    pub fn quantile(&self, q: f64) -> Option<SimDuration> {
        (self.count() > 0).then(|| SimDuration::from_nanos(self.histogram.quantile(q).min(self.max)))
    }

    /// The histogram itself, in nanoseconds.
    pub fn histogram(&self) -> &Histogram {
        &self.histogram
    }

    /// The histogram in bins of 1/16 octave at most, empty ones left out.
    pub fn distribution(&self) -> Vec<Bin> {
        let mut bins: Vec<Bin> = Vec::new();
        for (_, highest, count) in self.histogram.bins() {
            let (lower, upper) = bin_of(highest);
            match bins.last_mut() {
                Some(last) if last.lower.as_nanos() == lower => last.count += count,
                _ => bins.push(Bin {
                    lower: SimDuration::from_nanos(lower),
                    upper: SimDuration::from_nanos(upper),
                    count,
                }),
            }
        }
        bins
    }

    /// Bytes of one whose longest span is `span`.
    pub fn held_for(span: SimDuration) -> u64 {
        Histogram::held_for(span.as_nanos(), Self::UNIT_BITS)
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        self.histogram.held()
    }
}

/// The bin of a value: an octave is cut into 16 equal parts; what lies below 8 192 ns is cut into 512s.
fn bin_of(nanos: u64) -> (u64, u64) {
    let width = match nanos {
        0..8_192 => 1 << Latency::UNIT_BITS,
        _ => (1 << nanos.ilog2()) / BINS,
    };
    let lower = nanos / width * width;
    (lower, lower + (width - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(millis: impl IntoIterator<Item = u64>) -> Latency {
        let mut latency = Latency::default();
        for n in millis {
            latency.record(SimDuration::from_millis(n));
        }
        latency
    }

    /// 1 … 1 000 ms: mean 500.5 ms, variance (1000² − 1) ÷ 12.
    #[test]
    fn moments_are_exact_and_quantiles_good_to_three_digits() {
        let latency = of(1..=1_000);
        assert_eq!(latency.mean_secs(), Some(0.5005));
        let deviation = latency.deviation_secs().unwrap();
        assert!((deviation - (999_999.0_f64 / 12.0).sqrt() / 1e3).abs() < 1e-12);
        assert_eq!(latency.max(), Some(SimDuration::from_millis(1_000)));
        for (q, expected) in [(0.5, 0.5), (0.9, 0.9), (0.99, 0.99), (1.0, 1.0)] {
            let found = latency.quantile(q).unwrap().as_secs_f64();
            assert!((found / expected - 1.0).abs() < 1e-3, "{q}: {found}");
        }
    }

    #[test]
    fn nothing_measured_is_nothing_said() {
        let latency = Latency::default();
        assert_eq!((latency.count(), latency.max()), (0, None));
        assert_eq!((latency.mean_secs(), latency.deviation_secs()), (None, None));
        assert_eq!(latency.quantile(0.5), None);
        assert!(latency.distribution().is_empty());
    }

    #[test]
    fn merging_is_recording_together() {
        let (mut odd, even) = (of((1..500).step_by(2)), of((2..500).step_by(2)));
        odd.merge(&even);
        let all = of(1..500);
        assert_eq!(odd.count(), all.count());
        assert_eq!(odd.sum_nanos(), all.sum_nanos());
        assert_eq!(odd.distribution(), all.distribution());
        assert_eq!(odd.deviation_secs(), all.deviation_secs());
    }

    /// Every value lies in its bin, bins do not overlap, and no value is lost.
    #[test]
    fn the_distribution_holds_every_value_once() {
        let latency = of((0..40).map(|i| i * i * i));
        let bins = latency.distribution();
        assert_eq!(bins.iter().map(|bin| bin.count).sum::<u64>(), 40);
        for pair in bins.windows(2) {
            assert!(pair[0].upper < pair[1].lower);
        }
        for (nanos, bin) in [(0, (0, 511)), (8_191, (7_680, 8_191)), (8_192, (8_192, 8_703))] {
            assert_eq!(bin_of(nanos), bin);
        }
    }

    #[test]
    fn hours_and_nanoseconds_fit_into_one() {
        let mut latency = Latency::default();
        latency.record(SimDuration::from_nanos(1));
        latency.record(SimDuration::from_secs(86_400 * 365));
        assert_eq!(latency.max(), Some(SimDuration::from_secs(86_400 * 365)));
        assert_eq!(latency.quantile(0.5).unwrap().as_nanos(), 511);
    }
}
