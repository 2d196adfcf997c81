//! Rebalances: rounds, moves, and what each change led to.
//!
//! A *change* is whatever gives a group reason to share its queues out anew: a member starts, ends, stops for a
//! while or goes on, is cut off from a server or reaches all again, or the queues of its topics change. A member
//! that is stopped or cut off stays a member until it is gone. What happens before the next change is put down to
//! it: moves, gaps, and the time to the first reaction and to the last. Duplicates are put down to the change that
//! last moved their queue, however late they come.
//!
//! The fewest moves that a change requires are the [distance](Shares::distance) of the owners at that instant from
//! even shares. Changes at one instant are looked at together and put down to the last of them. In sum, a change
//! counts for what it added to the distance just before it: a queue that lost its owner twice before anybody could
//! take it has to move once, and a strategy that never reaches even shares is not charged for that anew each time.

use crate::cluster::fact::RebalanceTrigger;
use crate::cluster::ids::{BrokerId, ConsumerId, TopicId};
use crate::kernel::memory;
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::lag::Level;
use crate::observe::shares::Shares;

/// Changes, events and lost connections kept at most, each; what comes later is counted only.
pub const LISTED: usize = 10_000;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A member started.
    Started,
    /// It shut down.
    Graceful,
    /// It was killed.
    Killed,
    /// Its host was lost.
    Vanished,
    /// Its start failed.
    StartFailed,
    /// Its process stopped for a while.
    Paused,
    /// It went on.
    Resumed,
    /// It is cut off from a server; so far it reached all.
    CutOff,
    /// It reaches all servers again.
    Reconnected,
    /// A link of it got slow; so far none was.
    Slowed,
    /// None is slow any more.
    FastAgain,
    /// Consumers are given other queues of a topic.
    QueuesChanged,
}

impl Change {
    /// Number of kinds.
    pub const KINDS: usize = Self::QueuesChanged as usize + 1;
}

/// To whom or what it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A member.
    Member(ConsumerId),
    /// A topic on a broker.
    Queues(TopicId, BrokerId),
}

/// A change and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeOutcome {
    /// When.
    pub at: SimTime,
    /// To whom or what.
    pub subject: Subject,
    /// What.
    pub change: Change,
    /// Members after it.
    pub members: u64,
    /// Moves until the next change.
    pub moves: u64,
    /// Fewest moves that could have led to even shares.
    pub moves_least: u64,
    /// From the change to the first change of owners by somebody to whom nothing had happened; `None` if there
    /// was none before the next change.
    pub detected: Option<SimDuration>,
    /// From the change to the last change of owners before the next.
    pub stable: SimDuration,
    /// Queue-time without an owner until the next change.
    pub unowned: SimDuration,
    /// Deliveries of records seen before, from queues that this change moved last.
    pub duplicates: u64,
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

/// A client lost its connection to a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnect {
    /// When.
    pub at: SimTime,
    /// Who.
    pub consumer: ConsumerId,
    /// To which broker.
    pub broker: BrokerId,
}

/// What one group has been through.
#[derive(Clone, Debug, Default)]
pub struct Rebalances {
    /// Members and what they have of the subscribed topics.
    pub shares: Shares,
    /// Rounds by trigger, in the order of `RebalanceTrigger`.
    pub rounds: [u64; 6],
    /// Rounds that changed something.
    pub rounds_with_change: u64,
    /// Queues of subscribed topics that went from one consumer to another.
    pub moves: u64,
    /// Queues of subscribed topics without an owner, after the first.
    pub unowned: Level,
    /// When all queues of subscribed topics had had an owner; `None` if one has had none.
    pub all_owned_at: Option<SimTime>,
    /// Messages cached and not finished when a queue was given up.
    pub released_unfinished: u64,
    /// The longest time to the first reaction.
    pub detected_max: Option<SimDuration>,
    /// The longest time to stability.
    pub stable_max: Option<SimDuration>,
    /// Deliveries of records seen before, from queues that some change moved last.
    pub duplicates: u64,
    /// Members that a broker gave up, each broker counted.
    pub expired: u64,
    /// Changes by kind, in the order of `Change`.
    pub kinds: [u64; Change::KINDS],
    /// Changes, the first 10 000.
    pub changes: Vec<ChangeOutcome>,
    /// Rounds that changed something, the first 10 000.
    pub events: Vec<Round>,
    /// Lost connections, the first 10 000.
    pub disconnects: Vec<Disconnect>,
    /// Changes, events and lost connections beyond those.
    pub omitted: u64,
    /// Queues that consumers are given.
    queues: u64,
    /// Of these, those that have had an owner.
    claimed: u64,
    current: Option<ChangeOutcome>,
    /// Members to whom something happened at the instant of the current change.
    struck: Vec<ConsumerId>,
    /// Integral of `unowned` at the current change.
    unowned_before: i128,
    /// The fewest moves of the current change are still to be found.
    least_pending: bool,
    /// The distance from even shares just before the instant of the current change.
    distance_before: u64,
    /// What all changes added to the distance.
    distance_added: i128,
}

impl Rebalances {
    /// Something happened to `subject`.
    pub fn changed(&mut self, now: SimTime, subject: Subject, change: Change) {
        if self.current.is_none_or(|current| current.at != now) {
            self.find_least_moves();
            self.struck.clear();
        }
        if !self.least_pending {
            self.distance_before = self.shares.distance();
            self.least_pending = true;
        }
        self.close(now);
        if let Subject::Member(consumer) = subject {
            self.struck.push(consumer);
            match change {
                Change::Started => self.shares.join(consumer),
                Change::Paused
                | Change::Resumed
                | Change::CutOff
                | Change::Reconnected
                | Change::Slowed
                | Change::FastAgain => {}
                _ => self.shares.leave(consumer),
            }
        }
        self.kinds[change as usize] += 1;
        self.unowned_before = self.unowned.integral(now);
        self.current = Some(ChangeOutcome {
            at: now,
            subject,
            change,
            members: self.shares.members(),
            moves: 0,
            moves_least: 0,
            detected: None,
            stable: SimDuration::ZERO,
            unowned: SimDuration::ZERO,
            duplicates: 0,
        });
    }

    /// A queue of `topic` is given to consumers from now on; `claimed` if it has had an owner.
    pub fn entered(&mut self, topic: TopicId, owner: Option<ConsumerId>, claimed: bool) {
        self.shares.enter(topic, owner);
        self.queues += 1;
        self.claimed += u64::from(claimed);
        if !claimed {
            self.all_owned_at = None;
        }
    }

    /// A queue of `topic` is given to nobody any more.
    pub fn left(&mut self, now: SimTime, topic: TopicId, owner: Option<ConsumerId>, claimed: bool) {
        self.shares.exit(topic, owner);
        self.queues -= 1;
        self.claimed -= u64::from(claimed);
        self.look_whether_all_are_owned(now);
    }

    /// A queue got its first owner.
    pub fn claimed(&mut self, now: SimTime, topic: TopicId, by: ConsumerId) {
        self.passed(topic, None, by);
        self.claimed += 1;
        self.look_whether_all_are_owned(now);
    }

    fn look_whether_all_are_owned(&mut self, now: SimTime) {
        if self.all_owned_at.is_none() && self.claimed == self.queues && self.queues > 0 {
            self.all_owned_at = Some(now);
        }
    }

    /// A queue of `topic` has a new owner; it is a move if it had one before.
    pub fn passed(&mut self, topic: TopicId, from: Option<ConsumerId>, to: ConsumerId) {
        self.find_least_moves();
        self.shares.pass(topic, from, Some(to));
        if from.is_some_and(|from| from != to) {
            self.moves += 1;
            if let Some(change) = &mut self.current {
                change.moves += 1;
            }
        }
    }

    /// `consumer` took a queue of a subscribed topic or gave one up.
    pub fn owners_changed(&mut self, now: SimTime, consumer: ConsumerId) {
        let Some(change) = &mut self.current else {
            return;
        };
        change.stable = now.since(change.at);
        if change.detected.is_none() && !self.struck.contains(&consumer) {
            change.detected = Some(change.stable);
        }
    }

    /// The number of the current change, from 0; `None` before the first.
    pub fn number(&self) -> Option<u32> {
        let closed = self.kinds.iter().sum::<u64>().checked_sub(1)?;
        u32::try_from(closed).ok()
    }

    /// Change `number`, from 0, as far as it has come; `None` if there is none, or it is not listed any more.
    pub fn outcome(&self, number: u32) -> Option<&ChangeOutcome> {
        match self.number() == Some(number) {
            true => self
                .current
                .as_ref()
                .or_else(|| self.changes.get(number as usize)),
            false => self.changes.get(number as usize),
        }
    }

    /// A record was delivered again from a queue that change `number` moved last.
    pub fn duplicate(&mut self, number: u32) {
        self.duplicates += 1;
        if self.number() == Some(number)
            && let Some(current) = &mut self.current
        {
            current.duplicates += 1;
        } else if let Some(change) = self.changes.get_mut(number as usize) {
            change.duplicates += 1;
        }
    }

    /// A round ended.
    pub fn round(&mut self, round: Round) {
        self.rounds[round.trigger as usize] += 1;
        if round.added + round.removed == 0 {
            return;
        }
        self.rounds_with_change += 1;
        list(&mut self.events, round, &mut self.omitted);
    }

    /// A connection was lost.
    pub fn disconnected(&mut self, disconnect: Disconnect) {
        list(&mut self.disconnects, disconnect, &mut self.omitted);
    }

    /// Fewest moves that led to even shares after all changes, if they are even at the end.
    pub fn moves_least(&self) -> u64 {
        self.distance_added.max(0) as u64
    }

    /// No more facts will come.
    pub fn finish(&mut self, end: SimTime) {
        self.find_least_moves();
        self.close(end);
    }

    /// Looks at the owners as the current change met them; must come before the first of them changes.
    fn find_least_moves(&mut self) {
        if !std::mem::take(&mut self.least_pending) {
            return;
        }
        let distance = self.shares.distance();
        self.distance_added += i128::from(distance) - i128::from(self.distance_before);
        if let Some(change) = &mut self.current {
            change.moves_least = distance;
        }
    }

    /// The current change is over.
    fn close(&mut self, now: SimTime) {
        let Some(mut change) = self.current.take() else {
            return;
        };
        let unowned = self.unowned.integral(now) - self.unowned_before;
        change.unowned = SimDuration::from_nanos(u64::try_from(unowned).unwrap_or(u64::MAX));
        self.detected_max = self.detected_max.max(change.detected);
        self.stable_max = self.stable_max.max(Some(change.stable));
        list(&mut self.changes, change, &mut self.omitted);
    }

    /// Bytes of one that has seen so many changes and rounds that changed something.
    pub fn held_for(changes: u64, rounds: u64) -> u64 {
        memory::of_grown::<ChangeOutcome>(changes.min(LISTED as u64))
            + memory::of_grown::<Round>(rounds.min(LISTED as u64))
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of_vec(&self.changes) + memory::of_vec(&self.events) + memory::of_vec(&self.disconnects)
    }
}

fn list<T>(items: &mut Vec<T>, item: T, omitted: &mut u64) {
    if items.len() < LISTED {
        items.push(item);
    } else {
        *omitted += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::story::{millis, secs};

    const A: ConsumerId = ConsumerId(0);
    const B: ConsumerId = ConsumerId(1);
    const C: ConsumerId = ConsumerId(2);
    const TOPIC: TopicId = TopicId(0);

    /// Members A and B, started at once, with `a` and `b` queues from 1 s on.
    fn pair(a: u64, b: u64) -> Rebalances {
        let mut group = Rebalances::default();
        for _ in 0..a + b {
            group.entered(TOPIC, None, false);
        }
        group.changed(secs(0), Subject::Member(A), Change::Started);
        group.changed(secs(0), Subject::Member(B), Change::Started);
        for n in 0..a + b {
            let owner = if n < a { A } else { B };
            group.claimed(secs(1), TOPIC, owner);
            group.owners_changed(secs(1), owner);
        }
        group
    }

    fn moves(group: &mut Rebalances, now: SimTime, from: ConsumerId, to: ConsumerId) {
        group.passed(TOPIC, Some(from), to);
        group.owners_changed(now, to);
    }

    /// A third member at 10 s: of 4 + 4 two must move. A lets go at 11 s, the last move comes at 12.5 s; the kill at
    /// 60 s leads to nothing, though two queues have to move.
    #[test]
    fn what_happens_belongs_to_the_change_before() {
        let mut group = pair(4, 4);
        assert_eq!(group.all_owned_at, Some(secs(1)));
        group.changed(secs(10), Subject::Member(C), Change::Started);
        group.owners_changed(secs(11), A);
        moves(&mut group, millis(12_000), A, C);
        moves(&mut group, millis(12_500), B, C);
        group.changed(secs(60), Subject::Member(C), Change::Killed);
        group.finish(secs(90));
        let of: Vec<(u64, u64, u64, Option<f64>, f64)> = (group.changes.iter())
            .map(|c| {
                (
                    c.members,
                    c.moves,
                    c.moves_least,
                    c.detected.map(|d| d.as_secs_f64()),
                    c.stable.as_secs_f64(),
                )
            })
            .collect();
        let start = [(1, 0, 0, None, 0.0), (2, 0, 0, None, 1.0)];
        assert_eq!(of[..2], start, "nobody else was there to react");
        assert_eq!(of[2..], [(3, 2, 2, Some(1.0), 2.5), (2, 0, 2, None, 0.0)]);
        assert_eq!((group.moves, group.moves_least()), (2, 4));
        assert_eq!(group.stable_max, Some(SimDuration::from_millis(2_500)));
        assert_eq!(group.detected_max, Some(SimDuration::from_secs(1)));
    }

    /// 3 + 3 + 2 queues; C is killed, and B half a second later, before anybody took over: five must move, all to A.
    /// Each change is told what was to be done then, 2 and 5; the sum counts each queue once.
    #[test]
    fn a_queue_that_waits_for_its_move_counts_once() {
        let mut group = pair(4, 4);
        group.changed(secs(10), Subject::Member(C), Change::Started);
        moves(&mut group, secs(11), A, C);
        moves(&mut group, secs(11), B, C);
        group.changed(secs(20), Subject::Member(C), Change::Killed);
        group.changed(millis(20_500), Subject::Member(B), Change::Killed);
        (0..2).for_each(|_| moves(&mut group, secs(21), C, A));
        (0..3).for_each(|_| moves(&mut group, secs(21), B, A));
        group.finish(secs(30));
        let least: Vec<u64> = group.changes.iter().map(|change| change.moves_least).collect();
        assert_eq!(least, [0, 0, 2, 2, 5]);
        assert_eq!((group.moves, group.moves_least()), (7, 7));
    }

    /// A member joins and is killed before anything moved: nothing had to.
    #[test]
    fn what_comes_to_nothing_needs_no_move() {
        let mut group = pair(4, 4);
        group.changed(secs(10), Subject::Member(C), Change::Started);
        group.changed(secs(11), Subject::Member(C), Change::Killed);
        group.finish(secs(30));
        assert_eq!((group.changes[2].moves_least, group.moves_least()), (2, 0));
    }

    /// At one instant B goes and C comes: its four queues may all go to C, and the last change is told.
    #[test]
    fn changes_at_one_instant_are_one() {
        let mut group = pair(4, 4);
        group.changed(secs(10), Subject::Member(B), Change::Graceful);
        group.owners_changed(secs(10), B);
        group.changed(secs(10), Subject::Member(C), Change::Started);
        group.owners_changed(secs(11), C);
        moves(&mut group, secs(12), B, C);
        group.finish(secs(30));
        let [.., left, joined] = group.changes[..] else {
            panic!()
        };
        assert_eq!(
            (left.moves_least, joined.moves_least, group.moves_least()),
            (0, 4, 4)
        );
        assert_eq!(joined.detected, None, "B and C are the ones that changed");
    }

    /// A pause moves no member; what the others take over while it lasts is a move all the same.
    #[test]
    fn who_is_stopped_stays_a_member() {
        let mut group = pair(2, 2);
        group.changed(secs(10), Subject::Member(B), Change::Paused);
        moves(&mut group, secs(140), B, A);
        moves(&mut group, secs(140), B, A);
        group.changed(secs(200), Subject::Member(B), Change::Resumed);
        moves(&mut group, secs(202), A, B);
        moves(&mut group, secs(202), A, B);
        group.finish(secs(300));
        let [.., paused, resumed] = group.changes[..] else {
            panic!()
        };
        assert_eq!((paused.members, paused.moves, paused.moves_least), (2, 2, 0));
        assert_eq!(paused.detected, Some(SimDuration::from_secs(130)));
        assert_eq!((resumed.members, resumed.moves, resumed.moves_least), (2, 2, 2));
        assert_eq!(
            (group.moves, group.moves_least()),
            (4, 0),
            "no member came or went"
        );
    }

    /// Four more queues need owners and no move; B takes them all. Then the four of A leave: half of B's eight move.
    #[test]
    fn queues_come_and_go() {
        let broker = Subject::Queues(TOPIC, BrokerId(0));
        let mut group = pair(4, 4);
        group.changed(secs(10), broker, Change::QueuesChanged);
        (0..4).for_each(|_| group.entered(TOPIC, None, false));
        assert_eq!(group.all_owned_at, None);
        (0..4).for_each(|_| group.claimed(secs(40), TOPIC, B));
        group.owners_changed(secs(40), B);
        assert_eq!(group.all_owned_at, Some(secs(40)));
        group.changed(secs(50), broker, Change::QueuesChanged);
        (0..4).for_each(|_| group.left(secs(50), TOPIC, Some(A), true));
        group.finish(secs(60));
        let [.., grown, shrunk] = group.changes[..] else {
            panic!()
        };
        assert_eq!(
            (grown.moves_least, grown.detected),
            (0, Some(SimDuration::from_secs(30)))
        );
        assert_eq!(shrunk.moves_least, 4, "8 queues, all at B");
    }

    /// A gap from 11 to 14 s; the change at 13 s parts it.
    #[test]
    fn gaps_are_parted_between_changes() {
        let mut group = pair(2, 2);
        group.changed(secs(10), Subject::Member(C), Change::Started);
        group.unowned.change(secs(11), 1);
        group.changed(secs(13), Subject::Member(C), Change::Killed);
        group.unowned.change(secs(14), -1);
        group.finish(secs(20));
        let unowned: Vec<u64> = group
            .changes
            .iter()
            .map(|c| c.unowned.as_nanos() / 1_000_000_000)
            .collect();
        assert_eq!(unowned, [0, 0, 2, 1]);
    }

    /// Duplicates go to the change that moved their queue, also when it is long over.
    #[test]
    fn duplicates_find_their_change() {
        let mut group = pair(2, 2);
        let kill = group.number().map(|n| n + 1);
        group.changed(secs(10), Subject::Member(B), Change::Killed);
        assert_eq!(group.number(), kill);
        group.duplicate(2);
        group.changed(secs(20), Subject::Member(C), Change::Started);
        group.duplicate(2);
        group.duplicate(3);
        group.finish(secs(30));
        let duplicates: Vec<u64> = group.changes.iter().map(|change| change.duplicates).collect();
        assert_eq!((duplicates, group.duplicates), (vec![0, 0, 2, 1], 3));
    }
}
