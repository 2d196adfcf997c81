//! A text under construction.

use super::LABEL;
use super::words::columns;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// A text under construction.
pub(in crate::report) struct Page {
    pub(in crate::report) text: String,
    pub(in crate::report) colour: bool,
    /// Columns of a line at most.
    pub(in crate::report) width: usize,
}

/// Escape sequences.
pub(in crate::report) const BOLD: &str = "\x1b[1m";
pub(in crate::report) const DIM: &str = "\x1b[2m";
pub(in crate::report) const GREEN: &str = "\x1b[32m";
pub(in crate::report) const RED: &str = "\x1b[31m";
pub(in crate::report) const YELLOW: &str = "\x1b[33m";

impl Page {
    pub(in crate::report) fn paint(&self, style: &str, text: &str) -> String {
        if self.colour {
            format!("{style}{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    pub(in crate::report) fn line(&mut self, line: &str) {
        // Thin spaces are for pictures: in a terminal a number should be found by searching for it.
        self.text.push_str(&line.replace('\u{2009}', " "));
        self.text.push('\n');
    }

    /// `label  part · part`, broken between parts where a line would be too long.
    pub(in crate::report) fn parts(&mut self, label: &str, parts: &[String]) {
        self.joined(label, " · ", parts);
    }

    pub(in crate::report) fn joined(&mut self, label: &str, separator: &str, parts: &[String]) {
        let mut line = format!("  {label:<width$}", width = LABEL - 2);
        let mut fresh = true;
        for part in parts.iter().filter(|part| !part.is_empty()) {
            if !fresh && columns(&line) + columns(separator) + columns(part) > self.width {
                self.line(&line);
                line = " ".repeat(LABEL);
                fresh = true;
            }
            if !fresh {
                line.push_str(separator);
            }
            line.push_str(part);
            fresh = false;
        }
        self.line(&line);
    }

    pub(in crate::report) fn mark(&self, good: bool) -> String {
        if good {
            self.paint(GREEN, "✓")
        } else {
            self.paint(RED, "✗")
        }
    }

    pub(in crate::report) fn table(&mut self, table: &Table) {
        self.line("");
        for (row, line) in table.lines().enumerate() {
            let line = format!("  {}", line.trim_end());
            let line = if row == 0 { self.paint(DIM, &line) } else { line };
            self.line(&line);
        }
    }
}

/// A table without lines; columns in `right` are aligned to the right.
pub(in crate::report) fn table(header: &[&str], right: &[usize]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header.to_vec());
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if right.contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
