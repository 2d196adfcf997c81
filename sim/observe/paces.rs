//! Latency over time: what the successes of each sixtieth of a run took, group by group.
//!
//! A histogram that only grows is looked at now and then; what it gained in between is a window. So a message costs
//! nothing here. A window ends at the first sample at or after its sixtieth, so a run of few samples has fewer; the last
//! one ends with the run. Quantiles are those of the histogram, to three digits, and so is the maximum.

use crate::kernel::memory;
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::histogram::Histogram;
use crate::observe::latency::Latency;

/// Windows of a run.
pub const WINDOWS: u64 = 60;

/// The successes of one group in one window, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// How many.
    pub count: u64,
    /// What half of them did not exceed; 0 if there were none, as the following.
    pub p50: u64,
    /// 95 of 100.
    pub p95: u64,
    /// 99 of 100.
    pub p99: u64,
    /// All.
    pub max: u64,
}

impl Pace {
    fn of(gained: &Histogram) -> Self {
        let quantile = |q| gained.quantile(q);
        Self {
            count: gained.len(),
            p50: quantile(0.5),
            p95: quantile(0.95),
            p99: quantile(0.99),
            max: quantile(1.0),
        }
    }
}

/// The windows of a run.
#[derive(Debug)]
pub struct Paces {
    from: SimTime,
    horizon: SimDuration,
    ends: Vec<SimTime>,
    groups: Vec<Group>,
}

/// One group: what its histogram was at the end of the last window, and all windows.
#[derive(Debug, Default)]
struct Group {
    seen: Histogram,
    windows: Vec<Pace>,
}

impl Paces {
    /// No window yet; the run is to last for `horizon` from `from` on.
    pub fn new(from: SimTime, horizon: SimDuration) -> Self {
        Self {
            from,
            horizon,
            ends: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// Whether a window ends at `now`.
    pub fn is_due(&self, now: SimTime) -> bool {
        let number = self.ends.len() as u128 + 1;
        let next = u128::from(self.horizon.as_nanos()) * number / u128::from(WINDOWS);
        self.is_open(now) && u128::from(now.since(self.from).as_nanos()) >= next
    }

    /// Whether anything lies between the last window and `now`.
    pub fn is_open(&self, now: SimTime) -> bool {
        now > self.ends.last().copied().unwrap_or(self.from)
    }

    /// Ends a window; `latencies` are those of all groups, whose number only grows.
    pub fn take<'h>(&mut self, now: SimTime, latencies: impl Iterator<Item = &'h Histogram>) {
        let before = self.ends.len();
        self.ends.push(now);
        for (id, latency) in latencies.enumerate() {
            if id == self.groups.len() {
                self.groups.push(Group::default());
            }
            let group = &mut self.groups[id];
            let pace = if latency.len() == group.seen.len() {
                Pace::default()
            } else {
                Pace::of(&latency.since(&group.seen))
            };
            group.windows.resize(before, Pace::default());
            group.windows.push(pace);
            if pace.count > 0 {
                group.seen.clone_from(latency);
            }
        }
    }

    /// Start and end of each window.
    pub fn spans(&self) -> impl Iterator<Item = (SimTime, SimTime)> + Clone {
        let starts = std::iter::once(self.from).chain(self.ends.iter().copied());
        starts.zip(self.ends.iter().copied())
    }

    /// The windows of a group.
    pub fn of_group(&self, group: usize) -> &[Pace] {
        self.groups.get(group).map_or(&[], |group| &group.windows)
    }

    /// Bytes of a group whose longest span is `span`.
    pub fn held_for(span: SimDuration) -> u64 {
        Histogram::held_for(span.as_nanos(), Latency::UNIT_BITS) + memory::of_grown::<Pace>(WINDOWS)
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let of_group = |group: &Group| group.seen.held() + memory::of_vec(&group.windows);
        memory::of_vec(&self.ends) + self.groups.iter().map(of_group).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::story::secs;

    /// A run of 600 s has windows of 10 s; the last of a run that ends at 25 s is shorter.
    #[test]
    fn each_window_has_what_came_in_it() {
        let mut paces = Paces::new(SimTime::ZERO, SimDuration::from_secs(600));
        let mut latency = Histogram::default();
        for at in 0..=25 {
            if !(10..20).contains(&at) {
                latency.record(at);
            }
            if paces.is_due(secs(at)) {
                paces.take(secs(at), [&latency].into_iter());
            }
        }
        assert!(paces.is_open(secs(25)));
        paces.take(secs(25), [&latency].into_iter());
        assert!(!paces.is_open(secs(25)));
        let spans: Vec<_> = paces.spans().collect();
        assert_eq!(
            spans,
            [(secs(0), secs(10)), (secs(10), secs(20)), (secs(20), secs(25))]
        );
        let found: Vec<_> = paces
            .of_group(0)
            .iter()
            .map(|p| (p.count, p.p50, p.max))
            .collect();
        // 0 … 9, then 20 alone, then 21 … 25.
        assert_eq!(found, [(10, 4, 9), (1, 20, 20), (5, 23, 25)]);
    }

    #[test]
    fn the_warm_up_has_no_window() {
        let mut paces = Paces::new(secs(60), SimDuration::from_secs(60));
        let due: Vec<u64> = (0..=120)
            .filter(|&at| {
                let due = paces.is_due(secs(at));
                if due {
                    paces.take(secs(at), std::iter::empty());
                }
                due
            })
            .collect();
        assert_eq!(due, (61..=120).collect::<Vec<_>>());
        assert_eq!(paces.of_group(3), []);
    }
}
