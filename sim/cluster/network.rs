//! The network: how long an envelope travels.
//!
//! Each client draws the delays of its own connections from its own stream, so that one client more changes
//! nobody else's luck. A connection is a TCP stream: what was sent first arrives first, whatever the draws.
//! Links in trouble are in `link`. Left out: bandwidth, loss (a lost packet is a delay to TCP).

use crate::cluster::ids::{BrokerId, ConsumerId, ProducerId};
use crate::cluster::link::Links;
use crate::kernel::dist::Dist;
use crate::kernel::memory;
use crate::kernel::sampler::Sampler;
use crate::kernel::streams::{Stream, Streams};
use crate::kernel::time::{SimDuration, SimTime};

/// The client end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A consumer client.
    Consumer(ConsumerId),
    /// A producer.
    Producer(ProducerId),
}

/// The server end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Server {
    /// A broker.
    Broker(BrokerId),
    /// The name server of this number, from 0.
    NameServer(u32),
}

/// Which way an envelope goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Client to server.
    Up,
    /// Server to client.
    Down,
}

/// One client's connections.
struct Connections {
    stream: Stream,
    /// Latest arrival so far by server and direction.
    last: Vec<SimTime>,
}

/// Delays between nodes.
pub struct Network {
    sampler: Sampler,
    /// Set if every envelope takes equally long: then no draw and no bookkeeping is needed.
    undisturbed: Option<SimDuration>,
    mean: SimDuration,
    brokers: usize,
    name_servers: usize,
    consumers: Vec<Connections>,
    producers: Vec<Connections>,
    /// Links that are cut, slow or half closed.
    pub links: Links,
    /// `undisturbed`, as long as no link is in trouble.
    calm: Option<SimDuration>,
}

impl Network {
    /// A network with delays from `latency` between so many brokers, name servers and clients yet to be added.
    ///
    /// # Panics
    /// If `latency` is not valid; scenarios check it.
    pub fn new(latency: &Dist, brokers: usize, name_servers: u32) -> Self {
        let constant = match latency {
            Dist::Constant(d) => Some(*d),
            Dist::Shape(_) => None,
        };
        Self {
            sampler: Sampler::new(latency).expect("the scenario has checked the latency"),
            undisturbed: constant,
            mean: latency.mean(),
            brokers,
            name_servers: name_servers as usize,
            consumers: Vec::new(),
            producers: Vec::new(),
            links: Links::default(),
            calm: constant,
        }
    }

    /// Connects the next consumer client; ids count up from 0.
    pub fn add_consumer(&mut self, streams: &mut Streams, name: &str) {
        let connections = self.connections(streams, name, "network");
        self.consumers.push(connections);
    }

    /// Connects the next producer; ids count up from 0. Producers may be called as consumers are.
    pub fn add_producer(&mut self, streams: &mut Streams, name: &str) {
        let connections = self.connections(streams, name, "producer network");
        self.producers.push(connections);
    }

    fn connections(&self, streams: &mut Streams, name: &str, purpose: &str) -> Connections {
        let servers = if self.undisturbed.is_some() {
            0
        } else {
            self.brokers + self.name_servers
        };
        Connections {
            stream: streams.stream(name, purpose),
            last: vec![SimTime::ZERO; servers * 2],
        }
    }

    /// The delay of every envelope, if all take equally long: they then arrive in the order in which they leave.
    #[inline]
    pub fn constant(&self) -> Option<SimDuration> {
        self.calm
    }

    /// Takes note of whether any link is in trouble. To be called after each change of [`Self::links`].
    pub fn links_changed(&mut self) {
        self.calm = self.undisturbed.filter(|_| self.links.are_calm());
    }

    /// When an envelope that leaves at `now` arrives.
    #[inline]
    pub fn arrival(
        &mut self,
        now: SimTime,
        client: Endpoint,
        server: Server,
        direction: Direction,
    ) -> SimTime {
        if let Some(delay) = self.undisturbed {
            return now + delay;
        }
        let connections = match client {
            Endpoint::Consumer(id) => &mut self.consumers[id.index()],
            Endpoint::Producer(id) => &mut self.producers[id.index()],
        };
        let server = match server {
            Server::Broker(id) => id.index(),
            Server::NameServer(n) => self.brokers + n as usize,
        };
        let last = &mut connections.last[server * 2 + usize::from(direction == Direction::Down)];
        *last = (now + self.sampler.sample(&mut connections.stream)).max(*last);
        *last
    }

    /// One-way delay between two servers, as far as it matters: the constant, or the mean.
    pub fn between_servers(&self) -> SimDuration {
        self.mean
    }

    /// Bytes for so many clients, each of which remembers what was last on its links to so many servers.
    pub fn held_for(servers: u64, consumers: u64, producers: u64) -> u64 {
        let clients = consumers + producers;
        clients * (size_of::<Connections>() as u64 + memory::of::<SimTime>(servers as usize * 2))
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let ends = self.consumers.iter().chain(&self.producers);
        let last = ends.map(|of| memory::of_vec(&of.last)).sum::<u64>();
        last + memory::of_vec(&self.consumers) + memory::of_vec(&self.producers) + self.links.held()
    }
}
