//! What many observations say: statistics and the theory that runs are held against.

pub mod batch_means;
pub mod queueing;
pub mod student_t;
