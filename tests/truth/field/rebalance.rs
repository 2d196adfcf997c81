//! Who holds what, and how fast the others react.

use crate::field::rebuild::{LOADING, cluster, consumer, end, messages, recorded_map};
use crate::field::recording::{Recording, entries, list, number, text};
use crate::field::run::{Deed, Run, at};
use crate::field::verdict::{Class, Measure, Subject, Verdict};
use rmqsim::cluster::config::ClusterConfig;
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::time::SimTime;
use serde_json::Value;
use std::collections::BTreeMap;

const STEP: Measure = Measure::new(Subject::Membership, "who does what in each step", Class::Input);
const MAP: Measure = Measure::new(
    Subject::Membership,
    "queue → client map after each step",
    Class::Exact,
);
const FIRST: Measure = Measure::new(
    Subject::Membership,
    "survivors' first change, one broker, ms",
    Class::Reaction,
);
const REACTS: Measure = Measure::new(
    Subject::Membership,
    "whether survivors change at all",
    Class::Exact,
);
const STABLE: Measure = Measure::new(Subject::Membership, "until the map is stable, ms", Class::Stable);
const MAP_OF_SIZE: Measure = Measure::new(
    Subject::Membership,
    "map of each size of a growing group",
    Class::Exact,
);
const SHARES: Measure = Measure::new(Subject::Membership, "messages of each consumer", Class::Exact);

/// Who a step is about: the last word of its name.
fn subject(step: &Value) -> String {
    text(&step["step"])
        .rsplit(' ')
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn deed(step: &Value) -> Deed {
    match text(&step["step"]) {
        step if step.starts_with("join") => Deed::Joins,
        step if step.starts_with("graceful") => Deed::Leaves,
        _ => Deed::Dies,
    }
}

/// Joins, a leave and a kill, one after another.
pub fn build_steps(recording: &Recording, _: usize) -> ClusterConfig {
    let steps = list(recording.derived("steps"));
    let last = steps.last().map_or(0, |step| number(&step["t_ms"]));
    let mut config = cluster(recording, 0, last + 8_000);
    let mut names: Vec<String> = Vec::new();
    for step in steps {
        let (name, time) = (subject(step), number(&step["t_ms"]));
        if deed(step) == Deed::Joins {
            // What is recorded is its first heartbeat.
            consumer(&mut config, &name, time.saturating_sub(LOADING), 20, 0);
            names.push(name);
        } else {
            let position = names
                .iter()
                .position(|known| *known == name)
                .expect("it joined before");
            end(&mut config, time, position as u32, deed(step) == Deed::Leaves);
        }
    }
    config
}

pub fn judge_steps(recording: &Recording, runs: &[Run<'_>], verdict: &mut Verdict) {
    let run = &runs[0];
    let steps = list(recording.derived("steps"));
    let deeds = run.deeds();
    let one_broker = list(recording.setup("brokers")).len() == 1;
    let stable = if one_broker { 1000.0 } else { 1500.0 };
    for (position, step) in steps.iter().enumerate() {
        let what = text(&step["step"]);
        let name = subject(step);
        let done = deeds.get(position).map(|(_, deed, who)| (*deed, who.clone()));
        verdict.same(STEP, what, Some((deed(step), name.clone())), done);
        let Some((from, ..)) = deeds.get(position) else {
            continue;
        };
        let until = deeds.get(position + 1).map_or(run.end(), |(time, ..)| *time);
        let changes = run.changes_within(*from, until);
        verdict.same(MAP, what, recorded_map(&step["final_map"]), run.map(until));
        let slowest = changes.iter().map(|(after, _)| *after).fold(0.0, f64::max);
        let recorded = &step["last_change_after_ms"];
        // A step that moves nothing is stable at once; no other is.
        let least = f64::from(u8::from(recorded.as_f64() > Some(0.0)));
        verdict.within(STABLE, what, recorded, slowest, least..=stable - 1.0);
        let first = changes
            .iter()
            .find(|(_, who)| *who != name)
            .map(|(after, _)| *after);
        let seen = list(&step["changes"]).iter().find(|change| change[1] != *name);
        match (first, seen) {
            (Some(first), Some(seen)) if one_broker => {
                verdict.within(FIRST, what, &seen[0], first, 1.0..=150.0);
            }
            _ => verdict.same(REACTS, what, seen.is_some(), first.is_some()),
        }
    }
}

/// A growing group, and some rounds of messages for some sizes.
pub fn build_growth(recording: &Recording, _: usize) -> ClusterConfig {
    let sends = recording.timeline("send");
    let duration = sends.last().map_or(0, |send| number(&send["t_ms"])) + 10_000;
    let mut config = cluster(recording, 0, duration);
    for start in recording.timeline("start_consumer") {
        let name = text(&start["consumer"]);
        let started = recording
            .seen("consumer_started", name)
            .next()
            .expect("it starts");
        consumer(&mut config, name, number(&started["t_ms"]) - LOADING, 20, 0);
    }
    for send in &sends {
        let (time, count) = (number(&send["t_ms"]), number(&send["n"]));
        messages(&mut config, time, count, Arrivals::AtOnce);
    }
    config
}

pub fn judge_growth(recording: &Recording, runs: &[Run<'_>], verdict: &mut Verdict) {
    let run = &runs[0];
    let joins: Vec<SimTime> = run.deeds().into_iter().map(|(time, ..)| time).collect();
    // From when to when the group has this size.
    let of_size = |size: usize| {
        let from = joins.get(size.saturating_sub(1)).copied();
        from.map(|from| (from, joins.get(size).copied().unwrap_or(run.end())))
    };
    for (size, map) in entries(recording.derived("map_by_size")) {
        let members = size.parse().unwrap_or(0);
        let found = of_size(members).map(|(_, until)| run.map(until));
        verdict.same(MAP_OF_SIZE, size, Some(recorded_map(map)), found);
    }
    let deliveries = run.deliveries();
    for (size, counts) in entries(recording.derived("counts")) {
        let recorded: BTreeMap<String, u64> = entries(&counts["per_consumer"])
            .map(|(name, n)| (name.to_owned(), number(n)))
            .collect();
        let mut found: BTreeMap<String, u64> = recorded.keys().map(|name| (name.clone(), 0)).collect();
        let (from, until) = of_size(size.parse().unwrap_or(0)).unwrap_or((at(0), at(0)));
        for delivery in deliveries.iter().filter(|d| (from..until).contains(&d.born)) {
            *found.entry(delivery.who.clone()).or_default() += 1;
        }
        verdict.same(SHARES, format!("of {size}"), recorded, found);
    }
}
