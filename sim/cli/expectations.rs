//! The expectations of a scenario, read before anything runs.

use crate::report::expect::{self, Expectation};
use crate::scenario::study::Plan;
use crate::scenario::{Diagnostic, Diagnostics, Scenario};

/// All expectations of `scenario`.
///
/// # Errors
/// All that cannot be read or that no report of this cluster can answer, each with its place.
pub fn read(scenario: &Scenario) -> Result<Vec<Expectation>, Box<Diagnostics>> {
    parse(scenario).map_err(|problems| Box::new(scenario.diagnostics(problems)))
}

/// All expectations of each variant of a study.
///
/// # Errors
/// As [`read`]; what several variants have is told once.
pub fn of_variants(plan: &Plan) -> Result<Vec<Vec<Expectation>>, Box<Diagnostics>> {
    let (mut all, mut found) = (Vec::new(), Vec::new());
    for (at, variant) in plan.variants.iter().enumerate() {
        match parse(&variant.scenario) {
            Ok(expectations) => all.push(expectations),
            Err(problems) => found.push((at, problems)),
        }
    }
    match found.is_empty() {
        true => Ok(all),
        false => Err(Box::new(plan.diagnostics_of(found))),
    }
}

fn parse(scenario: &Scenario) -> Result<Vec<Expectation>, Vec<Diagnostic>> {
    if scenario.expect.is_empty() {
        return Ok(Vec::new());
    }
    let texts = scenario.expect.iter().map(|(text, _)| text.as_str());
    let read = expect::parse_all(texts, &scenario.config);
    let (mut expectations, mut problems) = (Vec::new(), Vec::new());
    for (index, (read, (_, span))) in read.into_iter().zip(&scenario.expect).enumerate() {
        match read {
            Ok(expectation) => expectations.push(expectation),
            Err(error) => {
                let problem = Diagnostic::new(error.to_string());
                problems.push(problem.at(*span).field(format!("expect[{index}]")));
            }
        }
    }
    match problems.is_empty() {
        true => Ok(expectations),
        false => Err(problems),
    }
}
