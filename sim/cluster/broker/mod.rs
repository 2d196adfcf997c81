//! Brokers.

pub mod retry_dlq;
pub mod schedule_message;
