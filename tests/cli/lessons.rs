//! What the shipped scenarios teach is true: their own expectations hold.

use rmqsim::report::expect::{Expectation, shape};
use rmqsim::scenario::{Overrides, Scenario, shipped};

#[test]
fn shipped_scenarios_meet_their_expectations() {
    for name in shipped::names() {
        let scenario = Scenario::load(name, &Overrides::default()).unwrap();
        let known = shape(&scenario.config);
        let read = |(text, _): &(String, _)| {
            let expectation = Expectation::parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            expectation
                .check(&known)
                .unwrap_or_else(|e| panic!("{name}: {e}"));
            expectation
        };
        let expectations: Vec<Expectation> = scenario.expect.iter().map(read).collect();
        let mut report = rmqsim::simulate(name, &scenario, |_, _| {});
        assert!(report.judge(&expectations), "{name}: {:?}", report.expect);
    }
}

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
