//! What each group has done with each record: who is given what in which order (L4, P2), and what that makes of it.

use super::calls::Call;
use super::holds::Hold;
use super::{Judge, who};
use crate::cluster::config::ListenerKind;
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, PullResult};
use crate::cluster::ids::{ConsumerId, GroupId, QueueId};
use crate::kernel::time::SimTime;
use crate::observe::invariant::{Invariant, broken};

/// One record as one group has had it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Consumed, sent back, dead, dropped, passed over, skipped or expired.
    pub finished: bool,
    /// Passed over by a filter.
    pub passed: bool,
    /// How often the listener was called with it.
    pub calls: u16,
    /// How often it failed.
    pub failures: u16,
    /// How often it was sent back.
    pub sent_back: u16,
    /// When the listener was first called with it, in seconds.
    pub first_call: u32,
}

/// One queue as one group, or one reader of a broadcasting group, has read it.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    records: Vec<Seen>,
    /// Everything below is finished.
    pub lowest: u64,
    /// What stands at the broker, or in the local file.
    pub committed: Option<u64>,
    /// Since when something stands there.
    pub known_since: Option<SimTime>,
    /// Clients that hold the queue.
    pub holders: u32,
    /// The most that ever did at once.
    pub most_holders: u32,
    /// How often it was taken.
    pub taken: u32,
    /// When it last changed hands.
    pub changed: SimTime,
    /// Where those who hold it have started, the lowest of them.
    pub start: u64,
    /// How far an operator has set the group up.
    pub reset_to: u64,
    /// Whether an operator has set its offset.
    pub was_reset: bool,
    /// Whether a broker has called an offset illegal: a client repairs it, maybe when it holds the queue no longer.
    pub is_repaired: bool,
}

impl Reading {
    /// What has become of a record.
    pub fn record(&mut self, offset: u64) -> &mut Seen {
        let at = offset as usize;
        if at >= self.records.len() {
            self.records.resize(at + 1, Seen::default());
        }
        &mut self.records[at]
    }

    /// As [`record`](Self::record), if anything has.
    pub fn seen(&self, offset: u64) -> Option<&Seen> {
        self.records.get(offset as usize)
    }

    /// The record is over for the group.
    pub fn finish(&mut self, offset: u64) {
        self.record(offset).finished = true;
        while self
            .records
            .get(self.lowest as usize)
            .is_some_and(|seen| seen.finished)
        {
            self.lowest += 1;
        }
    }

    /// All records of a range are.
    pub fn finish_range(&mut self, from: u64, to: u64) {
        for offset in from.max(self.lowest)..to {
            self.finish(offset);
        }
    }
}

impl Judge<'_> {
    /// The slot of a group at a queue, or in a broadcasting group that of the client.
    pub(super) fn slot(&self, directory: &Directory, consumer: ConsumerId, queue: QueueId) -> usize {
        let info = directory.consumer(consumer);
        self.slots.slot(info.group, queue) + info.reader as usize
    }

    pub(super) fn is_orderly(&self, group: GroupId) -> bool {
        matches!(
            self.config.groups[group.index()].listener,
            ListenerKind::Orderly(_)
        )
    }

    pub(super) fn readings(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        match *fact {
            Fact::QueueAcquired { .. } => self.acquired(now, directory, fact),
            Fact::QueueReleased { consumer, queue, .. } => {
                let slot = self.slot(directory, consumer, queue);
                let reading = &mut self.readings[slot];
                reading.holders = reading.holders.saturating_sub(1);
                reading.changed = now;
            }
            Fact::Delivered { .. } => self.delivered(now, directory, fact),
            Fact::Consumed { .. } => self.consumed(now, directory, fact),
            Fact::ResultDiscarded {
                consumer,
                queue,
                offset,
                ..
            } => {
                let slot = self.slot(directory, consumer, queue);
                self.calls.over(consumer, offset, slot);
            }
            Fact::LocalRetry {
                consumer,
                queue,
                from,
                to,
            } => self.stays_for_a_reason(now, directory, (consumer, queue), (from, to)),
            Fact::PullAnswered {
                consumer,
                queue,
                result: PullResult::OffsetMoved,
                ..
            } => {
                let slot = self.slot(directory, consumer, queue);
                self.readings[slot].is_repaired = true;
            }
            Fact::Filtered {
                consumer,
                group,
                queue,
                from,
                to,
                ..
            } => {
                let slot = self.slot(directory, consumer, queue);
                let reading = &mut self.readings[slot];
                (from..to).for_each(|offset| reading.record(offset).passed = true);
                reading.finish_range(from, to);
                self.active(now, group);
                let end = self.records.end(queue);
                let what = || format!("{} passes over {from}..{to}", who(directory, consumer, queue));
                self.asked.must(now, Invariant::L4, to <= end, || {
                    format!("{}, but {end} are stored", what())
                });
                match self.holds.get_mut(&(consumer, queue)) {
                    Some(hold) => hold.passed.add(from..to),
                    None => broken(now, Invariant::P2, &format!("{} and does not hold it", what())),
                }
            }
            Fact::OffsetsSkipped {
                group,
                queue,
                from,
                to,
                by_operator,
            } => {
                let slot = self.slots.slot(group, queue);
                self.skipped(now, directory, slot, (from, to), by_operator);
                self.readings[slot].finish_range(from, to);
            }
            Fact::Expired { queue, to, .. } => {
                for slot in self.slots.readers(queue) {
                    self.readings[slot].finish_range(0, to);
                }
            }
            Fact::Dropped {
                consumer,
                queue,
                offset,
                ..
            } => {
                let slot = self.slot(directory, consumer, queue);
                self.readings[slot].finish(offset);
            }
            _ => {}
        }
    }

    fn active(&mut self, now: SimTime, group: GroupId) {
        self.active[group.index()] = now;
    }

    fn acquired(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        let Fact::QueueAcquired {
            consumer,
            queue,
            start_offset,
            ..
        } = *fact
        else {
            return;
        };
        let slot = self.slot(directory, consumer, queue);
        let is_broadcasting = self.slots.is_broadcasting(directory.consumer(consumer).group);
        let reading = &mut self.readings[slot];
        reading.start = match reading.holders {
            0 => start_offset,
            _ => reading.start.min(start_offset),
        };
        reading.holders += 1;
        reading.most_holders = reading.most_holders.max(reading.holders);
        reading.taken += 1;
        reading.changed = now;
        // Where a reader starts tells what it will not see.
        if is_broadcasting {
            reading.committed = None;
            reading.finish_range(0, start_offset);
        }
        let first = self.held_before.insert((consumer, queue));
        let hold = Hold::new(now, start_offset, first);
        let is_new = self.holds.insert((consumer, queue), hold).is_none();
        self.asked.must(now, Invariant::P2, is_new, || {
            format!("{} takes a queue that it holds", who(directory, consumer, queue))
        });
    }

    /// Each hold delivers every offset once, in order, from its start, and only while it lasts; but what has failed
    /// and could not be sent back comes again, with one attempt more.
    fn delivered(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        let Fact::Delivered {
            consumer,
            group,
            queue,
            offset,
            message,
            reconsume_times,
            ..
        } = *fact
        else {
            return;
        };
        let in_order = self.is_orderly(group);
        let record = self.records.get(queue, offset);
        let is_stored = record.is_some_and(|record| record.message == message);
        let who = || who(directory, consumer, queue);
        self.asked.must(now, Invariant::L4, is_stored, || {
            let label = |message| directory.message_label(message);
            let stored = record.map_or("nothing".to_owned(), |record| label(record.message));
            format!(
                "{} offset {offset} is delivered as {}, stored was {stored}",
                who(),
                label(message)
            )
        });
        let stored = record.map_or(0, |record| record.reconsume_times);
        let Some(hold) = self.holds.get_mut(&(consumer, queue)) else {
            let text = format!(
                "{} offset {offset} is delivered to a client that does not hold the queue",
                who()
            );
            broken(now, Invariant::P2, &text);
        };
        let failed = match hold.failed.is_empty() {
            true => None,
            false => hold.failed.remove(&offset).filter(|_| !in_order),
        };
        if failed.is_none() {
            hold.skip_passed(offset);
            let next = hold.next_delivery;
            hold.next_delivery = offset + 1;
            self.asked.must(now, Invariant::L4, next == offset, || {
                format!("{} offset {offset} is delivered, but {next} is next", who())
            });
        }
        let before = match in_order {
            true => hold.attempts.insert(offset, reconsume_times),
            false => failed,
        };
        // Of a batch that comes again, what was sent to the dead letters before has no attempt more.
        let right = match before {
            Some(times) => reconsume_times == times.saturating_add(1) || in_order && reconsume_times == times,
            None => reconsume_times == stored,
        };
        self.asked.must(now, Invariant::T2, right, || {
            let before = before.map_or(String::new(), |times| format!(", with {times} before"));
            format!(
                "{} offset {offset} is delivered with {reconsume_times} attempts{before}, stored were {stored}",
                who()
            )
        });
        let slot = self.slot(directory, consumer, queue);
        let has_lock = in_order && !self.slots.is_broadcasting(group);
        if has_lock {
            self.is_under_lock(now, directory, consumer, queue);
            self.overlaps_for_a_reason(now, directory, slot, consumer);
        }
        let call = Call {
            consumer,
            offset,
            since: now,
        };
        self.calls.begin(call, has_lock.then_some(slot));
        self.active(now, group);
        let seen = self.readings[slot].record(offset);
        let (again, first_call) = (seen.calls > 0, seen.first_call);
        if !again {
            seen.first_call = (now.as_nanos() / 1_000_000_000) as u32;
        }
        seen.calls = seen.calls.saturating_add(1);
        match again {
            true => self.is_duplicate_allowed(
                now,
                directory,
                (slot, first_call),
                (consumer, offset),
                failed.is_some() || in_order,
            ),
            false => self.key_order(now, directory, fact),
        }
    }

    fn consumed(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        let Fact::Consumed {
            consumer,
            group,
            queue,
            offset,
            success,
            reconsume_times,
            ..
        } = *fact
        else {
            return;
        };
        let slot = self.slot(directory, consumer, queue);
        self.calls.over(consumer, offset, slot);
        self.active(now, group);
        let calls = self.readings[slot].seen(offset).map_or(0, |seen| seen.calls);
        self.asked.must(now, Invariant::L4, calls > 0, || {
            format!(
                "{} offset {offset} is consumed and was never delivered",
                who(directory, consumer, queue)
            )
        });
        let Some(hold) = self.holds.get_mut(&(consumer, queue)) else {
            let text = format!(
                "{} offset {offset} counts at a client that does not hold the queue",
                who(directory, consumer, queue)
            );
            broken(now, Invariant::P2, &text);
        };
        let stored = self
            .records
            .get(queue, offset)
            .map(|record| record.reconsume_times);
        if success {
            // Whoever rolls back what succeeded gets it again as it was.
            if hold.attempts.get(&offset).copied() == stored {
                hold.attempts.remove(&offset);
            }
            self.readings[slot].finish(offset);
        } else {
            hold.failed.insert(offset, reconsume_times);
            let seen = self.readings[slot].record(offset);
            seen.failures = seen.failures.saturating_add(1);
        }
    }
}
