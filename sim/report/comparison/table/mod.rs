//! The terminal summary of a comparison: which variant does what, and how sure that is.
//!
//! What ran stands first, then the numbers, then what they come to in words, so that the last lines on a screen are
//! those to take away. Few variants have a block a metric with their differences in full; two factors make a grid a
//! metric; many variants have a column a metric, in several tables if they are wide.

mod closing;
mod grid;
mod results;
mod sheet;

use super::model::Comparison;
use super::reading::{self, Form};
use super::sentences;
use crate::report::table::NAME;
pub use crate::report::table::WIDTH;
use crate::report::table::page::{BOLD, DIM, Page, YELLOW};
use crate::report::table::words::{columns, cut, wrapped};

/// Values of a factor named in the head.
const VALUES: usize = 12;

/// The summary of a comparison in at most 100 columns, with a line feed at the end.
///
/// Colours are escape sequences; whoever prints takes them out where they are not wanted. Nothing is told by colour
/// alone.
pub fn summary(comparison: &Comparison, colour: bool) -> String {
    summary_within(comparison, colour, WIDTH)
}

/// As [`summary`], in at most `width` columns; 60 at least are taken. Columns that do not fit are left out, the least
/// telling first.
pub fn summary_within(comparison: &Comparison, colour: bool, width: usize) -> String {
    let mut page = Page {
        text: String::new(),
        colour,
        width: width.max(60),
    };
    let form = Form::of(comparison);
    page.head_of(comparison);
    page.legend_of(comparison, &form);
    match &form {
        Form::Long => page.long(comparison),
        Form::Compact => page.compact(comparison),
        Form::Grid(axes) => page.grids(comparison, axes),
    }
    page.closing(comparison);
    page.text
}

impl Page {
    fn head_of(&mut self, comparison: &Comparison) {
        let run = &comparison.run;
        let name = cut(&run.name, NAME);
        let room = self.width - columns(&name) - 3;
        let head = match run.title.as_str() {
            "" => self.paint(BOLD, &name),
            title => format!("{} — {}", self.paint(BOLD, &name), cut(title, room)),
        };
        self.line(&head);
        if !run.complete {
            let text = "INTERRUPTED before all runs were done: everything below is about those that were";
            for line in wrapped(text, self.width - 2) {
                let line = self.paint(YELLOW, &line);
                self.line(&format!("  {line}"));
            }
        }
        let [messages, events] = sentences::size(comparison);
        self.told("compared", &[sentences::runs(comparison), messages, events]);
        for factor in &comparison.design.factors {
            let more = factor.values.len().saturating_sub(VALUES);
            let values = factor.values.iter().take(VALUES);
            let mut values: Vec<String> = values.map(|value| cut(&reading::named(value), NAME)).collect();
            if more > 0 {
                values.push(format!("{more} more"));
            }
            self.told("varied", &[format!("{}: {}", factor.path, values.join(", "))]);
        }
        self.told("baseline", &[reading::named(&comparison.design.baseline)]);
        self.told("luck", &sentences::luck(comparison));
        for (label, text) in [
            ("warm-up", sentences::warmup(comparison)),
            ("stopped", sentences::stopping(comparison)),
        ] {
            if let Some(text) = text {
                self.told(label, &[text]);
            }
        }
    }

    /// As `parts`, each part broken where it is too long for a line.
    fn told(&mut self, label: &str, parts: &[String]) {
        let room = self.width - crate::report::table::LABEL;
        let whole = parts.join(" · ");
        for (row, line) in wrapped(&whole, room).into_iter().enumerate() {
            self.parts(if row == 0 { label } else { "" }, &[line]);
        }
    }

    fn legend_of(&mut self, comparison: &Comparison, form: &Form) {
        if comparison.metrics.is_empty() {
            return;
        }
        self.line("");
        for text in sentences::legend(comparison, form) {
            for line in wrapped(&text, self.width - 2) {
                let line = self.paint(DIM, &line);
                self.line(&format!("  {line}"));
            }
        }
    }

    /// A heading over what follows, with an empty line before it.
    fn heading(&mut self, text: &str, rest: &str) {
        let text = cut(text, self.width - columns(rest) - 3);
        let head = self.paint(BOLD, &text);
        self.line("");
        self.line(&match rest.is_empty() {
            true => head,
            false => format!("{head} · {rest}"),
        });
    }
}

#[cfg(test)]
mod tests;
