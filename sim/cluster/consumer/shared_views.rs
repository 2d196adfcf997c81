//! Shares that were computed once for all clients that see the same.
//!
//! Every client computes its own share, and all that see the same queues and members compute the same shares. So
//! they are computed once for all of them, at the first question, and kept for a few views: what a round costs a
//! client is then looking up its own. Nobody's answer depends on who asked first. Where a strategy looks at the
//! topics before, their shares belong to the view.
//!
//! Strategies that remember get what RocketMQ cannot give, a memory of the group: the shares that were asked for last
//! of the topic. Then only the last two views are kept, so that those who lag behind get what the others got, and
//! a view that returns after others is computed anew.

use crate::cluster::Cluster;
use crate::cluster::broker::consumer_manager::{ClientRank, MemberList, SubscribedTopic};
use crate::cluster::consumer::allocate::{AllocateError, Allocation, Beyond};
use crate::cluster::consumer::{GroupNames, RunStrategy};
use crate::cluster::fact::Observer;
use crate::cluster::ids::{ConsumerId, QueueId};
use crate::cluster::memory::of_shared;
use crate::cluster::nameserver::KnownRoute;
use crate::kernel::memory;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// Views kept of one topic. While members come and go, clients that look at different moments and brokers see
/// some dozen.
const VIEWS: usize = 64;
/// Likewise, if the strategy remembers.
const VIEWS_REMEMBERED: usize = 2;

/// The shares of all members of a view; or why there are none.
type Shares = Result<Division, AllocateError>;

/// Who has which queues, by position among the members.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Division {
    /// Queues of all members, one share behind the other.
    queues: Vec<QueueId>,
    /// Where the share of each member ends.
    ends: Vec<u32>,
}

impl Division {
    fn of(shares: &[Vec<QueueId>]) -> Self {
        let mut division = Self::default();
        for share in shares {
            division.queues.extend_from_slice(share);
            division.ends.push(division.queues.len() as u32);
        }
        division
    }

    fn held(&self) -> u64 {
        memory::of_vec(&self.queues) + memory::of_vec(&self.ends)
    }

    /// The share of the member at `position`.
    fn share(&self, position: usize) -> &[QueueId] {
        let before = position.checked_sub(1);
        let start = before.map_or(0, |before| self.ends[before] as usize);
        &self.queues[start..self.ends[position] as usize]
    }

    fn shares(&self) -> impl Iterator<Item = &[QueueId]> {
        (0..self.ends.len()).map(|position| self.share(position))
    }
}

/// What one client gets.
pub(super) enum Share {
    /// It is a member of the view.
    OfMember(Rc<Shares>, usize),
    /// It is not among those whom the broker has named.
    OfStranger(Vec<QueueId>),
}

impl Share {
    /// The queues.
    pub(super) fn queues(&self) -> &[QueueId] {
        match self {
            Self::OfMember(shares, position) => match shares.as_ref() {
                Ok(division) => division.share(*position),
                Err(_) => &[],
            },
            Self::OfStranger(queues) => queues,
        }
    }
}

/// What was computed for the clients of one group.
#[derive(Debug, Default)]
pub struct SharedViews {
    topics: BTreeMap<(u32, SubscribedTopic), VecDeque<View>>,
}

#[derive(Debug)]
struct View {
    route: Rc<KnownRoute>,
    members: MemberList,
    /// Shares of the topics before this one, if the strategy looks at them.
    before: Vec<Rc<Shares>>,
    shares: Rc<Shares>,
}

impl View {
    /// Lists of one broker are mostly the same list; else their contents decide.
    fn is(&self, route: &Rc<KnownRoute>, members: &MemberList, before: &[Rc<Shares>]) -> bool {
        let same_route = Rc::ptr_eq(&self.route, route) || self.route.read_queues == route.read_queues;
        let same_members = Rc::ptr_eq(&self.members, members) || self.members == *members;
        let same = |(known, new): (&Rc<Shares>, &Rc<Shares>)| Rc::ptr_eq(known, new);
        let same_before = self.before.len() == before.len() && self.before.iter().zip(before).all(same);
        same_route && same_members && same_before
    }
}

impl SharedViews {
    /// What was computed for this view, if it is still kept. It then counts as the latest: the group is going there.
    fn find(
        &mut self,
        of: (u32, SubscribedTopic),
        route: &Rc<KnownRoute>,
        members: &MemberList,
        before: &[Rc<Shares>],
    ) -> Option<Rc<Shares>> {
        let views = self.topics.get_mut(&of)?;
        let at = views.iter().position(|view| view.is(route, members, before))?;
        if at > 0 {
            let view = views.remove(at).expect("just found");
            views.push_front(view);
        }
        Some(Rc::clone(&views[0].shares))
    }

    /// Bytes that it holds. Shares before others are those of another view.
    pub fn held(&self) -> u64 {
        let of_view = |view: &View| {
            let shares = view.shares.as_ref().as_ref().map_or(0, Division::held);
            of_shared(&view.members) + memory::of_vec(&view.before) + memory::of::<Shares>(1) + shares
        };
        let of_topic =
            |views: &VecDeque<View>| memory::of_deque(views) + views.iter().map(of_view).sum::<u64>();
        memory::of_map(&self.topics) + self.topics.values().map(of_topic).sum::<u64>()
    }

    /// Bytes of views of so many members and queues, each counted for each view.
    pub fn held_for(members: u64, queues: u64) -> u64 {
        let of_member = size_of::<ClientRank>() + size_of::<u32>();
        members * of_member as u64 + queues * size_of::<QueueId>() as u64
    }

    /// How many views are kept of a topic that has had so many.
    pub fn kept(views: u64) -> u64 {
        views.min(VIEWS as u64)
    }

    /// Keeps what was computed for a view.
    fn keep(&mut self, of: (u32, SubscribedTopic), view: View, most: usize) {
        let views = self.topics.entry(of).or_default();
        views.truncate(most - 1);
        views.push_front(view);
    }

    /// Who had what in the view that was asked for last, by client.
    fn latest(&self, of: (u32, SubscribedTopic)) -> Vec<(ClientRank, Vec<QueueId>)> {
        let Some(view) = self.topics.get(&of).and_then(|views| views.front()) else {
            return Vec::new();
        };
        let Ok(division) = view.shares.as_ref() else {
            return Vec::new();
        };
        let members = view.members.iter().copied();
        members.zip(division.shares().map(<[_]>::to_vec)).collect()
    }
}

impl<O: Observer> Cluster<O> {
    /// The share of `consumer` of the topic at position `topic_at` of its own, among `members`; `None` if the
    /// strategy refuses.
    pub(super) fn share(
        &mut self,
        consumer: ConsumerId,
        topic_at: usize,
        members: &MemberList,
    ) -> Option<Share> {
        let shares = self.shares(consumer, topic_at, members)?;
        if shares.is_err() {
            return None;
        }
        let rank = self.consumers[consumer.index()].rank;
        let position = members.partition_point(|&member| member < rank);
        if members.get(position) == Some(&rank) {
            return Some(Share::OfMember(shares, position));
        }
        // Mostly nothing; but a list that was written down holds for whoever asks.
        self.share_anew(consumer, topic_at, members)
            .map(Share::OfStranger)
    }

    /// What the strategy says to `consumer` itself if it is told nothing beyond RocketMQ's protocol, whatever was computed
    /// before; `None` if it refuses. Nothing remembers the question.
    pub(super) fn share_anew(
        &self,
        consumer: ConsumerId,
        topic_at: usize,
        members: &MemberList,
    ) -> Option<Vec<QueueId>> {
        let share = self.ask_strategy(consumer, topic_at, members, Beyond::default(), |strategy, ask| {
            strategy.allocate(ask)
        });
        share?.ok()
    }

    /// The shares of all members, as `consumer` sees the topic; `None` if it has no route.
    fn shares(&mut self, consumer: ConsumerId, topic_at: usize, members: &MemberList) -> Option<Rc<Shares>> {
        let client = &self.consumers[consumer.index()];
        let route = Rc::clone(client.routes[topic_at].as_ref()?);
        let of = (client.strategy, client.topics[topic_at]);
        let group = client.group;
        let needs = self.strategies[of.0 as usize].needs();
        let before = if needs.other_topics && of.1.is_some() {
            self.shares_before(consumer, topic_at, members)
        } else {
            Vec::new()
        };
        let views = &mut self.shared_views[group.index()];
        let found = views.find(of, &route, members, &before);
        if found.is_some() {
            return found;
        }
        let previous = if needs.memory {
            views.latest(of)
        } else {
            Vec::new()
        };
        let (queues_before, load_before) = sums(&before, members.len());
        let beyond = Beyond {
            previous: &previous,
            queues_before,
            load_before: &load_before,
        };
        let shares = self.ask_strategy(consumer, topic_at, members, beyond, |strategy, ask| {
            strategy.allocate_all(ask)
        })?;
        let shares = Rc::new(shares.map(|shares| Division::of(&shares)));
        let view = View {
            route,
            members: Rc::clone(members),
            before,
            shares: Rc::clone(&shares),
        };
        let most = if needs.memory { VIEWS_REMEMBERED } else { VIEWS };
        self.shared_views[group.index()].keep(of, view, most);
        Some(shares)
    }

    /// Lets the strategy of `consumer` answer `question`, asked by `consumer`; `None` if the topic has no route.
    fn ask_strategy<T>(
        &self,
        consumer: ConsumerId,
        topic_at: usize,
        members: &[ClientRank],
        beyond: Beyond<'_, QueueId, ClientRank>,
        question: impl FnOnce(&RunStrategy, &Allocation<'_, QueueId, ClientRank>) -> T,
    ) -> Option<T> {
        let client = &self.consumers[consumer.index()];
        let ask = Allocation {
            consumer_group: &self.config.groups[client.group.index()].name,
            current_cid: Some(&client.rank),
            mq_all: &client.routes[topic_at].as_ref()?.read_queues,
            cid_all: members,
            names: &GroupNames::new(&self.core.directory, &self.group_clients[client.group.index()]),
            beyond,
        };
        Some(question(&*self.strategies[client.strategy as usize], &ask))
    }

    /// The shares of the client's topics that come before this one by name, as far as there are any.
    fn shares_before(
        &mut self,
        consumer: ConsumerId,
        topic_at: usize,
        members: &MemberList,
    ) -> Vec<Rc<Shares>> {
        let topics = Rc::clone(&self.consumers[consumer.index()].topics);
        let before = |at: &usize| topics[*at].is_some_and(|topic| Some(topic) < topics[topic_at]);
        (0..topics.len())
            .filter(before)
            .filter_map(|at| self.shares(consumer, at, members))
            .collect()
    }
}

/// How many queues these shares have together, and how many of them each member has.
fn sums(before: &[Rc<Shares>], members: usize) -> (usize, Vec<u32>) {
    let (mut queues, mut load) = (0, vec![0; members]);
    for division in before.iter().filter_map(|shares| shares.as_ref().as_ref().ok()) {
        for (load, share) in load.iter_mut().zip(division.shares()) {
            queues += share.len();
            *load += share.len() as u32;
        }
    }
    (queues, load)
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
        let shares: Vec<_> = members.iter().map(|&rank| vec![QueueId(rank)]).collect();
        View {
            route: Rc::clone(route),
            members: Rc::new(members.to_vec()),
            before: Vec::new(),
            shares: Rc::new(Ok(Division::of(&shares))),
        }
    }

    /// A list with the same members is the same view, whichever broker it came from; other shares before it make
    /// another view.
    #[test]
    fn contents_make_a_view() {
        let mut views = SharedViews::default();
        let route = route();
        views.keep(OF, view(&route, &[0, 1]), VIEWS);
        let before = Rc::new(Ok(Division::default()));
        assert!(views.find(OF, &route, &Rc::new(vec![0, 1]), &[before]).is_none());
        assert!(views.find(OF, &route, &Rc::new(vec![0, 1]), &[]).is_some());
        assert!(views.find(OF, &route, &Rc::new(vec![0, 2]), &[]).is_none());
        assert!(views.find((1, OF.1), &route, &Rc::new(vec![0, 1]), &[]).is_none());
    }

    /// Views are many where members come and go: each is counted with its members and its shares.
    #[test]
    fn every_view_is_counted() {
        let mut views = SharedViews::default();
        let route = route();
        views.keep(OF, view(&route, &[0, 1, 2]), VIEWS);
        let one = views.held();
        for last in 3..40 {
            views.keep(OF, view(&route, &[0, 1, last]), VIEWS);
        }
        let more = SharedViews::held_for(37 * 3, 37 * 3);
        assert!(views.held() >= one + more, "{one} + {more}: {}", views.held());
    }

    /// Who lags one view behind finds what the others got; two views behind it is gone.
    #[test]
    fn memory_is_two_views_long() {
        let mut views = SharedViews::default();
        let route = route();
        for members in [&[0][..], &[0, 1], &[1]] {
            views.keep(OF, view(&route, members), VIEWS_REMEMBERED);
        }
        assert!(views.find(OF, &route, &Rc::new(vec![0]), &[]).is_none());
        assert!(views.find(OF, &route, &Rc::new(vec![0, 1]), &[]).is_some());
        let latest = views.latest(OF);
        assert_eq!(latest, [(0, vec![QueueId(0)]), (1, vec![QueueId(1)])]);
    }
}
