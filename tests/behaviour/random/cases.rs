//! Small clusters made at random: a minute of joins, leaves, kills and messages, then two minutes of rest.

use rmqsim::cluster::broker::message_filter::SubscriptionData;
use rmqsim::cluster::broker::message_filter::sql::Sql;
use rmqsim::cluster::config::{
    Action, AttributesConfig, Behavior, Blocked, BrokerConfig, BrokerTuning, ClusterConfig, ConsumeFromWhere,
    ConsumerConfig, ConsumerTuning, Delivery, Expression, ExpressionId, FailureConfig, GroupConfig,
    GuardConfig, GuardRule, KeyDist, ListenerKind, LocalOffsetStore, Member, MessageModel, Millis,
    NetworkConfig, ProducerConfig, QueueSelector, RocketMqVersion, SizeDist, Strategy, SubscriptionGroup,
    TimelineEntry, TopicConfig, TopicQueues,
};
use rmqsim::cluster::fact::PullFailure;
use rmqsim::cluster::ids::{BrokerId, GroupId, TopicId};
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::dist::{Dist, Shape};
use rmqsim::kernel::streams::Streams;
use rmqsim::kernel::time::{SimDuration, SimTime};
pub use rmqsim::verify::fuzz::generate::Chooser;
use std::collections::BTreeMap;

pub const UNREST: u64 = 60_000;
const REST: u64 = 130_000;
/// Level n waits as long as it says; short, so that all retries are over before the run is.
const LEVELS: &str = "1s 1s 1s 2s 3s 4s 5s";

/// Each of `0..n` with an even chance, but at least one.
pub fn some_of(c: &mut Chooser, n: u32) -> Vec<u32> {
    let some = c.some_of(n as usize);
    some.into_iter().map(|n| n as u32).collect()
}

pub fn ms(n: u64) -> SimDuration {
    SimDuration::from_millis(n)
}

pub fn at(millis: u64) -> SimTime {
    SimTime::ZERO + ms(millis)
}

fn uniform(min: SimDuration, max: SimDuration) -> Dist {
    Dist::Shape(Shape::Uniform { min, max })
}

/// A random cluster. With a slow network (round trips of seconds) everything else is small.
pub fn case(number: u64, version: RocketMqVersion) -> ClusterConfig {
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
    let mut groups = groups;
    let mut timeline = timeline(&mut c, &groups);
    choose_styles(number, &mut groups);
    filter(number, &mut groups, &mut timeline);
    timeline.extend(threads(
        &mut Chooser(Streams::new(number).stream("case", "threads")),
        &groups,
    ));
    timeline.extend(busy(
        &mut Chooser(Streams::new(number).stream("case", "busy")),
        brokers,
    ));
    timeline.sort_by_key(|entry| entry.at);
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
        expressions: expressions(),
        timeline,
        listeners: Vec::new(),
        forwards: Vec::new(),
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
        warmup: warmup(&mut Chooser(Streams::new(number).stream("case", "warm-up"))),
    }
}

/// Half of the clusters are measured from somewhere in the unrest on.
fn warmup(c: &mut Chooser) -> SimDuration {
    if c.percent(50) {
        ms(10_000 * c.within(1, UNREST / 10_000))
    } else {
        SimDuration::ZERO
    }
}

fn topic(c: &mut Chooser, number: u64, brokers: u32, slow: bool) -> TopicConfig {
    let queues = |c: &mut Chooser| {
        let both = c.within(1, if slow { 2 } else { 6 }) as u32;
        let read = if c.percent(20) { both + 1 } else { both };
        TopicQueues { read, write: both }
    };
    let placement = some_of(c, brokers);
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
        attributes: attributes(c),
        queue_selector: QueueSelector::RoundRobin,
    }
}

/// Tags that some messages have, and keys that all or none have.
fn attributes(c: &mut Chooser) -> AttributesConfig {
    let tags = [("TagA", 2), ("TagB", 1), ("", 1)].map(|(tag, weight)| (tag.to_owned(), weight));
    AttributesConfig {
        tags: c.pick(&[Vec::new(), tags.to_vec()]),
        keys: c.pick(&[
            None,
            Some(KeyDist::Uniform { count: 50 }),
            Some(KeyDist::Zipf {
                count: 20,
                exponent: 1.1,
            }),
        ]),
        properties: Vec::new(),
    }
}

fn group(c: &mut Chooser, number: u64, topics: u32, slow: bool) -> GroupConfig {
    let name = format!("group-{number}");
    let consumers = c.below(6);
    let subscribe = some_of(c, topics);
    GroupConfig {
        subscribe: subscribe.into_iter().map(TopicId).collect(),
        message_model: MessageModel::Clustering,
        idempotent: None,
        local_offset_store: LocalOffsetStore::Kept,
        listener: ListenerKind::Concurrently,
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
        consume_timestamp: None,
        subscription_group: SubscriptionGroup::default(),
        consume_from_where: c.pick(&[
            ConsumeFromWhere::FirstOffset,
            ConsumeFromWhere::LastOffset,
            ConsumeFromWhere::Timestamp,
        ]),
        delivery: Delivery::LongPolling,
        guard: None,
        tuning: tuning(c, slow),
        consumers: (0..consumers).map(|n| consumer(c, &name, n, slow)).collect(),
        name,
    }
}

/// Every other group gets another delivery style. From a stream of their own, so that cases stay what they were else.
pub fn choose_styles(number: u64, groups: &mut [GroupConfig]) {
    let mut c = Chooser(Streams::new(number).stream("case", "styles"));
    for group in groups {
        group.guard = guard(&mut c);
        let interval = ms(c.pick(&[30, 100, 400, 2000]));
        // A credit is spent once in a round trip, which may take three seconds; a pull gets one body of 400 kB.
        let (batch, credit) = (c.within(20, 60) as u32, c.within(40, 120) as u32);
        group.delivery = c.pick(&[
            Delivery::LongPolling,
            Delivery::LongPolling,
            Delivery::ShortPolling { interval },
            Delivery::Pull {
                interval: interval.min(ms(30)),
                batch,
            },
            Delivery::Push { credit: None },
            Delivery::Push { credit: Some(credit) },
        ]);
    }
}

/// A guard for some groups, wide enough that all is done in the rest.
fn guard(c: &mut Chooser) -> Option<GuardConfig> {
    let behavior = c.pick(&[
        Behavior::Reject,
        Behavior::Pace,
        Behavior::WarmUp,
        Behavior::WarmUpPace,
    ]);
    let rate = GuardRule::Rate {
        qps: c.within(60, 200) as u32,
        behavior,
        max_queueing: ms(c.pick(&[0, 20, 500])),
        warm_up: ms(c.pick(&[1000, 5000])),
        cold_factor: c.within(2, 4) as u32,
    };
    let concurrency = GuardRule::Concurrency(c.within(1, 8) as u32);
    let rule = c.pick(&[rate, concurrency]);
    c.percent(25).then_some(GuardConfig {
        rule,
        blocked: Blocked::Wait,
    })
}

/// Brokers refuse pulls for a while.
fn busy(c: &mut Chooser, brokers: u32) -> Vec<TimelineEntry> {
    let entry = |c: &mut Chooser| {
        let (from, lasting) = (c.below(UNREST), c.within(1, 20_000));
        let answer = c.pick(&[PullFailure::SystemBusy, PullFailure::FlowControl]);
        TimelineEntry {
            at: at(from),
            action: Action::Busy {
                broker: BrokerId(c.below(brokers.into()) as u32),
                until: at(from + lasting),
                answer,
            },
        }
    };
    (0..c.pick(&[0, 0, 1, 3])).map(|_| entry(c)).collect()
}

/// Threads change under way, up and down.
fn threads(c: &mut Chooser, groups: &[GroupConfig]) -> Vec<TimelineEntry> {
    let mut entries = Vec::new();
    for (g, group) in groups
        .iter()
        .enumerate()
        .filter(|(_, group)| !group.consumers.is_empty())
    {
        for _ in 0..c.below(3) {
            let member = Member {
                group: GroupId(g as u32),
                consumer: c.below(group.consumers.len() as u64) as u32,
            };
            let threads = c.within(1, 40) as u32;
            entries.push(TimelineEntry {
                at: at(c.below(UNREST)),
                action: Action::SetThreads { member, threads },
            });
        }
    }
    entries
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
        strategy: None,
        machine_room: String::new(),
        life: 1,
        subscribe: None,
        filters: Vec::new(),
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
        interruptible: true,
        failure: FailureConfig {
            probability: match (fails, slow) {
                (false, _) => 0.0,
                (true, true) => 0.02,
                (true, false) => 0.1,
            },
            poison: if often { 0.02 } else { 0.0 },
            fail_first_attempts: u32::from(often && c.percent(20)),
            ..FailureConfig::default()
        },
    }
}

/// What some groups ask for; numbered from 1.
fn expressions() -> Vec<Expression> {
    let tags = |text| Expression::Tags(SubscriptionData::of_tags(Some(text)).expect("there are tags in it"));
    let sql = Sql::compile("TAGS = 'TagB' OR KEYS IN ('k1', 'k2')").expect("it is one");
    vec![
        tags("TagA"),
        tags("TagB || TagA"),
        tags("TagC"),
        Expression::Sql(sql),
    ]
}

/// Lets half of the groups filter; members of some of them differ, or come to differ. Draws from a stream of its own, so
/// that all else in a case is as it is without filters.
fn filter(number: u64, groups: &mut [GroupConfig], timeline: &mut Vec<TimelineEntry>) {
    let mut c = Chooser(Streams::new(number).stream("case", "filters"));
    let some = |c: &mut Chooser| ExpressionId(c.within(0, 4) as u16);
    for (g, group) in groups.iter_mut().enumerate() {
        let is_pushed = matches!(group.delivery, Delivery::Push { .. });
        if c.percent(50) || group.consumers.is_empty() || is_pushed {
            continue;
        }
        let filters = |c: &mut Chooser, topics: &[TopicId]| -> Vec<(TopicId, ExpressionId)> {
            let all = topics.iter().map(|topic| (*topic, some(c)));
            all.filter(|(_, expression)| !expression.is_all()).collect()
        };
        let of_all = filters(&mut c, &group.subscribe);
        let differ = c.percent(30);
        for consumer in &mut group.consumers {
            consumer.filters = match differ {
                true => filters(&mut c, &group.subscribe),
                false => of_all.clone(),
            };
        }
        if c.percent(30) {
            let member = Member {
                group: GroupId(g as u32),
                consumer: c.below(group.consumers.len() as u64) as u32,
            };
            let (topic, expression) = (c.pick(&group.subscribe), some(&mut c));
            timeline.push(TimelineEntry {
                at: at(c.within(0, UNREST)),
                action: Action::Subscribe {
                    member,
                    topic,
                    expression,
                },
            });
        }
    }
    timeline.sort_by_key(|entry| entry.at);
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
