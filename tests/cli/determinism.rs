//! The same bytes whatever surrounds the program: its environment, its folder, what its allocator does.
//!
//! The committed gallery is the measure: whoever runs these tests compares this machine with all that ran them before.
//! What is varied by building anew (optimisation, processor) stands in `scripts/determinism`.

use crate::program::{command, finish, root, scratch};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Short ones, one of each kind: concurrent with a crash, retries up to the dead letter, order.
const SCENARIOS: [&str; 3] = [
    "consumer-crash",
    "retry-to-dlq-timetable",
    "orderly-lock-handover",
];

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// BLAKE3 of `report.json`, `report.html` and each chart in `folder`.
fn digests(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .filter(|(name, _)| name.starts_with("report.") || name.ends_with(".svg"))
        .map(|(name, path)| (name, hash(&fs::read(path).unwrap())))
        .collect()
}

/// As the gallery has it.
fn golden(scenario: &str) -> BTreeMap<String, String> {
    let mut golden = digests(&root().join("reports").join(scenario));
    let listed = fs::read_to_string(root().join("reports/DIGESTS")).unwrap();
    for file in ["report.json", "report.html"] {
        let wanted = format!("  {scenario}/{file}");
        let digest = listed.lines().find_map(|line| line.strip_suffix(&wanted));
        let digest = digest.expect("it is in the gallery");
        golden.insert(file.to_owned(), digest.to_owned());
    }
    golden
}

/// Runs the shipped scenarios with what `surround` makes of the command; all files must be those of the gallery.
#[track_caller]
fn check(label: &str, surround: impl Fn(&mut Command)) {
    let folder = scratch(&format!("surroundings of {label}"));
    for scenario in SCENARIOS {
        let out = folder.join(scenario);
        let mut command = command(&folder, &["run", scenario, "--out", out.to_str().unwrap()]);
        surround(&mut command);
        let outcome = finish(command);
        assert_eq!(outcome.code, 0, "{label}: {}", outcome.stderr);
        assert_eq!(digests(&out), golden(scenario), "{scenario}, with {label}");
    }
}

/// Each run is a process of its own, with other addresses and another state of every hash that is seeded at random.
#[test]
fn no_variable_of_the_environment_changes_a_byte() {
    check("nothing changed", |_| ());
    check("no environment", |command| {
        command.env_clear();
    });
    check("another time zone", |command| {
        command.env("TZ", "Pacific/Kiritimati");
    });
    check("another locale", |command| {
        command.env("LANG", "tr_TR.UTF-8").env("LC_ALL", "de_DE.UTF-8");
        command.env("LC_NUMERIC", "fr_FR.UTF-8");
    });
    check("another home", |command| {
        command.env("HOME", "/nowhere").env("TMPDIR", "/nowhere");
    });
    check("colours and a narrow terminal", |command| {
        command.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1");
        command.env("COLUMNS", "40").env("TERM", "dumb");
    });
    check("a thousand more variables", |command| {
        command.envs((0..1000).map(|n| (format!("VARIABLE_{n}"), "x".repeat(n))));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_allocator_does_changes_no_byte() {
    check("one arena", |command| {
        command.env("MALLOC_ARENA_MAX", "1");
    });
    check("memory that is never clean", |command| {
        command.env("MALLOC_PERTURB_", "165");
    });
    check("no caches, everything mapped", |command| {
        let tunables =
            "glibc.malloc.tcache_count=0:glibc.malloc.mmap_threshold=4096:glibc.malloc.arena_test=1";
        command.env("GLIBC_TUNABLES", tunables);
    });
}

/// `env` hands variables on in the order in which they are written; the standard library sorts them.
#[cfg(unix)]
#[test]
fn the_order_of_the_environment_changes_no_byte() {
    let folder = scratch("environment order");
    for (label, variables) in [
        ("rising", ["A=1", "LANG=C", "TZ=UTC", "Z=2"]),
        ("falling", ["Z=2", "TZ=UTC", "LANG=C", "A=1"]),
    ] {
        let out = folder.join(label);
        let mut command = Command::new("env");
        command
            .arg("-i")
            .args(variables)
            .arg(env!("CARGO_BIN_EXE_rmqsim"));
        command.args(["run", SCENARIOS[0], "--out"]).arg(&out);
        command.current_dir(&folder).stdin(Stdio::null());
        assert_eq!(finish(command).code, 0);
        assert_eq!(digests(&out), golden(SCENARIOS[0]), "{label}");
    }
}

/// Where the file lies and how it comes in: from another folder, by an absolute path, through a pipe. Only the name of
/// the run, which is that of the file, is told; the trace is the same under any.
#[test]
fn where_a_scenario_comes_from_changes_no_byte() {
    let folder = scratch("where from");
    let scenario = SCENARIOS[1];
    let shipped = root().join(format!("scenarios/{scenario}.json"));
    let out = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let run = |file: &str, name: &str| {
        let outcome = finish(command(&folder, &["run", file, "--out", &out(name)]));
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    };
    let twin = folder.join(format!("{scenario}.json"));
    fs::copy(&shipped, &twin).unwrap();
    run(&format!("./{scenario}.json"), "relative");
    run(twin.to_str().unwrap(), "absolute");
    for name in ["relative", "absolute"] {
        assert_eq!(digests(&folder.join(name)), golden(scenario), "{name}");
    }

    fs::copy(&shipped, folder.join("other.json")).unwrap();
    run("./other.json", "renamed");
    let mut piped = command(&folder, &["run", "-", "--out", &out("piped")]);
    piped.stdin(fs::File::open(&shipped).unwrap());
    assert_eq!(finish(piped).code, 0);
    let report = |name: &str| {
        let text = fs::read_to_string(folder.join(name).join("report.json")).unwrap();
        let mut report: serde_json::Value = serde_json::from_str(&text).unwrap();
        let name = report["run"]
            .as_object_mut()
            .and_then(|run| run.shift_remove("name"));
        (name.expect("a run has a name"), report)
    };
    let (name, expected) = report("relative");
    for (folder, called) in [("renamed", "other"), ("piped", "stdin")] {
        let (found, report) = report(folder);
        assert_eq!((found, report), (called.into(), expected.clone()), "{folder}");
    }
    assert_eq!(name, scenario);
}

/// Progress, charts, the format on standard output: whoever watches changes nothing.
#[test]
fn being_watched_changes_no_byte() {
    let folder = scratch("watched");
    let scenario = SCENARIOS[2];
    let report = fs::read(root().join(format!("reports/{scenario}/report.json")));
    let golden = golden(scenario);
    let mut json = command(&folder, &["run", scenario, "--format", "json"]);
    json.env_clear();
    let outcome = finish(json);
    assert_eq!(hash(outcome.stdout.as_bytes()), golden["report.json"]);
    // Small reports are in the gallery as they are: then the digest is not taken on trust.
    if let Ok(report) = report {
        assert_eq!(outcome.stdout.as_bytes(), report);
    }
    let twice = finish(command(&folder, &["run", scenario, "--check-determinism"]));
    assert_eq!(twice.code, 0, "{}{}", twice.stdout, twice.stderr);
}
