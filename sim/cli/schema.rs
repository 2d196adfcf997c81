//! `rmqsim schema`: the JSON Schema of scenario files.

use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure};

/// Print the JSON Schema of scenario files
///
/// Editors use it to complete and check: save it beside your scenarios and name it in "$schema".
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(after_help = "Examples:
  rmqsim schema
  rmqsim schema > scenario.schema.json")]
pub struct Args {}

/// Prints the schema.
pub fn run(_: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    terminal.print(&format!("{:#}", crate::scenario::schema::json_schema()))?;
    Ok(Exit::Fine)
}
