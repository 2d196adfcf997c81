//! Consumer clients: the classic push consumer (`DefaultMQPushConsumer`).

pub mod allocate;
pub mod client;
pub mod consume_concurrently;
pub mod consume_result;
pub mod flow_control;
pub mod held_queue;
pub mod offset_store;
pub mod process_queue;
pub mod pull_message_service;
pub mod rebalance_impl;
pub mod rebalance_service;
pub mod shutdown;

use crate::cluster::broker::consumer_manager::ClientRank;
use crate::cluster::config::{ClusterConfig, GroupConfig};
use crate::cluster::consumer::client::ConsumerClient;
use crate::cluster::ids::{ConsumerId, GroupId};
use crate::cluster::message_queue::cmp_utf16;
use crate::cluster::network::Network;
use crate::kernel::streams::Streams;

/// Builds all clients, those that join later included, and the first id of each group.
pub fn build(
    config: &ClusterConfig,
    streams: &mut Streams,
    network: &mut Network,
) -> (Vec<ConsumerClient>, Vec<ConsumerId>) {
    let (mut clients, mut first) = (Vec::new(), Vec::new());
    for (at, group) in config.groups.iter().enumerate() {
        first.push(ConsumerId(clients.len() as u32));
        for (settings, rank) in group.consumers.iter().zip(ranks(group)) {
            network.add_consumer(streams, &settings.name);
            let id = ConsumerId(clients.len() as u32);
            let stream = streams.stream(&settings.name, "rebalance");
            let group_id = GroupId(at as u32);
            let brokers = config.brokers.len();
            clients.push(ConsumerClient::new(id, group_id, rank, group, settings, brokers, stream));
        }
    }
    (clients, first)
}

/// For each member its client id's position among all distinct client ids of the group, in Java's order.
fn ranks(group: &GroupConfig) -> Vec<ClientRank> {
    let mut sorted: Vec<&str> = group.consumers.iter().map(|c| &*c.client_id).collect();
    sorted.sort_by(|a, b| cmp_utf16(a, b));
    sorted.dedup();
    let rank = |id: &str| sorted.binary_search_by(|known| cmp_utf16(known, id));
    let found = |id: &str| rank(id).expect("every id is in the list of all ids") as ClientRank;
    group.consumers.iter().map(|c| found(&c.client_id)).collect()
}
