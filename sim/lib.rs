//! A deterministic discrete-event simulator of a RocketMQ-style cluster.
//!
//! A scenario names brokers, topics, producers, consumer groups and what happens to them; a run replays it on
//! a virtual clock from one seed and reports skew, backlog, retries, dead letters, duplicates, latency and the
//! cost of rebalances. The same scenario and seed yield the same bytes, on every machine.
//!
//! ```
//! use rmqsim::scenario::{Overrides, Scenario};
//!
//! let text = r#"{
//!   "title": "Two consumers", "duration": "30s",
//!   "cluster": { "topics": { "orders": { "queuesPerBroker": 4 } } },
//!   "producers": { "shop": { "topic": "orders", "rate": "100/s" } },
//!   "groups": { "billing": { "subscribe": { "orders": "*" }, "consumers": { "count": 2, "service": "5ms" } } }
//! }"#;
//! let scenario = Scenario::from_text("two.json", text, &Overrides::default()).expect("it is sound");
//! let report = rmqsim::simulate("two", &scenario, |_, _| {});
//! assert_eq!(report.groups["billing"].dead, 0);
//! ```
//!
//! How the parts fit: `ARCHITECTURE.md`. Layers: [`kernel`] ← [`cluster`] ← [`scenario`], [`observe`] ← [`study`] ←
//! [`verify`] ← [`report`] ← [`forecast`], [`explain`], [`compare`](mod@compare), [`diff`] ← [`page`], [`trace`] ← [`cli`].

#[cfg(not(target_family = "wasm"))]
pub mod cli;
pub mod cluster;
pub mod compare;
pub mod diff;
pub mod explain;
pub mod forecast;
pub mod kernel;
pub mod observe;
pub mod page;
pub mod report;
pub mod scenario;
mod simulate;
pub mod study;
pub mod trace;
pub mod verify;

pub use compare::compare;
pub use report::model::Report;
pub use scenario::Scenario;
pub use simulate::{Onlookers, simulate, simulate_before, simulate_within};
