//! What a study compares: from a scenario file and the fields that vary to a list of checked scenarios.
//!
//! `values` (lists and ranges) → `vary` (fields with their values, from the command line or from the study block)
//! → `draft` (files, what is set, what varies) → `bounds` (how many runs of how many messages) → `grid` (all
//! combinations) → `build` (each a checked scenario) → `plan` (the result). A file is parsed once; a variant is its
//! tree with other values in it. `label` names values and variants.

mod block;
mod bounds;
mod build;
mod draft;
mod grid;
mod label;
mod plan;
mod problems;
mod values;
mod vary;

pub use block::Study;
pub use grid::Factor;
pub use plan::{Plan, Variant, Wanted};

#[cfg(test)]
mod tests;
