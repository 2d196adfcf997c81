//! What the benchmarks share: the processor clock, peak memory, `--key value` arguments.

use std::collections::BTreeMap;

/// Processor time that this thread has used, in seconds; `None` where Linux's `/proc` is absent.
///
/// Processor time and not the wall clock: neighbours on the machine then disturb less.
pub fn cpu_seconds() -> Option<f64> {
    // The kernel brings the count up to date when the thread gives way; else it is as old as the last tick.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanos / 1e9)
}

/// The processor clock, or an end with a message.
pub fn clock() -> f64 {
    cpu_seconds().unwrap_or_else(|| {
        eprintln!("no /proc/thread-self/schedstat here: this benchmark measures on Linux only");
        std::process::exit(0)
    })
}

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
