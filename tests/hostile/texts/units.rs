//! Quantities with a unit: what is read has a text form that reads back to the same, and what is refused has a reason.

use rmqsim::kernel::time::SimDuration;
use rmqsim::scenario::schema::Percent;
use rmqsim::scenario::units::{Rate, Size};
use std::fmt::{Debug, Display};
use std::str::FromStr;

/// Holds for every text.
pub fn check(text: &str) {
    reads_back::<SimDuration>(text);
    reads_back::<Rate>(text);
    reads_back::<Size>(text);
    reads_back::<Percent>(text);
    if let Ok(rate) = text.parse::<Rate>() {
        assert!(!rate.gap().is_zero(), "time goes on between two messages");
    }
}

fn reads_back<T>(text: &str)
where
    T: FromStr<Err: Display> + Display + PartialEq + Debug,
{
    match text.parse::<T>() {
        Ok(value) => {
            let again = value.to_string().parse::<T>();
            assert_eq!(again.ok(), Some(value), "`{text}` does not read back");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
