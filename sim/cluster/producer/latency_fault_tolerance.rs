//! Shunning brokers that answered slowly or not at all; off by default (`sendLatencyEnable`).
//!
//! After every attempt the producer looks its latency up in a table and avoids the broker for that long.
//! Left out: the detector that probes unreachable brokers (`startDetectorEnable`, off by default).
//!
//! Source: `MQFaultStrategy`, `LatencyFaultToleranceImpl`.

use crate::cluster::producer::topic_publish_info::TopicPublishInfo;
use crate::kernel::time::{SimDuration, SimTime};
use std::collections::BTreeMap;

/// `latencyMax` and `notAvailableDuration` of 5.x: from this latency on, avoided for so long; ms.
pub const NOT_AVAILABLE: [(i64, u64); 7] = [
    (50, 0),
    (100, 0),
    (550, 2000),
    (1800, 5000),
    (3000, 6000),
    (5000, 10_000),
    (15_000, 30_000),
];
/// The latency at which a failed attempt counts, ms.
pub const ISOLATION_LATENCY_MILLIS: i64 = 10_000;

/// `computeNotAvailableDuration`: how long a broker is avoided that took `latency_millis`.
pub fn not_available_duration(latency_millis: i64) -> SimDuration {
    let row = NOT_AVAILABLE.iter().rfind(|(from, _)| latency_millis >= *from);
    SimDuration::from_millis(row.map_or(0, |&(_, duration)| duration))
}

/// What a producer remembers of each broker's answers.
#[derive(Clone, Debug, Default)]
pub struct MqFaultStrategy<B> {
    /// `sendLatencyFaultEnable`.
    pub enabled: bool,
    items: BTreeMap<B, FaultItem>,
}

#[derive(Clone, Copy, Debug)]
struct FaultItem {
    available_from: SimTime,
    reachable: bool,
}

impl<B: Ord + Clone> MqFaultStrategy<B> {
    /// Knows no broker.
    pub fn new(enabled: bool) -> Self {
        Self {
            enabled,
            items: BTreeMap::new(),
        }
    }

    /// `updateFaultItem`: an attempt at `broker` ended at `now`. `isolation`: it failed. Nothing if not enabled.
    pub fn update(
        &mut self,
        now: SimTime,
        broker: &B,
        latency_millis: i64,
        isolation: bool,
        reachable: bool,
    ) {
        if !self.enabled {
            return;
        }
        let latency = if isolation {
            ISOLATION_LATENCY_MILLIS
        } else {
            latency_millis
        };
        let until = now + not_available_duration(latency);
        let new = FaultItem {
            available_from: SimTime::ZERO,
            reachable,
        };
        let item = self.items.entry(broker.clone()).or_insert(new);
        item.reachable = reachable;
        if until > now {
            item.available_from = item.available_from.max(until);
        }
    }

    /// `isAvailable`: not avoided at `now`.
    pub fn is_available(&self, now: SimTime, broker: &B) -> bool {
        self.items
            .get(broker)
            .is_none_or(|item| now >= item.available_from)
    }

    /// `isReachable`: the last attempt reached it.
    pub fn is_reachable(&self, broker: &B) -> bool {
        self.items.get(broker).is_none_or(|item| item.reachable)
    }

    /// `selectOneMessageQueue`: the next queue in turn, as its position; `None` only without queues.
    ///
    /// Not the broker tried `last` if there is another. If enabled: an available one, else a reachable one, else
    /// whatever comes next.
    pub fn select<Q>(
        &self,
        now: SimTime,
        info: &mut TopicPublishInfo<B, Q>,
        last: Option<&B>,
    ) -> Option<usize> {
        if !self.enabled {
            return info.select_one_avoiding(last);
        }
        let other = |broker: &B| Some(broker) != last;
        info.select_filtered(|broker| self.is_available(now, broker) && other(broker))
            .or_else(|| info.select_filtered(|broker| self.is_reachable(broker) && other(broker)))
            .or_else(|| info.select_one())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(millis)
    }

    /// 600 ms cost 2 s of silence; a later, quicker answer does not shorten it.
    #[test]
    fn slow_broker_is_shunned_for_its_time() {
        let mut strategy = MqFaultStrategy::new(true);
        strategy.update(at(1000), &"a", 600, false, true);
        strategy.update(at(1100), &"a", 1, false, true);
        assert!(!strategy.is_available(at(2999), &"a"));
        assert!(strategy.is_available(at(3000), &"a"));
        let mut info = TopicPublishInfo::new(vec![("a", 0), ("b", 0)], -1);
        assert_eq!(strategy.select(at(2000), &mut info, None), Some(1));
        assert_eq!(strategy.select(at(3000), &mut info, None), Some(0));
    }

    #[test]
    fn nothing_is_remembered_while_off() {
        let mut strategy = MqFaultStrategy::new(false);
        strategy.update(at(0), &"a", 60_000, true, false);
        assert!(strategy.is_available(at(0), &"a") && strategy.is_reachable(&"a"));
    }
}
