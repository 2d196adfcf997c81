//! Whom the news that a group has changed brings nothing new.
//!
//! A change is told to every member by every broker. A client whose rebalance thread will wake as early as it may, or
//! knows already that it is to run again, does nothing about it. When thousands start at once, each newcomer is told to
//! all who came before, by each broker: of a list of members of whom all were told, only the newcomers are looked at.

use crate::cluster::broker::consumer_manager::{Members, MembersMark};
use crate::cluster::ids::{ConsumerId, GroupId};
use crate::kernel::time::SimTime;

/// Until when the news brings nothing new, by client.
#[derive(Debug)]
pub struct Roused {
    until: Vec<SimTime>,
    /// How often it has become earlier for anybody, by group.
    lowered: Vec<u64>,
}

impl Roused {
    /// So many clients of so many groups, to all of whom it does.
    pub fn none(clients: usize, groups: usize) -> Self {
        Self {
            until: vec![SimTime::ZERO; clients],
            lowered: vec![0; groups],
        }
    }

    /// Until when it brings nothing new to this one.
    #[inline]
    pub fn until(&self, consumer: ConsumerId) -> SimTime {
        self.until[consumer.index()]
    }

    /// It brings nothing new to this one of the group until then.
    #[inline]
    pub fn set(&mut self, group: GroupId, consumer: ConsumerId, until: SimTime) {
        let old = std::mem::replace(&mut self.until[consumer.index()], until);
        self.lowered[group.index()] += u64::from(until < old);
    }

    fn lowered(&self, group: GroupId) -> u64 {
        self.lowered[group.index()]
    }
}

/// To whom a broker has told a change of a group last.
#[derive(Debug, Default)]
pub struct Told {
    members: MembersMark,
    /// Until when news is nothing new to any of them.
    until: SimTime,
    lowered: u64,
}

impl Told {
    /// The members of `group` have been told, to whom the next news is nothing new before `until`.
    pub fn new(group: GroupId, members: &Members, until: SimTime, roused: &Roused) -> Self {
        Self {
            members: members.mark(),
            until,
            lowered: roused.lowered(group),
        }
    }

    /// How many of `members` of the same group, at the front, have nothing new to hear `now`, and until when.
    pub fn known(
        &self,
        group: GroupId,
        members: &Members,
        now: SimTime,
        roused: &Roused,
    ) -> (usize, SimTime) {
        match members.since(&self.members) {
            Some(count) if now < self.until && self.lowered == roused.lowered(group) => (count, self.until),
            _ => (0, SimTime::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::broker::consumer_manager::{Connection, ConsumerManager};
    use std::rc::Rc;

    /// Three are told. A fourth comes: it alone is looked at, until one of the three has woken, has left, or the time is
    /// up. Who wakes in another group makes no difference.
    #[test]
    fn those_who_were_told_are_passed_over() {
        let (group, at) = (GroupId(0), SimTime::from_nanos);
        let connection = |consumer| Connection {
            consumer: ConsumerId(consumer),
            epoch: 1,
        };
        let mut table = ConsumerManager::new(1);
        let join = |table: &mut ConsumerManager, consumer| {
            table.heartbeat(at(0), group, connection(consumer), consumer, &Rc::default());
            table.members(group)
        };
        let mut roused = Roused::none(6, 2);
        let mut three = join(&mut table, 0);
        for consumer in [1, 2] {
            three = join(&mut table, consumer);
        }
        for consumer in 0..3 {
            roused.set(group, ConsumerId(consumer), at(9));
        }
        let told = Told::new(group, &three, at(9), &roused);
        let four = join(&mut table, 3);
        for until in [7, 5] {
            roused.set(GroupId(1), ConsumerId(5), at(until));
        }
        assert_eq!(told.known(group, &four, at(8), &roused), (3, at(9)));
        assert_eq!(told.known(group, &four, at(9), &roused).0, 0);
        let mut woken = Roused::none(0, 1);
        woken.lowered[0] = roused.lowered(group) + 1;
        assert_eq!(told.known(group, &four, at(8), &woken).0, 0);
        drop((three, four));
        table.unregister(group, connection(0));
        let again = join(&mut table, 4);
        assert_eq!(told.known(group, &again, at(8), &roused).0, 0);
    }

    /// Later is no news for those who were told; earlier is.
    #[test]
    fn only_who_may_wake_earlier_counts() {
        let mut roused = Roused::none(1, 1);
        for (nanos, lowered) in [(5, 0), (7, 0), (7, 0), (6, 1), (0, 2)] {
            roused.set(GroupId(0), ConsumerId(0), SimTime::from_nanos(nanos));
            assert_eq!(roused.lowered(GroupId(0)), lowered);
        }
    }
}
