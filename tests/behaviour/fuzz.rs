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
    let findings = campaign.run(&AtomicBool::new(false), || {});
    assert_eq!(findings.failures, []);
    assert_eq!(findings.scenarios, 2_000);
    assert_eq!(findings.tally.empty_cells(), Vec::<String>::new());
    assert_eq!(findings.tally.unseen(), Vec::<&str>::new());
    assert_eq!(findings.never_asked(), Vec::<&str>::new());
}

fn regressions() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/regressions");
    let entries = fs::read_dir(folder).expect("there is a folder of regressions");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    files.sort();
    files
}

/// Each file states nothing but a scenario that once broke a rule. A fault that was planted breaks the rule that the file
/// is called after, when it is planted again.
#[test]
fn what_once_broke_a_rule_breaks_none() {
    let files = regressions();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
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
