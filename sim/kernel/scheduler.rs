//! The virtual clock and what is still to happen.
//!
//! Events run in the order of (time, insertion): two for one instant run in the order in which they were
//! scheduled, never by address or hash. The clock moves only by [`Scheduler::pop`].
//!
//! A cancelled event stays in the list and is passed over when its turn comes. When more than half of the
//! list is cancelled, a sweep takes all of them out: cancelling then costs a few steps on average, and memory
//! stays in proportion to what is live.
//!
//! Invariants, asserted in release builds too: K1, time never decreases; K2, a cancelled event never runs;
//! K4, at most [`MAX_EVENTS_PER_INSTANT`] at one instant.

use crate::kernel::event_list::{EventList, NearFarList, Scheduled};
use crate::kernel::time::{SimDuration, SimTime};
use rustc_hash::FxHashSet;
use std::num::NonZeroU64;

/// More events than this at one instant are taken for a livelock (K4).
pub const MAX_EVENTS_PER_INSTANT: u64 = 10_000_000;

/// Cancelled events that may lie in the list before the first sweep.
const SWEEP_FROM: usize = 64;

/// Names one scheduled event, to cancel it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    time: SimTime,
    seq: NonZeroU64,
}

/// The pending events of a simulation and its clock.
#[derive(Clone, Debug)]
pub struct Scheduler<E: Copy, L = NearFarList<E>> {
    list: L,
    now: SimTime,
    /// Sequence number of the event that runs; with `now` it tells which tickets have had their turn.
    running: u64,
    last_seq: u64,
    executed: u64,
    /// `executed` when the clock came to `now`.
    executed_before_now: u64,
    /// Sequence numbers of cancelled events. A superset of those in the list: one that was swept out and
    /// cancelled again comes back, until the next sweep.
    cancelled: FxHashSet<u64>,
    event: std::marker::PhantomData<E>,
}

impl<E: Copy> Scheduler<E> {
    /// An empty scheduler at time zero.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<E: Copy, L: EventList<E>> Default for Scheduler<E, L> {
    fn default() -> Self {
        Self {
            list: L::default(),
            now: SimTime::ZERO,
            running: 0,
            last_seq: 0,
            executed: 0,
            executed_before_now: 0,
            cancelled: FxHashSet::default(),
            event: std::marker::PhantomData,
        }
    }
}

impl<E: Copy, L: EventList<E>> Scheduler<E, L> {
    /// The virtual time: that of the event popped last.
    #[inline]
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Schedules `event` for `time`, after everything that was scheduled for that instant before.
    ///
    /// # Panics
    /// If `time` lies before [`now`](Self::now) (K1).
    #[inline]
    pub fn at(&mut self, time: SimTime, event: E) -> Ticket {
        if time < self.now {
            scheduled_in_the_past(self.now, time);
        }
        self.last_seq += 1;
        let seq = self.last_seq;
        self.list.push(Scheduled { time, seq, event });
        Ticket {
            time,
            seq: NonZeroU64::new(seq).expect("2⁶⁴ events take centuries"),
        }
    }

    /// Schedules `event` for `delay` from now; a delay of zero runs it after all that is due now.
    #[inline]
    pub fn after(&mut self, delay: SimDuration, event: E) -> Ticket {
        self.at(self.now + delay, event)
    }

    /// Takes back an event. Nothing happens if it has run, runs now, or was cancelled before.
    #[inline]
    pub fn cancel(&mut self, ticket: Ticket) {
        let had_its_turn = (ticket.time, ticket.seq.get()) <= (self.now, self.running);
        if !had_its_turn {
            self.cancelled.insert(ticket.seq.get());
            if self.cancelled.len() > SWEEP_FROM + self.list.len() / 2 {
                self.sweep();
            }
        }
    }

    /// Takes out the earliest event and moves the clock to it; `None` when nothing is left.
    ///
    /// # Panics
    /// If more than [`MAX_EVENTS_PER_INSTANT`] events run at one instant (K4).
    #[inline]
    pub fn pop(&mut self) -> Option<(SimTime, E)> {
        loop {
            let Some(next) = self.list.pop() else {
                self.cancelled.clear();
                return None;
            };
            if self.cancelled.is_empty() || !self.cancelled.remove(&next.seq) {
                self.advance(next.time, next.seq);
                return Some((next.time, next.event));
            }
        }
    }

    /// When the next event is due; `None` when nothing is left.
    #[inline]
    pub fn next_time(&mut self) -> Option<SimTime> {
        loop {
            let next = self.list.peek()?;
            if self.cancelled.is_empty() || !self.cancelled.remove(&next.seq) {
                return Some(next.time);
            }
            self.list.pop();
        }
    }

    /// How many events are still to run. Counts them one by one while cancelled ones lie in the list.
    pub fn pending(&self) -> usize {
        if self.cancelled.is_empty() {
            return self.list.len();
        }
        let live = |e: &&Scheduled<E>| !self.cancelled.contains(&e.seq);
        self.list.iter().filter(live).count()
    }

    /// How many events have been popped.
    #[inline]
    pub fn executed(&self) -> u64 {
        self.executed
    }

    /// How many events have been popped at the present instant.
    #[inline]
    pub fn executed_now(&self) -> u64 {
        self.executed - self.executed_before_now
    }

    #[inline]
    fn advance(&mut self, time: SimTime, seq: u64) {
        if time != self.now {
            if time < self.now {
                went_back(self.now, time);
            }
            self.now = time;
            self.executed_before_now = self.executed;
        } else if seq <= self.running {
            went_back(self.now, time);
        }
        self.running = seq;
        self.executed += 1;
        if self.executed_now() > MAX_EVENTS_PER_INSTANT {
            livelock(self.now);
        }
    }

    /// Takes all cancelled events out of the list.
    #[cold]
    fn sweep(&mut self) {
        let cancelled = &self.cancelled;
        self.list.retain(|e| !cancelled.contains(&e.seq));
        self.cancelled.clear();
    }
}

#[cold]
#[inline(never)]
fn scheduled_in_the_past(now: SimTime, time: SimTime) -> ! {
    panic!("invariant K1 broken at {now}: an event was scheduled for {time}, which is past");
}

#[cold]
#[inline(never)]
fn went_back(now: SimTime, time: SimTime) -> ! {
    panic!("invariant K1 broken at {now}: the event list gave an event of {time} out of order");
}

#[cold]
#[inline(never)]
fn livelock(now: SimTime) -> ! {
    panic!(
        "invariant K4 broken at {now}: more than {MAX_EVENTS_PER_INSTANT} events at one instant; some events \
         schedule each other without letting time pass"
    );
}
