//! What a slice tells when one clicks on it.

use crate::trace::out::quoted;

/// A JSON object that grows.
#[derive(Debug, Default)]
pub struct Args(String);

impl Args {
    /// With a text that is JSON already.
    pub fn json(mut self, key: &str, value: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(key);
        self.0.push_str("\":");
        self.0.push_str(value);
        self
    }
    pub fn text(self, key: &str, value: &str) -> Self {
        self.json(key, &quoted(value))
    }
    pub fn number(self, key: &str, value: u64) -> Self {
        self.json(key, &value.to_string())
    }
    /// The fields, without brackets.
    pub fn fields(&self) -> &str {
        &self.0
    }
}
