//! The `cluster` model with full semantics: what the model itself costs, and what watching it adds.
//!
//! `cargo bench --bench cluster_model -- --messages 1000000 [--observe]`

use rmqsim::cluster::Cluster;
use rmqsim::cluster::config::*;
use rmqsim::cluster::directory::Directory;
use rmqsim::cluster::fact::{Fact, Observer};
use rmqsim::cluster::ids::{BrokerId, GroupId, TopicId};
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::dist::{Dist, Shape};
use rmqsim::kernel::time::{SimDuration, SimTime};
use rmqsim::observe::observation::Observation;

/// Counts what matters for the check that the run did what it should.
#[derive(Default)]
struct Counter {
    consumed: u64,
}

impl Observer for Counter {
    #[inline(always)]
    fn observe(&mut self, _: SimTime, _: &Directory, fact: &Fact) {
        if let Fact::Consumed { .. } = fact {
            self.consumed += 1;
        }
    }
    fn sample(&mut self, _: SimTime, _: &Directory) {}
}

fn config(messages: u64) -> ClusterConfig {
    let producer = |i: u32| ProducerConfig {
        name: format!("load-{i}"),
        topic: TopicId(0),
        arrivals: Arrivals::Poisson {
            mean_gap: SimDuration::from_micros(1250),
        },
        body_size: SizeDist::Constant(1024),
        start: SimTime::from_nanos(3_000_000_000),
        stop: SimTime::MAX,
        max_messages: messages / 16,
    };
    let consumer = |i: u32| ConsumerConfig {
        name: format!("work-{i}"),
        client_id: format!("work-{i}"),
        start: Some(SimTime::ZERO),
        threads: 20,
        service: Dist::Shape(Shape::Exponential {
            mean: SimDuration::from_millis(10),
        }),
        failure: FailureConfig {
            probability: 0.0,
            poison: 0.0,
            fail_first_attempts: 0,
        },
    };
    ClusterConfig {
        seed: 1,
        duration: SimDuration::from_secs(messages / 12_800 + 10),
        version: RocketMqVersion::V5_3,
        brokers: vec![BrokerConfig {
            name: "broker-a".into(),
        }],
        topics: vec![TopicConfig {
            name: "load".into(),
            placement: vec![(BrokerId(0), TopicQueues { read: 16, write: 16 })],
        }],
        producers: (0..16).map(producer).collect(),
        groups: vec![GroupConfig {
            name: "work".into(),
            subscribe: vec![TopicId(0)],
            strategy: StrategyName::Avg,
            consume_from_where: ConsumeFromWhere::LastOffset,
            tuning: ConsumerTuning::default(),
            consumers: (0..8).map(consumer).collect(),
        }],
        timeline: vec![],
        network: NetworkConfig {
            latency: Dist::Constant(SimDuration::from_micros(500)),
        },
        broker_tuning: BrokerTuning::default(),
        sample_interval: SimDuration::from_secs(1),
    }
}

fn main() {
    let mut args = std::env::args().skip_while(|a| a != "--messages").skip(1);
    let messages = args
        .next()
        .map_or(1_000_000, |n| n.parse().expect("--messages takes a number"));
    let config = config(messages);
    let (events, digest) = if std::env::args().any(|a| a == "--observe") {
        let done = Cluster::new(config.clone(), Observation::new(&config)).run(|_, _| {});
        assert_eq!(done.observer.deliveries(GroupId(0)), messages / 16 * 16);
        (done.events, done.trace_digest)
    } else {
        let done = Cluster::new(config, Counter::default()).run(|_, _| {});
        assert_eq!(done.observer.consumed, messages / 16 * 16);
        (done.events, done.trace_digest)
    };
    println!(
        "{{\"messages\":{messages},\"events\":{},\"events_per_message\":{:.2},\"digest\":\"{}\"}}",
        events,
        events as f64 / messages as f64,
        digest
    );
}
