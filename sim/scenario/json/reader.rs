//! The structure of a document: objects, lists, commas, colons; an explicit stack of what is open.

use super::{Entry, Kind, Node, quoted};
use crate::scenario::diagnostic::{COLLECTED, Diagnostic, Span};
use crate::scenario::limits;
use std::collections::BTreeMap;
use std::ops::Range;

pub(super) type Fallible<T> = Result<T, Box<Diagnostic>>;

/// A text and how far it has been read.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    source: usize,
    /// Next byte to be read.
    pub(super) at: usize,
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
        /// Keys so far and where they stand.
        seen: BTreeMap<String, Span>,
        /// The key whose value is being read.
        key: Option<(String, Span)>,
    },
}

impl<'a> Reader<'a> {
    /// At the start of `text`, which is source number `source`.
    pub(super) fn new(text: &'a str, source: usize) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            source,
            at: 0,
            twice: Vec::new(),
        }
    }

    /// Reads everything: the first breach of syntax, or all keys that are given twice, make it fail.
    pub(super) fn document(mut self) -> Result<Node, Vec<Diagnostic>> {
        let node = self.root().map_err(|problem| vec![*problem])?;
        if self.twice.is_empty() {
            Ok(node)
        } else {
            Err(self.twice)
        }
    }

    fn root(&mut self) -> Fallible<Node> {
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

    /// Reads a value; if one opens that holds others, pushes it onto the stack and gives `None`.
    fn value_or_open(&mut self, stack: &mut Vec<Open>) -> Fallible<Option<Node>> {
        self.skip_blank()?;
        let start = self.at;
        match self.bytes.get(start) {
            None => Err(self.unclosed(stack)),
            Some(b'{') => self.open(b'}', stack),
            Some(b'[') => self.open(b']', stack),
            Some(b'"') => {
                let kind = Kind::Text(self.string()?);
                let span = self.span(start, self.at);
                Ok(Some(Node { span, kind }))
            }
            Some(b'-' | b'0'..=b'9') => self.number().map(Some),
            Some(_) => self.word().map(Some),
        }
    }

    /// Opens the object or list that `close` will close; gives it at once if it is empty.
    fn open(&mut self, close: u8, stack: &mut Vec<Open>) -> Fallible<Option<Node>> {
        let start = self.at;
        if stack.len() == limits::DEPTH {
            let message = format!("the file nests deeper than {} levels", limits::DEPTH);
            return Err(self.problem(start..start + 1, message, "one level too deep"));
        }
        self.at += 1;
        self.skip_blank()?;
        let is_empty = self.bytes.get(self.at) == Some(&close);
        let open = if close == b'}' {
            Open::Object {
                start,
                entries: Vec::new(),
                seen: BTreeMap::new(),
                key: None,
            }
        } else {
            Open::Array {
                start,
                items: Vec::new(),
            }
        };
        if is_empty {
            self.at += 1;
            return Ok(Some(self.closed(open)));
        }
        stack.push(open);
        if close == b'}' {
            self.key(stack)?;
        }
        Ok(None)
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
        if let Some(Open::Object { seen, key, .. }) = stack.last_mut() {
            if let Some(first) = seen.insert(text.clone(), key_span) {
                self.twice.truncate(COLLECTED - 1);
                self.twice.push(
                    Diagnostic::new(format!("the key {} is given twice in this object", quoted(&text)))
                        .at(key_span)
                        .label("given again here")
                        .related(first, "first given here")
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

    pub(super) fn single_quotes(&self) -> Box<Diagnostic> {
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

    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        Span {
            source: self.source,
            start,
            end,
        }
    }

    pub(super) fn problem(
        &self,
        range: Range<usize>,
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
