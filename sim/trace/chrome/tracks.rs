//! Which process and track a thing lies on, and what they are called.

use super::writer::{Events, Track};
use crate::cluster::directory::Directory;
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, ProducerId, QueueId};
use crate::kernel::memory;
use crate::trace::names::Names;
use std::collections::BTreeMap;
use std::io::Write;

/// What a track is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// What the timeline does.
    Steps,
    /// From the start of a broker to its end.
    BrokerLife(BrokerId),
    /// From the start of a client to its end.
    Life(ConsumerId),
    /// While its process is stopped.
    Pauses(ConsumerId),
    /// Its rebalance rounds.
    Rounds(ConsumerId),
    /// Its listener, on this many-th thread.
    Listener(ConsumerId, u32),
    /// Connections that it loses.
    Links(ConsumerId),
    /// Who has the queue in this group or, of a broadcasting one, for this reader; further owners at the same time.
    Owner(GroupId, u32, QueueId, u32),
    /// Dead letters of a group.
    Dead(GroupId),
    /// Pulls of a group that wait at the queue.
    Holds(QueueId, GroupId, u32),
    /// Records of the queue on their way from the log to where pulls see them.
    Stores(QueueId),
    /// Sends of a producer.
    Sends(ProducerId, u32),
}

/// All tracks.
#[derive(Debug, Default)]
pub struct Tracks {
    known: BTreeMap<Key, Track>,
    /// The next track's number: behind those of processes, since Perfetto takes equal ones for a main thread.
    next: u32,
    first_producer: u32,
    first_group: u32,
    first_consumer: u32,
}

/// The process of the timeline; brokers follow.
const TIMELINE: u32 = 1;

impl Tracks {
    /// Tells of all processes: the timeline, brokers, producers, groups, consumers, in this order.
    pub fn name_processes<W: Write>(&mut self, events: &mut Events<W>, directory: &Directory, names: &Names) {
        let counts = [
            directory.brokers.len(),
            directory.producers.len(),
            directory.groups.len(),
        ];
        let [brokers, producers, groups] = counts.map(|count| count as u32);
        self.first_producer = TIMELINE + 1 + brokers;
        self.first_group = self.first_producer + producers;
        self.first_consumer = self.first_group + groups;
        self.next = self.first_consumer + directory.consumers.len() as u32;
        events.process(TIMELINE, "timeline");
        for (pid, name) in (TIMELINE + 1..).zip(&directory.brokers) {
            events.process(pid, &format!("broker {name}"));
        }
        for (pid, (name, _)) in (self.first_producer..).zip(&directory.producers) {
            events.process(pid, &format!("producer {name}"));
        }
        for (pid, group) in (self.first_group..).zip(&directory.groups) {
            events.process(pid, &format!("group {}", group.name));
        }
        for consumer in (0..directory.consumers.len() as u32).map(ConsumerId) {
            events.process(
                self.consumer(consumer),
                &format!("consumer {}", names.key(consumer)),
            );
        }
    }

    fn broker(&self, broker: BrokerId) -> u32 {
        TIMELINE + 1 + broker.0
    }
    /// The process of a group.
    pub fn group(&self, group: GroupId) -> u32 {
        self.first_group + group.0
    }
    /// The process of a consumer.
    pub fn consumer(&self, consumer: ConsumerId) -> u32 {
        self.first_consumer + consumer.0
    }

    /// The track of `key`, which is named when first used.
    pub fn of<W: Write>(&mut self, events: &mut Events<W>, directory: &Directory, key: Key) -> Track {
        if let Some(track) = self.known.get(&key) {
            return *track;
        }
        let pid = self.process(directory, key);
        let track = Track { pid, tid: self.next };
        self.next += 1;
        self.known.insert(key, track);
        events.track(track, &name(directory, key), rank(key));
        track
    }

    fn process(&self, directory: &Directory, key: Key) -> u32 {
        match key {
            Key::Steps => TIMELINE,
            Key::BrokerLife(broker) => self.broker(broker),
            Key::Life(consumer)
            | Key::Pauses(consumer)
            | Key::Rounds(consumer)
            | Key::Links(consumer)
            | Key::Listener(consumer, _) => self.consumer(consumer),
            Key::Owner(group, ..) | Key::Dead(group) => self.group(group),
            Key::Holds(queue, ..) | Key::Stores(queue) => self.broker(directory.queue(queue).broker),
            Key::Sends(producer, _) => self.first_producer + producer.0,
        }
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of_map(&self.known)
    }
}

fn name(directory: &Directory, key: Key) -> String {
    let on_broker = |queue: QueueId| {
        let of = directory.queue(queue);
        format!("{}:{}", directory.topic(of.topic).name, of.index)
    };
    let further = |lane: u32| match lane {
        0 => String::new(),
        lane => format!(" ({})", lane + 1),
    };
    match key {
        Key::Steps => "steps".to_owned(),
        Key::BrokerLife(_) | Key::Life(_) => "process".to_owned(),
        Key::Pauses(_) => "pauses".to_owned(),
        Key::Rounds(_) => "rebalance".to_owned(),
        Key::Links(_) => "connections".to_owned(),
        Key::Listener(_, lane) => format!("listener {}", lane + 1),
        Key::Owner(group, reader, queue, lane) => {
            let label = directory.queue_label(queue);
            match directory.group(group).readers.get(reader as usize) {
                Some(reader) => format!("{label} at {reader}{}", further(lane)),
                None => format!("{label}{}", further(lane)),
            }
        }
        Key::Dead(_) => "dead letters".to_owned(),
        Key::Holds(queue, group, lane) => {
            format!(
                "{} holds {}{}",
                on_broker(queue),
                directory.group(group).name,
                further(lane)
            )
        }
        Key::Stores(queue) => format!("{} stores", on_broker(queue)),
        Key::Sends(_, lane) => format!("send {}", lane + 1),
    }
}

/// Where a track stands in its process.
fn rank(key: Key) -> u32 {
    const ROOM: u32 = 100_000;
    match key {
        Key::Steps | Key::BrokerLife(_) | Key::Life(_) => 0,
        Key::Pauses(_) | Key::Dead(_) => 1,
        Key::Rounds(_) => 2,
        Key::Links(_) => 3,
        Key::Listener(_, lane) | Key::Sends(_, lane) => ROOM + lane,
        Key::Owner(_, reader, queue, lane) => ROOM + (queue.0 * 64 + reader) * 8 + lane.min(7),
        Key::Stores(queue) => ROOM + queue.0 * 64,
        Key::Holds(queue, group, lane) => ROOM + queue.0 * 64 + 1 + group.0.min(7) * 8 + lane.min(7),
    }
}
