//! Listeners that consume in order: a message that always fails, and locks that change hands.

use crate::field::rebuild::{Run, at, cluster, consumer, created, end, messages, recorded_map, run};
use crate::field::scenario_file::{as_scenario, through_file};
use crate::field::{Recording, Verdict, list, number, text};
use rmqsim::cluster::config::{ClusterConfig, ListenerKind, Millis, OrderlySettings};
use rmqsim::cluster::consumer::listener::{ListenerRule, Outcome, Which};
use rmqsim::cluster::directory::TopicKind;
use rmqsim::cluster::fact::Fact;
use rmqsim::cluster::ids::MessageId;
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::time::{SimDuration, SimTime};
use std::collections::BTreeMap;

/// Time between two messages of the recorded sender, about, ms.
const GAP: u64 = 20;

pub fn judge(recording: &Recording) -> Verdict {
    if recording.id.contains("-fail-") {
        failing_head(recording)
    } else {
        lock_changes_hands(recording)
    }
}

fn orderly(recording: &Recording, duration: u64) -> ClusterConfig {
    let mut config = cluster(recording, 0, duration);
    config.groups[0].listener = ListenerKind::Orderly(OrderlySettings::default());
    config
}

/// Adds the consumers that start before the messages come, or join later.
fn consumers(recording: &Recording, config: &mut ClusterConfig, cost: u64) {
    for start in recording.timeline("start_consumer") {
        let name = text(&start["consumer"]);
        consumer(config, name, created(recording, name), 20, cost);
    }
}

/// A delivery: message, queue as recorded, offset, `reconsumeTimes`, who.
type Delivery = (MessageId, String, u64, u16, String);

fn deliveries(run: &Run) -> Vec<(SimTime, Delivery)> {
    let found = run.select(|fact| match fact {
        Fact::Delivered {
            message,
            queue,
            offset,
            reconsume_times,
            consumer,
            ..
        } => Some((*message, *queue, *offset, *reconsume_times, *consumer)),
        _ => None,
    });
    let named = |(time, (message, queue, offset, times, who))| {
        let who = run.consumer(who).to_owned();
        (time, (message, run.queue(queue), offset, times, who))
    };
    found.into_iter().map(named).collect()
}

/// The message in the third place of queue 0 always fails: its queue waits, for ever or until it is dead.
fn failing_head(recording: &Recording) -> Verdict {
    let sent = number(&recording.timeline("send")[0]["t_ms"]);
    let queues = number(recording.setup("topic_queues_per_broker"));
    let count = queues * number(recording.setup("messages_per_queue"));
    let max = recording.setup("maxReconsumeTimes").as_i64().expect("a limit");
    let seen = |what: &str| {
        let mut observations = list(&recording.json["observations"]).iter();
        number(
            &observations
                .find(|entry| entry["what"] == what)
                .expect("it was looked at")["t_ms"],
        )
    };
    let mut config = orderly(recording, seen("committed_end"));
    config.groups[0].tuning.max_reconsume_times = max as i32;
    consumers(recording, &mut config, 0);
    let gap = SimDuration::from_millis(GAP);
    messages(&mut config, sent, count, Arrivals::Constant { gap });
    // Which message that is depends on where the producer begins.
    let all_well = run(&as_scenario(recording, &config));
    let third = deliveries(&all_well)
        .into_iter()
        .find(|(_, d)| d.1 == "a:0" && d.2 == 2);
    config.groups[0].consumers[0].failure.rules.push(ListenerRule {
        which: Which {
            message: Some(third.expect("it is delivered").1.0),
            ..Which::default()
        },
        first_attempts: u32::MAX,
        probability: 1.0,
        from: SimTime::ZERO,
        until: SimTime::MAX,
        outcome: Some(Outcome::Later),
        service: None,
        delay_level: None,
    });
    let run = run(&through_file(recording, None, &config));

    let mut verdict = Verdict::default();
    let found = deliveries(&run);
    let failing: Vec<_> = found.iter().filter(|(_, d)| d.1 == "a:0" && d.2 == 2).collect();
    let attempts = list(recording.derived("fail_attempts"));
    let times: Vec<u64> = attempts
        .iter()
        .map(|attempt| number(&attempt["reconsume_times"]))
        .collect();
    let mut found_times: Vec<u64> = failing.iter().map(|(_, d)| u64::from(d.3)).collect();
    if max < 0 {
        // It goes on for ever; how long the recording lasts after the last attempt is chance.
        found_times.truncate(times.len());
    }
    verdict.same("reconsumeTimes of the message that fails", times, found_times);
    for (pair, attempt) in failing.windows(2).zip(&attempts[1..]) {
        let pause = pair[1].0.since(pair[0].0).as_millis();
        let what = format!("pause before attempt {}, ms", number(&attempt["reconsume_times"]));
        verdict.within(what, number(&attempt["since_prev_ms"]), pause, 1000..=1080);
    }
    for (queue, seen) in recording.derived("committed_end").as_object().expect("by queue") {
        let committed = run.select(|fact| match fact {
            Fact::OffsetCommitted { queue, new, .. } if run.kind(*queue) == TopicKind::User => {
                Some((run.queue(*queue), *new))
            }
            _ => None,
        });
        let last = committed.iter().rev().find(|(_, (of, _))| of == queue);
        let last = last.map_or(0, |(_, (_, offset))| *offset);
        verdict.same(format!("{queue} committed in the end"), number(&seen[1]), last);
    }
    let others: Vec<u64> = found
        .iter()
        .filter(|(_, d)| d.1 == "a:0")
        .map(|(_, d)| d.2)
        .collect();
    let mut before: Vec<u64> = others.iter().copied().filter(|offset| *offset != 2).collect();
    before.dedup();
    let seen_others: Vec<u64> = list(recording.derived("q0_deliveries_after_failure"))
        .iter()
        .map(|delivery| number(&delivery[1]))
        .collect();
    verdict.same("other deliveries of its queue, in order", seen_others, before);
    let dead = run.select(|fact| match fact {
        Fact::DeadLettered { reconsume_times, .. } => Some(u64::from(*reconsume_times)),
        _ => None,
    });
    let letters = list(recording.derived("dlq_messages")).iter();
    let letters: Vec<u64> = letters.map(|letter| number(&letter["rt"])).collect();
    let dead: Vec<u64> = dead.into_iter().map(|(_, times)| times).collect();
    verdict.same("reconsumeTimes of dead letters", letters, dead);
    verdict
}

/// A second consumer joins, or the first of two is killed: who has which queue when, and what comes twice.
fn lock_changes_hands(recording: &Recording) -> Verdict {
    let producing = &recording.timeline("producer_start")[0];
    let (start, sent) = (number(&producing["t_ms"]), number(&producing["n"]));
    let interval = number(recording.setup("producer_interval_ms"));
    let action = number(recording.derived("t_action"));
    let last = list(&recording.json["observations"])
        .last()
        .expect("it was observed");
    let kills = !recording.timeline("kill_9").is_empty();
    let over = number(&last["t_ms"]);
    let mut config = orderly(recording, over);
    consumers(recording, &mut config, number(recording.setup("consume_cost_ms")));
    for name in ["c1", "c2"] {
        let ready = recording
            .seen("consumer_started", name)
            .next()
            .expect("it starts");
        let loading = number(&ready["t_ms"]).saturating_sub(created(recording, name));
        // One setting for both: that of the one who comes last, as the first has nobody to meet.
        config.groups[0].tuning.startup_time = Millis(loading.max(1));
    }
    let gap = SimDuration::from_millis(interval);
    messages(&mut config, start, sent, Arrivals::Constant { gap });
    if kills {
        end(&mut config, action, 0, false);
    }
    let run = run(&through_file(recording, None, &config));

    let mut verdict = Verdict::default();
    verdict.same(
        "map before",
        recorded_map(recording.derived("map_before")),
        run.map(at(action)),
    );
    verdict.same(
        "map in the end",
        recorded_map(recording.derived("map_end")),
        run.map(at(over)),
    );
    let found = deliveries(&run);
    let mut by_record = BTreeMap::<(&str, u64), u64>::new();
    let mut regressions = 0;
    let mut highest = BTreeMap::<&str, u64>::new();
    for (_, (_, queue, offset, ..)) in &found {
        *by_record.entry((queue, *offset)).or_default() += 1;
        let top = highest.entry(queue).or_default();
        regressions += u64::from(*offset < *top);
        *top = (*top).max(*offset);
    }
    let lost = number(recording.derived("sent")) - number(recording.derived("distinct_consumed"));
    verdict.same("messages that nobody got", lost, sent - by_record.len() as u64);
    verdict.same(
        "deliveries below an offset delivered before",
        number(recording.derived("offset_regressions")),
        regressions,
    );
    let again: u64 = by_record.values().map(|times| times - 1).sum();
    let seen = number(recording.derived("duplicates"));
    let allowed = if kills { seen / 2..=2 * seen } else { 0..=40 };
    verdict.within("duplicates", seen, again, allowed);
    if kills {
        taken_when_the_lock_expires(recording, &run, action, &mut verdict);
    } else {
        given_back(recording, &run, &mut verdict);
    }
    verdict
}

/// The dead owner renewed its locks every 20 s; 60 s after the last time they are free, and asked for every second.
fn taken_when_the_lock_expires(recording: &Recording, run: &Run, action: u64, verdict: &mut Verdict) {
    let locks = run.select(|fact| match fact {
        Fact::QueueLocked { consumer, queue } if run.kind(*queue) == TopicKind::User => {
            Some((run.consumer(*consumer).to_owned(), run.queue(*queue)))
        }
        _ => None,
    });
    let first = recording.derived("first_delivery_on_new_owner_ms_after_action");
    for queue in list(recording.derived("moved_queues")) {
        let queue = text(queue);
        let of = |who: &str| {
            let mine = locks.iter().filter(|(_, lock)| lock.0 == who && lock.1 == queue);
            mine.map(|(time, _)| *time).collect::<Vec<_>>()
        };
        let renewed = of("c1")
            .into_iter()
            .filter(|time| *time < at(action))
            .max()
            .expect("it was locked");
        let taken = of("c2")
            .into_iter()
            .find(|time| *time > at(action))
            .expect("it is taken over");
        let rpcs = list(&recording.json["tables"]["client_rpcs"]["rows"]);
        let last = rpcs.iter().filter(|row| row[1] == "c1" && row[2] == 41);
        let last = last.map(|row| number(&row[0])).max().expect("it was renewed");
        let seen = action + number(&first[queue]) - 500 - last;
        let what = format!("{queue} taken, ms after the last renewal");
        // A round of requests that are refused takes some time beyond the second.
        verdict.within(what, seen, taken.since(renewed).as_millis(), 60_000..=61_100);
        let delivered = deliveries(run)
            .into_iter()
            .find(|(time, d)| *time > at(action) && d.1 == queue)
            .map(|(time, _)| time.since(at(action)).as_millis());
        let (what, seen) = (
            format!("{queue} delivered again, ms after the kill"),
            number(&first[queue]),
        );
        verdict.within(what, seen, delivered.unwrap_or(0), seen - 1000..=seen + 1000);
    }
}

/// The first consumer lets go of a queue when it hears of the second, which has it within a second.
fn given_back(recording: &Recording, run: &Run, verdict: &mut Verdict) {
    let first = recording.derived("first_delivery_on_new_owner_ms_after_action");
    let last = recording.derived("last_delivery_on_old_owner_ms_after_action");
    for queue in list(recording.derived("moved_queues")) {
        let queue = text(queue);
        let of = |who: &str| {
            let mine = deliveries(run)
                .into_iter()
                .filter(|(_, d)| d.1 == queue && d.4 == who);
            mine.map(|(time, _)| time).collect::<Vec<_>>()
        };
        let (before, after) = (of("c1"), of("c2"));
        let rest = after[0].since(*before.last().expect("c1 had it")).as_millis();
        // A round that has just been may put off the next by 1 s; then 500 ms to the first pull, and the next message of
        // the queue, one in 160 ms.
        let seen = number(&first[queue]) - number(&last[queue]);
        verdict.within(format!("{queue} rests, ms"), seen, rest, 500..=1700);
    }
}
