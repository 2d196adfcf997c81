//! The message account: where every record of a group is, and whether that adds up.
//!
//! It counts *records*, so a second delivery unbalances nothing. Records of a queue are delivered for the
//! first time in the order of their offsets; hence one number a queue, the frontier, tells what waits, and a
//! delivery below it is a duplicate. The first end of a record counts: success, sent back, or dead. A record
//! that is sent back or dies after it had already ended (two consumers had it) makes an *extra copy*.
//!
//! What a filter passes over unseen is *filtered*, or *mismatched* if a member of the group asks for it; should a later reader of the group, with another subscription,
//! deliver it after all, it comes back. What retention takes before anybody has seen it is *expired*.
//!
//! The account of a group, invariant L1:
//! produced + extra copies = waiting + in flight + awaiting retry + succeeded + dead + filtered + expired + lost,
//! where *waiting* comes from the ends and frontiers of the queues, *in flight* and the rest from counters of
//! their own, so that the equation can fail.

use crate::cluster::directory::Directory;
use crate::cluster::fact::DropCause;
use crate::cluster::ids::{GroupId, QueueId};
use crate::kernel::memory;
use crate::kernel::time::SimTime;
use crate::observe::invariant::{Invariant, broken, grouped};
use crate::observe::passed::Passed;
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
    /// It failed and nobody will try it again.
    Dropped(DropCause),
}

/// What a call of the listener means for the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The group has never seen the record.
    First,
    /// The group had passed over the record, and now sees it.
    FirstAfterAll,
    /// The group has seen it before.
    Duplicate,
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
    /// Passed over by a filter, never delivered.
    pub filtered: u64,
    /// Removed by retention before any delivery.
    pub expired: u64,
    /// Skipped before any delivery.
    pub skipped: u64,
    /// Delivered, not ended, and skipped.
    pub skipped_unfinished: u64,
    /// Passed over by a filter, never delivered, and a member asks for them.
    pub mismatched: u64,
    /// Skipped because an operator has reset the offset, delivered or not.
    pub reset: u64,
    /// Failed, and nobody will try them again; by [`DropCause`].
    pub dropped: [u64; DropCause::ALL.len()],
}

impl Balance {
    /// What came in.
    pub fn left(&self) -> u64 {
        self.produced + self.extra_copies
    }
    /// Where it is.
    pub fn right(&self) -> u64 {
        let open = self.waiting + self.in_flight + self.awaiting_retry;
        open + self.succeeded + self.dead + self.filtered + self.expired + self.lost()
    }
    /// Records that somebody in the group asks for, as far as known.
    pub fn asked_for(&self) -> u64 {
        self.produced.saturating_sub(self.filtered + self.mismatched)
    }
    /// Skipped, delivered or not, passed over by mistake, and dropped.
    pub fn lost(&self) -> u64 {
        let by_mistake = self.mismatched + self.skipped + self.skipped_unfinished;
        by_mistake + self.reset + self.dropped.iter().sum::<u64>()
    }
}

/// One queue as one group has read it. One cache line: there are as many as queues.
#[derive(Clone, Debug, Default)]
#[repr(C, align(64))]
struct Account {
    /// All records below were delivered, passed over, skipped or expired; the one here was not.
    frontier: u64,
    settled: Settled,
    /// Records below do not count: they were there before this reader first came.
    base: u64,
    /// Records below the frontier that were skipped or expired before any delivery.
    unseen: u64,
    /// Deliveries of records below the frontier.
    duplicates: u64,
    /// What filters have passed over; made by the first such record.
    by_filter: Option<Box<ByFilter>>,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Account>() == 64, "one cache line");

/// What filters have passed over of one queue, as one group has read it.
#[derive(Clone, Debug)]
struct ByFilter {
    /// Records passed over and not delivered, below and above the frontier.
    passed: Passed,
    /// Those of them that a member asks for.
    mismatched: Option<Passed>,
    /// How many of the passed ones lie above the frontier.
    passed_above: u64,
    /// Whether one was delivered after all.
    came_back: bool,
}

impl ByFilter {
    fn new(frontier: u64) -> Self {
        Self {
            passed: Passed::new(frontier),
            mismatched: None,
            passed_above: 0,
            came_back: false,
        }
    }
}

impl Account {
    /// That of a reader who has not come yet: nothing counts for it.
    fn unborn() -> Self {
        Self {
            base: u64::MAX,
            frontier: u64::MAX,
            unseen: u64::MAX,
            ..Self::default()
        }
    }

    fn is_born(&self) -> bool {
        self.base != u64::MAX
    }

    /// Records passed over and not delivered.
    fn passed(&self) -> u64 {
        self.by_filter.as_ref().map_or(0, |by| by.passed.count())
    }

    /// How many of them lie above the frontier.
    fn passed_above(&self) -> u64 {
        self.by_filter.as_ref().map_or(0, |by| by.passed_above)
    }

    /// Moves the frontier to `to` or, beyond it, to the next record that was not passed over.
    #[inline]
    fn advance(&mut self, to: u64) {
        if let Some(by) = &mut self.by_filter {
            let before = self.frontier;
            self.frontier = by.passed.first_gap(to);
            let jumped = (before..self.frontier).filter(|offset| by.passed.contains(*offset));
            by.passed_above -= jumped.count() as u64;
        } else {
            self.frontier = to;
        }
    }

    /// The group will not see what lies below `to` and was neither seen nor passed over. Returns how many records.
    fn give_up(&mut self, to: u64) -> u64 {
        if to <= self.frontier {
            return 0;
        }
        let given_up = match &self.by_filter {
            None => self.settled.insert_range(self.frontier, to),
            Some(by) => {
                let unseen = (self.frontier..to).filter(|offset| !by.passed.contains(*offset));
                unseen.filter(|offset| self.settled.insert(*offset)).count() as u64
            }
        };
        self.unseen += given_up;
        self.advance(to);
        given_up
    }
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
    filtered: u64,
    mismatched: u64,
    expired: u64,
    skipped: u64,
    skipped_unfinished: u64,
    reset: u64,
    dropped: [u64; DropCause::ALL.len()],
}

/// Folds deliveries and their ends into accounts.
#[derive(Debug, Default)]
pub struct Ledger {
    /// One past the last record, by queue.
    ends: Vec<u64>,
    accounts: Vec<Account>,
    /// By account: those of the groups, then those of the readers of broadcasting groups.
    counts: Vec<GroupCounts>,
    group_count: usize,
    checks: u64,
}

impl Ledger {
    /// Makes room for all queues and slots known.
    pub fn grow(&mut self, slots: &Slots, groups: usize) {
        self.ends.resize(slots.queues(), 0);
        let mut accounts = groups.max(self.counts.len());
        for slot in self.accounts.len()..slots.len() {
            let of = slots.get(slot);
            accounts = accounts.max(of.account as usize + 1);
            self.accounts.push(match of.reader {
                Some(_) => Account::unborn(),
                None => Account::default(),
            });
        }
        self.counts.resize_with(accounts, GroupCounts::default);
        self.group_count = groups;
    }

    /// A record was appended to `queue`. Offsets are contiguous (invariant Q1).
    #[inline(always)]
    pub fn stored(&mut self, now: SimTime, queue: QueueId, offset: u64) {
        let end = &mut self.ends[queue.index()];
        if offset != *end {
            broken(
                now,
                Invariant::Q1,
                &format!("queue {}: stored at {offset}, but its end is {end}", queue.0),
            );
        }
        *end += 1;
    }

    /// The schedule service moved a copy to the retry queue; `again`: one that it had moved before.
    pub fn retry_stored(&mut self, now: SimTime, group: GroupId, queue: QueueId, offset: u64, again: bool) {
        self.stored(now, queue, offset);
        let counts = &mut self.counts[group.index()];
        match again {
            true => counts.extra_copies += 1,
            false => counts.arrived += 1,
        }
    }

    /// A listener is called with the record.
    #[inline(always)]
    pub fn delivered(
        &mut self,
        now: SimTime,
        directory: &Directory,
        slot: usize,
        of: Slot,
        offset: u64,
    ) -> Delivery {
        let account = &mut self.accounts[slot];
        if offset < account.frontier {
            return self.delivered_below(slot, of, offset);
        }
        if offset > account.frontier || offset >= self.ends[of.queue.index()] {
            broken(
                now,
                Invariant::L4,
                &format!(
                    "group {}, {}: offset {offset} delivered, but {} come before and {} are stored",
                    directory.group(of.group).name,
                    directory.queue_label(of.queue),
                    account.frontier,
                    self.ends[of.queue.index()]
                ),
            );
        }
        account.advance(offset + 1);
        self.counts[of.account as usize].in_flight += 1;
        Delivery::First
    }

    #[inline(never)]
    fn delivered_below(&mut self, slot: usize, of: Slot, offset: u64) -> Delivery {
        let account = &mut self.accounts[slot];
        let by = account.by_filter.as_mut();
        let Some(by) = by.filter(|by| by.passed.contains(offset)) else {
            account.duplicates += 1;
            return Delivery::Duplicate;
        };
        by.passed.remove(offset);
        by.came_back = true;
        let mismatched = by.mismatched.as_mut();
        let was_mismatched = mismatched.is_some_and(|mismatched| mismatched.remove(offset));
        let counts = &mut self.counts[of.account as usize];
        if was_mismatched {
            counts.mismatched -= 1;
        } else {
            counts.filtered -= 1;
        }
        counts.in_flight += 1;
        Delivery::FirstAfterAll
    }

    /// A reader of the group passed over the records from `from` to below `to`, which a member asks for if they are
    /// `wanted`. Returns for how many of them that is new: those that the group has not seen either.
    ///
    /// # Panics
    /// If they were not stored.
    pub fn filtered(
        &mut self,
        now: SimTime,
        slot: usize,
        of: Slot,
        (from, to): (u64, u64),
        wanted: bool,
    ) -> u64 {
        let end = self.ends[of.queue.index()];
        if to > end {
            let text = format!("queue {}: filtered up to {to}, but {end} are stored", of.queue.0);
            broken(now, Invariant::L4, &text);
        }
        let account = &mut self.accounts[slot];
        let from = from.max(account.frontier);
        if from >= to {
            return 0;
        }
        let frontier = account.frontier;
        let by = account
            .by_filter
            .get_or_insert_with(|| Box::new(ByFilter::new(frontier)));
        let new = (from..to).filter(|offset| by.passed.insert(*offset)).count() as u64;
        by.passed_above += new;
        let mut missed = 0;
        if wanted {
            let mismatched = by.mismatched.get_or_insert_with(|| Passed::new(frontier));
            missed = (from..to).filter(|offset| mismatched.insert(*offset)).count() as u64;
        }
        account.advance(frontier);
        let counts = &mut self.counts[of.account as usize];
        counts.mismatched += missed;
        counts.filtered = counts.filtered + new - missed;
        new
    }

    /// Retention has removed the records below `to`. Returns how many of them the group had not seen.
    pub fn expired(&mut self, slot: usize, of: Slot, to: u64) -> u64 {
        let expired = self.accounts[slot].give_up(to);
        self.counts[of.account as usize].expired += expired;
        expired
    }

    /// A reader of a broadcasting group takes a queue at `start`. If it never had it before, its account begins there, and
    /// this returns true. Else what lies before and has not ended is lost to it, which the caller counts.
    pub fn begins(&mut self, slot: usize, start: u64) -> bool {
        let account = &mut self.accounts[slot];
        if account.is_born() {
            return false;
        }
        account.settled.insert_range(0, start);
        (account.base, account.frontier, account.unseen) = (start, start, start);
        true
    }

    /// Records of the slot's queue that were there before its reader first came; `None` if it never has.
    pub fn base(&self, slot: usize) -> Option<u64> {
        let account = &self.accounts[slot];
        account.is_born().then_some(account.base)
    }

    /// A record ended; whether for the first time.
    #[inline(always)]
    pub fn ended(
        &mut self,
        now: SimTime,
        directory: &Directory,
        slot: usize,
        of: Slot,
        offset: u64,
        outcome: Outcome,
    ) -> bool {
        let account = &mut self.accounts[slot];
        if offset >= account.frontier {
            broken(
                now,
                Invariant::L4,
                &format!(
                    "group {}, {}: offset {offset} ended ({outcome:?}) and was never delivered",
                    directory.group(of.group).name,
                    directory.queue_label(of.queue),
                ),
            );
        }
        let first = account.settled.insert(offset);
        let counts = &mut self.counts[of.account as usize];
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
            Outcome::Dropped(cause) => counts.dropped[cause as usize] += u64::from(first),
        }
        first
    }

    /// The group will read on at `to`: what lies before and has not ended is lost. Returns how many records.
    pub fn skipped(&mut self, slot: usize, of: Slot, from: u64, to: u64, by_operator: bool) -> u64 {
        let account = &mut self.accounts[slot];
        let counts = &mut self.counts[of.account as usize];
        let seen_to = to.min(account.frontier);
        let unfinished = match &account.by_filter {
            None => account.settled.insert_range(from, seen_to),
            Some(by) => {
                let seen = (from..seen_to).filter(|offset| !by.passed.contains(*offset));
                seen.filter(|offset| account.settled.insert(*offset)).count() as u64
            }
        };
        counts.in_flight -= unfinished;
        let undelivered = account.give_up(to);
        if by_operator {
            counts.reset += unfinished + undelivered;
        } else {
            counts.skipped_unfinished += unfinished;
            counts.skipped += undelivered;
        }
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
    /// The first record of `from..to` that has not ended and was not passed over.
    pub fn first_open(&self, slot: usize, (from, to): (u64, u64)) -> Option<u64> {
        let account = &self.accounts[slot];
        let was_passed = |offset| {
            let by = account.by_filter.as_ref();
            by.is_some_and(|by| by.passed.contains(offset))
        };
        (from..to).find(|offset| !account.settled.contains(*offset) && !was_passed(*offset))
    }
    /// Records delivered at least once.
    pub fn delivered_once(&self, slot: usize) -> u64 {
        let account = &self.accounts[slot];
        account.frontier - account.unseen - (account.passed() - account.passed_above())
    }
    /// Deliveries of records that were delivered before.
    pub fn duplicates(&self, slot: usize) -> u64 {
        self.accounts[slot].duplicates
    }
    /// Records passed over and not delivered.
    pub fn passed(&self, slot: usize) -> u64 {
        self.accounts[slot].passed()
    }
    /// Records passed over and not delivered that a member asks for.
    pub fn mismatched(&self, slot: usize) -> u64 {
        let by = self.accounts[slot].by_filter.as_ref();
        let mismatched = by.and_then(|by| by.mismatched.as_ref());
        mismatched.map_or(0, |mismatched| mismatched.count())
    }
    /// Whether a record that had been passed over was delivered after all.
    pub fn came_back(&self, slot: usize) -> bool {
        let by = self.accounts[slot].by_filter.as_ref();
        by.is_some_and(|by| by.came_back)
    }
    /// All deliveries.
    pub fn deliveries(&self, slot: usize) -> u64 {
        self.delivered_once(slot) + self.duplicates(slot)
    }
    /// Copies scheduled for the retry topic of `group`.
    pub fn scheduled(&self, group: GroupId) -> u64 {
        self.counts[group.index()].scheduled
    }
    /// Copies that reached the retry topic of `group`.
    pub fn retries_stored(&self, group: GroupId) -> u64 {
        self.counts[group.index()].arrived
    }
    /// Retry copies of `group` that ended with success.
    pub fn succeeded_copies(&self, group: GroupId) -> u64 {
        self.counts[group.index()].succeeded_copies
    }
    /// How often the accounts were checked.
    pub fn checks(&self) -> u64 {
        self.checks
    }

    /// The account of `group` as it stands; of a broadcasting group the sum over its readers.
    pub fn balance(&self, slots: &Slots, group: GroupId) -> Balance {
        let readers = slots.readers_of(group);
        let accounts = readers.map_or(group.0..group.0 + 1, |readers| readers);
        let mut balance = Balance::default();
        for account in accounts {
            self.add_counts(&mut balance, account);
        }
        for slot in slots.of_group(group) {
            self.add_open(&mut balance, slots, slot);
        }
        balance
    }

    /// The account of one reader of a broadcasting group.
    pub fn balance_of_reader(&self, slots: &Slots, group: GroupId, reader: u32) -> Balance {
        let mut balance = Balance::default();
        self.add_counts(&mut balance, slots.account_of(group, reader));
        for slot in slots
            .of_group(group)
            .filter(|&slot| slots.get(slot).reader == Some(reader))
        {
            self.add_open(&mut balance, slots, slot);
        }
        balance
    }

    fn add_counts(&self, balance: &mut Balance, account: u32) {
        let Some(counts) = self.counts.get(account as usize) else {
            return;
        };
        balance.extra_copies += counts.extra_copies;
        balance.in_flight += counts.in_flight;
        // More arrived than scheduled shows as an imbalance, not as an overflow.
        balance.awaiting_retry += counts.scheduled.saturating_sub(counts.arrived);
        balance.succeeded += counts.succeeded;
        balance.dead += counts.dead;
        balance.filtered += counts.filtered;
        balance.mismatched += counts.mismatched;
        balance.expired += counts.expired;
        balance.skipped += counts.skipped;
        balance.skipped_unfinished += counts.skipped_unfinished;
        balance.reset += counts.reset;
        for (sum, dropped) in balance.dropped.iter_mut().zip(counts.dropped) {
            *sum += dropped;
        }
    }

    /// What the records of one slot add that have not ended.
    fn add_open(&self, balance: &mut Balance, slots: &Slots, slot: usize) {
        let of = slots.get(slot);
        let account = &self.accounts[slot];
        let beyond = self.end(of.queue).saturating_sub(account.frontier);
        let undelivered = beyond - account.passed_above();
        if of.is_retry {
            balance.awaiting_retry += undelivered;
        } else {
            balance.produced += self.end(of.queue).saturating_sub(account.base);
            balance.waiting += undelivered;
        }
    }

    /// Compares both sides of every account (invariant L1).
    ///
    /// # Panics
    /// If one does not add up.
    pub fn check(&mut self, now: SimTime, slots: &Slots, directory: &Directory) {
        self.checks += 1;
        for group in (0..self.group_count as u32).map(GroupId) {
            let balance = self.balance(slots, group);
            if balance.left() != balance.right() {
                broken(
                    now,
                    Invariant::L1,
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

    /// Bytes for so many queues, slots and accounts. `span` is how far apart the lowest unfinished and the highest finished
    /// record of a slot lie.
    pub fn held_for(queues: u64, slots: u64, accounts: u64, span: u64) -> u64 {
        memory::of_grown::<u64>(queues)
            + memory::of_grown::<Account>(slots)
            + memory::of_grown::<GroupCounts>(accounts)
            + slots * Settled::held_for(span)
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let of_account = |account: &Account| {
            let by = account.by_filter.as_ref();
            let passed = by.map_or(0, |by| {
                let mismatched = by.mismatched.as_ref().map_or(0, |mismatched| mismatched.held());
                memory::of::<ByFilter>(1) + by.passed.held() + mismatched
            });
            account.settled.held() + passed
        };
        let accounts = self.accounts.iter().map(of_account).sum::<u64>();
        memory::of_vec(&self.ends) + memory::of_vec(&self.accounts) + memory::of_vec(&self.counts) + accounts
    }
}

#[cfg(test)]
mod tests;
