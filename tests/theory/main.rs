//! Where theory has an exact answer, the simulator must give it.
//!
//! The short form of `cargo bench --bench theory`; what is compared, and why it must agree: `docs/theory.md`.

mod empty_system;
mod erlang;
mod harness;
mod intervals;
mod little_per_queue;
mod one_server;
mod recursion;
