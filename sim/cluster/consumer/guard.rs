//! A guard around the listener: it lets a call pass, makes its thread wait, or blocks it.
//!
//! Flow rules as a Sentinel-like library has them, inside each client for itself. A rule counts listener calls:
//!
//! - *reject*: no more than `qps` in a rolling second, which is two windows of 500 ms on the clock;
//! - *pace*: one each 1 ÷ `qps`; a call whose turn comes within `maxQueueing` waits for it, on its thread;
//! - *warm-up*: as reject, but a guard that was idle begins at `qps` ÷ `coldFactor` and comes to all of it in about
//!   `warmUp`. A bucket of tokens tells how cold it is: it fills while little passes, and what passes empties it;
//! - *warm-up with pacing*: as pace, at the rate of warm-up;
//! - *concurrency*: no more than so many calls at once.
//!
//! A blocked call is `RECONSUME_LATER`, and comes again by the delay levels; or its thread waits until the guard lets it
//! pass, whatever `maxQueueing` says. Either way a thread that waits is a thread less for the rest. Differs from the
//! original: pacing counts in nanoseconds, not in rounded milliseconds, and a float's last bit decides nothing.
//!
//! Source: Sentinel's `DefaultController`, `ThrottlingController`, `WarmUpController`, `WarmUpRateLimiterController`.

use crate::cluster::event::TaskSlot;
use crate::kernel::memory;
use crate::kernel::time::{SimDuration, SimTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What a guard does with calls beyond its rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Behavior {
    /// Blocks what is more than the rate in a rolling second.
    #[default]
    Reject,
    /// Lets calls pass one after another at even distances.
    Pace,
    /// Blocks as `reject` does, at a rate that rises from cold.
    WarmUp,
    /// Paces at a rate that rises from cold.
    WarmUpPace,
}

/// What becomes of a blocked call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Blocked {
    /// It returns `RECONSUME_LATER`.
    #[default]
    Later,
    /// Its thread waits until the guard lets it pass.
    Wait,
}

/// A guard as it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardConfig {
    /// What it counts.
    pub rule: GuardRule,
    /// What becomes of blocked calls.
    pub blocked: Blocked,
}

/// What a guard counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardRule {
    /// Calls in time.
    Rate {
        /// Calls a second; with warm-up at least `cold_factor`.
        qps: u32,
        /// What is done with more.
        behavior: Behavior,
        /// The longest wait for a turn.
        max_queueing: SimDuration,
        /// About how long warming up takes.
        warm_up: SimDuration,
        /// What a cold guard lets pass is so many times less; at least 2.
        cold_factor: u32,
    },
    /// Calls at once.
    Concurrency(u32),
}

/// What a guard says to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It passes after this time, which its thread waits.
    Pass(SimDuration),
    /// It is blocked.
    Block,
}

const WINDOW: SimDuration = SimDuration::from_millis(500);
const SECOND: SimDuration = SimDuration::from_secs(1);

/// Passes of the last two windows and the last two seconds (`StatisticNode`).
#[derive(Clone, Copy, Debug, Default)]
struct Passes {
    windows: Recent,
    seconds: Recent,
}

/// Counts of the present span and the one before.
#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    span: u64,
    now: u64,
    before: u64,
}

impl Recent {
    fn advance(&mut self, now: SimTime, length: SimDuration) {
        let span = now.as_nanos() / length.as_nanos();
        if span != self.span {
            self.before = if span == self.span + 1 { self.now } else { 0 };
            (self.span, self.now) = (span, 0);
        }
    }
}

impl Passes {
    fn advance(&mut self, now: SimTime) {
        self.windows.advance(now, WINDOW);
        self.seconds.advance(now, SECOND);
    }

    fn add(&mut self) {
        self.windows.now += 1;
        self.seconds.now += 1;
    }

    /// `passQps`.
    fn rate(&self) -> u64 {
        self.windows.now + self.windows.before
    }

    /// `previousPassQps`.
    fn previous_second(&self) -> u64 {
        self.seconds.before
    }
}

/// How cold a guard is (`WarmUpController`).
#[derive(Clone, Copy, Debug)]
struct Tokens {
    stored: u64,
    /// Beyond this the guard is cold.
    warning: u64,
    max: u64,
    cold_factor: u64,
    /// The second up to which it was filled; `None` before the first call, when it is quite cold.
    filled: Option<u64>,
}

impl Tokens {
    fn new(qps: u64, warm_up: SimDuration, cold_factor: u64) -> Self {
        let of_period = warm_up.as_millis() * qps / 1000;
        let warning = of_period / (cold_factor - 1);
        Self {
            stored: 0,
            warning,
            max: warning + (2 * of_period / (1 + cold_factor)).max(1),
            cold_factor,
            filled: None,
        }
    }

    /// `syncToken`: once in each second, what came in and what passed is settled.
    fn sync(&mut self, second: u64, qps: u64, passed: u64) {
        if self.filled.is_some_and(|filled| second <= filled) {
            return;
        }
        let filled = match self.filled {
            None => self.max,
            Some(filled) => {
                let cold_and_idle = self.stored > self.warning && passed < qps / self.cold_factor;
                let more = (second - filled) * qps;
                self.stored
                    + if self.stored < self.warning || cold_and_idle {
                        more
                    } else {
                        0
                    }
            }
        };
        self.stored = filled.min(self.max).saturating_sub(passed);
        self.filled = Some(second);
    }

    /// The rate now, as a fraction of the whole one.
    fn share(&self) -> (u64, u64) {
        let span = self.max - self.warning;
        let above = self.stored.saturating_sub(self.warning);
        (span, span + above * (self.cold_factor - 1))
    }
}

/// The guard of one client.
#[derive(Debug)]
pub struct Guard {
    config: GuardConfig,
    passes: Passes,
    tokens: Tokens,
    /// When the last paced call passes.
    latest: Option<SimTime>,
    /// Calls that have passed and not ended.
    running: u32,
    /// Blocked calls whose threads wait, with the time that each will take, and since when.
    pub(super) waiting: VecDeque<(TaskSlot, SimDuration, SimTime)>,
    /// Calls that have passed and not ended, in no order.
    pub(super) inside: Vec<TaskSlot>,
    /// It is to be looked at again at a set time.
    pub(super) will_look: bool,
}

impl Guard {
    /// Bytes that it holds, itself included.
    pub fn held(&self) -> u64 {
        memory::of::<Self>(1) + memory::of_deque(&self.waiting) + memory::of_vec(&self.inside)
    }

    /// A guard through which nothing has passed.
    pub fn new(config: GuardConfig) -> Self {
        let tokens = match config.rule {
            GuardRule::Rate {
                qps,
                warm_up,
                cold_factor,
                ..
            } => Tokens::new(qps.into(), warm_up, cold_factor.into()),
            GuardRule::Concurrency(_) => Tokens::new(1, SECOND, 2),
        };
        Self {
            config,
            passes: Passes::default(),
            tokens,
            latest: None,
            running: 0,
            waiting: VecDeque::new(),
            inside: Vec::new(),
            will_look: false,
        }
    }

    /// Whether threads of blocked calls wait.
    pub fn lets_wait(&self) -> bool {
        self.config.blocked == Blocked::Wait
    }

    /// A call asks.
    pub fn ask(&mut self, now: SimTime) -> Verdict {
        self.passes.advance(now);
        let verdict = match self.config.rule {
            GuardRule::Concurrency(most) if self.running < most => Verdict::Pass(SimDuration::ZERO),
            GuardRule::Concurrency(_) => Verdict::Block,
            GuardRule::Rate {
                qps,
                behavior,
                max_queueing,
                ..
            } => {
                let share = match behavior {
                    Behavior::Reject | Behavior::Pace => (1, 1),
                    Behavior::WarmUp | Behavior::WarmUpPace => {
                        let second = now.as_nanos() / SECOND.as_nanos();
                        let passed = self.passes.previous_second();
                        self.tokens.sync(second, qps.into(), passed);
                        self.tokens.share()
                    }
                };
                let limit = if self.lets_wait() {
                    SimDuration::from_nanos(u64::MAX)
                } else {
                    max_queueing
                };
                match behavior {
                    Behavior::Reject | Behavior::WarmUp => self.reject(qps.into(), share),
                    Behavior::Pace | Behavior::WarmUpPace => self.pace(now, qps.into(), share, limit),
                }
            }
        };
        if let Verdict::Pass(_) = verdict {
            self.passes.add();
            self.running += 1;
        }
        verdict
    }

    /// No more than `qps` × `share` in a rolling second.
    fn reject(&self, qps: u64, (part, whole): (u64, u64)) -> Verdict {
        match (self.passes.rate() + 1) * whole <= qps * part {
            true => Verdict::Pass(SimDuration::ZERO),
            false => Verdict::Block,
        }
    }

    /// One after another, `qps` × `share` a second; who would wait for longer than `limit` is blocked.
    fn pace(&mut self, now: SimTime, qps: u64, (part, whole): (u64, u64), limit: SimDuration) -> Verdict {
        let (distance, rate) = (
            u128::from(SECOND.as_nanos()) * u128::from(whole),
            u128::from(qps * part),
        );
        let distance = SimDuration::from_nanos(((distance + rate / 2) / rate) as u64);
        let turn = self.latest.map_or(now, |latest| (latest + distance).max(now));
        let wait = turn.since(now);
        if wait > limit {
            return Verdict::Block;
        }
        self.latest = Some(turn);
        Verdict::Pass(wait)
    }

    /// A call that has passed has ended.
    pub fn leave(&mut self) {
        self.running -= 1;
    }

    /// When a blocked call may pass at the earliest, if that is a matter of time.
    pub fn opens(&self, now: SimTime) -> Option<SimTime> {
        let soon = now + SimDuration::from_nanos(1);
        match self.config.rule {
            GuardRule::Rate { .. } => Some(soon.next_on_grid(SimTime::ZERO, WINDOW)),
            GuardRule::Concurrency(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn guard(behavior: Behavior, qps: u32) -> Guard {
        let rule = GuardRule::Rate {
            qps,
            behavior,
            max_queueing: ms(500),
            warm_up: SimDuration::from_secs(10),
            cold_factor: 3,
        };
        Guard::new(GuardConfig {
            rule,
            blocked: Blocked::Later,
        })
    }

    fn ms(n: u64) -> SimDuration {
        SimDuration::from_millis(n)
    }

    fn at(millis: u64) -> SimTime {
        SimTime::ZERO + ms(millis)
    }

    /// So many of `calls` at one instant pass at once.
    fn passing(guard: &mut Guard, now: SimTime, calls: u32) -> u32 {
        (0..calls)
            .filter(|_| matches!(guard.ask(now), Verdict::Pass(_)))
            .count() as u32
    }

    /// Ten at 0.4 s fill the second; at 0.9 s they still count, since their window is the one before; at 1 s no more.
    #[test]
    fn reject_counts_two_windows() {
        let mut guard = guard(Behavior::Reject, 10);
        assert_eq!(passing(&mut guard, at(400), 12), 10);
        assert_eq!(passing(&mut guard, at(900), 1), 0);
        assert_eq!(passing(&mut guard, at(1000), 12), 10);
        assert_eq!(guard.opens(at(1000)), Some(at(1500)));
    }

    /// At 100 a second turns are 10 ms apart; a wait of 500 ms is allowed, one of 510 ms is not.
    #[test]
    fn pace_gives_turns() {
        let mut guard = guard(Behavior::Pace, 100);
        assert_eq!(guard.ask(at(0)), Verdict::Pass(ms(0)));
        assert_eq!(guard.ask(at(4)), Verdict::Pass(ms(6)));
        for turn in 2..=50 {
            assert_eq!(guard.ask(at(0)), Verdict::Pass(ms(turn * 10)));
        }
        assert_eq!(guard.ask(at(0)), Verdict::Block);
        assert_eq!(guard.ask(at(10)), Verdict::Pass(ms(500)));
    }

    /// Cold: 90 ÷ 3 a second. The bucket of warning 90 × 10 ÷ 2 = 450 and maximum 450 + 2 × 900 ÷ 4 = 900 is down to its
    /// warning after about ten seconds of rising traffic; from then on all 90 pass.
    #[test]
    fn warm_up_rises_to_the_whole_rate() {
        let mut guard = guard(Behavior::WarmUp, 90);
        let mut passed: Vec<u32> = Vec::new();
        for second in 100..120 {
            passed.push(
                (0..1000)
                    .map(|n| passing(&mut guard, at(second * 1000 + n), 1))
                    .sum(),
            );
        }
        assert_eq!(passed[0], 30);
        assert!(passed.is_sorted(), "{passed:?}");
        let warm = passed.iter().position(|n| *n == 90).unwrap();
        assert!((6..=12).contains(&warm), "{passed:?}");
    }

    /// Cold turns are three times as far apart.
    #[test]
    fn warm_up_with_pacing_begins_slowly() {
        let mut guard = guard(Behavior::WarmUpPace, 90);
        guard.ask(at(1000));
        let Verdict::Pass(wait) = guard.ask(at(1000)) else {
            panic!("blocked")
        };
        assert_eq!(wait.as_millis(), 33);
    }

    #[test]
    fn concurrency_counts_what_runs() {
        let mut guard = Guard::new(GuardConfig {
            rule: GuardRule::Concurrency(2),
            blocked: Blocked::Wait,
        });
        assert_eq!(passing(&mut guard, at(0), 5), 2);
        guard.leave();
        assert_eq!(passing(&mut guard, at(9), 5), 1);
        assert_eq!(guard.opens(at(9)), None);
    }

    proptest! {
        /// Whatever comes when: no rolling second on the grid of windows has more than the rate.
        #[test]
        fn no_second_has_more_than_the_rate(qps in 3_u32..50, gaps in prop::collection::vec(0_u64..200, 1..400)) {
            for behavior in [Behavior::Reject, Behavior::WarmUp] {
                let (mut guard, mut now, mut passed) = (guard(behavior, qps), 0, Vec::new());
                for gap in &gaps {
                    now += gap;
                    if guard.ask(at(now)) != Verdict::Block {
                        passed.push(now / 500);
                    }
                }
                for window in passed.iter().copied() {
                    let of = passed.iter().filter(|w| **w == window || **w + 1 == window).count();
                    prop_assert!(of <= qps as usize);
                }
            }
        }

        /// Paced calls pass in order, never closer together than the rate says, and never after too long a wait.
        #[test]
        fn paced_calls_keep_their_distance(qps in 3_u32..500, gaps in prop::collection::vec(0_u64..30, 1..300)) {
            for behavior in [Behavior::Pace, Behavior::WarmUpPace] {
                let (mut guard, mut now, mut last) = (guard(behavior, qps), 0, None::<SimTime>);
                for gap in &gaps {
                    now += gap;
                    let Verdict::Pass(wait) = guard.ask(at(now)) else { continue };
                    prop_assert!(wait <= ms(500));
                    let turn = at(now) + wait;
                    let least = SimDuration::from_nanos(1_000_000_000 / u64::from(qps) - 1);
                    prop_assert!(last.is_none_or(|last| turn.since(last) >= least));
                    last = Some(turn);
                }
            }
        }

        /// There are never more calls at once than allowed, and a free place is always given.
        #[test]
        fn places_are_given_and_no_more(most in 1_u32..20, steps in prop::collection::vec(any::<bool>(), 1..200)) {
            let rule = GuardRule::Concurrency(most);
            let mut guard = Guard::new(GuardConfig { rule, blocked: Blocked::Later });
            let mut running = 0;
            for enters in steps {
                if enters {
                    let passes = guard.ask(at(0)) != Verdict::Block;
                    prop_assert_eq!(passes, running < most);
                    running += u32::from(passes);
                } else if running > 0 {
                    guard.leave();
                    running -= 1;
                }
            }
        }
    }
}
