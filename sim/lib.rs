//! A deterministic discrete-event simulator of a RocketMQ-style cluster.

pub mod cli;
pub mod cluster;
pub mod kernel;
pub mod report;
pub mod scenario;
pub mod study;
