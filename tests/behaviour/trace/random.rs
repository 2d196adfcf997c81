//! Traces of random clusters.

use super::log::Samples;
use super::metrics::read_metrics;
use super::perfetto::drawn;
use super::{ALL, text, traced};
use rmqsim::trace::log::EventLog;
use rmqsim::trace::open_metrics::OpenMetrics;
use rmqsim::trace::{Window, schema};
use rmqsim::verify::fuzz::generate::generate;
use serde_json::Value;

/// Random clusters under all that the format offers: logs obey the schema, slices do not overlap, metrics have their
/// grammar, every call and delivery is told of.
#[test]
fn traces_of_random_clusters_are_sound() {
    let validator = jsonschema::validator_for(&schema::json_schema()).unwrap();
    for number in 0..60 {
        let made = generate(number).unwrap_or_else(|unsound| panic!("{unsound}"));
        let name = format!("random {number}");
        let (samples, report) = traced(&name, &made.scenario, |subject| {
            Box::new(EventLog::new(subject, ALL, Samples::default()))
        });
        for line in &samples.lines {
            let line: Value = serde_json::from_str(line).unwrap();
            if let Err(error) = validator.validate(&line) {
                panic!("{name}: {line}: {error}");
            }
        }
        let (drawn, again) = drawn(&made.scenario, Window::ALL);
        assert_eq!(again.run.trace_digest, report.run.trace_digest, "{name}");
        drawn.check(&name);
        let calls = drawn.of("listener");
        let told: u64 = calls
            .iter()
            .map(|call| call["args"]["messages"].as_u64().unwrap_or(1))
            .sum();
        let delivered = samples.counts.get("Delivered").copied().unwrap_or(0);
        assert_eq!(told, delivered, "{name}");
        let (bytes, _) = traced(&name, &made.scenario, |_| Box::new(OpenMetrics::new(Vec::new())));
        read_metrics(&text(bytes));
    }
}
