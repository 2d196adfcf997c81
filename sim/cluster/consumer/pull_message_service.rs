//! The pull loop: a held queue's request goes round as long as the queue is held.
//!
//! Checks, network, answer, checks again. An answer with messages or with none leads to the next pull at once
//! (after `pullInterval`, if messages came and it is set); a full cache puts the pull off by 50 ms. Left out
//! so far: failed pulls, filters, offsets out of range (nothing in this model can cause them yet).
//!
//! Source: `PullMessageService`, `DefaultMQPushConsumerImpl.pullMessage`, `PullCallback`.

use crate::cluster::Cluster;
use crate::cluster::consumer::flow_control::{CacheState, DELAY_WHEN_CACHE_FLOW_CONTROL, piggybacked_commit};
use crate::cluster::event::{Event, PqSlot};
use crate::cluster::fact::{Fact, Observer, PullResult};
use crate::cluster::network::{Direction, Endpoint, Server};

impl<O: Observer> Cluster<O> {
    /// A pull request comes up after a pause.
    pub(in crate::cluster) fn pull_due(&mut self, slot: PqSlot) {
        self.pull(slot);
    }

    /// Takes the pull request from the queue of the pull thread: checks, then sends it.
    #[inline]
    fn pull(&mut self, slot: PqSlot) {
        let now = self.core.now();
        let held = self.held_queues.get_mut(slot.0);
        let consumer = held.consumer;
        let client = &self.consumers[consumer.index()];
        if held.process_queue.dropped {
            return self.request_ended(slot);
        }
        held.process_queue.last_pull = now;
        if let Some(by) = client
            .thresholds
            .exceeded(CacheState::from(&held.process_queue), false)
        {
            let queue = held.queue;
            self.core.emit(Fact::FlowControlled { consumer, queue, by });
            self.core
                .scheduler
                .after(DELAY_WHEN_CACHE_FLOW_CONTROL, Event::PullDue(slot));
            return;
        }
        held.request_commit = piggybacked_commit(held.offset.read());
        let broker = self.queues[held.queue.index()].broker;
        let event = Event::PullArrives(slot);
        self.core.travel(
            Endpoint::Consumer(consumer),
            Server::Broker(broker),
            Direction::Up,
            event,
        );
    }

    /// The answer to a pull has come.
    #[inline]
    pub(in crate::cluster) fn pull_reply_arrives(&mut self, slot: PqSlot) {
        let held = self.held_queues.get_mut(slot.0);
        held.next_offset = held.reply.next_offset;
        if held.process_queue.dropped {
            held.inbox.clear();
            return self.request_ended(slot);
        }
        match held.reply.result {
            PullResult::Found => self.messages_arrive(slot),
            PullResult::NotFound => {
                if held.process_queue.msg_count() == 0 {
                    held.offset.update(held.next_offset, true);
                }
                self.pull(slot);
            }
        }
    }

    /// Messages go into the cache and to the listener, and the next pull follows.
    #[inline]
    fn messages_arrive(&mut self, slot: PqSlot) {
        let held = self.held_queues.get_mut(slot.0);
        let (consumer, queue) = (held.consumer, held.queue);
        let first = held.inbox[0].offset;
        let messages = held.inbox.len() as u32;
        held.process_queue.put(held.inbox.drain(..));
        let cached = held.process_queue.msg_count() as u32;
        self.core.emit(Fact::Cached {
            consumer,
            queue,
            messages,
            cached,
        });
        self.submit_consume_request(slot, first, messages);
        let held = self.held_queues.get(slot.0);
        let interval = self.config.groups[held.group.index()]
            .tuning
            .pull_interval
            .duration();
        if interval.is_zero() {
            self.pull(slot);
        } else {
            self.core.scheduler.after(interval, Event::PullDue(slot));
        }
    }
}
