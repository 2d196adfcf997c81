//! The event log: every fact of a run as one line of JSON (`--trace FILE.jsonl`).
//!
//! The first line says what follows and who is who, the last how the run has ended; between them stand the facts in
//! their order. `docs/traces.md` explains them, `schemas/trace.schema.json` says what each line holds.

use super::line::Line;
use super::names::Names;
use super::out::{Out, quoted};
use super::{Ending, Subject, Trace, Window, facts};
use crate::cluster::config::ClusterConfig;
use crate::cluster::directory::Directory;
use crate::cluster::fact::Fact;
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::beside::Beside;
use crate::observe::observation::Observation;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Version of the lines. Grows when a field is renamed, removed or changes its meaning.
pub const VERSION: u32 = 1;

/// What is left out of a log.
#[derive(Clone, Debug)]
pub struct Thinning {
    /// Facts beyond are left out.
    pub window: Window,
    /// Facts of other names are left out; `None`: of none.
    pub only: Option<Vec<&'static str>>,
}

/// Writes a log.
#[derive(Debug)]
pub struct EventLog<W> {
    out: Out<W>,
    thinning: Thinning,
    names: Names,
    steps: Vec<String>,
    scenario: String,
    seed: u64,
    duration: SimDuration,
    header_written: bool,
    line: String,
    lines: u64,
    end: SimTime,
}

impl<W: Write> EventLog<W> {
    /// A log of the run of `subject`.
    pub fn new(subject: Subject<'_>, thinning: Thinning, to: W) -> Self {
        let ClusterConfig { seed, duration, .. } = *subject.config;
        Self {
            out: Out::new(to),
            thinning,
            names: Names::default(),
            steps: subject.steps(),
            scenario: subject.name.to_owned(),
            seed,
            duration,
            header_written: false,
            line: String::new(),
            lines: 0,
            end: SimTime::ZERO,
        }
    }

    fn write_header(&mut self, directory: &Directory) {
        self.header_written = true;
        let Window { from, to } = self.thinning.window;
        let header = json!({
            "rmqsim": "trace",
            "version": VERSION,
            "scenario": self.scenario,
            "seed": self.seed.to_string(),
            "duration_ns": self.duration.as_nanos(),
            "from_ns": from.as_nanos(),
            "to_ns": (to != SimTime::MAX).then(|| to.as_nanos()),
            "only": self.thinning.only,
            "entities": entities(directory, &self.names),
        });
        self.out.text(&format!("{header}\n"));
    }
}

/// Who is there from the start.
fn entities(directory: &Directory, names: &Names) -> Value {
    let topic = |id: crate::cluster::ids::TopicId| directory.topic(id).name.as_str();
    let producers = directory.producers.iter();
    let groups = directory.groups.iter();
    let consumers = directory.consumers.iter().enumerate();
    json!({
        "brokers": directory.brokers,
        "topics": directory.topics.iter().map(|topic| &topic.name).collect::<Vec<_>>(),
        "producers": producers
            .map(|(name, to)| json!({ "name": name, "topic": topic(*to) }))
            .collect::<Vec<_>>(),
        "groups": groups
            .map(|group| {
                let topics: Vec<&str> = group.topics.iter().map(|id| topic(*id)).collect();
                json!({ "name": group.name, "topics": topics })
            })
            .collect::<Vec<_>>(),
        "consumers": consumers
            .map(|(id, info)| {
                let id = crate::cluster::ids::ConsumerId(id as u32);
                let group = &directory.group(info.group).name;
                json!({ "name": names.key(id), "group": group, "client_id": info.client_id })
            })
            .collect::<Vec<_>>(),
    })
}

impl<W: Write> Beside for EventLog<W> {
    fn observe(&mut self, now: SimTime, directory: &Directory, fact: &Fact, _: &Observation) {
        self.names.learn(directory);
        if !self.header_written {
            self.write_header(directory);
        }
        let name = facts::name(fact);
        let is_wanted = |only: &Vec<&str>| only.contains(&name);
        let is_out = !self.thinning.only.as_ref().is_none_or(is_wanted);
        if is_out || !self.thinning.window.has(now) || self.out.has_failed() {
            return;
        }
        self.line.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.line, "{{\"t\":{},\"fact\":\"{name}\"", now.as_nanos());
        let mut line = Line {
            text: &mut self.line,
            names: &self.names,
            steps: &self.steps,
        };
        facts::write(&mut line, fact);
        self.line.push_str("}\n");
        self.out.text(&self.line);
        self.lines += 1;
    }

    fn finish(&mut self, end: SimTime, directory: &Directory, _: &Observation) {
        self.names.learn(directory);
        if !self.header_written {
            self.write_header(directory);
        }
        self.end = end;
    }

    fn held(&self) -> u64 {
        let steps: usize = self.steps.iter().map(String::capacity).sum();
        self.names.held() + (self.line.capacity() + steps) as u64
    }
}

impl<W: Write> Trace<W> for EventLog<W> {
    fn end(self: Box<Self>, ending: &Ending) -> (W, io::Result<()>) {
        let mut out = self.out;
        out.text(&format!(
            "{{\"t\":{},\"fact\":\"End\",\"events\":{},\"digest\":{},\"facts\":{},\"complete\":{}}}\n",
            self.end.as_nanos(),
            ending.events,
            quoted(&ending.digest),
            self.lines,
            ending.complete
        ));
        out.finish()
    }
}
