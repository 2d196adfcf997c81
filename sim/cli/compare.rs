//! `rmqsim compare`: the same luck for several variants, and what tells them apart.
//!
//! Everything that can be wrong is found before the first run: all variants, their expectations, the metrics, the
//! folder. Ctrl-C ends the study early: what is done is written and says so; a second one ends the program.

use crate::cli::args::{CompareArgs, StudyFormat, Warmup};
use crate::cli::pictures::Pictures;
use crate::cli::run::{OUT, listed, make_writable, write_files};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure, exit, expectations, interrupt, metrics};
use crate::compare::{Progress, Seeds, Study, compare};
use crate::kernel::time::SimDuration;
use crate::report::comparison::model::{Comparison, Luck, WarmupRule};
use crate::report::comparison::{markdown, one_run, table};
use crate::report::{charts, json, table as table_of_run};
use crate::scenario::study::{Plan, Wanted};
use crate::scenario::{Diagnostic, Overrides};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Makes the comparison, prints it, writes it down.
pub fn run(args: &CompareArgs, threads: usize, terminal: &Terminal) -> Result<Exit, Failure> {
    let overrides = overrides(args);
    let study = prepare(args, &overrides)?;
    let folder = match (&args.out, args.format) {
        (Some(out), _) => Some(out.clone()),
        (None, StudyFormat::Table) => Some(Path::new(OUT).join(format!("{}-compare", study.name))),
        (None, _) => None,
    };
    if let Some(folder) = &folder {
        make_writable(folder, "comparison.json")?;
    }
    let stop = interrupt::orderly();
    let too_much = Mutex::new(None);
    let bar = terminal.study_progress();
    let comparison = compare(&study, threads, stop, &|progress| match progress {
        Progress::Planned(runs) => bar.plan(runs),
        Progress::Begins { scenario, set, seed } => {
            let found = (study.warmup == WarmupRule::Mser5).then(|| scenario.config.warmup.as_secs_f64());
            let until = study.until.map(SimDuration::as_secs_f64);
            let set = study.set.iter().chain(set);
            let seed = seed.to_string();
            exit::reproduced_by(one_run(scenario.name(), Some(&seed), set, found, until));
        }
        Progress::Ran => bar.ran(),
        Progress::Width(width) => bar.width(width),
        Progress::Stopped { label, seed, stopped } => {
            let told = table_of_run::stopped(label, seed, stopped);
            *too_much.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
        }
    });
    bar.clear();
    let too_much = too_much.into_inner().unwrap_or_else(PoisonError::into_inner);
    let exit = match (&too_much, comparison.run.complete) {
        (Some(_), _) => Exit::Found,
        (None, true) => Exit::Fine,
        (None, false) => Exit::Interrupted,
    };
    if let Some(told) = &too_much {
        terminal.error(told);
    }
    if comparison.run.runs == 0 {
        let why = if too_much.is_some() {
            "stopped"
        } else {
            "interrupted"
        };
        terminal.problem(&format!(
            "{why} before every variant had run once: there is no result"
        ));
        return Ok(exit);
    }
    let written = match &folder {
        Some(folder) => {
            let earlier = earlier_charts(folder);
            let written = write(folder, &comparison, args.charts)?;
            // One that stays is a nuisance, not a failure.
            for chart in earlier.into_iter().filter(|chart| !written.contains(chart)) {
                let _ = std::fs::remove_file(chart);
            }
            written
        }
        None => Vec::new(),
    };
    print(args.format, &comparison, &written, terminal)?;
    Ok(exit)
}

/// The changes for all variants; a fixed warm-up is one of them.
fn overrides(args: &CompareArgs) -> Overrides {
    let mut overrides = args.overrides.overrides();
    if let Some(Warmup::Fixed(warmup)) = args.warmup {
        overrides.set.push(format!("warmup={warmup}"));
    }
    overrides
}

/// Reads and checks everything.
fn prepare(args: &CompareArgs, overrides: &Overrides) -> Result<Study, Failure> {
    let wanted = Wanted {
        baseline: args.baseline.clone(),
        seeds: args.seeds.or(args.until_ci.and(args.max_seeds)),
        max_runs: args.max_runs,
        ..args.vary.wanted()
    };
    let plan = Plan::load(&args.files, overrides, &wanted)?;
    let read = expectations::of_variants(&plan)?;
    let metrics = match args.metric.as_slice() {
        [] => metrics::of_study(&plan)?,
        paths => metrics::of_arguments(paths, &plan)?,
    };
    if metrics.is_empty() {
        let problem = Diagnostic::new("there is nothing to compare: no consumer group is in all variants")
            .help("name the numbers to compare, for example --metric cluster.brokers.broker-a.stored");
        return Err(Box::new(plan.diagnostics(vec![problem])).into());
    }
    let by_default = args.metric.is_empty() && plan.metrics.is_empty();
    let until = args.until_ci.or(plan
        .until_ci
        .map(|percent| percent.share())
        .filter(|_| args.seeds.is_none()));
    // What the study says of seeds goes with what it says of stopping.
    let of_study = plan.seeds_given.filter(|_| args.until_ci.is_none());
    let most = args.max_seeds.or(of_study);
    let seeds = match until {
        Some(target) => {
            let allowed = args
                .max_runs
                .map_or(u64::MAX, |runs| runs / plan.variants.len() as u64);
            let most = u64::from(most.unwrap_or(SEEDS_MOST)).min(allowed.max(1));
            Seeds::Until { target, most }
        }
        None => Seeds::Fixed(plan.seeds.into()),
    };
    Ok(Study {
        name: plan.files.join("-"),
        expectations: read,
        metrics,
        by_default,
        seeds,
        luck: match args.independent {
            true => Luck::Independent,
            false => Luck::Common,
        },
        level: args.level,
        bounds: args.bounds.of_run(args.overrides.max_events),
        set: overrides.set.clone(),
        until: overrides.until,
        warmup: match args.warmup {
            None => WarmupRule::Scenario,
            Some(Warmup::Fixed(_)) => WarmupRule::Fixed,
            Some(Warmup::Mser5) => WarmupRule::Mser5,
        },
        plan,
    })
}

/// Seeds at most with `--until-ci`, unless `--max-seeds` says otherwise.
const SEEDS_MOST: u32 = 1000;

/// Charts that the page of an earlier study in `folder` shows: they would pass for some of the next one.
fn earlier_charts(folder: &Path) -> Vec<PathBuf> {
    let page = std::fs::read_to_string(folder.join("comparison.md")).unwrap_or_default();
    let targets = page.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let names = targets
        .map(|(name, _)| name)
        .filter(|name| (name.ends_with(".svg") || name.ends_with(".png")) && !name.contains('/'));
    names.map(|name| folder.join(name)).collect()
}

/// Writes the data, the page and the charts; returns the paths.
fn write(folder: &Path, comparison: &Comparison, forms: Pictures) -> anyhow::Result<Vec<PathBuf>> {
    let drawn = match forms.any() {
        true => charts::comparison::draw_all(comparison),
        false => Vec::new(),
    };
    let pictures: Vec<(String, String)> = (drawn.iter())
        .map(|chart| (chart.title.clone(), forms.shown(chart)))
        .collect();
    let mut files = vec![
        (
            folder.join("comparison.json"),
            json::canonical(comparison).into_bytes(),
        ),
        (
            folder.join("comparison.md"),
            markdown::page(comparison, &pictures).into_bytes(),
        ),
    ];
    files.extend(forms.files(folder, drawn)?);
    write_files(files, "study")
}

fn print(
    format: StudyFormat,
    comparison: &Comparison,
    written: &[PathBuf],
    terminal: &Terminal,
) -> Result<(), Failure> {
    let files = (!written.is_empty()).then(|| format!("wrote {}", listed(written)));
    match format {
        StudyFormat::Table => {
            let width = terminal.width().min(table::WIDTH);
            terminal.print(table::summary_within(comparison, true, width).trim_end())?;
            if let Some(files) = files.filter(|_| !terminal.is_quiet()) {
                terminal.print(&format!("\n{files}"))?;
            }
            return Ok(());
        }
        StudyFormat::Json => terminal.print_json(json::canonical(comparison).trim_end())?,
        StudyFormat::Markdown => terminal.print(markdown::page(comparison, &[]).trim_end())?,
    }
    if let Some(files) = files {
        terminal.note(&files);
    }
    if !comparison.run.complete {
        terminal.note("not all runs were done: the result is of the seeds that were");
    }
    Ok(())
}
