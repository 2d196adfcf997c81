//! Defaults of scenario keys that RocketMQ does not define, and those of RocketMQ that stand outside `tuning`.

use crate::kernel::dist::Dist;
use crate::kernel::time::SimDuration;
use crate::scenario::limits;
use crate::scenario::units::Rate;

/// Version of the file format that this program reads.
pub fn format_version() -> u32 {
    1
}

/// One of something.
pub fn one() -> u32 {
    1
}

/// What holds unless it is denied.
pub fn yes() -> bool {
    true
}

/// The chance of what always happens.
pub fn certain() -> f64 {
    1.0
}

/// Queues of a topic on each broker. Source: `DefaultMQProducer.defaultTopicQueueNums`.
pub const QUEUES_PER_BROKER: u32 = 4;

/// Listener threads. Source: `DefaultMQPushConsumer.consumeThreadMin`.
pub fn threads() -> u32 {
    20
}

/// One-way delay between two nodes: machines of one data centre.
pub fn latency() -> Dist {
    Dist::Constant(SimDuration::from_micros(200))
}

/// Time of one listener call: a database write.
pub fn service() -> Dist {
    Dist::Constant(SimDuration::from_millis(10))
}

/// Messages of a producer whose rate is not said.
pub fn rate() -> Rate {
    Rate::per_second(100)
}

/// Time between the end of a restarted member and its next start: stop, start, JVM.
pub const DOWN_FOR: SimDuration = SimDuration::from_secs(10);

/// Runs of each variant of a study.
pub const SEEDS: u32 = 20;

/// The finest round interval that gives at most [`limits::SAMPLES_BY_DEFAULT`] points.
pub fn sample_interval(duration: SimDuration) -> SimDuration {
    const MS: u64 = 1_000_000;
    const S: u64 = 1_000 * MS;
    const M: u64 = 60 * S;
    const H: u64 = 60 * M;
    const D: u64 = 24 * H;
    const LADDER: [u64; 22] = [
        10 * MS,
        20 * MS,
        50 * MS,
        100 * MS,
        200 * MS,
        500 * MS,
        S,
        2 * S,
        5 * S,
        10 * S,
        30 * S,
        M,
        2 * M,
        5 * M,
        10 * M,
        30 * M,
        H,
        2 * H,
        6 * H,
        12 * H,
        D,
        7 * D,
    ];
    let enough = |step: &&u64| duration.as_nanos() <= **step * limits::SAMPLES_BY_DEFAULT;
    SimDuration::from_nanos(*LADDER.iter().find(enough).unwrap_or(&(7 * D)))
}

/// Whether a span is zero, so that its key can be left out.
pub fn is_no_time(span: &SimDuration) -> bool {
    span.is_zero()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_series_have_at_most_six_hundred_points() {
        for (duration, step) in [
            ("1ms", "10ms"),
            ("6s", "10ms"),
            ("6001ms", "20ms"),
            ("10m", "1s"),
            ("15m", "2s"),
            ("5h", "30s"),
            ("3650d", "7d"),
        ] {
            let duration: SimDuration = duration.parse().unwrap();
            assert_eq!(sample_interval(duration), step.parse().unwrap(), "{duration}");
        }
    }
}
