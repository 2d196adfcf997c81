//! What many observations say: statistics and the theory that runs are held against.

pub mod autocorrelation;
pub mod batch_means;
pub mod growth;
pub mod mser;
pub mod queueing;
pub mod student_t;
