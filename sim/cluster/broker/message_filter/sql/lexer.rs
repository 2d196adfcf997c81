//! Words of SQL92 expressions.
//!
//! Source: the token part of `SelectorParser.jj`.

use crate::cluster::broker::message_filter::sql::SqlError;
use std::ops::Range;

/// A word, number, text or sign.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A reserved word, in upper case.
    Word(&'static str),
    /// A sign.
    Sign(&'static str),
    /// A property.
    Name(String),
    /// A text, without its quotes.
    Text(String),
    /// An integer as it is written, without its `L`.
    Integer(String),
    /// A floating-point number as it is written.
    Float(String),
    /// The end of the text.
    End,
}

const WORDS: [&str; 12] = [
    "NOT",
    "AND",
    "OR",
    "BETWEEN",
    "IN",
    "TRUE",
    "FALSE",
    "NULL",
    "IS",
    "CONTAINS",
    "STARTSWITH",
    "ENDSWITH",
];

/// The longer before what they begin with.
const SIGNS: [&str; 10] = ["<>", ">=", "<=", "=", ">", "<", "(", ",", ")", "+"];

/// Reads one token after another.
pub struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    /// At the beginning of `text`.
    pub fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The next token and where it stands.
    ///
    /// # Errors
    /// If none begins there.
    pub fn next(&mut self) -> Result<(Token, Range<usize>), SqlError> {
        self.skip()?;
        let start = self.at;
        let rest = &self.text[start..];
        let Some(first) = rest.chars().next() else {
            return Ok((Token::End, start..start));
        };
        let (token, length) = match first {
            '\'' => self.text_literal(rest)?,
            'a'..='z' | 'A'..='Z' | '_' | '$' => word(rest),
            '0'..='9' | '.' => number(rest).ok_or_else(|| self.unknown(first))?,
            '-' => (Token::Sign("-"), 1),
            _ => {
                let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
                let sign = sign.ok_or_else(|| self.unknown(first))?;
                (Token::Sign(sign), sign.len())
            }
        };
        self.at += length;
        Ok((token, start..self.at))
    }

    /// Passes blanks and comments. A line comment ends with a line end, without which it is none.
    fn skip(&mut self) -> Result<(), SqlError> {
        loop {
            let rest = &self.text[self.at..];
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']).len();
            let rest = &rest[blanks..];
            self.at += blanks;
            if let Some(comment) = rest.strip_prefix("/*") {
                let Some(end) = comment.find("*/") else {
                    return Err(SqlError {
                        at: self.at..self.at + 2,
                        message: "this comment has no end".to_owned(),
                    });
                };
                self.at += end + 4;
            } else if rest.starts_with("--")
                && let Some(end) = rest.find(['\n', '\r'])
            {
                self.at += end;
            } else {
                return Ok(());
            }
        }
    }

    fn text_literal(&self, rest: &str) -> Result<(Token, usize), SqlError> {
        let mut text = String::new();
        let mut from = 1;
        while let Some(quote) = rest[from..].find('\'') {
            text.push_str(&rest[from..from + quote]);
            from += quote + 1;
            if !rest[from..].starts_with('\'') {
                return Ok((Token::Text(text), from));
            }
            text.push('\'');
            from += 1;
        }
        Err(SqlError {
            at: self.at..self.text.len(),
            message: "this text has no closing quote".to_owned(),
        })
    }

    fn unknown(&self, found: char) -> SqlError {
        let message = match found {
            '"' => "texts stand in single quotes".to_owned(),
            '!' => "`!` means nothing here; not equal is `<>`".to_owned(),
            _ => format!("`{found}` means nothing here"),
        };
        SqlError {
            at: self.at..self.at + found.len_utf8(),
            message,
        }
    }
}

fn word(rest: &str) -> (Token, usize) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    let name = &rest[..length];
    let reserved = WORDS.into_iter().find(|word| word.eq_ignore_ascii_case(name));
    let token = reserved.map_or_else(|| Token::Name(name.to_owned()), Token::Word);
    (token, length)
}

fn number(rest: &str) -> Option<(Token, usize)> {
    let digits = |from: usize| {
        let rest = &rest[from..];
        rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())
    };
    let whole = digits(0);
    let mut end = whole;
    let has_point = rest[end..].starts_with('.');
    if has_point {
        let part = digits(end + 1);
        if whole + part == 0 {
            return None;
        }
        end += 1 + part;
    }
    let exponent = exponent(&rest[end..]);
    if has_point || exponent > 0 {
        end += exponent;
        return Some((Token::Float(rest[..end].to_owned()), end));
    }
    // No integer begins with 0 but 0 itself.
    if rest.starts_with('0') {
        return Some((Token::Integer("0".to_owned()), 1));
    }
    let long = usize::from(rest[whole..].starts_with(['l', 'L']));
    Some((Token::Integer(rest[..whole].to_owned()), whole + long))
}

/// Length of the exponent with which `rest` begins.
fn exponent(rest: &str) -> usize {
    let Some(after) = rest.strip_prefix(['e', 'E']) else {
        return 0;
    };
    let unsigned = after.strip_prefix(['+', '-']).unwrap_or(after);
    let digits = unsigned.len() - unsigned.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits == 0 {
        return 0;
    }
    rest.len() - unsigned.len() + digits
}
