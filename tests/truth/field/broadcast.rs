//! A broadcasting group: one member fails everything; it restarts and gets what comes later.

use crate::field::rebuild::{cluster, consumer, messages};
use crate::field::recording::{Recording, entries, list, number, text};
use crate::field::run::{Deed, Run, at};
use crate::field::verdict::{Class, Measure, Subject, Verdict};
use rmqsim::cluster::config::{Action, ClusterConfig, Member, MessageModel, Millis, TimelineEntry};
use rmqsim::cluster::directory::TopicKind;
use rmqsim::cluster::fact::Fact;
use rmqsim::cluster::ids::GroupId;
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::time::{SimDuration, SimTime};
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
    let count = number(recording.setup("messages"));
    let first = recording
        .rows("deliveries")
        .next()
        .expect("messages are delivered");
    let (first, last) = (
        number(first.get("t_ms")),
        number(&recording.timeline("sent")[0]["t_ms"]),
    );
    let gap = SimDuration::from_millis((last - first) / count);
    messages(
        &mut config,
        first - gap.as_millis(),
        count,
        Arrivals::Constant { gap },
    );
    let late = list(recording.derived("after_restart_c1_received")).len() as u64;
    messages(&mut config, 40_000, late, Arrivals::Constant { gap });
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
    for name in recording.consumers() {
        let assigned = recording
            .seen("assignment", &name)
            .next()
            .map_or(&[][..], |seen| list(&seen["queues"]));
        // A client takes its queues one by one: the last of the looks before the next thing happens counts.
        let assigned = recording
            .seen("assignment", &name)
            .map(|seen| list(&seen["queues"]))
            .fold(
                assigned,
                |most, seen| if seen.len() > most.len() { seen } else { most },
            );
        let assigned: Vec<String> = assigned.iter().map(|queue| text(queue).to_owned()).collect();
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
    local_files(recording, run, stop, &who, verdict);
    let retried = run
        .select(|fact| matches!(fact, Fact::RetryScheduled { .. }).then_some(()))
        .len();
    verdict.same(RETRIES, "retries", 0, retried);
    let retry_topic = run.select(|fact| match fact {
        Fact::QueueCreated { queue } if run.kind(*queue) == TopicKind::Retry(run.group) => Some(()),
        _ => None,
    });
    let listed = list(recording.derived("topics_with_group_name")).len();
    verdict.same(RETRIES, "topics", listed, retry_topic.len());
}

/// The files, read between the restart and the messages that came later.
fn local_files(recording: &Recording, run: &Run<'_>, stop: SimTime, who: &str, verdict: &mut Verdict) {
    let deliveries = run.deliveries();
    let later = deliveries
        .iter()
        .filter(|d| d.born > stop && d.who == who)
        .map(|d| d.time)
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
