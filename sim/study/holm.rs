//! Many comparisons at once: how small a probability must be so that not even one of them errs.
//!
//! Of twenty comparisons of equal things one comes out below 5 %, on average. Holm's rule raises each probability
//! so that the chance of even one false finding among all of them stays below the level; it costs less than
//! Bonferroni's factor, and holds however the comparisons depend on each other.
//!
//! Source: Holm, "A simple sequentially rejective multiple test procedure", 1979.

/// The probabilities, each corrected for all others; in the same order.
pub fn adjusted(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut out = vec![0.0; p.len()];
    let mut highest = 0.0_f64;
    for (rank, &at) in order.iter().enumerate() {
        // A larger probability never becomes the smaller one.
        highest = highest.max(p[at] * (p.len() - rank) as f64).min(1.0);
        out[at] = highest;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example of R's `p.adjust(c(0.01, 0.02, 0.03, 0.04), "holm")` and one out of order.
    #[test]
    fn small_cases_by_hand() {
        let near = |found: Vec<f64>, expected: &[f64]| {
            assert_eq!(found.len(), expected.len());
            for (a, b) in found.iter().zip(expected) {
                assert!((a - b).abs() < 1e-15, "{found:?}");
            }
        };
        near(adjusted(&[0.01, 0.02, 0.03, 0.04]), &[0.04, 0.06, 0.06, 0.06]);
        near(adjusted(&[0.5, 0.0, 0.012]), &[0.5, 0.0, 0.024]);
        near(adjusted(&[0.9, 0.8]), &[1.0, 1.0]);
        near(adjusted(&[0.03]), &[0.03]);
        near(adjusted(&[]), &[]);
    }

    proptest! {
        /// Nothing gets smaller, nothing more than Bonferroni asks for, and the order stays.
        #[test]
        fn between_the_plain_and_bonferroni(p in prop::collection::vec(0.0..1.0_f64, 1..40)) {
            let holm = adjusted(&p);
            for (i, (&plain, &out)) in p.iter().zip(&holm).enumerate() {
                prop_assert!(out >= plain && out <= (plain * p.len() as f64).min(1.0) + 1e-12);
                for (j, &other) in p.iter().enumerate() {
                    prop_assert!(plain > other || out <= holm[j], "{} {}", i, j);
                }
            }
        }
    }
}
