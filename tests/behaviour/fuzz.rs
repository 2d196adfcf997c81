//! Random scenarios under all rules, and those that once broke one.

use rmqsim::cluster::sabotage::Sabotage;
use rmqsim::scenario::{Overrides, Scenario};
use rmqsim::verify::fuzz::campaign::Campaign;
use rmqsim::verify::fuzz::trial::trial;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Two thousand scenarios break no rule, meet every fault with every mechanism that there can be, and see everything that
/// should happen now and then.
#[test]
fn random_scenarios_break_no_rule_and_miss_nothing() {
    let campaign = Campaign {
        numbers: 1..2_001,
        threads: 2,
        sabotage: None,
        max_failures: 5,
    };
    let findings = campaign.run(&AtomicBool::new(false), || {}, |_| {});
    assert_eq!(findings.failures, []);
    assert_eq!(findings.scenarios, 2_000);
    assert_eq!(findings.tally.empty_cells(), Vec::<String>::new());
    assert_eq!(findings.tally.unseen(), Vec::<&str>::new());
    assert_eq!(findings.never_asked(), Vec::<&str>::new());
}

/// What once broke a rule. No file goes, and none comes without its name here.
const REGRESSIONS: [&str; 33] = [
    "C1-impatient",
    "C1-many-brokers",
    "C1-two-intervals",
    "D1-7092",
    "D1-fails-much",
    "D1-other-listener-hangs",
    "D1-other-topic-expires",
    "E1-two-strategies",
    "E1-unindexed",
    "H3-10782",
    "H3-13326",
    "H3-calm-broker",
    "H3-leaving",
    "L4-1444",
    "L4-2",
    "L4-381",
    "L4-4832",
    "L4-865",
    "L4-broadcasting-reset",
    "L4-broadcasting-twice",
    "L4-unforced-reset",
    "L4-unseen-records",
    "P3-answer",
    "P3-by-size",
    "P3-by-span",
    "Q3-calm-link",
    "R3-X_KAFKA_STICKY",
    "R3-X_STICKY",
    "R5-calm-broker",
    "T2-dead-letter-in-order",
    "T2-in-order",
    "panic-821",
    "panic-attempts",
];

fn regressions() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/regressions");
    let entries = fs::read_dir(folder).expect("there is a folder of regressions");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    files.sort();
    files
}

/// Each has a title that says what happens, and a cause, both by hand.
#[test]
fn regressions_have_names_titles_and_causes() {
    let files = regressions();
    let names: Vec<_> = files
        .iter()
        .map(|file| file.file_stem().expect("it has a name").to_string_lossy())
        .collect();
    assert_eq!(names, REGRESSIONS);
    for file in files {
        let text = fs::read_to_string(&file).expect("it can be read");
        assert!(text.starts_with("// "), "{}: why was it broken?", file.display());
        for raw in ["What has broken", "Found by: "] {
            assert!(!text.contains(raw), "{}: {raw}", file.display());
        }
    }
}

/// Each file states nothing but a scenario that once broke a rule. A fault that was planted breaks the rule that the file
/// is called after, when it is planted again.
#[test]
fn what_once_broke_a_rule_breaks_none() {
    for file in regressions() {
        let text = fs::read_to_string(&file).expect("it can be read");
        let name = file.file_stem().expect("it has a name").to_string_lossy();
        let scenario = Scenario::from_text(&name, &text, &Overrides::default())
            .unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)));
        let clean = trial(&scenario.config, None).map(|trial| trial.events > 0);
        assert_eq!(clean, Ok(true), "{name}");
        let planted = text.lines().find_map(|line| line.strip_prefix("// Planted: "));
        if let Some(fault) = planted {
            let fault: Sabotage = fault.parse().expect("such a fault can be planted");
            let broken = trial(&scenario.config, Some(fault)).expect_err("the fault is found");
            assert_eq!(
                name.split_once('-').map(|(id, _)| id),
                Some(broken.id.as_str()),
                "{name}"
            );
        }
    }
}
