//! A scenario file that is sound: its first events hold all invariants, and its report can be made and drawn.

use rmqsim::cluster::bounds::Bounds;
use rmqsim::report::{charts, table};
use rmqsim::scenario::{Overrides, Scenario};
use rmqsim::simulate_within;

/// Events at most.
const EVENTS: u64 = 5_000;

/// Texts beyond this describe clusters that take too long to build thousands of times.
const BYTES: usize = 16 << 10;

/// Holds for every text.
pub fn check(text: &str) {
    if text.len() > BYTES {
        return;
    }
    let Ok(scenario) = Scenario::from_text("hostile.json", text, &Overrides::default()) else {
        return;
    };
    let config = &scenario.config;
    let consumers: usize = config.groups.iter().map(|group| group.consumers.len()).sum();
    let queues: u32 = config
        .topics
        .iter()
        .flat_map(|topic| &topic.placement)
        .map(|(_, queues)| queues.read.max(queues.write))
        .sum();
    if consumers + queues as usize + config.producers.len() > 300 || config.timeline.len() > 1_000 {
        return;
    }
    let bounds = Bounds {
        events: Some(EVENTS),
        ..Bounds::default()
    };
    let report = simulate_within("hostile", &scenario, &bounds, |_, _| {});
    assert!(!table::summary(&report, false).is_empty());
    for chart in charts::draw_all(&report) {
        assert!(chart.svg.ends_with("</svg>\n"), "{}", chart.file_name);
    }
}
