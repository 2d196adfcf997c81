//! Who holds which queue when: intervals, gaps, overlaps, and why a queue last changed hands.
//!
//! A queue of a group has no owner (a gap), one, or for a while two: consumers decide for themselves, on views
//! that differ for some milliseconds. Gaps count from the first owner on, so that the start-up is no gap. Owned
//! is not served: time in which every owner is a stopped process counts apart. A queue beyond `readQueueNums`
//! is *stranded*: nobody is given it, so it lacks no owner, and whoever still holds it gets nothing from it.

use crate::cluster::ids::ConsumerId;
use crate::kernel::memory;
use crate::kernel::time::{SimDuration, SimTime};
use std::collections::BTreeSet;

/// Intervals kept at most; what comes later is counted only.
pub const INTERVALS: usize = 100_000;

/// Why the present owner of a queue starts where another stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HandOver {
    /// It is the first owner.
    #[default]
    None,
    /// The owner before was killed.
    Killed,
    /// The host of the owner before was lost.
    Vanished,
    /// The owner before shut down.
    Graceful,
    /// The owner before lives and gave it up.
    Rebalance,
    /// The owner before still held it.
    Overlap,
    /// The owner before was a stopped process, or this one was and others took it meanwhile.
    Paused,
}

/// What an acquisition meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// The queue never had an owner.
    First,
    /// The same consumer had it last.
    Again,
    /// Another consumer had it last.
    Moved {
        /// Which one.
        from: ConsumerId,
    },
    /// The queue is stranded, or was when its last owner gave it up: like a new one it comes from nobody.
    Anew,
}

/// What a release meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    /// The consumer did not hold the queue.
    NotHeld,
    /// Nobody else has become its owner.
    Given,
    /// The newest owner is gone and one before it still holds the queue: it is the owner again.
    Back {
        /// Which one.
        to: ConsumerId,
    },
}

/// One consumer holds one queue for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Position of the slot.
    pub slot: u32,
    /// Who.
    pub consumer: ConsumerId,
    /// From when.
    pub from: SimTime,
    /// To when; `None` while it lasts.
    pub to: Option<SimTime>,
}

/// One owner of one queue.
#[derive(Clone, Copy, Debug)]
struct Owner {
    consumer: ConsumerId,
    /// Position of the open interval.
    interval: Option<u32>,
    /// Others took the queue while this process was stopped.
    passed_over: bool,
}

/// One queue of one group.
#[derive(Clone, Debug, Default)]
struct Holding {
    /// Present owners, oldest first.
    owners: Vec<Owner>,
    /// How many of them are stopped processes.
    asleep: usize,
    /// Who took it last and still holds it, or held it last.
    newest: Option<ConsumerId>,
    /// The same, as far as the set of queues knows: nobody if the queue is stranded, or came back from there
    /// without an owner.
    credited: Option<ConsumerId>,
    is_stranded: bool,
    came_by: HandOver,
    left_by: HandOver,
    created: SimTime,
    /// Until when `times` count.
    counted_to: SimTime,
    /// Length of the gap that it is in.
    gap: SimDuration,
    times: Times,
}

/// How one queue spent its time, from its creation to some instant:
/// unclaimed + owned + unowned + stranded is all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Without an owner, before the first.
    pub unclaimed: SimDuration,
    /// With one owner or more.
    pub owned: SimDuration,
    /// Of `owned`: every owner is a stopped process.
    pub paused: SimDuration,
    /// Of `owned`: two owners or more.
    pub overlap: SimDuration,
    /// Without an owner, after the first.
    pub unowned: SimDuration,
    /// The longest gap.
    pub unowned_max: SimDuration,
    /// Beyond `readQueueNums`, held or not.
    pub stranded: SimDuration,
    /// Sum over all owners of the time they held it, stranded or not.
    pub held: SimDuration,
}

/// Folds acquisitions and releases into intervals.
#[derive(Debug, Default)]
pub struct Ownership {
    holdings: Vec<Holding>,
    intervals: Vec<Interval>,
    omitted: u64,
    /// By consumer: the slots that it holds, or held last.
    concerns: Vec<BTreeSet<u32>>,
    /// By consumer: whether its process is stopped.
    asleep: Vec<bool>,
}

impl Ownership {
    /// Makes room for all slots and consumers known. New slots exist from `now` on.
    pub fn grow(&mut self, now: SimTime, slots: usize, consumers: usize) {
        self.holdings.resize_with(slots, || Holding {
            created: now,
            counted_to: now,
            ..Holding::default()
        });
        self.concerns.resize_with(consumers, BTreeSet::new);
        self.asleep.resize(consumers, false);
    }

    /// `consumer` takes the queue of `slot`.
    pub fn acquired(&mut self, now: SimTime, slot: usize, consumer: ConsumerId) -> Acquired {
        let interval = self.open_interval(now, slot, consumer);
        let asleep = self.asleep[consumer.index()];
        let holding = &mut self.holdings[slot];
        holding.count_to(now);
        holding.gap = SimDuration::ZERO;
        holding.came_by = match (holding.owners.len(), holding.asleep) {
            (0, _) => holding.left_by,
            (owners, asleep) if owners == asleep => HandOver::Paused,
            _ => HandOver::Overlap,
        };
        for owner in &mut holding.owners {
            owner.passed_over |= self.asleep[owner.consumer.index()];
        }
        holding.asleep += usize::from(asleep);
        holding.owners.push(Owner {
            consumer,
            interval,
            passed_over: false,
        });
        let before = holding.newest.replace(consumer);
        let credit = (!holding.is_stranded).then_some(consumer);
        let credited = std::mem::replace(&mut holding.credited, credit);
        let acquired = match (credit, credited, before) {
            (Some(_), None, None) => Acquired::First,
            (Some(_), Some(last), _) if last == consumer => Acquired::Again,
            (Some(_), Some(from), _) => Acquired::Moved { from },
            _ => Acquired::Anew,
        };
        if let Some(before) = before.filter(|&before| !holding.is_held_by(before)) {
            self.concerns[before.index()].remove(&(slot as u32));
        }
        self.concerns[consumer.index()].insert(slot as u32);
        acquired
    }

    fn open_interval(&mut self, now: SimTime, slot: usize, consumer: ConsumerId) -> Option<u32> {
        if self.intervals.len() == INTERVALS {
            self.omitted += 1;
            return None;
        }
        self.intervals.push(Interval {
            slot: slot as u32,
            consumer,
            from: now,
            to: None,
        });
        Some(self.intervals.len() as u32 - 1)
    }

    /// `consumer` gives the queue of `slot` up.
    pub fn released(&mut self, now: SimTime, slot: usize, consumer: ConsumerId, by: HandOver) -> Released {
        let holding = &mut self.holdings[slot];
        let held = |owner: &Owner| owner.consumer == consumer;
        let Some(position) = holding.owners.iter().position(held) else {
            return Released::NotHeld;
        };
        holding.count_to(now);
        let owner = holding.owners.remove(position);
        holding.asleep -= usize::from(self.asleep[consumer.index()]);
        if let Some(interval) = owner.interval {
            self.intervals[interval as usize].to = Some(now);
        }
        let Some(&last) = holding.owners.last() else {
            holding.left_by = by;
            return Released::Given;
        };
        if holding.newest == Some(consumer) && last.consumer != consumer {
            holding.newest = Some(last.consumer);
            holding.came_by = last.cause();
            self.concerns[consumer.index()].remove(&(slot as u32));
            return match holding.credited.as_mut() {
                Some(credited) => {
                    *credited = last.consumer;
                    Released::Back { to: last.consumer }
                }
                None => Released::Given,
            };
        }
        // A client that shuts down holds its queues until it is gone, while others take them.
        if holding.owners.len() == 1 && holding.came_by == HandOver::Overlap && by != HandOver::Rebalance {
            holding.came_by = by;
        }
        if !holding.is_held_by(consumer) {
            self.concerns[consumer.index()].remove(&(slot as u32));
        }
        Released::Given
    }

    /// The slots that `consumer` holds, or held last, in order.
    pub fn concerns(&self, consumer: ConsumerId) -> Vec<usize> {
        let slots = self.concerns[consumer.index()].iter();
        slots.map(|&slot| slot as usize).collect()
    }

    /// A client is gone. If it was the last to give the queue of `slot` up and nobody took it since, that was
    /// part of its going.
    pub fn left_for_good(&mut self, slot: usize, consumer: ConsumerId, by: HandOver) {
        let holding = &mut self.holdings[slot];
        if holding.owners.is_empty() && holding.newest == Some(consumer) {
            holding.left_by = by;
        }
    }

    /// The process of `consumer` stops for a while, or goes on.
    pub fn sleeps(&mut self, now: SimTime, consumer: ConsumerId, asleep: bool) {
        if std::mem::replace(&mut self.asleep[consumer.index()], asleep) == asleep {
            return;
        }
        for &slot in &self.concerns[consumer.index()] {
            let holding = &mut self.holdings[slot as usize];
            holding.count_to(now);
            let held = (holding.owners.iter()).filter(|owner| owner.consumer == consumer);
            match (asleep, held.count()) {
                (true, held) => holding.asleep += held,
                (false, held) => holding.asleep -= held,
            }
        }
    }

    /// The queue of `slot` leaves the set of queues that consumers are given (`stranded`), or comes back.
    /// Returns who is credited with it: before it leaves, or after it came back.
    pub fn strands(&mut self, now: SimTime, slot: usize, stranded: bool) -> Option<ConsumerId> {
        let holding = &mut self.holdings[slot];
        holding.count_to(now);
        holding.gap = SimDuration::ZERO;
        holding.is_stranded = stranded;
        if stranded {
            return holding.credited.take();
        }
        holding.credited = holding.newest.filter(|_| !holding.owners.is_empty());
        holding.credited
    }

    /// Whether the queue lies beyond `readQueueNums`.
    pub fn is_stranded(&self, slot: usize) -> bool {
        self.holdings[slot].is_stranded
    }

    /// Whether the queue has had an owner and has none, although it should.
    pub fn is_unowned(&self, slot: usize) -> bool {
        let holding = &self.holdings[slot];
        holding.newest.is_some() && holding.owners.is_empty() && !holding.is_stranded
    }

    /// Why `consumer` may see messages again that the group saw before.
    pub fn cause(&self, slot: usize, consumer: ConsumerId) -> HandOver {
        let holding = &self.holdings[slot];
        if holding.newest == Some(consumer) {
            return holding.came_by;
        }
        let held = |owner: &&Owner| owner.consumer == consumer;
        let owner = holding.owners.iter().find(held);
        owner.map_or(HandOver::Overlap, Owner::cause)
    }

    /// Whether the queue ever had an owner.
    pub fn is_claimed(&self, slot: usize) -> bool {
        self.holdings[slot].newest.is_some()
    }

    /// Who holds the queue: of several owners the newest.
    pub fn owner(&self, slot: usize) -> Option<ConsumerId> {
        self.holdings[slot].owners.last().map(|owner| owner.consumer)
    }

    /// Since when the queue is known.
    pub fn created(&self, slot: usize) -> SimTime {
        self.holdings[slot].created
    }

    /// How the queue spent its time until `now`.
    pub fn times(&self, now: SimTime, slot: usize) -> Times {
        let mut holding = self.holdings[slot].clone();
        holding.count_to(now);
        holding.times
    }

    /// All intervals in order of their starts, the first 100 000.
    pub fn intervals(&self) -> &[Interval] {
        &self.intervals
    }

    /// Intervals beyond those.
    pub fn omitted(&self) -> u64 {
        self.omitted
    }

    /// Bytes for so many slots, `held` of which somebody holds, and consumers. Queues are taken `intervals` times.
    pub fn held_for(slots: u64, held: u64, consumers: u64, intervals: u64) -> u64 {
        memory::of_grown::<Holding>(slots)
            + memory::of_grown::<Interval>(intervals.min(INTERVALS as u64))
            + held * memory::of_grown::<Owner>(1)
            + memory::of_grown::<BTreeSet<u32>>(consumers)
            + memory::of_entries::<u32, ()>(held)
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let owners = self
            .holdings
            .iter()
            .map(|holding| memory::of_vec(&holding.owners))
            .sum::<u64>();
        let concerns = self.concerns.iter().map(memory::of_set).sum::<u64>() + memory::of_vec(&self.concerns);
        memory::of_vec(&self.holdings) + memory::of_vec(&self.intervals) + owners + concerns
    }
}

impl Owner {
    /// Why it may see messages again, once others have had the queue beside it.
    fn cause(&self) -> HandOver {
        match self.passed_over {
            true => HandOver::Paused,
            false => HandOver::Overlap,
        }
    }
}

impl Holding {
    fn is_held_by(&self, consumer: ConsumerId) -> bool {
        self.owners.iter().any(|owner| owner.consumer == consumer)
    }

    /// Adds the time since the last change to what the queue was in.
    fn count_to(&mut self, now: SimTime) {
        let span = now.since(self.counted_to);
        self.counted_to = now;
        let owners = self.owners.len();
        let times = &mut self.times;
        times.held += span * owners as u64;
        match owners {
            _ if self.is_stranded => times.stranded += span,
            0 if self.newest.is_none() => times.unclaimed += span,
            0 => {
                times.unowned += span;
                self.gap += span;
                times.unowned_max = times.unowned_max.max(self.gap);
            }
            _ => {
                times.owned += span;
                if owners > 1 {
                    times.overlap += span;
                }
                if owners == self.asleep {
                    times.paused += span;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::story::secs;

    const A: ConsumerId = ConsumerId(0);
    const B: ConsumerId = ConsumerId(1);

    fn one_slot() -> Ownership {
        let mut ownership = Ownership::default();
        ownership.grow(SimTime::ZERO, 1, 3);
        ownership
    }

    /// A from 5 s, killed at 10 s; B from 14 s. Nobody until 5 s is no gap, from 10 to 14 s is.
    #[test]
    fn a_killed_owner_leaves_a_gap() {
        let mut ownership = one_slot();
        assert_eq!(ownership.acquired(secs(5), 0, A), Acquired::First);
        assert_eq!(
            ownership.released(secs(10), 0, A, HandOver::Killed),
            Released::Given
        );
        assert_eq!(ownership.owner(0), None);
        assert_eq!(ownership.times(secs(12), 0).unowned, SimDuration::from_secs(2));
        assert_eq!(ownership.acquired(secs(14), 0, B), Acquired::Moved { from: A });
        let times = ownership.times(secs(20), 0);
        assert_eq!(
            (times.unowned, times.overlap),
            (SimDuration::from_secs(4), SimDuration::ZERO)
        );
        assert_eq!(ownership.cause(0, B), HandOver::Killed);
        assert_eq!(
            ownership.intervals()[0],
            Interval {
                slot: 0,
                consumer: A,
                from: secs(5),
                to: Some(secs(10))
            }
        );
        assert_eq!(ownership.intervals()[1].to, None);
    }

    /// B takes the queue 3 s before A lets go.
    #[test]
    fn two_owners_overlap() {
        let mut ownership = one_slot();
        ownership.acquired(secs(1), 0, A);
        ownership.acquired(secs(4), 0, B);
        assert_eq!(ownership.times(secs(6), 0).overlap, SimDuration::from_secs(2));
        assert_eq!(
            (ownership.cause(0, A), ownership.cause(0, B)),
            (HandOver::Overlap, HandOver::Overlap)
        );
        ownership.released(secs(7), 0, A, HandOver::Rebalance);
        let times = ownership.times(secs(9), 0);
        assert_eq!(
            (times.overlap, times.unowned),
            (SimDuration::from_secs(3), SimDuration::ZERO)
        );
        assert_eq!(ownership.owner(0), Some(B));
    }

    /// A graceful client gives its queues up before it reports its end.
    #[test]
    fn giving_up_on_the_way_out_counts_as_going() {
        let mut ownership = one_slot();
        ownership.acquired(secs(1), 0, A);
        ownership.released(secs(2), 0, A, HandOver::Rebalance);
        ownership.left_for_good(0, A, HandOver::Graceful);
        ownership.acquired(secs(3), 0, B);
        assert_eq!(ownership.cause(0, B), HandOver::Graceful);
    }

    /// The brokers tell the others before the client is gone: B takes the queue a little too early.
    #[test]
    fn taking_over_from_one_that_is_going_counts_as_its_going() {
        let mut ownership = one_slot();
        ownership.acquired(secs(1), 0, A);
        ownership.acquired(secs(2), 0, B);
        ownership.released(secs(3), 0, A, HandOver::Graceful);
        assert_eq!(ownership.cause(0, B), HandOver::Graceful);
        assert_eq!(ownership.times(secs(9), 0).overlap, SimDuration::from_secs(1));
    }

    #[test]
    fn taking_back_is_no_move_and_giving_up_twice_is_nothing() {
        let mut ownership = one_slot();
        ownership.acquired(secs(1), 0, A);
        assert_eq!(
            ownership.released(secs(2), 0, A, HandOver::Rebalance),
            Released::Given
        );
        assert_eq!(
            ownership.released(secs(2), 0, A, HandOver::Killed),
            Released::NotHeld
        );
        assert_eq!(ownership.acquired(secs(3), 0, A), Acquired::Again);
        assert_eq!(ownership.cause(0, A), HandOver::Rebalance);
    }

    const C: ConsumerId = ConsumerId(2);

    /// A from 1 s, stopped at 10 s; B takes its queue at 40 s, A goes on at 50 s and lets go at 52 s. Nobody worked
    /// for 30 s, two held it for 12 s, and both may see again what the other has seen, for want of A's life.
    #[test]
    fn a_stopped_owner_holds_and_does_not_serve() {
        let mut ownership = one_slot();
        ownership.acquired(secs(1), 0, A);
        ownership.sleeps(secs(10), A, true);
        assert_eq!(ownership.times(secs(20), 0).paused, SimDuration::from_secs(10));
        assert_eq!(ownership.acquired(secs(40), 0, B), Acquired::Moved { from: A });
        ownership.sleeps(secs(50), A, false);
        assert_eq!(
            (ownership.cause(0, A), ownership.cause(0, B)),
            (HandOver::Paused, HandOver::Paused)
        );
        assert_eq!(
            ownership.released(secs(52), 0, A, HandOver::Rebalance),
            Released::Given
        );
        assert_eq!(ownership.cause(0, B), HandOver::Paused);
        let expected = Times {
            unclaimed: SimDuration::from_secs(1),
            owned: SimDuration::from_secs(59),
            paused: SimDuration::from_secs(30),
            overlap: SimDuration::from_secs(12),
            held: SimDuration::from_secs(71),
            ..Times::default()
        };
        assert_eq!(ownership.times(secs(60), 0), expected);
    }

    /// B takes the queue while A is stopped and gives it back by leaving: A, which never let go, is the owner again.
    #[test]
    fn who_never_let_go_is_the_owner_again() {
        let mut ownership = one_slot();
        ownership.acquired(secs(1), 0, A);
        ownership.sleeps(secs(2), A, true);
        ownership.acquired(secs(3), 0, B);
        ownership.sleeps(secs(4), A, false);
        assert_eq!(
            ownership.released(secs(5), 0, B, HandOver::Rebalance),
            Released::Back { to: A }
        );
        assert_eq!(
            (ownership.owner(0), ownership.cause(0, A)),
            (Some(A), HandOver::Paused)
        );
        assert_eq!(ownership.acquired(secs(6), 0, C), Acquired::Moved { from: A });
        assert_eq!(ownership.cause(0, C), HandOver::Overlap, "A runs");
    }

    /// Killed while stopped: not paused any more, but without an owner.
    #[test]
    fn the_dead_are_not_stopped() {
        let mut ownership = one_slot();
        ownership.acquired(secs(0), 0, A);
        ownership.sleeps(secs(1), A, true);
        ownership.released(secs(3), 0, A, HandOver::Vanished);
        ownership.acquired(secs(8), 0, B);
        let times = ownership.times(secs(9), 0);
        assert_eq!(
            (times.paused, times.unowned),
            (SimDuration::from_secs(2), SimDuration::from_secs(5))
        );
        assert_eq!(ownership.cause(0, B), HandOver::Vanished);
    }

    /// Stranded from 10 to 20 s; A notices at 12 s. From 20 s on the queue has no owner until B comes at 23 s, and
    /// comes from nobody: no move.
    #[test]
    fn a_stranded_queue_lacks_no_owner() {
        let mut ownership = one_slot();
        ownership.acquired(secs(0), 0, A);
        assert_eq!(ownership.strands(secs(10), 0, true), Some(A));
        assert!(!ownership.is_unowned(0));
        ownership.released(secs(12), 0, A, HandOver::Rebalance);
        assert!(!ownership.is_unowned(0));
        assert_eq!(ownership.strands(secs(20), 0, false), None);
        assert!(ownership.is_unowned(0));
        assert_eq!(ownership.acquired(secs(23), 0, B), Acquired::Anew);
        let expected = Times {
            owned: SimDuration::from_secs(17),
            unowned: SimDuration::from_secs(3),
            unowned_max: SimDuration::from_secs(3),
            stranded: SimDuration::from_secs(10),
            held: SimDuration::from_secs(19),
            ..Times::default()
        };
        assert_eq!(ownership.times(secs(30), 0), expected);
        // Whoever still held it when it came back has it.
        ownership.strands(secs(31), 0, true);
        assert_eq!(ownership.strands(secs(32), 0, false), Some(B));
    }

    /// What concerns a consumer: what it holds, and what nobody took after it.
    #[test]
    fn a_consumer_is_concerned_until_another_takes_over() {
        let mut ownership = one_slot();
        assert_eq!(ownership.concerns(A), [] as [usize; 0]);
        ownership.acquired(secs(1), 0, A);
        ownership.acquired(secs(2), 0, B);
        assert_eq!((ownership.concerns(A), ownership.concerns(B)), (vec![0], vec![0]));
        ownership.released(secs(3), 0, A, HandOver::Rebalance);
        ownership.released(secs(4), 0, B, HandOver::Rebalance);
        assert_eq!((ownership.concerns(A), ownership.concerns(B)), (vec![], vec![0]));
        ownership.acquired(secs(5), 0, C);
        assert_eq!((ownership.concerns(B), ownership.concerns(C)), (vec![], vec![0]));
    }
}
