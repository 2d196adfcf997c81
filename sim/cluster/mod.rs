//! The cluster model: everything between a producer's send and a listener's return. Knows no file, no terminal.

pub mod broker;
pub mod config;
pub mod consumer;
pub mod directory;
pub mod fact;
pub mod ids;
pub mod message_queue;
pub mod producer;
pub mod profile;
pub mod topic_route;
