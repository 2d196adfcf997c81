//! What all kinds share: a tally of cases, and a way to say what differs.

use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Display};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// One case: agreed, or the first thing that differs.
pub type Outcome = Result<(), Difference>;

/// What differs.
#[derive(Debug)]
pub struct Difference {
    /// Which part of the case.
    pub at: String,
    /// RocketMQ's answer.
    pub expected: String,
    /// Ours.
    pub found: String,
}

/// `found` must be `expected`.
pub fn same<T: PartialEq<U> + Debug, U: Debug>(at: impl Display, expected: T, found: U) -> Outcome {
    if expected == found {
        return Ok(());
    }
    Err(Difference {
        at: at.to_string(),
        expected: format!("{expected:?}"),
        found: format!("{found:?}"),
    })
}

/// A case that differs.
#[derive(Debug)]
pub struct Mismatch {
    /// Section and position, from 0.
    pub case: String,
    /// The case as it stands in the file.
    pub input: String,
    /// What differs.
    pub difference: Difference,
}

/// What came of one file.
#[derive(Debug, Default)]
pub struct Tally {
    /// Which set of vectors the file says it belongs to.
    pub set: String,
    /// Cases that agree.
    pub passed: u64,
    /// Cases that differ.
    pub failed: u64,
    /// The first of those.
    pub mismatches: Vec<Mismatch>,
    /// Cases not run, by what they are about and why.
    pub skipped: BTreeMap<String, u64>,
    sections_seen: BTreeSet<String>,
}

const SHOWN: usize = 5;

impl Tally {
    /// Nothing counted yet.
    pub fn of_set(set: &str) -> Self {
        Self {
            set: set.to_owned(),
            ..Self::default()
        }
    }

    /// Runs every case of the list `name`; a file without that list has no such cases.
    pub fn section<C: DeserializeOwned>(&mut self, file: &Value, name: &str, check: impl Fn(C) -> Outcome) {
        for (position, case) in self.cases(file, name).iter().enumerate() {
            self.case(&format!("{name}[{position}]"), case, &check);
        }
    }

    /// The cases of the list `name`, marked as looked at.
    pub fn cases<'f>(&mut self, file: &'f Value, name: &str) -> &'f [Value] {
        self.sections_seen.insert(name.to_owned());
        file.get(name)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// Marks the key `name` as data that belongs to other cases.
    pub fn data<'f>(&mut self, file: &'f Value, name: &str) -> &'f Value {
        self.sections_seen.insert(name.to_owned());
        file.get(name).unwrap_or(&Value::Null)
    }

    /// Runs one case. A case that cannot be read, or that panics, differs.
    pub fn case<C: DeserializeOwned>(&mut self, name: &str, case: &Value, check: impl Fn(C) -> Outcome) {
        let outcome = match C::deserialize(case) {
            Ok(parsed) => catch_unwind(AssertUnwindSafe(|| check(parsed)))
                .unwrap_or_else(|panic| Err(panicked(&*panic))),
            Err(trouble) => Err(Difference {
                at: "reading the case".to_owned(),
                expected: "a case of the known shape".to_owned(),
                found: trouble.to_string(),
            }),
        };
        self.record(name, case, outcome);
    }

    /// Notes what came of one case.
    pub fn record(&mut self, name: &str, input: &Value, outcome: Outcome) {
        let Err(difference) = outcome else {
            self.passed += 1;
            return;
        };
        self.failed += 1;
        if self.mismatches.len() < SHOWN {
            let (case, input) = (name.to_owned(), shortened(&input.to_string(), 600));
            self.mismatches.push(Mismatch {
                case,
                input,
                difference,
            });
        }
    }

    /// Notes cases that are not run.
    pub fn skip(&mut self, why: impl Into<String>, cases: u64) {
        *self.skipped.entry(why.into()).or_default() += cases;
    }

    /// Notes what no rule has looked at.
    pub fn skip_unseen_sections(&mut self, file: &Value) {
        for (name, content) in file.as_object().into_iter().flatten() {
            if name != "meta" && !self.sections_seen.contains(name) {
                let cases = content.as_array().map_or(1, Vec::len) as u64;
                self.skip(format!("`{name}`: the model has no such part yet"), cases);
            }
        }
    }
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Difference {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("?");
    Difference {
        at: "running".to_owned(),
        expected: "an answer".to_owned(),
        found: format!("panic: {text}"),
    }
}

/// At most `limit` characters of `text`.
pub fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}
