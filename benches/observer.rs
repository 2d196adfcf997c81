//! What observing costs: the facts of one message, told to the observer of every run, against telling them to
//! one that ignores them.
//!
//! 8 queues, 4 consumers; answers to pulls carry `--batch` messages (default 1). Messages are delivered 0.5 ms
//! after storage and done after 1 … 100 ms, 800 open at a time. `cargo bench --bench observer`.

mod clock;
mod support;

use rmqsim::cluster::consumer::delivery::Delivery;
use rmqsim::cluster::consumer::held_queue::CacheTotal;
use rmqsim::cluster::directory::{ConsumerInfo, Directory, GroupInfo, QueueInfo, TopicInfo, TopicKind};
use rmqsim::cluster::fact::{CommitVia, Fact, Observer, PullResult, RequestKind};
use rmqsim::cluster::ids::{BrokerId, ConsumerId, GroupId, MessageId, ProducerId, QueueId, TopicId};
use rmqsim::cluster::producer::attributes::Attributes;
use rmqsim::kernel::time::{SimDuration, SimTime};
use rmqsim::observe::observation::Observation;
use std::hint::black_box;

const QUEUES: u64 = 8;
const OPEN: u64 = 800;

/// Hears everything and keeps nothing.
struct Deaf(u64);

impl Observer for Deaf {
    #[inline(always)]
    fn observe(&mut self, now: SimTime, _: &Directory, fact: &Fact) {
        black_box(now);
        if let Fact::Stored { offset, .. } | Fact::Consumed { offset, .. } = fact {
            self.0 += offset;
        }
    }
    fn sample(&mut self, _: SimTime, _: &Directory) {}
}

fn directory() -> Directory {
    Directory {
        attributes: Attributes::default(),
        brokers: vec!["broker-a".into()],
        topics: vec![TopicInfo {
            name: "orders".into(),
            kind: TopicKind::User,
        }],
        queues: (0..QUEUES as u32)
            .map(|index| QueueInfo {
                topic: TopicId(0),
                broker: BrokerId(0),
                index,
            })
            .collect(),
        producers: vec![("shop".into(), TopicId(0))],
        groups: vec![GroupInfo {
            readers: Vec::new(),
            is_idempotent: false,
            name: "billing".into(),
            topics: vec![TopicId(0)],
            delivery: Delivery::default(),
        }],
        consumers: (1..=4)
            .map(|n| ConsumerInfo {
                reader: 0,
                name: format!("billing-{n}"),
                client_id: format!("billing-{n}"),
                group: GroupId(0),
                threads: 20,
            })
            .collect(),
    }
}

/// Tells `observer` of `messages` messages; returns processor time in nanoseconds for each.
fn measure(observer: &mut impl Observer, messages: u64, batch: u64) -> f64 {
    let directory = directory();
    for queue in 0..QUEUES as u32 {
        let queue = QueueId(queue);
        observer.observe(SimTime::ZERO, &directory, &Fact::QueueCreated { queue });
    }
    for consumer in 0..4 {
        let consumer = ConsumerId(consumer);
        observer.observe(SimTime::ZERO, &directory, &Fact::ConsumerStarted { consumer });
    }
    let before = clock::now();
    for n in 0..messages + OPEN {
        let now = SimTime::from_nanos(n * 100_000);
        let mut tell = |fact: Fact| observer.observe(black_box(now), &directory, &fact);
        if n < messages {
            store(&mut tell, n, now, batch);
        }
        if n >= OPEN {
            consume(&mut tell, n - OPEN, now, batch);
        }
        if n % 10_000 == 0 {
            observer.sample(now, &directory);
        }
    }
    (clock::now() - before) * 1e9 / messages as f64
}

/// Born, stored, acknowledged, and once a batch visible and pulled; delivered.
fn store(tell: &mut impl FnMut(Fact), n: u64, now: SimTime, batch: u64) {
    let (message, queue, offset) = place(n);
    let (broker, producer, body_size) = (BrokerId(0), ProducerId(0), 1024);
    tell(Fact::Born {
        producer,
        message,
        luck: n.wrapping_mul(0x9E37_79B9_7F4A_7C15),
        body_size,
    });
    tell(Fact::Request {
        broker,
        kind: RequestKind::Send,
        group: None,
    });
    tell(Fact::Stored {
        queue,
        offset,
        message,
        body_size,
    });
    tell(Fact::SendAcknowledged {
        producer,
        message,
        latency: SimDuration::from_micros(400),
    });
    let consumer = ConsumerId(queue.0 / 2);
    if offset.is_multiple_of(batch) {
        tell(Fact::Dispatched {
            queue,
            max_offset: offset + batch,
        });
        tell(Fact::PullAnswered {
            queue,
            consumer,
            result: PullResult::Found,
            messages: batch as u32,
            bytes: 1200 * batch,
            next_offset: offset + batch,
            held: SimDuration::from_millis(3),
        });
        tell(Fact::Cached {
            consumer,
            queue,
            messages: batch as u32,
            cached: 100,
            client: CacheTotal::default(),
            group: CacheTotal::default(),
        });
        tell(Fact::Request {
            broker,
            kind: RequestKind::Pull,
            group: Some(GroupId(0)),
        });
        tell(Fact::PullHeld {
            queue,
            consumer,
            offset: offset + batch,
        });
    }
    tell(Fact::Delivered {
        consumer,
        group: GroupId(0),
        queue,
        offset,
        message,
        luck: 0,
        reconsume_times: 0,
        born: now - SimDuration::from_micros(700),
        stored: now - SimDuration::from_micros(500),
        position: 0,
    });
}

/// Consumed, and once a batch committed.
fn consume(tell: &mut impl FnMut(Fact), n: u64, now: SimTime, batch: u64) {
    let (message, queue, offset) = place(n);
    let service = SimDuration::from_micros(1_000 + n.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 99_000);
    tell(Fact::Consumed {
        consumer: ConsumerId(queue.0 / 2),
        group: GroupId(0),
        queue,
        offset,
        message,
        reconsume_times: 0,
        born: now - service,
        busy: service,
        success: true,
    });
    if offset.is_multiple_of(batch) {
        tell(Fact::OffsetCommitted {
            group: GroupId(0),
            queue,
            old: Some(offset),
            new: offset,
            via: CommitVia::Pull,
        });
    }
}

fn place(n: u64) -> (MessageId, QueueId, u64) {
    let message = MessageId::new(ProducerId(0), n);
    (message, QueueId((n % QUEUES) as u32), n / QUEUES)
}

fn main() {
    let arguments = support::arguments(&["messages", "batch"]);
    let count = |key: &str, default| arguments.get(key).map_or(default, |text| support::count(text));
    let (messages, batch) = (count("messages", 2_000_000), count("batch", 1));
    println!("{messages} messages, {batch} to a pull; ns a message");
    for round in 1..=5 {
        let deaf = measure(&mut Deaf(0), messages, batch);
        let mut observation =
            Observation::with_interval(SimDuration::from_secs(1), SimDuration::from_secs(60));
        let observed = measure(&mut observation, messages, batch);
        println!(
            "round {round}: {observed:.1} observed, {deaf:.1} ignored, {:.1} for observing",
            observed - deaf
        );
    }
}
