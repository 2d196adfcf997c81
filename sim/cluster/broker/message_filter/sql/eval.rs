//! What an expression is of one message.
//!
//! Source: the `evaluate` methods of `ComparisonExpression`, `LogicExpression` and `UnaryExpression`.

use crate::cluster::broker::message_filter::sql::parser::{Expr, TextTest};
use crate::cluster::broker::message_filter::sql::{EvalError, Properties};
use std::borrow::Cow;
use std::cmp::Ordering;

/// What a part of an expression can be; kinds of numbers matter.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'m> {
    /// NULL, or a property that is missing.
    Null,
    /// `Boolean`.
    Bool(bool),
    /// `Integer`.
    Int(i32),
    /// `Long`.
    Long(i64),
    /// `Double`.
    Double(f64),
    /// `String`; every property is one.
    Text(Cow<'m, str>),
}

type Evaluated<T> = Result<T, EvalError>;

/// What `expr` is where a boolean is needed; `None` = NULL.
pub fn truth(expr: &Expr, of: &impl Properties) -> Evaluated<Option<bool>> {
    match expr {
        Expr::Not(inner) => Ok(truth(inner, of)?.map(|value| !value)),
        Expr::Cast(inner) => Ok(match value(inner, of)? {
            Value::Null => None,
            other => Some(other == Value::Bool(true)),
        }),
        Expr::Order(op, left, right) => {
            let order = order(left, right, of)?;
            Ok(order.map(|order| op.holds(order)))
        }
        Expr::Equal(left, right) => equal(&value(left, of)?, &value(right, of)?),
        Expr::IsNull(inner) => Ok(Some(value(inner, of)? == Value::Null)),
        Expr::Text {
            test,
            negated,
            value: inner,
            search,
        } => Ok(Some(match value(inner, of)? {
            Value::Text(text) if !search.is_empty() => found(*test, &text, search) != *negated,
            _ => false,
        })),
        Expr::In {
            property,
            texts,
            negated,
        } => {
            let found = of.property(property);
            Ok(found.map(|found| texts.iter().any(|text| **text == *found) != *negated))
        }
        Expr::And(parts) => joined(parts, of, false),
        Expr::Or(parts) => joined(parts, of, true),
        Expr::Constant(Value::Bool(constant)) => Ok(Some(*constant)),
        Expr::Constant(_) | Expr::Property(_) | Expr::Negate(_) => Ok(None),
    }
}

/// AND is decided by a FALSE, OR by a TRUE (`decisive`); what follows is not evaluated. Else a NULL makes it NULL.
fn joined(parts: &[Expr], of: &impl Properties, decisive: bool) -> Evaluated<Option<bool>> {
    let mut result = Some(!decisive);
    for part in parts {
        match truth(part, of)? {
            Some(value) if value == decisive => return Ok(Some(decisive)),
            Some(_) => {}
            None => result = None,
        }
    }
    Ok(result)
}

fn value<'m>(expr: &Expr, of: &'m impl Properties) -> Evaluated<Value<'m>> {
    Ok(match expr {
        Expr::Constant(constant) => constant.clone(),
        Expr::Property(name) => of.property(name).map_or(Value::Null, Value::Text),
        Expr::Negate(inner) => match value(inner, of)? {
            Value::Int(n) => Value::Int(n.wrapping_neg()),
            Value::Long(n) => Value::Long(n.wrapping_neg()),
            Value::Double(x) => Value::Double(-x),
            // A property is a text, whatever it says.
            Value::Null | Value::Bool(_) | Value::Text(_) => Value::Null,
        },
        _ => truth(expr, of)?.map_or(Value::Null, Value::Bool),
    })
}

/// A NULL on the left makes it NULL, one on the right FALSE; two NULLs are equal.
fn equal(left: &Value, right: &Value) -> Evaluated<Option<bool>> {
    match (left, right) {
        (Value::Null, Value::Null) => Ok(Some(true)),
        (Value::Null, _) => Ok(None),
        (_, Value::Null) => Ok(Some(false)),
        _ => Ok(Some(compare(left, right)?.is_eq())),
    }
}

fn order(left: &Expr, right: &Expr, of: &impl Properties) -> Evaluated<Option<Ordering>> {
    let left = value(left, of)?;
    if left == Value::Null {
        return Ok(None);
    }
    let right = value(right, of)?;
    match (&left, &right) {
        (_, Value::Null) => Ok(None),
        (Value::Text(left), Value::Text(right)) => Ok(Some(doubles(java_double(left)?, java_double(right)?))),
        _ => compare(&left, &right).map(Some),
    }
}

/// `__compare`: a text beside something else is read as that; what cannot be compared is "less".
pub fn compare(left: &Value, right: &Value) -> Evaluated<Ordering> {
    use Value::{Bool, Double, Int, Long, Null, Text};
    Ok(match (left, right) {
        (Bool(a), Bool(b)) => a.cmp(b),
        (Bool(_), Text(_)) => return Err(EvalError::BooleanWithText),
        (Text(a), Bool(b)) => a.eq_ignore_ascii_case("true").cmp(b),
        (Text(a), Text(b)) => a.cmp(b),
        (Int(a), Int(b)) => a.cmp(b),
        (Int(a), Long(b)) => i64::from(*a).cmp(b),
        (Long(a), Int(b)) => a.cmp(&i64::from(*b)),
        (Long(a), Long(b)) => a.cmp(b),
        (Int(a), Text(b)) => a.cmp(&java_int(b)?),
        (Text(a), Int(b)) => java_int(a)?.cmp(b),
        (Long(a), Text(b)) => a.cmp(&java_long(b)?),
        (Text(a), Long(b)) => java_long(a)?.cmp(b),
        (Double(a), Double(b)) => doubles(*a, *b),
        (Double(a), Int(b)) => doubles(*a, f64::from(*b)),
        (Int(a), Double(b)) => doubles(f64::from(*a), *b),
        (Double(a), Long(b)) => doubles(*a, *b as f64),
        (Long(a), Double(b)) => doubles(*a as f64, *b),
        (Double(a), Text(b)) => doubles(*a, java_double(b)?),
        (Text(a), Double(b)) => doubles(java_double(a)?, *b),
        (Null, _) | (_, Null) | (Bool(_), _) | (_, Bool(_)) => Ordering::Less,
    })
}

/// `Double.compareTo`: NaN is the greatest and equals itself, −0 is less than 0.
fn doubles(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) => a.total_cmp(&b),
        (a, b) => a.cmp(&b),
    }
}

/// `Integer.valueOf`.
fn java_int(text: &str) -> Evaluated<i32> {
    text.parse().map_err(|_| EvalError::NotANumber)
}

/// `Long.valueOf`.
fn java_long(text: &str) -> Evaluated<i64> {
    text.parse().map_err(|_| EvalError::NotANumber)
}

/// `Double.valueOf`: blanks around it do not count, a final `f` or `d` does no harm.
fn java_double(text: &str) -> Evaluated<f64> {
    let text = text.trim_matches(|c: char| c <= ' ');
    match text {
        "NaN" | "+NaN" | "-NaN" => return Ok(f64::NAN),
        "Infinity" | "+Infinity" => return Ok(f64::INFINITY),
        "-Infinity" => return Ok(f64::NEG_INFINITY),
        _ => {}
    }
    let digits = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    // Rust reads `inf` and `nan` too.
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    if !digits.chars().all(is_part) {
        return Err(EvalError::NotANumber);
    }
    digits.parse().map_err(|_| EvalError::NotANumber)
}

fn found(test: TextTest, text: &str, search: &str) -> bool {
    match test {
        TextTest::Contains => text.contains(search),
        TextTest::StartsWith => text.starts_with(search),
        TextTest::EndsWith => text.ends_with(search),
    }
}
