//! What the numbers come to: verdicts, trade-offs, expectations that failed, what to mind, what was 0 everywhere.

use crate::report::charts::text::{count, grouped};
use crate::report::comparison::model::Comparison;
use crate::report::comparison::sentences;
use crate::report::table::page::{BOLD, Page, YELLOW};
use crate::report::table::words::{columns, cut, wrapped};

/// Lines of a kind at most; the rest is counted.
const LINES: usize = 16;

impl Page {
    pub(super) fn closing(&mut self, comparison: &Comparison) {
        self.verdicts(comparison);
        self.section("trade-offs", &comparison.trade_offs);
        self.kept(comparison);
        self.minded(comparison);
        if !comparison.quiet.is_empty() {
            self.line("");
            self.told("always 0", &[comparison.quiet.join(", ")]);
        }
    }

    fn verdicts(&mut self, comparison: &Comparison) {
        let told = (comparison.metrics.iter())
            .map(|metric| (metric, sentences::verdict(metric)))
            .filter(|(_, verdict)| !verdict.is_empty());
        for (at, (metric, verdict)) in told.enumerate() {
            if at == 0 {
                self.heading("verdict", "");
            }
            let title = cut(&metric.title, self.width - 2);
            self.line(&format!("  {title}"));
            for sentence in &verdict {
                self.paragraph("    ", "      ", sentence);
            }
        }
    }

    fn section(&mut self, head: &str, sentences: &[String]) {
        if sentences.is_empty() {
            return;
        }
        self.heading(head, "");
        for sentence in sentences {
            self.paragraph("  ", "    ", sentence);
        }
    }

    /// A text of several lines; `later` stands before all but the first. Numbers are not parted from what belongs to
    /// them.
    fn paragraph(&mut self, first: &str, later: &str, text: &str) {
        const GLUE: char = '\u{a0}';
        let room = self.width - columns(later);
        let glued = text.replace("± ", "±\u{a0}").replace(" %", "\u{a0}%");
        for (row, line) in wrapped(&glued, room).into_iter().enumerate() {
            let line = line.replace(GLUE, " ");
            self.line(&format!("{}{line}", if row == 0 { first } else { later }));
        }
    }

    /// What became of the expectations.
    fn kept(&mut self, comparison: &Comparison) {
        let asked = sentences::expectations(&comparison.variants);
        if asked == 0 {
            return;
        }
        self.heading("expected", "");
        let failed = sentences::failed(&comparison.variants);
        if failed.is_empty() {
            let line = format!(
                "  {} {} held in every run",
                self.mark(true),
                count(asked, "expectation")
            );
            self.line(&line);
        }
        for one in failed.iter().take(LINES) {
            let text = cut(one.text, self.width - 4);
            let line = format!("  {} {text}", self.mark(false));
            let short = format!("{line}  ({})", one.held);
            if columns(&short) <= self.width {
                self.line(&short);
            } else {
                self.line(&line);
                self.paragraph("      ", "      ", &one.held);
            }
        }
        self.rest(failed.len());
    }

    fn minded(&mut self, comparison: &Comparison) {
        let warnings = sentences::warnings(comparison);
        if !warnings.is_empty() {
            self.line("");
        }
        for text in warnings.iter().take(LINES) {
            let head = format!("{}: ", self.paint(YELLOW, "warning"));
            self.paragraph(&head, "         ", text);
        }
        self.rest(warnings.len());
        let told = comparison
            .warnings
            .iter()
            .any(|warning| warning.id == "interrupted");
        if !comparison.run.complete && !told {
            self.line("");
            let line = self.paint(BOLD, "interrupted before all runs were done");
            self.line(&line);
        }
    }

    fn rest(&mut self, all: usize) {
        let left_out = all.saturating_sub(LINES) as u64;
        if left_out > 0 {
            self.line(&format!("  … and {} more, in comparison.json", grouped(left_out)));
        }
    }
}
