//! A few independent numbers, one a run: their mean and how sure it is.
//!
//! Runs with different seeds are independent, and the mean of each is itself the mean of many messages, so that
//! Student's t gives an interval that holds even for a handful of them.
//!
//! Source: Student, "The probable error of a mean", 1908; Law, "Simulation Modeling and Analysis", 4.5 and 9.4.

use crate::kernel::math;
use crate::study::student_t;

/// Mean, spread and range of some numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// How many.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Standard deviation, with count − 1; exactly 0 if all are equal, `None` of fewer than two.
    pub deviation: Option<f64>,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
}

impl Sample {
    /// What `values` come to; `None` of none. Every value must be finite.
    pub fn of(values: &[f64]) -> Option<Self> {
        let (&first, count) = (values.first()?, values.len());
        // Counted from the first, so that equal values have it as their mean to the last bit.
        let mean = first + values.iter().map(|v| v - first).sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        Some(Self {
            count,
            mean,
            deviation: (count > 1).then(|| math::sqrt(squares / (count - 1) as f64)),
            min: values.iter().copied().fold(first, f64::min),
            max: values.iter().copied().fold(first, f64::max),
        })
    }

    /// Standard error of the mean; `None` of fewer than two.
    pub fn error(&self) -> Option<f64> {
        Some(self.deviation? / math::sqrt(self.count as f64))
    }

    /// Half the width of the confidence interval of this `level`, 0 < `level` < 1; `None` of fewer than two.
    pub fn half_width(&self, level: f64) -> Option<f64> {
        Some(factor(self.count, level)? * self.error()?)
    }
}

/// Half-width ÷ standard error of the mean of `count` values at this `level`; `None` for fewer than two.
pub fn factor(count: usize, level: f64) -> Option<f64> {
    (count > 1).then(|| student_t::quantile(0.5 + level / 2.0, count as f64 - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1, 2, 3, 6: variance 14 ÷ 3; t(0.975, 3) = 3.182.
    #[test]
    fn small_case_by_hand() {
        let sample = Sample::of(&[1.0, 2.0, 3.0, 6.0]).unwrap();
        assert_eq!(
            (sample.count, sample.mean, sample.min, sample.max),
            (4, 3.0, 1.0, 6.0)
        );
        assert!((sample.deviation.unwrap() - math::sqrt(14.0 / 3.0)).abs() < 1e-15);
        let half = sample.half_width(0.95).unwrap();
        assert!(
            (half - 3.182_446 * math::sqrt(14.0 / 12.0)).abs() < 1e-5,
            "{half}"
        );
    }

    #[test]
    fn one_value_has_no_spread_and_none_no_mean() {
        let one = Sample::of(&[4.0]).unwrap();
        assert_eq!((one.mean, one.deviation, one.half_width(0.95)), (4.0, None, None));
        assert_eq!(Sample::of(&[]), None);
    }

    /// 0.1 has no exact form, and a sum of twenty divided by twenty need not give it back.
    #[test]
    fn equal_values_have_exactly_no_spread() {
        let sample = Sample::of(&[0.1; 20]).unwrap();
        assert_eq!((sample.mean, sample.deviation), (0.1, Some(0.0)));
        assert_eq!(sample.half_width(0.95), Some(0.0));
    }
}
