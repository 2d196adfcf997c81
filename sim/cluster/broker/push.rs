//! Delivery by push, at the broker: standing orders, kept among the held pulls.
//!
//! An order waits like a pull that is held without end. What becomes visible is sent at once, in envelopes as large as
//! the answers to pulls, as many as it takes; then the order waits again, if its credit is spent for an acknowledgement.
//! Orders of clients that do not want the queue any more end with the next message or sweep. Whatever refuses a pull
//! refuses an order, and ends one that stands. There is no push through a filter: scenarios refuse it.
//!
//! Not RocketMQ's; see `consumer/push.rs`.

use crate::cluster::Cluster;
use crate::cluster::broker::expression_message_filter::ExpressionId;
use crate::cluster::broker::pull_message::read;
use crate::cluster::broker::pull_request_hold::{FOREVER, HeldPull};
use crate::cluster::consumer::held_queue::PullReply;
use crate::cluster::event::{Event, PqSlot};
use crate::cluster::fact::{Fact, Observer, PullResult, RequestKind};
use crate::cluster::network::{Direction, Endpoint, Server};
use crate::kernel::time::SimDuration;

impl<O: Observer> Cluster<O> {
    /// An order has come, or goes on: sends what the queue holds, as far as the credit reaches, and lets it wait for
    /// more.
    pub(super) fn push(&mut self, slot: PqSlot) {
        if self.held_queues.get(slot.0).process_queue.dropped {
            return self.end_order(slot);
        }
        let held = self.held_queues.get(slot.0);
        let (queue, group) = (held.queue, held.group);
        let next = held.push.as_ref().expect("an order stands").next;
        let at = &self.queues[queue.index()];
        if (next < at.min_offset() || next > at.max_offset() || at.has_resets())
            && let Some(proposal) = self.other_offset(queue, group, next)
        {
            return self.answer_offset_moved(slot, proposal, SimDuration::ZERO);
        }
        while self.push_envelope(slot) {}
        let held = self.held_queues.get(slot.0);
        let push = held.push.as_ref().expect("an order stands");
        let wait = HeldPull {
            pull: slot,
            since: self.core.now(),
            timeout: FOREVER,
            // Nothing new can be sent without credit.
            offset: if push.credit == 0 { u64::MAX } else { push.next },
            expression: ExpressionId::ALL,
        };
        self.keep(held.queue, wait);
    }

    /// Sends one envelope; false if there is nothing to send or no credit.
    fn push_envelope(&mut self, slot: PqSlot) -> bool {
        let held = self.held_queues.get(slot.0);
        let (queue_id, consumer) = (held.queue, held.consumer);
        let push = held.push.as_ref().expect("an order stands");
        let (from, credit) = (push.next, u32::try_from(push.credit).unwrap_or(u32::MAX));
        let (most, limit) = self.transfer_limits(queue_id, from);
        let queue = &self.queues[queue_id.index()];
        let held = self.held_queues.get_mut(slot.0);
        let sent = read(held, queue, from, most.min(credit), limit);
        if sent.messages == 0 {
            return false;
        }
        let broker = queue.broker;
        self.queues[queue_id.index()].note_read(sent.next);
        let push = held.push.as_mut().expect("an order stands");
        push.sent(sent.messages, sent.next);
        held.requests += 1;
        self.core.emit(Fact::Pushed {
            queue: queue_id,
            consumer,
            messages: sent.messages,
            bytes: sent.bytes,
            next_offset: sent.next,
        });
        self.core.travel(
            Endpoint::Consumer(consumer),
            Server::Broker(broker),
            Direction::Down,
            Event::PushArrives(slot),
        );
        true
    }

    /// The client does not want the queue any more.
    fn end_order(&mut self, slot: PqSlot) {
        let held = self.held_queues.get_mut(slot.0);
        held.reply = PullReply {
            result: Ok(PullResult::NotFound),
            next_offset: held.next_offset,
        };
        let (client, queue) = (Endpoint::Consumer(held.consumer), held.queue);
        let broker = self.queues[queue.index()].broker;
        let event = Event::PullReplyArrives(slot);
        self.core
            .travel(client, Server::Broker(broker), Direction::Down, event);
    }

    /// An acknowledgement reaches the broker: the order goes on, if it still stands.
    pub(in crate::cluster) fn credit_arrives(&mut self, slot: PqSlot) {
        let held = self.held_queues.get(slot.0);
        let (group, queue) = (held.group, held.queue);
        let broker = self.queues[queue.index()].broker;
        if self.brokers[broker.index()].is_down {
            self.acknowledged(slot, false);
            return self.request_ended(slot);
        }
        self.core.emit(Fact::Request {
            broker,
            kind: RequestKind::Acknowledge,
            group: Some(group),
        });
        if let Some(finished) = self.acknowledged(slot, true) {
            let push = self.held_queues.get_mut(slot.0).push.as_mut();
            push.expect("credit belongs to an order").credit += u64::from(finished);
            if self.withdraw_pull(slot) {
                self.push(slot);
            }
        }
        self.request_ended(slot);
    }
}
