//! The `--key value` arguments of the benchmarks.

use std::collections::BTreeMap;

/// The arguments after the program's name, as pairs; a key without a value means `yes`, and cargo's own `--bench` is
/// left out.
///
/// # Panics
/// If a key is not among `known`.
pub fn arguments(known: &[&str]) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    let words = std::env::args().skip(1).filter(|word| word != "--bench");
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        let key = word.trim_start_matches("--").to_owned();
        assert!(
            known.contains(&key.as_str()),
            "unknown argument {word}; there are {known:?}"
        );
        let value = words.next_if(|next| !next.starts_with("--"));
        pairs.insert(key, value.unwrap_or_else(|| "yes".to_owned()));
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
