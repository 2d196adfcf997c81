//! Whether the simulator keeps its own promises.

pub mod check;
pub mod double_run;
#[cfg(test)]
mod forged;
pub mod fuzz;
mod history;
mod read_queues;
pub mod rules;
