//! Locks of ordered queues that change hands: a second consumer joins, or the first of two is killed.

use crate::field::account::{missing, nobody_got};
use crate::field::orderly::{consumers, orderly};
use crate::field::rebuild::{created, end, messages, recorded_map};
use crate::field::recording::{Recording, list, number, text};
use crate::field::run::{Deed, Delivery, Run, millis_between};
use crate::field::verdict::{Class, Measure, Subject, Verdict};
use rmqsim::cluster::config::{ClusterConfig, Millis};
use rmqsim::cluster::fact::Fact;
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::time::{SimDuration, SimTime};
use serde_json::Value;
use std::collections::BTreeMap;

const MADE: Measure = Measure::new(Subject::Orderly, "what happens to the owner", Class::Input);
const MAPS: Measure = Measure::new(Subject::Orderly, "map before and in the end", Class::Exact);
const LOST: Measure = Measure::new(Subject::Orderly, "messages that nobody got", Class::Exact);
const ORDER: Measure = Measure::new(
    Subject::Orderly,
    "deliveries below an offset delivered before",
    Class::Exact,
);
const KILL: Measure = Measure::new(Subject::Orderly, "duplicates after a kill", Class::DuplicatesKill);
const MOVE: Measure = Measure::new(Subject::Orderly, "duplicates after a join", Class::DuplicatesMove);
const TAKEN: Measure = Measure::new(
    Subject::Orderly,
    "queue taken, ms after the dead owner's last renewal",
    Class::LockExpiry,
);
const AGAIN: Measure = Measure::new(
    Subject::Orderly,
    "delivered again, ms after the kill",
    Class::LockExpiry,
);
const RESTS: Measure = Measure::new(
    Subject::Orderly,
    "a queue that is given back rests, ms",
    Class::Derived,
);

const ROUND: &str = "a client asks for the locks one request after another, so its round takes some 10 ms beyond the \
    second that it waits; the letter is the time of the first request";

pub fn build(recording: &Recording, _: usize) -> ClusterConfig {
    let producing = &recording.timeline("producer_start")[0];
    let (start, sent) = (number(&producing["t_ms"]), number(&producing["n"]));
    let interval = number(recording.setup("producer_interval_ms"));
    let last = list(&recording.json["observations"])
        .last()
        .expect("it was observed");
    let mut config = orderly(recording, number(&last["t_ms"]));
    consumers(recording, &mut config, number(recording.setup("consume_cost_ms")));
    for name in recording.consumers() {
        let ready = recording
            .seen("consumer_started", &name)
            .next()
            .expect("it starts");
        let loading = number(&ready["t_ms"]).saturating_sub(created(recording, &name));
        // One setting for all: that of the one who comes last, as the first has nobody to meet.
        config.groups[0].tuning.startup_time = Millis(loading.max(1));
    }
    let gap = SimDuration::from_millis(interval);
    messages(&mut config, start, sent, Arrivals::Constant { gap });
    if !recording.timeline("kill_9").is_empty() {
        end(&mut config, number(recording.derived("t_action")), 0, false);
    }
    config
}

pub fn judge(recording: &Recording, runs: &[Run<'_>], verdict: &mut Verdict) {
    let run = &runs[0];
    let kills = !recording.timeline("kill_9").is_empty();
    let deed = if kills { Deed::Dies } else { Deed::Joins };
    let joined = recording.json["timeline"].as_array().into_iter().flatten();
    let joined = joined.filter(|entry| entry["action"] == "start_consumer").count();
    let nth = if kills { 0 } else { joined - 1 };
    let found = run.deeds().into_iter().filter(|(_, of, _)| *of == deed).nth(nth);
    verdict.same(MADE, "", Some(deed), found.as_ref().map(|(_, deed, _)| *deed));
    let Some((action, ..)) = found else {
        return;
    };
    let (before, after) = (recording.derived("map_before"), recording.derived("map_end"));
    verdict.same(MAPS, "before", recorded_map(before), run.map(action));
    verdict.same(MAPS, "in the end", recorded_map(after), run.map(run.end()));
    let deliveries = run.deliveries();
    let mut by_record = BTreeMap::<(&str, u64), u64>::new();
    let mut regressions = 0;
    let mut highest = BTreeMap::<&str, u64>::new();
    for delivery in deliveries.iter().filter(|d| d.of_user) {
        *by_record.entry((&delivery.queue, delivery.offset)).or_default() += 1;
        let top = highest.entry(&delivery.queue).or_default();
        regressions += u64::from(delivery.offset < *top);
        *top = (*top).max(delivery.offset);
    }
    let lost = missing(recording.derived("sent"), recording.derived("distinct_consumed"));
    verdict.same(LOST, "", lost, Some(nobody_got(run, by_record.len())));
    verdict.same(
        ORDER,
        "",
        number(recording.derived("offset_regressions")),
        regressions,
    );
    let again: u64 = by_record.values().map(|times| times - 1).sum();
    let recorded = recording.derived("duplicates");
    let seen = number(recorded) as f64;
    if kills {
        let allowed = (seen / 2.0).floor()..=2.0 * seen;
        verdict.within(KILL, "", recorded, again as f64, allowed);
        taken_when_the_lock_expires(recording, run, action, &deliveries, verdict);
    } else {
        // A queue in order has one message at its listener: that one may come again, of each queue that moves.
        let moved = list(recording.derived("moved_queues")).len() as f64;
        verdict.within(MOVE, "", recorded, again as f64, 0.0..=moved);
        given_back(recording, action, &deliveries, verdict);
    }
}

/// The dead owner renewed its locks every 20 s; 60 s after the last time they are free, and asked for every second, or
/// in 4.9 every 20 s.
fn taken_when_the_lock_expires(
    recording: &Recording,
    run: &Run<'_>,
    action: SimTime,
    deliveries: &[Delivery],
    verdict: &mut Verdict,
) {
    let locks = run.select(|fact| match fact {
        Fact::QueueLocked { consumer, queue } if run.is_user(*queue) => {
            Some((run.consumer(*consumer).to_owned(), run.queue(*queue)))
        }
        _ => None,
    });
    let Some((_, dead)) = run.first(Deed::Dies) else {
        return;
    };
    let wait = if recording.is_4_9 { 20_000.0 } else { 1_000.0 };
    let recorded_action = number(recording.derived("t_action"));
    let renewals = recording.rows("client_rpcs").filter(|row| {
        *row.get("consumer") == *dead
            && *row.get("request_code") == 41
            && row.get("t_ms").as_u64() < Some(recorded_action)
    });
    let last_renewal = renewals.map(|row| number(row.get("t_ms"))).max();
    let first = recording.derived("first_delivery_on_new_owner_ms_after_action");
    for queue in list(recording.derived("moved_queues")) {
        let queue = text(queue);
        let mine = locks.iter().filter(|(_, lock)| lock.1 == queue);
        let renewed = mine
            .clone()
            .filter(|(time, (who, _))| *who == dead && *time < action)
            .map(|(time, _)| *time)
            .max();
        let taken = mine
            .clone()
            .find(|(time, (who, _))| *who != dead && *time > action)
            .map(|(time, _)| *time);
        let (Some(renewed), Some(taken)) = (renewed, taken) else {
            verdict.same(MAPS, format!("{queue} is taken"), true, false);
            continue;
        };
        // Its first pull comes 500 ms after the lock.
        let seen = last_renewal.map(|last| recorded_action + number(&first[queue]) - 500 - last);
        let letter = 60_000.0..=60_000.0 + wait;
        let wide = 60_000.0..=60_100.0 + wait;
        verdict.explained(
            TAKEN,
            queue,
            &seen,
            millis_between(renewed, taken),
            letter,
            wide,
            ROUND,
        );
        let delivered = deliveries.iter().find(|d| d.time > action && d.queue == queue);
        let after = delivered.map_or(f64::MAX, |d| millis_between(action, d.time));
        // The kill came 0 to 20 s after the last renewal; the queue's next message comes soon.
        let allowed = 40_000.0..=61_600.0 + wait;
        verdict.within(AGAIN, queue, &first[queue], after, allowed);
    }
}

/// The old owner lets go of a queue when it hears of the new one, which has it within a second.
fn given_back(recording: &Recording, action: SimTime, deliveries: &[Delivery], verdict: &mut Verdict) {
    let of = |key: &str, queue: &str| -> Option<&Value> { recording.derived(key).get(queue) };
    let gap =
        number(recording.setup("producer_interval_ms")) * number(recording.setup("topic_queues_per_broker"));
    let allowed = match recording.is_4_9 {
        false => 500.0..=1540.0 + gap as f64,
        true => 0.0..=20_040.0 + gap as f64,
    };
    for queue in list(recording.derived("moved_queues")) {
        let queue = text(queue);
        let mine: Vec<&Delivery> = deliveries.iter().filter(|d| d.queue == queue).collect();
        let old = mine.iter().rfind(|d| d.time < action).map(|d| d.who.clone());
        let last = mine.iter().rfind(|d| Some(&d.who) == old.as_ref());
        let next = last.and_then(|last| mine.iter().find(|d| d.time > last.time && d.who != last.who));
        let (Some(last), Some(next)) = (last, next) else {
            verdict.same(MAPS, format!("{queue} changes hands"), true, false);
            continue;
        };
        // A round that has just been may put off the next by 1 s (5.x; 4.9 asks again after 20 s); then, in 5.x, 500 ms to
        // the first pull, and the next message of the queue.
        let first = of("first_delivery_on_new_owner_ms_after_action", queue).and_then(Value::as_u64);
        let before = of("last_delivery_on_old_owner_ms_after_action", queue).and_then(Value::as_i64);
        let seen = first.zip(before).map(|(first, before)| first as i64 - before);
        verdict.within(
            RESTS,
            queue,
            &seen,
            millis_between(last.time, next.time),
            allowed.clone(),
        );
    }
}
