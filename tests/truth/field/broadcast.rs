//! A broadcasting group: one member fails everything; it restarts and gets what comes later.

use crate::field::rebuild::{cluster, consumer, evenly, sent};
use crate::field::recording::{Recording, entries, list, number, text};
use crate::field::run::{Deed, Run, at};
use crate::field::verdict::{Class, Measure, Subject, Verdict};
use rmqsim::cluster::config::{Action, ClusterConfig, Member, MessageModel, Millis, TimelineEntry};
use rmqsim::cluster::directory::TopicKind;
use rmqsim::cluster::fact::Fact;
use rmqsim::cluster::ids::GroupId;
use rmqsim::kernel::time::SimTime;
use std::collections::{BTreeMap, BTreeSet};

const DELIVERIES: Measure = Measure::new(
    Subject::Listeners,
    "broadcasting: deliveries, all and of each member",
    Class::Exact,
);
const AFTER: Measure = Measure::new(
    Subject::Listeners,
    "broadcasting: messages after the restart",
    Class::Exact,
);
const QUEUES: Measure = Measure::new(
    Subject::Listeners,
    "broadcasting: queues of each member",
    Class::Exact,
);
const OFFSETS: Measure = Measure::new(
    Subject::Listeners,
    "broadcasting: offsets at the broker and in local files",
    Class::Exact,
);
const RETRIES: Measure = Measure::new(
    Subject::Listeners,
    "broadcasting: retries, and topics of the group's name",
    Class::Exact,
);

/// What was sent after one member was told to stop: times of the first deliveries, ms. Nothing stores how much that was but
/// what members received, so the member that stayed is the measure for the one that was away.
fn late(recording: &Recording) -> Vec<u64> {
    let stop = recording.timeline("graceful_shutdown");
    let stop = stop.first().and_then(|stop| stop["t_ms"].as_u64());
    let mut first = BTreeMap::<&str, u64>::new();
    for row in recording.rows("deliveries") {
        let time = number(row.get("t_ms"));
        let first = first.entry(text(row.get("msg"))).or_insert(time);
        *first = time.min(*first);
    }
    let mut late: Vec<u64> = first.into_values().filter(|time| Some(*time) > stop).collect();
    late.sort_unstable();
    late
}

pub fn build(recording: &Recording, _: usize) -> ClusterConfig {
    let mut config = cluster(recording, 0, 60_000);
    config.groups[0].message_model = MessageModel::Broadcasting;
    // The time from a client's making to its first heartbeat says nothing here.
    config.groups[0].tuning.startup_time = Millis(0);
    let behaviours = recording.setup("consumers");
    let mut lives = BTreeMap::<String, u32>::new();
    for start in recording.timeline("start_consumer") {
        let name = text(&start["consumer"]).to_owned();
        let life = lives.entry(name.clone()).or_default();
        let ready = recording
            .seen("consumer_started", &name)
            .nth(*life as usize)
            .expect("it starts");
        *life += 1;
        consumer(&mut config, &name, number(&ready["t_ms"]), 20, 0);
        let fails = behaviours[&name]
            .as_str()
            .is_some_and(|does| does.contains("LATER"));
        let consumer = config.groups[0].consumers.last_mut().expect("it was added");
        consumer.life = *life;
        consumer.failure.probability = if fails && *life == 1 { 1.0 } else { 0.0 };
    }
    let stop = &recording.timeline("graceful_shutdown")[0];
    let who = config.groups[0]
        .consumers
        .iter()
        .position(|of| *of.name == stop["consumer"])
        .expect("it started");
    config.timeline.push(TimelineEntry {
        at: at(number(&stop["t_ms"])),
        action: Action::Leave(Member {
            group: GroupId(0),
            consumer: who as u32,
        }),
    });
    sent(&mut config, recording);
    let late = late(recording);
    if let (Some(first), Some(last)) = (late.first(), late.last()) {
        evenly(&mut config, *first, *last, late.len() as u64);
    }
    config
}

pub fn judge(recording: &Recording, runs: &[Run<'_>], verdict: &mut Verdict) {
    let run = &runs[0];
    let deliveries = run.deliveries();
    let total = number(recording.derived("deliveries_total"));
    verdict.same(DELIVERIES, "all", total, deliveries.len() as u64);
    let Some((stop, who)) = run.first(Deed::Leaves) else {
        return verdict.unjudged("nobody leaves in the scenario");
    };
    let distinct = |name: &str, from: SimTime, until: SimTime| {
        let of = deliveries
            .iter()
            .filter(|d| d.who == name && (from..until).contains(&d.born));
        of.map(|d| d.message).collect::<BTreeSet<_>>().len() as u64
    };
    for (name, recorded) in entries(recording.derived("per_consumer_distinct")) {
        verdict.same(DELIVERIES, name, number(recorded), distinct(name, at(0), stop));
    }
    let late = list(recording.derived("after_restart_c1_received")).len() as u64;
    verdict.same(AFTER, &who, late, distinct(&who, stop, SimTime::MAX));
    let recorded_stop = recording.timeline("graceful_shutdown");
    let recorded_stop = recorded_stop.first().and_then(|stop| stop["t_ms"].as_u64());
    for name in recording.consumers() {
        // The last look before one is told to stop.
        let looks = recording.seen("assignment", &name);
        let before = looks.filter(|look| look["t_ms"].as_u64() < recorded_stop).last();
        let queues = before.map_or(&[][..], |look| list(&look["queues"]));
        let assigned: Vec<String> = queues.iter().map(|queue| text(queue).to_owned()).collect();
        let held = run.map(stop).remove(&name).unwrap_or_default();
        verdict.same(QUEUES, name, assigned, held);
    }
    let commits = run
        .select(|fact| matches!(fact, Fact::OffsetCommitted { .. }).then_some(()))
        .len();
    let committed: u64 = entries(recording.derived("broker_consume_stats"))
        .map(|(_, stats)| number(&stats[1]))
        .sum();
    verdict.same(OFFSETS, "at the broker", committed, commits as u64);
    local_files(recording, run, stop, verdict);
    let again = recording
        .rows("deliveries")
        .filter(|row| row.get("reconsume_times").as_u64() > Some(0));
    let retried = deliveries.iter().filter(|d| d.times > 0);
    verdict.same(RETRIES, "retries", again.count(), retried.count());
    let retry_topic = run.select(|fact| match fact {
        Fact::QueueCreated { queue } if run.kind(*queue) == TopicKind::Retry(run.group) => Some(()),
        _ => None,
    });
    let listed = list(recording.derived("topics_with_group_name")).len();
    verdict.same(RETRIES, "topics", listed, retry_topic.len());
}

/// The files, read before the messages that came later.
fn local_files(recording: &Recording, run: &Run<'_>, stop: SimTime, verdict: &mut Verdict) {
    let deliveries = run.deliveries();
    let later = deliveries
        .iter()
        .map(|d| d.born)
        .filter(|born| *born > stop)
        .min();
    let files = run.select(|fact| match fact {
        Fact::LocalOffsetStored {
            consumer,
            queue,
            offset,
        } => Some((*consumer, *queue, *offset)),
        _ => None,
    });
    let mut found = BTreeMap::<(String, String), u64>::new();
    for (_, (consumer, queue, offset)) in files
        .into_iter()
        .filter(|(time, _)| later.is_none_or(|later| *time < later))
    {
        let number = run
            .queue(queue)
            .split(':')
            .next_back()
            .expect("a queue number")
            .to_owned();
        found.insert((run.consumer(consumer).to_owned(), number), offset);
    }
    for (name, file) in entries(recording.derived("local_offsets_file")) {
        for (queue, offset) in entries(file) {
            let found = found.get(&(name.to_owned(), queue.to_owned())).copied();
            verdict.same(
                OFFSETS,
                format!("{name}, queue {queue}"),
                Some(number(offset)),
                found,
            );
        }
    }
}
