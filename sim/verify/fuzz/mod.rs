//! The search for faults of the simulator: random scenarios under all rules.

pub mod campaign;
pub mod coverage;
pub mod generate;
pub mod kind;
pub mod page;
pub mod shrink;
pub mod trial;
