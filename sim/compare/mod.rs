//! From a plan of variants to their comparison: every variant under every seed, on as many threads as there are.
//!
//! Replication `k` has the seed `first + k` in every variant, so that all variants meet the same luck. Runs go seed
//! by seed, all variants of one before the next: whenever it ends, every variant has had the same seeds.

mod pilot;

use crate::cluster::bounds::Bounds;
use crate::cluster::config::ClusterConfig;
use crate::kernel::time::{SimDuration, SimTime};
use crate::report::comparison::metric::Metric;
use crate::report::comparison::model::{
    Comparison, FactorReport, Luck, VariantReport, WarmupReport, WarmupRule,
};
use crate::report::comparison::{Material, Outcome};
use crate::report::expect::Expectation;
use crate::report::model::{StopReason, StoppedReport};
use crate::report::scenario_hash;
use crate::scenario::Scenario;
use crate::scenario::study::Plan;
use crate::simulate::observe;
use crate::study::{pool, sequential};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

/// A comparison to be made.
#[derive(Debug)]
pub struct Study {
    /// Its name, usually that of its file.
    pub name: String,
    /// What is compared.
    pub plan: Plan,
    /// What was set for all variants, as `--set` takes it.
    pub set: Vec<String>,
    /// An earlier end of all runs.
    pub until: Option<SimDuration>,
    /// The expectations of each variant.
    pub expectations: Vec<Vec<Expectation>>,
    /// What is measured.
    pub metrics: Vec<Metric>,
    /// Whether nobody asked for these metrics.
    pub by_default: bool,
    /// How many seeds.
    pub seeds: Seeds,
    /// Whether variants share them.
    pub luck: Luck,
    /// Confidence level, 0 … 1.
    pub level: f64,
    /// What each run may cost; one that would cost more ends the study.
    pub bounds: Bounds<'static>,
    /// How the length of the warm-up is found.
    pub warmup: WarmupRule,
}

/// How many seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seeds {
    /// So many.
    Fixed(u64),
    /// Until the widest interval is at most `target` of the baseline's mean, but at most so many.
    Until {
        /// Half-width ÷ mean, greater than 0.
        target: f64,
        /// Seeds at most.
        most: u64,
    },
}

impl Seeds {
    /// Seeds at most.
    pub fn most(self) -> u64 {
        match self {
            Self::Fixed(count) => count,
            Self::Until { most, .. } => most,
        }
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// So many runs are done or will be, as far as can be foreseen.
    Planned(u64),
    /// A run begins, on the thread that hears of it.
    Begins {
        /// What runs.
        scenario: &'a Scenario,
        /// What `--set` needs to run it alone.
        set: &'a [String],
        /// With which seed.
        seed: u64,
    },
    /// One run more is done.
    Ran,
    /// Half-width of the widest interval now, as a share of the baseline's mean.
    Width(Option<f64>),
    /// A run has met a bound; the study ends with the seeds that are done.
    Stopped {
        /// Its variant.
        label: &'a str,
        /// With which seed.
        seed: u64,
        /// Which bound, and where.
        stopped: &'a StoppedReport,
    },
}

/// Whoever wants to hear of it.
pub type Listener<'a> = dyn Fn(Progress<'_>) + Sync + 'a;

/// Makes a comparison on `threads` threads; the result does not depend on their number. Once `stop` is set it ends
/// with the seeds that are done.
///
/// # Panics
/// As [`simulate`](crate::simulate()), if the simulator breaks one of its own rules.
pub fn compare(study: &Study, threads: usize, stop: &AtomicBool, listener: &Listener<'_>) -> Comparison {
    let mut runner = Runner {
        study,
        threads,
        stop,
        listener,
        warmup: None,
        piloted: 0,
        too_much: Mutex::new(None),
    };
    let warmup = runner.warm_up();
    let mut outcomes: Vec<Vec<Outcome>> = vec![Vec::new(); study.plan.variants.len()];
    let complete = match study.seeds {
        _ if runner.has_met_a_bound() => false,
        Seeds::Fixed(count) => runner.run(0..count, &mut outcomes),
        Seeds::Until { target, most } => runner.run_until(target, most, &mut outcomes),
    };
    runner.tell_what_stopped();
    study.material(&outcomes, complete, warmup).compare()
}

/// A run that met a bound.
struct TooMuch {
    /// Its place among all runs: whether it is no pilot, its round, its variant.
    place: (bool, i64, usize),
    seed: u64,
    stopped: StoppedReport,
}

struct Runner<'a> {
    study: &'a Study,
    threads: usize,
    stop: &'a AtomicBool,
    listener: &'a Listener<'a>,
    /// What MSER-5 has found.
    warmup: Option<SimDuration>,
    /// Runs that only looked for it.
    piloted: u64,
    /// The first run that met a bound, by its place.
    too_much: Mutex<Option<TooMuch>>,
}

impl Runner<'_> {
    /// Runs the replications in `range`; whether all of them are done.
    fn run(&self, range: std::ops::Range<u64>, outcomes: &mut [Vec<Outcome>]) -> bool {
        let variants = outcomes.len() as u64;
        (self.listener)(Progress::Planned(self.piloted + range.end * variants));
        let tasks = range.start * variants..range.end * variants;
        let work = |task| self.one((task % variants) as usize, task / variants);
        let mut done = 0;
        let keep = |task: u64, outcome| {
            outcomes[(task % variants) as usize].push(outcome);
            done += 1;
            let replication = task / variants + 1;
            if (task + 1).is_multiple_of(variants) && worth_a_look(replication) {
                self.tell_width(outcomes);
            }
        };
        let length = tasks.end - tasks.start;
        let heard = |_| (self.listener)(Progress::Ran);
        pool::run_all(tasks, self.threads, self.stop, work, heard, keep);
        // Of a seed that not all variants have had, nothing counts.
        let whole = outcomes.iter().map(Vec::len).min().unwrap_or(0);
        outcomes.iter_mut().for_each(|of| of.truncate(whole));
        done == length
    }

    /// Runs round after round until the widest interval is narrow enough; whether it was not interrupted.
    fn run_until(&self, target: f64, most: u64, outcomes: &mut [Vec<Outcome>]) -> bool {
        let mut runs = 0;
        loop {
            let width = self.width(outcomes);
            // Against a mean of 0, or of what no run measures, no width will ever do.
            let hopeless = runs >= sequential::LEAST && width.is_none();
            let Some(next) = sequential::next(runs, width, target, most).filter(|_| !hopeless) else {
                return true;
            };
            if !self.run(runs..next, outcomes) {
                return false;
            }
            runs = next;
        }
    }

    /// One run; `None` if it was interrupted.
    fn one(&self, variant: usize, replication: u64) -> Option<Outcome> {
        let config = |config: &mut ClusterConfig| {
            if let Some(warmup) = self.warmup {
                config.warmup = warmup;
            }
        };
        let metrics = &self.study.metrics;
        self.observed(
            variant,
            replication as i64,
            config,
            |report, observation, from| {
                let expectations = &self.study.expectations[variant];
                Outcome::of(report, observation, metrics, expectations, from)
            },
        )
    }

    /// One run, and what `keep` makes of it.
    fn observed<T>(
        &self,
        variant: usize,
        replication: i64,
        change: impl Fn(&mut ClusterConfig),
        keep: impl Fn(&mut crate::Report, &crate::observe::observation::Observation, f64) -> T,
    ) -> Option<T> {
        let of = &self.study.plan.variants[variant];
        let mut scenario = of.scenario.clone();
        scenario.config.seed = self.study.seed(variant, replication);
        change(&mut scenario.config);
        (self.listener)(Progress::Begins {
            scenario: &scenario,
            set: &of.set,
            seed: scenario.config.seed,
        });
        let bounds = Bounds {
            interrupt: Some(self.stop),
            ..self.study.bounds
        };
        let (mut report, observation) = observe(&of.label, &scenario, &bounds, |_, _| {});
        if let Some(stopped) = &report.run.stopped {
            if stopped.reason != StopReason::Interrupted {
                // Pilots are counted from −1 downwards.
                let round = replication.max(-1 - replication);
                self.keep_the_first(TooMuch {
                    place: (replication >= 0, round, variant),
                    seed: scenario.config.seed,
                    stopped: stopped.clone(),
                });
            }
            return None;
        }
        Some(keep(
            &mut report,
            &observation,
            scenario.config.warmup.as_secs_f64(),
        ))
    }

    /// Several runs that go at a time may meet a bound; which one is told is not to depend on the threads.
    fn keep_the_first(&self, found: TooMuch) {
        let mut known = self.too_much.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref().is_none_or(|known| found.place < known.place) {
            *known = Some(found);
        }
    }

    fn has_met_a_bound(&self) -> bool {
        self.too_much
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }

    fn tell_what_stopped(&self) {
        let known = self.too_much.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.as_ref() {
            (self.listener)(Progress::Stopped {
                label: &self.study.plan.variants[found.place.2].label,
                seed: found.seed,
                stopped: &found.stopped,
            });
        }
    }

    fn tell_width(&self, outcomes: &[Vec<Outcome>]) {
        (self.listener)(Progress::Width(self.width(outcomes)));
    }

    /// The widest interval of what is done.
    fn width(&self, outcomes: &[Vec<Outcome>]) -> Option<f64> {
        self.study
            .material(outcomes, true, WarmupReport::default())
            .widest()
    }
}

/// Whether the width is worth computing after so many seeds: all looks together cost no more than the last two.
fn worth_a_look(replication: u64) -> bool {
    replication >= 2 && replication.is_power_of_two()
}

impl Study {
    /// The seed of one run; pilots are counted from −1 downwards.
    fn seed(&self, variant: usize, replication: i64) -> u64 {
        let first = self.plan.variants[self.plan.baseline].scenario.config.seed;
        // Seeds of their own lie far from those of others.
        let own = match self.luck {
            Luck::Common => 0,
            Luck::Independent => (variant as u64) << 32,
        };
        first.wrapping_add(own).wrapping_add_signed(replication)
    }

    fn material<'a>(
        &'a self,
        outcomes: &'a [Vec<Outcome>],
        complete: bool,
        warmup: WarmupReport,
    ) -> Material<'a> {
        let runs = outcomes.iter().map(Vec::len).min().unwrap_or(0) as u64;
        let plan = &self.plan;
        let target = match self.seeds {
            Seeds::Until { target, .. } => Some(target),
            Seeds::Fixed(_) => None,
        };
        Material {
            name: self.name.clone(),
            title: plan.variants[plan.baseline].scenario.file.title.clone(),
            until: self.until.map(SimDuration::as_secs_f64),
            factors: (plan.factors.iter())
                .map(|factor| FactorReport {
                    path: factor.path.clone(),
                    values: factor.labels.clone(),
                })
                .collect(),
            variants: (plan.variants.iter())
                .map(|variant| VariantReport {
                    label: variant.label.clone(),
                    cells: variant.cells.iter().map(|cell| *cell as u64).collect(),
                    set: self.set.iter().chain(&variant.set).cloned().collect(),
                    file: variant.scenario.name().to_owned(),
                    scenario_hash: scenario_hash(&variant.scenario.normalised),
                    ..VariantReport::default()
                })
                .collect(),
            expectations: (self.expectations.iter())
                .map(|of| {
                    of.iter()
                        .map(|expectation| expectation.text().to_owned())
                        .collect()
                })
                .collect(),
            baseline: plan.baseline,
            metrics: &self.metrics,
            by_default: self.by_default,
            steady: (plan.variants.iter())
                .map(|variant| is_steady(&variant.scenario.config))
                .collect(),
            outcomes,
            seeds: (0..runs)
                .map(|replication| self.seed(self.plan.baseline, replication as i64).to_string())
                .collect(),
            planned: self.seeds.most(),
            complete,
            level: self.level,
            luck: self.luck,
            warmup,
            target,
        }
    }
}

/// Whether the load is the same from start to end, but for what producers send once: nothing on the timeline, and no
/// producer that stops at a given time.
fn is_steady(config: &ClusterConfig) -> bool {
    let end = SimTime::ZERO + config.duration;
    config.timeline.is_empty() && config.producers.iter().all(|producer| producer.stop >= end)
}
