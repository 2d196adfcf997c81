//! Delivery by push, at the client: a standing order for each held queue, and what comes by it.
//!
//! The order goes to the broker as a pull does, and stays there: from then on whatever becomes visible in the queue is
//! sent at once, envelope after envelope, without being asked for and whatever the client's cache looks like. With a
//! credit the broker stops when so many messages are on their way or unfinished; the client gives credit back in
//! acknowledgements, each for at least half of it. When the connection is lost, what is on the wire is lost too, and the
//! order is repeated after 1 s from where the client stands, as a failed pull is. Offsets are committed at the 5 s tick.
//! Left out: the request that ends an order takes no time to reach the broker; messages thrown away with a queue that was
//! given up need no acknowledgement.
//!
//! Not RocketMQ's; compare `basic.consume` and the prefetch count of AMQP.

use crate::cluster::Cluster;
use crate::cluster::consumer::delivery::Delivery;
use crate::cluster::event::{Event, PqSlot};
use crate::cluster::fact::Observer;
use crate::cluster::network::{Direction, Endpoint, Server};
use crate::kernel::memory;
use std::collections::VecDeque;

/// A standing order and what is on the wire of it.
#[derive(Debug)]
pub struct Push {
    /// First offset that the broker has not sent.
    pub next: u64,
    /// Messages that the broker may still send.
    pub credit: u64,
    /// The whole credit; `u64::MAX` if there is no limit.
    whole: u64,
    /// Messages of each envelope on the wire, oldest first.
    envelopes: Wire,
    /// Messages that each acknowledgement on the wire speaks of.
    acknowledgements: Wire,
    /// Messages finished and not yet acknowledged.
    finished: u64,
}

/// Counts on the wire in one direction, in order.
#[derive(Debug, Default)]
struct Wire {
    counts: VecDeque<u32>,
    /// How many are still to arrive from a connection that was lost: they come to nothing.
    stale: u32,
}

impl Wire {
    /// The oldest arrives; `None` if it belongs to a connection that was lost.
    fn arrives(&mut self) -> Option<u32> {
        if self.stale > 0 {
            self.stale -= 1;
            return None;
        }
        self.counts.pop_front()
    }

    /// The youngest will not arrive.
    fn is_lost(&mut self) -> Option<u32> {
        let lost = self.counts.pop_back();
        self.stale -= u32::from(lost.is_none());
        lost
    }

    /// The connection is lost.
    fn breaks(&mut self) {
        self.stale += self.counts.len() as u32;
        self.counts.clear();
    }
}

impl Push {
    /// The order of a client whose `delivery` is push.
    pub fn of(delivery: Delivery) -> Option<Box<Self>> {
        let Delivery::Push { credit } = delivery else {
            return None;
        };
        let whole = credit.map_or(u64::MAX, u64::from);
        Some(Box::new(Self {
            next: 0,
            credit: whole,
            whole,
            envelopes: Wire::default(),
            acknowledgements: Wire::default(),
            finished: 0,
        }))
    }

    /// The order is made (again) by a client that has `unfinished` messages and wants those from `next` on.
    pub fn order(&mut self, next: u64, unfinished: u64) {
        self.next = next;
        self.credit = self.whole.saturating_sub(unfinished);
        self.finished = 0;
    }

    /// The broker sends an envelope.
    pub fn sent(&mut self, messages: u32, next: u64) {
        self.envelopes.counts.push_back(messages);
        self.next = next;
        if self.whole != u64::MAX {
            self.credit -= u64::from(messages);
        }
    }

    /// The order is over: whatever is on the wire comes to nothing.
    pub fn breaks(&mut self) {
        self.envelopes.breaks();
        self.acknowledgements.breaks();
    }

    /// Takes account of finished messages; how many are now to be acknowledged.
    fn finish(&mut self, messages: u64) -> Option<u32> {
        if self.whole == u64::MAX {
            return None;
        }
        self.finished += messages;
        let enough = self.whole.div_ceil(2);
        (self.finished >= enough).then(|| std::mem::take(&mut self.finished) as u32)
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let wires =
            memory::of_deque(&self.envelopes.counts) + memory::of_deque(&self.acknowledgements.counts);
        wires + memory::of::<Self>(1)
    }
}

impl<O: Observer> Cluster<O> {
    /// An envelope of pushed messages reaches the client.
    pub(in crate::cluster) fn push_arrives(&mut self, slot: PqSlot) {
        let held = self.held_queues.get_mut(slot.0);
        let push = held.push.as_mut().expect("pushed messages belong to an order");
        let Some(messages) = push.envelopes.arrives() else {
            return self.request_ended(slot);
        };
        if held.process_queue.dropped {
            held.inbox.drain(..messages as usize);
            return self.request_ended(slot);
        }
        held.next_offset = held.inbox[messages as usize - 1].offset + 1;
        self.take_in(slot, messages as usize);
        self.request_ended(slot);
    }

    /// An envelope of pushed messages on the wire will not arrive.
    pub(super) fn push_lost(&mut self, slot: PqSlot) {
        let held = self.held_queues.get_mut(slot.0);
        let push = held.push.as_mut().expect("pushed messages belong to an order");
        if let Some(messages) = push.envelopes.is_lost() {
            held.inbox.truncate(held.inbox.len() - messages as usize);
        }
        self.request_ended(slot);
    }

    /// Messages of a queue are finished: with enough of them the client gives credit back.
    pub(super) fn give_credit_back(&mut self, slot: PqSlot, messages: u64) {
        let held = self.held_queues.get_mut(slot.0);
        let push = held.push.as_mut().expect("credit belongs to an order");
        if !held.pulling {
            return;
        }
        let Some(finished) = push.finish(messages) else {
            return;
        };
        let (consumer, broker) = (held.consumer, self.queues[held.queue.index()].broker);
        // Without a connection there is no order: the next one says how much is unfinished.
        if self.consumers[consumer.index()]
            .connections
            .get(broker.index())
            .is_none()
        {
            return;
        }
        push.acknowledgements.counts.push_back(finished);
        held.requests += 1;
        self.core.travel(
            Endpoint::Consumer(consumer),
            Server::Broker(broker),
            Direction::Up,
            Event::CreditArrives(slot),
        );
    }

    /// An acknowledgement on the wire reaches the broker, or will not; what it speaks of, if that still counts.
    pub(in crate::cluster) fn acknowledged(&mut self, slot: PqSlot, arrives: bool) -> Option<u32> {
        let push = self.held_queues.get_mut(slot.0).push.as_mut();
        let wire = &mut push.expect("credit belongs to an order").acknowledgements;
        match arrives {
            true => wire.arrives(),
            false => wire.is_lost(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(credit: Option<u32>) -> Box<Push> {
        Push::of(Delivery::Push { credit }).unwrap()
    }

    /// Of a credit of 5 three are spent; the client speaks of finished messages three at a time.
    #[test]
    fn credit_is_given_back_by_halves() {
        let mut push = order(Some(5));
        push.order(10, 0);
        push.sent(3, 13);
        assert_eq!((push.credit, push.next), (2, 13));
        assert_eq!(
            [push.finish(2), push.finish(1), push.finish(1)],
            [None, Some(3), None]
        );
    }

    /// A client that has four unfinished messages when it orders again may be sent one more.
    #[test]
    fn an_order_counts_what_is_unfinished() {
        let mut push = order(Some(5));
        push.order(10, 4);
        assert_eq!(push.credit, 1);
        let mut push = order(None);
        push.order(10, 4);
        push.sent(1_000_000, 1_000_010);
        assert_eq!((push.credit, push.finish(1_000_000)), (u64::MAX - 4, None));
    }

    /// What was on the wire of a lost connection arrives before what is sent on the next one, and does not count.
    #[test]
    fn what_is_stale_comes_to_nothing() {
        let mut wire = Wire::default();
        wire.counts.extend([7, 8]);
        assert_eq!(wire.is_lost(), Some(8));
        wire.breaks();
        wire.counts.push_back(9);
        assert_eq!([wire.arrives(), wire.arrives()], [None, Some(9)]);
    }
}
