//! How long messages are kept, and what becomes of a group that comes too late.

use crate::support::{Experiment, Recording, at, run_with};
use rmqsim::cluster::config::{Action, BrokerTuning, Retention};
use rmqsim::cluster::fact::{Fact, PullResult, RebalanceTrigger, StartOffsetRule};
use rmqsim::cluster::ids::{ConsumerId, QueueId};
use rmqsim::kernel::time::{SimDuration, SimTime};

/// A message every 10 s for twelve hours into one queue; the group starts after nine.
const LATE: &str = r#"{
  "title": "Late", "duration": "12h",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 1 } },
               "tuning": { "fileReservedTime": 3, "deleteWhen": "04;08", "retention": "exact" } },
  "producers": { "shop": { "rate": "0.1/s", "arrivals": "constant" } },
  "groups": { "billing": { "consumeFromWhere": "CONSUME_FROM_FIRST_OFFSET",
                           "consumers": { "start": "9h", "service": "1ms" } } }
}"#;

fn expired(run: &Recording) -> Vec<(SimTime, (u64, u64))> {
    run.select(|fact| match fact {
        Fact::Expired { queue, from, to } if *queue == QueueId(0) => Some((*from, *to)),
        _ => None,
    })
}

/// When the first record that is not deleted was stored: `n`-th message of the constant stream, 10 s apart.
fn stored(offset: u64) -> SimTime {
    SimTime::ZERO + SimDuration::from_secs(10) * (offset + 1)
}

/// Six messages come in a minute, and three hours after its end they go, all at once.
#[test]
fn exact_retention_is_exact_to_the_minute() {
    let run = run_with(LATE, &[]);
    let expired = expired(&run);
    assert_eq!(expired[0].0, at("3h1m"));
    for (time, (from, to)) in &expired {
        let oldest = time.since(stored(*from));
        let youngest = time.since(stored(to - 1));
        assert!(oldest <= SimDuration::from_secs(3 * 3600 + 60), "{oldest}");
        assert!(youngest >= SimDuration::from_secs(3 * 3600), "{youngest}");
    }
    assert_eq!(expired.len(), 12 * 60 - 3 * 60 - 1);
}

/// Small files: what is older than three hours goes at 04:00 and at 08:00, file by file, and never the newest.
#[test]
fn files_go_at_their_hours() {
    let mut files = Experiment::new(LATE, &["cluster.tuning.retention=files"]);
    files.0.broker_tuning.mapped_file_size_commit_log = 20_000;
    let run = files.run();
    let expired = expired(&run);
    for (time, (_, to)) in &expired {
        let hour = time.as_nanos() / SimDuration::from_secs(3600).as_nanos();
        assert!(hour == 4 || hour == 8, "{time:?}");
        assert!(time.since(stored(*to)) >= SimDuration::from_secs(3 * 3600));
    }
    // 16 records a file; ten files a look, one look each 10 s.
    let first = expired.iter().filter(|(time, _)| *time < at("4h10s")).count();
    assert_eq!(first, 10);
    let last = expired
        .last()
        .map(|(_, (_, to))| stored(*to))
        .unwrap_or(SimTime::ZERO);
    assert!(last >= at("5h50m") && last <= at("6h"), "{last:?}");
}

/// What no file can hold is never deleted: the log of this run fits into the newest one.
#[test]
fn the_newest_file_stays() {
    let run = run_with(LATE, &["cluster.tuning.retention=files"]);
    assert_eq!(expired(&run), []);
    assert_eq!(BrokerTuning::default().retention, Retention::Files);
    let run = run_with(LATE, &["cluster.tuning.retention=none"]);
    assert_eq!(expired(&run), []);
}

/// CONSUME_FROM_FIRST_OFFSET asks for 0, which is deleted. The broker names the least offset there is; the client
/// gives the queue up and takes it again there, within a second (4.9: it lets the queue rest for 10 s and waits for a
/// round).
#[test]
fn a_group_that_comes_too_late_starts_at_what_is_left() {
    for (version, least, most) in [("5.3", 500, 1600), ("4.9", 10_000, 30_000)] {
        let run = run_with(LATE, &[&format!("cluster.rocketmq={version}")]);
        let moved = run.select(|fact| match fact {
            Fact::PullAnswered {
                result: PullResult::OffsetMoved,
                ..
            } => Some(()),
            _ => None,
        });
        assert_eq!(moved.len(), 1, "{version}");
        let taken = run.select(|fact| match fact {
            Fact::QueueAcquired {
                queue: QueueId(0),
                start_offset,
                decided_by,
                ..
            } => Some((*start_offset, *decided_by)),
            _ => None,
        });
        let starts: Vec<_> = taken.iter().map(|(_, start)| *start).collect();
        let min = expired(&run)
            .iter()
            .filter(|(time, _)| *time <= moved[0].0)
            .map(|(_, (_, to))| *to)
            .max();
        assert_eq!(
            starts,
            [
                (0, StartOffsetRule::ConsumeFromWhere),
                (min.unwrap_or(0), StartOffsetRule::Committed)
            ]
        );
        let first = run.deliveries()[0].0;
        let pause = first.since(moved[0].0).as_millis();
        assert!((least..most).contains(&pause), "{version}: {pause} ms");
        let rounds = run.rounds(0, RebalanceTrigger::OffsetIllegal);
        assert_eq!(rounds.len(), usize::from(version == "5.3"));
    }
}

/// A group that was away for longer than messages are kept goes on at what is left: what lay between is not delivered.
#[test]
fn what_a_group_misses_is_gone() {
    let run = Experiment::new(LATE, &["groups.billing.consumers.start=0s"])
        .then("1h", Action::Kill(crate::support::member(0)))
        .run();
    let second = run_with(
        &LATE.replace(r#""start": "9h", "service": "1ms" }"#, r#""service": "1ms" }"#),
        &["timeline=[{\"at\":\"1h\",\"restart\":\"billing/1\",\"shutdown\":\"kill\",\"downFor\":\"6h\"}]"],
    );
    assert!(run.deliveries().iter().all(|(time, _)| *time < at("1h")));
    let gap: Vec<u64> = second
        .deliveries()
        .iter()
        .map(|(_, (_, _, offset))| *offset)
        .collect();
    let jump = gap.windows(2).find(|pair| pair[1] > pair[0] + 1).expect("a jump");
    // Away from 1 h to 7 h, with 3 h kept: about three hours of messages are missed.
    assert!((1070..1090).contains(&(jump[1] - jump[0])), "{jump:?}");
    assert!(
        second
            .deliveries()
            .iter()
            .any(|(_, (who, ..))| *who == ConsumerId(1))
    );
}

/// An hour of messages, of which some die, and then nothing. Once their clients are gone, idle days cost nothing at all:
/// what expires is looked for when it is due. While clients live, an idle hour costs their own timers and pulls.
#[test]
fn idle_days_cost_next_to_nothing() {
    let events = |days: u32, stay: &str, retention: &str| {
        let text = format!(
            r#"{{
              "title": "Idle", "duration": "{days}d",
              "cluster": {{ "topics": {{ "orders": {{}} }}, "tuning": {{ "retention": "{retention}" }} }},
              "producers": {{ "shop": {{ "rate": "20/s", "stop": "1h" }} }},
              "groups": {{ "billing": {{ "consumers": {{ "service": "5ms", "failure": {{ "poison": 0.01 }} }},
                                       "tuning": {{ "maxReconsumeTimes": 2 }} }} }},
              "timeline": [ {{ "at": "{stay}", "leave": "billing/1" }} ]
            }}"#
        );
        let mut experiment = Experiment::new(&text, &[]);
        experiment.0.sample_interval = SimDuration::from_secs(3600);
        let done =
            rmqsim::cluster::Cluster::new(experiment.0, crate::support::Recorder::default()).run(|_, _| {});
        done.events
    };
    for retention in ["files", "exact"] {
        let (four, forty) = (events(4, "2h", retention), events(40, "2h", retention));
        assert_eq!(four, forty, "{retention}");
        assert!(four < 72_000 * 15, "{retention}: {four}");
    }
    let (one, three) = (events(4, "1d", "exact"), events(4, "3d", "exact"));
    let hourly = (three - one) / 48;
    assert!(
        hourly < 6_000,
        "{hourly} events an hour for one client with five queues"
    );
}
