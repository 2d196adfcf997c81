//! `--trace`, `--metrics`, `--csv` and `rmqsim progress` from outside: files, messages, exit codes, documentation.

use crate::program::{compare, finish, here, root, run, scratch};
use rmqsim::trace::facts;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Names of the files in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn last_line(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

/// All forms at once: the files are there and named, and the table is as ever.
#[test]
fn a_run_writes_what_it_is_asked_for() {
    let folder = scratch("trace-files");
    let plain = run(
        &folder,
        &[
            "run",
            "quickstart",
            "--until",
            "20s",
            "--charts",
            "none",
            "--no-page",
        ],
    );
    let args = [
        "run",
        "quickstart",
        "--until",
        "20s",
        "--charts",
        "none",
        "--no-page",
        "--trace",
        "t.jsonl",
        "--trace",
        "t.json",
        "--metrics",
        "t.prom",
        "--csv",
        "t.csv",
    ];
    let outcome = run(&folder, &args);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    let said = outcome.stdout.strip_prefix(plain.stdout.trim_end()).unwrap();
    assert_eq!(said, "\nwrote t.jsonl\nwrote t.json\nwrote t.prom\nwrote t.csv\n");
    assert_eq!(
        names(&folder),
        ["rmqsim-out", "t.csv", "t.json", "t.jsonl", "t.prom"]
    );
    let report = fs::read_to_string(folder.join("rmqsim-out/quickstart/report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let end = last_line(&folder.join("t.jsonl"));
    assert_eq!((&end["fact"], &end["complete"]), (&"End".into(), &true.into()));
    assert_eq!(end["digest"], report["run"]["traceDigest"]);
    let chrome: Value = serde_json::from_str(&fs::read_to_string(folder.join("t.json")).unwrap()).unwrap();
    assert_eq!(chrome["metadata"]["digest"], report["run"]["traceDigest"]);
    assert!(
        fs::read_to_string(folder.join("t.prom"))
            .unwrap()
            .ends_with("\n# EOF\n")
    );
    let csv = fs::read_to_string(folder.join("t.csv")).unwrap();
    assert!(csv.starts_with("run,seed,t_ns,entity_kind,entity,group,metric,unit,value\nquickstart,7,0,topic,orders,,stored,messages,0\n"));
    // The same bytes again.
    let before: Vec<Vec<u8>> = ["t.jsonl", "t.json", "t.prom", "t.csv"]
        .map(|name| fs::read(folder.join(name)).unwrap())
        .into();
    run(&folder, &args);
    for (name, before) in ["t.jsonl", "t.json", "t.prom", "t.csv"].iter().zip(before) {
        assert!(fs::read(folder.join(name)).unwrap() == before, "{name}");
    }
}

/// On standard output the log stands alone; what else there is to say goes to stderr.
#[test]
fn a_log_on_standard_output_stands_alone() {
    let folder = scratch("trace-stdout");
    let args = [
        "run",
        "quickstart",
        "--until",
        "5s",
        "--charts",
        "none",
        "--no-page",
        "--trace",
        "-",
    ];
    let outcome = run(&folder, &args);
    assert_eq!(outcome.code, 0);
    let mut lines = outcome.stdout.lines();
    assert!(lines.next().unwrap().starts_with("{\"rmqsim\":\"trace\""));
    assert!(lines.next_back().unwrap().contains("\"fact\":\"End\""));
    assert!(lines.all(|line| line.starts_with("{\"t\":")));
    assert_eq!(outcome.stderr, "wrote in rmqsim-out/quickstart\n  report.json\n");
}

/// The lines that the documentation shows are in the log that it names, the last one at its end.
#[test]
fn documented_lines_are_written() {
    let page = fs::read_to_string(root().join("docs/traces.md")).unwrap();
    let (_, block) = page.split_once("$ rmqsim run consumer-crash --trace - ").unwrap();
    let (command, shown) = block.split_once(" | grep ").unwrap();
    let shown: Vec<&str> = shown.split("```").next().unwrap().lines().skip(1).collect();
    let mut args = vec![
        "run",
        "consumer-crash",
        "--no-page",
        "--charts",
        "none",
        "--trace",
        "-",
    ];
    args.extend(command.split(' '));
    let outcome = run(&scratch("trace-documented"), &args);
    assert!(outcome.code == 0 && shown.len() >= 4, "{}", outcome.stderr);
    let written: Vec<&str> = outcome.stdout.lines().collect();
    for line in &shown {
        assert!(written.contains(line), "{line}");
    }
    assert_eq!(written.last(), shown.last());
}

/// A run that a bound stops leaves whole files that say so.
#[test]
fn a_trace_of_a_stopped_run_says_so() {
    let folder = scratch("trace-stopped");
    let args = [
        "run",
        "quickstart",
        "--max-events",
        "30000",
        "--charts",
        "none",
        "--no-page",
        "--trace",
        "t.jsonl",
    ];
    assert_eq!(run(&folder, &args).code, 1);
    assert_eq!(last_line(&folder.join("t.jsonl"))["complete"], false);
}

/// The disk is full while the run goes on: one message, exit code 2; the report is there and told, and no half of a trace.
#[cfg(unix)]
#[test]
fn a_full_disk_ends_no_run() {
    let folder = scratch("trace-full");
    for trace in ["t.jsonl", "t.json"] {
        let mut command = std::process::Command::new("sh");
        let script = format!(
            "ulimit -f 400; exec $RMQSIM run quickstart --until 20s --charts none --no-page --out out --trace {trace}"
        );
        command
            .args(["-c", &script])
            .current_dir(&folder)
            .env("RMQSIM", env!("CARGO_BIN_EXE_rmqsim"))
            .env("NO_COLOR", "1");
        let outcome = finish(command);
        assert_eq!(outcome.code, 2, "{}", outcome.stderr);
        assert!(
            outcome.stdout.ends_with("\nwrote in out\n  report.json\n"),
            "{}",
            outcome.stdout
        );
        let said = format!("error: cannot write {trace} (the run itself finished); name a file elsewhere: ");
        assert!(outcome.stderr.starts_with(&said), "{}", outcome.stderr);
        assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
        assert_eq!(names(&folder), ["out"]);
        assert_eq!(names(&folder.join("out")), ["report.json"]);
    }
}

/// Whoever reads the log has what he wants: the other files are whole.
#[cfg(unix)]
#[test]
fn a_closed_pipe_costs_no_other_file() {
    let folder = scratch("trace-pipe");
    let script =
        "$RMQSIM run quickstart --until 20s --charts none --no-page --trace - --csv kept.csv | head -1";
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", script])
        .current_dir(&folder)
        .env("RMQSIM", env!("CARGO_BIN_EXE_rmqsim"));
    let outcome = finish(command);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("wrote kept.csv"), "{}", outcome.stderr);
    assert_eq!(names(&folder), ["kept.csv", "rmqsim-out"]);
}

/// Misuse: exit code 2, one message, and nothing written or run.
#[test]
fn each_misuse_of_traces_gets_its_message() {
    let folder = scratch("trace-misuse");
    let cases: &[&[&str]] = &[
        &["run", "quickstart", "--trace", "t.txt"],
        &["run", "quickstart", "--trace", "t"],
        &["run", "quickstart", "--trace", "no-such-folder/t.jsonl"],
        &["run", "quickstart", "--trace", "t.jsonl", "--trace", "./t.jsonl"],
        &["run", "quickstart", "--trace", "a.jsonl", "--trace", "b.jsonl"],
        &["run", "quickstart", "--trace", "t.json", "--csv", "t.json"],
        &["run", "quickstart", "--out", ".", "--trace", "report.json"],
        &["run", "quickstart", "--out", ".", "--csv", "report.html"],
        &["run", "quickstart", "consumer-crash", "--trace", "t.jsonl"],
        &["run", "quickstart", "--trace", "-", "--format", "json"],
        &["run", "quickstart", "--trace", "-", "--csv", "-"],
        &[
            "run",
            "quickstart",
            "--trace",
            "t.jsonl",
            "--trace-only",
            "Deliverd",
        ],
        &[
            "run",
            "quickstart",
            "--trace",
            "t.json",
            "--trace-only",
            "Delivered",
        ],
        &["run", "quickstart", "--trace-from", "10s"],
        &[
            "run",
            "quickstart",
            "--trace",
            "t.jsonl",
            "--trace-from",
            "20s",
            "--trace-to",
            "10s",
        ],
        &["run", "quickstart", "--trace", "t.jsonl", "--trace-from", "3h"],
        &["run", "quickstart", "--metrics", "no-such-folder/t.prom"],
        &["progress", "quickstart"],
        &["progress", "quickstart", "--at", "3h"],
        &["progress", "quickstart", "--at", "0s"],
        &["progress", "quickstart", "--at", "60"],
        &["progress", "quickstart", "--at", "1m", "--group", "biling"],
    ];
    let mut text = String::new();
    for args in cases {
        let outcome = run(&folder, args);
        assert_eq!(
            (outcome.code, outcome.stdout.as_str()),
            (2, ""),
            "{args:?}: {}",
            outcome.stderr
        );
        text += &format!("$ rmqsim {}\n{}\n", args.join(" "), outcome.stderr);
    }
    assert_eq!(names(&folder), [""; 0]);
    compare(&here().join("trace_misuse.expected"), &text).unwrap();
}

// ---- progress ------------------------------------------------------------------------------------

/// The block of `docs/traces.md` behind a command.
fn documented(command: &str) -> String {
    let page = fs::read_to_string(root().join("docs/traces.md")).unwrap();
    let (_, block) = page.split_once(&format!("$ {command}\n")).expect(command);
    block.split_once("```").unwrap().0.to_owned()
}

/// The documentation shows what is printed.
#[test]
fn documented_progress_is_what_is_printed() {
    let folder = scratch("progress");
    for command in [
        "rmqsim progress consumer-crash --at 125s --group billing",
        "rmqsim progress orderly-poison --at 1m --at 2m",
    ] {
        let args: Vec<&str> = command.split(' ').skip(1).collect();
        let outcome = run(&folder, &args);
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
        assert_eq!(outcome.stdout, documented(command));
    }
}

/// The same as data: integers, and the sums of the table.
#[test]
fn progress_as_data() {
    let args = ["progress", "consumer-crash", "--at", "125s", "--format", "json"];
    let outcome = run(&scratch("progress-json"), &args);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let group = &answer["instants"][0]["groups"][0];
    assert_eq!(
        (&answer["progressVersion"], &answer["seed"]),
        (&1.into(), &"7".into())
    );
    assert_eq!(
        (&group["group"], &group["count"], &group["type"], &group["model"]),
        (&"billing".into(), &3.into(), &"PUSH".into(), &"CLUSTERING".into())
    );
    let queues = group["queues"].as_array().unwrap();
    let sum = |key: &str| {
        queues
            .iter()
            .map(|queue| queue[key].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(sum("diff"), group["diff_total"].as_u64().unwrap());
    assert_eq!(sum("inflight"), group["inflight_total"].as_u64().unwrap());
    for queue in queues {
        let is_committed = queue["consumer_offset"] != 0;
        assert_eq!(queue["last_time_ns"].is_u64(), is_committed, "{queue}");
        assert_eq!(queue["topic"] == "orders", is_committed, "{queue}");
    }
}

/// Brokers know no offsets of a broadcasting group, and `mqadmin` says so; rates it sums over topics with offsets alone.
#[test]
fn a_broadcasting_group_has_no_progress() {
    let folder = scratch("progress-broadcasting");
    let of_group = run(
        &folder,
        &["progress", "broadcast-gap", "--at", "1m", "-g", "cache"],
    );
    assert!(
        of_group
            .stdout
            .ends_with("the consumer is under the broadcast mode\n")
    );
    let all = run(&folder, &["consumerProgress", "broadcast-gap", "--at", "1m"]);
    let row: Vec<&str> = all.stdout.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row, ["cache", "3", "V5_3_0", "PUSH", "BROADCASTING", "0", "0"]);
}

// ---- documentation -------------------------------------------------------------------------------

const MARK: &str = "<!-- generated by `UPDATE=1 cargo test --test cli` from here on -->\n";

/// The page lists every fact with what it says and its fields, as the source has them.
#[test]
fn the_documentation_lists_all_facts() {
    let path = root().join("docs/traces.md");
    let page = fs::read_to_string(&path).unwrap();
    let (written, _) = page.split_once(MARK).expect("the mark of the generated part");
    let source = fs::read_to_string(root().join("sim/cluster/fact.rs")).unwrap();
    let (_, facts) = source.split_once("pub enum Fact {\n").unwrap();
    let mut table = "\n| fact | says | fields |\n| --- | --- | --- |\n".to_owned();
    for (fact, fields) in facts::FIELDS {
        let (before, _) = facts.split_once(&format!("\n    {fact} {{\n")).expect(fact);
        let lines: Vec<&str> = before.lines().collect();
        let doc = lines
            .iter()
            .rev()
            .take_while(|line| line.trim_start().starts_with("///"));
        let mut doc: Vec<&str> = doc
            .map(|line| line.trim_start().trim_start_matches("///").trim())
            .collect();
        doc.reverse();
        assert!(!doc.is_empty(), "{fact} is not documented");
        let says = doc
            .join(" ")
            .replace("(Self::MessagesQueried)", "")
            .replace(['[', ']'], "");
        let fields = fields.iter().map(|(field, how)| match *how {
            "instant" | "span" => format!("`{field}_ns`"),
            "step" => format!("`{field}`, `does`"),
            _ => format!("`{field}`"),
        });
        table += &format!(
            "| `{fact}` | {says} | {} |\n",
            fields.collect::<Vec<_>>().join(", ")
        );
    }
    compare(&path, &format!("{written}{MARK}{table}")).unwrap();
}
