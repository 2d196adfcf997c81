//! What a second core is worth to a study.

use super::Settings;
use super::compare;
use super::figures::{Verdicts, median, ratio};

pub fn run(settings: &Settings, verdicts: &mut Verdicts) {
    println!("\n## Two cores\n");
    if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
        println!("Skipped: there is one core here.");
        return;
    }
    let speed_ups = compare::speed_ups(settings.rounds.min(3), "16");
    println!(
        "A study of 16 seeds with one thread ÷ with two, on the wall clock, the same bytes: {}.",
        ratio(&speed_ups)
    );
    verdicts.at_least("P9", "speed-up by a second core", median(&speed_ups), 1.8, 1.9);
}
