//! Choices of a generator, each from the stream of one entity and one purpose.

use crate::kernel::streams::{Source, Stream};
use crate::kernel::time::SimDuration;
use serde_json::{Map, Value};

/// Makes choices.
pub struct Chooser(pub Stream);

impl Chooser {
    /// From 0 to `n` − 1.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0.below(n)
    }

    /// From `low` to `high`, both included.
    pub fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// One of `from`; what is listed twice is twice as likely.
    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }

    /// Each of `0..n` with an even chance, but at least one.
    pub fn some_of(&mut self, n: usize) -> Vec<usize> {
        let certain = self.below(n as u64) as usize;
        (0..n).filter(|i| *i == certain || self.percent(50)).collect()
    }
}

/// Milliseconds as a file has them.
pub fn span(millis: u64) -> Value {
    SimDuration::from_millis(millis).to_string().into()
}

/// Keys of a block in the order in which they are given; what is null is left out.
pub fn block<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let given = entries.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(
        given
            .map(|(key, value)| (key.to_owned(), value))
            .collect::<Map<_, _>>(),
    )
}

/// The value if there is to be one, else nothing.
pub fn given<V: Into<Value>>(is_given: bool, value: impl FnOnce() -> V) -> Value {
    match is_given {
        true => value().into(),
        false => Value::Null,
    }
}

/// The value with the given chance, else nothing: the default of the format.
pub fn maybe(c: &mut Chooser, chance: u64, value: impl FnOnce(&mut Chooser) -> Value) -> Value {
    match c.percent(chance) {
        true => value(c),
        false => Value::Null,
    }
}
