//! Strict JSON with comments, read into a tree in which every value and key knows its place.
//!
//! Accepted beyond RFC 8259: `//` and `/* */` comments, nothing else. Refused beyond it: a key given twice,
//! more than 64 levels, numbers of more than 64 characters. An explicit stack takes the place of recursion, so that no input can
//! exhaust the program's own.
//!
//! Why not a library: those with comments and places let some of JSON5 or raw line ends through, and those
//! that are strict keep neither comments nor places. The tests hold this reader against `serde_json`.

use crate::scenario::diagnostic::{Diagnostic, Span};
use crate::scenario::limits;

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it stands, brackets and quotes included.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// The kinds of JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number as it was written.
    Number(String),
    /// A text, escapes resolved.
    Text(String),
    /// A list.
    Array(Vec<Node>),
    /// An object; keys are unique, in the order of the text.
    Object(Vec<Entry>),
}

/// One key of an object with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key, escapes resolved.
    pub key: String,
    /// Where the key stands, quotes included.
    pub key_span: Span,
    /// Its value.
    pub value: Node,
}

impl Node {
    /// The value of `key`, if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Object(entries) => entries.iter().find(|e| e.key == key).map(|e| &e.value),
            _ => None,
        }
    }

    /// Where to point for the whole value: at the bracket that opens it, or at all of a scalar.
    pub fn opening(&self) -> Span {
        match self.kind {
            Kind::Array(_) | Kind::Object(_) if self.span.end > self.span.start => Span {
                end: self.span.start + 1,
                ..self.span
            },
            _ => self.span,
        }
    }

    /// Words for what was found, as in "but is the number 800".
    pub fn found(&self) -> String {
        match &self.kind {
            Kind::Null => "null".to_owned(),
            Kind::Bool(b) => b.to_string(),
            Kind::Number(n) => format!("the number {n}"),
            Kind::Text(t) => format!("the text {}", quoted(t)),
            Kind::Array(_) => "a list".to_owned(),
            Kind::Object(_) => "an object".to_owned(),
        }
    }

    /// The same value without places.
    pub fn to_value(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(b) => Value::Bool(*b),
            Kind::Number(n) => n.parse().map_or(Value::Null, Value::Number),
            Kind::Text(t) => Value::String(t.clone()),
            Kind::Array(items) => items.iter().map(Node::to_value).collect(),
            Kind::Object(entries) => {
                let pairs = entries.iter().map(|e| (e.key.clone(), e.value.to_value()));
                Value::Object(pairs.collect())
            }
        }
    }
}

/// `text` in quotes, cut after 40 characters.
pub fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

/// Reads `text`, which is source number `source`.
///
/// # Errors
/// The first breach of syntax, or all keys that are given twice.
pub fn parse(text: &str, source: usize) -> Result<Node, Vec<Diagnostic>> {
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        source,
        at: 0,
        twice: Vec::new(),
    };
    let node = reader.document().map_err(|problem| vec![*problem])?;
    if reader.twice.is_empty() {
        Ok(node)
    } else {
        Err(reader.twice)
    }
}

type Fallible<T> = Result<T, Box<Diagnostic>>;

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    source: usize,
    /// Next byte to be read.
    at: usize,
    /// Keys given twice: reported together, as the tree is sound without them.
    twice: Vec<Diagnostic>,
}

/// An object or list that is still open.
enum Open {
    Array {
        start: usize,
        items: Vec<Node>,
    },
    Object {
        start: usize,
        entries: Vec<Entry>,
        key: Option<(String, Span)>,
    },
}

impl Reader<'_> {
    fn document(&mut self) -> Fallible<Node> {
        self.skip_blank()?;
        if self.at == self.bytes.len() {
            return Err(Box::new(
                Diagnostic::new("the scenario is empty: it holds no JSON value")
                    .at(self.span(self.at, self.at))
                    .label("nothing here")
                    .help("start from a commented example: rmqsim new"),
            ));
        }
        let mut stack: Vec<Open> = Vec::new();
        loop {
            // A value, or the end of what is open.
            let mut done = match self.value_or_open(&mut stack)? {
                Some(node) => node,
                None => continue,
            };
            // Put it where it belongs; close what ends with it.
            loop {
                let Some(open) = stack.last_mut() else {
                    return self.end_of_text(done);
                };
                match open {
                    Open::Array { items, .. } => items.push(done),
                    Open::Object { entries, key, .. } => {
                        let (key, key_span) = key.take().expect("a value of an object follows its key");
                        entries.push(Entry {
                            key,
                            key_span,
                            value: done,
                        });
                    }
                }
                match self.comma_or_close(&mut stack)? {
                    Some(closed) => done = closed,
                    None => break,
                }
            }
        }
    }

    /// Reads a value; for an opening bracket pushes onto the stack and reads on, giving `None`, unless it
    /// closes at once.
    fn value_or_open(&mut self, stack: &mut Vec<Open>) -> Fallible<Option<Node>> {
        self.skip_blank()?;
        let start = self.at;
        let Some(&byte) = self.bytes.get(start) else {
            return Err(self.unclosed(stack));
        };
        match byte {
            b'{' | b'[' => {
                if stack.len() == limits::DEPTH {
                    return Err(self.problem(
                        start..start + 1,
                        format!("the file nests deeper than {} levels", limits::DEPTH),
                        "one level too deep",
                    ));
                }
                self.at += 1;
                self.skip_blank()?;
                let close = if byte == b'{' { b'}' } else { b']' };
                if self.bytes.get(self.at) == Some(&close) {
                    self.at += 1;
                    let kind = if byte == b'{' {
                        Kind::Object(Vec::new())
                    } else {
                        Kind::Array(Vec::new())
                    };
                    return Ok(Some(Node {
                        span: self.span(start, self.at),
                        kind,
                    }));
                }
                if byte == b'{' {
                    stack.push(Open::Object {
                        start,
                        entries: Vec::new(),
                        key: None,
                    });
                    self.key(stack)?;
                } else {
                    stack.push(Open::Array {
                        start,
                        items: Vec::new(),
                    });
                }
                Ok(None)
            }
            b'"' => {
                let text = self.string()?;
                Ok(Some(Node {
                    span: self.span(start, self.at),
                    kind: Kind::Text(text),
                }))
            }
            b'-' | b'0'..=b'9' => self.number().map(Some),
            _ => self.word(stack).map(Some),
        }
    }

    /// After a value: a comma (then a key or the next element follows), or the bracket that closes.
    fn comma_or_close(&mut self, stack: &mut Vec<Open>) -> Fallible<Option<Node>> {
        self.skip_blank()?;
        let (close, in_object) = match stack.last() {
            Some(Open::Array { .. }) => (b']', false),
            _ => (b'}', true),
        };
        let Some(&byte) = self.bytes.get(self.at) else {
            return Err(self.unclosed(stack));
        };
        if byte == close {
            self.at += 1;
            return Ok(stack.pop().map(|open| self.closed(open)));
        }
        if byte != b',' {
            let here = self.here();
            if byte == b'}' || byte == b']' {
                let (found, start) = (byte as char, self.open_start(stack));
                let mut problem = self.problem(
                    here,
                    format!(
                        "`{found}` does not close what is open here, expected `{}`",
                        close as char
                    ),
                    format!("expected `{}`", close as char),
                );
                problem
                    .related
                    .push((self.span(start, start + 1), "opened here".to_owned()));
                return Err(problem);
            }
            let what = if in_object {
                "the next key"
            } else {
                "the next element"
            };
            return Err(self.problem(
                here,
                format!("expected a comma before {what}, or `{}`", close as char),
                "comma missing before this",
            ));
        }
        let comma = self.at;
        self.at += 1;
        self.skip_blank()?;
        if self.bytes.get(self.at) == Some(&close) {
            let mut problem = self.problem(
                comma..comma + 1,
                "a comma after the last element is not JSON".to_owned(),
                "remove this comma",
            );
            problem
                .help
                .push("comments are allowed in scenario files, other extensions of JSON are not".to_owned());
            return Err(problem);
        }
        if in_object {
            self.key(stack)?;
        }
        Ok(None)
    }

    /// Reads `"key" :` of the innermost object.
    fn key(&mut self, stack: &mut [Open]) -> Fallible<()> {
        self.skip_blank()?;
        let start = self.at;
        match self.bytes.get(start) {
            None => return Err(self.unclosed(stack)),
            Some(b'"') => {}
            Some(b'\'') => return Err(self.single_quotes()),
            Some(_) => {
                let word = self.word_range();
                let text = &self.text[word.clone()];
                let bare = text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$');
                let message = if bare {
                    format!("the key `{text}` needs double quotes")
                } else {
                    "expected a key in double quotes".to_owned()
                };
                let mut problem = self.problem(word, message, "not a key in quotes");
                if bare {
                    problem.help.push(format!("write \"{text}\""));
                }
                return Err(problem);
            }
        }
        let text = self.string()?;
        let key_span = self.span(start, self.at);
        self.skip_blank()?;
        if self.bytes.get(self.at) != Some(&b':') {
            if self.at == self.bytes.len() {
                return Err(self.unclosed(stack));
            }
            let here = self.here();
            return Err(self.problem(
                here,
                format!("expected a colon after the key {}", quoted(&text)),
                "colon missing before this",
            ));
        }
        self.at += 1;
        if let Some(Open::Object { entries, key, .. }) = stack.last_mut() {
            if let Some(first) = entries.iter().find(|e| e.key == text) {
                self.twice.push(
                    Diagnostic::new(format!("the key {} is given twice in this object", quoted(&text)))
                        .at(key_span)
                        .label("given again here")
                        .related(first.key_span, "first given here")
                        .help("keep one of them"),
                );
            }
            *key = Some((text, key_span));
        }
        Ok(())
    }

    fn closed(&self, open: Open) -> Node {
        let (start, kind) = match open {
            Open::Array { start, items } => (start, Kind::Array(items)),
            Open::Object { start, entries, .. } => (start, Kind::Object(entries)),
        };
        Node {
            span: self.span(start, self.at),
            kind,
        }
    }

    fn end_of_text(&mut self, node: Node) -> Fallible<Node> {
        self.skip_blank()?;
        if self.at < self.bytes.len() {
            let here = self.here();
            return Err(self.problem(
                here,
                "text goes on after the end of the scenario".to_owned(),
                "one file holds one JSON value",
            ));
        }
        Ok(node)
    }

    /// Reads a text in double quotes and resolves its escapes.
    fn string(&mut self) -> Fallible<String> {
        let start = self.at;
        let mut value = String::new();
        let mut i = start + 1;
        loop {
            let plain = i;
            while i < self.bytes.len()
                && self.bytes[i] >= 0x20
                && self.bytes[i] != b'"'
                && self.bytes[i] != b'\\'
            {
                i += 1;
            }
            value.push_str(&self.text[plain..i]);
            match self.bytes.get(i) {
                Some(b'"') => {
                    self.at = i + 1;
                    return Ok(value);
                }
                Some(b'\\') => {
                    let (c, len) = self.escape(i)?;
                    value.push(c);
                    i += len;
                }
                None | Some(b'\n' | b'\r') => {
                    return Err(self.problem(
                        start..i,
                        "this text is never closed".to_owned(),
                        "opened here, no closing quote on this line",
                    ));
                }
                Some(&control) => {
                    return Err(self.problem(
                        i..i + 1,
                        format!("a raw control character (U+{control:04X}) stands in a text"),
                        "write it as an escape, for a tab \\t",
                    ));
                }
            }
        }
    }

    /// The character that the escape at byte `at` stands for, and its length in bytes.
    fn escape(&self, at: usize) -> Fallible<(char, usize)> {
        let plain = match self.bytes.get(at + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(at),
            _ => {
                let end = at + 1 + self.text[at + 1..].chars().next().map_or(0, char::len_utf8);
                let mut problem = self.problem(
                    at..end,
                    "unknown escape in a text".to_owned(),
                    "not an escape of JSON",
                );
                problem
                    .help
                    .push("the escapes are \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX".to_owned());
                return Err(problem);
            }
        };
        Ok((plain, 2))
    }

    fn unicode_escape(&self, at: usize) -> Fallible<(char, usize)> {
        let unit = |at: usize| -> Option<u32> {
            let escape = self.text.get(at..at + 6)?.strip_prefix("\\u")?;
            let hex = escape.bytes().all(|b| b.is_ascii_hexdigit());
            hex.then(|| u32::from_str_radix(escape, 16).ok()).flatten()
        };
        let end = (at + 6).min(self.bytes.len());
        let end = (at..=end)
            .rev()
            .find(|i| self.text.is_char_boundary(*i))
            .unwrap_or(at);
        let Some(first) = unit(at) else {
            return Err(self.problem(
                at..end,
                "\\u must be followed by four hexadecimal digits".to_owned(),
                "incomplete escape",
            ));
        };
        if let Some(c) = char::from_u32(first) {
            return Ok((c, 6));
        }
        // Half of a pair: characters beyond U+FFFF are written as two escapes.
        match unit(at + 6) {
            Some(second) if first < 0xDC00 && (0xDC00..0xE000).contains(&second) => {
                let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                Ok((char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12))
            }
            _ => Err(self.problem(
                at..end,
                "this escape is half of a surrogate pair".to_owned(),
                "no character by itself",
            )),
        }
    }

    fn number(&mut self) -> Fallible<Node> {
        let range = self.word_range();
        let text = &self.text[range.clone()];
        if text.len() > limits::NUMBER_CHARACTERS {
            return Err(self.problem(
                range.clone(),
                format!(
                    "a number of {} characters, more than the {} that are allowed",
                    text.len(),
                    limits::NUMBER_CHARACTERS
                ),
                "too long",
            ));
        }
        if !is_number(text) {
            let (message, help) = number_problem(text);
            let mut problem = self.problem(range, message, "not a JSON number");
            problem.help.extend(help);
            return Err(problem);
        }
        let value: f64 = text.parse().unwrap_or(f64::INFINITY);
        if !value.is_finite() {
            return Err(self.problem(range, format!("the number {text} is too large"), "beyond 1.8e308"));
        }
        if value == 0.0
            && text
                .bytes()
                .take_while(|b| !matches!(b, b'e' | b'E'))
                .any(|b| matches!(b, b'1'..=b'9'))
        {
            return Err(self.problem(
                range,
                format!("the number {text} is too small to be told from 0"),
                "below 4.9e-324",
            ));
        }
        self.at = range.end;
        Ok(Node {
            span: self.span(range.start, range.end),
            kind: Kind::Number(text.to_owned()),
        })
    }

    /// Reads `true`, `false`, `null`; anything else is a problem.
    fn word(&mut self, stack: &[Open]) -> Fallible<Node> {
        let range = self.word_range();
        let text = &self.text[range.clone()];
        let kind = match text {
            "true" => Kind::Bool(true),
            "false" => Kind::Bool(false),
            "null" => Kind::Null,
            _ => {
                let (message, label) = match text.chars().next() {
                    Some('\'') => return Err(self.single_quotes()),
                    Some('}' | ']') => {
                        let after = if stack.is_empty() {
                            "here"
                        } else {
                            "after this point"
                        };
                        (
                            format!("expected a value {after}, but found `{text}`"),
                            "no value before this",
                        )
                    }
                    Some(',') => (
                        "expected a value, but found a comma".to_owned(),
                        "no value before this",
                    ),
                    Some(':') => ("expected a value, but found a colon".to_owned(), "unexpected"),
                    Some('+' | '.') => {
                        let (message, help) = number_problem(text);
                        let mut problem = self.problem(range, message, "not a JSON number");
                        problem.help.extend(help);
                        return Err(problem);
                    }
                    _ if matches!(text, "NaN" | "Infinity") => (
                        format!("{text} is not a number that a scenario can use"),
                        "not a JSON number",
                    ),
                    _ if matches!(
                        text,
                        "True" | "False" | "None" | "Null" | "TRUE" | "FALSE" | "NULL"
                    ) =>
                    {
                        (
                            format!("`{text}` is not JSON, the words are true, false and null"),
                            "wrong case",
                        )
                    }
                    _ => (
                        format!("expected a value, but found {}", quoted(text)),
                        "a text needs double quotes",
                    ),
                };
                return Err(self.problem(range, message, label));
            }
        };
        self.at = range.end;
        Ok(Node {
            span: self.span(range.start, range.end),
            kind,
        })
    }

    /// The run of characters from here on that could belong to one word or number; at least one character.
    fn word_range(&self) -> std::ops::Range<usize> {
        let rest = &self.text[self.at..];
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '+' | '-' | '.');
        let len = rest.find(|c: char| !word(c)).unwrap_or(rest.len());
        let first = rest.chars().next().map_or(0, char::len_utf8);
        self.at..self.at + len.max(first)
    }

    /// The next character, for a caret.
    fn here(&self) -> std::ops::Range<usize> {
        self.word_range()
    }

    /// Skips blanks and comments.
    fn skip_blank(&mut self) -> Fallible<()> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                Some(b'/') => match self.bytes.get(self.at + 1) {
                    Some(b'/') => {
                        let rest = &self.bytes[self.at..];
                        self.at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
                    }
                    Some(b'*') => match self.text[self.at + 2..].find("*/") {
                        Some(n) => self.at += n + 4,
                        None => {
                            return Err(self.problem(
                                self.at..self.at + 2,
                                "this comment is never closed".to_owned(),
                                "opened here, no `*/` follows",
                            ));
                        }
                    },
                    _ => {
                        return Err(self.problem(
                            self.at..self.at + 1,
                            "a single `/` starts no comment, write `//` or `/* */`".to_owned(),
                            "unexpected",
                        ));
                    }
                },
                Some(b'#') => {
                    return Err(self.problem(
                        self.at..self.at + 1,
                        "`#` starts no comment here, write `//` or `/* */`".to_owned(),
                        "unexpected",
                    ));
                }
                Some(&b) if b < 0x20 || b >= 0x7F => return self.odd_character(),
                _ => return Ok(()),
            }
        }
    }

    /// A character outside texts that is neither blank nor JSON, unless it is a letter (then a word follows).
    fn odd_character(&self) -> Fallible<()> {
        let c = self.text[self.at..].chars().next().unwrap_or(' ');
        if c.is_alphanumeric() {
            return Ok(());
        }
        let what = match c {
            '\u{201c}' | '\u{201d}' => "typographic quotes are not JSON, use \" instead".to_owned(),
            '\u{ff0c}' | '\u{ff1a}' => format!("the full-width `{c}` is not JSON, use the plain one"),
            c if c.is_whitespace() => format!("U+{:04X} is not a blank that JSON knows", c as u32),
            c => format!("unexpected character U+{:04X}", c as u32),
        };
        Err(self.problem(self.at..self.at + c.len_utf8(), what, "this character"))
    }

    fn single_quotes(&self) -> Box<Diagnostic> {
        self.problem(
            self.at..self.at + 1,
            "texts stand in double quotes".to_owned(),
            "single quote",
        )
    }

    /// The text ends while something is open: points at the innermost opener.
    fn unclosed(&self, stack: &[Open]) -> Box<Diagnostic> {
        let start = self.open_start(stack);
        let what = match stack.last() {
            Some(Open::Array { .. }) => "list",
            _ => "object",
        };
        self.problem(
            start..start + 1,
            format!("the file ends before this {what} is closed"),
            "opened here",
        )
    }

    fn open_start(&self, stack: &[Open]) -> usize {
        match stack.last() {
            Some(Open::Array { start, .. } | Open::Object { start, .. }) => *start,
            None => self.at.min(self.bytes.len()),
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span {
            source: self.source,
            start,
            end,
        }
    }

    fn problem(
        &self,
        range: std::ops::Range<usize>,
        message: String,
        label: impl Into<String>,
    ) -> Box<Diagnostic> {
        Box::new(
            Diagnostic::new(message)
                .at(self.span(range.start, range.end))
                .label(label),
        )
    }
}

/// Whether `text` is a number by RFC 8259: no leading zero, no bare point, no plus.
fn is_number(text: &str) -> bool {
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

/// What is wrong with something that starts like a number.
fn number_problem(text: &str) -> (String, Option<String>) {
    let unsigned = text.trim_start_matches(['+', '-']);
    if matches!(unsigned, "Infinity" | "NaN") {
        return (format!("{text} is not a number that a scenario can use"), None);
    }
    if unsigned.starts_with("0x") || unsigned.starts_with("0X") {
        return ("numbers are decimal, hexadecimal is not JSON".to_owned(), None);
    }
    if text.starts_with('+') {
        return (
            "a number has no plus sign in JSON".to_owned(),
            Some(format!("write {unsigned}")),
        );
    }
    if unsigned.starts_with('.') || unsigned.ends_with('.') {
        return (
            "a number needs a digit on both sides of its point".to_owned(),
            None,
        );
    }
    if unsigned.len() > 1 && unsigned.starts_with('0') && unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return ("a number does not start with 0 in JSON".to_owned(), None);
    }
    if unsigned.ends_with(|c: char| c.is_alphabetic()) && unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return (
            format!("`{text}` is neither a number nor a text"),
            Some(format!("a value with a unit is a text: \"{text}\"")),
        );
    }
    (format!("`{text}` is not a number"), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn refused(text: &str) -> Diagnostic {
        match parse(text, 0) {
            Ok(node) => panic!("{text} was read as {node:?}"),
            Err(problems) => problems[0].clone(),
        }
    }

    #[test]
    fn comments_are_blanks() {
        let node = parse("// a\n{ /* b */ \"x\": 1 } // c", 0).unwrap();
        assert_eq!(node.to_value(), serde_json::json!({ "x": 1 }));
    }

    #[test]
    fn places_cover_exactly_the_value() {
        let text = r#"{ "a": [1, "zwei"] }"#;
        let node = parse(text, 0).unwrap();
        let list = node.get("a").unwrap();
        assert_eq!(&text[list.span.start..list.span.end], r#"[1, "zwei"]"#);
    }

    /// Nothing of JSON5 but comments.
    #[test]
    fn every_other_leniency_is_refused() {
        for text in [
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "{'a':1}",
            "['a']",
            "[0x1F]",
            "[+1]",
            "[.5]",
            "[5.]",
            "[NaN]",
            "[Infinity]",
            "[-Infinity]",
            "[1 2]",
            "{\"a\" 1}",
            "[01]",
            "[1e]",
            "[--1]",
            "[1]x",
            "[1][2]",
            "[\"\\x41\"]",
            "[\"a\nb\"]",
            "[\"a\tb\"]",
            "[\"\\ud800\"]",
            "[\"\\udc00\"]",
            "[\u{a0}1]",
            "[1\u{b}]",
            "[tru]",
            "[True]",
            "",
            "  ",
            "// only",
            "[",
            "{",
            "{\"a\"",
            "{\"a\":",
            "[1",
            "\"a",
            "/* a",
            "]",
            "[1}",
            "[,]",
            "[1,,2]",
            "{,}",
            "{\"a\":,}",
            "# a",
            "[1e999]",
            "[1e-999]",
            "{\"a\":1,\"a\":2}",
        ] {
            refused(text);
        }
    }

    #[test]
    fn a_missing_bracket_is_reported_where_it_was_opened() {
        let text = "{ \"a\": [1, 2";
        let span = refused(text).span.unwrap();
        assert_eq!(span.start, 7);
    }

    #[test]
    fn depth_is_bounded_and_costs_no_stack() {
        let at_bound = "[".repeat(limits::DEPTH) + &"]".repeat(limits::DEPTH);
        assert!(parse(&at_bound, 0).is_ok());
        for depth in [limits::DEPTH + 1, 1_000_000] {
            assert!(refused(&"[".repeat(depth)).message.contains("64 levels"));
        }
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<u64>().prop_map(Into::into),
            (-1e30f64..1e30).prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// What serde_json writes, this reads to the same value.
        #[test]
        fn all_of_json_is_read(value in any_json(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            prop_assert_eq!(parse(&text.unwrap(), 0).unwrap().to_value(), value);
        }

        /// Without comments this accepts nothing that serde_json refuses, and never panics.
        #[test]
        fn nothing_but_json_is_read(text in r#"[\[\]{},:"\\/ \n0-9eE+.a-z\-u'*é]{0,24}"#) {
            if let Ok(node) = parse(&text, 0) {
                if !text.contains("//") && !text.contains("/*") {
                    let theirs: serde_json::Value = serde_json::from_str(&text).unwrap();
                    prop_assert_eq!(node.to_value(), theirs);
                }
            }
        }
    }
}
