//! One recording of a real cluster, and how its JSON is read.

use serde_json::Value;
use std::path::Path;

/// One recording.
pub struct Recording {
    /// Its name: that of its file, without `.json`.
    pub id: String,
    /// Made with RocketMQ 4.9.
    pub is_4_9: bool,
    pub json: Value,
}

impl Recording {
    /// Reads one; `Err` tells what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
        let json: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        let id = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok(Self::of(id, json))
    }

    pub fn of(id: String, json: Value) -> Self {
        let version = json["rocketmq_version"].as_str().unwrap_or_default();
        Self {
            id,
            is_4_9: version.starts_with("4.9"),
            json,
        }
    }

    pub fn setup(&self, key: &str) -> &Value {
        &self.json["setup"][key]
    }

    /// A setting of the clients that differs from the default.
    pub fn config_override(&self, key: &str) -> &Value {
        &self.setup("config_overrides")[key]
    }

    pub fn derived(&self, key: &str) -> &Value {
        &self.json["derived"][key]
    }

    /// Whether something was derived under this name.
    pub fn has(&self, key: &str) -> bool {
        !self.derived(key).is_null()
    }

    pub fn repeats(&self) -> &[Value] {
        list(self.derived("repeats"))
    }

    pub fn timeline(&self, action: &str) -> Vec<&Value> {
        let is_it = |entry: &&Value| entry["action"] == action;
        list(&self.json["timeline"]).iter().filter(is_it).collect()
    }

    /// Observations `what`, in time order.
    pub fn observations<'a>(&'a self, what: &'a str) -> impl Iterator<Item = &'a Value> {
        let is_it = move |entry: &&Value| entry["what"] == what;
        list(&self.json["observations"]).iter().filter(is_it)
    }

    /// Observations `what` of `consumer`, in time order.
    pub fn seen<'a>(&'a self, what: &'a str, consumer: &'a str) -> impl Iterator<Item = &'a Value> {
        self.observations(what)
            .filter(move |entry| entry["consumer"] == consumer)
    }

    /// Rows of a table, each by the names of its columns.
    pub fn rows<'a>(&'a self, table: &str) -> impl Iterator<Item = Row<'a>> {
        let table = &self.json["tables"][table];
        let columns = list(&table["columns"]);
        list(&table["rows"]).iter().map(move |row| Row {
            columns,
            row: list(row),
        })
    }

    /// The first of these that is not there: keys with slashes between them, from the top; `*` stands for each entry of a list or
    /// an object, `timeline/x` for the first action x, `observations/x` for the first observation x, and `seen/x` for one of
    /// each consumer that is started.
    pub fn lacks<'p>(&self, paths: &[&'p str]) -> Option<&'p str> {
        paths.iter().copied().find(|path| !self.holds(path))
    }

    fn holds(&self, path: &str) -> bool {
        let (head, rest) = path.split_once('/').unwrap_or((path, ""));
        let (name, inner) = rest.split_once('/').unwrap_or((rest, ""));
        let starts = self.timeline("start_consumer");
        let mut started = starts.iter().map(|start| start["consumer"].as_str());
        match head {
            "timeline" => self
                .timeline(name)
                .first()
                .is_some_and(|entry| holds(entry, inner)),
            "observations" => self
                .observations(name)
                .next()
                .is_some_and(|seen| holds(seen, inner)),
            "seen" => started.all(|who| who.is_some_and(|who| self.seen(name, who).next().is_some())),
            _ => holds(&self.json, path),
        }
    }

    /// Names of the consumers, those of repeats without the number of the repeat, sorted.
    pub fn consumers(&self) -> Vec<String> {
        let starts = list(&self.json["timeline"]).iter().filter(|entry| {
            entry["action"]
                .as_str()
                .is_some_and(|action| action.starts_with("start"))
        });
        let named = starts.filter_map(|entry| entry["consumer"].as_str());
        let mut names: Vec<String> = named.map(|name| without_repeat(name).to_owned()).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// Whether something stands at `path` below `value`.
fn holds(value: &Value, path: &str) -> bool {
    if path.is_empty() {
        return !value.is_null();
    }
    let (key, rest) = path.split_once('/').unwrap_or((path, ""));
    match (key, value) {
        ("*", Value::Array(all)) => all.iter().all(|of| holds(of, rest)),
        ("*", Value::Object(all)) => all.values().all(|of| holds(of, rest)),
        ("*", _) => false,
        _ => holds(&value[key], rest),
    }
}

/// `c1` for `c1r0`.
fn without_repeat(name: &str) -> &str {
    match name.rsplit_once('r') {
        Some((start, digits)) if !start.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => start,
        _ => name,
    }
}

/// A row of a table.
pub struct Row<'a> {
    columns: &'a [Value],
    row: &'a [Value],
}

impl<'a> Row<'a> {
    /// What stands in this column.
    pub fn get(&self, column: &str) -> &'a Value {
        let at = self.columns.iter().position(|name| name == column);
        at.and_then(|at| self.row.get(at)).unwrap_or(&Value::Null)
    }
}

pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Entries of an object, none of anything else.
pub fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
}

#[track_caller]
pub fn number(value: &Value) -> u64 {
    let whole = value.as_u64();
    whole.unwrap_or_else(|| panic!("`{value}` is not a whole number"))
}

#[track_caller]
pub fn text(value: &Value) -> &str {
    let text = value.as_str();
    text.unwrap_or_else(|| panic!("`{value}` is not a text"))
}
