//! Arguments of `--vary`, one a line: they are refused with places inside them, or make a plan of different variants, each
//! of which `--set` makes too.

use super::scenario::is_told;
use super::set::BASE;
use rmqsim::scenario::study::{Plan, Wanted};
use rmqsim::scenario::{Overrides, Scenario, Source};
use std::collections::BTreeSet;

/// Runs at most: each variant is a scenario to be built.
const RUNS: u64 = 32;

/// Holds for every text.
pub fn check(text: &str) {
    let source = Source {
        name: "base.json".to_owned(),
        text: BASE.to_owned(),
    };
    let wanted = Wanted {
        vary: text.lines().map(str::to_owned).collect(),
        seeds: Some(1),
        max_runs: Some(RUNS),
        ..Wanted::default()
    };
    let plan = match Plan::read(vec![source], &Overrides::default(), &wanted) {
        Ok(plan) => plan,
        Err(problems) => return is_told(&problems),
    };
    let labels: BTreeSet<&str> = plan
        .variants
        .iter()
        .map(|variant| variant.label.as_str())
        .collect();
    assert_eq!(labels.len(), plan.variants.len(), "two variants of one name");
    assert!((2..=RUNS as usize).contains(&labels.len()));
    for variant in &plan.variants {
        let overrides = Overrides {
            set: variant.set.clone(),
            ..Overrides::default()
        };
        let alone = Scenario::from_text("base.json", BASE, &overrides)
            .unwrap_or_else(|problems| panic!("--set {:?} is refused: {problems}", variant.set));
        assert_eq!(alone.normalised, variant.scenario.normalised, "{:?}", variant.set);
    }
}
