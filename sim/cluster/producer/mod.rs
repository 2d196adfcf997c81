//! Producers: arrivals from the application, queue choice, one send and its answer.
//!
//! Sending is open-loop: the application hands over a message whenever one arrives and waits for nobody, as
//! with an asynchronous send. A producer asks for its route when it starts; messages that arrive before the
//! answer wait for it. It looks again every 30 s; looks that find nothing new are left out. A send to a queue that is
//! no more is refused; the producer tries another broker's queue, up to twice, unless it chose the queue by key. Left out so far: time-outs (no
//! broker fails yet), heartbeats of producers.
//!
//! Source: `DefaultMQProducerImpl`.

pub mod attributes;
pub mod latency_fault_tolerance;
pub mod topic_publish_info;
pub mod workload;

use crate::cluster::Cluster;
use crate::cluster::config::{ClusterConfig, QueueSelector, SizeDist};
use crate::cluster::core::Envelope;
use crate::cluster::event::{Event, SendSlot};
use crate::cluster::fact::{Fact, Observer};
use crate::cluster::ids::{BrokerId, MessageId, ProducerId, QueueId, TopicId};
use crate::cluster::message::Record;
use crate::cluster::nameserver::KnownRoute;
use crate::cluster::network::{Direction, Endpoint, Network, Server};
use crate::cluster::producer::topic_publish_info::{TopicPublishInfo, select_by_hash};
use crate::cluster::producer::workload::ArrivalProcess;
use crate::kernel::memory;
use crate::kernel::scheduler::Ticket;
use crate::kernel::streams::{Luck, Source, Stream, Streams};
use crate::kernel::time::{SimDuration, SimTime};

/// `retryTimesWhenSendFailed`: further attempts after the first.
const RETRY_TIMES_WHEN_SEND_FAILED: u8 = 2;
/// First look for a new route after the start of a producer, and the period of the looks.
const FIRST_ROUTE_POLL: SimDuration = SimDuration::from_millis(10);
const ROUTE_POLL_PERIOD: SimDuration = SimDuration::from_secs(30);

/// One producer instance.
pub struct Producer {
    /// Where its messages go.
    pub topic: TopicId,
    pub(in crate::cluster) arrivals: ArrivalProcess,
    /// Draws one random word for each message, and nothing else.
    luck: Stream,
    body_size: SizeDist,
    size_salt: u64,
    stop: SimTime,
    made: u64,
    max_messages: u64,
    /// Draws the start of the round robin, anew for each route.
    first_queue: Stream,
    /// When it starts; its looks for a new route count from here.
    start: SimTime,
    /// When the next message is made; without a ticket if the producer stops before.
    next: Option<(SimTime, Option<Ticket>)>,
    publish: Option<TopicPublishInfo<BrokerId, QueueId>>,
    /// It will look for a new route at its next tick.
    will_look: bool,
    /// It has asked for its route and has no answer yet.
    asks: bool,
    /// Messages made before the route was known.
    waiting: Vec<SendSlot>,
    selector: QueueSelector,
}

/// A message between its birth and the producer's receipt.
#[derive(Clone, Copy, Debug)]
pub struct SendInFlight {
    /// Who sends.
    pub producer: ProducerId,
    /// To which queue.
    pub queue: QueueId,
    /// What.
    pub record: Record,
    /// Attempts before this one.
    pub retries: u8,
    /// The broker has refused it.
    pub refused: bool,
}

/// Builds all producers.
pub fn build(config: &ClusterConfig, streams: &mut Streams, network: &mut Network) -> Vec<Producer> {
    let producer = |settings: &crate::cluster::config::ProducerConfig| {
        network.add_producer(streams, &settings.name);
        Producer {
            topic: settings.topic,
            arrivals: ArrivalProcess::new(&settings.arrivals, streams.stream(&settings.name, "arrivals")),
            luck: streams.stream(&settings.name, "luck"),
            body_size: settings.body_size,
            size_salt: streams.salt(&settings.name, "body size"),
            stop: settings.stop,
            made: 0,
            max_messages: settings.max_messages,
            first_queue: streams.stream(&settings.name, "first queue"),
            start: settings.start,
            next: None,
            publish: None,
            will_look: false,
            asks: false,
            waiting: Vec::new(),
            selector: settings.queue_selector,
        }
    };
    config.producers.iter().map(producer).collect()
}

impl Producer {
    /// The next arrival after `now`, unless all messages are made.
    #[inline(always)]
    fn next_arrival(&mut self, now: SimTime) -> Option<SimTime> {
        if self.made == self.max_messages {
            return None;
        }
        Some(self.arrivals.next(now))
    }

    /// Makes the next message.
    #[inline(always)]
    fn make(&mut self, id: ProducerId, now: SimTime) -> Record {
        let luck = self.luck.next_u64();
        let body_size = match self.body_size {
            SizeDist::Constant(size) => size,
            SizeDist::Uniform(min, max) => {
                let span = u64::from(max - min) + 1;
                min + Luck(luck).fork(self.size_salt, 0).below(span) as u32
            }
        };
        let message = MessageId::new(id, self.made);
        self.made += 1;
        Record {
            born: now,
            stored: now,
            luck,
            id: message,
            body_size,
            origin_topic: self.topic,
            reconsume_times: 0,
        }
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let route = self.publish.as_ref().map_or(0, TopicPublishInfo::held);
        memory::of_vec(&self.waiting) + route
    }

    /// Bytes that one holds beside itself whose topic has so many queues.
    pub fn held_for(queues: u64) -> u64 {
        memory::of_grown::<(BrokerId, QueueId)>(queues)
    }
}

impl<O: Observer> Cluster<O> {
    /// A producer starts: it asks for its route, and the application begins to make messages.
    pub(super) fn producer_start(&mut self, id: ProducerId) {
        self.ask_route(id);
        self.plan_arrival(id);
    }

    fn ask_route(&mut self, id: ProducerId) {
        self.producers[id.index()].asks = true;
        let from = Endpoint::Producer(id);
        self.core.send(
            from,
            Server::NameServer(0),
            Direction::Up,
            Envelope::RouteRequest { from, number: 0 },
        );
    }

    /// The route of `topic` has changed: who has asked for it looks again at its next tick.
    pub(super) fn plan_route_polls(&mut self, topic: TopicId) {
        let now = self.core.now();
        for at in 0..self.producers.len() {
            let producer = &mut self.producers[at];
            let has_asked = producer.start <= now;
            if producer.topic == topic && has_asked && !std::mem::replace(&mut producer.will_look, true) {
                let next = now.next_on_grid(producer.start + FIRST_ROUTE_POLL, ROUTE_POLL_PERIOD);
                let poll = Event::ProducerRoutePoll(ProducerId(at as u32));
                self.core.scheduler.at(next, poll);
            }
        }
    }

    /// 30 s tick after a change of the route.
    pub(super) fn producer_route_poll(&mut self, id: ProducerId) {
        self.producers[id.index()].will_look = false;
        self.ask_route(id);
    }

    #[inline(always)]
    fn plan_arrival(&mut self, id: ProducerId) {
        let now = self.core.now();
        let producer = &mut self.producers[id.index()];
        producer.next = None;
        if let Some(next) = producer.next_arrival(now) {
            self.expect_arrival(id, next);
        }
    }

    /// The next message is made at `next`, unless the producer stops before.
    #[inline(always)]
    fn expect_arrival(&mut self, id: ProducerId, next: SimTime) {
        let producer = &mut self.producers[id.index()];
        let scheduler = &mut self.core.scheduler;
        let ticket = (next < producer.stop).then(|| scheduler.at(next, Event::Arrival(id)));
        producer.next = Some((next, ticket));
    }

    /// Timeline: messages come at another rate from now on.
    pub(super) fn set_rate(&mut self, id: ProducerId, gap: SimDuration) {
        let now = self.core.now();
        let producer = &mut self.producers[id.index()];
        let (next, ticket) = producer.next.unzip();
        let left = next.map_or(SimDuration::ZERO, |next| next.since(now));
        let left = producer.arrivals.set_gap(gap, left);
        // Who has not begun, or has made all, has no next message.
        if next.is_none() {
            return;
        }
        if let Some(ticket) = ticket.flatten() {
            self.core.scheduler.cancel(ticket);
        }
        self.expect_arrival(id, now + left);
    }

    /// The application hands its next message over.
    #[inline(always)]
    pub(super) fn arrival(&mut self, id: ProducerId) {
        let now = self.core.now();
        let producer = &mut self.producers[id.index()];
        let record = producer.make(id, now);
        self.core.emit_often(Fact::Born {
            producer: id,
            message: record.id,
            luck: record.luck,
            body_size: record.body_size,
        });
        self.plan_arrival(id);
        let mut send = SendInFlight {
            producer: id,
            queue: QueueId(0),
            record,
            retries: 0,
            refused: false,
        };
        let producer = &mut self.producers[id.index()];
        match &mut producer.publish {
            Some(publish) if producer.selector == QueueSelector::RoundRobin => {
                if let Some(position) = publish.select_one() {
                    let (broker, queue) = publish.queues()[position];
                    send.queue = queue;
                    let slot = SendSlot(self.sends.insert(send));
                    return self.set_out(slot, id, broker);
                }
            }
            _ => {}
        }
        let slot = SendSlot(self.sends.insert(send));
        if self.producers[id.index()].publish.is_some() {
            self.send(slot);
        } else {
            self.wait_for_route(slot, id);
        }
    }

    /// A message waits for the route. Who found none before asks again for each message.
    #[inline(never)]
    fn wait_for_route(&mut self, slot: SendSlot, id: ProducerId) {
        self.producers[id.index()].waiting.push(slot);
        if !self.producers[id.index()].asks {
            self.ask_route(id);
        }
    }

    /// The route has come; what waited for it is sent. A topic that is in no route is where it was, as far as the
    /// producer knew that; else what waited for it is given up.
    pub(super) fn producer_route(&mut self, id: ProducerId, route: Option<&KnownRoute>) {
        self.producers[id.index()].asks = false;
        let Some(route) = route else {
            for slot in std::mem::take(&mut self.producers[id.index()].waiting) {
                self.nowhere_to_send(slot);
            }
            return;
        };
        let queues = route
            .write_queues
            .iter()
            .map(|q| (self.queues[q.index()].broker, *q))
            .collect();
        let producer = &mut self.producers[id.index()];
        let start = producer.first_queue.next_u64() as i32;
        producer.publish = Some(TopicPublishInfo::new(queues, start));
        for slot in std::mem::take(&mut producer.waiting) {
            self.send(slot);
        }
    }

    /// Chooses a queue and sends.
    #[inline(never)]
    fn send(&mut self, slot: SendSlot) {
        let send = self.sends.get_mut(slot.0);
        let id = send.producer;
        let producer = &mut self.producers[id.index()];
        let publish = producer.publish.as_mut().expect("sends wait for the route");
        let position = if producer.selector == QueueSelector::ByKey {
            let key = self
                .core
                .directory
                .attributes
                .key(send.record.id, send.record.luck);
            let key = key.expect("the scenario gives keys to whoever sends by key");
            let queues = publish.queues().len();
            (queues > 0).then(|| select_by_hash(key.java_hash(), queues as u32))
        } else if send.refused {
            let last = self.queues[send.queue.index()].broker;
            publish.select_one_avoiding(Some(&last))
        } else {
            publish.select_one()
        };
        let Some(position) = position else {
            return self.nowhere_to_send(slot);
        };
        let (broker, queue) = publish.queues()[position];
        (send.queue, send.refused) = (queue, false);
        self.set_out(slot, id, broker);
    }

    /// A message is on its way to the broker.
    #[inline(always)]
    fn set_out(&mut self, slot: SendSlot, id: ProducerId, broker: BrokerId) {
        let event = Event::SendArrives(slot);
        self.core.travel(
            Endpoint::Producer(id),
            Server::Broker(broker),
            Direction::Up,
            event,
        );
    }

    /// The topic has no queue to write to: the application is told at once.
    #[inline(never)]
    fn nowhere_to_send(&mut self, slot: SendSlot) {
        let send = self.sends.remove(slot.0);
        self.core.emit(Fact::SendRefused {
            producer: send.producer,
            message: send.record.id,
            gave_up: true,
        });
    }

    /// The broker's answer has come.
    #[inline(always)]
    pub(super) fn send_ack_arrives(&mut self, slot: SendSlot) {
        if self.sends.get(slot.0).refused {
            return self.send_refused(slot);
        }
        let send = self.sends.remove(slot.0);
        let latency = self.core.now().since(send.record.born);
        let (producer, message) = (send.producer, send.record.id);
        self.core.emit_often(Fact::SendAcknowledged {
            producer,
            message,
            latency,
        });
    }

    /// The broker has refused a message: again on another queue, or the application is told.
    #[inline(never)]
    fn send_refused(&mut self, slot: SendSlot) {
        let send = self.sends.get_mut(slot.0);
        let (producer, message) = (send.producer, send.record.id);
        // A queue that was chosen by key has no substitute.
        let by_key = self.producers[producer.index()].selector == QueueSelector::ByKey;
        let gave_up = by_key || send.retries == RETRY_TIMES_WHEN_SEND_FAILED;
        send.retries += 1;
        self.core.emit(Fact::SendRefused {
            producer,
            message,
            gave_up,
        });
        if gave_up {
            self.sends.remove(slot.0);
        } else {
            self.send(slot);
        }
    }
}
