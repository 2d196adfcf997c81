//! What must hold when everything that ends has ended and a long rest is over.

use crate::random::cases::ms;
use crate::random::orderly;
use crate::random::rules::Judge;
use rmqsim::cluster::config::{ConsumeFromWhere, ConsumerConfig, Strategy};
use rmqsim::cluster::consumer::allocate::{Allocation, Beyond, Names, QueueName};
use rmqsim::cluster::directory::{Directory, TopicKind};
use rmqsim::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId, TopicId};
use rmqsim::cluster::network::Server;
use std::collections::{BTreeMap, BTreeSet};

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
    pub fn end(&mut self) {
        let left = &self.done.leftovers;
        assert_eq!(
            (left.held_queues_of_gone, left.tasks_of_gone),
            (0, 0),
            "left by clients that are gone"
        );
        assert_eq!(left.sends, 0);
        self.no_envelope_is_left_over();
        let user = |queue: &QueueId| {
            let topic = self.done.directory.queue(*queue).topic;
            self.done.directory.topic(topic).kind == TopicKind::User
        };
        let appended = self.stored.keys().filter(|(queue, _)| user(queue)).count() as u64;
        assert_eq!(appended + self.given_up, self.born, "born = stored + given up");
        for (consumer, queue) in self.holds.keys() {
            assert!(
                self.alive.contains(consumer),
                "{queue:?} is held by a client that is gone"
            );
        }
        for group in 0..self.config.groups.len() {
            let group = GroupId(group as u32);
            let members = self.members(group);
            let waiting = self.retries_waiting.get(&group).copied().unwrap_or(0);
            if members.is_empty() {
                assert_eq!(waiting, 0);
            }
            // Members that differ take each other's topics away, for ever.
            if let Some(topics) = self.common_topics(&members) {
                self.queues_are_shared_out(group, &topics, &members);
                // Queues that the second of two equal ids should have belong to nobody, for ever.
                if self.ids(&members).len() == members.len() && !self.retries_rain(group) {
                    assert_eq!(waiting, 0);
                    self.all_is_delivered(group, &topics);
                }
            }
        }
        self.memory_is_free();
        self.heartbeats_have_come();
    }

    /// While a retry queue has two owners, each failure comes back twice, and each of these twice again. What that
    /// leaves behind may take longer than the rest. In peace a message has fewer than two retries on average.
    fn retries_rain(&self, group: GroupId) -> bool {
        self.retries.get(&group).copied().unwrap_or(0) > 4 * self.born
    }

    /// Every living client may have a request and its answer on the way to each broker, and its commits.
    fn no_envelope_is_left_over(&self) {
        let clients = (self.alive.len() + self.done.directory.producers.len()) as u32;
        let most = clients * (4 + 6 * self.config.brokers.len() as u32);
        let left = self.done.leftovers.envelopes;
        assert!(left <= most, "{left} envelopes are left");
    }

    /// Living members that are not stopped, in the order of their client ids.
    fn members(&self, group: GroupId) -> Vec<ConsumerId> {
        let info = |consumer: &ConsumerId| self.done.directory.consumer(*consumer);
        let at_work = self.alive.difference(&self.paused).copied();
        let mut members: Vec<_> = at_work.filter(|c| info(c).group == group).collect();
        members.sort_by_key(|consumer| info(consumer).client_id.clone());
        members
    }

    fn ids(&self, members: &[ConsumerId]) -> BTreeSet<&str> {
        let id = |member: &ConsumerId| &*self.done.directory.consumer(*member).client_id;
        members.iter().map(id).collect()
    }

    fn subscription(&self, consumer: ConsumerId) -> Vec<TopicId> {
        let group = self.done.directory.consumer(consumer).group;
        let settings = &self.config.groups[group.index()];
        let first: usize = self.config.groups[..group.index()]
            .iter()
            .map(|group| group.consumers.len())
            .sum();
        let own = &settings.consumers[consumer.index() - first].subscribe;
        own.as_ref().unwrap_or(&settings.subscribe).clone()
    }

    /// What all of them subscribe to; `None` if they differ, or nobody is there.
    fn common_topics(&self, members: &[ConsumerId]) -> Option<Vec<TopicId>> {
        let topics = self.subscription(*members.first()?);
        members
            .iter()
            .all(|member| self.subscription(*member) == topics)
            .then_some(topics)
    }

    /// Queues of `topics` and of the retry topic of `group`, by topic, in `MessageQueue` order; those that nobody is
    /// given apart.
    fn queues(&self, group: GroupId, topics: &[TopicId]) -> Vec<(Vec<QueueId>, Vec<QueueId>)> {
        let directory = &self.done.directory;
        let reads = |topic: usize| match directory.topics[topic].kind {
            TopicKind::User => topics.contains(&TopicId(topic as u32)),
            TopicKind::Retry(of) => of == group,
            TopicKind::DeadLetter(_) => false,
        };
        let queues_of = |topic: usize| {
            let ids = (0..directory.queues.len() as u32).map(QueueId);
            let mut queues: Vec<QueueId> = ids
                .filter(|q| directory.queue(*q).topic.index() == topic)
                .collect();
            queues.sort_by_key(|q| (directory.queue(*q).broker, directory.queue(*q).index));
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

    /// L1: whatever was stored in a queue that somebody is given was delivered or skipped, finished and committed.
    fn all_is_delivered(&mut self, group: GroupId, topics: &[TopicId]) {
        for queue in self
            .queues(group, topics)
            .into_iter()
            .flat_map(|(given, _)| given)
        {
            let label = self.done.directory.queue_label(queue);
            let records = self.stored.range((queue, 0)..(queue, u64::MAX)).count() as u64;
            let lowest = self.lowest_unfinished(group, queue);
            assert_eq!(lowest, records, "{label}: not finished");
            let committed = self.committed.get(&(group, queue)).copied().unwrap_or(0);
            if !self.commits_by_hand(group) {
                assert_eq!(committed, records, "{label}: lag");
            }
            let missing = (0..records).filter(|offset| !self.delivered.contains(&(group, queue, *offset)));
            let skipped = missing.filter(|offset| {
                let message = (group, self.done.directory.queue(queue).topic, queue, *offset);
                !self.filtering.may_pass(message, &self.done.directory)
            });
            assert!(
                self.config.groups[group.index()].consume_from_where != ConsumeFromWhere::FirstOffset
                    || skipped.count() == 0
            );
        }
    }

    /// Whether the listener commits by hand: then what it did last may stay uncommitted, dead letters above all.
    fn commits_by_hand(&self, group: GroupId) -> bool {
        let settings = orderly::settings(&self.config.groups[group.index()]);
        settings.is_some_and(|settings| !settings.auto_commit)
    }

    /// R1, R3: each queue has the owner that the strategy names: every member of that id, if it is the first of its
    /// kind in the list; nobody, if it is not. Nobody has a queue beyond `readQueueNums`.
    fn queues_are_shared_out(&self, group: GroupId, topics: &[TopicId], members: &[ConsumerId]) {
        let id = |member: ConsumerId| &self.done.directory.consumer(member).client_id;
        let place = |member: ConsumerId| members.iter().position(|other| id(*other) == id(member));
        // A strategy refuses an empty list: then everybody keeps what he has.
        let topics = self
            .queues(group, topics)
            .into_iter()
            .filter(|(given, _)| !given.is_empty());
        for (queues, not_given) in topics {
            let given = self.owners(group, &queues, members);
            let holders = |queue: QueueId| -> Vec<ConsumerId> {
                let held = |consumer: &&ConsumerId| self.holds.contains_key(&(**consumer, queue));
                members.iter().filter(held).copied().collect()
            };
            for (at, queue) in queues.iter().enumerate() {
                let owner = given[at];
                let owners = members.iter().filter(|member| place(**member) == Some(owner));
                let owners: Vec<ConsumerId> = owners.copied().collect();
                assert_eq!(
                    holders(*queue),
                    owners,
                    "{}",
                    self.done.directory.queue_label(*queue)
                );
            }
            for queue in not_given {
                assert_eq!(holders(queue), [], "{}", self.done.directory.queue_label(queue));
            }
        }
    }

    /// Who should own each of `queues` of one topic, as a position in the list of members. The plainest rules are
    /// worked out here once more.
    fn owners(&self, group: GroupId, queues: &[QueueId], members: &[ConsumerId]) -> Vec<usize> {
        let config = &self.config.groups[group.index()];
        let (share, extra) = (queues.len() / members.len(), queues.len() % members.len());
        let ids = members
            .iter()
            .map(|member| self.done.directory.consumer(*member).client_id.clone());
        let ids: Vec<String> = ids.collect();
        let owner = |at: usize| match config.strategy {
            Strategy::AvgByCircle => at % members.len(),
            // The first `extra` members have one more.
            Strategy::Avg if at < extra * (share + 1) => at / (share + 1),
            Strategy::Avg => extra + (at - extra * (share + 1)) / share,
            _ => {
                let shares = config.strategy.build(|_| Vec::new()).allocate_all(&Allocation {
                    consumer_group: &config.name,
                    current_cid: None,
                    mq_all: queues,
                    cid_all: &ids,
                    names: &Known {
                        directory: &self.done.directory,
                        consumers: &config.consumers,
                    },
                    beyond: Beyond::default(),
                });
                let shares = shares.expect("there are queues and members");
                let owner = shares.iter().position(|share| share.contains(&queues[at]));
                // A share of a doubled id's second place belongs to nobody.
                owner.unwrap_or(usize::MAX)
            }
        };
        (0..queues.len()).map(owner).collect()
    }

    /// Memory follows the backlog: what all readers have behind them is freed, up to a part of a segment of 64. A
    /// stopped client may still ask for what it holds.
    fn memory_is_free(&self) {
        for (at, kept) in self.done.leftovers.records.iter().enumerate() {
            let queue = QueueId(at as u32);
            let info = self.done.directory.queue(queue);
            let readers: Vec<GroupId> = match self.done.directory.topic(info.topic).kind {
                TopicKind::User => (0..self.config.groups.len())
                    .map(|g| GroupId(g as u32))
                    .filter(|g| self.done.directory.group(*g).topics.contains(&info.topic))
                    .collect(),
                TopicKind::Retry(group) => vec![group],
                TopicKind::DeadLetter(_) => vec![],
            };
            let is_read = |group: &GroupId| {
                let members = self.members(*group);
                let stopped = |c: &ConsumerId| self.done.directory.consumer(*c).group == *group;
                let topics = self.common_topics(&members).unwrap_or_default();
                let complete = topics == self.config.groups[group.index()].subscribe;
                complete
                    && self.ids(&members).len() == members.len()
                    && !self.retries_rain(*group)
                    && !self.commits_by_hand(*group)
                    && !self.paused.iter().any(stopped)
                    && self
                        .queues(*group, &topics)
                        .iter()
                        .any(|(given, _)| given.contains(&queue))
            };
            // Two owners of a retry queue send everything back twice: dead letters may rain to the end.
            let last_dead = self.last_dead.get(&queue).copied().unwrap_or_default();
            if readers.iter().all(is_read) && self.done.end.since(last_dead) > ms(1000) {
                let label = self.done.directory.queue_label(queue);
                assert!(*kept < 64, "{label}: {kept} records are kept");
            }
        }
    }

    /// In the last 95 s each client has sent three heartbeats to each broker that holds one of its topics.
    fn heartbeats_have_come(&self) {
        let mut expected = BTreeMap::<BrokerId, u64>::new();
        for consumer in self.alive.difference(&self.paused) {
            let topics = self.subscription(*consumer);
            let placed = topics
                .iter()
                .flat_map(|topic| &self.config.topics[topic.index()].placement);
            let brokers: BTreeSet<BrokerId> = placed.map(|(broker, _)| *broker).collect();
            for broker in brokers {
                *expected.entry(broker).or_default() += 3;
            }
        }
        for (broker, least) in expected {
            let came = self.heartbeats.get(&broker).copied().unwrap_or(0);
            assert!(
                came >= least,
                "{:?}: {came} heartbeats, not {least}",
                Server::Broker(broker)
            );
        }
    }
}
