//! What several variants of a scenario come to, side by side.

mod assemble;
#[cfg(test)]
mod expected;
pub mod figures;
#[cfg(test)]
pub(crate) mod fixture;
pub mod markdown;
pub mod metric;
pub mod model;
pub mod outcome;
mod reading;
mod reproduce;
mod sentences;
pub mod table;
mod words;

pub use assemble::Material;
pub use outcome::Outcome;
pub use reproduce::one_run;
