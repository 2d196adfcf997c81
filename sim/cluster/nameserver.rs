//! The name server: which broker holds which queues of a topic.
//!
//! Brokers register every topic when it comes into being or changes; clients poll. All name servers learn of it at
//! the same time, so one table stands for all of them. A broker whose process ends is seen to close its connection; left
//! out are brokers that fall silent, so no registration expires. A route never changes under its reader: clients keep the one that they fetched.
//!
//! Source: `RouteInfoManager`, `TopicRouteData`.

use crate::cluster::config::TopicQueues;
use crate::cluster::ids::{BrokerId, QueueId, TopicId};
use crate::kernel::memory;
use std::rc::Rc;

/// The route of one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownRoute {
    /// Brokers that hold the topic, sorted by name, each with the queues that it registered.
    entries: Vec<RouteEntry>,
    /// What consumers share: per broker queues 0 … `readQueueNums` − 1, in `MessageQueue` order.
    pub read_queues: Vec<QueueId>,
    /// Where producers send: per broker queues 0 … `writeQueueNums` − 1.
    pub write_queues: Vec<QueueId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct RouteEntry {
    broker: BrokerId,
    queues: Vec<QueueId>,
    numbers: TopicQueues,
}

impl KnownRoute {
    /// Brokers that hold the topic, sorted by name.
    pub fn brokers(&self) -> impl ExactSizeIterator<Item = BrokerId> {
        self.entries.iter().map(|entry| entry.broker)
    }

    fn held(&self) -> u64 {
        let entries = self.entries.iter().map(|entry| memory::of_vec(&entry.queues));
        memory::of_vec(&self.entries)
            + memory::of_vec(&self.read_queues)
            + memory::of_vec(&self.write_queues)
            + entries.sum::<u64>()
    }

    /// Lists the queues of all entries anew.
    fn list_queues(&mut self) {
        let list = |number: fn(&TopicQueues) -> u32| {
            let of_broker = |e: &RouteEntry| e.queues[..number(&e.numbers) as usize].to_vec();
            self.entries.iter().flat_map(of_broker).collect::<Vec<_>>()
        };
        (self.read_queues, self.write_queues) = (list(|n| n.read), list(|n| n.write));
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct NameServer {
    routes: Vec<Option<Rc<KnownRoute>>>,
    /// Counts changes, so that a poll can tell at once that nothing is new.
    version: u64,
}

impl NameServer {
    /// A broker registers its queues of a topic: `queues` are all of them, from id 0. Whether that is news.
    ///
    /// Brokers are sorted by name, and ids of brokers follow their names, so the order of ids is the order of
    /// `MessageQueue`.
    pub fn register(
        &mut self,
        topic: TopicId,
        broker: BrokerId,
        queues: &[QueueId],
        numbers: TopicQueues,
    ) -> bool {
        if self.routes.len() <= topic.index() {
            self.routes.resize(topic.index() + 1, None);
        }
        let mut route = self.routes[topic.index()].as_deref().cloned().unwrap_or_default();
        let at = route.entries.partition_point(|entry| entry.broker < broker);
        let entry = RouteEntry {
            broker,
            queues: queues.to_vec(),
            numbers,
        };
        match route.entries.get_mut(at).filter(|known| known.broker == broker) {
            Some(known) if *known == entry => return false,
            Some(known) => *known = entry,
            None => route.entries.insert(at, entry),
        }
        route.list_queues();
        self.routes[topic.index()] = Some(Rc::new(route));
        self.version += 1;
        true
    }

    /// A broker is gone with its queues of a topic; whether it had any. Without its last broker a topic has no route.
    pub fn unregister(&mut self, topic: TopicId, broker: BrokerId) -> bool {
        let Some(mut route) = self
            .routes
            .get(topic.index())
            .and_then(|route| route.as_deref().cloned())
        else {
            return false;
        };
        let before = route.entries.len();
        route.entries.retain(|entry| entry.broker != broker);
        if route.entries.len() == before {
            return false;
        }
        route.list_queues();
        self.routes[topic.index()] = (!route.entries.is_empty()).then(|| Rc::new(route));
        self.version += 1;
        true
    }

    /// Bytes that it holds. Clients look at the same routes, or at earlier ones until they hear of these.
    pub fn held(&self) -> u64 {
        let routes = self.routes.iter().flatten();
        memory::of_vec(&self.routes)
            + routes
                .map(|route| memory::of::<KnownRoute>(1) + route.held())
                .sum::<u64>()
    }

    /// Bytes of one to which so many places of topics with so many queues were registered.
    pub fn held_for(placements: u64, queues: u64) -> u64 {
        let of_place = memory::of::<RouteEntry>(1) + memory::of::<QueueId>(1);
        placements * of_place + 3 * queues * size_of::<QueueId>() as u64
    }

    /// The route of a topic; `None` if no broker has registered it.
    pub fn route(&self, topic: TopicId) -> Option<Rc<KnownRoute>> {
        self.routes.get(topic.index()).cloned().flatten()
    }

    /// Grows with every change of any route.
    pub fn version(&self) -> u64 {
        self.version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever order brokers register in, consumers share the queues in `MessageQueue` order.
    #[test]
    fn queues_are_listed_by_broker_then_id() {
        let mut server = NameServer::default();
        let topic = TopicId(3);
        assert!(server.route(topic).is_none());
        let numbers = TopicQueues { read: 2, write: 1 };
        server.register(topic, BrokerId(1), &[QueueId(0), QueueId(1)], numbers);
        server.register(topic, BrokerId(0), &[QueueId(2), QueueId(3)], numbers);
        let route = server.route(topic).unwrap();
        assert_eq!(route.brokers().collect::<Vec<_>>(), [BrokerId(0), BrokerId(1)]);
        assert_eq!(
            route.read_queues,
            [QueueId(2), QueueId(3), QueueId(0), QueueId(1)]
        );
        assert_eq!(route.write_queues, [QueueId(2), QueueId(0)]);
        assert_eq!(server.version(), 2);
        server.register(topic, BrokerId(1), &[QueueId(0), QueueId(1)], numbers);
        assert_eq!(server.version(), 2, "nothing new");
        let numbers = TopicQueues { read: 1, write: 3 };
        let queues = [QueueId(0), QueueId(1), QueueId(4)];
        server.register(topic, BrokerId(1), &queues, numbers);
        let route = server.route(topic).unwrap();
        assert_eq!(route.read_queues, [QueueId(2), QueueId(3), QueueId(0)]);
        assert_eq!(
            route.write_queues,
            [QueueId(2), QueueId(0), QueueId(1), QueueId(4)]
        );
        assert!(server.unregister(topic, BrokerId(1)) && !server.unregister(topic, BrokerId(1)));
        let route = server.route(topic).unwrap();
        assert_eq!(route.read_queues, [QueueId(2), QueueId(3)]);
        assert!(server.unregister(topic, BrokerId(0)) && server.route(topic).is_none());
    }
}
