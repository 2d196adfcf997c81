//! A consumer that is stopped for longer than the brokers wait, and goes on.

use crate::field::rebuild::{at, cluster, consumer, created, messages, pause, recorded_map, run};
use crate::field::scenario_file::through_file;
use crate::field::{Recording, Verdict, list, number, text};
use rmqsim::cluster::config::Millis;
use rmqsim::cluster::fact::Fact;
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::time::SimDuration;
use std::collections::BTreeMap;

/// From the stop to the first and to the last survivor that takes over, ms: a heartbeat was 0 to 30 s old, the
/// broker waits 120 s and looks every 10 s, each survivor looks every 20 s.
const TAKEOVER: std::ops::RangeInclusive<u64> = 90_000..=150_000;

pub fn judge(recording: &Recording) -> Verdict {
    let (stop, go_on) = (
        number(recording.derived("t_stop")),
        number(recording.derived("t_cont")),
    );
    let sent = number(recording.derived("sent"));
    let interval = number(recording.setup("producer_interval_ms"));
    let producing = number(&recording.timeline("producer_start")[0]["t_ms"]);
    let end = (producing + sent * interval).max(go_on) + 15_000;
    let mut config = cluster(recording, 0, end);
    let starts = recording.timeline("start_consumer");
    let cost = number(recording.setup("consume_cost_ms"));
    let mut names = Vec::new();
    for start in starts {
        let name = text(&start["consumer"]);
        let created = created(recording, name);
        consumer(&mut config, name, created, 20, cost);
        let ready = recording
            .seen("consumer_started", name)
            .next()
            .expect("it starts");
        config.groups[0].tuning.startup_time = Millis(number(&ready["t_ms"]) - created);
        names.push(name.to_owned());
    }
    let stopped = text(&recording.timeline("SIGSTOP")[0]["consumer"]);
    let stopped = names.iter().position(|name| name == stopped).expect("it started") as u32;
    let gap = SimDuration::from_millis(interval);
    messages(&mut config, producing, sent, Arrivals::Constant { gap });
    pause(&mut config, stop, go_on, stopped);
    let run = run(&through_file(recording, None, &config));

    let mut verdict = Verdict::default();
    verdict.same(
        "map before the stop",
        recorded_map(recording.derived("map_before")),
        run.map(at(stop)),
    );
    let during = list(recording.derived("map_during"));
    let last_during = during.last().expect("somebody takes over");
    verdict.same(
        "map when all have taken over",
        recorded_map(&last_during["map"]),
        run.map(at(go_on)),
    );
    let changes = run.changes_within(at(stop), at(go_on));
    let first = changes.iter().map(|(after, _)| *after).min().unwrap_or(0);
    let last = changes.iter().map(|(after, _)| *after).max().unwrap_or(0);
    let recorded = |key| recording.derived(key);
    verdict.within(
        "first takeover, ms after the stop",
        recorded("takeover_first_ms_after_stop"),
        first,
        TAKEOVER,
    );
    verdict.within(
        "last takeover, ms after the stop",
        recorded("takeover_last_ms_after_stop"),
        last,
        TAKEOVER,
    );
    let after = list(recording.derived("map_after_cont"));
    let last_after = after.last().expect("they give back");
    verdict.same(
        "map in the end",
        recorded_map(&last_after["map"]),
        run.map(at(end)),
    );
    let changes = run.changes_within(at(go_on), at(end));
    let stable = changes.iter().map(|(after, _)| *after).max().unwrap_or(u64::MAX);
    verdict.within(
        "given back, ms after it goes on",
        &last_after["t_after_cont_ms"],
        stable,
        0..=999,
    );
    let mut deliveries = BTreeMap::<_, u64>::new();
    for (_, message) in run.select(|fact| match fact {
        Fact::Delivered { message, .. } => Some(*message),
        _ => None,
    }) {
        *deliveries.entry(message).or_default() += 1;
    }
    verdict.same("messages that nobody got", 0, sent - deliveries.len() as u64);
    let again: u64 = deliveries.values().map(|times| times - 1).sum();
    let seen = number(recorded("duplicates"));
    verdict.within("duplicates", seen, again, seen / 2..=2 * seen);
    verdict
}
