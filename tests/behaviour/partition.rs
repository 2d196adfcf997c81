//! Links that are cut or slow: to one broker, to all, to the name servers.

use crate::support::{Experiment, Recording, at, broker, cut, duration, heal, member, slow};
use rmqsim::cluster::config::{Action, Millis, RocketMqVersion};
use rmqsim::cluster::fact::{CommitVia, Fact, RebalanceTrigger, StopKind};
use rmqsim::cluster::ids::{BrokerId, ConsumerId, QueueId};
use rmqsim::cluster::network::Server;
use rmqsim::kernel::time::SimTime;
use rmqsim::report::model::MemberChange;
use rmqsim::scenario::{Overrides, Scenario};

/// Two brokers with three queues each: by `AVG`, client 0 has those of broker 0, client 1 those of broker 1.
const GROUP: &str = r#"{
  "title": "Two brokers, two consumers", "duration": "6m",
  "cluster": { "brokers": ["broker-a", "broker-b"], "topics": { "orders": { "queuesPerBroker": 3 } } },
  "producers": { "shop": { "topic": "orders", "rate": "60/s", "arrivals": "constant" } },
  "groups": { "billing": { "subscribe": { "orders": "*" }, "consumers": { "count": 2, "service": "5ms" } } }
}"#;

const QUEUES: [QueueId; 6] = [
    QueueId(0),
    QueueId(1),
    QueueId(2),
    QueueId(3),
    QueueId(4),
    QueueId(5),
];

fn deliveries(run: &Recording, who: u32, queues: &[QueueId], from: &str, to: &str) -> usize {
    let of = run.deliveries().into_iter();
    of.filter(|(time, (consumer, queue, _))| {
        (at(from)..at(to)).contains(time) && consumer.0 == who && queues.contains(queue)
    })
    .count()
}

fn lost(run: &Recording) -> Vec<(SimTime, (u32, BrokerId))> {
    run.select(|fact| match fact {
        Fact::ConnectionLost { consumer, broker } => Some((consumer.0, *broker)),
        _ => None,
    })
}

fn one_owner_each(run: &Recording, time: &str) -> bool {
    QUEUES
        .iter()
        .all(|queue| run.holders(*queue, at(time)).len() == 1)
}

/// Client 0 is cut off from broker 1, whose queues it does not have: it goes on with those of broker 0 (30 messages a
/// second). Broker 1 gives it up, broker 0 does not. Client 1 then takes everything whenever it happens to ask broker
/// 1 who is there: its queues and those of client 0, which has no reason to let them go.
#[test]
fn brokers_that_disagree_give_queues_two_owners() {
    let run = Experiment::new(GROUP, &[]).then("60s", cut(0, broker(1))).run();
    let on_a = &QUEUES[..3];
    assert_eq!(deliveries(&run, 0, on_a, "60s", "120s"), 60 * 30);
    let expired = run.select(|fact| match fact {
        Fact::MemberExpired { broker, consumer } => Some((*broker, consumer.0)),
        _ => None,
    });
    let [(expired, (BrokerId(1), 0))] = expired[..] else {
        panic!("{expired:?}")
    };
    // Its last heartbeat was that of 31 s.
    assert!((at("151s")..=at("161100ms")).contains(&expired));
    let two = |second: &u64| {
        on_a.iter()
            .all(|q| run.holders(*q, at(&format!("{second}s"))) == [0, 1])
    };
    let doubled: Vec<u64> = (61..360).filter(two).collect();
    assert!(doubled.iter().all(|second| at(&format!("{second}s")) > expired));
    assert!(!doubled.is_empty(), "half of its rounds ask broker 1");
}

/// The same in the report: the cut is a change of its own, once for all servers, and what it leads to is not put down
/// to the start, 60 s before. In the end both have what they had.
#[test]
fn the_report_puts_the_trouble_down_to_the_cut() {
    let partition = r#"timeline=[{"at":"60s","partition":"billing/1","from":"brokers","for":"3m"}]"#;
    let overrides = Overrides {
        set: vec![partition.to_owned()],
        ..Overrides::default()
    };
    let scenario = Scenario::from_text("partition", GROUP, &overrides).unwrap();
    let report = rmqsim::simulate("partition", &scenario, |_, _| {});
    let of = &report.rebalance["billing"];
    let kinds = &of.changes_by_kind;
    assert_eq!((kinds.started, kinds.cut_off, kinds.reconnected), (2, 1, 1));
    let rows: Vec<_> = (of.changes.iter())
        .map(|change| (change.change, change.at_seconds, change.moves > 0))
        .collect();
    assert_eq!(
        rows[2..],
        [
            (MemberChange::CutOff, 60.0, true),
            (MemberChange::Reconnected, 240.0, true)
        ]
    );
    assert!(of.changes[1].stable_seconds < 2.0, "{:?}", of.changes[1]);
    // 31 s + 120 s, a scan every 10 s, a round every 20 s.
    let detected = of.changes[2].detected_seconds.unwrap();
    assert!((91.0..122.0).contains(&detected), "{detected}");
    let duplicates: u64 = of.changes[2..].iter().map(|change| change.duplicates).sum();
    assert!(duplicates > 0 && duplicates == of.duplicates, "{of:?}");
}

/// Client 1 is cut off from broker 1, which holds its queues. Nobody reads them until broker 1 has given it up and
/// client 0 happens to ask broker 1 who is there.
#[test]
fn queues_behind_a_cut_wait_for_the_expiry() {
    let run = Experiment::new(GROUP, &[]).then("60s", cut(1, broker(1))).run();
    let on_b = &QUEUES[3..];
    assert_eq!(deliveries(&run, 1, on_b, "61s", "6m"), 0);
    assert_eq!(deliveries(&run, 0, on_b, "61s", "151s"), 0);
    assert!(deliveries(&run, 0, on_b, "151s", "6m") > 0);
}

/// Cut off from all brokers, a client keeps its queues in its own eyes, and another takes them in the brokers'. When
/// the links are healed, a pull, which is tried every 4 s, makes the first connection; the heartbeat that comes with
/// it makes the client a member again, and a round follows.
#[test]
fn a_client_comes_back_from_a_partition() {
    let mut experiment = Experiment::new(GROUP, &[]);
    for server in [broker(0), broker(1)] {
        experiment = experiment.then("60s", cut(0, server));
    }
    for server in [broker(0), broker(1)] {
        experiment = experiment.then("240s", heal(0, server));
    }
    let run = experiment.run();
    assert_eq!(deliveries(&run, 0, &QUEUES, "61s", "240s"), 0);
    // 31 s + 120 s, a scan, a round.
    assert!(
        QUEUES[..3]
            .iter()
            .all(|queue| run.holders(*queue, at("182s")) == [0, 1])
    );
    let back = run.rounds(0, RebalanceTrigger::Reconnect);
    assert!((at("240s")..at("246s")).contains(&back[0]), "{back:?}");
    assert!(one_owner_each(&run, "247s"));
    assert!(deliveries(&run, 0, &QUEUES[..3], "250s", "300s") > 0);
    assert!(run.undelivered().iter().all(|(time, _)| *time > at("5m59s")));
}

/// A list that was written down is followed whoever is in the group: the client of 4.9 that hears that it is not keeps
/// its queues.
#[test]
fn a_client_with_a_list_keeps_it_when_it_is_not_listed() {
    let lists = r#"groups.billing.strategy={ "CONFIG": { "billing-1": ["orders broker-a:0"], "billing-2": ["orders broker-b:0"] } }"#;
    let mut experiment = Experiment::new(GROUP, &[lists]);
    experiment.0.version = RocketMqVersion::V4_9;
    for server in [broker(0), broker(1)] {
        experiment = experiment.then("60s", cut(0, server));
    }
    for server in [broker(0), broker(1)] {
        experiment = experiment.then("248s", heal(0, server));
    }
    let run = experiment.run();
    let released = run.select(|fact| match fact {
        Fact::QueueReleased { consumer, queue, .. } if consumer.0 == 0 && QUEUES.contains(queue) => {
            Some(*queue)
        }
        _ => None,
    });
    assert_eq!(released, []);
}

/// In 4.9 no heartbeat comes with a new connection. The client hears in its next round, 20 s after the last at most,
/// that it is not in the group, and gives all up; that is a change, and brings the heartbeat.
#[test]
fn in_4_9_a_client_loses_all_before_it_comes_back() {
    let mut experiment = Experiment::new(GROUP, &[]);
    experiment.0.version = RocketMqVersion::V4_9;
    for server in [broker(0), broker(1)] {
        experiment = experiment.then("60s", cut(0, server));
    }
    for server in [broker(0), broker(1)] {
        experiment = experiment.then("248s", heal(0, server));
    }
    let run = experiment.run();
    assert_eq!(run.rounds(0, RebalanceTrigger::Reconnect), []);
    let mut released = run.select(|fact| match fact {
        Fact::QueueReleased { consumer, queue, .. } if *consumer == ConsumerId(0) => Some(*queue),
        _ => None,
    });
    released.retain(|(time, queue)| *time > at("248s") && QUEUES.contains(queue));
    let all: Vec<QueueId> = released.iter().map(|(_, queue)| *queue).collect();
    assert_eq!(all, QUEUES[..3]);
    let gave_up = released[0].0;
    // A round that was under way at 248 s has ended by 249 s.
    assert!(gave_up < at("269s"), "{gave_up}");
    let back = run.rounds(0, RebalanceTrigger::Notification);
    assert!(
        back.iter()
            .any(|time| (gave_up..gave_up + duration("20ms")).contains(time)),
        "{back:?}"
    );
    assert!(one_owner_each(&run, "270s"));
}

/// Once a request that could not connect for 3 s closed the connection that another thread had made meanwhile. The
/// heartbeat of 91 s waits for one until 94 s; a pull makes it as soon as the link is healed.
#[test]
fn a_failed_connect_closes_nothing() {
    let run = Experiment::new(GROUP, &[])
        .then("50s", cut(0, broker(0)))
        .then("91100ms", heal(0, broker(0)))
        .run();
    let pulls = run.select(|fact| match fact {
        Fact::PullAnswered { consumer, queue, .. } => Some((consumer.0, *queue)),
        _ => None,
    });
    let window = at("91100ms")..at("94s");
    assert!(
        pulls
            .iter()
            .any(|(time, pull)| window.contains(time) && *pull == (0, QueueId(0)))
    );
    assert!(lost(&run).iter().all(|(time, _)| *time < at("91s")));
}

/// Two seconds, between two heartbeats: no time-out ends. All comes late by 2 s at most, once.
#[test]
fn a_short_cut_only_delays() {
    let run = Experiment::new(GROUP, &[])
        .then("64s", cut(0, broker(0)))
        .then("66s", heal(0, broker(0)))
        .run();
    assert_eq!(lost(&run), []);
    assert!(run.times_delivered().values().all(|times| *times == 1));
    let slowest = run.select(|fact| match fact {
        Fact::Delivered { born, .. } => Some(*born),
        _ => None,
    });
    let slowest = slowest
        .iter()
        .map(|(time, born)| time.since(*born))
        .max()
        .unwrap();
    assert!(
        (duration("1900ms")..duration("2200ms")).contains(&slowest),
        "{slowest}"
    );
}

/// Who knows the routes needs no name server: every delivery is where and when it was.
#[test]
fn a_running_client_needs_no_name_server() {
    let base = Experiment::new(GROUP, &[]).run();
    let run = Experiment::new(GROUP, &[])
        .then("60s", cut(0, Server::NameServer(0)))
        .run();
    assert_eq!(run.deliveries(), base.deliveries());
}

/// The timer asks for routes 10 ms after the start, and the start waits for that answer: 3 s for each name server. If
/// none can be reached, the start fails; if the second can, it is late.
#[test]
fn a_start_needs_a_name_server() {
    let stopped = |name_servers: u32, cuts: u32| {
        let mut experiment = Experiment::new(GROUP, &[]);
        experiment.0.name_servers = name_servers;
        for server in 0..cuts {
            experiment = experiment.then("0s", cut(1, Server::NameServer(server)));
        }
        let run = experiment.run();
        let stopped = run.select(|fact| match fact {
            Fact::ConsumerStopped { consumer, how } => Some((consumer.0, *how)),
            _ => None,
        });
        let began = run.select(|fact| match fact {
            Fact::RebalanceBegan { consumer, .. } => (consumer.0 == 1).then_some(()),
            _ => None,
        });
        (stopped, began.first().map(|(time, ())| *time))
    };
    assert_eq!(
        stopped(1, 1),
        (vec![(at("3010ms"), (1, StopKind::StartFailed))], None)
    );
    assert_eq!(
        stopped(2, 2),
        (vec![(at("6010ms"), (1, StopKind::StartFailed))], None)
    );
    let (nobody, began) = stopped(2, 1);
    assert_eq!(nobody, []);
    // One round trip for the routes and one for each broker.
    assert!(
        (at("3010ms")..at("3020ms")).contains(&began.unwrap()),
        "{began:?}"
    );
}

/// Once a client that shut down while it waited for its routes was stopped a second time, by their time-out.
#[test]
fn a_client_stops_once() {
    let run = Experiment::new(GROUP, &[])
        .then("0s", cut(1, Server::NameServer(0)))
        .then("1s", Action::Leave(member(1)))
        .run();
    let stopped = run.select(|fact| match fact {
        Fact::ConsumerStopped { how, .. } => Some(*how),
        _ => None,
    });
    assert_eq!(stopped, [(at("1s"), StopKind::Graceful)]);
}

/// A client that shuts down unregisters at every broker that it knows. One that cannot be reached takes 3 s, whether or
/// not there was a connection left to lose.
#[test]
fn a_leave_waits_for_each_broker_that_is_cut_off() {
    for (cut_at, leave) in [("89s", "90s"), ("50s", "90s")] {
        let run = Experiment::new(GROUP, &[])
            .then(cut_at, cut(0, broker(1)))
            .then(leave, Action::Leave(member(0)))
            .run();
        let stopped = run.select(|fact| match fact {
            Fact::ConsumerStopped { how, .. } => Some(*how),
            _ => None,
        });
        let [(time, StopKind::Graceful)] = stopped[..] else {
            panic!("{stopped:?}")
        };
        assert!(
            (at("93s")..at("93010ms")).contains(&time),
            "cut at {cut_at}: gone at {time}"
        );
    }
}

/// A consumer is out of its client's table before it unregisters: its pulls end with the answers that are under way.
/// Else they would go on while a broker that is cut off takes its 3 s, and their commits would take back what the new
/// owners have committed by then.
#[test]
fn a_client_that_unregisters_pulls_no_more() {
    let run = Experiment::new(GROUP, &[])
        .then("89s", cut(0, broker(1)))
        .then("90s", Action::Leave(member(0)))
        .run();
    let answered = run.select(|fact| match fact {
        Fact::PullAnswered { consumer, queue, .. } if consumer.0 == 0 => Some(*queue),
        _ => None,
    });
    let mut late: Vec<QueueId> = answered
        .into_iter()
        .filter(|(time, queue)| *time >= at("90s") && QUEUES.contains(queue))
        .map(|(_, queue)| queue)
        .collect();
    late.sort_unstable();
    assert_eq!(late, QUEUES[..3], "one each was held");
    let set_back =
        run.count(|fact| matches!(fact, Fact::OffsetCommitted { old: Some(old), new, .. } if new < old));
    assert_eq!(set_back, 0);
    assert_eq!(run.leftovers.held_queues_of_gone, 0);
}

/// Routes, heartbeats and offsets share a thread. A heartbeat to a broker that does not answer takes 3 s, every 30 s:
/// offsets for the other broker, due each second here, wait from 61 s to 64 s, from 91 s to 94 s, and so on.
#[test]
fn a_black_hole_delays_commits_to_healthy_brokers() {
    let mut experiment = Experiment::new(GROUP, &[]).then("50s", cut(0, broker(1)));
    experiment.0.groups[0].tuning.persist_consumer_offset_interval = Millis(1000);
    let run = experiment.run();
    let mut commits = run.select(|fact| match fact {
        Fact::OffsetCommitted { queue, via, .. } if *via == CommitVia::Update => Some(*queue),
        _ => None,
    });
    commits.retain(|(time, queue)| *queue == QueueId(0) && (at("52s")..at("140s")).contains(time));
    let gaps = commits
        .windows(2)
        .map(|pair| (pair[0].0, pair[1].0.since(pair[0].0)));
    let long: Vec<(SimTime, _)> = gaps.filter(|(_, gap)| *gap > duration("1100ms")).collect();
    let begins: Vec<u64> = long
        .iter()
        .map(|(time, _)| time.as_nanos() / 1_000_000_000)
        .collect();
    // The tick of the same instant comes first or waits, too.
    assert!(
        [vec![60, 90, 120], vec![61, 91, 121]].contains(&begins),
        "{long:?}"
    );
    assert!(
        long.iter()
            .all(|(_, gap)| (duration("2900ms")..duration("4100ms")).contains(gap)),
        "{long:?}"
    );
}

/// A heartbeat has 3 s. With a round trip of 2.8 s the connection holds, with one of 3.2 s none does: each is closed
/// 3 s after its first heartbeat, the broker hears of it 1.6 s later, and the client is a member now and then. When
/// the link is fast again, rounds go on and the client is back.
#[test]
fn a_slow_link_makes_membership_flap() {
    let run = |by: &str| {
        let server = broker(0);
        Experiment::new(GROUP, &[])
            .then("60s", slow(0, server, by))
            .then("160s", slow(0, server, "0s"))
            .run()
    };
    assert_eq!(lost(&run("1400ms")), []);
    let run = run("1600ms");
    let breaks = lost(&run).len();
    // The connection of 64 s, and one each 4 s: a pull after 1 s makes the next.
    assert!((15..=33).contains(&breaks), "{breaks}");
    let told = run.rounds(1, RebalanceTrigger::Notification);
    assert!(
        told.iter().filter(|time| **time > at("64s")).count() > 10,
        "{told:?}"
    );
    assert_eq!(deliveries(&run, 0, &QUEUES[..3], "70s", "160s"), 0);
    assert!(one_owner_each(&run, "170s"));
    let rounds = run.rounds(0, RebalanceTrigger::Period);
    assert!(rounds.iter().any(|time| *time > at("5m30s")));
    assert!(deliveries(&run, 0, &QUEUES[..3], "200s", "260s") > 1700);
}

/// A link that is cut for ever under a client that is killed keeps nothing once the broker has given it up.
#[test]
fn a_cut_under_a_dead_client_keeps_nothing() {
    for end in [
        Action::Kill(member(0)),
        Action::Vanish(member(0)),
        Action::Leave(member(0)),
    ] {
        let run = Experiment::new(GROUP, &[])
            .then("50s", cut(0, broker(0)))
            .then("52s", end)
            .run();
        let left = &run.leftovers;
        assert_eq!((left.held_queues_of_gone, left.tasks_of_gone), (0, 0), "{end:?}");
        assert!(left.records.iter().all(|kept| *kept < 64), "{:?}", left.records);
        assert!(
            run.count(|fact| matches!(
                fact,
                Fact::ConsumerStopped {
                    consumer: ConsumerId(0),
                    ..
                }
            )) == 1
        );
    }
}
