//! Differences for people.

use super::rows::{Change, Row};
use super::sections::{Differences, Section};
use crate::report::table::columns;
use serde_json::{Number, Value};

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const PLAIN: &str = "\x1b[0m";
/// Columns of a text at most.
const TEXT: usize = 34;

impl Differences {
    /// A page of at most `most` rows a section, or all. `files` are the names under which they were given.
    pub fn page(&self, files: [&str; 2], most: Option<usize>) -> String {
        let column = files.map(columns).into_iter().max().unwrap_or(0);
        let mut lines = Vec::new();
        for (letter, (file, name)) in ["A", "B"].iter().zip(files.iter().zip(&self.names)) {
            let pad = " ".repeat(column - columns(file));
            lines.push(format!("{BOLD}{letter}{PLAIN}  {file}{pad}  {DIM}{name}{PLAIN}"));
        }
        if self.sections.is_empty() {
            let same = self.same;
            lines.push(format!("\nno difference: all {same} values are the same"));
            return lines.join("\n");
        }
        for section in &self.sections {
            lines.push(String::new());
            lines.extend(told(section, most.unwrap_or(usize::MAX)));
        }
        let sections = match self.sections.len() {
            1 => "1 section".to_owned(),
            n => format!("{n} sections"),
        };
        lines.push(format!(
            "\n{} in {sections}; {} the same",
            match self.differing {
                1 => "1 row differs".to_owned(),
                n => format!("{n} rows differ"),
            },
            match self.same {
                1 => "1 value is".to_owned(),
                n => format!("{n} values are"),
            }
        ));
        lines.join("\n")
    }
}

/// The lines of a section.
fn told(section: &Section, most: usize) -> Vec<String> {
    let (rows, left) = section.weightiest(most);
    let title = match section.name.as_str() {
        "scenario" => "settings",
        "expect" => "verdicts",
        name => name,
    };
    let mut lines = vec![format!("{BOLD}{title}{PLAIN}")];
    let (figures, others): (Vec<&Row>, Vec<&Row>) = rows
        .into_iter()
        .partition(|row| matches!(row.change, Change::Number { .. }));
    let short = |path: &str| {
        let rest = path.strip_prefix(&section.name).unwrap_or(path);
        rest.strip_prefix('.').unwrap_or(rest).to_owned()
    };
    lines.extend(table(&figures, &short));
    for row in others {
        lines.push(format!("  {}  {}", short(&row.path), sentence(&row.change)));
    }
    if left > 0 {
        lines.push(format!("  {DIM}… and {left} more (--all){PLAIN}"));
    }
    lines
}

/// Numbers, right-aligned under A, B, difference and per cent.
fn table(rows: &[&Row], short: &dyn Fn(&str) -> String) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let mut cells = vec![["", "A", "B", "B − A", "%"].map(str::to_owned)];
    for row in rows {
        let Change::Number {
            a,
            b,
            difference,
            percent,
        } = &row.change
        else {
            continue;
        };
        let (a, b) = both(a, b);
        cells.push([
            short(&row.path),
            a,
            b,
            signed(*difference),
            percent.map_or_else(|| "–".to_owned(), per_cent),
        ]);
    }
    let width = |at: usize| cells.iter().map(|row| columns(&row[at])).max().unwrap_or(0);
    let widths = [0, 1, 2, 3, 4].map(width);
    let line = |(number, row): (usize, &[String; 5])| {
        let pad = |at: usize| " ".repeat(widths[at] - columns(&row[at]));
        let mut line = format!("  {}{}", row[0], pad(0));
        for (at, cell) in row.iter().enumerate().skip(1) {
            line += &format!("  {}{cell}", pad(at));
        }
        if number == 0 {
            format!("{DIM}{line}{PLAIN}")
        } else {
            line
        }
    };
    cells.iter().enumerate().map(line).collect()
}

/// With one decimal, or three where one says nothing.
fn per_cent(percent: f64) -> String {
    match percent.abs() {
        size if size < 0.05 => format!("{percent:+.3}"),
        _ => format!("{percent:+.1}"),
    }
}

/// Two numbers, short if that leaves them different, else as they are written.
fn both(a: &Number, b: &Number) -> (String, String) {
    let shortened = |number: &Number| match number.as_f64() {
        Some(value) if number.is_f64() && value.fract() != 0.0 => digits(value),
        _ => number.to_string(),
    };
    let short = (shortened(a), shortened(b));
    match short.0 == short.1 {
        true => (a.to_string(), b.to_string()),
        false => short,
    }
}

/// Six digits that count, or a few more.
fn digits(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 1000.0 => 2,
        size if size >= 1.0 => 5,
        size if size >= 0.001 => 8,
        _ => 12,
    };
    let text = format!("{value:.digits$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// With its sign, and six digits that count.
fn signed(difference: f64) -> String {
    if difference.fract() == 0.0 && difference.abs() < 1e15 {
        return format!("{difference:+.0}");
    }
    let sign = if difference > 0.0 { "+" } else { "" };
    format!("{sign}{}", digits(difference))
}

/// A difference in one line.
pub fn sentence(change: &Change) -> String {
    match change {
        Change::Number { a, b, .. } => format!("{a} → {b}"),
        Change::Value { a, b } => {
            let (a, b) = (text(a), text(b));
            let verdict = |of: &str| match of {
                of if of.starts_with("holds") => GREEN,
                of if of.starts_with("fails") => RED,
                _ => "",
            };
            format!("{}{a}{PLAIN} → {}{b}{PLAIN}", verdict(&a), verdict(&b))
        }
        Change::OnlyA { a } => format!("only in A: {}", text(a)),
        Change::OnlyB { b } => format!("only in B: {}", text(b)),
        Change::Series(apart) => {
            let at = |at: f64| match apart.over_time {
                true => format!("{at} s"),
                false => format!("[{at}]"),
            };
            let mut said = String::new();
            if let (Some(first), Some(most)) = (apart.first, apart.at) {
                let value =
                    |value: Option<f64>| value.map_or("nothing".to_owned(), |value| value.to_string());
                let by = apart.a.zip(apart.b).map(|(a, b)| format!(" ({})", signed(b - a)));
                said = format!(
                    "first at {}; most at {}: {} → {}{}; {} of {} points",
                    at(first),
                    at(most),
                    value(apart.a),
                    value(apart.b),
                    by.unwrap_or_default(),
                    apart.differing,
                    apart.points
                );
            }
            for (letter, n) in [("A", apart.only_a), ("B", apart.only_b)] {
                if n > 0 {
                    let between = if said.is_empty() { "" } else { "; " };
                    said += &format!("{between}{n} points only in {letter}");
                }
            }
            said
        }
        Change::List {
            a,
            b,
            differing,
            first,
            example,
        } => {
            let count = match a == b {
                true => format!("{a} entries, of which {differing} differ"),
                false => format!("{a} entries → {b}"),
            };
            match example {
                Some(row) => format!("{count}; first {}: {}", row.path, sentence(&row.change)),
                None => format!("{count}; first [{first}]"),
            }
        }
    }
}

/// A value as it is written, texts without quotes; what is long is cut.
fn text(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if columns(&text) <= TEXT {
        return text;
    }
    let mut short = String::new();
    for c in text.chars() {
        if columns(&short) >= TEXT - 1 {
            break;
        }
        short.push(c);
    }
    short + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_have_their_sign() {
        let said = [4.0, -3.0, 0.5, -0.000_012_5, 1234.567].map(signed);
        assert_eq!(said, ["+4", "-3", "+0.5", "-0.0000125", "+1234.57"]);
    }

    #[test]
    fn numbers_are_short_where_that_tells_them_apart() {
        let said = |a: f64, b: f64| {
            let number = |x| Number::from_f64(x).unwrap();
            both(&number(a), &number(b))
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(said(0.17691016951525843, 2.0), pair("0.17691017", "2.0"));
        assert_eq!(said(1.000000001, 1.000000002), pair("1.000000001", "1.000000002"));
    }

    #[test]
    fn one_row_differs_and_two_rows_differ() {
        use crate::diff::document::{Document, Kind};
        let page = |a: serde_json::Value| {
            let document = |value| Document {
                kind: Kind::Report,
                value,
            };
            let b = serde_json::json!({"x": {"p": 1, "q": 1, "r": 1}});
            crate::diff::differences(&document(a), &document(b)).page(["a", "b"], None)
        };
        let one = page(serde_json::json!({"x": {"p": 2, "q": 1, "r": 1}}));
        assert!(
            one.ends_with("\n1 row differs in 1 section; 2 values are the same"),
            "{one}"
        );
        let two = page(serde_json::json!({"x": {"p": 2, "q": 2, "r": 1}}));
        assert!(
            two.ends_with("\n2 rows differ in 1 section; 1 value is the same"),
            "{two}"
        );
    }

    #[test]
    fn a_long_text_is_cut() {
        let long = Value::String("a".repeat(50));
        assert_eq!(columns(&text(&long)), TEXT);
        assert_eq!(text(&Value::String("1\n2".to_owned())), "1 2");
    }
}
