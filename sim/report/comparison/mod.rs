//! What several variants of a scenario come to, side by side.

pub mod figures;
#[cfg(test)]
pub(crate) mod fixture;
pub mod model;
