//! A filter expression of type SQL92: it compiles, or it has a problem at a place inside it; and what compiles can be
//! evaluated.

use rmqsim::cluster::broker::message_filter::sql::{Properties, Sql};
use std::borrow::Cow;

/// Every property has a value that depends on its name; some have none.
struct Message;

impl Properties for Message {
    fn property(&self, name: &str) -> Option<Cow<'_, str>> {
        const VALUES: [Option<&str>; 8] = [
            None,
            Some(""),
            Some("1"),
            Some("-7.5e3"),
            Some("true"),
            Some("eu"),
            Some("NaN"),
            Some("99999999999"),
        ];
        let sum = name
            .bytes()
            .fold(0, |sum: usize, byte| sum.wrapping_add(byte.into()));
        VALUES[sum % VALUES.len()].map(Cow::from)
    }
}

/// Holds for every text.
pub fn check(text: &str) {
    match Sql::compile(text) {
        Ok(sql) => {
            assert!(sql.unread().is_none_or(|at| text.is_char_boundary(at)));
            let value = sql.evaluate(&Message);
            assert_eq!(sql.matches(&Message), value == Ok(Some(true)));
        }
        Err(error) => assert!(text.get(error.at).is_some(), "a problem lies inside the text"),
    }
}
