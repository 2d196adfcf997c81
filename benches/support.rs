//! The `--key value` arguments of the benchmarks.

use std::collections::BTreeMap;

/// The arguments after the program's name, as pairs; cargo's own `--bench` is left out.
///
/// # Panics
/// If a key has no value or is not among `known`.
pub fn arguments(known: &[&str]) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let key = word.trim_start_matches("--").to_owned();
        assert!(
            known.contains(&key.as_str()),
            "unknown argument {word}; there are {known:?}"
        );
        let value = words.next().unwrap_or_else(|| panic!("{word} needs a value"));
        pairs.insert(key, value);
    }
    pairs
}

/// A count like `1000000` or `1e6`.
///
/// # Panics
/// If `text` is not a number.
pub fn count(text: &str) -> u64 {
    text.parse::<f64>()
        .unwrap_or_else(|_| panic!("`{text}` is not a number")) as u64
}
