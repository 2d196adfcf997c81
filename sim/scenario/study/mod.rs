//! What a study compares: from a scenario file and the fields that vary to a list of checked scenarios.
//!
//! `values` (lists and ranges) → `vary` (fields with their values, from the command line or from the study block)
//! → `bounds` (how many runs of how many messages) → `plan` (all combinations, each built and checked). The file is
//! parsed once; a variant is its tree with other values in it. `label` names values and variants.

mod block;
mod bounds;
mod label;
mod plan;
mod problems;
mod values;
mod vary;

pub use block::Study;
pub use plan::{Factor, Plan, Variant, Wanted};

#[cfg(test)]
mod tests;
