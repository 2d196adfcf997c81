//! Series that only the charts need agree with the numbers that all see.

use rmqsim::report::Report;
use rmqsim::scenario::{Overrides, Scenario};

fn report(name: &str, set: &[&str]) -> Report {
    let overrides = Overrides {
        set: set.iter().map(|text| (*text).to_owned()).collect(),
        ..Overrides::default()
    };
    let scenario = Scenario::load(name, &overrides).unwrap_or_else(|problems| panic!("{problems}"));
    rmqsim::simulate(name, &scenario, |_, _| {})
}

/// Every success that is measured lies in one window, with a warm-up and without; the highest of all windows is the
/// maximum, to three digits; within a window quantiles rise.
#[test]
fn windows_of_latency_hold_every_success_once() {
    for set in [&[][..], &["warmup=60s"]] {
        let report = report("consumer-crash", set);
        let success = &report.groups["billing"].latency.success;
        let windows = &report.timeline.groups["billing"].latency;
        assert_eq!(windows.count.iter().sum::<u64>(), success.count, "{set:?}");
        let highest = windows.max_seconds.iter().flatten().copied().fold(0.0, f64::max);
        let max = success.max_seconds.unwrap();
        assert!((highest / max - 1.0).abs() < 1e-3, "{highest} for {max}");
        assert!((30..=60).contains(&windows.count.len()), "{set:?}");
        let start = report.run.measured_from_seconds.unwrap_or(0.0);
        assert_eq!(windows.from_seconds[0], start);
        assert_eq!(
            windows.from_seconds[1..],
            windows.to_seconds[..windows.count.len() - 1]
        );
        assert_eq!(windows.to_seconds.last(), Some(&report.run.duration_seconds));
        for at in 0..windows.count.len() {
            let quantiles = [
                windows.p50_seconds[at],
                windows.p95_seconds[at],
                windows.p99_seconds[at],
                windows.max_seconds[at],
            ];
            assert_eq!(
                quantiles.iter().flatten().count(),
                if windows.count[at] > 0 { 4 } else { 0 }
            );
            assert!(quantiles.is_sorted(), "{quantiles:?}");
        }
    }
}

/// What is not committed is less than the lag, and over all queues it is what lag has beyond the backlog.
#[test]
fn what_is_not_committed_is_the_lag_beyond_the_backlog() {
    let report = report("consumer-crash", &[]);
    let series = &report.timeline.groups["billing"];
    assert!((1..=12).contains(&series.queue_uncommitted.len()));
    for (label, values) in &series.queue_uncommitted {
        assert!(
            values
                .iter()
                .zip(&series.queue_lag[label])
                .all(|(open, lag)| open <= lag),
            "{label}"
        );
    }
    // Eight queues, all of them shown.
    for at in 0..report.timeline.time_seconds.len() {
        let open: u64 = series.queue_uncommitted.values().map(|values| values[at]).sum();
        assert_eq!(open, series.lag[at] - series.backlog[at], "look {at}");
    }
}

/// The estimate is there where the group filters, and ends where the filter's own account does.
#[test]
fn the_estimate_of_the_broker_is_kept_where_a_group_filters() {
    let report = report("tag-filter-lag", &["duration=1m"]);
    let estimates = |group: &str| &report.timeline.groups[group].lag_estimate;
    let fraud: u64 = report.groups["fraud"]
        .filters
        .values()
        .map(|filter| filter.lag_matching.last)
        .sum();
    assert_eq!(estimates("fraud").len(), report.timeline.time_seconds.len());
    assert_eq!(estimates("fraud").last(), Some(&fraud));
    let reads_all = report.groups["archive"].filters.is_empty();
    assert_eq!(estimates("archive").is_empty(), reads_all);
}
