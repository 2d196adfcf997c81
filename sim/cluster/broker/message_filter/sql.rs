//! SQL92 filters: a boolean expression over the properties of a message.
//!
//! The language is that of JMS selectors without arithmetic and `LIKE`, with `CONTAINS`, `STARTSWITH` and
//! `ENDSWITH`. All properties are texts. Compared with a number they are read as a number *of that kind*: `a > 5`
//! fails for `a` = `5.5`, and whatever fails while it is evaluated lets nothing through, as NULL and FALSE do.
//!
//! What surprises in RocketMQ holds here too:
//! - `a = 1` is NULL for a message without `a`, but `1 = a` is FALSE, so that `1 <> a` lets it through;
//! - two missing properties are equal; a property alone (`WHERE vip`) is never true;
//! - `NOT a = 1` means `(NOT a) = 1`; `IN` takes texts only; `0.0` is no number, since it is "too small";
//! - `TRUE = a` fails, `a = TRUE` does not;
//! - whatever follows a complete expression is not looked at: `a = 1 LIKE 'x'` means `a = 1`. [`Sql::unread`] tells.
//!
//! Left out: properties that are hexadecimal floating-point numbers or have digits of other scripts.
//!
//! Source: `SelectorParser.jj`, `ComparisonExpression`, `LogicExpression`, `UnaryExpression`, `ConstantExpression`.

mod eval;
mod lexer;
mod parser;

use std::borrow::Cow;
use std::ops::Range;

/// Bytes of an expression at most; RocketMQ has no limit but its stack.
pub const LONGEST: usize = 4096;

/// A compiled expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Sql {
    root: parser::Expr,
    unread: Option<usize>,
}

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SqlError {
    /// Bytes of the text that are to blame.
    pub at: Range<usize>,
    /// What is wrong with them.
    pub message: String,
}

/// Why an expression could not be evaluated; the message is then dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// A text that is no number was compared with one, or texts were compared by order.
    #[error("not a number")]
    NotANumber,
    /// A boolean stands on the left of `=`, a text on its right (`ClassCastException`).
    #[error("a boolean is compared with a text")]
    BooleanWithText,
}

/// The properties of one message.
pub trait Properties {
    /// The property called `name`, whose case counts; `None` = it has none.
    fn property(&self, name: &str) -> Option<Cow<'_, str>>;
}

impl Sql {
    /// Compiles `text`.
    ///
    /// # Errors
    /// The first problem in it.
    pub fn compile(text: &str) -> Result<Self, SqlError> {
        parser::parse(text).map(|(root, unread)| Self { root, unread })
    }

    /// Where the part begins that follows a complete expression and that RocketMQ does not look at.
    pub fn unread(&self) -> Option<usize> {
        self.unread
    }

    /// What the expression is of a message: true, false or NULL.
    ///
    /// # Errors
    /// If values cannot be compared.
    pub fn evaluate(&self, of: &impl Properties) -> Result<Option<bool>, EvalError> {
        eval::truth(&self.root, of)
    }

    /// Whether the broker lets a message through.
    pub fn matches(&self, of: &impl Properties) -> bool {
        self.evaluate(of) == Ok(Some(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    struct Message(BTreeMap<&'static str, &'static str>);

    impl Properties for Message {
        fn property(&self, name: &str) -> Option<Cow<'_, str>> {
            self.0.get(name).map(|text| (*text).into())
        }
    }

    fn message() -> Message {
        Message([("region", "eu"), ("amount", "12")].into())
    }

    #[track_caller]
    fn refused(text: &str, to_blame: &str, message: &str) {
        let error = Sql::compile(text).unwrap_err();
        assert_eq!(
            (&text[error.at.clone()], error.message.as_str()),
            (to_blame, message)
        );
    }

    /// Only TRUE passes: not NULL, not what cannot be evaluated.
    #[test]
    fn only_true_passes() {
        let passes = |text| Sql::compile(text).unwrap().matches(&message());
        assert!(passes("amount > 10 AND region = 'eu'"));
        assert!(!passes("weight > 10") && !passes("NOT (weight > 10)"));
        assert!(!passes("region > 10 OR TRUE"));
    }

    #[test]
    fn errors_point_at_what_is_to_blame() {
        refused(
            "a = 'x' AND b ! c",
            "!",
            "`!` means nothing here; not equal is `<>`",
        );
        refused("a >", "", "a property or a value is missing at the end");
        refused("a = 1 AND 5", "5", "this is neither true nor false");
        refused("x > 'b'", "'b'", "texts have no order");
        refused("订 = 1", "订", "`订` means nothing here");
        refused(
            "a BETWEEN 10 AND 0",
            "10 AND 0",
            "the first bound must not be greater than the second",
        );
        refused(
            "a IN ('x', 5)",
            "5",
            "a text in single quotes is expected, not a number",
        );
        refused("a = 'open", "'open", "this text has no closing quote");
        refused("(a = 1) < 2", "(a = 1)", "what is true or false has no order");
        let deep = format!("{}a", "NOT ".repeat(200));
        refused(&deep, "NOT", "more than 100 levels");
    }

    /// RocketMQ's parser stops after a complete expression.
    #[test]
    fn what_is_not_read_is_told() {
        let unread = |text| Sql::compile(text).unwrap().unread();
        assert_eq!(unread("a = 1 /* all of it */ "), None);
        assert_eq!(unread("a = 1 LIKE 'x'"), Some(6));
        assert_eq!(unread("a = 1)"), Some(5));
    }

    proptest! {
        /// Whatever the text, it compiles or has a problem at a place inside it, and can be evaluated.
        #[test]
        fn any_text_has_an_answer(text in "(?s)([a-z]{1,2}|[0-9.]{1,4}|'[^']{0,3}'?|[ =<>(),+*/-]|NOT|AND|OR|IN|IS|NULL|BETWEEN|CONTAINS| .){0,30}") {
            match Sql::compile(&text) {
                Ok(sql) => {
                    prop_assert!(sql.unread().is_none_or(|at| text.is_char_boundary(at)));
                    let _ = sql.evaluate(&message());
                }
                Err(error) => prop_assert!(text.get(error.at).is_some()),
            }
        }
    }
}
