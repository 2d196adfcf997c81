//! Do the recordings notice what would be wrong in the model, and do its own rules hold in them?

use crate::field::{Judged, bundled, judge_file, recordings, scenario_file};
use rmqsim::cluster::sabotage::Sabotage;
use rmqsim::verify::check::check;
use std::fs;
use std::io::Write;

/// Faults planted in the simulator that the recordings alone must notice. The others break a rule that no recording can
/// see, such as a leak; invariants find those.
const NOTICED: &[&str] = &[
    "lose-message",
    "repeat-message",
    "commit-unfinished",
    "forget-last-commit",
    "level-too-high",
    "dead-too-late",
    "retry-twice",
    "not-woken",
    "held-too-long",
    "no-flow-control",
    "lock-for-all",
    "lock-not-renewed",
    "share-too-small",
    "no-heartbeats",
    "filter-too-much",
];

/// What would be wrong in the model, the recordings notice.
#[test]
fn planted_faults_are_noticed() {
    let paths = recordings(&bundled());
    let mut table = String::new();
    let mut noticed = Vec::new();
    for fault in Sabotage::ALL {
        let judged = paths.iter().map(|path| judge_file(path, Some(fault)));
        let notices = |judged: &Judged| judged.verdict.off() > 0;
        let found = judged.into_iter().find(notices);
        let by = found.as_ref().and_then(|judged| {
            let line = judged.verdict.lines.iter().find(|line| !line.agrees())?;
            Some(format!("{}: {}", judged.recording.id, line.measure.what))
        });
        noticed.extend(by.is_some().then_some(fault.name()));
        table += &format!("{:<24} {}\n", fault.name(), by.as_deref().unwrap_or("-"));
    }
    // Past the test harness, which swallows what a test prints that passes.
    std::io::stdout()
        .write_all(table.as_bytes())
        .expect("standard output is open");
    let missed: Vec<_> = NOTICED.iter().filter(|name| !noticed.contains(name)).collect();
    assert!(missed.is_empty(), "not noticed: {missed:?}\n{table}");
}

/// The experiments, run as any scenario, break none of the simulator's own rules.
#[test]
fn recorded_experiments_break_no_rule() {
    let entries = fs::read_dir(bundled()).expect("recordings are shipped");
    let paths = entries.map(|entry| entry.expect("it can be listed").path());
    let scenarios: Vec<_> = paths
        .filter(|path| path.to_string_lossy().ends_with(".scenario.json"))
        .collect();
    assert!(scenarios.len() > 30, "scenarios are shipped");
    for path in scenarios {
        let config = scenario_file::load(&path).expect("it is right");
        if let Err(broken) = check(&config, None) {
            panic!("{}: {broken:?}", path.display());
        }
    }
}
