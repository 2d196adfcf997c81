//! `rmqsim fuzz`: what it says, keeps, and how it ends.

use crate::program::{Outcome, command, finish, run, scratch};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// A fault that every second scenario shows.
const PLANTED: [&str; 3] = ["fuzz", "--plant", "lose-message:5"];

fn json(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {}", outcome.stdout))
}

/// The search for the planted fault, with more arguments.
fn planted(folder: &Path, args: &[&str]) -> Outcome {
    run(folder, &[&PLANTED[..], args].concat())
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

/// In a line, and with `--coverage` in whole; nothing is kept, and no folder made for what could have been.
#[test]
fn a_clean_search_says_what_it_met() {
    let folder = scratch("fuzz-clean");
    let outcome = run(&folder, &["fuzz", "--scenarios", "40"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    for words in ["40 scenarios, 1 to 40: ", "\nno rule broken\n", "\ncoverage: "] {
        assert!(outcome.stdout.contains(words), "{words}: {}", outcome.stdout);
    }
    assert_eq!(outcome.stdout.lines().count(), 5, "{}", outcome.stdout);
    let outcome = run(&folder, &["fuzz", "--seeds", "40", "--coverage"]);
    for words in ["partition from nameserver  ", "cannot be: ", "Never happened, "] {
        assert!(outcome.stdout.contains(words), "{words}: {}", outcome.stdout);
    }
    for line in outcome.stdout.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    assert!(is_empty(&folder));
}

/// The numbers decide, not the threads; no time of this machine is in the data.
#[test]
fn the_same_numbers_find_the_same() {
    let folder = scratch("fuzz-same");
    let args = ["fuzz", "--first", "100", "--scenarios", "25", "--format", "json"];
    let one = run(&folder, &[&args[..], &["--threads", "1"]].concat());
    let three = run(&folder, &[&args[..], &["--threads", "3"]].concat());
    assert_eq!(one.code, 0, "{}", one.stderr);
    assert_eq!(one.stdout, three.stdout);
    let data = json(&one);
    assert_eq!((&data["first"], &data["scenarios"]), (&100.into(), &25.into()));
    assert_eq!(data["complete"], true);
}

/// A planted fault is found, shrunk, kept in a file if somebody says where; the file shows it again, and nothing without
/// the fault.
#[test]
fn a_planted_fault_is_found_and_kept() {
    let folder = scratch("fuzz-planted");
    let search = ["--scenarios", "100", "--max-failures", "1", "--format", "json"];
    let outcome = planted(&folder, &[&search[..], &["--keep", "kept"]].concat());
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    let failure = &json(&outcome)["failures"][0];
    assert_eq!(failure["broken"], "L4");
    let told = format!("scenario {}: L4 broken at ", failure["scenario"]);
    assert!(outcome.stderr.starts_with(&told), "{}", outcome.stderr);
    let kept = failure["kept"].as_str().expect("a file is named");
    let again = planted(&folder, &["--no-shrink", kept]);
    assert_eq!(again.code, 3);
    assert!(again.stdout.contains("L4 broken at "), "{}", again.stdout);
    let clean = run(&folder, &["fuzz", kept]);
    assert_eq!(clean.code, 0);
    assert!(clean.stdout.contains("no rule broken"), "{}", clean.stdout);
    assert_eq!(run(&folder, &["check", kept]).code, 0);
}

/// Without `--keep` what comes of a planted fault, or of a file, is printed and that is all.
#[test]
fn what_nobody_lost_is_shown_and_not_kept() {
    let folder = scratch("fuzz-shown");
    let outcome = planted(&folder, &["--scenarios", "100", "--max-failures", "1"]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    assert!(is_empty(&folder));
    let (_, small) = outcome
        .stdout
        .split_once("; not kept without --keep DIR:\n")
        .unwrap();
    let (small, _) = small.split_once("\n\ncoverage: ").unwrap();
    fs::write(folder.join("small.json"), small).unwrap();
    let again = planted(&folder, &["small.json"]);
    assert_eq!(again.code, 3);
    assert!(
        again.stdout.contains("small.json, L4: shrunk in "),
        "{}",
        again.stdout
    );
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

/// Somebody has given the file a title and a cause: it stays as it is.
#[test]
fn nothing_is_overwritten() {
    let folder = scratch("fuzz-overwrite");
    let name = "L4-2.json";
    fs::write(folder.join(name), "mine").unwrap();
    let outcome = planted(&folder, &["--first", "2", "--scenarios", "1", "--keep", "."]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    assert!(outcome.stdout.contains("./L4-2-2.json"), "{}", outcome.stdout);
    assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), "mine");
}

/// Before the search, which may take a night.
#[test]
fn a_folder_that_takes_nothing_is_told_of_first() {
    let folder = scratch("fuzz-no-folder");
    fs::write(folder.join("file"), "").unwrap();
    for args in [&["--until", "1h"][..], &["--plant", "not-woken"]] {
        let outcome = run(&folder, &[&["fuzz", "--keep", "file/kept"], args].concat());
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
        assert!(
            outcome
                .stderr
                .contains("cannot write to file/kept; name another folder with --keep"),
            "{}",
            outcome.stderr
        );
    }
}

/// A disk that is full by then takes nothing away of what was found.
#[cfg(unix)]
#[test]
fn findings_outlive_a_full_disk() {
    let folder = scratch("fuzz-full");
    let script = "ulimit -f 0; exec $RMQSIM fuzz --plant lose-message:5 --first 2 --scenarios 1 --keep kept";
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", script]).current_dir(&folder);
    shell
        .env("RMQSIM", env!("CARGO_BIN_EXE_rmqsim"))
        .env("NO_COLOR", "1");
    let outcome = finish(shell);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    assert!(
        outcome.stdout.starts_with("scenario 2: L4 broken at "),
        "{}",
        outcome.stdout
    );
    assert!(
        outcome.stderr.contains("cannot write to kept; "),
        "{}",
        outcome.stderr
    );
    assert!(is_empty(&folder.join("kept")));
}

/// The failure comes first, the rest is about it.
#[test]
fn failures_come_first() {
    let folder = scratch("fuzz-first");
    let outcome = planted(&folder, &["--first", "2", "--scenarios", "1", "--no-shrink"]);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    let begins = [
        "scenario 2: L4 broken at ",
        "  again: rmqsim fuzz --plant lose-message:5 --first 2 --scenarios 1 --no-shrink",
        "",
        "scenario 2: 0 events in ",
        "1 failure: L4 in scenario 2",
        "",
        "coverage: ",
        "  --coverage shows them",
    ];
    assert_eq!(lines.len(), begins.len(), "{}", outcome.stdout);
    for (line, begin) in lines.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line}");
    }
}

/// The command that a failure names shows it again.
#[test]
fn a_failure_names_its_command() {
    let folder = scratch("fuzz-again");
    let outcome = planted(
        &folder,
        &["--scenarios", "100", "--max-failures", "1", "--no-shrink"],
    );
    assert_eq!(outcome.code, 3);
    let again = outcome
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("  again: rmqsim "));
    let words: Vec<&str> = again.expect("there is a command").split(' ').collect();
    let again = run(&folder, &words);
    assert_eq!(again.code, 3);
    assert!(again.stdout.contains("L4 broken at "), "{}", again.stdout);
}

/// One planted fault is one failure, whoever is hit by it and whatever the numbers.
#[test]
fn one_fault_is_one_failure() {
    let folder = scratch("fuzz-one");
    let outcome = planted(&folder, &["--scenarios", "60", "--no-shrink", "--format", "json"]);
    let failures = json(&outcome)["failures"].clone();
    assert_eq!(failures.as_array().map(Vec::len), Some(1), "{failures:#}");
    assert!(failures[0]["scenarios"].as_u64().unwrap() > 10);
}

/// To the end of its time is to the end.
#[test]
fn a_search_ends_by_the_clock() {
    let args = ["fuzz", "--until", "300ms", "-q", "--format", "json"];
    let outcome = run(&scratch("fuzz-clock"), &args);
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
    assert_eq!(json(&outcome)["complete"], true);
}

/// A signal ends the search; what was done is told.
#[cfg(unix)]
#[test]
fn a_signal_ends_a_search_in_order() {
    use std::process::Stdio;
    let folder = scratch("fuzz-signal");
    let mut command = command(&folder, &["fuzz", "--until", "1h", "--format", "json"]);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let sent = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let data: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(data["complete"], false);
    assert_eq!(data["failures"], Value::Array(Vec::new()));
}
