//! Takes out of a timeline what cannot happen.

use super::Generated;
use crate::scenario::{Overrides, Scenario};
use serde_json::Value;
use std::collections::BTreeSet;

/// A file that the format refuses, whatever its timeline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unsound(pub String);

/// Reads `file`; entries of its timeline that cannot happen are taken out, as often as that lets others be found.
///
/// # Errors
/// A problem outside the timeline, in words.
pub fn sift(mut file: Value) -> Result<Generated, Unsound> {
    let mut left_out = 0;
    loop {
        let problems = match Scenario::from_text("scenario", &file.to_string(), &Overrides::default()) {
            Ok(scenario) => {
                return Ok(Generated {
                    file,
                    scenario,
                    left_out,
                });
            }
            Err(problems) => problems,
        };
        let places = problems.problems().iter().map(|problem| problem.path.as_deref());
        let impossible: Option<BTreeSet<usize>> = places.map(|path| entry_of(path?)).collect();
        let timeline = file.get_mut("timeline").and_then(Value::as_array_mut);
        let (Some(impossible), Some(timeline)) = (impossible, timeline) else {
            return Err(Unsound(problems.render(false, 100)));
        };
        let mut number = 0..;
        timeline.retain(|_| number.next().is_some_and(|at: usize| !impossible.contains(&at)));
        left_out += impossible.len();
    }
}

/// The entry of the timeline in which a path lies.
fn entry_of(path: &str) -> Option<usize> {
    let (number, _) = path.strip_prefix("timeline[")?.split_once(']')?;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn file(timeline: Value) -> Value {
        json!({ "title": "t", "duration": "1m", "cluster": { "topics": { "orders": {} } },
            "groups": { "billing": { "consumers": { "count": 2 } } }, "timeline": timeline })
    }

    /// The second kill cannot happen; without it the resume of nobody is found too.
    #[test]
    fn what_cannot_happen_is_taken_out() {
        let made = sift(file(json!([
            { "at": "10s", "kill": "billing/1" },
            { "at": "20s", "kill": "billing/1" },
            { "at": "30s", "resume": "billing/2" },
            { "at": "40s", "leave": "billing/2" },
        ])));
        let made = made.unwrap();
        assert_eq!(made.left_out, 2);
        assert_eq!(made.file["timeline"][1]["leave"], "billing/2");
    }

    #[test]
    fn what_is_wrong_elsewhere_is_told() {
        let mut file = file(json!([]));
        file["duration"] = "0s".into();
        let Unsound(words) = sift(file).unwrap_err();
        assert!(words.contains("duration must be greater than 0"), "{words}");
    }
}
