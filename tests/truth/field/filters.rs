//! A group that wants few messages, and one whose members want different ones.

use crate::field::rebuild::{Run, at, cluster, consumer, created, messages, recorded_map, run};
use crate::field::scenario_file::through_file;
use crate::field::{Recording, Verdict, number, text};
use rmqsim::cluster::broker::message_filter::SubscriptionData;
use rmqsim::cluster::config::{ClusterConfig, Expression, ExpressionId};
use rmqsim::cluster::fact::{Fact, PullResult};
use rmqsim::cluster::ids::{ConsumerId, QueueId, TopicId};
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::time::{SimDuration, SimTime};
use std::collections::BTreeMap;

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
fn committed(run: &Run, before: SimTime) -> BTreeMap<String, u64> {
    let commits = run.select(|fact| match fact {
        Fact::OffsetCommitted { queue, new, .. } => Some((*queue, *new)),
        _ => None,
    });
    let of_topic = commits.into_iter().filter(|(time, (queue, _))| {
        *time < before && run.kind(*queue) == rmqsim::cluster::directory::TopicKind::User
    });
    of_topic
        .map(|(_, (queue, new))| (run.queue(queue), new))
        .collect()
}

/// One message in 400 is wanted. Nobody is woken by the others: the offset moves on at the broker's look each 5 s.
pub fn sparse(recording: &Recording) -> Verdict {
    let (count, every) = (
        number(recording.setup("messages")),
        number(recording.setup("one_match_every")),
    );
    let interval = number(recording.setup("interval_ms"));
    let start = number(&recording.timeline("producer_start")[0]["t_ms"]);
    let end = start + count * interval;
    let mut config = cluster(recording, 0, end + 30_000);
    consumer(&mut config, "c1", created(recording, "c1"), 20, 0);
    wants(&mut config, text(recording.setup("subscription")));
    let wanted = count / every;
    tagged(&mut config, Some("TagA"), start, wanted, every * interval);
    tagged(&mut config, Some("Other"), start, count - wanted, interval);
    let run = run(&through_file(recording, None, &config));

    let mut verdict = Verdict::default();
    let delivered = run.select(|fact| match fact {
        Fact::Delivered { born, .. } => Some(*born),
        _ => None,
    });
    verdict.same(
        "delivered",
        number(recording.derived("delivered")),
        delivered.len() as u64,
    );
    let slowest = delivered
        .iter()
        .map(|(now, born)| now.since(*born).as_millis())
        .max();
    verdict.within("longest latency, ms", 68, slowest.unwrap_or(0), 0..=200);
    let answers = run.select(|fact| match fact {
        Fact::PullAnswered {
            queue, result, held, ..
        } if *queue < QueueId(2) => Some((*result, held.as_millis())),
        _ => None,
    });
    let held = |wanted: PullResult| {
        let answers = answers.iter().filter(move |(_, (result, _))| *result == wanted);
        answers.map(|(_, (_, held))| *held).collect::<Vec<u64>>()
    };
    let codes = recording.derived("response_codes_T");
    verdict.same(
        "answers with messages",
        number(&codes["0"]),
        held(PullResult::Found).len() as u64,
    );
    let unmatched = held(PullResult::NoMatched);
    let recorded = number(&codes["20"]);
    verdict.within(
        "answers without a match",
        recorded,
        unmatched.len() as u64,
        recorded / 2..=recorded * 2,
    );
    let sweeps = run.select(|fact| match fact {
        Fact::PullAnswered {
            result: PullResult::NoMatched,
            held,
            ..
        } if held.as_millis() > 0 => Some(()),
        _ => None,
    });
    let sweeps: Vec<u64> = sweeps
        .iter()
        .map(|(now, ())| now.since(SimTime::ZERO).as_millis() % 5_000)
        .collect();
    verdict.same(
        "held answers without a match come at the look each 5 s",
        true,
        !sweeps.is_empty() && sweeps.iter().all(|phase| phase.abs_diff(sweeps[0]) <= 1),
    );
    // The two producers walk the queues from starts of their own.
    let recorded: u64 = ["a:0", "a:1"]
        .map(|queue| number(&recording.derived("committed_end")[queue][1]))
        .iter()
        .sum();
    let at_end = committed(&run, SimTime::MAX).values().sum::<u64>();
    verdict.same("committed of both queues at the end", recorded, at_end);
    // Recorded: 940 of 1000 at 3 s after the last message, 1000 at 4.5 s.
    let at_last = committed(&run, at(end)).values().sum::<u64>();
    verdict.within(
        "committed of 2000 when the last is sent",
        1880,
        at_last,
        800..=1_990,
    );
    verdict
}

/// Each member gets what the broker knows as the group's subscription, and keeps what it asked for itself.
pub fn inconsistent(recording: &Recording) -> Verdict {
    let (count, interval) = (
        number(recording.setup("messages")),
        number(recording.setup("interval_ms")),
    );
    let start = number(&recording.timeline("producer_start")[0]["t_ms"]);
    let mut config = cluster(recording, 0, start + count * interval + 30_000);
    let subscriptions = recording.setup("consumers").as_object();
    for (name, tag) in subscriptions.into_iter().flatten() {
        consumer(&mut config, name, created(recording, name), 20, 0);
        wants(&mut config, text(tag));
    }
    for (n, tag) in (0..).zip(["TagA", "TagB"]) {
        let start = start + n * interval;
        tagged(&mut config, Some(tag), start, count / 2, 2 * interval);
    }
    let run = run(&through_file(recording, None, &config));

    let mut verdict = Verdict::default();
    verdict.same(
        "final map",
        recorded_map(recording.derived("map")),
        run.map(at(start)),
    );
    let mut delivered: BTreeMap<String, u64> = BTreeMap::new();
    for (_, consumer) in run.select(|fact| match fact {
        Fact::Delivered { consumer, .. } => Some(*consumer),
        _ => None,
    }) {
        *delivered.entry(run.consumer(consumer).to_owned()).or_default() += 1;
    }
    let recorded = recording.derived("delivered_per_consumer").as_object();
    let recorded: BTreeMap<String, u64> = recorded
        .into_iter()
        .flatten()
        .map(|(name, n)| (name.clone(), number(n)))
        .collect();
    verdict.same("delivered by consumer", recorded, delivered);
    let filtered = run.select(|fact| match fact {
        Fact::Filtered {
            consumer,
            from,
            to,
            wanted: true,
            ..
        } => Some((*consumer, to - from)),
        _ => None,
    });
    let of = |consumer: u32| -> u64 {
        let mine = filtered.iter().filter(|(_, (of, _))| *of == ConsumerId(consumer));
        mine.map(|(_, (_, records))| records).sum()
    };
    let never = |owner: &str| -> u64 {
        let counts = recording.derived("tag/owner/result counts").as_object();
        let of_owner = counts
            .into_iter()
            .flatten()
            .filter(|(what, _)| what.ends_with(&format!("/ {owner} / never")));
        of_owner.map(|(_, n)| number(n)).sum()
    };
    verdict.same("never delivered in the queues of c1", never("c1"), of(0));
    verdict.same("never delivered in the queues of c2", never("c2"), of(1));
    let end = committed(&run, SimTime::MAX);
    for queue in ["a:4", "a:5", "a:6", "a:7"] {
        let recorded = number(&recording.derived("committed_end")[queue][1]);
        verdict.same(format!("committed of {queue} at the end"), recorded, end[queue]);
    }
    verdict
}
