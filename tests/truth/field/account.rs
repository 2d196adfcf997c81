//! What any recording may hold, whatever it is about: for those of no known kind that come with a scenario.

use crate::field::rebuild::recorded_map;
use crate::field::recording::{Recording, entries, list, number};
use crate::field::run::{Run, times};
use crate::field::verdict::{Class, Measure, Subject, Verdict};
use rmqsim::cluster::fact::Fact;
use rmqsim::kernel::time::{SimDuration, SimTime};
use serde_json::Value;
use std::collections::BTreeMap;

const LOST: Measure = Measure::new(Subject::Account, "messages that nobody got", Class::Exact);
const DELIVERIES: Measure = Measure::new(
    Subject::Account,
    "deliveries, all or of each consumer",
    Class::Exact,
);
const TWICE: Measure = Measure::new(Subject::Account, "duplicates", Class::DuplicatesKill);
const MAP: Measure = Measure::new(Subject::Account, "map in the end", Class::Exact);
const DEAD: Measure = Measure::new(Subject::Account, "dead letters", Class::Exact);
const COMMITTED: Measure = Measure::new(Subject::Account, "committed in the end, all queues", Class::Exact);

const THROUGH: Measure = Measure::new(
    Subject::Account,
    "committed in the end where all was consumed",
    Class::CommittedOffset,
);

/// What is read here.
pub const READS: &[&str] = &[
    "lost",
    "acked_but_never_consumed",
    "sent",
    "distinct_consumed",
    "deliveries_total",
    "delivered",
    "delivered_per_consumer",
    "duplicates",
    "map_end",
    "map",
    "dlq",
    "dlq_messages",
    "committed_end",
];

/// Where the recording saw all queues committed in the end, so does the run: for recordings of every kind.
pub fn judge_the_end(recording: &Recording, runs: &[Run<'_>], verdict: &mut Verdict) {
    let looks: Vec<&Value> = recording.observations("committed_end").collect();
    let is_user = |queue: &str| !queue.starts_with("RETRY");
    let through = |look: &&Value| {
        entries(&look["stats"])
            .filter(|(queue, _)| is_user(queue))
            .all(|(_, s)| s[0] == s[1])
    };
    // Not where the recording or the run ends amid the work.
    if looks.len() != 1 || runs.len() != 1 || !looks.iter().all(through) {
        return;
    }
    let run = &runs[0];
    let committed = run.committed(SimTime::MAX);
    let committed: u64 = committed
        .iter()
        .filter(|(queue, _)| is_user(queue))
        .map(|(_, offset)| offset)
        .sum();
    let seen: u64 = entries(&looks[0]["stats"])
        .filter(|(queue, _)| is_user(queue))
        .filter_map(|(_, s)| s[1].as_u64())
        .sum();
    // What was sent in the last 5 s may wait for its tick; how much that is, the scenario says.
    let lately = run
        .end()
        .since(SimTime::ZERO)
        .saturating_sub(SimDuration::from_secs(5));
    let stored = run.stored();
    let open = stored.values().filter(|time| **time > SimTime::ZERO + lately);
    let allowed = seen as f64 - open.count() as f64..=seen as f64;
    verdict.within(THROUGH, "", &seen, committed as f64, allowed);
}

/// Stored messages of which not one delivery is among `distinct`; negative if more were delivered than stored.
pub fn nobody_got(run: &Run<'_>, distinct: usize) -> i64 {
    run.stored().len() as i64 - distinct as i64
}

/// What was sent and not consumed, as recorded; negative if more was consumed than sent.
pub fn missing(sent: &Value, consumed: &Value) -> Option<i64> {
    Some(sent.as_i64()? - consumed.as_i64()?)
}

pub fn judge(recording: &Recording, runs: &[Run<'_>], verdict: &mut Verdict) {
    let run = &runs[0];
    let of = |key: &str| recording.derived(key).as_u64();
    let deliveries = run.deliveries();
    let times = times(&deliveries);
    let told = |key: &str| recording.derived(key).as_i64();
    let missing = missing(recording.derived("sent"), recording.derived("distinct_consumed"));
    if let Some(lost) = told("lost").or(told("acked_but_never_consumed")).or(missing) {
        verdict.same(LOST, "", lost, nobody_got(run, times.len()));
    }
    if let Some(total) = of("deliveries_total").or(of("delivered")) {
        // With duplicates, how many there are is judged below.
        if of("duplicates").unwrap_or(0) == 0 {
            verdict.same(DELIVERIES, "all", total, deliveries.len() as u64);
        }
    }
    if recording.has("delivered_per_consumer") {
        let recorded = entries(recording.derived("delivered_per_consumer"));
        let recorded: BTreeMap<String, u64> =
            recorded.map(|(name, n)| (name.to_owned(), number(n))).collect();
        let mut found = BTreeMap::new();
        for delivery in &deliveries {
            *found.entry(delivery.who.clone()).or_default() += 1;
        }
        verdict.same(DELIVERIES, "of each", recorded, found);
    }
    if let Some(seen) = of("duplicates") {
        let again: u64 = times.values().map(|times| times - 1).sum();
        let allowed = (seen / 2) as f64..=(2 * seen) as f64;
        verdict.within(TWICE, "", &seen, again as f64, allowed);
    }
    for key in ["map_end", "map"] {
        if recording.has(key) {
            verdict.same(MAP, key, recorded_map(recording.derived(key)), run.map(run.end()));
        }
    }
    for key in ["dlq", "dlq_messages"] {
        if recording.derived(key).is_array() {
            let dead = run.select(|fact| matches!(fact, Fact::DeadLettered { .. }).then_some(()));
            verdict.same(DEAD, "", list(recording.derived(key)).len(), dead.len());
        }
    }
    if recording.has("committed_end") {
        let recorded: u64 = entries(recording.derived("committed_end"))
            .filter_map(|(_, stats)| stats[1].as_u64())
            .sum();
        let found = run.committed(SimTime::MAX).into_values().sum::<u64>();
        verdict.same(COMMITTED, "", recorded, found);
    }
}
