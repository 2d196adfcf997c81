//! Operators set offsets: back in time, or past a backlog.

use crate::support::{Experiment, at};
use rmqsim::cluster::Cluster;
use rmqsim::cluster::config::{Action, ClusterConfig, OffsetTarget};
use rmqsim::cluster::directory::Directory;
use rmqsim::cluster::fact::{Fact, PullResult};
use rmqsim::cluster::ids::{GroupId, TopicId};
use rmqsim::kernel::time::{SimDuration, SimTime};
use rmqsim::observe::observation::Observation;

const GROUP: &str = r#"{
  "title": "Resets", "duration": "5m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 2 } } },
  "producers": { "shop": { "rate": "40/s", "arrivals": "constant", "stop": "4m" } },
  "groups": { "billing": { "consumers": { "count": 2, "service": "5ms" } } }
}"#;

fn reset(target: OffsetTarget) -> Action {
    Action::ResetOffset {
        group: GroupId(0),
        topic: TopicId(0),
        target,
        force: true,
    }
}

fn watch(config: &ClusterConfig) -> (Observation, Directory) {
    let mut done = Cluster::new(config.clone(), Observation::new(config)).run(|_, _| {});
    done.observer.finish(done.end, &done.directory);
    (done.observer, done.directory)
}

/// Sent back from 2 min to 1 min: 60 s of messages come again, at once with 5.3, after 10 s with 4.9, and the report
/// calls them by their cause.
#[test]
fn a_reset_by_time_reads_again() {
    for (version, least, most) in [("5.3", 0, 22_000), ("4.9", 10_000, 12_100)] {
        let set = format!("cluster.rocketmq={version}");
        let back = reset(OffsetTarget::Time(at("1m")));
        let experiment = || Experiment::new(GROUP, &[&set]).then("2m", back);
        let (observed, _) = watch(&experiment().0);
        let duplicates = observed.duplicates[0];
        assert!(
            (2390..=2402).contains(&duplicates.reset),
            "{version}: {duplicates:?}"
        );
        assert_eq!(duplicates.total(), duplicates.reset);
        let balance = observed.ledger.balance(&observed.slots, GroupId(0));
        assert_eq!((balance.lost(), balance.waiting, balance.in_flight), (0, 0, 0));
        let run = experiment().run();
        let times = run.times_delivered();
        let mut twice = times
            .iter()
            .filter(|(_, times)| **times == 2)
            .map(|((_, offset), _)| *offset);
        // 20 a second and queue.
        assert!(twice.all(|offset| (1195..=2401).contains(&offset)));
        let again = run
            .deliveries()
            .into_iter()
            .find(|(time, (.., offset))| *time > at("2m") && *offset < 1300);
        let pause = again.expect("messages come again").0.since(at("2m")).as_millis();
        assert!((least..most).contains(&pause), "{version}: {pause} ms");
    }
}

/// A backlog is skipped: what waits is lost on purpose, and named so.
#[test]
fn a_backlog_is_skipped() {
    for version in ["5.3", "4.9"] {
        let set = [
            format!("cluster.rocketmq={version}"),
            "groups.billing.consumers.service=\"1s\"".to_owned(),
            "groups.billing.consumers.threads=1".to_owned(),
            "groups.billing.tuning.pullThresholdForQueue=10".to_owned(),
        ];
        let set: Vec<&str> = set.iter().map(String::as_str).collect();
        let (observed, _) = watch(
            &Experiment::new(GROUP, &set)
                .then("4m30s", reset(OffsetTarget::Latest))
                .0,
        );
        let balance = observed.ledger.balance(&observed.slots, GroupId(0));
        assert_eq!(balance.waiting, 0, "{version}: {balance:?}");
        assert_eq!(balance.lost(), balance.reset);
        assert!(balance.reset > 8500, "{balance:?}");
    }
}

/// 4.9 does not move offsets up unless it is forced; back it moves them in any case.
#[test]
fn without_force_offsets_only_go_back() {
    let action = |target, force| Action::ResetOffset {
        group: GroupId(0),
        topic: TopicId(0),
        target,
        force,
    };
    let run = |action| {
        let experiment = Experiment::new(GROUP, &["cluster.rocketmq=4.9"]);
        experiment.then("2m", action).run()
    };
    let reset = |run: &crate::support::Recording| {
        run.select(|fact| match fact {
            Fact::OffsetReset { to, .. } => Some(*to),
            _ => None,
        })
    };
    let up = reset(&run(action(OffsetTarget::Latest, false)));
    let forced = reset(&run(action(OffsetTarget::Latest, true)));
    assert!(
        up.iter().zip(&forced).all(|((_, to), (_, end))| to < end),
        "{up:?} {forced:?}"
    );
    let back = reset(&run(action(OffsetTarget::Earliest, false)));
    assert_eq!(back.iter().map(|(_, to)| *to).collect::<Vec<_>>(), [0, 0]);
}

/// Of a broadcasting group the table has what an operator wrote while nobody was there, and nobody moves that on. A later reset
/// that is not forced leads back there, whatever it asks for, and what lies there is still kept.
#[test]
fn without_force_a_broadcasting_group_goes_back_to_the_table() {
    let model = r#""messageModel": "BROADCASTING", "consumers": { "start": "30s","#;
    let text = GROUP.replace(r#""consumers": {"#, model);
    let reset = |target| Action::ResetOffset {
        group: GroupId(0),
        topic: TopicId(0),
        target,
        force: false,
    };
    for later in [OffsetTarget::Latest, OffsetTarget::Time(at("3m"))] {
        let experiment = Experiment::new(&text, &["cluster.rocketmq=4.9"]);
        let experiment = experiment.then("20s", reset(OffsetTarget::Latest));
        let run = experiment.then("4m", reset(later)).run();
        let told = run.select(|fact| match fact {
            Fact::OffsetReset { queue, to, .. } => Some((*queue, *to)),
            _ => None,
        });
        let told: Vec<_> = told.into_iter().map(|(_, told)| told).collect();
        let (first, second) = told.split_at(2);
        assert_eq!(first, second);
        // 20 a second and queue, for 20 s.
        assert!(first.iter().all(|(_, to)| (390..=400).contains(to)), "{told:?}");
        let least = run.deliveries().into_iter().filter(|(time, _)| *time > at("4m"));
        let least = least.map(|(_, (.., offset))| offset).min();
        assert_eq!(least, first.iter().map(|(_, to)| *to).min(), "{later:?}");
    }
}

/// A group whose members are all away finds the operator's offset when it comes back, and hears once that it has moved.
#[test]
fn a_reset_waits_for_a_group_that_is_away() {
    let text = GROUP.replace(
        r#""count": 2, "service": "5ms""#,
        r#""count": 1, "service": "5ms", "start": "0s""#,
    );
    let experiment = Experiment::new(
        &text,
        &["timeline=[{\"at\":\"1m\",\"restart\":\"billing/1\",\"downFor\":\"1m\"}]"],
    );
    let mut experiment = experiment.then("90s", reset(OffsetTarget::Earliest));
    experiment.0.timeline.sort_by_key(|entry| entry.at);
    let (observed, _) = watch(&experiment.0);
    assert!(
        observed.duplicates[0].reset >= 2390,
        "{:?}",
        observed.duplicates[0]
    );
    let run = experiment.run();
    let moved = run.count(|fact| {
        let moved = PullResult::OffsetMoved;
        matches!(fact, Fact::PullAnswered { result, .. } if *result == moved)
    });
    assert_eq!(moved, 2);
    let first = run.deliveries().into_iter().find(|(time, _)| *time > at("90s"));
    let (time, (.., offset)) = first.expect("the group goes on");
    assert_eq!(offset, 0);
    assert!(
        time.since(at("2m")) < SimDuration::from_secs(30),
        "{:?}",
        time.since(SimTime::ZERO)
    );
}
