//! `rmqsim schema`: the JSON Schema of scenario files, of comparison.json and of event logs.

use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure};
use crate::report::comparison::model::Comparison;
use crate::scenario;
use crate::trace;
use clap::ValueEnum;

/// Print the JSON Schema of scenario files, of what a comparison yields, or of event logs
///
/// Editors use that of scenarios to complete and check: save it beside your scenarios and name it in "$schema".
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(after_help = "Examples:
  rmqsim schema > scenario.schema.json
  rmqsim schema comparison")]
pub struct Args {
    /// Of which kind of file
    #[arg(value_enum, default_value_t)]
    pub kind: Kind,
}

/// A kind of file with a schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Scenario files.
    #[default]
    Scenario,
    /// comparison.json.
    Comparison,
    /// One line of an event log.
    Trace,
}

/// Prints the schema.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let schema = match args.kind {
        Kind::Scenario => scenario::schema::json_schema(),
        Kind::Comparison => serde_json::Value::from(schemars::schema_for!(Comparison)),
        Kind::Trace => trace::schema::json_schema(),
    };
    terminal.print(&format!("{schema:#}"))?;
    Ok(Exit::Fine)
}
