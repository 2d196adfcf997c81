//! `rmqsim allocate`: who gets which queue under a strategy, and what one consumer more or fewer moves. Nothing is
//! simulated.

pub mod cases;
mod division;
pub mod topology;

use crate::cli::args::Format;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure};
use crate::cluster::consumer::allocate::Strategy;
use crate::scenario::json::{self, Kind, Node};
use crate::scenario::shape::Shapes;
use crate::scenario::{Diagnostic, Diagnostics, Source, Sources, Span, limits, suggest};
use anyhow::anyhow;
use division::{Change, Division, Given};
use std::path::PathBuf;
use topology::{Consumers, Queues};

/// Version of the form of the answer for programs.
const SCHEMA_VERSION: u32 = 1;

/// Show who gets which queue, and what a change of consumers moves
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Exit code 1: a strategy refuses the question, or an answer in the file differs.

Examples:
  rmqsim allocate --strategy CONSISTENT_HASH --queues broker-a:4,broker-b:4 --consumers 3
  rmqsim allocate --strategy AVG --strategy X_STICKY --queues 16 --consumers 4 --plus 1"
)]
pub struct Args {
    /// A strategy's name, or its settings like {"CONSISTENT_HASH":{"virtualNodes":100}}; may be given several
    /// times [default: AVG]
    #[arg(long, value_name = "STRATEGY")]
    strategy: Vec<String>,
    /// Queues: their number, or brokers with theirs like broker-a:4,broker-b:4
    #[arg(long, value_name = "SPEC", required_unless_present = "input")]
    queues: Option<Queues>,
    /// Consumers: their number (consumer-1, consumer-2, …), or client ids like c1,c2,10.0.0.3@7
    #[arg(long, value_name = "SPEC", required_unless_present = "input")]
    consumers: Option<Consumers>,
    /// The topic, whose name decides on a ring
    #[arg(long, value_name = "NAME", default_value = "orders")]
    topic: String,
    /// Compare with these consumers instead
    #[arg(long, value_name = "SPEC", conflicts_with_all = ["plus", "minus"])]
    to_consumers: Option<Consumers>,
    /// Compare with so many consumers more
    #[arg(long, value_name = "N")]
    plus: Option<u32>,
    /// Compare with one consumer fewer, this one; may be given several times
    #[arg(long, value_name = "NAME")]
    minus: Vec<String>,
    /// Answer the questions of this file, as in tests/truth/oracle/alloc_*.json, and compare answers that stand
    /// there; - for standard input
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["strategy", "queues", "consumers", "topic", "to_consumers", "plus", "minus"]
    )]
    input: Option<PathBuf>,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The strategies asked for, each by name or by its settings as in a scenario.
///
/// # Errors
/// All that is wrong with them.
fn strategies(args: &Args) -> Result<Vec<Strategy>, Box<Diagnostics>> {
    let source = |text: &String| Source {
        name: "--strategy".to_owned(),
        text: text.clone(),
    };
    let sources = Sources(args.strategy.iter().map(source).collect());
    let shapes = Shapes::new();
    let (mut strategies, mut problems) = (Vec::new(), Vec::new());
    for (source, text) in args.strategy.iter().enumerate() {
        match strategy(text, source, &shapes) {
            Ok(strategy) => strategies.push(strategy),
            Err(found) => problems.extend(found),
        }
    }
    if strategies.is_empty() && problems.is_empty() {
        strategies.push(Strategy::Avg);
    }
    match problems.is_empty() {
        true => Ok(strategies),
        false => Err(Box::new(Diagnostics::new(sources, problems))),
    }
}

fn strategy(text: &str, source: usize, shapes: &Shapes) -> Result<Strategy, Vec<Diagnostic>> {
    let span = Span {
        source,
        start: 0,
        end: text.len(),
    };
    let node = match text.trim_start().starts_with(['{', '"']) {
        true => json::parse(text, source)?,
        // A word needs no quotes.
        false => Node {
            span,
            kind: Kind::Text(text.to_owned()),
        },
    };
    let problems = shapes.check_strategy(&node);
    if !problems.is_empty() {
        return Err(problems);
    }
    serde_json::from_value(node.to_value())
        .map_err(|error| vec![Diagnostic::new(format!("`strategy` cannot be read: {error}")).at(span)])
}

/// What is wrong with the name of a strategy, and what may have been meant.
fn unknown(word: &str) -> String {
    let words: Vec<String> = Strategy::words().collect();
    let hint = suggest::did_you_mean(word, words.iter().map(String::as_str));
    format!("no strategy is called `{word}`{hint}")
}

/// Answers; exit code 1 if a strategy refuses, or an answer of the file differs.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    if let Some(file) = &args.input {
        return cases::run(file, args.format, terminal);
    }
    let (Some(queues), Some(consumers)) = (&args.queues, &args.consumers) else {
        return Err(
            anyhow!("--queues and --consumers say what to divide, or --input where it stands").into(),
        );
    };
    let strategies = strategies(args)?;
    let queues = queues.of_topic(&args.topic);
    let later = later(args, consumers)?;
    let most = later
        .iter()
        .fold(consumers.0.len(), |most, later| most.max(later.0.len()));
    let mut divisions = Vec::new();
    for strategy in strategies {
        let places = u64::from(strategy.virtual_nodes()) * most as u64;
        if places > limits::RING_PLACES {
            return Err(anyhow!(
                "{places} places on the ring are more than {}",
                limits::RING_PLACES
            )
            .into());
        }
        let given = Given {
            queues: &queues,
            consumers: &consumers.0,
            later: later.as_ref().map(|later| later.0.as_slice()),
        };
        given.check_names(&strategy)?;
        divisions.push(Division::of(&strategy, &given));
    }
    match args.format {
        Format::Json => {
            let strategies: Vec<_> = divisions.iter().map(Division::as_json).collect();
            let answer = serde_json::json!({
                "schemaVersion": SCHEMA_VERSION,
                "topic": args.topic,
                "queues": queues.len(),
                "strategies": strategies,
            });
            terminal.print(&format!("{answer:#}"))?;
        }
        Format::Table if later.is_some() => terminal.print(&Change::table(&divisions, terminal.width()))?,
        Format::Table => terminal.print(&Division::tables(&divisions, terminal.width()))?,
    }
    Ok(match divisions.iter().all(Division::is_answered) {
        true => Exit::Fine,
        false => Exit::Found,
    })
}

/// The consumers to compare with, if any.
fn later(args: &Args, consumers: &Consumers) -> anyhow::Result<Option<Consumers>> {
    if args.plus.is_none() && args.minus.is_empty() {
        return Ok(args.to_consumers.clone());
    }
    let fewer = consumers
        .minus(&args.minus)
        .map_err(|error| anyhow!("--minus: {error}"))?;
    let later = match args.plus {
        Some(more) => fewer.plus(more).map_err(|error| anyhow!("--plus: {error}"))?,
        None => fewer,
    };
    match later.0.is_empty() {
        true => Err(anyhow!("--minus: nobody is left to divide the queues")),
        false => Ok(Some(later)),
    }
}
