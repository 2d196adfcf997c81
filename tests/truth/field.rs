//! Is the model true? Recordings of real clusters, run as scenarios and compared.
//!
//! Every recording of the folder is judged: the bundled `field/`, or the one that `RMQSIM_FIELD_DIR` names. What happens
//! is a run of the scenario file beside it, as it stands; without one, the recording is rebuilt from its `setup` and
//! `timeline`. What is compared depends on what the recording holds, and how closely is in `field/README.md`. The table goes
//! to standard output whether or not all is well. A recording that cannot be judged, for want of a key or of a scenario that
//! loads, fails the test as a miss does, and so does a model that breaks on one; only those that [`kinds::out_of_reach`]
//! names, with the reason, are left out.

mod account;
mod broadcast;
mod broker;
mod duplicates;
mod filters;
mod kinds;
mod listeners;
mod locks;
mod measure;
mod orderly;
mod pause;
mod planted;
mod proof;
mod pulls;
mod rebalance;
mod rebuild;
pub mod recording;
mod retry;
pub mod run;
mod scenario_file;
mod strange;
pub mod verdict;

use crate::page;
use kinds::Kind;
use recording::{Recording, list, text};
use rmqsim::cluster::config::ClusterConfig;
use rmqsim::cluster::sabotage::Sabotage;
use run::{Facts, Run, simulate_with};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use verdict::Verdict;

const OVERRIDE: &str = "RMQSIM_FIELD_DIR";

/// A recording, and what came of it.
pub struct Judged {
    pub recording: Recording,
    pub verdict: Verdict,
    /// Names of the scenario files that were run, none if it was rebuilt.
    pub scenarios: Vec<String>,
    /// What of `derived` nobody looks at.
    pub unread: Vec<String>,
    /// What of the scenario is taken from what was seen, because the recording stores it nowhere else.
    pub taken: &'static str,
    /// Why the model cannot meet what it shows, where that is known.
    pub out_of_reach: Option<&'static str>,
    /// The panic that ended the run or the comparison: the model broke one of its own rules, or its judge is wrong.
    pub broke: Option<String>,
}

/// All that is wrong: comparisons that are off, recordings that could not be judged, runs that broke.
pub fn failures(judged: &[Judged]) -> Vec<String> {
    let of_one = |judged: &Judged| {
        let id = &judged.recording.id;
        let off = judged.verdict.off();
        let off = (off > 0).then(|| format!("{id}: {off} comparisons are off"));
        let broke = judged.broke.iter().map(|why| format!("{id}: broke: {why}"));
        let unjudged = judged.verdict.unjudged.iter();
        let unjudged = unjudged.map(|why| format!("{id}: cannot be judged: {why}"));
        off.into_iter().chain(broke).chain(unjudged).collect::<Vec<_>>()
    };
    judged.iter().flat_map(of_one).collect()
}

fn bundled() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/truth/field")
}

/// Judges all recordings of a folder, in name order.
pub fn judge_folder(folder: &Path) -> Vec<Judged> {
    recordings(folder)
        .iter()
        .map(|path| judge_file(path, None))
        .collect()
}

fn recordings(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("it can be listed").path())
        .collect();
    let is_recording = |name: &str| name.ends_with(".json") && !name.ends_with(".scenario.json");
    paths.retain(|path| {
        path.file_name()
            .is_some_and(|name| is_recording(&name.to_string_lossy()))
    });
    paths.sort();
    paths
}

/// Judges one; with a `fault` of the simulator, if one is planted.
fn judge_file(path: &Path, fault: Option<Sabotage>) -> Judged {
    let id = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut judged = Judged {
        recording: Recording::of(id, serde_json::Value::Null),
        verdict: Verdict::default(),
        scenarios: Vec::new(),
        unread: Vec::new(),
        taken: "",
        out_of_reach: None,
        broke: None,
    };
    match Recording::read(path) {
        Ok(recording) => judged.recording = recording,
        Err(trouble) => {
            judged.verdict.unjudged(format!("it cannot be read: {trouble}"));
            return judged;
        }
    }
    // Whatever breaks fails the test; it is caught so that the others are judged all the same.
    let caught = catch_unwind(AssertUnwindSafe(|| judge(path, fault, &mut judged)));
    match caught {
        Ok(Ok(())) => {}
        Ok(Err(why)) => judged.verdict.unjudged(why),
        Err(panic) => {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
            judged.broke = Some(words.unwrap_or("?").to_owned());
        }
    }
    judged
}

/// Runs and compares; `Err` tells why that cannot be.
fn judge(path: &Path, fault: Option<Sabotage>, judged: &mut Judged) -> Result<(), String> {
    let recording = &judged.recording;
    if !recording.json["derived"].is_object() || !recording.json["setup"].is_object() {
        return Err("it has not the shape of a recording: no `setup`, no `derived`".to_owned());
    }
    judged.out_of_reach = kinds::out_of_reach(recording);
    if judged.out_of_reach.is_some() {
        return Ok(());
    }
    let kind = kinds::kind_of(recording);
    judged.unread = kinds::unread(recording, kind);
    judged.taken = kind.map_or("", |kind| kind.taken);
    if let Some(path) = kind.and_then(|kind| recording.lacks(kind.needs)) {
        return Err(format!("it lacks `{path}`"));
    }
    let repeats = recording.repeats().len().max(1);
    if let (Some(kind), true) = (kind, fault.is_none() && path.parent() == Some(&bundled())) {
        for repeat in 0..repeats {
            let part = (!recording.repeats().is_empty()).then_some(repeat);
            scenario_file::check(recording, part, &(kind.build)(recording, repeat));
        }
    }
    let mut configs = Vec::new();
    for repeat in 0..repeats {
        let (config, file) = config_of(path, recording, kind, repeat)?;
        judged.scenarios.extend(file);
        configs.push(config);
    }
    judged.scenarios.dedup();
    let facts: Vec<Facts> = configs
        .iter()
        .map(|config| simulate_with(config, fault))
        .collect();
    let consumers = recording.consumers();
    let brokers: Vec<String> = list(recording.setup("brokers"))
        .iter()
        .map(|name| text(name).to_owned())
        .collect();
    let view = |(repeat, (config, facts))| {
        let group = rebuild::group_of(config, recording, repeat);
        Run::of(config, facts, group, &consumers, &brokers)
    };
    let runs: Vec<Run<'_>> = configs.iter().zip(&facts).enumerate().map(view).collect();
    let compare = kind.map_or(account::judge as fn(&_, &[Run<'_>], &mut _), |kind| kind.judge);
    compare(recording, &runs, &mut judged.verdict);
    account::judge_the_end(recording, &runs, &mut judged.verdict);
    if judged.verdict.lines.is_empty() && judged.verdict.unjudged.is_empty() {
        return Err(format!(
            "nothing that it holds can be compared: {}",
            judged.unread.join(", ")
        ));
    }
    Ok(())
}

/// What to run for this repeat, and the name of its file, if it has one.
fn config_of(
    path: &Path,
    recording: &Recording,
    kind: Option<&Kind>,
    repeat: usize,
) -> Result<(ClusterConfig, Option<String>), String> {
    if let Some(file) = scenario_file::beside(path, repeat) {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        return Ok((scenario_file::load(&file)?, Some(name)));
    }
    let Some(kind) = kind else {
        let keys = recording.json["derived"].as_object().into_iter().flatten();
        let keys: Vec<&str> = keys.map(|(key, _)| key.as_str()).collect();
        return Err(format!(
            "no scenario beside it, and no known kind of experiment: {}",
            keys.join(", ")
        ));
    };
    let needs = kinds::NEEDED_BY_ALL.iter().chain(kind.rebuilt_from);
    if let Some(path) = recording.lacks(&needs.copied().collect::<Vec<_>>()) {
        return Err(format!(
            "no scenario beside it, and to rebuild one it lacks `{path}`"
        ));
    }
    let config = (kind.build)(recording, repeat);
    Ok((scenario_file::as_scenario(recording, &config), None))
}

/// What was seen at real clusters, the model shows as well; and the page that says so is what this says.
#[test]
fn model_agrees_with_field_recordings() {
    let folder = std::env::var_os(OVERRIDE).map_or_else(bundled, PathBuf::from);
    let judged = judge_folder(&folder);
    assert!(!judged.is_empty(), "{} holds no recordings", folder.display());
    let table = page::field_table(&judged) + &page::off(&judged);
    // Written past the test harness, which would swallow what `print!` says of a test that passes.
    std::io::stdout()
        .write_all(table.as_bytes())
        .expect("standard output is open");
    let failures = failures(&judged);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let compared: usize = judged.iter().map(|judged| judged.verdict.lines.len()).sum();
    assert!(compared > 0, "no recording could be judged");
    if folder == bundled() {
        page::renew(&judged);
    }
}
