//! A group that wants few messages, and one whose members want different ones.

use crate::field::rebuild::{cluster, consumer, created, messages, recorded_map};
use crate::field::recording::{Recording, entries, number, text};
use crate::field::run::{Run, at, millis_between};
use crate::field::verdict::{Class, Measure, Subject, Verdict};
use rmqsim::cluster::broker::message_filter::SubscriptionData;
use rmqsim::cluster::config::{ClusterConfig, Expression, ExpressionId};
use rmqsim::cluster::fact::{Fact, PullResult};
use rmqsim::cluster::ids::TopicId;
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::time::{SimDuration, SimTime};
use serde_json::Value;
use std::collections::BTreeMap;

const DELIVERED: Measure = Measure::new(Subject::Filters, "delivered", Class::Exact);
const SLOWEST: Measure = Measure::new(
    Subject::Filters,
    "longest latency of what matches, ms",
    Class::IdleLatency,
);
const FOUND: Measure = Measure::new(Subject::Filters, "answers with messages", Class::Derived);
const UNMATCHED: Measure = Measure::new(Subject::Filters, "answers without a match", Class::Derived);
const SWEEP: Measure = Measure::new(
    Subject::Filters,
    "held answers without a match stray from the look each 5 s by, ms",
    Class::Derived,
);
const LAGS: Measure = Measure::new(
    Subject::Filters,
    "commit behind what is sent, at each recorded look, ms",
    Class::FilteredOffset,
);
const FARTHEST: Measure = Measure::new(
    Subject::Filters,
    "commit behind what is sent, at the worst look, ms",
    Class::FilteredOffset,
);
const COMMITTED: Measure = Measure::new(Subject::Filters, "committed in the end", Class::Exact);
const MAP: Measure = Measure::new(
    Subject::Filters,
    "map of a group whose members differ",
    Class::Exact,
);
const BY_MEMBER: Measure = Measure::new(
    Subject::Filters,
    "delivered to each of members that differ",
    Class::Exact,
);
const NEVER: Measure = Measure::new(
    Subject::Filters,
    "never delivered, by owner of the queue",
    Class::Exact,
);

/// The consumer added last wants `expression`.
fn wants(config: &mut ClusterConfig, expression: &str) {
    let subscription = SubscriptionData::of_tags(Some(expression)).expect("a real client took it");
    config.expressions.push(Expression::Tags(subscription));
    let filter = (TopicId(0), ExpressionId(config.expressions.len() as u16));
    let consumers = &mut config.groups[0].consumers;
    consumers.last_mut().expect("it was added").filters.push(filter);
}

/// So many messages with this tag, or with none, one each `gap`.
fn tagged(config: &mut ClusterConfig, tag: Option<&str>, start: u64, number: u64, gap: u64) {
    let gap = SimDuration::from_millis(gap);
    messages(config, start, number, Arrivals::Constant { gap });
    let producer = config.producers.last_mut().expect("it was added");
    producer
        .attributes
        .tags
        .extend(tag.map(|tag| (tag.to_owned(), 1)));
}

/// The last commit of each queue of the user topic.
fn committed(run: &Run<'_>, before: SimTime) -> BTreeMap<String, u64> {
    let mut committed = run.committed(before);
    committed.retain(|queue, _| !queue.starts_with("RETRY"));
    committed
}

/// One message in many is wanted. Nobody is woken by the others: the offset moves on at the broker's look each 5 s.
pub fn build_sparse(recording: &Recording, _: usize) -> ClusterConfig {
    let (count, every) = (
        number(recording.setup("messages")),
        number(recording.setup("one_match_every")),
    );
    let interval = number(recording.setup("interval_ms"));
    let start = number(&recording.timeline("producer_start")[0]["t_ms"]);
    let mut config = cluster(recording, 0, start + count * interval + 30_000);
    consumer(&mut config, "c1", created(recording, "c1"), 20, 0);
    let wanted_tag = text(recording.setup("subscription"));
    wants(&mut config, wanted_tag);
    let wanted = count / every;
    // The first of all is wanted, and every 400th after it.
    let before = (start + interval).saturating_sub(every * interval);
    tagged(&mut config, Some(wanted_tag), before, wanted, every * interval);
    tagged(&mut config, Some("Other"), start, count - wanted, interval);
    config
}

pub fn judge_sparse(recording: &Recording, runs: &[Run<'_>], verdict: &mut Verdict) {
    let run = &runs[0];
    let deliveries = run.deliveries();
    verdict.same(
        DELIVERED,
        "",
        number(recording.derived("delivered")),
        deliveries.len() as u64,
    );
    let slowest = deliveries
        .iter()
        .map(|d| d.time.since(d.born).as_nanos() as f64 / 1e6)
        .fold(0.0, f64::max);
    let recorded = recording
        .rows("matches")
        .filter_map(|row| row.get("latency_ms").as_u64())
        .max();
    verdict.within(SLOWEST, "", &recorded, slowest, 0.1..=200.0);
    let answers = run.select(|fact| match fact {
        Fact::PullAnswered {
            queue, result, held, ..
        } if run.is_user(*queue) => Some((*result, held.as_millis())),
        _ => None,
    });
    let of = |wanted: PullResult| answers.iter().filter(move |(_, (result, _))| *result == wanted);
    let codes = recording.derived("response_codes_T");
    // Two that come within a round trip share an answer; the rarer they are, the less.
    let seen = number(&codes["0"]) as f64;
    let found = of(PullResult::Found).count() as f64;
    verdict.within(FOUND, "", &codes["0"], found, seen - (seen * 0.05).floor()..=seen);
    let seen = number(&codes["20"]) as f64;
    let unmatched = of(PullResult::NoMatched).count() as f64;
    // How many fall into the producer's time depends on the phase of the looks.
    verdict.within(
        UNMATCHED,
        "",
        &codes["20"],
        unmatched,
        (seen / 2.0).floor()..=seen * 2.0,
    );
    let sweeps = of(PullResult::NoMatched).filter(|(_, (_, held))| *held > HELD);
    let found = apart(sweeps.map(|(now, _)| now.since(SimTime::ZERO).as_millis()));
    let held = recording
        .rows("pulls")
        .filter(|row| *row.get("response_code") == 20 && row.get("held_ms").as_u64() > Some(HELD));
    if let Some(seen) = apart(held.filter_map(|row| row.get("t_ms").as_u64())) {
        // The recorded times are a trip later, and trips took up to 12 ms.
        verdict.within(
            SWEEP,
            "",
            &seen,
            found.map_or(f64::MAX, |ms| ms as f64),
            0.0..=50.0,
        );
    }
    // Two producers walk the queues from starts of their own: both queues together.
    let recorded =
        entries(recording.derived("committed_end")).filter(|(queue, _)| !queue.starts_with("RETRY"));
    let recorded: u64 = recorded.map(|(_, stats)| number(&stats[1])).sum();
    verdict.same(
        COMMITTED,
        "all queues",
        recorded,
        committed(run, SimTime::MAX).values().sum::<u64>(),
    );
    behind(recording, run, verdict);
}

/// A pull that lasts this long was held, ms: the recorded trips took 12 ms at most.
const HELD: u64 = 50;

/// By how much the distances of these times differ from a multiple of 5 s, at most, ms; `None` if there are not two.
fn apart(times: impl Iterator<Item = u64>) -> Option<u64> {
    let times: Vec<u64> = times.collect();
    let (first, rest) = times.split_first()?;
    let off = |time: &u64| {
        let phase = time.abs_diff(*first) % 5_000;
        phase.min(5_000 - phase)
    };
    rest.iter().map(off).max()
}

/// How long ago the first message was sent that is not committed, whenever the recording looked, and how long at the same time
/// of the run: as long after the producer began, or, when it is done, after that. The broker looks each 5 s, so it is never
/// more: after a match, other messages follow at once. And as a match wakes one queue only, at the worst look it is no less
/// than half of that.
fn behind(recording: &Recording, run: &Run<'_>, verdict: &mut Verdict) {
    let (began, ended) = (
        number(&recording.timeline("producer_start")[0]["t_ms"]) as f64,
        number(&recording.timeline("producer_end")[0]["t_ms"]) as f64,
    );
    let queues = number(recording.setup("topic_queues_per_broker")) as f64;
    let gap = (ended - began) / number(recording.setup("messages")) as f64;
    let mut stored = BTreeMap::<String, Vec<SimTime>>::new();
    for (time, queue) in run.select(|fact| match fact {
        Fact::Stored { queue, .. } if run.is_user(*queue) => Some(*queue),
        _ => None,
    }) {
        stored.entry(run.queue(queue)).or_default().push(time);
    }
    let all = || stored.values().flatten().copied();
    let (Some(first), Some(last)) = (all().min(), all().max()) else {
        return verdict.unjudged("nothing is sent in the scenario");
    };
    let mut worst = (0.0_f64, 0.0_f64);
    for look in recording.observations("committed") {
        let time = look["t_ms"].as_f64().unwrap_or(0.0);
        let of_queue = |stats: &Value| {
            let (end, committed) = (stats[0].as_f64()?, stats[1].as_f64().unwrap_or(0.0));
            (committed < end).then_some(time - began - committed * queues * gap)
        };
        let lags = entries(&look["stats"]).filter_map(|(_, stats)| of_queue(stats));
        // No queue is listed before the first commit.
        let nothing = entries(&look["stats"]).next().is_none() && time > began;
        let seen = lags.fold(if nothing { time - began } else { 0.0 }, f64::max);
        let millis = |ms: f64| SimDuration::from_millis(ms as u64);
        let now = if time < ended {
            first + millis((time - began).max(0.0))
        } else {
            last + millis(time - ended)
        };
        let commits = committed(run, now);
        let open = |(queue, times): (&String, &Vec<SimTime>)| {
            let next = *times.get(*commits.get(queue).unwrap_or(&0) as usize)?;
            (next < now).then(|| millis_between(next, now))
        };
        let found = stored.iter().filter_map(open).fold(0.0, f64::max);
        worst = (worst.0.max(seen), worst.1.max(found));
        let what = format!("{} ms after the first message", time - began);
        verdict.within(LAGS, what, &seen.round(), found, 0.0..=5_150.0);
        if seen == 0.0 && time > ended {
            break;
        }
    }
    verdict.within(FARTHEST, "", &worst.0.round(), worst.1, 2_500.0..=5_150.0);
}

/// Each member gets what the broker knows as the group's subscription, and keeps what it asked for itself.
pub fn build_inconsistent(recording: &Recording, _: usize) -> ClusterConfig {
    let (count, interval) = (
        number(recording.setup("messages")),
        number(recording.setup("interval_ms")),
    );
    let start = number(&recording.timeline("producer_start")[0]["t_ms"]);
    let mut config = cluster(recording, 0, start + count * interval + 30_000);
    let mut tags = Vec::new();
    for (name, tag) in entries(recording.setup("consumers")) {
        consumer(&mut config, name, created(recording, name), 20, 0);
        wants(&mut config, text(tag));
        tags.push(text(tag));
    }
    let kinds = tags.len() as u64;
    for (n, tag) in (0..).zip(tags) {
        tagged(
            &mut config,
            Some(tag),
            start + n * interval,
            count / kinds,
            kinds * interval,
        );
    }
    config
}

pub fn judge_inconsistent(recording: &Recording, runs: &[Run<'_>], verdict: &mut Verdict) {
    let run = &runs[0];
    let map = run.map(run.end());
    verdict.same(MAP, "", recorded_map(recording.derived("map")), map.clone());
    let mut delivered: BTreeMap<String, u64> = BTreeMap::new();
    for delivery in run.deliveries() {
        *delivered.entry(delivery.who).or_default() += 1;
    }
    let recorded = entries(recording.derived("delivered_per_consumer"));
    let recorded: BTreeMap<String, u64> = recorded.map(|(name, n)| (name.to_owned(), number(n))).collect();
    verdict.same(BY_MEMBER, "", recorded, delivered);
    let filtered = run.select(|fact| match fact {
        Fact::Filtered {
            consumer,
            from,
            to,
            wanted: true,
            ..
        } => Some((run.consumer(*consumer).to_owned(), to - from)),
        _ => None,
    });
    for owner in map.keys() {
        let mine = filtered.iter().filter(|(_, (of, _))| of == owner);
        let found: u64 = mine.map(|(_, (_, records))| records).sum();
        let counts = entries(recording.derived("tag/owner/result counts"));
        let of_owner = counts.filter(|(what, _)| what.ends_with(&format!("/ {owner} / never")));
        let seen: u64 = of_owner.map(|(_, n)| number(n)).sum();
        verdict.same(NEVER, owner, seen, found);
    }
    // Whose offset lags behind, and by how much, depends on the last look of the broker: those that are through count.
    let end = committed(run, at(u64::MAX / 1_000_000));
    for (queue, stats) in entries(recording.derived("committed_end")) {
        if !queue.starts_with("RETRY") && stats[0] == stats[1] {
            verdict.same(
                COMMITTED,
                queue,
                number(&stats[1]),
                end.get(queue).copied().unwrap_or(0),
            );
        }
    }
}
