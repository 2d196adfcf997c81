//! `rmqsim run`: simulate a scenario, say what happened, write report and charts.
//!
//! Everything that can be wrong is found before the first run: all scenarios, their expectations, the folders.
//! For people the results also go to a folder, `rmqsim-out/<scenario>` unless `--out` names another; for
//! programs the report goes to stdout, and to a folder only if one is named.

use crate::cli::args::{Format, RunArgs};
use crate::cli::extras::Extras;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure};
use crate::cli::{expectations, interrupt};
use crate::cluster::bounds::Bounds;
use crate::cluster::event::Event;
use crate::cluster::sabotage::{Planted, Sabotage};
use crate::kernel::time::SimTime;
use crate::observe::beside::Beside;
use crate::report::expect::Expectation;
use crate::report::model::StopReason;
use crate::report::{Report, charts, json, table};
use crate::scenario::estimate;
use crate::scenario::{Scenario, stem};
use crate::simulate::{Onlookers, simulate_before};
use crate::verify::double_run::{Listener, Parting, Recording, Rerun};
use anyhow::Context;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where results go unless `--out` says otherwise.
pub const OUT: &str = "rmqsim-out";

/// One scenario that is ready to run.
struct Job {
    name: String,
    scenario: Scenario,
    expectations: Vec<Expectation>,
    folder: Option<PathBuf>,
}

/// Runs each scenario; exit code 1 if an expectation does not hold.
pub fn run(args: &RunArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let jobs = prepare(args)?;
    let mut exit = Exit::Fine;
    for (position, job) in jobs.into_iter().enumerate() {
        if position > 0 && args.format == Format::Table && !args.traces.takes_stdout() {
            terminal.print("")?;
        }
        match one(job, args, terminal)? {
            Exit::Fine => {}
            Exit::Interrupted => return Ok(Exit::Interrupted),
            other => exit = other,
        }
    }
    Ok(exit)
}

/// Loads everything and makes sure that the results can be written.
fn prepare(args: &RunArgs) -> Result<Vec<Job>, Failure> {
    let overrides = args.overrides.overrides();
    let mut names = BTreeSet::new();
    let mut jobs = Vec::new();
    for file in &args.files {
        let scenario = Scenario::load(file, &overrides)?;
        let expectations = expectations::read(&scenario)?;
        let name = unlike(stem(file), &mut names);
        let folder = match (&args.out, args.format) {
            (Some(out), _) if args.files.len() == 1 => Some(out.clone()),
            (Some(out), _) => Some(out.join(&name)),
            (None, Format::Table) => Some(Path::new(OUT).join(&name)),
            (None, Format::Json) => None,
        };
        jobs.push(Job {
            name,
            scenario,
            expectations,
            folder,
        });
    }
    if let Some(job) = jobs.first() {
        args.traces.check(args, &job.scenario, job.folder.as_deref())?;
    }
    for folder in jobs.iter().filter_map(|job| job.folder.as_deref()) {
        make_writable(folder, "report.json")?;
    }
    Ok(jobs)
}

/// `name`, with a number if it is taken.
fn unlike(name: String, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2..).map(|n| format!("{name}-{n}"));
    let free = std::iter::once(name.clone())
        .chain(numbered)
        .find(|candidate| !taken.contains(candidate));
    let free = free.unwrap_or(name);
    taken.insert(free.clone());
    free
}

/// Creates `folder` if it does not exist, and tries whether `file` can be made in it.
pub fn make_writable(folder: &Path, file: &str) -> anyhow::Result<()> {
    let probe = folder.join(file);
    fs::create_dir_all(folder)
        .and_then(|()| json::try_write(&probe))
        .with_context(|| {
            format!(
                "cannot write to {}; name another folder with --out",
                folder.display()
            )
        })
}

/// Runs one scenario, prints and writes.
fn one(job: Job, args: &RunArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let bounds = Bounds {
        interrupt: Some(interrupt::orderly()),
        ..args.bounds.of_run(args.overrides.max_events)
    };
    let mut extras = Extras::new(args, &job.name, &job.scenario, job.folder.as_deref())?;
    let (mut report, is_compared) = match args.check_determinism {
        true => same_twice(&job, args.plant, &bounds, &mut extras, terminal)?,
        false => {
            let simulation = Simulation {
                job: &job,
                plant: args.plant,
                bounds: &bounds,
                terminal,
            };
            let onlookers = Onlookers {
                watch: None,
                others: extras.others(),
            };
            (simulation.run(1, onlookers), true)
        }
    };
    // What a scenario expects of its end says nothing about its beginning.
    let stopped = report.run.stopped.as_ref().map(|stopped| stopped.reason);
    let exit = match stopped {
        Some(StopReason::Interrupted) => Exit::Interrupted,
        _ if !is_compared => Exit::Interrupted,
        Some(_) => Exit::Found,
        None if report.judge(&job.expectations) => Exit::Fine,
        None => Exit::Found,
    };
    let bytes = json::canonical(&report);
    let charts = match &job.folder {
        Some(_) if args.charts.any() => charts::draw_all(&report),
        _ => Vec::new(),
    };
    let mut files = extras.files(job.folder.as_deref(), &report, &charts);
    if let Some(folder) = &job.folder {
        files.insert(0, (folder.join("report.json"), bytes.as_bytes().to_vec()));
        files.extend(args.charts.files(folder, charts)?);
    }
    let written = write_files(files, "run");
    let ended = extras.end(&report);
    // Whatever cannot be written: what can be told is told before.
    let told = written.map_err(Failure::from).and_then(|written| {
        let beside = ended.written.iter();
        let beside = beside.map(|path| format!("wrote {}", path.display()));
        let files = (!written.is_empty()).then(|| format!("wrote {}", listed(&written)));
        let files: Vec<String> = files.into_iter().chain(beside).collect();
        tell(&job.name, &report, &bytes, &files, args, terminal)
    });
    match (told, ended.tell(terminal)) {
        (Ok(()), ended) => ended.map(|()| exit),
        (Err(Failure::ClosedPipe), Err(ended)) => Err(ended),
        (Err(failure), _) => Err(failure),
    }
}

/// Prints what came of a run, and which `files` were written.
fn tell(
    name: &str,
    report: &Report,
    bytes: &str,
    files: &[String],
    args: &RunArgs,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let files = (!files.is_empty()).then(|| files.join("\n"));
    match args.format {
        Format::Table if !args.traces.takes_stdout() => {
            terminal.print(table::summary(report, true).trim_end())?;
            if let Some(files) = files.filter(|_| !terminal.is_quiet()) {
                terminal.print(&format!("\n{files}"))?;
            }
        }
        Format::Table | Format::Json => {
            if !args.traces.takes_stdout() {
                terminal.print_json(bytes.trim_end())?;
            }
            if let Some(files) = files {
                terminal.note(&files);
            }
            for verdict in report.expect.iter().filter(|verdict| !verdict.passed) {
                terminal.note(&format!("{name}: expected {}", verdict.text));
            }
            if report.run.stopped.is_some() {
                terminal.note(&format!("{name}: incomplete, see \"stopped\" in the report"));
            }
        }
    }
    Ok(())
}

/// How the runs of one scenario go.
struct Simulation<'a> {
    job: &'a Job,
    plant: Option<Sabotage>,
    bounds: &'a Bounds<'a>,
    terminal: &'a Terminal,
}

impl Simulation<'_> {
    /// The run of this number, before the eyes of those `onlookers`.
    fn run(&self, number: u32, onlookers: Onlookers<'_>) -> Report {
        let Job { name, scenario, .. } = self.job;
        let mut progress = self.terminal.progress(SimTime::ZERO + scenario.config.duration);
        let planted = self.plant.map(|fault| Planted { fault, run: number });
        let tell = |now, events| progress.tell(now, events);
        let report = simulate_before(onlookers, name, scenario, planted, self.bounds, tell);
        progress.clear();
        report
    }

    /// The run of this number, watched.
    fn watched<'a>(&self, number: u32, others: Vec<&'a mut dyn Beside>, watch: Listener<'a>) -> Report {
        let watch = Some(watch);
        self.run(number, Onlookers { watch, others })
    }
}

/// Runs a scenario twice within the same bounds and says whether both runs did and reported the same: the report of the
/// first, and whether there was time to compare it.
fn same_twice(
    job: &Job,
    plant: Option<Sabotage>,
    bounds: &Bounds<'_>,
    extras: &mut Extras,
    terminal: &Terminal,
) -> Result<(Report, bool), Failure> {
    let simulation = Simulation {
        job,
        plant,
        bounds,
        terminal,
    };
    let is_interrupted = |report: &Report| {
        let stopped = report.run.stopped.as_ref();
        stopped.is_some_and(|stopped| stopped.reason == StopReason::Interrupted)
    };
    let mut first = Recording::default();
    let report = simulation.watched(1, extras.others(), &mut |time, code| first.add(time, code));
    let mut second = Rerun::of(&first);
    let again = match is_interrupted(&report) {
        true => None,
        false => Some(simulation.watched(2, Vec::new(), &mut |time, code| second.add(time, code))),
    };
    let Some(again) = again.filter(|again| !is_interrupted(again)) else {
        terminal.note(&format!(
            "{}: interrupted, so two runs were not compared",
            job.name
        ));
        return Ok((report, false));
    };
    let reports = [json::canonical(&report), json::canonical(&again)];
    let verdict = second.verdict(reports.each_ref().map(String::as_str), |listener| {
        simulation.watched(1, Vec::new(), listener);
    });
    match verdict {
        Ok(events) => {
            let events = estimate::grouped(events.into());
            terminal.note(&format!(
                "{}: {events} events and their report, the same in two runs",
                job.name
            ));
            Ok((report, true))
        }
        Err(parting) => {
            terminal.error(&format!("{}: two runs {}", job.name, told(&parting)));
            terminal.problem("  = help: this is a bug in rmqsim: one seed must yield one run");
            Err(Failure::Told(Exit::Internal))
        }
    }
}

/// Where two runs part, in words.
fn told(parting: &Parting) -> String {
    let event = |event: &Option<(SimTime, Event)>| match event {
        Some((time, event)) => format!("{event:?} at {time}"),
        None => "nothing more".to_owned(),
    };
    let line = |line: &Option<String>| line.as_deref().unwrap_or("nothing more").to_owned();
    match parting {
        Parting::Event {
            number,
            first,
            second,
        } => format!(
            "part at event {}: {} against {}",
            estimate::grouped((*number).into()),
            event(first),
            event(second)
        ),
        Parting::Report {
            line: number,
            first,
            second,
        } => format!(
            "have the same events, but report otherwise from line {number} of report.json on: {} against {}",
            line(first),
            line(second)
        ),
    }
}

/// Writes files with their bytes, each whole or not at all; returns the paths. `what` has come to its end by now.
pub fn write_files(files: Vec<(PathBuf, Vec<u8>)>, what: &str) -> anyhow::Result<Vec<PathBuf>> {
    for (path, bytes) in &files {
        json::write_atomically(path, bytes).with_context(|| {
            format!(
                "cannot write {} (the {what} itself finished; name another folder with --out)",
                path.display()
            )
        })?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

/// The folder and the names of the files in it, as many as people will read.
pub fn listed(written: &[PathBuf]) -> String {
    let shown = 18;
    let folder = written[0].parent().unwrap_or(Path::new("."));
    let names = written.iter().take(shown).filter_map(|path| path.file_name());
    let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    if written.len() > shown {
        names.push(format!("… ({} files)", written.len()));
    }
    let lines = table::wrapped(&names.join(", "), table::WIDTH - 2);
    format!("in {}\n  {}", folder.display(), lines.join("\n  "))
}
