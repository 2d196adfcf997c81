//! The routes that a client knows.
//!
//! Clients that subscribe to the same topics and have heard of the same state of the name server share one list, so what
//! thousands of them look at stays in the cache of the processor.

use crate::cluster::Cluster;
use crate::cluster::fact::Observer;
use crate::cluster::ids::{BrokerId, ConsumerId, TopicId};
use crate::cluster::nameserver::KnownRoute;
use std::ops::Deref;
use std::rc::Rc;

/// Routes in the order of a client's topics.
#[derive(Debug, Default)]
pub struct KnownRoutes {
    routes: Vec<Option<Rc<KnownRoute>>>,
    brokers: Vec<BrokerId>,
}

impl FromIterator<Option<Rc<KnownRoute>>> for KnownRoutes {
    fn from_iter<I: IntoIterator<Item = Option<Rc<KnownRoute>>>>(routes: I) -> Self {
        let routes: Vec<_> = routes.into_iter().collect();
        let mut brokers: Vec<BrokerId> = routes
            .iter()
            .flatten()
            .flat_map(|route| route.brokers())
            .collect();
        brokers.sort_unstable();
        brokers.dedup();
        Self { routes, brokers }
    }
}

impl Deref for KnownRoutes {
    type Target = [Option<Rc<KnownRoute>>];

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.routes
    }
}

impl KnownRoutes {
    /// No route of any of `topics` topics.
    pub fn none(topics: usize) -> Rc<Self> {
        Rc::new((0..topics).map(|_| None).collect())
    }

    /// Brokers named in the routes, each once, by name.
    pub fn brokers(&self) -> &[BrokerId] {
        &self.brokers
    }

    /// What is known when the name server has answered with `new`: a topic that is gone there keeps its old route.
    pub fn renewed(&self, new: Rc<Self>) -> Rc<Self> {
        let pairs = || self.iter().zip(new.iter());
        if pairs().all(|(old, new)| new.is_some() || old.is_none()) {
            return new;
        }
        Rc::new(
            pairs()
                .map(|(old, new)| new.clone().or_else(|| old.clone()))
                .collect(),
        )
    }
}

impl<O: Observer> Cluster<O> {
    /// The present routes of the topics of a client: the list that the last client of its group got, if it is the same.
    pub(in crate::cluster) fn routes_of(&mut self, consumer: ConsumerId) -> Rc<KnownRoutes> {
        let (client, version) = (&self.consumers[consumer.index()], self.name_server.version());
        let last = &mut self.last_routes[client.group.index()];
        if let Some((of, topics, routes)) = last
            && *of == version
            && Rc::ptr_eq(topics, &client.topics)
        {
            return Rc::clone(routes);
        }
        let topics = client.topics.iter();
        let topics = topics.map(|topic| self.topics.resolve(client.group, *topic));
        let route = |topic: Option<TopicId>| self.name_server.route(topic?);
        let routes = Rc::new(topics.map(route).collect());
        *last = Some((version, Rc::clone(&client.topics), Rc::clone(&routes)));
        routes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::config::TopicQueues;
    use crate::cluster::ids::QueueId;
    use crate::cluster::nameserver::NameServer;

    fn route(brokers: &[u32]) -> Option<Rc<KnownRoute>> {
        let mut server = NameServer::default();
        let numbers = TopicQueues { read: 1, write: 1 };
        for &broker in brokers {
            server.register(TopicId(0), BrokerId(broker), &[QueueId(broker)], numbers);
        }
        server.route(TopicId(0))
    }

    #[test]
    fn each_broker_is_named_once() {
        let routes: KnownRoutes = [route(&[1, 2]), None, route(&[0, 2])].into_iter().collect();
        assert_eq!(routes.brokers(), [BrokerId(0), BrokerId(1), BrokerId(2)]);
    }

    /// The answer is taken as it is, unless a route is missing in it that was there before.
    #[test]
    fn an_old_route_is_better_than_none() {
        let known: KnownRoutes = [route(&[0]), None].into_iter().collect();
        let all: Rc<KnownRoutes> = Rc::new([route(&[1]), route(&[2])].into_iter().collect());
        assert!(Rc::ptr_eq(&known.renewed(Rc::clone(&all)), &all));
        let less = Rc::new([None, route(&[2])].into_iter().collect());
        assert_eq!(known.renewed(less).brokers(), [BrokerId(0), BrokerId(2)]);
    }
}
