//! What must always hold. A broken invariant is a fault of the program, never of the scenario.
//!
//! The text starts with `invariant` and the id; the command line turns such a panic into exit code 3 and
//! adds the command that reproduces it.

use crate::kernel::time::SimTime;

/// Ends the run: invariant `id` does not hold at `now`.
#[cold]
#[inline(never)]
#[track_caller]
pub fn broken(now: SimTime, id: &str, what: &str) -> ! {
    panic!("invariant {id} broken at {now}: {what}")
}

/// A count as people read it, in groups of three digits: `12 040`.
pub fn grouped(n: impl Into<i128>) -> String {
    let n = n.into();
    let digits = n.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    if n < 0 {
        text.push('-');
    }
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_groups_of_three() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1 000"),
            (12_040, "12 040"),
            (-1_234_567, "-1 234 567"),
        ] {
            assert_eq!(grouped(n), text);
        }
    }

    #[test]
    #[should_panic = "invariant L1 broken at 183.204000000s: two and two make five"]
    fn a_broken_invariant_names_its_id_and_the_instant() {
        broken(
            SimTime::from_nanos(183_204_000_000),
            "L1",
            "two and two make five",
        );
    }
}
