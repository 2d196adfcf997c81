//! The simulation kernel: virtual time, the event list, random streams. Knows no broker.

pub mod digest;
pub mod dist;
pub mod event_list;
pub mod math;
pub mod memory;
pub mod sampler;
pub mod scheduler;
pub mod streams;
pub mod time;
