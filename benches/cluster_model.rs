//! The `cluster` model with full semantics: what the model itself costs, and what watching it adds.
//!
//!     cargo bench --bench cluster_model -- --messages 1e6 --observe yes --digest no
//!
//! By default a counter watches and the trace digest is on.

mod support;

use rmqsim::cluster::config::*;
use rmqsim::cluster::directory::Directory;
use rmqsim::cluster::fact::{Fact, Observer};
use rmqsim::cluster::ids::{BrokerId, GroupId, TopicId};
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::cluster::{Cluster, Finished};
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
        attributes: AttributesConfig::default(),
        queue_selector: QueueSelector::RoundRobin,
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
        life: 1,
        subscribe: None,
        filters: Vec::new(),
        name: format!("work-{i}"),
        client_id: format!("work-{i}"),
        start: Some(SimTime::ZERO),
        threads: 20,
        service: Dist::Shape(Shape::Exponential {
            mean: SimDuration::from_millis(10),
        }),
        interruptible: true,
        failure: FailureConfig::default(),
        strategy: None,
        machine_room: String::new(),
    };
    ClusterConfig {
        seed: 1,
        duration: SimDuration::from_secs(messages / 12_800 + 10),
        version: RocketMqVersion::V5_3,
        brokers: vec![BrokerConfig {
            name: "broker-a".into(),
            machine_room: String::new(),
        }],
        topics: vec![TopicConfig {
            name: "load".into(),
            placement: vec![(BrokerId(0), TopicQueues { read: 16, write: 16 })],
        }],
        producers: (0..16).map(producer).collect(),
        groups: vec![GroupConfig {
            name: "work".into(),
            subscribe: vec![TopicId(0)],
            message_model: MessageModel::Clustering,
            idempotent: None,
            local_offset_store: LocalOffsetStore::Kept,
            listener: ListenerKind::Concurrently,
            strategy: Strategy::Avg,
            consume_timestamp: None,
            subscription_group: SubscriptionGroup::default(),
            consume_from_where: ConsumeFromWhere::LastOffset,
            delivery: Delivery::default(),
            guard: None,
            tuning: ConsumerTuning::default(),
            consumers: (0..8).map(consumer).collect(),
        }],
        timeline: vec![],
        expressions: Vec::new(),
        listeners: vec![],
        network: NetworkConfig {
            latency: Dist::Constant(SimDuration::from_micros(500)),
        },
        name_servers: 1,
        forwards: Vec::new(),
        broker_tuning: BrokerTuning::default(),
        sample_interval: SimDuration::from_secs(1),
        warmup: SimDuration::ZERO,
    }
}

fn run<O: Observer>(config: ClusterConfig, observer: O, digest: bool) -> Finished<O> {
    let cluster = Cluster::new(config, observer);
    if digest {
        cluster.run(|_, _| {})
    } else {
        cluster.run_without_digest(|_, _| {})
    }
}

/// Runs what the arguments ask for; the speed table calls it in a process of its own.
pub fn main() {
    let arguments = support::arguments(&["messages", "observe", "digest"]);
    let value = |key: &str, default: &str| arguments.get(key).map_or(default, String::as_str).to_owned();
    let messages = support::count(&value("messages", "1e6"));
    let digest = value("digest", "yes") == "yes";
    let config = config(messages);
    let (events, digest, consumed) = if value("observe", "no") == "yes" {
        let done = run(config.clone(), Observation::new(&config), digest);
        let consumed = done.observer.deliveries(GroupId(0));
        (done.events, done.trace_digest, consumed)
    } else {
        let done = run(config, Counter::default(), digest);
        (done.events, done.trace_digest, done.observer.consumed)
    };
    assert_eq!(consumed, messages / 16 * 16, "every message is consumed");
    println!(
        "{{\"messages\":{messages},\"events\":{events},\"events_per_message\":{:.2},\"digest\":\"{digest}\"}}",
        events as f64 / messages as f64,
    );
}
