//! What is delivered twice when a consumer with a backlog is killed, leaves, or is joined by another.

use crate::field::account::nobody_got;
use crate::field::rebuild::{cluster, consumer, created, end, group_of, messages};
use crate::field::recording::{Recording, entries, number, text};
use crate::field::run::{Deed, Delivery, Run, at, simulate};
use crate::field::scenario_file::as_scenario;
use crate::field::verdict::{Class, Measure, Subject, Verdict, span};
use rmqsim::cluster::config::{ClusterConfig, Millis};
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::time::{SimDuration, SimTime};
use serde_json::Value;
use std::collections::BTreeMap;

const LOST: Measure = Measure::new(Subject::Backlog, "messages that nobody got", Class::Exact);
const MADE: Measure = Measure::new(Subject::Backlog, "what happens", Class::Input);
const KILL: Measure = Measure::new(Subject::Backlog, "duplicates after a kill", Class::DuplicatesKill);
const HAD: Measure = Measure::new(
    Subject::Backlog,
    "deliveries to the one that is killed",
    Class::Derived,
);
const LEAVE: Measure = Measure::new(
    Subject::Backlog,
    "duplicates after a graceful leave",
    Class::DuplicatesMove,
);
const JOIN: Measure = Measure::new(Subject::Backlog, "duplicates after a join", Class::DuplicatesMove);
const COMMITTED: Measure = Measure::new(
    Subject::Backlog,
    "committed of the queues of the one that is gone",
    Class::CommittedOffset,
);
const REACTION: Measure = Measure::new(Subject::Backlog, "reaction of the other, ms", Class::Reaction);

const FIRST_PULLS: &str = "of a client that dies within 5 s, brokers know what its pulls told before its cache was full: some tens \
    of the messages of the queues that came first, which need not be these, and more the slower the pulls of a busy machine";

/// The backlog is there at this time, ms; consumers start as long after it as they did.
const BASE: u64 = 2_000;

/// What is done to the group, or a join if nothing is.
fn action(recording: &Recording) -> Deed {
    let has = |action| !recording.timeline(action).is_empty();
    match () {
        () if has("kill_9") => Deed::Dies,
        () if has("graceful_shutdown") => Deed::Leaves,
        () => Deed::Joins,
    }
}

pub fn judge(recording: &Recording, runs: &[Run<'_>], verdict: &mut Verdict) {
    let action = action(recording);
    let threads = number(recording.setup("consume_threads")) as f64;
    let measured = |(number_of, run): (usize, &Run<'_>)| one(recording, number_of, run, action, verdict);
    let of_repeats: Vec<(u64, u64)> = runs.iter().enumerate().filter_map(measured).collect();
    // The spread of the repeats is part of what was recorded.
    let Some((least, most)) = span(of_repeats.iter().map(|(recorded, _)| *recorded)) else {
        return;
    };
    let half = (least / 2) as f64;
    let (measure, allowed) = match action {
        // What the dead one was not given cannot come again.
        Deed::Dies => {
            let given = can_be_given(recording).unwrap_or(f64::MAX);
            (KILL, half..=given.min((2 * most) as f64))
        }
        // All threads are busy when it leaves: what they have at hand comes again. At a join a queue may move between two calls.
        Deed::Leaves => (LEAVE, half..=2.0 * threads),
        _ => (JOIN, 0.0..=2.0 * threads),
    };
    for (number_of, (recorded, found)) in of_repeats.into_iter().enumerate() {
        verdict.within(
            measure,
            repeat(number_of),
            &recorded,
            found as f64,
            allowed.clone(),
        );
    }
}

fn repeat(number: usize) -> String {
    format!("repeat {number}")
}

/// Duplicates of one repeat, recorded and found, in the queues that the action moved. What a race between two starts
/// repeated elsewhere is another matter.
fn one(
    recording: &Recording,
    number_of: usize,
    run: &Run<'_>,
    action: Deed,
    verdict: &mut Verdict,
) -> Option<(u64, u64)> {
    let seen = &recording.repeats()[number_of];
    let deeds = run.deeds();
    // The join in question is the second.
    let nth = usize::from(action == Deed::Joins);
    let done = deeds
        .iter()
        .filter(|(_, deed, _)| *deed == action)
        .nth(nth)
        .cloned();
    verdict.same(
        MADE,
        repeat(number_of),
        Some(action),
        done.as_ref().map(|(_, deed, _)| *deed),
    );
    let (time, _, who) = done?;
    let deliveries = deliveries(run);
    let lost = nobody_got(run, deliveries.len());
    verdict.same(LOST, repeat(number_of), seen["lost"].as_i64(), Some(lost));

    let when = if action == Deed::Joins { SimTime::MAX } else { time };
    let moved = run.map(when).remove(&who).unwrap_or_default();
    let recorded: u64 = entries(&seen["per_queue"])
        .filter(|(queue, _)| moved.iter().any(|moved| moved == queue))
        .map(|(_, counts)| number(&counts["dup"]))
        .sum();
    let again = deliveries.iter().filter(|((queue, _), _)| moved.contains(queue));
    let found = again.map(|(_, by)| by.len() as u64 - 1).sum::<u64>();
    if action == Deed::Dies {
        let taken = deliveries.values().flatten().filter(|of| of.who == who).count();
        had(recording, number_of, taken, verdict);
    }
    if action != Deed::Joins {
        committed(recording, run, (number_of, time), &moved, verdict);
        let changes = run.changes_within(time, SimTime::MAX);
        let first = changes
            .iter()
            .find(|(_, of)| *of != who)
            .map_or(f64::MAX, |(after, _)| *after);
        let reacted = &seen["assign_changes_of_c2_after_action_ms"][0];
        verdict.within(REACTION, repeat(number_of), reacted, first, 1.0..=150.0);
    }
    Some((recorded, found))
}

/// What a consumer can be given from its first delivery to the action, if its threads never rest.
fn can_be_given(recording: &Recording) -> Option<f64> {
    let of = |key: &str| recording.setup(key).as_f64();
    let rounds = of("action_after_first_delivery_ms")? / of("consume_cost_ms")?;
    Some(of("consume_threads")? * (rounds + 1.0))
}

/// What it was given before it died. Sleeps of the busy recorded machine took up to a fifth longer than they should.
fn had(recording: &Recording, number_of: usize, taken: usize, verdict: &mut Verdict) {
    let recorded = &recording.repeats()[number_of]["delivered_to_c1_total"];
    if let Some((seen, most)) = recorded.as_f64().zip(can_be_given(recording)) {
        let allowed = seen.min(0.8 * most).floor()..=most;
        verdict.within(HAD, repeat(number_of), recorded, taken as f64, allowed);
    }
}

/// What was committed of the queues of the one that is gone. One that leaves commits all that is done; of one that dies,
/// brokers know what its first pulls told, as the next save would have come later.
fn committed(
    recording: &Recording,
    run: &Run<'_>,
    (number_of, time): (usize, SimTime),
    moved: &[String],
    verdict: &mut Verdict,
) {
    let of_look = |look: &Value| -> u64 {
        let of_queue = |queue: &String| look["stats"][queue][1].as_u64();
        moved.iter().filter_map(of_queue).sum()
    };
    let looks: Vec<&Value> = recording.observations("committed_after_action").collect();
    let is_mine = |look: &&&Value| look["repeat"].as_u64() == Some(number_of as u64);
    let (Some(mine), Some((least, most))) = (
        looks.iter().rfind(is_mine),
        span(looks.iter().map(|look| of_look(look))),
    ) else {
        return;
    };
    // Both looked some 100 ms later, before the next owner has told of its own progress.
    let found = run.committed(time + SimDuration::from_millis(100));
    let found: u64 = moved.iter().filter_map(|queue| found.get(queue)).sum();
    let (least, most) = (least as f64, most as f64);
    let (detail, seen, found) = (repeat(number_of), of_look(mine), found as f64);
    if action(recording) == Deed::Leaves {
        let allowed = (0.8 * least).floor()..=(1.25 * most).ceil();
        verdict.within(COMMITTED, detail, &seen, found, allowed);
    } else {
        let letter = (least / 2.0).floor()..=2.0 * most;
        let wide = 0.0..=2.0 * most;
        verdict.explained(COMMITTED, detail, &seen, found, letter, wide, FIRST_PULLS);
    }
}

/// Who was given each record, by queue and offset.
fn deliveries(run: &Run<'_>) -> BTreeMap<(String, u64), Vec<Delivery>> {
    let mut by_record = BTreeMap::<(String, u64), Vec<Delivery>>::new();
    for delivery in run.deliveries() {
        let record = (delivery.queue.clone(), delivery.offset);
        by_record.entry(record).or_default().push(delivery);
    }
    by_record
}

/// One repeat: two consumers, and the action that follows the first delivery to c1 after the recorded time.
pub fn build(recording: &Recording, repeat: usize) -> ClusterConfig {
    let action = action(recording);
    let of_repeat = |entry: &Value| number(&entry["repeat"]) == repeat as u64;
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
    if action == Deed::Joins {
        let name = format!("c2r{repeat}");
        let joined = recording.timeline("start_second").into_iter();
        let joined = joined
            .filter(|e| text(&e["consumer"]) == name)
            .map(|e| number(&e["t_ms"]));
        let delay = when("c2") - joined.max().expect("c2 joins");
        let joins = action_time(recording, &config);
        consumer(&mut config, "c2", joins + delay, threads, cost);
    } else {
        consumer(&mut config, "c2", BASE + when("c2") - backlog_at, threads, cost);
        let ends = action_time(recording, &config);
        end(&mut config, ends, 0, action == Deed::Leaves);
    }
    config
}

/// A set time after the first delivery to c1, in whole ms.
fn action_time(recording: &Recording, config: &ClusterConfig) -> u64 {
    let config = as_scenario(recording, config);
    let facts = simulate(&config);
    let run = Run::of(&config, &facts, group_of(&config, recording, 0), &[], &[]);
    let deliveries = run.deliveries();
    let first = deliveries.first().map_or(at(0), |delivery| delivery.time);
    first.since(SimTime::ZERO).as_millis() + number(recording.setup("action_after_first_delivery_ms"))
}
