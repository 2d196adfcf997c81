//! `rmqsim schema`: the JSON Schema of scenario files and of comparison.json.

use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure};
use crate::report::comparison::model::Comparison;
use crate::scenario;
use clap::ValueEnum;

/// Print the JSON Schema of scenario files, or of what a comparison yields
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
}

/// Prints the schema.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let schema = match args.kind {
        Kind::Scenario => scenario::schema::json_schema(),
        Kind::Comparison => serde_json::Value::from(schemars::schema_for!(Comparison)),
    };
    terminal.print(&format!("{schema:#}"))?;
    Ok(Exit::Fine)
}
