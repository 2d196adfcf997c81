//! What a run reports, and the forms in which it does.

pub mod assemble;
pub mod charts;
pub mod expect;
pub mod json;
pub mod model;
