//! The life of a broker process: it ends, gracefully or not, and starts again.
//!
//! Its connections close at once. All that waits for an answer fails; who connects meanwhile is refused within a round
//! trip. The name server sees its own connection close and takes the broker out of all routes; clients learn of that
//! with their next look. What was acknowledged is not lost, since the machine goes on: records that were not yet indexed
//! are indexed at the start. Members, order locks, held pulls and pending resets are in memory only and gone. After a
//! crash committed offsets and the progress of the delay levels fall back to their last save (every 5 s and every 10 s,
//! first 10 s after the start); a graceful end saves both. Left out: loading and recovery take no time of their own (the
//! scenario says how long the broker is down); all timers keep their phases.
//!
//! Source: `BrokerController`, `ConfigManager.persist`, `ScheduleMessageService.start`, `RouteInfoManager`.

use crate::cluster::Cluster;
use crate::cluster::broker::consumer_manager::{Connection, ConsumerManager};
use crate::cluster::broker::rebalance_lock_manager::RebalanceLockManager;
use crate::cluster::core::{ConsumerReply, Envelope};
use crate::cluster::event::{EnvelopeSlot, Event};
use crate::cluster::fact::{CommitVia, Fact, Observer, PullFailure};
use crate::cluster::ids::{BrokerId, ConsumerId, TopicId};
use crate::cluster::network::{Direction, Endpoint, Server};
use crate::kernel::time::{SimDuration, SimTime};

/// Offsets are saved every 5 s (`flushConsumerOffsetInterval`).
pub const SAVE_OFFSETS: SimDuration = SimDuration::from_secs(5);
/// The progress of the delay levels is saved every 10 s (`flushDelayOffsetInterval`).
pub const SAVE_DELAY_PROGRESS: SimDuration = SimDuration::from_secs(10);
/// Both are saved first so long after the start.
const FIRST_SAVE: SimDuration = SimDuration::from_secs(10);
/// `FIRST_DELAY_TIME`: when the delay levels are first looked at after the start.
const FIRST_LOOK: SimDuration = crate::cluster::broker::schedule_message::FIRST_DELAY_TIME;

impl<O: Observer> Cluster<O> {
    /// Timeline: the process ends. Whoever is down stays as it is.
    pub(in crate::cluster) fn broker_stops(&mut self, broker: BrokerId, crash: bool) {
        if self.brokers[broker.index()].is_down {
            return;
        }
        self.brokers[broker.index()].is_down = true;
        self.brokers_down += 1;
        self.core.emit(Fact::BrokerStopped { broker, crash });
        for at in 0..self.brokers[broker.index()].queues.len() {
            let id = self.brokers[broker.index()].queues[at];
            let queue = &mut self.queues[id.index()];
            (queue.readable, queue.writable) = (false, false);
            let unheard = queue.reset_groups().map(|group| (group, id));
            self.unheard_resets.extend(unheard);
            queue.forget_resets(None);
        }
        let state = &mut self.brokers[broker.index()];
        state.commit_log.set_undispatched_aside();
        state.schedule.stop();
        state.locks = RebalanceLockManager::new();
        self.close_all_connections(broker);
        self.end_all_holds(broker);
        if crash {
            self.fall_back_to_last_save(broker);
        }
        self.tell_name_servers(Envelope::BrokerGone { broker });
    }

    /// All members are forgotten; the end of each connection travels to its client.
    fn close_all_connections(&mut self, broker: BrokerId) {
        let mut consumers = ConsumerManager::new(self.config.groups.len());
        for client in &self.consumers {
            let (consumer, epoch) = (client.id, client.last_epoch);
            consumers.close(Connection { consumer, epoch });
        }
        let state = &mut self.brokers[broker.index()];
        state.consumers = consumers;
        state.changed = self.core.scheduler.now();
        for at in 0..self.consumers.len() {
            let client = &self.consumers[at];
            let (consumer, epoch) = (ConsumerId(at as u32), client.connections.get(broker.index()));
            if let Some(epoch) = epoch.filter(|_| client.is_alive()) {
                let connection = Connection { consumer, epoch };
                self.core
                    .to_consumer(broker, connection, ConsumerReply::ConnectionClosed);
                let links = &mut self.core.network.links;
                links.trouble(consumer, Server::Broker(broker)).closed = true;
                self.core.network.links_changed();
            }
        }
    }

    /// Pulls that wait here fail.
    fn end_all_holds(&mut self, broker: BrokerId) {
        let mut held = std::mem::take(&mut self.woken);
        for queue in &self.brokers[broker.index()].queues {
            self.holds[queue.index()].end_all(&mut held);
        }
        self.brokers[broker.index()].held = 0;
        for pull in held.drain(..) {
            self.refuse_pull(pull.pull, PullFailure::Connection);
        }
        self.woken = held;
    }

    fn fall_back_to_last_save(&mut self, broker: BrokerId) {
        let saved = self.last_save(broker, SAVE_OFFSETS);
        for at in 0..self.brokers[broker.index()].queues.len() {
            let queue = self.brokers[broker.index()].queues[at];
            for (group, old, new) in self.offsets.fall_back(queue, saved) {
                self.core.emit(Fact::OffsetCommitted {
                    group,
                    queue,
                    old: Some(old),
                    new,
                    via: CommitVia::FellBack,
                });
            }
        }
        let saved = self.last_save(broker, SAVE_DELAY_PROGRESS);
        self.brokers[broker.index()].schedule.fall_back(saved);
    }

    /// When the broker saved last what it saves every `period`.
    pub(super) fn last_save(&self, broker: BrokerId, period: SimDuration) -> SimTime {
        let state = &self.brokers[broker.index()];
        last_save(self.core.scheduler.now(), state.started, state.saves_from, period)
    }

    /// Timeline: the process starts again. Whoever is up stays as it is.
    pub(in crate::cluster) fn broker_starts(&mut self, broker: BrokerId) {
        if !self.brokers[broker.index()].is_down {
            return;
        }
        let now = self.core.now();
        let state = &mut self.brokers[broker.index()];
        state.is_down = false;
        (state.started, state.saves_from) = (now, now + FIRST_SAVE);
        state.changed = now;
        state.commit_log.take_undispatched_back();
        self.brokers_down -= 1;
        self.core.emit(Fact::BrokerStarted { broker });
        for topic in self.topics_on(broker) {
            let numbers = self.topics.numbers(topic, broker);
            self.place_topic(topic, broker, numbers);
            self.register_topic(topic, broker);
        }
        self.dispatch(broker);
        for (level, look) in self.brokers[broker.index()].schedule.restart(now + FIRST_LOOK) {
            self.core
                .scheduler
                .at(look, Event::DeliverDelayed { broker, level });
        }
        self.plan_cleaning(broker);
    }

    /// Topics that have queues on the broker.
    fn topics_on(&self, broker: BrokerId) -> Vec<TopicId> {
        let all = (0..self.core.directory.topics.len() as u32).map(TopicId);
        all.filter(|topic| !self.topics.queues(*topic, broker).is_empty())
            .collect()
    }

    /// The name servers have seen the connection of a broker close: its queues are in no route any more.
    pub(in crate::cluster) fn broker_gone(&mut self, broker: BrokerId) {
        for topic in self.topics_on(broker) {
            if self.name_server.unregister(topic, broker) {
                self.plan_route_polls(topic);
            }
        }
    }

    /// Something that all name servers learn after the delay of the network.
    pub(super) fn tell_name_servers(&mut self, news: Envelope) {
        let slot = EnvelopeSlot(self.core.envelopes.insert(news));
        let delay = self.core.network.between_servers();
        self.core.scheduler.after(delay, Event::Deliver(slot));
    }

    /// Whether nobody listens at the other end.
    pub(in crate::cluster) fn is_down(&self, server: Server) -> bool {
        match server {
            Server::Broker(broker) => self.brokers[broker.index()].is_down,
            Server::NameServer(_) => false,
        }
    }

    /// When a client knows that a broker that is down has refused its connection.
    pub(in crate::cluster) fn refused_at(&mut self, consumer: ConsumerId, broker: BrokerId) -> SimTime {
        let (client, server) = (Endpoint::Consumer(consumer), Server::Broker(broker));
        let now = self.core.scheduler.now();
        let network = &mut self.core.network;
        let extra = network
            .links
            .find(consumer, server)
            .map(|link| network.links.get(link).extra);
        let there = network.arrival(now, client, server, Direction::Up);
        let back = network.arrival(there, client, server, Direction::Down);
        back + extra.unwrap_or(SimDuration::ZERO) * 2
    }
}

/// When the broker saved last what it saves every `period`: at or before `now`, on a grid from `first` on; before that,
/// its table was what it had loaded when it `started`.
pub(super) fn last_save(now: SimTime, started: SimTime, first: SimTime, period: SimDuration) -> SimTime {
    if now < first {
        return started;
    }
    let periods = now.since(first).as_nanos() / period.as_nanos();
    first + period * periods
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saves_lie_on_a_grid() {
        let at = |secs| SimTime::ZERO + SimDuration::from_secs(secs);
        let save = |now| last_save(at(now), at(3), at(13), SAVE_OFFSETS);
        assert_eq!([12, 13, 17, 18, 27].map(save), [3, 13, 13, 18, 23].map(at));
    }
}
