//! Results move only with their version: whoever compares two reports must be able to trust an equal number.

use rmqsim::report::model::RESULTS_VERSION;
use rmqsim::scenario::{Overrides, Scenario};
use std::fs;
use std::path::Path;

/// Two shipped scenarios by version: the digest of all events, the digest of arrivals and demands.
///
/// A change of results fails here, not only in the gallery, which is renewed at once: raise `RESULTS_VERSION`, add a
/// line for each scenario to `tests/golden/results`, say in the changelog under "results change" what moved and why.
#[test]
fn results_move_only_with_their_version() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let golden = fs::read_to_string(root.join("tests/golden/results")).unwrap();
    let rows: Vec<Vec<&str>> = golden.lines().map(|line| line.split("  ").collect()).collect();
    let current = RESULTS_VERSION.to_string();
    let rows: Vec<&Vec<&str>> = rows.iter().filter(|row| row[0] == current).collect();
    assert_eq!(
        rows.len(),
        2,
        "tests/golden/results has no lines for version {current}"
    );
    for row in rows {
        let name = row[1];
        let text = fs::read_to_string(root.join(format!("scenarios/{name}.json"))).unwrap();
        let scenario = Scenario::from_text(name, &text, &Overrides::default())
            .unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)));
        let run = rmqsim::simulate(name, &scenario, |_, _| {}).run;
        assert_eq!(
            [&run.trace_digest, &run.workload_digest],
            [row[2], row[3]],
            "the results of {name} have changed, but their version is {current} as before"
        );
    }
}
