//! The form of a trace: one event a line, times in microseconds with the nanoseconds behind the point.

use super::Slice;
use crate::kernel::time::SimTime;
use crate::trace::Ending;
use crate::trace::out::{Out, quoted};
use std::fmt;
use std::io::{self, Write};

/// A process and one of its threads, as Perfetto calls what it draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Track {
    pub pid: u32,
    pub tid: u32,
}

/// How far across the page an instant is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Global,
    Track,
}

/// Microseconds, exactly.
struct Micros(u64);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

fn micros(at: SimTime) -> Micros {
    Micros(at.as_nanos())
}

/// Writes events.
#[derive(Debug)]
pub struct Events<W: Write> {
    out: Out<W>,
    is_first: bool,
}

impl<W: Write> Events<W> {
    /// The events of the run of a scenario.
    pub fn new(scenario: &str, seed: u64, to: W) -> Self {
        let mut out = Out::new(to);
        out.text(&format!(
            "{{\"displayTimeUnit\":\"ns\",\"otherData\":{{\"program\":\"rmqsim\",\"scenario\":{},\"seed\":\"{seed}\"}},\n\"traceEvents\":[\n",
            quoted(scenario)
        ));
        Self { out, is_first: true }
    }

    pub fn has_failed(&self) -> bool {
        self.out.has_failed()
    }

    fn event(&mut self, event: fmt::Arguments<'_>) {
        let comma = if self.is_first { "" } else { ",\n" };
        self.is_first = false;
        self.out.text(&format!("{comma}{{{event}}}"));
    }

    /// Names a process, and says where it stands.
    pub fn process(&mut self, pid: u32, name: &str) {
        self.event(format_args!(
            "\"ph\":\"M\",\"name\":\"process_name\",\"pid\":{pid},\"tid\":0,\"args\":{{\"name\":{}}}",
            quoted(name)
        ));
        self.event(format_args!(
            "\"ph\":\"M\",\"name\":\"process_sort_index\",\"pid\":{pid},\"tid\":0,\"args\":{{\"sort_index\":{pid}}}"
        ));
    }

    /// Names a track, and says where it stands in its process.
    pub fn track(&mut self, Track { pid, tid }: Track, name: &str, rank: u32) {
        self.event(format_args!(
            "\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":{pid},\"tid\":{tid},\"args\":{{\"name\":{}}}",
            quoted(name)
        ));
        self.event(format_args!(
            "\"ph\":\"M\",\"name\":\"thread_sort_index\",\"pid\":{pid},\"tid\":{tid},\"args\":{{\"sort_index\":{rank}}}"
        ));
    }

    pub fn slice(&mut self, Track { pid, tid }: Track, slice: &Slice<'_>) {
        self.event(format_args!(
            "\"ph\":\"X\",\"cat\":\"{}\",\"name\":{},\"pid\":{pid},\"tid\":{tid},\"ts\":{},\"dur\":{},\"args\":{{{}}}",
            slice.category,
            quoted(slice.name),
            micros(slice.from),
            Micros(slice.to.since(slice.from).as_nanos()),
            slice.args.fields()
        ));
    }

    /// An arrow from one slice to another.
    pub fn flow(&mut self, id: u64, from: (Track, SimTime), to: (Track, SimTime)) {
        for (phase, (Track { pid, tid }, at)) in [("\"s\"", from), ("\"f\",\"bp\":\"e\"", to)] {
            self.event(format_args!(
                "\"ph\":{phase},\"cat\":\"message\",\"name\":\"message\",\"id\":{id},\"pid\":{pid},\"tid\":{tid},\"ts\":{}",
                micros(at)
            ));
        }
    }

    pub fn counter(&mut self, pid: u32, name: &str, at: SimTime, messages: u64) {
        self.event(format_args!(
            "\"ph\":\"C\",\"name\":\"{name}\",\"pid\":{pid},\"tid\":0,\"ts\":{},\"args\":{{\"messages\":{messages}}}",
            micros(at)
        ));
    }

    pub fn instant(&mut self, Track { pid, tid }: Track, at: SimTime, scope: Scope, name: &str) {
        let scope = match scope {
            Scope::Global => 'g',
            Scope::Track => 't',
        };
        self.event(format_args!(
            "\"ph\":\"i\",\"s\":\"{scope}\",\"name\":{},\"pid\":{pid},\"tid\":{tid},\"ts\":{}",
            quoted(name),
            micros(at)
        ));
    }

    /// Nothing follows.
    pub fn close(mut self, ending: &Ending) -> (W, io::Result<()>) {
        self.out.text(&format!(
            "\n],\n\"metadata\":{{\"events\":{},\"digest\":{},\"complete\":{}}}}}\n",
            ending.events,
            quoted(&ending.digest),
            ending.complete
        ));
        self.out.finish()
    }
}
