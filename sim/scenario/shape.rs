//! Whether a document has the shape of a scenario: keys, kinds of value, units, ranges.
//!
//! Walks the tree along the JSON Schema that the types generate, so that types, schema and messages cannot
//! drift apart, and goes on after a problem. What it lets pass, the types can hold.

use crate::kernel::time::SimDuration;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::json::{Entry, Kind, Node, quoted};
use crate::scenario::locate::FieldPath;
use crate::scenario::units::{Rate, Size};
use crate::scenario::{limits, schema, suggest, vocabulary};
use serde_json::Value;
use std::collections::BTreeMap;

/// The schema of scenario files, ready to be walked.
pub struct Shapes {
    root: Value,
    /// For each key, the objects that have it, as patterns like `groups.*.consumers`.
    owners: BTreeMap<String, Vec<String>>,
}

/// Texts with a grammar of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Duration,
    Rate,
    Size,
}

/// The kinds of value that a field may hold.
#[derive(Default)]
pub struct Forms<'s> {
    /// Texts that are allowed as they stand.
    words: Vec<&'s str>,
    unit: Option<Unit>,
    /// Whether any text will do.
    text: bool,
    number: Option<&'s Value>,
    boolean: bool,
    list: Option<&'s Value>,
    objects: Vec<&'s Value>,
}

/// What an object schema says of a key.
pub enum Child<'s> {
    /// A key of its own.
    Property(&'s Value),
    /// A name that the author chooses, in an object that works as a map.
    MapEntry(&'s Value),
    /// No such key.
    Unknown,
}

impl Default for Shapes {
    fn default() -> Self {
        Self::new()
    }
}

impl Shapes {
    /// The shapes of scenario files.
    pub fn new() -> Self {
        let root = schema::json_schema();
        let mut shapes = Self {
            root,
            owners: BTreeMap::new(),
        };
        let mut owners = BTreeMap::new();
        shapes.collect_owners(&shapes.root, "", &mut owners);
        shapes.owners = owners;
        shapes
    }

    /// The schema of the whole file.
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// Everything in which `document` differs from the shape of a scenario.
    pub fn check(&self, document: &Node) -> Vec<Diagnostic> {
        let mut checker = Checker {
            shapes: self,
            problems: Vec::new(),
        };
        checker.value(document, &self.root, &FieldPath::default(), "");
        checker.problems
    }

    /// The kinds of value that `schema` allows, references followed and unions flattened.
    pub fn forms<'s>(&'s self, schema: &'s Value) -> Forms<'s> {
        let mut forms = Forms::default();
        self.gather(schema, &mut forms);
        forms
    }

    fn gather<'s>(&'s self, schema: &'s Value, forms: &mut Forms<'s>) {
        if let Some(name) = schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
            match name {
                "Duration" => forms.unit = Some(Unit::Duration),
                "Rate" => forms.unit = Some(Unit::Rate),
                "Size" => forms.unit = Some(Unit::Size),
                _ => self.gather(&self.root["$defs"][name], forms),
            }
            return;
        }
        for union in ["anyOf", "oneOf"] {
            for alternative in schema[union].as_array().into_iter().flatten() {
                self.gather(alternative, forms);
            }
        }
        if let Some(word) = schema["const"].as_str() {
            forms.words.push(word);
            return;
        }
        if let Some(words) = schema["enum"].as_array() {
            forms.words.extend(words.iter().filter_map(Value::as_str));
            return;
        }
        match schema["type"].as_str() {
            Some("string") => forms.text = true,
            Some("integer" | "number") => forms.number = Some(schema),
            Some("boolean") => forms.boolean = true,
            Some("array") => forms.list = Some(schema),
            Some("object") => forms.objects.push(schema),
            _ => {}
        }
    }

    fn collect_owners(&self, schema: &Value, pattern: &str, owners: &mut BTreeMap<String, Vec<String>>) {
        let forms = self.forms(schema);
        for object in forms.objects {
            for (key, child) in object["properties"].as_object().into_iter().flatten() {
                let list = owners.entry(key.clone()).or_default();
                if !list.iter().any(|p| p == pattern) {
                    list.push(pattern.to_owned());
                }
                self.collect_owners(child, &joined(pattern, key), owners);
            }
            if object["additionalProperties"].is_object() {
                self.collect_owners(&object["additionalProperties"], &joined(pattern, "*"), owners);
            }
        }
        if let Some(list) = forms.list {
            self.collect_owners(&list["items"], pattern, owners);
        }
    }
}

impl<'s> Forms<'s> {
    /// What the objects allowed here say of `key`.
    pub fn child(&self, key: &str) -> Child<'s> {
        for object in &self.objects {
            if let Some(schema) = object["properties"].get(key) {
                return Child::Property(schema);
            }
            if object["additionalProperties"].is_object() {
                return Child::MapEntry(&object["additionalProperties"]);
            }
        }
        Child::Unknown
    }

    /// The schema of the elements, if a list is allowed.
    pub fn items(&self) -> Option<&'s Value> {
        self.list.map(|list| &list["items"])
    }

    /// Whether texts are allowed, but no numbers.
    pub fn wants_text(&self) -> bool {
        self.number.is_none() && self.unit.is_none() && (self.text || !self.words.is_empty())
    }

    /// Objects that are told apart by their only key, like `{ "uniform": … }`.
    fn tagged(&self) -> bool {
        let one = |o: &&Value| {
            o["properties"].as_object().is_some_and(|p| p.len() == 1)
                && o["required"].as_array().is_some_and(|r| r.len() == 1)
                && o["additionalProperties"] == Value::Bool(false)
        };
        !self.objects.is_empty()
            && self.objects.iter().all(one)
            && (self.objects.len() > 1 || self.list.is_none())
    }

    fn object_keys(&self) -> Vec<&'s str> {
        let keys = |o: &&'s Value| {
            o["properties"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(k, _)| k.as_str())
        };
        self.objects.iter().flat_map(keys).collect()
    }

    /// What is expected, as in "must be …".
    fn expected(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        match self.unit {
            Some(Unit::Duration) => parts.push("a duration like \"250ms\"".to_owned()),
            Some(Unit::Rate) => parts.push("a rate like \"800/s\"".to_owned()),
            Some(Unit::Size) => parts.push("a size like \"2KiB\"".to_owned()),
            None => {}
        }
        match self.words.as_slice() {
            [] => {}
            [word] => parts.push(format!("\"{word}\"")),
            words => parts.push(format!("one of \"{}\"", words.join("\", \""))),
        }
        if let Some(number) = self.number {
            parts.push(
                if number["type"] == "integer" {
                    "a whole number"
                } else {
                    "a number"
                }
                .to_owned(),
            );
        } else if self.text {
            parts.push("a text".to_owned());
        }
        if self.boolean {
            parts.push("true or false".to_owned());
        }
        if self.tagged() {
            let keys = self.object_keys();
            let keys = keys
                .iter()
                .map(|k| format!("\"{k}\""))
                .collect::<Vec<_>>()
                .join(", ");
            parts.push(format!("an object with the key {keys}"));
        } else if !self.objects.is_empty() {
            parts.push("an object".to_owned());
        }
        if self.list.is_some() {
            parts.push("a list".to_owned());
        }
        parts.join(" or ")
    }
}

fn joined(pattern: &str, key: &str) -> String {
    if pattern.is_empty() {
        key.to_owned()
    } else {
        format!("{pattern}.{key}")
    }
}

/// The file as a whole, or a field of it, as the subject of a sentence.
fn subject(path: &FieldPath) -> String {
    if path.0.is_empty() {
        "the scenario".to_owned()
    } else {
        format!("`{path}`")
    }
}

struct Checker<'a> {
    shapes: &'a Shapes,
    problems: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn value(&mut self, node: &Node, schema: &Value, path: &FieldPath, pattern: &str) {
        let forms = self.shapes.forms(schema);
        match &node.kind {
            Kind::Text(text) => self.text(node, text, &forms, path, pattern),
            Kind::Number(text) => match forms.number {
                Some(number) => self.number(node, text, number, schema, path),
                None => self.wrong_kind(node, &forms, path),
            },
            Kind::Bool(_) if forms.boolean => {}
            Kind::Array(items) => match forms.list {
                Some(list) => {
                    if items.is_empty() && list["minItems"].as_u64().unwrap_or(0) > 0 {
                        self.report(
                            node,
                            path,
                            format!("{} must not be empty", subject(path)),
                            "nothing in it",
                        );
                    }
                    for (i, item) in items.iter().enumerate() {
                        self.value(item, &list["items"], &path.index(i), pattern);
                    }
                }
                None => self.wrong_kind(node, &forms, path),
            },
            Kind::Object(entries) if forms.tagged() => self.tagged(node, entries, &forms, path, pattern),
            Kind::Object(entries) => match forms.objects.first() {
                Some(object) => self.object(node, entries, object, schema, path, pattern),
                None => self.wrong_kind(node, &forms, path),
            },
            Kind::Null => {
                let problem = Diagnostic::new(format!(
                    "{} must be {}, but is null",
                    subject(path),
                    forms.expected()
                ))
                .help("to get the default, leave the key out");
                self.problems
                    .push(problem.at(node.span).field(path).label("null is no value here"));
            }
            Kind::Bool(_) => self.wrong_kind(node, &forms, path),
        }
    }

    fn report(&mut self, node: &Node, path: &FieldPath, message: String, label: &str) {
        self.problems.push(
            Diagnostic::new(message)
                .at(node.opening())
                .field(path)
                .label(label),
        );
    }

    fn wrong_kind(&mut self, node: &Node, forms: &Forms<'_>, path: &FieldPath) {
        let expected = forms.expected();
        let message = format!("{} must be {expected}, but is {}", subject(path), node.found());
        let mut problem = Diagnostic::new(message).at(node.opening()).field(path);
        problem.label = match (&node.kind, forms.unit) {
            (Kind::Number(_), Some(_)) => "the unit is missing".to_owned(),
            _ => format!("expected {expected}"),
        };
        if let Kind::Number(n) = &node.kind {
            let help = match forms.unit {
                Some(Unit::Duration) => Some(format!("write \"{n}ms\", \"{n}s\" or \"{n}m\"")),
                Some(Unit::Rate) => Some(format!("write \"{n}/s\" for so many in a second, or \"{n}/min\"")),
                Some(Unit::Size) => Some(format!("write \"{n}B\" for bytes, or \"{n}KiB\"")),
                None if forms.wants_text() => Some(format!("write it in quotes: \"{n}\"")),
                None => None,
            };
            problem.help.extend(help);
        }
        self.problems.push(problem);
    }

    fn text(&mut self, node: &Node, text: &str, forms: &Forms<'_>, path: &FieldPath, pattern: &str) {
        if forms.words.contains(&text) || (forms.text && forms.number.is_none()) {
            return;
        }
        if let Some(reason) = vocabulary::word_not_yet(pattern, text) {
            self.problems.push(
                Diagnostic::new(format!("\"{text}\" is not supported yet as `{path}`"))
                    .at(node.span)
                    .field(path)
                    .label("RocketMQ has it, this version of rmqsim does not")
                    .help(reason),
            );
            return;
        }
        if let Some(unit) = forms.unit {
            let error = match unit {
                Unit::Duration => text.parse::<SimDuration>().err().map(|e| e.to_string()),
                Unit::Rate => text.parse::<Rate>().err().map(|e| e.to_string()),
                Unit::Size => text.parse::<Size>().err().map(|e| e.to_string()),
            };
            let Some(error) = error else { return };
            // A word rather than a quantity: the words are what was meant.
            if forms.words.is_empty() || text.contains(|c: char| c.is_ascii_digit()) {
                let mut problem = Diagnostic::new(format!("`{path}`: {error}"))
                    .at(node.span)
                    .field(path);
                problem.label = format!("expected {}", forms.expected());
                self.problems.push(problem);
                return;
            }
        }
        if !forms.words.is_empty() {
            let hint = suggest::did_you_mean(text, forms.words.iter().copied());
            let mut problem = Diagnostic::new(format!("`{path}` cannot be {}{hint}", quoted(text)))
                .at(node.span)
                .field(path)
                .label(format!("expected {}", forms.expected()));
            let keys = forms.object_keys();
            if forms.tagged() && keys.contains(&text) {
                problem.help.push(format!(
                    "\"{text}\" is the key of an object: {{ \"{text}\": {{ … }} }}"
                ));
            }
            self.problems.push(problem);
            return;
        }
        // The seed: a number, or the same in quotes.
        if forms.number.is_some() && forms.text && text.parse::<u64>().is_ok() {
            return;
        }
        let mut problem = Diagnostic::new(format!(
            "`{path}` must be {}, but is {}",
            forms.expected(),
            node.found()
        ))
        .at(node.span)
        .field(path)
        .label(format!("expected {}", forms.expected()));
        if forms.number.is_some() && text.parse::<f64>().is_ok() {
            problem.help.push(format!("write it without quotes: {text}"));
        } else if forms.boolean && matches!(text, "true" | "false") {
            problem.help.push(format!("write it without quotes: {text}"));
        } else if pattern == "groups.*.subscribe" {
            problem.help.push(format!(
                "write {{ \"{text}\": \"*\" }} to subscribe to all messages of a topic"
            ));
        }
        self.problems.push(problem);
    }

    fn number(&mut self, node: &Node, text: &str, number: &Value, field: &Value, path: &FieldPath) {
        let whole = number["type"] == "integer";
        let (mut min, mut max) = match number["format"].as_str() {
            Some("uint32") => (Some(0.0), Some(f64::from(u32::MAX))),
            Some("int32") => (Some(f64::from(i32::MIN)), Some(f64::from(i32::MAX))),
            Some("uint64") => (Some(0.0), None),
            _ => (None, None),
        };
        if field["$ref"] == "#/$defs/Millis" {
            max = Some(limits::DURATION.as_millis() as f64);
        }
        for schema in [number, field] {
            min = schema["minimum"].as_f64().or(min);
            max = schema["maximum"].as_f64().or(max);
        }
        let value: f64 = text.parse().unwrap_or(f64::NAN);
        if whole && text.contains(['.', 'e', 'E']) {
            let message = format!("`{path}` must be a whole number, but is {text}");
            let mut problem = Diagnostic::new(message)
                .at(node.span)
                .field(path)
                .label("not a whole number");
            if value.fract() == 0.0 && value.abs() < 9e15 {
                problem.help.push(format!("write {value:.0}"));
            }
            self.problems.push(problem);
            return;
        }
        let fits = !whole || text.parse::<u64>().is_ok() || text.parse::<i64>().is_ok();
        let too_small = min.is_some_and(|min| value < min);
        let too_large = max.is_some_and(|max| value > max) || !fits;
        if !too_small && !too_large {
            return;
        }
        let range = match (min, max) {
            (Some(min), Some(max)) if min == max => format!("be {min}"),
            (Some(min), Some(max)) => format!("be between {min} and {max}"),
            (Some(min), None) if !too_large => format!("be {min} or more"),
            _ if !fits => "be at most 18446744073709551615".to_owned(),
            _ => "have another value".to_owned(),
        };
        let mut problem = Diagnostic::new(format!("`{path}` must {range}, but is {text}"))
            .at(node.span)
            .field(path)
            .label(if too_small { "too small" } else { "too large" });
        if !whole && max == Some(1.0) && value > 1.0 && value <= 100.0 {
            problem.help.push(format!("for {text} % write {}", value / 100.0));
        }
        if path.to_string() == "version" {
            problem
                .help
                .push("this program reads version 1 of the format".to_owned());
        }
        self.problems.push(problem);
    }

    /// An object that is told by its only key, like a distribution.
    fn tagged(&mut self, node: &Node, entries: &[Entry], forms: &Forms<'_>, path: &FieldPath, pattern: &str) {
        let keys = forms.object_keys();
        let known = |entry: &&Entry| keys.contains(&entry.key.as_str());
        for entry in entries.iter().filter(|e| !known(e)) {
            self.unknown_key(entry, &keys, path, pattern);
        }
        let entries: Vec<&Entry> = entries.iter().filter(known).collect();
        match entries.as_slice() {
            [] => {
                if node.kind == Kind::Object(Vec::new()) {
                    let message = format!("`{path}` must be {}, but is empty", forms.expected());
                    self.report(node, path, message, "nothing in it");
                }
            }
            [entry] => {
                if let Child::Property(schema) = forms.child(&entry.key) {
                    self.value(
                        &entry.value,
                        schema,
                        &path.key(&entry.key),
                        &joined(pattern, &entry.key),
                    );
                }
            }
            [first, second, ..] => self.problems.push(
                Diagnostic::new(format!(
                    "`{path}` must have one key, but has `{}` and `{}`",
                    first.key, second.key
                ))
                .at(second.key_span)
                .field(path)
                .label("one too many")
                .related(first.key_span, "already given here"),
            ),
        }
    }

    fn object(
        &mut self,
        node: &Node,
        entries: &[Entry],
        object: &Value,
        field: &Value,
        path: &FieldPath,
        pattern: &str,
    ) {
        let keys: Vec<&str> = object["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(k, _)| k.as_str())
            .collect();
        for entry in entries {
            let (child, step) = match object["properties"].get(&entry.key) {
                Some(child) => (child, entry.key.as_str()),
                None if object["additionalProperties"].is_object() => (&object["additionalProperties"], "*"),
                None => {
                    self.unknown_key(entry, &keys, path, pattern);
                    continue;
                }
            };
            self.value(&entry.value, child, &path.key(&entry.key), &joined(pattern, step));
        }
        for required in object["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if node.get(required).is_none() {
                let place = if path.0.is_empty() {
                    "the scenario".to_owned()
                } else {
                    format!("`{path}`")
                };
                let mut problem = Diagnostic::new(format!("{place} needs the key \"{required}\""))
                    .at(node.opening())
                    .field(path.key(required))
                    .label(format!("\"{required}\" is missing in this object"));
                problem.help.extend(
                    vocabulary::example(&joined(pattern, required)).map(|e| format!("for example {e}")),
                );
                self.problems.push(problem);
            }
        }
        let least = object["minProperties"]
            .as_u64()
            .or(field["minProperties"].as_u64());
        if entries.is_empty() && least.unwrap_or(0) > 0 {
            self.report(
                node,
                path,
                format!("{} must not be empty", subject(path)),
                "nothing in it",
            );
        }
    }

    fn unknown_key(&mut self, entry: &Entry, keys: &[&str], path: &FieldPath, pattern: &str) {
        let key = entry.key.as_str();
        let place = if path.0.is_empty() {
            "at the top level".to_owned()
        } else {
            format!("in `{path}`")
        };
        let ours = vocabulary::other_name(key).filter(|ours| keys.contains(ours));
        let near = ours.or_else(|| suggest::nearest(key, keys.iter().copied()));
        if near.is_none()
            && let Some(reason) = vocabulary::key_not_yet(pattern, key)
        {
            self.problems.push(
                Diagnostic::new(format!("`{key}` is not supported yet {place}"))
                    .at(entry.key_span)
                    .field(path.key(key))
                    .label("this version of rmqsim cannot do it")
                    .help(reason),
            );
            return;
        }
        let hint = near.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
        let mut problem = Diagnostic::new(format!("unknown key {} {place}{hint}", key_text(key)))
            .at(entry.key_span)
            .field(path.key(key))
            .label("no such key here");
        if let Some(ours) = ours {
            problem
                .help
                .push(format!("what RocketMQ calls `{key}` is called `{ours}` here"));
        } else if let Some(owners) = self.shapes.owners.get(key) {
            let owners: Vec<String> = owners
                .iter()
                .map(|o| {
                    if o.is_empty() {
                        "the top level".to_owned()
                    } else {
                        format!("`{o}`")
                    }
                })
                .collect();
            problem
                .help
                .push(format!("`{key}` belongs to {}", owners.join(" or ")));
        }
        if near.is_none() {
            problem
                .help
                .push(format!("known keys: {}", suggest::list(keys.iter().copied(), 30)));
        }
        self.problems.push(problem);
    }
}

/// A key for a message: as it is if it is a plain word, else in quotes with escapes.
fn key_text(key: &str) -> String {
    let plain =
        !key.is_empty() && key.len() <= 60 && key.chars().all(|c| c.is_alphanumeric() || "_-$%".contains(c));
    if plain { format!("`{key}`") } else { quoted(key) }
}
