//! Many variants: a grid a metric for two factors, else a row a variant and a column a metric.
//!
//! A cell is an estimate and how it stands to the baseline, as a sign; the differences themselves are in
//! `comparison.json`.

use super::sheet::{GAP, INDENT, aligned, widths};
use crate::report::charts::text::grouped;
use crate::report::comparison::figures::Figure;
use crate::report::comparison::model::{Comparison, MetricReport};
use crate::report::comparison::reading::{self, Axes};
use crate::report::table::page::{DIM, Page};
use crate::report::table::words::{columns, cut, wrapped};

/// Rows of a table at most; the rest is counted.
const ROWS: usize = 40;
/// Columns of a grid at most, in several tables; the rest is counted.
const COLUMNS: usize = 24;
/// Columns of a name at the start of a row, at most.
const NAME: usize = 28;
/// Columns of a heading over a column, at most, and lines.
const HEAD: (usize, usize) = (16, 4);

impl Page {
    /// A grid for each metric, and for each combination of the values of further factors.
    pub(super) fn grids(&mut self, comparison: &Comparison, axes: &Axes) {
        let factors = &comparison.design.factors;
        let (down, right) = (&factors[axes.rows], &factors[axes.columns]);
        for metric in &comparison.metrics {
            self.heading(&reading::with_unit(metric), reading::direction(metric));
            for rest in axes.combinations(comparison) {
                if !rest.is_empty() {
                    let line = cut(&axes.told(comparison, &rest), self.width - INDENT);
                    self.line(&format!("  {line}"));
                }
                let rows = down.values.len().min(ROWS);
                let columns: Vec<Vec<String>> = (0..right.values.len().min(COLUMNS))
                    .map(|column| {
                        let at = |row| axes.at(comparison, row, column, &rest);
                        let variants: Vec<Option<usize>> = (0..rows).map(at).collect();
                        let head = cut(&reading::named(&right.values[column]), NAME);
                        let mut cells = vec![head];
                        cells.extend(self.cells(comparison, metric, &variants));
                        cells
                    })
                    .collect();
                let mut names = vec![cut(&axes.corner(comparison), NAME)];
                names.extend(
                    down.values[..rows]
                        .iter()
                        .map(|value| cut(&reading::named(value), NAME)),
                );
                self.tables(&names, &columns, 1);
                self.more(down.values.len() - rows, "row");
                self.more(right.values.len() - columns.len(), "column");
            }
        }
    }

    /// A row a variant, a column a metric.
    pub(super) fn compact(&mut self, comparison: &Comparison) {
        let baseline = reading::baseline(comparison);
        let mut shown: Vec<usize> = (0..comparison.variants.len()).collect();
        // The baseline is among them, wherever it stands.
        shown.retain(|&at| at < ROWS || at == baseline);
        let variants: Vec<Option<usize>> = shown.iter().copied().map(Some).collect();
        let mut table: Vec<Vec<String>> = Vec::new();
        let mut height = 1;
        for metric in &comparison.metrics {
            let head = heads(metric);
            height = height.max(head.len());
            let mut column = head;
            column.extend(self.cells(comparison, metric, &variants));
            table.push(column);
        }
        for column in &mut table {
            // Headings end at the same line, right above the numbers.
            let missing = height + shown.len() - column.len();
            column.splice(0..0, std::iter::repeat_n(String::new(), missing));
        }
        let mut names = vec![String::new(); height - 1];
        names.push("variant".to_owned());
        names.extend(
            shown
                .iter()
                .map(|&at| cut(&reading::named(&comparison.variants[at].label), NAME)),
        );
        if !table.is_empty() {
            self.line("");
        }
        self.tables(&names, &table, height);
        self.more(comparison.variants.len() - shown.len(), "variant");
    }

    /// One metric of some variants as texts of one width: estimate and sign.
    fn cells(
        &self,
        comparison: &Comparison,
        metric: &MetricReport,
        variants: &[Option<usize>],
    ) -> Vec<String> {
        let baseline = reading::baseline(comparison);
        let scale = reading::scale(metric).without_name();
        let figures = variants.iter().map(|at| reading::estimate(metric, scale, *at));
        let figures: Vec<Figure> = figures.collect();
        let signed = |(text, at): (String, &Option<usize>)| {
            let mark = at.map(|at| reading::mark(metric, at, baseline));
            let sign = match mark {
                Some(Some(mark)) => self.marked(mark, mark.sign),
                Some(None) => "•".to_owned(),
                None => String::new(),
            };
            format!("{text} {sign}")
        };
        aligned(&figures).into_iter().zip(variants).map(signed).collect()
    }

    /// Columns beside the names of their rows, in as many tables as they need.
    fn tables(&mut self, names: &[String], table: &[Vec<String>], heads: usize) {
        let first = names.iter().map(|name| columns(name)).max().unwrap_or(0);
        let wide: Vec<usize> = table.iter().map(|column| widest(column)).collect();
        let mut from = 0;
        while from < table.len() {
            let mut used = INDENT + first;
            let fits = wide[from..].iter().take_while(|width| {
                used += GAP + **width;
                used <= self.width
            });
            // One too wide for any table has its own.
            let to = from + fits.count().max(1);
            if from > 0 {
                self.line("");
            }
            let rows: Vec<Vec<String>> = (0..names.len())
                .map(|row| {
                    let cells = table[from..to].iter().map(|column| column[row].clone());
                    std::iter::once(names[row].clone()).chain(cells).collect()
                })
                .collect();
            let widths = widths(rows.iter());
            // Headings of other columns may need more lines.
            let empty = |row: &Vec<String>| row.iter().all(String::is_empty);
            for (at, row) in rows.iter().enumerate().filter(|(_, row)| !empty(row)) {
                self.row(row, &widths, (at < heads).then_some(DIM));
            }
            from = to;
        }
    }

    fn more(&mut self, left_out: usize, what: &str) {
        if left_out > 0 {
            let plural = if left_out == 1 { "" } else { "s" };
            self.line(&format!(
                "  … and {} more {what}{plural}, in comparison.json",
                grouped(left_out as u64)
            ));
        }
    }
}

fn widest(column: &[String]) -> usize {
    column.iter().map(|cell| columns(cell)).max().unwrap_or(0)
}

/// What stands over the column of a metric, in lines.
fn heads(metric: &MetricReport) -> Vec<String> {
    let mut lines = wrapped(&reading::with_unit(metric), HEAD.0);
    if lines.len() > HEAD.1 {
        lines.truncate(HEAD.1);
        lines[HEAD.1 - 1] = cut(&format!("{} …", lines[HEAD.1 - 1]), HEAD.0);
    }
    lines.extend(metric.better.map(|_| reading::direction(metric).to_owned()));
    lines
}
