//! `run` from outside: files, exit codes, the same bytes every time.

use crate::program::{command, finish, here, root, run, scratch};
use std::fs;
use std::path::Path;
use std::process::Stdio;

fn report(folder: &Path) -> String {
    fs::read_to_string(folder.join("report.json")).unwrap()
}

#[test]
fn a_run_ends_in_a_summary_and_names_its_files() {
    let folder = scratch("run-files");
    let outcome = run(&folder, &["run", "quickstart"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(
        outcome.stdout.contains("rmqsim-out/quickstart"),
        "{}",
        outcome.stdout
    );
    assert!(
        outcome.stdout.lines().all(|line| line.chars().count() <= 100),
        "{}",
        outcome.stdout
    );
    assert!(
        fs::read_dir(folder.join("rmqsim-out/quickstart"))
            .unwrap()
            .count()
            >= 5
    );
}

/// The bytes depend on scenario and seed alone: not on folder, name of the file, comments, order of keys or stdin.
#[test]
fn the_same_scenario_gives_the_same_bytes() {
    let folder = scratch("run-same");
    let args = |file: &'static str, out: &'static str| ["run", file, "--out", out, "--charts", "none"];
    assert_eq!(run(&folder, &args("quickstart", "a")).code, 0);
    let mut child = command(&root(), &["run", "-", "--out"]);
    child.arg(folder.join("b")).args(["--charts", "none"]);
    child.stdin(Stdio::from(
        fs::File::open(root().join("scenarios/quickstart.json")).unwrap(),
    ));
    child
        .env("TZ", "Asia/Shanghai")
        .env("LANG", "zh_CN.UTF-8")
        .env("HOME", "/");
    assert_eq!(finish(child).code, 0);
    let (a, b) = (report(&folder.join("a")), report(&folder.join("b")));
    // The report says what the scenario was called; nothing else differs.
    assert_eq!(a, b.replace("\"name\": \"stdin\"", "\"name\": \"quickstart\""));
}

#[test]
fn the_seed_decides_the_trace() {
    let digest = |seed: &str| {
        let args = [
            "run",
            "quickstart",
            "--until",
            "10s",
            "--seed",
            seed,
            "--format",
            "json",
        ];
        let report: serde_json::Value = serde_json::from_str(&run(&root(), &args).stdout).unwrap();
        report["run"]["traceDigest"].as_str().unwrap().to_owned()
    };
    assert_eq!(digest("1"), digest("1"));
    assert_ne!(digest("1"), digest("2"));
}

#[test]
fn a_failed_expectation_decides_the_exit_code() {
    let folder = scratch("run-expect");
    let set = "expect=[\"groups.billing.dead == 7\"]";
    let outcome = run(&folder, &["run", "quickstart", "--until", "10s", "--set", set]);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    assert!(
        outcome.stdout.contains("groups.billing.dead == 7"),
        "{}",
        outcome.stdout
    );
}

/// Bad input is found before anything is written.
#[test]
fn bad_input_leaves_nothing_behind() {
    let folder = scratch("run-bad");
    for file in [
        "shape-wrong-case",
        "bound-messages",
        "value-expect-unknown-metric",
    ] {
        let path = here().join("bad").join(file).with_extension("json");
        let outcome = run(&folder, &["run", path.to_str().unwrap(), "--out", "out"]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{file}");
        assert!(outcome.stderr.contains(file), "{}", outcome.stderr);
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

/// The folder cannot be made, or is a file: said before the run, not after it.
#[test]
fn an_unwritable_folder_is_refused_before_the_run() {
    let folder = scratch("run-unwritable");
    fs::write(folder.join("taken"), "precious").unwrap();
    for out in ["taken", "taken/deeper", "/proc/rmqsim"] {
        let outcome = run(&folder, &["run", "quickstart", "--out", out]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{out}");
        assert!(outcome.stderr.contains("--out"), "{}", outcome.stderr);
    }
    assert_eq!(fs::read_to_string(folder.join("taken")).unwrap(), "precious");
}

/// One message vanishes inside the simulator, in secret: its own account notices, and says how to see it again.
#[test]
fn a_lost_message_ends_the_run() {
    let folder = scratch("run-lost");
    let args = [
        "run",
        "quickstart",
        "--seed",
        "7",
        "--set",
        "title=Lost and found",
        "--plant",
        "lose-message:500",
    ];
    let outcome = run(&folder, &args);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("invariant L4 broken at"),
        "{}",
        outcome.stderr
    );
    let command = outcome.stderr.lines().last().unwrap();
    let again = command.split_once("it happens again with: ").expect(command).1;
    let words = shlex::split(again).expect(again);
    assert_eq!(words[1..], args);
    assert!(!folder.join("rmqsim-out/quickstart/report.json").exists());
    // The same once more, at the same instant.
    let what = |stderr: &str| {
        stderr
            .lines()
            .find(|line| line.starts_with("invariant"))
            .map(str::to_owned)
    };
    assert_eq!(what(&run(&folder, &args).stderr), what(&outcome.stderr));
}
