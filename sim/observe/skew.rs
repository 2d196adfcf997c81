//! Skew: how unevenly something is shared out. Four views of one list of shares:
//!
//! - max ÷ mean: how much more the busiest has; what limits throughput;
//! - coefficient of variation: √(mean of squared distances from the mean) ÷ mean;
//! - Gini: Σᵢ Σⱼ |xᵢ − xⱼ| ÷ (2 n² mean), from the sorted list as Σᵢ (2i − n − 1) xᵢ ÷ (n Σx);
//! - Jain: (Σx)² ÷ (n Σx²).
//!
//! All sums are integers, so that the order of the shares cannot matter.

/// Four views of one list of shares, and what they rest on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Skew {
    /// Number of shares.
    pub count: u64,
    /// Mean share.
    pub mean: f64,
    /// Greatest share.
    pub max: u64,
    /// Greatest share ÷ mean.
    pub max_over_mean: f64,
    /// Coefficient of variation.
    pub cv: f64,
    /// Gini coefficient.
    pub gini: f64,
    /// Jain's index.
    pub jain: f64,
}

/// The skew of `shares`; `None` if all are 0 or there is none.
pub fn skew(mut shares: Vec<u64>) -> Option<Skew> {
    shares.sort_unstable();
    let n = shares.len() as u128;
    let sum: u128 = shares.iter().map(|&x| u128::from(x)).sum();
    let squares: u128 = shares.iter().map(|&x| u128::from(x) * u128::from(x)).sum();
    let max = *shares.last()?;
    if sum == 0 {
        return None;
    }
    let ranked: i128 = shares
        .iter()
        .zip(1_i128..)
        .map(|(&x, rank)| (2 * rank - n as i128 - 1) * i128::from(x))
        .sum();
    let (n, sum_f, squares) = (n as f64, sum as f64, squares as f64);
    // n Σx² ÷ (Σx)² is 1 + cv², and 1 ÷ Jain.
    let unevenness = n * squares / sum_f / sum_f;
    Some(Skew {
        count: shares.len() as u64,
        mean: sum_f / n,
        max,
        max_over_mean: max as f64 * n / sum_f,
        cv: (unevenness - 1.0).max(0.0).sqrt(),
        gini: ranked as f64 / (n * sum_f),
        jain: 1.0 / unevenness,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn even_shares_have_no_skew() {
        let even = skew(vec![7; 4]).unwrap();
        assert_eq!(
            (even.max_over_mean, even.cv, even.gini, even.jain),
            (1.0, 0.0, 0.0, 1.0)
        );
    }

    /// One of four has all: Gini (n − 1) ÷ n, Jain 1 ÷ n, cv √(n − 1).
    #[test]
    fn one_has_all() {
        let one = skew(vec![0, 12, 0, 0]).unwrap();
        assert_eq!((one.max_over_mean, one.gini, one.jain), (4.0, 0.75, 0.25));
        assert_eq!(one.cv, 3.0_f64.sqrt());
    }

    /// Five queues on two consumers: 3 and 2. Mean 2.5, deviation 0.5; Σ|xᵢ − xⱼ| = 2, so Gini = 2 ÷ (2·4·2.5).
    #[test]
    fn the_remainder_of_five_queues_on_two() {
        let skew = skew(vec![2, 3]).unwrap();
        assert_eq!((skew.max_over_mean, skew.gini), (1.2, 0.1));
        assert!((skew.cv - 0.2).abs() < 1e-12);
        assert!((skew.jain - 25.0 / 26.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_shared_out_has_no_skew() {
        assert_eq!(skew(vec![]), None);
        assert_eq!(skew(vec![0, 0]), None);
    }

    proptest! {
        /// The sorted form of Gini is the plain double sum, and every index stays in its range.
        #[test]
        fn indices_stay_in_range(shares in prop::collection::vec(0_u64..1_000, 1..30)) {
            prop_assume!(shares.iter().any(|&x| x > 0));
            let n = shares.len() as f64;
            let double: u64 = shares.iter().flat_map(|&a| shares.iter().map(move |&b| a.abs_diff(b))).sum();
            let skew = skew(shares).unwrap();
            prop_assert!((skew.gini - double as f64 / (2.0 * n * n * skew.mean)).abs() < 1e-9);
            prop_assert!(skew.max_over_mean >= 1.0 - 1e-12 && skew.max_over_mean <= n + 1e-9);
            prop_assert!(skew.jain >= 1.0 / n - 1e-12 && skew.jain <= 1.0 + 1e-12);
            prop_assert!(skew.gini >= 0.0 && skew.gini <= (n - 1.0) / n + 1e-12);
        }
    }
}
