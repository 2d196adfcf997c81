//! From a byte to a line and a column, and from a field's path to its place in the text.

use crate::scenario::diagnostic::Span;
use crate::scenario::json::{Kind, Node};
use std::fmt;

/// A place as editors count it: both from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineColumn {
    /// From 1.
    pub line: usize,
    /// From 1, in characters: a tab and a Chinese character count one each.
    pub column: usize,
}

/// Where byte `offset` of `text` stands.
pub fn line_column(text: &str, offset: usize) -> LineColumn {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    // Every byte that does not continue a character starts one.
    let column = before[start..].iter().filter(|b| (**b & 0xC0) != 0x80).count() + 1;
    LineColumn { line, column }
}

/// A step into an object or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the value of a key.
    Key(String),
    /// To an element, counted from 0.
    Index(usize),
}

/// The way from the root of a document to a field; shown as `groups.billing.consumers[1].threads`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldPath(pub Vec<Step>);

impl FieldPath {
    /// The path one key further down.
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.step(Step::Key(key.into()))
    }
    /// The path one element further down.
    pub fn index(&self, index: usize) -> Self {
        self.step(Step::Index(index))
    }
    fn step(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if i == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// The value at `path`, or the deepest value on the way that is there.
pub fn nearest_node<'a>(root: &'a Node, path: &FieldPath) -> (&'a Node, bool) {
    let mut node = root;
    for step in &path.0 {
        let next = match (step, &node.kind) {
            (Step::Key(key), Kind::Object(_)) => node.get(key),
            (Step::Index(index), Kind::Array(items)) => items.get(*index),
            _ => None,
        };
        match next {
            Some(next) => node = next,
            None => return (node, false),
        }
    }
    (node, true)
}

/// Where to point for the field at `path`: at its value, else at the object in which it is missing.
pub fn span_of(root: &Node, path: &FieldPath) -> Span {
    match nearest_node(root, path) {
        (node, true) => node.span,
        (node, false) => node.opening(),
    }
}

/// Where to point for the name of the map entry at `path`: at its key.
pub fn key_span_of(root: &Node, path: &FieldPath) -> Span {
    let parent = FieldPath(path.0[..path.0.len().saturating_sub(1)].to_vec());
    if let (node, true) = nearest_node(root, &parent)
        && let (Kind::Object(entries), Some(Step::Key(key))) = (&node.kind, path.0.last())
        && let Some(entry) = entries.iter().find(|e| e.key == *key)
    {
        return entry.key_span;
    }
    span_of(root, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, offset: usize, line: usize, column: usize) {
        assert_eq!(line_column(text, offset), LineColumn { line, column });
    }

    #[test]
    fn columns_count_characters() {
        check("abc", 0, 1, 1);
        check("a\nbc", 3, 2, 2);
        check("a\r\nbc", 4, 2, 2);
        check("\tx", 1, 1, 2);
        check("订单x", 6, 1, 3);
        check("ab", 2, 1, 3);
        check("ab\n", 3, 2, 1);
    }
}
