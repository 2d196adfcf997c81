//! Whether a document has the shape of a scenario: keys, kinds of value, units, ranges.
//!
//! Walks the tree along the JSON Schema that the types generate, so that types, schema and messages cannot
//! drift apart, and goes on after a problem. What it lets pass, the types can hold.

mod forms;
mod scalars;

pub use forms::{Child, Forms, Shapes};

use crate::scenario::diagnostic::{COLLECTED, Diagnostic, Span};
use crate::scenario::json::{Entry, Kind, Node, quoted};
use crate::scenario::locate::FieldPath;
use crate::scenario::{suggest, vocabulary};
use forms::{property_names, required_names};
use serde_json::Value;

impl Shapes {
    /// Everything in which `document` differs from the shape of a scenario.
    pub fn check(&self, document: &Node) -> Vec<Diagnostic> {
        let mut checker = Checker {
            shapes: self,
            problems: Vec::new(),
        };
        checker.value(document, self.root(), &Place::default());
        checker.problems
    }

    /// The same for a study block that stands by itself.
    pub fn check_study(&self, document: &Node) -> Vec<Diagnostic> {
        let mut checker = Checker {
            shapes: self,
            problems: Vec::new(),
        };
        let schema = &self.root()["properties"]["study"];
        checker.value(document, schema, &Place::default().property("study"));
        checker.problems
    }

    /// The same for a strategy that stands by itself.
    pub fn check_strategy(&self, document: &Node) -> Vec<Diagnostic> {
        let mut checker = Checker {
            shapes: self,
            problems: Vec::new(),
        };
        let schema = &self.root()["$defs"]["Strategy"];
        checker.value(document, schema, &Place::default().property("strategy"));
        checker.problems
    }
}

/// Where the walk is.
#[derive(Clone, Debug, Default)]
struct Place {
    /// The field, as the file names it.
    path: FieldPath,
    /// The same with `*` for names that the author chose and without indices: `groups.*.consumers`.
    pattern: String,
}

impl Place {
    fn property(&self, key: &str) -> Self {
        Self {
            path: self.path.key(key),
            pattern: joined(&self.pattern, key),
        }
    }
    fn map_entry(&self, key: &str) -> Self {
        Self {
            path: self.path.key(key),
            pattern: joined(&self.pattern, "*"),
        }
    }
    fn element(&self, index: usize) -> Self {
        Self {
            path: self.path.index(index),
            pattern: self.pattern.clone(),
        }
    }
    fn is_root(&self) -> bool {
        self.path.0.is_empty()
    }
    /// The field as the subject of a sentence.
    fn subject(&self) -> String {
        if self.is_root() {
            "the scenario".to_owned()
        } else {
            format!("`{}`", self.path)
        }
    }
}

fn joined(pattern: &str, key: &str) -> String {
    if pattern.is_empty() {
        key.to_owned()
    } else {
        format!("{pattern}.{key}")
    }
}

struct Checker<'a> {
    shapes: &'a Shapes,
    problems: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn value(&mut self, node: &Node, schema: &Value, place: &Place) {
        // What a study tries is judged as part of the variant that it makes.
        if schema == &Value::Bool(true) {
            return;
        }
        let forms = self.shapes.forms(schema);
        match &node.kind {
            Kind::Text(text) => self.text(node, text, &forms, place),
            Kind::Number(text) => match forms.number {
                Some(number) => self.number(node, text, [number, schema], forms.millis, place),
                None => self.wrong_kind(node, &forms, place),
            },
            Kind::Array(items) => match forms.list {
                Some(list) => self.list(node, items, list, place),
                None => self.wrong_kind(node, &forms, place),
            },
            Kind::Object(entries) if forms.is_tagged() => self.tagged(node, entries, &forms, place),
            Kind::Object(entries) => match forms.objects.first() {
                Some(object) => self.object(node, entries, [object, schema], place),
                None => self.wrong_kind(node, &forms, place),
            },
            Kind::Null if forms.null => {}
            Kind::Null => {
                let message = format!("{} must be {}, but is null", place.subject(), forms.expected());
                let problem = self.report(place, node.span, message);
                problem.label = "null is no value here".to_owned();
                problem
                    .help
                    .push("to get the default, leave the key out".to_owned());
            }
            Kind::Bool(_) if forms.boolean => {}
            Kind::Bool(_) => self.wrong_kind(node, &forms, place),
        }
    }

    fn report(&mut self, place: &Place, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        let problem = Diagnostic::new(message).at(span).field(&place.path);
        self.problems.truncate(COLLECTED - 1);
        self.problems.push(problem);
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    fn wrong_kind(&mut self, node: &Node, forms: &Forms<'_>, place: &Place) {
        let expected = forms.expected();
        let message = format!("{} must be {expected}, but is {}", place.subject(), node.found());
        let help = match &node.kind {
            Kind::Number(n) => forms.unit_for(n),
            _ => None,
        };
        let problem = self.report(place, node.opening(), message);
        problem.label = match (&node.kind, forms.unit) {
            (Kind::Number(_), Some(_)) => "the unit is missing".to_owned(),
            _ if expected.len() <= 40 => format!("expected {expected}"),
            _ => String::new(),
        };
        problem.help.extend(help);
    }

    fn list(&mut self, node: &Node, items: &[Node], list: &Value, place: &Place) {
        if items.is_empty() && list["minItems"].as_u64().unwrap_or(0) > 0 {
            self.must_not_be_empty(node, place);
        }
        for (i, item) in items.iter().enumerate() {
            self.value(item, &list["items"], &place.element(i));
        }
    }

    /// An object that is told by its only key, like a distribution.
    fn tagged(&mut self, node: &Node, entries: &[Entry], forms: &Forms<'_>, place: &Place) {
        let keys = forms.keys();
        let (known, unknown): (Vec<&Entry>, Vec<&Entry>) =
            entries.iter().partition(|e| keys.contains(&e.key.as_str()));
        for (i, entry) in unknown.iter().enumerate() {
            self.unknown_key(entry, &keys, place, i == 0);
        }
        match known.as_slice() {
            [] if entries.is_empty() => self.must_not_be_empty(node, place),
            [] => {}
            [entry] => {
                if let Child::Property(schema) = forms.child(&entry.key) {
                    self.value(&entry.value, schema, &place.property(&entry.key));
                }
            }
            [first, second, ..] => {
                let message = format!(
                    "{} must have one key, but has `{}` and `{}`",
                    place.subject(),
                    first.key,
                    second.key
                );
                let problem = self.report(place, second.key_span, message);
                problem.label = "one too many".to_owned();
                problem
                    .related
                    .push((first.key_span, "already given here".to_owned()));
            }
        }
    }

    /// An object with keys of ours, or one that works as a map. `schemas`: of the object, and of the field
    /// that holds it, which may add bounds.
    fn object(&mut self, node: &Node, entries: &[Entry], schemas: [&Value; 2], place: &Place) {
        let object = schemas[0];
        let keys = property_names(object);
        let mut meant = Vec::new();
        let mut first_unknown = true;
        for entry in entries {
            if let Some(child) = object["properties"].get(&entry.key) {
                self.value(&entry.value, child, &place.property(&entry.key));
            } else if object["additionalProperties"].is_object() {
                self.value(
                    &entry.value,
                    &object["additionalProperties"],
                    &place.map_entry(&entry.key),
                );
            } else {
                meant.extend(self.unknown_key(entry, &keys, place, first_unknown));
                first_unknown = false;
            }
        }
        for required in required_names(object) {
            // A key that is only misspelt has been reported already.
            if node.get(required).is_none() && !meant.contains(&required) {
                let child = place.property(required);
                let message = format!("{} needs the key \"{required}\"", place.subject());
                let problem = self.report(&child, node.opening(), message);
                problem.label = format!("\"{required}\" is missing in this object");
                let example = vocabulary::example(&child.pattern);
                problem.help.extend(example.map(|e| format!("for example {e}")));
            }
        }
        let least = schemas.iter().find_map(|s| s["minProperties"].as_u64());
        if entries.is_empty() && least.unwrap_or(0) > 0 {
            self.must_not_be_empty(node, place);
        }
    }

    fn must_not_be_empty(&mut self, node: &Node, place: &Place) {
        let message = format!("{} must not be empty", place.subject());
        self.report(place, node.span, message).label = "nothing in it".to_owned();
    }

    /// Reports a key that is not one of `keys`; gives the one that was probably meant.
    fn unknown_key<'k>(
        &mut self,
        entry: &Entry,
        keys: &[&'k str],
        place: &Place,
        list_keys: bool,
    ) -> Option<&'k str> {
        let key = entry.key.as_str();
        if self.problems.len() >= COLLECTED {
            return None;
        }
        let parent = if place.is_root() {
            "at the top level".to_owned()
        } else {
            format!("in `{}`", place.path)
        };
        let child = place.property(key);
        let ours = vocabulary::other_name(key, keys);
        let near = ours
            .map(|(ours, _)| ours)
            .or_else(|| suggest::nearest(key, keys.iter().copied()));
        if near.is_none()
            && let Some(way_out) = vocabulary::key_not_yet(&place.pattern, key)
        {
            let problem = self.report(
                &child,
                entry.key_span,
                format!("`{key}` is not supported yet {parent}"),
            );
            problem.label = "this version of rmqsim cannot do it".to_owned();
            problem.help.push(way_out.to_owned());
            return None;
        }
        let hint = near.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
        let owners = self
            .shapes
            .owners(key)
            .map(|owners| format!("`{key}` belongs to {owners}"));
        let problem = self.report(
            &child,
            entry.key_span,
            format!("unknown key {} {parent}{hint}", key_text(key)),
        );
        problem.label = "no such key here".to_owned();
        match ours {
            Some((ours, true)) => problem
                .help
                .push(format!("what RocketMQ calls `{key}` is called `{ours}` here")),
            Some((ours, false)) => problem.help.push(format!("`{key}` is called `{ours}` here")),
            None => problem.help.extend(owners),
        }
        if near.is_none() && list_keys {
            problem
                .help
                .push(format!("known keys: {}", suggest::list(keys.iter().copied(), 30)));
        }
        near
    }
}

/// A key for a message: as it is if it is a plain word, else in quotes with escapes.
fn key_text(key: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-$%".contains(c);
    if !key.is_empty() && key.len() <= 60 && key.chars().all(plain) {
        format!("`{key}`")
    } else {
        quoted(key)
    }
}
