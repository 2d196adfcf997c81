//! Sets of pending events: push any, take the earliest.
//!
//! Entries order by (time, sequence number). The sequence number is the entry's rank of insertion, so the
//! order is total, ties resolve by insertion, and every list gives the same order: they differ in speed only.
//! [`NearFarList`] is what the scheduler uses; the measurements behind that are in `docs/performance.md`.
//!
//! Left out: lists that insert into a sorted run (ladder, calendar, wheel). They win on spread-out times, and
//! go quadratic when many events share one instant, which is how a cluster of equal clients starts.

mod buckets;
mod in_slot;
mod latest_first;
mod near_far;
mod quad_heap;
mod std_heap;

pub use near_far::NearFarList;
pub use quad_heap::QuadHeap;
pub use std_heap::StdHeap;

use crate::kernel::time::SimTime;

/// An event with its place in the order.
#[derive(Clone, Copy, Debug)]
pub struct Scheduled<E> {
    /// When it is due.
    pub time: SimTime,
    /// Rank of insertion, unique within a list.
    pub seq: u64,
    /// What happens.
    pub event: E,
}

impl<E> Scheduled<E> {
    /// Time and sequence number in one integer that orders as the pair does.
    #[inline]
    pub fn key(&self) -> u128 {
        u128::from(self.time.as_nanos()) << 64 | u128::from(self.seq)
    }

    /// Whether it runs before `other`. As the keys tell; but times nearly always differ.
    #[inline(always)]
    pub fn is_before(&self, other: &Self) -> bool {
        self.time < other.time || self.time == other.time && self.seq < other.seq
    }
}

/// A set of pending events.
///
/// Sequence numbers rise from push to push, but for what is put back; times may lie before the last one taken.
pub trait EventList<E: Copy>: Default {
    /// Adds an entry.
    fn push(&mut self, entry: Scheduled<E>);
    /// Puts back the entry that was taken out last, if nothing that was pushed since has been taken out. It is the
    /// earliest of those that were there when it was taken.
    fn put_back(&mut self, entry: Scheduled<E>);
    /// Takes out the earliest entry.
    fn pop(&mut self) -> Option<Scheduled<E>>;
    /// The earliest entry; may tidy up to find it.
    fn peek(&mut self) -> Option<Scheduled<E>>;
    /// How many entries it holds.
    fn len(&self) -> usize;
    /// Whether it holds none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Drops the entries that `keep` refuses, in time proportional to the length.
    fn retain(&mut self, keep: impl FnMut(&Scheduled<E>) -> bool);
    /// All entries, in no particular order.
    fn iter(&self) -> impl Iterator<Item = Scheduled<E>>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        /// Schedule this many nanoseconds after the entry taken last.
        Push(u64),
        Pop,
        /// Schedule this many nanoseconds before the entry taken last.
        PushEarlier(u64),
        /// Take one out, schedule another so many nanoseconds after it, and put the first back.
        PutBack(u64),
        Peek,
        /// Drop every entry whose number is divisible by this.
        Drop(u64),
    }

    /// Ties, hops, service times, the ends of slots, RocketMQ's periods, delay levels, and never.
    fn delay() -> impl Strategy<Value = u64> {
        prop_oneof![
            3 => Just(0),
            2 => Just(500_000),
            3 => 0..40_000_000_u64,
            1 => (0..2_u64, 1..4000_u64).prop_map(|(off, slot)| (slot << in_slot::SLOT_BITS) - off),
            2 => prop_oneof![Just(5_000_000_000), Just(20_000_000_000), Just(30_000_000_000)],
            1 => 0..7_200_000_000_000_u64,
            1 => Just(u64::MAX),
        ]
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            50 => delay().prop_map(Step::Push),
            40 => Just(Step::Pop),
            5 => delay().prop_map(Step::PutBack),
            2 => delay().prop_map(Step::PushEarlier),
            4 => Just(Step::Peek),
            1 => (2..9_u64).prop_map(Step::Drop),
        ];
        prop::collection::vec(step, 0..600)
    }

    /// Schedules the entry with the next number, in a list and in a sorted set.
    fn schedule<L: EventList<u64>>(
        list: &mut L,
        sorted: &mut BTreeSet<(SimTime, u64, u64)>,
        nanos: u64,
        seq: &mut u64,
    ) {
        let (time, event) = (SimTime::from_nanos(nanos), !*seq);
        list.push(Scheduled {
            time,
            seq: *seq,
            event,
        });
        sorted.insert((time, *seq, event));
        *seq += 1;
    }

    /// Runs `steps` on a list and on a sorted set, and compares whatever can be seen of them.
    fn check<L: EventList<u64>>(steps: &[Step]) {
        let (mut list, mut sorted) = (L::default(), BTreeSet::new());
        let (mut now, mut seq) = (0_u64, 0);
        for step in steps {
            match *step {
                Step::Push(delay) => schedule(&mut list, &mut sorted, now.saturating_add(delay), &mut seq),
                Step::Pop => {
                    let taken = list.pop().map(|e| (e.time, e.seq, e.event));
                    assert_eq!(taken, sorted.pop_first());
                    now = taken.map_or(now, |(time, ..)| time.as_nanos());
                }
                Step::PushEarlier(back) => {
                    schedule(&mut list, &mut sorted, now.saturating_sub(back), &mut seq)
                }
                Step::PutBack(delay) => {
                    if let Some(taken) = list.pop() {
                        let time = taken.time.as_nanos().saturating_add(delay);
                        schedule(&mut list, &mut sorted, time, &mut seq);
                        list.put_back(taken);
                    }
                }
                Step::Peek => {
                    let seen = list.peek().map(|e| (e.time, e.seq, e.event));
                    assert_eq!(seen, sorted.first().copied());
                }
                Step::Drop(divisor) => {
                    list.retain(|e| e.seq % divisor != 0);
                    sorted.retain(|(_, seq, _)| seq % divisor != 0);
                }
            }
            assert_eq!(list.len(), sorted.len());
            assert_eq!(list.is_empty(), sorted.is_empty());
        }
        let held: BTreeSet<_> = list.iter().map(|e| (e.time, e.seq, e.event)).collect();
        assert_eq!(held, sorted);
        while let Some(expected) = sorted.pop_first() {
            assert_eq!(list.pop().map(|e| (e.time, e.seq, e.event)), Some(expected));
        }
        assert!(list.pop().is_none() && list.peek().is_none());
    }

    proptest! {
        #[test]
        fn every_list_gives_the_one_order(steps in steps()) {
            check::<QuadHeap<u64>>(&steps);
            check::<NearFarList<u64>>(&steps);
            check::<StdHeap<u64>>(&steps);
        }
    }

    /// Ten thousand clients start at one instant; each timer schedules one more event for that instant, and
    /// that one the next timer, 20 s later: for three rounds every list keeps the order of insertion.
    #[test]
    fn a_storm_of_ties_runs_in_the_order_of_insertion() {
        fn storm<L: EventList<bool>>() {
            const CLIENTS: u64 = 10_000;
            let mut list = L::default();
            let start = SimTime::ZERO;
            (0..CLIENTS).for_each(|seq| {
                list.push(Scheduled {
                    time: start,
                    seq,
                    event: true,
                })
            });
            // Each round inserts its followers in the order of its timers, and the next timers in that of
            // the followers: so what comes out counts up without a gap.
            for seq in 0..6 * CLIENTS {
                let taken = list.pop().expect("what is taken comes back");
                let round = seq / (2 * CLIENTS);
                assert_eq!((taken.seq, taken.time.as_nanos()), (seq, round * 20_000_000_000));
                let wait = if taken.event { 0 } else { 20_000_000_000 };
                let time = SimTime::from_nanos(taken.time.as_nanos() + wait);
                list.push(Scheduled {
                    time,
                    seq: seq + CLIENTS,
                    event: !taken.event,
                });
            }
        }
        storm::<QuadHeap<bool>>();
        storm::<NearFarList<bool>>();
        storm::<StdHeap<bool>>();
    }
}
