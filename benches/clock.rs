//! The processor clock of the benchmarks.

/// Processor time that this thread has used, in seconds; `None` where Linux's `/proc` is absent.
///
/// Processor time and not the wall clock: neighbours on the machine then disturb less.
fn cpu_seconds() -> Option<f64> {
    // The kernel brings the count up to date when the thread gives way; else it is as old as the last tick.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanos / 1e9)
}

/// The processor clock, or an end with a message.
pub fn now() -> f64 {
    cpu_seconds().unwrap_or_else(|| {
        eprintln!("no /proc/thread-self/schedstat here: this benchmark measures on Linux only");
        std::process::exit(0)
    })
}
