//! Connections break, pulls time out and members expire for a reason; heartbeats come (C1).

use super::Judge;
use super::bounds::Bounds;
use super::calm::AFTERMATH;
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, PullFailure, RequestKind};
use crate::cluster::ids::{BrokerId, ConsumerId};
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::invariant::{Invariant, must};
use std::collections::{BTreeMap, BTreeSet};

/// What a client gives a broker to answer a request for locks.
const SHORTEST_PATIENCE: SimDuration = SimDuration::from_secs(1);

/// So many heartbeats of each client are counted at the end.
const BEATS: u64 = 3;

impl Judge<'_> {
    pub(super) fn connections(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        match fact {
            Fact::MemberExpired { broker, consumer } => {
                self.processes.expired.insert((*broker, *consumer));
                self.processes.silent_seen = true;
                self.processes.changed = now;
                self.member_may_expire(now, directory, *consumer);
            }
            Fact::ConnectionLost { broker, consumer } => {
                let expired = self.processes.expired.remove(&(*broker, *consumer));
                // On a network that is slower than they are patient, threads that have begun to look at the clock go on.
                let impatient = self.calm.links_seen && self.bounds.way * 2 >= SHORTEST_PATIENCE;
                // Who was stopped finds out when it goes on.
                let resumed = self.processes.resumed.get(consumer);
                let late = resumed.is_some_and(|at| now.since(*at) <= AFTERMATH);
                let for_a_reason = expired || impatient || late || self.calm.is_felt(now, *consumer, *broker);
                must(now, Invariant::C1, for_a_reason, || {
                    let (name, broker) = (&directory.consumer(*consumer).name, directory.broker(*broker));
                    format!("{name}: its healthy connection to {broker} breaks")
                });
            }
            Fact::PullFailed {
                consumer,
                queue,
                cause: PullFailure::Timeout,
            } => {
                let felt = self.calm.is_felt(now, *consumer, directory.queue(*queue).broker);
                let for_a_reason = felt || self.processes.resumed.contains_key(consumer);
                must(now, Invariant::C1, for_a_reason, || {
                    let (name, queue) = (&directory.consumer(*consumer).name, directory.queue_label(*queue));
                    format!("{name}: a pull of {queue} times out on a healthy link")
                });
            }
            Fact::Request {
                broker,
                kind: RequestKind::Heartbeat,
                ..
            } if self.end().since(now) <= self.heartbeat_window() => {
                *self.heartbeats.entry(*broker).or_default() += 1;
            }
            _ => {}
        }
    }

    /// A client that is well has sent a heartbeat not long ago, unless it sends them too rarely.
    fn member_may_expire(&self, now: SimTime, directory: &Directory, consumer: ConsumerId) {
        let tuning = &self.group_of(directory, consumer).tuning;
        let beats =
            tuning.heartbeat_broker_interval.duration() + self.bounds.way * 2 + SimDuration::from_secs(10);
        let expiry = self.config.broker_tuning.channel_expired_timeout.duration();
        let well = self
            .well_since(consumer)
            .filter(|_| self.processes.alive.contains(&consumer));
        let silent = well.is_none_or(|since| now.since(since) < beats) || expiry <= beats;
        must(now, Invariant::C1, silent, || {
            format!(
                "{}: it is healthy, and expires",
                directory.consumer(consumer).name
            )
        });
    }

    fn heartbeat_interval(&self) -> SimDuration {
        let groups = self.config.groups.iter();
        let intervals = groups.map(|group| group.tuning.heartbeat_broker_interval.duration());
        intervals.max().unwrap_or_default()
    }

    /// The last part of a run, in which the heartbeats of every client are counted.
    fn heartbeat_window(&self) -> SimDuration {
        self.heartbeat_interval() * BEATS + Bounds::HEARTBEAT_SLACK
    }

    /// At rest each client has sent three heartbeats to each broker that holds one of its topics.
    pub(super) fn heartbeats_have_come(&self, end: SimTime, directory: &Directory) {
        let is_even = self
            .config
            .groups
            .iter()
            .all(|group| group.tuning.heartbeat_broker_interval.duration() == self.heartbeat_interval());
        if !is_even {
            return;
        }
        let mut expected = BTreeMap::<BrokerId, u64>::new();
        for consumer in self.processes.at_work() {
            let topics = self.subscription(directory, consumer);
            let placed = topics
                .iter()
                .flat_map(|topic| &self.config.topics[topic.index()].placement);
            let brokers: BTreeSet<BrokerId> = placed.map(|(broker, _)| *broker).collect();
            for broker in brokers {
                *expected.entry(broker).or_default() += BEATS;
            }
        }
        for (broker, least) in expected {
            let came = self.heartbeats.get(&broker).copied().unwrap_or(0);
            must(end, Invariant::C1, came >= least, || {
                let window = self.heartbeat_window();
                format!(
                    "{}: {came} heartbeats in the last {window}, not {least}",
                    directory.broker(broker)
                )
            });
        }
    }
}
