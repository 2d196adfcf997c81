//! What runs need of memory, told before they start.

use crate::cli::Global;
use crate::cli::args::BoundArgs;
use crate::forecast::{Backlog, Forecast, PROGRAM, Why};
use crate::page::recorder::Recorder;
use crate::report::comparison::Outcome;
use crate::report::comparison::metric::Metric;
use crate::report::table::bytes;
use crate::scenario::Scenario;
use crate::scenario::estimate::grouped;
use crate::scenario::study::Plan;
use serde_json::{Value, json};

/// Variants of a study that are looked at; of more, as many at even distances.
const VARIANTS: usize = 32;

const WAITING: &str = "messages that wait";

/// What one run needs, and all that go at a time.
pub struct Need {
    /// Of the variant that needs most.
    forecast: Forecast,
    /// Its label, in a study of several.
    label: Option<String>,
    /// What records the run for its page, and the page.
    page: u64,
    /// Runs in all.
    runs: u64,
    /// Of these, how many go at a time.
    at_once: u64,
    /// What is kept of all finished runs.
    kept: u64,
    /// `--max-memory`.
    bound: Option<u64>,
    /// Memory of this machine, if it tells.
    machine: Option<u64>,
}

impl Need {
    /// That of a run of `scenario`; with a study, that of its runs.
    pub fn of(
        scenario: &Scenario,
        study: Option<(&Plan, &[Metric])>,
        bounds: BoundArgs,
        global: Global,
    ) -> Self {
        let bound = bounds.of_run(None).memory;
        let machine = memory_of_machine();
        let Some((plan, metrics)) = study else {
            let forecast = Forecast::of(&scenario.config);
            let at_once = global.threads.map_or(1, u64::from);
            return Self {
                // Runs of a comparison have no page.
                page: if at_once == 1 {
                    Recorder::held_for(&forecast.extent)
                } else {
                    0
                },
                forecast,
                label: None,
                runs: at_once,
                at_once,
                kept: 0,
                bound,
                machine,
            };
        };
        let every = plan.variants.len().div_ceil(VARIANTS).max(1);
        let variants = plan.variants.iter().step_by(every);
        let all = variants.map(|variant| (Forecast::of(&variant.scenario.config), variant.label.clone()));
        let (forecast, label) = all
            .max_by_key(|(forecast, _)| forecast.peak())
            .expect("a plan has variants");
        let runs = plan.variants.len() as u64 * u64::from(plan.seeds);
        let outcome = Outcome::held_for(&forecast.extent, metrics);
        Self {
            forecast,
            label: (plan.variants.len() > 1).then_some(label),
            page: 0,
            runs,
            at_once: runs.min(global.threads() as u64).max(1),
            kept: runs.saturating_mul(outcome),
            bound,
            machine,
        }
    }

    /// Bytes of one run, without the program.
    fn run(&self) -> u64 {
        self.forecast.peak().saturating_add(self.page)
    }

    /// Bytes of all that go at a time, with the program and what is kept.
    fn all(&self) -> u64 {
        let runs = self.run().saturating_mul(self.at_once);
        runs.saturating_add(self.kept).saturating_add(PROGRAM)
    }

    /// One line for people.
    pub fn told(&self) -> String {
        let mut told = format!(
            "memory: about {} at most",
            bytes(self.run().saturating_add(PROGRAM))
        );
        if self.at_once > 1 || self.runs > 1 {
            told += " for a run";
        }
        if let Some(label) = &self.label {
            told += &format!(" of {label}, which needs most");
        }
        if let Some(mostly) = self.mostly() {
            told += &format!(", {mostly}");
        }
        if self.at_once > 1 {
            told += &format!("; {} for {} at a time", bytes(self.all()), self.at_once);
            if let Some(bound) = self.bound {
                let all = bytes(bound.saturating_mul(self.at_once));
                told += &format!(" (--max-memory stops each at {}, so all at {all})", bytes(bound));
            }
        }
        told
    }

    /// What a large need mostly comes from.
    fn mostly(&self) -> Option<String> {
        let all = self.run() + PROGRAM;
        let part = largest(self.parts());
        let backlog = self.forecast.backlog.as_ref().filter(|_| part.what == WAITING);
        let of = backlog.map_or(part.bytes, |backlog| backlog.bytes);
        let what = backlog.map_or_else(|| part.what.to_owned(), backlog_told);
        let is_much = of >= 2 * PROGRAM && of > all / 3;
        is_much.then(|| format!("{} of it {what}", bytes(of)))
    }

    /// Parts of one run as they are at its peak.
    fn parts(&self) -> Vec<Part> {
        let of = &self.forecast;
        let mut parts = match of.held() >= of.peak() {
            true => self.held_parts(),
            // The cluster is gone when its report is put together.
            false => {
                let report = (
                    "the report",
                    "fewer queues or consumers, or a longer sampleInterval",
                );
                vec![Part::new(of.accounts + of.series + of.report, report)]
            }
        };
        parts.push(Part::new(self.page, ("the page", "--no-page")));
        parts
    }

    /// Parts of what the model and its observer hold.
    fn held_parts(&self) -> Vec<Part> {
        let of = &self.forecast;
        let fewer = "fewer queues or consumers";
        let less = "a shorter duration, lower rates or more consumers";
        vec![
            Part::new(of.queues, ("the tables of queues", fewer)),
            Part::new(of.clients, ("clients", fewer)),
            Part::new(of.waiting, (WAITING, less)),
            Part::new(
                of.caches,
                ("the caches of clients", "a smaller pullThresholdForQueue"),
            ),
            Part::new(
                of.stores,
                ("what listeners remember", "a smaller capacity of \"idempotent\""),
            ),
            Part::new(of.events, ("what is under way", less)),
            Part::new(of.accounts, ("accounts of queues and latencies", fewer)),
            Part::new(of.series, ("series over time", "a longer sampleInterval")),
        ]
    }

    /// What is to be said if that is more than there is, with ways out.
    pub fn warnings(&self) -> Vec<String> {
        let mut told = Vec::new();
        let held = self.forecast.held();
        if let Some(bound) = self.bound.filter(|bound| held > *bound) {
            told.push(format!(
                "it will hold about {}, and --max-memory stops a run at {}: allow more, or take {}",
                bytes(held),
                bytes(bound),
                largest(self.held_parts()).remedy
            ));
        }
        if let Some(machine) = self.machine.filter(|machine| self.all() > *machine) {
            let fewer = if self.at_once > 1 {
                "fewer --threads, or "
            } else {
                ""
            };
            told.push(format!(
                "that is more than the {} of this machine: take {fewer}{}; a lower --max-memory stops a run in order",
                bytes(machine),
                largest(self.parts()).remedy
            ));
        }
        told
    }

    /// The same for programs.
    pub fn to_json(&self) -> Value {
        let of = &self.forecast;
        json!({
            "run_bytes": self.run().saturating_add(PROGRAM),
            "held_bytes": of.held(),
            "parts": {
                "program_bytes": PROGRAM,
                "queues_bytes": of.queues,
                "clients_bytes": of.clients,
                "waiting_bytes": of.waiting,
                "caches_bytes": of.caches,
                "stores_bytes": of.stores,
                "events_bytes": of.events,
                "accounts_bytes": of.accounts,
                "series_bytes": of.series,
                "report_bytes": of.report,
                "page_bytes": self.page,
            },
            "backlog": of.backlog.as_ref().map(|backlog| json!({
                "messages": backlog.messages,
                "bytes": backlog.bytes,
                "topic": backlog.topic,
                "group": backlog.group,
                "why": match backlog.why {
                    Why::Behind => "behind",
                    Why::Unread => "unread",
                    Why::Kept => "kept",
                },
            })),
            "variant": self.label,
            "runs": self.runs,
            "at_once": self.at_once,
            "kept_bytes": self.kept,
            "all_bytes": self.all(),
            "max_memory_bytes": self.bound,
            "max_memory_of_all_bytes": self.bound.map(|bound| bound.saturating_mul(self.at_once)),
            "warnings": self.warnings(),
        })
    }
}

/// A part of what a run needs.
struct Part {
    bytes: u64,
    /// What it is.
    what: &'static str,
    /// What makes it smaller.
    remedy: &'static str,
}

impl Part {
    fn new(bytes: u64, (what, remedy): (&'static str, &'static str)) -> Self {
        Self { bytes, what, remedy }
    }
}

/// Their largest.
fn largest(parts: Vec<Part>) -> Part {
    let largest = parts.into_iter().max_by_key(|part| part.bytes);
    largest.expect("a run has parts")
}

/// Whose messages wait.
fn backlog_told(backlog: &Backlog) -> String {
    let messages = grouped(backlog.messages.into());
    let who = match backlog.why {
        Why::Behind => format!("that {} has not read", backlog.group),
        Why::Unread => format!("that nobody of {} is there to read", backlog.group),
        Why::Kept => format!("that {} may go back to", backlog.group),
    };
    format!("{messages} messages of {} {who}", backlog.topic)
}

/// Bytes of memory of this machine, or what the container gets of it.
fn memory_of_machine() -> Option<u64> {
    let all = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = all.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let limit = limit
        .and_then(|limit| limit.trim().parse().ok())
        .unwrap_or(u64::MAX);
    Some((kib << 10).min(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(forecast: Forecast, at_once: u64) -> Need {
        Need {
            forecast,
            label: None,
            page: 0,
            runs: at_once,
            at_once,
            kept: 0,
            bound: Some(1 << 30),
            machine: Some(8 << 30),
        }
    }

    fn backlog() -> Forecast {
        Forecast {
            waiting: 290 << 20,
            queues: 40 << 20,
            backlog: Some(Backlog {
                messages: 20_000_000,
                bytes: 289 << 20,
                topic: "orders".to_owned(),
                group: "billing".to_owned(),
                why: Why::Unread,
            }),
            ..Forecast::default()
        }
    }

    #[test]
    fn a_backlog_is_told_with_its_reader() {
        let told = "memory: about 340 MiB at most, 289 MiB of it 20 000 000 messages of orders that nobody of billing is there to \
                    read";
        assert_eq!(need(backlog(), 1).told(), told);
        assert_eq!(need(backlog(), 1).warnings(), [""; 0]);
    }

    /// Eight runs share one program, and each may hold as much as the bound says.
    #[test]
    fn runs_at_a_time_add_up() {
        let need = need(backlog(), 8);
        assert_eq!(need.all(), 8 * (330 << 20) + (10 << 20));
        let told = need.told();
        let end = "; 2.59 GiB for 8 at a time (--max-memory stops each at 1 GiB, so all at 8 GiB)";
        assert!(told.ends_with(end), "{told}");
    }

    /// A little more than fits, each with the way out of its largest part.
    #[test]
    fn more_than_there_is_is_told_with_a_way_out() {
        let report = Forecast {
            report: 5 << 30,
            ..Forecast::default()
        };
        let need = Need {
            machine: Some(6 << 30),
            ..need(report, 2)
        };
        let told = need.warnings();
        assert_eq!(told.len(), 1);
        assert!(
            told[0].contains("6 GiB of this machine: take fewer --threads, or fewer queues"),
            "{told:?}"
        );
        let bound = Need {
            bound: Some(100 << 20),
            ..self::need(backlog(), 1)
        };
        let told = bound.warnings();
        assert!(
            told[0].contains("it will hold about 330 MiB, and --max-memory stops a run at 100 MiB"),
            "{told:?}"
        );
    }
}
