//! What is kept of one run of a study: its numbers, not its report.

use super::metric::Metric;
use crate::kernel::memory;
use crate::observe::latency::Latency;
use crate::observe::observation::{Extent, Observation};
use crate::observe::series::ROWS;
use crate::report::expect::{self, Expectation};
use crate::report::model::{Report, Warning, WarningLevel};
use crate::study::quantile::RunSpans;
use indexmap::IndexMap;

/// Bytes of the name of a consumer.
const NAME: u64 = 32;
/// Bytes of two digests.
const DIGESTS: u64 = 128;

/// One run of one variant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// By metric; `None` where it was not measured.
    pub values: Vec<Option<f64>>,
    /// By metric; of those that are quantiles.
    pub spans: Vec<Option<RunSpans>>,
    /// When measuring began, seconds.
    pub measured_from_seconds: f64,
    /// The sampling grid, seconds.
    pub time_seconds: Vec<f64>,
    /// By group.
    pub groups: Vec<GroupOutcome>,
    /// Whether each expectation holds.
    pub expect: Vec<bool>,
    /// Conclusions may be wrong: names and texts.
    pub warnings: Vec<(String, String)>,
    /// Equal for runs that met the same messages.
    pub workload_digest: String,
    /// Hash over all events.
    pub trace_digest: String,
    /// Events executed.
    pub events: u64,
    /// Messages that producers made.
    pub messages: u64,
    /// Virtual time at the end, seconds.
    pub duration_seconds: f64,
}

/// One group in one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupOutcome {
    /// Its name.
    pub name: String,
    /// On the grid: max offset − committed offset.
    pub lag: Vec<u64>,
    /// On the grid: records not finished.
    pub backlog: Vec<u64>,
    /// By consumer, its lives added up; empty for broadcasting groups.
    pub consumers: IndexMap<String, Work>,
}

/// What a consumer did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Deliveries, those of the warm-up included.
    pub messages: f64,
    /// Time in the listener, that of the warm-up included, seconds.
    pub busy_seconds: f64,
    /// Mean number of queues held, weighted by the length of its lives after the warm-up.
    pub queues: f64,
}

impl Outcome {
    /// Bytes of one of a run of that extent.
    pub fn held_for(extent: &Extent, metrics: &[Metric]) -> u64 {
        let quantiles = metrics.iter().filter(|metric| metric.quantile.is_some()).count() as u64;
        let metrics = metrics.len() as u64;
        let [rows, groups] = [extent.samples.min(ROWS as u64), extent.groups];
        let longest = extent.spans.iter().copied().max().unwrap_or_default();
        // A bin that holds something takes as much as one that may.
        let spans = quantiles * Latency::held_for(longest);
        let of_group = memory::of::<GroupOutcome>(1) + 2 * memory::of::<u64>(rows as usize);
        let of_consumer = memory::of::<(u64, String, Work)>(1) + NAME;
        memory::of::<Self>(1)
            + metrics * (size_of::<Option<f64>>() + size_of::<Option<RunSpans>>()) as u64
            + spans
            + memory::of::<f64>(rows as usize)
            + groups * of_group
            + extent.consumers * of_consumer
            + DIGESTS
    }

    /// What is to be kept of a finished run.
    pub fn of(
        report: &mut Report,
        observation: &Observation,
        metrics: &[Metric],
        expectations: &[Expectation],
        measured_from_seconds: f64,
    ) -> Self {
        report.judge(expectations);
        let measured = expect::measured(report, |section| {
            (metrics.iter()).any(|metric| expect::section_of(&metric.path) == section)
        });
        let spans = |metric: &Metric| {
            let of = metric.quantile.as_ref()?;
            let group = report.groups.get_index_of(&of.group)?;
            Some(RunSpans::of(of.span.of(&observation.latencies[group])))
        };
        let matters = |warning: &&Warning| warning.level == WarningLevel::Warning;
        Self {
            values: (metrics.iter())
                .map(|metric| expect::number(&measured, &metric.path))
                .collect(),
            spans: metrics.iter().map(spans).collect(),
            measured_from_seconds,
            time_seconds: std::mem::take(&mut report.timeline.time_seconds),
            groups: report
                .groups
                .keys()
                .map(|name| GroupOutcome::of(report, name, measured_from_seconds))
                .collect(),
            expect: report.expect.iter().map(|verdict| verdict.passed).collect(),
            warnings: (report.warnings.iter().filter(matters))
                .map(|warning| (warning.id.clone(), warning.text.clone()))
                .collect(),
            workload_digest: report.run.workload_digest.clone(),
            trace_digest: report.run.trace_digest.clone(),
            events: report.run.events,
            messages: report.run.messages,
            duration_seconds: report.run.duration_seconds,
        }
    }
}

impl GroupOutcome {
    fn of(report: &Report, name: &str, from: f64) -> Self {
        let series = report.timeline.groups.get(name);
        let end = report.run.duration_seconds;
        let mut consumers: IndexMap<String, Work> = IndexMap::new();
        let mut lived: IndexMap<&str, f64> = IndexMap::new();
        for consumer in report.consumers.values().filter(|c| c.group == name) {
            let work = consumers.entry(consumer.member.clone()).or_default();
            let started = consumer.started_seconds.unwrap_or(end).max(from);
            // As long as it was measured: so long is the mean of its queues.
            let life = (consumer.stopped_seconds.unwrap_or(end) - started).max(0.0);
            work.messages += consumer.deliveries as f64;
            work.busy_seconds += consumer.busy_seconds;
            work.queues += consumer.queues_mean * life;
            *lived.entry(&consumer.member).or_default() += life;
        }
        for (work, lived) in consumers.values_mut().zip(lived.values()) {
            work.queues = if *lived > 0.0 { work.queues / lived } else { 0.0 };
        }
        Self {
            name: name.to_owned(),
            lag: series.map_or(Vec::new(), |series| series.lag.clone()),
            backlog: series.map_or(Vec::new(), |series| series.backlog.clone()),
            consumers,
        }
    }
}
