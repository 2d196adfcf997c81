//! What a rebalance costs the simulator, by the size of the group.
//!
//!     cargo bench --bench rebalance
//!
//! A group of n consumers shares 8.192 n queues of 64 brokers: 16 384 for 2 000. When all have joined and are at rest,
//! members leave one by one, five seconds apart, so that each leave leads to a round of every member on equal views. The processor time of one such group
//! round is that of the whole run, less that of the same run without leaves, shared out. It must grow no faster than
//! (consumers + queues) · log(consumers + queues). Then the whole life of the group, `scenarios/bench/group-2000.json`,
//! with everything that a report needs. Each run has a process of its own, so that its peak memory is its own.

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
const LEAVES: u32 = 20;
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

/// n consumers that start within 10 s, come to rest within 50 s, and then leave, or not.
fn scenario(consumers: u32, leaves: u32) -> String {
    let leave = |n: u32| format!(r#"{{ "at": "{}s", "leave": "fleet/{}" }}"#, 60 + 5 * n, n + 1);
    let timeline: Vec<String> = (0..leaves).map(leave).collect();
    format!(
        r#"{{ "title": "bench", "seed": 7, "duration": "{}s",
            "cluster": {{ "brokers": 64, "topics": {{ "events": {{ "queuesPerBroker": {} }} }} }},
            "groups": {{ "fleet": {{ "consumers": {{ "count": 1 }} }} }},
            "timeline": [ {{ "at": "1s", "join": "fleet", "count": {}, "every": "{}us" }} {}{} ] }}"#,
        60 + 5 * (LEAVES + 1),
        consumers * 256 / 2000,
        consumers - 1,
        10_000_000 / consumers,
        if leaves > 0 { ", " } else { "" },
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

/// One run in this process: prints seconds, rounds, events, peak memory.
fn child(consumers: u32, leaves: u32) {
    let scenario = load("bench", &scenario(consumers, leaves));
    let start = clock::now();
    let done = Cluster::new(scenario.config, Rounds::default()).run(|_, _| {});
    let seconds = clock::now() - start;
    println!("{seconds} {} {} {}", done.observer.0, done.events, peak_mib());
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

/// Seconds, rounds, events, MiB.
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

/// Least of three runs, since neighbours only add.
fn run(consumers: u32, leaves: u32) -> [f64; 4] {
    let arguments: Vec<String> = [
        "--consumers",
        &consumers.to_string(),
        "--leaves",
        &leaves.to_string(),
    ]
    .map(str::to_owned)
    .to_vec();
    let runs = (0..3).map(|_| measured(&arguments));
    runs.min_by(|a, b| a[0].total_cmp(&b[0])).expect("three runs")
}

fn main() {
    let arguments: BTreeMap<String, String> = support::arguments(&["consumers", "leaves", "life"]);
    if arguments.contains_key("life") {
        return whole_life();
    }
    let number = |key: &str| arguments.get(key).map(|text| support::count(text) as u32);
    if let (Some(consumers), Some(leaves)) = (number("consumers"), number("leaves")) {
        return child(consumers, leaves);
    }
    println!(
        "consumers  queues  ms a group round  µs a member's round  ns ÷ (n+q)·log2(n+q)  whole run s  peak MiB"
    );
    let mut units = Vec::new();
    for consumers in SIZES {
        let (busy, idle) = (run(consumers, LEAVES), run(consumers, 0));
        let queues = consumers * 256 / 2000 * 64;
        let seconds = (busy[0] - idle[0]) / f64::from(LEAVES);
        let rounds = (busy[1] - idle[1]) / f64::from(LEAVES);
        let size = f64::from(consumers + queues);
        let unit = seconds * 1e9 / (size * rmqsim::kernel::math::ln(size) / std::f64::consts::LN_2);
        println!(
            "{consumers:>9}  {queues:>6}  {:>16.2}  {:>19.2}  {unit:>20.2}  {:>11.2}  {:>8.1}",
            seconds * 1e3,
            seconds * 1e6 / rounds,
            busy[0],
            busy[3],
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
