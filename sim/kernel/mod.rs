//! The simulation kernel: virtual time, the event list, random streams. Knows no broker.

pub mod dist;
pub mod time;
