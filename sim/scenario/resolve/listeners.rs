//! Listeners of the file: when they fail, and the messages that their rules name.

use super::Resolver;
use crate::cluster::config::{
    BrokerConfig, FailureConfig, IdempotentConfig, Identity, KeyDist, ListenerRule, ProducerConfig,
    TopicConfig, Which,
};
use crate::cluster::ids::{BrokerId, MessageId, ProducerId, TopicId};
use crate::cluster::message_queue::MessageQueue;
use crate::cluster::producer::attributes::Key;
use crate::kernel::time::{SimDuration, SimTime};
use crate::scenario::locate::{self, FieldPath};
use crate::scenario::schema::{FailureBlock, IdempotentBlock, MessageBlock, RuleBlock};
use crate::scenario::{limits, suggest};

/// What a rule may name.
#[derive(Clone, Copy)]
pub struct Nameable<'n> {
    pub producers: &'n [ProducerConfig],
    pub topics: &'n [TopicConfig],
    pub brokers: &'n [BrokerConfig],
}

impl Resolver<'_> {
    /// The failures that the block at `path` describes.
    pub(super) fn failure(
        &mut self,
        path: &FieldPath,
        block: &FailureBlock,
        known: Nameable<'_>,
    ) -> FailureConfig {
        let rules = block.rules.iter().enumerate();
        FailureConfig {
            probability: block.probability,
            poison: block.poison,
            fail_first_attempts: block.fail_first_attempts,
            outcome: block.outcome.into(),
            ack_index: block.ack_index,
            rules: rules
                .map(|(i, rule)| self.rule(&path.key("rules").index(i), rule, known))
                .collect(),
        }
    }

    fn rule(&mut self, path: &FieldPath, block: &RuleBlock, known: Nameable<'_>) -> ListenerRule {
        let nothing = block.outcome.is_none()
            && block.service.is_none()
            && block.delay_level_when_next_consume.is_none();
        if nothing {
            let span = locate::nearest_node(self.root, path).0.opening();
            let problem = self.problem_at(path, span, "this rule changes nothing");
            problem.label = "neither \"outcome\" nor \"service\" in it".to_owned();
            problem.help.push(
                "for example { \"message\": { \"producer\": \"checkout-1\", \"number\": 5 }, \"outcome\": \"hang\" }"
                    .to_owned(),
            );
        }
        if let Some(service) = &block.service {
            self.dist(&path.key("service"), service);
        }
        let from = block.from.unwrap_or_default();
        if block.from.is_some() {
            self.before_end(&path.key("from"), from, "this rule begins to apply");
        }
        if let Some(until) = block.until.filter(|until| *until <= from) {
            let first = locate::span_of(self.root, &path.key("from"));
            let message = format!("the rule applies from {from} until {until}");
            let problem = self.problem(&path.key("until"), message);
            problem.label = "not after its begin".to_owned();
            if block.from.is_some() {
                problem.related.push((first, "begins here".to_owned()));
            }
        }
        let message = block.message.as_ref();
        let (tag, key) = (block.tag.as_ref(), block.key.as_ref());
        let queue = block.queue.as_ref();
        ListenerRule {
            which: Which {
                message: message.and_then(|block| self.message(&path.key("message"), block, known.producers)),
                tag: tag.and_then(|tag| self.tag_of_messages(&path.key("tag"), tag, known.producers)),
                key: key.and_then(|key| self.key_of_messages(&path.key("key"), key, known.producers)),
                queue: queue.and_then(|label| self.queue(&path.key("queue"), label, known)),
            },
            first_attempts: block.first_attempts.unwrap_or(u32::MAX),
            probability: block.probability,
            from: SimTime::ZERO + from,
            until: block.until.map_or(SimTime::MAX, |until| SimTime::ZERO + until),
            outcome: block.outcome,
            service: block.service.clone(),
            delay_level: block.delay_level_when_next_consume.map(|level| level as i8),
        }
    }

    /// How listeners of the group at `path`, which reads `topics`, remember what they have done.
    pub(super) fn idempotent(
        &mut self,
        path: &FieldPath,
        block: &IdempotentBlock,
        topics: &[TopicId],
        producers: &[ProducerConfig],
    ) -> IdempotentConfig {
        if block.ttl.is_some_and(SimDuration::is_zero) {
            let problem = self.problem(&path.key("ttl"), "`ttl` must be greater than 0");
            problem.label = "forgotten at once".to_owned();
            problem
                .help
                .push("to remember nothing and count effects only: \"capacity\": 0".to_owned());
        }
        let keyless = producers
            .iter()
            .find(|producer| topics.contains(&producer.topic) && producer.attributes.keys.is_none());
        if let (Identity::Key, Some(producer)) = (block.by, keyless) {
            let message = format!("messages of `{}` have no key", producer.name);
            let problem = self.problem(&path.key("by"), message);
            problem.label = "nothing to tell them by".to_owned();
            problem
                .help
                .push("give the producer keys, for example \"keys\": 1000".to_owned());
        }
        IdempotentConfig {
            by: block.by,
            mark: block.mark,
            scope: block.scope,
            capacity: block.capacity.unwrap_or(u64::MAX),
            ttl: block.ttl.unwrap_or(limits::DURATION),
            failure_probability: block.failure_probability,
        }
    }

    /// The message that a rule names.
    fn message(
        &mut self,
        path: &FieldPath,
        block: &MessageBlock,
        producers: &[ProducerConfig],
    ) -> Option<MessageId> {
        let is_it = |producer: &ProducerConfig| producer.name == block.producer;
        let Some(id) = producers.iter().position(is_it) else {
            self.unknown_producer(&path.key("producer"), &block.producer);
            return None;
        };
        let most = producers[id].max_messages.min(limits::MESSAGES_OF_PRODUCER);
        if block.number > most {
            let message = format!("`{}` has no message {}", block.producer, block.number);
            let problem = self.problem(&path.key("number"), message);
            problem.label = format!("it sends {most} at most");
            return None;
        }
        Some(MessageId::new(ProducerId(id as u32), block.number - 1))
    }

    fn unknown_producer(&mut self, path: &FieldPath, name: &str) {
        let file = self.file;
        // Producers that have a problem of their own have been left out of the list.
        let exists = file.producers.iter().any(|(of, block)| {
            let number = name
                .strip_prefix(of.as_str())
                .and_then(|rest| rest.strip_prefix('-'));
            number
                .and_then(|n| n.parse().ok())
                .is_some_and(|n: u32| (1..=block.count).contains(&n))
        });
        if exists || self.is_full() {
            return;
        }
        let first: Vec<String> = file.producers.keys().map(|name| format!("{name}-1")).collect();
        let known: Vec<&str> = first.iter().map(String::as_str).collect();
        let mut message = format!("unknown producer `{name}`");
        if !file.producers.contains_key(name) {
            message += &self.hint(name, &known);
        }
        let problem = self.problem(path, message);
        problem.label = "no instance of a producer".to_owned();
        problem.help.push(match file.producers.get(name) {
            Some(_) => format!("instances are numbered: `{name}-1` is the first"),
            None if known.is_empty() => "the scenario declares no producer".to_owned(),
            None => format!("first instances: {}", suggest::list(known, 20)),
        });
    }

    /// The tag that a rule names: some message has it.
    fn tag_of_messages(
        &mut self,
        path: &FieldPath,
        tag: &str,
        producers: &[ProducerConfig],
    ) -> Option<String> {
        let mut known: Vec<&str> = producers
            .iter()
            .flat_map(|producer| &producer.attributes.tags)
            .map(|(tag, _)| tag.as_str())
            .filter(|tag| !tag.is_empty())
            .collect();
        known.sort_unstable();
        known.dedup();
        if known.contains(&tag) {
            return Some(tag.to_owned());
        }
        let message = format!("no message has the tag `{tag}`{}", self.hint(tag, &known));
        let problem = self.problem(path, message);
        problem.label = "not among the \"tags\" of any producer".to_owned();
        problem.help.push(match known.is_empty() {
            true => "give producers tags, for example \"tags\": { \"TagA\": 3, \"TagB\": 1 }".to_owned(),
            false => format!("tags: {}", suggest::list(known, 20)),
        });
        None
    }

    /// The key that a rule names: some message may have it.
    fn key_of_messages(&mut self, path: &FieldPath, text: &str, producers: &[ProducerConfig]) -> Option<Key> {
        let most = producers
            .iter()
            .filter_map(|producer| match producer.attributes.keys? {
                KeyDist::Uniform { count } | KeyDist::Zipf { count, .. } => Some(count),
            });
        let most = most.max();
        let key = Key::of_text(text);
        if let (Some(key), Some(most)) = (key, most)
            && key.0 <= most
        {
            return Some(key);
        }
        let problem = self.problem(path, format!("no message has the key `{text}`"));
        match most {
            None => {
                problem.label = "no producer has \"keys\"".to_owned();
                problem
                    .help
                    .push("give producers keys, for example \"keys\": 1000".to_owned());
            }
            Some(most) => problem.label = format!("keys are k1 to k{most}"),
        }
        None
    }

    /// The queue that a rule names.
    fn queue(
        &mut self,
        path: &FieldPath,
        label: &str,
        known: Nameable<'_>,
    ) -> Option<(TopicId, BrokerId, u32)> {
        let Some(queue) = MessageQueue::of_label(label) else {
            let problem = self.problem(path, format!("`{label}` does not name a queue"));
            problem.label = "topic, broker and number are needed".to_owned();
            problem.help.push("for example \"orders broker-a:0\"".to_owned());
            return None;
        };
        let topic = self.topic(path, false, &queue.topic, known.topics)?;
        let place = known.topics[topic.index()]
            .placement
            .iter()
            .find(|(broker, _)| known.brokers[broker.index()].name == queue.broker_name);
        let number = queue.queue_id as u32;
        match place {
            Some((broker, queues)) if number < queues.read.max(queues.write) => {
                Some((topic, *broker, number))
            }
            Some((broker, queues)) => {
                let broker = &known.brokers[broker.index()].name;
                let last = queues.read.max(queues.write).saturating_sub(1);
                let problem = self.problem(
                    path,
                    format!("`{}` has no queue {number} on {broker}", queue.topic),
                );
                problem.label = "no such queue".to_owned();
                problem.help.push(format!("its queues there are 0 to {last}"));
                None
            }
            None => {
                let message = format!("`{}` has no queue on `{}`", queue.topic, queue.broker_name);
                self.problem(path, message).label = "no such queue".to_owned();
                None
            }
        }
    }
}
