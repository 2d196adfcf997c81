//! How an orderly client gives queues up: not before the listener has let go of them, and then with their locks.
//!
//! A round that finds queues which are no longer the client's drops them, so that nothing new begins, and then removes
//! one after another. For a listener call that runs it waits 500 ms. When the call has ended, whose result does not
//! count any more, the offset is persisted and the lock given back, and whoever waits for the queue gets it with its
//! next attempt. When it has not, the queue stays in the table, dropped, until the next round, which comes in
//! up to 20 s; once its last renewal is more than 20 s old, it is let go by force while the call still runs. (4.9: the
//! round waits 1 s, never uses force, and gives the lock of a queue with cached messages back 20 s later.)
//!
//! A queue that is given to the client again while it stays there dropped is not pulled until it has been idle
//! for 120 s.
//!
//! Source: `RebalancePushImpl.removeUnnecessaryMessageQueue`, `tryRemoveOrderMessageQueue`, `RebalanceImpl`.

use crate::cluster::Cluster;
use crate::cluster::consumer::rebalance_impl::Waiting;
use crate::cluster::core::{BrokerRequest, UnlockBatch};
use crate::cluster::event::{Event, PqSlot};
use crate::cluster::fact::Observer;
use crate::cluster::ids::{ConsumerId, QueueId};
use crate::kernel::time::SimDuration;

/// `UNLOCK_DELAY_TIME_MILLS`.
const UNLOCK_DELAY_TIME: SimDuration = SimDuration::from_secs(20);

impl<O: Observer> Cluster<O> {
    /// Drops queues of the topic in hand, and begins to remove them.
    pub(super) fn give_up_orderly_queues(&mut self, consumer: ConsumerId, gone: Vec<(QueueId, PqSlot)>) {
        for (_, slot) in &gone {
            if !std::mem::replace(&mut self.orderly_queue(*slot).given_up, true) {
                // The table refers to it until it is removed.
                self.held_queues.get_mut(slot.0).requests += 1;
                self.drop_held_queue(*slot);
            }
        }
        if let Some(round) = &mut self.consumers[consumer.index()].rebalance.round {
            round.moves().to_remove = gone.into();
        }
        self.remove_next_orderly_queue(consumer);
    }

    /// Removes the next queue, or waits for its listener call; after the last one the round takes new queues.
    fn remove_next_orderly_queue(&mut self, consumer: ConsumerId) {
        loop {
            let Some(round) = &mut self.consumers[consumer.index()].rebalance.round else {
                return;
            };
            let Some((queue, slot)) = round.moves().to_remove.pop_front() else {
                return self.take_share(consumer);
            };
            self.persist_one(slot);
            let now = self.core.now();
            let held = self.held_queues.get_mut(slot.0);
            if self.profile.unlocks_cached_queue_late {
                held.offset.remove();
            }
            let old = now.since(held.process_queue.last_lock) > UNLOCK_DELAY_TIME;
            let by_force = old && !self.profile.unlocks_cached_queue_late;
            if self.orderly_queue(slot).is_calling() && !by_force {
                let wait = self.profile.consume_lock_wait;
                self.core
                    .scheduler
                    .after(wait, Event::ConsumeLockTimeout(consumer));
                if let Some(round) = &mut self.consumers[consumer.index()].rebalance.round {
                    round.waiting = Waiting::ConsumeLock {
                        queue,
                        slot,
                        until: now + wait,
                    };
                }
                return;
            }
            self.remove_orderly_queue(consumer, queue, slot);
        }
    }

    /// The listener call of a queue has ended: a round may have waited for that.
    pub(super) fn consume_lock_is_free(&mut self, consumer: ConsumerId, slot: PqSlot) {
        let round = self.consumers[consumer.index()].rebalance.round.as_ref();
        if let Some(Waiting::ConsumeLock {
            queue, slot: other, ..
        }) = round.map(|round| round.waiting)
            && slot == other
        {
            self.remove_orderly_queue(consumer, queue, slot);
            self.remove_next_orderly_queue(consumer);
        }
    }

    /// The round has waited long enough: the queue stays in the table, dropped.
    pub(in crate::cluster) fn consume_lock_timeout(&mut self, consumer: ConsumerId) {
        let now = self.core.now();
        let round = self.consumers[consumer.index()].rebalance.round.as_ref();
        if let Some(Waiting::ConsumeLock { until, .. }) = round.map(|round| round.waiting)
            && until <= now
        {
            self.remove_next_orderly_queue(consumer);
        }
    }

    /// A queue leaves the table, and its lock is given back.
    fn remove_orderly_queue(&mut self, consumer: ConsumerId, queue: QueueId, slot: PqSlot) {
        let held = self.held_queues.get_mut(slot.0);
        held.process_queue.locked = false;
        if self.profile.unlocks_cached_queue_late && held.process_queue.has_temp_message() {
            held.requests += 1;
            self.core
                .scheduler
                .after(UNLOCK_DELAY_TIME, Event::UnlockDue(slot));
        } else {
            self.persist_one(slot);
            self.unlock_one_way(consumer, queue);
        }
        self.held_queues.get_mut(slot.0).offset.remove();
        self.orderly_queue_leaves(consumer, slot);
        let client = &mut self.consumers[consumer.index()];
        client.held.remove(&queue);
        if let Some(round) = &mut client.rebalance.round {
            round.removed += 1;
            round.gave_up = true;
        }
        self.request_ended(slot);
    }

    /// A queue has left the table because its offset was illegal. If no call runs, its lock is given back; whoever takes
    /// the queue anew has to ask for it again.
    pub(super) fn orderly_queue_repaired(&mut self, slot: PqSlot) {
        let held = self.held_queues.get(slot.0);
        let (consumer, queue) = (held.consumer, held.queue);
        self.orderly_queue_leaves(consumer, slot);
        if !self.orderly_queue(slot).is_calling() {
            self.held_queues.get_mut(slot.0).process_queue.locked = false;
            self.unlock_one_way(consumer, queue);
        }
        if self.orderly_queue(slot).given_up {
            self.request_ended(slot);
        } else {
            self.drop_held_queue(slot);
        }
    }

    /// 4.9: the lock of a queue that was given up with cached messages is given back.
    pub(in crate::cluster) fn unlock_due(&mut self, slot: PqSlot) {
        let held = self.held_queues.get(slot.0);
        let (consumer, queue) = (held.consumer, held.queue);
        if self.is_at_work(consumer) {
            self.unlock_one_way(consumer, queue);
        }
        self.request_ended(slot);
    }

    pub(super) fn unlock_one_way(&mut self, consumer: ConsumerId, queue: QueueId) {
        let batch = UnlockBatch {
            queues: vec![queue],
            answer: false,
        };
        let broker = self.queues[queue.index()].broker;
        self.one_way(consumer, broker, BrokerRequest::UnlockBatch(Box::new(batch)));
    }
}
