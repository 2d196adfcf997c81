//! Whether the simulator keeps its own promises.

pub mod check;
pub mod double_run;
pub mod fuzz;
