//! What the timeline does against a backlog: threads, forwarders, retries, rates.
//!
//! A restarted member has what its block says again, threads and listener.
//!
//! Source: `ConsumeMessageConcurrentlyService.updateCorePoolSize` does nothing unless the number is below
//! `consumeThreadMax`.

use super::entry::{Deed, Known, MemberDeed};
use crate::cluster::config::{Action, ForwardConfig, GroupConfig, ListenerKind};
use crate::cluster::fact::PullFailure;
use crate::cluster::ids::{BrokerId, ProducerId, TopicId};
use crate::kernel::dist::Dist;
use crate::kernel::time::{SimDuration, SimTime};
use crate::scenario::locate::FieldPath;
use crate::scenario::resolve::Resolver;
use crate::scenario::schema::{ArrivalsBlock, Refusal, TimelineBlock};
use crate::scenario::suggest;

impl<'a> Resolver<'a> {
    /// `setMaxReconsumeTimes` of a group, `setRate` of producers.
    pub(super) fn plain_deed(
        &mut self,
        path: &FieldPath,
        block: &TimelineBlock,
        (key, target): (&str, &str),
        known: &Known<'_>,
    ) -> Option<Deed<'a>> {
        let here = path.key(key);
        if key == "setRate" {
            return self.set_rate(path, block, target, known);
        }
        let span = self.inside(&here, 0, target.len());
        let group = self.group(&here, span, target, known.groups)?;
        let times = self.needed(path, key, "maxReconsumeTimes", "3", block.max_reconsume_times)?;
        Some(Deed::Plain(vec![Action::SetMaxReconsumeTimes { group, times }]))
    }

    /// A broker that refuses pulls for a while.
    pub(super) fn busy(
        &mut self,
        path: &FieldPath,
        block: &TimelineBlock,
        target: &str,
        known: &Known<'_>,
    ) -> Option<Deed<'a>> {
        let brokers = known.nameable.brokers;
        let Ok(broker) = brokers.binary_search_by(|broker| broker.name.as_str().cmp(target)) else {
            self.unknown_broker(&path.key("busy"), target, brokers);
            return None;
        };
        let end = SimTime::ZERO + self.file.duration;
        let until = self
            .lasting(path, block)
            .map_or(end, |lasting| SimTime::ZERO + block.at + lasting);
        let answer = match block.answer.unwrap_or_default() {
            Refusal::SystemBusy => PullFailure::SystemBusy,
            Refusal::FlowControl => PullFailure::FlowControl,
        };
        let broker = BrokerId(broker as u32);
        Some(Deed::Plain(vec![Action::Busy {
            broker,
            until,
            answer,
        }]))
    }

    fn set_rate(
        &mut self,
        path: &FieldPath,
        block: &TimelineBlock,
        target: &str,
        known: &Known<'_>,
    ) -> Option<Deed<'a>> {
        let rate = self.needed(path, "setRate", "rate", "\"50/s\"", block.rate)?;
        let file = self.file;
        let instances = (0..).map(ProducerId).zip(known.nameable.producers);
        let is_meant =
            |name: &str| name == target || name.rsplit_once('-').is_some_and(|(block, _)| block == target);
        let meant: Vec<(ProducerId, &str)> = instances
            .filter(|(_, producer)| is_meant(&producer.name))
            .map(|(id, producer)| (id, producer.name.as_str()))
            .collect();
        let here = path.key("setRate");
        let Some((_, first)) = meant.first() else {
            let names: Vec<&str> = file.producers.keys().map(String::as_str).collect();
            let message = format!("unknown producer `{target}`{}", self.hint(target, &names));
            let help = format!("producers: {}", suggest::list(names, 20));
            let problem = self.problem(&here, message);
            problem.label = "not declared under \"producers\"".to_owned();
            problem.help.push(help);
            return None;
        };
        let of_block = first.rsplit_once('-').map_or(*first, |(block, _)| block);
        if let Some(block) = file.producers.get(of_block)
            && matches!(block.arrivals, ArrivalsBlock::AtOnce)
        {
            let problem = self.problem(
                &here,
                format!("`{target}` sends all messages at once, it has no rate"),
            );
            problem.label = "without effect".to_owned();
            return None;
        }
        let gap = rate.gap();
        let act = |(producer, _)| Action::SetRate { producer, gap };
        Some(Deed::Plain(meant.into_iter().map(act).collect()))
    }

    /// `setThreads` and `forward`.
    pub(super) fn remedy_of_member(
        &mut self,
        path: &FieldPath,
        block: &TimelineBlock,
        key: &str,
        known: &Known<'_>,
    ) -> Option<MemberDeed> {
        if key == "setThreads" {
            let threads = self.needed(path, key, "threads", "10", block.threads)?;
            self.threads_can_be_set(path, block, threads, known);
            return Some(MemberDeed::SetThreads(threads));
        }
        let to = self.needed(path, key, "to", "\"orders-wide\"", block.to.as_deref())?;
        let topic = self.topic(&path.key("to"), false, to, known.nameable.topics)?;
        let usual = Dist::Constant(SimDuration::from_millis(1));
        if let Some(service) = &block.service {
            self.dist(&path.key("service"), service);
        }
        self.forwards_elsewhere(path, block, topic, known);
        Some(MemberDeed::Forward(ForwardConfig {
            topic,
            service: block.service.clone().unwrap_or(usual),
        }))
    }

    /// Reports a number of threads that RocketMQ passes over in silence.
    fn threads_can_be_set(
        &mut self,
        path: &FieldPath,
        block: &TimelineBlock,
        threads: u32,
        known: &Known<'_>,
    ) {
        let target = block.set_threads.as_deref().unwrap_or_default();
        let name = target.split('/').next().unwrap_or_default();
        let Some(group) = known.groups.iter().find(|group| group.name == name) else {
            return;
        };
        let own = group.consumers.iter().map(|consumer| consumer.threads).max();
        let most = own.unwrap_or(0).max(group.tuning.consume_thread_max);
        if threads < most {
            return;
        }
        let message = format!("{threads} threads are not below `consumeThreadMax`, which is {most}");
        let problem = self.problem(&path.key("threads"), message);
        problem.label = "RocketMQ would pass over it in silence".to_owned();
        problem.help.push(format!(
            "set \"tuning\": {{ \"consumeThreadMax\": {} }} in the group, or take fewer",
            (threads + 1).clamp(64, 1000)
        ));
    }

    /// Reports a forwarder that would read what it sends.
    fn forwards_elsewhere(
        &mut self,
        path: &FieldPath,
        block: &TimelineBlock,
        topic: TopicId,
        known: &Known<'_>,
    ) {
        let target = block.forward.as_deref().unwrap_or_default();
        let name = target.split('/').next().unwrap_or_default();
        let reads = |group: &&GroupConfig| group.name == name && group.subscribe.contains(&topic);
        let is_orderly =
            |group: &GroupConfig| group.name == name && group.listener != ListenerKind::Concurrently;
        if known.groups.iter().any(is_orderly) {
            let here = path.key("forward");
            let problem = self.problem(&here, "only concurrent listeners can forward");
            problem.label = "this group's listener is orderly".to_owned();
        }
        if known.groups.iter().any(|group| reads(&group)) {
            let message = format!("`{name}` subscribes to the topic to which it would forward");
            let problem = self.problem(&path.key("to"), message);
            problem.label = "it would read what it sends, without end".to_owned();
            problem
                .help
                .push("let another group read the wider topic".to_owned());
        }
    }

    /// The value of a key that an action cannot do without.
    fn needed<T>(
        &mut self,
        path: &FieldPath,
        action: &str,
        key: &str,
        example: &str,
        value: Option<T>,
    ) -> Option<T> {
        if value.is_none() {
            let problem = self.problem_of_entry(path, format!("`{action}` needs the key \"{key}\""));
            problem.label = format!("\"{key}\" is missing in this object");
            problem.help.push(format!("for example \"{key}\": {example}"));
        }
        value
    }
}
