//! Who is there: nothing happens in a client before its start, while it is stopped, or after its end (K2).

use super::Judge;
use crate::cluster::directory::Directory;
use crate::cluster::fact::Fact;
use crate::cluster::ids::{BrokerId, ConsumerId};
use crate::kernel::time::SimTime;
use crate::observe::invariant::{Invariant, broken, must};
use std::collections::{BTreeMap, BTreeSet};

/// Processes of clients.
#[derive(Debug, Default)]
pub struct Processes {
    /// Started and not gone, stopped ones included.
    pub alive: BTreeSet<ConsumerId>,
    /// When it went.
    gone: BTreeMap<ConsumerId, SimTime>,
    /// Stopped for a while.
    pub paused: BTreeSet<ConsumerId>,
    /// When it went on last.
    pub resumed: BTreeMap<ConsumerId, SimTime>,
    /// Whom a broker has given up, and who has not noticed yet.
    pub expired: BTreeSet<(BrokerId, ConsumerId)>,
    /// When one last came, went, stopped or went on.
    pub changed: SimTime,
    /// Whether one ever went silent.
    pub silent_seen: bool,
}

impl Processes {
    /// At work: alive and not stopped.
    pub fn at_work(&self) -> impl Iterator<Item = ConsumerId> {
        self.alive.difference(&self.paused).copied()
    }
}

impl Judge<'_> {
    /// Facts of a client come only while it is at work.
    pub(super) fn process_is_there(&self, now: SimTime, directory: &Directory, fact: &Fact) {
        let consumer = match fact {
            Fact::ConnectionLost { consumer, .. }
            | Fact::PullFailed { consumer, .. }
            | Fact::QueueAcquired { consumer, .. }
            | Fact::RebalanceBegan { consumer, .. }
            | Fact::RebalanceEnded { consumer, .. }
            | Fact::FlowControlled { consumer, .. }
            | Fact::Cached { consumer, .. }
            | Fact::Delivered { consumer, .. }
            | Fact::Filtered { consumer, .. }
            | Fact::Consumed { consumer, .. } => *consumer,
            // Its queues are let go in the same instant.
            Fact::QueueReleased { consumer, .. } if self.processes.gone.get(consumer) == Some(&now) => return,
            Fact::QueueReleased { consumer, .. } => *consumer,
            _ => return,
        };
        let what = |state: &str| {
            format!(
                "{}: {fact:?} of a client that is {state}",
                directory.consumer(consumer).name
            )
        };
        if !self.processes.alive.contains(&consumer) {
            broken(now, Invariant::K2, &what("not there"));
        }
        if !self.processes.paused.is_empty() && self.processes.paused.contains(&consumer) {
            broken(now, Invariant::K2, &what("stopped"));
        }
    }

    /// Clients start once, end once, and stop and go on in turn.
    pub(super) fn processes(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        let of = &mut self.processes;
        let (consumer, right) = match fact {
            Fact::ConsumerStarted { consumer } => {
                self.rounds.started(now, *consumer);
                (
                    consumer,
                    of.alive.insert(*consumer) && !of.gone.contains_key(consumer),
                )
            }
            Fact::ConsumerPaused { consumer } => (consumer, of.paused.insert(*consumer)),
            Fact::ConsumerResumed { consumer } => {
                of.resumed.insert(*consumer, now);
                (consumer, of.paused.remove(consumer))
            }
            Fact::ConsumerStopped { consumer, .. } => {
                of.paused.remove(consumer);
                (
                    consumer,
                    of.alive.remove(consumer) && of.gone.insert(*consumer, now).is_none(),
                )
            }
            _ => return,
        };
        of.changed = now;
        of.silent_seen |= !matches!(fact, Fact::ConsumerStarted { .. });
        must(now, Invariant::K2, right, || {
            format!("{}: {fact:?} out of turn", directory.consumer(*consumer).name)
        });
    }

    /// Since when a client, its links and all brokers have been as they should; `None` if they are not.
    pub(super) fn well_since(&self, consumer: ConsumerId) -> Option<SimTime> {
        let links = self.calm.client_since(consumer)?;
        let resumed = self
            .processes
            .resumed
            .get(&consumer)
            .copied()
            .unwrap_or(SimTime::ZERO);
        (!self.processes.paused.contains(&consumer)).then_some(links.max(resumed))
    }
}
