//! What must hold when everything that ends has ended and a long rest is over: queues have the owners that the strategy
//! names (R1, R3), and all is delivered, finished and committed (D1).

use super::{Judge, who};
use crate::cluster::broker::expression_message_filter::Filters;
use crate::cluster::config::{
    ConsumeFromWhere, ConsumerConfig, Delivery, ListenerKind, MessageModel, Strategy,
};
use crate::cluster::consumer::allocate::{Allocation, Beyond, Names, QueueName};
use crate::cluster::directory::{Directory, TopicKind};
use crate::cluster::ids::{ConsumerId, GroupId, QueueId, TopicId};
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::invariant::{Invariant, broken, must};
use std::collections::BTreeSet;

/// Files are deleted ten at a look: while that goes on, clients of 4.9, which let an illegal offset rest for 10 s, come
/// back to find it deleted again.
const DELETIONS: SimDuration = SimDuration::from_secs(60);

/// Names and capacities as the configuration has them. Of clients that share an id the first counts.
struct Known<'a> {
    directory: &'a Directory,
    consumers: &'a [ConsumerConfig],
}

impl Names<QueueId, String> for Known<'_> {
    fn queue<'n>(&'n self, queue: &'n QueueId) -> QueueName<'n> {
        let place = self.directory.queue(*queue);
        QueueName {
            topic: &self.directory.topic(place.topic).name,
            broker_name: self.directory.broker(place.broker),
            queue_id: place.index as i32,
        }
    }
    fn client<'n>(&'n self, client: &'n String) -> &'n str {
        client
    }
    fn weight(&self, client: &String) -> u32 {
        let known = self
            .consumers
            .iter()
            .find(|consumer| consumer.client_id == *client);
        known.map_or(1, |consumer| consumer.threads)
    }
}

impl Judge<'_> {
    /// Owners and deliveries of all groups.
    pub(super) fn groups_at_rest(&self, end: SimTime, directory: &Directory) {
        let filters = Filters::new(&self.config.expressions, &directory.attributes);
        for group in (0..self.config.groups.len() as u32).map(GroupId) {
            let settings = &self.config.groups[group.index()];
            let members = self.members(directory, group);
            // Members that differ take each other's topics away, for ever.
            let Some(topics) = self.common_topics(directory, &members) else {
                continue;
            };
            if settings.message_model == MessageModel::Broadcasting {
                self.readers_have_all(end, directory, group, &members);
                continue;
            }
            // Whoever is behind what is deleted gives its queues up for a while.
            if !self.is_deleting(end) {
                self.queues_are_shared_out(end, directory, group, &topics, &members);
            }
            // Queues that the second of two equal ids should have belong to nobody, for ever.
            let distinct = self.ids(directory, &members).len() == members.len();
            if distinct && self.is_done_at(end, directory, group) {
                self.all_is_delivered(end, directory, &filters, group, &topics);
            }
        }
    }

    fn is_deleting(&self, end: SimTime) -> bool {
        self.expired.is_some_and(|last| end.since(last) < DELETIONS)
    }

    /// Whether the group can have nothing left to do.
    pub(super) fn is_done_at(&self, end: SimTime, directory: &Directory, group: GroupId) -> bool {
        let stands_still = self.producers_are_over(end) && self.stands_still(end, directory, group);
        stands_still && !self.is_deleting(end) && !self.retries_rain(group)
    }

    /// While a retry queue has two owners, each failure comes back twice, and each of these twice again. What that
    /// leaves behind may take longer than the rest. In peace a message has fewer than two retries on average.
    fn retries_rain(&self, group: GroupId) -> bool {
        self.retries.stored[group.index()] > 4 * self.records.born()
    }

    /// Living members that are not stopped, in the order of their client ids.
    pub(super) fn members(&self, directory: &Directory, group: GroupId) -> Vec<ConsumerId> {
        let info = |consumer: &ConsumerId| directory.consumer(*consumer);
        let at_work = self.processes.at_work();
        let mut members: Vec<_> = at_work.filter(|consumer| info(consumer).group == group).collect();
        members.sort_by_key(|consumer| &info(consumer).client_id);
        members
    }

    pub(super) fn ids<'d>(&self, directory: &'d Directory, members: &[ConsumerId]) -> BTreeSet<&'d str> {
        members
            .iter()
            .map(|member| &*directory.consumer(*member).client_id)
            .collect()
    }

    fn consumer_config(&self, directory: &Directory, consumer: ConsumerId) -> &ConsumerConfig {
        let group = directory.consumer(consumer).group.index();
        let before = self.config.groups[..group].iter();
        let first: usize = before.map(|group| group.consumers.len()).sum();
        &self.config.groups[group].consumers[consumer.index() - first]
    }

    /// Topics that a client subscribes to.
    pub(super) fn subscription(&self, directory: &Directory, consumer: ConsumerId) -> &[TopicId] {
        let group = self.group_of(directory, consumer);
        let own = &self.consumer_config(directory, consumer).subscribe;
        own.as_ref().unwrap_or(&group.subscribe)
    }

    /// What all of them subscribe to; `None` if they differ, or nobody is there.
    pub(super) fn common_topics(
        &self,
        directory: &Directory,
        members: &[ConsumerId],
    ) -> Option<Vec<TopicId>> {
        let topics = self.subscription(directory, *members.first()?);
        let mut members = members.iter();
        let same = members.all(|member| self.subscription(directory, *member) == topics);
        same.then(|| topics.to_vec())
    }

    /// Queues of `topics` and of the retry topic of `group`, by topic, in `MessageQueue` order; those that nobody is
    /// given apart.
    pub(super) fn queues(
        &self,
        directory: &Directory,
        group: GroupId,
        topics: &[TopicId],
    ) -> Vec<(Vec<QueueId>, Vec<QueueId>)> {
        let reads = |topic: usize| match directory.topics[topic].kind {
            TopicKind::User => topics.contains(&TopicId(topic as u32)),
            TopicKind::Retry(of) => of == group,
            // Whether it may be read is an operator's business.
            TopicKind::DeadLetter(_) => false,
        };
        let queues_of = |topic: usize| {
            let ids = (0..directory.queues.len() as u32).map(QueueId);
            let mut queues: Vec<QueueId> = ids
                .filter(|queue| directory.queue(*queue).topic.index() == topic)
                .collect();
            queues.sort_by_key(|queue| (directory.queue(*queue).broker, directory.queue(*queue).index));
            queues.into_iter().partition(|queue| {
                let info = directory.queue(*queue);
                let read = self.read.get(&(topic as u32, info.broker));
                read.is_none_or(|read| info.index < *read)
            })
        };
        (0..directory.topics.len())
            .filter(|topic| reads(*topic))
            .map(queues_of)
            .collect()
    }

    /// Whatever was stored in a queue that somebody is given was delivered or skipped, finished and committed.
    fn all_is_delivered(
        &self,
        end: SimTime,
        directory: &Directory,
        filters: &Filters,
        group: GroupId,
        topics: &[TopicId],
    ) {
        let settings = &self.config.groups[group.index()];
        let queues = self.queues(directory, group, topics);
        for queue in queues.into_iter().flat_map(|(given, _)| given) {
            let slot = self.slots.slot(group, queue);
            let (reading, stored) = (&self.readings[slot], self.records.end(queue));
            if self.leaves_out(directory, group) && !self.is_held(directory, group, queue) {
                continue;
            }
            let what = || format!("group {}, {}", settings.name, directory.queue_label(queue));
            must(end, Invariant::D1, reading.lowest >= stored, || {
                format!(
                    "{}: {stored} records, but {} is not finished",
                    what(),
                    reading.lowest
                )
            });
            let committed = reading.committed.unwrap_or(0);
            // Who is pushed nothing has nothing to commit, wherever it has begun.
            let pushes = matches!(settings.delivery, Delivery::Push { .. });
            let is_committed = committed >= stored
                || self.commits_by_hand(group)
                || self.expired.is_some()
                || pushes && reading.committed.is_none();
            must(end, Invariant::D1, is_committed, || {
                format!("{}: {stored} records, but {committed} is committed", what())
            });
            // What was skipped has a reason by rule A1.
            if settings.consume_from_where != ConsumeFromWhere::FirstOffset
                || reading.was_reset
                || self.expired.is_some()
            {
                continue;
            }
            let unseen = |offset: &u64| reading.seen(*offset).is_none_or(|seen| seen.calls == 0);
            let missing = (0..stored)
                .filter(unseen)
                .find(|offset| !self.may_pass(directory, filters, group, (slot, queue, *offset)));
            must(end, Invariant::D1, missing.is_none(), || {
                format!(
                    "{}: offset {missing:?} was never delivered, and the group asks for it",
                    what()
                )
            });
        }
    }

    /// Whether queues of the group may belong to nobody: lists and rooms leave out what they do not name, and members
    /// that share out otherwise than others leave queues between them.
    fn leaves_out(&self, directory: &Directory, group: GroupId) -> bool {
        let strategy = &self.config.groups[group.index()].strategy;
        let mut members = self.members(directory, group).into_iter();
        matches!(strategy, Strategy::Config(_) | Strategy::MachineRoom { .. })
            || members.any(|member| self.consumer_config(directory, member).strategy.is_some())
    }

    fn is_held(&self, directory: &Directory, group: GroupId, queue: QueueId) -> bool {
        let mut held = self.holds.keys();
        held.any(|(consumer, of)| *of == queue && directory.consumer(*consumer).group == group)
    }

    /// Each reader that lives has been given all that lies in queues that members are given.
    fn readers_have_all(&self, end: SimTime, directory: &Directory, group: GroupId, members: &[ConsumerId]) {
        if !self.is_done_at(end, directory, group) {
            return;
        }
        for ((_, queue), consumer) in self
            .holds
            .keys()
            .map(|key| (*key, key.0))
            .filter(|(_, c)| members.contains(c))
        {
            let (slot, stored) = (self.slot(directory, consumer, queue), self.records.end(queue));
            let lowest = self.readings[slot].lowest;
            must(end, Invariant::D1, lowest >= stored, || {
                format!(
                    "{} {stored} records, but {lowest} is not finished",
                    who(directory, consumer, queue)
                )
            });
        }
    }

    /// Whether the listener commits by hand: then what it did last may stay uncommitted, dead letters above all.
    pub(super) fn commits_by_hand(&self, group: GroupId) -> bool {
        match self.config.groups[group.index()].listener {
            ListenerKind::Orderly(settings) => !settings.auto_commit,
            ListenerKind::Concurrently => false,
        }
    }

    /// Each queue has the owner that the strategy names: every member of that id, if it is the first of its
    /// kind in the list; nobody, if it is not. Nobody has a queue beyond `readQueueNums`.
    fn queues_are_shared_out(
        &self,
        end: SimTime,
        directory: &Directory,
        group: GroupId,
        topics: &[TopicId],
        members: &[ConsumerId],
    ) {
        let is_even = |member: &ConsumerId| self.consumer_config(directory, *member).strategy.is_none();
        if !members.iter().all(is_even) {
            return;
        }
        let id = |member: ConsumerId| &directory.consumer(member).client_id;
        let place = |member: ConsumerId| members.iter().position(|other| id(*other) == id(member));
        // A strategy refuses an empty list: then everybody keeps what he has.
        let topics = self.queues(directory, group, topics);
        for (queues, not_given) in topics.into_iter().filter(|(given, _)| !given.is_empty()) {
            let Some(given) = self.owners(end, directory, group, &queues, members) else {
                return;
            };
            let holders = |queue: QueueId| -> Vec<ConsumerId> {
                let held = |consumer: &&ConsumerId| self.holds.contains_key(&(**consumer, queue));
                members.iter().filter(held).copied().collect()
            };
            let check = |queue: QueueId, owners: &[ConsumerId]| {
                let holders = holders(queue);
                must(end, Invariant::R3, holders == owners, || {
                    let names = |of: &[ConsumerId]| {
                        of.iter()
                            .map(|c| &*directory.consumer(*c).name)
                            .collect::<Vec<_>>()
                            .join(", ")
                    };
                    let label = directory.queue_label(queue);
                    format!(
                        "{label}: held by [{}], but belongs to [{}]",
                        names(&holders),
                        names(owners)
                    )
                });
            };
            for (queue, owner) in queues.iter().zip(given) {
                let owners = members.iter().filter(|member| place(**member) == Some(owner));
                let owners: Vec<ConsumerId> = owners.copied().collect();
                check(*queue, &owners);
            }
            not_given.iter().for_each(|queue| check(*queue, &[]));
        }
    }

    /// Who should own each of `queues` of one topic, as a position in the list of members; `None` where a strategy leaves
    /// queues out on purpose. The plainest rules are worked out here once more.
    fn owners(
        &self,
        end: SimTime,
        directory: &Directory,
        group: GroupId,
        queues: &[QueueId],
        members: &[ConsumerId],
    ) -> Option<Vec<usize>> {
        let config = &self.config.groups[group.index()];
        let (share, extra) = (queues.len() / members.len(), queues.len() % members.len());
        let plain = |at: usize| match config.strategy {
            Strategy::AvgByCircle => at % members.len(),
            // The first `extra` members have one more.
            _ if at < extra * (share + 1) => at / (share + 1),
            _ => extra + (at - extra * (share + 1)) / share,
        };
        match config.strategy {
            Strategy::Avg | Strategy::AvgByCircle => return Some((0..queues.len()).map(plain).collect()),
            Strategy::ConsistentHash { .. }
            | Strategy::BoundedConsistentHash { .. }
            | Strategy::Weighted { .. }
            | Strategy::RotatedAvg => {}
            // These look at what is held, at rooms or at lists.
            _ => return None,
        }
        let ids: Vec<String> = members
            .iter()
            .map(|member| directory.consumer(*member).client_id.clone())
            .collect();
        let ids_of = |name: &str| {
            let lives = config.consumers.iter().filter(|consumer| consumer.name == name);
            lives.map(|consumer| consumer.client_id.clone()).collect()
        };
        let shares = config.strategy.build(ids_of).allocate_all(&Allocation {
            consumer_group: &config.name,
            current_cid: None,
            mq_all: queues,
            cid_all: &ids,
            names: &Known {
                directory,
                consumers: &config.consumers,
            },
            beyond: Beyond::default(),
        });
        let Ok(shares) = shares else {
            broken(
                end,
                Invariant::R1,
                &format!("group {}: no shares of queues and members", config.name),
            );
        };
        if self.ids(directory, members).len() == members.len() {
            partition(end, directory, &config.name, queues, &shares);
        }
        // A share of a doubled id's second place belongs to nobody.
        let owner = |queue: &QueueId| {
            shares
                .iter()
                .position(|share| share.contains(queue))
                .unwrap_or(usize::MAX)
        };
        Some(queues.iter().map(owner).collect())
    }
}

/// Each queue lies in exactly one share.
pub(in crate::verify) fn partition(
    end: SimTime,
    directory: &Directory,
    group: &str,
    queues: &[QueueId],
    shares: &[Vec<QueueId>],
) {
    for queue in queues {
        let owners = shares.iter().flatten().filter(|other| *other == queue).count();
        must(end, Invariant::R1, owners == 1, || {
            format!(
                "group {group}, {}: lies in {owners} shares, not in one",
                directory.queue_label(*queue)
            )
        });
    }
}
