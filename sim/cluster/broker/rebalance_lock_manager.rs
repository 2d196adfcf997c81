//! Queue locks of orderly groups: who may consume a queue alone, and until when.
//!
//! A lock lives 60 s from its last grant; its owner renews it by asking again. Nothing but an unlock or the 60 s
//! ends it: a closed connection does not. Locks live in memory: a broker that restarts has forgotten them, and
//! the first to ask gets them.
//!
//! Source: `RebalanceLockManager`.

use crate::kernel::memory;
use crate::kernel::time::{SimDuration, SimTime};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// `REBALANCE_LOCK_MAX_LIVE_TIME`: how long a lock holds that is not renewed.
pub const REBALANCE_LOCK_MAX_LIVE_TIME: SimDuration = SimDuration::from_secs(60);

/// The locks of one broker: `G` names a group, `Q` a queue, `C` a client by its `clientId`.
#[derive(Clone, Debug)]
pub struct RebalanceLockManager<G, Q, C> {
    locks: BTreeMap<G, BTreeMap<Q, LockEntry<C>>>,
}

#[derive(Clone, Debug)]
struct LockEntry<C> {
    owner: C,
    granted: SimTime,
}

impl<C> LockEntry<C> {
    fn is_expired(&self, now: SimTime) -> bool {
        now.since(self.granted) > REBALANCE_LOCK_MAX_LIVE_TIME
    }
}

impl<G: Ord, Q: Ord, C: PartialEq> RebalanceLockManager<G, Q, C> {
    /// No locks.
    pub const fn new() -> Self {
        Self {
            locks: BTreeMap::new(),
        }
    }

    /// `tryLock`: grants or renews the lock of `queue`, unless another client holds it. `tryLockBatch` is the same
    /// for one queue after another.
    pub fn try_lock(&mut self, now: SimTime, group: G, queue: Q, client: C) -> bool {
        let granted = LockEntry {
            owner: client,
            granted: now,
        };
        match self.locks.entry(group).or_default().entry(queue) {
            Entry::Vacant(free) => {
                free.insert(granted);
                true
            }
            Entry::Occupied(held) if held.get().owner != granted.owner && !held.get().is_expired(now) => {
                false
            }
            Entry::Occupied(mut held) => {
                held.insert(granted);
                true
            }
        }
    }

    /// `unlockBatch` for one queue: frees it if `client` holds it, expired or not.
    pub fn unlock(&mut self, group: &G, queue: &Q, client: &C) {
        if let Some(locks) = self.locks.get_mut(group)
            && locks.get(queue).is_some_and(|held| held.owner == *client)
        {
            locks.remove(queue);
        }
    }

    /// `isLockAllExpired`: whether no queue of the group is locked.
    pub fn is_lock_all_expired(&self, now: SimTime, group: &G) -> bool {
        let mut held = self.locks.get(group).into_iter().flat_map(BTreeMap::values);
        held.all(|lock| lock.is_expired(now))
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        self.locks.values().map(memory::of_map).sum()
    }
}

impl<G: Ord, Q: Ord, C: PartialEq> Default for RebalanceLockManager<G, Q, C> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    /// At exactly 60 s the lock still holds; a renewal begins another 60 s.
    #[test]
    fn lock_holds_sixty_seconds_from_its_last_grant() {
        let mut locks = RebalanceLockManager::new();
        assert!(locks.try_lock(at(0), "billing", 0, "a"));
        assert!(locks.try_lock(at(20), "billing", 0, "a"));
        assert!(!locks.try_lock(at(80), "billing", 0, "b"));
        assert!(!locks.is_lock_all_expired(at(80), &"billing"));
        assert!(locks.is_lock_all_expired(at(81), &"billing"));
        assert!(locks.try_lock(at(81), "billing", 0, "b"));
    }

    #[test]
    fn only_the_owner_unlocks_and_groups_do_not_meet() {
        let mut locks = RebalanceLockManager::new();
        assert!(locks.try_lock(at(0), "billing", 0, "a"));
        assert!(locks.try_lock(at(0), "audit", 0, "b"));
        locks.unlock(&"billing", &0, &"b");
        assert!(!locks.try_lock(at(1), "billing", 0, "b"));
        locks.unlock(&"billing", &0, &"a");
        assert!(locks.try_lock(at(1), "billing", 0, "b"));
    }

    /// A thousand locks of 24 bytes each, with the room that trees leave free.
    #[test]
    fn the_room_of_all_groups_counts() {
        let mut locks = RebalanceLockManager::new();
        assert_eq!(locks.held(), 0);
        for number in 0..1000_u32 {
            locks.try_lock(at(0), number % 10, number, 7_u32);
        }
        assert!((24_000..72_000).contains(&locks.held()), "{}", locks.held());
    }
}
