use super::page::{BOLD, DIM, GREEN, RED, YELLOW};
use super::words::columns;
use super::*;
use crate::report::assemble::crash_report;
use crate::report::assemble::troubles_report;
use crate::report::expect::{Expectation, measured};
use crate::report::model::{ConsumerEnd, RebalanceReport, Warning, WarningLevel};

fn judged(texts: &[&str]) -> Report {
    let mut report = crash_report();
    let shape = measured(&report, |_| true);
    let expectations: Vec<Expectation> = (texts.iter())
        .map(|text| Expectation::parse(text, &shape).unwrap())
        .collect();
    report.judge(&expectations);
    report
}

#[test]
fn the_summary_reads_at_a_glance() {
    let report = judged(&["groups.billing.lost == 0", "groups.billing.duplicates.ratio < 1%"]);
    assert_eq!(summary(&report, false), GLANCE);
}

/// Lag: six messages at 1 … 6 s, all but two committed at 8 s, those and a copy of 13.105 s at 15 s, one more at
/// 29.99 s: (27 + 14 + 1.895 + 0.01) ÷ 30 = 1.43. Skew of 7 and 3: 7 ÷ 5; |7 − 3| × 2 ÷ (2 × 4 × 5).
const GLANCE: &str = "\
crash — A consumer is killed
  run         30 s of virtual time · 7 messages · 64 events · seed 7 · trace 0123456789ab
  cluster     1 broker · 1 producer · orders: 2 queues

billing — 2 consumers of orders
  consumed    5 of 7 · 0.17/s · 0 waiting · 1 in flight
  lag         1 at the end · mean 1.43 · max 6 at 6 s, drained in 9 s
  latency     p50 55 ms · p90 55 ms · p99 55 ms · max 55 ms · from send to success
  failures    1 retry · 1 dead · 0 lost
  duplicates  2 (25 %) · 2 after a kill
  skew        consumers max/mean 1.40, Gini 0.20 · queues max/mean 1.11, Gini 0.06
  rebalance   changes     2 started, 1 killed
              rounds      3, of which 3 changed owners
              moves       1, 1 needed
              no owner    200 ms, the longest 200 ms
              stable      within 200 ms, first reaction within 200 ms
              duplicates  2 from queues that moved
  balance     ✓ 7 stored = 5 succeeded + 1 in flight + 1 dead

  consumer   queues  messages  share                  busy
  billing-1       2         7  ████████████  70.0 %  0.5 %
  billing-2       0         3  █████▏        30.0 %  0.8 %  killed at 10 s

     retry  level  asked  waited  delivered  succeeded  failed
  original      –      –       –          7          5       1
         1      3   10 s  10.1 s          1          0       1

expected
  ✓ groups.billing.lost == 0  (is 0)
  ✗ groups.billing.duplicates.ratio < 1%  (is 0.25)
";

#[test]
fn the_head_says_what_is_not_measured() {
    let mut report = crash_report();
    report.run.measured_from_seconds = Some(90.0);
    let text = summary(&report, false);
    let line = "  run         30 s of virtual time · measured from 1 m 30 s on · 7 messages";
    assert!(text.contains(line), "{text}");
}

/// Every kind of change but a kill; what each figure is made of stands with the story.
#[test]
fn what_rebalances_cost_reads_at_a_glance() {
    let text = summary(&troubles_report(), false);
    let section = "
  rebalance   changes     3 started, 1 vanished, 1 stopped for a while, 2 changes of queues
              rounds      13, of which 13 changed owners
              moves       7, 3 needed
              no owner    8.3 s, the longest 3 s
              two owners  8 s
              stopped     8.2 s
              stranded    16 s, 1 message in them
              stable      within 4.2 s, first reaction within 4 s
              duplicates  3 from queues that moved
  balance";
    assert!(text.contains(section), "{text}");
    assert!(
        text.contains("1 after the loss of a host · 2 after a pause"),
        "{text}"
    );
    assert!(
        text.contains("vanished at 15 s") && text.contains("stopped for 7 s"),
        "{text}"
    );
}

/// A list that needs two lines has its name once, and one change is no changes.
#[test]
fn changes_go_on_under_their_name() {
    let mut report = troubles_report();
    let kinds = &mut report.rebalance["billing"].changes_by_kind;
    (kinds.graceful, kinds.killed, kinds.start_failed) = (1000, 1000, 1000);
    (kinds.cut_off, kinds.queues_changed) = (2, 1);
    let text = summary(&report, false);
    let lines: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.contains("rebalance   changes"))
        .take(3)
        .map(str::trim_start)
        .collect();
    assert!(
        lines[0].starts_with("rebalance   changes     3 started, 1000 shut down"),
        "{text}"
    );
    assert_eq!(
        lines[1], "1 stopped for a while, 2 cut off, 1 change of queues",
        "{text}"
    );
    assert!(lines[2].starts_with("rounds "), "{text}");
}

/// A group in which nobody ever got a queue was not stable at once.
#[test]
fn who_never_shares_is_not_stable() {
    let mut report = troubles_report();
    report.rebalance["billing"].owned_seconds = 0.0;
    assert!(!summary(&report, false).contains("stable"));
    let rebalance = &mut report.rebalance["billing"];
    *rebalance = RebalanceReport {
        stable_max_seconds: Some(0.0),
        ..RebalanceReport::default()
    };
    assert!(summary(&report, false).contains("0 of 0 rounds changed owners\n"));
}

#[test]
fn colours_are_paint_only() {
    let report = judged(&["groups.billing.lost == 0"]);
    let painted = summary(&report, true);
    let mut plain = painted.clone();
    for style in [BOLD, DIM, GREEN, RED, YELLOW, "\x1b[0m"] {
        plain = plain.replace(style, "");
    }
    assert_ne!(painted, plain);
    assert_eq!(plain, summary(&report, false));
}

/// The longest names that RocketMQ allows, wide characters, huge numbers, many members.
#[test]
fn no_line_is_longer_than_100_columns() {
    let mut report = judged(&["groups.billing.lost == 0"]);
    report.run.name = "n".repeat(80);
    report.run.title = Some("每个队列同一时间只属于一个消费者".repeat(5));
    report.run.seed = u64::MAX.to_string();
    (report.run.events, report.run.messages) = (u64::MAX, u64::MAX);
    let long = "g".repeat(120);
    let (mut group, mut consumer) = (
        report.groups["billing"].clone(),
        report.consumers["billing-1"].clone(),
    );
    for n in [
        &mut group.produced,
        &mut group.succeeded,
        &mut group.deliveries,
        &mut group.lag.last,
        &mut group.lag.max,
        &mut group.duplicates.total,
        &mut group.duplicates.by_cause.killed,
        &mut group.duplicates.by_cause.overlap,
    ] {
        *n = 123_456_789_012_345;
    }
    group.topics = vec!["t".repeat(127); 3];
    let topic = report.topics["orders"].clone();
    for n in 0..5 {
        report
            .topics
            .insert(format!("{}{n}", "t".repeat(126)), topic.clone());
    }
    report.groups.insert(long.clone(), group);
    let mut balance = report.balance["billing"].clone();
    for n in [
        &mut balance.produced,
        &mut balance.succeeded,
        &mut balance.waiting,
        &mut balance.in_flight,
        &mut balance.awaiting_retry,
        &mut balance.dead,
        &mut balance.filtered,
        &mut balance.expired,
        &mut balance.lost,
        &mut balance.extra_copies,
    ] {
        *n = 123_456_789_012_345;
    }
    report.balance.insert(long.clone(), balance);
    let mut rebalance = troubles_report().rebalance["billing"].clone();
    rebalance.moves = u64::MAX;
    let kinds = &mut rebalance.changes_by_kind;
    for n in [
        &mut kinds.started,
        &mut kinds.graceful,
        &mut kinds.killed,
        &mut kinds.start_failed,
    ] {
        *n = 123_456_789_012_345;
    }
    report.rebalance.insert(long.clone(), rebalance);
    consumer.group = long.clone();
    consumer.deliveries = 12_345_678_901;
    consumer.end = Some(ConsumerEnd::Graceful);
    consumer.stopped_seconds = Some(1e8);
    for n in 0..40 {
        report.consumers.insert(format!("{long}-{n}"), consumer.clone());
    }
    report.expect[0].text = "x".repeat(300);
    report.expect[0].actual = Some(1.0 / 3.0);
    report.warnings.push(Warning {
        level: WarningLevel::Warning,
        id: "test".into(),
        text: format!("{long} {}", "word ".repeat(60)),
    });
    let text = summary(&report, true);
    for line in text.lines() {
        assert!(columns(line) <= WIDTH, "{} columns: {line}", columns(line));
    }
    assert!(text.contains("… and 24 more"));
}
