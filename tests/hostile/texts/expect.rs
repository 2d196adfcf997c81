//! Expectations, one a line: refused with a reason, or judged without ado.

use super::set::BASE;
use rmqsim::report::expect::{Expectation, shape};
use rmqsim::scenario::{Overrides, Scenario};
use rmqsim::{Report, simulate};
use serde_json::Value;
use std::cell::RefCell;

thread_local! {
    /// Which metrics there are, and a report that holds them: of the first seconds of the base.
    static MEASURED: RefCell<(Value, Report)> = RefCell::new(measured());
}

fn measured() -> (Value, Report) {
    let overrides = Overrides {
        until: "40s".parse().ok(),
        ..Overrides::default()
    };
    let base = Scenario::from_text("base.json", BASE, &overrides).expect("the base is sound");
    (shape(&base.config), simulate("base", &base, |_, _| {}))
}

/// Holds for every text.
pub fn check(text: &str) {
    MEASURED.with_borrow_mut(|(shape, report)| {
        let (mut read, mut expectations) = (0, Vec::new());
        for line in text.lines() {
            match Expectation::parse(line, shape) {
                Ok(expectation) => expectations.push(expectation),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
            read += 1;
        }
        assert!(expectations.len() <= read);
        report.judge(&expectations);
        assert_eq!(report.expect.len(), expectations.len());
        for (verdict, expectation) in report.expect.iter().zip(&expectations) {
            assert_eq!(verdict.text, expectation.text());
            assert!(
                verdict.actual.is_some() || !verdict.passed,
                "nothing was measured, but {}",
                verdict.text
            );
        }
        report.expect.clear();
    });
}
