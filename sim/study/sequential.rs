//! How many runs are enough: goes on until an interval is narrow enough.
//!
//! Runs come in rounds. After each round the widest relative half-width is looked at; the next round brings about
//! as many runs as the width foretells, since it shrinks with the root of their number. Looking often and stopping at
//! the first lucky look makes intervals a little too narrow: so nothing is looked at before [`LEAST`] runs, and a
//! round has a tenth of what is there at least.
//!
//! Source: Law, "Simulation Modeling and Analysis", 9.4.1; Chow and Robbins, "On the asymptotic theory of fixed-width
//! sequential confidence intervals", 1965.

/// Runs of each variant before the first look.
pub const LEAST: u64 = 10;

/// How many runs there should be altogether before the next look: more than `runs`, at most `most`. `None` if the
/// `width` (half-width ÷ mean) is at most `target`, or if there may be no more. A width that is not known counts as too
/// wide.
pub fn next(runs: u64, width: Option<f64>, target: f64, most: u64) -> Option<u64> {
    if runs >= LEAST && width.is_some_and(|width| width <= target) || runs >= most {
        return None;
    }
    if runs < LEAST {
        return Some(LEAST.min(most));
    }
    let foretold = width.map_or(0.0, |width| runs as f64 * (width / target) * (width / target));
    let step = runs.div_ceil(10).max(2);
    // Not more than twice as many: the width itself is only an estimate.
    let wanted = (foretold.min(2.0 * runs as f64) + 0.5) as u64;
    Some(wanted.max(runs + step).min(most))
}

/// Half-width of the mean ÷ what it is compared with; `None` if that is 0 and the half-width is not.
pub fn relative(half_width: f64, of: f64) -> Option<f64> {
    match (half_width == 0.0, of == 0.0) {
        (true, _) => Some(0.0),
        (false, true) => None,
        (false, false) => Some(half_width / of.abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_looked_at_too_early() {
        assert_eq!(next(0, None, 0.02, 1000), Some(10));
        assert_eq!(next(4, Some(0.0), 0.02, 1000), Some(10));
        assert_eq!(next(0, None, 0.02, 6), Some(6), "fewer if no more are allowed");
    }

    /// Half the width takes four times the runs; the step there is bounded.
    #[test]
    fn rounds_grow_as_the_width_asks() {
        assert_eq!(
            next(10, Some(0.03), 0.02, 1000),
            Some(20),
            "22.5 would be more than twice as many"
        );
        assert_eq!(next(100, Some(0.022), 0.02, 1000), Some(121));
        assert_eq!(next(100, Some(0.0201), 0.02, 1000), Some(110), "a tenth at least");
        assert_eq!(next(100, None, 0.02, 1000), Some(110));
        assert_eq!(next(990, Some(1.0), 0.02, 1000), Some(1000));
    }

    #[test]
    fn it_ends() {
        assert_eq!(next(10, Some(0.02), 0.02, 1000), None);
        assert_eq!(next(1000, Some(1.0), 0.02, 1000), None, "no more are allowed");
        assert_eq!(next(1000, None, 0.02, 1000), None);
    }

    #[test]
    fn what_never_varies_is_narrow_whatever_its_mean() {
        assert_eq!(relative(0.0, 0.0), Some(0.0));
        assert_eq!(relative(0.1, 0.0), None);
        assert_eq!(relative(0.1, -2.0), Some(0.05));
    }
}
