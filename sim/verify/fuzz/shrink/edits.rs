//! Files that are smaller than another by one change.

use crate::kernel::time::SimDuration;
use serde_json::Value;

/// A step into a file.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Index(usize),
}

/// Ways to everything in `value`, the outer before the inner.
fn ways(value: &Value) -> Vec<Vec<Step>> {
    let mut all = Vec::new();
    let mut open = vec![(Vec::new(), value)];
    while let Some((way, value)) = open.pop() {
        let longer = |step| {
            let mut way: Vec<Step> = way.clone();
            way.push(step);
            way
        };
        let inner: Vec<(Vec<Step>, &Value)> = match value {
            Value::Object(entries) => {
                let entries = entries.iter();
                entries
                    .map(|(key, value)| (longer(Step::Key(key.clone())), value))
                    .collect()
            }
            Value::Array(elements) => {
                let elements = elements.iter().enumerate();
                elements
                    .map(|(at, value)| (longer(Step::Index(at)), value))
                    .collect()
            }
            _ => Vec::new(),
        };
        open.extend(inner.into_iter().rev());
        all.push(way);
    }
    // The file itself stays.
    all.remove(0);
    all
}

fn at<'v>(value: &'v mut Value, way: &[Step]) -> Option<&'v mut Value> {
    way.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get_mut(key.as_str()),
        Step::Index(at) => value.get_mut(*at),
    })
}

fn changed(file: &Value, way: &[Step], new: Value) -> Value {
    let mut file = file.clone();
    if let Some(place) = at(&mut file, way) {
        *place = new;
    }
    file
}

/// Without one topic or broker, and without what names it.
pub fn without_entities(file: &Value) -> Vec<Value> {
    let topics = file["cluster"]["topics"].as_object();
    let topics = topics.into_iter().flat_map(|topics| topics.keys().cloned());
    let brokers = file["cluster"]["brokers"].as_array();
    let brokers = brokers.into_iter().flatten().filter_map(Value::as_str);
    let names: Vec<String> = topics.chain(brokers.map(str::to_owned)).collect();
    let without = |name: &String| {
        let mut file = file.clone();
        forget(&mut file, name);
        file
    };
    names.iter().map(without).collect()
}

/// Takes out entries under this name, elements of this text, and blocks about this topic; then what is empty by that.
fn forget(value: &mut Value, name: &str) {
    let is_about = |value: &Value| {
        value.as_str() == Some(name) || value.get("topic").and_then(Value::as_str) == Some(name)
    };
    match value {
        Value::Object(entries) => {
            entries.retain(|key, value| key != name && !is_about(value));
            for (_, value) in entries.iter_mut() {
                let was_empty = is_empty(value);
                forget(value, name);
                if is_empty(value) && !was_empty {
                    *value = Value::Null;
                }
            }
            entries.retain(|_, value| !value.is_null());
        }
        Value::Array(elements) => {
            elements.retain(|value| !is_about(value));
            elements.iter_mut().for_each(|value| forget(value, name));
        }
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(entries) => entries.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        _ => false,
    }
}

/// Without one entry or element, wherever it stands: what is left out has its default.
pub fn without_parts(file: &Value) -> Vec<Value> {
    let without = |way: Vec<Step>| {
        let mut file = file.clone();
        let (last, outer) = way.split_last()?;
        match (last, at(&mut file, outer)?) {
            (Step::Key(key), Value::Object(entries)) => _ = entries.shift_remove(key),
            (Step::Index(at), Value::Array(elements)) => _ = elements.remove(*at),
            _ => return None,
        }
        Some(file)
    };
    ways(file).into_iter().filter_map(without).collect()
}

/// With one value smaller, rounder or plainer.
pub fn smaller_values(file: &Value) -> Vec<Value> {
    let mut candidates = Vec::new();
    for way in ways(file) {
        // Another seed is another scenario, and no smaller one.
        if matches!(&way[..], [Step::Key(key)] if ["title", "seed"].contains(&key.as_str())) {
            continue;
        }
        let mut copy = file.clone();
        let value = at(&mut copy, &way).map(|value| value.take()).unwrap_or_default();
        candidates.extend(smaller(&value).into_iter().map(|new| changed(file, &way, new)));
    }
    candidates
}

/// Smaller values than this one, the smallest first.
fn smaller(value: &Value) -> Vec<Value> {
    match value {
        Value::Number(number) => match number.as_u64() {
            Some(n @ 2..) => {
                let mut all = vec![1, n / 2, n - 1];
                all.dedup();
                all.into_iter().filter(|new| *new < n).map(Value::from).collect()
            }
            _ => Vec::new(),
        },
        Value::String(text) => match (text.parse::<SimDuration>(), text.strip_suffix("/s")) {
            (Ok(span), _) => shorter(span)
                .into_iter()
                .map(|span| span.to_string().into())
                .collect(),
            (_, Some(rate)) => {
                let rate = rate.parse::<u64>().unwrap_or(0);
                let less = [1, rate / 2];
                less.into_iter()
                    .filter(|less| (1..rate).contains(less))
                    .map(|less| format!("{less}/s").into())
                    .collect()
            }
            _ => Vec::new(),
        },
        // A list of one block of members is that block.
        Value::Array(elements) => match &elements[..] {
            [block @ Value::Object(_)] => vec![block.clone()],
            _ => Vec::new(),
        },
        Value::Object(entries) => match entries.iter().next() {
            Some((shape, of)) if entries.len() == 1 => constant(shape, of).into_iter().collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Nothing at all, a tenth, a half; and the same in whole seconds.
fn shorter(span: SimDuration) -> Vec<SimDuration> {
    let second = SimDuration::from_secs(1).as_nanos();
    let nanos = span.as_nanos();
    let round = |nanos: u64| match nanos > second {
        true => nanos - nanos % second,
        false => nanos,
    };
    let mut all: Vec<u64> = [0, round(nanos / 10), round(nanos / 2), round(nanos)].to_vec();
    all.dedup();
    let less = all.into_iter().filter(|less| *less < nanos);
    less.map(SimDuration::from_nanos).collect()
}

/// What takes the place of a random shape.
fn constant(shape: &str, of: &Value) -> Option<Value> {
    match shape {
        "uniform" => of.get("max").cloned(),
        "exponential" | "gamma" | "lognormal" | "pareto" => of.get("mean").cloned(),
        "empirical" => of.get("values")?.get(0).cloned(),
        "zipf" => of.get("count").cloned(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// With a topic goes what sends to it, reads it or happens to it.
    #[test]
    fn nothing_names_what_is_gone() {
        let file = json!({
            "cluster": { "topics": { "orders": { "brokers": ["a", "b"] }, "logs": {} }, "brokers": ["a", "b"] },
            "producers": { "shop": { "topic": "orders" }, "cart": { "topic": "logs" } },
            "groups": { "billing": { "subscribe": { "orders": "*" } }, "audit": { "subscribe": { "orders": "*", "logs": "*" } } },
            "timeline": [{ "resetOffset": "audit", "topic": "orders" }],
        });
        let smaller = without_entities(&file);
        assert_eq!(smaller.len(), 4);
        assert_eq!(
            smaller[0],
            json!({
                "cluster": { "topics": { "logs": {} }, "brokers": ["a", "b"] },
                "producers": { "cart": { "topic": "logs" } },
                "groups": { "audit": { "subscribe": { "logs": "*" } } },
            })
        );
        assert_eq!(smaller[2]["cluster"]["brokers"], json!(["b"]));
        assert_eq!(smaller[2]["cluster"]["topics"]["orders"]["brokers"], json!(["b"]));
    }

    #[test]
    fn every_part_can_go() {
        let file = json!({ "a": { "b": 1 }, "c": [2, 3] });
        let expected = [
            json!({ "c": [2, 3] }),
            json!({ "a": {}, "c": [2, 3] }),
            json!({ "a": { "b": 1 } }),
            json!({ "a": { "b": 1 }, "c": [3] }),
            json!({ "a": { "b": 1 }, "c": [2] }),
        ];
        assert_eq!(without_parts(&file), expected);
    }

    #[test]
    fn values_get_smaller_rounder_plainer() {
        for (value, expected) in [
            (json!(40), json!([1, 20, 39])),
            (json!(1), json!([])),
            (json!("2m30s"), json!(["0s", "15s", "1m15s"])),
            (json!("1s500ms"), json!(["0s", "150ms", "750ms", "1s"])),
            (json!("80/s"), json!(["1/s", "40/s"])),
            (json!({ "exponential": { "mean": "5ms" } }), json!(["5ms"])),
            (json!([{ "count": 2 }]), json!([{ "count": 2 }])),
            (json!("TagA"), json!([])),
        ] {
            assert_eq!(Value::from(smaller(&value)), expected, "{value}");
        }
    }
}
