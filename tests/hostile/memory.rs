//! The count of what a run holds, and what is foreseen of it, against what the system sees of the process.
#![cfg(target_os = "linux")]

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::{Command, Stdio};

/// Bytes of the peak of a process that still runs.
fn resident(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}

/// Bytes of the peak of the program with these arguments.
fn peak_of(run: &mut Command) -> u64 {
    let mut child = run.stdout(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(resident(child.id()).unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    peak
}

/// What was counted or foreseen is so many times the resident set.
#[track_caller]
fn is_near(of: &str, (how, bytes): (&str, u64), peak: u64, times: Range<f64>) {
    let ratio = bytes as f64 / peak as f64;
    println!(
        "{of}: {how} {} MiB, resident {} MiB: {ratio:.2}",
        bytes >> 20,
        peak >> 20
    );
    assert!(times.contains(&ratio), "{of}: {how} {bytes}, resident {peak}");
}

/// Runs until the count has come to 96 MiB; the count and the resident set are at most 30 % apart.
#[track_caller]
fn check(name: &str, sets: &[&str]) {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("memory-{name}"));
    let common = ["expect=[]", "duration=10h", "producers.checkout.rate=20k/s"];
    let sets = common.iter().chain(sets).flat_map(|set| ["--set", set]);
    let mut run = Command::new(env!("CARGO_BIN_EXE_rmqsim"));
    run.args(["run", "quickstart", "--max-memory", "96MiB"])
        .args(["--charts", "none", "--out"])
        .arg(&out)
        .args(sets);
    let peak = peak_of(&mut run);
    let report = fs::read_to_string(out.join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let held = report["run"]["stopped"]["memory_bytes"]
        .as_u64()
        .expect("the bound was met");
    is_near(name, ("counted", held), peak, 0.7..1.3);
}

/// Listeners that take ten seconds: what waits, waits at the brokers.
#[test]
fn a_backlog() {
    check("backlog", &["groups.billing.consumers.service=10s"]);
}

/// All of it waits in the caches of the clients.
#[test]
fn caches() {
    let tuning = [
        "groups.billing.consumers.service=10s",
        "groups.billing.tuning.pullThresholdForQueue=60000",
        "groups.billing.tuning.pullThresholdSizeForQueue=1024",
        "groups.billing.tuning.consumeConcurrentlyMaxSpan=60000",
    ];
    check("caches", &tuning);
}

/// Every message fails, and waits for its next attempt.
#[test]
fn retries() {
    let failure = "groups.billing.consumers.failure={\"probability\":1}";
    check(
        "retries",
        &[
            "groups.billing.consumers.service=1ms",
            "groups.billing.consumers.threads=1000",
            failure,
        ],
    );
}

/// A listener that remembers all that it has done.
#[test]
fn a_store_of_what_was_done() {
    let store = "groups.billing.idempotent={\"capacity\":100000000}";
    check(
        "store",
        &[
            "groups.billing.consumers.service=1ms",
            "groups.billing.consumers.threads=1000",
            store,
        ],
    );
}

/// Bytes of the peak of a run without a page.
fn peak(scenario: &str, args: &[&str]) -> u64 {
    let mut run = Command::new(env!("CARGO_BIN_EXE_rmqsim"));
    run.args([
        "run",
        scenario,
        "--format",
        "json",
        "--no-page",
        "--charts",
        "none",
    ])
    .args(args)
    .current_dir(env!("CARGO_MANIFEST_DIR"));
    peak_of(&mut run)
}

/// What `check` foresees of a run without a page, beside this program, which is larger than a released one: the resident set
/// is near it.
#[track_caller]
fn check_foreseen(program: u64, scenario: &str, sets: &[&str]) {
    let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
    let told = Command::new(env!("CARGO_BIN_EXE_rmqsim"))
        .args(["check", scenario, "--format", "json"])
        .args(&sets)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    let memory = &told[0]["memory"];
    let bytes = |of: &serde_json::Value, key: &str| of[key].as_u64().unwrap();
    let parts = &memory["parts"];
    let beside = bytes(memory, "run_bytes") - bytes(parts, "page_bytes") - bytes(parts, "program_bytes");
    let (foreseen, peak) = (program + beside, peak(scenario, &sets));
    is_near(scenario, ("foreseen", foreseen), peak, 0.7..1.5);
}

/// What waits, what is in caches, the report of many queues. A run of an instant is the program, of which a released one takes
/// 10 MiB.
#[test]
fn what_check_foresees() {
    let program = peak("quickstart", &["--until", "1s"]);
    assert!((10 << 20..30 << 20).contains(&program), "{program}");
    check_foreseen(program, "cache-thresholds", &[]);
    check_foreseen(program, "scenarios/bench/backlog.json", &[]);
    check_foreseen(program, "scenarios/bench/idle-queues.json", &["duration=5m"]);
}
