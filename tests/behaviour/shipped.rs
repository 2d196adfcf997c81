//! Every shipped scenario keeps every rule: nothing that a user sees first breaks what is promised.

use rmqsim::scenario::{Overrides, Scenario, shipped};
use rmqsim::verify::check::check;

#[test]
fn shipped_scenarios_keep_all_rules() {
    for name in shipped::names() {
        let scenario = Scenario::load(name, &Overrides::default());
        let config = scenario.unwrap_or_else(|problems| panic!("{problems}")).config;
        let seen = check(&config, None);
        assert!(seen.is_ok(), "{name}: {seen:?}");
    }
}
