//! The virtual clock and what is still to happen.
//!
//! Events run in the order of (time, insertion): two for one instant run in the order in which they were
//! scheduled, never by address or hash. The clock moves only by [`Scheduler::pop`].
//!
//! Most events of a network whose delay is constant are scheduled in the very order in which they will run. They
//! need no heap: [`Scheduler::at_in_order`] appends them to a lane, a plain queue beside the list, and a pop takes
//! the earlier of the two heads. The order of all events stays what it is without a lane.
//!
//! A cancelled event stays in the list and is passed over when its turn comes. When more than half of the
//! list is cancelled, a sweep takes all of them out: cancelling then costs a few steps on average, and memory
//! stays in proportion to what is live.
//!
//! Invariants, asserted in release builds too: K1, time never decreases; K2, a cancelled event never runs;
//! K4, at most [`MAX_EVENTS_PER_INSTANT`] at one instant.

use crate::kernel::event_list::{EventList, NearFarList, Scheduled};
use crate::kernel::memory;
use crate::kernel::time::{SimDuration, SimTime};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroU64;

/// More events than this at one instant are taken for a livelock (K4).
pub const MAX_EVENTS_PER_INSTANT: u64 = 10_000_000;

/// So many of them at the end are kept, to tell what they were.
const WATCHED: u64 = 1000;

/// Cancelled events that may lie in the list before the first sweep.
const SWEEP_FROM: usize = 64;

/// Names one scheduled event, to cancel it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    time: SimTime,
    seq: NonZeroU64,
}

impl Ticket {
    /// As [`Scheduled::key`].
    #[inline]
    fn key(self) -> u128 {
        self.entry(()).key()
    }

    #[inline]
    fn entry<E>(self, event: E) -> Scheduled<E> {
        Scheduled {
            time: self.time,
            seq: self.seq.get(),
            event,
        }
    }
}

/// The pending events of a simulation and its clock.
#[derive(Clone, Debug)]
pub struct Scheduler<E: Copy, L = NearFarList<E>> {
    list: L,
    /// The earliest entry that is not in the lane, taken out of the list when it was last looked for. Taken out
    /// and not peeked at: lists leave a gap where it was, which the next push fills.
    head: Option<Scheduled<E>>,
    /// Entries that were scheduled in order, the earliest first.
    lane: VecDeque<Scheduled<E>>,
    now: SimTime,
    /// Sequence number of the event that runs; with `now` it tells which tickets have had their turn.
    running: u64,
    last_seq: u64,
    executed: u64,
    /// `executed` when the clock came to `now`.
    executed_before_now: u64,
    /// Keys of cancelled events. A superset of those in the list: one that was swept out and cancelled again
    /// comes back, until the next sweep or until its time has come.
    cancelled: BTreeSet<u128>,
    /// When the least of them is due: what is earlier needs no look.
    first_cancelled_time: SimTime,
    /// The last events of an instant that has too many.
    watched: Vec<E>,
    /// What an event is called when it has to be told.
    name: fn(E) -> String,
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
            head: None,
            lane: VecDeque::new(),
            now: SimTime::ZERO,
            running: 0,
            last_seq: 0,
            executed: 0,
            executed_before_now: 0,
            cancelled: BTreeSet::new(),
            first_cancelled_time: SimTime::MAX,
            watched: Vec::new(),
            name: |_| "event".to_owned(),
        }
    }
}

impl<E: Copy, L: EventList<E>> Scheduler<E, L> {
    /// Bytes of what is still to happen.
    pub fn held(&self) -> u64 {
        memory::of::<Scheduled<E>>(self.entries()) + memory::of_set(&self.cancelled)
    }

    /// Bytes of so many pending events.
    pub fn held_for(events: u64) -> u64 {
        events.saturating_mul(size_of::<Scheduled<E>>() as u64)
    }

    /// The same scheduler, which tells events by `name`.
    pub fn naming(self, name: fn(E) -> String) -> Self {
        Self { name, ..self }
    }

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
        let ticket = self.enter(time);
        self.insert(ticket, event);
        ticket
    }

    /// As [`at`](Self::at), for events whose times never fall from one call to the next: those cost a few
    /// nanoseconds. One that is earlier than the last is put where it belongs, at the usual cost.
    ///
    /// # Panics
    /// If `time` lies before [`now`](Self::now) (K1).
    #[inline(always)]
    pub fn at_in_order(&mut self, time: SimTime, event: E) -> Ticket {
        let ticket = self.enter(time);
        match self.lane.back() {
            Some(last) if time < last.time => self.insert(ticket, event),
            _ => self.lane.push_back(ticket.entry(event)),
        }
        ticket
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
            self.cancelled.insert(ticket.key());
            self.first_cancelled_time = self.first_cancelled_time.min(ticket.time);
            if self.cancelled.len() > SWEEP_FROM + self.entries() / 2 {
                self.sweep();
            }
        }
    }

    /// Takes out the earliest event and moves the clock to it; `None` when nothing is left.
    ///
    /// # Panics
    /// If more than [`MAX_EVENTS_PER_INSTANT`] events run at one instant (K4).
    #[inline(always)]
    pub fn pop(&mut self) -> Option<(SimTime, E)> {
        loop {
            let next = self.take_earliest()?;
            if next.time < self.first_cancelled_time || !self.is_cancelled(&next) {
                self.advance(next.time, next.seq, next.event);
                return Some((next.time, next.event));
            }
        }
    }

    /// When the next event is due; `None` when nothing is left.
    #[inline]
    pub fn next_time(&mut self) -> Option<SimTime> {
        loop {
            let next = self.earliest()?;
            if next.time < self.first_cancelled_time || !self.is_cancelled(&next) {
                return Some(next.time);
            }
            self.take_earliest();
        }
    }

    /// How many events are still to run. Counts them one by one while cancelled ones lie in the list.
    pub fn pending(&self) -> usize {
        if self.cancelled.is_empty() {
            return self.entries();
        }
        let live = |e: &Scheduled<E>| !self.cancelled.contains(&e.key());
        let beside = self.lane.iter().copied().chain(self.head);
        self.list.iter().chain(beside).filter(live).count()
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

    /// Gives an event its place in the order.
    #[inline(always)]
    fn enter(&mut self, time: SimTime) -> Ticket {
        if time < self.now {
            scheduled_in_the_past(self.now, time);
        }
        self.last_seq += 1;
        Ticket {
            time,
            seq: NonZeroU64::new(self.last_seq).expect("2⁶⁴ events take centuries"),
        }
    }

    /// Puts an entry into the list; it is the youngest, so at equal times it comes last. The head goes back where the
    /// entry comes before it: the next look finds the earlier of the two.
    #[inline]
    fn insert(&mut self, ticket: Ticket, event: E) {
        if let Some(head) = self.head
            && ticket.time < head.time
        {
            self.head = None;
            self.list.put_back(head);
        }
        self.list.push(ticket.entry(event));
    }

    /// Makes sure that the head is known; whether the earliest entry is in the lane.
    #[inline(always)]
    fn is_lane_first(&mut self) -> bool {
        if self.head.is_none() {
            self.head = self.list.pop();
        }
        match (self.lane.front(), &self.head) {
            (Some(lane), Some(head)) => lane.is_before(head),
            (lane, _) => lane.is_some(),
        }
    }

    #[inline]
    fn earliest(&mut self) -> Option<Scheduled<E>> {
        if self.is_lane_first() {
            self.lane.front().copied()
        } else {
            self.head
        }
    }

    #[inline(always)]
    fn take_earliest(&mut self) -> Option<Scheduled<E>> {
        match &self.head {
            // Most of what runs of a busy lane leaves the head where it is.
            Some(head) => match self.lane.front() {
                Some(lane) if lane.is_before(head) => self.lane.pop_front(),
                _ => self.head.take(),
            },
            None => {
                let Some(head) = self.list.pop() else {
                    return self.lane.pop_front();
                };
                if self.lane.front().is_some_and(|lane| lane.is_before(&head)) {
                    self.head = Some(head);
                    return self.lane.pop_front();
                }
                Some(head)
            }
        }
    }

    /// Whether `next`, the earliest entry, was cancelled. It is then forgotten, and must be taken out.
    #[cold]
    #[inline(never)]
    fn is_cancelled(&mut self, next: &Scheduled<E>) -> bool {
        if self.cancelled.first().is_none_or(|first| next.key() < *first) {
            return false;
        }
        // What is earlier was swept out before it was cancelled once more.
        self.cancelled = self.cancelled.split_off(&next.key());
        let cancelled = self.cancelled.remove(&next.key());
        let due = |key: &u128| SimTime::from_nanos((key >> 64) as u64);
        self.first_cancelled_time = self.cancelled.first().map_or(SimTime::MAX, due);
        cancelled
    }

    /// How many entries there are, cancelled ones included.
    #[inline]
    fn entries(&self) -> usize {
        self.list.len() + self.lane.len() + usize::from(self.head.is_some())
    }

    #[inline(always)]
    fn advance(&mut self, time: SimTime, seq: u64, event: E) {
        if time > self.now {
            self.now = time;
            self.executed_before_now = self.executed;
        } else {
            if time < self.now || seq <= self.running {
                went_back(self.now, time);
            }
            if self.executed_now() >= MAX_EVENTS_PER_INSTANT - WATCHED {
                self.watch(event);
            }
        }
        self.running = seq;
        self.executed += 1;
    }

    /// Keeps an event of an instant that has many, and gives up when they are too many.
    #[cold]
    #[inline(never)]
    fn watch(&mut self, event: E) {
        let number = self.executed_now() + 1 - (MAX_EVENTS_PER_INSTANT - WATCHED);
        // Those of an earlier instant, which ended well, are forgotten.
        self.watched.truncate((number - 1) as usize);
        if number <= WATCHED {
            self.watched.push(event);
            return;
        }
        let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
        for event in &self.watched {
            *kinds.entry((self.name)(*event)).or_default() += 1;
        }
        let mut kinds: Vec<(String, u64)> = kinds.into_iter().collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let kinds: Vec<String> = kinds
            .iter()
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        panic!(
            "invariant K4 broken at {}: more than {MAX_EVENTS_PER_INSTANT} events at one instant, as if some scheduled \
             each other without letting time pass; the last {WATCHED} were {}",
            self.now,
            kinds.join(", ")
        );
    }

    /// Takes all cancelled events out.
    #[cold]
    fn sweep(&mut self) {
        let cancelled = &self.cancelled;
        let live = |e: &Scheduled<E>| !cancelled.contains(&e.key());
        self.list.retain(live);
        self.lane.retain(live);
        self.head = self.head.filter(live);
        self.cancelled.clear();
        self.first_cancelled_time = SimTime::MAX;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::event_list::StdHeap;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn nanos(n: u64) -> SimDuration {
        SimDuration::from_nanos(n)
    }

    #[test]
    fn ties_run_in_the_order_in_which_they_were_scheduled() {
        let mut s = Scheduler::new();
        for event in 0..100_u64 {
            s.after(nanos(7), event);
        }
        s.after(nanos(3), 1000);
        assert_eq!(s.pop(), Some((SimTime::from_nanos(3), 1000)));
        // Zero delay: behind nothing at 3, before everything at 7.
        s.after(SimDuration::ZERO, 1001);
        assert_eq!(s.pop(), Some((SimTime::from_nanos(3), 1001)));
        for event in 0..100 {
            assert_eq!(s.pop(), Some((SimTime::from_nanos(7), event)));
        }
        assert_eq!((s.pop(), s.executed(), s.executed_now()), (None, 102, 100));
    }

    #[test]
    #[should_panic(expected = "invariant K1 broken at 0.000000005s: an event was scheduled for 0.000000004s")]
    fn the_past_cannot_be_scheduled() {
        let mut s = Scheduler::new();
        s.at(SimTime::from_nanos(5), ());
        s.pop();
        s.at(SimTime::from_nanos(4), ());
    }

    /// A list that cares for no time: it gives what was scheduled first, or what was scheduled last.
    #[derive(Default)]
    struct Careless<const LAST: bool>(Vec<Scheduled<u8>>);
    impl<const LAST: bool> EventList<u8> for Careless<LAST> {
        fn push(&mut self, entry: Scheduled<u8>) {
            self.0.push(entry);
        }
        fn put_back(&mut self, entry: Scheduled<u8>) {
            self.0.push(entry);
        }
        fn pop(&mut self) -> Option<Scheduled<u8>> {
            let taken = self.peek()?;
            self.0.retain(|entry| entry.seq != taken.seq);
            Some(taken)
        }
        fn peek(&mut self) -> Option<Scheduled<u8>> {
            let end = if LAST { self.0.last() } else { self.0.first() };
            end.copied()
        }
        fn len(&self) -> usize {
            self.0.len()
        }
        fn retain(&mut self, keep: impl FnMut(&Scheduled<u8>) -> bool) {
            self.0.retain(keep);
        }
        fn iter(&self) -> impl Iterator<Item = Scheduled<u8>> {
            self.0.iter().copied()
        }
    }

    #[track_caller]
    fn run_careless<const LAST: bool>(first: u64, second: u64) {
        let mut s = Scheduler::<u8, Careless<LAST>>::default();
        s.after(nanos(first), 0);
        s.after(nanos(second), 1);
        s.pop();
        s.pop();
    }

    #[test]
    #[should_panic(expected = "invariant K1 broken at 0.000000002s: the event list gave")]
    fn a_list_that_goes_back_in_time_is_found_out() {
        run_careless::<true>(1, 2);
    }

    #[test]
    #[should_panic(expected = "invariant K1 broken at 0.000000002s: the event list gave")]
    fn a_list_that_keeps_the_order_of_scheduling_is_found_out() {
        run_careless::<false>(2, 1);
    }

    #[test]
    #[should_panic(expected = "invariant K1 broken at 0.000000001s: the event list gave")]
    fn a_list_that_turns_ties_round_is_found_out() {
        run_careless::<true>(1, 1);
    }

    /// Of each three events one is an answer.
    #[test]
    #[should_panic(
        expected = "invariant K4 broken at 0.000000009s: more than 10000000 events at one instant, as if some scheduled \
                    each other without letting time pass; the last 1000 were 666 call, 334 answer"
    )]
    fn a_livelock_is_found_out() {
        let mut s = Scheduler::new()
            .naming(|event: u32| if event.is_multiple_of(3) { "answer" } else { "call" }.to_owned());
        s.after(nanos(9), 0);
        while let Some((_, event)) = s.pop() {
            s.after(SimDuration::ZERO, event + 1);
        }
    }

    /// One kind only: had an earlier event stayed among them, the text would go on.
    #[test]
    fn a_livelock_is_told_without_what_was_busy_before() {
        let told = std::panic::catch_unwind(two_busy_instants).expect_err("the second is too busy");
        let told = told.downcast_ref::<String>().expect("a text");
        assert!(told.ends_with("the last 1000 were 1000 late"), "{told}");
    }

    fn two_busy_instants() {
        let mut s = Scheduler::new().naming(str::to_owned);
        for (event, more) in [("early", WATCHED - 1), ("late", WATCHED + 1)] {
            s.after(nanos(1), event);
            s.pop();
            // As if so many had run at this instant.
            s.executed = s.executed_before_now + MAX_EVENTS_PER_INSTANT - WATCHED;
            for _ in 0..more {
                s.after(SimDuration::ZERO, event);
                s.pop();
            }
        }
    }

    /// Ten million at one instant are allowed, as long as the clock moves on then.
    #[test]
    fn the_count_of_an_instant_starts_anew_with_the_next() {
        let mut s = Scheduler::new();
        s.after(nanos(1), ());
        for _ in 0..MAX_EVENTS_PER_INSTANT {
            s.pop();
            s.after(SimDuration::ZERO, ());
        }
        let last = s.after(nanos(1), ());
        assert_eq!(s.executed_now(), MAX_EVENTS_PER_INSTANT);
        s.cancel(last);
        let mut s = Scheduler::new();
        s.after(nanos(1), 1);
        s.after(nanos(2), 2);
        s.pop();
        s.pop();
        assert_eq!(s.executed_now(), 1);
    }

    #[test]
    fn cancelling_what_has_run_leaves_no_trace() {
        let mut s = Scheduler::new();
        for _ in 0..10_000 {
            let ticket = s.after(nanos(5), ());
            s.pop();
            s.cancel(ticket);
        }
        assert!(s.cancelled.is_empty());
        assert_eq!(s.executed(), 10_000);
    }

    /// A time-out for each request, cancelled by its reply: what lies in the list stays in proportion to the
    /// 50 requests that are open, not to the 3 million that a time-out of 3 s would hold back.
    #[test]
    fn cancelled_events_do_not_pile_up() {
        let mut s = Scheduler::new();
        let mut open = std::collections::VecDeque::new();
        for request in 0..100_000_u32 {
            s.after(nanos(1000), request);
            open.push_back(s.after(SimDuration::from_secs(3), u32::MAX));
            if open.len() > 50 {
                s.cancel(open.pop_front().expect("there are 51"));
            }
            assert_eq!(s.pop(), Some((s.now(), request)));
            assert!(
                s.entries() <= 2 * (SWEEP_FROM + s.pending() + 1),
                "{} entries",
                s.entries()
            );
            assert!(s.cancelled.len() <= SWEEP_FROM + s.entries() / 2 + 1);
        }
        assert_eq!(s.pending(), 50);
    }

    /// 200 events, cancelled one by one: the 165th is the first that makes more than 64 and half of them.
    #[test]
    fn a_sweep_comes_when_enough_is_cancelled() {
        let mut s = Scheduler::new();
        let tickets: Vec<Ticket> = (0..200).map(|event| s.after(nanos(event), event)).collect();
        for (ticket, count) in tickets.into_iter().zip(1..) {
            s.cancel(ticket);
            let expected = if count < 165 {
                (200, count)
            } else {
                (35, count - 165)
            };
            assert_eq!((s.entries(), s.cancelled.len()), expected);
        }
        assert_eq!((s.pending(), s.pop()), (0, None));
    }

    /// Ties are in order too. What comes too early takes the long way, and still its turn.
    #[test]
    fn what_is_scheduled_in_order_waits_in_the_lane() {
        let mut s = Scheduler::new();
        for (event, time) in [5, 5, 9, 7].into_iter().enumerate() {
            s.at_in_order(SimTime::from_nanos(time), event);
        }
        assert_eq!((s.lane.len(), s.list.len()), (3, 1));
        let order: Vec<usize> = std::iter::from_fn(|| s.pop()).map(|(_, event)| event).collect();
        assert_eq!(order, [0, 1, 3, 2]);
    }

    /// Three entries of 24 bytes in a block; a key of 16 in a tree.
    #[test]
    fn what_is_to_happen_takes_room() {
        let mut s = Scheduler::new();
        assert_eq!(s.held(), 0);
        s.after(nanos(1), 0_u64);
        s.at_in_order(SimTime::from_nanos(1), 1);
        let ticket = s.after(nanos(3), 2);
        assert_eq!(s.held(), 16 + 3 * 24);
        s.cancel(ticket);
        assert_eq!(s.held(), 16 + 3 * 24 + 19 * 7 / 4);
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        After(u64),
        /// By way of the lane; now and then not in order.
        InOrder(u64),
        Pop,
        Next,
        /// Cancel the ticket that was given this many tickets ago, whatever has become of it.
        Cancel(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let delay = prop_oneof![Just(0), 0..100_u64, 0..50_000_000_u64, 0..60_000_000_000_u64];
        let step = prop_oneof![
            4 => delay.prop_map(Step::After),
            2 => Just(Step::InOrder(500)),
            1 => (0..1000_u64).prop_map(Step::InOrder),
            2 => Just(Step::Pop),
            1 => Just(Step::Next),
            3 => (0..60_usize).prop_map(Step::Cancel),
        ];
        prop::collection::vec(step, 0..1500)
    }

    fn check<L: EventList<u64>>(steps: &[Step]) {
        let mut s = Scheduler::<u64, L>::default();
        let mut live = BTreeMap::new();
        let mut tickets: Vec<(Ticket, (SimTime, u64))> = Vec::new();
        let mut ran = 0;
        for step in steps {
            match *step {
                Step::After(delay) | Step::InOrder(delay) => {
                    let key = (s.now() + nanos(delay), tickets.len() as u64);
                    let ticket = if matches!(step, Step::After(_)) {
                        s.at(key.0, key.1)
                    } else {
                        s.at_in_order(key.0, key.1)
                    };
                    tickets.push((ticket, key));
                    live.insert(key, ());
                }
                Step::Pop => {
                    let expected = live.pop_first().map(|(key, ())| key);
                    assert_eq!(s.pop(), expected);
                    ran += u64::from(expected.is_some());
                }
                Step::Next => {
                    assert_eq!(s.next_time(), live.first_key_value().map(|(key, ())| key.0));
                }
                Step::Cancel(ago) => {
                    if let Some((ticket, key)) = tickets.iter().rev().nth(ago) {
                        s.cancel(*ticket);
                        live.remove(key);
                    }
                }
            }
            assert_eq!((s.pending(), s.executed()), (live.len(), ran));
        }
    }

    proptest! {
        /// Any mixture of scheduling, cancelling (twice, too late, after a look ahead) and running does what
        /// a sorted map would do.
        #[test]
        fn cancelled_events_never_run_and_all_others_do(steps in steps()) {
            check::<NearFarList<u64>>(&steps);
            check::<StdHeap<u64>>(&steps);
        }
    }
}
