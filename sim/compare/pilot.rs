//! How long the warm-up of a study is: given, or found by MSER-5 in pilot runs.
//!
//! Pilots are runs of every variant without a warm-up, with seeds before the first of the study, so that what chose the
//! warm-up is not what is measured. MSER-5 looks at the backlog of each group, the mean
//! over the pilots, and the longest cut of all is the warm-up of all: variants that are measured over unlike stretches
//! could differ for that alone.

use super::{Progress, Runner};
use crate::cluster::config::ClusterConfig;
use crate::kernel::time::SimDuration;
use crate::report::comparison::model::{WarmupReport, WarmupRule};
use crate::report::model::TimelineReport;
use crate::study::{mser, pool};
use std::sync::atomic::Ordering;

/// Seeds of the pilots, at most.
const PILOTS: u64 = 5;

/// Backlogs by group on one grid, summed over the pilots of a variant.
#[derive(Clone, Debug, Default)]
struct Backlogs {
    step: SimDuration,
    sums: Vec<Vec<f64>>,
}

impl Runner<'_> {
    /// Finds the warm-up, if the study asks for it.
    pub(super) fn warm_up(&mut self) -> WarmupReport {
        let rule = self.study.warmup;
        if rule != WarmupRule::Mser5 {
            let plan = &self.study.plan;
            let given = plan.variants[plan.baseline].scenario.config.warmup;
            return WarmupReport {
                rule,
                seconds: given.as_secs_f64(),
            };
        }
        let found = self.pilot();
        self.warmup = Some(found.unwrap_or(SimDuration::ZERO));
        WarmupReport {
            rule: if found.is_some() {
                rule
            } else {
                WarmupRule::NotFound
            },
            seconds: found.map_or(0.0, SimDuration::as_secs_f64),
        }
    }

    /// The longest warm-up that MSER-5 finds; `None` if a variant has no steady state within its run, or after a stop.
    fn pilot(&mut self) -> Option<SimDuration> {
        let variants = self.study.plan.variants.len() as u64;
        let runs = PILOTS.min(self.study.seeds.most()) * variants;
        self.piloted = runs;
        (self.listener)(Progress::Planned(runs));
        let from_the_start = |config: &mut ClusterConfig| config.warmup = SimDuration::ZERO;
        let work = |task| {
            let (variant, pilot) = ((task % variants) as usize, (task / variants) as i64);
            self.observed(variant, -1 - pilot, from_the_start, |report, _, _| {
                std::mem::take(&mut report.timeline)
            })
        };
        let mut all = vec![Backlogs::default(); variants as usize];
        let add = |task, timeline| all[(task % variants) as usize].add(&timeline);
        let heard = |_| (self.listener)(Progress::Ran);
        pool::run_all(0..runs, self.threads, self.stop, work, heard, add);
        if self.stop.load(Ordering::Relaxed) || self.has_met_a_bound() {
            return None;
        }
        let mut longest = SimDuration::ZERO;
        for backlogs in &all {
            for sum in &backlogs.sums {
                longest = longest.max(backlogs.step * mser::cut(sum)? as u64);
            }
        }
        Some(longest)
    }
}

impl Backlogs {
    fn add(&mut self, timeline: &TimelineReport) {
        self.step = SimDuration::from_secs_f64(timeline.interval_seconds);
        self.sums.resize(timeline.groups.len(), Vec::new());
        for (sum, group) in self.sums.iter_mut().zip(timeline.groups.values()) {
            sum.resize(group.backlog.len(), 0.0);
            for (sum, &backlog) in sum.iter_mut().zip(&group.backlog) {
                *sum += backlog as f64;
            }
        }
    }
}
