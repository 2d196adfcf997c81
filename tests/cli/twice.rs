//! `rmqsim run --check-determinism`: two runs are the same, or the program says where they part.

use crate::program::{run, scratch};
use std::fs;

const CHECKED: [&str; 5] = ["run", "quickstart", "--until", "20s", "--check-determinism"];

/// The run that is reported is one of the two: the report is that of any other run.
#[test]
fn two_runs_are_the_same() {
    let folder = scratch("twice-same");
    let sets = ["--set", "expect=[]", "--out"];
    let checked = run(&folder, &[&CHECKED[..], &sets, &["a"]].concat());
    assert_eq!(checked.code, 0, "{}", checked.stderr);
    assert!(
        checked.stderr.starts_with("quickstart: ")
            && checked
                .stderr
                .ends_with(" events and their report, the same in two runs\n"),
        "{}",
        checked.stderr
    );
    let plain = run(&folder, &[&CHECKED[..4], &sets, &["b"]].concat());
    assert_eq!(plain.code, 0, "{}", plain.stderr);
    let [a, b] = ["a", "b"].map(|out| fs::read(folder.join(out).join("report.json")).unwrap());
    assert!(a == b);
}

/// The bounds of a run are those of both.
#[test]
fn bounds_hold_for_both_runs() {
    let folder = scratch("twice-bounds");
    let outcome = run(&folder, &[&CHECKED[..], &["--max-events", "5000"]].concat());
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    // What is due at the instant of the last one still happens.
    assert!(
        outcome.stderr.starts_with("quickstart: 5 00")
            && outcome
                .stderr
                .ends_with(" events and their report, the same in two runs\n"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stdout.contains("INCOMPLETE: "), "{}", outcome.stdout);
}

/// A fault that no single run shows: the runs differ, each of them lawful. Nothing is reported of either.
#[test]
fn runs_that_part_are_told_of() {
    let folder = scratch("twice-part");
    let planted = ["--plant", "not-the-same-twice"];
    let outcome = run(&folder, &[&CHECKED[..], &planted, &["--out", "out"]].concat());
    assert_eq!((outcome.code, outcome.stdout.as_str()), (3, ""));
    let told = &outcome.stderr;
    assert!(
        told.starts_with("error: quickstart: two runs part at event "),
        "{told}"
    );
    assert!(told.contains(" against Arrival("), "{told}");
    assert!(
        told.contains("this is a bug in rmqsim: one seed must yield one run"),
        "{told}"
    );
    assert!(!folder.join("out/report.json").exists());
    // The first run is as any other.
    let alone = [&CHECKED[..4], &["--set", "expect=[]"], &planted].concat();
    assert_eq!(run(&folder, &alone).code, 0);
}

/// A fault that one run shows ends the first.
#[test]
fn a_fault_in_both_runs_is_found_in_the_first() {
    let folder = scratch("twice-fault");
    let outcome = run(&folder, &[&CHECKED[..], &["--plant", "lose-message:50"]].concat());
    assert_eq!((outcome.code, outcome.stdout.as_str()), (3, ""));
    assert!(
        outcome.stderr.contains("invariant L4 broken at "),
        "{}",
        outcome.stderr
    );
}
