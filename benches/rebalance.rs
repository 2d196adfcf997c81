//! What a rebalance costs the simulator, by the size of the group.
//!
//!     cargo bench --bench rebalance
//!
//! A group of n consumers shares 8.192 n queues of 64 brokers: 16 384 for 2 000. When all have joined and are at rest,
//! members leave one by one, five seconds apart, so that each leave leads to a round of every member on equal views.
//! What such a group round costs is the processor time of the two virtual seconds in which it happens, less what two
//! seconds cost in the rest before the next. It must grow no faster than (consumers + queues) · log(consumers + queues).
//! Then the whole life of the group, `scenarios/bench/group-2000.json`, with everything that a report needs. Each run
//! has a process of its own, so that its peak memory is its own. Sizes run in turn, round by round, because the speed of a
//! shared machine drifts: growth is the median of the ratios within a round. Events a group round do not drift at all.

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
const ROUNDS: usize = 7;
/// How much faster than (n + q) · log(n + q) the cost may seem to grow over the sizes: noise of the clock.
const NOISE: f64 = 1.5;

/// Watches nothing.
struct Nobody;

impl Observer for Nobody {
    fn observe(&mut self, _: SimTime, _: &Directory, _: &Fact) {}
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

/// One run in this process: prints seconds and events of a group round, seconds of the whole, peak memory.
fn child(consumers: u32) {
    let scenario = load("bench", &scenario(consumers));
    let start = clock::now();
    // Processor time and events when each virtual second begins.
    let mut at_second = Vec::new();
    Cluster::new(scenario.config, Nobody).run(|_, events| at_second.push((clock::now(), events as f64)));
    let seconds = clock::now() - start;
    // The mean over the leaves of what `of` counts in a round, less what it counts in as much rest.
    let round = |of: fn(&(f64, f64)) -> f64| {
        let between = |from: u32, to: u32| of(&at_second[to as usize]) - of(&at_second[from as usize]);
        let rounds = (0..LEAVES).map(|n| {
            let leave = FIRST + APART * n;
            let rest = between(leave + ROUND, leave + APART) / f64::from(APART - ROUND);
            between(leave, leave + ROUND) - rest * f64::from(ROUND)
        });
        rounds.sum::<f64>() / f64::from(LEAVES)
    };
    println!(
        "{} {} {seconds} {}",
        round(|second| second.0),
        round(|second| second.1),
        peak_mib()
    );
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

/// The queues of so many consumers, and (n + q) · log₂(n + q).
fn size(consumers: u32) -> (u32, f64) {
    let queues = consumers * 256 / 2000 * 64;
    let size = f64::from(consumers + queues);
    (
        queues,
        size * rmqsim::kernel::math::ln(size) / std::f64::consts::LN_2,
    )
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let arguments: BTreeMap<String, String> = support::arguments(&["consumers", "life"]);
    if arguments.contains_key("life") {
        return whole_life();
    }
    if let Some(consumers) = arguments.get("consumers") {
        return child(support::count(consumers) as u32);
    }
    let one = |consumers: u32| measured(&["--consumers".to_owned(), consumers.to_string()]);
    let rounds: Vec<[[f64; 4]; 4]> = (0..ROUNDS).map(|_| SIZES.map(one)).collect();
    println!(
        "consumers  queues  events a group round  ms a group round: least, median  ns ÷ (n+q)·log2(n+q)  peak MiB"
    );
    for (at, consumers) in SIZES.into_iter().enumerate() {
        let (queues, unit) = size(consumers);
        let seconds = || rounds.iter().map(|round| round[at][0]);
        let (least, median) = (
            seconds().fold(f64::INFINITY, f64::min),
            median(seconds().collect()),
        );
        let [_, events, _, mib] = rounds[0][at];
        println!(
            "{consumers:>9}  {queues:>6}  {events:>20.0}  {:>22.2}  {:>7.2}  {:>20.1}  {mib:>8.1}",
            least * 1e3,
            median * 1e3,
            median * 1e9 / unit,
        );
    }
    let (smallest, largest) = (size(SIZES[0]).1, size(SIZES[3]).1);
    let ratio = |round: &[[f64; 4]; 4]| round[3][0] / largest / (round[0][0] / smallest);
    let growth = median(rounds.iter().map(ratio).collect());
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
