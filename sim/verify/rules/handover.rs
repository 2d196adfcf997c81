//! What a client gives up in good order it has committed (Q3): the next owner goes on where it stopped.
//!
//! Asked only where nothing may come between: the client is there, neither it nor the next owner feels a trouble with the
//! queue's broker from then on until the queue is taken, nobody else holds it, no operator sets offsets, and what was on
//! the wire has arrived.
//!
//! Source: `RebalancePushImpl.removeUnnecessaryMessageQueue`.

use super::{Judge, who};
use crate::cluster::config::ListenerKind;
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, StartOffsetRule};
use crate::cluster::ids::{ConsumerId, QueueId};
use crate::kernel::time::SimTime;
use crate::observe::invariant::Invariant;

/// What a former owner has committed.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    /// When it gave the queue up.
    at: SimTime,
    /// It had finished everything below.
    finished: u64,
    by: ConsumerId,
}

impl Judge<'_> {
    /// To be told of a fact before a hold that it ends is forgotten.
    pub(super) fn hand_overs(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        match *fact {
            Fact::Consumed {
                consumer,
                queue,
                offset,
                success: true,
                ..
            } => {
                if let Some(hold) = self.holds.get_mut(&(consumer, queue)) {
                    hold.succeeded(offset);
                }
            }
            // Why it may fall is another question (Q2): a former owner that was silent for long may commit late.
            Fact::OffsetCommitted {
                group,
                queue,
                old: Some(old),
                new,
                ..
            } if new < old => {
                let slot = self.slots.slot(group, queue);
                self.promises.remove(&slot);
            }
            Fact::QueueReleased { consumer, queue, .. } => self.gives_up(now, directory, consumer, queue),
            Fact::QueueAcquired {
                consumer,
                queue,
                start_offset,
                decided_by,
            } => {
                let slot = self.slot(directory, consumer, queue);
                let Some(promise) = self.promises.remove(&slot) else {
                    return;
                };
                let arrived = now.since(promise.at) > self.bounds.way * 3;
                let broker = directory.queue(queue).broker;
                let is_deaf = self.excuses.was_felt(promise.at, consumer, broker);
                if !arrived || is_deaf || decided_by != StartOffsetRule::Committed {
                    return;
                }
                if !self.is_undisturbed(directory, slot, promise) {
                    return;
                }
                self.asked.must(now, Invariant::Q3, start_offset >= promise.finished, || {
                    let (before, at) = (&directory.consumer(promise.by).name, promise.at);
                    format!(
                        "{} starts at {start_offset}, but {before} had finished all below {} when it gave the queue \
                         up at {at}",
                        who(directory, consumer, queue),
                        promise.finished
                    )
                });
            }
            _ => {}
        }
    }

    fn gives_up(&mut self, now: SimTime, directory: &Directory, consumer: ConsumerId, queue: QueueId) {
        let slot = self.slot(directory, consumer, queue);
        self.promises.remove(&slot);
        let group = directory.consumer(consumer).group;
        let settings = &self.config.groups[group.index()];
        let by_hand = matches!(settings.listener, ListenerKind::Orderly(orderly) if !orderly.auto_commit);
        let is_well = self.is_well(now, directory, consumer, queue);
        let is_alone = self.readings[slot].holders == 0;
        let Some(hold) = self.holds.get(&(consumer, queue)) else {
            return;
        };
        if by_hand || self.slots.is_broadcasting(group) || !is_well || !is_alone {
            return;
        }
        if let Some(finished) = hold.finished() {
            let promise = Promise {
                at: now,
                finished,
                by: consumer,
            };
            self.promises.insert(slot, promise);
        }
    }

    /// Whether a client is there, and what it has told the queue's broker since then has got there.
    fn is_well(&self, since: SimTime, directory: &Directory, consumer: ConsumerId, queue: QueueId) -> bool {
        let broker = directory.queue(queue).broker;
        self.processes.alive.contains(&consumer) && !self.excuses.was_felt(since, consumer, broker)
    }

    /// Whether the commit has got through, and nothing but an owner has moved the offset since.
    fn is_undisturbed(&self, directory: &Directory, slot: usize, promise: Promise) -> bool {
        let (reading, queue) = (&self.readings[slot], self.slots.get(slot).queue);
        let is_well = self.is_well(promise.at, directory, promise.by, queue);
        is_well && !reading.was_reset && reading.holders == 1
    }
}
