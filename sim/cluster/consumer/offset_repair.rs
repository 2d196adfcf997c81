//! What a client does when the broker calls its offset illegal: OFFSET_ILLEGAL.
//!
//! The offset lies below the least that is kept, beyond the end, or an operator has set another. The client gives the
//! queue up, results of running calls will be thrown away, sets its offset to the broker's proposal and takes the queue
//! anew with the next round, which asks the broker where it stands. From 5.2 on that is at once, with the offset frozen so
//! that no late result moves it, and a rebalance follows; before, the queue rests for 10 s first and then waits for a
//! round that comes for another reason. The proposal is persisted even if the queue has gone to somebody else meanwhile.
//!
//! Source: `DefaultMQPushConsumerImpl.pullMessage` (OFFSET_ILLEGAL), `RebalanceImpl.removeProcessQueue`.

use crate::cluster::Cluster;
use crate::cluster::core::BrokerRequest;
use crate::cluster::event::{Event, PqSlot};
use crate::cluster::fact::{Fact, Observer, RebalanceTrigger};

impl<O: Observer> Cluster<O> {
    /// The broker's answer proposes another offset. The pull request of the queue ends with the repair.
    #[inline(never)]
    pub(super) fn offset_illegal(&mut self, slot: PqSlot) {
        let held = self.held_queues.get_mut(slot.0);
        held.process_queue.dropped = true;
        let delay = self.profile.offset_repair_delay;
        if delay.is_zero() {
            self.repair_offset(slot);
        } else {
            self.core.scheduler.after(delay, Event::RepairOffset(slot));
        }
    }

    /// Sets the offset to the broker's proposal, at the broker too, and gives the queue up.
    pub(in crate::cluster) fn repair_offset(&mut self, slot: PqSlot) {
        let held = self.held_queues.get(slot.0);
        let (consumer, group, queue, to) = (held.consumer, held.group, held.queue, held.next_offset);
        if !self.is_at_work(consumer) {
            return self.request_ended(slot);
        }
        let held = self.held_queues.get_mut(slot.0);
        held.offset.update_and_freeze(to);
        held.floor = held.floor.min(to);
        self.persist_one(slot);
        let table = &mut self.consumers[consumer.index()].held;
        if table.get(&queue) == Some(&slot) {
            table.remove(&queue);
            self.persist_one(slot);
            // What a broadcasting member skips is told by where it starts.
            if !self.is_broadcasting(group) {
                self.core.emit(Fact::OffsetsSkipped {
                    group,
                    queue,
                    from: 0,
                    to,
                });
            }
            if self.held_queues.get(slot.0).orderly.is_some() {
                self.orderly_queue_repaired(slot);
            } else {
                self.drop_held_queue(slot);
            }
        }
        self.request_ended(slot);
        if self.profile.offset_repair_delay.is_zero() {
            self.wake_rebalance(consumer, RebalanceTrigger::OffsetIllegal);
        }
    }

    /// Sends the offset of one queue to its broker, or writes it into the local file, without waiting for an answer.
    pub(super) fn persist_one(&mut self, slot: PqSlot) {
        if self.is_broadcasting(self.held_queues.get(slot.0).group) {
            return self.persist_locally(slot);
        }
        let held = self.held_queues.get_mut(slot.0);
        if let Some(offset) = held.offset.read() {
            held.requests += 1;
            let (consumer, broker) = (held.consumer, self.queues[held.queue.index()].broker);
            self.one_way(
                consumer,
                broker,
                BrokerRequest::UpdateOffsets(vec![(slot, offset)]),
            );
        }
    }
}
