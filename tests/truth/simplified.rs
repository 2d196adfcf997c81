//! How much the simplifications of the model matter: the figures in the table of `docs/fidelity.md`.
//!
//! A row whose rule can be switched or bounded by a run has a figure from that run; one that only matters in some
//! situation says in how many of the shipped scenarios that occurs. The page names a figure in a comment,
//! `<!--=name-->figure<!--/-->`.

use crate::field::Judged;
use crate::field::recording::{Recording, number};
use crate::field::run::{Deed, Run, millis_between, simulate};
use crate::field::verdict::figure;
use rmqsim::cluster::config::{
    Action, Behavior, ClusterConfig, Delivery, Expression, GroupConfig, GuardRule, ListenerKind,
    MessageModel, Millis, RocketMqVersion, SizeDist, Strategy,
};
use rmqsim::cluster::fact::{Fact, PullResult};
use rmqsim::cluster::ids::GroupId;
use rmqsim::kernel::time::{SimDuration, SimTime};
use rmqsim::scenario::{Overrides, Scenario};
use std::collections::BTreeMap;
use std::path::Path;

/// Figures by name.
pub type Figures = BTreeMap<&'static str, String>;

/// All figures of the page.
pub fn figures(judged: &[Judged]) -> Figures {
    let mut figures = Figures::new();
    counts(&mut figures);
    recorded(judged, &mut figures);
    starts(&mut figures);
    takeovers(&mut figures);
    requests(&mut figures);
    figures.insert("overhead", overhead());
    figures
}

fn load(path: &Path) -> ClusterConfig {
    let scenario = Scenario::load(&path.to_string_lossy(), &Overrides::default());
    scenario
        .unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)))
        .config
}

fn root(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// In how many shipped scenarios something occurs.
fn counts(figures: &mut Figures) {
    let entries = std::fs::read_dir(root("scenarios")).expect("scenarios are shipped");
    let paths = entries.map(|entry| entry.expect("it can be listed").path());
    let paths = paths.filter(|path| path.extension().is_some_and(|e| e == "json"));
    let shipped: Vec<ClusterConfig> = paths.map(|path| load(&path)).collect();
    let mut count = |name, is: &dyn Fn(&ClusterConfig) -> bool| {
        let met = shipped.iter().filter(|config| is(config)).count();
        let figure = match met {
            0 => "met in no shipped scenario".to_owned(),
            1 => "met in one shipped scenario".to_owned(),
            met => format!("met in {met} shipped scenarios"),
        };
        figures.insert(name, figure);
    };
    let acts = |is: fn(&Action) -> bool| {
        move |config: &ClusterConfig| config.timeline.iter().any(|entry| is(&entry.action))
    };
    let groups = |is: fn(&GroupConfig) -> bool| move |config: &ClusterConfig| config.groups.iter().any(is);
    count("met-topics", &groups(|group| group.subscribe.len() > 1));
    count("met-twelve-topics", &groups(|group| group.subscribe.len() == 12));
    count("met-pause", &acts(|action| matches!(action, Action::Pause(_))));
    count("met-cut", &acts(|action| matches!(action, Action::Cut { .. })));
    count(
        "met-trouble",
        &acts(|action| matches!(action, Action::Cut { .. } | Action::Slow { .. })),
    );
    count("met-crash", &ClusterConfig::has_crashes);
    count(
        "met-resend",
        &acts(|action| matches!(action, Action::ResendDlq { .. })),
    );
    count(
        "met-query",
        &acts(|action| matches!(action, Action::QueryMessage { .. })),
    );
    count(
        "met-forward",
        &acts(|action| matches!(action, Action::Forward { .. })),
    );
    count("met-leave", &acts(|action| matches!(action, Action::Leave(_))));
    count("met-4.9", &|config| config.version == RocketMqVersion::V4_9);
    let reset_4_9 = |config: &ClusterConfig| {
        let resets = config
            .timeline
            .iter()
            .any(|entry| matches!(entry.action, Action::ResetOffset { .. }));
        config.version == RocketMqVersion::V4_9 && resets
    };
    count("met-reset-4.9", &reset_4_9);
    let is_late = |config: &ClusterConfig| {
        config.duration > SimDuration::from_secs(3600) * u64::from(config.broker_tuning.file_reserved_time)
    };
    count("met-retention", &is_late);
    count("met-sql", &|config| {
        config
            .expressions
            .iter()
            .any(|expression| matches!(expression, Expression::Sql(_)))
    });
    count(
        "met-hold",
        &groups(|group| group.tuning.broker_suspend_max_time_millis > Millis(25_000)),
    );
    count(
        "met-delivery",
        &groups(|group| group.delivery != Delivery::LongPolling),
    );
    let paces = |group: &GroupConfig| {
        let rule = group.guard.map(|guard| guard.rule);
        matches!(
            rule,
            Some(GuardRule::Rate {
                behavior: Behavior::WarmUpPace,
                ..
            })
        )
    };
    count("met-pacing", &groups(paces));
    count(
        "met-broadcasting",
        &groups(|group| group.message_model == MessageModel::Broadcasting),
    );
    count(
        "met-orderly",
        &groups(|group| group.listener != ListenerKind::Concurrently),
    );
    count(
        "met-config",
        &groups(|group| matches!(group.strategy, Strategy::Config(_))),
    );
    let foreign = |group: &GroupConfig| {
        use Strategy::{KafkaRange, KafkaRoundRobin, KafkaSticky, Sticky};
        matches!(
            group.strategy,
            Sticky | KafkaRange | KafkaRoundRobin | KafkaSticky
        )
    };
    count("met-foreign", &groups(foreign));
}

/// What the recordings say beside what is compared.
fn recorded(judged: &[Judged], figures: &mut Figures) {
    let loading = judged.iter().flat_map(|judged| loading(&judged.recording));
    figures.insert("loading", seconds(loading));
    let lateness = mean_of(judged, "a retry is later");
    figures.insert(
        "schedule",
        format!("{} ms, recorded {} ms", figure(lateness.1), figure(lateness.0)),
    );
    let answers = mean_of(judged, "answers with messages");
    let more = (answers.1 / answers.0 - 1.0) * 100.0;
    figures.insert("batches", format!("{} % more answers than recorded", tenth(more)));
    let median = mean_of(judged, "median latency when idle");
    figures.insert(
        "work",
        format!("{} ms, recorded {} ms", figure(median.1), figure(median.0)),
    );
    let broker = judged
        .iter()
        .find(|judged| judged.recording.has("t_restart"))
        .expect("one recording kills a broker");
    let back = broker
        .recording
        .observations("namesrv_route")
        .filter_map(|route| route["t_after_restart_ms"].as_f64());
    figures.insert(
        "broker-loading",
        format!("{} s", tenth(back.fold(0.0, f64::max) / 1000.0)),
    );
}

/// From the start of a process to the end of its `start()`, s.
fn loading(recording: &Recording) -> Vec<f64> {
    let first = |start: &serde_json::Value| {
        let name = start["consumer"].as_str()?;
        let began = number(&start["t_ms"]);
        let seen = recording
            .seen("consumer_started", name)
            .map(|seen| number(&seen["t_ms"]));
        let ready = seen.filter(|ready| *ready > began).min()?;
        Some((ready - began) as f64 / 1000.0)
    };
    recording
        .timeline("start_consumer")
        .into_iter()
        .filter_map(first)
        .collect()
}

fn tenth(number: f64) -> String {
    figure((number * 10.0).round() / 10.0)
}

fn seconds(all: impl Iterator<Item = f64>) -> String {
    let all: Vec<f64> = all.collect();
    let least = all.iter().copied().fold(f64::MAX, f64::min);
    let most = all.iter().copied().fold(0.0, f64::max);
    format!("{} to {} s", tenth(least), tenth(most))
}

/// Means of a measure, recorded and predicted.
fn mean_of(judged: &[Judged], what: &str) -> (f64, f64) {
    let lines = judged.iter().flat_map(|judged| &judged.verdict.lines);
    let both = lines.filter(|line| line.measure.what.starts_with(what));
    let both: Vec<(f64, f64)> = both
        .filter_map(|line| line.recorded.number.zip(line.found.number))
        .collect();
    let mean = |of: fn(&(f64, f64)) -> f64| (both.iter().map(of).sum::<f64>() / both.len() as f64).round();
    (mean(|both| both.0), mean(|both| both.1))
}

fn view<T>(config: &ClusterConfig, look: impl Fn(&Run<'_>) -> T) -> T {
    let facts = simulate(config);
    look(&Run::of(config, &facts, GroupId(0), &[], &[]))
}

/// How much later a group works whose clients load for 3 s, and what a round trip is of its start.
fn starts(figures: &mut Figures) {
    let config = load(&root("scenarios/quickstart.json"));
    let first = |startup: u64| {
        let mut config = config.clone();
        config.duration = SimDuration::from_secs(20);
        config.groups[0].tuning.startup_time = Millis(startup);
        view(&config, |run| {
            millis_between(SimTime::ZERO, run.deliveries()[0].time)
        })
    };
    let (default, slow) = (first(100), first(3_000));
    figures.insert("startup", format!("{} s", tenth((slow - default) / 1000.0)));
    let mut far = config.clone();
    far.duration = SimDuration::from_secs(20);
    far.network.latency = rmqsim::kernel::dist::Dist::Constant(SimDuration::from_micros(300));
    let later = view(&far, |run| {
        millis_between(SimTime::ZERO, run.deliveries()[0].time)
    }) - default;
    // 0.1 ms more for each way: so many round trips lie between the start and the first message.
    let trips = (later / 0.2).round();
    figures.insert(
        "first-message",
        format!(
            "{} s, of which {trips} round trips of 0.4 ms",
            tenth(default / 1000.0)
        ),
    );
}

/// When the first survivor takes over from a stopped client, by the phase of the stop and by who is told.
fn takeovers(figures: &mut Figures) {
    let config = load(&root("tests/truth/field/pause-sigstop-150s.scenario.json"));
    let first = |shift: u64, notify: bool| {
        let mut config = config.clone();
        config.broker_tuning.notify_on_expiry = notify;
        for entry in &mut config.timeline {
            entry.at += SimDuration::from_millis(shift);
        }
        view(&config, |run| {
            let (stop, _) = run.first(Deed::Stops).expect("one is stopped");
            let (go_on, _) = run.first(Deed::GoesOn).expect("it goes on");
            let changes = run.changes_within(stop, go_on).into_iter();
            changes.map(|(after, _)| after).fold(f64::MAX, f64::min) / 1000.0
        })
    };
    let shifts = (0..12).map(|step| step * 2_500);
    figures.insert("phase", seconds(shifts.map(|shift| first(shift, false))));
    figures.insert(
        "notify",
        format!("{} s sooner", tenth(first(0, false) - first(0, true))),
    );
}

/// What brokers are asked for in the quickstart, and what is left out of it.
fn requests(figures: &mut Figures) {
    let config = load(&root("scenarios/quickstart.json"));
    let seconds = config.duration.as_millis() as f64 / 1000.0;
    let all = view(&config, |run| {
        run.select(|fact| matches!(fact, Fact::Request { .. }).then_some(()))
            .len()
    }) as f64;
    let brokers = config.brokers.len() as f64;
    // A heartbeat to each broker and one question for the route, each 30 s.
    let missing = config.producers.len() as f64 * (brokers + 1.0) * (seconds / 30.0).floor();
    figures.insert(
        "producer-heartbeats",
        format!("{} % fewer requests", hundredth(missing / all * 100.0)),
    );
    let rate = all / seconds / brokers;
    // 16 + 2 threads for each of four cores; 0.1 ms is what a pull from memory takes at most.
    let busy = rate * 0.1e-3 / 24.0 * 100.0;
    let text = format!(
        "{} requests a second at each broker, {} % of 24 threads at 0.1 ms each",
        rate.round(),
        hundredth(busy)
    );
    figures.insert("load", text);
}

fn hundredth(number: f64) -> String {
    format!("{number:.2}")
}

/// Answers that drain a backlog of large messages, if each had 100 bytes more or less beside its body.
fn overhead() -> String {
    let mut config = load(&root("tests/truth/field/flow-default.scenario.json"));
    config.groups[0].consumers[0].threads = 200;
    let mut answers = |body: u32| {
        config.producers[0].body_size = SizeDist::Constant(body);
        let found = |fact: &Fact| {
            matches!(
                fact,
                Fact::PullAnswered {
                    result: PullResult::Found,
                    ..
                }
            )
            .then_some(())
        };
        view(&config, |run| run.select(found).len()) as f64
    };
    // At 16 KiB the limit of 256 KiB decides how many messages an answer has.
    let all: Vec<f64> = (0..8)
        .map(|step| 16_384 + 300 * step)
        .map(|body| {
            let (less, more) = (answers(body - 100), answers(body + 100));
            (more / less - 1.0) * 100.0
        })
        .collect();
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    let small = (answers(1124) / answers(924) - 1.0) * 100.0;
    format!(
        "{} % of the answers at 1 KiB, {} % at 16 to 18 KiB",
        tenth(small.abs()),
        tenth(mean.abs())
    )
}
