//! Full semantics in one shape after the other: every scenario of scenarios/bench, and the targets that name one.

use super::Settings;
use super::figures::{Verdicts, digits, grouped};
use super::program::{Entry, in_turn};

/// Producers of `cluster.json`, and messages a second of each.
const PRODUCERS: u64 = 16;
const RATE: u64 = 800;

/// The steady state: `cluster.json` with so many messages.
pub fn cluster(name: &str, messages: u64, sets: &[String]) -> Entry {
    let each = messages / PRODUCERS;
    // The last messages are born near each ÷ rate; a twentieth more and 20 s let the slowest producer end.
    let mut all = vec![
        format!("duration={}s", each / RATE + each / RATE / 20 + 20),
        format!("producers.load.messages={each}"),
    ];
    all.extend_from_slice(sets);
    Entry::scenario(name, "cluster", each * PRODUCERS, &all)
}

/// `backlog.json` in which about so many messages wait at the end.
pub fn backlog(name: &str, messages: u64) -> Entry {
    let (producers, rate) = (10, 10_000);
    let each = messages / producers;
    let sets = [
        format!("duration={}s", each / rate + each / rate / 20 + 5),
        format!("producers.load.messages={each}"),
    ];
    Entry::scenario(name, "backlog", each * producers, &sets)
}

/// Scenario, group, and what it shows.
const SHAPES: &[(&str, &str, &str)] = &[
    ("cluster", "work", "steady state"),
    ("backlog", "slow", "deep backlog"),
    ("retry", "work", "half of all deliveries fail"),
    ("ordered", "work", "in order, 256 queues"),
    ("broadcast", "all", "broadcast to 16"),
    (
        "day",
        "work",
        "an hour, two messages a second in each of 1 000 queues",
    ),
    ("group-2000", "fleet", "2 000 consumers join and leave"),
    ("idle-queues", "idle", "an hour, 10 000 idle queues"),
    ("idle-consumers", "idle", "an hour, 10 000 idle consumers"),
    ("idle-day", "work", "an idle day, 200 consumers, 1 000 queues"),
    ("idle-days", "billing", "four idle days"),
];

pub fn run(settings: &Settings, verdicts: &mut Verdicts) {
    println!("\n## Full semantics\n\n`rmqsim run scenarios/bench/….json`, as they are; medians.\n");
    let entry = |&(file, _, _): &(&'static str, &str, &str)| Entry::scenario(file, file, 1, &[]);
    let mut entries: Vec<Entry> = SHAPES.iter().map(entry).collect();
    in_turn(settings, settings.rounds.min(3), &mut entries);
    println!("| scenario | what | seconds | deliveries | events | million events a second | peak MiB |");
    println!("| --- | --- | --: | --: | --: | --: | --: |");
    for (entry, (file, group, what)) in entries.iter().zip(SHAPES) {
        let deliveries = entry.reported(&format!("/groups/{group}/deliveries"));
        let (events, seconds) = (entry.reported("/run/events"), entry.seconds());
        println!(
            "| {file} | {what} | {} | {} | {} | {} | {:.1} |",
            digits(seconds),
            grouped(deliveries as u64),
            grouped(events as u64),
            digits(events / seconds / 1e6),
            entry.peak_mib()
        );
    }
    let of = |file: &str| {
        let at = SHAPES.iter().position(|shape| shape.0 == file);
        &entries[at.expect("it is one of the shapes")]
    };
    let idle = of("idle-consumers").seconds();
    verdicts.at_most("P8", "10 000 idle consumers for an hour, s", idle, 3.0, 1.5);
    // An hour of load stands for the day: the start of both is short.
    let day = of("idle-day").seconds() / (24.0 * of("day").seconds());
    verdicts.at_most("growth", "idle day ÷ the day with load", day, 0.01, 0.01);
}
