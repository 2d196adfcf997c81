//! What a client does with a queue whose offset is not good: OFFSET_ILLEGAL, and resets that the broker tells it of.
//!
//! The offset lies below the least that is kept, beyond the end, or an operator has set another. The client gives the
//! queue up, results of running calls will be thrown away, sets its offset to the broker's proposal and takes the queue
//! anew with the next round, which asks the broker where it stands. From 5.2 on that is at once, with the offset frozen so
//! that no late result moves it, and a rebalance follows; before, the queue rests for 10 s first and then waits for a
//! round that comes for another reason. The proposal is persisted even if the queue has gone to somebody else meanwhile.
//!
//! Brokers before 5.2 tell all members of a reset. Each gives the queues concerned up, lets them rest for 10 s, sets the
//! offset and rebalances. Left out: meanwhile it does not pull its other queues either.
//!
//! Source: `DefaultMQPushConsumerImpl.pullMessage` (OFFSET_ILLEGAL), `RebalanceImpl.removeProcessQueue`,
//! `MQClientInstance.resetOffset`.

use crate::cluster::Cluster;
use crate::cluster::consumer::held_queue::Repair;
use crate::cluster::core::BrokerRequest;
use crate::cluster::event::{Event, PqSlot};
use crate::cluster::fact::{Fact, Observer, RebalanceTrigger};
use crate::cluster::ids::{ConsumerId, QueueId};
use crate::kernel::time::SimDuration;

/// How long a client lets queues rest after it was told of a reset.
const RESET_REST: SimDuration = SimDuration::from_secs(10);

impl<O: Observer> Cluster<O> {
    /// The broker's answer proposes another offset. The pull request of the queue ends with the repair.
    #[inline(never)]
    pub(super) fn offset_illegal(&mut self, slot: PqSlot) {
        let held = self.held_queues.get_mut(slot.0);
        held.process_queue.dropped = true;
        self.consumers[held.consumer.index()].held.note_dropped();
        let delay = self.profile.offset_repair_delay;
        if delay.is_zero() {
            self.repair_offset(slot);
        } else {
            self.core.scheduler.after(delay, Event::RepairOffset(slot));
        }
    }

    /// A broker before 5.2 has told the client of a reset.
    pub(super) fn told_of_reset(&mut self, consumer: ConsumerId, offsets: &[(QueueId, u64)]) {
        for (queue, to) in offsets {
            let Some(&slot) = self.consumers[consumer.index()].held.get(queue) else {
                continue;
            };
            self.consumers[consumer.index()].held.note_dropped();
            let held = self.held_queues.get_mut(slot.0);
            held.process_queue.dropped = true;
            held.news = None;
            held.floor = held.floor.min(*to);
            held.requests += 1;
            held.repair = Some(Repair {
                to: *to,
                by_operator: true,
            });
            self.core.scheduler.after(RESET_REST, Event::RepairOffset(slot));
        }
    }

    /// Sets the offset to the broker's proposal, at the broker too, and gives the queue up.
    pub(in crate::cluster) fn repair_offset(&mut self, slot: PqSlot) {
        let held = self.held_queues.get(slot.0);
        let (consumer, group, queue) = (held.consumer, held.group, held.queue);
        let Some(repair) = held.repair.filter(|_| self.is_at_work(consumer)) else {
            return self.request_ended(slot);
        };
        let held = self.held_queues.get_mut(slot.0);
        held.offset.update_and_freeze(repair.to);
        held.floor = held.floor.min(repair.to);
        self.persist_one(slot);
        let table = &mut self.consumers[consumer.index()].held;
        let is_held = table.get(&queue) == Some(&slot);
        if is_held {
            table.remove(&queue);
            self.persist_one(slot);
            // What a broadcasting member skips is told by where it starts.
            if !self.is_broadcasting(group) {
                self.unheard_resets.remove(&(group, queue));
                self.core.emit(Fact::OffsetsSkipped {
                    group,
                    queue,
                    from: 0,
                    to: repair.to,
                    by_operator: repair.by_operator,
                });
            }
            if self.held_queues.get(slot.0).orderly.is_some() {
                self.orderly_queue_repaired(slot);
            } else {
                self.drop_held_queue(slot);
            }
        } else if repair.by_operator {
            // It stands in the table all the same; who starts there next skips what lies before.
            self.unheard_resets.insert((group, queue));
        }
        self.request_ended(slot);
        if self.profile.offset_repair_delay.is_zero() || repair.by_operator && is_held {
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
            self.one_way(consumer, broker, BrokerRequest::UpdateOffset(slot, offset));
        }
    }
}
