//! `rmqsim list`: the scenarios that come with the program.

use crate::cli::args::Format;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure};
use crate::scenario::{Overrides, Scenario, shipped};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::json;

/// List the scenarios that come with the program
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
    let mut scenarios = Vec::new();
    for name in shipped::names() {
        let text = shipped::text(name).unwrap_or_default();
        let file = Scenario::from_text(&format!("scenarios/{name}.json"), text, &Overrides::default())?.file;
        scenarios.push((name, file));
    }
    let text = match args.format {
        Format::Json => {
            let list = scenarios.iter().map(|(name, file)| {
                json!({ "name": name, "title": file.title, "teaches": file.teaches, "try": file.try_next })
            });
            format!("{:#}", json!(list.collect::<Vec<_>>()))
        }
        Format::Table => {
            let mut table = Table::new();
            table
                .load_style(presets::NOTHING)
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(terminal.width() as u16)
                .set_header(["NAME", "TITLE", "TEACHES"]);
            for (name, file) in &scenarios {
                table.add_row([*name, file.title.as_str(), file.teaches.as_str()]);
            }
            let lines = table.to_string();
            let lines: Vec<&str> = lines.lines().map(str::trim_end).collect();
            lines.join("\n")
        }
    };
    terminal.print(&text)?;
    Ok(Exit::Fine)
}
