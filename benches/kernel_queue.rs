//! The kernel alone: a bare queueing model, to be set beside other engines that run the same.
//!
//!     cargo bench --bench kernel_queue -- --messages 1e7 --list near-far
//!     cargo bench --bench kernel_queue -- --producers 8 --queues 1 --consumers 1 --threads 1
//!
//! 16 Poisson producers go round 16 queues; a message hops 0.5 ms to its queue and 0.5 ms to one of 8
//! consumers, waits in a FIFO for one of 20 threads and is served for an exponential time of 10 ms; load 0.8.
//! Four events a message: sent, at the queue, at the consumer, done; hops go by way of the lane. Ends with one
//! line of JSON. With one queue and one consumer it is an M/M/c queue, as the second line is M/M/1.

mod clock;
mod support;

use rmqsim::kernel::dist::{Dist, Shape};
use rmqsim::kernel::event_list::{EventList, NearFarList, QuadHeap, StdHeap};
use rmqsim::kernel::sampler::Sampler;
use rmqsim::kernel::scheduler::Scheduler;
use rmqsim::kernel::streams::{Stream, Streams};
use rmqsim::kernel::time::{SimDuration, SimTime};
use std::collections::VecDeque;

/// How many there are of what.
#[derive(Clone, Copy)]
struct Size {
    producers: u16,
    queues: u16,
    consumers: u16,
    threads: u16,
}

const LOAD: f64 = 0.8;
const SERVICE: SimDuration = SimDuration::from_millis(10);
const DAY: u64 = 86_400_000_000_000;
const HOP: SimDuration = SimDuration::from_micros(500);

#[derive(Clone, Copy)]
enum Event {
    Send { producer: u16 },
    AtQueue { queue: u16, message: u32 },
    AtConsumer { consumer: u16, message: u32 },
    Done { consumer: u16, message: u32 },
}
const _: () = assert!(size_of::<Event>() == 8);

struct Producer {
    luck: Stream,
    left: u64,
    next_queue: u16,
}

struct Consumer {
    luck: Stream,
    idle: u16,
    waiting: VecDeque<u32>,
}

struct Model {
    /// Who consumes each queue.
    owners: Vec<u16>,
    gap: Sampler,
    service: Sampler,
    producers: Vec<Producer>,
    consumers: Vec<Consumer>,
    arrived: Vec<u64>,
    /// When each live message was sent; finished ones give their place back.
    sent: Vec<SimTime>,
    free: Vec<u32>,
    sojourn: hdrhistogram::Histogram<u64>,
    sojourn_nanos: u128,
}

impl Model {
    fn new(size: Size, messages: u64, seed: u64) -> Self {
        let servers = f64::from(size.consumers) * f64::from(size.threads);
        let count = u64::from(size.producers);
        let gap = f64::from(size.producers) * SERVICE.as_secs_f64() / (LOAD * servers);
        let mut streams = Streams::new(seed);
        let producers = (0..size.producers).map(|i| Producer {
            luck: streams.stream(&format!("producer-{i}"), "arrivals"),
            left: messages / count + u64::from(u64::from(i) < messages % count),
            next_queue: i % size.queues,
        });
        let producers = producers.collect();
        let consumers = (0..size.consumers).map(|i| Consumer {
            luck: streams.stream(&format!("consumer-{i}"), "service"),
            idle: size.threads,
            waiting: VecDeque::new(),
        });
        Self {
            owners: (0..size.queues).map(|queue| queue % size.consumers).collect(),
            gap: exponential(SimDuration::from_secs_f64(gap)),
            service: exponential(SERVICE),
            producers,
            consumers: consumers.collect(),
            arrived: vec![0; usize::from(size.queues)],
            sent: Vec::new(),
            free: Vec::new(),
            sojourn: hdrhistogram::Histogram::new_with_max(DAY, 3).expect("a day with 3 digits is allowed"),
            sojourn_nanos: 0,
        }
    }

    fn start<L: EventList<Event>>(&mut self, scheduler: &mut Scheduler<Event, L>) {
        for (producer, p) in (0..).zip(&mut self.producers) {
            if p.left > 0 {
                scheduler.after(self.gap.sample(&mut p.luck), Event::Send { producer });
            }
        }
    }

    #[inline]
    fn handle<L: EventList<Event>>(&mut self, s: &mut Scheduler<Event, L>, now: SimTime, event: Event) {
        match event {
            Event::Send { producer } => {
                let p = &mut self.producers[usize::from(producer)];
                p.left -= 1;
                if p.left > 0 {
                    s.after(self.gap.sample(&mut p.luck), event);
                }
                let queue = p.next_queue;
                p.next_queue = if usize::from(queue) + 1 == self.arrived.len() {
                    0
                } else {
                    queue + 1
                };
                let message = self.born(now);
                s.at_in_order(now + HOP, Event::AtQueue { queue, message });
            }
            Event::AtQueue { queue, message } => {
                self.arrived[usize::from(queue)] += 1;
                let consumer = self.owners[usize::from(queue)];
                s.at_in_order(now + HOP, Event::AtConsumer { consumer, message });
            }
            Event::AtConsumer { consumer, message } => {
                let c = &mut self.consumers[usize::from(consumer)];
                if c.idle > 0 {
                    c.idle -= 1;
                    s.after(
                        self.service.sample(&mut c.luck),
                        Event::Done { consumer, message },
                    );
                } else {
                    c.waiting.push_back(message);
                }
            }
            Event::Done { consumer, message } => {
                let sojourn = now.since(self.sent[message as usize]).as_nanos();
                self.sojourn_nanos += u128::from(sojourn);
                self.sojourn.saturating_record(sojourn);
                self.free.push(message);
                let c = &mut self.consumers[usize::from(consumer)];
                match c.waiting.pop_front() {
                    Some(message) => {
                        s.after(
                            self.service.sample(&mut c.luck),
                            Event::Done { consumer, message },
                        );
                    }
                    None => c.idle += 1,
                }
            }
        }
    }

    #[inline]
    fn born(&mut self, now: SimTime) -> u32 {
        if let Some(message) = self.free.pop() {
            self.sent[message as usize] = now;
            return message;
        }
        self.sent.push(now);
        (self.sent.len() - 1) as u32
    }
}

fn exponential(mean: SimDuration) -> Sampler {
    Sampler::new(&Dist::Shape(Shape::Exponential { mean })).expect("the mean is above 0")
}

fn run<L: EventList<Event>>(name: &str, size: Size, messages: u64, seed: u64) {
    let start = clock::now();
    let mut model = Model::new(size, messages, seed);
    let mut scheduler = Scheduler::<Event, L>::default();
    model.start(&mut scheduler);
    while let Some((now, event)) = scheduler.pop() {
        model.handle(&mut scheduler, now, event);
    }
    let cpu = clock::now() - start;
    assert_eq!(
        model.arrived.iter().sum::<u64>(),
        messages,
        "every message passes one queue"
    );
    assert_eq!(model.sojourn.len(), messages, "every message is served");

    let events = scheduler.executed();
    println!(
        "{name}: {:.4} µs a message, {:.1} million events a second",
        cpu * 1e6 / messages as f64,
        events as f64 / cpu / 1e6
    );
    println!(
        "{{\"engine\":\"rmqsim-kernel:{name}\",\"messages\":{messages},\"events\":{events},\"cpu_s\":{cpu:.6},\
         \"mean_ms\":{:.5},\"p99_ms\":{:.5},\"peak_kib\":{}}}",
        model.sojourn_nanos as f64 / messages as f64 / 1e6,
        model.sojourn.value_at_quantile(0.99) as f64 / 1e6,
        peak_kib()
    );
}

/// Most memory that this process has held, in KiB; 0 where Linux's `/proc` is absent.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}

/// Runs what the arguments ask for; the speed table calls it in a process of its own.
pub fn main() {
    let arguments = support::arguments(&[
        "messages",
        "seed",
        "list",
        "producers",
        "queues",
        "consumers",
        "threads",
    ]);
    let value = |key: &str, default: &str| arguments.get(key).map_or(default, String::as_str).to_owned();
    let (messages, seed) = (
        support::count(&value("messages", "1e6")),
        support::count(&value("seed", "1")),
    );
    let count = |key: &str, default: &str| support::count(&value(key, default)) as u16;
    let size = Size {
        producers: count("producers", "16"),
        queues: count("queues", "16"),
        consumers: count("consumers", "8"),
        threads: count("threads", "20"),
    };
    match value("list", "near-far").as_str() {
        "quad" => run::<QuadHeap<Event>>("quad", size, messages, seed),
        "near-far" => run::<NearFarList<Event>>("near-far", size, messages, seed),
        "std" => run::<StdHeap<Event>>("std", size, messages, seed),
        other => panic!("unknown list `{other}`; there are near-far, quad, std"),
    }
}
