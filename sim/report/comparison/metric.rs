//! What is compared: paths through the report, in words, with their unit and the better direction.
//!
//! Without being told, a comparison looks at what the product is about, group by group: latency, lag, throughput,
//! skew, duplicates, retries, what moved in rebalances, requests.

use super::model::{Better, Estimator, Unit};
use crate::observe::latency::Latency;
use crate::observe::observation::Latencies;
use crate::report::expect::{self, ExpectError};
use serde_json::Value;

/// One number of a report that is compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Path in `report.json`.
    pub path: String,
    /// In words, with the group if there are several.
    pub title: String,
    /// Its unit.
    pub unit: Unit,
    /// Which way is better.
    pub better: Option<Better>,
    /// Where it is a quantile of latencies: which.
    pub(super) quantile: Option<QuantileOf>,
}

/// A quantile of the latencies of a group.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct QuantileOf {
    /// Name of the group.
    pub group: String,
    pub span: SpanKind,
    /// 0 … 1.
    pub q: f64,
}

/// From when to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SpanKind {
    FirstDelivery,
    Success,
    Wait,
}

impl SpanKind {
    const NAMES: [(&str, Self); 3] = [
        ("first_delivery", Self::FirstDelivery),
        ("success", Self::Success),
        ("wait", Self::Wait),
    ];

    pub(super) fn of(self, latencies: &Latencies) -> &Latency {
        match self {
            Self::FirstDelivery => &latencies.first_delivery,
            Self::Success => &latencies.success,
            Self::Wait => &latencies.wait,
        }
    }
}

/// Name in a report and value of each quantile.
const QUANTILES: [(&str, f64); 4] = [
    ("p50_seconds", 0.5),
    ("p90_seconds", 0.9),
    ("p99_seconds", 0.99),
    ("p999_seconds", 0.999),
];

const LOWER: Option<Better> = Some(Better::Lower);
const HIGHER: Option<Better> = Some(Better::Higher);

/// Section, path below the group, words, better direction. Those above the line are compared by default, the first
/// five even if there are many groups. A line each: it is read as a table.
#[rustfmt::skip]
const KNOWN: [(&str, &str, &str, Option<Better>); 44] = [
    ("groups", "latency.success.mean_seconds", "mean latency", LOWER),
    ("groups", "latency.success.p99_seconds", "p99 latency", LOWER),
    ("groups", "lag.max", "max lag", LOWER),
    ("groups", "skew.consumer_busy.max_over_mean", "busy time skew (max/mean)", LOWER),
    ("groups", "succeeded_per_second", "consumed a second", HIGHER),
    ("groups", "lag.mean", "mean lag", LOWER),
    ("groups", "skew.idle_consumers", "idle consumers", LOWER),
    ("rebalance", "moves", "queue moves", LOWER),
    ("rebalance", "unowned_seconds", "queue-time without owner", LOWER),
    ("groups", "duplicates.total", "duplicates", LOWER),
    ("groups", "retries.scheduled", "retries", LOWER),
    ("groups", "dead", "dead letters", LOWER),
    ("groups", "lost", "lost messages", LOWER),
    ("groups", "delivery.requests_per_message", "requests a message", None),
    // ----
    ("groups", "latency.success.p50_seconds", "median latency", LOWER),
    ("groups", "latency.success.p90_seconds", "p90 latency", LOWER),
    ("groups", "latency.success.p999_seconds", "p99.9 latency", LOWER),
    ("groups", "latency.success.max_seconds", "longest latency", LOWER),
    ("groups", "latency.first_delivery.mean_seconds", "mean time to first delivery", LOWER),
    ("groups", "latency.first_delivery.p50_seconds", "median time to first delivery", LOWER),
    ("groups", "latency.first_delivery.p99_seconds", "p99 time to first delivery", LOWER),
    ("groups", "latency.wait.mean_seconds", "mean wait", LOWER),
    ("groups", "latency.wait.p99_seconds", "p99 wait", LOWER),
    ("groups", "lag.final", "lag at the end", LOWER),
    ("groups", "lag.p99", "p99 lag", LOWER),
    ("groups", "lag.drain_seconds", "time to drain", LOWER),
    ("groups", "backlog.mean", "mean backlog", LOWER),
    ("groups", "backlog.max", "max backlog", LOWER),
    ("groups", "backlog.final", "backlog at the end", LOWER),
    ("groups", "backlog.drain_seconds", "time to drain the backlog", LOWER),
    ("groups", "oldest_waiting.max_seconds", "age of the oldest waiting", LOWER),
    ("groups", "skew.consumer_messages.max_over_mean", "message skew (max/mean)", LOWER),
    ("groups", "skew.consumer_messages.gini", "message skew (Gini)", LOWER),
    ("groups", "skew.consumer_busy.gini", "busy time skew (Gini)", LOWER),
    ("groups", "skew.consumer_busy.jain", "busy time evenness (Jain)", HIGHER),
    ("groups", "skew.consumer_queues_mean.max_over_mean", "queue skew (max/mean)", LOWER),
    ("groups", "skew.queue_messages.max_over_mean", "skew over queues (max/mean)", LOWER),
    ("groups", "duplicates.ratio", "duplicates ratio", LOWER),
    ("groups", "utilisation", "utilisation of threads", None),
    ("groups", "deliveries", "deliveries", None),
    ("groups", "succeeded", "consumed", HIGHER),
    ("rebalance", "overlap_seconds", "queue-time with two owners", LOWER),
    ("rebalance", "paused_seconds", "queue-time with a stopped owner", LOWER),
    ("rebalance", "rounds_with_change", "rounds that changed something", LOWER),
];

/// How many of [`KNOWN`] are compared by default.
const DEFAULTS: usize = 14;
/// How many of them if there are many groups.
const DEFAULTS_OF_MANY: usize = 5;
/// More groups than this are many.
const MANY_GROUPS: usize = 2;

/// The metrics that `wanted` names, or those compared by default if it names none. Each must be there in all
/// `shapes`, the [blank reports](expect::shape) of the variants; a path that begins below a group, like `lag.max`,
/// stands for that of every group.
///
/// # Errors
/// Which of `wanted` is wrong, and why.
pub fn metrics(wanted: &[String], shapes: &[Value]) -> Result<Vec<Metric>, (usize, ExpectError)> {
    let Some(first) = shapes.first() else {
        return Ok(Vec::new());
    };
    let groups: Vec<&str> = (first["groups"].as_object().into_iter().flatten())
        .map(|(name, _)| name.as_str())
        .collect();
    let mut paths = match wanted {
        [] => usual(&groups, shapes),
        _ => Vec::new(),
    };
    for (at, path) in wanted.iter().enumerate() {
        paths.extend(named(path, &groups, shapes).map_err(|error| (at, error))?);
    }
    let mut unique: Vec<String> = Vec::new();
    for path in paths {
        if !unique.contains(&path) {
            unique.push(path);
        }
    }
    Ok(unique.iter().map(|path| Metric::new(path, &groups)).collect())
}

/// Whether a number stands there in all reports; what is wrong if not.
fn in_all(path: &str, shapes: &[Value]) -> Result<(), ExpectError> {
    shapes
        .iter()
        .try_for_each(|shape| expect::check_path(path, shape))
}

/// What is compared if nobody says what.
fn usual(groups: &[&str], shapes: &[Value]) -> Vec<String> {
    let many = groups.len() > MANY_GROUPS;
    let count = if many { DEFAULTS_OF_MANY } else { DEFAULTS };
    let of_group = |group: &&str| {
        let paths = KNOWN[..count].iter();
        paths
            .map(|(section, rest, ..)| format!("{section}.{group}.{rest}"))
            .collect::<Vec<String>>()
    };
    let all = groups.iter().flat_map(of_group);
    all.filter(|path| in_all(path, shapes).is_ok()).collect()
}

/// The paths that `path` stands for: itself, or that of every group below which it leads to a number.
fn named(path: &str, groups: &[&str], shapes: &[Value]) -> Result<Vec<String>, ExpectError> {
    let Err(error) = in_all(path, shapes) else {
        return Ok(vec![path.to_owned()]);
    };
    let below = |section: &str| {
        groups
            .iter()
            .map(|group| format!("{section}.{group}.{path}"))
            .collect()
    };
    let sections: [Vec<String>; 3] = ["groups", "rebalance", "balance"].map(below);
    // The first section that has it: some numbers stand in several.
    for section in &sections {
        let there: Vec<String> = (section.iter())
            .filter(|path| in_all(path, shapes).is_ok())
            .cloned()
            .collect();
        if !there.is_empty() {
            return Ok(there);
        }
    }
    // A slip in the last word of `lag.maxx` is told better by the path that was meant.
    let first = path.split('.').next().unwrap_or(path);
    let begins = |section: &Vec<String>| {
        let whole = section.first()?;
        let group = &whole[..whole.len() - path.len()];
        let holds = shapes.iter().all(|shape| {
            !matches!(
                expect::check_path(&format!("{group}{first}"), shape),
                Err(ExpectError::Unknown { .. })
            )
        });
        holds.then(|| in_all(whole, shapes).err()).flatten()
    };
    Err(sections.iter().find_map(begins).unwrap_or(error))
}

impl Metric {
    fn new(path: &str, groups: &[&str]) -> Self {
        let of_group = groups.iter().find_map(|group| {
            let (section, rest) = path.split_once('.')?;
            Some((section, *group, rest.strip_prefix(group)?.strip_prefix('.')?))
        });
        let known = of_group.and_then(|(section, group, rest)| {
            let known = KNOWN.iter().find(|known| (known.0, known.1) == (section, rest))?;
            let title = match groups.len() {
                1 => known.2.to_owned(),
                _ => format!("{} ({group})", known.2),
            };
            Some((title, known.3))
        });
        let (title, better) = known.unwrap_or_else(|| (path.to_owned(), None));
        Self {
            path: path.to_owned(),
            title,
            unit: match expect::unit_of(path.rsplit('.').next().unwrap_or(path)) {
                expect::Unit::Seconds => Unit::Seconds,
                expect::Unit::Bytes => Unit::Bytes,
                expect::Unit::Ratio => Unit::Ratio,
                expect::Unit::Count | expect::Unit::Flag => Unit::Count,
            },
            better,
            quantile: of_group.and_then(|(section, group, rest)| {
                let rest = rest.strip_prefix("latency.").filter(|_| section == "groups")?;
                let (span, name) = rest.split_once('.')?;
                let (_, span) = SpanKind::NAMES.into_iter().find(|(word, _)| *word == span)?;
                let (_, q) = QUANTILES.into_iter().find(|(word, _)| *word == name)?;
                let group = group.to_owned();
                Some(QuantileOf { group, span, q })
            }),
        }
    }

    /// How one number comes of many runs.
    pub fn estimator(&self) -> Estimator {
        match self.quantile {
            Some(_) => Estimator::MergedQuantile,
            None => Estimator::MeanOfRuns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Overrides, Scenario, shipped};

    fn shape(name: &str) -> Value {
        let text = shipped::text(name).unwrap();
        expect::shape(
            &Scenario::from_text(name, text, &Overrides::default())
                .unwrap()
                .config,
        )
    }

    fn paths(wanted: &[&str], shapes: &[Value]) -> Vec<String> {
        let wanted: Vec<String> = wanted.iter().map(|path| (*path).to_owned()).collect();
        let found = metrics(&wanted, shapes).unwrap();
        found.into_iter().map(|metric| metric.path).collect()
    }

    /// Each path that has words is a number of a report.
    #[test]
    fn known_metrics_exist() {
        let shape = shape("quickstart");
        for (section, rest, ..) in KNOWN {
            let path = format!("{section}.billing.{rest}");
            expect::check_path(&path, &shape).unwrap_or_else(|e| panic!("{e}"));
        }
        assert_eq!(paths(&[], &[shape]).len(), DEFAULTS);
    }

    #[test]
    fn a_path_below_a_group_stands_for_all_groups() {
        let shape = shape("clustering-vs-broadcasting");
        let groups = shape["groups"].as_object().unwrap().len();
        assert!(groups > 1);
        assert_eq!(
            paths(&["lag.max", "lag.max"], std::slice::from_ref(&shape)).len(),
            groups
        );
        assert_eq!(paths(&["run.events"], &[shape]), ["run.events"]);
    }

    #[test]
    fn quantiles_of_latency_are_told_from_other_numbers() {
        let shape = shape("quickstart");
        let of = |path: &str| {
            metrics(&[path.to_owned()], std::slice::from_ref(&shape))
                .unwrap()
                .remove(0)
        };
        let p99 = of("latency.wait.p99_seconds");
        assert_eq!(p99.estimator(), Estimator::MergedQuantile);
        let expected = QuantileOf {
            group: "billing".to_owned(),
            span: SpanKind::Wait,
            q: 0.99,
        };
        assert_eq!((p99.quantile, p99.unit), (Some(expected), Unit::Seconds));
        assert_eq!(of("latency.wait.max_seconds").estimator(), Estimator::MeanOfRuns);
        assert_eq!(of("lag.p99").estimator(), Estimator::MeanOfRuns);
        assert_eq!(
            (of("lag.max").title.as_str(), of("lag.max").better),
            ("max lag", LOWER)
        );
    }

    /// The nearest path is that below a group, if the first word stands there.
    #[test]
    fn a_slip_in_a_short_path_is_told_by_the_whole_one() {
        let shape = shape("quickstart");
        let error = |path: &str| {
            metrics(&[path.to_owned()], std::slice::from_ref(&shape))
                .unwrap_err()
                .1
                .to_string()
        };
        assert!(
            error("lag.maxx").ends_with("did you mean `groups.billing.lag.max`?"),
            "{}",
            error("lag.maxx")
        );
        assert!(
            error("lagg.max").contains("no `lagg` in the report"),
            "{}",
            error("lagg.max")
        );
    }

    /// What one variant does not have cannot be compared.
    #[test]
    fn all_variants_must_have_it() {
        let shapes = [shape("quickstart"), shape("push-pull-longpoll")];
        let wanted = ["groups.billing.lag.max".to_owned()];
        let (at, error) = metrics(&wanted, &shapes).unwrap_err();
        assert_eq!(at, 0);
        assert!(error.to_string().contains("no `billing`"), "{error}");
    }
}
