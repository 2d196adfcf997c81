//! Faults planted in the simulator: a search like that of `rmqsim fuzz` finds each, and makes small scenarios of them.
//!
//! Off in every other test. A check that has never failed proves nothing; this is where they do.

use rmqsim::cluster::sabotage::Sabotage;
use rmqsim::verify::check::{Broken, check, is_catching};
use rmqsim::verify::fuzz::generate::{Generated, generate};
use rmqsim::verify::fuzz::shrink::{TRIES, shrink};
use rmqsim::verify::fuzz::trial::trial;
use std::io::Write;
use std::panic;
use std::sync::Once;

/// A fault is found within so many scenarios.
const SCENARIOS: u64 = 300;

/// The first scenario that is clean without the fault and breaks a rule with it.
fn search(fault: Sabotage) -> Option<(u64, Generated, Broken)> {
    keep_quiet();
    (1..=SCENARIOS).find_map(|number| {
        let made = generate(number).expect("the generator makes sound files");
        let broken = trial(&made.scenario.config, Some(fault)).err()?;
        let is_clean = check(&made.scenario.config, None).is_ok();
        is_clean.then_some((number, made, broken))
    })
}

/// Panics that are caught are expected here.
fn keep_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !is_catching() {
                usual(panic);
            }
        }));
    });
}

/// Written past the test harness, which would swallow what `print!` says of a test that passes.
fn tell(text: &str) {
    std::io::stdout()
        .write_all(text.as_bytes())
        .expect("standard output is open");
}

#[test]
fn every_planted_fault_is_found() {
    let mut missed = Vec::new();
    for fault in Sabotage::ALL {
        match search(fault) {
            Some((number, _, broken)) => {
                let what: String = broken.what.chars().take(90).collect();
                let (name, id) = (fault.name(), broken.id);
                tell(&format!("{name:<24} scenario {number:>3}  {id:<11} {what}\n"));
            }
            None => missed.push(fault.name()),
        }
    }
    assert!(missed.is_empty(), "nobody has found {missed:?}");
}

/// What is left of a cluster with producers, groups and a timeline is what the fault needs.
#[test]
fn planted_faults_shrink_to_what_they_need() {
    for fault in [
        Sabotage::CommitUnfinished,
        Sabotage::RetryTwice,
        Sabotage::LockForAll,
        Sabotage::ForgetLastCommit,
    ] {
        let (number, made, broken) = search(fault).expect("the fault is found");
        let small = shrink(made.file, Some(fault), TRIES).expect("it breaks a rule");
        let config = &small.scenario.config;
        let members = config.groups.iter().flat_map(|group| &group.consumers);
        // Who is restarted is still one.
        let consumers = members.filter(|consumer| consumer.life == 1).count();
        let actions = small.scenario.file.timeline.len();
        tell(&format!(
            "{fault}: scenario {number} shrinks to {consumers} consumers, {actions} actions in {} tries\n",
            small.tries
        ));
        assert_eq!(small.broken.id, broken.id, "{fault}");
        assert!(consumers <= 2 && actions <= 2, "{fault}: {:#}", small.file);
    }
}
