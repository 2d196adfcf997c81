//! Broadcasting groups: each member gets all messages, keeps its offsets in a file, and retries nothing.

use crate::support::{Recording, run_with};
use rmqsim::cluster::fact::{Fact, RebalanceTrigger, RequestKind};
use rmqsim::report::Report;
use rmqsim::scenario::{Overrides, Scenario};

/// Three members and 100 messages a second on four queues from 10 s to 60 s: 5 000 of them.
const THREE: &str = r#"{
  "title": "Broadcasting", "duration": "2m",
  "cluster": { "topics": { "news": { "queuesPerBroker": 4 } } },
  "producers": { "desk": { "rate": "100/s", "arrivals": "constant", "start": "10s", "stop": "60005ms" } },
  "groups": { "cache": { "messageModel": "BROADCASTING", "consumers": { "count": 3, "service": "2ms" } } },
  "timeline": []
}"#;

fn report(set: &[&str]) -> Report {
    let overrides = Overrides {
        set: set.iter().map(|s| (*s).to_owned()).collect(),
        ..Overrides::default()
    };
    let scenario = Scenario::from_text("test.json", THREE, &overrides);
    let scenario = scenario.unwrap_or_else(|problems| panic!("{problems}"));
    rmqsim::simulate("test.json", &scenario, |_, _| {})
}

fn run(set: &[&str]) -> Recording {
    run_with(THREE, set)
}

/// Everybody gets everything. Nobody asks who else is there, commits at the broker, or is told of others.
#[test]
fn each_member_gets_all_messages() {
    let report = report(&[]);
    let group = &report.groups["cache"];
    assert_eq!(
        (group.produced, group.succeeded, group.duplicates.total),
        (15_000, 15_000, 0)
    );
    for (id, reader) in &group.readers {
        assert_eq!((reader.produced, reader.succeeded), (5_000, 5_000), "{id}");
    }
    assert_eq!(group.lag.last, 0);
    let run = run(&[]);
    assert_eq!(run.count(|fact| matches!(fact, Fact::OffsetCommitted { .. })), 0);
    let asks =
        |wanted: RequestKind| run.count(|fact| matches!(fact, Fact::Request { kind, .. } if *kind == wanted));
    assert_eq!(
        (asks(RequestKind::ConsumerList), asks(RequestKind::QueryOffset)),
        (0, 0)
    );
    assert_eq!(run.rounds(0, RebalanceTrigger::Notification), []);
}

/// A member that comes at 30 s starts at the end, however young the queues are, and what was sent before is not its own.
#[test]
fn a_new_member_starts_at_the_end() {
    let report = report(&[r#"timeline=[{"at":"30s","join":"cache"}]"#]);
    let group = &report.groups["cache"];
    let joined = &group.readers["cache-4"];
    // Its first round comes 1 s after its start.
    assert!((2_890..=2_902).contains(&joined.produced), "{joined:?}");
    assert_eq!((joined.succeeded, joined.lost), (joined.produced, 0));
    assert_eq!(group.lost, 0);
}

/// Every tenth delivery fails, and nobody tries again.
#[test]
fn failures_are_dropped() {
    let report = report(&["groups.cache.consumers.failure.probability=0.1"]);
    let group = &report.groups["cache"];
    assert_eq!(group.retries.scheduled + group.dead, 0);
    assert_eq!(group.lost_by_cause.broadcast_failures, group.lost);
    // The mean is 1 500 and the standard deviation 37; the same message fails at all members, or at none.
    assert!((1_300..=1_700).contains(&group.lost), "{}", group.lost);
    assert_eq!(group.succeeded + group.lost, 15_000);
}

/// A member is away from 30 s to 40 s. With its file it goes on where it was; in a new container, or on another host, it
/// starts at the end, and has missed 10 s and what it takes to start.
#[test]
fn offsets_live_in_a_file_of_the_client() {
    let restart = |more: &str| format!(r#"timeline=[{{"at":"30s","restart":"cache/1"{more}}}]"#);
    let kept = report(&[&restart("")]);
    let reader = &kept.groups["cache"].readers["cache-1"];
    assert_eq!((reader.succeeded, reader.lost), (5_000, 0));
    let lost = report(&[&restart(""), "groups.cache.localOffsetStore=lost"]);
    let reader = &lost.groups["cache"].readers["cache-1"];
    assert!((1_000..=1_150).contains(&reader.lost), "{reader:?}");
    assert_eq!(reader.succeeded + reader.lost, 5_000);
    let moved = report(&[&restart(r#","clientId":"newHost""#)]);
    let group = &moved.groups["cache"];
    assert_eq!(group.readers.len(), 4);
    let (old, new) = (&group.readers["cache-1"], &group.readers[3]);
    assert!((1_985..=2_000).contains(&old.succeeded), "{old:?}");
    assert!((1_840..=1_900).contains(&new.succeeded), "{new:?}");
}

/// A kill loses what moved since the file was written, at most 5 s ago: that comes again.
#[test]
fn a_kill_repeats_what_was_not_written() {
    let report = report(&[r#"timeline=[{"at":"33s","restart":"cache/1","shutdown":"kill"}]"#]);
    let group = &report.groups["cache"];
    let reader = &group.readers["cache-1"];
    assert_eq!((reader.succeeded, reader.lost), (5_000, 0));
    // Written at 30 s, ten seconds after the start and then every five; killed 3 s later.
    assert!((290..=310).contains(&reader.duplicates), "{reader:?}");
    assert_eq!(group.duplicates.by_cause.killed, reader.duplicates);
}

/// Memory follows the backlog: what all files have behind them is freed.
#[test]
fn records_are_freed() {
    let left = run(&[]).leftovers.records;
    assert!(left.iter().all(|kept| *kept < 64), "{left:?}");
}

/// Two processes with one client id share a file and overwrite each other's offsets.
#[test]
fn clients_with_one_id_share_a_file() {
    let set = [
        r#"groups.cache.consumers.clientIds=["10.0.0.1@DEFAULT","10.0.0.1@DEFAULT","10.0.0.2@DEFAULT"]"#,
        "groups.cache.allowDuplicateClientIds=true",
    ];
    let report = report(&set);
    let group = &report.groups["cache"];
    assert_eq!(group.readers.len(), 2);
    let shared = &group.readers["10.0.0.1@DEFAULT"];
    assert_eq!((shared.succeeded, shared.duplicates), (5_000, 5_000));
}

/// A filter of the group is each member's own; members that differ in theirs lose what the broker filters by another's,
/// and that is told.
#[test]
fn filters_are_each_members_own() {
    let tags = r#"producers.desk.tags={"TagA":1,"TagB":1}"#;
    let alike = report(&[tags, r#"groups.cache.subscribe={"news":"TagA"}"#]);
    for (id, reader) in &alike.groups["cache"].readers {
        assert_eq!(reader.succeeded + reader.filtered, 5_000, "{id}");
        assert!((2_300..=2_700).contains(&reader.succeeded), "{id}: {reader:?}");
    }
    let differ = report(&[
        tags,
        r#"groups.cache.consumers=[{"subscribe":{"news":"TagA"}},{"subscribe":{"news":"TagB"}}]"#,
    ]);
    let group = &differ.groups["cache"];
    let readers = || group.readers.values();
    assert!(readers().all(|r| r.produced == r.succeeded + r.filtered + r.lost));
    // The broker knows one subscription for all: whoever has the other one gets nothing.
    let lost: u64 = readers().map(|reader| reader.lost).sum();
    assert!((2_300..=2_700).contains(&lost), "{group:?}");
}
