//! When a producer sends: the arrival process.
//!
//! Each gap is drawn from the producer's own stream and from nothing else, so nobody else's settings move it.

use crate::kernel::time::SimDuration;

/// When messages are made.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrivals {
    /// One every `gap`, the first after one gap.
    Constant {
        /// Time between two messages.
        gap: SimDuration,
    },
    /// Exponential gaps with this mean.
    Poisson {
        /// Mean time between two messages.
        mean_gap: SimDuration,
    },
    /// Poisson arrivals with `mean_gap` during `on`, silence during `off`, and so on.
    Bursts {
        /// Mean time between two messages of a burst.
        mean_gap: SimDuration,
        /// How long a burst lasts.
        on: SimDuration,
        /// How long the silence lasts.
        off: SimDuration,
    },
    /// All messages at the start instant, one after another.
    AtOnce,
}
