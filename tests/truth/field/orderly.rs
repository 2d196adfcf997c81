//! Listeners that consume in order: a message that always fails.

use crate::field::rebuild::{cluster, consumer, created, group_of, messages, rule};
use crate::field::recording::{Recording, entries, list, number, text};
use crate::field::run::{Delivery, Run, millis_between, simulate, times};
use crate::field::scenario_file::as_scenario;
use crate::field::verdict::{Class, Measure, Subject, Verdict};
use rmqsim::cluster::config::{ClusterConfig, ListenerKind, ListenerRule, OrderlySettings, Outcome};
use rmqsim::cluster::fact::Fact;
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::time::{SimDuration, SimTime};
use serde_json::Value;

const ATTEMPTS: Measure = Measure::new(
    Subject::Orderly,
    "`reconsumeTimes` of a message that always fails",
    Class::Exact,
);
const PAUSES: Measure = Measure::new(Subject::Orderly, "pause before each attempt, ms", Class::Suspend);
const OTHERS: Measure = Measure::new(
    Subject::Orderly,
    "other deliveries of its queue, in order",
    Class::Exact,
);
const COMMITTED: Measure = Measure::new(
    Subject::Orderly,
    "committed offset of each queue in the end",
    Class::Exact,
);
const DEAD: Measure = Measure::new(Subject::Orderly, "`reconsumeTimes` of dead letters", Class::Exact);

/// Time between two messages of the recorded sender, about, ms.
const GAP: u64 = 20;

pub fn orderly(recording: &Recording, duration: u64) -> ClusterConfig {
    let mut config = cluster(recording, 0, duration);
    config.groups[0].listener = ListenerKind::Orderly(OrderlySettings::default());
    config
}

/// Adds the consumers that start before the messages come, or join later.
pub fn consumers(recording: &Recording, config: &mut ClusterConfig, cost: u64) {
    for start in recording.timeline("start_consumer") {
        let name = text(&start["consumer"]);
        consumer(config, name, created(recording, name), 20, cost);
    }
}

/// The message in the third place of queue 0 always fails: its queue waits, for ever or until it is dead.
pub fn build(recording: &Recording, _: usize) -> ClusterConfig {
    let sent = number(&recording.timeline("send")[0]["t_ms"]);
    let queues = number(recording.setup("topic_queues_per_broker"));
    let count = queues * number(recording.setup("messages_per_queue"));
    let over = recording
        .observations("committed_end")
        .next()
        .expect("it was looked at");
    let mut config = orderly(recording, number(&over["t_ms"]));
    let max = recording.setup("maxReconsumeTimes").as_i64().expect("a limit");
    config.groups[0].tuning.max_reconsume_times = max as i32;
    consumers(recording, &mut config, 0);
    let gap = SimDuration::from_millis(GAP);
    messages(&mut config, sent, count, Arrivals::Constant { gap });
    // Which message that is depends on where the producer begins.
    let all_well = as_scenario(recording, &config);
    let facts = simulate(&all_well);
    let run = Run::of(&all_well, &facts, group_of(&all_well, recording, 0), &[], &[]);
    let third = run
        .deliveries()
        .into_iter()
        .find(|d| d.queue == "a:0" && d.offset == 2);
    let third = third.expect("it is delivered").message;
    config.groups[0].consumers[0].failure.rules.push(ListenerRule {
        outcome: Some(Outcome::Later),
        ..rule(third)
    });
    config
}

pub fn judge(recording: &Recording, runs: &[Run<'_>], verdict: &mut Verdict) {
    let run = &runs[0];
    let found = run.deliveries();
    let attempts = list(recording.derived("fail_attempts"));
    let worst = times(&found)
        .into_iter()
        .max_by_key(|(_, times)| *times)
        .map(|(message, _)| message);
    let is_worst = |delivery: &&Delivery| Some(delivery.message) == worst;
    let failing: Vec<&Delivery> = found.iter().filter(is_worst).collect();
    let Some(first) = failing.first() else {
        return verdict.unjudged("nothing is delivered");
    };
    let of = |attempt: &Value| number(&attempt["reconsume_times"]);
    let times: Vec<u64> = attempts.iter().map(of).collect();
    let mut found_times: Vec<u64> = failing.iter().map(|d| u64::from(d.times)).collect();
    if recording.setup("maxReconsumeTimes").as_i64().unwrap_or(-1) < 0 {
        // It goes on for ever; how long the recording lasts after the last attempt is chance.
        found_times.truncate(times.len());
    }
    verdict.same(ATTEMPTS, "", times, found_times);
    let nominal = recording
        .setup("suspendCurrentQueueTimeMillis")
        .as_f64()
        .unwrap_or(1000.0);
    for (pair, attempt) in failing.windows(2).zip(attempts.get(1..).unwrap_or_default()) {
        let pause = millis_between(pair[0].time, pair[1].time);
        let what = format!("attempt {}", of(attempt));
        verdict.within(
            PAUSES,
            what,
            &attempt["since_prev_ms"],
            pause,
            nominal..=nominal + 80.0,
        );
    }
    // Which queue it lies in is chance: the two names change places.
    let recorded_queue = attempts
        .first()
        .and_then(|attempt| attempt["queue"].as_str())
        .unwrap_or("a:0");
    let ours = |queue: &str| match queue {
        queue if queue == recorded_queue => first.queue.clone(),
        queue if queue == first.queue => recorded_queue.to_owned(),
        queue => queue.to_owned(),
    };
    let committed = run.committed(SimTime::MAX);
    for (queue, seen) in entries(recording.derived("committed_end")) {
        let last = committed.get(&ours(queue)).copied().unwrap_or(0);
        verdict.same(COMMITTED, queue, number(&seen[1]), last);
    }
    let in_queue = found
        .iter()
        .filter(|d| d.queue == first.queue && d.offset != first.offset);
    let mut others: Vec<u64> = in_queue.map(|d| d.offset).collect();
    others.dedup();
    let seen_others: Vec<u64> = list(recording.derived("q0_deliveries_after_failure"))
        .iter()
        .map(|delivery| number(&delivery[1]))
        .collect();
    verdict.same(OTHERS, "", seen_others, others);
    let dead = run.select(|fact| match fact {
        Fact::DeadLettered { reconsume_times, .. } => Some(u64::from(*reconsume_times)),
        _ => None,
    });
    let letters = list(recording.derived("dlq_messages")).iter();
    let letters: Vec<u64> = letters.map(|letter| number(&letter["rt"])).collect();
    let dead: Vec<u64> = dead.into_iter().map(|(_, times)| times).collect();
    verdict.same(DEAD, "", letters, dead);
}
