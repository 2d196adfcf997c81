//! `rmqsim fuzz`: random scenarios, or given ones, under all rules; what breaks one is shrunk and kept.
//!
//! What is found is told at once, before anything else is done with it: nothing that goes wrong later takes it away.

mod coverage;
mod files;
mod keep;
mod told;

use crate::cli::args::Format;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure, interrupt};
use crate::cluster::sabotage::Sabotage;
use crate::kernel::time::SimDuration;
use crate::verify::check::Broken;
use crate::verify::fuzz::campaign::{self, Campaign, Findings, GENERATOR};
use crate::verify::fuzz::generate::generate;
use keep::{Kept, Origin, Shrinker, try_folder};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Search for faults of rmqsim itself: random scenarios under all of its rules
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Each scenario is made from its number, runs under every rule that rmqsim holds itself to, and once
more to see whether both runs are the same. What is found depends on the numbers alone, not on
threads. A failure is told at once; when the search is over, each is shrunk to a small file that
breaks the same rule, for a minute at most, and five minutes together. Ctrl-C ends the search, or
the shrinking, and tells what was found; a second one ends at once.
Exit code 3: something was found. 1: nothing was found, but 2 000 scenarios or more have left a cell
of the coverage empty, never seen something that should happen now and then, or never asked a rule.

Examples:
  rmqsim fuzz --scenarios 50
  rmqsim fuzz --until 2s --format json"
)]
pub struct Args {
    /// Try these scenarios instead of random ones: files, or names of shipped scenarios
    #[arg(value_name = "FILE", conflicts_with_all = ["scenarios", "until", "first", "max_failures", "coverage"])]
    files: Vec<String>,
    /// How many scenarios [default: 1000]
    #[arg(long, visible_alias = "seeds", value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000), conflicts_with = "until")]
    scenarios: Option<u64>,
    /// Search for so long, in real time; what is found is shrunk after that
    #[arg(long, value_name = "TIME")]
    until: Option<SimDuration>,
    /// The number of the first scenario; the next is one more
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=1_000_000_000_000))]
    first: u64,
    /// End after so many different failures
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    max_failures: u16,
    /// Do not look for a smaller scenario that breaks the same rule
    #[arg(long, conflicts_with = "keep")]
    no_shrink: bool,
    /// Where small scenarios are kept; nothing there is overwritten [default: scenarios/regressions for
    /// what a search finds; what comes of files is only shown]
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Show which faults met which mechanisms, as from 500 scenarios on
    #[arg(long)]
    coverage: bool,
    /// Form of the findings
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Breaks the simulator on purpose: the search must notice. Nothing is kept of it without --keep
    #[arg(long, value_name = "FAULT", hide = true)]
    plant: Option<Sabotage>,
}

/// Where small scenarios are kept unless `--keep` says otherwise.
const KEEP: &str = "scenarios/regressions";

/// Scenarios from which on the coverage is shown.
const SHOWN: u64 = 500;

/// Scenarios from which on a gap of the coverage is a fault of the campaign.
const ENOUGH: u64 = 2_000;

/// The last number of scenarios with `--until`.
const FAR: u64 = 1 << 41;

/// Searches, tells, shrinks, keeps.
pub fn run(args: &Args, threads: usize, terminal: &Terminal) -> Result<Exit, Failure> {
    if args.until.is_some_and(SimDuration::is_zero) {
        terminal.error("--until must be greater than 0");
        return Ok(Exit::BadInput);
    }
    let folder = args.folder();
    if let Some(folder) = folder {
        try_folder(folder)?;
    }
    if !args.files.is_empty() {
        return files::run(args, terminal);
    }
    let asked = interrupt::orderly();
    let searched = search(args, threads, asked, terminal)?;
    let findings = &searched.findings;
    if args.format == Format::Table {
        let text = told::summary(findings, searched.took, searched.interrupted, args.first);
        let gap = if findings.failures.is_empty() { "" } else { "\n" };
        terminal.print(&format!("{gap}{text}"))?;
    }
    let mut shrinker = Shrinker::new(folder, args.plant, asked, terminal);
    let mut kept = Vec::new();
    for failure in &findings.failures {
        let origin = args.origin(failure);
        let small = match args.no_shrink || failure.broken.id == GENERATOR {
            true => None,
            false => {
                let file = generate(failure.number).map(|made| made.file);
                let shrunk = shrinker.shrink(file.unwrap_or_default(), &origin);
                tell_small(&shrunk, &origin, args.format, terminal)?;
                shrunk.unwrap_or_default()
            }
        };
        kept.push((origin, small));
    }
    match args.format {
        Format::Table => terminal.print(&format!("\n{}", shown(args, findings, terminal)))?,
        Format::Json => {
            let data = told::as_json(findings, args.first, searched.interrupted, &kept);
            terminal.print(&format!("{data:#}"))?;
        }
    }
    Ok(exit(&searched))
}

impl Args {
    /// Where small scenarios are kept. A fault that was planted is found, not lost: nothing needs to stay of it.
    fn folder(&self) -> Option<&Path> {
        let usual = !self.no_shrink && self.plant.is_none() && self.files.is_empty();
        let usual = usual.then(|| Path::new(KEEP));
        self.keep.as_deref().or(usual)
    }

    /// The command line as it was, without what is to be tried.
    fn command(&self) -> String {
        match self.plant {
            Some(fault) => format!("rmqsim fuzz --plant {fault}"),
            None => "rmqsim fuzz".to_owned(),
        }
    }

    fn origin(&self, failure: &campaign::Failure) -> Origin {
        let number = failure.number;
        Origin {
            title: format!("scenario {number}"),
            command: format!("{} --first {number} --scenarios 1", self.command()),
            name: number.to_string(),
        }
    }
}

/// What came of a search.
struct Searched {
    findings: Findings,
    took: Duration,
    interrupted: bool,
}

/// Tries all scenarios and tells of each failure when it is found.
fn search(args: &Args, threads: usize, asked: &AtomicBool, terminal: &Terminal) -> Result<Searched, Failure> {
    let last = args.scenarios.or(args.until.is_none().then_some(1000));
    let campaign = Campaign {
        numbers: args.first..last.map_or(FAR, |scenarios| args.first + scenarios),
        threads,
        sabotage: args.plant,
        max_failures: args.max_failures.into(),
    };
    let until = args.until.map(|until| Duration::from_nanos(until.as_nanos()));
    let bar = terminal.search_progress(last, until);
    let over = AtomicBool::new(false);
    let (mut told, mut failures) = (Ok(()), 0);
    let findings = campaign.run(
        &over,
        || {
            bar.tried();
            let late = until.is_some_and(|until| bar.elapsed() >= until);
            if late || asked.load(Ordering::Relaxed) {
                over.store(true, Ordering::Relaxed);
            }
        },
        |failure| {
            failures += 1;
            bar.say(format!(", failures: {failures}"));
            let origin = args.origin(failure);
            let printed = bar.aside(|| tell(&origin, &failure.broken, args.format, terminal));
            if printed.is_err() {
                over.store(true, Ordering::Relaxed);
            }
            told = std::mem::replace(&mut told, Ok(())).and(printed);
        },
    );
    let took = bar.elapsed();
    bar.clear();
    told?;
    Ok(Searched {
        findings,
        took,
        interrupted: asked.load(Ordering::Relaxed),
    })
}

/// Tells of a failure: to programs, which get all of it in one piece at the end, beside their data.
fn tell(origin: &Origin, broken: &Broken, format: Format, terminal: &Terminal) -> Result<(), Failure> {
    let text = told::failure(origin, broken);
    match format {
        Format::Table => terminal.print(&text),
        Format::Json => {
            terminal.note(&text);
            Ok(())
        }
    }
}

/// Tells what is left of a failure, or why nothing is.
fn tell_small(
    shrunk: &anyhow::Result<Option<Kept>>,
    origin: &Origin,
    format: Format,
    terminal: &Terminal,
) -> Result<(), Failure> {
    match shrunk {
        Err(error) => {
            terminal.error(&format!("{error:#}"));
            Ok(())
        }
        Ok(_) if format == Format::Json => Ok(()),
        Ok(Some(kept)) => terminal.print(&format!("\n{}", told::kept(origin, kept))),
        Ok(None) => terminal.print(&format!("\n{}", told::not_shrunk(origin))),
    }
}

/// The coverage, if there is enough of it or somebody asks for it.
fn shown(args: &Args, findings: &Findings, terminal: &Terminal) -> String {
    match args.coverage || findings.scenarios >= SHOWN {
        true => {
            let width = terminal.width();
            let table = coverage::table(&findings.tally, width);
            format!("{table}\n\n{}", coverage::rules(findings, width))
        }
        false => coverage::in_short(findings),
    }
}

fn exit(searched: &Searched) -> Exit {
    let findings = &searched.findings;
    let gaps = || {
        let tally = &findings.tally;
        !(tally.empty_cells().is_empty() && tally.unseen().is_empty() && findings.never_asked().is_empty())
    };
    match () {
        () if !findings.failures.is_empty() => Exit::Internal,
        () if searched.interrupted => Exit::Interrupted,
        () if findings.scenarios >= ENOUGH && gaps() => Exit::Found,
        () => Exit::Fine,
    }
}
