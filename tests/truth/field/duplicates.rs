//! What is delivered twice when a consumer with a backlog is killed, leaves, or is joined by another.

use crate::field::rebuild::{Run, at, cluster, consumer, created, end, messages, run};
use crate::field::scenario_file::{as_scenario, through_file};
use crate::field::{Recording, Verdict, list, number, text};
use rmqsim::cluster::config::{ClusterConfig, Millis};
use rmqsim::cluster::fact::Fact;
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::time::SimTime;
use std::collections::BTreeMap;

/// The backlog is there at this time, ms; consumers start as long after it as they did.
const BASE: u64 = 2_000;

pub fn judge(recording: &Recording) -> Verdict {
    let kind = recording.id.trim_start_matches("v498-");
    let threads = number(recording.setup("consume_threads"));
    let repeats = list(recording.derived("repeats"));
    let mut verdict = Verdict::default();
    let (mut recorded, mut found) = (Vec::new(), Vec::new());
    for (number_of, repeat) in repeats.iter().enumerate() {
        let run = repeat_run(recording, number_of, kind);
        let action = action_time(recording, &run);
        let deliveries = deliveries(&run);
        let lost = number(recording.setup("backlog")) - deliveries.len() as u64;
        verdict.same(format!("repeat {number_of}, lost"), number(&repeat["lost"]), lost);

        // Queues that the action moved. What a race between the two starts repeated elsewhere is another matter.
        let (who, when) = if kind.starts_with("dup-join") {
            ("c2", SimTime::MAX)
        } else {
            ("c1", action)
        };
        let moved = run.map(when).remove(who).expect("it holds queues");
        let deliveries: Vec<_> = deliveries.into_iter().collect();
        let seen: u64 = moved
            .iter()
            .map(|queue| number(&repeat["per_queue"][queue]["dup"]))
            .sum();
        recorded.push(seen);
        let again = deliveries.iter().filter(|((queue, _), _)| moved.contains(queue));
        found.push(again.map(|(_, by)| by.len() as u64 - 1).sum::<u64>());

        if kind.starts_with("dup-kill") {
            let taken = deliveries
                .iter()
                .flat_map(|(_, by)| by)
                .filter(|who| **who == "c1")
                .count() as u64;
            let what = format!("repeat {number_of}, duplicates, no more than c1 had");
            verdict.within(
                what,
                repeat["delivered_to_c1_total"].as_u64(),
                found[number_of],
                0..=taken,
            );
        }
        if !kind.starts_with("dup-join") {
            let first = run.changes_within(action, SimTime::MAX);
            let first = first
                .iter()
                .find(|(_, who)| who == "c2")
                .map_or(u64::MAX, |(after, _)| *after);
            let seen = &repeat["assign_changes_of_c2_after_action_ms"][0];
            verdict.within(
                format!("repeat {number_of}, reaction of c2, ms"),
                seen,
                first,
                0..=150,
            );
        }
    }
    // The spread of the repeats is part of what was recorded.
    let least = recorded.iter().min().copied().unwrap_or(0);
    let most = recorded.iter().max().copied().unwrap_or(0);
    let allowed = if kind.starts_with("dup-kill") {
        least / 2..=2 * most
    } else {
        0..=2 * threads
    };
    for (number_of, found) in found.into_iter().enumerate() {
        verdict.within(
            format!("repeat {number_of}, duplicates"),
            &recorded,
            found,
            allowed.clone(),
        );
    }
    verdict
}

/// One repeat: two consumers, and the action that follows the first delivery to c1 after the recorded time.
fn repeat_run(recording: &Recording, repeat: usize, kind: &str) -> Run {
    let of_repeat = |entry: &serde_json::Value| number(&entry["repeat"]) == repeat as u64;
    let sent = recording
        .timeline("backlog_sent")
        .into_iter()
        .find(|e| of_repeat(e))
        .expect("sent");
    let backlog_at = number(&sent["t_ms"]);
    let when = |name: &str| created(recording, &format!("{name}r{repeat}"));
    let mut config = cluster(recording, repeat, 120_000);
    messages(
        &mut config,
        0,
        number(recording.setup("backlog")),
        Arrivals::AtOnce,
    );
    if !recording.is_4_9 {
        // How long c2 takes to its first heartbeat decides whether c1 meets it in its first round.
        let name = format!("c2r{repeat}");
        let started = recording.seen("consumer_started", &name).next();
        let started = number(&started.expect("c2 starts")["t_ms"]);
        let loading = started.saturating_sub(created(recording, &name));
        config.groups[0].tuning.startup_time = Millis(loading);
    }
    let threads = number(recording.setup("consume_threads")) as u32;
    let cost = number(recording.setup("consume_cost_ms"));
    consumer(&mut config, "c1", BASE + when("c1") - backlog_at, threads, cost);
    let first = |config: &ClusterConfig| {
        action_time(recording, &run(&as_scenario(recording, config)))
            .since(SimTime::ZERO)
            .as_millis()
    };
    if kind.starts_with("dup-join") {
        let joined = recording.timeline("start_second").into_iter();
        let name = format!("c2r{repeat}");
        let joined = joined
            .filter(|e| text(&e["consumer"]) == name)
            .map(|e| number(&e["t_ms"]));
        let delay = when("c2") - joined.max().expect("c2 joins");
        let action = first(&config);
        consumer(&mut config, "c2", action + delay, threads, cost);
    } else {
        consumer(&mut config, "c2", BASE + when("c2") - backlog_at, threads, cost);
        let action = first(&config);
        end(&mut config, action, 0, kind.starts_with("dup-graceful"));
    }
    run(&through_file(recording, Some(repeat), &config))
}

/// A set time after the first delivery to c1, in whole ms.
fn action_time(recording: &Recording, run: &Run) -> SimTime {
    let first = run
        .facts
        .iter()
        .find(|(_, fact)| matches!(fact, Fact::Delivered { .. }));
    let first = first
        .expect("something is delivered")
        .0
        .since(SimTime::ZERO)
        .as_millis();
    at(first + number(recording.setup("action_after_first_delivery_ms")))
}

/// Who was given each record, by queue and offset.
fn deliveries(run: &Run) -> BTreeMap<(String, u64), Vec<&str>> {
    let mut by_record = BTreeMap::<(String, u64), Vec<&str>>::new();
    let delivered = run.select(|fact| match fact {
        Fact::Delivered {
            consumer,
            queue,
            offset,
            ..
        } => Some((*queue, *offset, *consumer)),
        _ => None,
    });
    for (_, (queue, offset, consumer)) in delivered {
        by_record
            .entry((run.queue(queue), offset))
            .or_default()
            .push(run.consumer(consumer));
    }
    by_record
}
