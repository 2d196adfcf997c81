//! Arguments of `--set`, one a line, for a scenario that has something of everything: they are refused with places inside
//! them, or what they make has a normal form.

use super::scenario::{has_a_normal_form, is_told};
use rmqsim::scenario::{Overrides, Scenario};

/// What is changed.
pub const BASE: &str = include_str!("../base.json");

/// Holds for every text.
pub fn check(text: &str) {
    let overrides = Overrides {
        set: text.lines().map(str::to_owned).collect(),
        ..Overrides::default()
    };
    match Scenario::from_text("base.json", BASE, &overrides) {
        Ok(scenario) => has_a_normal_form(&scenario),
        Err(problems) => is_told(&problems),
    }
}
