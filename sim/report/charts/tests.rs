//! What holds for every chart: equal bytes for equal reports, no broken number, no panic whatever the data.

use indexmap::IndexMap;

use super::panel::Panel;
use super::proof::{legible, sound};
use super::{Chart, draw_all};
use crate::report::assemble::troubles_report;
use crate::report::model::{
    AttemptReport, BrokerSeries, ConsumerEnd, ConsumerReport, DisconnectReport, DistributionReport,
    EpisodeReport, FlowControlReport, GroupReport, GroupSeries, LagReport, LatencyReport, LatencySeries,
    MemberChange, MemberChangeReport, OwnershipReport, QueueGroupReport, QueueReport, RebalanceReport,
    Report, TopicSeries,
};

/// Size and names of a made-up run.
struct Sample {
    group: &'static str,
    consumers: usize,
    queues: usize,
    seconds: usize,
    /// Every count of messages is multiplied by this.
    scale: u64,
}

const SMALL: Sample = Sample {
    group: "billing",
    consumers: 2,
    queues: 3,
    seconds: 60,
    scale: 1,
};

impl Sample {
    /// A run in which the last consumer is killed in the middle and its queues go to the first one.
    fn report(&self) -> Report {
        let Self {
            consumers,
            queues,
            seconds,
            ..
        } = *self;
        let end = seconds as f64;
        let member = |i: usize| format!("{}-{}", self.group, i + 1);
        let label = |i: usize| {
            format!(
                "orders broker-{}:{}",
                if i.is_multiple_of(2) { "a" } else { "b" },
                i / 2
            )
        };
        let mut report = Report::default();
        report.run.duration_seconds = end;
        report.timeline.interval_seconds = 1.0;
        report.timeline.time_seconds = (0..=seconds).map(|t| t as f64).collect();
        let last = consumers.saturating_sub(1);
        for i in 0..consumers {
            let killed = i == last && i > 0;
            report.consumers.insert(
                member(i),
                ConsumerReport {
                    group: self.group.to_owned(),
                    member: member(i),
                    started_seconds: Some(0.0),
                    stopped_seconds: killed.then_some(end / 2.0),
                    end: killed.then_some(ConsumerEnd::Killed),
                    threads: 2,
                    succeeded: 100 + i as u64,
                    busy_seconds: if killed { end * 0.6 } else { end * 0.3 },
                    busy_ratio: Some(if killed { 0.6 } else { 0.15 }),
                    flow_control: flow_control(i),
                    ..ConsumerReport::default()
                },
            );
        }
        let grows = |step: u64| (0..=seconds as u64).map(move |t| t.saturating_mul(step));
        let stored = grows(5).map(|n| n.saturating_mul(self.scale)).collect();
        report
            .timeline
            .topics
            .insert("orders".to_owned(), TopicSeries { stored });
        for (name, share) in [("broker-a", 10), ("broker-b", 5)] {
            let requests = grows(share).collect();
            report
                .timeline
                .brokers
                .insert(name.to_owned(), BrokerSeries { requests });
            let broker = report.cluster.brokers.entry(name.to_owned()).or_default();
            (broker.requests.pull, broker.requests.send) = (share * 40, share * 20);
        }
        let mut rebalance = RebalanceReport {
            moves: 1,
            unowned_seconds: 3.0,
            overlap_seconds: 0.5,
            ..RebalanceReport::default()
        };
        for i in 0..queues {
            let owner = i % consumers.max(1);
            let own = |consumer, from_seconds, to_seconds| OwnershipReport {
                queue: label(i),
                consumer,
                from_seconds,
                to_seconds,
            };
            if owner == last && last > 0 {
                rebalance.ownership.push(own(member(owner), 1.0, end / 2.0));
                rebalance.ownership.push(own(member(0), end / 2.0 + 1.0, end));
            } else {
                rebalance.ownership.push(own(member(owner), 1.0, end));
            }
            let seen = QueueGroupReport {
                owner: Some(member(0)),
                ..QueueGroupReport::default()
            };
            let broker = if i.is_multiple_of(2) {
                "broker-a"
            } else {
                "broker-b"
            };
            let groups = IndexMap::from([(self.group.to_owned(), seen)]);
            let queue = QueueReport {
                topic: "orders".into(),
                broker: broker.into(),
                id: i as u32 / 2,
                groups,
                ..QueueReport::default()
            };
            report.queues.insert(label(i), queue);
        }
        rebalance
            .ownership
            .sort_by(|a, b| a.from_seconds.total_cmp(&b.from_seconds));
        rebalance.changes.push(MemberChangeReport {
            members: consumers as u64,
            moves: 1,
            moves_least: 1,
            stable_seconds: 1.0,
            ..change(end / 2.0, &member(last), MemberChange::Killed)
        });
        report.rebalance.insert(self.group.to_owned(), rebalance);
        report
            .timeline
            .groups
            .insert(self.group.to_owned(), self.series(&label, &member));
        report.groups.insert(self.group.to_owned(), self.group_report());
        report
    }

    fn series(&self, label: &dyn Fn(usize) -> String, member: &dyn Fn(usize) -> String) -> GroupSeries {
        let looks = 0..=self.seconds as u64;
        let wave = |t: u64, k: u64| (t * (k + 3) % 17 + t * t % 5).saturating_mul(self.scale);
        let sum: Vec<u64> = looks
            .clone()
            .map(|t| wave(t, 1).saturating_add(wave(t, 2)))
            .collect();
        GroupSeries {
            succeeded: looks
                .clone()
                .map(|t| (4 * t).saturating_mul(self.scale))
                .collect(),
            retries: looks.clone().map(|t| t / 10).collect(),
            awaiting_retry: looks.clone().map(|t| t % 5).collect(),
            dead: looks.clone().map(|t| u64::from(t > 40)).collect(),
            oldest_waiting_seconds: looks.clone().map(|t| t as f64 / 8.0).collect(),
            queue_uncommitted: (0..self.queues.min(12))
                .map(|i| (label(i), looks.clone().map(|t| (t * t + i as u64) % 13).collect()))
                .collect(),
            latency: latency_over_time(self.seconds as f64),
            lag_max: sum.iter().map(|v| v.saturating_add(1)).collect(),
            backlog: sum.iter().map(|v| v / 2).collect(),
            lag: sum,
            queue_lag: (0..self.queues)
                .map(|i| (label(i), looks.clone().map(|t| wave(t, i as u64)).collect()))
                .collect(),
            consumer_consumed: (0..self.consumers)
                .map(|i| {
                    (
                        member(i),
                        looks
                            .clone()
                            .map(|t| (t * (i as u64 + 7)).saturating_mul(self.scale))
                            .collect(),
                    )
                })
                .collect(),
            ..GroupSeries::default()
        }
    }

    fn group_report(&self) -> GroupReport {
        let mut group = GroupReport {
            topics: vec!["orders".to_owned()],
            dead: self.scale,
            ..GroupReport::default()
        };
        group.lag = LagReport {
            last: 3,
            max: 40_u64.saturating_mul(self.scale),
            max_at_seconds: Some(31.0),
            ..LagReport::default()
        };
        let latency = |shift: f64| LatencyReport {
            count: 1000,
            p50_seconds: Some(0.012 * shift),
            p99_seconds: Some(0.4 * shift),
            max_seconds: Some(1.5 * shift),
            distribution: DistributionReport {
                lower_seconds: [0.001, 0.01, 0.3, 1.4].map(|v| v * shift).to_vec(),
                upper_seconds: [0.002, 0.02, 0.5, 1.5].map(|v| v * shift).to_vec(),
                count: vec![200, 780, 19, 1],
            },
            ..LatencyReport::default()
        };
        group.latency.first_delivery = latency(1.0);
        group.latency.success = latency(3.0);
        group.retries.scheduled = self.scale;
        let attempt = |(attempt, delivered): (u64, u64)| AttemptReport {
            attempt,
            delivered: delivered.saturating_mul(self.scale),
            delay_asked_seconds: (attempt > 0).then_some(10.0),
            ..AttemptReport::default()
        };
        group.retries.by_attempt = [(0, 1000), (1, 20), (2, 1)].into_iter().map(attempt).collect();
        group
    }
}

/// Of the first consumer: pulls put off for 12 s.
fn flow_control(consumer: usize) -> FlowControlReport {
    if consumer > 0 {
        return FlowControlReport::default();
    }
    FlowControlReport {
        count: 240,
        episodes: 1,
        lasted_seconds: 12.0,
        list: vec![EpisodeReport {
            from_seconds: 10.0,
            to_seconds: 22.0,
            count: 240,
            ..EpisodeReport::default()
        }],
        ..FlowControlReport::default()
    }
}

/// Six windows; the second has no success, in the fourth messages come late.
fn latency_over_time(seconds: f64) -> LatencySeries {
    let column = |scale: f64| -> Vec<Option<f64>> {
        let window = |n: u32| match n {
            1 => None,
            3 => Some(0.3 * scale),
            _ => Some(0.01 * scale),
        };
        (0..6).map(window).collect()
    };
    let at = |n: u32| seconds * f64::from(n) / 6.0;
    LatencySeries {
        from_seconds: (0..6).map(at).collect(),
        to_seconds: (1..=6).map(at).collect(),
        count: vec![10, 0, 10, 10, 10, 10],
        p50_seconds: column(1.0),
        p95_seconds: column(2.0),
        p99_seconds: column(3.0),
        max_seconds: column(4.0),
    }
}

/// Something happens to a consumer, and nothing comes of it.
fn change(at_seconds: f64, consumer: &str, change: MemberChange) -> MemberChangeReport {
    MemberChangeReport {
        at_seconds,
        consumer: Some(consumer.to_owned()),
        topic: None,
        broker: None,
        change,
        members: 0,
        moves: 0,
        moves_least: 0,
        detected_seconds: None,
        stable_seconds: 0.0,
        unowned_seconds: 0.0,
        duplicates: 0,
    }
}

/// Draws, and checks what must hold for any chart; returns the charts.
#[track_caller]
fn check(report: &Report) -> Vec<Chart> {
    let charts = charts_of(report);
    assert_eq!(charts, draw_all(report), "the same report twice");
    charts
}

/// A page lays a cursor over a chart where its time axis is, and names what is drawn there.
#[test]
fn charts_tell_where_their_time_axes_lie_and_what_they_show() {
    let charts = check(&SMALL.report());
    let panels = |kind: &str| chart(&charts, kind).panels;
    let names = |panel: &Panel| -> Vec<String> { panel.series.iter().map(|s| s.name.clone()).collect() };
    let lag = panels("lag");
    assert_eq!(lag.len(), 3);
    assert_eq!(names(&lag[0]), ["not committed", "not finished"]);
    assert_eq!(
        (names(&lag[1]), lag[1].series[0].unit.as_str()),
        (vec!["oldest".to_owned()], "s")
    );
    assert_eq!(lag[2].series.len(), 3);
    // The values of the report themselves: lag at 7 s.
    let total = &SMALL.report().timeline.groups["billing"].lag;
    assert!(lag[0].series[0].points.contains(&(7.0, total[7] as f64)));
    let consumed = panels("consumed");
    assert_eq!(names(&consumed[0]), ["billing-2", "billing-1"]);
    assert_eq!(consumed[0].series[0].unit, "messages/s");
    assert_eq!((lag[0].from, lag[0].to), (0.0, 60.0));
    assert_eq!(panels("ownership")[0].to, 60.0);
    assert!(panels("latency").is_empty() && panels("retries").is_empty());
    // 5 a second are stored, and 4 finished.
    let throughput = &panels("throughput")[0].series;
    assert_eq!(
        (throughput[0].name.as_str(), throughput[0].points[7].1),
        ("stored", 5.0)
    );
    assert_eq!(throughput[1].points[7].1, 4.0);
    let of_cluster = |chart: &&Chart| chart.group.is_none();
    assert_eq!(charts.iter().filter(of_cluster).count(), 2);
}

fn charts_of(report: &Report) -> Vec<Chart> {
    let charts = draw_all(report);
    charts.iter().for_each(sound);
    charts
}

fn chart(charts: &[Chart], kind: &str) -> Chart {
    charts
        .iter()
        .find(|chart| chart.kind == kind)
        .expect("every group has every chart")
        .clone()
}

/// The bytes of the charts are a promise: whoever changes them looks at the pictures and renews the digest.
#[test]
fn the_small_sample_has_the_bytes_that_it_always_had() {
    let charts = check(&SMALL.report());
    let names: Vec<&str> = charts.iter().map(|chart| chart.file_name.as_str()).collect();
    let of_group = [
        "lag",
        "throughput",
        "consumed",
        "work",
        "ownership",
        "rebalance",
        "latency",
        "latency-time",
        "retries",
        "retries-time",
        "offsets",
        "flow-control",
    ];
    let expected = of_group.map(|kind| format!("{kind}-billing.svg"));
    assert_eq!(names[..12], expected);
    assert_eq!(names[12..], ["requests.svg", "load.svg"]);
    let mut hasher = blake3::Hasher::new();
    charts.iter().for_each(|chart| {
        hasher.update(chart.svg.as_bytes());
    });
    assert_eq!(
        &hasher.finalize().to_hex()[..16],
        "a40c48d85fa99ace",
        "the charts look different now"
    );
}

#[test]
fn titles_say_what_is_seen() {
    let charts = check(&SMALL.report());
    let titles: Vec<&str> = charts.iter().map(|chart| chart.title.as_str()).collect();
    // Consumed up to the last look at 60 s: 60 × 7 = 420 and 60 × 8 = 480 of 900.
    assert_eq!(
        titles,
        [
            "Lag of billing — max 40 messages at 31 s",
            "Throughput of billing — 5 /s in, 4 /s out on average",
            "Consumption of billing — most by billing-2 (53.3 %), least by billing-1 (46.7 %)",
            "Work of billing — busiest: billing-2, 60 % of its thread time",
            "Queue owners of billing — 1 move, 3 s without owner, 500 ms with two",
            "Rebalance cost of billing — 1 move, 0 needed, 3 s without owner",
            "Latency of billing — from send to success: p50 36 ms, p99 1.2 s, max 4.5 s",
            "Latency of billing over time — p99 at worst 900 ms, at 30 s",
            "Retries of billing — 1 retry, 1 dead letter",
            "Retries of billing over time — up to 4 messages waiting, 1 dead letter",
            "Finished, not committed: billing — up to 12 messages of one queue, sampled at 5 s",
            "Flow control of billing — 1 episode, 12 s in all",
            "Requests to brokers — 900, 66.7 % of them PULL_MESSAGE",
            "Load of brokers — up to 10 requests a second",
        ]
    );
}

#[test]
fn a_kill_is_marked_where_time_is_the_axis() {
    let charts = check(&SMALL.report());
    for kind in [
        "lag",
        "throughput",
        "consumed",
        "ownership",
        "latency-time",
        "retries-time",
        "offsets",
        "flow-control",
        "load",
    ] {
        assert!(chart(&charts, kind).svg.contains("billing-2 killed"), "{kind}");
    }
}

/// Who leaves and soon returns restarts; neighbours that do the same are one; the start itself is no event.
#[test]
fn events_are_told_in_few_words() {
    let mut report = SMALL.report();
    let first = report.consumers["billing-1"].clone();
    report.consumers.insert("billing-1#2".to_owned(), first);
    report.rebalance["billing"].changes = vec![
        change(0.0, "billing-2", MemberChange::Started),
        change(10.0, "billing-1", MemberChange::Graceful),
        change(14.0, "billing-1#2", MemberChange::Started),
        change(40.0, "billing-3", MemberChange::Started),
        change(40.1, "billing-4", MemberChange::Started),
        change(50.0, "billing-3", MemberChange::Graceful),
    ];
    let svg = chart(&check(&report), "lag").svg;
    let told = ["billing-1 restarts", "2 consumers join", "billing-3 leaves"];
    assert!(told.into_iter().all(|text| svg.contains(text)), "{svg}");
    assert!(
        ["returns", "billing-2 joins", "billing-4"]
            .into_iter()
            .all(|text| !svg.contains(text)),
        "{svg}"
    );
}

/// Two cut links, each lost again and again, leave no room for the label of a kill; so they go without theirs.
#[test]
fn lost_links_do_not_hide_a_kill() {
    let mut report = SMALL.report();
    let rebalance = &mut report.rebalance["billing"];
    rebalance.changes = vec![
        change(20.0, "billing-1", MemberChange::CutOff),
        change(22.0, "billing-2", MemberChange::Killed),
    ];
    rebalance.disconnects = (0..6)
        .map(|n| DisconnectReport {
            at_seconds: 23.0 + 2.0 * f64::from(n),
            consumer: format!("billing-{}", 1 + n % 2),
            broker: "broker-a".to_owned(),
        })
        .collect();
    let svg = chart(&check(&report), "lag").svg;
    assert!(
        svg.contains("billing-1 cut off") && svg.contains("billing-2 killed"),
        "{svg}"
    );
    assert!(!svg.contains("loses a link"), "{svg}");
    // Where there is room for all, all are told.
    report.rebalance["billing"].disconnects.truncate(1);
    let svg = chart(&check(&report), "lag").svg;
    assert!(
        svg.contains("billing-2 killed") && svg.contains("loses a link"),
        "{svg}"
    );
}

/// Forty restarts in a row are told once; each has its two marks.
#[test]
fn a_rolling_restart_is_told_once() {
    let mut report = SMALL.report();
    let mut changes = Vec::new();
    for n in 0..40 {
        let (name, at) = (format!("billing-{n}"), 1.0 + n as f64);
        let again = ConsumerReport {
            group: "billing".to_owned(),
            member: name.clone(),
            ..ConsumerReport::default()
        };
        report.consumers.insert(format!("{name}#2"), again);
        changes.push(change(at, &name, MemberChange::Graceful));
        changes.push(change(at + 0.5, &format!("{name}#2"), MemberChange::Started));
    }
    report.rebalance["billing"].changes = changes;
    let svg = chart(&check(&report), "lag").svg;
    assert_eq!(svg.matches("restarts").count(), 1, "{svg}");
    assert!(svg.contains("40 restarts, one by one"), "{svg}");
}

/// 1 to 60 consumers, 1 to 100 queues: the sheet stays a sheet and says what it leaves out.
#[test]
fn crowds_are_thinned_out_and_say_so() {
    for (consumers, queues) in [(1, 1), (16, 24), (60, 100)] {
        let charts = check(
            &Sample {
                consumers,
                queues,
                ..SMALL
            }
            .report(),
        );
        let (consumed, ownership) = (chart(&charts, "consumed").svg, chart(&charts, "ownership").svg);
        assert_eq!(
            consumed.contains("20 busiest and the 20 least busy of 60"),
            consumers > 40
        );
        assert_eq!(ownership.contains("40 of 100 queues"), queues > 40);
        assert_eq!(
            chart(&charts, "lag").svg.contains("range of the 88 others"),
            queues == 100
        );
    }
}

/// The picture without what a dark page changes.
fn drawn(chart: &Chart) -> String {
    let style = chart.svg.split_once("</style>");
    style.expect("every chart has a style").1.to_owned()
}

#[test]
fn two_owners_at_once_are_framed_in_red() {
    let mut report = SMALL.report();
    let red = "#C4161C";
    let count = |report: &Report| drawn(&chart(&check(report), "ownership")).matches(red).count();
    let before = count(&report);
    let rebalance = &mut report.rebalance["billing"];
    let first = rebalance.ownership[0].clone();
    rebalance.ownership.push(OwnershipReport {
        consumer: "billing-2".into(),
        from_seconds: 59.0,
        ..first
    });
    assert_eq!(count(&report), before + 1);
}

/// The bars of one lane by what the legend calls them, in a history that has all.
#[test]
fn the_ownership_chart_names_what_it_shows() {
    let charts = check(&troubles_report());
    let svg = chart(&charts, "ownership").svg;
    for sign in [
        "black or white: no owner",
        "red frame: two owners",
        "hatched colour: owner stopped",
        "grey: not given",
    ] {
        assert!(svg.contains(sign), "{sign}");
    }
    for event in [
        "billing-3 paused",
        "billing-3 goes on",
        "billing-2 vanished",
        "orders queues change",
    ] {
        assert!(svg.contains(event), "{event}");
    }
    let calm = chart(&check(&SMALL.report()), "ownership").svg;
    assert!(!calm.contains("hatched") && !calm.contains("grey: "), "{calm}");
}

/// A gap of 3 ms in a run of 15 minutes, less than a hundredth of a pixel, is black and 2 px wide.
#[test]
fn the_shortest_gap_is_seen() {
    let mut report = Sample {
        seconds: 900,
        ..SMALL
    }
    .report();
    let ink = "fill=\"#222222\" stroke=\"none\"";
    let count = |report: &Report| drawn(&chart(&check(report), "ownership")).matches(ink).count();
    let rebalance = &mut report.rebalance["billing"];
    let whole = rebalance.ownership[0].clone();
    rebalance.ownership[0].to_seconds = 600.0;
    rebalance.ownership.push(OwnershipReport {
        from_seconds: 600.0,
        ..whole
    });
    let before = count(&report);
    report.rebalance["billing"]
        .ownership
        .last_mut()
        .unwrap()
        .from_seconds = 600.003;
    assert_eq!(count(&report), before + 1);
}

/// A rolling restart of 40 members is 80 changes, of which 60 fit; changes of one instant share a column.
#[test]
fn the_costliest_changes_are_shown() {
    let mut report = SMALL.report();
    let rolling = (0..80).map(|n| MemberChangeReport {
        moves: n,
        moves_least: n / 2,
        unowned_seconds: n as f64 / 10.0,
        ..change(0.5 + n as f64 / 2.0, "billing-1", MemberChange::Graceful)
    });
    report.rebalance["billing"].changes = rolling.collect();
    let svg = chart(&check(&report), "rebalance").svg;
    assert!(svg.contains("the 60 costliest of 80 changes"), "{svg}");
    report.rebalance["billing"]
        .changes
        .iter_mut()
        .for_each(|change| change.at_seconds = 1.0);
    assert!(chart(&check(&report), "rebalance").svg.contains("and 79 more"));
    report.rebalance["billing"]
        .changes
        .iter_mut()
        .for_each(|change| change.at_seconds = 0.0);
    assert!(
        check(&report)
            .iter()
            .all(|chart| !chart.file_name.starts_with("rebalance"))
    );
}

/// Two lanes below the consumers' own, if there are two windows to compare.
#[test]
fn skew_is_drawn_window_by_window() {
    let svg = |report: &Report| chart(&check(report), "consumed").svg;
    let mut report = troubles_report();
    // From 8 to 10 s one of three had all.
    assert!(svg(&report).contains("up to 3.00"), "{}", svg(&report));
    assert!(svg(&report).contains("Gini"));
    report.groups["billing"].skew.windows.truncate(1);
    assert!(!svg(&report).contains("Gini"));
}

/// No text lies on another or leaves the sheet, few and many, short and long names.
#[test]
fn charts_can_be_read() {
    charts_of(&troubles_report()).iter().for_each(legible);
    let long = "a-group-of-a-very-talkative-team-that-could-not-agree-on-a-shorter-name";
    for (consumers, queues, group) in [
        (1, 1, "billing"),
        (3, 8, long),
        (16, 24, "billing"),
        (60, 100, "b"),
    ] {
        let report = Sample {
            consumers,
            queues,
            group,
            seconds: 300,
            scale: 1000,
        };
        charts_of(&report.report()).iter().for_each(legible);
    }
}

/// Rates, listeners and brokers change without a member coming or going.
#[test]
fn steps_of_the_timeline_are_marked() {
    let mut report = SMALL.report();
    report.scenario = serde_json::json!({ "timeline": [
        { "at": "20s", "setThreads": "billing/*", "threads": 40 },
        { "at": "40s", "kill": "broker-a" },
    ] });
    for kind in ["lag", "throughput", "ownership", "load"] {
        let svg = chart(&check(&report), kind).svg;
        assert!(svg.contains("billing/*: threads 40"), "{kind}");
        assert!(svg.contains("broker-a killed"), "{kind}");
    }
}

/// The estimate of the broker is a line where it says otherwise than the lag.
#[test]
fn an_estimate_that_differs_is_drawn() {
    let mut report = SMALL.report();
    let series = &mut report.timeline.groups["billing"];
    series.lag_estimate = series.lag.clone();
    assert!(!chart(&check(&report), "lag").svg.contains("estimate"));
    report.timeline.groups["billing"].lag_estimate[9] += 1;
    assert!(chart(&check(&report), "lag").svg.contains("broker’s estimate"));
}

/// What is not there has no chart, rather than an empty one.
#[test]
fn charts_without_a_subject_are_left_out() {
    let mut report = SMALL.report();
    report.consumers.iter_mut().for_each(|(_, consumer)| {
        *consumer = ConsumerReport {
            group: consumer.group.clone(),
            member: consumer.member.clone(),
            ..ConsumerReport::default()
        };
    });
    let series = &mut report.timeline.groups["billing"];
    series.latency = LatencySeries::default();
    series.queue_uncommitted.clear();
    (series.awaiting_retry, series.dead) = Default::default();
    report.cluster.brokers.clear();
    report.timeline.brokers.clear();
    let kinds: Vec<&str> = check(&report).iter().map(|chart| chart.kind).collect();
    assert_eq!(
        kinds,
        [
            "lag",
            "throughput",
            "consumed",
            "ownership",
            "rebalance",
            "latency",
            "retries"
        ]
    );
}

#[test]
fn consumers_without_a_queue_are_told_of() {
    let mut report = SMALL.report();
    report.groups["billing"].skew.idle_consumers = 3;
    let title = chart(&check(&report), "ownership").title;
    assert!(title.ends_with("3 consumers without a queue"), "{title}");
}

#[test]
fn nothing_to_show_is_said_in_one_line() {
    assert_eq!(check(&Report::default()), []);
    let mut report = Report::default();
    report.groups.insert("idle".to_owned(), GroupReport::default());
    let charts = check(&report);
    for (kind, line) in [
        ("lag", "too short to look at it even once"),
        ("consumed", "too short to look at it twice"),
        ("ownership", "No queue ever had an owner."),
        ("latency", "No message was delivered."),
        ("retries", "No message was delivered."),
    ] {
        assert!(chart(&charts, kind).svg.contains(line), "{kind}");
    }
}

#[test]
fn a_group_without_lag_says_so() {
    let mut report = SMALL.report();
    report.groups["billing"].lag = LagReport::default();
    assert!(
        chart(&check(&report), "lag")
            .svg
            .contains("No message ever waited")
    );
}

/// Whatever its length, also where its name finds room only behind it.
#[test]
fn what_is_not_measured_is_marked() {
    let mut report = SMALL.report();
    for (end, in_full) in [(None, false), (Some(1.0), false), (Some(40.0), true)] {
        report.run.measured_from_seconds = end;
        let charts = check(&report);
        for kind in ["lag", "consumed"] {
            let svg = &chart(&charts, kind).svg;
            let (named, full) = (svg.contains("warm-up"), svg.contains("warm-up, not measured"));
            assert_eq!((named, full), (end.is_some(), in_full), "{kind} {end:?}");
        }
    }
}

/// A group that waited in its warm-up only has a lag to draw.
#[test]
fn lag_of_the_warm_up_is_drawn() {
    let mut report = SMALL.report();
    report.run.measured_from_seconds = Some(40.0);
    (report.groups["billing"].lag, report.groups["billing"].backlog) = Default::default();
    let charts = check(&report);
    assert!(!chart(&charts, "lag").svg.contains("No message ever waited"));
}

/// One look, two looks, series of unequal length, numbers at their limits, times that make no sense.
#[test]
fn no_data_break_a_chart() {
    for seconds in [0, 1, 2] {
        check(&Sample { seconds, ..SMALL }.report());
    }
    for scale in [0, 1_000_000_000_000_000, u64::MAX] {
        check(&Sample { scale, ..SMALL }.report());
    }
    check(
        &Sample {
            consumers: 0,
            queues: 0,
            ..SMALL
        }
        .report(),
    );
    for odd in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::MAX, f64::MIN_POSITIVE] {
        let mut report = SMALL.report();
        report.run.duration_seconds = odd;
        report.timeline.time_seconds[3] = odd;
        report.rebalance["billing"].changes[0].at_seconds = odd;
        report.rebalance["billing"].changes[0].unowned_seconds = odd;
        report.rebalance["billing"].ownership[0].to_seconds = odd;
        report.groups["billing"].lag.max_at_seconds = Some(odd);
        report.groups["billing"].latency.success.p99_seconds = Some(odd);
        report.groups["billing"]
            .latency
            .success
            .distribution
            .upper_seconds[1] = odd;
        check(&report);
    }
    let mut report = SMALL.report();
    let series = &mut report.timeline.groups["billing"];
    series.lag.truncate(2);
    series.queue_lag[0].clear();
    series.consumer_consumed[0].truncate(5);
    report.groups["billing"].latency.success.distribution.count.pop();
    check(&report);
}

#[test]
fn a_single_value_has_a_latency_chart() {
    let mut report = SMALL.report();
    let latency = &mut report.groups["billing"].latency;
    latency.success = LatencyReport {
        count: 1,
        p50_seconds: Some(0.25),
        p99_seconds: Some(0.25),
        max_seconds: Some(0.25),
        distribution: DistributionReport {
            lower_seconds: vec![0.25],
            upper_seconds: vec![0.25],
            count: vec![1],
        },
        ..LatencyReport::default()
    };
    latency.first_delivery = LatencyReport::default();
    let title = chart(&check(&report), "latency").title;
    assert_eq!(
        title,
        "Latency of billing — from send to success: p50 250 ms, max 250 ms"
    );
}

/// Groups may be named alike but for what a file system ignores, or carry what XML forbids.
#[test]
fn names_are_made_safe_and_stay_apart() {
    let mut report = SMALL.report();
    let group = report.groups["billing"].clone();
    for name in ["Billing", "b/../x", "b-..-x", "<\u{1}&>", "组", ""] {
        report.groups.insert(name.to_owned(), group.clone());
    }
    report.groups.insert("x".repeat(5000), group);
    let charts = check(&report);
    let names: std::collections::BTreeSet<String> =
        charts.iter().map(|c| c.file_name.to_ascii_lowercase()).collect();
    assert_eq!(names.len(), charts.len());
}
