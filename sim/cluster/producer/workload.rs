//! When a producer sends: the arrival process.
//!
//! Each gap is drawn from the producer's own stream and from nothing else, so nobody else's settings move it.

use crate::kernel::dist::{Dist, Shape};
use crate::kernel::sampler::Sampler;
use crate::kernel::streams::{Source, Stream};
use crate::kernel::time::{SimDuration, SimTime};

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

/// So many draws at a time: logarithms that do not wait for each other take a third of the time.
const DRAWN_AT_ONCE: usize = 16;

/// Draws of mean 1 from the exponential distribution, in the order of the stream.
struct UnitDraws {
    stream: Stream,
    drawn: [f64; DRAWN_AT_ONCE],
    used: usize,
}

impl UnitDraws {
    #[inline(always)]
    fn next(&mut self) -> f64 {
        if self.used == DRAWN_AT_ONCE {
            self.draw();
        }
        self.used += 1;
        self.drawn[self.used - 1]
    }

    #[inline(never)]
    fn draw(&mut self) {
        for draw in &mut self.drawn {
            *draw = Sampler::unit_exponential(&mut self.stream);
        }
        self.used = 0;
    }
}

/// Time between two arrivals.
enum Gaps {
    Constant(SimDuration),
    /// Exponential; mean in nanoseconds.
    Exponential(f64),
}

/// Draws arrivals one after another.
pub struct ArrivalProcess {
    arrivals: Arrivals,
    gaps: Gaps,
    draws: UnitDraws,
    /// Bursts only: begin of the current cycle of burst and silence.
    cycle: Option<SimTime>,
}

impl ArrivalProcess {
    /// Arrivals as `arrivals` says, drawn from `stream`.
    ///
    /// # Panics
    /// If the mean gap is not valid; scenarios check it.
    pub fn new(arrivals: &Arrivals, stream: Stream) -> Self {
        Self {
            arrivals: arrivals.clone(),
            gaps: gaps(arrivals),
            draws: UnitDraws {
                stream,
                drawn: [0.0; DRAWN_AT_ONCE],
                used: DRAWN_AT_ONCE,
            },
            cycle: None,
        }
    }

    /// Gaps of this mean from now on. The time that is left of a gap under way, `left`, shrinks or grows with them;
    /// between bursts it stays.
    pub fn set_gap(&mut self, gap: SimDuration, left: SimDuration) -> SimDuration {
        let before = match &mut self.arrivals {
            Arrivals::Constant { gap: mean } | Arrivals::Poisson { mean_gap: mean } => {
                Some(std::mem::replace(mean, gap))
            }
            Arrivals::Bursts { mean_gap, .. } => {
                *mean_gap = gap;
                None
            }
            Arrivals::AtOnce => return left,
        };
        self.gaps = gaps(&self.arrivals);
        let scaled = |before: SimDuration| {
            let left = u128::from(left.as_nanos()) * u128::from(gap.as_nanos());
            SimDuration::from_nanos((left / u128::from(before.as_nanos().max(1))) as u64)
        };
        before.map_or(left, scaled)
    }

    /// The arrival after the one at `now`, or after the start at `now`.
    #[inline]
    pub fn next(&mut self, now: SimTime) -> SimTime {
        let gap = match self.gaps {
            Gaps::Constant(gap) => gap,
            Gaps::Exponential(mean) => Sampler::of_unit(self.draws.next(), mean),
        };
        match self.arrivals {
            Arrivals::Bursts { on, off, .. } => self.through_silence(now, gap, on, off),
            _ => now + gap,
        }
    }

    /// Draws for nothing, as whoever has no business with this stream would. Before the first arrival.
    pub fn lose_draw(&mut self) {
        self.draws.stream.next_u64();
    }

    /// A gap counts time in bursts only: what does not fit goes on in the next burst.
    ///
    /// Whole cycles are skipped at once: a short burst in a long silence takes no longer than a long one.
    fn through_silence(
        &mut self,
        now: SimTime,
        gap: SimDuration,
        on: SimDuration,
        off: SimDuration,
    ) -> SimTime {
        let cycle = *self.cycle.get_or_insert(now);
        let burst_end = cycle + on;
        let room = burst_end.since(now);
        if gap < room {
            return now + gap;
        }
        let left = gap.saturating_sub(room).as_nanos();
        let (whole, rest) = (left / on.as_nanos(), left % on.as_nanos());
        let cycle = burst_end + off + (on + off) * whole;
        self.cycle = Some(cycle);
        cycle + SimDuration::from_nanos(rest)
    }
}

fn gaps(arrivals: &Arrivals) -> Gaps {
    match arrivals {
        Arrivals::Constant { gap } => Gaps::Constant(*gap),
        Arrivals::Poisson { mean_gap: mean } | Arrivals::Bursts { mean_gap: mean, .. } => {
            let exponential = Dist::Shape(Shape::Exponential { mean: *mean });
            exponential.validate().expect("the scenario has checked the rate");
            Gaps::Exponential(mean.as_nanos() as f64)
        }
        Arrivals::AtOnce => Gaps::Constant(SimDuration::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::streams::Streams;

    fn arrivals(arrivals: &Arrivals, number: usize) -> Vec<SimTime> {
        let stream = Streams::new(1).stream("producer", "arrivals");
        let mut process = ArrivalProcess::new(arrivals, stream);
        let mut now = SimTime::ZERO;
        (0..number)
            .map(|_| {
                now = process.next(now);
                now
            })
            .collect()
    }

    /// Drawn ahead or one by one, the gaps are the same; a new mean holds from the next gap on, in the middle of what was
    /// drawn ahead too.
    #[test]
    fn gaps_drawn_ahead_are_those_drawn_one_by_one() {
        let mean = SimDuration::from_millis(3);
        let (short, stream) = (SimDuration::from_millis(1), || {
            Streams::new(1).stream("p", "arrivals")
        });
        let mut process = ArrivalProcess::new(&Arrivals::Poisson { mean_gap: mean }, stream());
        let mut source = stream();
        let sampler = |mean| Sampler::new(&Dist::Shape(Shape::Exponential { mean })).expect("it is valid");
        let mut now = SimTime::ZERO;
        for number in 0..50 {
            if number == 21 {
                process.set_gap(short, SimDuration::ZERO);
            }
            let mean = if number < 21 { mean } else { short };
            let next = now + sampler(mean).sample(&mut source);
            assert_eq!(process.next(now), next, "gap {number}");
            now = next;
        }
    }

    #[test]
    fn constant_arrivals_keep_their_gap() {
        let gap = SimDuration::from_millis(5);
        let times = arrivals(&Arrivals::Constant { gap }, 3);
        assert_eq!(
            times,
            [5, 10, 15].map(|ms| SimTime::ZERO + SimDuration::from_millis(ms))
        );
    }

    /// 1 s on, 9 s off at 100/s: nothing arrives in the silence, and 10 s bring about 100 messages.
    #[test]
    fn bursts_are_silent_when_off() {
        let (on, off) = (SimDuration::from_secs(1), SimDuration::from_secs(9));
        let times = arrivals(
            &Arrivals::Bursts {
                mean_gap: SimDuration::from_millis(10),
                on,
                off,
            },
            10_000,
        );
        assert!(
            times
                .iter()
                .all(|t| t.as_nanos() % 10_000_000_000 < 1_000_000_000)
        );
        // 10 000 arrivals need 100 bursts of 100 on the mean; the standard deviation is 1 burst.
        let cycles = times.last().unwrap().as_secs_f64() / 10.0;
        assert!((95.0..105.0).contains(&cycles), "{cycles}");
    }

    /// A burst of 1 ns in a silence of years is passed over at once, and the clock ends rather than turns round.
    #[test]
    fn hardly_any_burst_takes_no_time_to_skip() {
        let (on, off) = (SimDuration::from_nanos(1), SimDuration::from_secs(3650 * 86_400));
        let mean_gap = SimDuration::from_secs(86_400);
        assert_eq!(
            arrivals(&Arrivals::Bursts { mean_gap, on, off }, 1),
            [SimTime::MAX]
        );
    }
}
