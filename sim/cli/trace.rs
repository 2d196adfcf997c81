//! What `rmqsim run` writes for other programs: `--trace`, `--metrics`, `--csv`.
//!
//! The ending of a trace says its form. Everything that can be wrong is found before the run: forms, names of facts, the
//! folder, two outputs in one file. What cannot be written later is told when the run is over.

use crate::cli::args::{Format, RunArgs};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure};
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::beside::Beside;
use crate::report::json::Growing;
use crate::scenario::{Scenario, suggest};
use crate::trace::chrome::ChromeTrace;
use crate::trace::log::{EventLog, Thinning};
use crate::trace::open_metrics::OpenMetrics;
use crate::trace::series::SeriesTable;
use crate::trace::{Ending, Subject, Trace, Window, facts};
use anyhow::{Context, bail};
use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};
use std::path::{Path, PathBuf};

/// Where traces go, and what of them.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "For other programs (docs/traces.md)")]
pub struct TraceArgs {
    /// Write what happens: FILE.jsonl is the log of all facts, FILE.json a trace that Perfetto draws, - the log on standard
    /// output, without a summary; one of each form
    #[arg(long, value_name = "FILE")]
    pub trace: Vec<PathBuf>,
    /// Trace from this time on, like 90s; --metrics and --csv always tell of the whole run
    #[arg(long, value_name = "TIME", requires = "trace")]
    pub trace_from: Option<SimDuration>,
    /// Trace up to this time
    #[arg(long, value_name = "TIME", requires = "trace")]
    pub trace_to: Option<SimDuration>,
    /// Log these facts alone, like Delivered,Consumed
    #[arg(long, value_name = "FACT,…", requires = "trace", value_delimiter = ',')]
    pub trace_only: Vec<String>,
    /// Write metrics by RocketMQ's names as OpenMetrics text, with virtual timestamps
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
    /// Write all series of the report as one table: a row for each value
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
}

/// The form of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Log,
    Chrome,
    Metrics,
    Series,
}

/// Standard output, as file names say it.
const STDOUT: &str = "-";

impl TraceArgs {
    /// Whether standard output belongs to a trace.
    pub fn takes_stdout(&self) -> bool {
        self.outputs().any(|(_, path)| path == Path::new(STDOUT))
    }

    /// All that is to be written, with the option that asks for it.
    fn outputs(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let traces = self.trace.iter().map(|path| ("--trace", path));
        let metrics = self.metrics.iter().map(|path| ("--metrics", path));
        let series = self.csv.iter().map(|path| ("--csv", path));
        let all = traces.chain(metrics).chain(series);
        all.map(|(option, path)| (option, path.as_path()))
    }

    /// Says what is wrong, before anything runs; the report of `scenario` goes to `folder`.
    pub fn check(&self, args: &RunArgs, scenario: &Scenario, folder: Option<&Path>) -> anyhow::Result<()> {
        if let Some((option, _)) = self.outputs().next()
            && args.files.len() > 1
        {
            bail!(
                "{option} tells of one run: name one scenario, not {}",
                args.files.len()
            );
        }
        if self.takes_stdout() && args.format == Format::Json {
            bail!("{STDOUT} and --format json both want standard output: name a file");
        }
        let folder = folder.and_then(|folder| resolved(folder).ok());
        self.check_places(&args.files, folder.as_deref())?;
        let mut forms = Vec::new();
        for (option, path) in self.outputs() {
            let form = form(option, path)?;
            if forms.contains(&form) {
                let path = path.display();
                bail!(
                    "{option} {path}: a second trace of the same form; give one file that ends in .jsonl and one in .json"
                );
            }
            forms.push(form);
        }
        if !self.trace_only.is_empty() && !forms.contains(&Form::Log) {
            bail!("--trace-only thins the log of facts: name a file that ends in .jsonl");
        }
        self.facts()?;
        if self.window().from >= self.window().to {
            bail!("--trace-to must be later than --trace-from");
        }
        let duration = scenario.config.duration;
        if let Some(from) = self.trace_from.filter(|from| *from >= duration) {
            bail!("--trace-from {from}: the run is over by then, after {duration}");
        }
        Ok(())
    }

    /// Nothing is written over an input, over what the run writes into `folder`, or over another output.
    fn check_places(&self, inputs: &[String], folder: Option<&Path>) -> anyhow::Result<()> {
        // A scenario by both its names, where it is a link.
        let inputs = inputs.iter().map(Path::new);
        let inputs = inputs.filter(|input| *input != Path::new(STDOUT) && input.is_file());
        let names = |input: &Path| [place("", input, folder).ok(), input.canonicalize().ok()];
        let inputs: Vec<PathBuf> = inputs.flat_map(names).flatten().collect();
        let mut known: Vec<PathBuf> = Vec::new();
        for (option, path) in self.outputs() {
            let place = place(option, path, folder)?;
            let path = path.display();
            if inputs.contains(&place) {
                bail!("{option} {path}: this is the scenario that is run; name another file");
            }
            let is_of_run = place.parent() == folder && is_of_run(&place);
            if is_of_run || known.contains(&place) {
                bail!("{option} {path}: something else is written there; name another file");
            }
            known.push(place);
        }
        Ok(())
    }

    fn window(&self) -> Window {
        let at = |time: SimDuration| SimTime::ZERO + time;
        Window {
            from: self.trace_from.map_or(SimTime::ZERO, at),
            to: self.trace_to.map_or(SimTime::MAX, at),
        }
    }

    /// The facts that are wanted alone.
    fn facts(&self) -> anyhow::Result<Option<Vec<&'static str>>> {
        let known = |name: &String| {
            let found = facts::NAMES.iter().find(|known| known.eq_ignore_ascii_case(name));
            found.copied().with_context(|| {
                let hint = suggest::did_you_mean(name, facts::NAMES.iter().copied());
                format!("--trace-only: there is no fact `{name}`{hint} (docs/traces.md lists them)")
            })
        };
        let facts: Vec<&str> = self.trace_only.iter().map(known).collect::<Result<_, _>>()?;
        Ok((!facts.is_empty()).then_some(facts))
    }
}

/// Whether a run may write a file of this name into its own folder: the report, the page, charts.
fn is_of_run(place: &Path) -> bool {
    let name = place.file_name().and_then(|name| name.to_str());
    let ending = place.extension().and_then(|ending| ending.to_str());
    matches!(name, Some("report.json" | "report.html")) || matches!(ending, Some("svg" | "png"))
}

/// `folder` without links, whether or not it is there yet.
fn resolved(folder: &Path) -> io::Result<PathBuf> {
    match (folder.canonicalize(), folder.parent(), folder.file_name()) {
        (Err(error), Some(parent), Some(name)) if error.kind() == ErrorKind::NotFound => {
            let is_here = parent == Path::new("");
            let parent = resolved(if is_here { Path::new(".") } else { parent })?;
            Ok(parent.join(name))
        }
        (found, ..) => found,
    }
}

/// The same for two names of one file; the run makes the folder `own`.
fn place(option: &str, path: &Path, own: Option<&Path>) -> anyhow::Result<PathBuf> {
    if path == Path::new(STDOUT) {
        return Ok(path.to_owned());
    }
    let Some(name) = path.file_name() else {
        bail!("{option} {}: this names no file", path.display());
    };
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let found = match (folder.canonicalize(), resolved(folder), own) {
        (Err(_), Ok(later), Some(own)) if own.starts_with(&later) => Ok(later),
        (found, ..) => found,
    };
    let found = found.map_err(|error| {
        let (path, folder) = (path.display(), folder.display());
        let why = match error.kind() {
            ErrorKind::NotFound => format!("make the folder {folder} first, or name a file elsewhere"),
            _ => format!("the folder {folder} cannot be used; name a file elsewhere"),
        };
        anyhow::Error::from(error).context(format!("{option} {path}: {why}"))
    })?;
    Ok(found.join(name))
}

/// The form that an option and the name of its file ask for.
fn form(option: &str, path: &Path) -> anyhow::Result<Form> {
    match option {
        "--metrics" => return Ok(Form::Metrics),
        "--csv" => return Ok(Form::Series),
        _ => {}
    }
    let ending = path.extension().and_then(|ending| ending.to_str());
    match ending {
        None if path == Path::new(STDOUT) => Ok(Form::Log),
        Some("jsonl") => Ok(Form::Log),
        Some("json") => Ok(Form::Chrome),
        _ => bail!(
            "--trace {}: the name must end in .jsonl for the log of facts, or in .json for a trace that Perfetto draws",
            path.display()
        ),
    }
}

/// What takes a trace.
#[derive(Debug)]
enum Output {
    File(Growing),
    Stdout(BufWriter<StdoutLock<'static>>),
}

impl Output {
    fn create(path: &Path) -> io::Result<Self> {
        match path == Path::new(STDOUT) {
            true => Ok(Self::Stdout(BufWriter::with_capacity(
                1 << 16,
                io::stdout().lock(),
            ))),
            false => Growing::create(path).map(Self::File),
        }
    }

    fn complete(self) -> io::Result<()> {
        match self {
            Self::File(file) => file.complete(),
            Self::Stdout(mut out) => out.flush(),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Stdout(out) => out.write(bytes),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stdout(out) => out.flush(),
        }
    }
}

/// All traces of one run.
#[derive(Default)]
pub struct Traces(Vec<(PathBuf, Box<dyn Trace<Output>>)>);

impl Traces {
    /// Begins those that `args` ask for.
    pub fn begin(args: &TraceArgs, name: &str, scenario: &Scenario) -> anyhow::Result<Self> {
        let subject = Subject {
            name,
            config: &scenario.config,
        };
        let window = args.window();
        let mut traces = Vec::new();
        for (option, path) in args.outputs() {
            let form = form(option, path)?;
            let output = Output::create(path).with_context(|| cannot_write(path, ""))?;
            let trace: Box<dyn Trace<Output>> = match form {
                Form::Chrome => Box::new(ChromeTrace::new(subject, window, output)),
                Form::Log => {
                    let only = args.facts()?;
                    Box::new(EventLog::new(subject, Thinning { window, only }, output))
                }
                Form::Metrics => Box::new(OpenMetrics::new(output)),
                Form::Series => Box::new(SeriesTable::new(subject, output)),
            };
            traces.push((path.to_owned(), trace));
        }
        Ok(Self(traces))
    }

    /// Those who look on for them.
    pub fn others(&mut self) -> impl Iterator<Item = &mut dyn Beside> {
        self.0
            .iter_mut()
            .map(|(_, trace)| &mut **trace as &mut dyn Beside)
    }

    /// The run is over: completes every file, whatever becomes of the others.
    pub fn end(self, ending: &Ending) -> Ended {
        let mut ended = Ended::default();
        for (path, trace) in self.0 {
            let (output, result) = trace.end(ending);
            match result.and_then(|()| output.complete()) {
                Ok(()) if path == Path::new(STDOUT) => {}
                Ok(()) => ended.written.push(path),
                Err(error) if error.kind() == ErrorKind::BrokenPipe => ended.is_pipe_closed = true,
                Err(error) => {
                    let why = cannot_write(&path, " (the run itself finished)");
                    ended.problems.push(anyhow::Error::from(error).context(why));
                }
            }
        }
        ended
    }
}

/// What has become of the traces of a run.
#[derive(Debug, Default)]
pub struct Ended {
    /// Files that are whole.
    pub written: Vec<PathBuf>,
    /// Why others are not there.
    pub problems: Vec<anyhow::Error>,
    /// Whether whoever read standard output has gone.
    pub is_pipe_closed: bool,
}

impl Ended {
    /// Tells of every problem; the first thing that says how the program ends.
    pub fn tell(self, terminal: &Terminal) -> Result<(), Failure> {
        for problem in &self.problems {
            terminal.error(&format!("{problem:#}"));
        }
        match self.problems.is_empty() {
            false => Err(Failure::Told(Exit::BadInput)),
            true if self.is_pipe_closed => Err(Failure::ClosedPipe),
            true => Ok(()),
        }
    }
}

fn cannot_write(path: &Path, but: &str) -> String {
    match path == Path::new(STDOUT) {
        true => format!("cannot write to standard output{but}; name a file"),
        false => format!("cannot write {}{but}; name a file elsewhere", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn args(csv: &Path) -> TraceArgs {
        TraceArgs {
            trace: Vec::new(),
            trace_from: None,
            trace_to: None,
            trace_only: Vec::new(),
            metrics: None,
            csv: Some(csv.to_owned()),
        }
    }

    /// Neither the scenario, by any of its names, nor what the run writes; the folder of the run need not be there yet.
    #[test]
    fn nothing_is_written_over_something_else() {
        let folder = std::env::temp_dir().join(format!("rmqsim-places-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let scenario = folder.join("my.json");
        fs::write(&scenario, "{}").unwrap();
        let (inputs, own) = ([scenario.to_str().unwrap().to_owned()], folder.join("new"));
        let own = resolved(&own).unwrap();
        let check = |file: &str| {
            let checked = args(&folder.join(file)).check_places(&inputs, Some(&own));
            checked.map_err(|error| format!("{error:#}"))
        };
        for file in ["my.csv", "report.html", "new/my.csv", "a.svg"] {
            assert_eq!(check(file), Ok(()), "{file}");
        }
        for (file, why) in [
            ("my.json", "this is the scenario"),
            ("new/../my.json", "make the folder"),
            ("new/report.json", "something else"),
            ("new/report.html", "something else"),
            ("new/lag.svg", "something else"),
            ("new/lag.png", "something else"),
            ("other/my.csv", "make the folder"),
            ("my.json/deeper/my.csv", "cannot be used"),
        ] {
            let error = check(file).unwrap_err();
            assert!(error.contains(why), "{file}: {error}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
