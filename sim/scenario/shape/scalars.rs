//! Texts and numbers: units, words, ranges.

use super::forms::{Forms, Unit};
use super::{Checker, Place};
use crate::kernel::time::SimDuration;
use crate::scenario::json::{Node, quoted};
use crate::scenario::schema::Percent;
use crate::scenario::units::{Rate, Size};
use crate::scenario::{limits, suggest, vocabulary};
use serde_json::Value;

impl Checker<'_> {
    pub(super) fn text(&mut self, node: &Node, text: &str, forms: &Forms<'_>, place: &Place) {
        if forms.words.contains(&text) || (forms.text && forms.number.is_none()) {
            return;
        }
        // The seed: a number, or its digits as a text.
        if forms.text && text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u64>().is_ok() {
            return;
        }
        if let Some(way_out) = vocabulary::word_not_yet(&place.pattern, text) {
            let problem = self.report(
                place,
                node.span,
                format!("\"{text}\" is not supported yet as `{}`", place.path),
            );
            problem.label = "RocketMQ has it, this version of rmqsim does not".to_owned();
            problem.help.push(way_out.to_owned());
            return;
        }
        // A text with a digit is a quantity gone wrong, one without is a word gone wrong.
        let has_digit = text.contains(|c: char| c.is_ascii_digit());
        match forms.unit {
            Some(unit) if forms.words.is_empty() || has_digit => {
                self.quantity(node, text, unit, forms, place)
            }
            _ if !forms.words.is_empty() => self.word(node, text, forms, place),
            _ => self.not_a_text(node, text, forms, place),
        }
    }

    fn quantity(&mut self, node: &Node, text: &str, unit: Unit, forms: &Forms<'_>, place: &Place) {
        let (error, label) = match unit {
            Unit::Duration => (
                text.parse::<SimDuration>().err().map(|e| e.to_string()),
                "not a duration",
            ),
            Unit::Rate => (text.parse::<Rate>().err().map(|e| e.to_string()), "not a rate"),
            Unit::Size => (text.parse::<Size>().err().map(|e| e.to_string()), "not a size"),
            Unit::Percent => (
                text.parse::<Percent>().err().map(|e| e.to_string()),
                "not a percentage",
            ),
        };
        let Some(error) = error else { return };
        let problem = self.report(place, node.span, format!("`{}`: {error}", place.path));
        problem.label = label.to_owned();
        if text.contains(char::is_whitespace) {
            problem.help.push("write it without blanks".to_owned());
        }
        problem.help.extend(key_as_word(text, forms));
    }

    fn word(&mut self, node: &Node, text: &str, forms: &Forms<'_>, place: &Place) {
        let hint = suggest::did_you_mean(text, forms.words.iter().copied());
        let problem = self.report(
            place,
            node.span,
            format!("`{}` cannot be {}{hint}", place.path, quoted(text)),
        );
        let expected = format!("expected {}", forms.expected());
        if expected.len() <= 50 {
            problem.label = expected;
        } else {
            problem.help.push(expected);
        }
        problem.help.extend(key_as_word(text, forms));
    }

    fn not_a_text(&mut self, node: &Node, text: &str, forms: &Forms<'_>, place: &Place) {
        let expected = forms.expected();
        let message = format!("`{}` must be {expected}, but is {}", place.path, node.found());
        let problem = self.report(place, node.span, message);
        problem.label = format!("expected {expected}");
        let percent = text.strip_suffix('%').and_then(|p| p.trim().parse::<f64>().ok());
        let help = match (percent, text.parse::<SimDuration>()) {
            (Some(percent), _) if forms.is_share() => format!("for {text} write {}", percent / 100.0),
            (_, Ok(span)) if forms.millis => {
                format!(
                    "this key counts milliseconds, as RocketMQ does: write {}",
                    span.as_millis()
                )
            }
            _ if forms.number.is_some() && text.parse::<f64>().is_ok() => {
                format!("write it without quotes: {text}")
            }
            _ if forms.boolean && matches!(text, "true" | "false") => {
                format!("write it without quotes: {text}")
            }
            _ if place.pattern == "groups.*.subscribe" => {
                format!("write {{ \"{text}\": \"*\" }} to subscribe to all messages of a topic")
            }
            _ => return,
        };
        problem.help.push(help);
    }

    /// A number where one may stand. `schemas`: of the number, and of the field, which may narrow the range.
    pub(super) fn number(
        &mut self,
        node: &Node,
        text: &str,
        schemas: [&Value; 2],
        millis: bool,
        place: &Place,
    ) {
        let whole = schemas[0]["type"] == "integer";
        let value: f64 = text.parse().unwrap_or(f64::NAN);
        if whole && text.contains(['.', 'e', 'E']) {
            let problem = self.report(
                place,
                node.span,
                format!("`{}` must be a whole number, but is {text}", place.path),
            );
            problem.label = "not a whole number".to_owned();
            if value.fract() == 0.0 && value.abs() < 9e15 {
                problem.help.push(format!("write {value:.0}"));
            }
            return;
        }
        let (min, max) = range(schemas, millis);
        // A whole number that no 64 bits hold cannot be compared exactly, but is out of any range.
        let fits = !whole || text.parse::<u64>().is_ok() || text.parse::<i64>().is_ok();
        let too_small = min.is_some_and(|min| value < min);
        let too_large = !too_small && (max.is_some_and(|max| value > max) || !fits);
        if !too_small && !too_large {
            return;
        }
        let bounds = match (min, max) {
            (Some(min), Some(max)) if min == max => format!("{min}"),
            (Some(min), Some(max)) if max > 1e18 => format!("between {min} and {}", u64::MAX),
            (Some(min), Some(max)) => format!("between {min} and {max}"),
            (Some(min), None) => format!("{min} or more"),
            (None, Some(max)) => format!("at most {max}"),
            (None, None) => "another number".to_owned(),
        };
        let problem = self.report(
            place,
            node.span,
            format!("`{}` must be {bounds}, but is {text}", place.path),
        );
        problem.label = if too_small { "too small" } else { "too large" }.to_owned();
        if !whole && max == Some(1.0) && value > 1.0 && value <= 100.0 {
            problem.help.push(format!("for {text} % write {}", value / 100.0));
        }
        if place.pattern == "version" {
            problem
                .help
                .push("this program reads version 1 of the format".to_owned());
        }
    }
}

/// Least and greatest value of a number; later schemas narrow earlier ones.
fn range(schemas: [&Value; 2], millis: bool) -> (Option<f64>, Option<f64>) {
    let (mut min, mut max) = (None, None);
    for schema in schemas {
        min = schema["minimum"].as_f64().or(min);
        max = schema["maximum"].as_f64().or(max);
    }
    let longest = limits::DURATION.as_millis() as f64;
    if millis && max.is_none_or(|max| max > longest) {
        max = Some(longest);
    }
    (min, max)
}

/// Help for a text that is the key of an object that could stand here.
fn key_as_word(text: &str, forms: &Forms<'_>) -> Option<String> {
    let is_key = forms.is_tagged() && forms.keys().contains(&text);
    is_key.then(|| format!("\"{text}\" is the key of an object: {{ \"{text}\": {{ … }} }}"))
}
