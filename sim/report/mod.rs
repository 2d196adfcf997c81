//! What a run yields for people and programs: the model of `report.json`, its writers, the terminal summary.

pub mod charts;
pub mod model;
