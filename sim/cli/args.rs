//! Arguments that several subcommands share.

use crate::kernel::time::SimDuration;
use crate::scenario::Overrides;
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
}

impl OverrideArgs {
    /// The same for the scenario layer.
    pub fn overrides(&self) -> Overrides {
        Overrides {
            seed: self.seed,
            until: self.until,
            set: self.set.clone(),
            max_messages: self.max_messages,
        }
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

/// Which charts are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Charts {
    /// One SVG file for each chart.
    #[default]
    Svg,
    /// None.
    None,
}

/// Simulate a scenario and report what happened
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Exit code 1: an expectation of the scenario does not hold.

Examples:
  rmqsim run quickstart
  rmqsim run backlog-drain --set groups.billing.consumers.count=8 --out rmqsim-out")]
pub struct RunArgs {
    /// Scenario files, names of shipped scenarios, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Changes of the scenario
    #[command(flatten)]
    pub overrides: OverrideArgs,
    /// Write report.json and charts into this folder; without it a table goes with files in
    /// rmqsim-out/NAME, json with none
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Form of the summary
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Charts to draw into the folder
    #[arg(long, value_enum, default_value_t)]
    pub charts: Charts,
    /// Breaks the simulator on purpose: the N-th message that reaches a client vanishes there. The message account must
    /// notice and end the run with exit code 3
    #[arg(long, value_name = "N", hide = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub lose_message: Option<u64>,
}
