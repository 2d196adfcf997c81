//! Every kind of bad input is a file in `bad/` with the message that it gets.

use crate::program::{compare, here, run};

/// Exit code 2, nothing on stdout, and exactly the expected message; the same as data.
#[test]
fn each_bad_file_gets_its_message() {
    let folder = here().join("bad");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    names.sort();
    assert!(names.len() >= 60, "the collection has shrunk to {}", names.len());
    let mut failures = Vec::new();
    for name in &names {
        let outcome = run(&folder, &["check", name]);
        if outcome.code != 2 || !outcome.stdout.is_empty() {
            failures.push(format!(
                "{name}: exit code {}, stdout {:?}",
                outcome.code, outcome.stdout
            ));
        }
        for jargon in [
            "invalid type",
            "rmqsim::",
            "alloc::",
            "Option<",
            "panicked",
            "line 1 column",
        ] {
            if outcome.stderr.contains(jargon) {
                failures.push(format!(
                    "{name}: {jargon:?} is no word for an author:\n{}",
                    outcome.stderr
                ));
            }
        }
        failures.extend(compare(&folder.join(name).with_extension("expected"), &outcome.stderr).err());
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// No expected text outlives its input.
#[test]
fn no_expected_text_is_orphaned() {
    for entry in std::fs::read_dir(here().join("bad")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "expected") {
            assert!(
                path.with_extension("json").exists(),
                "{} has no input",
                path.display()
            );
        }
    }
}

/// Data has the same problems as text, with line and column.
#[test]
fn problems_come_as_data_too() {
    let outcome = run(
        &here().join("bad"),
        &["check", "name-unknown-group.json", "--format", "json"],
    );
    let data: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let problem = &data[0]["problems"][0];
    assert_eq!(outcome.code, 2);
    assert_eq!(
        problem["message"],
        "unknown consumer group `biling`; did you mean `billing`?"
    );
    assert_eq!(problem["field"], "timeline[0].kill");
    assert_eq!(problem["place"]["line"], 7);
    assert_eq!(problem["place"]["column"], 39);
}
