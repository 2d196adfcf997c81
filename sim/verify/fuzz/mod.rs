//! The search for faults of the simulator: random scenarios under all rules.

pub mod generate;
