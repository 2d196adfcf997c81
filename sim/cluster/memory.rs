//! What a cluster holds: records, caches, events and the tables of its parts, in bytes.
//!
//! It depends on the model and on the build alone, so a run of one program that meets a bound does so at the same event
//! wherever it runs.

use crate::cluster::Cluster;
use crate::cluster::agenda::Agenda;
use crate::cluster::broker::consume_queue::ConsumeQueue;
use crate::cluster::broker::consumer_manager::ConsumerManager;
use crate::cluster::broker::consumer_offset_manager::ConsumerOffsetManager;
use crate::cluster::broker::pull_request_hold::PullRequestHold;
use crate::cluster::broker::{Broker, Topics};
use crate::cluster::config::{ConsumerConfig, ProducerConfig, TimelineEntry};
use crate::cluster::consumer::client::ConsumerClient;
use crate::cluster::consumer::consume_request::RunningTask;
use crate::cluster::consumer::held_queue::HeldQueue;
use crate::cluster::consumer::shared_views::SharedViews;
use crate::cluster::directory::{ConsumerInfo, QueueInfo};
use crate::cluster::fact::Observer;
use crate::cluster::nameserver::NameServer;
use crate::cluster::network::Network;
use crate::cluster::producer::{Producer, SendInFlight};
use crate::cluster::slab::Slab;
use crate::kernel::memory;
use std::rc::Rc;

/// Bytes of the names of one member or instance, in the configuration and in the directory.
const NAMES: u64 = 150;

/// What a cluster and its observer hold, by part, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Queues, brokers and offsets, without records.
    pub queues: u64,
    /// Consumers and producers, and what brokers know of them.
    pub clients: u64,
    /// Records at brokers: in queues, waiting for their next attempt, in the index of keys.
    pub records: u64,
    /// Messages in the caches of clients.
    pub caches: u64,
    /// What listeners remember of what they have done.
    pub stores: u64,
    /// Pending events, what is on the wire, running listener calls.
    pub events: u64,
    /// The observer.
    pub observer: u64,
}

impl Holding {
    /// All of it.
    pub const fn total(&self) -> u64 {
        self.queues + self.clients + self.records + self.caches + self.stores + self.events + self.observer
    }
}

/// How large a cluster comes to be, for what is known of it before it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Brokers.
    pub brokers: u64,
    /// Name servers.
    pub name_servers: u64,
    /// Queues of all topics.
    pub queues: u64,
    /// Groups.
    pub groups: u64,
    /// Groups that read a queue, on the mean.
    pub readers: u64,
    /// Queues that clients hold, each counted for each client.
    pub held_queues: u64,
    /// Lives of consumers.
    pub consumers: u64,
    /// Producers.
    pub producers: u64,
    /// Queues in the route of a producer, on the mean.
    pub route: u64,
    /// Topics of a consumer.
    pub topics: u64,
    /// Topics × brokers that have them, retry topics included.
    pub placements: u64,
    /// Members and queues in all views of their topics that groups keep, each counted for each view.
    pub viewed: (u64, u64),
    /// Steps of the timeline.
    pub steps: u64,
    /// Whether every envelope takes equally long.
    pub constant_network: bool,
}

impl Size {
    /// Bytes of the tables of queues and brokers.
    pub fn queues_held(&self) -> u64 {
        let of_queue = ConsumeQueue::table_held_for(self.readers) + PullRequestHold::held_for(self.readers);
        let brokers = self.brokers.max(1);
        memory::of_grown::<ConsumeQueue>(self.queues)
            + memory::of_grown::<PullRequestHold>(self.queues)
            + memory::of_grown::<QueueInfo>(self.queues)
            + self.queues.saturating_mul(of_queue)
            + Topics::held_for(self.placements, self.queues)
            + NameServer::held_for(self.placements, self.queues)
            + ConsumerOffsetManager::held_for(self.queues, self.readers)
            + brokers * Broker::table_held_for(self.queues.div_ceil(brokers), self.groups)
    }

    /// Bytes of clients, and of what brokers know of them. `tasks` wait for a thread of each consumer.
    pub fn clients_held(&self, tasks: u64) -> u64 {
        let (consumers, producers) = (self.consumers, self.producers);
        let queues = self.held_queues / consumers.max(1);
        let of_consumer = NAMES
            + (size_of::<ConsumerConfig>() + size_of::<ConsumerInfo>()) as u64
            + ConsumerClient::held_for(self.brokers as usize, self.topics, queues, tasks);
        let of_producer = NAMES + (size_of::<ProducerConfig>() + size_of::<Producer>()) as u64;
        let of_network = match self.constant_network {
            true => Network::held_for(0, consumers, producers),
            false => Network::held_for(self.brokers + self.name_servers, consumers, producers),
        };
        let groups = self.groups.max(1);
        let known = groups * ConsumerManager::held_for(consumers.div_ceil(groups), consumers, self.topics);
        memory::of_grown::<ConsumerClient>(consumers)
            + consumers.saturating_mul(of_consumer)
            + producers * (of_producer + Producer::held_for(self.route))
            + of_network
            + self.brokers * known
            + SharedViews::held_for(self.viewed.0, self.viewed.1)
    }

    /// Bytes of so many queues that clients hold or have not forgotten. As many caches as `filled` says are filled, each with
    /// so many messages, which came in answers of so many.
    pub fn caches_held(held: u64, filled: (u64, u64), answer: u64) -> u64 {
        let (caches, messages) = filled;
        Slab::<HeldQueue>::held_for(held) + caches.saturating_mul(HeldQueue::held_for(messages, answer))
    }

    /// Bytes of so many pending events, sends and listener calls, and of the timeline.
    pub fn events_held(&self, events: u64, sends: u64, calls: u64) -> u64 {
        Agenda::held_for(events)
            + memory::of::<TimelineEntry>(self.steps as usize)
            + Slab::<SendInFlight>::held_for(sends)
            + Slab::<RunningTask>::held_for(calls)
    }
}

impl<O: Observer> Cluster<O> {
    /// Bytes that the cluster and its observer hold.
    pub fn held(&self) -> u64 {
        self.holding().total()
    }

    /// The same by part.
    pub fn holding(&self) -> Holding {
        Holding {
            queues: self.queues_held(),
            clients: self.clients_held(),
            records: self.records_held(),
            caches: self.held_queues.held()
                + self.spare_rooms.held()
                + (self.held_queues.iter())
                    .map(|(_, queue)| queue.held())
                    .sum::<u64>(),
            stores: self.idempotence.held(),
            events: self.core.scheduler.held()
                + self.core.envelopes.held()
                + (self.core.envelopes.iter())
                    .map(|(_, envelope)| envelope.held())
                    .sum::<u64>()
                + memory::of_vec(&self.config.timeline)
                + self.core.offset_lists.held()
                + self.sends.held()
                + self.tasks.held(),
            observer: self.core.observer.held(),
        }
    }

    fn queues_held(&self) -> u64 {
        let queues =
            memory::of_vec(&self.queues) + self.queues.iter().map(ConsumeQueue::table_held).sum::<u64>();
        let holds = memory::of_vec(&self.holds) + self.holds.iter().map(PullRequestHold::held).sum::<u64>();
        let brokers = self.brokers.iter().map(Broker::table_held).sum::<u64>();
        let known =
            memory::of_vec(&self.core.directory.queues) + self.topics.held() + self.name_server.held();
        queues + holds + brokers + known + self.offsets.held()
    }

    fn records_held(&self) -> u64 {
        let queues = self.queues.iter().map(ConsumeQueue::records_held).sum::<u64>();
        queues + self.brokers.iter().map(Broker::records_held).sum::<u64>() + self.index.held()
    }

    fn clients_held(&self) -> u64 {
        let of_consumer = NAMES + (size_of::<ConsumerConfig>() + size_of::<ConsumerInfo>()) as u64;
        let of_producer = NAMES + (size_of::<ProducerConfig>() + size_of::<Producer>()) as u64;
        let consumers =
            memory::of_vec(&self.consumers) + self.consumers.iter().map(ConsumerClient::held).sum::<u64>();
        consumers
            + self.consumers.len() as u64 * of_consumer
            + self.producers.len() as u64 * of_producer
            + self.producers.iter().map(Producer::held).sum::<u64>()
            + self.core.network.held()
            + self.brokers.iter().map(Broker::clients_held).sum::<u64>()
            + self.local_offsets.held()
            + self.shared_views.iter().map(SharedViews::held).sum::<u64>()
    }
}

/// Bytes of a list that several hold: what falls to one of them.
pub(in crate::cluster) fn of_shared<T>(list: &Rc<Vec<T>>) -> u64 {
    memory::of_vec(list) / Rc::strong_count(list) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever adds up what all of them hold has counted it once, give or take a byte each.
    #[test]
    fn a_shared_list_is_counted_once() {
        let list: Rc<Vec<u32>> = Rc::new(vec![0; 100]);
        assert_eq!(of_shared(&list), 416);
        let others = [Rc::clone(&list), Rc::clone(&list)];
        assert_eq!(others.iter().map(of_shared).sum::<u64>() + of_shared(&list), 414);
    }
}
