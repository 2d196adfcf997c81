//! Two variants, one number a run of each: how they differ, and how sure that is.
//!
//! With common random numbers, run `k` of both variants meets the same messages, so that most of its luck
//! cancels in the difference: the differences of the pairs are one [`Sample`] (paired t). Runs with seeds of their
//! own are compared by Welch's test, which does not ask for equal spreads.
//!
//! Source: Law, "Simulation Modeling and Analysis", 10.2 and 11.2; Welch, "The generalization of Student's problem",
//! 1947; Hedges, "Distribution theory for Glass's estimator of effect size", 1981.

use crate::kernel::math;
use crate::study::sample::Sample;
use crate::study::student_t;

/// How a variant differs from another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Pairs, or runs of the variant that has fewer; at least 2.
    pub runs: usize,
    /// Mean of the other, in the runs that count.
    pub other: f64,
    /// Variant − other.
    pub mean: f64,
    /// Half the width of its confidence interval.
    pub half_width: f64,
    /// Probability of a difference as large as this, either way, if there were none.
    pub p: f64,
    /// Whether no pair differs.
    pub identical: bool,
    /// Hedges' g: the difference in standard deviations of one run, corrected for few runs; `None` without spread.
    pub effect: Option<f64>,
    /// Correlation of the pairs; `None` without pairs or without spread.
    pub correlation: Option<f64>,
    /// (variance of the one + of the other) ÷ variance of the differences: how many times more runs with luck of
    /// their own would be needed for the same interval. `None` without pairs or spread.
    pub variance_reduction: Option<f64>,
}

/// The difference of runs that are alike two by two; `None` of fewer than two pairs.
///
/// # Panics
/// If there are not as many of one as of the other.
pub fn paired(variant: &[f64], other: &[f64], level: f64) -> Option<Difference> {
    assert_eq!(variant.len(), other.len(), "pairs");
    let differences: Vec<f64> = variant.iter().zip(other).map(|(a, b)| a - b).collect();
    let (of, a, b) = (
        Sample::of(&differences)?,
        Sample::of(variant)?,
        Sample::of(other)?,
    );
    let spread = of.deviation?;
    let (va, vb) = (squared(a.deviation?), squared(b.deviation?));
    let products: f64 = (variant.iter().zip(other))
        .map(|(x, y)| (x - a.mean) * (y - b.mean))
        .sum();
    let both = math::sqrt(va * vb) * (of.count - 1) as f64;
    Some(Difference {
        runs: of.count,
        other: b.mean,
        mean: of.mean,
        half_width: of.half_width(level)?,
        // Each pair could as well differ the other way: of 2ⁿ such results two are as far apart.
        p: two_sided(of.mean, of.error()?, of.count as f64 - 1.0, halved(of.count - 1)),
        identical: differences.iter().all(|d| *d == 0.0),
        effect: effect(of.mean, &a, &b),
        correlation: (both > 0.0).then(|| (products / both).clamp(-1.0, 1.0)),
        variance_reduction: (spread > 0.0).then(|| (va + vb) / squared(spread)),
    })
}

/// The difference of runs that have nothing in common; `None` if one side has fewer than two.
pub fn unpaired(variant: &[f64], other: &[f64], level: f64) -> Option<Difference> {
    let (a, b) = (Sample::of(variant)?, Sample::of(other)?);
    let (ea, eb) = (squared(a.error()?), squared(b.error()?));
    let error = math::sqrt(ea + eb);
    let mean = a.mean - b.mean;
    // Welch and Satterthwaite; without any spread every number of degrees will do.
    let degrees = match ea + eb > 0.0 {
        true => squared(ea + eb) / (squared(ea) / (a.count - 1) as f64 + squared(eb) / (b.count - 1) as f64),
        false => (a.count.min(b.count) - 1) as f64,
    };
    Some(Difference {
        runs: a.count.min(b.count),
        other: b.mean,
        mean,
        half_width: student_t::quantile(0.5 + level / 2.0, degrees) * error,
        p: two_sided(mean, error, degrees, 2.0 / ways(a.count, b.count)),
        identical: variant == other,
        effect: effect(mean, &a, &b),
        correlation: None,
        variance_reduction: None,
    })
}

fn squared(x: f64) -> f64 {
    x * x
}

/// Probability of a mean as far from 0 as this, either way. Without any spread t tells nothing, and what remains is
/// `least`: how probable so extreme an order of the runs is if nothing but luck orders them.
fn two_sided(mean: f64, error: f64, degrees: f64, least: f64) -> f64 {
    match (mean == 0.0, error > 0.0) {
        (true, _) => 1.0,
        (false, true) => 2.0 * student_t::cdf(-(mean / error).abs(), degrees),
        (false, false) => least.min(1.0),
    }
}

/// 2 to the −`times`.
fn halved(times: usize) -> f64 {
    (0..times).fold(1.0, |p, _| p / 2.0)
}

/// In how many ways `a` of `a` + `b` runs can be chosen.
fn ways(a: usize, b: usize) -> f64 {
    (1..=a).fold(1.0, |ways, i| ways * (b + i) as f64 / i as f64)
}

/// Hedges' g.
fn effect(difference: f64, a: &Sample, b: &Sample) -> Option<f64> {
    let (na, nb) = ((a.count - 1) as f64, (b.count - 1) as f64);
    let variance = (squared(a.deviation?) * na + squared(b.deviation?) * nb) / (na + nb);
    let correction = 1.0 - 3.0 / (4.0 * (na + nb) - 1.0);
    (variance > 0.0).then(|| correction * difference / math::sqrt(variance))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::streams::{Source, Stream, Streams};
    use statrs::distribution::{ContinuousCDF, StudentsT};

    /// Differences 1, 2, 3, 2: mean 2, deviation √(2/3), t = 2 ÷ √(1/6) = 4.899 with 3 degrees.
    #[test]
    fn pairs_by_hand() {
        let found = paired(&[2.0, 4.0, 6.0, 6.0], &[1.0, 2.0, 3.0, 4.0], 0.95).unwrap();
        assert_eq!((found.runs, found.mean, found.identical), (4, 2.0, false));
        assert!((found.half_width - 3.182_446 * math::sqrt(1.0 / 6.0)).abs() < 1e-5);
        let t = StudentsT::new(0.0, 1.0, 3.0).unwrap();
        assert!(
            (found.p - 2.0 * (1.0 - t.cdf(2.0 * math::sqrt(6.0)))).abs() < 1e-9,
            "{}",
            found.p
        );
        // Variances 11/3 and 5/3, covariance 7/3 = (11/3 + 5/3 − 2/3) ÷ 2.
        assert!((found.variance_reduction.unwrap() - 8.0).abs() < 1e-12);
        let correlation = 7.0 / math::sqrt(55.0);
        assert!((found.correlation.unwrap() - correlation).abs() < 1e-12);
        let g = (1.0 - 3.0 / 23.0) * 2.0 / math::sqrt(8.0 / 3.0);
        assert!((found.effect.unwrap() - g).abs() < 1e-12);
    }

    /// Welch's own kind of case: few and wide against many and narrow. R: `t.test(a, b)`.
    #[test]
    fn unlike_spreads_by_hand() {
        let (a, b) = ([10.0, 20.0, 30.0], [9.0, 10.0, 11.0, 10.0, 10.0]);
        let found = unpaired(&a, &b, 0.95).unwrap();
        let error = math::sqrt(100.0 / 3.0 + 0.5 / 5.0);
        let degrees = squared(error * error) / (squared(100.0 / 3.0) / 2.0 + squared(0.1) / 4.0);
        let t = StudentsT::new(0.0, 1.0, degrees).unwrap();
        assert_eq!(found.mean, 10.0);
        assert!((found.p - 2.0 * (1.0 - t.cdf(10.0 / error))).abs() < 1e-9);
        assert_eq!((found.correlation, found.variance_reduction), (None, None));
    }

    /// What never varies is told by the number of runs alone, and what is the same is called the same.
    #[test]
    fn without_spread() {
        let more = paired(&[3.0; 4], &[1.0; 4], 0.95).unwrap();
        // One sign of four pairs: 2 of 16.
        assert_eq!(
            (more.mean, more.half_width, more.p, more.effect),
            (2.0, 0.0, 0.125, None)
        );
        assert!(!more.identical);
        let (same, other) = ([1.0, 5.0, 2.0], [1.0, 5.0, 2.0]);
        let equal = paired(&same, &other, 0.95).unwrap();
        assert_eq!(
            (equal.p, equal.identical, equal.correlation),
            (1.0, true, Some(1.0))
        );
        assert_eq!(equal.variance_reduction, None);
        // 2 of the 15 ways to choose 4 of 6.
        let p = unpaired(&[3.0; 4], &[1.0; 2], 0.95).unwrap().p;
        assert!((p - 2.0 / 15.0).abs() < 1e-12, "{p}");
        assert!(paired(&[3.0; 20], &[1.0; 20], 0.95).unwrap().p < 2e-6);
        assert_eq!(paired(&[1.0], &[2.0], 0.95), None);
        assert_eq!(unpaired(&[1.0, 2.0], &[2.0], 0.95), None);
    }

    fn normal(stream: &mut Stream) -> f64 {
        // Twelve uniform draws: near enough for what follows.
        (0..12).map(|_| stream.unit()).sum::<f64>() - 6.0
    }

    /// Luck that is shared counts once: pairs with a correlation of 0.99 need a hundredth of the runs.
    #[test]
    fn shared_luck_cancels() {
        let mut stream = Streams::new(3).stream("pairs", "values");
        let shared: Vec<f64> = (0..2_000).map(|_| normal(&mut stream)).collect();
        let mut own = |shift: f64| -> Vec<f64> {
            let own = |common: &f64| common + 0.1 * normal(&mut stream) + shift;
            shared.iter().map(own).collect()
        };
        let (a, b) = (own(0.0), own(0.05));
        let found = paired(&b, &a, 0.95).unwrap();
        // (1.01 + 1.01) ÷ 0.02 = 101; the estimate is good to √(4/2000) = 4.5 %.
        let reduction = found.variance_reduction.unwrap();
        assert!((85.0..120.0).contains(&reduction), "{reduction}");
        assert!(found.p < 1e-9, "{}", found.p);
        assert!(unpaired(&b, &a, 0.95).unwrap().half_width > 8.0 * found.half_width);
    }
}
