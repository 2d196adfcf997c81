//! Shares: how many queues each member has, and how far that is from even.
//!
//! The *distance* of a group is the fewest queues that must move until its members share the queues of each
//! topic evenly: of q queues on m members, q mod m have ⌊q ÷ m⌋ + 1 and the others ⌊q ÷ m⌋. Every queue of a
//! former member has to move, and so has what a member holds beyond its share; the members with most are the
//! ones that may keep one more. Queues that nobody ever held need an owner, which is no move.
//!
//! Counts by owner, and members by count, are kept as queues change hands. A look at the distance costs about
//! the root of the number of queues, as there are no more different counts than that.

use crate::cluster::ids::{ConsumerId, TopicId};
use std::collections::{BTreeMap, BTreeSet};

/// The members of a group and what they have of each topic.
#[derive(Clone, Debug, Default)]
pub struct Shares {
    members: BTreeSet<ConsumerId>,
    topics: BTreeMap<TopicId, Topic>,
}

/// The queues of one topic.
#[derive(Clone, Debug, Default)]
struct Topic {
    /// Queues that consumers are given.
    queues: u64,
    /// Of these, by their last owner, member or not; no zeros.
    by_owner: BTreeMap<ConsumerId, u64>,
    /// Members by the number of their queues; no zeros.
    by_height: BTreeMap<u64, u64>,
    /// Queues whose last owner is no member.
    orphans: u64,
}

impl Shares {
    /// Number of members.
    pub fn members(&self) -> u64 {
        self.members.len() as u64
    }

    /// `consumer` is a member from now on.
    pub fn join(&mut self, consumer: ConsumerId) {
        if self.members.insert(consumer) {
            for topic in self.topics.values_mut() {
                let share = topic.share(consumer);
                topic.orphans -= share;
                topic.rise(share);
            }
        }
    }

    /// `consumer` is no member any more.
    pub fn leave(&mut self, consumer: ConsumerId) {
        if self.members.remove(&consumer) {
            for topic in self.topics.values_mut() {
                let share = topic.share(consumer);
                topic.orphans += share;
                topic.fall(share);
            }
        }
    }

    /// A queue of `topic` is given to consumers from now on; `owner` has it already, if anybody does.
    pub fn enter(&mut self, topic: TopicId, owner: Option<ConsumerId>) {
        self.topics.entry(topic).or_default().queues += 1;
        self.pass(topic, None, owner);
    }

    /// A queue of `topic`, last owned by `owner`, is given to nobody any more.
    pub fn exit(&mut self, topic: TopicId, owner: Option<ConsumerId>) {
        self.topics.entry(topic).or_default().queues -= 1;
        self.pass(topic, owner, None);
    }

    /// A queue of `topic` goes from one owner to another.
    pub fn pass(&mut self, topic: TopicId, from: Option<ConsumerId>, to: Option<ConsumerId>) {
        let of = self.topics.entry(topic).or_default();
        if let Some(from) = from {
            of.set(from, of.share(from) - 1, self.members.contains(&from));
        }
        if let Some(to) = to {
            of.set(to, of.share(to) + 1, self.members.contains(&to));
        }
    }

    /// The fewest queues that must move until shares are even. Without members nothing can move.
    pub fn distance(&self) -> u64 {
        match self.members() {
            0 => 0,
            members => self.topics.values().map(|topic| topic.distance(members)).sum(),
        }
    }
}

impl Topic {
    fn share(&self, owner: ConsumerId) -> u64 {
        self.by_owner.get(&owner).copied().unwrap_or(0)
    }

    fn set(&mut self, owner: ConsumerId, share: u64, is_member: bool) {
        let before = self.share(owner);
        if share == 0 {
            self.by_owner.remove(&owner);
        } else {
            self.by_owner.insert(owner, share);
        }
        if is_member {
            self.fall(before);
            self.rise(share);
        } else {
            self.orphans = self.orphans + share - before;
        }
    }

    /// One more member has `share` queues.
    fn rise(&mut self, share: u64) {
        if share > 0 {
            *self.by_height.entry(share).or_default() += 1;
        }
    }

    /// One member fewer has `share` queues.
    fn fall(&mut self, share: u64) {
        if let Some(members) = self.by_height.get_mut(&share) {
            *members -= 1;
            if *members == 0 {
                self.by_height.remove(&share);
            }
        }
    }

    fn distance(&self, members: u64) -> u64 {
        let (base, extra) = (self.queues / members, self.queues % members);
        let (mut surplus, mut above) = (0, 0);
        for (&share, &members) in self.by_height.range(base + 1..) {
            surplus += (share - base) * members;
            above += members;
        }
        self.orphans + surplus - above.min(extra)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A queue that consumers are given: its topic, and who had it last.
    type Queue = (TopicId, Option<ConsumerId>);

    /// The distance by its definition, from nothing but the list of queues.
    fn least_moves(members: &BTreeSet<ConsumerId>, queues: &[Queue]) -> u64 {
        if members.is_empty() {
            return 0;
        }
        let topics: BTreeSet<TopicId> = queues.iter().map(|queue| queue.0).collect();
        let of_topic = |topic| {
            let owners: Vec<_> = queues.iter().filter(|q| q.0 == topic).map(|q| q.1).collect();
            let orphans = owners.iter().flatten().filter(|&owner| !members.contains(owner));
            let held = |member| owners.iter().filter(|&&owner| owner == Some(member)).count();
            let mut shares: Vec<usize> = members.iter().map(|&member| held(member)).collect();
            shares.sort_unstable_by(|a, b| b.cmp(a));
            let (base, extra) = (owners.len() / members.len(), owners.len() % members.len());
            let allowed = (0..members.len()).map(|rank| base + usize::from(rank < extra));
            let surplus: usize = shares
                .iter()
                .zip(allowed)
                .map(|(&s, a)| s.saturating_sub(a))
                .sum();
            (orphans.count() + surplus) as u64
        };
        topics.into_iter().map(of_topic).sum()
    }

    /// Queues of one topic by the number of their owner; −1 = never owned.
    #[track_caller]
    fn check(members: &[u32], owners: &[i32], least: u64) {
        let mut shares = Shares::default();
        members.iter().for_each(|&id| shares.join(ConsumerId(id)));
        for &owner in owners {
            shares.enter(TopicId(0), u32::try_from(owner).ok().map(ConsumerId));
        }
        assert_eq!(shares.distance(), least);
    }

    /// 8 queues on two members; a third may have 2 at least: 8 = 3 + 3 + 2, so each old one gives up one.
    #[test]
    fn a_joining_member_takes_only_its_share() {
        check(&[0, 1, 2], &[0, 0, 0, 0, 1, 1, 1, 1], 2);
    }

    /// Three members with 3, 3 and 2 queues; the last goes: its two queues move, nothing else.
    #[test]
    fn only_the_orphans_of_a_leaving_member_move() {
        check(&[0, 1], &[0, 0, 0, 1, 1, 1, 2, 2], 2);
    }

    #[test]
    fn more_members_than_queues_need_no_move() {
        check(&[0, 1, 2, 3], &[0, 1], 0);
        check(&[0, 1, 2, 3], &[0, 0], 1);
    }

    #[test]
    fn the_first_owner_is_no_move_and_nobody_can_move_nothing() {
        check(&[0, 1], &[-1, -1, -1, -1], 0);
        check(&[], &[0, 0], 0);
    }

    /// Four new queues on two members with four each: they need owners, and nothing moves. Without four of the
    /// eight of member 1, six on each are even: member 0 keeps its eight less two.
    #[test]
    fn queues_come_and_go() {
        check(&[0, 1], &[0, 0, 0, 0, 1, 1, 1, 1, -1, -1, -1, -1], 0);
        check(&[0, 1], &[0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1], 2);
    }

    /// Shares are even within each topic, not over all: two topics of three queues, all at member 0.
    #[test]
    fn topics_count_one_by_one() {
        let mut shares = Shares::default();
        shares.join(ConsumerId(0));
        shares.join(ConsumerId(1));
        for topic in 0..6 {
            shares.enter(TopicId(topic / 3), Some(ConsumerId(0)));
        }
        assert_eq!(shares.distance(), 2);
    }

    proptest! {
        /// Whatever comes, goes and moves: what is kept step by step is what the definition says.
        #[test]
        fn steps_lead_to_what_the_definition_says(steps in prop::collection::vec((0..5_u8, 0..12_u32, 0..8_usize), 1..120)) {
            let (mut shares, mut members) = (Shares::default(), BTreeSet::new());
            let mut queues: Vec<Queue> = Vec::new();
            for (kind, who, which) in steps {
                let (consumer, topic) = (ConsumerId(who), TopicId(which as u32 % 3));
                let which = which * 3 % queues.len().max(1);
                match kind {
                    0 => {
                        shares.join(consumer);
                        members.insert(consumer);
                    }
                    1 => {
                        shares.leave(consumer);
                        members.remove(&consumer);
                    }
                    2 => {
                        // Half of the new ones have an owner, as when a queue comes back into the set.
                        let owner = (who % 2 == 0).then_some(consumer);
                        shares.enter(topic, owner);
                        queues.push((topic, owner));
                    }
                    3 if !queues.is_empty() => {
                        let (topic, owner) = queues.swap_remove(which);
                        shares.exit(topic, owner);
                    }
                    _ if !queues.is_empty() => {
                        let (topic, owner) = queues[which];
                        shares.pass(topic, owner, Some(consumer));
                        queues[which].1 = Some(consumer);
                    }
                    _ => {}
                }
                prop_assert_eq!(shares.distance(), least_moves(&members, &queues));
                prop_assert_eq!(shares.members(), members.len() as u64);
            }
        }
    }
}
