//! Runs that meet a bound: they stop in order, and say so.

use crate::program::{run, scratch};
use serde_json::Value;
use std::fs;
use std::path::Path;

fn report(folder: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join("report.json")).unwrap()).unwrap()
}

/// What has run is what `--until` that instant would have run, event by event; a run that is whole says nothing of it.
#[test]
fn a_stopped_run_is_the_beginning_of_the_whole_one() {
    let folder = scratch("stopped-events");
    let outcome = run(
        &folder,
        &["run", "quickstart", "--max-events", "50000", "--out", "cut"],
    );
    assert_eq!((outcome.code, outcome.stderr.as_str()), (1, ""));
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert!(
        lines[1].starts_with("INCOMPLETE: the run stopped at "),
        "{}",
        lines[1]
    );
    assert!(
        outcome
            .stdout
            .contains("because it does more than the 50 000 events that"),
        "{}",
        outcome.stdout
    );
    assert!(
        !outcome.stdout.contains("groups.billing.lost == 0"),
        "{}",
        outcome.stdout
    );
    let cut = report(&folder.join("cut"));
    assert_eq!(cut["run"]["complete"], false);
    let stopped = &cut["run"]["stopped"];
    assert_eq!(
        (&stopped["reason"], &stopped["max_events"]),
        (&"events".into(), &50_000.into())
    );
    assert_eq!(stopped["planned_seconds"], 300.0);
    assert_eq!(stopped["reached_seconds"], cut["run"]["duration_seconds"]);
    assert_eq!(cut["expect"], Value::Array(Vec::new()));
    assert!(cut["run"]["events"].as_u64().unwrap() > 50_000);
    assert!(folder.join("cut/lag-billing.svg").exists());

    let until = format!("{:.9}s", stopped["reached_seconds"].as_f64().unwrap());
    let args = [
        "run",
        "quickstart",
        "--until",
        &until,
        "--set",
        "expect=[]",
        "--out",
        "until",
    ];
    assert_eq!(run(&folder, &args).code, 0);
    let whole = report(&folder.join("until"));
    for key in ["traceDigest", "events", "messages"] {
        assert_eq!(cut["run"][key], whole["run"][key], "{key}");
    }
    assert_eq!(cut["balance"], whole["balance"]);
    let of_run = whole["run"].as_object().unwrap();
    assert!(!of_run.contains_key("complete") && !of_run.contains_key("stopped"));
}

/// A run of just so many events is whole; with one less allowed it is not.
#[test]
fn a_run_may_do_as_many_events_as_it_is_allowed() {
    let folder = scratch("stopped-exactly");
    let short = |more: &[&str]| {
        let args = [
            "run",
            "quickstart",
            "--until",
            "5s",
            "--set",
            "expect=[]",
            "--format",
            "json",
        ];
        run(&folder, &[&args, more].concat())
    };
    let whole: Value = serde_json::from_str(&short(&[]).stdout).unwrap();
    let events = whole["run"]["events"].as_u64().unwrap();
    let bounded = |bound: u64| short(&["--max-events", &bound.to_string()]);
    let outcome = bounded(events);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(serde_json::from_str::<Value>(&outcome.stdout).unwrap(), whole);
    assert_eq!(bounded(events - 1).code, 1);
}

/// A backlog that grows without end: the bound on memory stops it, at the same event every time.
#[test]
fn a_growing_backlog_meets_the_bound_on_memory() {
    let folder = scratch("stopped-memory");
    let args = |out: &'static str| {
        let sets = [
            "expect=[]",
            "duration=10h",
            "producers.checkout.rate=20k/s",
            "groups.billing.consumers.service=10s",
        ];
        let sets = sets.into_iter().flat_map(|set| ["--set", set]);
        let more = ["--max-memory", "32MiB", "--charts", "none", "--out", out];
        ["run", "quickstart"]
            .into_iter()
            .chain(sets)
            .chain(more)
            .collect::<Vec<_>>()
    };
    let outcome = run(&folder, &args("a"));
    assert_eq!((outcome.code, outcome.stderr.as_str()), (1, ""));
    let told = outcome.stdout.replace('\n', " ");
    assert!(
        told.contains("of memory, and --max-memory allows 32 MiB"),
        "{}",
        outcome.stdout
    );
    let stopped = &report(&folder.join("a"))["run"]["stopped"];
    assert_eq!(stopped["reason"], "memory");
    let held = stopped["memory_bytes"].as_u64().unwrap();
    // A look is taken every 65 536 events, each of which stores one record at most.
    assert!((32 << 20..48 << 20).contains(&held), "{held}");
    assert_eq!(run(&folder, &args("b")).code, 1);
    let [a, b] = ["a", "b"].map(|out| fs::read_to_string(folder.join(out).join("report.json")).unwrap());
    assert_eq!(a, b);
}

/// The run ends before the warm-up does: nothing is measured, and the report is valid all the same.
#[test]
fn a_run_that_stops_in_its_warm_up_has_a_report() {
    let folder = scratch("stopped-warm-up");
    let args = [
        "run",
        "quickstart",
        "--set",
        "warmup=1m",
        "--max-events",
        "5000",
        "--out",
        "o",
    ];
    let outcome = run(&folder, &args);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (1, ""));
    let report = report(&folder.join("o"));
    assert!(report["run"]["duration_seconds"].as_f64().unwrap() < 60.0);
    assert_eq!(report["balance"]["billing"]["balanced"], true);
}

/// A run of a study that meets a bound ends the study: it says which, and what is done is not mixed with it.
#[test]
fn a_study_ends_where_a_run_meets_a_bound() {
    let folder = scratch("stopped-study");
    let study = [
        "compare",
        "quickstart",
        "--until",
        "20s",
        "--vary",
        "groups.billing.consumers.count=2,4",
        "--seeds",
        "3",
    ];
    let args: Vec<&str> = study
        .into_iter()
        .chain(["--max-events", "3000", "--out", "o"])
        .collect();
    let outcome = run(&folder, &args);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""));
    for words in [
        "error: the run of ",
        " with seed ",
        "because it does more than the 3000 events",
        "there is no result",
    ] {
        assert!(outcome.stderr.contains(words), "{words}: {}", outcome.stderr);
    }
    assert!(!folder.join("o/comparison.json").exists());
}

/// What a study comes to at a bound, and which run is named, do not depend on the number of threads.
#[test]
fn threads_do_not_move_the_bounds_of_a_study() {
    let folder = scratch("stopped-threads");
    let study = |threads: &str| {
        let sets = ["expect=[]", "timeline=[]", "producers.checkout.rate=20k/s"];
        let sets = sets.into_iter().flat_map(|set| ["--set", set]);
        let args: Vec<&str> = ["compare", "quickstart", "--until", "10s", "--seeds", "3"]
            .into_iter()
            .chain(sets)
            // The second variant cannot keep up.
            .chain(["--vary", "groups.billing.consumers.service=10us,10s"])
            .chain([
                "--max-memory",
                "3MiB",
                "--threads",
                threads,
                "--charts",
                "none",
                "--out",
                "o",
            ])
            .collect();
        run(&folder, &args)
    };
    let [one, three] = [study("1"), study("3")];
    assert_eq!((one.code, &one.stdout), (1, &three.stdout), "{}", one.stderr);
    assert_eq!(one.stderr, three.stderr);
    for words in ["with seed ", "--max-memory allows 3 MiB"] {
        assert!(
            one.stderr.replace('\n', " ").contains(words),
            "{words}: {}",
            one.stderr
        );
    }
}

/// Before anything runs: what makes no sense as a bound.
#[test]
fn bounds_have_units_and_are_not_zero() {
    let folder = scratch("stopped-misuse");
    for (args, says) in [
        (["--max-memory", "4GB"], "1000 to some and 1024 to others"),
        (["--max-memory", "4000"], "has no unit"),
        (["--max-events", "0"], "0 is not in 1"),
        (["--max-events", "many"], "invalid digit"),
    ] {
        let all: Vec<&str> = ["run", "quickstart"].into_iter().chain(args).collect();
        let outcome = run(&folder, &all);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{args:?}");
        assert!(outcome.stderr.contains(says), "{args:?}: {}", outcome.stderr);
    }
}
