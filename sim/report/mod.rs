//! What a run yields for people and programs: the model of `report.json`, its writers, the terminal summary.

mod assemble;
pub mod charts;
pub mod comparison;
pub mod expect;
pub mod json;
mod layout;
pub mod model;
pub mod table;

pub use assemble::{Identity, consumer_keys, scenario_hash};
pub use model::Report;
