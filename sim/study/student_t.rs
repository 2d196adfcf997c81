//! Student's t distribution: how far the mean of a few values may stray when their spread is only estimated.
//!
//! Source: Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.5.8 and 26.7.1; the continued
//! fraction is evaluated by Lentz's method as Thompson and Barnett changed it, 1986.

use crate::kernel::math;

/// Probability of a value of at most `t`, with `degrees` > 0 degrees of freedom. Error below 1e-12.
pub fn cdf(t: f64, degrees: f64) -> f64 {
    let both_tails = beta_share(degrees / (degrees + t * t), degrees / 2.0, 0.5);
    if t > 0.0 {
        1.0 - both_tails / 2.0
    } else {
        both_tails / 2.0
    }
}

/// The value that is not exceeded with probability `p`, for 0 < `p` < 1 and `degrees` > 0.
pub fn quantile(p: f64, degrees: f64) -> f64 {
    // In the lower tail, where no digits are lost to the 1.
    let tail = p.min(1.0 - p);
    let both = 2.0 * tail;
    let exceeds = |t: f64| beta_share(degrees / (degrees + t * t), degrees / 2.0, 0.5) > both;
    let (mut low, mut high) = (0.0, 1.0);
    while exceeds(high) {
        (low, high) = (high, high * 2.0);
    }
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return if p < 0.5 { -middle } else { middle };
        }
        if exceeds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// The regularised incomplete beta function I_x(a, b).
fn beta_share(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    // The fraction converges fast on this side only.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_share(1.0 - x, b, a);
    }
    let ln_beta = math::ln_gamma(a) + math::ln_gamma(b) - math::ln_gamma(a + b);
    let front = math::exp(a * math::ln(x) + b * math::ln_1p(-x) - ln_beta) / a;
    front / beta_fraction(x, a, b)
}

/// 1 + d₁/(1 + d₂/(1 + …)), the continued fraction below I_x(a, b).
fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |v: f64| if v.abs() < TINY { TINY } else { v };
    let (mut value, mut c, mut d) = (1.0, 1.0, 0.0);
    for step in 1..10_000_u32 {
        let m = f64::from(step / 2);
        let term = if step % 2 == 0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        d = 1.0 / away_from_zero(1.0 + term * d);
        c = away_from_zero(1.0 + term / c);
        value *= c * d;
        if (c * d - 1.0).abs() < 1e-16 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{ContinuousCDF, StudentsT};

    /// An independent implementation gives the same, from the heaviest tail to nearly normal.
    #[test]
    fn agrees_with_statrs() {
        for degrees in [1.0, 2.0, 3.0, 9.0, 19.0, 49.0, 399.0, 10_000.0] {
            let oracle = StudentsT::new(0.0, 1.0, degrees).unwrap();
            for i in -40..=40 {
                let t = f64::from(i) / 4.0;
                let (found, expected) = (cdf(t, degrees), oracle.cdf(t));
                assert!(
                    (found - expected).abs() < 1e-11,
                    "{t} {degrees}: {found} {expected}"
                );
            }
        }
    }

    /// The figures that every table prints.
    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, degrees, expected) in [
            (0.975, 1.0, 12.706),
            (0.975, 4.0, 2.776),
            (0.975, 19.0, 2.093),
            (0.995, 29.0, 2.756),
            (0.9995, 9.0, 4.781),
            (0.975, 1e6, 1.960),
        ] {
            let found = quantile(p, degrees);
            assert!((found - expected).abs() < 5e-4, "{p} {degrees}: {found}");
            assert_eq!(quantile(1.0 - p, degrees).to_bits() >> 63, 1);
        }
        assert!(quantile(0.5, 7.0).abs() < 1e-9);
    }

    #[test]
    fn quantile_inverts_the_cdf() {
        for degrees in [1.0, 2.5, 19.0, 399.0] {
            for p in [0.001, 0.1, 0.4, 0.6, 0.975, 0.9999] {
                assert!(
                    (cdf(quantile(p, degrees), degrees) - p).abs() < 1e-12,
                    "{p} {degrees}"
                );
            }
        }
    }
}
