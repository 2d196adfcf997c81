//! Whether the end of a run leaves time for everything to come to rest: only then may the rules at rest be asked.
//!
//! *Settled* (R1, R3, C1, E1): the last entry of the timeline, start of a client and change that a fact told lie so far
//! back that routes, rounds and pulls have come round, and if a client may have gone silent, that brokers have given it
//! up; no broker is down, and nobody at work has a link in trouble. *Done* (D1): besides, producers are over, and the
//! group has neither a call under way nor done anything for as long as the longest wait between two signs of a pull loop.
//! Who knows that a run has such an end may say so ([`Judge::rested`]).

use super::Judge;
use crate::cluster::config::{Action, ClusterConfig, GuardRule, ListenerKind, TimelineEntry};
use crate::cluster::directory::Directory;
use crate::cluster::ids::{ConsumerId, GroupId};
use crate::kernel::time::{SimDuration, SimTime};

/// A lock lives for so long, and its queue rests meanwhile.
const LOCK: SimDuration = SimDuration::from_secs(60);

/// When the configuration says that something happens last.
pub fn last_entry(config: &ClusterConfig) -> SimTime {
    let of_entry = |entry: &TimelineEntry| match entry.action {
        Action::Busy { until, .. } => until,
        _ => entry.at,
    };
    let entries = config.timeline.iter().map(of_entry);
    let starts = config.groups.iter().flat_map(|group| &group.consumers);
    let starts = starts.filter_map(|consumer| consumer.start);
    entries.chain(starts).max().unwrap_or(SimTime::ZERO)
}

/// Whether a timeline makes anybody silent.
fn has_silence(config: &ClusterConfig) -> bool {
    let silences = |action: &Action| {
        matches!(
            action,
            Action::Vanish(_)
                | Action::Pause(_)
                | Action::Cut { .. }
                | Action::Slow { .. }
                | Action::StopBroker { .. }
        )
    };
    config.timeline.iter().any(|entry| silences(&entry.action))
}

impl Judge<'_> {
    /// Whether owners, connections and memory have settled.
    pub(super) fn is_settled(&self, end: SimTime) -> bool {
        if self.rested {
            return true;
        }
        let change = last_entry(self.config).max(self.processes.changed);
        let is_well = |consumer| self.excuses.client_calm_since(consumer).is_some();
        let is_well = self.processes.at_work().all(is_well);
        let rest = self.bounds.rest(has_silence(self.config));
        is_well && self.excuses.brokers_calm_since().is_some() && end.since(change) >= rest
    }

    /// Whether producers have been over for long enough that all sends are answered.
    pub(super) fn producers_are_over(&self, end: SimTime) -> bool {
        let over = |producer: usize| {
            let (settings, made) = (&self.config.producers[producer], &self.records.made[producer]);
            let last = match made.len() >= settings.max_messages {
                true => made.last,
                false => settings.stop.max(made.last),
            };
            // A send may go to three brokers in turn.
            let rest = self.bounds.rest(false).max(self.bounds.way * 6);
            last < end && end.since(last) >= rest
        };
        self.rested || (0..self.config.producers.len()).all(over)
    }

    /// Whether a member has no thread left, or no place at its guard, because calls hang: its queues stand still for ever.
    fn hangs(&self, directory: &Directory, group: GroupId) -> bool {
        let guard = self.config.groups[group.index()].guard.as_ref();
        let guard = match guard.map(|guard| guard.rule) {
            Some(GuardRule::Concurrency(calls)) => u64::from(calls),
            _ => u64::MAX,
        };
        let is_stuck = |(consumer, hung): (ConsumerId, u64)| {
            let info = directory.consumer(consumer);
            let threads = self.calls.threads(consumer, info.threads);
            info.group == group
                && self.processes.alive.contains(&consumer)
                && hung >= guard.min(u64::from(threads))
        };
        self.calls.hung().any(is_stuck)
    }

    /// Whether the group has come to a standstill, so that what is not done now never will be. A call that hangs is never
    /// over.
    pub(super) fn stands_still(&self, end: SimTime, directory: &Directory, group: GroupId) -> bool {
        let settings = &self.config.groups[group.index()];
        if self.hangs(directory, group) || self.is_orderly(group) && !self.bounds.locks_keep_up {
            return false;
        }
        let mut clients = self.excuses.clients_of(group);
        let works = clients.any(|consumer| self.calls.is_called(consumer));
        let orderly = match settings.listener {
            ListenerKind::Orderly(_) => LOCK + settings.tuning.suspend_current_queue_time_millis.duration(),
            ListenerKind::Concurrently => SimDuration::ZERO,
        };
        let idle = self.bounds.pull(group)
            + orderly
            + settings.tuning.persist_consumer_offset_interval.duration() * 2;
        self.rested || !works && end.since(self.active[group.index()]) >= idle
    }
}
