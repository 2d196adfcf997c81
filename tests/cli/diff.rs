//! `rmqsim diff`: what two reports differ in, where two traces part, and what cannot be compared.

use crate::program::{command, compare, finish, here, run, scratch};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Runs quickstart for 20 s with these settings into the folder `name`.
fn report(folder: &Path, name: &str, more: &[&str]) {
    let args = [
        "run",
        "quickstart",
        "--until",
        "20s",
        "--charts",
        "none",
        "--no-page",
        "--out",
        name,
    ];
    let outcome = run(folder, &[&args, more].concat());
    assert!(outcome.code <= 1, "{}", outcome.stderr);
}

#[test]
fn settings_verdicts_and_measures_are_told_by_section() {
    let folder = scratch("diff-reports");
    report(&folder, "a", &[]);
    report(&folder, "b", &["--set", "groups.billing.consumers.count=3"]);
    let outcome = run(&folder, &["diff", "a", "b"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (1, ""));
    compare(&here().join("diff.expected"), &outcome.stdout).unwrap();
    // All of it, and the same as data.
    let all = run(&folder, &["diff", "a", "b/report.json", "--all"]);
    assert!(all.stdout.lines().count() > outcome.stdout.lines().count());
    assert!(!all.stdout.contains("--all"), "{}", all.stdout);
    let json = run(&folder, &["diff", "a", "b", "--format", "json"]);
    let told: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((json.code, &told["diffVersion"]), (1, &1.into()));
    let sections = told["differences"]["sections"].as_array().unwrap();
    let first = &sections[0];
    assert_eq!(
        (&first["name"], &first["rows"][0]["path"]),
        (
            &"scenario".into(),
            &"scenario.groups.billing.consumers[0].count".into()
        )
    );
    assert_eq!(
        (&first["rows"][0]["a"], &first["rows"][0]["difference"]),
        (&4.into(), &(-1.0).into())
    );
    let rows: usize = sections
        .iter()
        .map(|section| section["rows"].as_array().unwrap().len())
        .sum();
    assert_eq!(told["differences"]["differing"], rows);
}

#[test]
fn the_same_run_has_no_difference() {
    let folder = scratch("diff-same");
    report(&folder, "a", &[]);
    report(&folder, "b", &[]);
    let outcome = run(&folder, &["diff", "a", "b"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stdout);
    assert!(
        outcome.stdout.contains("no difference: all "),
        "{}",
        outcome.stdout
    );
    // Another seed: the scenario is the same but for it.
    report(&folder, "c", &["--seed", "8"]);
    let outcome = run(&folder, &["diff", "a", "c"]);
    assert_eq!(outcome.code, 1);
    let settings = outcome.stdout.split("\n\n").nth(1).unwrap();
    assert!(
        settings.starts_with("settings\n") && settings.lines().count() == 3,
        "{settings}"
    );
}

const HEADER: &str = r#"{"rmqsim":"trace","version":1,"scenario":"x","seed":"7"}"#;

fn trace(folder: &Path, name: &str, header: &str, facts: &[&str]) {
    let text = [&[header], facts].concat().join("\n") + "\n";
    fs::write(folder.join(name), text).unwrap();
}

#[test]
fn traces_are_told_where_they_part() {
    let folder = scratch("diff-traces");
    let facts = [
        r#"{"t":1000000000,"fact":"Stored","queue":"orders broker-a:0","offset":0}"#,
        r#"{"t":1000200000,"fact":"Delivered","consumer":"billing-1","queue":"orders broker-a:0","offset":0}"#,
        r#"{"t":1050200000,"fact":"Consumed","consumer":"billing-1","queue":"orders broker-a:0","offset":0,"success":true}"#,
        r#"{"t":2000000000,"fact":"End","events":17}"#,
    ];
    trace(&folder, "a.jsonl", HEADER, &facts);
    let failed = facts[2].replace("true", "false");
    let other = HEADER.replace("\"7\"", "\"8\"");
    trace(
        &folder,
        "b.jsonl",
        &other,
        &[facts[0], facts[1], &failed, facts[3]],
    );
    let outcome = run(&folder, &["diff", "a.jsonl", "b.jsonl", "--context", "1"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (1, ""));
    compare(&here().join("diff_trace.expected"), &outcome.stdout).unwrap();
    let all = run(&folder, &["diff", "a.jsonl", "b.jsonl", "--all"]);
    assert_eq!((all.code, all.stdout.as_str()), (2, ""));
    assert!(
        all.stderr.contains("--all is for the difference of reports"),
        "{}",
        all.stderr
    );
    let same = run(&folder, &["diff", "a.jsonl", "a.jsonl"]);
    assert_eq!(same.code, 0);
    assert!(
        same.stdout.contains("they never part: 3 facts, all the same"),
        "{}",
        same.stdout
    );
    let json = run(&folder, &["diff", "a.jsonl", "b.jsonl", "--format", "json"]);
    let told: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(told["trace"]["parted"]["fields"], serde_json::json!(["success"]));
    assert_eq!(told["trace"]["parted"]["line"], 4);
}

/// Exit code 2, nothing on stdout, and one line that names the file.
#[test]
fn what_cannot_be_compared_is_said() {
    let folder = scratch("diff-wrong");
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    report(&folder, "good", &[]);
    let good = fs::read_to_string(folder.join("good/report.json")).unwrap();
    write("cut.json", &good[..good.len() / 2]);
    write(
        "new.json",
        &good.replacen("\"schemaVersion\": 1", "\"schemaVersion\": 7", 1),
    );
    write("empty.json", "");
    write("other.json", "{\"a\": 1}");
    write(
        "scenario.json",
        "{\n  // a comment\n  \"producers\": {},\n  \"groups\": {}\n}\n",
    );
    let end = "{\"t\":9,\"fact\":\"End\"}";
    trace(&folder, "good.jsonl", HEADER, &["{\"t\":1,\"fact\":\"A\"}", end]);
    trace(&folder, "cut.jsonl", HEADER, &["{\"t\":1,\"fa"]);
    trace(&folder, "ends.jsonl", HEADER, &["{\"t\":1,\"fact\":\"A\"}"]);
    trace(
        &folder,
        "new.jsonl",
        &HEADER.replace(":1,", ":2,"),
        &["{\"t\":1,\"fact\":\"A\"}"],
    );
    fs::create_dir(folder.join("nothing")).unwrap();
    fs::write(folder.join("binary.json"), [0xff, 0xfe, 0x00]).unwrap();
    let mut told = String::new();
    for (a, b) in [
        ("good", "gone.json"),
        ("good", "nothing"),
        ("good", "cut.json"),
        ("good", "new.json"),
        ("good", "empty.json"),
        ("good", "other.json"),
        ("good", "scenario.json"),
        ("good", "binary.json"),
        ("good", "good.jsonl"),
        ("good.jsonl", "cut.jsonl"),
        ("good.jsonl", "ends.jsonl"),
        ("good.jsonl", "new.jsonl"),
    ] {
        let outcome = run(&folder, &["diff", a, b]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{a} {b}");
        assert_eq!(outcome.stderr.trim_end().lines().count(), 1, "{}", outcome.stderr);
        told += &format!("$ rmqsim diff {a} {b}\n{}", outcome.stderr);
    }
    compare(&here().join("diff_misuse.expected"), &told).unwrap();
}

/// What `--help` shows works when pasted, in its order.
#[test]
fn the_examples_of_the_help_work() {
    let folder = scratch("diff-help");
    let help = run(&folder, &["diff", "--help"]);
    let (_, examples) = help.stdout.split_once("Examples:\n").unwrap();
    for line in examples
        .lines()
        .filter(|line| line.contains("rmqsim") && !line.contains("jsonl"))
    {
        let args: Vec<&str> = line.split_whitespace().skip(1).collect();
        let outcome = finish(command(&folder, &args));
        assert!(outcome.code <= 1, "{line}: {}", outcome.stderr);
        assert_eq!(outcome.stderr, "", "{line}");
    }
}

/// Runs of one scenario and seed never part. With other service times the first call takes another time: its fact is
/// the first that differs.
#[test]
fn traces_of_runs_part_where_a_setting_first_matters() {
    let folder = scratch("diff-runs");
    for (name, more) in [
        ("a.jsonl", &[][..]),
        ("b.jsonl", &[]),
        ("c.jsonl", &["--set", "groups.billing.consumers.service=35ms"]),
    ] {
        let args = [
            "run",
            "quickstart",
            "--until",
            "5s",
            "--charts",
            "none",
            "--no-page",
            "--trace",
            name,
        ];
        let outcome = run(&folder, &[&args, more].concat());
        assert!(outcome.code <= 1, "{}", outcome.stderr);
    }
    let same = run(&folder, &["diff", "a.jsonl", "b.jsonl"]);
    assert_eq!((same.code, same.stderr.as_str()), (0, ""), "{}", same.stdout);
    assert!(same.stdout.contains("all the same"), "{}", same.stdout);
    let outcome = run(&folder, &["diff", "a.jsonl", "c.jsonl", "--format", "json"]);
    assert_eq!(outcome.code, 1);
    let told: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let parted = &told["trace"]["parted"];
    assert_eq!(parted["before"].as_array().unwrap().len(), 5);
    let facts = [&parted["a"][0]["fact"], &parted["b"][0]["fact"]];
    assert!(facts.contains(&&"Consumed".into()), "{parted:#}");
    // Half of a trace is none.
    let text = fs::read_to_string(folder.join("b.jsonl")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    fs::write(
        folder.join("half.jsonl"),
        lines[..lines.len() / 2].join("\n") + "\n",
    )
    .unwrap();
    let cut = run(&folder, &["diff", "a.jsonl", "half.jsonl"]);
    assert_eq!((cut.code, cut.stdout.as_str()), (2, ""));
    let says = format!(
        "half.jsonl:{}: the trace ends without its last line",
        lines.len() / 2 + 1
    );
    assert!(cut.stderr.contains(&says), "{}", cut.stderr);
}
