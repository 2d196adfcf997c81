//! Which kind of file somebody has given, and what is wrong with it.

use crate::report::comparison::model::COMPARISON_VERSION;
use crate::report::model::SCHEMA_VERSION;
use serde_json::Value;
use std::fmt;

/// What can be compared, and what is often given instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `report.json`.
    Report,
    /// `comparison.json`.
    Comparison,
    /// A trace: one JSON object a line.
    Trace,
}

impl Kind {
    /// With its article.
    pub fn name(self) -> &'static str {
        match self {
            Self::Report => "a report",
            Self::Comparison => "a comparison",
            Self::Trace => "a trace",
        }
    }
}

/// A report or a comparison.
#[derive(Clone, Debug)]
pub struct Document {
    /// Which.
    pub kind: Kind,
    /// All of it.
    pub value: Value,
}

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line from 1, and column if there is one.
    pub place: Option<(usize, usize)>,
    /// What is wrong, and a way out.
    pub text: String,
}

impl Problem {
    /// A problem of the whole file.
    pub fn whole(text: impl Into<String>) -> Self {
        Self {
            place: None,
            text: text.into(),
        }
    }

    /// The same with its file in front: `out/report.json:3:7: …`.
    pub fn of(&self, file: &dyn fmt::Display) -> String {
        match self.place {
            Some((line, 0)) => format!("{file}:{line}: {}", self.text),
            Some((line, column)) => format!("{file}:{line}:{column}: {}", self.text),
            None => format!("{file}: {}", self.text),
        }
    }
}

/// Whether the first line of a file is that of a trace.
pub fn is_trace(first_line: &[u8]) -> bool {
    let Ok(Value::Object(line)) = serde_json::from_slice(first_line) else {
        return false;
    };
    line.get("rmqsim").is_some_and(|kind| kind == "trace")
        || (line.contains_key("t") && line.contains_key("fact"))
}

/// Reads a report or a comparison.
///
/// # Errors
/// What is wrong with the text.
pub fn read(text: &str) -> Result<Document, Problem> {
    let value: Value = serde_json::from_str(text).map_err(|error| broken(text, &error))?;
    let known = [
        (Kind::Report, "schemaVersion", SCHEMA_VERSION),
        (Kind::Comparison, "comparisonVersion", COMPARISON_VERSION),
    ];
    for (kind, key, newest) in known {
        let Some(version) = value.get(key) else { continue };
        let place = place_of(text, key);
        let Some(version) = version.as_u64().filter(|version| *version > 0) else {
            let text = format!("`{key}` is {version}, which is no version");
            return Err(Problem { place, text });
        };
        if version > u64::from(newest) {
            let text = format!(
                "`{key}` is {version}, and this program knows versions up to {newest}: use the rmqsim that wrote it, or run the scenario again"
            );
            return Err(Problem { place, text });
        }
        return Ok(Document { kind, value });
    }
    Err(Problem::whole(match is_scenario(text) {
        true => RUN_IT,
        false => "neither a report nor a trace: report.json and comparison.json say so in their first lines",
    }))
}

const RUN_IT: &str =
    "a scenario, not a report: `rmqsim run` makes a report of it, and `rmqsim diff` compares two reports";

fn broken(text: &str, error: &serde_json::Error) -> Problem {
    if text.trim().is_empty() {
        return Problem::whole("the file is empty");
    }
    if is_scenario(text) {
        return Problem::whole(RUN_IT);
    }
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or(&said);
    let text = match error.is_eof() {
        true => format!("the file ends too early ({said}): it is cut off"),
        false => format!("this is no JSON: {said}"),
    };
    Problem {
        place: Some((error.line(), error.column())),
        text,
    }
}

/// Scenarios may have comments, so this does not parse.
fn is_scenario(text: &str) -> bool {
    let has = |key: &str| text.contains(&format!("\"{key}\""));
    has("groups") && has("producers") && !has("schemaVersion") && !has("comparisonVersion")
}

/// The line of a key near the top.
fn place_of(text: &str, key: &str) -> Option<(usize, usize)> {
    let wanted = format!("\"{key}\"");
    let line = text.lines().position(|line| line.contains(&wanted))?;
    Some((line + 1, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, says: &str) {
        let problem = read(text).expect_err("it is wrong").of(&"x.json");
        assert!(problem.contains(says), "{problem}");
    }

    #[test]
    fn what_is_no_report_is_told_apart() {
        check("", "x.json: the file is empty");
        check(
            "{\n  \"schemaVersion\": 1,\n",
            "x.json:3: the file ends too early",
        );
        check(
            "{\n  \"schemaVersion\": 1,\n  x }",
            "x.json:3:3: this is no JSON: key must be a string",
        );
        check(
            "{\n  \"schemaVersion\": 99 }",
            "x.json:2: `schemaVersion` is 99, and this program knows versions up to",
        );
        check(
            "{\"comparisonVersion\": 0}",
            "x.json:1: `comparisonVersion` is 0, which is no version",
        );
        check("{\"a\": 1}", "neither a report nor a trace");
        let scenario = "{ // a comment\n \"producers\": {}, \"groups\": {} }";
        check(scenario, "a scenario, not a report: `rmqsim run` makes");
        assert_eq!(read("{\"schemaVersion\": 1}").unwrap().kind, Kind::Report);
    }

    #[test]
    fn a_trace_shows_in_its_first_line() {
        assert!(is_trace(b"{\"rmqsim\":\"trace\",\"version\":1}\n"));
        assert!(is_trace(b"{\"t\":0,\"fact\":\"Born\"}"));
        assert!(!is_trace(b"{"));
        assert!(!is_trace(b"{\"schemaVersion\":1}"));
    }
}
