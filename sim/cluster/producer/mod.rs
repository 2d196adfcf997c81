//! Producers: arrivals from the application, queue choice, one send and its answer.
//!
//! Sending is open-loop: the application hands over a message whenever one arrives and waits for nobody, as
//! with an asynchronous send. A producer asks for its route when it starts; messages that arrive before the
//! answer wait for it. Left out so far: time-outs and resends (no broker fails yet), heartbeats of producers.
//!
//! Source: `DefaultMQProducerImpl`.

pub mod latency_fault_tolerance;
pub mod topic_publish_info;
pub mod workload;

use crate::cluster::Cluster;
use crate::cluster::config::{ClusterConfig, SizeDist};
use crate::cluster::core::Envelope;
use crate::cluster::event::{Event, SendSlot};
use crate::cluster::fact::{Fact, Observer};
use crate::cluster::ids::{BrokerId, MessageId, ProducerId, QueueId, TopicId};
use crate::cluster::message::Record;
use crate::cluster::nameserver::KnownRoute;
use crate::cluster::network::{Direction, Endpoint, Network, Server};
use crate::cluster::producer::topic_publish_info::TopicPublishInfo;
use crate::cluster::producer::workload::ArrivalProcess;
use crate::kernel::streams::{Luck, Source, Stream, Streams};
use crate::kernel::time::SimTime;

/// One producer instance.
pub struct Producer {
    /// Where its messages go.
    pub topic: TopicId,
    arrivals: ArrivalProcess,
    /// Draws one random word for each message, and nothing else.
    luck: Stream,
    body_size: SizeDist,
    size_salt: u64,
    stop: SimTime,
    made: u64,
    max_messages: u64,
    /// Start of its round robin.
    first_index: i32,
    publish: Option<TopicPublishInfo<BrokerId, QueueId>>,
    /// Messages made before the route was known.
    waiting: Vec<SendSlot>,
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
            first_index: streams.stream(&settings.name, "first queue").next_u64() as i32,
            publish: None,
            waiting: Vec::new(),
        }
    };
    config.producers.iter().map(producer).collect()
}

impl Producer {
    /// The next arrival after `now`, unless the producer is done.
    #[inline]
    fn next_arrival(&mut self, now: SimTime) -> Option<SimTime> {
        if self.made == self.max_messages {
            return None;
        }
        let next = self.arrivals.next(now);
        (next < self.stop).then_some(next)
    }

    /// Makes the next message.
    #[inline]
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
}

impl<O: Observer> Cluster<O> {
    /// A producer starts: it asks for its route, and the application begins to make messages.
    pub(super) fn producer_start(&mut self, id: ProducerId) {
        let from = Endpoint::Producer(id);
        self.core.send(
            from,
            Server::NameServer(0),
            Direction::Up,
            Envelope::RouteRequest { from },
        );
        self.plan_arrival(id);
    }

    #[inline]
    fn plan_arrival(&mut self, id: ProducerId) {
        let now = self.core.now();
        if let Some(next) = self.producers[id.index()].next_arrival(now) {
            self.core.scheduler.at(next, Event::Arrival(id));
        }
    }

    /// The application hands its next message over.
    #[inline]
    pub(super) fn arrival(&mut self, id: ProducerId) {
        let now = self.core.now();
        let producer = &mut self.producers[id.index()];
        let record = producer.make(id, now);
        self.core.emit(Fact::Born {
            producer: id,
            message: record.id,
            luck: record.luck,
            body_size: record.body_size,
        });
        self.plan_arrival(id);
        let slot = SendSlot(self.sends.insert(SendInFlight {
            producer: id,
            queue: QueueId(0),
            record,
        }));
        if self.producers[id.index()].publish.is_some() {
            self.send(slot);
        } else {
            self.producers[id.index()].waiting.push(slot);
        }
    }

    /// The route has come; what waited for it is sent.
    pub(super) fn producer_route(&mut self, id: ProducerId, route: &KnownRoute) {
        let queues = route
            .write_queues
            .iter()
            .map(|q| (self.queues[q.index()].broker, *q))
            .collect();
        let producer = &mut self.producers[id.index()];
        producer.publish = Some(TopicPublishInfo::new(queues, producer.first_index));
        for slot in std::mem::take(&mut producer.waiting) {
            self.send(slot);
        }
    }

    /// Chooses a queue, round robin, and sends.
    #[inline]
    fn send(&mut self, slot: SendSlot) {
        let send = self.sends.get_mut(slot.0);
        let id = send.producer;
        let publish = self.producers[id.index()]
            .publish
            .as_mut()
            .expect("sends wait for the route");
        let position = publish
            .select_one()
            .expect("a topic has at least one queue to write to");
        let (broker, queue) = publish.queues()[position];
        send.queue = queue;
        let event = Event::SendArrives(slot);
        self.core.travel(
            Endpoint::Producer(id),
            Server::Broker(broker),
            Direction::Up,
            event,
        );
    }

    /// The broker's answer has come.
    #[inline]
    pub(super) fn send_ack_arrives(&mut self, slot: SendSlot) {
        let send = self.sends.remove(slot.0);
        let latency = self.core.now().since(send.record.born);
        let (producer, message) = (send.producer, send.record.id);
        self.core.emit(Fact::SendAcknowledged {
            producer,
            message,
            latency,
        });
    }
}
