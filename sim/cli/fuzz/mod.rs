//! `rmqsim fuzz`: random scenarios, or given ones, under all rules; what breaks one is shrunk and kept.

mod told;

use crate::cli::args::Format;
use crate::cli::run::{make_writable, write_files};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure, interrupt};
use crate::cluster::sabotage::Sabotage;
use crate::kernel::time::SimDuration;
use crate::scenario::estimate::grouped;
use crate::scenario::{Overrides, Scenario, stem};
use crate::verify::check::Broken;
use crate::verify::fuzz::campaign::{Campaign, Findings, GENERATOR};
use crate::verify::fuzz::generate::generate;
use crate::verify::fuzz::page::page;
use crate::verify::fuzz::shrink::{self, Shrunk, shrink};
use crate::verify::fuzz::trial::trial;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Search for faults of rmqsim itself: random scenarios under all of its rules
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Each scenario is made from a number, runs under every rule that rmqsim holds itself to, and once
more to see whether both runs are the same. What is found depends on the numbers alone, not on
threads. A failure is shrunk to a small file that breaks the same rule.
Exit code 3: something was found. 1: nothing was found, but 2 000 scenarios or more have left a cell
of the table empty or never seen something that should happen now and then.

Examples:
  rmqsim fuzz --seeds 50
  rmqsim fuzz --until 2s --format json"
)]
pub struct Args {
    /// Try these scenarios instead of random ones: files, or names of shipped scenarios
    #[arg(value_name = "FILE", conflicts_with_all = ["seeds", "until", "first", "max_failures"])]
    files: Vec<String>,
    /// How many scenarios [default: 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000), conflicts_with = "until")]
    seeds: Option<u64>,
    /// Go on for so long, in real time
    #[arg(long, value_name = "TIME")]
    until: Option<SimDuration>,
    /// The number of the first scenario; the next is one more
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=1_000_000_000_000))]
    first: u64,
    /// End after so many different failures
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    max_failures: u16,
    /// Do not look for a smaller scenario that breaks the same rule
    #[arg(long)]
    no_shrink: bool,
    /// Where small scenarios are kept
    #[arg(long, value_name = "DIR", default_value = "scenarios/regressions")]
    keep: PathBuf,
    /// Form of the findings
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Breaks the simulator on purpose: the search must notice
    #[arg(long, value_name = "FAULT", hide = true)]
    plant: Option<Sabotage>,
}

/// Scenarios from which on a gap of the coverage is a fault of the campaign.
const ENOUGH: u64 = 2_000;

/// The last number of scenarios with `--until`.
const FAR: u64 = 1 << 41;

/// Searches, tells, shrinks, keeps.
pub fn run(args: &Args, threads: usize, terminal: &Terminal) -> Result<Exit, Failure> {
    if !args.files.is_empty() {
        return given(args, terminal);
    }
    if args.until.is_some_and(SimDuration::is_zero) {
        terminal.error("--until must be greater than 0");
        return Ok(Exit::BadInput);
    }
    let asked = interrupt::orderly();
    let over = AtomicBool::new(false);
    let last = args.seeds.or(args.until.is_none().then_some(1000));
    let campaign = Campaign {
        numbers: args.first..last.map_or(FAR, |seeds| args.first + seeds),
        threads,
        sabotage: args.plant,
        max_failures: args.max_failures.into(),
    };
    let until = args.until.map(|until| Duration::from_nanos(until.as_nanos()));
    let bar = terminal.search_progress(last, until);
    let findings = campaign.run(&over, || {
        bar.tried();
        let late = until.is_some_and(|until| bar.elapsed() >= until);
        if late || asked.load(Ordering::Relaxed) {
            over.store(true, Ordering::Relaxed);
        }
    });
    let took = bar.elapsed();
    bar.clear();
    let interrupted = asked.load(Ordering::Relaxed);
    let mut kept = Vec::new();
    for failure in &findings.failures {
        let origin = Origin {
            words: format!("{} --first {} --seeds 1", command(args), failure.number),
            name: failure.number.to_string(),
        };
        let small = match args.no_shrink || interrupted || failure.broken.id == GENERATOR {
            true => None,
            false => {
                let file = generate(failure.number).map(|made| made.file).unwrap_or_default();
                keep(args, file, &origin, terminal)?
            }
        };
        kept.push((origin, small));
    }
    match args.format {
        Format::Table => {
            terminal.print(&told::findings(&findings, took, interrupted, args.first))?;
            for (failure, (origin, small)) in findings.failures.iter().zip(&kept) {
                terminal.print(&format!("\n{}", told::failure(failure, origin, small.as_ref())))?;
            }
        }
        Format::Json => terminal.print(&format!("{:#}", told::as_json(&findings, args.first, &kept)))?,
    }
    Ok(exit(&findings, interrupted))
}

fn exit(findings: &Findings, interrupted: bool) -> Exit {
    let gaps = || !findings.tally.empty_cells().is_empty() || !findings.tally.unseen().is_empty();
    match () {
        () if !findings.failures.is_empty() => Exit::Internal,
        () if interrupted => Exit::Interrupted,
        () if findings.scenarios >= ENOUGH && gaps() => Exit::Found,
        () => Exit::Fine,
    }
}

/// Where a failure comes from.
struct Origin {
    /// The command that shows it.
    words: String,
    /// What its file is called after.
    name: String,
}

/// A small scenario, and the file in which it lies.
struct Kept {
    small: Shrunk,
    path: PathBuf,
}

/// The command line as it was, without what is to be tried.
fn command(args: &Args) -> String {
    match args.plant {
        Some(fault) => format!("rmqsim fuzz --plant {fault}"),
        None => "rmqsim fuzz".to_owned(),
    }
}

/// Shrinks a file that breaks a rule, and writes down what is left of it.
fn keep(args: &Args, file: Value, origin: &Origin, terminal: &Terminal) -> Result<Option<Kept>, Failure> {
    terminal.note(&format!("shrinking what {} has found …", origin.words));
    let Some(mut small) = shrink(file, args.plant, shrink::TRIES) else {
        return Ok(None);
    };
    let Broken { id, at, what } = &small.broken;
    let mut comments = vec![match at {
        Some(at) => format!("{id} broken at {at}: {}", one_line(what)),
        None => format!("{id}: {}", one_line(what)),
    }];
    comments.push(format!("Found by: {}", origin.words));
    if let Some(fault) = args.plant {
        comments.push(format!("Planted: {fault}"));
    }
    small.file["title"] = format!("What has broken {id}").into();
    let path = args.keep.join(format!("{id}-{}.json", origin.name));
    make_writable(&args.keep, &format!("{id}-{}.json", origin.name))?;
    write_files(vec![(path.clone(), page(&small.file, &comments))], "search")?;
    Ok(Some(Kept { small, path }))
}

/// The first line of a text, and not too much of it.
fn one_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.chars().take(200).collect()
}

/// Tries the scenarios that the command line names.
fn given(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut all = Vec::new();
    for file in &args.files {
        all.push((file, Scenario::load(file, &Overrides::default())?));
    }
    let mut exit = Exit::Fine;
    let mut list = Vec::new();
    for (file, scenario) in all {
        let entry = match trial(&scenario.config, args.plant) {
            Ok(trial) => {
                let events = grouped(trial.events.into());
                if args.format == Format::Table {
                    terminal.print(&format!("{file}: {events} events, no rule broken"))?;
                }
                json!({ "file": file, "events": trial.events })
            }
            Err(broken) => {
                exit = Exit::Internal;
                let origin = Origin {
                    words: format!("{} {file}", command(args)),
                    name: stem(file),
                };
                if args.format == Format::Table {
                    terminal.print(&format!("{file}: {}", told::broken(&broken)))?;
                }
                let small = match args.no_shrink {
                    true => None,
                    // With every default filled in: what can be left out is.
                    false => keep(args, scenario.normalised.clone(), &origin, terminal)?,
                };
                if let Some(small) = small.as_ref().filter(|_| args.format == Format::Table) {
                    terminal.print(&format!("  {}", told::kept(small)))?;
                }
                told::entry(&json!({ "file": file }), &broken, small.as_ref())
            }
        };
        list.push(entry);
    }
    if args.format == Format::Json {
        terminal.print(&format!("{:#}", Value::from(list)))?;
    }
    Ok(exit)
}
