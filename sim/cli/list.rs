//! `rmqsim list`: the scenarios and studies that come with the program.

use crate::cli::args::Format;
use crate::cli::columns;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure};
use crate::scenario::schema::ScenarioFile;
use crate::scenario::{Overrides, Scenario, shipped};
use serde_json::json;

/// List the scenarios and studies that come with the program
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(after_help = "Examples:
  rmqsim list
  rmqsim list --format json")]
pub struct Args {
    /// Form of the list
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Prints name, title and lesson of each.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let scenarios = read(shipped::names())?;
    let studies = read(shipped::studies())?;
    let text = match args.format {
        Format::Json => {
            let list = [("scenario", &scenarios), ("study", &studies)];
            let list = list.iter().flat_map(|(kind, entries)| {
                entries.iter().map(move |(name, file)| {
                    json!({ "name": name, "kind": kind, "title": file.title, "teaches": file.teaches,
                        "try": file.try_next })
                })
            });
            format!("{:#}", json!(list.collect::<Vec<_>>()))
        }
        Format::Table => format!(
            "Scenarios, for rmqsim run\n\n{}\n\nStudies, for rmqsim compare\n\n{}",
            table(&scenarios, terminal.width()),
            table(&studies, terminal.width())
        ),
    };
    terminal.print(&text)?;
    Ok(Exit::Fine)
}

type Entry = (&'static str, ScenarioFile);

fn read(names: impl Iterator<Item = &'static str>) -> Result<Vec<Entry>, Failure> {
    let file = |name| {
        let text = shipped::text(name).unwrap_or_default();
        let scenario = Scenario::from_text(&shipped::path(name), text, &Overrides::default())?;
        Ok((name, scenario.file))
    };
    names.map(file).collect()
}

fn table(entries: &[Entry], width: usize) -> String {
    let mut table = columns::table(width, &["NAME", "TITLE", "TEACHES"], &[]);
    for (name, file) in entries {
        table.add_row([*name, file.title.as_str(), file.teaches.as_str()]);
    }
    columns::lines(&table)
}
