//! The cluster that should be M/M/c: one queue, one consumer with c threads, nothing that costs time but them.

use rmqsim::cluster::config::*;
use rmqsim::cluster::ids::{BrokerId, TopicId};
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::dist::{Dist, Shape};
use rmqsim::kernel::time::{SimDuration, SimTime};
use rmqsim::study::queueing::ErlangC;

/// Mean time between two messages, in every cell; the service time follows from the load.
pub const GAP: SimDuration = SimDuration::from_millis(1);

/// When the producer starts. The consumer has its queue and a pull at the broker long before.
pub const PRODUCER_START: SimTime = SimTime::from_nanos(5_000_000_000);

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Threads of the consumer: c.
    pub threads: u32,
    /// Share of their time that they are busy, in percent; below 100.
    pub load_percent: u64,
}

impl Cell {
    /// All that the project promises.
    pub const ALL: [Self; 9] = [
        Self::new(1, 50),
        Self::new(1, 80),
        Self::new(1, 95),
        Self::new(4, 50),
        Self::new(4, 80),
        Self::new(4, 95),
        Self::new(20, 50),
        Self::new(20, 80),
        Self::new(20, 95),
    ];

    pub const fn new(threads: u32, load_percent: u64) -> Self {
        Self {
            threads,
            load_percent,
        }
    }

    /// Mean service time: exact in nanoseconds, so that the load is exact too.
    pub fn mean_service(&self) -> SimDuration {
        GAP / 100 * self.load_percent * u64::from(self.threads)
    }

    /// What theory says of it, in seconds.
    pub fn theory(&self) -> ErlangC {
        let (gap, service) = (GAP.as_secs_f64(), self.mean_service().as_secs_f64());
        ErlangC::new(self.threads, gap, service).expect("the load is below 100 %")
    }

    /// How the run is cut, if `messages` are to be measured.
    ///
    /// Cells at load 0.95 and above get six times as many. 10 million leave M/M/1 at 0.95 with a standard error
    /// of 1.2 % of the mean sojourn (`mm1_wait_error`), so that a right simulator would miss the bound of 2 %
    /// one time in ten; with 60 million the error is 0.5 %, and the bound lies four errors away.
    pub fn plan(&self, messages: u64) -> Plan {
        let messages = if self.load_percent >= 95 {
            messages * 6
        } else {
            messages
        };
        Plan::new(messages, self.theory().relaxation_time() / GAP.as_secs_f64())
    }

    /// The cluster for it, which makes as many messages as `plan` says.
    pub fn config(&self, plan: &Plan, seed: u64) -> ClusterConfig {
        let mean = self.mean_service();
        config(self.threads, Dist::Shape(Shape::Exponential { mean }), plan, seed)
    }
}

/// How a run is cut: a warm-up that is thrown away, then batches of equal length. All in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Messages thrown away: 20 relaxation times (what the empty start left has shrunk by e²⁰), at least 1000.
    pub warm_up: u64,
    /// Number of batches.
    pub batches: u64,
    /// Messages of one batch: 30 relaxation times or more, unless that would leave fewer than 20 batches.
    pub batch: u64,
}

impl Plan {
    /// A plan to measure at least `messages`, for a queue that forgets its state within `relaxation` messages.
    pub fn new(messages: u64, relaxation: f64) -> Self {
        let wanted = (relaxation * 30.0).ceil() as u64;
        let batches = (messages / wanted).clamp(20, 400);
        Self {
            warm_up: ((relaxation * 20.0) as u64).max(1_000),
            batches,
            batch: messages.div_ceil(batches),
        }
    }

    /// Messages that count.
    pub fn measured(&self) -> u64 {
        self.batches * self.batch
    }

    /// Messages in all.
    pub fn total(&self) -> u64 {
        self.warm_up + self.measured()
    }
}

/// One broker, one queue, one Poisson producer, one consumer; no latency, dispatch with the append.
///
/// All settings not named here are RocketMQ's defaults, the flow control thresholds included: they would bite
/// at 1001 messages in the client, and at load 0.95 the chance to meet so many is below 0.95⁹⁸⁰ = 10⁻²¹.
/// Heartbeats, commits and rebalances go on as ever; they cost no time. The run lasts until everything is
/// consumed: arrivals end 8 standard deviations before its last minute at the latest.
pub fn config(threads: u32, service: Dist, plan: &Plan, seed: u64) -> ClusterConfig {
    let total = plan.total();
    let arrivals = GAP * (total + 8 * total.isqrt());
    ClusterConfig {
        seed,
        duration: PRODUCER_START.since(SimTime::ZERO) + arrivals + SimDuration::from_secs(60),
        version: RocketMqVersion::V5_3,
        brokers: vec![BrokerConfig {
            name: "broker-a".into(),
            machine_room: String::new(),
        }],
        topics: vec![TopicConfig {
            name: "orders".into(),
            placement: vec![(BrokerId(0), TopicQueues { read: 1, write: 1 })],
        }],
        producers: vec![ProducerConfig {
            attributes: AttributesConfig::default(),
            queue_selector: QueueSelector::RoundRobin,
            name: "checkout".into(),
            topic: TopicId(0),
            arrivals: Arrivals::Poisson { mean_gap: GAP },
            body_size: SizeDist::Constant(1024),
            start: PRODUCER_START,
            stop: SimTime::MAX,
            max_messages: total,
        }],
        groups: vec![GroupConfig {
            name: "billing".into(),
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
            consumers: vec![ConsumerConfig {
                life: 1,
                subscribe: None,
                filters: Vec::new(),
                name: "billing-1".into(),
                client_id: "billing-1".into(),
                start: Some(SimTime::ZERO),
                threads,
                service,
                interruptible: true,
                failure: FailureConfig::default(),
                strategy: None,
                machine_room: String::new(),
            }],
        }],
        timeline: vec![],
        expressions: Vec::new(),
        listeners: vec![],
        network: NetworkConfig {
            latency: Dist::Constant(SimDuration::ZERO),
        },
        name_servers: 1,
        forwards: Vec::new(),
        broker_tuning: BrokerTuning {
            reput_interval: Millis(0),
            ..BrokerTuning::default()
        },
        sample_interval: SimDuration::from_secs(3_600),
        warmup: SimDuration::ZERO,
    }
}
