//! Rebalances: rounds, moves, and what each change of members led to.
//!
//! A *change* is the start or the end of a member. Whatever changes hands before the next change is put down
//! to it. The fewest moves that a change requires follow from the owners at that instant, topic by topic: every
//! queue whose owner is gone has to move, and so has what a living member holds beyond an even share.
//! Changes at one instant are looked at together and put down to the last of them.

use crate::cluster::fact::RebalanceTrigger;
use crate::cluster::ids::{ConsumerId, TopicId};
use crate::kernel::time::{SimDuration, SimTime};

/// Changes and events kept at most, each; what comes later is counted only.
const LISTED: usize = 10_000;

/// What happened to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It started.
    Started,
    /// It shut down.
    Graceful,
    /// It was killed.
    Killed,
    /// Its host was lost.
    Vanished,
    /// Its start failed.
    StartFailed,
}

/// A change of members and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberChange {
    /// When.
    pub at: SimTime,
    /// Who.
    pub consumer: ConsumerId,
    /// What.
    pub change: Change,
    /// Living members after it.
    pub members: u64,
    /// Moves until the next change.
    pub moves: u64,
    /// Fewest moves that could have restored an even share.
    pub moves_least: u64,
    /// From the change to the last change of owners before the next.
    pub stable: SimDuration,
}

/// A round that changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// When it ended.
    pub at: SimTime,
    /// Whose.
    pub consumer: ConsumerId,
    /// What woke it.
    pub trigger: RebalanceTrigger,
    /// Queues taken.
    pub added: u32,
    /// Queues given up.
    pub removed: u32,
    /// Whether the client counted itself as balanced.
    pub balanced: bool,
}

/// One queue of a subscribed topic, for [`least_moves`].
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Its topic.
    pub topic: TopicId,
    /// Who took it last; `None` if nobody ever did.
    pub by: Option<ConsumerId>,
}

/// What one group has been through.
#[derive(Clone, Debug, Default)]
pub struct Rebalances {
    /// Living members in order of their starts.
    pub members: Vec<ConsumerId>,
    /// Rounds by trigger, in the order of `RebalanceTrigger`.
    pub rounds: [u64; 5],
    /// Rounds that changed something.
    pub rounds_with_change: u64,
    /// Queues of subscribed topics that went from one consumer to another.
    pub moves: u64,
    /// Sum of the fewest moves of all changes.
    pub moves_least: u64,
    /// Queues of subscribed topics that have had an owner.
    pub ever_owned: u64,
    /// When all of them had had one.
    pub all_owned_at: Option<SimTime>,
    /// Messages cached and not finished when a queue was given up.
    pub released_unfinished: u64,
    /// The longest time to stability.
    pub stable_max: Option<SimDuration>,
    /// Changes of members, the first 10 000.
    pub changes: Vec<MemberChange>,
    /// Rounds that changed something, the first 10 000.
    pub events: Vec<Round>,
    /// Changes and events beyond those.
    pub omitted: u64,
    current: Option<MemberChange>,
    /// The fewest moves of the current change are still to be found.
    least_pending: bool,
}

impl Rebalances {
    /// A member started or ended.
    pub fn changed(&mut self, now: SimTime, consumer: ConsumerId, change: Change) {
        self.close();
        match change {
            Change::Started => self.members.push(consumer),
            _ => self.members.retain(|&member| member != consumer),
        }
        self.current = Some(MemberChange {
            at: now,
            consumer,
            change,
            members: self.members.len() as u64,
            moves: 0,
            moves_least: 0,
            stable: SimDuration::ZERO,
        });
        self.least_pending = true;
    }

    /// Whether [`Self::least`] must be called before owners change, or members at a later instant than this.
    pub fn wants_least(&self, now: Option<SimTime>) -> bool {
        self.least_pending && self.current.is_some_and(|change| Some(change.at) != now)
    }

    /// Finds the fewest moves that the current change requires.
    pub fn least(&mut self, queues: impl Iterator<Item = Held>) {
        self.least_pending = false;
        let least = least_moves(&self.members, queues);
        self.moves_least += least;
        if let Some(change) = &mut self.current {
            change.moves_least = least;
        }
    }

    /// A queue of a subscribed topic changed its owner; `moved` if it came from another consumer.
    pub fn owners_changed(&mut self, now: SimTime, moved: bool) {
        self.moves += u64::from(moved);
        if let Some(change) = &mut self.current {
            change.moves += u64::from(moved);
            change.stable = now.since(change.at);
        }
    }

    /// A round ended.
    pub fn round(&mut self, round: Round) {
        self.rounds[round.trigger as usize] += 1;
        if round.added + round.removed == 0 {
            return;
        }
        self.rounds_with_change += 1;
        if self.events.len() < LISTED {
            self.events.push(round);
        } else {
            self.omitted += 1;
        }
    }

    /// No more facts will come: the current change is over.
    pub fn close(&mut self) {
        let Some(change) = self.current.take() else {
            return;
        };
        self.stable_max = self.stable_max.max(Some(change.stable));
        if self.changes.len() < LISTED {
            self.changes.push(change);
        } else {
            self.omitted += 1;
        }
    }
}

/// The fewest queues that must move so that `members` share the queues of each topic evenly.
///
/// Queues that nobody ever held need no move. Without members nothing can move.
pub fn least_moves(members: &[ConsumerId], queues: impl Iterator<Item = Held>) -> u64 {
    if members.is_empty() {
        return 0;
    }
    let mut queues: Vec<Held> = queues.collect();
    queues.sort_unstable_by_key(|held| (held.topic, held.by));
    let mut members = members.to_vec();
    members.sort_unstable();
    queues
        .chunk_by(|a, b| a.topic == b.topic)
        .map(|topic| {
            let mut orphans = 0;
            let mut shares: Vec<usize> = Vec::new();
            for of_one in topic.chunk_by(|a, b| a.by == b.by) {
                match of_one[0].by {
                    Some(owner) if members.binary_search(&owner).is_ok() => shares.push(of_one.len()),
                    Some(_) => orphans += of_one.len(),
                    None => {}
                }
            }
            shares.sort_unstable_by(|a, b| b.cmp(a));
            let (base, extra) = (topic.len() / members.len(), topic.len() % members.len());
            let surplus: usize = shares
                .iter()
                .enumerate()
                .map(|(rank, &share)| share.saturating_sub(base + usize::from(rank < extra)))
                .sum();
            (orphans + surplus) as u64
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::story::secs;

    /// Queues of one topic by the number of their owner; −1 = never owned.
    #[track_caller]
    fn check(members: &[u32], owners: &[i32], least: u64) {
        let members: Vec<ConsumerId> = members.iter().map(|&id| ConsumerId(id)).collect();
        let queues = owners.iter().map(|&owner| Held {
            topic: TopicId(0),
            by: u32::try_from(owner).ok().map(ConsumerId),
        });
        assert_eq!(least_moves(&members, queues), least);
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

    /// Shares are even within each topic, not over all: two topics of three queues, all at member 0.
    #[test]
    fn topics_count_one_by_one() {
        let queues = (0..6).map(|i| Held {
            topic: TopicId(i / 3),
            by: Some(ConsumerId(0)),
        });
        assert_eq!(least_moves(&[ConsumerId(0), ConsumerId(1)], queues), 2);
    }

    /// A second start at 10 s leads to two moves, the last at 12.5 s; the end at 60 s to none.
    #[test]
    fn moves_and_stability_belong_to_the_change_before() {
        let mut group = Rebalances::default();
        group.changed(secs(0), ConsumerId(0), Change::Started);
        for _ in 0..4 {
            group.owners_changed(secs(1), false);
        }
        assert!(group.wants_least(None) && !group.wants_least(Some(secs(0))));
        group.changed(secs(10), ConsumerId(1), Change::Started);
        group.owners_changed(secs(11), true);
        group.owners_changed(SimTime::from_nanos(12_500_000_000), true);
        group.changed(secs(60), ConsumerId(1), Change::Killed);
        group.close();
        let of: Vec<(u64, u64, f64)> = group
            .changes
            .iter()
            .map(|change| (change.members, change.moves, change.stable.as_secs_f64()))
            .collect();
        assert_eq!(of, [(1, 0, 1.0), (2, 2, 2.5), (1, 0, 0.0)]);
        assert_eq!(group.stable_max, Some(SimDuration::from_millis(2_500)));
        assert_eq!(group.moves, 2);
    }
}
