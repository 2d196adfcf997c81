//! What the warm-up leaves out of the measures, and what it leaves as it is.

use crate::support::{at, run_with};
use rmqsim::cluster::fact::Fact;
use rmqsim::report::Report;
use rmqsim::scenario::{Overrides, Scenario};
use rmqsim::simulate;
use std::collections::BTreeSet;

/// Consumers come half a minute late: 3 000 messages wait for them, and are done in another minute. Some fail.
const LATE: &str = r#"{
  "title": "Late consumers", "duration": "5m", "sampleInterval": "1s",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 4 } } },
  "producers": { "shop": { "rate": "100/s", "arrivals": "poisson" } },
  "groups": { "billing": { "consumers": { "count": 2, "threads": 10, "start": "30s",
    "service": { "exponential": { "mean": "120ms" } }, "failure": { "probability": 0.01 } } } },
  "timeline": [{ "at": "3m", "restart": "billing/2" }]
}"#;

#[track_caller]
fn report(set: &[&str], until: Option<&str>) -> Report {
    let overrides = Overrides {
        set: set.iter().map(|s| (*s).to_owned()).collect(),
        until: until.map(|text| text.parse().unwrap()),
        ..Overrides::default()
    };
    let scenario = Scenario::from_text("late.json", LATE, &overrides)
        .unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)));
    simulate("late", &scenario, |_, _| {})
}

/// Events, luck, accounts and whatever is counted are those of the same run without a warm-up.
#[test]
fn a_warm_up_changes_no_event_and_no_count() {
    let (whole, measured) = (report(&[], None), report(&["warmup=2m"], None));
    assert_eq!(whole.run.trace_digest, measured.run.trace_digest);
    assert_eq!(whole.balance, measured.balance);
    // Latencies over time are those of the messages that are measured.
    let counted = |report: &Report| {
        let mut timeline = report.timeline.clone();
        for series in timeline.groups.values_mut() {
            series.latency = Default::default();
        }
        timeline
    };
    assert_eq!(counted(&whole), counted(&measured));
    assert_eq!(whole.rebalance, measured.rebalance);
    let (a, b) = (&whole.groups["billing"], &measured.groups["billing"]);
    assert_eq!(a.deliveries_by_kind, b.deliveries_by_kind);
    assert_eq!((&a.retries, &a.duplicates), (&b.retries, &b.duplicates));
    assert_eq!((a.lag.last, &a.requests), (b.lag.last, &b.requests));
    assert_eq!(whole.run.measured_from_seconds, None);
    assert_eq!(measured.run.measured_from_seconds, Some(120.0));
}

/// The run until 2 m and the rest after it make the whole: integrals, sums and counts add up.
#[test]
fn the_warm_up_and_the_rest_make_the_whole() {
    let (whole, early, rest) = (
        report(&[], None),
        report(&[], Some("2m")),
        report(&["warmup=2m"], None),
    );
    let near = |what: &str, whole: f64, early: f64, rest: f64| {
        let sum = early * 120.0 + rest * 180.0;
        assert!(
            (whole * 300.0 - sum).abs() <= 1e-9 * sum,
            "{what}: {whole} of {early} and {rest}"
        );
    };
    let of = |report: &Report| report.groups["billing"].clone();
    let (w, e, r) = (of(&whole), of(&early), of(&rest));
    near("lag", w.lag.mean, e.lag.mean, r.lag.mean);
    near("backlog", w.backlog.mean, e.backlog.mean, r.backlog.mean);
    let rate = [&w, &e, &r].map(|group| group.succeeded_per_second);
    near("rate", rate[0], rate[1], rate[2]);
    for (label, queue) in &whole.queues {
        let Some(queue) = queue.groups.get("billing") else {
            continue;
        };
        let others = [&early, &rest].map(|report| report.queues.get(label).map(|q| &q.groups["billing"]));
        let [Some(e), Some(r)] = others else { continue };
        near(label, queue.lag.mean, e.lag.mean, r.lag.mean);
        near(label, queue.waiting_mean, e.waiting_mean, r.waiting_mean);
    }
    // One consumer from its start at 30 s on: 90 s of warm-up and 180 s of measuring.
    let life = |report: &Report| report.consumers["billing-1"].clone();
    let (w, e, r) = (life(&whole), life(&early), life(&rest));
    let sum = e.busy_ratio.unwrap() * 90.0 + r.busy_ratio.unwrap() * 180.0;
    assert!((w.busy_ratio.unwrap() * 270.0 - sum).abs() < 1e-9, "{sum}");
    let held = e.queues_mean * 90.0 + r.queues_mean * 180.0;
    assert!((w.queues_mean * 270.0 - held).abs() < 1e-9, "{held}");
    // Maxima are of the measured part: no queue waited for an owner then, and the backlog of the start is gone.
    assert!(
        whole.groups["billing"].lag.max > 2_900,
        "{}",
        whole.groups["billing"].lag.max
    );
    let peaks = &rest.timeline.groups["billing"].lag_max;
    let highest = peaks[121..].iter().max().unwrap();
    assert_eq!(
        rest.groups["billing"].lag.max.max(*highest),
        rest.groups["billing"].lag.max
    );
    assert!(
        rest.groups["billing"].lag.max < 1_500,
        "{}",
        rest.groups["billing"].lag.max
    );
}

/// Exactly the messages that were born after the warm-up, whenever they succeed first; those born at its last instant
/// and done later do not count.
#[test]
fn latencies_are_of_messages_born_after_the_warm_up() {
    let rest = report(&["warmup=2m"], None);
    let run = run_with(LATE, &[]);
    let end = at("2m");
    let (mut first, mut success, mut wait) = (Vec::new(), Vec::new(), Vec::new());
    let (mut delivered, mut done) = (BTreeSet::new(), BTreeSet::new());
    for (now, fact) in &run.facts {
        match *fact {
            Fact::Delivered {
                queue,
                offset,
                reconsume_times,
                born,
                stored,
                ..
            } if delivered.insert((queue, offset)) => {
                if stored >= end {
                    wait.push(now.since(stored).as_nanos());
                }
                if born >= end && reconsume_times == 0 {
                    first.push(now.since(born).as_nanos());
                }
            }
            Fact::Consumed {
                queue,
                offset,
                born,
                success: true,
                ..
            } if done.insert((queue, offset)) && born >= end => success.push(now.since(born).as_nanos()),
            _ => {}
        }
    }
    let latency = &rest.groups["billing"].latency;
    for (measured, expected) in [
        (&latency.first_delivery, first),
        (&latency.success, success),
        (&latency.wait, wait),
    ] {
        let count = expected.len() as u64;
        let mean = expected.iter().sum::<u64>() as f64 / count as f64 / 1e9;
        let max = expected.iter().copied().max().unwrap() as f64 / 1e9;
        assert_eq!((measured.count, measured.max_seconds), (count, Some(max)));
        assert!((measured.mean_seconds.unwrap() / mean - 1.0).abs() < 1e-9);
    }
    // 100 a second for three minutes, less the last ones that were still on their way.
    assert!(
        (17_000..19_000).contains(&latency.success.count),
        "{}",
        latency.success.count
    );
}

/// 119.2 s is no point of the grid of seconds; the normal form keeps what was written.
#[test]
fn the_warm_up_is_rounded_up_to_the_grid() {
    let report = report(&["warmup=119200ms"], None);
    assert_eq!(report.run.measured_from_seconds, Some(120.0));
    assert_eq!(report.scenario["warmup"], "1m59s200ms");
    let windows = &report.groups["billing"].skew.windows;
    assert_eq!((windows.len(), windows[0].from_seconds), (12, 120.0));
}

/// What is not said is not in the normal form, so that hashes of scenarios without a warm-up stay.
#[test]
fn no_warm_up_leaves_no_trace() {
    let text = serde_json::to_string(&report(&["warmup=0s"], None)).unwrap();
    assert!(!text.contains("warmup") && !text.contains("measured_from"));
}
