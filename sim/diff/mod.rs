//! In what two results differ: two reports (or comparisons) value by value, two traces at the first event where they part.
//!
//! Reports are compared as JSON, not as [`Report`](crate::report::model::Report): what one program wrote and another does
//! not know yet is compared too. Numbers are compared as they are written. Nothing here opens a file.

pub mod document;
mod rows;
mod sections;
mod series;
mod table;
pub mod trace;
mod trace_page;

pub use document::{Document, Problem};
pub use rows::{Change, Row};
pub use sections::{Differences, Section};

/// In what two documents of one kind differ.
pub fn differences(a: &Document, b: &Document) -> Differences {
    sections::differences(a, b)
}
