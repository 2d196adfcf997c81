//! The timetable of messages that always fail.

use crate::field::rebuild::{cluster, consumer, created, messages};
use crate::field::recording::{Recording, entries, list, number, text};
use crate::field::run::{Delivery, Run, millis_between};
use crate::field::verdict::{Class, Measure, Subject, Verdict};
use rmqsim::cluster::config::ClusterConfig;
use rmqsim::cluster::directory::TopicKind;
use rmqsim::cluster::fact::Fact;
use rmqsim::cluster::ids::MessageId;
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::time::{SimDuration, SimTime};
use serde_json::Value;
use std::collections::BTreeMap;

const TIMES: Measure = Measure::new(
    Subject::Retries,
    "`reconsumeTimes` of each attempt of each message",
    Class::Exact,
);
const QUEUES: Measure = Measure::new(
    Subject::Retries,
    "queues that the retries of each message come from",
    Class::Exact,
);
const LATE: Measure = Measure::new(
    Subject::Retries,
    "a retry is later than its delay level by, ms",
    Class::RetryDelay,
);
const DEAD: Measure = Measure::new(Subject::Retries, "dead letters", Class::Exact);
const MADE: Measure = Measure::new(
    Subject::Retries,
    "`%DLQ%` is there, ms after the first last attempt",
    Class::Derived,
);
const COUNT: Measure = Measure::new(Subject::Retries, "messages that were delivered", Class::Exact);

/// Time between two messages of the recorded sender, ms.
const GAP: u64 = 200;

fn levels(recording: &Recording) -> Vec<SimDuration> {
    let levels = text(recording.setup("messageDelayLevel")).split(' ');
    levels.map(|level| level.parse().expect("a delay")).collect()
}

/// Delay of the retry after `failed` attempts.
fn nominal(recording: &Recording, levels: &[SimDuration], failed: usize) -> Option<SimDuration> {
    let asked = recording.setup("delayLevelWhenNextConsume").as_i64().unwrap_or(0);
    // By itself, attempt k waits at level 3 + k, counted from 1; the last level is the longest.
    let level = if asked > 0 { asked as usize } else { 2 + failed };
    levels.get(level.min(levels.len()).checked_sub(1)?).copied()
}

pub fn build(recording: &Recording, repeat: usize) -> ClusterConfig {
    let is_it = |entry: &&Value| number(&entry["repeat"]) == repeat as u64;
    let sent = recording.timeline("sent").into_iter().find(is_it);
    let sent = number(&sent.expect("messages are sent")["t_ms"]);
    let count = number(recording.setup("messages"));
    let levels = levels(recording);
    let max = number(recording.setup("maxReconsumeTimes")) as usize;
    let delays = (1..=max).filter_map(|failed| nominal(recording, &levels, failed));
    let total = delays.fold(SimDuration::ZERO, |sum, delay| sum + delay);
    let mut config = cluster(recording, repeat, sent + total.as_millis() + 5_000);
    config.groups[0].tuning.max_reconsume_times = max as i32;
    for name in recording.consumers() {
        consumer(
            &mut config,
            &name,
            created(recording, &format!("{name}r{repeat}")),
            20,
            0,
        );
    }
    for consumer in &mut config.groups[0].consumers {
        consumer.failure.probability = 1.0;
    }
    let gap = SimDuration::from_millis(GAP);
    messages(&mut config, sent - GAP * count, count, Arrivals::Constant { gap });
    config
}

pub fn judge(recording: &Recording, runs: &[Run<'_>], verdict: &mut Verdict) {
    for (repeat, run) in runs.iter().enumerate() {
        one(recording, repeat, run, verdict);
    }
}

/// Messages by number: `m2` before `m10`.
fn by_number(per_message: &Value) -> Vec<(&str, &Value)> {
    let digits = |name: &str| {
        name.trim_start_matches(|c: char| !c.is_ascii_digit())
            .parse()
            .unwrap_or(u64::MAX)
    };
    let mut messages: Vec<(&str, &Value)> = entries(per_message).collect();
    messages.sort_by_key(|(name, _)| digits(name));
    messages
}

fn one(recording: &Recording, repeat: usize, run: &Run<'_>, verdict: &mut Verdict) {
    let recorded = &recording.repeats()[repeat];
    let levels = levels(recording);
    let mut attempts = BTreeMap::<MessageId, Vec<Delivery>>::new();
    for delivery in run.deliveries() {
        attempts.entry(delivery.message).or_default().push(delivery);
    }
    let seen = by_number(&recorded["per_message"]);
    verdict.same(COUNT, format!("repeat {repeat}"), seen.len(), attempts.len());
    for ((name, seen), attempts) in seen.into_iter().zip(attempts.values()) {
        let seen = list(seen);
        let of = |attempt: &Value| number(&attempt["reconsume_times"]);
        let found = attempts.iter().map(|d| u64::from(d.times)).collect::<Vec<_>>();
        let what = format!("repeat {repeat}, {name}");
        verdict.same(TIMES, &what, seen.iter().map(of).collect(), found);
        // Clients give a retry its old topic back, but not its old queue: `%RETRY%` has a queue 0 only.
        let queues: Option<Vec<String>> = seen
            .iter()
            .skip(1)
            .map(|attempt| attempt["queue"].as_str().map(str::to_owned))
            .collect();
        if let Some(queues) = queues {
            let of_retry = |d: &Delivery| match d.queue.strip_prefix("RETRY/") {
                Some(queue) => queue.to_owned(),
                None => format!("{} of the topic", d.queue),
            };
            let found = attempts.iter().skip(1).map(of_retry).collect();
            verdict.same(QUEUES, &what, queues, found);
        }
        for (failed, pair) in attempts.windows(2).enumerate() {
            let Some(nominal) = nominal(recording, &levels, failed + 1) else {
                continue;
            };
            let due = pair[0].time + nominal;
            // Nobody can have it before the retry queue has an owner.
            let due = due.max(owned_since(run, &pair[1]).unwrap_or(due));
            let what = format!("{what}, retry {}", failed + 1);
            let recorded = recorded_lateness(seen, failed + 1, nominal);
            verdict.within(
                LATE,
                what,
                &recorded,
                millis_between(due, pair[1].time),
                0.0..=150.0,
            );
        }
    }
    let dead = run.select(|fact| matches!(fact, Fact::DeadLettered { .. }).then_some(()));
    let listed: u64 = entries(&recorded["dlq_offsets"])
        .map(|(_, offsets)| number(&offsets[1]))
        .sum();
    verdict.same(DEAD, format!("repeat {repeat}"), listed, dead.len() as u64);
    dead_letter_topic(recording, repeat, run, attempts.values(), verdict);
}

/// The topic of dead letters is made for the first of them. The recording looked every now and then, so it was there at the
/// latest when it was first listed.
fn dead_letter_topic<'d>(
    recording: &Recording,
    repeat: usize,
    run: &Run<'_>,
    attempts: impl Iterator<Item = &'d Vec<Delivery>>,
    verdict: &mut Verdict,
) {
    let listed = recording
        .observations("dlq_topic_listed")
        .find(|look| look["repeat"].as_u64() == Some(repeat as u64));
    let recorded = entries(&recording.repeats()[repeat]["per_message"]);
    let last = recorded.filter_map(|(_, attempts)| list(attempts).last()?["t_ms"].as_u64());
    let (Some(listed), Some(last)) = (listed, last.min()) else {
        return;
    };
    let seen = number(&listed["t_ms"]) as f64 - last as f64;
    let made = run.select(|fact| match fact {
        Fact::QueueCreated { queue } if run.kind(*queue) == TopicKind::DeadLetter(run.group) => Some(()),
        _ => None,
    });
    let last = attempts
        .filter_map(|attempts| attempts.last())
        .map(|d| d.time)
        .min();
    let found = made.first().zip(last);
    let found = found.map_or(f64::MAX, |((made, ()), last)| millis_between(last, *made));
    verdict.within(MADE, format!("repeat {repeat}"), &seen, found, 0.0..=seen);
}

/// When the client that got this took its queue.
fn owned_since(run: &Run<'_>, delivery: &Delivery) -> Option<SimTime> {
    let taken = run.select(|fact| match fact {
        Fact::QueueAcquired { consumer, queue, .. } => Some((*consumer, *queue)),
        _ => None,
    });
    let mine = taken.into_iter().filter(|(time, (consumer, queue))| {
        *time < delivery.time && *consumer == delivery.consumer && run.queue(*queue) == delivery.queue
    });
    mine.map(|(time, _)| time).max()
}

/// How late a recorded retry came, ms.
fn recorded_lateness(seen: &[Value], attempt: usize, nominal: SimDuration) -> Option<i64> {
    let waited = seen.get(attempt)?["since_prev_ms"].as_i64()?;
    Some(waited - nominal.as_millis() as i64)
}
