//! What a rebalance costs the simulator, by the size of the group.
//!
//!     cargo bench --bench rebalance
//!
//! A group of n consumers shares 8.192 n queues of 64 brokers: 16 384 for 2 000. When all have joined and are at rest,
//! members leave one by one, five seconds apart, so that each leave leads to a round of every member on equal views.
//! What such a group round costs is the processor time of the two virtual seconds in which it happens, less what two
//! seconds cost in the rest before the next. It must grow no faster than (consumers + queues) · log(consumers + queues).
//! Then the whole life of the group, `scenarios/bench/group-2000.json`, with everything that a report needs. Each run
//! has a process of its own, so that its peak memory is its own; the median of five counts.

mod clock;
mod support;

use rmqsim::cluster::Cluster;
use rmqsim::cluster::directory::Directory;
use rmqsim::cluster::fact::{Fact, Observer};
use rmqsim::kernel::time::SimTime;
use rmqsim::scenario::{Overrides, Scenario};
use std::collections::BTreeMap;
use std::process::Command;

const SIZES: [u32; 4] = [250, 500, 1000, 2000];
const LEAVES: u32 = 24;
/// Virtual second of the first leave, and the distance of leaves.
const FIRST: u32 = 60;
const APART: u32 = 5;
/// Seconds after a leave in which the group comes to rest.
const ROUND: u32 = 2;
const RUNS: usize = 5;
/// How much faster than (n + q) · log(n + q) the cost may seem to grow over the sizes: noise of the clock.
const NOISE: f64 = 1.5;

/// Counts rounds.
#[derive(Default)]
struct Rounds(u64);

impl Observer for Rounds {
    fn observe(&mut self, _: SimTime, _: &Directory, fact: &Fact) {
        self.0 += u64::from(matches!(fact, Fact::RebalanceEnded { .. }));
    }
    fn sample(&mut self, _: SimTime, _: &Directory) {}
}

/// n consumers that start within 10 s, come to rest, and then leave one by one.
fn scenario(consumers: u32) -> String {
    let leave = |n: u32| {
        format!(
            r#"{{ "at": "{}s", "leave": "fleet/{}" }}"#,
            FIRST + APART * n,
            n + 1
        )
    };
    let timeline: Vec<String> = (0..LEAVES).map(leave).collect();
    format!(
        r#"{{ "title": "bench", "seed": 7, "duration": "{}s", "sampleInterval": "1s",
            "cluster": {{ "brokers": 64, "topics": {{ "events": {{ "queuesPerBroker": {} }} }} }},
            "groups": {{ "fleet": {{ "consumers": {{ "count": 1 }} }} }},
            "timeline": [ {{ "at": "1s", "join": "fleet", "count": {}, "every": "{}us" }}, {} ] }}"#,
        FIRST + APART * LEAVES + 1,
        consumers * 256 / 2000,
        consumers - 1,
        10_000_000 / consumers,
        timeline.join(", "),
    )
}

fn load(name: &str, text: &str) -> Scenario {
    Scenario::from_text(name, text, &Overrides::default())
        .unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)))
}

/// Peak memory of this process, MiB.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) / 1024.0
}

/// One run in this process: prints seconds of a group round, seconds of the whole, events, peak memory.
fn child(consumers: u32) {
    let scenario = load("bench", &scenario(consumers));
    let start = clock::now();
    // Processor time when each virtual second begins.
    let mut at_second = Vec::new();
    let done = Cluster::new(scenario.config, Rounds::default()).run(|_, _| at_second.push(clock::now()));
    let seconds = clock::now() - start;
    let between = |from: u32, to: u32| at_second[to as usize] - at_second[from as usize];
    let rounds = (0..LEAVES).map(|n| {
        let leave = FIRST + APART * n;
        let rest = between(leave + ROUND, leave + APART) / f64::from(APART - ROUND);
        between(leave, leave + ROUND) - rest * f64::from(ROUND)
    });
    let round = rounds.sum::<f64>() / f64::from(LEAVES);
    println!("{round} {seconds} {} {}", done.observer.0, peak_mib());
}

/// The life of a large group with its report.
fn whole_life() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/bench/group-2000.json");
    let text = std::fs::read_to_string(path).expect(path);
    let scenario = load("group-2000", &text);
    let start = clock::now();
    let report = rmqsim::simulate("group-2000", &scenario, |_, _| {});
    let rounds = report.rebalance["fleet"].rounds;
    println!(
        "{} {rounds} {} {}",
        clock::now() - start,
        report.run.events,
        peak_mib()
    );
}

/// The four numbers that a child prints.
fn measured(arguments: &[String]) -> [f64; 4] {
    let program = std::env::current_exe().expect("a program has a path");
    let output = Command::new(program).args(arguments).output().expect("it starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let numbers: Vec<f64> = text
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    numbers.try_into().expect("four numbers")
}

/// The run with the median cost of a group round.
fn run(consumers: u32) -> [f64; 4] {
    let arguments = ["--consumers".to_owned(), consumers.to_string()];
    let mut runs: Vec<[f64; 4]> = (0..RUNS).map(|_| measured(&arguments)).collect();
    runs.sort_by(|a, b| a[0].total_cmp(&b[0]));
    runs[RUNS / 2]
}

fn main() {
    let arguments: BTreeMap<String, String> = support::arguments(&["consumers", "life"]);
    if arguments.contains_key("life") {
        return whole_life();
    }
    if let Some(consumers) = arguments.get("consumers") {
        return child(support::count(consumers) as u32);
    }
    println!(
        "consumers  queues  ms a group round  µs a member's round  ns ÷ (n+q)·log2(n+q)  whole run s  peak MiB"
    );
    let mut units = Vec::new();
    for consumers in SIZES {
        let [round, seconds, _, mib] = run(consumers);
        let queues = consumers * 256 / 2000 * 64;
        let size = f64::from(consumers + queues);
        let unit = round * 1e9 / (size * rmqsim::kernel::math::ln(size) / std::f64::consts::LN_2);
        println!(
            "{consumers:>9}  {queues:>6}  {:>16.2}  {:>19.2}  {unit:>20.1}  {seconds:>11.2}  {mib:>8.1}",
            round * 1e3,
            round * 1e6 / f64::from(consumers),
        );
        units.push(unit);
    }
    let growth = units[units.len() - 1] / units[0];
    println!(
        "cost ÷ (n+q)·log2(n+q) grows by {growth:.2} from {} to {} consumers (at most {NOISE})",
        SIZES[0], SIZES[3]
    );
    let [seconds, rounds, events, mib] = measured(&["--life".to_owned(), "1".to_owned()]);
    println!(
        "2 000 consumers join, run and leave, with a report: {seconds:.1} s, {rounds:.0} rounds, {events:.0} events, {mib:.0} MiB"
    );
    if growth > NOISE {
        std::process::exit(1);
    }
}
