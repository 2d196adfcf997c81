//! The account, message by message.

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
        let delivery = self
            .ledger
            .delivered(NOW, &self.story.directory, slot, self.slots.get(slot), offset);
        delivery != Delivery::Duplicate
    }
    fn filter(&mut self, from: u64, to: u64) -> u64 {
        self.ledger.filtered(NOW, 0, self.slots.get(0), (from, to), false)
    }
    fn end(&mut self, slot: usize, offset: u64, outcome: Outcome) -> bool {
        self.ledger.ended(
            NOW,
            &self.story.directory,
            slot,
            self.slots.get(slot),
            offset,
            outcome,
        )
    }
    /// Which must be the same from look to look and counted anew.
    fn balance(&mut self) -> Balance {
        self.ledger.look(&self.slots, &mut Vec::new());
        self.ledger.check(NOW, &self.slots, &self.story.directory);
        self.ledger.check_looks(NOW, &self.slots, &self.story.directory);
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
    desk.ledger.retry_stored(NOW, GroupId(0), QueueId(1), 0, false);
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
    assert_eq!(desk.ledger.skipped(0, of, 0, 8, false), 7);
    assert_eq!(desk.ledger.skipped(0, of, 0, 8, false), 0);
    let balance = desk.balance();
    assert_eq!((balance.skipped, balance.skipped_unfinished), (5, 2));
    assert_eq!((balance.waiting, balance.in_flight), (2, 0));
    assert!(desk.deliver(0, 8));
    // A straggler's success comes too late to count.
    assert!(!desk.end(0, 0, Outcome::Succeeded));
    assert_eq!(desk.ledger.delivered_once(0), 4);
    desk.balance();
}

/// Offsets 1, 3 and 4 are filtered when the reply arrives, before 0 and 2 reach the listener.
#[test]
fn filtered_records_lie_between_the_others() {
    let mut desk = Desk::new(6);
    assert_eq!(desk.filter(1, 2) + desk.filter(3, 5), 3);
    assert_eq!((desk.balance().waiting, desk.balance().filtered), (3, 3));
    assert!(desk.deliver(0, 0));
    assert_eq!(desk.ledger.frontier(0), 2);
    assert!(desk.deliver(0, 2));
    assert_eq!(desk.ledger.frontier(0), 5);
    assert_eq!(desk.filter(0, 5), 0, "once is enough");
    assert!(!desk.deliver(0, 2));
    let balance = desk.balance();
    assert_eq!((balance.waiting, balance.in_flight, balance.filtered), (1, 2, 3));
    assert_eq!(desk.ledger.delivered_once(0), 2);
}

/// The next owner of the queue has another subscription and delivers what the first passed over.
#[test]
fn a_filtered_record_may_come_back() {
    let mut desk = Desk::new(3);
    desk.filter(0, 3);
    let of = desk.slots.get(0);
    assert_eq!(
        desk.ledger.delivered(NOW, &desk.story.directory, 0, of, 1),
        Delivery::FirstAfterAll
    );
    assert_eq!(
        desk.ledger.delivered(NOW, &desk.story.directory, 0, of, 1),
        Delivery::Duplicate
    );
    assert!(desk.end(0, 1, Outcome::Succeeded));
    let balance = desk.balance();
    assert_eq!((balance.filtered, balance.succeeded, balance.waiting), (2, 1, 0));
    assert!(desk.ledger.came_back(0));
    assert_eq!(desk.ledger.delivered_once(0), 1);
}

/// A member asks for what another one passes over: it is lost, until a reader delivers it after all.
#[test]
fn what_a_member_asks_for_and_the_group_passes_over_is_lost() {
    let mut desk = Desk::new(4);
    let of = desk.slots.get(0);
    assert_eq!(desk.filter(0, 2), 2);
    assert_eq!(desk.ledger.filtered(NOW, 0, of, (2, 4), true), 2);
    assert_eq!((desk.balance().filtered, desk.balance().mismatched), (2, 2));
    assert_eq!((desk.balance().lost(), desk.ledger.mismatched(0)), (2, 2));
    assert!(desk.deliver(0, 3) && desk.deliver(0, 1));
    assert_eq!((desk.balance().filtered, desk.balance().mismatched), (1, 1));
}

/// Of eight records the first was delivered, the third filtered; retention takes the first six, a skip the rest.
#[test]
fn what_retention_takes_is_expired_unless_it_was_seen() {
    let mut desk = Desk::new(8);
    desk.deliver(0, 0);
    desk.filter(2, 3);
    let of = desk.slots.get(0);
    assert_eq!(desk.ledger.expired(0, of, 6), 4);
    assert_eq!(desk.ledger.expired(0, of, 6), 0);
    let balance = desk.balance();
    assert_eq!((balance.expired, balance.filtered, balance.in_flight), (4, 1, 1));
    assert_eq!(desk.ledger.skipped(0, of, 0, 8, false), 3);
    let balance = desk.balance();
    assert_eq!((balance.skipped, balance.skipped_unfinished), (2, 1));
    assert_eq!(desk.ledger.delivered_once(0), 1);
}

#[test]
fn a_failure_that_nobody_retries_is_lost() {
    let mut desk = Desk::new(2);
    desk.deliver(0, 0);
    assert!(desk.end(0, 0, Outcome::Dropped(DropCause::Broadcasting)));
    let balance = desk.balance();
    assert_eq!((balance.lost(), balance.waiting, balance.in_flight), (1, 1, 0));
}

#[test]
#[should_panic = "queue 0: filtered up to 3, but 2 are stored"]
fn nothing_is_filtered_that_was_not_stored() {
    Desk::new(2).filter(0, 3);
}

#[test]
#[should_panic = "invariant L1 broken at 1.500000000s: group billing: produced 2 + extra 0 ≠ accounted 3"]
fn a_retry_out_of_nowhere_breaks_the_account() {
    let mut desk = Desk::new(2);
    desk.ledger.retry_stored(NOW, GroupId(0), QueueId(1), 0, false);
    desk.balance();
}

#[test]
#[should_panic = "invariant L4 broken at 1.500000000s: group billing, orders broker-a:0: offset 1 delivered, but 0 come before"]
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

/// What was there at one look and has changed at the next takes its own place, not a second one.
#[test]
fn looks_add_up() {
    let mut desk = Desk::new(4);
    assert_eq!((desk.balance().produced, desk.balance().waiting), (4, 4));
    assert!(desk.deliver(0, 0) && desk.deliver(0, 1));
    desk.ledger.stored(NOW, QueueId(0), 4);
    let balance = desk.balance();
    assert_eq!((balance.produced, balance.waiting, balance.in_flight), (5, 3, 2));
    desk.end(0, 0, Outcome::SentBack);
    desk.ledger.retry_stored(NOW, GroupId(0), QueueId(1), 0, false);
    let balance = desk.balance();
    assert_eq!(
        (balance.produced, balance.waiting, balance.awaiting_retry),
        (5, 3, 1)
    );
}

/// A change that nobody was told of is found.
#[test]
#[should_panic(expected = "invariant L1 broken at 1.500000000s: group billing: counted anew")]
fn a_change_that_was_not_told_is_found() {
    let mut desk = Desk::new(4);
    desk.balance();
    desk.ledger.ends[0] += 1;
    desk.ledger.look(&desk.slots, &mut Vec::new());
    desk.ledger.check_looks(NOW, &desk.slots, &desk.story.directory);
}
