//! What must hold when everything that ends has ended and a long rest is over: all is delivered, finished and committed
//! (D1).

use super::group_end::GroupEnd;
use super::{Judge, who};
use crate::cluster::broker::expression_message_filter::Filters;
use crate::cluster::config::{ConsumeFromWhere, Delivery, ListenerKind, MessageModel};
use crate::cluster::directory::Directory;
use crate::cluster::ids::{ConsumerId, GroupId, QueueId};
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::invariant::Invariant;

/// Files are deleted ten at a look: while that goes on, clients of 4.9, which let an illegal offset rest for 10 s, come
/// back to find it deleted again.
const DELETIONS: SimDuration = SimDuration::from_secs(60);

impl Judge<'_> {
    /// Owners and deliveries of all groups.
    pub(super) fn groups_at_rest(&self, end: SimTime, directory: &Directory, groups: &[GroupEnd]) {
        let filters = Filters::new(&self.config.expressions, &directory.attributes);
        // Members that differ take each other's topics away, for ever.
        for group in groups.iter().filter(|group| group.topics.is_some()) {
            let settings = &self.config.groups[group.group.index()];
            if settings.message_model == MessageModel::Broadcasting {
                self.readers_have_all(end, directory, group);
                continue;
            }
            // Whoever is behind what is deleted gives its queues up for a while.
            if !self.is_deleting(end, group.group) {
                self.queues_are_shared_out(end, directory, group);
            }
            // Queues that the second of two equal ids should have belong to nobody, for ever.
            if group.distinct && group.is_done {
                self.all_is_delivered(end, directory, &filters, group);
            }
        }
    }

    fn is_deleting(&self, end: SimTime, group: GroupId) -> bool {
        let reads = |queue| {
            let mut slots = self.slots.readers(queue);
            slots.any(|slot| self.slots.get(slot).group == group)
        };
        let last = self.excuses.last_removal(reads);
        last.is_some_and(|last| end.since(last) < DELETIONS)
    }

    /// Whether the group can have nothing left to do.
    pub(super) fn is_done_at(&self, end: SimTime, directory: &Directory, group: GroupId) -> bool {
        let stands_still = self.producers_are_over(end) && self.stands_still(end, directory, group);
        stands_still && !self.is_deleting(end, group) && !self.retries_rain(group)
    }

    /// While a retry queue has two owners, each failure comes back twice, and each of these twice again: more copies than
    /// all that the group has read could ask for. What that leaves behind may take longer than the rest.
    fn retries_rain(&self, group: GroupId) -> bool {
        let (mut had_two, mut read) = (false, 0);
        for slot in self.slots.of_group(group) {
            let of = self.slots.get(slot);
            if of.is_retry {
                had_two |= self.readings[slot].most_holders > 1;
            } else {
                read += self.records.end(of.queue);
            }
        }
        had_two && self.retries.stored[group.index()] > read * u64::from(self.retries.most_attempts(group))
    }

    /// Whatever was stored in a queue that somebody is given was delivered or skipped, finished and committed.
    fn all_is_delivered(&self, end: SimTime, directory: &Directory, filters: &Filters, group: &GroupEnd) {
        let settings = &self.config.groups[group.group.index()];
        for queue in group.given.iter().copied() {
            // Nobody reads what is left out, and two who share out otherwise commit past each other for ever.
            if group.leaves_out && group.holders_of(queue).len() != 1 {
                continue;
            }
            let slot = self.slots.slot(group.group, queue);
            let (reading, stored) = (&self.readings[slot], self.records.end(queue));
            let removed = self.excuses.removed_below(queue);
            let what = || format!("group {}, {}", settings.name, directory.queue_label(queue));
            self.asked.must(end, Invariant::D1, reading.lowest >= stored, || {
                let lowest = reading.lowest;
                format!("{}: {stored} records, but {lowest} is not finished", what())
            });
            let committed = reading.committed.unwrap_or(0);
            let is_committed = committed >= stored
                || removed >= stored
                || self.commits_by_hand(group.group)
                || self.has_nothing_to_commit(group.group, queue);
            self.asked.must(end, Invariant::D1, is_committed, || {
                format!("{}: {stored} records, but {committed} is committed", what())
            });
            // What was skipped has a reason by rule A1.
            let starts_first = settings.consume_from_where == ConsumeFromWhere::FirstOffset;
            if !starts_first || reading.was_reset {
                continue;
            }
            let unseen = |offset: &u64| reading.seen(*offset).is_none_or(|seen| seen.calls == 0);
            let missing = (removed..stored)
                .filter(unseen)
                .find(|offset| !self.may_pass(directory, filters, group.group, (slot, queue, *offset)));
            self.asked.must(end, Invariant::D1, missing.is_none(), || {
                let offset = missing.unwrap_or_default();
                format!(
                    "{}: offset {offset} was never delivered, and the group asks for it",
                    what()
                )
            });
        }
    }

    /// Whether members were pushed nothing of the queue: then there is nothing to commit, wherever they have begun.
    pub(super) fn has_nothing_to_commit(&self, group: GroupId, queue: QueueId) -> bool {
        let pushes = matches!(self.config.groups[group.index()].delivery, Delivery::Push { .. });
        pushes && self.readings[self.slots.slot(group, queue)].committed.is_none()
    }

    /// Each reader that lives has been given all that lies in queues that members are given.
    fn readers_have_all(&self, end: SimTime, directory: &Directory, group: &GroupEnd) {
        if !group.is_done {
            return;
        }
        for (queue, holders) in &group.holders {
            for consumer in holders {
                let (slot, stored) = (self.slot(directory, *consumer, *queue), self.records.end(*queue));
                let lowest = self.readings[slot].lowest;
                self.asked.must(end, Invariant::D1, lowest >= stored, || {
                    let who = who(directory, *consumer, *queue);
                    format!("{who} {stored} records, but {lowest} is not finished")
                });
            }
        }
    }

    /// Whether the listener commits by hand: then what it did last may stay uncommitted, dead letters above all.
    pub(super) fn commits_by_hand(&self, group: GroupId) -> bool {
        match self.config.groups[group.index()].listener {
            ListenerKind::Orderly(settings) => !settings.auto_commit,
            ListenerKind::Concurrently => false,
        }
    }

    /// Whether the group has read all of a queue and will not ask for it again.
    pub(super) fn has_read_all(&self, directory: &Directory, group: &GroupEnd, queue: QueueId) -> bool {
        let stopped = |consumer: &ConsumerId| directory.consumer(*consumer).group == group.group;
        let subscribed = &self.config.groups[group.group.index()].subscribe;
        let topics = group.topics.as_deref().unwrap_or_default();
        // Where members share out otherwise than others, a second holder may wait for the lock.
        let is_alone = !group.leaves_out || group.holders_of(queue).len() == 1;
        topics == *subscribed
            && group.distinct
            && group.is_done
            && is_alone
            && group.given.contains(&queue)
            && !self.slots.is_broadcasting(group.group)
            && !self.commits_by_hand(group.group)
            && !self.has_nothing_to_commit(group.group, queue)
            && !self.processes.paused.iter().any(stopped)
    }
}
