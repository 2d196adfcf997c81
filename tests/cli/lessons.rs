//! Shipped scenarios are lessons. That their expectations hold is checked by the gallery.

use rmqsim::scenario::{Overrides, Scenario, shipped};

/// A lesson is read in a minute and runs in a moment.
#[test]
fn shipped_scenarios_are_small() {
    for name in shipped::names() {
        let scenario = Scenario::load(name, &Overrides::default()).unwrap();
        let messages = rmqsim::scenario::estimate::messages(&scenario.config);
        assert!(messages <= 300_000, "{name} makes {messages} messages");
        assert!(
            !scenario.file.teaches.is_empty() && !scenario.file.try_next.is_empty(),
            "{name}"
        );
        assert!(!scenario.expect.is_empty(), "{name} expects nothing");
    }
}
