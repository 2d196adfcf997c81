//! Long polls, full caches, and one message that hangs.

use crate::field::rebuild::{cluster, consumer, created, messages, rule};
use crate::field::recording::{Recording, entries, list, number};
use crate::field::run::Run;
use crate::field::verdict::{Class, Measure, Subject, Verdict};
use rmqsim::cluster::config::{ClusterConfig, ListenerRule};
use rmqsim::cluster::fact::{Fact, PullResult};
use rmqsim::cluster::ids::{MessageId, ProducerId};
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::dist::Dist;
use rmqsim::kernel::time::{SimDuration, SimTime};
use serde_json::Value;
use std::collections::BTreeMap;

const SHORTEST: Measure = Measure::new(
    Subject::Pulls,
    "shortest hold of a pull that finds nothing, ms",
    Class::Hold,
);
const LONGEST: Measure = Measure::new(
    Subject::Pulls,
    "longest hold of a pull that finds nothing, ms",
    Class::Hold,
);
const FOUND: Measure = Measure::new(Subject::Pulls, "answers with messages", Class::Derived);
const MEDIAN: Measure = Measure::new(Subject::Pulls, "median latency when idle, ms", Class::IdleLatency);
const SLOWEST: Measure = Measure::new(
    Subject::Pulls,
    "longest latency when idle, ms",
    Class::IdleLatency,
);
const CACHED: Measure = Measure::new(Subject::Pulls, "most cached messages of a queue", Class::Cached);
const BATCHES: Measure = Measure::new(Subject::Pulls, "commonest size of an answer", Class::Exact);
const DELIVERED: Measure = Measure::new(Subject::Pulls, "delivered beside a call that hangs", Class::Exact);
const TWICE: Measure = Measure::new(
    Subject::Pulls,
    "duplicates beside a call that hangs",
    Class::Exact,
);
const MEANWHILE: Measure = Measure::new(Subject::Pulls, "delivered while the call hangs", Class::Exact);
const STAYS: Measure = Measure::new(Subject::Pulls, "the commit stays at what hangs", Class::Exact);
const IN_THE_END: Measure = Measure::new(Subject::Pulls, "committed in the end", Class::Exact);

fn start(recording: &Recording) -> u64 {
    created(recording, "c1")
}

/// An idle consumer, then one message after another.
pub fn build_idle(recording: &Recording, _: usize) -> ClusterConfig {
    let idle_end = number(&recording.timeline("idle_end")[0]["t_ms"]);
    let count = number(recording.setup("messages"));
    let mut config = cluster(recording, 0, idle_end + 1_300 * count + 60_000);
    consumer(&mut config, "c1", start(recording), 20, 0);
    // The recorded messages came about 1.3 s apart.
    let mean_gap = SimDuration::from_millis(1_304);
    messages(&mut config, idle_end, count, Arrivals::Poisson { mean_gap });
    config
}

pub fn judge_idle(recording: &Recording, runs: &[Run<'_>], verdict: &mut Verdict) {
    let run = &runs[0];
    let answers = run.select(|fact| match fact {
        Fact::PullAnswered { result, held, .. } => Some((*result, held.as_millis())),
        _ => None,
    });
    let holds = answers
        .iter()
        .filter(|(_, (result, _))| *result == PullResult::NotFound);
    let holds: Vec<f64> = holds.map(|(_, (_, held))| *held as f64).collect();
    let recorded = recording.derived("hold_ms_of_NOT_FOUND(19)");
    let limits = 15_000.0..=20_100.0;
    let (least, most) = (
        holds.iter().copied().reduce(f64::min).unwrap_or(0.0),
        holds.iter().copied().reduce(f64::max).unwrap_or(0.0),
    );
    verdict.within(SHORTEST, "", &recorded["min"], least, limits.clone());
    verdict.within(LONGEST, "", &recorded["max"], most, limits);
    let found = answers
        .iter()
        .filter(|(_, (result, _))| *result == PullResult::Found)
        .count() as f64;
    let recorded = recording.derived("response_codes");
    if let Some(seen) = recorded["0"].as_f64() {
        // Two that come within a round trip share an answer.
        verdict.within(
            FOUND,
            "",
            &recorded["0"],
            found,
            seen - (seen * 0.05).ceil()..=seen,
        );
    }
    let deliveries = run.deliveries();
    let latency = |d: &crate::field::run::Delivery| d.time.since(d.born).as_nanos() as f64 / 1e6;
    let mut latencies: Vec<f64> = deliveries.iter().map(latency).collect();
    latencies.sort_by(f64::total_cmp);
    let recorded = recording.derived("latency_ms");
    let (median, longest) = (latencies.get(latencies.len() / 2), latencies.last());
    verdict.within(
        MEDIAN,
        "",
        &recorded["p50"],
        median.copied().unwrap_or(0.0),
        0.1..=50.0,
    );
    verdict.within(
        SLOWEST,
        "",
        &recorded["max"],
        longest.copied().unwrap_or(0.0),
        0.1..=200.0,
    );
}

/// A slow consumer before a backlog.
pub fn build_full(recording: &Recording, _: usize) -> ClusterConfig {
    let mut config = cluster(recording, 0, start(recording) + 60_000);
    let threads = recording.config_override("consumeThreads").as_u64().unwrap_or(20) as u32;
    let cost = number(recording.setup("consume_cost_ms"));
    consumer(&mut config, "c1", start(recording), threads, cost);
    messages(
        &mut config,
        0,
        number(recording.setup("backlog")),
        Arrivals::AtOnce,
    );
    config
}

pub fn judge_full(recording: &Recording, runs: &[Run<'_>], verdict: &mut Verdict) {
    let run = &runs[0];
    let mut most = BTreeMap::<String, u64>::new();
    let mut batches = BTreeMap::<u64, u64>::new();
    for (_, (queue, messages, cached)) in run.select(|fact| match fact {
        Fact::Cached {
            queue,
            messages,
            cached,
            ..
        } => Some((*queue, *messages, *cached)),
        _ => None,
    }) {
        let most = most.entry(run.queue(queue)).or_default();
        *most = (*most).max(u64::from(cached));
        *batches.entry(u64::from(messages)).or_default() += 1;
    }
    let overridden = |key: &str| recording.config_override(key).as_f64();
    let threshold = overridden("pullThresholdForQueue").unwrap_or(1000.0);
    let batch = overridden("pullBatchSize").unwrap_or(32.0);
    for (queue, recorded) in entries(recording.derived("max_cached_per_queue")) {
        let found = most.get(queue).copied().unwrap_or(0) as f64;
        let seen = number(recorded) as f64;
        let by_count = threshold..=threshold + batch;
        // Where the size of what is cached is the limit, the recording tells it.
        let allowed = if by_count.contains(&seen) {
            by_count
        } else {
            seen - batch..=seen + batch
        };
        verdict.within(CACHED, queue, recorded, found, allowed);
    }
    let recorded = entries(recording.derived("pull_batch_histogram"));
    let recorded = recorded.map(|(size, times)| (size.parse().unwrap_or(0), number(times)));
    let common = |sizes: &mut dyn Iterator<Item = (u64, u64)>| {
        sizes.max_by_key(|(_, times)| *times).map(|(size, _)| size)
    };
    verdict.same(
        BATCHES,
        "",
        common(&mut recorded.into_iter()),
        common(&mut batches.into_iter()),
    );
}

/// One message holds its thread; all others are done at once.
pub fn build_stuck(recording: &Recording, _: usize) -> ClusterConfig {
    let block = SimDuration::from_millis(number(recording.setup("block_ms")));
    let mut config = cluster(recording, 0, start(recording) + 2 * block.as_millis());
    let threads = number(recording.setup("consume_threads")) as u32;
    consumer(&mut config, "c1", start(recording), threads, 0);
    messages(
        &mut config,
        0,
        number(recording.setup("messages")),
        Arrivals::AtOnce,
    );
    // "m10 (queue 0, offset 5 …)".
    let name = recording.setup("blocking_message").as_str().unwrap_or("m10");
    let digits: String = name.chars().skip(1).take_while(char::is_ascii_digit).collect();
    let message = MessageId::new(ProducerId(0), digits.parse().expect("its number"));
    config.groups[0].consumers[0].failure.rules.push(ListenerRule {
        service: Some(Dist::Constant(block)),
        ..rule(message)
    });
    config
}

pub fn judge_stuck(recording: &Recording, runs: &[Run<'_>], verdict: &mut Verdict) {
    let run = &runs[0];
    let block = SimDuration::from_millis(number(recording.setup("block_ms")) * 9 / 10);
    let hung = run.select(|fact| match fact {
        Fact::Consumed {
            queue, offset, busy, ..
        } if *busy >= block => Some((run.queue(*queue), *offset)),
        _ => None,
    });
    let Some((released, (queue, offset))) = hung.first() else {
        return verdict.unjudged("no call of the scenario takes as long as the recorded one");
    };
    let deliveries = run.deliveries();
    let mut distinct: Vec<_> = deliveries.iter().map(|d| (&d.queue, d.offset)).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let recorded = number(recording.derived("delivered_distinct"));
    verdict.same(DELIVERED, "", recorded, distinct.len() as u64);
    let twice = (deliveries.len() - distinct.len()) as u64;
    verdict.same(TWICE, "", number(recording.derived("duplicates")), twice);
    // What the last look before the call's end saw.
    let done = list(recording.derived("stuck_done"))
        .first()
        .and_then(|done| done[0].as_u64());
    let looks = recording
        .observations("state")
        .filter(|state| state["t_ms"].as_u64() < done);
    let seen = looks
        .filter_map(|state| state["delivered"].as_u64())
        .last()
        .unwrap_or(recorded);
    let before = deliveries.iter().filter(|d| d.time < *released).count() as u64;
    verdict.same(MEANWHILE, "", seen, before);
    // Recorded: the offset stays at the message that hangs, however many are done above.
    let stuck = &list(recording.derived("stuck_deliveries"))[0];
    let of_queue = |state: &Value| state["stats"][stuck[2].as_str().unwrap_or_default()][1].as_u64();
    let stays = recording
        .observations("state")
        .filter_map(of_queue)
        .any(|offset| Some(offset) == stuck[3].as_u64());
    let found = run.committed(*released).get(queue) == Some(offset);
    verdict.same(STAYS, "", stays, found);
    if let Some(end) = recording.observations("committed_end").last() {
        let all = |stats: &mut dyn Iterator<Item = u64>| stats.sum::<u64>();
        let seen = all(&mut entries(&end["stats"]).filter_map(|(_, stats)| stats[1].as_u64()));
        let found = all(&mut run.committed(SimTime::MAX).into_values());
        verdict.same(IN_THE_END, "", seen, found);
    }
}
