//! Two trees of JSON, and what differs in them: a row for each value, list or series.

use super::series;
use serde::Serialize;
use serde_json::{Map, Number, Value};

/// One place where two documents differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Where, as expectations name it: `groups.billing.lag.max`.
    pub path: String,
    /// How.
    #[serde(flatten)]
    pub change: Change,
}

/// How two values differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Change {
    /// Two numbers.
    Number {
        /// Of the first.
        a: Number,
        /// Of the second.
        b: Number,
        /// Second − first.
        difference: f64,
        /// Of the first, in per cent; `null` where that is 0.
        percent: Option<f64>,
    },
    /// Two values of which one is no number at least.
    Value {
        /// Of the first.
        a: Value,
        /// Of the second.
        b: Value,
    },
    /// Only the first has it.
    OnlyA {
        /// The value, or how many values are in it.
        a: Value,
    },
    /// Only the second has it.
    OnlyB {
        /// The value, or how many values are in it.
        b: Value,
    },
    /// Two series.
    Series(series::Apart),
    /// Two lists of things.
    List {
        /// Things in the first.
        a: u64,
        /// Things in the second.
        b: u64,
        /// Positions at which they differ, what only one has included.
        differing: u64,
        /// The first of these positions, from 0.
        first: u64,
        /// What differs there, if both have it.
        #[serde(skip_serializing_if = "Option::is_none")]
        example: Option<Box<Row>>,
    },
}

impl Change {
    /// How much it weighs, from 0 to 2: the share of the greater value that they differ by.
    pub fn weight(&self) -> f64 {
        match self {
            Self::Number { a, b, .. } => share(a.as_f64(), b.as_f64()),
            Self::Series(apart) if apart.over_time => share(apart.a, apart.b),
            // Histograms and the like: what differs in them differs in their quantiles too.
            Self::Series(_) => 0.0,
            Self::List { a, b, .. } => share(Some(*a as f64), Some(*b as f64)).max(0.05),
            Self::Value { .. } | Self::OnlyA { .. } | Self::OnlyB { .. } => 1.0,
        }
    }
}

fn share(a: Option<f64>, b: Option<f64>) -> f64 {
    let (Some(a), Some(b)) = (a, b) else { return 1.0 };
    let most = a.abs().max(b.abs());
    if most > 0.0 { (b - a).abs() / most } else { 0.0 }
}

/// What has been found so far.
#[derive(Debug, Default)]
pub struct Found {
    pub rows: Vec<Row>,
    /// Values that are the same in both.
    pub same: u64,
}

/// Walks both trees below `path`. `instants` are those of the series in each, where these have any.
pub fn walk(path: &str, a: &Value, b: &Value, instants: Option<&series::Instants>, found: &mut Found) {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => objects(path, a, b, instants, found),
        // Equal values at other instants are another series.
        _ if a == b && !(a.is_array() && instants.is_some_and(series::Instants::differ)) => {
            found.same += size(a);
        }
        (Value::Array(a), Value::Array(b)) => arrays(path, a, b, instants, found),
        (Value::Number(x), Value::Number(y)) => found.rows.push(Row {
            path: path.to_owned(),
            change: number(x, y),
        }),
        _ => found.rows.push(Row {
            path: path.to_owned(),
            change: Change::Value {
                a: a.clone(),
                b: b.clone(),
            },
        }),
    }
}

fn objects(
    path: &str,
    a: &Map<String, Value>,
    b: &Map<String, Value>,
    instants: Option<&series::Instants>,
    found: &mut Found,
) {
    for (key, value) in a {
        let path = below(path, key);
        match b.get(key) {
            Some(other) => walk(&path, value, other, instants, found),
            None => found.rows.push(Row {
                path,
                change: Change::OnlyA { a: summary(value) },
            }),
        }
    }
    for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
        found.rows.push(Row {
            path: below(path, key),
            change: Change::OnlyB { b: summary(value) },
        });
    }
}

fn arrays(path: &str, a: &[Value], b: &[Value], instants: Option<&series::Instants>, found: &mut Found) {
    let all_numbers = |values: &[Value]| values.iter().all(|value| value.is_number() || value.is_null());
    if all_numbers(a) && all_numbers(b) && a.len() + b.len() > 0 {
        if let Some(apart) = series::compare(a, b, instants) {
            let path = path.to_owned();
            let change = Change::Series(apart);
            found.rows.push(Row { path, change });
        } else {
            found.same += a.len() as u64;
        }
        return;
    }
    let is_short = a.len().max(b.len()) <= 4 && a.len() == b.len();
    if is_short {
        for (at, (x, y)) in a.iter().zip(b).enumerate() {
            walk(&format!("{path}[{at}]"), x, y, instants, found);
        }
        return;
    }
    let mut differing = 0;
    let mut first = None;
    for at in 0..a.len().max(b.len()) {
        if a.get(at) == b.get(at) {
            found.same += a.get(at).map_or(0, size);
            continue;
        }
        differing += 1;
        first.get_or_insert(at);
    }
    let Some(first) = first else { return };
    let example = a.get(first).zip(b.get(first)).and_then(|(x, y)| {
        let mut inner = Found::default();
        walk(&format!("[{first}]"), x, y, None, &mut inner);
        inner.rows.into_iter().next().map(Box::new)
    });
    found.rows.push(Row {
        path: path.to_owned(),
        change: Change::List {
            a: a.len() as u64,
            b: b.len() as u64,
            differing,
            first: first as u64,
            example,
        },
    });
}

/// Two numbers that are not written the same.
pub fn number(a: &Number, b: &Number) -> Change {
    let (x, y) = (a.as_f64().unwrap_or(0.0), b.as_f64().unwrap_or(0.0));
    let difference = match (a.as_i64(), b.as_i64()) {
        (Some(x), Some(y)) => (i128::from(y) - i128::from(x)) as f64,
        _ => y - x,
    };
    Change::Number {
        a: a.clone(),
        b: b.clone(),
        difference,
        percent: (x != 0.0).then(|| 100.0 * difference / x.abs()),
    }
}

/// `path.key`; a key that does not read like a name is quoted, as expectations quote it.
fn below(path: &str, key: &str) -> String {
    let key = match key.contains(['.', '[', ']']) {
        true => format!("[{key:?}]"),
        false => key.to_owned(),
    };
    match (path, key.starts_with('[')) {
        ("", _) => key,
        (path, true) => format!("{path}{key}"),
        (path, false) => format!("{path}.{key}"),
    }
}

/// A value that is short, or how many values are in it.
fn summary(value: &Value) -> Value {
    match value {
        Value::Object(_) | Value::Array(_) => Value::String(match size(value) {
            1 => "1 value".to_owned(),
            n => format!("{n} values"),
        }),
        value => value.clone(),
    }
}

/// Values in a tree.
pub fn size(value: &Value) -> u64 {
    match value {
        Value::Object(map) => map.values().map(size).sum(),
        Value::Array(list) => list.iter().map(size).sum(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rows(a: &Value, b: &Value) -> Vec<(String, Change)> {
        let mut found = Found::default();
        walk("", a, b, None, &mut found);
        found.rows.into_iter().map(|row| (row.path, row.change)).collect()
    }

    #[test]
    fn each_value_that_differs_has_a_row() {
        let a = json!({"x": {"n": 4, "same": [1, 2], "gone": {"p": 1, "q": 2}}, "t": "a", "f": 1.0});
        let b = json!({"x": {"n": 8, "same": [1, 2], "new": 3}, "t": "b", "f": 1});
        let found = rows(&a, &b);
        let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["x.n", "x.gone", "x.new", "t", "f"]);
        let Change::Number {
            difference, percent, ..
        } = found[0].1
        else {
            panic!("{found:?}");
        };
        assert_eq!((difference, percent), (4.0, Some(100.0)));
        assert_eq!(found[1].1, Change::OnlyA { a: json!("2 values") });
        assert_eq!(found[2].1, Change::OnlyB { b: json!(3) });
    }

    #[test]
    fn a_list_is_told_by_its_first_difference() {
        let entry = |at: f64| json!({"at": at, "who": "x"});
        let a = json!({"l": [entry(1.0), entry(2.0), entry(3.0), entry(4.0), entry(5.0)]});
        let b = json!({"l": [entry(1.0), entry(2.5), entry(3.5), entry(4.0)]});
        let found = rows(&a, &b);
        let Change::List {
            a,
            b,
            differing,
            first,
            example,
        } = &found[0].1
        else {
            panic!("{found:?}");
        };
        assert_eq!((*a, *b, *differing, *first), (5, 4, 3, 1));
        assert_eq!(example.as_ref().unwrap().path, "[1].at");
    }

    #[test]
    fn weights_go_by_the_share() {
        let weight = |a: f64, b: f64| {
            let number = |x| Number::from_f64(x).unwrap();
            self::number(&number(a), &number(b)).weight()
        };
        assert_eq!(
            (weight(1.0, 2.0), weight(0.0, 3.0), weight(-1.0, 1.0)),
            (0.5, 1.0, 2.0)
        );
        assert_eq!((weight(100.0, 80.0), weight(80.0, 100.0)), (0.2, 0.2));
    }

    #[test]
    fn equal_values_at_other_instants_are_not_the_same() {
        let series = json!({"lag": [1, 2, 3], "objects": [{"x": 1}]});
        let walked = |a: Value, b: Value| {
            let instants = series::Instants::new(&a, &b);
            let mut found = Found::default();
            walk("", &series, &series, instants.as_ref(), &mut found);
            found
        };
        let same = walked(json!([0, 1, 2]), json!([0, 1, 2]));
        assert_eq!((same.rows.len(), same.same), (0, 4));
        let other = walked(json!([0, 1, 2]), json!([0, 2, 4]));
        assert_eq!((other.rows.len(), other.same), (1, 1));
        let Change::Series(apart) = &other.rows[0].change else {
            panic!("{other:?}");
        };
        assert_eq!((apart.points, apart.differing, apart.first), (2, 1, Some(2.0)));
        assert_eq!((apart.a, apart.b), (Some(3.0), Some(2.0)));
    }

    #[test]
    fn names_with_dots_are_quoted() {
        let found = rows(&json!({"m": {"a.b": 1}}), &json!({"m": {"a.b": 2}}));
        assert_eq!(found[0].0, "m[\"a.b\"]");
    }
}
