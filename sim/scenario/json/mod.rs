//! Strict JSON with comments, read into a tree in which every value and key knows its place.
//!
//! Accepted beyond RFC 8259: `//` and `/* */` comments, nothing else. Refused beyond it: a key given twice,
//! more than 64 levels, numbers of more than 64 characters. An explicit stack takes the place of recursion, so
//! that no input can exhaust the program's own.
//!
//! Why not a library: those with comments and places let raw line ends, foreign blanks and repeated keys
//! through, and those that are strict keep neither comments nor places. The tests hold this reader against `serde_json`.

mod reader;
mod tokens;

use crate::scenario::diagnostic::{Diagnostic, Span};
use reader::Reader;

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

    /// Element `index`, if this is a list that has it.
    pub fn element(&self, index: usize) -> Option<&Node> {
        match &self.kind {
            Kind::Array(items) => items.get(index),
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
    Reader::new(text, source).document()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::limits;
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
            let has_comment = text.contains("//") || text.contains("/*");
            if let (Ok(node), false) = (parse(&text, 0), has_comment) {
                let theirs: serde_json::Value = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(node.to_value(), theirs);
            }
        }
    }
}
