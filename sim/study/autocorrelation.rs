//! Autocorrelation: how many neighbours of a series are worth one independent value.
//!
//! The mean of n values of which neighbours are alike errs as much as that of n ÷ τ independent ones, where τ is
//! 1 + 2 Σ ρ(lag), the *integrated autocorrelation time*. Far lags add nothing but noise, so the sum must stop
//! in time: at the first lag that is 5 τ or more, with the τ found so far. A series that is shorter than 50 τ
//! cannot tell its own τ, and still less the error of its mean.
//!
//! Source: Sokal, "Monte Carlo methods in statistical mechanics: foundations and new algorithms", 1997, section
//! 3 (window); Foreman-Mackey, Hogg, Lang and Goodman, "emcee: the MCMC hammer", 2013, and its documentation
//! (τ in this form, 5 τ, and the 50 τ).

/// The sum of correlations stops at the first lag of this many τ.
const WINDOW: f64 = 5.0;

/// A series is long enough with this many τ.
const ENOUGH: f64 = 50.0;

/// What a series remembers of itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    /// Integrated autocorrelation time, in steps of the series; at least 1. If the series is not long enough, at
    /// least a fiftieth of its length, and the true one may be far above.
    pub time: f64,
    /// Whether the series is at least 50 times as long, so that `time` and an error made of it can be believed.
    pub long_enough: bool,
}

/// The memory of `series`. Values without spread have none: a time of 1.
///
/// Neighbours that are opposite rather than alike would make the mean better than that of independent values; that
/// is not counted. Takes the length times five times τ, and at most a tenth of the length squared.
pub fn memory(series: &[f64]) -> Memory {
    let n = series.len() as f64;
    // From the first value, so that equal ones have a mean without rounding.
    let first = series.first().copied().unwrap_or_default();
    let mean = series.iter().map(|value| value - first).sum::<f64>() / n.max(1.0);
    let off: Vec<f64> = series.iter().map(|value| value - first - mean).collect();
    let product = |lag: usize| -> f64 { off.iter().zip(&off[lag..]).map(|(a, b)| a * b).sum() };
    let squares = product(0);
    let least = Memory {
        time: 1.0,
        long_enough: n >= ENOUGH,
    };
    if squares == 0.0 {
        return least;
    }
    let mut sum = 1.0;
    // A window that does not close within a tenth of the length belongs to a τ above a fiftieth of it.
    for lag in 1..=(n / ENOUGH * WINDOW) as usize {
        sum += 2.0 * product(lag) / squares;
        let time = f64::max(sum, 1.0);
        if lag as f64 >= WINDOW * time {
            return Memory { time, ..least };
        }
    }
    Memory {
        time: sum.max(1.0).max(n / ENOUGH),
        long_enough: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::math;
    use crate::kernel::streams::{Source, Streams};

    /// `length` values, each `memory` of the one before plus a normal draw.
    fn alike(memory: f64, length: usize) -> Vec<f64> {
        let mut stream = Streams::new(1).stream("autocorrelation", "values");
        let mut value = 0.0;
        (0..length)
            .map(|_| {
                value = memory * value + math::normal_quantile(stream.unit());
                value
            })
            .collect()
    }

    /// (1 + φ) ÷ (1 − φ). The relative error of an estimate is about √(2 (2 × 5 τ + 1) ÷ n), Sokal's (3.19): 2 % at τ =
    /// 19 and 10⁶ values; 1 % is lost by the window, as e⁻⁵ of the memory lies beyond it.
    #[test]
    fn a_known_memory_is_found() {
        for (phi, expected) in [(0.5, 3.0), (0.8, 9.0), (0.9, 19.0)] {
            let found = memory(&alike(phi, 1_000_000));
            assert!(
                (found.time / expected - 1.0).abs() < 0.06 && found.long_enough,
                "{found:?} for {expected}"
            );
        }
    }

    /// Six lags of noise: τ is off by 2 √(6 ÷ n) = 1.5 % or so, and not below 1.
    #[test]
    fn independent_values_remember_nothing() {
        let found = memory(&alike(0.0, 100_000));
        assert!(
            (1.0..1.05).contains(&found.time) && found.long_enough,
            "{found:?}"
        );
    }

    #[test]
    fn values_without_spread_remember_nothing() {
        let none = |long_enough| Memory {
            time: 1.0,
            long_enough,
        };
        assert_eq!(memory(&[0.1; 1_000]), none(true));
        assert_eq!(memory(&[0.1; 49]), none(false));
        assert_eq!(memory(&[]), none(false));
        assert_eq!(memory(&[3.0]), none(false));
    }

    /// 1, −1, 1 … has correlations −1, 1, −1 …
    #[test]
    fn opposite_neighbours_are_no_bonus() {
        let series: Vec<f64> = (0..1_000).map(|n| if n % 2 == 0 { 1.0 } else { -1.0 }).collect();
        assert_eq!(memory(&series).time, 1.0);
    }

    /// τ is 199: 5 000 values are 25 of them, 100 000 are 500.
    #[test]
    fn a_short_series_says_so() {
        let short = memory(&alike(0.99, 5_000));
        assert!(!short.long_enough && short.time >= 100.0, "{short:?}");
        assert!(memory(&alike(0.99, 100_000)).long_enough);
    }

    /// What rises all the time is one long memory.
    #[test]
    fn a_trend_is_never_long_enough() {
        let rising: Vec<f64> = (0..10_000).map(f64::from).collect();
        assert!(!memory(&rising).long_enough);
    }
}
