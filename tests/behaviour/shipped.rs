//! Every shipped scenario keeps every rule: nothing that a user sees first breaks what is promised.

use rmqsim::scenario::{Overrides, Scenario, estimate, shipped};
use rmqsim::verify::check::check;

/// Messages of a scenario that is short enough for each test run. `RMQSIM_ALL_SCENARIOS=1` runs all.
const SHORT: u128 = 40_000;

#[test]
fn shipped_scenarios_keep_all_rules() {
    let all = std::env::var_os("RMQSIM_ALL_SCENARIOS").is_some();
    let mut checked = 0;
    for name in shipped::names() {
        let scenario = Scenario::load(name, &Overrides::default());
        let config = scenario.unwrap_or_else(|problems| panic!("{problems}")).config;
        if !all && estimate::messages(&config) > SHORT {
            continue;
        }
        checked += 1;
        let seen = check(&config, None);
        assert!(seen.is_ok(), "{name}: {seen:?}");
    }
    assert!(checked >= 8, "{checked} scenarios are short");
}
