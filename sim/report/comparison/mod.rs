//! What several variants of a scenario come to, side by side.

pub mod figures;
pub mod metric;
pub mod model;
