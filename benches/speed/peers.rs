//! The whole program beside other engines: full semantics here, the bare queueing model there.
//!
//! A peer is a program in the folder that `RMQSIM_PEERS_DIR` names. It takes `--messages N` and runs 16 Poisson
//! producers, 16 queues, 8 consumers of 20 threads, load 0.8; with `--producers --queues --consumers --threads` other
//! sizes. It ends with a line of JSON that holds `mean_ms`.

use super::Settings;
use super::figures::{Verdicts, digits, least, median, ratio};
use super::program::{Entry, in_turn};
use super::scenarios::cluster;

/// Peers by file name, what they are, and the share of the messages that slow ones get.
const PEERS: &[(&str, &str, f64)] = &[
    ("peer-floor-rmq", BONES, 1.0),
    ("peer-floor", FLOOR, 1.0),
    ("peer-desque", "desque", 1.0),
    ("peer-simcore", "simcore", 1.0),
    ("peer-odem", "odem-rs", 0.5),
    ("peer-nexosim", "NeXosim", 0.5),
    ("peer-ns3", "ns-3", 0.5),
    ("peer-simgrid", "SimGrid", 0.1),
    ("peer-simpy-pypy", "SimPy on PyPy", 0.3),
    ("peer-simpy", "SimPy on CPython", 0.1),
];

/// The hand-written loop with a commit log, long polling, process queues and a digest.
pub const BONES: &str = "loop with the bones of RocketMQ";
/// The hand-written loop without.
pub const FLOOR: &str = "loop, bare model";

/// The peers that the folder holds; those that it lacks are named.
pub fn found(messages: u64, arguments: &[&str]) -> Vec<Entry> {
    let folder = std::env::var("RMQSIM_PEERS_DIR").unwrap_or_default();
    let mut entries = Vec::new();
    for &(file, name, share) in PEERS {
        let path = std::path::Path::new(&folder).join(file);
        if folder.is_empty() || !path.is_file() {
            println!("Skipped: {name} (no {file} in RMQSIM_PEERS_DIR).");
            continue;
        }
        let messages = (messages as f64 * share) as u64;
        entries.push(Entry::new(name, &path.to_string_lossy(), messages, arguments));
    }
    entries
}

/// Rows of a table: our programs and the peers, with the ratio of `ours` to each.
pub fn print_beside(ours: &Entry, entries: &[Entry], last: &str, cell: impl Fn(&Entry) -> String) {
    println!(
        "\n| program | µs a message, least · median | {} ÷ it, median (range) | {last} |",
        ours.name
    );
    println!("| --- | --: | --: | --: |");
    for entry in std::iter::once(ours).chain(entries) {
        let micros = entry.micros();
        let (low, middle) = (digits(least(&micros)), digits(median(&micros)));
        let (ratio, cell) = (ratio(&ours.over(entry)), cell(entry));
        println!("| {} | {low} · {middle} | {ratio} | {cell} |", entry.name);
    }
}

pub fn run(settings: &Settings, verdicts: &mut Verdicts) {
    println!("\n## Beside other engines\n");
    let mut ours = cluster("rmqsim", settings.messages, &[]);
    let mut small = cluster("a small run", 10_000, &[]);
    let mut peers = found(settings.messages, &[]);
    let own =
        |name: &str, arguments: &[&str]| Entry::own(name, "cluster_model", settings.messages, arguments);
    let mut with = own("with digest", &["--observe", "yes"]);
    let mut without = own("without digest", &["--observe", "yes", "--digest", "no"]);
    let all = [&mut ours, &mut small, &mut with, &mut without];
    in_turn(settings, settings.rounds, all.into_iter().chain(&mut peers));
    print_beside(&ours, &peers, "peak MiB", |entry| {
        format!("{:.1}", entry.peak_mib())
    });

    let mut against = |id: &str, peer: &str, must: f64, stretch: f64| {
        if let Some(peer) = peers.iter().find(|entry| entry.name == peer) {
            let what = format!("time a message ÷ {}", peer.name);
            verdicts.at_most(id, &what, median(&ours.over(peer)), must, stretch);
        }
    };
    against("goal", BONES, f64::INFINITY, 1.25);
    against("P1", BONES, 2.0, 1.5);
    against("P2", "ns-3", 1.0, 1.0);
    against("P2", "NeXosim", 1.0 / 2.0, 1.0 / 2.0);
    against("P2", "SimGrid", 1.0 / 10.0, 1.0 / 10.0);
    against("P2", "SimPy on PyPy", 1.0 / 12.0, 1.0 / 12.0);
    against("P2", "SimPy on CPython", 1.0 / 20.0, 1.0 / 20.0);
    against("P2", "odem-rs", f64::INFINITY, 1.0);
    let events = ours.reported("/run/events") / ours.seconds() / 1e6;
    verdicts.at_least("P3", "million events a second", events, 10.0, 14.0);
    let digest = median(&with.over(&without));
    verdicts.at_most("P10", "with trace digest ÷ without", digest, 1.1, 1.05);
    let whole = small.seconds() * 1e3;
    verdicts.at_most("P11", "whole run of 10 000 messages, ms", whole, 30.0, 15.0);
}
