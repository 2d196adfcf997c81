//! One line for each attempt, if there were retries.

use super::page::{Page, table};
use super::words::span;
use crate::report::charts::text::grouped;
use crate::report::model::GroupReport;

impl Page {
    pub(super) fn retries(&mut self, group: &GroupReport) {
        if group.retries.by_attempt.len() < 2 {
            return;
        }
        let mut table = table(
            &[
                "retry",
                "level",
                "asked",
                "waited",
                "delivered",
                "succeeded",
                "failed",
            ],
            &[0, 1, 2, 3, 4, 5, 6],
        );
        for attempt in &group.retries.by_attempt {
            let optional = |seconds: Option<f64>| seconds.map_or("–".to_owned(), span);
            table.add_row([
                match attempt.attempt {
                    0 => "original".to_owned(),
                    n => n.to_string(),
                },
                attempt.level.map_or("–".to_owned(), |level| level.to_string()),
                optional(attempt.delay_asked_seconds),
                optional(attempt.delay_waited_mean_seconds),
                grouped(attempt.delivered),
                grouped(attempt.succeeded),
                grouped(attempt.failed),
            ]);
        }
        self.table(&table);
    }
}
