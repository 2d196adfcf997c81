//! Consumer groups of the file to members with names and client ids.

use super::expressions::Filters;
use super::listeners::Nameable;
use super::{Resolver, field, topic_position};
use crate::cluster::config::{
    ConsumeFromWhere, ConsumerConfig, ConsumerTuning, Delivery, GroupConfig, ListenerKind, LocalOffsetStore,
    MessageModel, OrderlySettings, TopicConfig,
};
use crate::cluster::consumer::delivery::INTERVALS;
use crate::cluster::ids::TopicId;
use crate::kernel::time::SimTime;
use crate::scenario::diagnostic::Span;
use crate::scenario::limits;
use crate::scenario::locate::{self, FieldPath};
use crate::scenario::schema::{ConsumerBlock, Consumers, GroupBlock, Listener, OnFailure};
use indexmap::IndexMap;
use std::collections::BTreeSet;

impl Resolver<'_> {
    pub(super) fn groups(&mut self, known: Nameable<'_>) -> Vec<GroupConfig> {
        let (file, topics) = (self.file, known.topics);
        let members = |g: &GroupBlock| {
            g.consumers
                .blocks()
                .iter()
                .map(|b| u64::from(b.members()))
                .sum::<u64>()
        };
        let total: u64 = file.groups.values().map(members).sum();
        let path = field!["groups"];
        let too_many = self.bound(&path, file.groups.len() as u64, limits::GROUPS, "groups")
            | self.bound(&path, total, limits::CONSUMERS, "consumers");
        let mut blocks: Vec<(&String, &GroupBlock)> = file.groups.iter().collect();
        blocks.sort_by_key(|(name, _)| *name);
        let mut groups = Vec::new();
        for (name, block) in blocks {
            let path = field!["groups", name];
            self.group_name(&path, name);
            self.consumer_tuning(&path.key("tuning"), &block.tuning);
            let (subscribe, filters) = self.subscription(&path, block, topics);
            let mut group = GroupConfig {
                name: name.clone(),
                subscribe,
                message_model: block.message_model,
                local_offset_store: self.local_offset_store(&path, block),
                listener: self.listener(&path, block),
                strategy: block.strategy.clone(),
                consume_from_where: block.consume_from_where,
                delivery: self.delivery(&path, block),
                guard: self.guard(&path, block),
                consume_timestamp: self.consume_timestamp(&path, block),
                subscription_group: block.subscription_group,
                tuning: block.tuning.clone(),
                idempotent: None,
                consumers: Vec::new(),
            };
            if let Some(idempotent) = &block.idempotent {
                let path = path.key("idempotent");
                let subscribe = group.subscribe.clone();
                group.idempotent = Some(self.idempotent(&path, idempotent, &subscribe, known.producers));
            }
            self.no_push_through(&path.key("subscribe"), &filters, group.delivery);
            if !too_many && self.fits {
                group.consumers = self.consumers(&path, (&group, &filters), block, known);
            }
            groups.push(group);
        }
        groups
    }

    /// `localOffsetStore`, which only broadcasting groups have.
    fn local_offset_store(&mut self, path: &FieldPath, block: &GroupBlock) -> LocalOffsetStore {
        if block.local_offset_store.is_some() && block.message_model == MessageModel::Clustering {
            let message = "\"localOffsetStore\" belongs to \"BROADCASTING\"";
            let problem = self.problem(&path.key("localOffsetStore"), message);
            problem.label = "without effect".to_owned();
            problem
                .help
                .push("the offsets of a \"CLUSTERING\" group are kept by the brokers".to_owned());
        }
        block.local_offset_store.unwrap_or_default()
    }

    /// How the members of a group call their listeners.
    fn listener(&mut self, path: &FieldPath, block: &GroupBlock) -> ListenerKind {
        let settings = block.orderly.unwrap_or_default();
        if block.listener == Listener::Concurrently {
            if block.orderly.is_some() {
                let problem = self.name_problem(
                    &path.key("orderly"),
                    "`orderly` is for listeners that consume in order",
                );
                problem.label = "the listener of this group is \"concurrently\"".to_owned();
                problem
                    .help
                    .push("add \"listener\": \"orderly\", or leave the block out".to_owned());
            }
            return ListenerKind::Concurrently;
        }
        if block.message_model == MessageModel::Broadcasting {
            let message = "an orderly listener of a broadcasting group is not supported";
            let problem = self.problem(&path.key("listener"), message);
            problem.label = "needs \"CLUSTERING\"".to_owned();
            problem.help.push(
                "RocketMQ would take no locks there, and order holds within each member alone".to_owned(),
            );
        }
        if block.idempotent.is_some() {
            let message = "`idempotent` is for concurrent listeners so far";
            let problem = self.name_problem(&path.key("idempotent"), message);
            problem.label = "the listener of this group is \"orderly\"".to_owned();
            problem
                .help
                .push("leave it out: duplicates are counted by cause all the same".to_owned());
        }
        let path = path.key("orderly");
        let by_hand = "add \"autoCommit\": false: RocketMQ commits each success by itself otherwise";
        if settings.auto_commit && settings.commit_every.is_some() {
            let problem = self.name_problem(
                &path.key("commitEvery"),
                "`commitEvery` needs a listener that commits by hand",
            );
            problem.label = "\"autoCommit\" is true".to_owned();
            problem.help.push(by_hand.to_owned());
        }
        let rollback = settings.on_failure == OnFailure::Rollback;
        if settings.auto_commit && rollback {
            let problem = self.problem(
                &path.key("onFailure"),
                "\"rollback\" needs a listener that commits by hand",
            );
            problem.label = "\"autoCommit\" is true: RocketMQ takes ROLLBACK for a success then".to_owned();
            problem
                .help
                .push("add \"autoCommit\": false, or fail with \"suspend\"".to_owned());
        }
        ListenerKind::Orderly(OrderlySettings {
            auto_commit: settings.auto_commit,
            commit_every: settings.commit_every,
            rollback,
        })
    }

    /// The delivery style, with an interval that works.
    fn delivery(&mut self, path: &FieldPath, block: &GroupBlock) -> Delivery {
        let (least, most) = INTERVALS;
        if let Some(interval) = block.delivery.interval()
            && !(least..=most).contains(&interval)
        {
            let path = path.key("delivery").key(block.delivery.word()).key("interval");
            let message = format!("`interval` must be between {least} and {most}, but is {interval}");
            let problem = self.problem(&path, message);
            problem.label = "out of range".to_owned();
            if interval > most {
                problem.help.push(
                    "a queue that is not asked for in 2m is taken away and given anew (pullMaxIdleTime)"
                        .to_owned(),
                );
            } else {
                problem
                    .help
                    .push("\"push\" sends at once, without asking".to_owned());
            }
        }
        if block.listener == Listener::Orderly
            && matches!(block.delivery, Delivery::Push { .. } | Delivery::Pull { .. })
        {
            let problem = self.name_problem(
                &path.key("delivery"),
                "a listener that consumes in order needs polls that wait for its locks",
            );
            problem.label = format!("\"{}\" knows no locks", block.delivery.word());
            problem
                .help
                .push("leave \"delivery\" out, or use \"shortPolling\"".to_owned());
        }
        block.delivery
    }

    fn subscription(
        &mut self,
        path: &FieldPath,
        block: &GroupBlock,
        topics: &[TopicConfig],
    ) -> (Vec<TopicId>, Filters) {
        if let Some(subscribe) = &block.subscribe {
            return self.subscribed(&path.key("subscribe"), subscribe, topics);
        }
        let of_members = block
            .consumers
            .blocks()
            .iter()
            .filter_map(|b| b.subscribe.as_ref());
        let names: BTreeSet<&String> = of_members.flat_map(IndexMap::keys).collect();
        if !names.is_empty() {
            // Those that do not exist are reported with the members.
            let known = |name: &&String| topic_position(topics, name);
            let known = names.iter().filter_map(known).map(|i| TopicId(i as u32));
            return (known.collect(), Filters::new());
        }
        if self.file.cluster.topics.len() > 1 {
            let problem = self.name_problem(path, format!("`{path}` must say which topics it subscribes to"));
            problem.label = "\"subscribe\" is missing, and there are several topics".to_owned();
            problem
                .help
                .push("for example \"subscribe\": { \"orders\": \"*\" }".to_owned());
        }
        (vec![TopicId(0)], Filters::new())
    }

    /// `consumeTimestamp`, which belongs to one way to start.
    fn consume_timestamp(&mut self, path: &FieldPath, block: &GroupBlock) -> Option<SimTime> {
        let timestamp = block.consume_timestamp?;
        if block.consume_from_where != ConsumeFromWhere::Timestamp {
            let path = path.key("consumeTimestamp");
            let message = "`consumeTimestamp` belongs to CONSUME_FROM_TIMESTAMP";
            let problem = self.problem(&path, message);
            problem.label = "without effect".to_owned();
            problem
                .help
                .push("set \"consumeFromWhere\": \"CONSUME_FROM_TIMESTAMP\" beside it".to_owned());
        }
        Some(SimTime::ZERO + timestamp)
    }

    /// The topics of a block's members, and which messages of them, if they say so: topics of the group.
    fn own_subscription(
        &mut self,
        path: &FieldPath,
        block: &ConsumerBlock,
        group: &GroupConfig,
        topics: &[TopicConfig],
    ) -> Option<(Vec<TopicId>, Filters)> {
        let path = path.key("subscribe");
        let (own, filters) = self.subscribed(&path, block.subscribe.as_ref()?, topics);
        for topic in &own {
            if group.subscribe.binary_search(topic).is_ok() {
                continue;
            }
            let name = &topics[topic.index()].name;
            let message = format!("the group `{}` does not subscribe to `{name}`", group.name);
            let of_group = locate::key_span_of(self.root, &field!["groups", group.name, "subscribe"]);
            let problem = self.name_problem(&path.key(name), message);
            problem.label = "not in the group's \"subscribe\"".to_owned();
            problem.related.push((of_group, "the group's".to_owned()));
            problem.help.push(
                "add it there, or leave the group's \"subscribe\" out: it is then all that its consumers name"
                    .to_owned(),
            );
        }
        Some((own, filters))
    }

    fn consumers(
        &mut self,
        path: &FieldPath,
        (group, filters): (&GroupConfig, &Filters),
        block: &GroupBlock,
        known: Nameable<'_>,
    ) -> Vec<ConsumerConfig> {
        let mut members: Vec<ConsumerConfig> = Vec::new();
        for (i, consumers) in block.consumers.blocks().iter().enumerate() {
            let path = block_path(path, block, i);
            self.dist(&path.key("service"), &consumers.service);
            let start = self.before_end(&path.key("start"), consumers.start, "the consumers start");
            self.client_id_count(&path, consumers.client_ids.as_ref(), consumers.members());
            let (subscribe, filters) = match self.own_subscription(&path, consumers, group, known.topics) {
                None => (None, filters.clone()),
                Some((own, filters)) => (Some(own).filter(|own| *own != group.subscribe), filters),
            };
            if consumers.subscribe.is_some() {
                self.no_push_through(&path.key("subscribe"), &filters, group.delivery);
            }
            let failure = self.failure(&path.key("failure"), &consumers.failure, known);
            for n in 0..consumers.members() as usize {
                let name = format!("{}-{}", group.name, members.len() + 1);
                let given = consumers.client_ids.as_ref().and_then(|ids| ids.get(n));
                members.push(ConsumerConfig {
                    client_id: given.unwrap_or(&name).clone(),
                    name,
                    life: 1,
                    subscribe: subscribe.clone(),
                    filters: filters.clone(),
                    start: Some(start),
                    threads: consumers.threads,
                    service: consumers.service.clone(),
                    failure: failure.clone(),
                    interruptible: consumers.interruptible,
                    strategy: consumers.strategy.clone(),
                    machine_room: consumers.machine_room.clone().unwrap_or_default(),
                });
            }
        }
        members
    }

    /// Where the client id of member `number` (from 0) of a group stands, if it is one of the blocks' members: in
    /// `clientIds`, else at its block.
    pub(super) fn place_of_client_id(&self, group: &str, number: u32) -> Option<(FieldPath, Span)> {
        let block = &self.file.groups[group];
        let mut first = 0;
        for (i, consumers) in block.consumers.blocks().iter().enumerate() {
            let n = (number - first) as usize;
            if n < consumers.members() as usize {
                let path = block_path(&field!["groups", group], block, i);
                let node = locate::nearest_node(self.root, &path).0;
                return Some(match node.get("clientIds").and_then(|ids| ids.element(n)) {
                    Some(id) => (path.key("clientIds").index(n), id.span),
                    None => (path, node.opening()),
                });
            }
            first += consumers.members();
        }
        None
    }

    /// Checks the `clientIds` of the object at `path`, which stands for so many members.
    pub(super) fn client_id_count(&mut self, path: &FieldPath, ids: Option<&Vec<String>>, members: u32) {
        let Some(ids) = ids else { return };
        let path = path.key("clientIds");
        if ids.len() as u32 != members {
            let problem = self.problem(&path, format!("{} client ids for {members} consumers", ids.len()));
            problem.label = "one for each is needed".to_owned();
            problem
                .help
                .push("leave \"count\" out to have as many consumers as ids".to_owned());
        }
        for (i, id) in ids.iter().enumerate() {
            if id.is_empty() || id.chars().count() > 255 || id.chars().any(char::is_control) {
                let problem = self.problem(
                    &path.index(i),
                    "a client id has 1 to 255 characters and no control characters",
                );
                problem.label = "not a client id".to_owned();
            }
        }
    }

    /// Checks settings against each other and against what this version can do.
    ///
    /// Source: `DefaultMQPushConsumerImpl.checkConfig`; `CONSUMER_TIMEOUT_MILLIS_WHEN_SUSPEND` is 30 s.
    fn consumer_tuning(&mut self, path: &FieldPath, tuning: &ConsumerTuning) {
        let per_topic = [
            ("pullThresholdForTopic", tuning.pull_threshold_for_topic),
            ("pullThresholdSizeForTopic", tuning.pull_threshold_size_for_topic),
        ];
        for (key, value) in per_topic {
            if value == 0 {
                let problem = self.problem(&path.key(key), format!("`{key}` cannot be 0"));
                problem.label = "RocketMQ refuses it".to_owned();
                problem.help.push("-1 turns it off".to_owned());
            }
        }
        if tuning.broker_suspend_max_time_millis.0 >= 30_000 {
            let path = path.key("brokerSuspendMaxTimeMillis");
            let problem = self.problem(&path, "`brokerSuspendMaxTimeMillis` must be less than 30000");
            problem.label = "every hold would end in a client time-out".to_owned();
            problem.help.push(
                "the client gives up on a pull after 30 s (consumerTimeoutMillisWhenSuspend)".to_owned(),
            );
        }
    }
}

/// Where block `i` of the consumers of the group at `path` stands.
fn block_path(path: &FieldPath, block: &GroupBlock, i: usize) -> FieldPath {
    let base = path.key("consumers");
    match block.consumers {
        Consumers::Alike(_) => base,
        Consumers::Listed(_) => base.index(i),
    }
}
