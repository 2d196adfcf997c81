//! The values of one field as they are given: a list with commas, ranges of whole numbers, or a list of the file.
//!
//! Ranges are counted before they are written out, so that a slip of the pen costs nothing.

use crate::scenario::diagnostic::{Diagnostic, Span};
use crate::scenario::field::{self, Field};
use crate::scenario::json::{self, Kind, Node};
use crate::scenario::shape::Shapes;
use crate::scenario::study::label;
use std::collections::BTreeMap;

/// One value, or a range of them, with its place.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) form: Form,
    pub(super) span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    /// A piece of an argument.
    Piece,
    /// A value of the file.
    Node(Node),
    /// Whole numbers, both ends included.
    Range(Range),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    from: u64,
    to: u64,
    step: u64,
}

/// One value of a field.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) node: Node,
    /// Where it stands; all of a range stand where the range does.
    pub(super) span: Span,
    /// `path=value` as `--set` reads it.
    pub(super) set: String,
    /// For people, of any length.
    pub(super) label: String,
}

/// The values between the commas of `argument` from byte `span.start` on.
///
/// # Errors
/// Every value that is empty, and every range that is none.
pub(super) fn split(argument: &str, span: Span) -> Result<Vec<Given>, Vec<Diagnostic>> {
    let (mut given, mut problems) = (Vec::new(), Vec::new());
    let pieces = pieces(&argument[span.start..span.end]);
    let alone = pieces.len() == 1;
    for (start, end) in pieces {
        let span = Span {
            start: span.start + start,
            end: span.start + end,
            ..span
        };
        let form = match Range::read(&argument[span.start..span.end]) {
            _ if start == end && alone => continue,
            _ if start == end => {
                let problem = Diagnostic::new("there is nothing between two commas").at(span);
                problems.push(
                    problem
                        .label("a value is missing")
                        .help("an empty text is written \"\""),
                );
                continue;
            }
            None => Form::Piece,
            Some(Ok(range)) => Form::Range(range),
            Some(Err((message, help))) => {
                problems.push(Diagnostic::new(message).at(span).label("not a range").help(help));
                continue;
            }
        };
        given.push(Given { form, span });
    }
    match problems.is_empty() {
        true => Ok(given),
        false => Err(problems),
    }
}

/// Where the pieces between commas outside of brackets and quotes stand, without the blanks around them.
fn pieces(text: &str) -> Vec<(usize, usize)> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut cuts = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '[' | '{' | '(' => depth += 1,
            ']' | '}' | ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => cuts.push(at),
            _ => {}
        }
    }
    let starts = std::iter::once(0).chain(cuts.iter().map(|cut| cut + 1));
    let ends = cuts.iter().copied().chain([text.len()]);
    let trimmed = starts.zip(ends).map(|(start, end)| {
        let piece = &text[start..end];
        let start = start + piece.len() - piece.trim_start().len();
        (start, start + piece.trim().len())
    });
    trimmed.collect()
}

/// A text with commas as the list that was probably meant.
pub(super) fn as_list(text: &str) -> String {
    let json = |piece: &str| match json::parse(piece, 0) {
        Ok(_) => piece.to_owned(),
        Err(_) => serde_json::Value::from(piece).to_string(),
    };
    let items = pieces(text)
        .into_iter()
        .map(|(start, end)| json(&text[start..end]));
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

impl Range {
    /// The range that `text` is, if it looks like one; else why it is none, and a way out.
    pub(super) fn read(text: &str) -> Option<Result<Self, (String, String)>> {
        if !text.contains("..") || !text.starts_with(|c: char| c.is_ascii_digit() || "-.".contains(c)) {
            return None;
        }
        let numbers = text
            .split("..")
            .map(|part| match part.bytes().all(|b| b.is_ascii_digit()) {
                true => part.parse().ok(),
                false => None,
            });
        let range = match numbers.collect::<Option<Vec<u64>>>().as_deref() {
            Some(&[from, to]) => Self { from, to, step: 1 },
            Some(&[from, to, step]) => Self { from, to, step },
            _ => {
                let message = format!("`{text}` is not a range of whole numbers");
                let help =
                    "a range is written 1..16, or 1..16..5 for 1, 6, 11, 16; list other values one by one";
                return Some(Err((message, help.to_owned())));
            }
        };
        if range.from > range.to {
            let help = format!("ranges go up: {}..{}", range.to, range.from);
            return Some(Err((format!("the range `{text}` is empty"), help)));
        }
        if range.step == 0 {
            let message = format!("the range `{text}` goes on by nothing");
            let help = format!("the last number is the step: {}..{}..1", range.from, range.to);
            return Some(Err((message, help)));
        }
        Some(Ok(range))
    }

    fn count(self) -> u128 {
        u128::from((self.to - self.from) / self.step) + 1
    }

    fn numbers(self) -> impl Iterator<Item = u64> {
        (0..=(self.to - self.from) / self.step).map(move |i| self.from + i * self.step)
    }
}

impl Given {
    /// How many values it stands for.
    pub(super) fn count(&self) -> u128 {
        match self.form {
            Form::Range(range) => range.count(),
            Form::Piece | Form::Node(_) => 1,
        }
    }

    /// The first `most` of its values. `text` is where its place leads.
    fn values(
        &self,
        field: &Field,
        text: &str,
        wants_text: bool,
        most: usize,
    ) -> Result<Vec<Value>, Box<Diagnostic>> {
        let one = |node: Node, spelled: &str| Value {
            span: self.span,
            set: format!("{}={spelled}", field.path),
            label: label::of(&node),
            node,
        };
        match &self.form {
            Form::Piece => {
                let node = field::value(text, self.span, wants_text)?;
                Ok(vec![one(node, &text[self.span.start..self.span.end])])
            }
            Form::Node(node) => Ok(vec![one(node.clone(), &spelled(node, wants_text))]),
            Form::Range(range) => {
                let number = |n: u64| {
                    let kind = match wants_text {
                        true => Kind::Text(n.to_string()),
                        false => Kind::Number(n.to_string()),
                    };
                    let span = self.span;
                    one(Node { span, kind }, &n.to_string())
                };
                Ok(range.numbers().take(most).map(number).collect())
            }
        }
    }
}

/// At most `most` values of `field`; `text` is what their places point into.
///
/// # Errors
/// What is no value, and what is listed twice.
pub(super) fn all(
    field: &Field,
    given: &[Given],
    text: &str,
    shapes: &Shapes,
    most: usize,
) -> Result<Vec<Value>, Vec<Diagnostic>> {
    let wants_text = field.wants_text(shapes);
    let (mut values, mut problems) = (Vec::<Value>::new(), Vec::new());
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    for given in given {
        let more = match given.values(field, text, wants_text, most - values.len()) {
            Ok(more) => more,
            Err(problem) => {
                problems.push(*problem);
                continue;
            }
        };
        for value in more {
            match seen.insert(value.node.to_value().to_string(), value.span) {
                Some(first) => problems.push(twice(field, &value, first)),
                None => values.push(value),
            }
        }
        if values.len() >= most {
            break;
        }
    }
    match problems.is_empty() {
        true => Ok(values),
        false => Err(problems),
    }
}

fn twice(field: &Field, value: &Value, first: Span) -> Diagnostic {
    let message = format!("`{}` is listed twice for `{}`", value.label, field.path);
    let problem = Diagnostic::new(message).at(value.span).label("again here");
    match first == value.span {
        true => problem,
        false => problem.related(first, "first here"),
    }
}

/// A value of the file as `--set` reads it back: without quotes where that does.
fn spelled(node: &Node, wants_text: bool) -> String {
    if let Kind::Text(text) = &node.kind {
        let all = Span {
            source: 0,
            start: 0,
            end: text.len(),
        };
        let read = field::value(text, all, wants_text);
        if text.trim() == text && read.is_ok_and(|read| read.kind == node.kind) {
            return text.clone();
        }
    }
    node.to_value().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = pieces(text)
            .into_iter()
            .map(|(from, to)| &text[from..to])
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn commas_in_brackets_and_quotes_divide_nothing() {
        check("a,b", &["a", "b"]);
        check(" a , b ", &["a", "b"]);
        check("", &[""]);
        check("a,,b,", &["a", "", "b", ""]);
        check(r#"{"x":[1,2]},[],"a,b""#, &[r#"{"x":[1,2]}"#, "[]", r#""a,b""#]);
        check(r#""a\",b",c"#, &[r#""a\",b""#, "c"]);
        check("x IN (1,2),y", &["x IN (1,2)", "y"]);
        check("a],b", &["a]", "b"]);
        check("[a,b", &["[a,b"]);
        check("订单,é", &["订单", "é"]);
    }

    #[track_caller]
    fn numbers(text: &str) -> Vec<u64> {
        let range = Range::read(text).unwrap().unwrap();
        let numbers: Vec<u64> = range.numbers().collect();
        assert_eq!(numbers.len() as u128, range.count());
        numbers
    }

    #[test]
    fn ranges_hold_both_ends_if_the_step_meets_them() {
        assert_eq!(numbers("1..4"), [1, 2, 3, 4]);
        assert_eq!(numbers("1..16..5"), [1, 6, 11, 16]);
        assert_eq!(numbers("1..15..5"), [1, 6, 11]);
        assert_eq!(numbers("7..7"), [7]);
        let last = u64::MAX;
        assert_eq!(numbers(&format!("{}..{last}..7", last - 8)), [last - 8, last - 1]);
    }

    #[test]
    fn the_largest_range_is_counted_without_being_written_out() {
        let range = Range::read(&format!("0..{}", u64::MAX)).unwrap().unwrap();
        assert_eq!(range.count(), 1 << 64);
    }

    #[test]
    fn what_only_looks_like_a_range_is_told() {
        for text in [
            "4..1",
            "1..4..0",
            "1..",
            "..4",
            "1...4",
            "1..4..2..1",
            "-1..4",
            "1ms..5ms",
            "1..18446744073709551616",
        ] {
            assert!(Range::read(text).unwrap().is_err(), "{text}");
        }
        for text in ["AVG", "1.5", "a..b", "{\"from\":1}", ""] {
            assert!(Range::read(text).is_none(), "{text}");
        }
    }
}
