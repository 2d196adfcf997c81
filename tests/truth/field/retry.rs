//! The timetable of messages that always fail.

use crate::field::rebuild::{at, cluster, consumer, created, messages, run};
use crate::field::{Recording, Verdict, list, number, text};
use rmqsim::cluster::directory::TopicKind;
use rmqsim::cluster::fact::Fact;
use rmqsim::cluster::ids::MessageId;
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::time::{SimDuration, SimTime};
use std::collections::BTreeMap;

/// Time between two messages of the recorded sender, ms.
const GAP: u64 = 200;

pub fn judge(recording: &Recording) -> Verdict {
    let mut verdict = Verdict::default();
    for (number_of, repeat) in list(recording.derived("repeats")).iter().enumerate() {
        one(recording, number_of, repeat, &mut verdict);
    }
    verdict
}

fn one(recording: &Recording, repeat: usize, recorded: &serde_json::Value, verdict: &mut Verdict) {
    let sent = recording
        .timeline("sent")
        .into_iter()
        .find(|e| number(&e["repeat"]) == repeat as u64);
    let sent = number(&sent.expect("messages are sent")["t_ms"]);
    let count = number(recording.setup("messages"));
    let levels: Vec<SimDuration> = text(recording.setup("messageDelayLevel"))
        .split(' ')
        .map(|level| level.parse().expect("a delay"))
        .collect();
    let max = number(recording.setup("maxReconsumeTimes"));
    let total = levels
        .iter()
        .skip(2)
        .take(max as usize)
        .fold(SimDuration::ZERO, |sum, d| sum + *d);

    let mut config = cluster(recording, repeat, sent + total.as_millis() + 5_000);
    config.groups[0].tuning.max_reconsume_times = max as i32;
    for name in ["c1", "c2"] {
        let of_repeat = format!("{name}r{repeat}");
        consumer(&mut config, name, created(recording, &of_repeat), 20, 0);
    }
    for consumer in &mut config.groups[0].consumers {
        consumer.failure.probability = 1.0;
    }
    let gap = SimDuration::from_millis(GAP);
    messages(&mut config, sent - GAP * count, count, Arrivals::Constant { gap });
    let run = run(&config);

    let attempts = run.select(|fact| match fact {
        Fact::Delivered {
            message,
            reconsume_times,
            queue,
            ..
        } => Some((*message, *reconsume_times, *queue)),
        _ => None,
    });
    let mut times = BTreeMap::<MessageId, Vec<(SimTime, u16)>>::new();
    for (time, (message, reconsume_times, queue)) in attempts {
        let retried = matches!(run.kind(queue), TopicKind::Retry(_));
        assert_eq!(retried, reconsume_times > 0, "retries come from %RETRY%");
        times.entry(message).or_default().push((time, reconsume_times));
    }
    let by_name = |message: u64| format!("m{}", message + count * repeat as u64);
    let first_names = recorded["per_message"].as_object().expect("messages by name");
    for (position, attempts) in times.values().enumerate() {
        let name = Some(format!("m{position}")).filter(|name| first_names.contains_key(name));
        let name = name.unwrap_or_else(|| by_name(position as u64));
        let seen = list(&first_names[&name]);
        let recorded: Vec<u64> = seen
            .iter()
            .map(|attempt| number(&attempt["reconsume_times"]))
            .collect();
        let found: Vec<u64> = attempts.iter().map(|(_, times)| u64::from(*times)).collect();
        verdict.same(
            format!("repeat {repeat}, {name}, reconsumeTimes"),
            recorded,
            found,
        );
        for (attempt, pair) in attempts.windows(2).enumerate() {
            // Attempt k waits at level 3 + k, which is at position 2 + k of the list.
            let nominal = levels[2 + attempt];
            let late = pair[1].0.since(pair[0].0).as_nanos() as i64 - nominal.as_nanos() as i64;
            let recorded = &recorded_delay(seen, attempt + 1, nominal);
            let what = format!("repeat {repeat}, {name}, retry {}, late by ms", attempt + 1);
            verdict.within(what, recorded, late.div_euclid(1_000_000), 0..=150);
        }
    }
    let dead = run
        .select(|fact| matches!(fact, Fact::DeadLettered { .. }).then_some(()))
        .len() as u64;
    let listed = number(&recorded["dlq_offsets"]["a:0"][1]);
    verdict.same(format!("repeat {repeat}, dead letters"), listed, dead);
    let until = at(sent - GAP * count);
    let early = run.select(|fact| match fact {
        Fact::QueueCreated { queue } if matches!(run.kind(*queue), TopicKind::DeadLetter(_)) => Some(()),
        _ => None,
    });
    verdict.same(
        format!("repeat {repeat}, %DLQ% before the messages"),
        false,
        early.iter().any(|(t, ())| *t < until),
    );
}

/// How late a recorded retry came, ms.
fn recorded_delay(seen: &[serde_json::Value], attempt: usize, nominal: SimDuration) -> i64 {
    let waited = seen
        .get(attempt)
        .and_then(|attempt| attempt["since_prev_ms"].as_i64());
    waited.unwrap_or(0) - nominal.as_millis() as i64
}
