//! What a run yields for people and programs: the model of `report.json`, its writers, the terminal summary.

mod assemble;
pub mod charts;
pub mod expect;
pub mod json;
pub mod model;

pub use assemble::{Identity, scenario_hash};
