//! Producers.

pub mod workload;
