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
use crate::observe::changed::Changed;
use crate::observe::invariant::{Invariant, broken, grouped};
use crate::observe::passed::Passed;
use crate::observe::settled::Settled;
use crate::observe::slots::{Slot, Slots};
use account::{Account, ByFilter};
use open::{KnownOpen, Open};

pub use balance::Balance;

mod account;
mod balance;
mod open;

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
    /// Queues whose end, or the frontier of one of whose readers, is not what it was at the last look.
    changed: Changed,
    /// What the last look found.
    known: KnownOpen,
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
        self.changed.grow(slots.queues());
        self.known.grow(slots.len(), groups);
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
        self.changed.mark(queue);
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
        self.changed.mark(of.queue);
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
        self.changed.mark(of.queue);
        let counts = &mut self.counts[of.account as usize];
        counts.mismatched += missed;
        counts.filtered = counts.filtered + new - missed;
        new
    }

    /// Retention has removed the records below `to`. Returns how many of them the group had not seen.
    pub fn expired(&mut self, slot: usize, of: Slot, to: u64) -> u64 {
        let expired = self.accounts[slot].give_up(to);
        self.changed.mark(of.queue);
        self.counts[of.account as usize].expired += expired;
        expired
    }

    /// A reader of a broadcasting group takes a queue at `start`. If it never had it before, its account begins there, and
    /// this returns true. Else what lies before and has not ended is lost to it, which the caller counts.
    pub fn begins(&mut self, slot: usize, of: Slot, start: u64) -> bool {
        let account = &mut self.accounts[slot];
        if account.is_born() {
            return false;
        }
        account.settled.insert_range(0, start);
        (account.base, account.frontier, account.unseen) = (start, start, start);
        self.changed.mark(of.queue);
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
        self.changed.mark(of.queue);
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
        let mut balance = self.counted(slots, group);
        for slot in slots.of_group(group) {
            self.open(slots, slot).add_to(&mut balance);
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
            self.open(slots, slot).add_to(&mut balance);
        }
        balance
    }

    /// What is counted of `group`: all but what follows from ends and frontiers.
    fn counted(&self, slots: &Slots, group: GroupId) -> Balance {
        let accounts = slots.readers_of(group).unwrap_or(group.0..group.0 + 1);
        let mut balance = Balance::default();
        for account in accounts {
            self.add_counts(&mut balance, account);
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
    fn open(&self, slots: &Slots, slot: usize) -> Open {
        let of = slots.get(slot);
        let account = &self.accounts[slot];
        let end = self.end(of.queue);
        let undelivered = end.saturating_sub(account.frontier) - account.passed_above();
        match of.is_retry {
            true => Open {
                awaiting_retry: undelivered,
                ..Open::default()
            },
            false => Open {
                produced: end.saturating_sub(account.base),
                waiting: undelivered,
                awaiting_retry: 0,
            },
        }
    }

    /// Compares both sides of every account (invariant L1), as the last look left them.
    ///
    /// # Panics
    /// If one does not add up.
    pub fn check(&mut self, now: SimTime, slots: &Slots, directory: &Directory) {
        self.checks += 1;
        for group in (0..self.group_count as u32).map(GroupId) {
            let balance = self.balance_looked(slots, group);
            debug_assert_eq!(balance, self.balance(slots, group), "a change was not told");
            if balance.left() != balance.right() {
                imbalance(now, directory, group, &balance);
            }
        }
    }

    /// As [`check`](Self::check), with all queues counted anew, at any instant.
    ///
    /// # Panics
    /// If an account does not add up.
    pub fn check_anew(&mut self, now: SimTime, slots: &Slots, directory: &Directory) {
        self.checks += 1;
        for group in (0..self.group_count as u32).map(GroupId) {
            let balance = self.balance(slots, group);
            if balance.left() != balance.right() {
                imbalance(now, directory, group, &balance);
            }
        }
    }

    /// Compares what the looks have kept, the last one a moment ago, with all queues counted anew.
    ///
    /// # Panics
    /// If a change was not told.
    pub fn check_looks(&self, now: SimTime, slots: &Slots, directory: &Directory) {
        for group in (0..self.group_count as u32).map(GroupId) {
            let (anew, looked) = (self.balance(slots, group), self.balance_looked(slots, group));
            if anew != looked {
                let name = &directory.group(group).name;
                let text = format!("group {name}: counted anew {anew:?} ≠ from look to look {looked:?}");
                broken(now, Invariant::L1, &text);
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
            + Changed::held_for(queues)
            + KnownOpen::held_for(slots, accounts)
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
        let looks = self.changed.held() + self.known.held();
        let tables =
            memory::of_vec(&self.ends) + memory::of_vec(&self.accounts) + memory::of_vec(&self.counts);
        tables + accounts + looks
    }
}

#[cold]
fn imbalance(now: SimTime, directory: &Directory, group: GroupId, balance: &Balance) -> ! {
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
    )
}

#[cfg(test)]
mod tests;
