//! `rmqsim explain`: the page that the documentation shows, JSON, and what cannot be told.

use crate::program::{root, run, scratch};
use serde_json::Value;

/// The documentation shows what is printed.
#[test]
fn the_documented_story_is_the_one_that_is_told() {
    let written = std::fs::read_to_string(root().join("docs/explain.md")).unwrap();
    let (_, block) = written
        .split_once("$ rmqsim explain consumer-crash --why duplicate\n")
        .unwrap();
    let (shown, _) = block.split_once("```").unwrap();
    let outcome = run(
        &scratch("explain-page"),
        &["explain", "consumer-crash", "--why", "duplicate"],
    );
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    assert_eq!(outcome.stdout, shown);
}

/// The example of the dead letter by its name, in another form: the same steps.
#[test]
fn a_message_is_found_by_its_name() {
    let folder = scratch("explain-json");
    let told = |args: &[&str]| -> Value {
        let outcome = run(
            &folder,
            &[&["explain", "retry-to-dlq-timetable", "--format", "json"], args].concat(),
        );
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
        serde_json::from_str(&outcome.stdout).unwrap()
    };
    let by_example = told(&["--why", "dead"]);
    let name = by_example["stories"][0]["message"].as_str().unwrap();
    let by_name = told(&["--message", name]);
    assert_eq!(by_name, by_example);
    assert_eq!(
        (&by_name["explainVersion"], &by_name["seed"]),
        (&1.into(), &"7".into())
    );
    let steps = by_name["stories"][0]["steps"].as_array().unwrap();
    let dead = steps.iter().find(|step| step["event"] == "dead").unwrap();
    assert_eq!(dead["because"]["kind"], "max_reconsume_times");
}

#[test]
fn messages_of_a_key_are_told_one_after_another() {
    let outcome = run(
        &scratch("explain-key"),
        &["explain", "orderly-poison", "--key", "k615", "--group", "three"],
    );
    assert_eq!(outcome.code, 0);
    assert_eq!(outcome.stdout.matches(" · key k615").count(), 5);
    assert!(!outcome.stdout.contains("endless"), "{}", outcome.stdout);
    assert!(
        outcome.stderr.contains("more with this key"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn what_cannot_be_told_is_said() {
    let folder = scratch("explain-nothing");
    for (args, code, says) in [
        (&["--why", "lost"][..], 1, "quickstart: nothing was lost"),
        (
            &["--why", "dead", "--group", "billing"],
            1,
            "there are no dead letters in group billing",
        ),
        (
            &["--message", "checkout-1#99999999"],
            1,
            "no message checkout-1#99999999 was made",
        ),
        (&["--message", "chekout-1#3"], 2, "did you mean `checkout-1`?"),
        (
            &["--message", "checkout-1#0"],
            2,
            "a number from 1, like checkout-1#1",
        ),
        (&["--key", "42"], 2, "`42` is no key"),
        (
            &["--why", "late", "--group", "biling"],
            2,
            "there is no group `biling`; did you mean `billing`?",
        ),
        (&[], 2, "--message <NAME>|--key <KEY>|--why <WHAT>"),
    ] {
        let all = [&["explain", "quickstart"], args].concat();
        let outcome = run(&folder, &all);
        assert_eq!(
            (outcome.code, outcome.stdout.as_str()),
            (code, ""),
            "{args:?}: {}",
            outcome.stderr
        );
        assert!(outcome.stderr.contains(says), "{args:?}: {}", outcome.stderr);
    }
}
