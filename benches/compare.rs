//! What a second core is worth to a study: `cargo bench --bench compare`.
//!
//! The same study runs with one thread and with two, in turn, whole processes on the wall clock; they must print the same
//! bytes. The medians' ratio is the speed-up; below 1.8 on a machine with two cores the exit code is 1. Neighbours on
//! the machine take what the second thread would have had: measure on a quiet one.

#![expect(
    clippy::disallowed_types,
    reason = "a speed-up is a matter of the wall clock, and no simulation runs here"
)]

mod support;

use std::process::Command;
use std::time::Instant;

/// The speed-up that is promised on two cores.
const PROMISED: f64 = 1.8;

/// Seconds of one study with so many threads, and what it printed.
fn study(threads: &str, seeds: &str) -> (f64, Vec<u8>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rmqsim"));
    command.args([
        "compare",
        "rolling-deploy",
        "--format",
        "json",
        "-q",
        "--seeds",
        seeds,
    ]);
    command.args(["--threads", threads]);
    let begin = Instant::now();
    let output = command.output().expect("the program starts");
    let seconds = begin.elapsed().as_secs_f64();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    (seconds, output.stdout)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// How many times faster two threads are than one, round by round.
///
/// # Panics
/// If they print other bytes.
pub fn speed_ups(rounds: u64, seeds: &str) -> Vec<f64> {
    let round = |_| {
        let ((alone, bytes), (both, same)) = (study("1", seeds), study("2", seeds));
        assert!(bytes == same, "the number of threads changed the result");
        println!(
            "1 thread {alone:.2} s   2 threads {both:.2} s   ×{:.2}",
            alone / both
        );
        alone / both
    };
    (0..rounds).map(round).collect()
}

/// Runs what the arguments ask for; the speed table has its own use of [`speed_ups`].
pub fn main() {
    let arguments = support::arguments(&["rounds", "seeds"]);
    let rounds = arguments.get("rounds").map_or(7, |text| support::count(text));
    let seeds = arguments.get("seeds").map_or("20", String::as_str);
    let speed_up = median(speed_ups(rounds, seeds));
    println!("median of {rounds} rounds: speed-up ×{speed_up:.2} (promised on two cores: ×{PROMISED})");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores >= 2 && speed_up < PROMISED {
        std::process::exit(1);
    }
}
