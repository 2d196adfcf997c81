//! `rmqsim diff`: in what two reports differ, and where two traces part.

use crate::cli::args::Format;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure};
use crate::diff::document::{self, Kind};
use crate::diff::{Document, Problem, differences, trace};
use anyhow::anyhow;
use serde_json::json;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Tell in what two reports, comparisons or traces differ
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Reports and comparisons are compared value by value, as they are written: settings first, then \
verdicts, then measures by section. Traces are compared to the first fact where they part.

Exit codes: 0 the same · 1 they differ · 2 a file that cannot be compared

Examples:
  rmqsim run quickstart --out a
  rmqsim run quickstart --set groups.billing.consumers.count=8 --out b
  rmqsim diff a b
  rmqsim diff a.jsonl b.jsonl --context 10"
)]
pub struct Args {
    /// A report.json, comparison.json or trace, or the folder that holds a report or comparison
    #[arg(value_name = "A")]
    a: PathBuf,
    /// Another of the same kind
    #[arg(value_name = "B")]
    b: PathBuf,
    /// All values of a report that differ, instead of the weightiest of each section
    #[arg(long)]
    all: bool,
    /// Facts of a trace to show before and after they part, 5 unless said otherwise
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(..=1000))]
    context: Option<u16>,
    /// Form of the result; json has all values
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Facts around the place where traces part.
const CONTEXT: u16 = 5;
/// Rows of a section that are shown without `--all`.
const MOST: usize = 12;

/// What a file turned out to be.
enum Opened {
    Document(Document),
    Trace(Box<dyn BufRead>),
}

impl Opened {
    fn kind(&self) -> Kind {
        match self {
            Self::Document(document) => document.kind,
            Self::Trace(_) => Kind::Trace,
        }
    }
}

/// Compares and prints.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let paths = [found(&args.a)?, found(&args.b)?];
    let files = [paths[0].display().to_string(), paths[1].display().to_string()];
    let (a, b) = (open(&paths[0])?, open(&paths[1])?);
    if a.kind() != b.kind() {
        let (a, b) = (a.kind().name(), b.kind().name());
        return Err(anyhow!(
            "{} is {a} and {} is {b}: only two of a kind can be compared",
            files[0],
            files[1]
        )
        .into());
    }
    let kind = a.kind().name();
    let odd = match a {
        Opened::Document(_) => args.context.is_some().then_some(("--context", "of traces")),
        Opened::Trace(_) => args.all.then_some(("--all", "of reports and comparisons")),
    };
    if let Some((option, of)) = odd {
        return Err(anyhow!("{option} is for the difference {of}, and {} is {kind}", files[0]).into());
    }
    let names = [files[0].as_str(), files[1].as_str()];
    let is_same = match (a, b) {
        (Opened::Document(a), Opened::Document(b)) => {
            let found = differences(&a, &b);
            let is_same = found.sections.is_empty();
            terminal.print(&match args.format {
                Format::Json => {
                    let answer = json!({ "diffVersion": DIFF_VERSION, "a": names[0], "b": names[1], "differences": found });
                    format!("{answer:#}")
                }
                Format::Table => found.page(names, (!args.all).then_some(MOST)),
            })?;
            is_same
        }
        (Opened::Trace(a), Opened::Trace(b)) => {
            let found = trace::part(a, b, usize::from(args.context.unwrap_or(CONTEXT)));
            let found = found.map_err(|(which, problem)| anyhow!("{}", problem.of(&names[which])))?;
            let is_same = found.parted.is_none() && found.header.is_empty();
            terminal.print(&match args.format {
                Format::Json => {
                    let answer =
                        json!({ "diffVersion": DIFF_VERSION, "a": names[0], "b": names[1], "trace": found });
                    format!("{answer:#}")
                }
                Format::Table => found.page(names),
            })?;
            is_same
        }
        _ => unreachable!("they are of one kind"),
    };
    Ok(if is_same { Exit::Fine } else { Exit::Found })
}

/// Grows when a field of the JSON form changes its meaning.
const DIFF_VERSION: u32 = 1;

/// The file that a path means: a folder means the report or comparison in it.
fn found(path: &Path) -> anyhow::Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let names = ["report.json", "comparison.json"];
    let inside = names
        .iter()
        .map(|name| path.join(name))
        .find(|path| path.is_file());
    inside.ok_or_else(|| {
        anyhow!(
            "{}: the folder holds neither report.json nor comparison.json; `rmqsim run FILE --out DIR` makes the one",
            path.display()
        )
    })
}

fn open(path: &Path) -> anyhow::Result<Opened> {
    let wrong = |problem: Problem| anyhow!("{}", problem.of(&path.display()));
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => anyhow!("{}: there is no such file", path.display()),
        _ => anyhow!("{}: cannot be read: {error}", path.display()),
    };
    let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut first = Vec::new();
    let mut bounded = Read::take(&mut reader, trace::LONGEST as u64);
    bounded.read_until(b'\n', &mut first).map_err(unreadable)?;
    if document::is_trace(&first) {
        let whole = std::io::Cursor::new(first).chain(reader);
        return Ok(Opened::Trace(Box::new(whole)));
    }
    reader.read_to_end(&mut first).map_err(unreadable)?;
    let text = String::from_utf8(first).map_err(|_| {
        wrong(Problem::whole(
            "the file is no text: neither a report nor a trace",
        ))
    })?;
    Ok(Opened::Document(document::read(&text).map_err(wrong)?))
}
