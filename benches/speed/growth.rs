//! How the cost of a message grows: with messages, queues, consumers, backlog and retries.

use super::Settings;
use super::figures::{Verdicts, digits, grouped, least};
use super::program::{Entry, in_turn};
use super::scenarios::{backlog, cluster};

/// Rounds of what takes seconds; what takes a minute runs once.
const ROUNDS: u64 = 3;
const LONG: u64 = 20_000_000;

/// One step of a series: how it is called, and its runs.
type Step = (String, Entry);

/// Measures a series, prints it, and gives it back.
fn series(settings: &Settings, title: &str, per: &str, mut steps: Vec<Step>) -> Vec<Step> {
    let (long, short): (Vec<&mut Entry>, Vec<&mut Entry>) = steps
        .iter_mut()
        .map(|step| &mut step.1)
        .partition(|entry| entry.messages > LONG);
    in_turn(settings, ROUNDS.min(settings.rounds), short);
    in_turn(settings, 1, long);
    let first = least(&steps[0].1.micros());
    println!("\n| {title} | µs a {per}, least | ÷ the first | peak MiB |\n| --: | --: | --: | --: |");
    for (name, entry) in &steps {
        let micros = least(&entry.micros());
        let (ratio, peak) = (digits(micros / first), entry.peak_mib());
        println!("| {name} | {} | {ratio} | {peak:.1} |", digits(micros));
    }
    steps
}

/// Time a message of the last step ÷ that of the first.
fn last_over_first(steps: &[Step]) -> f64 {
    let [first, last] =
        [steps.first(), steps.last()].map(|step| least(&step.expect("a series has steps").1.micros()));
    last / first
}

pub fn run(settings: &Settings, verdicts: &mut Verdicts) {
    println!(
        "\n## Growth\n\nThe least of up to {ROUNDS} rounds in turn; runs beyond 20 million messages once."
    );
    messages(settings, verdicts);
    queues(settings, verdicts);
    consumers(settings);
    waiting(settings, verdicts);
    retries(settings);
}

/// 1, 10, 100 … million messages, up to what was asked for.
fn decades(most: u64) -> impl Iterator<Item = u64> {
    let below = std::iter::successors(Some(1_000_000), |n| Some(n * 10)).take_while(move |n| *n < most);
    below.chain([most])
}

fn messages(settings: &Settings, verdicts: &mut Verdicts) {
    let step = |count| (grouped(count), cluster(&format!("{count} messages"), count, &[]));
    let steps = series(
        settings,
        "messages, steady state",
        "message",
        decades(settings.long).map(step).collect(),
    );
    let (first, long) = (&steps[0].1, &steps[steps.len() - 1].1);
    let all = grouped(long.messages);
    let ratio = last_over_first(&steps);
    verdicts.at_most(
        "growth",
        &format!("time a message, {all} ÷ 1 000 000 messages"),
        ratio,
        1.15,
        1.15,
    );
    let seconds = long.least_seconds() * 1e8 / long.messages as f64;
    let how = if long.messages >= 99_000_000 {
        "seconds for 100 million messages".to_owned()
    } else {
        format!("seconds for 100 million messages, at the pace of {all}")
    };
    verdicts.at_most("P4", &how, seconds, 60.0, 45.0);
    verdicts.at_most(
        "P4",
        &format!("peak of {all} messages, MiB"),
        long.peak_mib(),
        64.0,
        32.0,
    );
    verdicts.at_most(
        "P5",
        "bytes a finished message: peak of the long run − peak of a million, ÷ messages",
        (long.peak() - first.peak()).max(0.0) / long.messages as f64,
        0.1,
        0.1,
    );
}

fn queues(settings: &Settings, verdicts: &mut Verdicts) {
    let step = |queues: u64| {
        let set = format!("cluster.topics.load.queuesPerBroker={queues}");
        (
            grouped(queues),
            cluster(&format!("{queues} queues"), 1_000_000, &[set]),
        )
    };
    let steps = [8, 64, 512, 2048, 8192].map(step);
    let steps = series(
        settings,
        "queues, a million messages",
        "message",
        steps.into_iter().collect(),
    );
    verdicts.at_most(
        "growth",
        "time a message, 8 192 ÷ 8 queues at equal load",
        last_over_first(&steps),
        2.0,
        2.0,
    );
}

fn consumers(settings: &Settings) {
    let step = |consumers: u64| {
        let sets = [
            "cluster.topics.load.queuesPerBroker=512".to_owned(),
            format!("groups.work.consumers.count={consumers}"),
        ];
        (
            grouped(consumers),
            cluster(&format!("{consumers} consumers"), 1_000_000, &sets),
        )
    };
    let steps = [8, 64, 512].map(step).into_iter().collect();
    series(
        settings,
        "consumers, on 512 queues, a million messages",
        "message",
        steps,
    );
}

fn waiting(settings: &Settings, verdicts: &mut Verdicts) {
    let sizes = [settings.backlog / 50, settings.backlog / 10, settings.backlog];
    let step = |count| (grouped(count), backlog(&format!("{count} waiting"), count));
    let steps = series(
        settings,
        "messages that wait at the end",
        "message",
        sizes.map(step).into_iter().collect(),
    );
    let [tenth, all] = [&steps[1].1, &steps[2].1];
    let waits = |entry: &Entry| entry.reported("/groups/slow/lag/final");
    let bytes = (all.peak() - tenth.peak()) / (waits(all) - waits(tenth));
    let what = format!(
        "bytes a waiting message, {} ÷ a tenth of them",
        grouped(all.messages)
    );
    verdicts.at_most("P5", &what, bytes, 48.0, 40.0);
    verdicts.at_most(
        "growth",
        "bytes a waiting message: whole peak ÷ messages that wait",
        all.peak() / waits(all),
        40.0,
        24.0,
    );
}

fn retries(settings: &Settings) {
    let step = |share: f64| {
        let sets = [
            format!("groups.work.consumers.failure.probability={share}"),
            "producers.load.messages=31250".to_owned(),
        ];
        let deliveries = (500_000.0 / (1.0 - share)) as u64;
        (
            format!("{share}"),
            Entry::scenario(&format!("{share} fail"), "retry", deliveries, &sets),
        )
    };
    let steps = [0.0, 0.1, 0.3, 0.5].map(step).into_iter().collect();
    series(
        settings,
        "share of deliveries that fail, half a million messages",
        "delivery",
        steps,
    );
}
