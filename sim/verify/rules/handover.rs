//! What a client gives up in good order it has committed (Q3): the next owner goes on where it stopped.
//!
//! Asked only where nothing may come between: the client is there and its links are well until the next owner takes the
//! queue, nobody else holds it, no operator sets offsets, and what was on the wire has arrived.
//!
//! Source: `RebalancePushImpl.removeUnnecessaryMessageQueue`.

use super::{Judge, who};
use crate::cluster::config::ListenerKind;
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, StartOffsetRule};
use crate::cluster::ids::{ConsumerId, QueueId};
use crate::kernel::time::SimTime;
use crate::observe::invariant::{Invariant, must};

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
                if !arrived || decided_by != StartOffsetRule::Committed || !self.is_undisturbed(slot, promise)
                {
                    return;
                }
                must(now, Invariant::Q3, start_offset >= promise.finished, || {
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
        let is_well = self.is_well(consumer);
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

    /// Whether a client is there and neither it, its links nor a broker were ever in trouble.
    fn is_well(&self, consumer: ConsumerId) -> bool {
        self.processes.alive.contains(&consumer) && self.well_since(consumer) == Some(SimTime::ZERO)
    }

    /// Whether the commit has got through, and nothing but an owner has moved the offset since. A link that is cut keeps
    /// what is on it.
    fn is_undisturbed(&self, slot: usize, promise: Promise) -> bool {
        let reading = &self.readings[slot];
        self.is_well(promise.by) && !reading.was_reset && reading.holders == 1
    }
}
