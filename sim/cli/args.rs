//! Arguments that several subcommands share.

use crate::cli::pictures::{Pictures, pictures};
use crate::cli::trace::TraceArgs;
use crate::cluster::bounds::Bounds;
use crate::cluster::sabotage::Sabotage;
use crate::kernel::time::SimDuration;
use crate::scenario::Overrides;
use crate::scenario::study::Wanted;
use crate::scenario::units::byte_count;
use clap::ValueEnum;
use std::path::PathBuf;

/// Changes of a scenario from the command line.
#[derive(Clone, Debug, clap::Args)]
pub struct OverrideArgs {
    /// Use another seed than the scenario's
    #[arg(long, value_name = "N", value_parser = whole_number, allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// Change any field, like groups.billing.consumers.count=8; may be given several times
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// End earlier, like 90s; what happens before is the same
    #[arg(long, value_name = "TIME")]
    pub until: Option<SimDuration>,
    /// Allow more messages than the usual bound of 2 000 000 000
    #[arg(long, value_name = "N", value_parser = whole_number, allow_negative_numbers = true)]
    pub max_messages: Option<u64>,
    /// Stop a run that does more events, and report what it has come to, with exit code 1; given it, a run may be
    /// foreseen to do more than 20 000 000 000 [default: no bound]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_events: Option<u64>,
}

impl OverrideArgs {
    /// The same for the scenario layer.
    pub fn overrides(&self) -> Overrides {
        Overrides {
            max_events: self.max_events,
            seed: self.seed,
            until: self.until,
            set: self.set.clone(),
            max_messages: self.max_messages,
        }
    }
}

/// What variants of a scenario differ in.
#[derive(Clone, Debug, clap::Args)]
pub struct VaryArgs {
    /// Values of any field, like groups.billing.threads=4,8,16 or …count=1..8; several make a grid
    #[arg(long, value_name = "PATH=A,B,…")]
    pub vary: Vec<String>,
}

impl VaryArgs {
    /// A study of these, with all else as its block or the defaults say.
    pub fn wanted(&self) -> Wanted {
        Wanted {
            vary: self.vary.clone(),
            ..Wanted::default()
        }
    }
}

/// What runs may cost.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct BoundArgs {
    /// Stop a run whose model holds more, like 512MiB, or none; each run of a study may hold so much, so N at a time N times as
    /// much
    #[arg(long, value_name = "SIZE", value_parser = memory, default_value = "4GiB")]
    pub max_memory: Memory,
}

impl BoundArgs {
    /// The bounds of a run, which may do no more events than `max_events`. Those of a study are not told apart by how many
    /// go at a time: its result would depend on the machine.
    pub fn of_run(self, max_events: Option<u64>) -> Bounds<'static> {
        Bounds {
            events: max_events,
            memory: self.max_memory.0,
            weigh: false,
            interrupt: None,
        }
    }
}

/// A bound on memory, bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory(Option<u64>);

/// A size, or `none`.
fn memory(text: &str) -> Result<Memory, String> {
    match text {
        "none" => Ok(Memory(None)),
        _ => byte_count(text)
            .map(|bytes| Memory(Some(bytes)))
            .map_err(|error| error.to_string()),
    }
}

/// A number of 64 bits.
fn whole_number(text: &str) -> Result<u64, String> {
    let wanted = || format!("not a whole number from 0 to {}", u64::MAX);
    text.parse().map_err(|_| wanted())
}

/// In which form a result is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// Simulate a scenario and report what happened
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Exit code 1: an expectation of the scenario does not hold, or a bound stopped the run.
Ctrl-C ends a run early: what it has come to is written and says so; exit code 130.

Examples:
  rmqsim run quickstart
  rmqsim run backlog-drain --set groups.billing.consumers.count=8 --out drain --trace drain.json"
)]
pub struct RunArgs {
    /// Scenario files, names of shipped scenarios, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Changes of the scenario
    #[command(flatten)]
    pub overrides: OverrideArgs,
    /// What the run may cost
    #[command(flatten)]
    pub bounds: BoundArgs,
    /// Write report.html, report.json and charts into this folder; without it a table goes with files in
    /// rmqsim-out/NAME, json with none
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Form of the summary
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Charts to draw into the folder: svg, png, both (svg,png) or none
    #[arg(long, value_name = "FORMS", value_parser = pictures, default_value = "svg")]
    pub charts: Pictures,
    /// Leave report.html out, and what it costs to record it
    #[arg(long)]
    pub no_page: bool,
    /// Run each scenario twice, within the same bounds, and compare every event and the report; exit code 3 where they part
    #[arg(long)]
    pub check_determinism: bool,
    /// Breaks the simulator on purpose, like lose-message:500 (the 500th message that reaches a client vanishes there): a
    /// check must notice and end the run with exit code 3
    #[arg(long, value_name = "FAULT", hide = true)]
    pub plant: Option<Sabotage>,
    /// What is written for other programs
    #[command(flatten)]
    pub traces: TraceArgs,
}

/// In which form a comparison is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum StudyFormat {
    /// For people.
    #[default]
    Table,
    /// For programs: comparison.json.
    Json,
    /// For a pull request: comparison.md.
    Markdown,
}

/// How the warm-up of a study is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warmup {
    /// So long.
    Fixed(SimDuration),
    /// By MSER-5, from pilot runs.
    Mser5,
}

/// A length of time, or the rule that finds one.
fn warmup(text: &str) -> Result<Warmup, String> {
    if ["mser5", "mser-5"].contains(&text.to_ascii_lowercase().as_str()) {
        return Ok(Warmup::Mser5);
    }
    let wanted = || "neither a duration like 30s nor mser5".to_owned();
    text.parse().map(Warmup::Fixed).map_err(|_| wanted())
}

/// A share of more than nothing and less than all: `2%` or `0.02`.
fn share(text: &str) -> Result<f64, String> {
    let number = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|percent| percent / 100.0),
        None => text.parse(),
    };
    let inside = number.ok().filter(|share| *share > 0.0 && *share < 1.0);
    inside.ok_or_else(|| "not a share between 0 and 1, like 2% or 0.02".to_owned())
}

/// Compare variants of a scenario: which is better, and is it more than luck?
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "What is varied, seeds and metrics may also stand in the scenario, under \"study\".
Ctrl-C ends a study early: what is done is written and says so; exit code 130.

Examples:
  rmqsim compare rolling-deploy
  rmqsim compare quickstart --vary groups.billing.consumers.count=1..8 --seeds 10 --metric lag.max"
)]
pub struct CompareArgs {
    /// Scenario files or names of shipped scenarios; several are compared with each other
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// What is varied
    #[command(flatten)]
    pub vary: VaryArgs,
    /// Runs of each variant, each with another seed; default: the study's, else 20
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000), conflicts_with = "until_ci")]
    pub seeds: Option<u32>,
    /// Go on until every interval is at most this share of the baseline's mean, either way
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub until_ci: Option<f64>,
    /// With --until-ci, end after so many seeds anyway [default: 1000]
    #[arg(long, value_name = "N", requires = "until_ci", value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub max_seeds: Option<u32>,
    /// The variant that others are compared with; default: the study's, else the first
    #[arg(long, value_name = "LABEL")]
    pub baseline: Option<String>,
    /// Numbers to compare, as paths through the report; lag.max is that of every group; may be given several times
    #[arg(long, value_name = "PATH")]
    pub metric: Vec<String>,
    /// Leave out the start of each run: a duration, or mser5 to find it from pilot runs
    #[arg(long, value_name = "TIME|mser5", value_parser = warmup)]
    pub warmup: Option<Warmup>,
    /// How sure intervals and verdicts are
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "95%")]
    pub level: f64,
    /// Give every variant seeds of its own: a control that shows what common luck saves
    #[arg(long)]
    pub independent: bool,
    /// Changes of all variants
    #[command(flatten)]
    pub overrides: OverrideArgs,
    /// What a run may cost
    #[command(flatten)]
    pub bounds: BoundArgs,
    /// Allow more runs or messages than the usual bounds, up to so many runs
    #[arg(long, value_name = "N", value_parser = whole_number, allow_negative_numbers = true)]
    pub max_runs: Option<u64>,
    /// Write comparison.json, comparison.md and charts into this folder; without it a table goes with files in
    /// rmqsim-out/NAME-compare, other formats with none
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    pub format: StudyFormat,
    /// Charts to draw into the folder: svg, png, both (svg,png) or none
    #[arg(long, value_name = "FORMS", value_parser = pictures, default_value = "svg")]
    pub charts: Pictures,
}
