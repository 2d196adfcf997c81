//! What a cluster holds: records, caches, events and the tables of its parts, in bytes.
//!
//! It depends on the model and on the build alone, so a run of one program that meets a bound does so at the same event
//! wherever it runs.

use crate::cluster::Cluster;
use crate::cluster::broker::Broker;
use crate::cluster::broker::consume_queue::ConsumeQueue;
use crate::cluster::broker::pull_request_hold::PullRequestHold;
use crate::cluster::config::{ConsumerConfig, ProducerConfig};
use crate::cluster::consumer::client::ConsumerClient;
use crate::cluster::directory::ConsumerInfo;
use crate::cluster::fact::Observer;
use crate::cluster::producer::Producer;
use crate::kernel::memory;

/// Bytes of the names of one member or instance, in the configuration and in the directory.
const NAMES: u64 = 150;

impl<O: Observer> Cluster<O> {
    /// Bytes that the cluster and its observer hold.
    pub fn held(&self) -> u64 {
        let queues = memory::of_vec(&self.queues) + self.queues.iter().map(ConsumeQueue::held).sum::<u64>();
        let holds = memory::of_vec(&self.holds) + self.holds.iter().map(PullRequestHold::held).sum::<u64>();
        let brokers: u64 = self.brokers.iter().map(Broker::held).sum();
        let caches = self.held_queues.held()
            + self
                .held_queues
                .iter()
                .map(|(_, queue)| queue.held())
                .sum::<u64>();
        let tables =
            self.offsets.held() + self.local_offsets.held() + self.index.held() + self.idempotence.held();
        let rooms = self.spare_rooms.held();
        let wire =
            self.core.scheduler.held() + self.core.envelopes.held() + self.sends.held() + self.tasks.held();
        let wire = wire + self.core.offset_lists.held();
        queues
            + holds
            + brokers
            + caches
            + tables
            + rooms
            + wire
            + self.clients_held()
            + self.core.observer.held()
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
    }
}
