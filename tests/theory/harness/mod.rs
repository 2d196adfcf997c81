//! A cluster that is a textbook queue, and what is seen of it. Shared by the tests and by `benches/theory.rs`.

pub mod cell;
pub mod comparison;
pub mod little;
pub mod watch;
