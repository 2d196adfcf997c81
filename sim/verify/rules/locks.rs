//! Locks of orderly groups: a listener is called only under the lock of its queue (R2), and goes back only to what
//! failed (O1). That a lock has one client id at a time is looked at in every run (`observe::order`).

use super::{Judge, who};
use crate::cluster::broker::rebalance_lock_manager::REBALANCE_LOCK_MAX_LIVE_TIME;
use crate::cluster::directory::Directory;
use crate::cluster::fact::Fact;
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId};
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::invariant::{Invariant, broken};
use std::collections::{BTreeMap, BTreeSet};

/// A client that goes on may find the answer to a request for a lock in its socket, however old, and believes it for so
/// long, as RocketMQ does: a lock at the client counts from the answer.
const STALE_ANSWER: SimDuration = SimDuration::from_secs(31);

/// What is known of locks.
#[derive(Debug, Default)]
pub struct Locks {
    /// Who does not have the lock of a queue that it holds: it does not pull.
    without: BTreeSet<(ConsumerId, QueueId)>,
    /// Who had it last from the broker, and when it was renewed.
    of: BTreeMap<(GroupId, QueueId), (ConsumerId, SimTime)>,
}

impl Locks {
    /// Whether the client was refused the lock of a queue that it holds.
    pub fn is_without(&self, consumer: ConsumerId, queue: QueueId) -> bool {
        self.without.contains(&(consumer, queue))
    }
}

impl Judge<'_> {
    /// What tells an orderly client whether it may pull, and where it goes on.
    pub(super) fn locks(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        match *fact {
            Fact::LockRefused { consumer, queue } => {
                self.locks.without.insert((consumer, queue));
            }
            Fact::QueueLocked { consumer, queue } => {
                let group = directory.consumer(consumer).group;
                let before = self.locks.of.insert((group, queue), (consumer, now));
                if let Some((_, since)) = before.filter(|(who, _)| *who == consumer) {
                    self.is_renewed(now, directory, (consumer, queue), since);
                }
                let was_without = self.locks.without.remove(&(consumer, queue));
                if let Some(hold) = self.holds.get_mut(&(consumer, queue)).filter(|_| was_without) {
                    hold.last_sign = now;
                }
            }
            Fact::BrokerStopped { broker, .. } => {
                self.locks
                    .of
                    .retain(|(_, queue), _| directory.queue(*queue).broker != broker);
            }
            Fact::StartOffsetChanged {
                consumer,
                queue,
                start_offset: offset,
            }
            | Fact::QueueSuspended {
                consumer,
                queue,
                offset,
                ..
            } => {
                let what = |text: &str| {
                    let (name, label) = (&directory.consumer(consumer).name, directory.queue_label(queue));
                    format!("{name}, {label}: goes back to {offset}, {text}")
                };
                let Some(hold) = self.holds.get_mut(&(consumer, queue)) else {
                    broken(now, Invariant::P2, &what("and does not hold the queue"));
                };
                let suspended = matches!(fact, Fact::QueueSuspended { .. });
                let is_back = hold.next_delivery > offset || !suspended;
                self.asked.must(now, Invariant::O1, is_back, || {
                    what(&format!("and stands at {}", hold.next_delivery))
                });
                hold.go_back(offset, !suspended);
            }
            _ => {}
        }
    }

    /// At the end of a run, whoever has locks has renewed them.
    pub(super) fn locks_are_renewed(&self, end: SimTime, directory: &Directory) {
        for ((_, queue), (consumer, since)) in &self.locks.of {
            if self.processes.alive.contains(consumer) {
                self.is_renewed(end, directory, (*consumer, *queue), *since);
            }
        }
    }

    /// A client that is well, and so is the queue's broker, asks every 20 s for the lock, one broker after another; a thread
    /// that waits for answers, or for a queue to be given up, is late.
    fn is_renewed(
        &self,
        now: SimTime,
        directory: &Directory,
        (consumer, queue): (ConsumerId, QueueId),
        since: SimTime,
    ) {
        let Some(hold) = self.holds.get(&(consumer, queue)) else {
            return;
        };
        let broker = directory.queue(queue).broker;
        if self.locks.is_without(consumer, queue) || self.excuses.is_leaving(now, consumer) {
            return;
        }
        let Some(calm) = self.excuses.calm_since(consumer, broker) else {
            return;
        };
        let since = since.max(hold.since).max(self.excuses.after(calm));
        let others = directory.brokers.len() as u32;
        let is_slow = |other: &BrokerId| *other != broker && self.excuses.was_felt(since, consumer, *other);
        let troubled = (0..others).map(BrokerId).filter(is_slow).count() as u64;
        let most = self.bounds.renewal(directory.consumer(consumer).group, troubled);
        self.asked.must(now, Invariant::R5, now.since(since) <= most, || {
            let who = who(directory, consumer, queue);
            format!("{who} the lock was renewed at {since} only, expected within {most}")
        });
    }

    /// A listener is called under the lock of the queue, which its client was granted not long ago. A broker that ends
    /// forgets whose its locks are, and clients believe in them for as long as they live.
    pub(super) fn is_under_lock(
        &self,
        now: SimTime,
        directory: &Directory,
        consumer: ConsumerId,
        queue: QueueId,
    ) {
        let info = directory.consumer(consumer);
        let ended = self.excuses.ended(directory.queue(queue).broker);
        if ended.is_some_and(|ended| now.since(ended) <= REBALANCE_LOCK_MAX_LIVE_TIME) {
            return;
        }
        let lock = self.locks.of.get(&(info.group, queue));
        let holds_it = lock.is_some_and(|(holder, since)| {
            let is_same = directory.consumer(*holder).client_id == info.client_id;
            is_same && now.since(*since) <= REBALANCE_LOCK_MAX_LIVE_TIME
        });
        let resumed = self.excuses.resumed(consumer);
        let believes = resumed.is_some_and(|resumed| now.since(resumed) <= STALE_ANSWER);
        self.asked.must(now, Invariant::R2, holds_it || believes, || {
            let lock = lock.map_or("nobody's".to_owned(), |(holder, since)| {
                format!("that of {} since {since}", directory.consumer(*holder).name)
            });
            format!(
                "{} the listener is called, but the lock is {lock}",
                who(directory, consumer, queue)
            )
        });
    }
}
