//! What traces hold in memory.

use super::ALL;
use rmqsim::cluster::bounds::Bounds;
use rmqsim::cluster::directory::Directory;
use rmqsim::cluster::fact::Fact;
use rmqsim::kernel::time::SimTime;
use rmqsim::observe::beside::Beside;
use rmqsim::observe::observation::Observation;
use rmqsim::scenario::{Overrides, Scenario};
use rmqsim::trace::chrome::ChromeTrace;
use rmqsim::trace::log::EventLog;
use rmqsim::trace::open_metrics::OpenMetrics;
use rmqsim::trace::{Subject, Trace, Window};
use rmqsim::{Onlookers, simulate_before};
use std::io::Write;

/// Remembers how much another one holds.
struct Weighed<'a, W: Write> {
    of: Box<dyn Trace<W> + 'a>,
    held: Vec<u64>,
}

impl<W: Write> Beside for Weighed<'_, W> {
    fn observe(&mut self, now: SimTime, directory: &Directory, fact: &Fact, observation: &Observation) {
        self.of.observe(now, directory, fact, observation);
    }
    fn sample(&mut self, now: SimTime, directory: &Directory, observation: &Observation) {
        self.of.sample(now, directory, observation);
        self.held.push(self.of.held());
    }
}

/// Half an hour, 360 000 messages with retries: what a trace holds after 5 min is about what it holds at the end.
#[test]
fn what_a_trace_holds_does_not_grow() {
    let text = r#"{
      "title": "Long", "seed": 5, "duration": "30m",
      "cluster": { "topics": { "orders": { "queuesPerBroker": 4 } } },
      "producers": { "shop": { "topic": "orders", "rate": "200/s" } },
      "groups": { "billing": { "subscribe": { "orders": "*" }, "consumers": { "count": 2, "service": "20ms",
                  "failure": { "probability": 0.02 } } } }
    }"#;
    let scenario =
        Scenario::from_text("long.json", text, &Overrides::default()).unwrap_or_else(|e| panic!("{e}"));
    let subject = Subject {
        name: "long",
        config: &scenario.config,
    };
    let traces: [(&str, Box<dyn Trace<std::io::Sink>>); 3] = [
        ("log", Box::new(EventLog::new(subject, ALL, std::io::sink()))),
        (
            "chrome",
            Box::new(ChromeTrace::new(subject, Window::ALL, std::io::sink())),
        ),
        ("metrics", Box::new(OpenMetrics::new(std::io::sink()))),
    ];
    for (name, of) in traces {
        let mut weighed = Weighed { of, held: Vec::new() };
        let onlookers = Onlookers {
            watch: None,
            others: vec![&mut weighed],
        };
        simulate_before(onlookers, "long", &scenario, None, &Bounds::default(), |_, _| {});
        let (early, late) = weighed.held.split_at(weighed.held.len() / 6);
        let (early, late) = (early.iter().max().unwrap(), late.iter().max().unwrap());
        assert!(*early > 0, "{name}");
        assert!(
            late * 10 <= early * 13 + 4_000_000,
            "{name}: {early} bytes in the first 5 min, {late} later"
        );
        assert!(*late < 4_000_000, "{name}: {late} bytes");
    }
}
