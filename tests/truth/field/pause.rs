//! A consumer that is stopped for longer than the brokers wait, and goes on.

use crate::field::account::{missing, nobody_got};
use crate::field::rebuild::{cluster, consumer, created, messages, pause, recorded_map};
use crate::field::recording::{Recording, list, number, text};
use crate::field::run::{Deed, Run, millis_between, times};
use crate::field::verdict::{Class, Measure, Subject, Verdict, float};
use rmqsim::cluster::config::{ClusterConfig, Millis};
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::time::SimDuration;

const DONE: Measure = Measure::new(Subject::Pause, "who is stopped", Class::Input);
const MAPS: Measure = Measure::new(Subject::Pause, "map before, during and after", Class::Exact);
const FIRST: Measure = Measure::new(
    Subject::Pause,
    "first takeover, ms after the stop",
    Class::SilentClient,
);
const LAST: Measure = Measure::new(
    Subject::Pause,
    "last takeover, ms after the stop",
    Class::SilentClient,
);
const TAKEN: Measure = Measure::new(Subject::Pause, "whether others take over", Class::Exact);
const BACK: Measure = Measure::new(Subject::Pause, "given back, ms after it goes on", Class::Stable);
const LOST: Measure = Measure::new(Subject::Pause, "messages that nobody got", Class::Exact);
const TWICE: Measure = Measure::new(Subject::Pause, "duplicates", Class::DuplicatesKill);

/// From the stop to the first and to the last survivor that takes over, ms: a heartbeat was 0 to 30 s old, the
/// broker waits 120 s and looks every 10 s, each survivor looks every 20 s.
const TAKEOVER: std::ops::RangeInclusive<f64> = 90_000.0..=150_000.0;
const PHASE: &str = "the instants of a broker's scan, each 10 s, and of a client's round, each 20 s, are chance: a \
    takeover may come anywhere from 90 to 150 s after the stop, and the recordings themselves show 104 and 124 s";

pub fn build(recording: &Recording, _: usize) -> ClusterConfig {
    let (stop, go_on) = (
        number(recording.derived("t_stop")),
        number(recording.derived("t_cont")),
    );
    let sent = number(recording.derived("sent"));
    let interval = number(recording.setup("producer_interval_ms"));
    let producing = number(&recording.timeline("producer_start")[0]["t_ms"]);
    let end = (producing + sent * interval).max(go_on) + 15_000;
    let mut config = cluster(recording, 0, end);
    let cost = number(recording.setup("consume_cost_ms"));
    let mut names = Vec::new();
    for start in recording.timeline("start_consumer") {
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
    config
}

pub fn judge(recording: &Recording, runs: &[Run<'_>], verdict: &mut Verdict) {
    let run = &runs[0];
    let who = recording
        .timeline("SIGSTOP")
        .first()
        .and_then(|entry| entry["consumer"].as_str());
    let stops = run.first(Deed::Stops);
    verdict.same(DONE, "stopped", who, stops.as_ref().map(|(_, who)| who.as_str()));
    let (Some((stop, _)), Some((go_on, _))) = (stops, run.first(Deed::GoesOn)) else {
        return verdict.unjudged("the scenario stops nobody, or lets nobody go on");
    };
    let before = recorded_map(recording.derived("map_before"));
    verdict.same(MAPS, "before", before.clone(), run.map(stop));
    let during = list(recording.derived("map_during")).last();
    let seen = during.map_or(before.clone(), |last| recorded_map(&last["map"]));
    // Between the first and the last instant of a takeover, chance decides who has taken over when the client goes on.
    let away = millis_between(stop, go_on);
    let excuse = TAKEOVER.contains(&away).then_some(PHASE);
    let as_recorded = seen == run.map(go_on);
    verdict.same_unless(MAPS, "when all have taken over", seen, run.map(go_on), excuse);
    takeovers(recording, &run.changes_within(stop, go_on), excuse, verdict);
    let after = list(recording.derived("map_after_cont")).last();
    let seen = after.map_or(before, |last| recorded_map(&last["map"]));
    verdict.same(MAPS, "in the end", seen, run.map(run.end()));
    if let Some(after) = after {
        let changes = run.changes_within(go_on, run.end());
        let stable = changes
            .iter()
            .map(|(after, _)| *after)
            .reduce(f64::max)
            .unwrap_or(f64::MAX);
        verdict.within(BACK, "", &after["t_after_cont_ms"], stable, 1.0..=999.0);
    }
    let times = times(&run.deliveries());
    verdict.same(LOST, "", lost(recording), nobody_got(run, times.len()));
    let again: u64 = times.values().map(|times| times - 1).sum();
    let seen = number(recording.derived("duplicates")) as f64;
    let letter = (seen / 2.0).floor()..=2.0 * seen;
    // Who is not taken over from has nothing delivered twice; more than the letter's most has nobody.
    let least = if as_recorded { *letter.start() } else { 0.0 };
    let wide = least..=*letter.end();
    verdict.explained(
        TWICE,
        "",
        recording.derived("duplicates"),
        again as f64,
        letter,
        wide,
        PHASE,
    );
}

fn takeovers(
    recording: &Recording,
    changes: &[(f64, String)],
    excuse: Option<&'static str>,
    verdict: &mut Verdict,
) {
    let all = changes.iter().map(|(after, _)| *after);
    let of = |key: &str| recording.derived(key).clone();
    let (first, last) = (
        of("takeover_first_ms_after_stop"),
        of("takeover_last_ms_after_stop"),
    );
    verdict.same_unless(TAKEN, "", float(&first).is_some(), !changes.is_empty(), excuse);
    let found = [
        (FIRST, first, all.clone().reduce(f64::min)),
        (LAST, last, all.reduce(f64::max)),
    ];
    for (measure, seen, found) in found {
        if let (Some(recorded), Some(found)) = (seen.as_f64(), found) {
            // One scan more or less.
            let letter = recorded - 10_000.0..=recorded + 10_000.0;
            verdict.explained(measure, "", &seen, found, letter, TAKEOVER, PHASE);
        }
    }
}

/// Messages acknowledged and not consumed.
fn lost(recording: &Recording) -> i64 {
    let consumed = recording.derived("distinct_consumed");
    let of = |key| missing(recording.derived(key), consumed);
    of("sent_ok").or(of("sent")).unwrap_or(0)
}
