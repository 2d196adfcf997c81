//! Two series of numbers, told by where they are furthest apart and when they first part.

use serde::Serialize;
use serde_json::Value;

/// How two series differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Apart {
    /// Points that both have.
    pub points: u64,
    /// Of these, those that differ.
    pub differing: u64,
    /// Points that only the first has.
    pub only_a: u64,
    /// Points that only the second has.
    pub only_b: u64,
    /// The values where they are furthest apart: of the first, `null` if it has none there or no point differs,
    pub a: Option<f64>,
    /// and of the second.
    pub b: Option<f64>,
    /// Where that is: seconds in a series over time, else the position from 0; `null` if no point differs.
    pub at: Option<f64>,
    /// Where they first differ; `null` if no point does.
    pub first: Option<f64>,
    /// Whether `at` and `first` are seconds.
    pub over_time: bool,
}

/// The instants of the series of both documents.
#[derive(Debug)]
pub struct Instants {
    a: Vec<f64>,
    b: Vec<f64>,
}

impl Instants {
    /// Whether they are not the same.
    pub fn differ(&self) -> bool {
        self.a != self.b
    }

    /// Those of two lists of seconds.
    pub fn new(a: &Value, b: &Value) -> Option<Self> {
        let list =
            |value: &Value| -> Option<Vec<f64>> { value.as_array()?.iter().map(Value::as_f64).collect() };
        Some(Self {
            a: list(a)?,
            b: list(b)?,
        })
    }
}

/// Compares two series point by point, by their instants if they have such; `None` if they are the same.
pub fn compare(a: &[Value], b: &[Value], instants: Option<&Instants>) -> Option<Apart> {
    let over_time = instants.filter(|of| of.a.len() == a.len() && of.b.len() == b.len());
    let mut apart = Apart {
        points: 0,
        differing: 0,
        only_a: 0,
        only_b: 0,
        a: None,
        b: None,
        at: None,
        first: None,
        over_time: over_time.is_some(),
    };
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let key = |own: fn(&Instants) -> &Vec<f64>, at: usize| match over_time {
            Some(instants) => own(instants).get(at).copied(),
            None => Some(at as f64),
        };
        let x = (i < a.len()).then(|| key(|of| &of.a, i)).flatten();
        let y = (j < b.len()).then(|| key(|of| &of.b, j)).flatten();
        match (x, y) {
            (Some(x), Some(y)) if x == y => {
                apart.looks_at(x, &a[i], &b[j]);
                (i, j) = (i + 1, j + 1);
            }
            (Some(x), y) if y.is_none_or(|y| x < y) => (apart.only_a, i) = (apart.only_a + 1, i + 1),
            _ => (apart.only_b, j) = (apart.only_b + 1, j + 1),
        }
    }
    (apart.differing + apart.only_a + apart.only_b > 0).then_some(apart)
}

impl Apart {
    fn looks_at(&mut self, at: f64, x: &Value, y: &Value) {
        self.points += 1;
        if x == y {
            return;
        }
        self.differing += 1;
        self.first.get_or_insert(at);
        // A value and none have no distance: any two values are further apart.
        let distance = |a: Option<f64>, b: Option<f64>| Some((b? - a?).abs());
        let (x, y) = (x.as_f64(), y.as_f64());
        if self.differing == 1 || distance(x, y) > distance(self.a, self.b) {
            (self.a, self.b, self.at) = (x, y, Some(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(a: &Value, b: &Value, instants: Option<&Instants>) -> Option<Apart> {
        compare(a.as_array().unwrap(), b.as_array().unwrap(), instants)
    }

    #[test]
    fn where_they_are_furthest_apart() {
        let apart = of(&json!([1, 2, 3, 4]), &json!([1, 3, 9, 5]), None).unwrap();
        assert_eq!((apart.points, apart.differing), (4, 3));
        assert_eq!((apart.first, apart.at), (Some(1.0), Some(2.0)));
        assert_eq!((apart.a, apart.b), (Some(3.0), Some(9.0)));
        assert!(of(&json!([1, null]), &json!([1, null]), None).is_none());
    }

    /// Every second point of the first has no partner: grids of 1 s and 2 s.
    #[test]
    fn points_meet_at_equal_instants() {
        let instants = Instants::new(&json!([0, 1.0, 2.0, 3.0]), &json!([0, 2.0, 4.0])).unwrap();
        let apart = of(&json!([5, 6, 7, 8]), &json!([5, 9, 1]), Some(&instants)).unwrap();
        assert_eq!((apart.points, apart.only_a, apart.only_b), (2, 2, 1));
        assert_eq!(
            (apart.first, apart.a, apart.b, apart.over_time),
            (Some(2.0), Some(7.0), Some(9.0), true)
        );
    }

    #[test]
    fn no_value_is_not_zero() {
        let apart = of(&json!([null, 1, 2]), &json!([500, 1, 3]), None).unwrap();
        assert_eq!((apart.differing, apart.first), (2, Some(0.0)));
        assert_eq!((apart.at, apart.a, apart.b), (Some(2.0), Some(2.0), Some(3.0)));
        let apart = of(&json!([1, null]), &json!([1, 0]), None).unwrap();
        assert_eq!((apart.at, apart.a, apart.b), (Some(1.0), None, Some(0.0)));
    }
}
