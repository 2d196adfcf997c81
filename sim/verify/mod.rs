//! Whether the simulator keeps its own promises.

pub mod double_run;
