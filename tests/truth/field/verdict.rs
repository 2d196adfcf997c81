//! Comparisons, and what came of them.

use serde_json::Value;
use std::fmt::{Debug, Display};
use std::ops::RangeInclusive;

pub use crate::field::measure::{Class, Measure, Subject};

/// What came of one comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Agrees,
    /// It is less than the tolerance asks for, and why that is no fault of the model.
    Explained(&'static str),
    Off,
}

/// Something recorded or found: in words, and the number if it is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub text: String,
    pub number: Option<f64>,
}

impl Told {
    pub fn of(value: &impl Debug) -> Self {
        let text = format!("{value:?}");
        let plain = text.trim_start_matches("Some(").trim_end_matches(')');
        // JSON numbers print as `Number(7)`.
        let plain = plain.trim_start_matches("Number(");
        let number = plain.parse().ok();
        Self {
            text: number.map_or(text.clone(), |_| plain.to_owned()),
            number,
        }
    }
}

/// One comparison.
#[derive(Clone, Debug)]
pub struct Line {
    pub measure: Measure,
    /// Which step, queue or message.
    pub detail: String,
    pub recorded: Told,
    pub found: Told,
    /// What is allowed; empty if it must be the same.
    pub allowed: String,
    /// What is allowed beyond that for a stated reason; empty if nothing is.
    pub chance: String,
    range: Option<RangeInclusive<f64>>,
    pub outcome: Outcome,
}

impl Line {
    pub fn agrees(&self) -> bool {
        self.outcome != Outcome::Off
    }

    /// Whether what was recorded lies outside of the tolerance itself.
    pub fn recorded_beyond(&self) -> bool {
        let range = self.range.as_ref().zip(self.recorded.number);
        range.is_some_and(|(range, recorded)| !range.contains(&recorded))
    }
}

/// What came of one recording.
#[derive(Default)]
pub struct Verdict {
    pub lines: Vec<Line>,
    /// What could not be judged, and why.
    pub unjudged: Vec<String>,
}

impl Verdict {
    /// `found` must be what was recorded.
    pub fn same<T: PartialEq + Debug>(
        &mut self,
        measure: Measure,
        detail: impl Display,
        recorded: T,
        found: T,
    ) {
        let outcome = if recorded == found {
            Outcome::Agrees
        } else {
            Outcome::Off
        };
        self.push(
            measure,
            detail,
            Told::of(&recorded),
            Told::of(&found),
            None,
            outcome,
        );
    }

    /// As [`same`](Self::same), but where chance decides a difference is so for the reason `excuse`.
    pub fn same_unless<T: PartialEq + Debug>(
        &mut self,
        measure: Measure,
        detail: impl Display,
        recorded: T,
        found: T,
        excuse: Option<&'static str>,
    ) {
        let outcome = match excuse {
            _ if recorded == found => Outcome::Agrees,
            Some(why) => Outcome::Explained(why),
            None => Outcome::Off,
        };
        self.push(
            measure,
            detail,
            Told::of(&recorded),
            Told::of(&found),
            None,
            outcome,
        );
    }

    /// `found` must lie within `allowed`, where the recording lies, too: `recorded` is for the reader.
    pub fn within(
        &mut self,
        measure: Measure,
        detail: impl Display,
        recorded: &impl Debug,
        found: f64,
        allowed: RangeInclusive<f64>,
    ) {
        let outcome = if allowed.contains(&found) {
            Outcome::Agrees
        } else {
            Outcome::Off
        };
        self.push_range(measure, detail, recorded, found, &allowed, outcome);
    }

    /// As [`within`](Self::within); what lies beyond `letter` and within `wide` is so for the reason `why`.
    #[expect(
        clippy::too_many_arguments,
        reason = "two ranges and the reason for the second"
    )]
    pub fn explained(
        &mut self,
        measure: Measure,
        detail: impl Display,
        recorded: &impl Debug,
        found: f64,
        letter: RangeInclusive<f64>,
        wide: RangeInclusive<f64>,
        why: &'static str,
    ) {
        let outcome = match found {
            found if letter.contains(&found) => Outcome::Agrees,
            found if wide.contains(&found) => Outcome::Explained(why),
            _ => Outcome::Off,
        };
        self.push_range(measure, detail, recorded, found, &letter, outcome);
        if let Some(line) = self.lines.last_mut() {
            line.chance = told(&wide);
        }
    }

    fn push_range(
        &mut self,
        measure: Measure,
        detail: impl Display,
        recorded: &impl Debug,
        found: f64,
        allowed: &RangeInclusive<f64>,
        outcome: Outcome,
    ) {
        let found = Told {
            text: figure(found),
            number: Some(found),
        };
        self.push(
            measure,
            detail,
            Told::of(recorded),
            found,
            Some(allowed.clone()),
            outcome,
        );
    }

    fn push(
        &mut self,
        measure: Measure,
        detail: impl Display,
        recorded: Told,
        found: Told,
        range: Option<RangeInclusive<f64>>,
        outcome: Outcome,
    ) {
        let detail = detail.to_string();
        let allowed = range.as_ref().map(told).unwrap_or_default();
        self.lines.push(Line {
            measure,
            detail,
            recorded,
            found,
            allowed,
            chance: String::new(),
            range,
            outcome,
        });
    }

    /// Nothing can be said about `what`.
    pub fn unjudged(&mut self, what: impl Into<String>) {
        self.unjudged.push(what.into());
    }

    /// Comparisons that are off.
    pub fn off(&self) -> usize {
        self.lines.iter().filter(|line| !line.agrees()).count()
    }
}

fn told(range: &RangeInclusive<f64>) -> String {
    format!("{} to {}", figure(*range.start()), figure(*range.end()))
}

/// A number for people: whole, or with one digit, thousands apart.
pub fn figure(number: f64) -> String {
    let digits = if number.fract() == 0.0 { 0 } else { 1 };
    let plain = format!("{number:.digits$}");
    let (whole, rest) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("−", whole));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 && whole.len() > 4 {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{rest}")
}

/// The least and the greatest, for a range around all that was recorded.
pub fn span(numbers: impl IntoIterator<Item = u64>) -> Option<(u64, u64)> {
    numbers.into_iter().fold(None, |span, n| match span {
        None => Some((n, n)),
        Some((least, most)) => Some((n.min(least), n.max(most))),
    })
}

/// A JSON number, whatever its kind.
pub fn float(value: &Value) -> Option<f64> {
    value.as_f64()
}

/// What cannot be off is worth nothing.
#[test]
fn each_kind_of_comparison_can_be_off() {
    let measure = Measure::new(Subject::Account, "x", Class::Exact);
    let mut verdict = Verdict::default();
    verdict.same(measure, "a", 1, 1);
    verdict.within(measure, "b", &3, 4.0, 3.0..=4.0);
    verdict.explained(measure, "c", &3, 9.0, 3.0..=4.0, 0.0..=9.0, "so it is");
    assert_eq!((verdict.lines.len(), verdict.off()), (3, 0));
    assert_eq!(verdict.lines[2].outcome, Outcome::Explained("so it is"));
    verdict.same(measure, "a", 1, 2);
    verdict.within(measure, "b", &3, 4.1, 3.0..=4.0);
    verdict.explained(measure, "c", &3, 9.1, 3.0..=4.0, 0.0..=9.0, "so it is");
    assert_eq!(verdict.off(), 3);
    verdict.same_unless(measure, "d", 1, 2, Some("so it is"));
    assert_eq!(verdict.off(), 3);
    verdict.same_unless(measure, "d", 1, 2, None);
    assert_eq!(verdict.off(), 4);
}

#[test]
fn figures_are_for_people() {
    let shown = [0.0, 1000.0, 124_059.0, -219.0, 1.25].map(figure);
    assert_eq!(shown, ["0", "1000", "124 059", "−219", "1.2"]);
}
