//! Rebalance rounds of one client (R4): one at a time, no closer than 1 s from 5.2 on, no further apart than the wait
//! interval, and none without an end while every broker can be reached.

use super::Judge;
use crate::cluster::directory::Directory;
use crate::cluster::fact::Fact;
use crate::cluster::ids::ConsumerId;
use crate::cluster::profile::Profile;
use crate::kernel::time::SimTime;
use crate::observe::invariant::Invariant;
use std::collections::BTreeMap;

/// The rebalance thread of a client.
#[derive(Clone, Copy, Debug)]
enum Thread {
    /// Since the client started, or its last round ended.
    Sleeps(SimTime),
    Works(SimTime),
}

/// The rebalance threads.
#[derive(Debug, Default)]
pub struct Rounds(BTreeMap<ConsumerId, Thread>);

impl Rounds {
    /// A client starts: its thread has not run yet.
    pub fn started(&mut self, now: SimTime, consumer: ConsumerId) {
        self.0.insert(consumer, Thread::Sleeps(now));
    }

    /// Whether a round is under way.
    pub fn is_at_work(&self, consumer: ConsumerId) -> bool {
        matches!(self.0.get(&consumer), Some(Thread::Works(_)))
    }
}

impl Judge<'_> {
    pub(super) fn rounds(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        let (consumer, begins) = match fact {
            Fact::RebalanceBegan { consumer, .. } => (*consumer, true),
            Fact::RebalanceEnded { consumer, .. } => (*consumer, false),
            _ => return,
        };
        let name = || &directory.consumer(consumer).name;
        let is_turn = self.rounds.is_at_work(consumer) != begins;
        self.asked.must(now, Invariant::R4, is_turn, || {
            format!("{}: two rounds at once, or the end of none", name())
        });
        self.thread_is_not_stuck(now, directory, consumer);
        if let Some(Thread::Sleeps(since)) = self.rounds.0.get(&consumer) {
            let least = Profile::of(self.config.version).rebalance_min_interval;
            self.asked
                .must(now, Invariant::R4, now.since(*since) >= least, || {
                    format!(
                        "{}: a round {} after the last, not {least}",
                        name(),
                        now.since(*since)
                    )
                });
        }
        let thread = match begins {
            true => Thread::Works(now),
            false => Thread::Sleeps(now),
        };
        self.rounds.0.insert(consumer, thread);
    }

    /// A round comes within the wait interval after the last one, and ends.
    pub(super) fn thread_is_not_stuck(&self, now: SimTime, directory: &Directory, consumer: ConsumerId) {
        if self.processes.paused.contains(&consumer) || self.excuses.is_leaving(now, consumer) {
            return;
        }
        let group = directory.consumer(consumer).group;
        let name = || &directory.consumer(consumer).name;
        let tuning = &self.config.groups[group.index()].tuning;
        match self.rounds.0.get(&consumer) {
            Some(Thread::Sleeps(since)) => {
                let resumed = self.excuses.resumed(consumer);
                let since = (*since).max(resumed.unwrap_or_default());
                let most = tuning.startup_time.duration()
                    + tuning.rebalance_wait_interval.duration()
                    + self.bounds.way * 6;
                self.asked.must(now, Invariant::R4, now.since(since) <= most, || {
                    format!("{}: no round since {since}, expected within {most}", name())
                });
            }
            Some(Thread::Works(since)) => {
                let Some(well) = self.excuses.client_calm_since(consumer) else {
                    return;
                };
                let (since, most) = ((*since).max(well), self.bounds.round(group));
                self.asked.must(now, Invariant::R4, now.since(since) <= most, || {
                    format!(
                        "{}: a round has not ended since {since}, expected within {most}",
                        name()
                    )
                });
            }
            None => {}
        }
    }
}
