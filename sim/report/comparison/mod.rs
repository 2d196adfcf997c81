//! What several variants of a scenario come to, side by side.

mod assemble;
pub mod figures;
#[cfg(test)]
pub(crate) mod fixture;
pub mod metric;
pub mod model;
pub mod outcome;
mod words;

pub use assemble::Material;
pub use outcome::Outcome;
