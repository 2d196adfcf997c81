//! Short names of values and variants, for tables and charts.

use crate::scenario::json::{Kind, Node};
use std::collections::{BTreeMap, BTreeSet};

/// Columns of a label at most.
pub(super) const COLUMNS: usize = 40;

/// A value in a few words: `AVG`, `4`, `shortPolling 1s`, `gamma mean=40ms cv=1.5`.
pub(super) fn of(node: &Node) -> String {
    let text = match &node.kind {
        Kind::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Kind::Object(entries) => match entries.as_slice() {
            [only] => format!("{} {}", only.key, of(sole(&only.value))),
            several => {
                let parts = several.iter().map(|e| format!("{}={}", e.key, inner(&e.value)));
                parts.collect::<Vec<_>>().join(" ")
            }
        },
        Kind::Array(items) if items.is_empty() => "none".to_owned(),
        Kind::Array(items) => items.iter().map(of).collect::<Vec<_>>().join(" + "),
        Kind::Text(text) if text.trim().is_empty() => format!("\"{text}\""),
        Kind::Text(text) => text.clone(),
        Kind::Number(number) => number.clone(),
        Kind::Bool(yes) => yes.to_string(),
        Kind::Null => "null".to_owned(),
    };
    text.replace(char::is_control, " ")
}

/// What an object with one plain value holds; else the value itself.
fn sole(node: &Node) -> &Node {
    match &node.kind {
        Kind::Object(entries) => match entries.as_slice() {
            [only] if is_plain(&only.value) => &only.value,
            _ => node,
        },
        _ => node,
    }
}

fn inner(node: &Node) -> String {
    match is_plain(node) {
        true => of(node),
        false => format!("({})", of(node)),
    }
}

fn is_plain(node: &Node) -> bool {
    !matches!(node.kind, Kind::Array(_) | Kind::Object(_))
}

/// Columns that a text takes on a terminal: two for each wide character.
fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

fn width(c: char) -> usize {
    let wide = [0x1100..=0x115f, 0x2e80..=0xa4cf, 0xac00..=0xd7a3, 0xf900..=0xfaff]
        .iter()
        .chain(&[
            0xfe30..=0xfe6f,
            0xff00..=0xff60,
            0x1f300..=0x1faff,
            0x20000..=0x3fffd,
        ])
        .any(|range| range.contains(&u32::from(c)));
    if wide { 2 } else { 1 }
}

/// `text` in at most `most` columns.
fn cut(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let (mut short, mut used) = (String::new(), 1);
    for c in text.chars() {
        used += width(c);
        if used > most {
            break;
        }
        short.push(c);
    }
    short.trim_end().to_owned() + "…"
}

/// The same texts in at most [`COLUMNS`] columns, each different from all others.
pub(super) fn unlike(texts: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    // The next number of each text, so that thousands alike are not tried one after the other.
    let mut next: BTreeMap<String, u32> = BTreeMap::new();
    let mut free = |text: String| {
        let plain = cut(&text, COLUMNS);
        let mut candidate = plain.clone();
        let number = next.entry(plain).or_insert(2);
        while !taken.insert(candidate.clone()) {
            let suffix = format!(" ({number})");
            candidate = cut(&text, COLUMNS - suffix.len()) + &suffix;
            *number += 1;
        }
        candidate
    };
    texts.into_iter().map(&mut free).collect()
}

/// The name of a variant from the labels of its values; where there is not room for all, the longest give way.
pub(super) fn joined(parts: &[&str]) -> String {
    let separators = 2 * parts.len().saturating_sub(1);
    let fits = |most: &usize| {
        let used: usize = parts.iter().map(|part| columns(part).min(*most)).sum();
        used + separators <= COLUMNS
    };
    let most = (1..=COLUMNS).rev().find(fits).unwrap_or(1);
    let parts: Vec<String> = parts.iter().map(|part| cut(part, most)).collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::json;
    use proptest::prelude::*;

    #[track_caller]
    fn check(value: &str, label: &str) {
        assert_eq!(of(&json::parse(value, 0).unwrap()), label);
    }

    #[test]
    fn values_read_like_words() {
        check("\"AVG\"", "AVG");
        check("4", "4");
        check("true", "true");
        check("null", "null");
        check("\"\"", "\"\"");
        check("[]", "none");
        check("{}", "{}");
        check(r#"{"shortPolling":{"interval":"1s"}}"#, "shortPolling 1s");
        check(r#"{"exponential":{"mean":"60ms"}}"#, "exponential 60ms");
        check(r#"{"gamma":{"mean":"40ms","cv":1.5}}"#, "gamma mean=40ms cv=1.5");
        check(r#"{"probability":0.1}"#, "probability 0.1");
        check(
            r#"{"CONFIG":{"a":["q 1","q 2"],"b":[]}}"#,
            "CONFIG a=(q 1 + q 2) b=(none)",
        );
        check(r#"[{"at":"2m","kill":"billing/2"}]"#, "at=2m kill=billing/2");
        check(r#"["a\nb","c"]"#, "a b + c");
    }

    #[test]
    fn long_labels_are_cut_and_stay_apart() {
        let long = "x".repeat(60);
        let labels = unlike([long.clone() + "a", long.clone() + "b", "y".to_owned(), long]);
        let expected = [
            "x".repeat(39) + "…",
            "x".repeat(35) + "… (2)",
            "y".to_owned(),
            "x".repeat(35) + "… (3)",
        ];
        assert_eq!(labels, expected);
        assert_eq!(cut("订单订单", 5), "订单…");
        // What looks like a number of ours is taken too.
        assert_eq!(
            unlike(["a", "a (2)", "a"].map(str::to_owned)),
            ["a", "a (2)", "a (3)"]
        );
    }

    #[test]
    fn the_longest_give_way() {
        assert_eq!(joined(&["AVG", "4"]), "AVG, 4");
        let long = "CONSISTENT_HASH virtualNodes=100 and more";
        assert_eq!(joined(&[long, "16"]), "CONSISTENT_HASH virtualNodes=100 an…, 16");
    }

    proptest! {
        /// Whatever the texts: none is too wide, none comes twice.
        #[test]
        fn labels_are_short_and_unique(texts in prop::collection::vec("[ab订]{0,50}", 0..40)) {
            let labels = unlike(texts.clone());
            prop_assert_eq!(labels.len(), texts.len());
            prop_assert!(labels.iter().all(|label| columns(label) <= COLUMNS));
            prop_assert_eq!(labels.iter().collect::<BTreeSet<_>>().len(), texts.len());
        }
    }
}
