//! Long polls, full caches, and one message that hangs.

use crate::field::rebuild::{at, cluster, consumer, created, messages, run};
use crate::field::{Recording, Verdict, list, number, text};
use rmqsim::cluster::fact::{Fact, PullResult};
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::dist::{Dist, Shape};
use rmqsim::kernel::time::SimDuration;
use std::collections::BTreeMap;

fn start(recording: &Recording) -> u64 {
    created(recording, "c1")
}

/// An idle consumer, then one message after another.
pub fn long_polling(recording: &Recording) -> Verdict {
    let idle_end = number(&recording.timeline("idle_end")[0]["t_ms"]);
    let count = number(recording.setup("messages"));
    let mut config = cluster(recording, 0, idle_end + 1_300 * count + 60_000);
    consumer(&mut config, "c1", start(recording), 20, 0);
    // The recorded messages came about 1.3 s apart.
    let mean_gap = SimDuration::from_millis(1_300);
    messages(&mut config, idle_end, count, Arrivals::Poisson { mean_gap });
    let run = run(&config);

    let mut verdict = Verdict::default();
    let answers = run.select(|fact| match fact {
        Fact::PullAnswered { result, held, .. } => Some((*result, held.as_millis())),
        _ => None,
    });
    let holds = answers
        .iter()
        .filter(|(_, (result, _))| *result == PullResult::NotFound);
    let holds: Vec<u64> = holds.map(|(_, (_, held))| *held).collect();
    let recorded = recording.derived("hold_ms_of_NOT_FOUND(19)");
    let (least, most) = (
        holds.iter().min().copied().unwrap_or(0),
        holds.iter().max().copied().unwrap_or(0),
    );
    verdict.within("shortest hold, ms", &recorded["min"], least, 15_000..=20_100);
    verdict.within("longest hold, ms", &recorded["max"], most, 15_000..=20_100);
    let found = answers
        .iter()
        .filter(|(_, (result, _))| *result == PullResult::Found)
        .count() as u64;
    let recorded = recording.derived("response_codes");
    // Two that come within a round trip share an answer.
    verdict.within(
        "answers with messages",
        &recorded["0"],
        found,
        number(&recorded["0"]) - 2..=number(&recorded["0"]),
    );
    let latencies = run.select(|fact| match fact {
        Fact::Delivered { born, .. } => Some(*born),
        _ => None,
    });
    let mut latencies: Vec<f64> = latencies
        .iter()
        .map(|(t, born)| t.since(*born).as_nanos() as f64 / 1e6)
        .collect();
    latencies.sort_by(f64::total_cmp);
    let recorded = recording.derived("latency_ms");
    verdict.within(
        "median latency, ms",
        &recorded["p50"],
        latencies[latencies.len() / 2],
        0.5..=50.0,
    );
    verdict.within(
        "longest latency, ms",
        &recorded["max"],
        latencies[latencies.len() - 1],
        0.5..=200.0,
    );
    verdict
}

/// A slow consumer before a backlog.
pub fn flow_control(recording: &Recording) -> Verdict {
    let mut config = cluster(recording, 0, start(recording) + 60_000);
    let threads = number(&recording.setup("config_overrides")["consumeThreads"]) as u32;
    let cost = number(recording.setup("consume_cost_ms"));
    consumer(&mut config, "c1", start(recording), threads, cost);
    messages(
        &mut config,
        0,
        number(recording.setup("backlog")),
        Arrivals::AtOnce,
    );
    let run = run(&config);

    let mut verdict = Verdict::default();
    let mut most = BTreeMap::<String, u64>::new();
    let mut batches = BTreeMap::<String, u64>::new();
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
        *batches.entry(messages.to_string()).or_default() += 1;
    }
    for (queue, recorded) in recording
        .derived("max_cached_per_queue")
        .as_object()
        .into_iter()
        .flatten()
    {
        verdict.within(
            format!("most cached of {queue}"),
            recorded,
            most[queue],
            1000..=1032,
        );
    }
    let recorded: Vec<String> = recording
        .derived("pull_batch_histogram")
        .as_object()
        .into_iter()
        .flatten()
        .map(|(size, _)| size.clone())
        .collect();
    verdict.same("sizes of answers", recorded, batches.into_keys().collect());
    verdict
}

/// One message holds its thread; all others are done at once.
///
/// The model cannot aim at a message, so one service time in as many as there are messages is the long one, and
/// the seed is such that one message has it, early in its queue.
pub fn stuck(recording: &Recording) -> Verdict {
    let count = number(recording.setup("messages"));
    let block = SimDuration::from_millis(number(recording.setup("block_ms")));
    let mut config = cluster(recording, 0, start(recording) + 2 * block.as_millis());
    consumer(
        &mut config,
        "c1",
        start(recording),
        number(recording.setup("consume_threads")) as u32,
        0,
    );
    messages(&mut config, 0, count, Arrivals::AtOnce);
    let mut values = vec![SimDuration::ZERO; count as usize];
    values[0] = block;
    config.groups[0].consumers[0].service = Dist::Shape(Shape::Empirical { values });
    let stuck_in = |run: &crate::field::rebuild::Run| {
        let stuck = run.select(|fact| match fact {
            Fact::Consumed {
                queue, offset, busy, ..
            } if *busy == block => Some((*queue, *offset)),
            _ => None,
        });
        // With more than the span limit behind it.
        let alone = stuck.len() == 1 && stuck[0].1.1 + 2500 < count / 2 || count < 5000 && stuck.len() == 1;
        alone.then(|| stuck[0].1)
    };
    let (run, (queue, offset), released) = (0..500)
        .find_map(|seed| {
            config.seed = seed;
            let run = run(&config);
            let stuck = stuck_in(&run)?;
            let freed = run.select(|fact| match fact {
                Fact::Consumed { busy, .. } if *busy == block => Some(()),
                _ => None,
            });
            let freed = freed[0].0;
            Some((run, stuck, freed))
        })
        .expect("one seed in ten will do");

    let mut verdict = Verdict::default();
    let delivered = run.select(|fact| match fact {
        Fact::Delivered { queue, offset, .. } => Some((*queue, *offset)),
        _ => None,
    });
    let mut distinct: Vec<_> = delivered.iter().map(|(_, what)| *what).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let recorded = recording.derived("delivered_distinct");
    verdict.same("delivered", number(recorded), distinct.len() as u64);
    verdict.same(
        "duplicates",
        number(recording.derived("duplicates")),
        (delivered.len() - distinct.len()) as u64,
    );
    let before = delivered.iter().filter(|(time, _)| *time < released).count() as u64;
    verdict.same("delivered while one hangs", number(recorded), before);

    let commits = run.select(|fact| match fact {
        Fact::OffsetCommitted { queue, new, .. } => Some((*queue, *new)),
        _ => None,
    });
    let committed = |queue, until| {
        commits
            .iter()
            .filter(|(time, (of, _))| *of == queue && *time < until)
            .map(|(_, (_, new))| *new)
            .next_back()
    };
    // Recorded: the offset stays at the message that hangs (m10 is offset 5 of a:0), however many are done above.
    let hanging = list(recording.derived("stuck_deliveries"))[0][3].as_u64();
    let stats: Vec<&serde_json::Value> = list(&recording.json["observations"])
        .iter()
        .filter(|o| o["what"] == "state")
        .collect();
    let seen = stats
        .iter()
        .filter_map(|state| state["stats"]["a:0"][1].as_u64())
        .filter(|c| Some(*c) == hanging)
        .count();
    verdict.same(
        "the commit stays at what hangs",
        seen > 0,
        committed(queue, released) == Some(offset),
    );
    let end =
        number(&list(&recording.json["observations"]).last().expect("the end")["stats"][run.queue(queue)][1]);
    verdict.same(
        "committed in the end",
        Some(end),
        committed(queue, at(u64::MAX / 1_000_000)),
    );
    assert!(text(recording.setup("mode")) == "concurrent");
    verdict
}
