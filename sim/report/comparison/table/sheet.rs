//! Cells in columns: how wide each becomes, how many fit, and numbers that stand below each other.

use crate::report::comparison::figures::Figure;
use crate::report::comparison::reading::Mark;
use crate::report::table::page::{DIM, GREEN, Page, RED};
use crate::report::table::words::{columns, cut};

/// Columns between two cells.
pub(super) const GAP: usize = 2;
/// Columns before the first.
pub(super) const INDENT: usize = 2;

/// How wide the widest cell of each column is.
pub(super) fn widths<'a>(rows: impl Iterator<Item = &'a Vec<String>>) -> Vec<usize> {
    let mut widths = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(columns(cell));
        }
    }
    widths
}

/// Figures as texts of one width, numbers ending and what follows them beginning below each other.
pub(super) fn aligned(figures: &[Figure]) -> Vec<String> {
    let widest = |of: fn(&Figure) -> &str| figures.iter().map(|f| columns(of(f))).max().unwrap_or(0);
    let (numbers, rests) = (widest(|f| &f.number), widest(|f| &f.rest));
    let space = usize::from(rests > 0);
    let text = |figure: &Figure| {
        let before = " ".repeat(numbers - columns(&figure.number));
        let after = " ".repeat(rests - columns(&figure.rest) + space);
        match figure.rest.is_empty() {
            true => format!("{before}{}{after}", figure.number),
            false => format!(
                "{before}{}{}{}",
                figure.number,
                " ".repeat(space),
                padded(&figure.rest, rests)
            ),
        }
    };
    figures.iter().map(text).collect()
}

/// A text with blanks behind it, `width` columns in all if it is not longer.
pub(super) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

impl Page {
    /// One row; the first cell is cut to its width.
    pub(super) fn row(&mut self, cells: &[String], widths: &[usize], style: Option<&str>) {
        let mut line = " ".repeat(INDENT);
        for (at, (cell, &width)) in cells.iter().zip(widths).enumerate() {
            let cell = if at == 0 { cut(cell, width) } else { cell.clone() };
            line.push_str(&padded(&cell, width + GAP));
        }
        let line = match style {
            Some(style) => self.paint(style, line.trim_end()),
            None => line.trim_end().to_owned(),
        };
        self.line(&line);
    }

    /// A text in the colour of a mark: green for better, red for worse.
    pub(super) fn marked(&self, mark: Mark, text: &str) -> String {
        match mark.good {
            Some(true) => self.paint(GREEN, text),
            Some(false) => self.paint(RED, text),
            None if mark.sign == "≈" || mark.sign == "?" => self.paint(DIM, text),
            None => text.to_owned(),
        }
    }
}
