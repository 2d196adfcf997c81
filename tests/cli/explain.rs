//! `rmqsim explain`: the page that the documentation shows, JSON, and what cannot be told.

use crate::program::{root, run, scratch};
use serde_json::Value;

/// The documentation shows what is printed.
#[test]
fn the_documented_stories_are_those_that_are_told() {
    let written = std::fs::read_to_string(root().join("docs/explain.md")).unwrap();
    let mut shown = 0;
    for block in written.split("```console\n$ rmqsim ").skip(1) {
        let (block, _) = block.split_once("```").unwrap();
        let (command, page) = block.split_once('\n').unwrap();
        let args = shlex::split(command).unwrap();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let outcome = run(&scratch("explain-page"), &args);
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{command}");
        assert_eq!(outcome.stdout, page, "{command}");
        shown += 1;
    }
    assert_eq!(shown, 4);
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
    let name = by_example["stories"][0]["name"].as_str().unwrap();
    let by_name = told(&["--message", name]);
    assert_eq!(by_name, by_example);
    assert_eq!(
        (&by_name["explainVersion"], &by_name["seed"]),
        (&2.into(), &"7".into())
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
        (
            &["--queue", "order broker-a:0"],
            2,
            "there is no topic `order`; did you mean `orders`?",
        ),
        (
            &["--queue", "orders broker-c:0"],
            2,
            "there is no broker `broker-c`",
        ),
        (
            &["--queue", "orders"],
            2,
            "a queue has a topic, a broker and a number",
        ),
        (
            &["--queue", "orders broker-a:99"],
            1,
            "quickstart: orders had 4 queues there, 0 to 3, and no 99",
        ),
        (
            &["--queue", "%DLQ%billing broker-a:0"],
            1,
            "%DLQ%billing never had a queue on that broker",
        ),
        (&["--consumer", "biling-1"], 2, "did you mean `billing-1`?"),
        (&["--consumer", "billing-1#7"], 2, "billing-1 has 1 life"),
        (&["--rebalance", "0"], 2, "0 is not in 1.."),
        (
            &["--rebalance", "77"],
            1,
            "quickstart: the group had rebalances 1 to",
        ),
        (&["--at", "3h"], 1, "quickstart: the run ends at"),
        (&["--at", "soon"], 2, "--at"),
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

/// What a bound has cut off may have had anything in it.
#[test]
fn a_run_that_a_bound_stops_is_told_as_such() {
    let folder = scratch("explain-stopped");
    let bound = ["explain", "quickstart", "--max-events", "50000"];
    let told = |args: &[&str]| run(&folder, &[&bound, args].concat());
    for (args, says) in [
        (
            &["--why", "lost"][..],
            "by --max-events; up to then nothing was lost",
        ),
        (&["--rebalance", "77"], "up to then the group had rebalances 1 to"),
        (&["--at", "4m"], "quickstart: stopped at "),
    ] {
        let outcome = told(args);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{args:?}");
        assert!(outcome.stderr.contains(says), "{args:?}: {}", outcome.stderr);
    }
    let story = told(&["--message", "checkout-1#1"]);
    assert_eq!(story.code, 1);
    assert!(
        story.stdout.contains("the run is stopped by --max-events") && !story.stdout.contains("the run ends"),
        "{}",
        story.stdout
    );
    let json = told(&["--message", "checkout-1#1", "--format", "json"]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["stopped"]["by"], "--max-events");
    assert_eq!(json["stopped"]["t"], json["stories"][0]["run_ends"]);
}

/// A story of each kind has the same form.
#[test]
fn other_things_have_stories_in_json_too() {
    let folder = scratch("explain-kinds");
    for (args, of, name) in [
        (
            &["--queue", "broker-a:2"],
            "queue",
            "orders broker-a:2 for billing",
        ),
        (&["--consumer", "billing-2"], "consumer", "billing-2"),
        (&["--rebalance", "5"], "rebalance", "rebalance 5 of billing"),
        (&["--at", "2m"], "moment", "120.000 s"),
    ] {
        let outcome = run(
            &folder,
            &[&["explain", "consumer-crash", "--format", "json"], &args[..]].concat(),
        );
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{args:?}");
        let told: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let story = &told["stories"][0];
        assert_eq!((&story["of"], &story["name"]), (&of.into(), &name.into()));
        assert!(story["sums"][0]["text"].is_string() && story["steps"][0]["t"].is_number());
        assert!(story.get("ends").is_none() && story.get("body_bytes").is_none());
    }
}
