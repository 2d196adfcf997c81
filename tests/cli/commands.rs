//! Subcommands and their options.

use crate::program::{command, compare, finish, here, root, run, scratch};
use std::process::Stdio;

const COMMANDS: [&str; 8] = [
    "run", "progress", "check", "fuzz", "allocate", "schema", "list", "new",
];

/// Each `--help` ends with two examples, and they work when pasted.
#[test]
fn examples_in_help_work() {
    let folder = scratch("examples");
    for command in COMMANDS {
        let help = run(&folder, &[command, "--help"]);
        assert_eq!(help.code, 0, "{command}");
        let (_, examples) = help.stdout.split_once("Examples:\n").expect(command);
        let lines: Vec<&str> = examples.lines().filter(|l| !l.trim().is_empty()).collect();
        assert_eq!(lines.len(), 2, "{command}: {lines:?}");
        for line in lines {
            let (line, _) = line.split_once(" > ").unwrap_or((line, ""));
            let args: Vec<&str> = line.split_whitespace().skip(1).collect();
            let outcome = run(&folder, &args);
            assert_eq!(outcome.code, 0, "{line}: {}", outcome.stderr);
        }
    }
}

#[test]
fn help_is_for_people() {
    let mut text = String::new();
    let all = COMMANDS.into_iter().chain(["explain", "diff"]).map(Some);
    let all = std::iter::once(None).chain(all);
    for command in all {
        let args: Vec<&str> = command.into_iter().chain(["--help"]).collect();
        let args = args.as_slice();
        text += &format!("$ rmqsim {}\n{}\n", args.join(" "), run(&root(), args).stdout);
    }
    compare(&here().join("help.expected"), &text).unwrap();
}

/// Misuse of the command line, and overrides that make no sense: exit code 2, nothing on stdout.
#[test]
fn each_misuse_gets_its_message() {
    let cases: &[&[&str]] = &[
        &[],
        &["chekc", "quickstart"],
        &["check"],
        &["check", "quickstart", "--sed", "7"],
        &["check", "quickstart", "--seed", "18446744073709551616"],
        &["check", "quickstart", "--seed", "-1"],
        &["check", "quickstart", "--format", "yaml"],
        &["check", "quikstart"],
        &["check", "no-such-file.json"],
        &["check", "bad"],
        &["check", "quickstart", "--until", "90"],
        &["check", "quickstart", "--until", "0s"],
        &["check", "quickstart", "--until", "6m"],
        &["check", "quickstart", "--until", "1m", "--set", "warmup=59900ms"],
        &["check", "quickstart", "--set", "warmup=5m"],
        &["check", "quickstart", "--max-messages", "1000"],
        &["check", "quickstart", "--set", "groups.billing.consumers.count"],
        &["check", "quickstart", "--set", "=4"],
        &["check", "quickstart", "--set", "groups..count=4"],
        &["check", "quickstart", "--set", "groups.billing.consumers.count=0"],
        &["check", "quickstart", "--set", "groups.billing.consumers.cuont=4"],
        &["check", "quickstart", "--set", "groups.biling.consumers.count=4"],
        &[
            "check",
            "quickstart",
            "--set",
            "groups.billing.consumers[0].count=4",
        ],
        &["check", "quickstart", "--set", "expect[7]=x"],
        &["check", "quickstart", "--set", "duration.seconds=4"],
        &[
            "check",
            "quickstart",
            "--set",
            "groups.billing.consumers.service.exponential.mean=5ms",
        ],
        &["check", "quickstart", "--set", "duration=600"],
        &[
            "check",
            "quickstart",
            "--set",
            "groups.billing.consumers.service={\"gamma\": }",
        ],
        &["check", "quickstart", "--set", "seed=1", "--set", "seed=2"],
        &["check", "quickstart", "--set", "producers.checkout.rate=1e300/s"],
        &["check", "quickstart", "--set", "producers.checkout.topic=order"],
        &["check", "consumer-crash", "--set", "timeline[0].kill=biling/2"],
        &[
            "check",
            "quickstart",
            "--set",
            "producers.checkout.rate=1000M/s",
            "--set",
            "duration=12d",
        ],
        &[
            "check",
            "quickstart",
            "--set",
            "producers.checkout.rate=1000M/s",
            "--set",
            "duration=12d",
            "--max-messages",
            "9999999999999999",
        ],
        &["fuzz", "--seeds", "0"],
        &["fuzz", "--scenarios", "10", "--until", "1s"],
        &["fuzz", "--no-shrink", "--keep", "small"],
        &["fuzz", "--until", "0s"],
        &["fuzz", "--until", "10"],
        &["fuzz", "--first", "-1"],
        &["fuzz", "--max-failures", "0"],
        &["fuzz", "--plant", "gremlins"],
        &["fuzz", "quickstart", "--scenarios", "3"],
        &["fuzz", "quikstart"],
        &["allocate"],
        &["allocate", "--queues", "8"],
        &["allocate", "--queues", "broker-a:4,broker-b", "--consumers", "2"],
        &[
            "allocate",
            "--queues",
            "broker-a:4,broker-b:x",
            "--consumers",
            "2",
        ],
        &["allocate", "--queues", "100001", "--consumers", "2"],
        &["allocate", "--queues", "8", "--consumers", "c1,,c2"],
        &["allocate", "--queues", "8", "--consumers", "0"],
        &[
            "allocate",
            "--queues",
            "8",
            "--consumers",
            "2",
            "--strategy",
            "STICKY",
        ],
        &[
            "allocate",
            "--queues",
            "8",
            "--consumers",
            "2",
            "--strategy",
            "{\"CONSISTENT_HASH\":{\"virtualNodes\":-1}}",
            "--strategy",
            "{\"CONFIG\":",
        ],
        &[
            "allocate",
            "--queues",
            "8",
            "--consumers",
            "2",
            "--strategy",
            "{\"X_WEIGHTED\":{\"weights\":{\"consumer1\":3}}}",
        ],
        &[
            "allocate",
            "--queues",
            "8",
            "--consumers",
            "2",
            "--strategy",
            "{\"CONFIG\":{\"consumer-1\":[\"orders broker-a:8\"]}}",
        ],
        &[
            "allocate",
            "--queues",
            "8",
            "--consumers",
            "2",
            "--minus",
            "consumer3",
        ],
        &["allocate", "--queues", "8", "--consumers", "2", "--plus", "99999"],
        &[
            "allocate",
            "--queues",
            "8",
            "--consumers",
            "2",
            "--plus",
            "1",
            "--to-consumers",
            "4",
        ],
        &["allocate", "--input", "no-such-file.json"],
        &["allocate", "--input", "bad_files.rs"],
        &["allocate", "--input", "bad/shape-null.json"],
        &["allocate", "--input", "x.json", "--strategy", "AVG"],
        &["list", "--color", "sometimes"],
        &["check", "quickstart", "-q", "-v"],
    ];
    let mut text = String::new();
    for args in cases {
        let outcome = run(&here(), args);
        assert_eq!(
            (outcome.code, outcome.stdout.as_str()),
            (2, ""),
            "{args:?}: {}",
            outcome.stderr
        );
        text += &format!("$ rmqsim {}\n{}\n", args.join(" "), outcome.stderr);
    }
    compare(&here().join("misuse.expected"), &text).unwrap();
}

/// What can be set: numbers, texts with and without quotes, objects, new keys, elements of lists.
#[test]
fn overrides_reach_every_field() {
    let data = |sets: &[&str]| -> serde_json::Value {
        let mut args = vec!["check", "consumer-crash", "--format", "json"];
        for set in sets {
            args.extend(["--set", set]);
        }
        let outcome = run(&root(), &args);
        assert_eq!(outcome.code, 0, "{}", outcome.stdout);
        let list: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        list[0]["scenario"].clone()
    };
    assert_eq!(
        data(&["groups.billing.consumers.count=8"])["groups"]["billing"]["consumers"][0]["count"],
        8
    );
    assert_eq!(data(&["title=7"])["title"], "7");
    assert_eq!(data(&["title=\"7\""])["title"], "7");
    assert_eq!(data(&["cluster.rocketmq=4.9"])["cluster"]["rocketmq"], "4.9");
    assert_eq!(data(&["duration=1h"])["duration"], "1h");
    let kill = data(&["timeline[0].kill=billing/3"]);
    assert_eq!(kill["timeline"][0]["kill"], "billing/3");
    assert_eq!(
        data(&["groups.billing.tuning.pullBatchSize=7"])["groups"]["billing"]["tuning"]["pullBatchSize"],
        7
    );
    let service = data(&["groups.billing.consumers.service={\"gamma\":{\"mean\":\"1ms\",\"cv\":2}}"]);
    assert_eq!(
        service["groups"]["billing"]["consumers"][0]["service"]["gamma"]["cv"],
        2.0
    );
    let sticky = data(&["groups.billing.strategy=X_STICKY"]);
    assert_eq!(sticky["groups"]["billing"]["strategy"], "X_STICKY");
    for set in [
        "groups.billing.strategy={\"CONSISTENT_HASH\":{\"virtualNodes\":7}}",
        "groups.billing.strategy.CONSISTENT_HASH.virtualNodes=7",
    ] {
        let ring = &data(&["groups.billing.strategy=CONSISTENT_HASH"])["groups"]["billing"]["strategy"];
        assert_eq!(ring["CONSISTENT_HASH"]["virtualNodes"], 10);
        let ring = &data(&[set])["groups"]["billing"]["strategy"];
        assert_eq!(ring["CONSISTENT_HASH"]["virtualNodes"], 7);
    }
    let mean = data(&["groups.billing.consumers.service.exponential.mean=1ms"]);
    assert_eq!(
        mean["groups"]["billing"]["consumers"][0]["service"]["exponential"]["mean"],
        "1ms"
    );
}

#[test]
fn a_scenario_is_read_from_standard_input() {
    let mut child = command(&root(), &["check", "-"]);
    let file = std::fs::File::open(root().join("scenarios/quickstart.json")).unwrap();
    child.stdin(Stdio::from(file));
    let outcome = finish(child);
    assert_eq!(outcome.code, 0);
    assert!(
        outcome.stdout.starts_with("standard input: fine"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn several_files_are_checked_and_one_bad_one_decides() {
    let outcome = run(
        &here(),
        &[
            "check",
            "quickstart",
            "bad/shape-wrong-case.json",
            "backlog-drain",
        ],
    );
    assert_eq!(outcome.code, 2);
    // Two lines of each sound one.
    assert_eq!(outcome.stdout.lines().count(), 4);
    assert!(outcome.stderr.contains("bad/shape-wrong-case.json:2:3"));
}

/// What runs need is told before they start: by part, and for as many as go at a time, which share one program.
#[test]
fn check_foresees_the_memory_of_runs() {
    let folder = scratch("check-memory");
    let memory = |args: &[&str]| {
        let all = [&["check"], args, &["--format", "json"]].concat();
        let outcome = run(&folder, &all);
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        let told: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        told[0]["memory"].clone()
    };
    let one = memory(&["quickstart"]);
    let parts = one["parts"].as_object().unwrap();
    let of = |memory: &serde_json::Value, key: &str| memory[key].as_u64().unwrap();
    let program = of(&one["parts"], "program_bytes");
    let held: u64 = (parts.iter())
        .filter(|(key, _)| !["program_bytes", "report_bytes", "page_bytes"].contains(&key.as_str()))
        .map(|(_, bytes)| bytes.as_u64().unwrap())
        .sum();
    assert_eq!(of(&one, "held_bytes"), held);
    assert_eq!(of(&one, "all_bytes"), of(&one, "run_bytes"));
    let study = memory(&["rolling-deploy", "--threads", "8"]);
    assert_eq!([of(&study, "runs"), of(&study, "at_once")], [80, 8]);
    let runs = 8 * (of(&study, "run_bytes") - program) + of(&study, "kept_bytes");
    assert_eq!(of(&study, "all_bytes"), runs + program);
    assert_eq!(of(&study, "max_memory_of_all_bytes"), 32 << 30);
    let told = run(&folder, &["check", "rolling-deploy", "--threads", "8"]).stdout;
    assert!(
        told.contains(" for 8 at a time (--max-memory stops each at 4 GiB, so all at 32 GiB)"),
        "{told}"
    );
}

/// What `compare` would vary, `check` foresees: four variants of 20 seeds, eight runs at a time. It goes before the scenario's
/// study, as there.
#[test]
fn check_foresees_what_is_varied() {
    let folder = scratch("check-vary");
    for scenario in ["quickstart", "rolling-deploy"] {
        let check = ["check", scenario, "--threads", "8"];
        let vary = ["--vary", "groups.billing.consumers.count=2..5"];
        let outcome = run(&folder, &[&check[..], &vary, &["--format", "json"]].concat());
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        let told: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        let (study, memory) = (&told[0]["study"], &told[0]["memory"]);
        let labels: Vec<String> = (2..=5).map(|count| format!("{count}")).collect();
        assert_eq!(study["variants"], serde_json::json!(labels), "{scenario}");
        let runs = [&memory["runs"], &memory["at_once"]].map(|of| of.as_u64());
        assert_eq!(runs, [Some(4 * 20), Some(8)]);
        assert!(memory["variant"].is_string() && memory["kept_bytes"].as_u64() > Some(0));
        let told = run(&folder, &[&check[..], &vary].concat()).stdout;
        assert!(told.contains("a study of 4 variants × 20 seeds"), "{told}");
    }
    let outcome = run(&folder, &["check", "--limits", "--vary", "duration=1m,2m"]);
    assert_eq!(outcome.code, 2);
}

/// Listeners that take an hour: what is sent waits, 20 000 a second for 5 min. The bound is too low for it, and that is said.
#[test]
fn check_warns_of_a_bound_that_a_run_will_meet() {
    let folder = scratch("check-bound");
    let slow = [
        "check",
        "quickstart",
        "--set",
        "groups.billing.consumers.service=1h",
        "--set",
        "producers.checkout.rate=20k/s",
    ];
    let outcome = run(&folder, &[&slow[..], &["--max-memory", "16MiB"]].concat());
    assert_eq!(outcome.code, 0);
    assert!(
        outcome
            .stdout
            .contains("messages of orders that billing has not read"),
        "{}",
        outcome.stdout
    );
    let warns = "--max-memory stops a run at 16 MiB: allow more, or take a shorter duration, lower rates or more consumers";
    assert!(outcome.stderr.contains(warns), "{}", outcome.stderr);
    assert_eq!(
        run(&folder, &[&slow[..], &["--max-memory", "none"]].concat()).stderr,
        ""
    );
}

#[test]
fn the_list_fits_its_width_and_names_what_check_accepts() {
    let outcome = run(&scratch("list"), &["list"]);
    assert!(outcome.stdout.lines().all(|line| line.chars().count() <= 100));
    let data: serde_json::Value =
        serde_json::from_str(&run(&root(), &["list", "--format", "json"]).stdout).unwrap();
    let names: Vec<&str> = data
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["name"].as_str().unwrap())
        .collect();
    assert!(names.len() >= 6);
    let kinds: Vec<&str> = (data.as_array().unwrap().iter())
        .map(|s| s["kind"].as_str().unwrap())
        .collect();
    // Studies last, and told apart.
    assert!(kinds.is_sorted() && kinds.contains(&"scenario") && kinds.contains(&"study"));
    assert!(outcome.stdout.contains("Studies, for rmqsim compare"));
    for name in names {
        assert!(outcome.stdout.contains(name), "{name}");
        assert_eq!(run(&scratch("list"), &["check", name]).code, 0, "{name}");
    }
}

#[test]
fn a_new_scenario_is_sound_and_never_overwrites() {
    let folder = scratch("new");
    let first = run(&folder, &["new", "mine.json"]);
    assert_eq!((first.code, first.stdout.as_str()), (0, ""));
    assert_eq!(run(&folder, &["check", "mine.json"]).code, 0);
    std::fs::write(folder.join("mine.json"), "precious").unwrap();
    let second = run(&folder, &["new", "mine.json"]);
    assert_eq!(second.code, 2);
    assert!(second.stderr.contains("exists already"), "{}", second.stderr);
    assert_eq!(
        std::fs::read_to_string(folder.join("mine.json")).unwrap(),
        "precious"
    );
    assert_eq!(run(&folder, &["new", "no-such-folder/mine.json"]).code, 2);
}

/// `rmqsim schema | head -1` is no failure.
#[test]
fn a_closed_pipe_is_no_failure() {
    let mut child = command(&root(), &["schema"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn colours_come_when_asked_for() {
    let coloured = |color: &str| {
        let mut command = command(&here(), &["check", "bad/shape-null.json", "--color", color]);
        command.env_remove("NO_COLOR");
        finish(command).stderr.contains('\u{1b}')
    };
    assert!(coloured("always"));
    assert!(!coloured("never"));
    assert!(!coloured("auto"), "a pipe is no terminal");
}
