//! What was expected and came of it, and what to mind.

use super::WIDTH;
use super::page::{BOLD, Page, YELLOW};
use super::words::{columns, cut, exact, wrapped};
use crate::report::model::{ExpectReport, Warning, WarningLevel};

impl Page {
    pub(super) fn expectations(&mut self, verdicts: &[ExpectReport]) {
        if verdicts.is_empty() {
            return;
        }
        self.line("");
        let head = self.paint(BOLD, "expected");
        self.line(&head);
        for verdict in verdicts {
            let actual = verdict
                .actual
                .map_or("no value".to_owned(), |actual| format!("is {}", exact(actual)));
            let room = WIDTH - 8 - columns(&actual);
            let line = format!(
                "  {} {}  ({actual})",
                self.mark(verdict.passed),
                cut(&verdict.text, room)
            );
            self.line(&line);
        }
    }

    pub(super) fn warnings(&mut self, warnings: &[Warning]) {
        let mut warnings = warnings
            .iter()
            .filter(|warning| warning.level == WarningLevel::Warning)
            .peekable();
        if warnings.peek().is_some() {
            self.line("");
        }
        for warning in warnings {
            let head = self.paint(YELLOW, "warning");
            for (row, line) in wrapped(&warning.text, WIDTH - 9).into_iter().enumerate() {
                let line = if row == 0 {
                    format!("{head}: {line}")
                } else {
                    format!("         {line}")
                };
                self.line(&line);
            }
        }
    }
}
