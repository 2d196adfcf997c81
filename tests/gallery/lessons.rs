//! What the shipped studies teach is true of their own comparisons.
//!
//! The figures that a study's `teaches` names are checked where they can be derived, and the order of the variants
//! where they cannot.

use crate::studies::{comparison, estimates, made, mean, metric};
use rmqsim::report::comparison::model::{Comparison, DifferenceReport, Finding, Luck};
use rmqsim::report::json;
use rmqsim::scenario::shipped;

/// Whether `values` grow from each to the next.
fn grows(values: &[f64]) -> bool {
    values.windows(2).all(|pair| pair[0] < pair[1])
}

/// The difference of variant `label` from the baseline.
fn difference<'c>(comparison: &'c Comparison, path: &str, label: &str) -> &'c DifferenceReport {
    let mut differences = metric(comparison, path).differences.iter();
    let found = differences.find(|difference| difference.variant == label);
    found.unwrap_or_else(|| panic!("no difference of {label} in {path}"))
}

#[test]
fn expectations_of_studies_hold_in_every_run() {
    for name in shipped::studies() {
        let comparison = comparison(name);
        assert!(comparison.run.complete && comparison.variants.len() > 1, "{name}");
        for variant in &comparison.variants {
            assert!(!variant.expect.is_empty(), "{name} expects nothing");
            for expectation in &variant.expect {
                let label = &variant.label;
                assert_eq!(
                    expectation.held, expectation.runs,
                    "{name}, {label}: {expectation:?}"
                );
            }
        }
    }
}

#[test]
fn a_study_has_the_same_bytes_on_one_thread() {
    let alone = made("retry-limit", &[], Luck::Common, 1);
    assert!(json::canonical(&alone) == json::canonical(comparison("retry-limit")));
}

const SKEW: &str = "groups.billing.skew.consumer_busy.max_over_mean";
const LATENCY: &str = "groups.billing.latency.success.mean_seconds";

/// Of 8 queues on n consumers the busiest has ⌈8 ÷ n⌉, the mean is 8 ÷ n: the skew is 1 where n divides 8, and what it
/// is elsewhere can be counted. Service times scatter about it.
#[test]
fn skew_is_least_exactly_where_consumers_divide_the_queues() {
    let study = comparison("consumers-on-eight-queues");
    let skew: Vec<f64> = (1..=16).map(|n| mean(study, SKEW, &n.to_string())).collect();
    for (n, skew) in (1_u64..).zip(&skew) {
        let counted = (8_u64.div_ceil(n) * n) as f64 / 8.0;
        assert!((skew / counted - 1.0).abs() < 0.05, "{n}: {skew} for {counted}");
    }
    let least: Vec<usize> = (1..=16).filter(|n| skew[n - 1] < 1.05).collect();
    assert_eq!(least, [1, 2, 4, 8]);
    // They are minima: 4 and 8 between two larger ones, 2 before one, 1 without any.
    assert!(skew[1] < skew[2] && skew[2] > skew[3] && skew[3] < skew[4]);
    assert!(skew[6] > skew[7] && skew[7] < skew[8]);
    assert!(grows(&skew[3..7]) && grows(&skew[7..]), "{skew:?}");
}

#[test]
fn consumers_beyond_the_queues_idle() {
    let study = comparison("consumers-on-eight-queues");
    let idle = estimates(study, "groups.billing.skew.idle_consumers");
    for n in 1..=16_u64 {
        let idle = idle[n.to_string().as_str()];
        let expected = Some(n.saturating_sub(8) as f64);
        assert_eq!((idle.min, idle.max), (expected, expected), "{n}");
    }
}

/// 2 threads at 50 ms make 40 messages a second.
#[test]
fn throughput_grows_up_to_eight_consumers_and_no_further() {
    let study = comparison("throughput-plateau");
    let of = |path: &str| -> Vec<f64> { (1..=16).map(|n| mean(study, path, &n.to_string())).collect() };
    let throughput = of("groups.billing.succeeded_per_second");
    let utilisation = of("groups.billing.utilisation");
    for n in 1..=16 {
        let working = n.min(8) as f64;
        let carried = throughput[n - 1] / (40.0 * working);
        let busy = utilisation[n - 1] / (working / n as f64);
        assert!(
            (0.97..1.0).contains(&carried) && (0.97..1.0).contains(&busy),
            "{n}: {carried}, {busy}"
        );
    }
    assert!(throughput[7..].iter().all(|of_more| *of_more == throughput[7]));
    assert!(study.warnings.iter().any(|warning| warning.id == "overload"));
}

/// One consumer against eight, at a load that both bear: the mean latencies differ by less than they vary from seed to
/// seed, since each message costs what it costs. Seeds of their own are the control: their intervals are wider by the
/// root of what is saved.
#[test]
fn common_luck_saves_most_of_the_runs() {
    let study = comparison("consumers-on-eight-queues");
    assert!(study.design.same_messages);
    for n in (1..=16_u64).filter(|n| *n != 8) {
        let found = difference(study, LATENCY, &n.to_string());
        let saved = found.variance_reduction;
        match found.finding {
            Finding::Identical => assert!(n >= 4, "{n}"),
            _ => assert!(n < 4 && saved.unwrap() >= 5.0, "{n}: {found:?}"),
        }
        if let Some(saved) = saved {
            println!("{n} against 8 consumers: {saved:.1} times less variance");
        }
    }
    let vary = ["groups.billing.consumers.count=8,1"];
    let control = made("consumers-on-eight-queues", &vary, Luck::Independent, 2);
    let own = difference(&control, LATENCY, "1");
    let shared = difference(study, LATENCY, "1");
    let wider = own.half_width.unwrap() / shared.half_width.unwrap();
    let ratio = wider * wider;
    println!("1 against 8 with seeds of their own: {ratio:.1} times the variance");
    assert!(
        own.variance_reduction.is_none() && ratio >= 5.0,
        "{own:?} beside {shared:?}"
    );
}

#[test]
fn x_sticky_moves_least_and_consistent_hash_shares_worst() {
    let study = comparison("rolling-deploy");
    let of = |path: &str| {
        let of = |strategy| mean(study, path, strategy);
        ["X_STICKY", "CONSISTENT_HASH", "AVG", "AVG_BY_CIRCLE"].map(of)
    };
    assert_eq!(of("rebalance.billing.moves"), [29.0, 34.0, 84.0, 162.0]);
    // A restart moves at least the queues of the member that goes, and another time those that it gets back.
    assert!(grows(&of("groups.billing.duplicates.total")));
    assert!(grows(&of("groups.billing.latency.success.p99_seconds")));
    let skew = of(SKEW);
    assert!(
        skew[1] > 1.35 && skew.iter().all(|other| *other <= skew[1]),
        "{skew:?}"
    );
    for path in ["rebalance.billing.moves", SKEW, LATENCY] {
        let ranking = metric(study, path).ranking.as_ref().unwrap();
        assert_eq!(ranking.best, ["X_STICKY"], "{path}");
    }
}

/// Offered load ÷ threads is the same along a diagonal: 180/s on two consumers, in 115 of 120 s.
#[test]
fn threads_and_service_make_one_load() {
    let study = comparison("threads-and-service");
    let at = |path: &str, threads: u64, service: u64| mean(study, path, &format!("{threads}, {service}ms"));
    let diagonal = |first: u64| (0..4).map(move |i| (2_u64 << i, first << i));
    for (service, load) in [(10, 0.45), (20, 0.9)] {
        let mut stretch = Vec::new();
        for (threads, service) in diagonal(service) {
            let utilisation = at("groups.billing.utilisation", threads, service);
            let expected = load * 115.0 / 120.0;
            assert!(
                (utilisation / expected - 1.0).abs() < 0.02,
                "{threads}, {service}: {utilisation}"
            );
            stretch.push(at(LATENCY, threads, service) * 1000.0 / service as f64);
        }
        stretch.reverse();
        assert!(grows(&stretch) && stretch[0] > 1.0, "{stretch:?}");
        if load < 0.5 {
            assert!(stretch[3] < 1.3, "{stretch:?}");
        } else {
            assert!(stretch[3] > 4.0 && stretch[0] < 1.3, "{stretch:?}");
        }
    }
    // Beyond what the threads can do, lag grows without end.
    let beyond = [
        "2, 40ms", "2, 80ms", "2, 160ms", "4, 80ms", "4, 160ms", "8, 160ms",
    ];
    let warning = study.warnings.iter().find(|warning| warning.id == "overload");
    assert_eq!(warning.unwrap().variants, beyond);
}

/// Whoever asks each `interval` gets a message half of it late.
#[test]
fn long_polling_is_fastest_and_asks_once_a_message() {
    let study = comparison("long-polling-or-intervals");
    let delivery = "groups.billing.latency.first_delivery.mean_seconds";
    let requests = "groups.billing.delivery.requests_per_message";
    let fastest = metric(study, delivery).ranking.as_ref().unwrap();
    assert_eq!(fastest.best, ["longPolling"]);
    assert!(mean(study, delivery, "longPolling") < 0.001);
    assert!((mean(study, requests, "longPolling") - 1.0).abs() < 0.01);
    for style in ["shortPolling", "pull"] {
        for (interval, seconds) in [("10ms", 0.01), ("100ms", 0.1), ("1s", 1.0)] {
            let label = format!("{style} {interval}");
            let late = mean(study, delivery, &label) - mean(study, delivery, "longPolling");
            assert!((late / (seconds / 2.0) - 1.0).abs() < 0.05, "{label}: {late}");
            // Fast polling asks more often than long polling, slow polling less.
            let more = mean(study, requests, &label) > mean(study, requests, "longPolling");
            assert_eq!(more, seconds < 1.0, "{label}");
        }
    }
}

#[test]
fn duplicates_grow_with_the_commit_interval_where_nobody_pulls() {
    let study = comparison("commit-interval-and-duplicates");
    let duplicates = |traffic: &str| {
        let of = |interval| {
            let label = format!("{traffic} *, {interval}");
            mean(study, "groups.billing.duplicates.total", &label)
        };
        [1000, 2000, 5000, 10_000, 30_000].map(of)
    };
    let bursts = duplicates("bursts");
    assert!(grows(&bursts) && bursts[4] > 3.0 * bursts[2], "{bursts:?}");
    let steady = duplicates("steady");
    assert!(
        steady.iter().all(|total| (28.0..33.0).contains(total)),
        "{steady:?}"
    );
    assert!(study.design.same_messages);
}

/// Each attempt fails by a chance of 0.2 of its own: of n messages n × 0.2^(limit + 1) die.
#[test]
fn dead_letters_fall_with_the_retry_limit_and_latency_rises() {
    let study = comparison("retry-limit");
    let of = |path: &str| ["0", "1", "2", "3", "4", "5"].map(|limit| mean(study, path, limit));
    let dead = of("groups.billing.dead");
    let messages = study.run.messages as f64 / study.run.runs as f64;
    let mut expected = messages;
    for (limit, dead) in dead.iter().enumerate() {
        expected *= 0.2;
        // The total of ten runs within four standard deviations.
        assert!(
            (dead - expected).abs() < 4.0 * (expected / 10.0).sqrt(),
            "{limit}: {dead} for {expected}"
        );
    }
    assert!(grows(&of(LATENCY)));
    // The thousandth has waited out as many levels as its limit allows: 10 s, 30 s, 1 m; two in a thousand fail a fourth time.
    let slowest = of("groups.billing.latency.success.p999_seconds");
    for (slowest, waited) in slowest.iter().zip([0.0, 10.0, 40.0, 100.0, 220.0, 220.0]) {
        assert!((waited..waited + 0.5).contains(slowest), "{slowest} for {waited}");
    }
}
