//! The normal form of a scenario: every default filled in, names sorted, one spelling for each quantity.
//!
//! It goes into the report. Reading it again yields the same configuration; two files that mean the same have
//! the same normal form.

use crate::cluster::broker::index_service::DEFAULT_MAX_NUM;
use crate::cluster::broker::message_filter::SUB_ALL;
use crate::cluster::config::ClusterConfig;
use crate::kernel::dist::Dist;
use crate::kernel::time::SimDuration;
use crate::scenario::schema::{
    ArrivalsBlock, Brokers, ConsumerBlock, Consumers, ExpressionBlock, GroupBlock, ScenarioFile,
    ServersBlock, SubscribeBlock, TimelineBlock,
};
use crate::scenario::{defaults, resolve};

/// The normal form of `file`, which was resolved to `config`.
pub fn normalise(file: &ScenarioFile, config: &ClusterConfig) -> ScenarioFile {
    let mut file = file.clone();
    file.schema = None;
    // Nothing that a run measures depends on it.
    file.study = None;
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
        let subscribe = subscription(group, &only_topic);
        group.guard.iter_mut().for_each(resolve::spell_guard);
        let mut blocks: Vec<ConsumerBlock> = group.consumers.blocks().to_vec();
        let mut numbered = 0;
        for block in &mut blocks {
            let members = block.members();
            let names = (numbered + 1..=numbered + members).map(|n| format!("{name}-{n}"));
            block.client_ids.get_or_insert(names.collect());
            block.count = Some(members);
            block.subscribe.iter_mut().for_each(spell_subscription);
            block.subscribe.take_if(|own| *own == subscribe);
            numbered += members;
        }
        group.consumers = Consumers::Listed(blocks);
        group.subscribe = Some(subscribe);
    }
    file.groups.sort_keys();
    file.timeline.iter_mut().for_each(spell_entry);
    file
}

/// What a group subscribes to: what it says, else all that its consumers name, else the only topic.
fn subscription(group: &GroupBlock, only_topic: &str) -> SubscribeBlock {
    let own = || {
        group
            .consumers
            .blocks()
            .iter()
            .filter_map(|b| b.subscribe.clone())
    };
    let all = |topic: &str| (topic.to_owned(), None);
    let mut subscribe = match &group.subscribe {
        Some(subscribe) => subscribe.clone(),
        None if own().next().is_some() => own().flatten().map(|(topic, _)| all(&topic)).collect(),
        None => SubscribeBlock::from([all(only_topic)]),
    };
    spell_subscription(&mut subscribe);
    subscribe
}

fn spell_subscription(subscribe: &mut SubscribeBlock) {
    for expression in subscribe.values_mut() {
        let all = || ExpressionBlock::Tags(SUB_ALL.to_owned());
        let given = expression
            .take()
            .filter(|given| *given != ExpressionBlock::Tags(String::new()));
        *expression = Some(given.unwrap_or_else(all));
    }
    subscribe.sort_keys();
}

/// Fills in the defaults of an entry of the timeline.
fn spell_entry(entry: &mut TimelineBlock) {
    if entry.join.is_some() {
        entry.count = Some(entry.joining());
    }
    if entry.restart.is_some() {
        entry.down_for.get_or_insert(defaults::DOWN_FOR);
        entry.shutdown.get_or_insert_default();
        entry.client_id.get_or_insert_default();
        entry.times.get_or_insert(1);
    }
    if entry.busy.is_some() {
        entry.answer.get_or_insert_default();
    }
    if entry.forward.is_some() {
        let usual = Dist::Constant(SimDuration::from_millis(1));
        entry.service.get_or_insert(usual);
    }
    if entry.slow.is_some() {
        entry
            .from
            .get_or_insert_with(|| ServersBlock::One("*".to_owned()));
    }
    if entry.query_message.is_some() {
        entry.max_num.get_or_insert(DEFAULT_MAX_NUM);
    }
    entry.subscription.iter_mut().for_each(spell_subscription);
    if let Some(from) = &mut entry.from {
        *from = ServersBlock::Several(from.names().to_vec());
    }
}
