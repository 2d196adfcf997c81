//! Members and queues: who comes, goes, stops for a while, and which queues consumers are given.

use super::Observation;
use crate::cluster::directory::{Directory, TopicKind};
use crate::cluster::fact::StopKind;
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId, TopicId};
use crate::kernel::time::SimTime;
use crate::observe::ownership::{Acquired, HandOver, Released};
use crate::observe::rebalance::{Change, Disconnect, Subject};

impl Observation {
    pub(super) fn queue_created(&mut self, now: SimTime, directory: &Directory, queue: QueueId) {
        let slots = self.slots.add_queue(queue, directory);
        self.grow(now, directory);
        let of = directory.queue(queue);
        if matches!(directory.topic(of.topic).kind, TopicKind::Retry(_)) {
            return;
        }
        let read = self.reads.get(&(of.topic, of.broker));
        if read.is_some_and(|&read| of.index >= read) {
            self.stranded[queue.index()].push((now, None));
            for slot in slots {
                self.ownership.strands(now, slot, true);
            }
            return;
        }
        for slot in slots {
            let slot = self.slots.get(slot);
            if slot.reader.is_none() {
                self.rebalances[slot.group.index()].entered(of.topic, None, false);
            }
        }
    }

    /// Consumers are given the first `read` queues of the topic on that broker.
    pub(super) fn topic_updated(
        &mut self,
        now: SimTime,
        directory: &Directory,
        (topic, broker): (TopicId, BrokerId),
        read: u32,
    ) {
        if self.reads.insert((topic, broker), read) == Some(read) {
            return;
        }
        for (id, group) in directory.groups.iter().enumerate() {
            if group.topics.contains(&topic) {
                // Before the queues come and go, so that this is seen as its doing.
                self.rebalances[id].changed(now, Subject::Queues(topic, broker), Change::QueuesChanged);
            }
        }
        for queue in (0..self.slots.queues() as u32).map(QueueId) {
            let of = directory.queue(queue);
            if (of.topic, of.broker) == (topic, broker) {
                self.strand(now, queue, of.index >= read);
            }
        }
    }

    fn strand(&mut self, now: SimTime, queue: QueueId, stranded: bool) {
        let spans = &mut self.stranded[queue.index()];
        let open = spans.last_mut().filter(|(_, to)| to.is_none());
        match (open, stranded) {
            (None, true) => spans.push((now, None)),
            (Some(span), false) => span.1 = Some(now),
            _ => return,
        }
        spans.retain(|&(from, to)| to != Some(from));
        for slot in self.slots.readers(queue) {
            let of = self.slots.get(slot);
            let (claimed, before) = (self.ownership.is_claimed(slot), self.ownership.is_unowned(slot));
            let owner = self.ownership.strands(now, slot, stranded);
            let group = &mut self.rebalances[of.group.index()];
            match stranded {
                _ if of.reader.is_some() => {}
                true => group.left(now, of.topic, owner, claimed),
                false => group.entered(of.topic, owner, claimed),
            }
            self.count_unowned(now, slot, before);
        }
    }

    pub(super) fn consumer_started(&mut self, now: SimTime, directory: &Directory, consumer: ConsumerId) {
        self.grow(now, directory);
        self.consumers[consumer.index()].started = Some(now);
        self.member_changed(now, directory, consumer, Change::Started);
    }

    pub(super) fn consumer_stopped(
        &mut self,
        now: SimTime,
        directory: &Directory,
        consumer: ConsumerId,
        how: StopKind,
    ) {
        self.consumers[consumer.index()].stopped = Some((now, how));
        let (change, by) = match how {
            StopKind::Graceful => (Change::Graceful, HandOver::Graceful),
            StopKind::Killed => (Change::Killed, HandOver::Killed),
            StopKind::Vanished => (Change::Vanished, HandOver::Vanished),
            StopKind::StartFailed => (Change::StartFailed, HandOver::Graceful),
        };
        // Before the queues go, so that they go on the account of this change.
        self.member_changed(now, directory, consumer, change);
        for slot in self.ownership.concerns(consumer) {
            self.release(now, slot, consumer, by);
            self.ownership.left_for_good(slot, consumer, by);
        }
    }

    /// The process of a consumer stops for a while, or goes on.
    pub(super) fn consumer_sleeps(
        &mut self,
        now: SimTime,
        directory: &Directory,
        consumer: ConsumerId,
        asleep: bool,
    ) {
        if self.consumers[consumer.index()].sleeps(now, asleep) {
            let change = if asleep { Change::Paused } else { Change::Resumed };
            self.member_changed(now, directory, consumer, change);
            self.ownership.sleeps(now, consumer, asleep);
        }
    }

    /// A link of a consumer is cut, or whole again.
    pub(super) fn link_changes(
        &mut self,
        now: SimTime,
        directory: &Directory,
        consumer: ConsumerId,
        cut: bool,
    ) {
        if self.consumers[consumer.index()].link_changes(cut) {
            let change = if cut { Change::CutOff } else { Change::Reconnected };
            self.member_changed(now, directory, consumer, change);
        }
    }

    /// A link of a consumer gets slow, or as fast as before.
    pub(super) fn link_slows(
        &mut self,
        now: SimTime,
        directory: &Directory,
        consumer: ConsumerId,
        slow: bool,
    ) {
        if self.consumers[consumer.index()].link_slows(slow) {
            let change = if slow { Change::Slowed } else { Change::FastAgain };
            self.member_changed(now, directory, consumer, change);
        }
    }

    fn member_changed(&mut self, now: SimTime, directory: &Directory, consumer: ConsumerId, change: Change) {
        let group = directory.consumer(consumer).group;
        self.rebalances[group.index()].changed(now, Subject::Member(consumer), change);
    }

    pub(super) fn member_expired(&mut self, directory: &Directory, broker: BrokerId, consumer: ConsumerId) {
        self.brokers[broker.index()].members_expired += 1;
        self.rebalances[directory.consumer(consumer).group.index()].expired += 1;
    }

    pub(super) fn connection_lost(&mut self, directory: &Directory, lost: Disconnect) {
        self.consumers[lost.consumer.index()].connections_lost += 1;
        self.rebalances[directory.consumer(lost.consumer).group.index()].disconnected(lost);
    }

    /// A member of a broadcasting group starts in a queue: where its account begins, or where it goes on.
    pub(super) fn reader_starts(
        &mut self,
        now: SimTime,
        group: GroupId,
        queue: QueueId,
        consumer: ConsumerId,
        start: u64,
    ) {
        let slot = self.slot_of(group, queue, consumer);
        let of = self.slots.get(slot);
        if self.ledger.begins(slot, of, start) {
            self.lag.begins(now, slot, of, start);
            if start > 0 {
                let waits = i128::from(self.ledger.end(queue)) - i128::from(start);
                let stored_at = self.stored_at[queue.index()] as i128;
                self.waiting[slot].before = stored_at - waits * i128::from(now.as_nanos());
            }
        } else {
            let skipped = self.ledger.skipped(slot, of, 0, start, false);
            self.lag.ended(now, slot, of, skipped);
        }
    }

    pub(super) fn queue_acquired(
        &mut self,
        now: SimTime,
        group: GroupId,
        queue: QueueId,
        consumer: ConsumerId,
    ) {
        let slot = self.slot_of(group, queue, consumer);
        let of = self.slots.get(slot);
        let before = self.ownership.is_unowned(slot);
        let acquired = self.ownership.acquired(now, slot, consumer);
        let is_broadcasting = self.slots.is_broadcasting(group);
        let group = &mut self.rebalances[group.index()];
        if is_broadcasting {
            // Nothing is shared out: queues change hands between the lives of one reader alone.
            self.consumers[consumer.index()].queues.change(now, 1);
            return self.count_unowned(now, slot, before);
        }
        if acquired != Acquired::First {
            self.moved_by[slot] = group.number();
        }
        if of.is_retry {
            return;
        }
        match acquired {
            Acquired::First => group.claimed(now, of.topic, consumer),
            Acquired::Moved { from } => group.passed(of.topic, Some(from), consumer),
            Acquired::Anew if !self.ownership.is_stranded(slot) => group.passed(of.topic, None, consumer),
            Acquired::Again | Acquired::Anew => {}
        }
        group.owners_changed(now, consumer);
        self.consumers[consumer.index()].queues.change(now, 1);
        self.count_unowned(now, slot, before);
    }

    pub(super) fn release(&mut self, now: SimTime, slot: usize, consumer: ConsumerId, by: HandOver) {
        let released = self.ownership.released(now, slot, consumer, by);
        if released == Released::NotHeld {
            return;
        }
        let of = self.slots.get(slot);
        let group = &mut self.rebalances[of.group.index()];
        if of.reader.is_some() {
            self.consumers[consumer.index()].queues.change(now, -1);
            return self.count_unowned(now, slot, false);
        }
        if let Released::Back { to } = released {
            self.moved_by[slot] = group.number();
            if !of.is_retry {
                group.passed(of.topic, Some(consumer), to);
            }
        }
        if !of.is_retry {
            group.owners_changed(now, consumer);
            self.consumers[consumer.index()].queues.change(now, -1);
            // It was held until now.
            self.count_unowned(now, slot, false);
        }
    }

    /// Tells the group if the queue of `slot`, which lacked an owner or not `before`, is otherwise now.
    fn count_unowned(&mut self, now: SimTime, slot: usize, before: bool) {
        let change = i64::from(self.ownership.is_unowned(slot)) - i64::from(before);
        let group = self.slots.get(slot).group;
        self.rebalances[group.index()].unowned.change(now, change);
    }
}
