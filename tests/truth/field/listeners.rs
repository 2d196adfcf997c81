//! What listeners do: a message that fails its batch, a call that outlasts `consumeTimeout`, a broadcasting group.

use crate::field::rebuild::{Run, at, cluster, consumer, created, messages, run};
use crate::field::{Recording, Verdict, list, number, text};
use rmqsim::cluster::config::{
    Action, ListenerRule, MessageModel, Millis, Minutes, Outcome, TimelineEntry, Which,
};
use rmqsim::cluster::directory::TopicKind;
use rmqsim::cluster::fact::{Fact, RequestKind};
use rmqsim::cluster::ids::{GroupId, MessageId, ProducerId, QueueId};
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::dist::Dist;
use rmqsim::kernel::time::{SimDuration, SimTime};
use std::collections::{BTreeMap, BTreeSet};

/// A rule for one message, by its number from 0.
fn rule(message: u64) -> ListenerRule {
    ListenerRule {
        which: Which {
            message: Some(MessageId::new(ProducerId(0), message)),
            ..Which::default()
        },
        first_attempts: u32::MAX,
        probability: 1.0,
        from: SimTime::ZERO,
        until: SimTime::MAX,
        outcome: None,
        service: None,
        delay_level: None,
    }
}

/// Number and attempt of each delivery.
fn deliveries(run: &Run) -> Vec<(SimTime, (u64, u16))> {
    run.select(|fact| match fact {
        Fact::Delivered {
            message,
            reconsume_times,
            ..
        } => Some((message.number(), *reconsume_times)),
        _ => None,
    })
}

/// How often each message was delivered.
fn times(deliveries: &[(SimTime, (u64, u16))]) -> BTreeMap<u64, u64> {
    let mut times = BTreeMap::new();
    for (_, (message, _)) in deliveries {
        *times.entry(*message).or_default() += 1;
    }
    times
}

fn last_commits(run: &Run, until: SimTime) -> BTreeMap<String, u64> {
    let commits = run.select(|fact| match fact {
        Fact::OffsetCommitted { queue, new, .. } => Some((*queue, *new)),
        _ => None,
    });
    let before = commits.into_iter().filter(|(time, _)| *time < until);
    before.map(|(_, (queue, new))| (label(run, queue), new)).collect()
}

/// A queue as recordings write it.
fn label(run: &Run, queue: QueueId) -> String {
    match run.kind(queue) {
        TopicKind::Retry(_) => "RETRY/a:0".to_owned(),
        _ => run.queue(queue),
    }
}

/// 32 messages wait when a consumer with batches of eight comes. The sixth fails, and its batch with it.
pub fn batch(recording: &Recording) -> Verdict {
    let mut verdict = Verdict::default();
    let overrides = recording.setup("config_overrides");
    let count = number(recording.setup("messages"));
    let start = created(recording, "c1");
    let mut config = cluster(recording, 0, start + 60_000);
    let tuning = &mut config.groups[0].tuning;
    tuning.consume_message_batch_max_size = number(&overrides["consumeMessageBatchMaxSize"]) as u32;
    tuning.max_reconsume_times = number(&overrides["maxReconsumeTimes"]) as i32;
    messages(&mut config, 0, count, Arrivals::AtOnce);
    consumer(
        &mut config,
        "c1",
        start,
        number(&overrides["consumeThreads"]) as u32,
        0,
    );
    config.groups[0].consumers[0].failure.rules.push(ListenerRule {
        outcome: Some(Outcome::Later),
        ..rule(5)
    });
    let run = run(&config);
    let deliveries = deliveries(&run);
    verdict.same(
        "deliveries",
        number(recording.derived("deliveries_total")),
        deliveries.len() as u64,
    );
    let recorded = recording
        .derived("deliveries_per_message")
        .as_object()
        .expect("messages by name");
    let recorded: BTreeMap<u64, u64> = recorded
        .iter()
        .map(|(name, times)| (name[1..].parse().expect("a number"), number(times)))
        .collect();
    verdict.same("deliveries of each message", recorded, times(&deliveries));
    // At first all have failed; of the retries, cut into batches anew, those with the culprit.
    let per_attempt = |attempt: u16| {
        deliveries
            .iter()
            .filter(|(_, (_, times))| *times == attempt)
            .count() as u64
    };
    let seen = |attempt: u64| {
        let rows = list(&recording.json["tables"]["deliveries"]["rows"]);
        rows.iter().filter(|row| number(&row[5]) == attempt).count() as u64
    };
    for attempt in 0..3 {
        let what = format!("deliveries with reconsumeTimes {attempt}");
        verdict.same(what, seen(attempt), per_attempt(attempt as u16));
    }
    let dead = run.select(|fact| match fact {
        Fact::DeadLettered { message, .. } => Some(message.number()),
        _ => None,
    });
    let dead: BTreeSet<u64> = dead.into_iter().map(|(_, message)| message).collect();
    verdict.same("the culprit is dead", true, dead.contains(&5));
    // Which of its batch die with it hangs on how the last retries come together.
    let listed = list(recording.derived("dlq")).len();
    verdict.within("dead letters", listed, dead.len(), 1..=8);
    let commits = last_commits(&run, SimTime::MAX);
    let listed = &recording.derived("committed_end");
    for queue in ["a:0", "RETRY/a:0"] {
        let committed = commits.get(queue).copied().unwrap_or(0);
        verdict.same(
            format!("{queue}, committed at the end"),
            number(&listed[queue][1]),
            committed,
        );
    }
    verdict
}

/// One call takes 150 s, with `consumeTimeout` of one minute.
pub fn consume_timeout(recording: &Recording) -> Verdict {
    let mut verdict = Verdict::default();
    let start = created(recording, "c1");
    let first_row = &list(&recording.json["tables"]["deliveries"]["rows"])[0];
    let (first, last) = (
        number(&first_row[0]),
        number(&recording.timeline("sent")[0]["t_ms"]),
    );
    let count = number(recording.setup("messages"));
    let gap = SimDuration::from_millis((last - first) / count);
    let mut config = cluster(recording, 0, 180_000);
    config.groups[0].tuning.consume_timeout =
        Minutes(number(&recording.setup("config_overrides")["consumeTimeout_minutes"]) as u32);
    consumer(&mut config, "c1", start, 20, 0);
    let block = SimDuration::from_millis(number(recording.setup("block_ms")));
    config.groups[0].consumers[0].failure.rules.push(ListenerRule {
        service: Some(Dist::Constant(block)),
        ..rule(10)
    });
    messages(
        &mut config,
        first - gap.as_millis(),
        count,
        Arrivals::Constant { gap },
    );
    let run = run(&config);
    let deliveries = deliveries(&run);
    verdict.same(
        "deliveries",
        number(recording.derived("deliveries_total")),
        deliveries.len() as u64,
    );
    let stuck: Vec<(SimTime, u16)> = deliveries
        .iter()
        .filter(|(_, (message, _))| *message == 10)
        .map(|(time, (_, attempt))| (*time, *attempt))
        .collect();
    let recorded = list(recording.derived("stuck_deliveries"));
    let attempts: Vec<u64> = recorded
        .iter()
        .map(|seen| number(&seen["reconsume_times"]))
        .collect();
    verdict.same(
        "attempts of the message that blocks",
        attempts,
        stuck.iter().map(|(_, attempt)| u64::from(*attempt)).collect(),
    );
    // The looks come every minute from the making of the client on; the first finds it too young.
    let sent_back = run.select(|fact| match fact {
        Fact::Request {
            kind: RequestKind::SendBack,
            ..
        } => Some(()),
        _ => None,
    });
    let seen = number(&list(&recording.json["tables"]["client_rpcs"]["rows"])[0][0]);
    verdict.same("messages sent back", 1, sent_back.len());
    let after = sent_back[0].0.since(at(start)).as_millis();
    verdict.within(
        "sent back, ms after the client was made",
        seen - start,
        after,
        120_000..=120_150,
    );
    let waited = stuck[1].0.since(sent_back[0].0).as_millis();
    let recorded_wait = number(&recorded[1]["t_ms"]) - seen;
    verdict.within(
        "retry after it was sent back, ms",
        recorded_wait,
        waited,
        10_000..=10_150,
    );
    // Where the round robin began is chance: queues are named by who has the message that blocks.
    let blocked = run.select(|fact| match fact {
        Fact::Delivered {
            message,
            queue,
            reconsume_times: 0,
            ..
        } if message.number() == 10 => Some(*queue),
        _ => None,
    });
    let blocked = run.queue(blocked[0].1);
    let name = |queue: &str| match queue {
        queue if queue == blocked => "a:0".to_owned(),
        "RETRY/a:0" => queue.to_owned(),
        _ => "a:1".to_owned(),
    };
    let removed = sent_back[0].0;
    for seen in list(&recording.json["observations"])
        .iter()
        .filter(|o| o["what"] == "committed")
    {
        let time = number(&seen["t_ms"]);
        // The first came within the first ticks; what is committed then is a matter of milliseconds.
        if time < 10_000 {
            continue;
        }
        let stats = seen["stats"].as_object().expect("queues");
        let found = last_commits(&run, at(time)).into_iter();
        let found: BTreeMap<String, u64> = found.map(|(queue, offset)| (name(&queue), offset)).collect();
        for (queue, recorded) in stats.iter().filter(|(_, recorded)| !recorded[1].is_null()) {
            // When a pull next finds nothing after the removal is chance.
            if queue == "a:0" && at(time) > removed {
                continue;
            }
            let found = found.get(queue).copied().unwrap_or(0);
            let what = format!("{queue}, committed at {time} ms");
            verdict.same(what, number(&recorded[1]), found);
        }
    }
    let moved = run.select(|fact| match fact {
        Fact::OffsetCommitted { queue, new: 20, .. } if run.queue(*queue) == blocked => Some(()),
        _ => None,
    });
    // A hold lasts up to 20 s; the pull that follows its end brings the commit along.
    let moved = moved[0].0.since(removed).as_millis();
    verdict.within("commit after the removal, ms", "at most 580", moved, 0..=20_150);
    verdict
}

/// Two members of a broadcasting group: one fails everything; it restarts and gets what comes later.
pub fn broadcast(recording: &Recording) -> Verdict {
    let mut verdict = Verdict::default();
    let started = |name: &str| {
        let seen = recording
            .seen("consumer_started", name)
            .map(|seen| number(&seen["t_ms"]));
        seen.collect::<Vec<u64>>()
    };
    let (c1, c2) = (started("c1"), started("c2"));
    let count = number(recording.setup("messages"));
    let mut config = cluster(recording, 0, 60_000);
    config.groups[0].message_model = MessageModel::Broadcasting;
    // The time from a client's making to its first heartbeat says nothing here.
    config.groups[0].tuning.startup_time = Millis(0);
    consumer(&mut config, "c1", c1[0], 20, 0);
    consumer(&mut config, "c2", c2[0], 20, 0);
    consumer(&mut config, "c1", c1[1], 20, 0);
    config.groups[0].consumers[0].failure.probability = 1.0;
    config.groups[0].consumers[2].life = 2;
    let stop = number(&recording.timeline("graceful_shutdown")[0]["t_ms"]);
    config.timeline.push(TimelineEntry {
        at: at(stop),
        action: Action::Leave(rmqsim::cluster::config::Member {
            group: GroupId(0),
            consumer: 0,
        }),
    });
    let first = number(&list(&recording.json["tables"]["deliveries"]["rows"])[0][0]);
    let last = number(&recording.timeline("sent")[0]["t_ms"]);
    let gap = SimDuration::from_millis((last - first) / count);
    messages(
        &mut config,
        first - gap.as_millis(),
        count,
        Arrivals::Constant { gap },
    );
    let late = list(recording.derived("after_restart_c1_received")).len() as u64;
    messages(&mut config, 40_000, late, Arrivals::Constant { gap });
    let run = run(&config);

    let by_client = run.select(|fact| match fact {
        Fact::Delivered {
            consumer, message, ..
        } => Some((*consumer, message.producer(), message.number())),
        _ => None,
    });
    verdict.same(
        "deliveries",
        number(recording.derived("deliveries_total")),
        by_client.len() as u64,
    );
    let distinct = |name: &str, producer: u32| {
        let of = by_client
            .iter()
            .filter(|(_, (consumer, from, _))| run.consumer(*consumer) == name && from.0 == producer);
        of.map(|(_, (_, _, message))| *message)
            .collect::<BTreeSet<u64>>()
            .len() as u64
    };
    let recorded = recording.derived("per_consumer_distinct");
    for name in ["c1", "c2"] {
        verdict.same(
            format!("messages of {name}"),
            number(&recorded[name]),
            distinct(name, 0),
        );
    }
    verdict.same("messages of c1 after its restart", late, distinct("c1", 1));
    let queues = |name: &str| run.map(at(stop)).remove(name).unwrap_or_default();
    let assigned = recording.seen("assignment", "c2").next().expect("it gets queues");
    let assigned: Vec<&str> = list(&assigned["queues"]).iter().map(text).collect();
    for name in ["c1", "c2"] {
        verdict.same(
            format!("queues of {name}"),
            assigned.clone(),
            queues(name).iter().map(String::as_str).collect(),
        );
    }
    let commits = run
        .select(|fact| matches!(fact, Fact::OffsetCommitted { .. }).then_some(()))
        .len();
    let at_broker = recording
        .derived("broker_consume_stats")
        .as_object()
        .expect("queues");
    let committed: u64 = at_broker.values().map(|stats| number(&stats[1])).sum();
    verdict.same("committed at the broker", committed, commits as u64);
    let files = run.select(|fact| match fact {
        Fact::LocalOffsetStored {
            consumer,
            queue,
            offset,
        } => Some((*consumer, *queue, *offset)),
        _ => None,
    });
    let mut found = BTreeMap::<(String, String), u64>::new();
    for (_, (consumer, queue, offset)) in files.into_iter().filter(|(time, _)| *time < at(38_000)) {
        let number = run
            .queue(queue)
            .split(':')
            .next_back()
            .expect("a queue number")
            .to_owned();
        found.insert((run.consumer(consumer).to_owned(), number), offset);
    }
    for (name, file) in recording
        .derived("local_offsets_file")
        .as_object()
        .expect("files by consumer")
    {
        for (queue, offset) in file.as_object().expect("queues") {
            let found = found.get(&(name.clone(), queue.clone())).copied();
            verdict.same(
                format!("{name}, queue {queue} in the local file"),
                Some(number(offset)),
                found,
            );
        }
    }
    let retried = run
        .select(|fact| matches!(fact, Fact::RetryScheduled { .. }).then_some(()))
        .len();
    verdict.same("retries", 0, retried);
    let retry_topic = run.select(|fact| match fact {
        Fact::QueueCreated { queue } if matches!(run.kind(*queue), TopicKind::Retry(_)) => Some(()),
        _ => None,
    });
    let listed = list(recording.derived("topics_with_group_name")).len();
    verdict.same("topics with the group's name", listed, retry_topic.len());
    verdict
}
