//! A broker that is killed and started again, while producers send and consumers read.

use crate::field::account::nobody_got;
use crate::field::rebuild::{cluster, consumer, created, messages, recorded_map};
use crate::field::recording::{Recording, entries, list, number, text};
use crate::field::run::{Run, at, millis_between, times};
use crate::field::verdict::{Class, Measure, Subject, Verdict};
use rmqsim::cluster::config::{Action, ClusterConfig, Millis, TimelineEntry};
use rmqsim::cluster::fact::Fact;
use rmqsim::cluster::ids::BrokerId;
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::time::{SimDuration, SimTime};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const MADE: Measure = Measure::new(
    Subject::Brokers,
    "a broker is killed and comes back",
    Class::Input,
);
const SENDS: Measure = Measure::new(Subject::Brokers, "sends that fail for good", Class::Derived);
const LOST: Measure = Measure::new(Subject::Brokers, "messages that nobody got", Class::Exact);
const MAPS: Measure = Measure::new(
    Subject::Brokers,
    "map while it is away, and in the end",
    Class::Exact,
);
const AWAY: Measure = Measure::new(
    Subject::Brokers,
    "consumers let go of its queues, ms after the kill",
    Class::RoutePoll,
);
const BACK: Measure = Measure::new(
    Subject::Brokers,
    "first delivery from it, ms after it serves again",
    Class::RoutePoll,
);
const SEND_BACK: Measure = Measure::new(
    Subject::Brokers,
    "first send to it, ms after it serves again",
    Class::RoutePoll,
);
const NO_SENDS: Measure = Measure::new(Subject::Brokers, "sends to it while it is away", Class::Exact);
const TWICE: Measure = Measure::new(
    Subject::Brokers,
    "duplicates, all from its queues",
    Class::CommittedOffset,
);
const ELSEWHERE: Measure = Measure::new(Subject::Brokers, "duplicates from other brokers", Class::Exact);
const COMMITTED: Measure = Measure::new(
    Subject::Brokers,
    "queues fully committed in the end",
    Class::Exact,
);

const SEND_POLL: &str = "a producer asks for routes each 30 s from when its client was made, which nothing recorded: the recorded \
    one was made some time before it sent, the predicted one when it sends first. When in those 30 s a broker comes back is \
    chance";
const POLL: &str = "clients ask for routes each 30 s and look at their queues each 20 s: when in these a broker goes or comes \
    back is chance";
const SAVES: &str = "a broker saves offsets every 5 s: how long before the kill it last did is chance";
const MISSED: &str = "clients ask for routes each 30 s and look at their queues each 20 s: whether they hear of a broker that is \
    back within 50 s is chance";
const ALONE: &str = "a client asks any broker of the topic who else is in its group. The broker that is back knows only those \
    that have come back to it: the first to ask it seems to be alone and takes the others' queues until they come, in a second \
    or two. The recorded client happened to ask the other broker";

/// `broker-a` of the action `broker_a_kill -9`.
fn victim(recording: &Recording) -> Option<String> {
    let mut actions = list(&recording.json["timeline"])
        .iter()
        .filter_map(|entry| entry["action"].as_str());
    let killed = actions.rfind(|action| action.ends_with("kill -9"))?;
    Some(killed.split('_').nth(1)?.to_owned())
}

/// When the broker served again: what it takes to load is in `downFor`.
fn serves(recording: &Recording) -> u64 {
    let restart = number(recording.derived("t_restart"));
    let brokers = list(recording.setup("brokers")).len();
    let mut routes = recording.observations("namesrv_route");
    let back =
        routes.find(|route| number(&route["t_ms"]) > restart && list(&route["brokers"]).len() == brokers);
    back.map_or(restart, |route| number(&route["t_ms"]))
}

pub fn build(recording: &Recording, _: usize) -> ClusterConfig {
    let start = &recording.timeline("producer_start")[0];
    let (start, sent) = (number(&start["t_ms"]), number(&start["n"]));
    let interval = number(recording.setup("producer_interval_ms"));
    let over = recording
        .observations("committed_end")
        .last()
        .expect("it was looked at");
    let mut config = cluster(recording, 0, number(&over["t_ms"]));
    for entry in recording.timeline("start_consumer") {
        let name = text(&entry["consumer"]);
        let cost = entry["opts"]["cost"].as_u64().unwrap_or(0);
        let created = created(recording, name);
        consumer(&mut config, name, created, 20, cost);
        let ready = recording
            .seen("consumer_started", name)
            .next()
            .expect("it starts");
        config.groups[0].tuning.startup_time = Millis(number(&ready["t_ms"]).saturating_sub(created).max(1));
    }
    let gap = SimDuration::from_millis(interval);
    messages(&mut config, start, sent, Arrivals::Constant { gap });
    let victim = victim(recording).expect("a broker is killed");
    let names = list(recording.setup("brokers")).iter();
    let broker = names
        .map(text)
        .position(|name| name == victim)
        .expect("it is one of them");
    let broker = BrokerId(broker as u32);
    let kill = number(recording.derived("t_kill"));
    config.timeline.push(TimelineEntry {
        at: at(kill),
        action: Action::StopBroker { broker, crash: true },
    });
    config.timeline.push(TimelineEntry {
        at: at(serves(recording)),
        action: Action::StartBroker(broker),
    });
    config
}

pub fn judge(recording: &Recording, runs: &[Run<'_>], verdict: &mut Verdict) {
    let run = &runs[0];
    let stopped = run.select(|fact| match fact {
        Fact::BrokerStopped { broker, crash: true } => Some(*broker),
        _ => None,
    });
    let started = run.select(|fact| match fact {
        Fact::BrokerStarted { broker } => Some(*broker),
        _ => None,
    });
    let name = stopped.first().map(|(_, broker)| run.broker(*broker).to_owned());
    verdict.same(MADE, "", victim(recording), name.clone());
    let (Some((kill, broker)), Some((back, _)), Some(name)) = (stopped.first(), started.first(), name) else {
        return;
    };
    let (kill, broker, back) = (*kill, *broker, *back);
    sends(recording, run, broker, kill, back, verdict);

    let deliveries = run.deliveries();
    let times = times(&deliveries);
    let lost = number(recording.derived("acked_but_never_consumed"));
    verdict.same(LOST, "", lost as i64, nobody_got(run, times.len()));
    let maps = recorded_maps(recording);
    let (before_return, in_the_end) = (
        maps_at(&maps, number(recording.derived("t_restart"))),
        maps_at(&maps, u64::MAX),
    );
    // A broker that is away for less than that is missed by those that ask before or after.
    let excuse = (millis_between(kill, back) < 50_000.0).then_some(MISSED);
    let (seen, found) = (recorded_map(&before_return), run.map(back));
    verdict.same_unless(MAPS, "while it is away", seen, found, excuse);
    verdict.same(MAPS, "in the end", recorded_map(&in_the_end), run.map(run.end()));

    // Each client asks for routes every 30 s, and looks at its queues every 20 s if nobody tells it to before.
    let changes = run.changes_within(kill, back);
    let away = changes.iter().map(|(after, _)| *after).reduce(f64::max);
    let seen = list(recording.derived("assign_events_after_kill"))
        .iter()
        .filter_map(|event| event[0].as_f64());
    let down = number(recording.derived("t_restart")) as f64 - number(recording.derived("t_kill")) as f64;
    let seen = seen.filter(|after| *after < down).reduce(f64::max);
    if let Some(seen) = seen {
        let wide = named_until(recording)..=50_150.0;
        let away = away.unwrap_or(f64::MAX);
        verdict.explained(AWAY, "", &seen, away, around(seen), wide, POLL);
    }
    let first = deliveries
        .iter()
        .find(|d| d.time > back && d.queue.starts_with(&name))
        .map(|d| d.time);
    // The route once more, a round, and 500 ms to the first pull.
    let recorded = recording.derived(&format!("first_delivery_from_{name}_after_restart_ms"));
    if let Some(seen) = after_serving(recording, recorded) {
        let after = first.map_or(f64::MAX, |first| millis_between(back, first));
        verdict.explained(BACK, "", &seen, after, around(seen), 500.0..=51_000.0, POLL);
    }
    duplicates(recording, run, &name, verdict);

    let through = |stats: &Value| {
        entries(stats)
            .filter(|(queue, _)| !queue.starts_with("RETRY"))
            .all(|(_, s)| s[0] == s[1])
    };
    let committed = run.committed(SimTime::MAX);
    let mut ends = BTreeMap::<String, u64>::new();
    for (_, queue) in run.select(|fact| match fact {
        Fact::Stored { queue, .. } => Some(*queue),
        _ => None,
    }) {
        *ends.entry(run.queue(queue)).or_default() += 1;
    }
    let found = ends.iter().all(|(queue, end)| committed.get(queue) == Some(end));
    let end = recording
        .observations("committed_end")
        .last()
        .is_some_and(|end| through(&end["stats"]));
    verdict.same(COMMITTED, "", end, found);
}

fn sends(
    recording: &Recording,
    run: &Run<'_>,
    broker: BrokerId,
    kill: SimTime,
    back: SimTime,
    verdict: &mut Verdict,
) {
    let given_up = run.select(|fact| matches!(fact, Fact::SendRefused { gave_up: true, .. }).then_some(()));
    // Each that fails takes its time, so how many there are depends on the producer; whether there are any does not.
    let failed = number(recording.derived("send_failed")) as f64;
    let found = given_up.len() as f64;
    verdict.within(SENDS, "", &failed, found, (failed / 2.0).floor()..=2.0 * failed);
    let to_it = run.select(|fact| match fact {
        Fact::Stored { queue, .. } if run.broker_of(*queue) == broker => Some(()),
        _ => None,
    });
    let away = to_it
        .iter()
        .filter(|(time, ())| (kill..back).contains(time))
        .count();
    // Negative: the last went out before the kill.
    let name = run.broker(broker);
    let last = recording
        .derived(&format!("last_ok_send_to_{name}_before_restart_ms_after_kill"))
        .as_i64()
        .unwrap_or(-1);
    verdict.same(NO_SENDS, "", last > 0, away > 0);
    let first = to_it
        .iter()
        .find(|(time, ())| *time > back)
        .map_or(f64::MAX, |(time, ())| millis_between(back, *time));
    let recorded = recording.derived(&format!("first_ok_send_to_{name}_after_restart_ms"));
    if let Some(seen) = after_serving(recording, recorded) {
        verdict.explained(
            SEND_BACK,
            "",
            &seen,
            first,
            around(seen),
            1.0..=30_150.0,
            SEND_POLL,
        );
    }
}

/// What is recorded from the start of the process on, counted from when the name server lists it, as the model has it.
fn after_serving(recording: &Recording, after_restart: &Value) -> Option<f64> {
    let loading = serves(recording).checked_sub(number(recording.derived("t_restart")))?;
    Some(after_restart.as_f64()? - loading as f64)
}

/// Where the phases are those of the recording, the distance of two rounds decides.
fn around(seen: f64) -> std::ops::RangeInclusive<f64> {
    seen - 1_000.0..=seen + 1_000.0
}

/// The name server named the broker at least so long after the kill, ms: nobody can have known before.
fn named_until(recording: &Recording) -> f64 {
    let brokers = list(recording.setup("brokers")).len();
    let looks = recording.observations("namesrv_route");
    let named = looks.filter(|look| list(&look["brokers"]).len() == brokers);
    let after = named.filter_map(|look| look["t_after_ms"].as_f64());
    after.reduce(f64::max).unwrap_or(1.0)
}

/// The broker saves offsets every 5 s: what was consumed since the last time comes again.
fn duplicates(recording: &Recording, run: &Run<'_>, name: &str, verdict: &mut Verdict) {
    let deliveries = run.deliveries();
    let mut seen = BTreeMap::<(&str, u64), u64>::new();
    for delivery in &deliveries {
        *seen.entry((&delivery.queue, delivery.offset)).or_default() += 1;
    }
    let of = |its: bool| {
        let queues = seen
            .iter()
            .filter(|((queue, _), _)| queue.starts_with(name) == its);
        queues.map(|(_, times)| times - 1).sum::<u64>()
    };
    // What its queues get in 5 s, and of each what was told last and what is on its way.
    let each = |count: f64| count / number(recording.setup("producer_interval_ms")) as f64;
    let brokers = list(recording.setup("brokers")).len() as f64;
    let queues = number(recording.setup("topic_queues_per_broker")) as f64;
    let again = number(recording.derived("duplicates")) as f64;
    verdict.explained(
        TWICE,
        "",
        &again,
        of(true) as f64,
        (again / 2.0).floor()..=2.0 * again,
        1.0..=(each(5_000.0) / brokers + 2.0 * queues).ceil(),
        SAVES,
    );
    let rows = recording.rows("deliveries_dup");
    let elsewhere = rows.filter(|row| {
        row.get("queue")
            .as_str()
            .is_some_and(|queue| !queue.starts_with(name))
    });
    let elsewhere = (elsewhere.count() / 2) as f64;
    // While the recorded clients sorted it out, a queue of the others could have two owners: what was sent in that time, and of
    // each queue what its first owner had not told of yet.
    let restart = number(recording.derived("t_restart")) as f64 - number(recording.derived("t_kill")) as f64;
    let events = list(recording.derived("assign_events_after_kill")).iter();
    let events = events.filter_map(|event| event[0].as_f64());
    let events: Vec<f64> = events.filter(|after| *after > restart).collect();
    let (first, last) = (
        events.iter().copied().reduce(f64::min).unwrap_or(0.0),
        events.iter().copied().reduce(f64::max).unwrap_or(0.0),
    );
    let wide = 0.0..=(each(last - first) + (brokers - 1.0) * queues).ceil();
    verdict.explained(
        ELSEWHERE,
        "",
        &elsewhere,
        of(false) as f64,
        elsewhere..=elsewhere,
        wide,
        ALONE,
    );
}

/// Who held what, whenever that changed: time and map, without the retry queues.
fn recorded_maps(recording: &Recording) -> Vec<(u64, Value)> {
    let mut map = json!({});
    let mut maps = Vec::new();
    for seen in recording.observations("assignment") {
        let queues = list(&seen["queues"])
            .iter()
            .filter(|queue| !text(queue).starts_with("RETRY"));
        map[text(&seen["consumer"])] = queues.cloned().collect::<Vec<_>>().into();
        maps.push((number(&seen["t_ms"]), map.clone()));
    }
    maps
}

fn maps_at(maps: &[(u64, Value)], time: u64) -> Value {
    let mut before = maps.iter().filter(|(t, _)| *t < time);
    before.next_back().map_or(json!({}), |(_, map)| map.clone())
}
