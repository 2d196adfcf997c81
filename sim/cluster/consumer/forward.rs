//! The forwarder: listeners that send what they get to another topic, instead of working on it.
//!
//! What teams do with a backlog that a topic has too few queues for: its consumers are changed to send each message on
//! to a topic with many, and as many new consumers as that has queues do the work there. Messages keep their identity,
//! their keys and their tags; the groups of the other topic see them as newly stored. A call takes the time to read and
//! to send; its thread waits for the answer of the broker, and only then is the message done. Queues of the target are
//! taken in turn. Left out: time-outs of the send; on a link that is cut it waits, or fails with the connection, which
//! is a failure of the listener.

use crate::cluster::Cluster;
use crate::cluster::consumer::listener::Outcome;
use crate::cluster::consumer::send_message_back::AfterFailure;
use crate::cluster::event::{Event, TaskSlot};
use crate::cluster::fact::{Fact, Observer, RequestKind};
use crate::cluster::ids::{ConsumerId, QueueId, TopicId};
use crate::cluster::message::Record;
use crate::cluster::network::{Direction, Endpoint, Server};
use crate::kernel::sampler::Sampler;

/// What a forwarding client needs.
#[derive(Debug)]
pub struct Forwarder {
    topic: TopicId,
    /// How long one message takes, the send apart.
    pub(super) service: Sampler,
    /// Sends so far: queues are taken in turn.
    sends: u64,
}

impl<O: Observer> Cluster<O> {
    /// Timeline: the listener of a member forwards from now on.
    pub(in crate::cluster) fn set_forward(&mut self, consumer: ConsumerId, forward: u32) {
        let config = &self.config.forwards[forward as usize];
        self.consumers[consumer.index()].forwarder = Some(Box::new(Forwarder {
            topic: config.topic,
            service: Sampler::new(&config.service).expect("the scenario has checked the service time"),
            sends: 0,
        }));
    }

    /// A forwarding call has read its messages: it sends them, and waits.
    pub(super) fn forward(&mut self, slot: TaskSlot) {
        let task = self.tasks.get(slot.0);
        let consumer = self.held_queues.get(task.held_queue.0).consumer;
        let client = &mut self.consumers[consumer.index()];
        let forwarder = client
            .forwarder
            .as_mut()
            .expect("who forwards goes on to forward");
        forwarder.sends += 1;
        let route = self.name_server.route(forwarder.topic);
        let queues = route.as_ref().map_or(&[][..], |route| &route.write_queues);
        if queues.is_empty() {
            return self.forward_failed(slot);
        }
        let queue = queues[(forwarder.sends % queues.len() as u64) as usize];
        let broker = self.queues[queue.index()].broker;
        self.tasks.get_mut(slot.0).after_failure = Some(Box::new(AfterFailure::Forwarding { to: queue }));
        self.core.travel(
            Endpoint::Consumer(consumer),
            Server::Broker(broker),
            Direction::Up,
            Event::ForwardArrives(slot),
        );
    }

    /// SEND_MESSAGE of a forwarder.
    pub(in crate::cluster) fn forward_arrives(&mut self, slot: TaskSlot) {
        let now = self.core.now();
        let task = self.tasks.get(slot.0);
        let Some(AfterFailure::Forwarding { to: queue }) = task.after_failure.as_deref() else {
            unreachable!("what is forwarded has a target");
        };
        let queue: QueueId = *queue;
        let held = self.held_queues.get(task.held_queue.0);
        let (consumer, group) = (held.consumer, held.group);
        let place = &self.queues[queue.index()];
        let (broker, topic) = (place.broker, place.topic);
        let messages = task.offsets().filter_map(|offset| held.process_queue.get(offset));
        if self.brokers[broker.index()].is_down {
            return self.forward_failed(slot);
        }
        let records: Vec<Record> = messages
            .map(|message| Record {
                stored: now,
                origin_topic: topic,
                reconsume_times: 0,
                ..Record::from(message)
            })
            .collect();
        self.core.emit(Fact::Request {
            broker,
            kind: RequestKind::Send,
            group: Some(group),
        });
        for record in records {
            let offset = self.append(queue, record);
            self.core.emit(Fact::Forwarded {
                consumer,
                queue,
                offset,
                message: record.id,
                body_size: record.body_size,
            });
        }
        self.core.travel(
            Endpoint::Consumer(consumer),
            Server::Broker(broker),
            Direction::Down,
            Event::ForwardReplyArrives(slot),
        );
        self.make_visible(broker);
    }

    /// The broker has stored what was forwarded: the call ends as any other.
    pub(in crate::cluster) fn forward_reply_arrives(&mut self, slot: TaskSlot) {
        let task = self.tasks.get_mut(slot.0);
        task.after_failure = None;
        task.outcome = Outcome::Success;
        self.consume_done(slot);
    }

    /// The send has failed, and so has the listener.
    pub(super) fn forward_failed(&mut self, slot: TaskSlot) {
        let task = self.tasks.get_mut(slot.0);
        task.after_failure = None;
        task.block();
        self.consume_done(slot);
    }
}
