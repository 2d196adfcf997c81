//! The message account: where every record of a group is, and whether that adds up.
//!
//! It counts *records*, so a second delivery unbalances nothing. Records of a queue are delivered for the
//! first time in the order of their offsets; hence one number a queue, the frontier, tells what waits, and a
//! delivery below it is a duplicate. The first end of a record counts: success, sent back, or dead. A record
//! that is sent back or dies after it had already ended (two consumers had it) makes an *extra copy*.
//!
//! The account of a group, invariant L1:
//! produced + extra copies = waiting + in flight + awaiting retry + succeeded + dead + expired + lost,
//! where *waiting* comes from the ends and frontiers of the queues, *in flight* and the rest from counters of
//! their own, so that the equation can fail. Left out: filtered and expired messages, which the cluster cannot
//! yet make.

use crate::cluster::directory::Directory;
use crate::cluster::ids::{GroupId, QueueId};
use crate::kernel::time::SimTime;
use crate::observe::invariant::{broken, grouped};
use crate::observe::settled::Settled;
use crate::observe::slots::{Slot, Slots};

/// How a record ended for a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `CONSUME_SUCCESS`.
    Succeeded,
    /// A copy was scheduled for `%RETRY%group`.
    SentBack,
    /// It lies in `%DLQ%group`.
    Dead,
}

/// The account of one group; counts of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Stored in the topics it subscribes to.
    pub produced: u64,
    /// Copies and dead letters made of a record that had ended before.
    pub extra_copies: u64,
    /// Stored in subscribed topics, not delivered.
    pub waiting: u64,
    /// Delivered, not ended.
    pub in_flight: u64,
    /// Scheduled, or in the retry topic and not delivered.
    pub awaiting_retry: u64,
    /// Ended with success.
    pub succeeded: u64,
    /// Ended in the dead-letter topic.
    pub dead: u64,
    /// Skipped before any delivery.
    pub skipped: u64,
    /// Delivered, not ended, and skipped.
    pub skipped_unfinished: u64,
}

impl Balance {
    /// What came in.
    pub fn left(&self) -> u64 {
        self.produced + self.extra_copies
    }
    /// Where it is.
    pub fn right(&self) -> u64 {
        self.waiting + self.in_flight + self.awaiting_retry + self.succeeded + self.dead + self.lost()
    }
    /// Skipped, delivered or not.
    pub fn lost(&self) -> u64 {
        self.skipped + self.skipped_unfinished
    }
}

/// One queue as one group has read it.
#[derive(Clone, Debug, Default)]
struct Account {
    /// All records below were delivered or skipped.
    frontier: u64,
    /// Records skipped before any delivery.
    skipped: u64,
    /// Deliveries of records below the frontier.
    duplicates: u64,
    settled: Settled,
}

/// What one group has done in all its queues.
#[derive(Clone, Copy, Debug, Default)]
struct GroupCounts {
    in_flight: u64,
    scheduled: u64,
    arrived: u64,
    extra_copies: u64,
    succeeded: u64,
    succeeded_copies: u64,
    dead: u64,
    skipped: u64,
    skipped_unfinished: u64,
}

/// Folds deliveries and their ends into accounts.
#[derive(Debug, Default)]
pub struct Ledger {
    /// One past the last record, by queue.
    ends: Vec<u64>,
    accounts: Vec<Account>,
    groups: Vec<GroupCounts>,
    checks: u64,
}

impl Ledger {
    /// Makes room for all queues and slots known.
    pub fn grow(&mut self, slots: &Slots, groups: usize) {
        self.ends.resize(slots.queues(), 0);
        self.accounts.resize_with(slots.len(), Account::default);
        self.groups.resize_with(groups, GroupCounts::default);
    }

    /// A record was appended to `queue`. Offsets are contiguous (invariant Q1).
    #[inline(always)]
    pub fn stored(&mut self, now: SimTime, queue: QueueId, offset: u64) {
        let end = &mut self.ends[queue.index()];
        if offset != *end {
            broken(
                now,
                "Q1",
                &format!("queue {}: stored at {offset}, but its end is {end}", queue.0),
            );
        }
        *end += 1;
    }

    /// The schedule service moved a copy to the retry queue.
    pub fn retry_stored(&mut self, now: SimTime, group: GroupId, queue: QueueId, offset: u64) {
        self.stored(now, queue, offset);
        self.groups[group.index()].arrived += 1;
    }

    /// A listener is called with the record; whether this is its first delivery to the group.
    #[inline(always)]
    pub fn delivered(&mut self, now: SimTime, slot: usize, of: Slot, offset: u64) -> bool {
        let account = &mut self.accounts[slot];
        if offset < account.frontier {
            account.duplicates += 1;
            return false;
        }
        if offset > account.frontier || offset >= self.ends[of.queue.index()] {
            broken(
                now,
                "L4",
                &format!(
                    "group {}, queue {}: offset {offset} delivered, but {} come before and {} are stored",
                    of.group.0,
                    of.queue.0,
                    account.frontier,
                    self.ends[of.queue.index()]
                ),
            );
        }
        account.frontier = offset + 1;
        self.groups[of.group.index()].in_flight += 1;
        true
    }

    /// A record ended; whether for the first time.
    #[inline(always)]
    pub fn ended(&mut self, now: SimTime, slot: usize, of: Slot, offset: u64, outcome: Outcome) -> bool {
        let account = &mut self.accounts[slot];
        if offset >= account.frontier {
            broken(
                now,
                "L4",
                &format!(
                    "group {}, queue {}: offset {offset} ended ({outcome:?}) and was never delivered",
                    of.group.0, of.queue.0
                ),
            );
        }
        let first = account.settled.insert(offset);
        let counts = &mut self.groups[of.group.index()];
        if first {
            counts.in_flight -= 1;
        }
        match outcome {
            Outcome::Succeeded => {
                counts.succeeded += u64::from(first);
                counts.succeeded_copies += u64::from(first && of.is_retry);
            }
            Outcome::SentBack => {
                counts.scheduled += 1;
                counts.extra_copies += u64::from(!first);
            }
            Outcome::Dead => {
                counts.dead += 1;
                counts.extra_copies += u64::from(!first);
            }
        }
        first
    }

    /// The group will read on at `to`: what lies before and has not ended is lost. Returns how many records.
    pub fn skipped(&mut self, slot: usize, of: Slot, from: u64, to: u64) -> u64 {
        let account = &mut self.accounts[slot];
        let counts = &mut self.groups[of.group.index()];
        let unfinished = account.settled.insert_range(from, to.min(account.frontier));
        counts.in_flight -= unfinished;
        counts.skipped_unfinished += unfinished;
        let undelivered = account.settled.insert_range(account.frontier, to);
        account.frontier = account.frontier.max(to);
        account.skipped += undelivered;
        counts.skipped += undelivered;
        unfinished + undelivered
    }

    /// One past the last record of `queue`.
    pub fn end(&self, queue: QueueId) -> u64 {
        self.ends[queue.index()]
    }
    /// First offset that no listener has seen.
    pub fn frontier(&self, slot: usize) -> u64 {
        self.accounts[slot].frontier
    }
    /// Records delivered at least once.
    pub fn delivered_once(&self, slot: usize) -> u64 {
        self.accounts[slot].frontier - self.accounts[slot].skipped
    }
    /// Deliveries of records that were delivered before.
    pub fn duplicates(&self, slot: usize) -> u64 {
        self.accounts[slot].duplicates
    }
    /// All deliveries.
    pub fn deliveries(&self, slot: usize) -> u64 {
        self.delivered_once(slot) + self.duplicates(slot)
    }
    /// Copies scheduled for the retry topic of `group`.
    pub fn scheduled(&self, group: GroupId) -> u64 {
        self.groups[group.index()].scheduled
    }
    /// Copies that reached the retry topic of `group`.
    pub fn retries_stored(&self, group: GroupId) -> u64 {
        self.groups[group.index()].arrived
    }
    /// Retry copies of `group` that ended with success.
    pub fn succeeded_copies(&self, group: GroupId) -> u64 {
        self.groups[group.index()].succeeded_copies
    }
    /// How often the accounts were checked.
    pub fn checks(&self) -> u64 {
        self.checks
    }

    /// The account of `group` as it stands.
    pub fn balance(&self, slots: &Slots, group: GroupId) -> Balance {
        let counts = self.groups[group.index()];
        let mut balance = Balance {
            extra_copies: counts.extra_copies,
            in_flight: counts.in_flight,
            // More arrived than scheduled shows as an imbalance, not as an overflow.
            awaiting_retry: counts.scheduled.saturating_sub(counts.arrived),
            succeeded: counts.succeeded,
            dead: counts.dead,
            skipped: counts.skipped,
            skipped_unfinished: counts.skipped_unfinished,
            ..Balance::default()
        };
        for slot in slots.of_group(group) {
            let of = slots.get(slot);
            let undelivered = self.end(of.queue).saturating_sub(self.frontier(slot));
            if of.is_retry {
                balance.awaiting_retry += undelivered;
            } else {
                balance.produced += self.end(of.queue);
                balance.waiting += undelivered;
            }
        }
        balance
    }

    /// Compares both sides of every account (invariant L1).
    ///
    /// # Panics
    /// If one does not add up.
    pub fn check(&mut self, now: SimTime, slots: &Slots, directory: &Directory) {
        self.checks += 1;
        for group in (0..self.groups.len() as u32).map(GroupId) {
            let balance = self.balance(slots, group);
            if balance.left() != balance.right() {
                broken(
                    now,
                    "L1",
                    &format!(
                        "group {}: produced {} + extra {} ≠ accounted {}: {balance:?}",
                        directory.group(group).name,
                        grouped(balance.produced),
                        grouped(balance.extra_copies),
                        grouped(balance.right()),
                    ),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::story::Story;

    const NOW: SimTime = SimTime::from_nanos(1_500_000_000);

    /// One group, one queue (slot 0), its retry queue (slot 1), `stored` records in the first.
    struct Desk {
        story: Story,
        slots: Slots,
        ledger: Ledger,
    }

    impl Desk {
        fn new(stored: u64) -> Self {
            let story = Story::new()
                .topic("orders", 1)
                .group("billing", &["orders"])
                .retry_topic("billing");
            let (mut slots, mut ledger) = (Slots::default(), Ledger::default());
            slots.add_queue(QueueId(0), &story.directory);
            slots.add_queue(QueueId(1), &story.directory);
            ledger.grow(&slots, 1);
            for offset in 0..stored {
                ledger.stored(NOW, QueueId(0), offset);
            }
            Self { story, slots, ledger }
        }
        fn deliver(&mut self, slot: usize, offset: u64) -> bool {
            self.ledger.delivered(NOW, slot, self.slots.get(slot), offset)
        }
        fn end(&mut self, slot: usize, offset: u64, outcome: Outcome) -> bool {
            self.ledger
                .ended(NOW, slot, self.slots.get(slot), offset, outcome)
        }
        fn balance(&mut self) -> Balance {
            self.ledger.check(NOW, &self.slots, &self.story.directory);
            self.ledger.balance(&self.slots, GroupId(0))
        }
    }

    #[test]
    fn every_record_is_somewhere() {
        let mut desk = Desk::new(6);
        for offset in 0..5 {
            assert!(desk.deliver(0, offset));
        }
        assert!(desk.end(0, 1, Outcome::Succeeded));
        assert!(desk.end(0, 2, Outcome::SentBack));
        assert!(desk.end(0, 3, Outcome::Dead));
        assert_eq!(
            desk.balance(),
            Balance {
                produced: 6,
                waiting: 1,
                in_flight: 2,
                awaiting_retry: 1,
                succeeded: 1,
                dead: 1,
                ..Balance::default()
            }
        );
    }

    /// The copy waits until it is delivered; its end is the message's end.
    #[test]
    fn a_retry_copy_stands_for_its_message() {
        let mut desk = Desk::new(1);
        desk.deliver(0, 0);
        desk.end(0, 0, Outcome::SentBack);
        assert_eq!(desk.balance().awaiting_retry, 1);
        desk.ledger.retry_stored(NOW, GroupId(0), QueueId(1), 0);
        assert_eq!(desk.balance().awaiting_retry, 1);
        desk.deliver(1, 0);
        assert_eq!((desk.balance().awaiting_retry, desk.balance().in_flight), (0, 1));
        desk.end(1, 0, Outcome::Succeeded);
        assert_eq!((desk.balance().succeeded, desk.balance().extra_copies), (1, 0));
    }

    /// Both owners of a queue had the record: one succeeds, the other sends it back.
    #[test]
    fn a_second_end_moves_no_record() {
        let mut desk = Desk::new(1);
        assert!(desk.deliver(0, 0));
        assert!(!desk.deliver(0, 0));
        assert!(desk.end(0, 0, Outcome::Succeeded));
        assert!(!desk.end(0, 0, Outcome::Succeeded));
        assert!(!desk.end(0, 0, Outcome::SentBack));
        let balance = desk.balance();
        assert_eq!(
            (balance.succeeded, balance.awaiting_retry, balance.extra_copies),
            (1, 1, 1)
        );
        assert_eq!((desk.ledger.duplicates(0), desk.ledger.deliveries(0)), (1, 2));
    }

    /// Of ten records three were delivered and one ended; the group goes on at 8.
    #[test]
    fn what_is_skipped_is_lost_once() {
        let mut desk = Desk::new(10);
        for offset in 0..3 {
            desk.deliver(0, offset);
        }
        desk.end(0, 1, Outcome::Succeeded);
        let of = desk.slots.get(0);
        assert_eq!(desk.ledger.skipped(0, of, 0, 8), 7);
        assert_eq!(desk.ledger.skipped(0, of, 0, 8), 0);
        let balance = desk.balance();
        assert_eq!((balance.skipped, balance.skipped_unfinished), (5, 2));
        assert_eq!((balance.waiting, balance.in_flight), (2, 0));
        assert!(desk.deliver(0, 8));
        // A straggler's success comes too late to count.
        assert!(!desk.end(0, 0, Outcome::Succeeded));
        assert_eq!(desk.ledger.delivered_once(0), 4);
        desk.balance();
    }

    #[test]
    #[should_panic = "invariant L1 broken at 1.500000000s: group billing: produced 2 + extra 0 ≠ accounted 3"]
    fn a_retry_out_of_nowhere_breaks_the_account() {
        let mut desk = Desk::new(2);
        desk.ledger.retry_stored(NOW, GroupId(0), QueueId(1), 0);
        desk.balance();
    }

    #[test]
    #[should_panic = "invariant L4 broken at 1.500000000s: group 0, queue 0: offset 1 delivered, but 0 come before"]
    fn a_record_that_is_passed_over_breaks_the_account() {
        Desk::new(3).deliver(0, 1);
    }

    #[test]
    #[should_panic = "invariant L4 broken"]
    fn nothing_is_delivered_that_was_not_stored() {
        Desk::new(0).deliver(0, 0);
    }

    #[test]
    #[should_panic = "offset 0 ended (Succeeded) and was never delivered"]
    fn nothing_ends_that_was_not_delivered() {
        Desk::new(1).end(0, 0, Outcome::Succeeded);
    }

    #[test]
    #[should_panic = "invariant Q1 broken at 1.500000000s: queue 0: stored at 3, but its end is 2"]
    fn offsets_have_no_holes() {
        Desk::new(2).ledger.stored(NOW, QueueId(0), 3);
    }
}
