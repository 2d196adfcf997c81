//! A trace as Perfetto and `chrome://tracing` draw it (`--trace FILE.json`, the JSON form of Chrome's trace events).
//!
//! A process is a broker, a producer, a group or one life of a consumer; a track is a thread of a listener, a queue as
//! one group holds it, the pulls that wait at a queue. Slices of one track never overlap: what happens at once lies on
//! the lowest track that is free. Arrows lead from the storage of a record to the calls that got it, for a sample of all
//! records. Slices are written when they are over, so what is held is what is open.
//!
//! Source: "Trace Event Format" of the Chromium project; what Perfetto makes of it, its documentation of JSON traces.

mod args;
mod calls;
mod clients;
mod flows;
mod lanes;
mod queues;
mod tracks;
mod writer;

use super::names::Names;
use super::{Ending, Subject, Trace, Window};
use crate::cluster::directory::Directory;
use crate::cluster::fact::Fact;
use crate::cluster::ids::{ConsumerId, GroupId};
use crate::kernel::memory;
use crate::kernel::time::SimTime;
use crate::observe::beside::Beside;
use crate::observe::observation::Observation;
use args::Args;
use calls::Calls;
use clients::Clients;
use flows::Flows;
use queues::Queues;
use std::io::{self, Write};
use tracks::{Key, Tracks};
use writer::{Events, Scope};

/// Writes a trace.
#[derive(Debug)]
pub struct ChromeTrace<W: Write> {
    pen: Pen<W>,
    calls: Calls,
    clients: Clients,
    queues: Queues,
    flows: Flows,
    steps: Vec<String>,
    /// Lag and backlog of each group as last written.
    levels: Vec<(u64, u64)>,
    began: bool,
}

/// What the parts of a trace write with.
#[derive(Debug)]
struct Pen<W: Write> {
    events: Events<W>,
    tracks: Tracks,
    names: Names,
    window: Window,
}

impl<W: Write> Pen<W> {
    /// Writes a slice, if it shows in the window.
    fn slice(&mut self, directory: &Directory, key: Key, slice: &Slice<'_>) {
        if self.window.sees(slice.from, slice.to) {
            let track = self.tracks.of(&mut self.events, directory, key);
            self.events.slice(track, slice);
        }
    }

    /// Writes what has no length, if it shows in the window.
    fn instant(&mut self, directory: &Directory, key: Key, at: SimTime, scope: Scope, name: &str) {
        if self.window.has(at) {
            let track = self.tracks.of(&mut self.events, directory, key);
            self.events.instant(track, at, scope, name);
        }
    }
}

/// Something that lasted.
#[derive(Debug)]
struct Slice<'a> {
    category: &'static str,
    name: &'a str,
    from: SimTime,
    to: SimTime,
    args: Args,
}

impl<W: Write> ChromeTrace<W> {
    /// A trace of the run of `subject`, of what shows in `window`.
    pub fn new(subject: Subject<'_>, window: Window, to: W) -> Self {
        Self {
            pen: Pen {
                events: Events::new(subject.name, subject.config.seed, to),
                tracks: Tracks::default(),
                names: Names::default(),
                window,
            },
            calls: Calls::default(),
            clients: Clients::default(),
            queues: Queues::default(),
            flows: Flows::default(),
            steps: subject.steps(),
            levels: Vec::new(),
            began: false,
        }
    }

    fn learn(&mut self, directory: &Directory) {
        self.pen.names.learn(directory);
        if !self.began {
            self.began = true;
            let Pen {
                events,
                tracks,
                names,
                ..
            } = &mut self.pen;
            tracks.name_processes(events, directory, names);
            self.clients.brokers_run(directory);
            self.levels = vec![(0, 0); directory.groups.len()];
        }
    }
}

impl<W: Write> Beside for ChromeTrace<W> {
    fn observe(&mut self, now: SimTime, directory: &Directory, fact: &Fact, _: &Observation) {
        if self.pen.events.has_failed() {
            return;
        }
        self.learn(directory);
        let pen = &mut self.pen;
        self.calls.fact(now, directory, fact, pen, &mut self.flows);
        self.flows.fact(now, directory, fact, pen);
        self.clients.fact(now, directory, fact, pen);
        self.queues.fact(now, directory, fact, pen);
        if let Fact::TimelineStep { step } = *fact {
            let does = self.steps.get(step as usize).map_or("", String::as_str);
            pen.instant(directory, Key::Steps, now, Scope::Global, does);
        }
    }

    fn sample(&mut self, now: SimTime, directory: &Directory, observation: &Observation) {
        self.learn(directory);
        if !self.pen.window.has(now) {
            return;
        }
        let Pen { events, tracks, .. } = &mut self.pen;
        for (id, before) in self.levels.iter_mut().enumerate() {
            let group = GroupId(id as u32);
            let of = observation.lag.group(group);
            let level = (of.lag.value(), of.backlog.value());
            let pid = tracks.group(group);
            if level.0 != before.0 || now == SimTime::ZERO {
                events.counter(pid, "lag", now, level.0);
            }
            if level.1 != before.1 || now == SimTime::ZERO {
                events.counter(pid, "backlog", now, level.1);
            }
            *before = level;
        }
        for (consumer, cached) in self.clients.cached_changed() {
            let pid = tracks.consumer(ConsumerId(consumer));
            events.counter(pid, "cached messages", now, cached);
        }
    }

    fn finish(&mut self, end: SimTime, directory: &Directory, _: &Observation) {
        self.learn(directory);
        let pen = &mut self.pen;
        self.calls.finish(end, directory, pen, &mut self.flows);
        self.flows.finish(end, directory, pen);
        self.clients.finish(end, directory, pen);
        self.queues.finish(end, directory, pen);
    }

    fn held(&self) -> u64 {
        let steps: usize = self.steps.iter().map(String::capacity).sum();
        let parts = self.calls.held() + self.clients.held() + self.queues.held() + self.flows.held();
        let pen = self.pen.names.held() + self.pen.tracks.held();
        parts + pen + memory::of_vec(&self.levels) + steps as u64
    }
}

impl<W: Write> Trace<W> for ChromeTrace<W> {
    fn end(self: Box<Self>, ending: &Ending) -> (W, io::Result<()>) {
        self.pen.events.close(ending)
    }
}
