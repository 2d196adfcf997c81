//! Batch means: how sure the mean of values is of which neighbours are alike.
//!
//! One long run is cut into batches of equal length, much longer than the memory of what is measured. Their
//! means are then nearly independent, and the spread of these means tells the error of their mean. Where the
//! batches are too short, neighbouring means are alike still and the error comes out too small: look at
//! [`Estimate::neighbours`].
//!
//! Source: Conway, "Some tactical problems in digital simulation", 1963; Law and Kelton, "Simulation Modeling
//! and Analysis".

use crate::kernel::math;
use crate::study::student_t;

/// A mean and what its batches say of its error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean over all batches.
    pub mean: f64,
    /// Its standard error.
    pub error: f64,
    /// How many batches there were; at least 2.
    pub batches: usize,
    /// Correlation of neighbouring batches, −1 … 1; near 0 if the batches are long enough.
    pub neighbours: f64,
}

/// The mean of equally long batches, from their means; `None` of fewer than two.
pub fn batch_means(means: &[f64]) -> Option<Estimate> {
    if means.len() < 2 {
        return None;
    }
    let n = means.len() as f64;
    let mean = means.iter().sum::<f64>() / n;
    let squares: f64 = means.iter().map(|m| (m - mean) * (m - mean)).sum();
    let products: f64 = means.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum();
    Some(Estimate {
        mean,
        error: math::sqrt(squares / (n - 1.0) / n),
        batches: means.len(),
        neighbours: if squares > 0.0 { products / squares } else { 0.0 },
    })
}

impl Estimate {
    /// How many standard errors the mean lies above `expected`; negative if below.
    pub fn errors_above(&self, expected: f64) -> f64 {
        let off = self.mean - expected;
        if off == 0.0 { 0.0 } else { off / self.error }
    }

    /// Half the width of the confidence interval of this `level`, 0 < `level` < 1, by Student's t.
    pub fn half_width(&self, level: f64) -> f64 {
        student_t::quantile(0.5 + level / 2.0, self.batches as f64 - 1.0) * self.error
    }

    /// The number of independent batches that would be worth as much, as far as neighbours tell: `batches` if
    /// they are not alike, fewer if they are.
    pub fn effective_batches(&self) -> f64 {
        let alike = self.neighbours.max(0.0);
        self.batches as f64 * (1.0 - alike) / (1.0 + alike)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::streams::{Source, Stream, Streams};

    /// Means 1, 2, 3, 6: mean 3, variance (4 + 1 + 0 + 9) ÷ 3, error √(14/3/4); neighbours (2 + 0 + 0) ÷ 14.
    #[test]
    fn small_case_by_hand() {
        let estimate = batch_means(&[1.0, 2.0, 3.0, 6.0]).unwrap();
        assert_eq!((estimate.mean, estimate.batches), (3.0, 4));
        assert!((estimate.error - math::sqrt(14.0 / 12.0)).abs() < 1e-15);
        assert!((estimate.neighbours - 2.0 / 14.0).abs() < 1e-15);
        assert!((estimate.errors_above(2.0) - 1.0 / math::sqrt(14.0 / 12.0)).abs() < 1e-15);
        // t(0.975, 3) = 3.182.
        assert!((estimate.half_width(0.95) / estimate.error - 3.182_446).abs() < 1e-5);
        assert!((estimate.effective_batches() - 4.0 * 12.0 / 16.0).abs() < 1e-12);
    }

    #[test]
    fn one_batch_tells_no_error() {
        assert_eq!(batch_means(&[]), None);
        assert_eq!(batch_means(&[1.0]), None);
    }

    #[test]
    fn values_without_spread_have_no_error() {
        let estimate = batch_means(&[2.0; 5]).unwrap();
        assert_eq!((estimate.error, estimate.neighbours), (0.0, 0.0));
        assert_eq!(estimate.errors_above(2.0), 0.0);
        assert_eq!(estimate.errors_above(1.0), f64::INFINITY);
    }

    /// Means of batches of `length` values, each `memory` of the one before plus a uniform draw of mean 0.
    fn alike(stream: &mut Stream, memory: f64, batches: usize, length: usize) -> Vec<f64> {
        let mut value = 0.0;
        let mut batch = || {
            let mut sum = 0.0;
            for _ in 0..length {
                value = memory * value + stream.unit() - 0.5;
                sum += value;
            }
            sum / length as f64
        };
        (0..batches).map(|_| batch()).collect()
    }

    /// Draws of variance 1/12 and memory 0.9 give a mean over n values with error √(1/12 ÷ n) ÷ (1 − 0.9). The
    /// error of 400 batches is itself off by 1 ÷ √800 = 3.5 % on average; 12 % is more than three times that.
    /// Batches of 10 are shorter than the memory and see far too small an error, which `neighbours` betrays.
    #[test]
    fn error_counts_what_neighbours_share() {
        let mut stream = Streams::new(1).stream("batches", "values");
        let long = batch_means(&alike(&mut stream, 0.9, 400, 1_000)).unwrap();
        let expected = math::sqrt(1.0 / 12.0 / 400_000.0) / 0.1;
        assert!((long.error / expected - 1.0).abs() < 0.12, "{long:?} {expected}");
        assert!(
            long.errors_above(0.0).abs() < 3.0 && long.neighbours.abs() < 0.15,
            "{long:?}"
        );
        let short = batch_means(&alike(&mut stream, 0.9, 40_000, 10)).unwrap();
        assert!(
            short.error < 0.8 * expected && short.neighbours > 0.3,
            "{short:?} {expected}"
        );
        assert!(short.effective_batches() < 22_000.0, "{short:?}");
    }
}
