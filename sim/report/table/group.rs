//! One block a group.

use super::NAME;
use super::page::{BOLD, Page};
use super::words::{cut, span};
use crate::report::charts::text::{count, grouped, number, percent};
use crate::report::model::{
    BalanceReport, FailuresReport, FilterReport, GroupReport, GuardReport, LagReport, LatencyReport, Report,
    SkewReport,
};

impl Page {
    pub(super) fn group(&mut self, report: &Report, name: &str, group: &GroupReport) {
        self.line("");
        let topics = cut(&group.topics.join(", "), NAME);
        let head = format!(
            "{} — {} of {topics}",
            self.paint(BOLD, &cut(name, NAME)),
            count(group.members, "consumer")
        );
        self.line(&head);
        let balance = &report.balance[name];
        self.parts(
            "consumed",
            &[
                format!("{} of {}", grouped(group.succeeded), grouped(group.produced)),
                format!("{}/s", number(group.succeeded_per_second)),
                format!("{} waiting", grouped(balance.waiting)),
                format!("{} in flight", grouped(balance.in_flight)),
            ],
        );
        self.parts("lag", &lag(&group.lag));
        self.parts("latency", &latency(&group.latency.success));
        self.parts(
            "failures",
            &[
                count(group.retries.scheduled, "retry").replace("retrys", "retries"),
                match balance.awaiting_retry {
                    0 => String::new(),
                    n => format!("{} still to come", grouped(n)),
                },
                failures(&group.failures),
                dead(group),
                format!("{} lost", grouped(group.lost)),
            ],
        );
        if group.guard.passed + group.guard.blocked > 0 {
            self.parts("guard", &guarded(&group.guard));
        }
        for (topic, filter) in &group.filters {
            let name = if group.filters.len() == 1 { "" } else { topic };
            self.parts("filter", &filtered(name, filter));
        }
        self.parts("duplicates", &duplicates(group));
        self.order(&group.order);
        let effects = &group.effects;
        if effects.idempotent {
            let parts = [
                format!(
                    "{} for {} deliveries",
                    grouped(effects.happened),
                    grouped(group.deliveries)
                ),
                format!("{} double", grouped(effects.doubled)),
                format!("{} suppressed", grouped(effects.suppressed)),
                format!("{} lost", grouped(effects.lost)),
            ];
            self.parts("effects", &parts);
        }
        self.parts("skew", &skew(group));
        self.rebalance(&report.rebalance[name]);
        let account = self.account(balance);
        self.joined("balance", " + ", &account);
        self.consumers(report, name);
        self.retries(group);
        self.readers(group);
    }

    fn account(&self, balance: &BalanceReport) -> Vec<String> {
        let mark = self.mark(balance.balanced);
        let places = [
            (balance.succeeded, "succeeded"),
            (balance.waiting, "waiting"),
            (balance.in_flight, "in flight"),
            (balance.awaiting_retry, "for retry"),
            (balance.dead, "dead"),
            (balance.filtered, "filtered"),
            (balance.expired, "expired"),
            (balance.lost, "lost"),
        ];
        let mut named: Vec<String> = places
            .iter()
            .filter(|(n, what)| *n > 0 || *what == "succeeded")
            .map(|(n, what)| format!("{} {what}", grouped(*n)))
            .collect();
        let sign = if balance.balanced { "=" } else { "≠" };
        let stored = format!("{mark} {} stored", grouped(balance.produced));
        if balance.extra_copies == 0 {
            named[0] = format!("{stored} {sign} {}", named[0]);
        } else {
            named[0] = format!(
                "{} extra copies {sign} {}",
                grouped(balance.extra_copies),
                named[0]
            );
            named.insert(0, stored);
        }
        named
    }
}

/// Dead letters, and what has become of them.
fn dead(group: &GroupReport) -> String {
    let letters = &group.dead_letters;
    let fates = [(letters.expired, "expired"), (letters.resent, "sent again")];
    let fates = fates.iter().filter(|(n, _)| *n > 0);
    let fates: Vec<String> = fates.map(|(n, what)| format!("{} {what}", grouped(*n))).collect();
    match fates.is_empty() {
        true => format!("{} dead", grouped(group.dead)),
        false => format!("{} dead ({})", grouped(group.dead), fates.join(", ")),
    }
}

/// What is out of the ordinary among failures.
fn failures(failures: &FailuresReport) -> String {
    let named = [
        (failures.threw, "thrown"),
        (failures.returned_null, "null"),
        (failures.hung, "hanging"),
        (failures.timed_out, "timed out"),
    ];
    let named = named.iter().filter(|(n, _)| *n > 0);
    let named: Vec<String> = named.map(|(n, what)| format!("{} {what}", grouped(*n))).collect();
    named.join(", ")
}

fn lag(lag: &LagReport) -> Vec<String> {
    let peak = match (lag.max_at_seconds, lag.drain_seconds) {
        (None, _) => String::new(),
        (Some(at), None) => format!(" at {}", span(at)),
        (Some(at), Some(drain)) => format!(" at {}, drained in {}", span(at), span(drain)),
    };
    vec![
        format!("{} at the end", grouped(lag.last)),
        format!("mean {}", number(lag.mean)),
        format!("max {}{peak}", grouped(lag.max)),
    ]
}

fn filtered(topic: &str, filter: &FilterReport) -> Vec<String> {
    let some = |n: u64, what: &str| match n {
        0 => String::new(),
        n => format!("{} {what}", grouped(n)),
    };
    let collisions = match filter.hash_collisions {
        0 => String::new(),
        n => format!(" ({} by hash only)", grouped(n)),
    };
    vec![
        cut(topic, NAME),
        format!("{} passed over at the broker", grouped(filter.filtered_at_broker)),
        some(
            filter.rejected_by_client,
            &format!("rejected by the client{collisions}"),
        ),
        some(filter.matched_never_delivered, "wanted but never delivered"),
        some(filter.pulls_without_match, "pulls without a match"),
        format!(
            "lag of what matches: max {} of {}",
            grouped(filter.lag_matching.max),
            grouped(filter.lag_diff.max)
        ),
    ]
}

fn latency(latency: &LatencyReport) -> Vec<String> {
    let quantile = |name: &str, seconds: Option<f64>| seconds.map(|s| format!("{name} {}", span(s)));
    let parts: Vec<String> = [
        quantile("p50", latency.p50_seconds),
        quantile("p90", latency.p90_seconds),
        quantile("p99", latency.p99_seconds),
        quantile("max", latency.max_seconds),
    ]
    .into_iter()
    .flatten()
    .collect();
    match parts.is_empty() {
        true => vec!["nothing was consumed".to_owned()],
        false => parts
            .into_iter()
            .chain(["from send to success".to_owned()])
            .collect(),
    }
}

fn guarded(guard: &GuardReport) -> Vec<String> {
    let waited = match guard.waited {
        0 => "none waited".to_owned(),
        n => format!("{} waited for {} in all", grouped(n), span(guard.waited_seconds)),
    };
    vec![
        format!("{} passed", count(guard.passed, "call")),
        format!("{}/s", number(guard.passed_per_second)),
        waited,
        format!("{} blocked", grouped(guard.blocked)),
    ]
}

fn duplicates(group: &GroupReport) -> Vec<String> {
    let causes = &group.duplicates.by_cause;
    let named = [
        (causes.killed, "after a kill"),
        (causes.vanished, "after the loss of a host"),
        (causes.graceful, "after a shutdown"),
        (causes.rebalance, "after a rebalance"),
        (causes.overlap, "while two held a queue"),
        (causes.paused, "after a pause"),
        (causes.local_retry, "after a failed send-back"),
        (causes.broker, "after the end of a broker"),
        (causes.reset, "after a reset"),
        (causes.other, "else"),
    ];
    let first = match group.duplicates.total {
        0 => "none".to_owned(),
        n => format!("{} ({})", grouped(n), percent(group.duplicates.ratio, 1.0)),
    };
    let causes = named
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{} {what}", grouped(*n)));
    std::iter::once(first).chain(causes).collect()
}

fn skew(group: &GroupReport) -> Vec<String> {
    let describe = |skew: &SkewReport| format!("max/mean {:.2}, Gini {:.2}", skew.max_over_mean, skew.gini);
    let of = |what: &str, skew: &Option<SkewReport>| match skew {
        Some(skew) => format!("{what} {}", describe(skew)),
        None => String::new(),
    };
    let idle = match group.skew.idle_consumers {
        0 => String::new(),
        n => format!("{} idle", count(n, "consumer")),
    };
    let parts = vec![
        of("consumers", &group.skew.consumer_messages),
        of("queues", &group.skew.queue_messages),
        idle,
    ];
    match parts.iter().all(String::is_empty) {
        true => vec!["nothing to share".to_owned()],
        false => parts,
    }
}
