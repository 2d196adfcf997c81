//! The speed table: the whole program beside other engines, in turn, how its cost grows, and a verdict on each target.
//!
//!     RMQSIM_PEERS_DIR=folder cargo bench --bench speed
//!     cargo bench --bench speed -- --quick --parts peers,kernel --rounds 3 --core 0
//!
//! Every program runs as a process of its own, round by round in turn, on one core; times are processor time of the
//! process, and ratios those of one round. What is not there is skipped with a message. Linux only.
//!
//! | argument | |
//! | --- | --- |
//! | `--quick` | a look of a few minutes: a fifth of the messages, 2 rounds, a long run of 10 million |
//! | `--parts a,b` | only these: peers, kernel, scenarios, growth, threads |
//! | `--rounds 5` `--messages 1e6` | rounds in turn, and messages of a normal run |
//! | `--long 1e8` `--backlog 5e7` | messages of the longest run, and of the deepest backlog (it takes gigabytes) |
//! | `--core 1` | the core to pin to |

// Some of these are programs of their own as well, and bring their reader of arguments.
#![allow(clippy::duplicate_mod)]

#[path = "../cluster_model.rs"]
mod cluster_model;
#[path = "../compare.rs"]
mod compare;
#[path = "../event_list.rs"]
mod event_list;
mod figures;
mod growth;
mod kernel;
#[path = "../kernel_queue.rs"]
mod kernel_queue;
mod peers;
mod program;
mod scenarios;
#[path = "../support.rs"]
mod support;
mod threads;

use figures::Verdicts;
use std::process::Command;

/// What the arguments ask for.
struct Settings {
    rounds: u64,
    messages: u64,
    long: u64,
    backlog: u64,
    core: Option<String>,
}

/// Measures something, prints it, and says which targets it meets.
type Part = fn(&Settings, &mut Verdicts);

const PARTS: &[(&str, Part)] = &[
    ("peers", peers::run),
    ("kernel", kernel::run),
    ("scenarios", scenarios::run),
    ("growth", growth::run),
    ("threads", threads::run),
];

impl Settings {
    fn new() -> (Self, Vec<(&'static str, Part)>) {
        let known = ["rounds", "messages", "long", "backlog", "core", "quick", "parts"];
        let arguments = support::arguments(&known);
        let quick = arguments.contains_key("quick");
        let count = |key: &str, normal: &str, quickly: &str| {
            let default = if quick { quickly } else { normal };
            support::count(arguments.get(key).map_or(default, String::as_str))
        };
        let core = arguments.get("core").map_or("1", String::as_str);
        let pinned = Command::new("taskset").args(["-c", core, "true"]).status();
        let settings = Self {
            rounds: count("rounds", "5", "2"),
            messages: count("messages", "1e6", "2e5"),
            long: count("long", "1e8", "1e7"),
            backlog: count("backlog", "5e7", "5e6"),
            core: pinned
                .is_ok_and(|status| status.success())
                .then(|| core.to_owned()),
        };
        let mut parts = PARTS.to_vec();
        if let Some(names) = arguments.get("parts") {
            for name in names.split(',') {
                let known = PARTS.iter().any(|part| part.0 == name);
                assert!(
                    known,
                    "unknown part `{name}`; see the head of benches/speed/main.rs"
                );
            }
            parts.retain(|part| names.split(',').any(|name| name == part.0));
        }
        (settings, parts)
    }
}

/// What the figures were measured on.
fn print_machine(settings: &Settings) {
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown processor", |text| {
        text.trim_start_matches(['\t', ':', ' '])
    });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = read("/proc/loadavg");
    let load = load.split_whitespace().next().unwrap_or("unknown");
    println!("{model}, {cores} cores, load {load} at the start.");
    match &settings.core {
        Some(core) => println!("Pinned to core {core}."),
        None => println!("Not pinned: no taskset, or no such core."),
    }
    println!("{} rounds of {} messages.", settings.rounds, settings.messages);
}

fn main() {
    match program::role().as_deref() {
        Some("kernel_queue") => return kernel_queue::main(),
        Some("cluster_model") => return cluster_model::main(),
        Some("event_list") => return event_list::main(),
        Some("compare") => return compare::main(),
        _ => {}
    }
    if !std::path::Path::new("/proc/self/schedstat").exists() {
        println!("no /proc/self/schedstat here: this benchmark measures on Linux only");
        return;
    }
    let (settings, parts) = Settings::new();
    print_machine(&settings);
    let mut verdicts = Verdicts::default();
    for (_, part) in parts {
        part(&settings, &mut verdicts);
    }
    verdicts.print();
}
