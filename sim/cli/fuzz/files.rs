//! Scenarios that the command line names, under all rules.

use super::keep::{Origin, Shrinker};
use super::{Args, tell, tell_small, told};
use crate::cli::args::Format;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure, interrupt};
use crate::scenario::estimate::grouped;
use crate::scenario::{Overrides, Scenario, stem};
use crate::verify::fuzz::trial::trial;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};

/// Tries each; all are read before the first one is tried.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut all = Vec::new();
    for file in &args.files {
        all.push((file, Scenario::load(file, &Overrides::default())?));
    }
    // As long as nothing is being shrunk a signal ends the program at once: what was found has been told.
    let mut asked: Option<&AtomicBool> = None;
    let mut list = Vec::new();
    let mut exit = Exit::Fine;
    for (file, scenario) in all {
        if asked.is_some_and(|asked| asked.load(Ordering::Relaxed)) {
            if exit == Exit::Fine {
                exit = Exit::Interrupted;
            }
            break;
        }
        match trial(&scenario.config, args.plant) {
            Ok(trial) => {
                if args.format == Format::Table {
                    let events = grouped(trial.events.into());
                    terminal.print(&format!("{file}: {events} events, no rule broken"))?;
                }
                list.push(json!({ "file": file, "events": trial.events }));
            }
            Err(broken) => {
                exit = Exit::Internal;
                let origin = Origin {
                    title: file.clone(),
                    command: format!("{} {file}", args.command()),
                    name: stem(file),
                };
                tell(&origin, &broken, args.format, terminal)?;
                let small = match args.no_shrink {
                    true => None,
                    false => {
                        let asked = asked.get_or_insert_with(interrupt::orderly);
                        let mut shrinker = Shrinker::new(args.folder(), args.plant, asked, terminal);
                        // With every default filled in: what can be left out is.
                        let shrunk = shrinker.shrink(scenario.normalised.clone(), &origin);
                        tell_small(&shrunk, &origin, args.format, terminal)?;
                        shrunk.unwrap_or_default()
                    }
                };
                list.push(told::entry(&json!({ "file": file }), &broken, small.as_ref()));
            }
        }
    }
    if args.format == Format::Json {
        terminal.print(&format!("{:#}", Value::from(list)))?;
    }
    Ok(exit)
}
