//! From the numbers of many runs to what they say.
//!
//! Everything is computed in the order of variants and seeds, whatever order the runs came in.

mod checks;
mod contrast;
mod pictures;
mod ranking;

use super::metric::Metric;
use super::model::*;
use super::outcome::Outcome;
use super::words;
use crate::study::sequential;
use contrast::{Adjusted, Contrasts};

/// All that a comparison is made from.
#[derive(Debug)]
pub struct Material<'a> {
    /// Name of the study, usually that of its file.
    pub name: String,
    /// Title of the scenario.
    pub title: String,
    /// An earlier end of all runs, seconds.
    pub until: Option<f64>,
    /// What was varied.
    pub factors: Vec<FactorReport>,
    /// What was compared, without what its runs said.
    pub variants: Vec<VariantReport>,
    /// The texts of each variant's expectations.
    pub expectations: Vec<Vec<String>>,
    /// Position of the variant that all others are compared with.
    pub baseline: usize,
    /// What was measured.
    pub metrics: &'a [Metric],
    /// Whether nobody asked for these metrics: then those that are always 0 are left out.
    pub by_default: bool,
    /// By variant: whether its load is the same from start to end, so that it may have a steady state.
    pub steady: Vec<bool>,
    /// By variant and replication; equally many of each.
    pub outcomes: &'a [Vec<Outcome>],
    /// Seeds of the replications; of the first variant if each has its own.
    pub seeds: Vec<String>,
    /// Replications that were planned.
    pub planned: u64,
    /// Whether all of them ran, or as many as it took.
    pub complete: bool,
    /// Confidence level.
    pub level: f64,
    /// Whether variants share seeds.
    pub luck: Luck,
    /// What was left out at the start.
    pub warmup: WarmupReport,
    /// Target of sequential stopping.
    pub target: Option<f64>,
}

impl Material<'_> {
    /// Runs of the baseline.
    fn of_baseline(&self) -> &[Outcome] {
        &self.outcomes[self.baseline]
    }

    /// Everything that the runs say.
    pub fn compare(self) -> Comparison {
        let contrasts = Contrasts::new(&self, self.metrics.len());
        let quiet = |at: &usize| {
            let mut values = self.outcomes.iter().flatten().map(|outcome| outcome.values[*at]);
            self.by_default && values.all(|value| value.unwrap_or(0.0) == 0.0)
        };
        let (quiet, heard): (Vec<usize>, Vec<usize>) = (0..self.metrics.len()).partition(quiet);
        let adjusted = contrasts.adjusted(&heard);
        let mut rankings = contrasts.rankings(&self, &heard, &adjusted);
        let metrics: Vec<MetricReport> = (heard.iter())
            .map(|&at| MetricReport {
                ranking: rankings.remove(&at),
                ..self.metric(at, &contrasts, &adjusted)
            })
            .collect();
        let same_messages = self.same_messages();
        let mut comparison = Comparison {
            comparison_version: COMPARISON_VERSION,
            run: self.run(),
            design: DesignReport {
                factors: self.factors.clone(),
                baseline: self.variants[self.baseline].label.clone(),
                level: self.level,
                correction: "holm".to_owned(),
                comparisons: adjusted.len() as u64,
                default_metrics: self.by_default,
                luck: self.luck,
                same_messages,
                warmup: self.warmup.clone(),
                stopping: self.stopping(),
            },
            variants: self.variants(),
            quiet: quiet.iter().map(|&at| self.metrics[at].path.clone()).collect(),
            trade_offs: Vec::new(),
            warnings: Vec::new(),
            lag: self.lag_bands(),
            consumers: self.consumer_shares(),
            metrics,
        };
        comparison.warnings = self.warnings(&comparison, &contrasts, &heard);
        comparison.trade_offs = words::trade_offs(&comparison);
        for at in 0..comparison.metrics.len() {
            comparison.metrics[at].verdict = words::verdict(&comparison, at);
        }
        comparison
    }

    /// Whether for every seed all variants met the same messages.
    fn same_messages(&self) -> bool {
        let digests = |outcomes: &[Outcome]| -> Vec<String> {
            (outcomes.iter())
                .map(|outcome| outcome.workload_digest.clone())
                .collect()
        };
        let first = digests(self.of_baseline());
        self.outcomes.iter().all(|outcomes| digests(outcomes) == first)
    }

    fn run(&self) -> StudyReport {
        let all = || self.outcomes.iter().flatten();
        let durations = || all().map(|run| run.duration_seconds);
        let mut digest = blake3::Hasher::new();
        all().for_each(|outcome| {
            digest.update(outcome.trace_digest.as_bytes());
        });
        StudyReport {
            name: self.name.clone(),
            title: self.title.clone(),
            engine_version: env!("CARGO_PKG_VERSION").to_owned(),
            results_version: crate::report::model::RESULTS_VERSION,
            complete: self.complete,
            seeds: self.seeds.clone(),
            seeds_planned: self.planned,
            runs: all().count() as u64,
            events: all().map(|outcome| outcome.events).sum(),
            messages: all().map(|outcome| outcome.messages).sum(),
            duration_seconds: self.of_baseline().first().map_or(0.0, |run| run.duration_seconds),
            duration_least_seconds: durations().reduce(f64::min).unwrap_or(0.0),
            duration_most_seconds: durations().reduce(f64::max).unwrap_or(0.0),
            until_seconds: self.until,
            trace_digest: digest.finalize().to_hex()[..32].to_owned(),
        }
    }

    fn variants(&self) -> Vec<VariantReport> {
        let of = |(at, variant): (usize, &VariantReport)| {
            let runs = &self.outcomes[at];
            let expect = self.expectations[at].iter().enumerate();
            let mut warnings: Vec<WarningCount> = Vec::new();
            for run in runs {
                let mut told = Vec::new();
                for (id, text) in &run.warnings {
                    // One run may warn of two groups; it counts once.
                    let first_here = !told.contains(&id);
                    told.push(id);
                    match warnings.iter_mut().find(|of| of.id == *id) {
                        Some(of) => of.runs += u64::from(first_here),
                        None => warnings.push(WarningCount {
                            id: id.clone(),
                            runs: 1,
                            text: text.clone(),
                        }),
                    }
                }
            }
            VariantReport {
                expect: expect
                    .map(|(at, text)| ExpectCount {
                        text: text.clone(),
                        held: runs.iter().filter(|run| run.expect[at]).count() as u64,
                        runs: runs.len() as u64,
                    })
                    .collect(),
                warnings,
                ..variant.clone()
            }
        };
        self.variants.iter().enumerate().map(of).collect()
    }

    fn metric(&self, at: usize, contrasts: &Contrasts, adjusted: &Adjusted) -> MetricReport {
        let metric = &self.metrics[at];
        let others = (0..self.variants.len()).filter(|variant| *variant != self.baseline);
        MetricReport {
            path: metric.path.clone(),
            title: metric.title.clone(),
            unit: metric.unit,
            better: metric.better,
            estimator: metric.estimator(),
            estimates: (0..self.variants.len())
                .map(|variant| contrasts.estimate(self, at, variant))
                .collect(),
            differences: others
                .map(|variant| {
                    let p = adjusted.get(&(at, variant)).copied();
                    contrasts.difference(self, at, variant, p)
                })
                .collect(),
            ranking: None,
            verdict: Vec::new(),
        }
    }

    /// How far sequential stopping came.
    fn stopping(&self) -> Option<StoppingReport> {
        let target = self.target?;
        let reached = self.widest();
        Some(StoppingReport {
            target,
            reached,
            met: reached.is_some_and(|reached| reached <= target),
        })
    }

    /// The widest half-width among differences from the baseline (of a single variant: of its mean), as a share of
    /// the baseline's mean; `None` if one cannot be told. Looks at all metrics, or at the first one if nobody asked for
    /// them.
    pub fn widest(&self) -> Option<f64> {
        let count = if self.by_default { 1 } else { self.metrics.len() };
        let contrasts = Contrasts::new(self, count.min(self.metrics.len()));
        let mut widest = 0.0_f64;
        for at in 0..count.min(self.metrics.len()) {
            let base = contrasts.estimate(self, at, self.baseline);
            let halves: Vec<Option<f64>> = match self.variants.len() {
                1 => vec![base.half_width],
                _ => contrasts.half_widths(at, self.baseline),
            };
            for half in halves {
                widest = widest.max(sequential::relative(half?, base.mean?)?);
            }
        }
        Some(widest)
    }
}
