//! Shares that were computed once for all clients that see the same.
//!
//! Every client computes its own share, and all that see the same queues and members compute the same shares. So
//! they are computed once for all of them, at the first question, and kept for a few views: what a round costs a
//! client is then looking up its own. Nobody's answer depends on who asked first.
//!
//! Strategies that remember get what RocketMQ cannot give, a memory of the group: the shares that were computed last
//! for the topic. Then only the last two views are kept, so that those who lag behind get what the others got, and
//! a view that returns after others is computed anew.

use crate::cluster::Cluster;
use crate::cluster::broker::consumer_manager::{ClientRank, SubscribedTopic};
use crate::cluster::consumer::GroupNames;
use crate::cluster::consumer::allocate::{AllocateError, Allocation, Beyond};
use crate::cluster::fact::Observer;
use crate::cluster::ids::{ConsumerId, QueueId};
use crate::cluster::nameserver::KnownRoute;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// Views kept of one topic. While members come and go, clients that look at different moments and brokers see
/// some dozen.
const VIEWS: usize = 64;
/// Likewise, if the strategy remembers.
const VIEWS_REMEMBERED: usize = 2;

/// The shares of all members of a view, by position; or why there are none.
type Shares = Result<Vec<Rc<[QueueId]>>, AllocateError>;

/// What was computed for the clients of one group.
#[derive(Debug, Default)]
pub struct SharedViews {
    topics: BTreeMap<(u32, SubscribedTopic), VecDeque<View>>,
}

#[derive(Debug)]
struct View {
    route: Rc<KnownRoute>,
    members: Rc<[ClientRank]>,
    shares: Rc<Shares>,
}

impl View {
    /// Lists of one broker are mostly the same list; else their contents decide.
    fn is(&self, route: &Rc<KnownRoute>, members: &Rc<[ClientRank]>) -> bool {
        let same_route = Rc::ptr_eq(&self.route, route) || self.route.read_queues == route.read_queues;
        same_route && (Rc::ptr_eq(&self.members, members) || self.members == *members)
    }
}

impl SharedViews {
    /// What was computed for this view, if it is still kept. It then counts as the latest.
    fn find(
        &mut self,
        of: (u32, SubscribedTopic),
        route: &Rc<KnownRoute>,
        members: &Rc<[ClientRank]>,
    ) -> Option<Rc<Shares>> {
        let views = self.topics.get_mut(&of)?;
        let at = views.iter().position(|view| view.is(route, members))?;
        if at > 0 {
            let view = views.remove(at).expect("just found");
            views.push_front(view);
        }
        Some(Rc::clone(&views[0].shares))
    }

    /// Keeps what was computed for a view.
    fn keep(&mut self, of: (u32, SubscribedTopic), view: View, most: usize) {
        let views = self.topics.entry(of).or_default();
        views.truncate(most - 1);
        views.push_front(view);
    }

    /// Who had what in the latest view, by client.
    fn latest(&self, of: (u32, SubscribedTopic)) -> Vec<(ClientRank, Vec<QueueId>)> {
        let Some(view) = self.topics.get(&of).and_then(|views| views.front()) else {
            return Vec::new();
        };
        let shares = view.shares.as_ref().as_ref().map_or(&[][..], |shares| shares);
        let members = view.members.iter().copied();
        members.zip(shares.iter().map(|share| share.to_vec())).collect()
    }
}

impl<O: Observer> Cluster<O> {
    /// The share of `consumer` of the topic at position `topic_at` of its own, among `members`; `None` if the
    /// strategy refuses. Who is not among the members gets nothing.
    pub(super) fn share(
        &mut self,
        consumer: ConsumerId,
        topic_at: usize,
        members: &Rc<[ClientRank]>,
    ) -> Option<Rc<[QueueId]>> {
        let shares = self.shares(consumer, topic_at, members)?;
        let shares = shares.as_ref().as_ref().ok()?;
        let rank = self.consumers[consumer.index()].rank;
        let position = members.partition_point(|&member| member < rank);
        let listed = members.get(position) == Some(&rank);
        Some(if listed {
            Rc::clone(&shares[position])
        } else {
            Rc::new([])
        })
    }

    /// The shares of all members, as `consumer` sees the topic; `None` if it has no route.
    fn shares(
        &mut self,
        consumer: ConsumerId,
        topic_at: usize,
        members: &Rc<[ClientRank]>,
    ) -> Option<Rc<Shares>> {
        let client = &self.consumers[consumer.index()];
        let route = Rc::clone(client.routes[topic_at].as_ref()?);
        let of = (client.strategy, client.topics[topic_at]);
        let group = client.group;
        let found = self.shared_views[group.index()].find(of, &route, members);
        if found.is_some() {
            return found;
        }
        let strategy = Rc::clone(&self.strategies[of.0 as usize]);
        let needs = strategy.needs();
        let (mut queues_before, mut load_before) = (0, Vec::new());
        if needs.other_topics && of.1.is_some() {
            (queues_before, load_before) = self.topics_before(consumer, topic_at, members);
        }
        let views = &mut self.shared_views[group.index()];
        let previous = if needs.memory {
            views.latest(of)
        } else {
            Vec::new()
        };
        let shares = strategy.allocate_all(&Allocation {
            consumer_group: &self.config.groups[group.index()].name,
            current_cid: members.first(),
            mq_all: &route.read_queues,
            cid_all: members,
            names: &GroupNames::new(&self.core.directory, &self.group_clients[group.index()]),
            beyond: Beyond {
                previous: &previous,
                queues_before,
                load_before: &load_before,
            },
        });
        let shares = Rc::new(shares.map(|shares| shares.into_iter().map(Rc::from).collect()));
        let view = View {
            route,
            members: Rc::clone(members),
            shares: Rc::clone(&shares),
        };
        let most = if needs.memory { VIEWS_REMEMBERED } else { VIEWS };
        views.keep(of, view, most);
        Some(shares)
    }

    /// Queues of the client's topics that come before this one by name, and how many of them each member gets.
    fn topics_before(
        &mut self,
        consumer: ConsumerId,
        topic_at: usize,
        members: &Rc<[ClientRank]>,
    ) -> (usize, Vec<u32>) {
        let topics = Rc::clone(&self.consumers[consumer.index()].topics);
        let (mut queues, mut load) = (0, vec![0; members.len()]);
        let before = |at: &usize| topics[*at].is_some_and(|topic| Some(topic) < topics[topic_at]);
        for at in (0..topics.len()).filter(before) {
            if let Some(Ok(shares)) = self.shares(consumer, at, members).as_deref() {
                queues += shares.iter().map(|share| share.len()).sum::<usize>();
                for (load, share) in load.iter_mut().zip(shares) {
                    *load += share.len() as u32;
                }
            }
        }
        (queues, load)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::config::TopicQueues;
    use crate::cluster::ids::{BrokerId, TopicId};
    use crate::cluster::nameserver::NameServer;

    const OF: (u32, SubscribedTopic) = (0, Some(TopicId(0)));

    fn route() -> Rc<KnownRoute> {
        let mut server = NameServer::default();
        let numbers = TopicQueues { read: 2, write: 2 };
        server.register(TopicId(0), BrokerId(0), &[QueueId(0), QueueId(1)], numbers);
        server.route(TopicId(0)).unwrap()
    }

    fn view(route: &Rc<KnownRoute>, members: &[ClientRank]) -> View {
        let shares = members.iter().map(|&rank| Rc::from([QueueId(rank)])).collect();
        View {
            route: Rc::clone(route),
            members: members.into(),
            shares: Rc::new(Ok(shares)),
        }
    }

    /// A list with the same members is the same view, whichever broker it came from.
    #[test]
    fn contents_make_a_view() {
        let mut views = SharedViews::default();
        let route = route();
        views.keep(OF, view(&route, &[0, 1]), VIEWS);
        assert!(views.find(OF, &route, &[0, 1].into()).is_some());
        assert!(views.find(OF, &route, &[0, 2].into()).is_none());
        assert!(views.find((1, OF.1), &route, &[0, 1].into()).is_none());
    }

    /// Who lags one view behind finds what the others got; two views behind it is gone.
    #[test]
    fn memory_is_two_views_long() {
        let mut views = SharedViews::default();
        let route = route();
        for members in [&[0][..], &[0, 1], &[1]] {
            views.keep(OF, view(&route, members), VIEWS_REMEMBERED);
        }
        assert!(views.find(OF, &route, &[0].into()).is_none());
        assert!(views.find(OF, &route, &[0, 1].into()).is_some());
        let latest = views.latest(OF);
        assert_eq!(latest, [(0, vec![QueueId(0)]), (1, vec![QueueId(1)])]);
    }
}
