//! Reading the schema: which kinds of value a field may hold.
//!
//! Knows as much of JSON Schema as the generator uses: references, unions, objects with fixed keys, maps, lists,
//! constants, ranges.

use super::joined;
use crate::scenario::schema;
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
pub(super) enum Unit {
    Duration,
    Rate,
    Size,
    Percent,
}

/// The kinds of value that a field may hold.
#[derive(Default)]
pub struct Forms<'s> {
    /// Texts that are allowed as they stand.
    pub(super) words: Vec<&'s str>,
    pub(super) unit: Option<Unit>,
    /// Whether any text will do.
    pub(super) text: bool,
    pub(super) number: Option<&'s Value>,
    /// Whether the number counts milliseconds.
    pub(super) millis: bool,
    pub(super) boolean: bool,
    pub(super) null: bool,
    pub(super) list: Option<&'s Value>,
    pub(super) objects: Vec<&'s Value>,
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
        let mut shapes = Self {
            root: schema::json_schema(),
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

    /// The objects that have a key `key`, in words.
    pub(super) fn owners(&self, key: &str) -> Option<String> {
        let name = |owner: &String| match owner.as_str() {
            "" => "the top level".to_owned(),
            owner => format!("`{owner}`"),
        };
        let names: Vec<String> = self.owners.get(key)?.iter().map(name).collect();
        Some(names.join(" or "))
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
                "Percent" => forms.unit = Some(Unit::Percent),
                _ => {
                    forms.millis |= name == "Millis";
                    self.gather(&self.root["$defs"][name], forms);
                }
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
            Some("null") => forms.null = true,
            Some("array") => forms.list = Some(schema),
            Some("object") => forms.objects.push(schema),
            _ => {}
        }
    }

    fn collect_owners(&self, schema: &Value, pattern: &str, owners: &mut BTreeMap<String, Vec<String>>) {
        let forms = self.forms(schema);
        for object in forms.objects {
            for key in property_names(object) {
                let list = owners.entry(key.to_owned()).or_default();
                if !list.iter().any(|p| p == pattern) {
                    list.push(pattern.to_owned());
                }
                self.collect_owners(&object["properties"][key], &joined(pattern, key), owners);
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

    /// Whether texts are allowed, but neither numbers nor quantities.
    pub fn wants_text(&self) -> bool {
        self.number.is_none() && self.unit.is_none() && (self.text || !self.words.is_empty())
    }

    /// Whether a number from 0 to 1 is allowed.
    pub(super) fn is_share(&self) -> bool {
        self.number
            .is_some_and(|n| n["type"] == "number" && n["maximum"].as_f64() == Some(1.0))
    }

    /// Whether objects here are told apart by their only key, like `{ "uniform": … }`.
    pub(super) fn is_tagged(&self) -> bool {
        let one_key = |o: &&Value| property_names(o).len() == 1 && required_names(o).len() == 1;
        !self.objects.is_empty() && self.objects.iter().all(one_key)
    }

    /// All keys that the objects allowed here have.
    pub(super) fn keys(&self) -> Vec<&'s str> {
        self.objects.iter().flat_map(|o| property_names(o)).collect()
    }

    /// How to write the bare number `n` with a unit or as a text, if that is what is missing.
    pub(super) fn unit_for(&self, n: &str) -> Option<String> {
        match self.unit {
            Some(Unit::Duration) => Some(format!("write \"{n}ms\", \"{n}s\" or \"{n}m\"")),
            Some(Unit::Rate) => Some(format!("write \"{n}/s\" for so many in a second, or \"{n}/min\"")),
            Some(Unit::Size) => Some(format!("write \"{n}B\" for bytes, or \"{n}KiB\"")),
            Some(Unit::Percent) => Some(format!("write \"{n}%\" if you mean so many per cent")),
            None if self.wants_text() => Some(format!("write it in quotes: \"{n}\"")),
            None => None,
        }
    }

    /// The words for a message: those that differ behind a dash only, as one.
    fn families(&self) -> Vec<String> {
        let family = |word: &&str| match word.split_once('-') {
            Some((head, _)) => format!("{head}-…"),
            None => (*word).to_owned(),
        };
        let mut families: Vec<String> = self.words.iter().map(family).collect();
        families.dedup();
        families
    }

    /// What is expected, as in "must be …".
    pub(super) fn expected(&self) -> String {
        let in_quotes = |names: &[&str]| format!("\"{}\"", names.join("\", \""));
        let mut parts: Vec<String> = Vec::new();
        let unit = self.unit.map(|unit| match unit {
            Unit::Duration => "a duration like \"250ms\"",
            Unit::Rate => "a rate like \"800/s\"",
            Unit::Size => "a size like \"2KiB\"",
            Unit::Percent => "a percentage like \"2%\"",
        });
        parts.extend(unit.map(str::to_owned));
        match self.families().as_slice() {
            [] => {}
            [word] => parts.push(format!("\"{word}\"")),
            words => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                parts.push(format!("one of {}", in_quotes(&words)));
            }
        }
        match self.number {
            Some(number) if number["type"] == "integer" => parts.push("a whole number".to_owned()),
            Some(_) => parts.push("a number".to_owned()),
            None if self.text => parts.push("a text".to_owned()),
            None => {}
        }
        if self.boolean {
            parts.push("true or false".to_owned());
        }
        if self.is_tagged() {
            let one_of = if self.objects.len() > 1 {
                "one of the keys"
            } else {
                "the key"
            };
            parts.push(format!("an object with {one_of} {}", in_quotes(&self.keys())));
        } else if !self.objects.is_empty() {
            parts.push("an object".to_owned());
        }
        if self.list.is_some() {
            parts.push("a list".to_owned());
        }
        parts.join(" or ")
    }
}

/// The keys that an object schema knows.
pub(super) fn property_names(object: &Value) -> Vec<&str> {
    let properties = object["properties"].as_object();
    properties
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect()
}

/// The keys that an object must have.
pub(super) fn required_names(object: &Value) -> Vec<&str> {
    let required = object["required"].as_array();
    required.into_iter().flatten().filter_map(Value::as_str).collect()
}
