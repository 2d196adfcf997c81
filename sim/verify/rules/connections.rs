//! Connections break, pulls time out and members expire for a reason; heartbeats come (C1).

use super::Judge;
use super::bounds::SHORTEST_PATIENCE;
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, PullFailure};
use crate::cluster::ids::{BrokerId, ConsumerId};
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::invariant::Invariant;
use std::collections::{BTreeMap, BTreeSet};

/// The last heartbeat that a broker has taken of a client.
#[derive(Debug, Default)]
pub struct Heartbeats(BTreeMap<(ConsumerId, BrokerId), SimTime>);

impl Judge<'_> {
    /// To be told before the fact counts as an excuse itself.
    pub(super) fn connections(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        match fact {
            Fact::MemberExpired { broker, consumer } => {
                self.processes.expired.insert((*broker, *consumer));
                self.processes.changed = now;
                self.member_may_expire(now, directory, *consumer, *broker);
            }
            Fact::ConnectionLost { broker, consumer } => {
                let expired = self.processes.expired.remove(&(*broker, *consumer));
                // On a network that is slower than they are patient, threads that have begun to look at the clock go on.
                let impatient = !self.excuses.never() && self.bounds.way * 2 >= SHORTEST_PATIENCE;
                let for_a_reason = expired || impatient || self.excuses.is_felt(now, *consumer, *broker);
                self.asked.must(now, Invariant::C1, for_a_reason, || {
                    let (name, broker) = (&directory.consumer(*consumer).name, directory.broker(*broker));
                    format!("{name}: its healthy connection to {broker} breaks")
                });
            }
            Fact::PullFailed {
                consumer,
                queue,
                cause: PullFailure::Timeout,
            } => {
                let felt = self
                    .excuses
                    .is_felt(now, *consumer, directory.queue(*queue).broker);
                self.asked.must(now, Invariant::C1, felt, || {
                    let (name, queue) = (&directory.consumer(*consumer).name, directory.queue_label(*queue));
                    format!("{name}: a pull of {queue} times out on a healthy link")
                });
            }
            Fact::Heartbeat { broker, consumer } => {
                self.heartbeats.0.insert((*consumer, *broker), now);
            }
            _ => {}
        }
    }

    /// A client that is well has sent a heartbeat not long ago, unless it sends them too rarely.
    fn member_may_expire(&self, now: SimTime, directory: &Directory, consumer: ConsumerId, broker: BrokerId) {
        let beats = self.bounds.heartbeat(directory.consumer(consumer).group) + SimDuration::from_secs(5);
        let expiry = self.config.broker_tuning.channel_expired_timeout.duration();
        if expiry <= beats || !self.processes.alive.contains(&consumer) {
            return;
        }
        // Other brokers in trouble keep the thread that sends them.
        let from = now - beats.min(now.since(SimTime::ZERO));
        let felt = self.excuses.was_felt_anywhere(from, consumer);
        self.asked.must(now, Invariant::C1, felt, || {
            let name = &directory.consumer(consumer).name;
            format!(
                "{name}: it is healthy, and {} gives it up",
                directory.broker(broker)
            )
        });
    }

    /// At rest each client has sent a heartbeat not long ago to each broker that holds one of its topics.
    pub(super) fn heartbeats_have_come(&self, end: SimTime, directory: &Directory) {
        for consumer in self.processes.at_work() {
            let most = self.bounds.heartbeat(directory.consumer(consumer).group);
            let topics = self.subscription(directory, consumer);
            let placed = topics
                .iter()
                .flat_map(|topic| &self.config.topics[topic.index()].placement);
            let brokers: BTreeSet<BrokerId> = placed.map(|(broker, _)| *broker).collect();
            for broker in brokers
                .into_iter()
                .filter(|_| !self.excuses.is_leaving(end, consumer))
            {
                let last = self.heartbeats.0.get(&(consumer, broker));
                let in_time = last.is_some_and(|last| end.since(*last) <= most);
                self.asked.must(end, Invariant::C1, in_time, || {
                    let (name, broker) = (&directory.consumer(consumer).name, directory.broker(broker));
                    let when = last.map_or("none has come".to_owned(), |last| {
                        format!("the last came at {last}")
                    });
                    format!("{name}: no heartbeat to {broker} within {most}, {when}")
                });
            }
        }
    }
}
