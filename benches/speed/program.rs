//! Programs as processes of their own: how they are started, and what they took.

use super::Settings;
use super::figures::{least, median, most};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// Set in the processes that this benchmark starts of itself: which model they run.
const ROLE: &str = "RMQSIM_SPEED_ROLE";

pub fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// A program, the number of messages that it is given, and what its runs took.
pub struct Entry {
    pub name: String,
    program: String,
    arguments: Vec<String>,
    role: Option<&'static str>,
    pub messages: u64,
    pub runs: Vec<Run>,
}

/// What one process took.
pub struct Run {
    pub cpu: f64,
    peak_kib: u64,
    output: String,
}

impl Run {
    /// The last line that was printed, or all, as JSON.
    pub fn json(&self) -> serde_json::Value {
        let last = || {
            let line = self.output.lines().rfind(|line| line.starts_with('{'))?;
            serde_json::from_str(line).ok()
        };
        serde_json::from_str(&self.output)
            .ok()
            .or_else(last)
            .expect("the program ends with JSON")
    }
}

impl Entry {
    /// A program that takes `--messages N`, and other arguments.
    pub fn new(name: &str, program: &str, messages: u64, arguments: &[&str]) -> Self {
        let messages_argument = ["--messages".to_owned(), messages.to_string()];
        let others = arguments.iter().map(|&word| word.to_owned());
        Self {
            name: name.to_owned(),
            program: program.to_owned(),
            arguments: messages_argument.into_iter().chain(others).collect(),
            role: None,
            messages,
            runs: Vec::new(),
        }
    }

    /// `rmqsim run scenarios/bench/file.json`, with everything reported.
    pub fn scenario(name: &str, file: &str, messages: u64, sets: &[String]) -> Self {
        let path = format!("{}/scenarios/bench/{file}.json", env!("CARGO_MANIFEST_DIR"));
        let mut entry = Self::new(name, env!("CARGO_BIN_EXE_rmqsim"), messages, &[]);
        entry.arguments = ["run", &path, "--format", "json", "--charts", "none", "--quiet"]
            .map(str::to_owned)
            .to_vec();
        for set in sets {
            entry.arguments.extend(["--set".to_owned(), set.clone()]);
        }
        entry
    }

    /// This benchmark itself in another role.
    pub fn own(name: &str, role: &'static str, messages: u64, arguments: &[&str]) -> Self {
        let program = std::env::current_exe().expect("a running program has a path");
        let mut entry = Self::new(name, &program.to_string_lossy(), messages, arguments);
        entry.role = Some(role);
        entry
    }

    /// As it is, without `--messages`.
    pub fn without_messages(mut self) -> Self {
        self.arguments.drain(..2);
        self
    }

    pub fn measure(&mut self, settings: &Settings) {
        let mut command = match &settings.core {
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
        self.runs.push(
            run.unwrap_or_else(|| panic!("{} fails: {} {:?}", self.name, self.program, self.arguments)),
        );
    }

    /// Processor time a message in µs, round by round.
    pub fn micros(&self) -> Vec<f64> {
        self.runs
            .iter()
            .map(|run| run.cpu * 1e6 / self.messages as f64)
            .collect()
    }

    /// Ratios of the times a message, round by round.
    pub fn over(&self, other: &Self) -> Vec<f64> {
        self.micros()
            .iter()
            .zip(other.micros())
            .map(|(ours, theirs)| ours / theirs)
            .collect()
    }

    /// Processor time of the whole process in seconds: the median of its runs.
    pub fn seconds(&self) -> f64 {
        median(&self.runs.iter().map(|run| run.cpu).collect::<Vec<f64>>())
    }

    /// As [`seconds`](Self::seconds), the least: what the neighbours disturbed least.
    pub fn least_seconds(&self) -> f64 {
        least(&self.runs.iter().map(|run| run.cpu).collect::<Vec<f64>>())
    }

    /// Most memory of any run, in bytes.
    pub fn peak(&self) -> f64 {
        most(
            &self
                .runs
                .iter()
                .map(|run| run.peak_kib as f64)
                .collect::<Vec<f64>>(),
        ) * 1024.0
    }

    pub fn peak_mib(&self) -> f64 {
        self.peak() / f64::from(1 << 20)
    }

    /// A number of the report of the first run; all runs of one scenario give the same.
    pub fn reported(&self, path: &str) -> f64 {
        let report = self.runs[0].json();
        report
            .pointer(path)
            .and_then(serde_json::Value::as_f64)
            .unwrap_or_else(|| panic!("{}: the report has no {path}", self.name))
    }
}

/// Lets programs run in turn, round by round.
pub fn in_turn<'e>(settings: &Settings, rounds: u64, entries: impl IntoIterator<Item = &'e mut Entry>) {
    let mut entries: Vec<&mut Entry> = entries.into_iter().collect();
    for round in 1..=rounds {
        for entry in &mut entries {
            eprintln!("  round {round} of {rounds}: {} …", entry.name);
            entry.measure(settings);
        }
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
