//! Consumer groups of the file to members with names and client ids.

use super::{Resolver, field};
use crate::cluster::config::{ConsumerConfig, ConsumerTuning, FailureConfig, GroupConfig, TopicConfig};
use crate::cluster::ids::TopicId;
use crate::kernel::time::SimTime;
use crate::scenario::diagnostic::Span;
use crate::scenario::limits;
use crate::scenario::locate::{self, FieldPath};
use crate::scenario::schema::{ConsumerBlock, Consumers, GroupBlock};
use std::collections::BTreeMap;

impl Resolver<'_> {
    pub(super) fn groups(&mut self, topics: &[TopicConfig]) -> Vec<GroupConfig> {
        let file = self.file;
        let members = |g: &GroupBlock| {
            g.consumers
                .blocks()
                .iter()
                .map(|b| u64::from(b.members()))
                .sum::<u64>()
        };
        let total: u64 = file.groups.values().map(members).sum();
        let too_many = self.bound(&field!["groups"], total, limits::CONSUMERS, "consumers");
        let mut blocks: Vec<(&String, &GroupBlock)> = file.groups.iter().collect();
        blocks.sort_by_key(|(name, _)| *name);
        let mut groups = Vec::new();
        for (name, block) in blocks {
            let path = field!["groups", name];
            self.group_name(&path, name);
            self.consumer_tuning(&path.key("tuning"), &block.tuning);
            groups.push(GroupConfig {
                name: name.clone(),
                subscribe: self.subscription(&path, block, topics),
                strategy: block.strategy.clone(),
                consume_from_where: block.consume_from_where,
                tuning: block.tuning.clone(),
                consumers: if too_many {
                    Vec::new()
                } else {
                    self.consumers(&path, name, block)
                },
            });
        }
        groups
    }

    fn subscription(&mut self, path: &FieldPath, block: &GroupBlock, topics: &[TopicConfig]) -> Vec<TopicId> {
        let Some(subscribe) = &block.subscribe else {
            if topics.len() > 1 {
                let problem =
                    self.name_problem(path, format!("`{path}` must say which topics it subscribes to"));
                problem.label = "\"subscribe\" is missing, and there are several topics".to_owned();
                problem
                    .help
                    .push("for example \"subscribe\": { \"orders\": \"*\" }".to_owned());
            }
            return vec![TopicId(0)];
        };
        let path = path.key("subscribe");
        let mut found = Vec::new();
        for (name, expression) in subscribe {
            let here = path.key(name);
            found.extend(self.topic(&here, true, name, topics));
            if expression.trim() != "*" {
                let message = if expression.trim().is_empty() {
                    "the subscription expression must not be empty".to_owned()
                } else {
                    format!("tag expressions are not supported yet: `{expression}`")
                };
                let problem = self.problem(&here, message);
                problem.label = "only \"*\", all messages".to_owned();
            }
        }
        found.sort();
        found
    }

    fn consumers(&mut self, path: &FieldPath, group: &str, block: &GroupBlock) -> Vec<ConsumerConfig> {
        let base = path.key("consumers");
        let mut members: Vec<ConsumerConfig> = Vec::new();
        let mut ids: BTreeMap<String, Span> = BTreeMap::new();
        for (i, consumers) in block.consumers.blocks().iter().enumerate() {
            let path = match block.consumers {
                Consumers::Alike(_) => base.clone(),
                Consumers::Listed(_) => base.index(i),
            };
            self.dist(&path.key("service"), &consumers.service);
            let start = self.before_end(&path.key("start"), consumers.start, "the consumers start");
            self.client_id_count(&path, consumers);
            // Looked up once for the block: a group may have 100 000 members.
            let node = locate::nearest_node(self.root, &path).0;
            for n in 0..consumers.members() {
                let member = member(group, members.len() as u32, consumers, n, Some(start));
                let id = node.get("clientIds").and_then(|ids| ids.element(n as usize));
                let (place, span) = match id {
                    Some(id) => (path.key("clientIds").index(n as usize), id.span),
                    None => (path.clone(), node.opening()),
                };
                if let Some(first) = ids.insert(member.client_id.clone(), span)
                    && !block.allow_duplicate_client_ids
                {
                    self.duplicate_client_id(&place, span, first, &member.client_id);
                }
                members.push(member);
            }
        }
        members
    }

    fn duplicate_client_id(&mut self, path: &FieldPath, span: Span, first: Span, id: &str) {
        let problem = self.problem_at(
            path,
            span,
            format!("two consumers of the group have the client id `{id}`"),
        );
        problem.label = "second one".to_owned();
        problem.related.push((first, "first one".to_owned()));
        problem.help.push(
            "RocketMQ would leave queues without an owner; if that is what you study, set \"allowDuplicateClientIds\": true in the group"
                .to_owned(),
        );
    }

    fn client_id_count(&mut self, path: &FieldPath, block: &ConsumerBlock) {
        let Some(ids) = &block.client_ids else { return };
        let path = path.key("clientIds");
        if ids.len() as u32 != block.members() {
            let (ids, members) = (ids.len(), block.members());
            let problem = self.problem(&path, format!("{ids} client ids for {members} consumers"));
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

/// Member number `index` (from 0) of `group`, the `n`-th of its block.
pub(super) fn member(
    group: &str,
    index: u32,
    block: &ConsumerBlock,
    n: u32,
    start: Option<SimTime>,
) -> ConsumerConfig {
    let name = format!("{group}-{}", index + 1);
    let given = block.client_ids.as_ref().filter(|_| start.is_some());
    ConsumerConfig {
        client_id: given
            .and_then(|ids| ids.get(n as usize))
            .cloned()
            .unwrap_or(name.clone()),
        name,
        life: 1,
        subscribe: None,
        start,
        threads: block.threads,
        service: block.service.clone(),
        failure: FailureConfig {
            probability: block.failure.probability,
            poison: block.failure.poison,
            fail_first_attempts: block.failure.fail_first_attempts,
        },
        strategy: block.strategy.clone(),
        machine_room: block.machine_room.clone().unwrap_or_default(),
    }
}
