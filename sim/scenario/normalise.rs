//! The normal form of a scenario: every default filled in, names sorted, one spelling for each quantity.
//!
//! It goes into the report. Reading it again yields the same configuration; two files that mean the same have
//! the same normal form.

use crate::cluster::config::ClusterConfig;
use crate::scenario::schema::{ArrivalsBlock, Brokers, ConsumerBlock, Consumers, ScenarioFile};
use crate::scenario::{defaults, resolve};

/// The normal form of `file`, which was resolved to `config`.
pub fn normalise(file: &ScenarioFile, config: &ClusterConfig) -> ScenarioFile {
    let mut file = file.clone();
    file.schema = None;
    file.sample_interval = Some(
        file.sample_interval
            .unwrap_or(defaults::sample_interval(file.duration)),
    );
    file.cluster.brokers = Brokers::Named(config.brokers.iter().map(|b| b.name.clone()).collect());
    let all_brokers: Vec<String> = config.brokers.iter().map(|b| b.name.clone()).collect();
    for topic in file.cluster.topics.values_mut() {
        let queues = resolve::topic_queues(topic);
        topic.queues_per_broker.get_or_insert(defaults::QUEUES_PER_BROKER);
        topic.read_queue_nums = Some(queues.read);
        topic.write_queue_nums = Some(queues.write);
        topic.brokers.get_or_insert(all_brokers.clone()).sort();
    }
    file.cluster.topics.sort_keys();
    file.cluster
        .machine_rooms
        .values_mut()
        .for_each(|brokers| brokers.sort());
    file.cluster.machine_rooms.sort_keys();
    let only_topic = config.topics.first().map(|t| t.name.clone()).unwrap_or_default();
    for producer in file.producers.values_mut() {
        producer.topic.get_or_insert(only_topic.clone());
        if !matches!(producer.arrivals, ArrivalsBlock::AtOnce) {
            producer.rate.get_or_insert(defaults::rate());
        }
        producer.stop.get_or_insert(file.duration);
    }
    file.producers.sort_keys();
    for (name, group) in &mut file.groups {
        let subscribe = group.subscribe.get_or_insert_default();
        if subscribe.is_empty() {
            subscribe.insert(only_topic.clone(), "*".to_owned());
        }
        subscribe
            .values_mut()
            .for_each(|expression| "*".clone_into(expression));
        subscribe.sort_keys();
        let mut blocks: Vec<ConsumerBlock> = group.consumers.blocks().to_vec();
        let mut numbered = 0;
        for block in &mut blocks {
            let members = block.members();
            let names = (numbered + 1..=numbered + members).map(|n| format!("{name}-{n}"));
            block.client_ids.get_or_insert(names.collect());
            block.count = Some(members);
            numbered += members;
        }
        group.consumers = Consumers::Listed(blocks);
    }
    file.groups.sort_keys();
    file
}
