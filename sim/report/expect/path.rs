//! Paths through a report: where one leads, and what may have been meant by one that leads nowhere.

use super::ExpectError;
use serde_json::Value;
use std::fmt;

/// Whether `path` leads to a number in reports of this shape.
pub(super) fn check(path: &str, shape: &Value) -> Result<(), ExpectError> {
    let not_a_number = |what| ExpectError::NotANumber {
        path: path.to_owned(),
        what,
    };
    match resolve(shape, path) {
        Ok(Value::Number(_) | Value::Null | Value::Bool(_)) => Ok(()),
        Ok(Value::Object(map)) => Err(ExpectError::Section {
            path: path.to_owned(),
            keys: list(map.keys()),
        }),
        Ok(Value::Array(_)) => Err(not_a_number("list")),
        Ok(Value::String(_)) => Err(not_a_number("text")),
        Err(_) if is_late(path) => Ok(()),
        Err(Lost { at, depth, missing }) => Err(ExpectError::Unknown {
            path: path.to_owned(),
            help: help(shape, at, path, depth, &missing),
            place: match depth {
                0 => "the report".to_owned(),
                _ => format!("`{}`", &path[..depth - 1]),
            },
            missing,
        }),
    }
}

/// The way out of a wrong path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Help {
    /// A path that is near.
    DidYouMean(String),
    /// What there is.
    Keys(String),
}

impl fmt::Display for Help {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DidYouMean(path) => write!(f, "; did you mean `{path}`?"),
            Self::Keys(keys) => write!(f, "; it has {keys}"),
        }
    }
}

/// Where a path left the report.
pub(super) struct Lost<'v> {
    /// The section where it ended.
    at: &'v Value,
    /// Bytes of the path that led there, the dot after them included.
    depth: usize,
    /// What was not found there.
    missing: String,
}

/// Follows a path. At each section the longest key that fits is taken, so that names may hold dots.
pub(super) fn resolve<'v>(value: &'v Value, path: &str) -> Result<&'v Value, Lost<'v>> {
    let (mut at, mut depth) = (value, 0);
    loop {
        let rest = &path[depth..];
        let fitting = at.as_object().and_then(|map| {
            let fits = |key: &&String| {
                rest.strip_prefix(key.as_str())
                    .is_some_and(|after| after.is_empty() || after.starts_with('.'))
            };
            map.keys()
                .filter(fits)
                .max_by_key(|key| key.len())
                .map(|key| (key.len(), &map[key]))
        });
        let Some((len, next)) = fitting else {
            let missing = rest.split('.').next().unwrap_or(rest).to_owned();
            return Err(Lost { at, depth, missing });
        };
        at = next;
        if len == rest.len() {
            return Ok(at);
        }
        depth += len + 1;
    }
}

/// Whether a path leads to something that only comes into being during a run.
fn is_late(path: &str) -> bool {
    (path.starts_with("consumers.") && path.contains('#'))
        || ["queues.%", "topics.%"]
            .iter()
            .any(|prefix| path.starts_with(prefix))
}

/// The nearest path, or what the place holds.
fn help(shape: &Value, at: &Value, path: &str, depth: usize, missing: &str) -> Help {
    let near = |a: &str, b: &str| strsim::damerau_levenshtein(a, b) <= (a.len() / 3).max(1);
    let tail = &path[(depth + missing.len()).min(path.len())..];
    let keys = at.as_object().into_iter().flat_map(|map| map.keys());
    let nearest = keys
        .filter(|key| near(key, missing))
        .min_by_key(|key| strsim::damerau_levenshtein(key, missing));
    if let Some(key) = nearest {
        let fixed = format!("{}{key}{tail}", &path[..depth]);
        if resolve(shape, &fixed).is_ok() {
            return Help::DidYouMean(fixed);
        }
        return Help::DidYouMean(format!("{}{key}", &path[..depth]));
    }
    // The last word may stand deeper, or lack its unit: `groups.billing.p99`.
    let mut deeper = Vec::new();
    collect_paths(at, &path[..depth], &mut deeper);
    let word = path.rsplit('.').next().unwrap_or(path);
    let found = deeper.iter().find(|candidate| {
        let last = candidate.rsplit('.').next().unwrap_or(candidate);
        last == word || last.strip_prefix(word).is_some_and(|unit| unit.starts_with('_'))
    });
    match found {
        Some(candidate) if depth > 0 && tail.is_empty() => Help::DidYouMean(candidate.clone()),
        _ => Help::Keys(list(at.as_object().into_iter().flat_map(|map| map.keys()))),
    }
}

/// Paths of all numbers below a section.
fn collect_paths(value: &Value, prefix: &str, paths: &mut Vec<String>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let path = format!("{prefix}{key}");
        match value {
            Value::Object(_) => collect_paths(value, &format!("{path}."), paths),
            Value::Number(_) | Value::Null | Value::Bool(_) => paths.push(path),
            _ => {}
        }
    }
}

/// Up to twelve keys for people.
fn list<'k>(keys: impl Iterator<Item = &'k String>) -> String {
    let keys: Vec<&str> = keys.map(String::as_str).collect();
    match keys.len() {
        0 => "nothing".to_owned(),
        1..=12 => keys.join(", "),
        n => format!("{}, … ({n} in all)", keys[..12].join(", ")),
    }
}
