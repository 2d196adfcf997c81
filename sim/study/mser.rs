//! MSER-5: where the start of a series ends, so that what remains has its mean known best.
//!
//! A run begins empty, and its first values say more of that than of the system. To cut more of them takes the
//! bias away, and leaves fewer values to take the mean of. MSER cuts where the standard error of the mean of the
//! rest, reckoned as if values were independent, is least; MSER-5 does so with means of five neighbours, which
//! smooths single values. A cut that takes more than half of the series leaves too little to be believed.
//!
//! Left out: that neighbours are alike. The standard error is that of independent values, which is wrong as such
//! and right for the comparison of cuts. See [`autocorrelation`](crate::study::autocorrelation).
//!
//! Source: White, "An effective truncation heuristic for bias reduction in simulation output", 1997 (MSER);
//! White, Cobb and Spratt, "A comparison of five steady-state truncation heuristics for simulation", 2000
//! (MSER-5, and the half).

/// Neighbours that are taken together.
const BATCH: usize = 5;

/// Batches that must remain at least: the mean of fewer is never known well, however alike they are by chance.
const LEAST: usize = 5;

/// The number of values to leave out at the front, a multiple of 5; `None` if the series is not long enough to
/// see its steady state: the best cut takes more than half, or there are fewer than 10 batches.
///
/// Of equally good cuts the shortest; of a constant series nothing is cut. Cuts that leave less than a tenth are
/// not looked at, since a few neighbours agree whatever comes before them.
pub fn cut(series: &[f64]) -> Option<usize> {
    let means: Vec<f64> = series.chunks_exact(BATCH).map(mean).collect();
    if means.len() < 2 * LEAST {
        return None;
    }
    let least = LEAST.max(means.len() / 10);
    let (mut best, mut best_error) = (0, f64::INFINITY);
    // From the back, so that each cut adds one batch to those that remain (Welford's sums).
    let (mut kept, mut middle, mut squares) = (0.0, 0.0, 0.0);
    for (at, value) in means.iter().enumerate().rev() {
        kept += 1.0;
        let off = value - middle;
        middle += off / kept;
        squares += off * (value - middle);
        let error = squares / (kept * kept);
        if means.len() - at >= least && error <= best_error {
            (best, best_error) = (at, error);
        }
    }
    (2 * best <= means.len()).then_some(best * BATCH)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::math;
    use crate::kernel::streams::{Source, Streams};

    /// Twelve batches of means 9, 5, then 1 and 3 by turns. Of the last ten the squares are 10 and the square of the
    /// error 10 ÷ 10² = 0.1; with the 5 of before it is (10 + 9 × 10 ÷ 11) ÷ 11² = 0.150, with both
    /// (18.18 + (9 − 25 ÷ 11)² × 11 ÷ 12) ÷ 12² = 0.415; without the 1 that follows, (80 ÷ 9) ÷ 9² = 0.110.
    #[test]
    fn small_case_by_hand() {
        let means = [9.0, 5.0, 1.0, 3.0, 1.0, 3.0, 1.0, 3.0, 1.0, 3.0, 1.0, 3.0];
        let series: Vec<f64> = (means.iter())
            .flat_map(|m| [m - 2.0, m + 2.0, *m, m + 1.0, m - 1.0])
            .collect();
        assert_eq!(cut(&series), Some(10));
        // Values that fill no batch do not count.
        assert_eq!(cut(&[series.as_slice(), &[1e9; 4]].concat()), Some(10));
    }

    #[test]
    fn a_constant_series_is_kept_whole() {
        assert_eq!(cut(&[0.1; 50]), Some(0));
        assert_eq!(cut(&[0.0; 500]), Some(0));
    }

    #[test]
    fn too_few_values_tell_nothing() {
        assert_eq!(cut(&[]), None);
        assert_eq!(cut(&[1.0; 49]), None);
    }

    /// What rises to its end has no steady part: each cut is better than the one before.
    #[test]
    fn what_only_rises_is_not_long_enough() {
        let rising: Vec<f64> = (0..200).map(f64::from).collect();
        assert_eq!(cut(&rising), None);
    }

    /// A level that is left after 60 of 100 values shows only in the second half.
    #[test]
    fn a_start_longer_than_half_is_no_start() {
        let steps = |at: usize| -> Vec<f64> { (0..100).map(|n| f64::from(u8::from(n < at))).collect() };
        assert_eq!(cut(&steps(50)), Some(50));
        assert_eq!(cut(&steps(60)), None);
    }

    /// Memory 0.5, deviation 1, and a start that is off by 20 × 0.9ⁿ: below a fifth of a deviation after 44 values.
    /// In 200 repetitions the cut lies past the tenth value, where the start is off by seven deviations, and
    /// within the first half, and the mean of the rest, whose error is √3 ÷ √900 = 0.058, shows no bias. Without
    /// the cut it would be 200 ÷ 1 000 = 0.2.
    #[test]
    fn a_start_that_fades_is_cut_off() {
        let mut stream = Streams::new(1).stream("mser", "values");
        let (mut sum, mut found) = (0.0, 0);
        for _ in 0..200 {
            let (mut value, mut start) = (0.0, 20.0);
            let series: Vec<f64> = (0..1_000)
                .map(|_| {
                    start *= 0.9;
                    value = 0.5 * value + math::sqrt(0.75) * math::normal_quantile(stream.unit());
                    value + start
                })
                .collect();
            let Some(at) = cut(&series) else { continue };
            assert!((10..=500).contains(&at) && at % BATCH == 0, "{at}");
            sum += mean(&series[at..]);
            found += 1;
        }
        assert!(found >= 190, "{found}");
        let bias = sum / f64::from(found);
        // Three standard errors of the mean of means are 3 × 0.058 ÷ √190 = 0.013; what is left of the start adds to it.
        assert!(bias.abs() < 0.02, "{bias}");
    }
}
