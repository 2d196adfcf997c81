//! Growth: whether a backlog grows without end, so that its mean says nothing but how long the run was.
//!
//! The series is cut into 21 batches, and what counts are the steps from one batch mean to the next. A queue that
//! has a steady state may climb for long, but its steps cancel out; near capacity they look like those of a
//! random walk, which has no drift. A drift that a random walk shows once in a thousand runs is growth, if it goes
//! on: a queue that fills up to its steady level makes most of its way in the first half of the series.
//!
//! This looks at the result alone and so sees every bottleneck: threads, queues in order, flow control, a slow
//! broker. To count load against threads (the warning `overload`) knows only one of them, but knows it in a run
//! that is too short to see it grow. A load within 1 % of the capacity is found by neither in a short run.
//!
//! Source: Student's t of the increments; for the steps near capacity: Whitt, "Planning queueing simulations",
//! 1989 (reflected Brownian motion as limit).

use crate::kernel::math;
use crate::study::student_t;

/// Parts of the series: 20 steps lie between them, ten in each half.
const BATCHES: usize = 21;

/// How sure growth must be.
const LEVEL: f64 = 0.999;

/// Whether `series`, a backlog on an even grid without its warm-up, grows to its end and has no steady state.
///
/// Less than 21 values do not tell: `false`.
pub fn grows(series: &[f64]) -> bool {
    let length = series.len() / BATCHES;
    if length == 0 {
        return false;
    }
    // What does not fill a batch is left out at the front, where the series still knows how it began.
    let means: Vec<f64> = series[series.len() - length * BATCHES..]
        .chunks_exact(length)
        .map(|batch| batch.iter().sum::<f64>() / length as f64)
        .collect();
    let (first, middle, last) = (means[0], means[BATCHES / 2], means[BATCHES - 1]);
    last - middle >= (middle - first) / 2.0 && drifts(&means)
}

/// Whether the steps between `means` have a mean above 0.
fn drifts(means: &[f64]) -> bool {
    let steps: Vec<f64> = means.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let n = steps.len() as f64;
    let mean = steps.iter().sum::<f64>() / n;
    let squares: f64 = steps.iter().map(|step| (step - mean) * (step - mean)).sum();
    let error = math::sqrt(squares / (n - 1.0) / n);
    // Equal steps have no error and t is infinite; that the cdf takes as 1.
    mean > 0.0 && student_t::cdf(mean / error, n - 1.0) > LEVEL
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::streams::{Source, Stream, Streams};

    /// What is in an M/M/1 queue that starts empty, at `seconds` whole seconds; `rate` messages a second can be served.
    fn queue(stream: &mut Stream, load: f64, rate: f64, seconds: u32) -> Vec<f64> {
        let (mut now, mut length) = (0.0, 0.0);
        let mut series = Vec::new();
        for second in 1..=seconds {
            while now < f64::from(second) {
                let served = if length > 0.0 { rate } else { 0.0 };
                let any = load * rate + served;
                now -= math::ln(1.0 - stream.unit()) / any;
                length += if stream.unit() * any < served { -1.0 } else { 1.0 };
            }
            series.push(length);
        }
        series
    }

    /// How many of 100 such queues grow.
    fn share(load: f64, rate: f64, seconds: u32) -> u32 {
        let mut stream = Streams::new(1).stream("growth", "queues");
        (0..100)
            .map(|_| u32::from(grows(&queue(&mut stream, load, rate, seconds))))
            .sum()
    }

    /// Below capacity no more than a few in a hundred, however near: one in a thousand by the test's level, a little
    /// more because a walk that starts empty can only go up.
    #[test]
    fn a_queue_below_capacity_does_not_grow() {
        for (load, most) in [(0.5, 0), (0.8, 1), (0.95, 2), (0.99, 3)] {
            assert!(share(load, 100.0, 300) <= most, "load {load}");
            assert!(share(load, 10.0, 900) <= most, "load {load}");
        }
    }

    /// At 100/s and 1.1 times that, 5 min add 3 000 messages with a deviation of √(210 × 300) = 251: twelve of them.
    #[test]
    fn a_queue_beyond_capacity_grows() {
        assert!(share(1.1, 100.0, 300) >= 99);
        assert!(share(1.05, 100.0, 900) >= 99);
    }

    fn shape(of: impl Fn(f64) -> f64) -> bool {
        grows(&(0..300).map(|n| of(f64::from(n))).collect::<Vec<_>>())
    }

    #[test]
    fn shapes_without_noise() {
        assert!(shape(|t| t), "a straight line");
        assert!(shape(|t| (t - 100.0).max(0.0)), "overload from a third on");
        assert!(!shape(|_| 5.0), "nothing changes");
        assert!(!shape(|_| 0.0), "nothing is there");
        assert!(!shape(|t| -t), "a backlog drains");
        assert!(!shape(|t| 1.0 - math::exp(-t / 100.0)), "a level is reached");
        assert!(!shape(|t| f64::from(u8::from(t > 150.0))), "one step up");
        assert!(!shape(|t| 50.0 - (t % 100.0 - 50.0).abs()), "up and down");
        assert!(!shape(|t| t % 100.0), "a saw-tooth");
    }

    #[test]
    fn few_values_do_not_tell() {
        let rising: Vec<f64> = (0..21).map(f64::from).collect();
        assert!(grows(&rising));
        assert!(!grows(&rising[1..]));
        assert!(!grows(&[]));
    }
}
