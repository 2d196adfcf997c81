//! The kernel alone: queues whose answer is known, beside other engines, and the event list beside a plain heap.

use super::Settings;
use super::figures::{Verdicts, digits, median};
use super::peers::{FLOOR, found, print_beside};
use super::program::{Entry, in_turn};

/// A model of one shape, and what queueing theory says of it.
struct Model {
    title: &'static str,
    arguments: &'static [&'static str],
    /// Threads of the one consumer, where theory has an answer.
    servers: Option<u32>,
}

const MODELS: &[Model] = &[
    Model {
        title: "16 producers, 16 queues, 8 consumers of 20 threads",
        arguments: &[],
        servers: None,
    },
    Model {
        title: "M/M/20: 8 producers, one queue, one consumer of 20 threads",
        arguments: &["--producers", "8", "--queues", "1", "--consumers", "1"],
        servers: Some(20),
    },
    Model {
        title: "M/M/1: 8 producers, one queue, one consumer of one thread",
        arguments: &[
            "--producers",
            "8",
            "--queues",
            "1",
            "--consumers",
            "1",
            "--threads",
            "1",
        ],
        servers: Some(1),
    },
];

/// Mean time in ms from send to the end of the service in an M/M/c queue behind two hops of 0.5 ms, with services of 10 ms
/// and a load of 0.8, by Erlang's C formula.
fn erlang_mean_ms(servers: u32) -> f64 {
    let (load, service, hops) = (0.8, 10.0, 1.0);
    let offered = load * f64::from(servers);
    let blocked = (1..=servers).fold(1.0, |blocked, k| {
        offered * blocked / (f64::from(k) + offered * blocked)
    });
    let waits = blocked / (1.0 - load * (1.0 - blocked));
    hops + service + waits * service / (f64::from(servers) * (1.0 - load))
}

pub fn run(settings: &Settings, verdicts: &mut Verdicts) {
    println!("\n## The kernel alone");
    for model in MODELS {
        println!("\n{}; four events a message.\n", model.title);
        let mut ours = Entry::own("kernel", "kernel_queue", settings.messages, model.arguments);
        let mut peers = found(settings.messages, model.arguments);
        in_turn(
            settings,
            settings.rounds,
            std::iter::once(&mut ours).chain(&mut peers),
        );
        let mean = |entry: &Entry| {
            let means = entry.runs.iter().map(|run| run.json()["mean_ms"].as_f64());
            median(
                &means
                    .map(|mean| mean.expect("a mean is a number"))
                    .collect::<Vec<f64>>(),
            )
        };
        // The bones pull, which takes time of its own: theory has no word on it.
        print_beside(&ours, &peers, "mean sojourn, ms", |entry| {
            digits_of_mean(mean(entry))
        });
        if let Some(servers) = model.servers {
            println!("\nErlang C says {} ms.", digits_of_mean(erlang_mean_ms(servers)));
        } else {
            let mut against = |peer: &str, must: f64, stretch: f64| {
                if let Some(peer) = peers.iter().find(|entry| entry.name == peer) {
                    let what = format!("kernel alone, bare model ÷ {}", peer.name);
                    verdicts.at_most("P6", &what, median(&ours.over(peer)), must, stretch);
                }
            };
            against(FLOOR, 1.3, 1.1);
            against("desque", 1.0, 1.0);
        }
    }
    event_list(settings, verdicts);
}

fn digits_of_mean(mean: f64) -> String {
    format!("{mean:.3}")
}

/// The hold model: nanoseconds to take the earliest event and to schedule it again.
fn event_list(settings: &Settings, verdicts: &mut Verdicts) {
    println!(
        "\n## The event list\n\nNanoseconds a hold, the least of {} runs.\n",
        settings.rounds
    );
    let repeats = settings.rounds.to_string();
    let list = |loads: &str, sizes: &str| {
        let arguments = ["--repeats", &repeats, "--loads", loads, "--sizes", sizes];
        let mut entry = Entry::own("event list", "event_list", 1, &arguments).without_messages();
        in_turn(settings, 1, [&mut entry]);
        entry.runs.remove(0).json()
    };
    let (small, large) = (list("mq,storm", "1e2,1e4"), list("mq,idle", "1e6"));
    let nanos = |list: &str, cell: &str| {
        let of = |table: &serde_json::Value| table[list][cell].as_f64();
        of(&small)
            .or_else(|| of(&large))
            .expect("the event list tells what it was asked")
    };
    let (ours, heap) = ("near heap, far buckets", "4-ary heap, lazy pop");
    let cells = ["mq 1e2", "mq 1e4", "mq 1e6", "storm 1e2", "storm 1e4", "idle 1e6"];
    println!("| list | {} |", cells.join(" | "));
    println!("| --- |{}", " --: |".repeat(cells.len()));
    for name in ["std BinaryHeap", heap, ours] {
        let row = cells.map(|cell| digits(nanos(name, cell)));
        println!("| {name} | {} |", row.join(" | "));
    }
    for (cell, most) in [("mq 1e2", 1.1), ("mq 1e4", 1.1), ("storm 1e4", 1.3)] {
        let what = format!("event list ÷ plain heap, {cell}");
        verdicts.at_most("P7", &what, nanos(ours, cell) / nanos(heap, cell), most, most);
    }
    // The ladder queue's 21 to 25 ns, without its storm of 3 900.
    for cell in ["mq 1e2", "mq 1e4"] {
        let what = format!("event list, {cell}, ns");
        verdicts.at_most("P7", &what, nanos(ours, cell), f64::INFINITY, 25.0);
    }
    let idle = nanos(ours, "idle 1e6") / nanos(ours, "mq 1e2");
    verdicts.at_most("P7", "event beside 10⁶ idle timers ÷ mq 1e2", idle, 1.5, 1.5);
}
