//! Delivery styles side by side, if any group has another than RocketMQ's.

use super::page::{Page, table};
use super::words::{bytes, cut, span};
use crate::report::charts::text::{grouped, number};
use crate::report::model::{DeliveryReport, Report};

impl Page {
    pub(super) fn deliveries(&mut self, report: &Report) {
        let is_other = |of: &DeliveryReport| of.style != "longPolling";
        if !report.groups.values().any(|group| is_other(&group.delivery)) {
            return;
        }
        let mut table = table(
            &[
                "group",
                "delivery",
                "p50",
                "p99",
                "requests",
                "a message",
                "empty",
                "cached at most",
                "",
            ],
            &[2, 3, 4, 5, 6, 7, 8],
        );
        for (name, group) in &report.groups {
            let (of, latency) = (&group.delivery, &group.latency.first_delivery);
            let optional = |seconds: Option<f64>| seconds.map_or("–".to_owned(), span);
            table.add_row([
                cut(name, 24),
                style(of),
                optional(latency.p50_seconds),
                optional(latency.p99_seconds),
                grouped(of.requests),
                of.requests_per_message.map_or("–".to_owned(), number),
                grouped(of.empty),
                grouped(of.cached_max),
                bytes(of.cached_max_bytes),
            ]);
        }
        self.table(&table);
    }
}

/// The style and its settings: `pull 10 each 1 s`.
fn style(of: &DeliveryReport) -> String {
    let words = match of.style.as_str() {
        "longPolling" => "long polling",
        "shortPolling" => "short polling",
        other => other,
    };
    let batch = of.batch.map_or(String::new(), |batch| format!(" {batch}"));
    let interval = of
        .interval_seconds
        .map_or(String::new(), |seconds| format!(" each {}", span(seconds)));
    let credit = of
        .credit
        .map_or(String::new(), |credit| format!(", credit {}", grouped(credit)));
    format!("{words}{batch}{interval}{credit}")
}
