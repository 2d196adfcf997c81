//! Small clusters made at random, judged by what must hold in every one of them.
//!
//! A case has a minute of joins, leaves, kills and messages, then two minutes of rest. The rules are checked on
//! the facts alone. `RMQSIM_RANDOM_CASES` runs more cases than the usual ones; a failure names its case.

use crate::support::Recorder;
use rmqsim::cluster::config::{
    Action, BrokerConfig, BrokerTuning, ClusterConfig, ConsumeFromWhere, ConsumerConfig, ConsumerTuning,
    FailureConfig, GroupConfig, Member, Millis, NetworkConfig, ProducerConfig, RocketMqVersion, SizeDist,
    Strategy, TimelineEntry, TopicConfig, TopicQueues,
};
use rmqsim::cluster::consumer::allocate::{Allocation, Beyond, Names, QueueName};
use rmqsim::cluster::directory::{Directory, TopicKind};
use rmqsim::cluster::fact::{Fact, PullResult};
use rmqsim::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId, TopicId};
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::cluster::{Cluster, Finished};
use rmqsim::kernel::dist::{Dist, Shape};
use rmqsim::kernel::streams::{Source, Stream, Streams};
use rmqsim::kernel::time::{SimDuration, SimTime};
use std::collections::{BTreeMap, BTreeSet};

const UNREST: u64 = 60_000;
const REST: u64 = 130_000;
/// Level n waits as long as it says; short, so that all retries are over before the run is.
const LEVELS: &str = "1s 1s 1s 2s 3s 4s 5s";
const LEVEL_SECONDS: [u64; 7] = [1, 1, 1, 2, 3, 4, 5];

/// Names as a directory knows them.
struct ByDirectory<'a>(&'a Directory);

impl Names<QueueId, ConsumerId> for ByDirectory<'_> {
    fn queue<'n>(&'n self, queue: &'n QueueId) -> QueueName<'n> {
        let place = self.0.queue(*queue);
        QueueName {
            topic: &self.0.topic(place.topic).name,
            broker_name: self.0.broker(place.broker),
            queue_id: place.index as i32,
        }
    }
    fn client<'n>(&'n self, client: &'n ConsumerId) -> &'n str {
        &self.0.consumer(*client).client_id
    }
    fn weight(&self, client: &ConsumerId) -> u32 {
        self.0.consumer(*client).threads
    }
}

// ---- cases ---------------------------------------------------------------------------------------------

/// Makes choices for one case.
struct Chooser(Stream);

impl Chooser {
    fn below(&mut self, n: u64) -> u64 {
        self.0.below(n)
    }
    fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }
    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }
    /// Each of `0..n` with an even chance, but at least one.
    fn some_of(&mut self, n: u32) -> Vec<u32> {
        let certain = self.below(u64::from(n)) as u32;
        (0..n).filter(|i| *i == certain || self.percent(50)).collect()
    }
}

fn ms(n: u64) -> SimDuration {
    SimDuration::from_millis(n)
}

fn at(millis: u64) -> SimTime {
    SimTime::ZERO + ms(millis)
}

fn uniform(min: SimDuration, max: SimDuration) -> Dist {
    Dist::Shape(Shape::Uniform { min, max })
}

/// A random cluster. With a slow network (round trips of seconds) everything else is small.
fn case(number: u64, version: RocketMqVersion) -> ClusterConfig {
    let mut c = Chooser(Streams::new(number).stream("case", "choices"));
    let slow = c.percent(25);
    let latency = if slow {
        c.pick(&[
            Dist::Constant(ms(700)),
            uniform(SimDuration::ZERO, ms(800)),
            uniform(SimDuration::ZERO, ms(1500)),
        ])
    } else {
        c.pick(&[
            Dist::Constant(SimDuration::ZERO),
            Dist::Constant(SimDuration::from_micros(200)),
            uniform(SimDuration::ZERO, ms(5)),
            Dist::Shape(Shape::Lognormal {
                mean: ms(1),
                p99: ms(10),
            }),
        ])
    };
    let brokers = c.within(1, 3) as u32;
    let topics: Vec<TopicConfig> = (0..c.within(1, 3))
        .map(|n| topic(&mut c, n, brokers, slow))
        .collect();
    let producers = (0..c.within(1, 3))
        .map(|n| producer(&mut c, n, topics.len() as u64, slow))
        .collect();
    let groups: Vec<GroupConfig> = (0..c.below(4))
        .map(|n| group(&mut c, n, topics.len() as u32, slow))
        .collect();
    let timeline = timeline(&mut c, &groups);
    ClusterConfig {
        seed: number,
        duration: ms(UNREST + REST),
        version,
        brokers: (0..brokers)
            .map(|n| BrokerConfig {
                name: format!("broker-{n}"),
                machine_room: String::new(),
            })
            .collect(),
        topics,
        producers,
        groups,
        timeline,
        network: NetworkConfig { latency },
        name_servers: 1,
        broker_tuning: BrokerTuning {
            long_polling_enable: c.percent(80),
            message_delay_level: LEVELS.to_owned(),
            retry_queue_nums: c.within(1, if slow { 1 } else { 3 }) as u32,
            reput_interval: Millis(c.pick(&[0, 1, 20])),
            ..BrokerTuning::default()
        },
        sample_interval: ms(10_000),
    }
}

fn topic(c: &mut Chooser, number: u64, brokers: u32, slow: bool) -> TopicConfig {
    let queues = |c: &mut Chooser| {
        let both = c.within(1, if slow { 2 } else { 6 }) as u32;
        let read = if c.percent(20) { both + 1 } else { both };
        TopicQueues { read, write: both }
    };
    let placement = c.some_of(brokers);
    TopicConfig {
        name: format!("topic-{number}"),
        placement: placement.into_iter().map(|b| (BrokerId(b), queues(c))).collect(),
    }
}

fn producer(c: &mut Chooser, number: u64, topics: u64, slow: bool) -> ProducerConfig {
    let messages = if slow { 500 } else { 1200 };
    let mean_gap = ms(c.within(10, 60) * if slow { 2 } else { 1 });
    let second = SimDuration::from_secs(1);
    ProducerConfig {
        name: format!("producer-{number}"),
        topic: TopicId(c.below(topics) as u32),
        arrivals: c.pick(&[
            Arrivals::Constant { gap: mean_gap },
            Arrivals::Poisson { mean_gap },
            Arrivals::Bursts {
                mean_gap,
                on: second,
                off: second * 5,
            },
            Arrivals::AtOnce,
        ]),
        body_size: match c.below(4) {
            0 if !slow => SizeDist::Uniform(1, 400_000),
            _ => SizeDist::Constant(c.within(1, 5000) as u32),
        },
        start: at(c.pick(&[0, 0, 5000, 30_000])),
        stop: at(UNREST),
        max_messages: c.within(1, messages),
    }
}

fn group(c: &mut Chooser, number: u64, topics: u32, slow: bool) -> GroupConfig {
    let name = format!("group-{number}");
    let consumers = c.below(6);
    let subscribe = c.some_of(topics);
    GroupConfig {
        subscribe: subscribe.into_iter().map(TopicId).collect(),
        strategy: c.pick(&[
            Strategy::Avg,
            Strategy::AvgByCircle,
            Strategy::ConsistentHash { virtual_nodes: 10 },
            Strategy::BoundedConsistentHash {
                virtual_nodes: 10,
                load_bound: 1.25,
            },
            Strategy::Weighted {
                weights: BTreeMap::new(),
            },
            Strategy::RotatedAvg,
        ]),
        consume_from_where: c.pick(&[
            ConsumeFromWhere::FirstOffset,
            ConsumeFromWhere::LastOffset,
            ConsumeFromWhere::Timestamp,
        ]),
        tuning: tuning(c, slow),
        consumers: (0..consumers).map(|n| consumer(c, &name, n, slow)).collect(),
        name,
    }
}

fn tuning(c: &mut Chooser, slow: bool) -> ConsumerTuning {
    let few = if slow { 32 } else { 4 };
    ConsumerTuning {
        pull_batch_size: c.within(few, 32) as u32,
        pull_interval: Millis(c.pick(&[0, 0, 0, 20])),
        pull_threshold_for_queue: c.pick(&[1000, 1000, 40, 5]),
        pull_threshold_size_for_queue: c.pick(&[100, 1]),
        pull_threshold_for_topic: c.pick(&[-1, -1, 100]),
        consume_concurrently_max_span: c.pick(&[2000, 2000, 30]),
        consume_message_batch_max_size: c.pick(&[1, 1, 3, if slow { 2 } else { 50 }]),
        max_reconsume_times: c.pick(&[if slow { 2 } else { -1 }, 3, 1, 0]),
        delay_level_when_next_consume: c.pick(&[0, 0, 0, 2, -1]),
        persist_consumer_offset_interval: Millis(c.pick(&[5000, 5000, 500])),
        broker_suspend_max_time_millis: Millis(c.pick(&[15_000, 15_000, 2000])),
        await_termination_millis_when_shutdown: Millis(c.pick(&[0, 0, 300, 5000])),
        startup_time: Millis(c.pick(&[0, 100, 100, 2000])),
        ..ConsumerTuning::default()
    }
}

fn consumer(c: &mut Chooser, group: &str, number: u64, slow: bool) -> ConsumerConfig {
    let service = c.within(0, 12);
    let fails = c.percent(40);
    let often = fails && !slow;
    ConsumerConfig {
        life: 1,
        subscribe: None,
        name: format!("{group}-{number}"),
        // Ids sort otherwise than members are listed.
        client_id: format!("10.0.0.{}@{number}", (number * 7 + 3) % 11),
        start: (!c.percent(25)).then(|| at(c.pick(&[0, 0, 1000, 20_000]))),
        threads: c.pick(&[1, 2, 20]),
        service: c.pick(&[
            Dist::Constant(ms(service)),
            uniform(SimDuration::ZERO, ms(2 * service)),
            Dist::Constant(SimDuration::ZERO),
        ]),
        failure: FailureConfig {
            probability: match (fails, slow) {
                (false, _) => 0.0,
                (true, true) => 0.02,
                (true, false) => 0.1,
            },
            poison: if often { 0.02 } else { 0.0 },
            fail_first_attempts: u32::from(often && c.percent(20)),
        },
        strategy: None,
        machine_room: String::new(),
    }
}

/// Joins, leaves and kills, some of them in quick succession or at one instant.
fn timeline(c: &mut Chooser, groups: &[GroupConfig]) -> Vec<TimelineEntry> {
    let mut entries = Vec::new();
    for (g, group) in groups.iter().enumerate() {
        if group.consumers.is_empty() {
            continue;
        }
        let group_id = GroupId(g as u32);
        let mut time = 0;
        for _ in 0..c.below(8) {
            time += c.pick(&[0, 1, 40, 105, 600, 1010, 1500, 4000, 9000, 15_000]);
            let consumer = c.below(group.consumers.len() as u64) as u32;
            let member = Member {
                group: group_id,
                consumer,
            };
            let action = match c.below(3) {
                0 => Action::Join(member),
                1 => Action::Leave(member),
                _ => Action::Kill(member),
            };
            entries.push(TimelineEntry {
                at: at(time.min(UNREST)),
                action,
            });
        }
    }
    entries.sort_by_key(|entry| entry.at);
    entries
}

// ---- rules ---------------------------------------------------------------------------------------------

/// One hold of a queue by a client, and how far its listener has come.
#[derive(Clone, Copy, Debug)]
struct Hold {
    next_delivery: u64,
}

/// Checks facts in their order and remembers what the rules need.
struct Judge<'a> {
    config: &'a ClusterConfig,
    done: &'a Finished<Recorder>,
    alive: BTreeSet<ConsumerId>,
    gone: BTreeSet<ConsumerId>,
    holds: BTreeMap<(ConsumerId, QueueId), Hold>,
    /// `reconsumeTimes` of all records.
    stored: BTreeMap<(QueueId, u64), u16>,
    delivered: BTreeSet<(GroupId, QueueId, u64)>,
    /// Consumed, sent back or skipped.
    finished: BTreeMap<(GroupId, QueueId), BTreeSet<u64>>,
    committed: BTreeMap<(GroupId, QueueId), u64>,
    failed: BTreeMap<(GroupId, QueueId, u64), u32>,
    sent_back: BTreeMap<(GroupId, QueueId, u64), u32>,
    last_round_end: BTreeMap<ConsumerId, SimTime>,
    retries_waiting: i64,
    born: u64,
}

impl<'a> Judge<'a> {
    fn new(config: &'a ClusterConfig, done: &'a Finished<Recorder>) -> Self {
        Self {
            config,
            done,
            alive: BTreeSet::new(),
            gone: BTreeSet::new(),
            holds: BTreeMap::new(),
            stored: BTreeMap::new(),
            delivered: BTreeSet::new(),
            finished: BTreeMap::new(),
            committed: BTreeMap::new(),
            failed: BTreeMap::new(),
            sent_back: BTreeMap::new(),
            last_round_end: BTreeMap::new(),
            retries_waiting: 0,
            born: 0,
        }
    }

    fn group_of(&self, consumer: ConsumerId) -> &GroupConfig {
        let group = self.done.directory.consumer(consumer).group;
        &self.config.groups[group.index()]
    }

    fn judge(mut self) {
        for (time, fact) in &self.done.observer.0 {
            self.fact(*time, fact);
        }
        self.end();
    }

    fn fact(&mut self, now: SimTime, fact: &Fact) {
        match fact {
            Fact::ConsumerStarted { consumer } => {
                assert!(self.alive.insert(*consumer));
                self.last_round_end.insert(*consumer, now);
            }
            Fact::ConsumerStopped { consumer, .. } => {
                assert!(self.alive.remove(consumer) && self.gone.insert(*consumer));
            }
            Fact::Born { .. } => self.born += 1,
            Fact::Stored { queue, offset, .. } => {
                assert!(self.stored.insert((*queue, *offset), 0).is_none());
            }
            Fact::RetryStored {
                queue,
                offset,
                reconsume_times,
                ..
            } => {
                assert!(self.stored.insert((*queue, *offset), *reconsume_times).is_none());
                self.retries_waiting -= 1;
            }
            Fact::RebalanceBegan { .. } | Fact::RebalanceEnded { .. } => self.rounds(now, fact),
            Fact::PullAnswered { .. } => self.pull_answered(fact),
            Fact::QueueAcquired {
                consumer,
                queue,
                start_offset,
                ..
            } => {
                assert!(self.alive.contains(consumer));
                let hold = Hold {
                    next_delivery: *start_offset,
                };
                assert!(self.holds.insert((*consumer, *queue), hold).is_none());
            }
            Fact::QueueReleased { consumer, queue, .. } => {
                assert!(self.holds.remove(&(*consumer, *queue)).is_some());
            }
            Fact::OffsetsSkipped {
                group,
                queue,
                from,
                to,
            } => {
                self.finished
                    .entry((*group, *queue))
                    .or_default()
                    .extend(*from..*to);
            }
            Fact::OffsetCommitted {
                group,
                queue,
                old,
                new,
                ..
            } => {
                let before = self.committed.insert((*group, *queue), *new);
                assert_eq!(before, *old);
                let lowest = self.lowest_unfinished(*group, *queue);
                assert!(
                    *new <= lowest,
                    "P1: {new} is committed, but {lowest} is not finished"
                );
            }
            Fact::Delivered { .. } | Fact::Consumed { .. } => self.consuming(fact),
            Fact::RetryScheduled { .. } | Fact::DeadLettered { .. } => self.sent_back(fact),
            _ => {}
        }
    }

    /// Rounds of one client are 1 s apart from 5.2 on.
    fn rounds(&mut self, now: SimTime, fact: &Fact) {
        match fact {
            Fact::RebalanceBegan { consumer, .. } => {
                let least = match self.config.version {
                    RocketMqVersion::V4_9 => SimDuration::ZERO,
                    RocketMqVersion::V5_3 => SimDuration::from_secs(1),
                };
                assert!(now.since(self.last_round_end[consumer]) >= least);
            }
            Fact::RebalanceEnded { consumer, .. } => {
                self.last_round_end.insert(*consumer, now);
            }
            _ => unreachable!(),
        }
    }

    /// H2: a hold lasts no longer than its time and one sweep; one that ends with nothing, no shorter.
    fn pull_answered(&self, fact: &Fact) {
        let Fact::PullAnswered {
            consumer,
            result,
            held,
            messages,
            ..
        } = fact
        else {
            unreachable!()
        };
        let (timeout, sweep) = if self.config.broker_tuning.long_polling_enable {
            (
                self.group_of(*consumer)
                    .tuning
                    .broker_suspend_max_time_millis
                    .duration(),
                ms(5000),
            )
        } else {
            (ms(1000), ms(1000))
        };
        assert!(*held <= timeout + sweep, "H2: held for {held}");
        assert_eq!(*result == PullResult::Found, *messages > 0);
        assert!(
            *result == PullResult::Found || *held >= timeout,
            "held for {held} only"
        );
    }

    fn lowest_unfinished(&mut self, group: GroupId, queue: QueueId) -> u64 {
        let finished = self.finished.entry((group, queue)).or_default();
        // What lies below the first gap is as good as one mark.
        let mut lowest = 0;
        while finished.contains(&lowest) {
            lowest += 1;
        }
        lowest
    }

    /// Each hold delivers every offset once, in order, from its start, and only while it lasts.
    fn consuming(&mut self, fact: &Fact) {
        match fact {
            Fact::Delivered {
                consumer,
                group,
                queue,
                offset,
                reconsume_times,
                ..
            } => {
                assert!(self.alive.contains(consumer));
                let hold = self
                    .holds
                    .get_mut(&(*consumer, *queue))
                    .expect("who delivers holds the queue");
                assert_eq!(hold.next_delivery, *offset);
                hold.next_delivery += 1;
                assert_eq!(self.stored[&(*queue, *offset)], *reconsume_times);
                self.delivered.insert((*group, *queue, *offset));
            }
            Fact::Consumed {
                consumer,
                group,
                queue,
                offset,
                success,
                ..
            } => {
                assert!(self.holds.contains_key(&(*consumer, *queue)));
                if *success {
                    self.finished.entry((*group, *queue)).or_default().insert(*offset);
                } else {
                    *self.failed.entry((*group, *queue, *offset)).or_default() += 1;
                }
            }
            _ => unreachable!(),
        }
    }

    /// A failure is sent back at most once, at the level that its count of attempts asks for, until that is full.
    fn sent_back(&mut self, fact: &Fact) {
        let (group, queue, offset, times, level) = match fact {
            Fact::RetryScheduled {
                group,
                queue,
                offset,
                reconsume_times,
                level,
                delay,
                ..
            } => {
                assert_eq!(
                    *delay,
                    SimDuration::from_secs(LEVEL_SECONDS[usize::from(*level) - 1])
                );
                self.retries_waiting += 1;
                (*group, *queue, *offset, *reconsume_times, Some(*level))
            }
            Fact::DeadLettered {
                group,
                queue,
                offset,
                reconsume_times,
                ..
            } => (*group, *queue, *offset, *reconsume_times, None),
            _ => unreachable!(),
        };
        let tuning = &self.config.groups[group.index()].tuning;
        let before = self.stored[&(queue, offset)];
        assert_eq!(times, before + 1);
        let max = u16::try_from(tuning.max_reconsume_times).unwrap_or(16);
        let expected = match tuning.delay_level_when_next_consume {
            _ if before >= max => None,
            ..0 => None,
            0 => Some((3 + before as u8).min(LEVEL_SECONDS.len() as u8)),
            level => Some(level as u8),
        };
        assert_eq!(level, expected);
        let sent = self.sent_back.entry((group, queue, offset)).or_default();
        *sent += 1;
        assert!(
            *sent <= self.failed[&(group, queue, offset)],
            "sent back more often than it failed"
        );
        self.finished.entry((group, queue)).or_default().insert(offset);
    }

    // ---- at the end, after two minutes of rest -----------------------------------------------------------

    fn end(&mut self) {
        let left = &self.done.leftovers;
        assert_eq!(
            (left.held_queues_of_gone, left.tasks_of_gone),
            (0, 0),
            "left by clients that are gone"
        );
        assert_eq!(left.sends, 0);
        assert_eq!(self.retries_waiting, 0);
        let user = |queue: &QueueId| {
            let topic = self.done.directory.queue(*queue).topic;
            self.done.directory.topic(topic).kind == TopicKind::User
        };
        let appended = self.stored.keys().filter(|(queue, _)| user(queue)).count() as u64;
        assert_eq!(appended, self.born, "born = stored");
        for (consumer, queue) in self.holds.keys() {
            assert!(
                self.alive.contains(consumer),
                "{queue:?} is held by a client that is gone"
            );
        }
        for group in 0..self.config.groups.len() {
            let group = GroupId(group as u32);
            let members = self.members(group);
            if !members.is_empty() {
                self.all_is_delivered(group);
                self.queues_are_shared_out(group, &members);
            }
        }
        self.memory_is_free();
    }

    /// Living members in the order of their client ids.
    fn members(&self, group: GroupId) -> Vec<ConsumerId> {
        let info = |consumer: &ConsumerId| self.done.directory.consumer(*consumer);
        let mut members: Vec<_> = self
            .alive
            .iter()
            .copied()
            .filter(|c| info(c).group == group)
            .collect();
        members.sort_by_key(|consumer| info(consumer).client_id.clone());
        members
    }

    /// Queues of each topic that `group` reads, its retry topic included, in `MessageQueue` order.
    fn topics_of(&self, group: GroupId) -> Vec<Vec<QueueId>> {
        let directory = &self.done.directory;
        let reads = |topic: usize| match directory.topics[topic].kind {
            TopicKind::User => directory.group(group).topics.contains(&TopicId(topic as u32)),
            TopicKind::Retry(of) => of == group,
            TopicKind::DeadLetter(_) => false,
        };
        let queues_of = |topic: usize| {
            let ids = (0..directory.queues.len() as u32).map(QueueId);
            let mut queues: Vec<QueueId> = ids
                .filter(|q| directory.queue(*q).topic.index() == topic)
                .collect();
            queues.sort_by_key(|q| (directory.queue(*q).broker, directory.queue(*q).index));
            queues
        };
        (0..directory.topics.len())
            .filter(|topic| reads(*topic))
            .map(queues_of)
            .collect()
    }

    /// L1: whatever was stored was delivered or skipped, finished and committed.
    fn all_is_delivered(&mut self, group: GroupId) {
        for queue in self.topics_of(group).concat() {
            let records = self.stored.range((queue, 0)..(queue, u64::MAX)).count() as u64;
            let lowest = self.lowest_unfinished(group, queue);
            assert_eq!(
                lowest,
                records,
                "{}: not finished",
                self.done.directory.queue_label(queue)
            );
            let committed = self.committed.get(&(group, queue)).copied().unwrap_or(0);
            assert_eq!(
                committed,
                records,
                "{}: lag",
                self.done.directory.queue_label(queue)
            );
            let skipped = (0..records).filter(|offset| !self.delivered.contains(&(group, queue, *offset)));
            assert!(
                self.config.groups[group.index()].consume_from_where != ConsumeFromWhere::FirstOffset
                    || skipped.count() == 0
            );
        }
    }

    /// Who should own each of `queues` of one topic. The plainest rules are worked out here once more.
    fn owners(&self, group: GroupId, queues: &[QueueId], members: &[ConsumerId]) -> Vec<ConsumerId> {
        let config = &self.config.groups[group.index()];
        let (share, extra) = (queues.len() / members.len(), queues.len() % members.len());
        let owner = |at: usize| match config.strategy {
            Strategy::AvgByCircle => members[at % members.len()],
            // The first `extra` members have one more.
            Strategy::Avg if at < extra * (share + 1) => members[at / (share + 1)],
            Strategy::Avg => members[extra + (at - extra * (share + 1)) / share],
            _ => {
                let shares = config.strategy.build(|_| None).allocate_all(&Allocation {
                    consumer_group: &config.name,
                    current_cid: None,
                    mq_all: queues,
                    cid_all: members,
                    names: &ByDirectory(&self.done.directory),
                    beyond: Beyond::default(),
                });
                let shares = shares.expect("there are queues and members");
                let owner = shares.iter().position(|share| share.contains(&queues[at]));
                members[owner.expect("every queue has an owner")]
            }
        };
        (0..queues.len()).map(owner).collect()
    }

    /// R1, R3: each queue has the one owner that the strategy names.
    fn queues_are_shared_out(&self, group: GroupId, members: &[ConsumerId]) {
        for queues in self.topics_of(group) {
            let owners = self.owners(group, &queues, members);
            for (at, queue) in queues.iter().enumerate() {
                let held = |consumer: &&ConsumerId| self.holds.contains_key(&(**consumer, *queue));
                let holders: Vec<ConsumerId> = members.iter().filter(held).copied().collect();
                assert_eq!(
                    holders,
                    [owners[at]],
                    "{}",
                    self.done.directory.queue_label(*queue)
                );
            }
        }
    }

    /// Memory follows the backlog: what all readers have behind them is freed, up to a part of a segment of 64.
    fn memory_is_free(&self) {
        for (at, kept) in self.done.leftovers.records.iter().enumerate() {
            let queue = QueueId(at as u32);
            let topic = self.done.directory.queue(queue).topic;
            let readers: Vec<GroupId> = match self.done.directory.topic(topic).kind {
                TopicKind::User => (0..self.config.groups.len())
                    .map(|g| GroupId(g as u32))
                    .filter(|g| self.done.directory.group(*g).topics.contains(&topic))
                    .collect(),
                TopicKind::Retry(group) => vec![group],
                TopicKind::DeadLetter(_) => vec![],
            };
            if readers.iter().all(|group| !self.members(*group).is_empty()) {
                assert!(
                    *kept < 64,
                    "{}: {kept} records are kept",
                    self.done.directory.queue_label(queue)
                );
            }
        }
    }
}

fn holds(number: u64, version: RocketMqVersion) -> bool {
    let config = case(number, version);
    std::panic::catch_unwind(|| {
        let done = Cluster::new(config.clone(), Recorder::default()).run(|_, _| {});
        Judge::new(&config, &done).judge();
    })
    .inspect_err(|_| eprintln!("case {number} of {version:?}: see above"))
    .is_ok()
}

#[track_caller]
fn check(numbers: std::ops::Range<u64>, version: RocketMqVersion) {
    let more = std::env::var("RMQSIM_RANDOM_CASES")
        .ok()
        .and_then(|n| n.parse().ok());
    let failed: Vec<u64> = (numbers.start..numbers.end + more.unwrap_or(0))
        .filter(|number| !holds(*number, version))
        .collect();
    assert!(failed.is_empty(), "cases that break a rule: {failed:?}");
}

#[test]
fn random_clusters_keep_the_rules_of_5_3() {
    check(0..60, RocketMqVersion::V5_3);
}

#[test]
fn random_clusters_keep_the_rules_of_4_9() {
    check(1000..1060, RocketMqVersion::V4_9);
}

/// Cases in which records were once freed although a commit or an answer on the wire led back to them.
#[test]
fn what_is_on_the_wire_keeps_records() {
    for (number, version) in [
        (318, RocketMqVersion::V5_3),
        (1179, RocketMqVersion::V4_9),
        (1919, RocketMqVersion::V4_9),
        (1919, RocketMqVersion::V5_3),
    ] {
        assert!(holds(number, version));
    }
}
