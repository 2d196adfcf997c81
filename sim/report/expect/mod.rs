//! Expectations: `path op value`, judged against the report.
//!
//! The path leads through `report.json` (`groups.billing.lag.final`); names may hold dots and spaces. The
//! operator is one of `==`, `!=`, `<`, `<=`, `>`, `>=`. The value is a number; a metric in seconds also takes a
//! duration (`250ms`), one in bytes a size (`4MiB`), a ratio per cent (`1%`), a yes-or-no `true` or `false`.
//! What has no value (a percentile of nothing) meets no expectation.
//!
//! Paths are checked before the run against a blank report of the same cluster. Second lives of consumers and
//! the queues of retry topics are not known by then; a path to one of them is checked in the end.

mod path;

pub use path::Help;

use crate::cluster::config::ClusterConfig;
use crate::cluster::ids::GroupId;
use crate::kernel::time::SimDuration;
use crate::report::model::{
    BalanceReport, BrokerReport, ConsumerReport, ExpectReport, FilterReport, GroupReport, ProducerReport,
    QueueGroupReport, QueueReport, ReaderReport, RebalanceReport, Report, SkewReport, TopicReport,
};
use serde_json::{Value, json};

/// Bytes of one expectation at most.
pub const EXPECTATION_BYTES_MAX: usize = 4096;

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// All comparisons, those of two characters first.
const COMPARISONS: [(&str, Comparison); 6] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

impl Comparison {
    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Bytes,
    Ratio,
    Count,
    Flag,
}

/// One expectation of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    text: String,
    path: String,
    comparison: Comparison,
    value: f64,
}

/// What is wrong with an expectation.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ExpectError {
    /// Not `path op value`.
    #[error("`{0}` has no comparison, write it like \"groups.billing.lag.final < 1000\"")]
    NoComparison(String),
    /// `=` alone.
    #[error("`=` compares nothing, write `==`")]
    SingleEquals,
    /// Nothing on one side.
    #[error("the {0} of `{1}` is missing, write it like \"groups.billing.lag.final < 1000\"")]
    SideMissing(&'static str, String),
    /// Too long.
    #[error("an expectation takes at most {EXPECTATION_BYTES_MAX} bytes, this one has {0}")]
    TooLong(usize),
    /// The path leads nowhere.
    #[error("unknown metric `{path}`: there is no `{missing}` in {place}{help}")]
    Unknown {
        /// The whole path.
        path: String,
        /// What was not found.
        missing: String,
        /// Where.
        place: String,
        /// What is there.
        help: Help,
    },
    /// The path leads to a section.
    #[error("`{path}` is a section, not a number; it holds {keys}")]
    Section {
        /// The whole path.
        path: String,
        /// Its keys.
        keys: String,
    },
    /// The path leads to a text or a list.
    #[error("`{path}` is a {what}, and only numbers can be compared")]
    NotANumber {
        /// The whole path.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// The value is no number.
    #[error("`{value}` is not a value for `{metric}`, {help}")]
    BadValue {
        /// The right side.
        value: String,
        /// Last part of the path.
        metric: String,
        /// What would do.
        help: &'static str,
    },
}

/// Reads each of `texts` as an expectation about reports of the cluster that `config` describes. The shape of such a
/// report takes longer to work out than all else: only what the texts name is, unless one is wrong.
pub fn parse_all<'t>(
    texts: impl Iterator<Item = &'t str> + Clone,
    config: &ClusterConfig,
) -> Vec<Result<Expectation, ExpectError>> {
    let named = texts.clone();
    let shape_named = shape_of(config, |section| {
        named.clone().any(|text| text.trim_start().starts_with(section))
    });
    let read = |shape: &Value| {
        texts
            .clone()
            .map(|text| Expectation::parse(text, shape))
            .collect()
    };
    let all: Vec<Result<Expectation, ExpectError>> = read(&shape_named);
    match all.iter().all(Result::is_ok) {
        true => all,
        false => read(&shape(config)),
    }
}

impl Expectation {
    /// Reads an expectation about reports of this [`shape`].
    ///
    /// # Errors
    /// If it is not of the form `path op value`, if the path leads to no number (the text names the nearest
    /// metric or what there is), or if the value does not suit the metric's unit.
    pub fn parse(text: &str, shape: &Value) -> Result<Self, ExpectError> {
        if text.len() > EXPECTATION_BYTES_MAX {
            return Err(ExpectError::TooLong(text.len()));
        }
        let at = text
            .find(['<', '>', '=', '!'])
            .ok_or_else(|| ExpectError::NoComparison(text.trim().to_owned()))?;
        let (path, rest) = text.split_at(at);
        let Some((sign, comparison)) = COMPARISONS.into_iter().find(|(sign, _)| rest.starts_with(sign))
        else {
            return Err(match rest.starts_with('=') {
                true => ExpectError::SingleEquals,
                false => ExpectError::NoComparison(text.trim().to_owned()),
            });
        };
        let (path, value) = (path.trim(), rest[sign.len()..].trim());
        if path.is_empty() || value.is_empty() {
            let side = if path.is_empty() { "metric" } else { "value" };
            return Err(ExpectError::SideMissing(side, text.trim().to_owned()));
        }
        path::check(path, shape)?;
        Ok(Self {
            text: text.trim().to_owned(),
            path: path.to_owned(),
            comparison,
            value: parse_value(path, value)?,
        })
    }

    /// As it stands in the scenario.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn judge(&self, measured: &Value) -> ExpectReport {
        let actual = number(measured, &self.path);
        ExpectReport {
            text: self.text.clone(),
            passed: actual.is_some_and(|actual| self.comparison.holds(actual, self.value)),
            actual,
        }
    }
}

impl Report {
    /// Judges all expectations and writes the verdicts down. Whether all hold.
    pub fn judge(&mut self, expectations: &[Expectation]) -> bool {
        if !expectations.is_empty() {
            let measured = measured(self, |section| {
                (expectations.iter()).any(|expectation| section_of(&expectation.path) == section)
            });
            self.expect = expectations
                .iter()
                .map(|expectation| expectation.judge(&measured))
                .collect();
        }
        self.expect.iter().all(|verdict| verdict.passed)
    }
}

/// Everything in a report that can be compared, in those of its sections that are wanted; the series cannot. Of thousands
/// of consumers and queues it takes longer to put together than the rest of a report.
pub(crate) fn measured(report: &Report, is_wanted: impl Fn(&str) -> bool) -> Value {
    let section = |name: &str, value: &dyn Fn() -> Value| match is_wanted(name) {
        true => value(),
        false => Value::Null,
    };
    json!({
        "run": section("run", &|| json!(report.run)),
        "cluster": section("cluster", &|| json!(report.cluster)),
        "topics": section("topics", &|| json!(report.topics)),
        "producers": section("producers", &|| json!(report.producers)),
        "groups": section("groups", &|| json!(report.groups)),
        "consumers": section("consumers", &|| json!(report.consumers)),
        "queues": section("queues", &|| json!(report.queues)),
        "rebalance": section("rebalance", &|| json!(report.rebalance)),
        "balance": section("balance", &|| json!(report.balance)),
    })
}

/// The section of the report in which `path` begins.
pub(crate) fn section_of(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

/// The number at `path` of what [`measured`] gives; a yes is 1, a no 0. `None` if it was not measured.
pub(crate) fn number(measured: &Value, path: &str) -> Option<f64> {
    match path::resolve(measured, path) {
        Ok(Value::Number(number)) => number.as_f64(),
        Ok(Value::Bool(flag)) => Some(f64::from(u8::from(*flag))),
        _ => None,
    }
}

/// Whether `path` leads to a number in reports of this [`shape`].
///
/// # Errors
/// What is wrong with it, and the nearest that there is.
pub fn check_path(path: &str, shape: &Value) -> Result<(), ExpectError> {
    path::check(path, shape)
}

/// A blank report of the cluster that `config` describes: which metrics there will be.
pub fn shape(config: &ClusterConfig) -> Value {
    shape_of(config, |_| true)
}

/// As [`shape`], with nothing in sections that are not wanted.
fn shape_of(config: &ClusterConfig, is_wanted: impl Fn(&str) -> bool) -> Value {
    let mut report = Report::default();
    for broker in &config.brokers {
        report
            .cluster
            .brokers
            .insert(broker.name.clone(), BrokerReport::default());
    }
    for topic in &config.topics {
        report.topics.insert(topic.name.clone(), TopicReport::default());
        let readers = config.groups.iter().filter(|group| {
            let mut subscribed = group.subscribe.iter();
            subscribed.any(|id| config.topics[id.index()].name == topic.name)
        });
        let groups: indexmap::IndexMap<String, QueueGroupReport> = readers
            .flat_map(|group| match group.readers() {
                readers if readers.is_empty() => vec![group.name.clone()],
                readers => readers
                    .iter()
                    .map(|id| format!("{} at {id}", group.name))
                    .collect(),
            })
            .map(|name| (name, QueueGroupReport::default()))
            .collect();
        for (broker, queues) in topic.placement.iter().filter(|_| is_wanted("queues")) {
            for id in 0..queues.read.max(queues.write) {
                let label = format!("{} {}:{id}", topic.name, config.brokers[broker.index()].name);
                let queue = QueueReport {
                    groups: groups.clone(),
                    ..QueueReport::default()
                };
                report.queues.insert(label, queue);
            }
        }
    }
    for producer in &config.producers {
        report
            .producers
            .insert(producer.name.clone(), ProducerReport::default());
    }
    for (at, group) in (0..).zip(&config.groups) {
        let mut of = GroupReport::default();
        for id in group.readers() {
            of.readers.insert(id, ReaderReport::default());
        }
        for topic in &group.subscribe {
            if config.has_filters(GroupId(at)) {
                of.filters
                    .insert(config.topics[topic.index()].name.clone(), FilterReport::default());
            }
            of.dead_by_topic
                .insert(config.topics[topic.index()].name.clone(), 0);
        }
        for skew in [
            &mut of.skew.consumer_messages,
            &mut of.skew.consumer_busy,
            &mut of.skew.consumer_queues,
            &mut of.skew.consumer_queues_mean,
            &mut of.skew.queue_messages,
        ] {
            *skew = Some(SkewReport::default());
        }
        report.groups.insert(group.name.clone(), of);
        report
            .rebalance
            .insert(group.name.clone(), RebalanceReport::default());
        report
            .balance
            .insert(group.name.clone(), BalanceReport::default());
        for consumer in group.consumers.iter().filter(|_| is_wanted("consumers")) {
            report
                .consumers
                .insert(consumer.name.clone(), ConsumerReport::default());
        }
    }
    measured(&report, is_wanted)
}

/// The unit of a metric, from the last part of its path.
pub(crate) fn unit_of(metric: &str) -> Unit {
    let ratios = ["ratio", "share", "utilisation", "cv", "gini", "jain"];
    if metric.ends_with("_seconds") {
        Unit::Seconds
    } else if metric == "bytes" || metric.ends_with("_bytes") {
        Unit::Bytes
    } else if ratios.contains(&metric) || metric.ends_with("_ratio") {
        Unit::Ratio
    } else if metric == "balanced" {
        Unit::Flag
    } else {
        Unit::Count
    }
}

fn parse_value(path: &str, text: &str) -> Result<f64, ExpectError> {
    let metric = path.rsplit('.').next().unwrap_or(path);
    let number = |text: &str| {
        let plain = text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        text.parse::<f64>()
            .ok()
            .filter(|value| plain && value.is_finite())
    };
    let unit = unit_of(metric);
    let value = match unit {
        Unit::Seconds => text.parse::<SimDuration>().ok().map(SimDuration::as_secs_f64),
        Unit::Bytes => [("KiB", 10), ("MiB", 20), ("GiB", 30), ("B", 0)]
            .into_iter()
            .find_map(|(suffix, power)| {
                Some(number(text.strip_suffix(suffix)?.trim())? * f64::from(1 << power))
            }),
        Unit::Ratio => text
            .strip_suffix('%')
            .and_then(|text| number(text.trim()))
            .map(|value| value / 100.0),
        Unit::Flag => match text {
            "true" => Some(1.0),
            "false" => Some(0.0),
            _ => None,
        },
        Unit::Count => None,
    };
    value
        .or_else(|| number(text))
        .ok_or_else(|| ExpectError::BadValue {
            value: text.to_owned(),
            metric: metric.to_owned(),
            help: match unit {
                Unit::Seconds => "write a duration like 250ms, or a number of seconds",
                Unit::Bytes => "write a size like 4MiB, or a number of bytes",
                Unit::Ratio => "write a share like 1% or 0.01",
                Unit::Flag => "write true or false",
                Unit::Count => "which has no unit: write a plain number",
            },
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Overrides, Scenario, shipped};

    fn blank() -> Value {
        let mut report = Report::default();
        for group in ["billing", "audit.eu"] {
            report.groups.insert(group.into(), GroupReport::default());
            report.balance.insert(group.into(), BalanceReport::default());
        }
        report.topics.insert("orders".into(), TopicReport::default());
        let mut queue = QueueReport::default();
        queue.groups.insert("billing".into(), QueueGroupReport::default());
        report.queues.insert("orders broker-a:3".into(), queue);
        measured(&report, |_| true)
    }

    #[track_caller]
    fn parsed(text: &str, path: &str, comparison: Comparison, value: f64) {
        let expectation = Expectation::parse(text, &blank()).unwrap();
        assert_eq!(
            (expectation.path.as_str(), expectation.comparison),
            (path, comparison)
        );
        assert_eq!(expectation.value, value);
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let error = Expectation::parse(text, &blank());
        assert_eq!(error.unwrap_err().to_string(), expected);
    }

    #[test]
    fn values_may_carry_the_unit_of_their_metric() {
        use Comparison::*;
        parsed(
            "groups.billing.lag.final < 1000",
            "groups.billing.lag.final",
            Less,
            1000.0,
        );
        parsed("groups.billing.lost==0", "groups.billing.lost", Equal, 0.0);
        let p99 = "groups.billing.latency.success.p99_seconds";
        parsed(&format!("{p99} <= 250ms"), p99, LessOrEqual, 0.25);
        parsed(&format!("{p99} > 2"), p99, Greater, 2.0);
        let ratio = "groups.billing.duplicates.ratio";
        parsed(&format!("{ratio} >= 1%"), ratio, GreaterOrEqual, 0.01);
        let bytes = "topics.orders.stored_bytes";
        parsed(&format!("{bytes} != 4MiB"), bytes, NotEqual, 4_194_304.0);
        let lag = "queues.orders broker-a:3.groups.billing.lag.max";
        parsed(&format!("{lag} < 7"), lag, Less, 7.0);
        let balanced = "balance.billing.balanced";
        parsed(&format!("{balanced} == true"), balanced, Equal, 1.0);
    }

    #[test]
    fn what_is_no_expectation_says_how_to_write_one() {
        let form = "write it like \"groups.billing.lag.final < 1000\"";
        refused(
            "groups.billing.dead",
            &format!("`groups.billing.dead` has no comparison, {form}"),
        );
        refused("", &format!("`` has no comparison, {form}"));
        refused("a ! 3", &format!("`a ! 3` has no comparison, {form}"));
        refused("a = 3", "`=` compares nothing, write `==`");
        refused("< 3", &format!("the metric of `< 3` is missing, {form}"));
        refused("a <", &format!("the value of `a <` is missing, {form}"));
        refused(
            &"x".repeat(4097),
            "an expectation takes at most 4096 bytes, this one has 4097",
        );
    }

    #[test]
    fn a_unit_where_none_fits_is_refused() {
        refused(
            "groups.billing.dead < 1%",
            "`1%` is not a value for `dead`, which has no unit: write a plain number",
        );
        refused(
            "groups.billing.lag.final < 1s",
            "`1s` is not a value for `final`, which has no unit: write a plain number",
        );
        refused(
            "groups.billing.latency.wait.p99_seconds < 5%",
            "`5%` is not a value for `p99_seconds`, write a duration like 250ms, or a number of seconds",
        );
        for bad in ["NaN", "inf", "1e999", "+3", "0x10", "1 000", "=3"] {
            assert!(
                Expectation::parse(&format!("groups.billing.dead < {bad}"), &blank()).is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn an_unknown_metric_names_the_nearest() {
        refused(
            "groups.biling.lag.final < 1",
            "unknown metric `groups.biling.lag.final`: there is no `biling` in `groups`; did you mean \
             `groups.billing.lag.final`?",
        );
        refused(
            "groups.billing.latency.p99 < 1s",
            "unknown metric `groups.billing.latency.p99`: there is no `p99` in `groups.billing.latency`; did you \
             mean `groups.billing.latency.first_delivery.p99_seconds`?",
        );
        refused(
            "groups.billing.latency.success.p99 < 1s",
            "unknown metric `groups.billing.latency.success.p99`: there is no `p99` in \
             `groups.billing.latency.success`; did you mean `groups.billing.latency.success.p99_seconds`?",
        );
        refused(
            "groups.payments.dead == 0",
            "unknown metric `groups.payments.dead`: there is no `payments` in `groups`; it has billing, audit.eu",
        );
        refused(
            "lag < 3",
            "unknown metric `lag`: there is no `lag` in the report; it has run, cluster, topics, producers, \
             groups, consumers, queues, rebalance, balance",
        );
        refused(
            "groups.billing.lag < 3",
            "`groups.billing.lag` is a section, not a number; it holds final, max, max_at_seconds, mean, p99, \
             drain_seconds",
        );
        refused(
            "run.seed == 7",
            "`run.seed` is a text, and only numbers can be compared",
        );
        refused(
            "groups.billing.topics == 1",
            "`groups.billing.topics` is a list, and only numbers can be compared",
        );
    }

    #[test]
    fn names_may_hold_dots_and_late_names_wait_for_the_run() {
        for text in [
            "groups.audit.eu.dead == 0",
            "groups.billing.duplicates.ratio < 0.01",
            "consumers.billing-1#2.deliveries > 0",
            "queues.%RETRY%billing broker-a:0.max_offset == 16",
        ] {
            Expectation::parse(text, &blank()).unwrap();
        }
    }

    #[test]
    fn verdicts_keep_what_was_measured() {
        let mut report = Report::default();
        let mut group = GroupReport::default();
        group.lag.last = 12;
        report.groups.insert("billing".into(), group);
        report.balance.insert("billing".into(), BalanceReport::default());
        let expectations = [
            ("groups.billing.lag.final < 12", false, Some(12.0)),
            ("groups.billing.lag.final <= 12", true, Some(12.0)),
            ("groups.billing.lag.drain_seconds != 3", false, None),
            ("consumers.x#2.deliveries == 0", false, None),
            ("balance.billing.balanced == true", false, Some(0.0)),
        ];
        let parsed = expectations.map(|(text, ..)| Expectation::parse(text, &blank()).unwrap());
        assert!(!report.judge(&parsed));
        for (verdict, (text, passed, actual)) in report.expect.iter().zip(expectations) {
            assert_eq!(
                (verdict.text.as_str(), verdict.passed, verdict.actual),
                (text, passed, actual)
            );
        }
        assert!(report.judge(&parsed[1..2]));
    }

    /// What rebalances cost can be bounded, in words that a scenario may use before its run.
    #[test]
    fn costs_of_rebalances_can_be_expected() {
        let mut blank = Report::default();
        let mut group = GroupReport::default();
        group.skew.consumer_queues_mean = Some(SkewReport::default());
        blank.groups.insert("billing".into(), group);
        blank
            .rebalance
            .insert("billing".into(), RebalanceReport::default());
        blank
            .consumers
            .insert("billing-3".into(), ConsumerReport::default());
        blank.producers.insert("shop".into(), ProducerReport::default());
        let shape = measured(&blank, |_| true);
        let texts = [
            "rebalance.billing.moves <= 7",
            "rebalance.billing.unowned_seconds < 8500ms",
            "rebalance.billing.paused_seconds < 10s",
            "rebalance.billing.stranded_messages == 1",
            "rebalance.billing.detected_max_seconds <= 4s",
            "rebalance.billing.duplicates == 3",
            "rebalance.billing.changes_by_kind.vanished == 1",
            "groups.billing.duplicates.by_cause.paused == 2",
            "groups.billing.skew.consumer_queues_mean.max_over_mean < 1.05",
            "consumers.billing-3.pulls_failed.illegal_queue == 1",
            "producers.shop.given_up == 1",
        ];
        let read = |text: &&str| Expectation::parse(text, &shape).unwrap();
        let expectations: Vec<Expectation> = texts.iter().map(read).collect();
        let mut report = crate::report::assemble::troubles_report();
        assert!(report.judge(&expectations), "{:#?}", report.expect);
    }

    /// What no text names is left out of the shape, and yet a slip is told by what stands there.
    #[test]
    fn a_slip_is_told_by_the_whole_shape() {
        let file = shipped::text("quickstart").unwrap();
        let scenario = Scenario::from_text("quickstart", file, &Overrides::default());
        let config = scenario.unwrap().config;
        let all = shape(&config);
        for texts in [
            &["groups.billing.lost == 0", " run.events > 0"][..],
            &["groups.billing.lost == 0", "group.billing.lost == 0"],
            &["queues == 1", "consumers.billing-9.deliveries > 0"],
        ] {
            let read = parse_all(texts.iter().copied(), &config);
            let whole = texts.iter().map(|text| Expectation::parse(text, &all));
            assert_eq!(read, whole.collect::<Vec<_>>());
        }
        let sections = shape_of(&config, |section| section == "groups");
        assert!(sections["queues"].is_null() && sections["groups"]["billing"].is_object());
    }
}
