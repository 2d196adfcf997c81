//! A scenario file: it is refused with problems at places inside it, or it has a normal form that reads back to the same
//! scenario. Its expectations and the plan of its study are read too.

use rmqsim::report::expect::{self, Expectation};
use rmqsim::scenario::study::{Plan, Wanted};
use rmqsim::scenario::{Diagnostics, Overrides, Scenario, Sources};

/// What problems call the file.
const NAME: &str = "hostile.json";

/// Holds for every text.
pub fn check(text: &str) {
    let overrides = Overrides::default();
    let scenario = match Scenario::from_text(NAME, text, &overrides) {
        Ok(scenario) => scenario,
        Err(problems) => return is_told(&problems),
    };
    has_a_normal_form(&scenario);
    if !scenario.expect.is_empty() {
        let shape = expect::shape(&scenario.config);
        for (text, span) in &scenario.expect {
            assert!(inside(&scenario.sources, span.source, span.start, span.end));
            if let Err(error) = Expectation::parse(text, &shape) {
                assert!(!error.to_string().is_empty());
            }
        }
    }
    match Plan::of(&scenario, &overrides, &Wanted::default()) {
        Ok(Some(plan)) => assert!(plan.variants.len() > 1),
        Ok(None) => {}
        Err(problems) => is_told(&problems),
    }
}

/// The normal form of `scenario` reads back to the same configuration and to itself.
pub fn has_a_normal_form(scenario: &Scenario) {
    let normal = scenario.normalised.to_string();
    let overrides = Overrides {
        max_messages: Some(u64::MAX),
        ..Overrides::default()
    };
    let again = Scenario::from_text("normal.json", &normal, &overrides)
        .unwrap_or_else(|problems| panic!("the normal form is refused: {problems}"));
    assert_eq!(again.normalised, scenario.normalised);
    let (one, other) = (format!("{:?}", scenario.config), format!("{:?}", again.config));
    assert!(
        one == other,
        "the normal form means something else:\n{one}\n{other}"
    );
}

/// There is a problem, each has words, its places lie inside their texts, and people and programs can be told.
pub fn is_told(problems: &Diagnostics) {
    assert!(!problems.problems().is_empty());
    for problem in problems.problems() {
        assert!(!problem.message.is_empty());
    }
    let places = problems.problems().iter().flat_map(|problem| {
        let related = problem.related.iter().map(|(span, _)| *span);
        problem.span.into_iter().chain(related)
    });
    for span in places {
        let text = &problems.sources().0[span.source].text;
        let inside = span.start <= span.end && text.get(span.start..span.end.min(text.len())).is_some();
        assert!(inside, "{span:?} lies outside of its {} bytes", text.len());
    }
    // An excerpt is cut to the width; what is told stays short whatever was read.
    assert!(problems.render(true, 100).len() < 200_000);
    assert!(problems.to_json().is_array());
}

fn inside(sources: &Sources, source: usize, start: usize, end: usize) -> bool {
    sources.0[source].text.get(start..end).is_some()
}
