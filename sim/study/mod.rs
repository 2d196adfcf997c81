//! What many observations say: statistics, the threads that gather them, and the theory that runs are held against.

pub mod autocorrelation;
pub mod batch_means;
pub mod growth;
pub mod holm;
pub mod mser;
pub mod paired;
pub mod pool;
pub mod quantile;
pub mod queueing;
pub mod sample;
pub mod sequential;
pub mod student_t;
