//! What a reader should know before trusting the numbers of a study.

use super::Material;
use super::contrast::Contrasts;
use crate::report::charts::text;
use crate::report::comparison::model::{Comparison, Luck, StudyWarning, WarmupRule};
use crate::report::comparison::outcome::{GroupOutcome, Outcome};
use crate::study::{autocorrelation, growth};

/// Fewer seeds than this rest on luck being normal.
const SEEDS_ENOUGH: usize = 5;

impl Material<'_> {
    pub(super) fn warnings(
        &self,
        comparison: &Comparison,
        contrasts: &Contrasts,
        metrics: &[usize],
    ) -> Vec<StudyWarning> {
        let mut warnings = Vec::new();
        let mut warn = |id: &str, variants: Vec<String>, text: String| {
            warnings.push(StudyWarning {
                id: id.to_owned(),
                variants,
                text,
            });
        };
        let seeds = self.seeds.len();
        if !self.complete {
            let text = format!(
                "interrupted: {seeds} of {} seeds ran; all numbers are of these alone",
                self.planned
            );
            warn("interrupted", Vec::new(), text);
        }
        if self.warmup.rule == WarmupRule::NotFound {
            let text = "no warm-up was found: the backlog of some variant does not become steady within its run, so \
                        nothing was left out; or it is looked at fewer than 50 times (sampleInterval)";
            warn("no-steady-state", Vec::new(), text.to_owned());
        }
        let eventful = self
            .steady
            .iter()
            .zip(&self.variants)
            .filter(|(steady, _)| !**steady);
        let eventful: Vec<String> = eventful.map(|(_, variant)| variant.label.clone()).collect();
        if self.warmup.rule == WarmupRule::Mser5 && !eventful.is_empty() {
            let text = "something happens on the timeline, so that there is no steady state for MSER-5 to find; give \
                        the length with --warmup";
            warn("eventful", eventful, text.to_owned());
        }
        match seeds {
            0 => {}
            1 => {
                let text = "one seed tells no interval: what differs may be luck; use --seeds";
                warn("few-seeds", Vec::new(), text.to_owned());
            }
            2..SEEDS_ENOUGH => {
                let text =
                    format!("{seeds} seeds are few: their intervals are wide and need luck to be normal");
                warn("few-seeds", Vec::new(), text);
            }
            _ => {}
        }
        if self.luck == Luck::Common && !comparison.design.same_messages {
            let text = "the variants do not meet the same messages, since what producers do differs; pairs of runs \
                        share the less luck";
            warn("unlike-messages", Vec::new(), text.to_owned());
        }
        for metric in &comparison.metrics {
            let short = metric.estimates.iter().filter(|of| of.runs < seeds as u64);
            let variants: Vec<String> = short.map(|of| of.variant.clone()).collect();
            if let Some(least) = metric.estimates.iter().map(|of| of.runs).min()
                && !variants.is_empty()
            {
                let text = format!(
                    "{} was measured in {least} of {seeds} runs only, where fewest; its mean is of those alone, which \
                     may be the mildest, and nobody is ranked by it",
                    metric.title
                );
                warn("unmeasured", variants, text);
            }
        }
        for &metric in metrics {
            let few = contrasts
                .of(metric)
                .iter()
                .zip(&self.variants)
                .filter(|(of, _)| of.few);
            let variants: Vec<String> = few.map(|(_, variant)| variant.label.clone()).collect();
            if !variants.is_empty() {
                let text = format!(
                    "{}: fewer than 100 values lie beyond it in all runs together; its interval may be too narrow",
                    self.metrics[metric].title
                );
                warn("few-samples", variants, text);
            }
        }
        self.steadiness(&mut warn);
        self.warnings_of_runs(comparison, &mut warn);
        warnings
    }

    /// Growth without end, and runs that are short against their own memory. What a timeline disturbs, or a producer
    /// that stops, has no steady state and is not asked for one.
    fn steadiness(&self, warn: &mut impl FnMut(&str, Vec<String>, String)) {
        let names = self.of_baseline().first().into_iter();
        for name in names.flat_map(|run| run.groups.iter().map(|group| group.name.clone())) {
            let (mut growing, mut short, mut longest) = (Vec::new(), Vec::new(), 0.0_f64);
            for (at, runs) in self.outcomes.iter().enumerate() {
                let series: Vec<Vec<f64>> = runs.iter().filter_map(|run| backlog(run, &name)).collect();
                let label = &self.variants[at].label;
                let most = |found: usize| found * 2 > series.len();
                if self.steady[at] && most(series.iter().filter(|series| growth::grows(series)).count()) {
                    growing.push(label.clone());
                    continue;
                }
                let memories: Vec<autocorrelation::Memory> = series
                    .iter()
                    .map(|series| autocorrelation::memory(series))
                    .collect();
                if self.steady[at] && most(memories.iter().filter(|of| !of.long_enough).count()) {
                    short.push(label.clone());
                    let times = memories.iter().map(|memory| memory.time);
                    longest = longest.max(times.sum::<f64>() / memories.len() as f64 * self.step(runs));
                }
            }
            if !growing.is_empty() {
                let text = format!(
                    "the backlog of {name} grows to the end of the runs: the load is at or above what can be \
                     consumed, and means say nothing but how long the runs were"
                );
                warn("grows", growing, text);
            }
            if !short.is_empty() {
                let text = format!(
                    "the backlog of {name} remembers about {} of its past or more; runs of less than fifty times that \
                     say more of their start than of the long run. The intervals are of runs of this length",
                    text::span(crate::kernel::time::SimDuration::from_secs_f64(longest))
                );
                warn("short-run", short, text);
            }
        }
    }

    /// Seconds from one point of the grid to the next.
    fn step(&self, runs: &[Outcome]) -> f64 {
        match runs.first().map(|run| run.time_seconds.as_slice()) {
            Some([first, second, ..]) => second - first,
            _ => 0.0,
        }
    }

    /// What single runs warned of, once for each kind.
    fn warnings_of_runs(&self, comparison: &Comparison, warn: &mut impl FnMut(&str, Vec<String>, String)) {
        let mut ids: Vec<&str> = Vec::new();
        for variant in &comparison.variants {
            for warning in &variant.warnings {
                if !ids.contains(&warning.id.as_str()) {
                    ids.push(&warning.id);
                }
            }
        }
        for id in ids {
            let of = |warnings: &'_ [crate::report::comparison::model::WarningCount]| {
                warnings.iter().position(|warning| warning.id == id)
            };
            let given: Vec<_> = (comparison.variants.iter())
                .filter_map(|variant| Some((variant, &variant.warnings[of(&variant.warnings)?])))
                .collect();
            let runs: u64 = given.iter().map(|(_, warning)| warning.runs).sum();
            let text = match runs {
                1 => given[0].1.text.clone(),
                _ => format!("{} (and the like, in {runs} runs)", given[0].1.text),
            };
            warn(
                id,
                given.iter().map(|(variant, _)| variant.label.clone()).collect(),
                text,
            );
        }
    }
}

/// The backlog of a group behind the warm-up.
fn backlog(run: &Outcome, name: &str) -> Option<Vec<f64>> {
    let group: &GroupOutcome = run.groups.iter().find(|group| group.name == *name)?;
    let measured = run.time_seconds.iter().zip(&group.backlog);
    let measured = measured.filter(|(at, _)| **at >= run.measured_from_seconds);
    Some(measured.map(|(_, backlog)| *backlog as f64).collect())
}
