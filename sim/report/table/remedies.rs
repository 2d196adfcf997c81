//! What the timeline did about backlogs, and how long they took to drain.

use super::page::{Page, table};
use super::words::{cut, span};
use crate::report::charts::text::grouped;
use crate::report::model::Report;

/// Lags below are no backlog worth a row.
const BACKLOG: u64 = 1_000;
/// Rows at most.
const ROWS: usize = 24;

impl Page {
    pub(super) fn remedies(&mut self, report: &Report) {
        let mut rows = Vec::new();
        for remedy in &report.remedies {
            for (group, of) in remedy.groups.iter().filter(|(_, of)| of.lag >= BACKLOG) {
                let times = match remedy.steps {
                    1 => String::new(),
                    steps => format!(" × {steps}"),
                };
                rows.push([
                    span(remedy.at_seconds),
                    format!("{}{times}", cut(&remedy.action, 40)),
                    cut(group, 24),
                    grouped(of.lag),
                    of.drain_seconds.map_or("–".to_owned(), span),
                ]);
            }
        }
        if rows.is_empty() {
            return;
        }
        let more = rows.len().saturating_sub(ROWS);
        let mut table = table(&["at", "remedy", "group", "lag then", "drained in"], &[0, 3, 4]);
        rows.truncate(ROWS);
        for row in rows {
            table.add_row(row);
        }
        self.table(&table);
        if more > 0 {
            self.line(&format!("  … and {more} more"));
        }
    }
}
