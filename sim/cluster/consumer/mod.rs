//! Consumer clients.

pub mod allocate;
pub mod consume_result;
pub mod flow_control;
pub mod offset_store;
pub mod offset_window;
pub mod process_queue;
