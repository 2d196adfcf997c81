//! `rmqsim check`: is a scenario sound, how large is it, and what will a run need? Nothing is simulated.

mod need;

use crate::cli::args::{BoundArgs, Format, OverrideArgs, VaryArgs};
use crate::cli::check::need::Need;
use crate::cli::columns;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure, Global};
use crate::cli::{expectations, metrics};
use crate::kernel::time::SimDuration;
use crate::scenario::estimate::{self, grouped};
use crate::scenario::study::{Plan, Wanted};
use crate::scenario::{Diagnostics, Overrides, Scenario, limits};
use serde_json::json;

/// Check scenario files without running them, and tell about how much memory runs will need
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "With --threads, --vary, or of a scenario with a study, also the memory of so many runs at a time.
With --vary each file is a study; seeds and metrics are as its own study says, or the usual ones.

Examples:
  rmqsim check quickstart --vary groups.billing.consumers.count=1..8 --threads 8
  rmqsim check quickstart --set groups.billing.consumers.count=3 --format json"
)]
pub struct Args {
    /// Scenario files, names of shipped scenarios, or - for standard input
    #[arg(required_unless_present = "limits", value_name = "FILE")]
    files: Vec<String>,
    /// Show the bounds on what a scenario may ask for, and nothing else
    #[arg(long, conflicts_with_all = ["files", "vary", "seed", "set", "until", "max_messages", "max_events", "max_memory"])]
    limits: bool,
    #[command(flatten)]
    vary: VaryArgs,
    #[command(flatten)]
    overrides: OverrideArgs,
    #[command(flatten)]
    bounds: BoundArgs,
    /// Form of the answer; json gives problems as data
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Prints the table of bounds.
fn show_limits(format: Format, terminal: &Terminal) -> Result<Exit, Failure> {
    let rows = limits::table();
    if format == Format::Json {
        let rows = rows.iter().map(|limit| {
            json!({ "limit": plain(limit.what), "at_most": limit.at_most, "change": plain(limit.change) })
        });
        terminal.print(&format!("{:#}", json!(rows.collect::<Vec<_>>())))?;
        return Ok(Exit::Fine);
    }
    let mut table = columns::table(terminal.width(), &["AT MOST", "OF WHAT", "WHAT TO CHANGE"], &[0]);
    for limit in &rows {
        table.add_row([limit.at_most(), plain(limit.what), plain(limit.change)]);
    }
    terminal.print(&columns::lines(&table))?;
    Ok(Exit::Fine)
}

/// Without the marks of a page.
fn plain(text: &str) -> String {
    text.replace('`', "")
}

/// Checks each file; exit code 2 if one of them is not sound.
pub fn run(args: &Args, global: Global, terminal: &Terminal) -> Result<Exit, Failure> {
    if args.limits {
        return show_limits(args.format, terminal);
    }
    let (overrides, wanted) = (args.overrides.overrides(), args.vary.wanted());
    let results: Vec<(&String, Result<Sound, Box<Diagnostics>>)> = args
        .files
        .iter()
        .map(|file| (file, load(file, &overrides, &wanted, args.bounds, global)))
        .collect();
    let sound = results.iter().all(|(_, result)| result.is_ok());
    match args.format {
        Format::Json => {
            let list: Vec<_> = results
                .iter()
                .map(|(file, result)| as_json(file, result))
                .collect();
            terminal.print(&format!("{:#}", json!(list)))?;
        }
        Format::Table => {
            let mut told = 0;
            for (_, result) in &results {
                match result {
                    Ok(sound) => {
                        if !terminal.is_quiet() {
                            terminal.print(&summary(sound))?;
                        }
                        for warning in sound.need.warnings() {
                            terminal.note(&format!("{}: {warning}", sound.scenario.name()));
                        }
                    }
                    Err(problems) => {
                        if told > 0 {
                            terminal.problem("");
                        }
                        told += 1;
                        terminal.problem(&problems.render(true, terminal.width()));
                    }
                }
            }
        }
    }
    Ok(if sound { Exit::Fine } else { Exit::BadInput })
}

/// A scenario whose expectations can be read too, with its study.
struct Sound {
    scenario: Scenario,
    study: Option<Plan>,
    need: Need,
}

fn load(
    file: &str,
    overrides: &Overrides,
    wanted: &Wanted,
    bounds: BoundArgs,
    global: Global,
) -> Result<Sound, Box<Diagnostics>> {
    let scenario = Scenario::load(file, overrides)?;
    expectations::read(&scenario)?;
    let study = Plan::of(&scenario, overrides, wanted)?;
    let metrics = match &study {
        Some(plan) => {
            expectations::of_variants(plan)?;
            metrics::of_study(plan)?
        }
        None => Vec::new(),
    };
    let need = Need::of(
        &scenario,
        study.as_ref().map(|plan| (plan, metrics.as_slice())),
        bounds,
        global,
    );
    Ok(Sound {
        scenario,
        study,
        need,
    })
}

/// What a sound scenario holds.
struct Size {
    brokers: usize,
    topics: usize,
    queues: u64,
    producers: usize,
    groups: usize,
    consumers: usize,
    messages: u128,
    duration: SimDuration,
}

impl Size {
    fn of(scenario: &Scenario) -> Self {
        let config = &scenario.config;
        let placements = config.topics.iter().flat_map(|t| &t.placement);
        Self {
            brokers: config.brokers.len(),
            topics: config.topics.len(),
            queues: placements
                .map(|(_, queues)| u64::from(queues.read.max(queues.write)))
                .sum(),
            producers: config.producers.len(),
            groups: config.groups.len(),
            consumers: config.groups.iter().map(|g| g.consumers.len()).sum(),
            messages: estimate::messages(config),
            duration: config.duration,
        }
    }
}

fn summary(sound: &Sound) -> String {
    let scenario = &sound.scenario;
    let size = Size::of(scenario);
    let count = |n: u128, what: &str| format!("{} {what}{}", grouped(n), if n == 1 { "" } else { "s" });
    let parts = [
        count(size.brokers as u128, "broker"),
        count(size.topics as u128, "topic"),
        count(size.queues.into(), "queue"),
        count(size.producers as u128, "producer"),
        count(size.consumers as u128, "consumer"),
    ];
    let messages = count(size.messages, "message");
    let study = sound.study.as_ref().map_or(String::new(), |plan| {
        let variants = grouped(plan.variants.len() as u128);
        format!(
            "; a study of {variants} variants × {} seeds",
            grouped(plan.seeds.into())
        )
    });
    format!(
        "{}: fine — {}; about {messages} in {}{study}\n  {}",
        scenario.name(),
        parts.join(", "),
        size.duration,
        sound.need.told()
    )
}

fn as_json(file: &str, result: &Result<Sound, Box<Diagnostics>>) -> serde_json::Value {
    match result {
        Ok(Sound {
            scenario,
            study,
            need,
        }) => {
            let size = Size::of(scenario);
            let mut object = json!({
                "file": file,
                "sound": true,
                "title": scenario.file.title,
                "brokers": size.brokers,
                "topics": size.topics,
                "queues": size.queues,
                "producers": size.producers,
                "groups": size.groups,
                "consumers": size.consumers,
                "messages_foreseen": size.messages.to_string(),
                "duration_seconds": size.duration.as_secs_f64(),
                "memory": need.to_json(),
                "scenario": scenario.normalised,
            });
            if let Some(plan) = study {
                let labels: Vec<&str> = plan
                    .variants
                    .iter()
                    .map(|variant| variant.label.as_str())
                    .collect();
                object["study"] = json!({ "variants": labels, "seeds": plan.seeds });
            }
            object
        }
        Err(problems) => json!({ "file": file, "sound": false, "problems": problems.to_json() }),
    }
}
