//! The JSON Schema of an event log's lines, made of the table of facts.

use super::facts::FIELDS;
use super::line::WORDS;
use super::log::VERSION;
use serde_json::{Map, Value, json};

/// The schema of one line, whichever it is.
pub fn json_schema() -> Value {
    let facts = FIELDS.iter().map(|(fact, fields)| fact_line(fact, fields));
    let lines: Vec<Value> = [header(), end()].into_iter().chain(facts).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One line of an event log of rmqsim",
        "description": "The first line is the header, the last one is End. Times are nanoseconds of virtual time.",
        "oneOf": lines,
    })
}

fn object(title: &str, properties: Map<String, Value>) -> Value {
    let required: Vec<&String> = properties.keys().collect();
    json!({
        "title": title,
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": false,
    })
}

fn whole() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn list(items: &Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn header() -> Value {
    let named = |fields: &[&str]| {
        let fields = fields.iter().map(|field| ((*field).to_owned(), text()));
        object("named", fields.collect())
    };
    let mut group = named(&["name"]);
    group["properties"]["topics"] = list(&text());
    group["required"] = json!(["name", "topics"]);
    let entities = [
        ("brokers", list(&text())),
        ("topics", list(&text())),
        ("producers", list(&named(&["name", "topic"]))),
        ("groups", list(&group)),
        ("consumers", list(&named(&["name", "group", "client_id"]))),
    ];
    let entities = entities.map(|(key, schema)| (key.to_owned(), schema));
    let fields = [
        ("rmqsim", json!({ "const": "trace" })),
        ("version", json!({ "const": VERSION })),
        ("scenario", text()),
        ("seed", json!({ "type": "string", "pattern": "^[0-9]+$" })),
        ("duration_ns", whole()),
        ("from_ns", whole()),
        ("to_ns", json!({ "type": ["integer", "null"], "minimum": 0 })),
        (
            "only",
            json!({ "type": ["array", "null"], "items": { "type": "string" } }),
        ),
        (
            "entities",
            object("who is there from the start", entities.into_iter().collect()),
        ),
    ];
    object(
        "header",
        fields
            .map(|(key, schema)| (key.to_owned(), schema))
            .into_iter()
            .collect(),
    )
}

fn end() -> Value {
    let fields = [
        ("t", whole()),
        ("fact", json!({ "const": "End" })),
        ("events", whole()),
        ("digest", json!({ "type": "string", "pattern": "^[0-9a-f]{32}$" })),
        ("facts", whole()),
        ("complete", json!({ "type": "boolean" })),
    ];
    object(
        "End",
        fields
            .map(|(key, schema)| (key.to_owned(), schema))
            .into_iter()
            .collect(),
    )
}

fn fact_line(fact: &str, fields: &[(&str, &str)]) -> Value {
    let mut properties = Map::new();
    properties.insert("t".to_owned(), whole());
    properties.insert("fact".to_owned(), json!({ "const": fact }));
    for (field, how) in fields {
        let key = match *how {
            "instant" | "span" => format!("{field}_ns"),
            _ => (*field).to_owned(),
        };
        properties.insert(key, of_field(how));
        if *how == "step" {
            properties.insert("does".to_owned(), text());
        }
    }
    object(fact, properties)
}

/// What a field holds that is written in this way.
fn of_field(how: &str) -> Value {
    match how {
        "number" | "instant" | "span" | "step" => whole(),
        "maybe" => json!({ "type": ["integer", "null"], "minimum": 0 }),
        "flag" => json!({ "type": "boolean" }),
        "wide" => json!({ "type": "string", "pattern": "^[0-9]+$" }),
        "maybe_group" => json!({ "type": ["string", "null"] }),
        "message" => json!({ "type": "string", "pattern": "#[1-9][0-9]*$" }),
        "queue" => json!({ "type": "string", "pattern": "^.+ .+:[0-9]+$" }),
        "cache" => json!({
            "type": "object",
            "required": ["messages", "bytes"],
            "properties": { "messages": { "type": "integer" }, "bytes": { "type": "integer" } },
            "additionalProperties": false,
        }),
        how => match WORDS.iter().find(|(name, _)| *name == how) {
            Some((_, words)) => json!({ "enum": words }),
            None => text(),
        },
    }
}
