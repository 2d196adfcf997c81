//! Quantiles of all runs together, and how sure they are.
//!
//! The 99.9th percentile of one run rests on a handful of values; that of all runs' histograms together rests on
//! all. How sure it is comes from the runs: each has a share of values below that quantile, and these shares, one
//! number a run, have a spread like any [`Sample`]. The interval of the share, carried over to spans by the histogram of
//! all, is the interval of the quantile. Scaled to it, each run's share becomes a *pseudo-value* of the quantile, so
//! that differences can be taken run by run. Runs are independent, single messages are not: so whole runs count.
//!
//! Within a bin of the histogram values count as evenly spread.
//!
//! Source: Woodruff, "Confidence intervals for medians and other position measures", 1952; Law, "Simulation Modeling
//! and Analysis", 9.5.2.

use crate::observe::histogram::Histogram;
use crate::observe::latency::Latency;
use crate::study::sample::Sample;

/// The histogram of one run: the bins that hold something, and their counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunSpans(Vec<(u32, u32)>);

impl RunSpans {
    /// Those of `latency`.
    pub fn of(latency: &Latency) -> Self {
        let filled = latency.histogram().filled();
        // No run has 2³² messages, nor a histogram so many bins.
        Self(filled.map(|(bin, count)| (bin as u32, count as u32)).collect())
    }

    fn bins(&self) -> impl Iterator<Item = (usize, u64)> {
        self.0
            .iter()
            .map(|&(bin, count)| (bin as usize, u64::from(count)))
    }
}

/// One quantile of many runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantile {
    /// Of all runs together, seconds.
    pub merged: f64,
    /// Of each run alone, seconds; `None` where it has no values.
    pub alone: Vec<Option<f64>>,
    /// The pseudo-value of each run; empty with a single run.
    pub pseudo: Vec<f64>,
    /// How many values of all runs lie beyond it.
    pub beyond: f64,
}

/// The span that a share `q` of all does not exceed, 0 < `q` < 1; `None` if no run has values.
pub fn quantile(runs: &[&RunSpans], q: f64) -> Option<Quantile> {
    let own: Vec<Counts> = runs.iter().map(|run| Counts::new(run.bins().collect())).collect();
    let all = Counts::together(runs);
    let merged = all.quantile(q)?;
    Some(Quantile {
        merged,
        alone: own.iter().map(|run| run.quantile(q)).collect(),
        pseudo: pseudo_values(&own, &all, merged, q).unwrap_or_default(),
        beyond: (1.0 - q) * all.total,
    })
}

/// What each run would make of the quantile; `None` of a single run.
fn pseudo_values(runs: &[Counts], all: &Counts, merged: f64, q: f64) -> Option<Vec<f64>> {
    let usual = all.total / runs.len() as f64;
    // A run counts by its values: one without any says nothing.
    let excess = |run: &Counts| (q * run.total - run.below(merged)) / usual;
    let excesses: Vec<f64> = runs.iter().map(excess).collect();
    let error = Sample::of(&excesses)?.error()?;
    if error == 0.0 {
        return Some(vec![merged; runs.len()]);
    }
    // Carried over at two standard errors each way: about as far as the interval reaches.
    let (low, high) = ((q - 2.0 * error).max(0.0), (q + 2.0 * error).min(1.0));
    let seconds = (all.quantile(high)? - all.quantile(low)?) / (high - low);
    Some(excesses.iter().map(|excess| merged + excess * seconds).collect())
}

/// Counts of the bins that hold something, of some runs.
struct Counts {
    bins: Vec<(usize, u64)>,
    total: f64,
}

impl Counts {
    fn new(bins: Vec<(usize, u64)>) -> Self {
        let total = bins.iter().map(|(_, count)| count).sum::<u64>() as f64;
        Self { bins, total }
    }

    fn together(runs: &[&RunSpans]) -> Self {
        let bins = runs
            .iter()
            .filter_map(|run| run.0.last())
            .map(|&(bin, _)| bin as usize + 1);
        let mut counts = vec![0; bins.max().unwrap_or(0)];
        for (bin, count) in runs.iter().flat_map(|run| run.bins()) {
            counts[bin] += count;
        }
        let filled = counts.into_iter().enumerate().filter(|(_, count)| *count > 0);
        Self::new(filled.collect())
    }

    /// Each bin: its ends in seconds, the values below it, its own.
    fn filled(&self) -> impl Iterator<Item = (f64, f64, f64, f64)> {
        self.bins.iter().scan(0, |sum, &(bin, count)| {
            let (lower, upper) = Histogram::range(bin, Latency::UNIT_BITS);
            let below = *sum;
            *sum += count;
            Some((lower as f64 / 1e9, upper as f64 / 1e9, below as f64, count as f64))
        })
    }

    fn quantile(&self, q: f64) -> Option<f64> {
        let rank = q * self.total;
        let mut filled = self.filled();
        let (lower, upper, below, count) = filled.find(|(_, _, below, count)| below + count >= rank)?;
        Some(lower + (rank - below) / count * (upper - lower))
    }

    /// How many values lie below `seconds`.
    fn below(&self, seconds: f64) -> f64 {
        let reached = self.filled().take_while(|(lower, ..)| *lower <= seconds);
        reached.last().map_or(0.0, |(lower, upper, below, count)| {
            below + count * ((seconds - lower) / (upper - lower)).min(1.0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::streams::{Source, Streams};
    use crate::kernel::time::SimDuration;
    use crate::study::sample::Sample;

    fn run(millis: impl IntoIterator<Item = f64>) -> RunSpans {
        let mut latency = Latency::default();
        for n in millis {
            latency.record(SimDuration::from_secs_f64(n / 1e3));
        }
        RunSpans::of(&latency)
    }

    fn quantile_of(runs: &[RunSpans], q: f64) -> Option<Quantile> {
        quantile(&runs.iter().collect::<Vec<_>>(), q)
    }

    /// 1 … 1000 ms in two runs, odd and even: the quantiles of all are those of the whole.
    #[test]
    fn runs_together_are_one_run() {
        let all = |from: u32| (from..=1000).step_by(2).map(f64::from);
        let found = quantile_of(&[run(all(1)), run(all(2))], 0.99).unwrap();
        assert!((found.merged - 0.990).abs() < 0.001, "{found:?}");
        assert_eq!(found.alone.len(), 2);
        assert_eq!(found.pseudo.len(), 2);
    }

    #[test]
    fn nothing_measured_is_nothing_said() {
        assert_eq!(quantile_of(&[], 0.5), None);
        assert_eq!(quantile_of(&[run([]), run([])], 0.5), None);
        let one = quantile_of(&[run([3.0])], 0.5).unwrap();
        assert!(one.pseudo.is_empty() && one.alone[0] == Some(one.merged));
        let some = quantile_of(&[run([]), run([3.0]), run([3.0])], 0.5).unwrap();
        assert_eq!(some.alone[0], None);
    }

    /// Equal runs leave no doubt.
    #[test]
    fn equal_runs_have_equal_pseudo_values() {
        let same = || run((1..200).map(f64::from));
        let found = quantile_of(&[same(), same(), same()], 0.9).unwrap();
        for pseudo in &found.pseudo {
            assert!((pseudo - found.merged).abs() < 1e-9, "{found:?}");
        }
    }

    /// How often the 95 % interval of a quantile of exponential values of mean 10 ms holds −ln(1 − q) × 10 ms, over 600
    /// studies of 8 runs.
    fn held(q: f64, values: usize) -> f64 {
        let mut stream = Streams::new(5).stream("quantile", "values");
        let truth = -0.01 * crate::kernel::math::ln(1.0 - q);
        let mut held = 0;
        for _ in 0..600 {
            let mut draw = || -10.0 * crate::kernel::math::ln(1.0 - stream.unit());
            let runs: Vec<RunSpans> = (0..8).map(|_| run((0..values).map(|_| draw()))).collect();
            let found = quantile_of(&runs, q).unwrap();
            let half = Sample::of(&found.pseudo).unwrap().half_width(0.95).unwrap();
            held += u32::from((found.merged - truth).abs() <= half);
        }
        f64::from(held) / 600.0
    }

    /// About as often as it says: four standard deviations of a share of 600 are 3.6 points. That holds where a hundred
    /// values lie beyond, and not where a dozen do.
    #[test]
    fn intervals_hold_what_they_say() {
        for (q, values) in [(0.5, 100), (0.99, 1_250), (0.999, 12_500)] {
            let share = held(q, values);
            assert!((0.914..=0.986).contains(&share), "{q}: {share}");
        }
    }
}
