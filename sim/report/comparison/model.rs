//! The shape of `comparison.json`: what a study of several variants found.
//!
//! Names follow `report.json`: identity in camelCase, measures in snake_case with their unit at the end where it
//! does not depend on the metric. Variants keep the order of the study and are named by their labels; lists that run
//! over variants have one entry for each, in that order. What could not be estimated is `null`.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of this shape. Grows when a field is renamed, removed or changes its meaning.
pub const COMPARISON_VERSION: u32 = 1;

/// Everything that a study found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Version of this shape; grows when a field is renamed, removed or changes its meaning.
    #[serde(rename = "comparisonVersion")]
    pub comparison_version: u32,
    /// What ran.
    pub run: StudyReport,
    /// How it was compared.
    pub design: DesignReport,
    /// What was compared, in order.
    pub variants: Vec<VariantReport>,
    /// What was measured, in the order asked for.
    pub metrics: Vec<MetricReport>,
    /// Metrics that were asked for by default and were 0 in every run of every variant, by path.
    pub quiet: Vec<String>,
    /// Where one variant wins one metric and another wins another; one sentence each.
    pub trade_offs: Vec<String>,
    /// What a reader should know before trusting the numbers.
    pub warnings: Vec<StudyWarning>,
    /// Lag over time by group.
    pub lag: IndexMap<String, Vec<LagBand>>,
    /// Work by consumer, by group.
    pub consumers: IndexMap<String, Vec<ConsumerShares>>,
}

/// What ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StudyReport {
    /// Name of the scenario, usually its file's.
    pub name: String,
    /// `title` of the scenario.
    pub title: String,
    /// Version of the program.
    #[serde(rename = "engineVersion")]
    pub engine_version: String,
    /// Version of the numbers, as in `report.json`.
    #[serde(rename = "resultsVersion")]
    pub results_version: u32,
    /// Whether all that was planned has run; `false` after an interruption.
    pub complete: bool,
    /// Seeds whose runs count, in order; the same for all variants unless `luck` is `independent`.
    pub seeds: Vec<String>,
    /// Seeds that were planned; with sequential stopping the most that were allowed.
    pub seeds_planned: u64,
    /// Runs that count (not messages).
    pub runs: u64,
    /// Events executed in them (not messages).
    pub events: u64,
    /// Messages that producers made in them.
    pub messages: u64,
    /// Virtual length of a run of the baseline.
    pub duration_seconds: f64,
    /// Virtual length of the shortest run.
    pub duration_least_seconds: f64,
    /// Virtual length of the longest run.
    pub duration_most_seconds: f64,
    /// Where all runs were cut short; `null` if they were not.
    pub until_seconds: Option<f64>,
    /// Hash over the traces of all runs that count, in order.
    #[serde(rename = "traceDigest")]
    pub trace_digest: String,
}

/// How it was compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DesignReport {
    /// What was varied, in order; empty if only whole files were compared.
    pub factors: Vec<FactorReport>,
    /// Label of the variant that all others are compared with.
    pub baseline: String,
    /// Confidence level of every interval, 0 … 1.
    pub level: f64,
    /// How the many comparisons are corrected for: `holm`.
    pub correction: String,
    /// Over how many comparisons (metrics × other variants that could be measured).
    pub comparisons: u64,
    /// Whether nobody named metrics, so that the usual ones were taken.
    pub default_metrics: bool,
    /// Whether all variants share the seeds.
    pub luck: Luck,
    /// Whether for every seed all variants met exactly the same messages: birth, size, luck.
    pub same_messages: bool,
    /// What was left out at the start of each run.
    pub warmup: WarmupReport,
    /// When it was to stop, if not after a fixed number of seeds.
    pub stopping: Option<StoppingReport>,
}

/// Whose seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Luck {
    /// Replication `k` has the same seed in every variant: common random numbers, paired differences.
    #[default]
    Common,
    /// Every variant has seeds of its own: unpaired differences. A control, to see what common luck saves.
    Independent,
}

/// One field that was varied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FactorReport {
    /// Path of the field, `groups.billing.strategy`; `file` if whole files were compared.
    pub path: String,
    /// Its values in order, as labels.
    pub values: Vec<String>,
}

/// What was left out at the start of each run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WarmupReport {
    /// How the length was found.
    pub rule: WarmupRule,
    /// How long, in the baseline; 0 if nothing was left out.
    pub seconds: f64,
}

/// How the length of the warm-up was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WarmupRule {
    /// The scenarios say none, or each its own.
    #[default]
    Scenario,
    /// Given for the study.
    Fixed,
    /// MSER-5 over the backlog of pilot runs; the longest cut of all variants.
    #[serde(rename = "mser-5")]
    Mser5,
    /// MSER-5 found that a variant does not become steady within its run; nothing was left out.
    NotFound,
}

/// Sequential stopping.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StoppingReport {
    /// Half-width asked for, as a share of the baseline's mean.
    pub target: f64,
    /// Widest half-width reached, as a share of the baseline's mean; `null` if it cannot be told.
    pub reached: Option<f64>,
    /// Whether it stopped because the target was reached.
    pub met: bool,
}

/// One variant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VariantReport {
    /// Its name in tables and charts.
    pub label: String,
    /// Which value of each factor it has: positions in the `values` of the factors.
    pub cells: Vec<u64>,
    /// What `--set` needs to run it alone.
    pub set: Vec<String>,
    /// The file that it comes from.
    pub file: String,
    /// BLAKE3 of its normalised scenario.
    #[serde(rename = "scenarioHash")]
    pub scenario_hash: String,
    /// What became of the scenario's expectations.
    pub expect: Vec<ExpectCount>,
    /// What its runs warned of.
    pub warnings: Vec<WarningCount>,
}

/// One expectation over all runs of a variant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpectCount {
    /// As it stands in the scenario.
    pub text: String,
    /// Runs in which it holds.
    pub held: u64,
    /// Runs.
    pub runs: u64,
}

/// One warning over all runs of a variant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WarningCount {
    /// Stable name, as in `report.json`.
    pub id: String,
    /// Runs that gave it.
    pub runs: u64,
    /// The text of the first.
    pub text: String,
}

/// The unit of a metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Virtual time.
    Seconds,
    /// Bytes.
    Bytes,
    /// A share, 1 = all, or an index without unit.
    Ratio,
    /// Things, or things a second.
    #[default]
    Count,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Less is better: latency, lag, duplicates.
    Lower,
    /// More is better: throughput, Jain's index.
    Higher,
}

/// How one number came of many runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Estimator {
    /// The mean of the runs' numbers.
    #[default]
    MeanOfRuns,
    /// The quantile of the histogram of all runs together; its interval comes from the spread of the runs' shares below
    /// it (Woodruff).
    MergedQuantile,
}

/// One metric over all variants.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricReport {
    /// Path in `report.json`.
    pub path: String,
    /// For people: `mean latency (billing)`.
    pub title: String,
    /// Unit of all its numbers.
    pub unit: Unit,
    /// Which way is better; `null` if that is a matter of taste.
    pub better: Option<Better>,
    /// How one number came of many runs.
    pub estimator: Estimator,
    /// By variant.
    pub estimates: Vec<EstimateReport>,
    /// Of every variant but the baseline.
    pub differences: Vec<DifferenceReport>,
    /// From the best to the worst, as far as the intervals allow.
    pub ranking: Option<RankingReport>,
    /// What it comes to, in words; a sentence for each thing to know.
    pub verdict: Vec<String>,
}

/// One metric of one variant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EstimateReport {
    /// Label of the variant.
    pub variant: String,
    /// Runs in which it was measured.
    pub runs: u64,
    /// The estimate; `null` if no run measured it.
    pub mean: Option<f64>,
    /// Half the width of its confidence interval; `null` with fewer than two runs.
    pub half_width: Option<f64>,
    /// Standard deviation over the runs; `null` with fewer than two.
    pub deviation: Option<f64>,
    /// Smallest of the runs.
    pub min: Option<f64>,
    /// Largest of the runs.
    pub max: Option<f64>,
    /// Run by run, in the order of the seeds.
    pub values: Vec<Option<f64>>,
}

/// What a difference from the baseline comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Lower than the baseline, beyond doubt.
    Lower,
    /// Higher than the baseline, beyond doubt.
    Higher,
    /// The same number in every run.
    Identical,
    /// These seeds can show no difference.
    #[default]
    Unclear,
    /// Fewer than two runs measured both.
    Unmeasured,
}

/// One metric of one variant against the baseline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DifferenceReport {
    /// Label of the variant.
    pub variant: String,
    /// What it comes to, after the correction.
    pub finding: Finding,
    /// Pairs of runs, or runs of the variant that has fewer.
    pub runs: u64,
    /// Variant − baseline.
    pub mean: Option<f64>,
    /// Half the width of its confidence interval, of this one comparison.
    pub half_width: Option<f64>,
    /// `mean` ÷ mean of the baseline; `null` if that is 0.
    pub relative: Option<f64>,
    /// `half_width` ÷ mean of the baseline.
    pub relative_half_width: Option<f64>,
    /// Probability of a difference as large if there were none, of this one comparison.
    pub p: Option<f64>,
    /// The same corrected for all comparisons of the study; below 1 − level, the difference counts.
    pub p_adjusted: Option<f64>,
    /// Hedges' g: the difference in standard deviations of a single run; `null` without spread.
    pub effect: Option<f64>,
    /// Correlation of the paired runs, −1 … 1; `null` if not paired or without spread.
    pub correlation: Option<f64>,
    /// Variance that the difference of independent runs would have ÷ the variance of the paired one; `null` if not
    /// paired or without spread.
    pub variance_reduction: Option<f64>,
}

/// Variants from the best to the worst; from the lowest to the highest where no way is better.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RankingReport {
    /// Labels by their estimates.
    pub order: Vec<String>,
    /// Whether each place is told apart from the next one beyond doubt; one fewer than `order`.
    pub separated: Vec<bool>,
    /// The smallest group of which each is told from every variant outside it; empty if there is none.
    pub best: Vec<String>,
}

/// Something to know before trusting the numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StudyWarning {
    /// Stable name: `interrupted`, `overload`, `short-run`, `few-seeds`, `unlike-messages`, …
    pub id: String,
    /// Labels of the variants concerned; empty if all are.
    pub variants: Vec<String>,
    /// One sentence for people.
    pub text: String,
}

/// Lag of a group over time in one variant: mean over the runs and its pointwise interval.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LagBand {
    /// Label of the variant.
    pub variant: String,
    /// The sampling grid.
    pub time_seconds: Vec<f64>,
    /// Mean over the runs.
    pub mean: Vec<f64>,
    /// Lower end of the interval, at least 0.
    pub low: Vec<f64>,
    /// Upper end of the interval.
    pub high: Vec<f64>,
}

/// How the work of a group lay on its consumers in one variant; means over the runs, the lives of one consumer added
/// up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConsumerShares {
    /// Label of the variant.
    pub variant: String,
    /// By consumer, in the order of the scenario.
    pub names: Vec<String>,
    /// Deliveries.
    pub messages: Vec<f64>,
    /// Time in the listener, seconds.
    pub busy_seconds: Vec<f64>,
    /// Half the width of the interval of `busy_seconds`; `null` with fewer than two runs.
    pub busy_half_width: Vec<Option<f64>>,
    /// Mean number of queues held.
    pub queues: Vec<f64>,
}
