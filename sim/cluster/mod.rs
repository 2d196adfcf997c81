//! The cluster model: everything between a producer's send and a listener's return. Knows no file, no terminal.

pub mod config;
pub mod directory;
pub mod fact;
pub mod ids;
pub mod producer;
pub mod profile;
