//! What several variants of a scenario come to, side by side.

#[cfg(test)]
mod expected;
pub mod figures;
#[cfg(test)]
pub(crate) mod fixture;
pub mod markdown;
pub mod model;
mod reading;
mod reproduce;
mod sentences;
pub mod table;
