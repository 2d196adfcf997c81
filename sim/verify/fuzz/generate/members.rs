//! What happens to members and their links.
//!
//! Instants are likely those of timers: the start, whole seconds, sweeps and persistence (5 s), scans (10 s), rounds (20
//! s), heartbeats (30 s), and instants at which something else happens.

use super::Plan;
use super::chooser::{Chooser, block, given, span};
use super::groups::{self, Delivery, Group};
use super::listeners;
use crate::kernel::streams::Streams;
use serde_json::{Map, Value};

/// The longest fault that ends, ms.
pub const LONGEST: u64 = 200_000;

/// An entry of the timeline, and when it happens in ms.
pub type Entry = (u64, Value);

/// `action` on `target` at `at`; what is null is left out.
pub fn entry<const N: usize>(
    at: u64,
    action: &str,
    target: impl Into<Value>,
    with: [(&str, Value); N],
) -> Entry {
    let mut entry = block([("at", span(at)), (action, target.into())]);
    let more = with.into_iter().filter(|(_, value)| !value.is_null());
    let more = more.map(|(key, value)| (key.to_owned(), value));
    if let Value::Object(entry) = &mut entry {
        entry.extend(more);
    }
    (at, entry)
}

/// Chooses instants.
pub struct Clock {
    last: u64,
    unrest: u64,
    end: u64,
}

impl Clock {
    pub fn new(plan: &Plan) -> Self {
        Self {
            last: 0,
            unrest: plan.unrest,
            end: plan.end,
        }
    }

    /// An instant of the unrest.
    pub fn instant(&mut self, c: &mut Chooser) -> u64 {
        let period = c.pick(&[1_000, 1_000, 5_000, 10_000, 20_000, 30_000]);
        self.last = match c.below(16) {
            0 => 0,
            1..7 => period * c.below(self.unrest / period + 1),
            // Two things at once, or nearly.
            7 => self.last,
            8 => self.last + c.pick(&[1, 40, 105, 600, 1_010, 1_500]),
            9 => self.unrest,
            _ => c.below(self.unrest),
        };
        // Of a run without rest the last instant too.
        self.last = self.last.min(self.end - 1);
        self.last
    }
}

pub fn timeline(streams: &mut Streams, plan: &Plan) -> Vec<Entry> {
    let mut entries = Vec::new();
    for group in &plan.groups {
        let c = Chooser(streams.stream(&group.name, "timeline"));
        let mut fate = Fate {
            c,
            clock: Clock::new(plan),
            plan,
            group,
            entries: Vec::new(),
        };
        fate.of_group();
        entries.append(&mut fate.entries);
    }
    entries
}

struct Fate<'p> {
    c: Chooser,
    clock: Clock,
    plan: &'p Plan,
    group: &'p Group,
    entries: Vec<Entry>,
}

impl Fate<'_> {
    fn of_group(&mut self) {
        let traits = self.plan.traits;
        if traits.comings {
            for _ in 0..self.c.below(6) {
                self.coming();
            }
        }
        for member in 1..=self.group.members {
            let name = format!("{}/{member}", self.group.name);
            if traits.silences {
                self.silence(&name);
            }
            if traits.links {
                self.trouble(&name);
            }
        }
        if traits.filters && self.group.delivery != Delivery::Push && self.c.percent(40) {
            self.subscribe();
        }
        if traits.listeners && self.c.percent(40) {
            let (service, failure) = listeners::change(&mut self.c, self.group, self.plan);
            let members = self.members();
            self.add(
                "setListener",
                members,
                [("service", service), ("failure", failure)],
            );
        }
        if traits.remedies {
            for _ in 0..self.c.below(3) {
                let (members, threads) = (self.members(), self.c.within(1, 40));
                self.add("setThreads", members, [("threads", threads.into())]);
            }
        }
    }

    /// One member, or all of them.
    fn members(&mut self) -> String {
        match self.c.percent(15) {
            true => format!("{}/*", self.group.name),
            false => format!("{}/{}", self.group.name, self.c.within(1, self.group.members + 1)),
        }
    }

    fn add<const N: usize>(
        &mut self,
        action: &str,
        target: impl Into<Value>,
        with: [(&str, Value); N],
    ) -> u64 {
        let at = self.clock.instant(&mut self.c);
        self.entries.push(entry(at, action, target, with));
        at
    }

    fn coming(&mut self) {
        let members = self.members();
        let every = given(members.ends_with('*') && self.c.percent(50), || {
            span(self.c.pick(&[100, 1_000]))
        });
        match self.c.below(6) {
            0 | 1 => {
                let count = given(self.c.percent(20), || 2);
                self.add("join", self.group.name.as_str(), [("count", count)]);
            }
            2 => _ = self.add("leave", members, [("every", every)]),
            3 => _ = self.add("kill", members, [("every", every)]),
            _ => {
                let shutdown = self.c.pick(&["graceful", "kill", "vanish"]);
                let id = self.c.pick(&["newProcess", "keep", "newHost"]);
                let down = self.c.pick(&[0, 1, 500, 5_000, 15_000]);
                let with = [
                    ("every", every),
                    ("downFor", span(down)),
                    ("shutdown", shutdown.into()),
                    ("clientId", id.into()),
                ];
                self.add("restart", members, with);
            }
        }
    }

    /// A process stops and goes on, or its host is lost.
    fn silence(&mut self, member: &str) {
        if self.c.percent(15) {
            self.add("vanish", member, []);
        }
        if !self.c.percent(35) {
            return;
        }
        let long = [
            100, 1_000, 5_000, 20_000, 32_000, 70_000, 110_000, 125_000, 150_000, LONGEST,
        ];
        let long = self.c.pick(&long);
        match self.c.below(20) {
            // It never goes on.
            0..3 => _ = self.add("pause", member, []),
            3..7 => {
                let at = self.add("pause", member, []);
                let again = (at + long).min(self.clock.end - 1);
                self.entries.push(entry(again, "resume", member, []));
            }
            _ => _ = self.add("pause", member, [("for", span(long))]),
        }
    }

    /// Links are cut. They are healed, or never; then the client dies too, because it would wait for ever.
    fn trouble(&mut self, member: &str) {
        if self.c.percent(35) {
            let from = self.servers();
            let long = [
                100, 1_000, 2_500, 3_500, 8_000, 20_000, 33_000, 60_000, 100_000, 125_000, 150_000,
            ];
            let long = self.c.pick(&long);
            if self.c.percent(85) {
                self.add("partition", member, [("from", from), ("for", span(long))]);
            } else {
                let at = self.add("partition", member, [("from", from)]);
                let end = self.c.pick(&["kill", "vanish"]);
                let later = self
                    .c
                    .within(at, self.plan.unrest.max(at))
                    .min(self.clock.end - 1);
                self.entries.push(entry(later, end, member, []));
            }
        }
        if self.c.percent(20) {
            let from = self.servers();
            let by = self.c.pick(&[1, 100, 700, 1_400, 1_600, 2_900, 5_000]);
            let long = self.c.pick(&[1_000, 10_000, 40_000, 140_000]);
            self.add(
                "slow",
                member,
                [("from", from), ("by", span(by)), ("for", span(long))],
            );
        }
    }

    fn servers(&mut self) -> Value {
        let topology = &self.plan.topology;
        let name_server = match topology.name_servers {
            1 => "nameserver",
            _ => "nameserver-1",
        };
        match self.c.below(6) {
            0 | 1 => "*".into(),
            2 => "brokers".into(),
            3 => "nameservers".into(),
            4 => {
                let broker = self.c.pick(&topology.brokers);
                vec![broker, name_server.to_owned()].into()
            }
            _ => self.c.pick(&topology.brokers).into(),
        }
    }

    fn subscribe(&mut self) {
        let topics = self.group.topic_names(self.plan);
        let topic = self.c.pick(&topics);
        let wanted = groups::expression(&mut self.c);
        let subscription: Map<String, Value> = [(topic, wanted)].into_iter().collect();
        let members = self.members();
        self.add("subscribe", members, [("subscription", subscription.into())]);
    }
}
