//! `rmqsim fuzz`: what it says, keeps, and how it ends.

use crate::program::{Outcome, run, scratch};
use serde_json::Value;

fn json(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {}", outcome.stdout))
}

#[test]
fn a_clean_search_says_what_it_met() {
    let folder = scratch("fuzz-clean");
    let outcome = run(&folder, &["fuzz", "--seeds", "40"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    for words in [
        "40 scenarios, 1 to 40: ",
        "no rule broken",
        "partition from broker",
        "things never happened",
    ] {
        assert!(outcome.stdout.contains(words), "{words}: {}", outcome.stdout);
    }
    assert!(
        std::fs::read_dir(&folder).unwrap().next().is_none(),
        "nothing is kept"
    );
}

/// The numbers decide, not the threads; no time of this machine is in the data.
#[test]
fn the_same_numbers_find_the_same() {
    let folder = scratch("fuzz-same");
    let args = ["fuzz", "--first", "100", "--seeds", "25", "--format", "json"];
    let one = run(&folder, &[&args[..], &["--threads", "1"]].concat());
    let three = run(&folder, &[&args[..], &["--threads", "3"]].concat());
    assert_eq!(one.code, 0, "{}", one.stderr);
    assert_eq!(one.stdout, three.stdout);
    let data = json(&one);
    assert_eq!((&data["first"], &data["scenarios"]), (&100.into(), &25.into()));
    assert_eq!(data["complete"], true);
}

/// A planted fault is found, shrunk, kept in a file; the file shows it again, and nothing without the fault.
#[test]
fn a_planted_fault_is_found_and_kept() {
    let folder = scratch("fuzz-planted");
    let planted = ["fuzz", "--plant", "lose-message:5"];
    let args = [
        "--seeds",
        "100",
        "--max-failures",
        "1",
        "--keep",
        "kept",
        "--format",
        "json",
    ];
    let outcome = run(&folder, &[&planted[..], &args].concat());
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    let failure = &json(&outcome)["failures"][0];
    assert_eq!(failure["broken"], "L4");
    let kept = failure["kept"].as_str().expect("a file is named");
    let again = run(&folder, &[&planted[..], &["--no-shrink", kept]].concat());
    assert_eq!(again.code, 3);
    assert!(again.stdout.contains("L4 broken at "), "{}", again.stdout);
    let clean = run(&folder, &["fuzz", kept]);
    assert_eq!(clean.code, 0);
    assert!(clean.stdout.contains("no rule broken"), "{}", clean.stdout);
    assert_eq!(run(&folder, &["check", kept]).code, 0);
}

/// The command that a failure names shows it again.
#[test]
fn a_failure_names_its_command() {
    let folder = scratch("fuzz-again");
    let args = [
        "fuzz",
        "--plant",
        "lose-message:5",
        "--seeds",
        "100",
        "--max-failures",
        "1",
        "--no-shrink",
    ];
    let outcome = run(&folder, &args);
    assert_eq!(outcome.code, 3);
    let again = outcome
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("  again:  rmqsim "));
    let words: Vec<&str> = again.expect("there is a command").split(' ').collect();
    let again = run(&folder, &words);
    assert_eq!(again.code, 3);
    assert!(again.stdout.contains("L4 broken at "), "{}", again.stdout);
}

#[test]
fn a_search_ends_by_the_clock() {
    let outcome = run(&scratch("fuzz-clock"), &["fuzz", "--until", "300ms", "-q"]);
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
}
