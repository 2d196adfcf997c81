//! A topic that the last round found as it should be.
//!
//! The client held its share of the topic and nothing else, and pulled all of it. As long as it is told the same list of
//! members, knows the same route and holds the same queues, none of which goes without a pull for too long, the next round
//! would find the same: it need not look. Only for strategies that look at nothing but members and queues. Builds with debug
//! assertions look nevertheless.

use crate::cluster::Cluster;
use crate::cluster::broker::consumer_manager::{ClientRank, MemberList};
use crate::cluster::consumer::rebalance_impl::Waiting;
use crate::cluster::fact::Observer;
use crate::cluster::ids::ConsumerId;
use crate::cluster::nameserver::KnownRoute;
use crate::cluster::sabotage::Sabotage;
use crate::kernel::time::SimTime;
use std::rc::{Rc, Weak};

/// See the module. It holds on to no list, so that none outlives its time.
#[derive(Debug, Default)]
pub struct Settled {
    members: Weak<Vec<ClientRank>>,
    route: Weak<KnownRoute>,
    /// The last instant at which no queue has gone without a pull for too long.
    until: SimTime,
    /// State of the client's table of queues.
    table: u32,
}

impl Settled {
    /// Whether all is as it was.
    #[inline]
    fn holds(&self, members: &MemberList, route: &Rc<KnownRoute>, table: u32, now: SimTime) -> bool {
        std::ptr::eq(self.members.as_ptr(), Rc::as_ptr(members))
            && std::ptr::eq(self.route.as_ptr(), Rc::as_ptr(route))
            && self.table == table
            && now <= self.until
    }
}

impl<O: Observer> Cluster<O> {
    /// Whether the round of a client that is told of `members` has nothing to do about the topic in hand, as the last one
    /// had not.
    pub(super) fn is_settled(&self, consumer: ConsumerId, members: &MemberList) -> bool {
        let client = &self.consumers[consumer.index()];
        let Some(round) = &client.rebalance.round else {
            return false;
        };
        let settled = client.rebalance.settled.get(round.topic);
        let (Some(settled), Some(Some(route))) = (settled, client.routes.get(round.topic)) else {
            return false;
        };
        round.waiting == Waiting::MemberList
            && settled.holds(members, route, client.held.changes(), self.core.now())
            && client.is_at_work()
            && !self.is_sabotaged(Sabotage::ShareTooSmall)
    }

    /// What a whole round does about the topic in hand, asked without doing it: the strategy is asked anew, and nothing is to
    /// be given up, not even for want of pulls, or taken, and nothing is dropped. Must hold wherever a round is passed over.
    pub(super) fn finds_nothing(&self, consumer: ConsumerId, members: &MemberList) -> bool {
        let client = &self.consumers[consumer.index()];
        let Some(at) = client.rebalance.round.as_ref().map(|round| round.topic) else {
            return false;
        };
        let Some(share) = self.share_anew(consumer, at, members) else {
            return false;
        };
        let is_well = |queue| {
            let held = client.held.get(queue).map(|slot| self.held_queues.get(slot.0));
            held.is_some_and(|held| !held.process_queue.dropped)
        };
        self.queues_to_give_up(consumer, at, &share).is_empty() && share.iter().all(is_well)
    }

    /// A client that is told of `members` holds its share of the topic at this position and nothing else, and pulls it.
    pub(super) fn note_settled(&mut self, consumer: ConsumerId, topic_at: usize, members: &MemberList) {
        let client = &self.consumers[consumer.index()];
        let needs = self.strategies[client.strategy as usize].needs();
        if needs.memory || needs.other_topics {
            return;
        }
        let Some(Some(route)) = client.routes.get(topic_at) else {
            return;
        };
        let topic = client.topics[topic_at];
        let held = client.held.values().map(|slot| self.held_queues.get(slot.0));
        let pulled = held.filter(|held| held.topic == topic && held.push.is_none());
        let expires = pulled.map(|held| held.process_queue.pull_expires());
        let settled = Settled {
            members: Rc::downgrade(members),
            route: Rc::downgrade(route),
            until: expires.min().unwrap_or(SimTime::MAX),
            table: client.held.changes(),
        };
        let known = &mut self.consumers[consumer.index()].rebalance.settled;
        if known.len() <= topic_at {
            known.resize_with(topic_at + 1, Settled::default);
        }
        known[topic_at] = settled;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::broker::consumer_manager::MemberList;
    use crate::cluster::config::TopicQueues;
    use crate::cluster::ids::{BrokerId, QueueId, TopicId};
    use crate::cluster::nameserver::NameServer;

    fn route() -> Rc<KnownRoute> {
        let mut server = NameServer::default();
        server.register(
            TopicId(0),
            BrokerId(0),
            &[QueueId(0)],
            TopicQueues { read: 1, write: 1 },
        );
        server.route(TopicId(0)).unwrap()
    }

    /// The same list, route and table, and no later than the first queue goes without a pull for too long: else it looks
    /// again. Equal contents in another list are looked at.
    #[test]
    fn any_difference_is_looked_at() {
        let (members, other): (MemberList, MemberList) = (Rc::new(vec![0, 1]), Rc::new(vec![0, 1]));
        let (known, renewed) = (route(), route());
        let settled = Settled {
            members: Rc::downgrade(&members),
            route: Rc::downgrade(&known),
            until: SimTime::from_nanos(9),
            table: 3,
        };
        let (then, late) = (SimTime::from_nanos(9), SimTime::from_nanos(10));
        assert!(settled.holds(&members, &known, 3, then));
        assert!(!settled.holds(&other, &known, 3, then));
        assert!(!settled.holds(&members, &renewed, 3, then));
        assert!(!settled.holds(&members, &known, 4, then));
        assert!(!settled.holds(&members, &known, 3, late));
        assert!(!Settled::default().holds(&members, &known, 0, SimTime::ZERO));
    }
}
