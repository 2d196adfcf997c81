//! Long polling: pulls that found nothing wait at the broker until something arrives.
//!
//! A hold ends when an append can serve it or when the sweep finds its time up. The sweep runs every 5 s,
//! so a hold of 15 s lasts 15 to 20 s; a queue that stays idle settles near 20 s, because each new pull
//! starts just after a sweep. Left out: the time that the broker spends scanning the table.
//!
//! Source: `PullRequestHoldService`, `PullMessageProcessor`.

use crate::cluster::broker::expression_message_filter::ExpressionId;
use crate::cluster::event::PqSlot;
use crate::kernel::memory;
use crate::kernel::time::{SimDuration, SimTime};

/// Period of the sweep with long polling.
pub const SWEEP_PERIOD: SimDuration = SimDuration::from_secs(5);

/// The time-out of what waits without end: a standing order, see `push`.
pub const FOREVER: SimDuration = SimDuration::from_nanos(u64::MAX);

/// A pull that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldPull {
    /// Whose pull.
    pub pull: PqSlot,
    /// Since when.
    pub since: SimTime,
    /// How long it may wait.
    pub timeout: SimDuration,
    /// The offset that it waits for.
    pub offset: u64,
    /// Which messages it waits for.
    pub expression: ExpressionId,
}

impl HeldPull {
    /// Whether it waits without end.
    #[inline]
    pub fn is_order(&self) -> bool {
        self.timeout == FOREVER
    }

    /// From when on a sweep may find something to do about it: when its time is up, if every message that it waits for
    /// wakes it, else at any time.
    #[inline]
    pub fn first_look(&self, long_polling: bool) -> SimTime {
        match long_polling && self.expression.is_all() && !self.is_order() {
            true => self.since + self.timeout,
            false => SimTime::ZERO,
        }
    }
}

/// The pulls held on one queue, in order of arrival. One cache line: mostly there is one, from the one group that reads
/// the queue.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct PullRequestHold {
    first: Option<HeldPull>,
    /// Those that came later.
    others: Vec<HeldPull>,
}

impl PullRequestHold {
    /// Lets a pull wait.
    #[inline]
    pub fn hold(&mut self, pull: HeldPull) {
        match self.first {
            None => self.first = Some(pull),
            Some(_) => self.others.push(pull),
        }
    }

    /// Whether nothing waits here.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Takes out the pulls that a queue with `max_offset` can serve and that `may_go`, into `out`.
    #[inline]
    pub fn wake(&mut self, max_offset: u64, may_go: impl Fn(&HeldPull) -> bool, out: &mut Vec<HeldPull>) {
        self.take(|held| held.offset < max_offset && may_go(held), out);
    }

    /// Takes out the pulls whose time is up, and those that `max_offset` can serve, into `out`; of standing orders those
    /// that `is_over` names as well.
    pub fn expire(
        &mut self,
        now: SimTime,
        max_offset: u64,
        is_over: impl Fn(PqSlot) -> bool,
        out: &mut Vec<HeldPull>,
    ) {
        let is_up = |held: &HeldPull| {
            let late = match held.is_order() {
                true => is_over(held.pull),
                false => now.since(held.since) >= held.timeout,
            };
            late || held.offset < max_offset
        };
        self.take(is_up, out);
    }

    /// From when on a sweep may find something to do here.
    pub fn first_look(&self, long_polling: bool) -> SimTime {
        let looks = self
            .first
            .iter()
            .chain(&self.others)
            .map(|held| held.first_look(long_polling));
        looks.min().unwrap_or(SimTime::MAX)
    }

    /// Takes all out, into `out`: the broker ends.
    pub fn end_all(&mut self, out: &mut Vec<HeldPull>) {
        self.take(|_| true, out);
    }

    /// Takes the hold of `pull` out, whose client is not there any more; whether there was one.
    pub fn withdraw(&mut self, pull: PqSlot) -> bool {
        let mut withdrawn = Vec::new();
        self.take(|held| held.pull == pull, &mut withdrawn);
        !withdrawn.is_empty()
    }

    #[inline]
    fn take(&mut self, wanted: impl Fn(&HeldPull) -> bool, out: &mut Vec<HeldPull>) {
        if let Some(first) = self.first.take_if(|first| wanted(first)) {
            out.push(first);
        }
        if !self.others.is_empty() {
            self.take_others(wanted, out);
        }
    }

    #[inline(never)]
    fn take_others(&mut self, wanted: impl Fn(&HeldPull) -> bool, out: &mut Vec<HeldPull>) {
        out.extend(self.others.extract_if(.., |held| wanted(held)));
        if self.first.is_none() && !self.others.is_empty() {
            self.first = Some(self.others.remove(0));
        }
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of_vec(&self.others)
    }

    /// Bytes that one holds beside itself in which so many pulls wait.
    pub fn held_for(pulls: u64) -> u64 {
        memory::of_grown::<HeldPull>(pulls.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(id: u32, since: u64, offset: u64) -> HeldPull {
        HeldPull {
            pull: PqSlot(id),
            since: SimTime::from_nanos(since * 1_000_000_000),
            timeout: SimDuration::from_secs(15),
            offset,
            expression: ExpressionId::ALL,
        }
    }

    fn ids(pulls: &[HeldPull]) -> Vec<u32> {
        pulls.iter().map(|p| p.pull.0).collect()
    }

    /// All holds that the new message can serve are woken: they do not compete.
    #[test]
    fn an_append_wakes_every_hold_that_it_serves() {
        let mut hold = PullRequestHold::default();
        for pull in [held(1, 0, 5), held(2, 0, 6), held(3, 1, 5)] {
            hold.hold(pull);
        }
        let mut out = Vec::new();
        hold.wake(6, |_| true, &mut out);
        assert_eq!(ids(&out), [1, 3]);
        assert!(!hold.is_empty());
    }

    /// A message wakes those who may go, and nobody who waits for a later one.
    #[test]
    fn a_foreign_message_wakes_nobody() {
        let mut hold = PullRequestHold::default();
        for (id, expression) in [(1, 1), (2, 2), (3, 0)] {
            let expression = ExpressionId(expression);
            hold.hold(HeldPull {
                expression,
                ..held(id, 0, 5)
            });
        }
        let mut out = Vec::new();
        hold.wake(6, |held| held.expression == ExpressionId(2), &mut out);
        assert_eq!(ids(&out), [2]);
        hold.wake(5, |_| true, &mut out);
        assert_eq!(ids(&out), [2]);
    }

    /// A sweep has nothing to do until the first time is up, unless a pull may sleep through its message.
    #[test]
    fn a_sweep_knows_when_to_look_first() {
        let mut hold = PullRequestHold::default();
        assert_eq!(hold.first_look(true), SimTime::MAX);
        hold.hold(held(1, 3, 5));
        hold.hold(held(2, 1, 5));
        assert_eq!(hold.first_look(true), SimTime::from_nanos(16_000_000_000));
        assert_eq!(hold.first_look(false), SimTime::ZERO);
        let picky = HeldPull {
            expression: ExpressionId(1),
            ..held(3, 9, 5)
        };
        let order = HeldPull {
            timeout: FOREVER,
            ..held(4, 9, 5)
        };
        for wait in [picky, order] {
            assert_eq!(wait.first_look(true), SimTime::ZERO);
        }
    }

    /// 15 s are up at exactly 15 s, not before.
    #[test]
    fn a_hold_expires_at_its_timeout() {
        let mut hold = PullRequestHold::default();
        hold.hold(held(1, 0, 5));
        let mut out = Vec::new();
        let never = |_| false;
        hold.expire(SimTime::from_nanos(14_999_999_999), 5, never, &mut out);
        assert!(out.is_empty());
        hold.expire(SimTime::from_nanos(15_000_000_000), 5, never, &mut out);
        assert_eq!(ids(&out), [1]);
    }
}
