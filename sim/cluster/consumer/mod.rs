//! Consumer clients: the classic push consumer (`DefaultMQPushConsumer`).

pub mod allocate;
pub mod client;
pub mod connection;
pub mod consume_concurrently;
pub mod consume_result;
pub mod flow_control;
pub mod heartbeat;
pub mod held_queue;
pub mod offset_store;
pub mod offset_window;
pub mod pause;
pub mod process_queue;
pub mod pull_message_service;
pub mod rebalance_impl;
pub mod rebalance_service;
pub mod send_message_back;
pub mod shutdown;
pub mod timer_thread;

use crate::cluster::broker::consumer_manager::ClientRank;
use crate::cluster::broker::topics::subscribed;
use crate::cluster::config::{ClusterConfig, GroupConfig};
use crate::cluster::consumer::allocate::{Names, QueueName};
use crate::cluster::consumer::client::ConsumerClient;
use crate::cluster::directory::Directory;
use crate::cluster::ids::{ConsumerId, GroupId, QueueId};
use crate::cluster::message_queue::cmp_utf16;
use crate::cluster::network::Network;
use crate::kernel::streams::Streams;
use std::rc::Rc;

/// All clients, those that join later included, and what is known of their groups as a whole.
pub struct Consumers {
    /// By [`ConsumerId`].
    pub clients: Vec<ConsumerClient>,
    /// First client of each group.
    pub first: Vec<ConsumerId>,
    /// The distinct client ids of each group in Java's order: by [`ClientRank`].
    pub client_ids: Vec<Vec<String>>,
}

/// Builds all clients.
pub fn build(config: &ClusterConfig, streams: &mut Streams, network: &mut Network) -> Consumers {
    let (mut clients, mut first, mut client_ids) = (Vec::new(), Vec::new(), Vec::new());
    for (at, group) in config.groups.iter().enumerate() {
        first.push(ConsumerId(clients.len() as u32));
        let ids = sorted_client_ids(group);
        let all_topics = subscribed(config, at, None);
        for settings in &group.consumers {
            let rank = ids.binary_search_by(|known| cmp_utf16(known, &settings.client_id));
            let rank = rank.expect("every id is in the list of all ids") as ClientRank;
            // The first life keeps the bare name, whatever comes after it.
            let entity = match settings.life {
                1 => settings.name.clone(),
                life => format!("{}#{life}", settings.name),
            };
            network.add_consumer(streams, &entity);
            let id = ConsumerId(clients.len() as u32);
            let stream = streams.stream(&entity, "rebalance");
            let group_id = GroupId(at as u32);
            let brokers = config.brokers.len();
            let topics = match &settings.subscribe {
                None => Rc::clone(&all_topics),
                Some(own) => subscribed(config, at, Some(own)),
            };
            clients.push(ConsumerClient::new(
                id, group_id, rank, group, settings, topics, brokers, stream,
            ));
        }
        client_ids.push(ids);
    }
    Consumers {
        clients,
        first,
        client_ids,
    }
}

/// The distinct client ids of a group in Java's order.
fn sorted_client_ids(group: &GroupConfig) -> Vec<String> {
    let mut ids: Vec<String> = group.consumers.iter().map(|c| c.client_id.clone()).collect();
    ids.sort_by(|a, b| cmp_utf16(a, b));
    ids.dedup();
    ids
}

/// Texts of queues and of the clients of one group, for strategies that need them.
pub struct GroupNames<'a> {
    directory: &'a Directory,
    client_ids: &'a [String],
}

impl<'a> GroupNames<'a> {
    /// Names of a group whose distinct client ids, in order, are `client_ids`.
    pub fn new(directory: &'a Directory, client_ids: &'a [String]) -> Self {
        Self {
            directory,
            client_ids,
        }
    }
}

impl Names<QueueId, ClientRank> for GroupNames<'_> {
    fn queue<'n>(&'n self, queue: &'n QueueId) -> QueueName<'n> {
        let info = self.directory.queue(*queue);
        QueueName {
            topic: &self.directory.topic(info.topic).name,
            broker_name: self.directory.broker(info.broker),
            queue_id: info.index as i32,
        }
    }

    fn client<'n>(&'n self, client: &'n ClientRank) -> &'n str {
        &self.client_ids[*client as usize]
    }
}
