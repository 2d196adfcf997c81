//! Whether strategies find what they are told about: members, queues, machine rooms.
//!
//! Comes after the timeline, because a strategy may name members that join later.

use super::{Resolver, field};
use crate::cluster::config::{BrokerConfig, GroupConfig, Strategy, TopicConfig};
use crate::cluster::message_queue::MessageQueue;
use crate::scenario::locate::FieldPath;
use crate::scenario::schema::Consumers;
use crate::scenario::{limits, suggest};
use std::collections::{BTreeMap, BTreeSet};

/// What a group's strategies may name.
struct Cast<'a> {
    group: &'a GroupConfig,
    members: BTreeSet<&'a str>,
    topics: &'a [TopicConfig],
    brokers: &'a [BrokerConfig],
    /// Queues of `%RETRY%group` on each broker.
    retry_queues: u32,
}

impl Resolver<'_> {
    /// Checks the strategy of each group and of each of its blocks.
    pub(super) fn strategies(
        &mut self,
        groups: &[GroupConfig],
        topics: &[TopicConfig],
        brokers: &[BrokerConfig],
    ) {
        let file = self.file;
        for group in groups {
            let cast = Cast {
                group,
                members: group
                    .consumers
                    .iter()
                    .map(|member| member.name.as_str())
                    .collect(),
                topics,
                brokers,
                retry_queues: file.cluster.tuning.retry_queue_nums,
            };
            let path = field!["groups", group.name];
            let block = &file.groups[&group.name];
            self.strategy(&path.key("strategy"), &block.strategy, &cast);
            for (i, consumers) in block.consumers.blocks().iter().enumerate() {
                let path = self.block(&path, &block.consumers, i);
                if let Some(strategy) = &consumers.strategy {
                    self.strategy(&path.key("strategy"), strategy, &cast);
                }
                if let Some(room) = &consumers.machine_room {
                    let what = "the name of a machine room";
                    self.plain_name(&path.key("machineRoom"), what, room, limits::NAME, false);
                }
            }
        }
    }

    fn block(&self, group: &FieldPath, consumers: &Consumers, index: usize) -> FieldPath {
        let path = group.key("consumers");
        match consumers {
            Consumers::Alike(_) => path,
            Consumers::Listed(_) => path.index(index),
        }
    }

    fn strategy(&mut self, path: &FieldPath, strategy: &Strategy, cast: &Cast<'_>) {
        match strategy {
            Strategy::Config(lists) => self.configured_lists(&path.key("CONFIG"), lists, cast),
            Strategy::Weighted { weights } => {
                self.weights(&path.key("X_WEIGHTED").key("weights"), weights, cast);
            }
            Strategy::MachineRoom { rooms } => {
                self.rooms_have_brokers(&path.key("MACHINE_ROOM").key("rooms"), rooms, cast);
            }
            Strategy::MachineRoomNearby(_) => self.everything_has_a_room(path, cast),
            _ => {}
        }
        let (members, nodes) = (cast.members.len() as u64, u64::from(strategy.virtual_nodes()));
        let before = self.ring_places;
        self.ring_places += members * nodes;
        if before <= limits::RING_PLACES {
            self.bound(path, self.ring_places, limits::RING_PLACES, "places on rings");
        }
    }

    /// Reports the key at `path` if it is no member's name.
    fn member_exists(&mut self, path: &FieldPath, name: &str, cast: &Cast<'_>) {
        // Without members there were too many, and that has been said.
        if cast.members.is_empty() || cast.members.contains(name) {
            return;
        }
        let known: Vec<&str> = cast.group.consumers.iter().map(|m| m.name.as_str()).collect();
        let message = format!(
            "unknown member `{name}` of `{}`{}",
            cast.group.name,
            self.hint(name, &known)
        );
        let help = format!("members: {}", suggest::list(known, 20));
        let problem = self.name_problem(path, message);
        problem.label = "no member of the group is called so".to_owned();
        problem.help.push(help);
    }

    fn weights(&mut self, path: &FieldPath, weights: &BTreeMap<String, u32>, cast: &Cast<'_>) {
        for member in weights.keys() {
            self.member_exists(&path.key(member), member, cast);
        }
        let all_zero = cast.members.iter().all(|member| weights.get(*member) == Some(&0));
        if all_zero && !cast.members.is_empty() {
            let problem = self.problem(path, "all weights are 0");
            problem.label = "nobody would get anything".to_owned();
            problem
                .help
                .push("leave a member out to let its threads decide".to_owned());
        }
    }

    fn configured_lists(&mut self, path: &FieldPath, lists: &BTreeMap<String, Vec<String>>, cast: &Cast<'_>) {
        for (member, labels) in lists {
            let path = path.key(member);
            self.member_exists(&path, member, cast);
            for (i, label) in labels.iter().enumerate() {
                if let Err((message, help)) = cast.queue_exists(label) {
                    let problem = self.problem(&path.index(i), message);
                    problem.label = "no such queue".to_owned();
                    problem.help.push(help);
                }
            }
        }
    }

    /// `MACHINE_ROOM` takes the room of a broker from its name, and leaves queues of all others to nobody, in silence.
    fn rooms_have_brokers(&mut self, path: &FieldPath, rooms: &[String], cast: &Cast<'_>) {
        let named = cast
            .brokers
            .iter()
            .filter_map(|broker| broker.name.split_once('@'));
        let known: BTreeSet<&str> = named.map(|(room, _)| room).collect();
        let known: Vec<&str> = known.into_iter().collect();
        for (i, room) in rooms.iter().enumerate() {
            if known.contains(&room.as_str()) {
                continue;
            }
            let message = format!(
                "no broker is in a machine room `{room}`{}",
                self.hint(room, &known)
            );
            let problem = self.problem(&path.index(i), message);
            problem.label = "nobody would get a queue by it".to_owned();
            problem.help.push(match (known.as_slice(), cast.brokers.first()) {
                ([], Some(broker)) => format!(
                    "the room is the part of a broker's name before \"@\": no broker has one; call it \"{}@{}\"",
                    if room.is_empty() { "hz" } else { room },
                    broker.name
                ),
                _ => format!("rooms by the names of brokers: {}", suggest::list(known.iter().copied(), 20)),
            });
        }
    }

    /// `MACHINE_ROOM_NEARBY` throws at the first queue or client whose room it cannot tell.
    fn everything_has_a_room(&mut self, path: &FieldPath, cast: &Cast<'_>) {
        let roomless = |id: &usize| cast.brokers[*id].machine_room.is_empty();
        let without: Vec<&str> = cast
            .brokers_read()
            .into_iter()
            .filter(roomless)
            .map(|id| cast.brokers[id].name.as_str())
            .collect();
        if !without.is_empty() {
            let (names, has) = match without.as_slice() {
                [one] => (format!("the broker {one}"), "has"),
                all => (
                    format!("the brokers {}", suggest::list(all.iter().copied(), 20)),
                    "have",
                ),
            };
            let problem = self.problem(path, format!("{names} {has} no machine room"));
            problem.label = "needs the room of every broker that the group reads".to_owned();
            let example = format!("\"machineRooms\": {{ \"hz\": [\"{}\"] }}", without[0]);
            problem.help.push(format!("for example {example} in \"cluster\""));
        }
        let file = self.file;
        let group = field!["groups", cast.group.name];
        let block = &file.groups[&cast.group.name];
        for (i, consumers) in block.consumers.blocks().iter().enumerate() {
            if consumers.machine_room.is_none() {
                let here = self.block(&group, &block.consumers, i);
                let problem = self.problem(
                    &here.key("machineRoom"),
                    format!("`{here}` needs the key \"machineRoom\" for this strategy"),
                );
                problem.label = "in which room do they run?".to_owned();
                problem
                    .help
                    .push("for example \"machineRoom\": \"hz\"".to_owned());
            }
        }
    }
}

impl Cast<'_> {
    /// Positions of the brokers that hold a topic of the group, in order.
    fn brokers_read(&self) -> BTreeSet<usize> {
        let subscribed = self.group.subscribe.iter();
        let topics = subscribed.filter_map(|topic| self.topics.get(topic.index()));
        topics
            .flat_map(|topic| topic.placement.iter().map(|(broker, _)| broker.index()))
            .collect()
    }

    /// Whether the group can be given the queue that `label` names; if not, why, and a way out.
    fn queue_exists(&self, label: &str) -> Result<(), (String, String)> {
        let Some(queue) = MessageQueue::of_label(label) else {
            let topic = self
                .group
                .subscribe
                .first()
                .and_then(|id| self.topics.get(id.index()));
            let (topic, broker) = (
                topic.map_or("orders", |topic| topic.name.as_str()),
                self.brokers
                    .first()
                    .map_or("broker-a", |broker| broker.name.as_str()),
            );
            return Err((
                format!("`{label}` does not name a queue"),
                format!("write topic, broker and number: \"{topic} {broker}:0\""),
            ));
        };
        let read: Vec<(&str, u32)> = match self.topic_read(&queue.topic) {
            Some(placement) => placement,
            None => {
                let subscribed = self.group.subscribe.iter();
                let names = subscribed.filter_map(|id| self.topics.get(id.index()));
                return Err((
                    format!("the group does not subscribe to `{}`", queue.topic),
                    format!(
                        "it reads {}, %RETRY%{}",
                        suggest::list(names.map(|topic| topic.name.as_str()), 20),
                        self.group.name
                    ),
                ));
            }
        };
        let on = read.iter().find(|(broker, _)| *broker == queue.broker_name);
        match on {
            Some((_, queues)) if (queue.queue_id as u32) < *queues => Ok(()),
            Some((broker, queues)) => Err((
                format!(
                    "`{}` has {queues} queue{} on {broker}",
                    queue.topic,
                    plural(*queues as usize)
                ),
                format!(
                    "the last one is \"{} {broker}:{}\"",
                    queue.topic,
                    queues.saturating_sub(1)
                ),
            )),
            None => Err((
                format!("`{}` has no queue on `{}`", queue.topic, queue.broker_name),
                format!(
                    "it lies on {}",
                    suggest::list(read.iter().map(|(broker, _)| *broker), 20)
                ),
            )),
        }
    }

    /// Brokers of a topic that the group reads, with the number of queues there.
    fn topic_read(&self, name: &str) -> Option<Vec<(&str, u32)>> {
        let broker = |id: usize| self.brokers[id].name.as_str();
        if name.strip_prefix("%RETRY%") == Some(&self.group.name) {
            let brokers = self.brokers_read().into_iter();
            return Some(brokers.map(|id| (broker(id), self.retry_queues)).collect());
        }
        let subscribed = self.group.subscribe.iter();
        let mut topics = subscribed.filter_map(|id| self.topics.get(id.index()));
        let topic = topics.find(|topic| topic.name == name)?;
        let placement = topic.placement.iter();
        Some(
            placement
                .map(|(id, queues)| (broker(id.index()), queues.read))
                .collect(),
        )
    }
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}
