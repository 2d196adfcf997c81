//! What differs in two reports, by section; the settings come first.

use super::document::{Document, Kind};
use super::rows::{Change, Found, Row, size, walk};
use super::series::Instants;
use serde::Serialize;
use serde_json::Value;

/// Sections in the order in which they are told; others follow in their own.
const ORDER: [&str; 16] = [
    "scenario",
    "run",
    "expect",
    "design",
    "groups",
    "consumers",
    "rebalance",
    "queues",
    "topics",
    "producers",
    "cluster",
    "remedies",
    "queries",
    "balance",
    "timeline",
    "warnings",
];

/// In what two documents differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Differences {
    /// Name and seed of each, as far as it has them.
    pub names: [String; 2],
    /// Values that are the same in both.
    pub same: u64,
    /// Rows in all.
    pub differing: u64,
    /// By section, without those in which nothing differs.
    pub sections: Vec<Section>,
}

/// In what one section differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Section {
    /// Its key.
    pub name: String,
    /// In the order of the report.
    pub rows: Vec<Row>,
}

impl Section {
    /// The `most` weightiest rows, in the order of their weight and then of the report; how many are left.
    pub fn weightiest(&self, most: usize) -> (Vec<&Row>, usize) {
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        if rows.len() > most {
            rows.sort_by(|a, b| b.change.weight().total_cmp(&a.change.weight()));
            rows.truncate(most);
        }
        let left = self.rows.len() - rows.len();
        (rows, left)
    }
}

pub(super) fn differences(a: &Document, b: &Document) -> Differences {
    let instants = Instants::new(
        &a.value["timeline"]["time_seconds"],
        &b.value["timeline"]["time_seconds"],
    );
    let empty = serde_json::Map::new();
    let map = |document: &'_ Document| {
        document
            .value
            .as_object()
            .cloned()
            .unwrap_or_else(|| empty.clone())
    };
    let (left, right) = (map(a), map(b));
    let mut keys: Vec<&String> = left.keys().collect();
    keys.extend(right.keys().filter(|key| !left.contains_key(*key)));
    let rank = |key: &str| {
        ORDER
            .iter()
            .position(|known| *known == key)
            .unwrap_or(ORDER.len())
    };
    keys.sort_by_key(|key| rank(key));
    let (mut sections, mut same) = (Vec::new(), 0);
    for key in keys {
        let mut found = Found::default();
        match (left.get(key), right.get(key)) {
            (Some(x), Some(y)) if key == "expect" => verdicts(x, y, &mut found),
            (Some(x), Some(y)) => walk(key, x, y, instants.as_ref(), &mut found),
            (x, y) => found.rows.push(Row {
                path: key.clone(),
                change: only(x, y),
            }),
        }
        same += found.same;
        if !found.rows.is_empty() {
            sections.push(Section {
                name: key.clone(),
                rows: found.rows,
            });
        }
    }
    Differences {
        names: [name(a), name(b)],
        same,
        differing: sections.iter().map(|section| section.rows.len() as u64).sum(),
        sections,
    }
}

/// A section that only one has.
fn only(a: Option<&Value>, b: Option<&Value>) -> Change {
    let values = |value: &Value| Value::String(format!("{} values", size(value)));
    match (a, b) {
        (Some(a), _) => Change::OnlyA { a: values(a) },
        (_, b) => Change::OnlyB {
            b: values(b.unwrap_or(&Value::Null)),
        },
    }
}

/// Expectations are met by their text: a verdict that flips is one row.
fn verdicts(a: &Value, b: &Value, found: &mut Found) {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |expectation: &Value| expectation["text"].as_str().unwrap_or_default().to_owned();
    let said = |expectation: &Value| {
        let holds = match expectation["passed"].as_bool() {
            Some(true) => "holds",
            _ => "fails",
        };
        Value::String(match &expectation["actual"] {
            Value::Null => holds.to_owned(),
            actual => format!("{holds} ({actual})"),
        })
    };
    let (left, right) = (list(a), list(b));
    for expectation in &left {
        let path = text(expectation);
        let change = match right.iter().find(|other| text(other) == path) {
            Some(other) if other == expectation => {
                found.same += 1;
                continue;
            }
            Some(other) => Change::Value {
                a: said(expectation),
                b: said(other),
            },
            None => Change::OnlyA { a: said(expectation) },
        };
        found.rows.push(Row { path, change });
    }
    for other in &right {
        let path = text(other);
        if !left.iter().any(|expectation| text(expectation) == path) {
            let change = Change::OnlyB { b: said(other) };
            found.rows.push(Row { path, change });
        }
    }
}

/// What ran: `consumer-crash, seed 7`.
fn name(document: &Document) -> String {
    let run = &document.value["run"];
    let name = run["name"].as_str().unwrap_or("without a name");
    match (document.kind, run["seed"].as_str()) {
        (Kind::Report, Some(seed)) => format!("{name}, seed {seed}"),
        (Kind::Comparison, _) => format!("comparison of {name}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report(value: Value) -> Document {
        Document {
            kind: Kind::Report,
            value,
        }
    }

    #[test]
    fn settings_come_first_and_verdicts_by_their_text() {
        let a = report(json!({
            "run": {"name": "x", "seed": "7"},
            "scenario": {"groups": {"g": {"consumers": {"count": 4}}}},
            "groups": {"g": {"lost": 0}},
            "expect": [{"text": "lost == 0", "passed": true, "actual": 0.0}],
        }));
        let b = report(json!({
            "run": {"name": "x", "seed": "7"},
            "scenario": {"groups": {"g": {"consumers": {"count": 8}}}},
            "groups": {"g": {"lost": 3}},
            "expect": [{"text": "lost == 0", "passed": false, "actual": 3.0}],
        }));
        let found = differences(&a, &b);
        let names: Vec<&str> = found
            .sections
            .iter()
            .map(|section| section.name.as_str())
            .collect();
        assert_eq!(names, ["scenario", "expect", "groups"]);
        assert_eq!(
            found.sections[1].rows[0].change,
            Change::Value {
                a: json!("holds (0.0)"),
                b: json!("fails (3.0)")
            }
        );
        assert_eq!((found.same, found.differing), (2, 3));
        assert_eq!(differences(&a, &a).sections, []);
    }
}
