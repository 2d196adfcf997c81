//! `compare` from outside: what it prints, what it writes, how it ends.

use crate::program::{command, finish, run, scratch};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const SMALL: [&str; 6] = [
    "compare",
    "quickstart",
    "--vary",
    "groups.billing.consumers.count=2,4",
    "--set",
    "duration=20s",
];

fn small<'a>(more: &[&'a str]) -> Vec<&'a str> {
    SMALL.iter().chain(more).copied().collect()
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn a_study_ends_in_a_table_and_names_its_files() {
    let folder = scratch("compare-files");
    let args = ["--set", "timeline=[]", "--set", "expect=[]", "--seeds", "3"];
    let outcome = run(&folder, &small(&args));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    for word in [
        "2 variants",
        "3 seeds",
        "rmqsim-out/quickstart-compare",
        "comparison.json",
        "comparison.md",
    ] {
        assert!(outcome.stdout.contains(word), "{word}: {}", outcome.stdout);
    }
    assert!(
        outcome.stdout.lines().all(|line| line.chars().count() <= 100),
        "{}",
        outcome.stdout
    );
    let written = folder.join("rmqsim-out/quickstart-compare");
    let comparison = json(&fs::read_to_string(written.join("comparison.json")).unwrap());
    assert_eq!(comparison["comparisonVersion"], 1);
    assert_eq!(comparison["run"]["complete"], true);
    assert!(fs::read_dir(&written).unwrap().count() > 5);
    // Charts of an earlier study would pass for some of this one; what else lies there is somebody's.
    fs::write(written.join("heat-of-yesterday.svg"), "").unwrap();
    fs::write(written.join("mine.svg"), "").unwrap();
    let page = written.join("comparison.md");
    let told = fs::read_to_string(&page).unwrap() + "![heat](heat-of-yesterday.svg)\n";
    fs::write(&page, told).unwrap();
    assert_eq!(run(&folder, &small(&args)).code, 0);
    assert!(!written.join("heat-of-yesterday.svg").exists());
    assert!(written.join("mine.svg").exists());
}

/// Table, data and page; 1 thread and 3; in another folder.
#[test]
fn the_same_study_gives_the_same_bytes() {
    let of = |name: &str, more: &[&str]| {
        let folder = scratch(name);
        let base = [
            "--set",
            "timeline=[]",
            "--set",
            "expect=[]",
            "--seeds",
            "3",
            "--charts",
            "none",
            "--out",
            "o",
        ];
        let outcome = run(&folder, &small(&[&base, more].concat()));
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        let read = |file: &str| fs::read_to_string(folder.join("o").join(file)).unwrap();
        (outcome.stdout, read("comparison.json"), read("comparison.md"))
    };
    let one = of("compare-same-1", &["--threads", "1"]);
    assert_eq!(of("compare-same-2", &["--threads", "3"]), one);
    let data = of("compare-same-3", &["--format", "json", "-q"]);
    assert_eq!(data.0, one.1);
    let page = of("compare-same-4", &["--format", "markdown", "-q"]);
    assert!(page.0.starts_with("# "), "{}", page.0);
}

/// For programs nothing is written unless a folder is named.
#[test]
fn data_on_stdout_needs_no_folder() {
    let folder = scratch("compare-json");
    let args = [
        "--set",
        "timeline=[]",
        "--set",
        "expect=[]",
        "--seeds",
        "2",
        "--format",
        "json",
    ];
    let outcome = run(&folder, &small(&args));
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    assert_eq!(json(&outcome.stdout)["run"]["runs"], 4);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

/// Sends the signal of Ctrl-C to a running program.
fn interrupt(id: u32) {
    let sent = Command::new("kill").args(["-INT", &id.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()));
}

/// A study of hours, interrupted as soon as it has something to say: a partial result that says so, exit code 130.
#[test]
#[cfg(unix)]
fn ctrl_c_leaves_a_valid_partial_result() {
    let folder = scratch("compare-interrupted");
    let mut child = command(
        &folder,
        &[
            "compare",
            "quickstart",
            "--vary",
            "groups.billing.consumers.count=2,4",
        ],
    );
    child.args([
        "--set",
        "duration=20s",
        "--set",
        "timeline=[]",
        "--set",
        "expect=[]",
    ]);
    child.args([
        "--seeds",
        "50000",
        "--max-runs",
        "1000000",
        "--charts",
        "none",
        "--out",
        "o",
    ]);
    let child = child
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The folder is made before the first run; some seeds take much less than this.
    while !folder.join("o").exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_secs(3));
    interrupt(child.id());
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stdout}");
    assert!(stdout.contains("interrupted"), "{stdout}");
    let comparison = json(&fs::read_to_string(folder.join("o/comparison.json")).unwrap());
    assert_eq!(comparison["run"]["complete"], false);
    let seeds = comparison["run"]["seeds"].as_array().unwrap().len() as u64;
    assert!((1..50_000).contains(&seeds), "{seeds}");
    assert_eq!(comparison["run"]["runs"], 2 * seeds);
    let whole = whole_files(&folder.join("o"));
    assert!(whole, "no half of a file is left");
}

fn whole_files(folder: &Path) -> bool {
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    names
        .into_iter()
        .all(|name| !name.to_string_lossy().contains("partial"))
}

#[test]
fn help_ends_with_examples() {
    let folder = scratch("compare-help");
    let outcome = finish(command(&folder, &["compare", "--help"]));
    assert_eq!(outcome.code, 0);
    assert!(
        outcome.stdout.contains("--until-ci") && outcome.stdout.contains("Examples:"),
        "{}",
        outcome.stdout
    );
}
