//! Who holds what, and how fast the others react.

use crate::field::rebuild::{LOADING, at, cluster, consumer, end, messages, recorded_map, run};
use crate::field::scenario_file::through_file;
use crate::field::{Recording, Verdict, list, number, text};
use rmqsim::cluster::fact::Fact;
use rmqsim::cluster::producer::workload::Arrivals;
use std::collections::BTreeMap;

/// Joins, a leave and a kill, one after another.
pub fn steps(recording: &Recording) -> Verdict {
    let steps = list(recording.derived("steps"));
    let times: Vec<u64> = steps.iter().map(|step| number(&step["t_ms"])).collect();
    let last = times.last().expect("there are steps") + 8_000;
    let mut config = cluster(recording, 0, last);
    let subject = |step: &serde_json::Value| {
        text(&step["step"])
            .rsplit(' ')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let mut names = Vec::new();
    for (step, time) in steps.iter().zip(&times) {
        let name = subject(step);
        match text(&step["step"]) {
            join if join.starts_with("join") => {
                // What is recorded is its first heartbeat.
                consumer(&mut config, &name, time.saturating_sub(LOADING), 20, 0);
                names.push(name);
            }
            other => {
                let position = names
                    .iter()
                    .position(|known| *known == name)
                    .expect("it joined before");
                end(&mut config, *time, position as u32, other.starts_with("graceful"));
            }
        }
    }
    let run = run(&through_file(recording, None, &config));

    let mut verdict = Verdict::default();
    let brokers = list(recording.setup("brokers")).len();
    let stable = if brokers == 1 { 1000 } else { 1500 };
    for (position, step) in steps.iter().enumerate() {
        let what = text(&step["step"]);
        let until = times.get(position + 1).copied().unwrap_or(last);
        let changes = run.changes_within(at(times[position]), at(until));
        verdict.same(
            format!("{what}, final map"),
            recorded_map(&step["final_map"]),
            run.map(at(until)),
        );
        let recorded = &step["last_change_after_ms"];
        let slowest = changes.iter().map(|(after, _)| *after).max().unwrap_or(0);
        verdict.within(
            format!("{what}, ms until stable"),
            recorded,
            slowest,
            0..=stable - 1,
        );
        let name = subject(step);
        let first = changes
            .iter()
            .filter(|(_, who)| *who != name)
            .map(|(after, _)| *after)
            .min();
        let seen = list(&step["changes"]).iter().find(|change| change[1] != *name);
        match (first, seen) {
            (Some(first), Some(seen)) if brokers == 1 => {
                verdict.within(
                    format!("{what}, survivors' first change, ms"),
                    &seen[0],
                    first,
                    0..=150,
                );
            }
            _ => verdict.same(
                format!("{what}, survivors change"),
                seen.is_some(),
                first.is_some(),
            ),
        }
    }
    verdict
}

/// A growing group, and some rounds of messages for some sizes.
pub fn skew(recording: &Recording) -> Verdict {
    let starts = recording.timeline("start_consumer");
    let sends = recording.timeline("send");
    let duration = number(&sends.last().expect("messages are sent")["t_ms"]) + 10_000;
    let mut config = cluster(recording, 0, duration);
    let mut ready = Vec::new();
    for start in &starts {
        let name = text(&start["consumer"]);
        let started = recording
            .seen("consumer_started", name)
            .next()
            .expect("it starts");
        ready.push(number(&started["t_ms"]));
        consumer(&mut config, name, number(&started["t_ms"]) - LOADING, 20, 0);
    }
    for send in &sends {
        messages(
            &mut config,
            number(&send["t_ms"]),
            number(&send["n"]),
            Arrivals::AtOnce,
        );
    }
    let run = run(&through_file(recording, None, &config));

    let mut verdict = Verdict::default();
    for (size, map) in recording.derived("map_by_size").as_object().into_iter().flatten() {
        let members: usize = size.parse().expect("a size");
        let next = ready.get(members).copied().unwrap_or(duration);
        verdict.same(format!("map of {size}"), recorded_map(map), run.map(at(next)));
    }
    let delivered = run.select(|fact| match fact {
        Fact::Delivered {
            consumer, message, ..
        } => Some((*consumer, message.producer())),
        _ => None,
    });
    for (position, send) in sends.iter().enumerate() {
        let size = number(&send["consumers"]);
        let recorded = &recording.derived("counts")[size.to_string()]["per_consumer"];
        let recorded: BTreeMap<String, u64> = recorded
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, n)| (name.clone(), number(n)))
            .collect();
        let mut found: BTreeMap<String, u64> = recorded.keys().map(|name| (name.clone(), 0)).collect();
        for (_, (consumer, producer)) in &delivered {
            if producer.index() == position {
                *found.entry(run.consumer(*consumer).to_owned()).or_default() += 1;
            }
        }
        verdict.same(format!("messages of each of {size}"), recorded, found);
    }
    verdict
}
