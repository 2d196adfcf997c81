//! The simulator against the theory of queues: M/M/c in nine cells. What is compared: `docs/theory.md`.
//!
//!     cargo bench --bench theory -- --messages 1e7 --seed 1
//!
//! Prints one row for each cell as it is done. Exit code 1 if any cell misses a bound.

#[path = "../tests/theory/harness/mod.rs"]
mod harness;
mod support;

use harness::cell::Cell;
use harness::comparison::{Bounds, Comparison};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::mpsc;

/// What the project promises beside the three standard errors.
const BOUNDS: Option<Bounds> = Some(Bounds {
    sojourn: 0.02,
    p99: 0.05,
});

fn main() -> ExitCode {
    let arguments = support::arguments(&["messages", "seed"]);
    let number = |key: &str, default| arguments.get(key).map_or(default, |text| support::count(text));
    let (messages, seed) = (number("messages", 10_000_000), number("seed", 1));

    println!("{}", Comparison::head());
    let mut missed = 0;
    in_order(
        |cell| Comparison::of(cell, messages, seed),
        |found| {
            println!("{}", found.row(BOUNDS));
            missed += usize::from(!found.misses(BOUNDS).is_empty());
        },
    );
    if missed > 0 {
        println!("{missed} of {} cells miss a bound", Cell::ALL.len());
        return ExitCode::FAILURE;
    }
    println!("all {} cells agree with theory (seed {seed})", Cell::ALL.len());
    ExitCode::SUCCESS
}

/// Runs all cells on all processors and tells of each in the order of the table.
fn in_order(run: impl Fn(Cell) -> Comparison + Sync, mut tell: impl FnMut(Comparison)) {
    let waiting = Mutex::new(Cell::ALL.into_iter().enumerate());
    let (sender, receiver) = mpsc::channel();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (waiting, run, sender) = (&waiting, &run, sender.clone());
            scope.spawn(move || {
                loop {
                    let next = waiting.lock().expect("no worker panics with the lock").next();
                    let Some((at, cell)) = next else { return };
                    sender.send((at, run(cell))).expect("the table listens");
                }
            });
        }
        drop(sender);
        let mut done: [Option<Comparison>; Cell::ALL.len()] = Default::default();
        let mut next = 0;
        for (at, found) in receiver {
            done[at] = Some(found);
            while let Some(found) = done.get_mut(next).and_then(Option::take) {
                tell(found);
                next += 1;
            }
        }
    });
}
