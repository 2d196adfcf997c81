//! Consumer clients: the classic push consumer (`DefaultMQPushConsumer`), and what it is compared with (`delivery`).

pub mod allocate;
pub mod clean_expired_msg;
pub mod client;
pub mod connection;
pub mod consume_concurrently;
pub mod consume_orderly;
pub mod consume_request;
pub mod consume_result;
pub mod delivery;
pub mod epochs;
pub mod flow_control;
pub mod forward;
pub mod give_up_orderly;
pub mod guard;
pub mod guarded;
pub mod heartbeat;
pub mod held_queue;
pub mod idempotent;
pub mod inner_producer;
pub mod known_routes;
pub mod listener;
pub mod local_file_offset_store;
pub mod offset_repair;
pub mod offset_store;
pub mod offset_window;
pub mod orderly_dead_letter;
pub mod pause;
pub mod process_queue;
pub mod process_queue_table;
pub mod pull_api_wrapper;
pub mod pull_message_service;
pub mod push;
pub mod queue_locks;
pub mod rebalance_impl;
pub mod rebalance_service;
pub mod roused;
pub mod send_message_back;
pub mod settled;
pub mod shared_views;
pub mod shutdown;
pub mod spare_rooms;
pub mod start_offset;
pub mod subscribe;
pub mod timer_thread;
pub mod wishes;

use crate::cluster::broker::consumer_manager::ClientRank;
use crate::cluster::broker::topics::subscribed;
use crate::cluster::config::{ClusterConfig, ConsumerConfig, GroupConfig, Strategy};
use crate::cluster::consumer::allocate::{AllocateMessageQueueStrategy, Names, QueueName};
use crate::cluster::consumer::client::ConsumerClient;
use crate::cluster::directory::Directory;
use crate::cluster::ids::{ConsumerId, GroupId, QueueId};
use crate::cluster::message_queue::cmp_utf16;
use crate::cluster::network::Network;
use crate::kernel::streams::Streams;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A strategy inside a run.
pub type RunStrategy = dyn AllocateMessageQueueStrategy<QueueId, ClientRank>;

/// All clients, those that join later included, and what is known of their groups as a whole.
pub struct Consumers {
    /// By [`ConsumerId`].
    pub clients: Vec<ConsumerClient>,
    /// First client of each group.
    pub first: Vec<ConsumerId>,
    /// What strategies may know of the clients of each group.
    pub groups: Vec<GroupClients>,
    /// The strategies that clients run, by [`ConsumerClient::strategy`].
    pub strategies: Vec<Rc<RunStrategy>>,
}

/// Builds all clients.
pub fn build(config: &ClusterConfig, streams: &mut Streams, network: &mut Network) -> Consumers {
    let (mut clients, mut first, mut groups) = (Vec::new(), Vec::new(), Vec::new());
    let mut strategies = Vec::new();
    let rooms = config.brokers.iter().map(|broker| broker.machine_room.clone());
    let broker_rooms: Rc<[String]> = rooms.collect();
    for (at, group) in config.groups.iter().enumerate() {
        first.push(ConsumerId(clients.len() as u32));
        let known = GroupClients::of(group, &broker_rooms);
        let ranks = known.ranks(group);
        let build = |strategy: &Strategy| -> Rc<RunStrategy> {
            Rc::from(strategy.build(|member| ranks.get(member).cloned().unwrap_or_default()))
        };
        // Those of this group, and where they stand among all.
        let mut built: Vec<(&Strategy, u32)> = Vec::new();
        let all_topics = subscribed(config, at, None);
        for settings in &group.consumers {
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
            let rank = known.rank(&settings.client_id);
            let strategy = settings.strategy.as_ref().unwrap_or(&group.strategy);
            let known_as = built.iter().find(|(known, _)| *known == strategy);
            let number = known_as.map_or(strategies.len() as u32, |(_, number)| *number);
            if known_as.is_none() {
                strategies.push(build(strategy));
                built.push((strategy, number));
            }
            let mut client =
                ConsumerClient::new(id, group_id, rank, group, settings, topics, brokers, stream);
            client.strategy = number;
            clients.push(client);
        }
        groups.push(known);
    }
    Consumers {
        clients,
        first,
        groups,
        strategies,
    }
}

/// What strategies may know of the clients of one group. Of clients that share an id the first counts.
pub struct GroupClients {
    /// The distinct client ids in Java's order: by [`ClientRank`].
    ids: Vec<String>,
    /// Capacity: listener threads.
    weights: Vec<u32>,
    /// Machine rooms of clients; empty if not known.
    rooms: Vec<String>,
    /// Machine rooms of brokers, the same for all groups.
    broker_rooms: Rc<[String]>,
}

impl GroupClients {
    fn of(group: &GroupConfig, broker_rooms: &Rc<[String]>) -> Self {
        let mut clients: Vec<&ConsumerConfig> = group.consumers.iter().collect();
        clients.sort_by(|a, b| cmp_utf16(&a.client_id, &b.client_id));
        clients.dedup_by(|later, earlier| later.client_id == earlier.client_id);
        Self {
            ids: clients.iter().map(|client| client.client_id.clone()).collect(),
            weights: clients.iter().map(|client| client.threads).collect(),
            rooms: clients.iter().map(|client| client.machine_room.clone()).collect(),
            broker_rooms: Rc::clone(broker_rooms),
        }
    }

    fn rank(&self, client_id: &str) -> ClientRank {
        let rank = self.ids.binary_search_by(|known| cmp_utf16(known, client_id));
        rank.expect("every id is in the list of all ids") as ClientRank
    }

    /// Ranks of the members by name: a member has one for each of its client ids.
    fn ranks<'c>(&self, group: &'c GroupConfig) -> BTreeMap<&'c str, Vec<ClientRank>> {
        let mut ranks: BTreeMap<&str, Vec<ClientRank>> = BTreeMap::new();
        for member in &group.consumers {
            ranks
                .entry(&member.name)
                .or_default()
                .push(self.rank(&member.client_id));
        }
        ranks
    }
}

/// Texts, capacities and rooms of queues and of the clients of one group, for strategies that need them.
pub struct GroupNames<'a> {
    directory: &'a Directory,
    clients: &'a GroupClients,
}

impl<'a> GroupNames<'a> {
    /// Names of the group whose clients these are.
    pub fn new(directory: &'a Directory, clients: &'a GroupClients) -> Self {
        Self { directory, clients }
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
        &self.clients.ids[*client as usize]
    }

    fn weight(&self, client: &ClientRank) -> u32 {
        self.clients.weights[*client as usize]
    }

    fn broker_room<'n>(&'n self, queue: &'n QueueId) -> &'n str {
        &self.clients.broker_rooms[self.directory.queue(*queue).broker.index()]
    }

    fn client_room<'n>(&'n self, client: &'n ClientRank) -> &'n str {
        &self.clients.rooms[*client as usize]
    }
}
