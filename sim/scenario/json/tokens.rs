//! Texts, numbers, words, blanks and comments.

use super::reader::{Fallible, Reader};
use super::{Kind, Node, quoted};
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::limits;
use std::ops::Range;

const NO_NUMBER: &str = "not a JSON number";

impl Reader<'_> {
    /// Reads a text in double quotes and resolves its escapes.
    pub(super) fn string(&mut self) -> Fallible<String> {
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

    pub(super) fn number(&mut self) -> Fallible<Node> {
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
            let mut problem = self.problem(range, message, NO_NUMBER);
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
    pub(super) fn word(&mut self) -> Fallible<Node> {
        let range = self.word_range();
        let kind = match &self.text[range.clone()] {
            "true" => Kind::Bool(true),
            "false" => Kind::Bool(false),
            "null" => Kind::Null,
            other => return Err(self.no_value(range, other)),
        };
        self.at = range.end;
        let span = self.span(range.start, range.end);
        Ok(Node { span, kind })
    }

    /// What is wrong with `text` where a value should start.
    fn no_value(&self, range: Range<usize>, text: &str) -> Box<Diagnostic> {
        let (message, label) = match text {
            "'" => return self.single_quotes(),
            "," => (
                "expected a value, but found a comma".to_owned(),
                "no value before this",
            ),
            ":" => ("expected a value, but found a colon".to_owned(), "unexpected"),
            "}" | "]" => (
                format!("expected a value, but found `{text}`"),
                "no value before this",
            ),
            "NaN" | "Infinity" => (
                format!("{text} is not a number that a scenario can use"),
                NO_NUMBER,
            ),
            "True" | "False" | "None" | "Null" | "TRUE" | "FALSE" | "NULL" => (
                format!("`{text}` is not JSON, the words are true, false and null"),
                "wrong case",
            ),
            _ if text.starts_with(['+', '.']) => {
                let (message, help) = number_problem(text);
                let mut problem = self.problem(range, message, NO_NUMBER);
                problem.help.extend(help);
                return problem;
            }
            _ => (
                format!("expected a value, but found {}", quoted(text)),
                "a text needs double quotes",
            ),
        };
        self.problem(range, message, label)
    }

    /// The run of characters from here on that could belong to one word or number; at least one character.
    pub(super) fn word_range(&self) -> Range<usize> {
        let rest = &self.text[self.at..];
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '+' | '-' | '.');
        let len = rest.find(|c: char| !word(c)).unwrap_or(rest.len());
        let first = rest.chars().next().map_or(0, char::len_utf8);
        self.at..self.at + len.max(first)
    }

    /// The next character, for a caret.
    pub(super) fn here(&self) -> Range<usize> {
        self.word_range()
    }

    /// Skips blanks and comments.
    pub(super) fn skip_blank(&mut self) -> Fallible<()> {
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
                Some(b) if !(0x20..0x7F).contains(b) => return self.odd_character(),
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
