//! What one reads first: a handful of numbers, the worst group's where groups differ.

use crate::report::charts::text;
use crate::report::charts::text::{grouped, percent};
use crate::report::model::{GroupReport, Report};

/// One number with its name.
pub struct KeyNumber {
    /// What it counts.
    pub name: &'static str,
    /// The number with its unit.
    pub value: String,
    /// What to make of it; may be empty.
    pub note: String,
    /// Whether it should catch the eye.
    pub is_trouble: bool,
}

/// The numbers of a run.
pub fn of(report: &Report) -> Vec<KeyNumber> {
    let groups = &report.groups;
    let several = groups.len() > 1;
    let sum = |of: fn(&GroupReport) -> u64| groups.values().map(of).sum::<u64>();
    let plain = |name, n: u64, note: String| KeyNumber {
        name,
        value: grouped(n),
        note,
        is_trouble: false,
    };
    let trouble = |name, n: u64, note: String| KeyNumber {
        is_trouble: n > 0,
        ..plain(name, n, note)
    };
    let produced = sum(|group| group.produced);
    let succeeded = sum(|group| group.succeeded);
    let worst = groups.iter().rev().max_by_key(|(_, group)| group.lag.max);
    let slowest = groups.iter().rev().max_by(|a, b| {
        let p99 = |group: &GroupReport| group.latency.success.p99_seconds.unwrap_or(-1.0);
        p99(a.1).total_cmp(&p99(b.1))
    });
    let of_group = |name: &str| {
        if several {
            format!(" of {name}")
        } else {
            String::new()
        }
    };
    let lag = worst.map(|(name, group)| {
        let at = group
            .lag
            .max_at_seconds
            .map_or(String::new(), |at| format!(" at {}", text::seconds(at)));
        plain(
            "highest lag",
            group.lag.max,
            format!("messages{}{at}", of_group(name)),
        )
    });
    let latency = slowest.map(|(name, group)| KeyNumber {
        name: "p99 latency",
        value: (group.latency.success.p99_seconds).map_or_else(|| "–".to_owned(), text::seconds),
        note: format!("from send to success{}", of_group(name)),
        is_trouble: false,
    });
    let deliveries = sum(|group| group.deliveries);
    let duplicates = sum(|group| group.duplicates.total);
    let balanced = report.balance.values().filter(|account| account.balanced).count();
    let checks: u64 = report.balance.values().map(|account| account.checks).sum();
    let accounts = KeyNumber {
        name: "accounts",
        value: if balanced == report.balance.len() {
            "balance"
        } else {
            "DO NOT BALANCE"
        }
        .to_owned(),
        note: format!("checked {} times", grouped(checks)),
        is_trouble: balanced != report.balance.len(),
    };
    let numbers = [
        Some(plain(
            "messages",
            report.run.messages,
            "made by producers".to_owned(),
        )),
        Some(plain(
            "consumed",
            succeeded,
            match several {
                true => format!("by all groups, of {}", grouped(produced)),
                false => format!("of {} stored", grouped(produced)),
            },
        )),
        lag,
        latency,
        Some(plain(
            "retries",
            sum(|group| group.retries.scheduled),
            String::new(),
        )),
        Some(plain(
            "duplicates",
            duplicates,
            format!("{} of deliveries", percent(duplicates as f64, deliveries as f64)),
        )),
        Some(trouble("dead letters", sum(|group| group.dead), String::new())),
        Some(trouble("lost", sum(|group| group.lost), String::new())),
        Some(accounts),
    ];
    numbers.into_iter().flatten().collect()
}
