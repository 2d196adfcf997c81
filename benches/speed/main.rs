//! The speed table: the whole program beside other engines, in turn, and a verdict on each target.
//!
//!     RMQSIM_PEERS_DIR=folder cargo bench --bench speed -- --rounds 5 --messages 1e6 --long 1e7 --core 1
//!
//! `rmqsim run scenarios/bench/cluster.json` runs as a process of its own with everything that it reports; so does
//! each peer that the folder holds (see [`PEERS`]). A peer is a program that takes `--messages N` and runs the
//! same queueing model: 16 Poisson producers, 16 queues, 8 consumers of 20 threads, load 0.8. Programs run in
//! turn, round by round, on one core; times are processor time of the process, and ratios those of one round.
//! What is not there is skipped with a message. Linux only.

// Each of these is a program of its own as well, and brings its reader of arguments.
#![allow(clippy::duplicate_mod)]

#[path = "cluster_model.rs"]
mod cluster_model;
#[path = "kernel_queue.rs"]
mod kernel_queue;
mod support;

use std::fmt::Write as _;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// Peers by file name, what they are, and the share of the messages that slow ones get.
const PEERS: &[(&str, &str, f64)] = &[
    ("peer-floor-rmq", "loop with the bones of RocketMQ", 1.0),
    ("peer-floor", "loop, bare model", 1.0),
    ("peer-desque", "desque", 1.0),
    ("peer-simcore", "simcore", 1.0),
    ("peer-odem", "odem-rs", 0.5),
    ("peer-nexosim", "NeXosim", 0.5),
    ("peer-ns3", "ns-3", 0.5),
    ("peer-simgrid", "SimGrid", 0.1),
    ("peer-simpy-pypy", "SimPy on PyPy", 0.3),
    ("peer-simpy", "SimPy on CPython", 0.1),
];

/// Set in the processes that this benchmark starts of itself: which model they run.
const ROLE: &str = "RMQSIM_SPEED_ROLE";

/// Producers of the scenario, and messages a second of each.
const PRODUCERS: u64 = 16;
const RATE: u64 = 800;

/// A program and the number of messages that it is given.
struct Entry {
    name: String,
    program: String,
    arguments: Vec<String>,
    role: Option<&'static str>,
    messages: u64,
    runs: Vec<Run>,
}

/// What one process took.
struct Run {
    cpu: f64,
    peak_kib: u64,
    output: String,
}

impl Entry {
    fn new(name: &str, program: &str, messages: u64) -> Self {
        Self {
            name: name.to_owned(),
            program: program.to_owned(),
            arguments: vec!["--messages".to_owned(), messages.to_string()],
            role: None,
            messages,
            runs: Vec::new(),
        }
    }

    /// `rmqsim run` with everything reported.
    fn rmqsim(name: &str, messages: u64) -> Self {
        let each = messages / PRODUCERS;
        let mut entry = Self::new(name, env!("CARGO_BIN_EXE_rmqsim"), each * PRODUCERS);
        let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/bench/cluster.json");
        // The last messages are born near each ÷ rate; a twentieth more and 20 s let the slowest producer end.
        let duration = format!("duration={}s", each / RATE + each / RATE / 20 + 20);
        let sets = [format!("producers.load.messages={each}"), duration];
        entry.arguments = ["run", scenario, "--format", "json", "--charts", "none"]
            .map(str::to_owned)
            .to_vec();
        for set in sets {
            entry.arguments.extend(["--set".to_owned(), set]);
        }
        entry
    }

    /// This benchmark itself in another role.
    fn own(name: &str, role: &'static str, arguments: &[&str], messages: u64) -> Self {
        let program = std::env::current_exe().expect("a running program has a path");
        let mut entry = Self::new(name, &program.to_string_lossy(), messages);
        entry.role = Some(role);
        entry.arguments.extend(arguments.iter().map(|&a| a.to_owned()));
        entry
    }

    fn measure(&mut self, core: Option<&str>) {
        let mut command = match core {
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["-c", core, &self.program]);
                command
            }
            None => Command::new(&self.program),
        };
        command.args(&self.arguments);
        command.envs(self.role.map(|role| (ROLE, role)));
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.program));
        let run = watch(child);
        self.runs
            .push(run.unwrap_or_else(|| panic!("{} fails", self.name)));
    }

    /// Processor time a message in µs, round by round.
    fn micros(&self) -> Vec<f64> {
        self.runs
            .iter()
            .map(|run| run.cpu * 1e6 / self.messages as f64)
            .collect()
    }

    /// Ratios of the times a message, round by round.
    fn over(&self, other: &Self) -> Vec<f64> {
        self.micros()
            .iter()
            .zip(other.micros())
            .map(|(ours, theirs)| ours / theirs)
            .collect()
    }

    fn peak_mib(&self) -> f64 {
        self.runs.iter().map(|run| run.peak_kib).max().unwrap_or(0) as f64 / 1024.0
    }
}

/// Lets a process run to its end; `None` if it fails.
///
/// A process that has ended and was not yet waited for still shows the time that it took.
fn watch(mut child: Child) -> Option<Run> {
    let proc = format!("/proc/{}", child.id());
    let read = |file: &str| std::fs::read_to_string(format!("{proc}/{file}")).unwrap_or_default();
    let mut stdout = child.stdout.take().expect("stdout is piped");
    let reader = thread::spawn(move || {
        let mut output = String::new();
        stdout.read_to_string(&mut output).map(|_| output)
    });
    let mut peak_kib = 0;
    loop {
        let status = read("status");
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)
        };
        peak_kib = field("VmHWM").map_or(peak_kib, |kib| kib.parse().unwrap_or(0));
        if field("State") == Some("Z") {
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    let nanos: f64 = read("schedstat").split_whitespace().next()?.parse().ok()?;
    let output = reader.join().ok()?.ok()?;
    child.wait().ok()?.success().then_some(Run {
        cpu: nanos / 1e9,
        peak_kib,
        output,
    })
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        (sorted[middle - 1] + sorted[middle]) / 2.0
    }
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

/// `1.52 (1.41–1.60)`.
fn ratio(values: &[f64]) -> String {
    let [middle, low, high] = [median(values), least(values), most(values)].map(three_digits);
    format!("{middle} ({low}–{high})")
}

fn three_digits(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0..100.0 => format!("{value:.1}"),
        1.0..10.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The verdicts, as rows of a table.
#[derive(Default)]
struct Verdicts(String);

impl Verdicts {
    /// One target: what must be and what would be better, both as the most that `value` may be; a `must` without
    /// bound is not shown.
    fn at_most(&mut self, id: &str, what: &str, value: f64, must: f64, stretch: f64) {
        let shown = match must {
            f64::INFINITY => format!("(at most {})", three_digits(stretch)),
            _ => format!("at most {} ({})", three_digits(must), three_digits(stretch)),
        };
        self.row(id, what, value, &shown, value <= must, value <= stretch);
    }

    /// As [`at_most`](Self::at_most), the other way round.
    fn at_least(&mut self, id: &str, what: &str, value: f64, must: f64, stretch: f64) {
        let shown = format!("at least {} ({})", three_digits(must), three_digits(stretch));
        self.row(id, what, value, &shown, value >= must, value >= stretch);
    }

    fn row(&mut self, id: &str, what: &str, value: f64, target: &str, met: bool, stretched: bool) {
        let verdict = match (met, stretched) {
            (true, true) => "met, stretch too",
            (true, false) => "met",
            (false, _) => "MISSED",
        };
        let value = three_digits(value);
        writeln!(self.0, "| {id} | {what} | {value} | {target} | {verdict} |").expect("a text takes it");
    }
}

/// All entries in the order in which they run.
struct Entries(Vec<Entry>);

impl Entries {
    fn get(&self, name: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.name == name)
    }

    fn own(&self, name: &str) -> &Entry {
        self.get(name).expect("our own programs are always there")
    }
}

fn entries(messages: u64, long: u64) -> Entries {
    let mut entries = vec![Entry::rmqsim("rmqsim", messages)];
    let folder = std::env::var("RMQSIM_PEERS_DIR").unwrap_or_default();
    for &(file, name, share) in PEERS {
        let path = std::path::Path::new(&folder).join(file);
        if folder.is_empty() || !path.is_file() {
            println!("skipped: {name} (no {file} in RMQSIM_PEERS_DIR)");
            continue;
        }
        let messages = (messages as f64 * share) as u64;
        entries.push(Entry::new(name, &path.to_string_lossy(), messages));
    }
    let observed = ["--observe", "yes"];
    let undigested = ["--observe", "yes", "--digest", "no"];
    entries.push(Entry::own("kernel", "kernel_queue", &[], messages));
    entries.push(Entry::own("with digest", "cluster_model", &observed, messages));
    entries.push(Entry::own(
        "without digest",
        "cluster_model",
        &undigested,
        messages,
    ));
    entries.push(Entry::rmqsim("small", 10_000));
    entries.push(Entry::rmqsim("long", long));
    Entries(entries)
}

fn print_table(entries: &Entries) {
    let ours = entries.own("rmqsim");
    println!("\n| program | µs a message, least · median | rmqsim ÷ it, median (range) | peak MiB |");
    println!("| --- | --: | --: | --: |");
    let is_peer = |entry: &&Entry| entry.role.is_none() && !["small", "long"].contains(&entry.name.as_str());
    for entry in entries.0.iter().filter(is_peer) {
        let micros = entry.micros();
        let (low, middle) = (three_digits(least(&micros)), three_digits(median(&micros)));
        let (ratio, peak) = (ratio(&ours.over(entry)), entry.peak_mib());
        println!("| {} | {low} · {middle} | {ratio} | {peak:.1} |", entry.name);
    }
}

fn print_verdicts(entries: &Entries) {
    let (ours, small, long) = (entries.own("rmqsim"), entries.own("small"), entries.own("long"));
    let mut verdicts = Verdicts::default();
    let mut against = |id: &str, peer: &str, must: f64, stretch: f64| {
        if let Some(peer) = entries.get(peer) {
            let what = format!("time a message ÷ {}", peer.name);
            verdicts.at_most(id, &what, median(&ours.over(peer)), must, stretch);
        }
    };
    against("P1", PEERS[0].1, 2.0, 1.5);
    against("P2", "ns-3", 1.0, 1.0);
    against("P2", "NeXosim", 1.0 / 2.0, 1.0 / 2.0);
    against("P2", "SimGrid", 1.0 / 10.0, 1.0 / 10.0);
    against("P2", "SimPy on PyPy", 1.0 / 12.0, 1.0 / 12.0);
    against("P2", "SimPy on CPython", 1.0 / 20.0, 1.0 / 20.0);
    against("P2", "odem-rs", f64::INFINITY, 1.0);

    let events = |run: &Run| {
        let report: serde_json::Value = serde_json::from_str(&run.output).expect("a report is JSON");
        report["run"]["events"].as_f64().expect("a report counts events") / run.cpu / 1e6
    };
    let rates: Vec<f64> = ours.runs.iter().map(events).collect();
    verdicts.at_least("P3", "million events a second", median(&rates), 10.0, 14.0);
    verdicts.at_most(
        "P4",
        "seconds for 100 million messages, at the pace of the long run",
        median(&long.micros()) * 100.0,
        60.0,
        45.0,
    );
    verdicts.at_most("P4", "peak of the long run, MiB", long.peak_mib(), 64.0, 32.0);
    verdicts.at_most(
        "P4",
        "peak of the long run ÷ peak of the normal one",
        long.peak_mib() / ours.peak_mib(),
        1.1,
        1.1,
    );
    let kernel = entries.own("kernel");
    if let Some(floor) = entries.get("loop, bare model") {
        verdicts.at_most(
            "P6",
            "kernel alone, bare model ÷ loop",
            median(&kernel.over(floor)),
            1.3,
            1.1,
        );
    }
    if let Some(desque) = entries.get("desque") {
        verdicts.at_most(
            "P6",
            "kernel alone, bare model ÷ desque",
            median(&kernel.over(desque)),
            1.0,
            1.0,
        );
    }
    let digest = entries.own("with digest").over(entries.own("without digest"));
    verdicts.at_most("P10", "with trace digest ÷ without", median(&digest), 1.1, 1.05);
    let whole: Vec<f64> = small.runs.iter().map(|run| run.cpu * 1e3).collect();
    verdicts.at_most(
        "P11",
        "whole run of 10 000 messages, ms",
        median(&whole),
        30.0,
        15.0,
    );
    println!("\n| target | what | measured | must (stretch) | verdict |\n| --- | --- | --: | --: | --- |");
    print!("{}", verdicts.0);
}

fn main() {
    match std::env::var(ROLE).as_deref() {
        Ok("kernel_queue") => return kernel_queue::main(),
        Ok("cluster_model") => return cluster_model::main(),
        _ => {}
    }
    if !std::path::Path::new("/proc/self/schedstat").exists() {
        println!("no /proc/self/schedstat here: this benchmark measures on Linux only");
        return;
    }
    let arguments = support::arguments(&["rounds", "messages", "long", "core"]);
    let value = |key: &str, default: &str| arguments.get(key).map_or(default, String::as_str).to_owned();
    let rounds = support::count(&value("rounds", "5"));
    let (messages, long) = (
        support::count(&value("messages", "1e6")),
        support::count(&value("long", "1e7")),
    );
    let core = value("core", "1");
    let pinned = Command::new("taskset").args(["-c", &core, "true"]).status();
    let core = pinned.is_ok_and(|status| status.success()).then_some(core);
    if core.is_none() {
        println!("not pinned: no taskset, or no such core");
    }
    let mut entries = entries(messages, long);
    for _ in 0..rounds {
        for entry in &mut entries.0 {
            entry.measure(core.as_deref());
        }
    }
    println!("{rounds} rounds of {messages} messages, the long run {long}");
    print_table(&entries);
    print_verdicts(&entries);
}
