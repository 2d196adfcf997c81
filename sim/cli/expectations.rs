//! The expectations of a scenario, read before anything runs.

use crate::report::expect::{Expectation, shape};
use crate::scenario::{Diagnostic, Diagnostics, Scenario};

/// All expectations of `scenario`.
///
/// # Errors
/// All that cannot be read or that no report of this cluster can answer, each with its place.
pub fn read(scenario: &Scenario) -> Result<Vec<Expectation>, Box<Diagnostics>> {
    let shape = shape(&scenario.config);
    let (mut expectations, mut problems) = (Vec::new(), Vec::new());
    for (index, (text, span)) in scenario.expect.iter().enumerate() {
        match Expectation::parse(text, &shape) {
            Ok(expectation) => expectations.push(expectation),
            Err(error) => {
                let problem = Diagnostic::new(error.to_string());
                problems.push(problem.at(*span).field(format!("expect[{index}]")));
            }
        }
    }
    match problems.is_empty() {
        true => Ok(expectations),
        false => Err(Box::new(scenario.diagnostics(problems))),
    }
}
