//! Bad input that is too large or too odd for a file.

use crate::program::{Outcome, command, finish, run, scratch};
use std::process::Stdio;

/// Checks a file with these bytes.
fn check(name: &str, bytes: &[u8]) -> Outcome {
    let folder = scratch(name);
    std::fs::write(folder.join("big.json"), bytes).unwrap();
    let outcome = run(&folder, &["check", "big.json"]);
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (2, ""),
        "{}",
        outcome.stderr
    );
    let lines = outcome.stderr.lines().map(|l| l.chars().count()).max();
    assert!(lines.unwrap_or(0) < 1000, "a message grew with its input");
    outcome
}

#[test]
fn a_file_of_100_megabytes_is_refused() {
    let outcome = check("hundred-megabytes", &vec![b' '; 100 << 20]);
    assert!(
        outcome.stderr.contains("larger than 16 MiB"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn the_largest_file_and_one_byte_more() {
    let at_bound = check("at-bound", &vec![b' '; 16 << 20]);
    assert!(
        at_bound.stderr.contains("the scenario is empty"),
        "{}",
        at_bound.stderr
    );
    let beyond = check("beyond-bound", &vec![b' '; (16 << 20) + 1]);
    assert!(beyond.stderr.contains("larger than 16 MiB"), "{}", beyond.stderr);
}

#[cfg(unix)]
#[test]
fn an_endless_device_is_left_in_time() {
    let folder = scratch("endless");
    for name in ["/dev/zero", "-"] {
        let mut command = command(&folder, &["check", name]);
        command.stdin(Stdio::from(std::fs::File::open("/dev/zero").unwrap()));
        let outcome = finish(command);
        assert_eq!(outcome.code, 2);
        assert!(
            outcome.stderr.contains("larger than 16 MiB"),
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn deep_nesting_ends_in_a_message() {
    for (name, opener) in [("deep-lists", "["), ("deep-objects", "{\"a\":")] {
        let outcome = check(name, opener.repeat(1_000_000).as_bytes());
        assert!(
            outcome.stderr.contains("deeper than 64 levels"),
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn a_number_of_100_000_digits_ends_in_a_message() {
    let outcome = check(
        "digits",
        format!("{{ \"seed\": {} }}", "9".repeat(100_000)).as_bytes(),
    );
    assert!(
        outcome.stderr.contains("a number of 100000 characters"),
        "{}",
        outcome.stderr
    );
}

/// Names of a megabyte: in a key, a topic, a rate, a reference.
#[test]
fn huge_names_do_not_flood_the_terminal() {
    let huge = "x".repeat(1 << 20);
    for (name, text) in [
        ("huge-key", format!("{{ \"{huge}\": 1 }}")),
        (
            "huge-rate",
            format!(
                "{{ \"title\": \"t\", \"duration\": \"1m\", \"cluster\": {{ \"topics\": {{ \"t\": {{}} }} }}, \"producers\": {{ \"p\": {{ \"rate\": \"{huge}\" }} }} }}"
            ),
        ),
        (
            "huge-topic",
            format!(
                "{{ \"title\": \"t\", \"duration\": \"1m\", \"cluster\": {{ \"topics\": {{ \"t\": {{}} }} }}, \"producers\": {{ \"p\": {{ \"topic\": \"{huge}\" }} }} }}"
            ),
        ),
    ] {
        assert!(check(name, text.as_bytes()).stderr.len() < 4096, "{name}");
    }
}

/// Each of 100 000 keys is unknown: the first twenty are shown, and the answer comes at once.
#[test]
fn very_many_problems_are_counted_not_shown() {
    let keys: Vec<String> = (0..100_000).map(|n| format!("\"k{n}\": 0")).collect();
    let outcome = check("many", format!("{{\n{}\n}}", keys.join(",\n")).as_bytes());
    assert_eq!(outcome.stderr.matches("error: ").count(), 20);
    assert!(
        outcome.stderr.ends_with("… and at least 980 more problems\n"),
        "{}",
        outcome.stderr
    );
}
