//! Producers.

pub mod latency_fault_tolerance;
pub mod topic_publish_info;
pub mod workload;
