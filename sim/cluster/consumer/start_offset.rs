//! Where an orderly client starts, asked once more.
//!
//! A client that takes a queue asks where its group stands before the owner before has let go of it. So when the
//! first pull of an orderly queue comes up, with the lock won, the pull thread asks again and starts there. It
//! waits for the answer, so queues that are new together ask one after another. A failure is repeated after 1 s. Left out:
//! pulls of other queues of that client that come up meanwhile do not wait.
//!
//! Source: `DefaultMQPushConsumerImpl.pullMessage` (`isPreviouslyLocked`).

use crate::cluster::Cluster;
use crate::cluster::consumer::flow_control::DELAY_WHEN_EXCEPTION;
use crate::cluster::consumer::offset_store::PullFromWhere;
use crate::cluster::core::{BrokerRequest, QueriedOffset};
use crate::cluster::event::{CallKind, Event, PqSlot};
use crate::cluster::fact::{Fact, Observer, StartOffsetRule};
use crate::cluster::ids::ConsumerId;

impl<O: Observer> Cluster<O> {
    /// The first pull of an orderly queue comes up: the pull thread is to ask where it starts.
    pub(super) fn look_up_start_offset(&mut self, consumer: ConsumerId, slot: PqSlot) {
        let waiting = &mut self.orderly(consumer).start_offsets;
        waiting.push_back(slot);
        if waiting.len() == 1 {
            self.ask_next_start_offset(consumer);
        }
    }

    fn ask_next_start_offset(&mut self, consumer: ConsumerId) {
        while let Some(&slot) = self.orderly(consumer).start_offsets.front() {
            let held = self.held_queues.get(slot.0);
            if !held.process_queue.dropped {
                let queue = held.queue;
                let broker = self.queues[queue.index()].broker;
                let request = BrokerRequest::QueryOffset(queue, CallKind::StartOffset);
                return self.call(consumer, CallKind::StartOffset, broker, request);
            }
            self.orderly(consumer).start_offsets.pop_front();
            self.request_ended(slot);
        }
    }

    /// The broker's answer to where the group stands.
    pub(super) fn start_offset_again_arrives(&mut self, consumer: ConsumerId, offset: Option<QueriedOffset>) {
        let Some(&slot) = self.orderly(consumer).start_offsets.front() else {
            return;
        };
        let held = self.held_queues.get(slot.0);
        let (queue, broker) = (held.queue, self.queues[held.queue.index()].broker);
        let (from, rule) = self.pull_from_where(consumer, queue, offset);
        match from {
            PullFromWhere::At(offset) => self.start_offset_settled(consumer, offset, rule),
            PullFromWhere::Unknown => self.start_offset_failed(consumer),
            PullFromWhere::AskMaxOffset | PullFromWhere::AskTimestamp => {
                let request = self.look_up_request(consumer, queue, from, CallKind::StartOffset);
                self.call(consumer, CallKind::StartOffset, broker, request);
            }
        }
    }

    /// The queue whose turn it was starts at `offset`.
    pub(super) fn start_offset_settled(&mut self, consumer: ConsumerId, offset: u64, rule: StartOffsetRule) {
        let Some(slot) = self.orderly(consumer).start_offsets.pop_front() else {
            return;
        };
        if self.held_queues.get(slot.0).process_queue.dropped {
            self.request_ended(slot);
            return self.ask_next_start_offset(consumer);
        }
        self.orderly_queue(slot).previously_locked = true;
        let held = self.held_queues.get_mut(slot.0);
        let before = std::mem::replace(&mut held.next_offset, offset);
        let (group, queue) = (held.group, held.queue);
        if rule != StartOffsetRule::ConsumeFromWhere {
            held.offset.update(offset, false);
        } else if before < offset {
            self.core.emit(Fact::OffsetsSkipped {
                group,
                queue,
                from: before,
                to: offset,
                by_operator: false,
            });
        }
        if before != offset {
            self.core.emit(Fact::StartOffsetChanged {
                consumer,
                queue,
                start_offset: offset,
            });
        }
        self.pull(slot);
        self.ask_next_start_offset(consumer);
    }

    /// No answer: the pull comes up again after a pause.
    pub(super) fn start_offset_failed(&mut self, consumer: ConsumerId) {
        let Some(slot) = self.orderly(consumer).start_offsets.pop_front() else {
            return;
        };
        self.core
            .scheduler
            .after(DELAY_WHEN_EXCEPTION, Event::PullDue(slot));
        self.ask_next_start_offset(consumer);
    }
}
