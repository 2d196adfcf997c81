//! `rmqsim new`: a commented scenario to start from.

use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure};
use crate::report::json;
use crate::scenario::shipped;
use anyhow::anyhow;
use std::io::ErrorKind;
use std::path::PathBuf;

/// Write a commented scenario to start from
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  rmqsim new
  rmqsim new my-scenario.json")]
pub struct Args {
    /// File to write, which must not exist yet; without it the scenario is printed
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Writes the scenario, never over a file that exists.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let Some(path) = &args.file else {
        terminal.print(shipped::TEMPLATE.trim_end())?;
        return Ok(Exit::Fine);
    };
    let shown = path.display();
    let written = json::write_new(path, shipped::TEMPLATE.as_bytes());
    match written {
        Ok(()) => {
            terminal.note(&format!("wrote {shown}; check it with: rmqsim check {shown}"));
            Ok(Exit::Fine)
        }
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
            Err(anyhow!("`{shown}` exists already; name another file, or remove it first").into())
        }
        Err(e) => Err(anyhow!("cannot write `{shown}`: {e}").into()),
    }
}
