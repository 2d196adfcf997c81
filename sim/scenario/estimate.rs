//! How many messages a scenario will make: told before the run, so that a slip of a unit costs nobody a night.

use crate::cluster::config::{ClusterConfig, ProducerConfig};
use crate::cluster::producer::workload::Arrivals;
use crate::kernel::time::{SimDuration, SimTime};

/// Messages that `producer` is expected to make in a run of length `duration`.
pub fn messages_of(producer: &ProducerConfig, duration: SimDuration) -> u128 {
    let end = producer.stop.min(SimTime::ZERO + duration);
    let active = u128::from(end.since(producer.start).as_nanos());
    let by_rate = match producer.arrivals {
        Arrivals::Constant { gap } | Arrivals::Poisson { mean_gap: gap } => {
            active / u128::from(gap.as_nanos().max(1))
        }
        Arrivals::Bursts { mean_gap, on, off } => {
            let (on, off) = (u128::from(on.as_nanos()), u128::from(off.as_nanos()));
            let cycles = active / (on + off).max(1);
            let rest = (active % (on + off).max(1)).min(on);
            (cycles * on + rest) / u128::from(mean_gap.as_nanos().max(1))
        }
        Arrivals::AtOnce if active == 0 => 0,
        Arrivals::AtOnce => u128::MAX,
    };
    by_rate.min(u128::from(producer.max_messages))
}

/// Messages that all producers of `config` are expected to make.
pub fn messages(config: &ClusterConfig) -> u128 {
    let each = config.producers.iter().map(|p| messages_of(p, config.duration));
    each.fold(0, u128::saturating_add)
}

/// `12345678` as `12 345 678`.
pub fn grouped(n: u128) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::config::SizeDist;
    use crate::cluster::ids::TopicId;

    #[track_caller]
    fn check(arrivals: Arrivals, start: u64, stop: u64, max_messages: u64, expected: u128) {
        let producer = ProducerConfig {
            name: "p-1".to_owned(),
            topic: TopicId(0),
            arrivals,
            body_size: SizeDist::Constant(1),
            start: SimTime::ZERO + SimDuration::from_secs(start),
            stop: SimTime::ZERO + SimDuration::from_secs(stop),
            max_messages,
        };
        assert_eq!(messages_of(&producer, SimDuration::from_secs(100)), expected);
    }

    /// 100 s at 10/s, less what lies before the start, after the stop, in silence or beyond the maximum.
    #[test]
    fn messages_are_rate_times_active_time() {
        let mean_gap = SimDuration::from_millis(100);
        let bursts = Arrivals::Bursts {
            mean_gap,
            on: SimDuration::from_secs(10),
            off: SimDuration::from_secs(30),
        };
        check(Arrivals::Poisson { mean_gap }, 0, 1000, u64::MAX, 1000);
        check(Arrivals::Constant { gap: mean_gap }, 20, 50, u64::MAX, 300);
        check(Arrivals::Poisson { mean_gap }, 0, 1000, 7, 7);
        check(bursts, 0, 1000, u64::MAX, 300); // 0–10, 40–50, 80–90
        check(Arrivals::AtOnce, 0, 1000, 42, 42);
        check(Arrivals::AtOnce, 200, 1000, 42, 0);
    }

    #[test]
    fn thousands_are_told_apart() {
        assert_eq!(
            [grouped(0), grouped(999), grouped(1000), grouped(1234567)],
            ["0", "999", "1 000", "1 234 567"]
        );
    }
}
