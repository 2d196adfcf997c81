//! What listeners do: a message that fails its batch, a call that outlasts `consumeTimeout`.

use crate::field::rebuild::{cluster, consumer, created, messages, rule, sent};
use crate::field::recording::{Recording, entries, list, number};
use crate::field::run::{Delivery, Run, at, millis_between, times};
use crate::field::verdict::{Class, Measure, Subject, Verdict};
use rmqsim::cluster::config::{ClusterConfig, ListenerRule, Minutes, Outcome};
use rmqsim::cluster::fact::{Fact, RequestKind};
use rmqsim::cluster::ids::{MessageId, ProducerId};
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::dist::Dist;
use rmqsim::kernel::time::{SimDuration, SimTime};
use std::collections::{BTreeMap, BTreeSet};

const DELIVERIES: Measure = Measure::new(
    Subject::Listeners,
    "deliveries, all, of each message, of each attempt",
    Class::Exact,
);
const CULPRIT: Measure = Measure::new(
    Subject::Listeners,
    "the message that fails its batch is dead",
    Class::Exact,
);
const DEAD: Measure = Measure::new(
    Subject::Listeners,
    "dead letters of a batch that fails",
    Class::Exact,
);
const COMMITTED: Measure = Measure::new(Subject::Listeners, "committed offsets", Class::Exact);
const ATTEMPTS: Measure = Measure::new(
    Subject::Listeners,
    "attempts of the message whose call hangs",
    Class::Exact,
);
const BACK: Measure = Measure::new(
    Subject::Listeners,
    "messages sent back by `consumeTimeout`",
    Class::Exact,
);
const BACK_AFTER: Measure = Measure::new(
    Subject::Listeners,
    "sent back, ms after the client was made",
    Class::Derived,
);
const AGAIN: Measure = Measure::new(
    Subject::Listeners,
    "its retry is later than its delay level by, ms",
    Class::RetryDelay,
);
const MOVES_ON: Measure = Measure::new(
    Subject::Listeners,
    "commit seen beyond it, ms after it was sent back",
    Class::Derived,
);

const LAST_RETRIES: &str = "a batch that failed comes back one by one; which of them share the culprit's last call, and die \
    with it, depends on how the retries come together at the client";
const NEXT_PULL: &str = "the offset moves on when a pull of that queue next finds nothing, and one that is being held ends up to \
    20 s later; the recording looked once in that time, and found it done";

/// The number in a recorded name of a message: 5 of `F5`.
fn number_in(name: &str) -> u64 {
    let digits: String = name.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(u64::MAX)
}

/// Messages whose names begin with F fail.
fn culprits(recording: &Recording) -> BTreeSet<u64> {
    let names = entries(recording.derived("deliveries_per_message")).map(|(name, _)| name);
    names
        .filter(|name| name.starts_with('F'))
        .map(number_in)
        .collect()
}

fn sequence(number: u64) -> MessageId {
    MessageId::new(ProducerId(0), number)
}

/// Messages wait when a consumer with batches comes. One fails, and its batch with it.
pub fn build_batch(recording: &Recording, _: usize) -> ClusterConfig {
    let over = |key: &str| number(recording.config_override(key));
    let start = created(recording, "c1");
    let mut config = cluster(recording, 0, start + 60_000);
    messages(
        &mut config,
        0,
        number(recording.setup("messages")),
        Arrivals::AtOnce,
    );
    consumer(&mut config, "c1", start, over("consumeThreads") as u32, 0);
    for culprit in culprits(recording) {
        config.groups[0].consumers[0].failure.rules.push(ListenerRule {
            outcome: Some(Outcome::Later),
            ..rule(sequence(culprit))
        });
    }
    config
}

pub fn judge_batch(recording: &Recording, runs: &[Run<'_>], verdict: &mut Verdict) {
    let run = &runs[0];
    let deliveries = run.deliveries();
    let total = number(recording.derived("deliveries_total"));
    verdict.same(DELIVERIES, "all", total, deliveries.len() as u64);
    let recorded = entries(recording.derived("deliveries_per_message"));
    let recorded: BTreeMap<u64, u64> = recorded
        .map(|(name, times)| (number_in(name), number(times)))
        .collect();
    let found: BTreeMap<u64, u64> = times(&deliveries)
        .into_iter()
        .map(|(message, times)| (message.number(), times))
        .collect();
    verdict.same(DELIVERIES, "of each message", recorded, found);
    // At first all have failed; of the retries, cut into batches anew, those with the culprit.
    let mut seen = BTreeMap::<u64, u64>::new();
    for row in recording.rows("deliveries") {
        *seen.entry(number(row.get("reconsume_times"))).or_default() += 1;
    }
    for (attempt, recorded) in seen {
        let found = deliveries
            .iter()
            .filter(|d| u64::from(d.times) == attempt)
            .count() as u64;
        verdict.same(
            DELIVERIES,
            format!("with reconsumeTimes {attempt}"),
            recorded,
            found,
        );
    }
    let dead = run.select(|fact| match fact {
        Fact::DeadLettered { message, .. } => Some(message.number()),
        _ => None,
    });
    let dead: BTreeSet<u64> = dead.into_iter().map(|(_, message)| message).collect();
    let culprits = culprits(recording);
    let letters = list(recording.derived("dlq"));
    let named: BTreeSet<u64> = letters
        .iter()
        .filter_map(|letter| letter.as_str().filter(|name| name.starts_with('F')))
        .map(number_in)
        .collect();
    verdict.same(CULPRIT, "", culprits.is_subset(&named), culprits.is_subset(&dead));
    let listed = letters.len() as f64;
    let batch = recording
        .config_override("consumeMessageBatchMaxSize")
        .as_f64()
        .unwrap_or(1.0);
    let wide = culprits.len() as f64..=batch * culprits.len() as f64;
    verdict.explained(
        DEAD,
        "",
        &listed,
        dead.len() as f64,
        listed..=listed,
        wide,
        LAST_RETRIES,
    );
    let commits = run.committed(SimTime::MAX);
    for (queue, stats) in entries(recording.derived("committed_end")) {
        let found = commits.get(queue).copied().unwrap_or(0);
        verdict.same(COMMITTED, queue, number(&stats[1]), found);
    }
}

/// One call takes longer than `consumeTimeout`.
pub fn build_timeout(recording: &Recording, _: usize) -> ClusterConfig {
    let start = created(recording, "c1");
    let mut config = cluster(recording, 0, 180_000);
    let minutes = number(recording.config_override("consumeTimeout_minutes"));
    config.groups[0].tuning.consume_timeout = Minutes(minutes as u32);
    consumer(&mut config, "c1", start, 20, 0);
    let block = SimDuration::from_millis(number(recording.setup("block_ms")));
    let name = recording.setup("blocking_message").as_str().unwrap_or("m10");
    let hangs = number_in(name.split(' ').next().unwrap_or_default());
    config.groups[0].consumers[0].failure.rules.push(ListenerRule {
        service: Some(Dist::Constant(block)),
        ..rule(sequence(hangs))
    });
    sent(&mut config, recording);
    config
}

pub fn judge_timeout(recording: &Recording, runs: &[Run<'_>], verdict: &mut Verdict) {
    let run = &runs[0];
    let deliveries = run.deliveries();
    let total = number(recording.derived("deliveries_total"));
    verdict.same(DELIVERIES, "all", total, deliveries.len() as u64);
    let sent_back = run.select(|fact| match fact {
        Fact::Request {
            kind: RequestKind::SendBack,
            ..
        } => Some(()),
        _ => None,
    });
    let rpcs = || {
        recording
            .rows("client_rpcs")
            .filter(|row| *row.get("request_code") == 36)
    };
    verdict.same(BACK, "", rpcs().count(), sent_back.len());
    let worst = times(&deliveries)
        .into_iter()
        .max_by_key(|(_, times)| *times)
        .map(|(message, _)| message);
    let hung: Vec<&Delivery> = deliveries.iter().filter(|d| Some(d.message) == worst).collect();
    let recorded = list(recording.derived("stuck_deliveries"));
    let attempts: Vec<u64> = recorded
        .iter()
        .map(|seen| number(&seen["reconsume_times"]))
        .collect();
    verdict.same(
        ATTEMPTS,
        "",
        attempts,
        hung.iter().map(|d| u64::from(d.times)).collect(),
    );
    let (Some((removed, ())), Some(seen)) = (sent_back.first().copied(), rpcs().next()) else {
        return verdict.unjudged("nothing was sent back");
    };
    let seen = number(seen.get("t_ms"));
    // The looks come every `consumeTimeout` from the making of the client on; the first that finds it so old sends it back.
    let period = recording
        .config_override("consumeTimeout_minutes")
        .as_f64()
        .unwrap_or(15.0)
        * 60_000.0;
    let start = run.select(|fact| matches!(fact, Fact::ConsumerStarted { .. }).then_some(()));
    let start = start.first().map_or(at(0), |(time, ())| *time);
    let after = millis_between(start, removed);
    let made = created(recording, "c1") as f64;
    let waited = seen as f64 - made;
    let called = recorded.first().and_then(|call| call["t_ms"].as_f64());
    let due = ((called.unwrap_or(made) - made + period) / period).ceil() * period;
    // When the client was made is known to some 100 ms.
    verdict.within(BACK_AFTER, "", &waited, after, due - 150.0..=due + 150.0);
    let scheduled = run.select(|fact| match fact {
        Fact::RetryScheduled { delay, .. } => Some(*delay),
        _ => None,
    });
    if let (Some((_, delay)), [_, again, ..], [_, retry, ..]) = (scheduled.first(), &hung[..], recorded) {
        let late = millis_between(removed + *delay, again.time);
        let nominal = delay.as_millis() as i64;
        let recorded = number(&retry["t_ms"]) as i64 - seen as i64 - nominal;
        verdict.within(AGAIN, "", &recorded, late, 0.0..=150.0);
    }
    commits(recording, run, (removed, seen), hung[0], verdict);
}

/// What is committed whenever the recording looked.
fn commits(
    recording: &Recording,
    run: &Run<'_>,
    (removed, recorded_removed): (SimTime, u64),
    hung: &Delivery,
    verdict: &mut Verdict,
) {
    // Where the round robin began is chance: the queue of the message that hangs is the recorded one.
    let recorded_call = recording
        .rows("deliveries")
        .find(|row| *row.get("reconsume_times") == 0 && is_hung(recording, row.get("msg")));
    let recorded_queue = recorded_call
        .as_ref()
        .and_then(|row| row.get("queue").as_str())
        .unwrap_or("a:0");
    let ours = |queue: &str| match queue {
        queue if queue == recorded_queue => hung.queue.clone(),
        queue if queue == hung.queue => recorded_queue.to_owned(),
        queue => queue.to_owned(),
    };
    let first = recording
        .rows("deliveries")
        .next()
        .map_or(0, |row| number(row.get("t_ms")));
    let began = run.deliveries().first().map_or(at(0), |d| d.time);
    for look in recording.observations("committed") {
        let since = number(&look["t_ms"]).saturating_sub(first);
        let time = began + SimDuration::from_millis(since);
        // The first ticks come after 10 and 15 s; what is committed then is a matter of milliseconds.
        if since < 5_100 {
            continue;
        }
        let found = run.committed(time);
        for (queue, recorded) in entries(&look["stats"]).filter(|(_, recorded)| !recorded[1].is_null()) {
            // When a pull next finds nothing after the removal is chance.
            if ours(queue) == hung.queue && time > removed {
                continue;
            }
            let what = format!("{queue}, {since} ms after the first delivery");
            let found = found.get(&ours(queue)).copied().unwrap_or(0);
            verdict.same(COMMITTED, what, number(&recorded[1]), found);
        }
    }
    let beyond = run.select(|fact| match fact {
        Fact::OffsetCommitted { queue, new, .. } if run.queue(*queue) == hung.queue && *new > hung.offset => {
            Some(())
        }
        _ => None,
    });
    let moved = beyond
        .first()
        .map_or(f64::MAX, |(time, ())| millis_between(removed, *time));
    let offset = recorded_call.and_then(|row| row.get("offset").as_u64());
    let mut later = recording
        .observations("committed")
        .filter(|look| look["t_ms"].as_u64() > Some(recorded_removed));
    let beyond = later.find(|look| look["stats"][recorded_queue][1].as_u64() > offset);
    if let Some(look) = beyond {
        let seen = number(&look["t_ms"]) as f64 - recorded_removed as f64;
        let (letter, wide) = (0.0..=seen, 0.0..=20_150.0);
        verdict.explained(MOVES_ON, "", &seen, moved, letter, wide, NEXT_PULL);
    }
}

fn is_hung(recording: &Recording, name: &serde_json::Value) -> bool {
    let hangs = recording.setup("blocking_message").as_str().unwrap_or_default();
    hangs.split(' ').next() == name.as_str()
}
