//! The rebalance thread of a client: when a round runs.
//!
//! A round runs when 20 s have passed since the last one, or earlier when something wakes the thread: the own
//! start, a broker's notification. From 5.2 on rounds lie at least 1 s apart, so notifications that come close
//! together merge, and a new client's first round comes no earlier than 1 s after its instance was created.
//! A round that did not reach its aim is repeated after that second. In 4.9 every wake-up runs at once.
//!
//! Source: `RebalanceService.run`.

use crate::cluster::Cluster;
use crate::cluster::consumer::client::ClientState;
use crate::cluster::consumer::rebalance_impl::Round;
use crate::cluster::consumer::settled::Settled;
use crate::cluster::event::Event;
use crate::cluster::fact::{Fact, Observer, RebalanceTrigger};
use crate::cluster::ids::ConsumerId;
use crate::kernel::memory;
use crate::kernel::scheduler::Ticket;
use crate::kernel::time::{SimDuration, SimTime};

/// See the module.
#[derive(Debug, Default)]
pub struct RebalanceService {
    /// End of the last round; at first the creation of the client instance.
    last: SimTime,
    /// When the thread will wake, and why.
    sleep: Option<Sleep>,
    /// A wake-up that came while a round was running.
    woken_meanwhile: Option<RebalanceTrigger>,
    /// The round under way.
    pub(super) round: Option<Round>,
    /// How the last rounds found its topics, by position.
    pub(super) settled: Vec<Settled>,
}

impl RebalanceService {
    /// Bytes that it holds.
    pub(super) fn held(&self) -> u64 {
        memory::of_vec(&self.settled) + self.round.as_ref().map_or(0, Round::held)
    }
}

#[derive(Debug)]
struct Sleep {
    until: SimTime,
    ticket: Ticket,
    trigger: RebalanceTrigger,
}

impl<O: Observer> Cluster<O> {
    /// The thread starts with the client instance.
    pub(in crate::cluster) fn start_rebalance_service(&mut self, consumer: ConsumerId) {
        let now = self.core.now();
        let client = &mut self.consumers[consumer.index()];
        client.rebalance.last = now;
        let wait = self.config.groups[client.group.index()]
            .tuning
            .rebalance_wait_interval
            .duration();
        self.sleep(consumer, wait, RebalanceTrigger::Period);
    }

    /// Something happened that a round should look at.
    pub(in crate::cluster) fn wake_rebalance(&mut self, consumer: ConsumerId, trigger: RebalanceTrigger) {
        let now = self.core.now();
        let client = &mut self.consumers[consumer.index()];
        if !client.is_at_work() {
            return;
        }
        let (group, service) = (client.group, &mut client.rebalance);
        if service.round.is_some() {
            service.woken_meanwhile = Some(trigger);
            if trigger == RebalanceTrigger::Notification {
                self.roused.set(group, consumer, SimTime::MAX);
            }
            return;
        }
        let due = (service.last + self.profile.rebalance_min_interval).max(now);
        if let Some(sleep) = service.sleep.take_if(|sleep| sleep.until > due) {
            self.core.scheduler.cancel(sleep.ticket);
            self.sleep(consumer, due.since(now), trigger);
        }
        let sleep = &self.consumers[consumer.index()].rebalance.sleep;
        let until = sleep.as_ref().map_or(SimTime::ZERO, |sleep| sleep.until);
        self.roused.set(group, consumer, until);
    }

    fn sleep(&mut self, consumer: ConsumerId, time: SimDuration, trigger: RebalanceTrigger) {
        let until = self.core.now() + time;
        let ticket = self.core.scheduler.at(until, Event::RebalanceWake(consumer));
        self.consumers[consumer.index()].rebalance.sleep = Some(Sleep {
            until,
            ticket,
            trigger,
        });
    }

    /// The thread wakes: a round begins.
    pub(in crate::cluster) fn rebalance_wake(&mut self, consumer: ConsumerId) {
        let client = &mut self.consumers[consumer.index()];
        self.roused.set(client.group, consumer, SimTime::ZERO);
        let Some(sleep) = client.rebalance.sleep.take() else {
            return;
        };
        match client.state {
            ClientState::Running | ClientState::Draining | ClientState::Unlocking => {
                client.rebalance.round = Some(Round::default());
                self.core.emit(Fact::RebalanceBegan {
                    consumer,
                    trigger: sleep.trigger,
                });
                self.round_next_topic(consumer);
            }
            // Loading: nothing to balance yet, the thread goes back to sleep.
            ClientState::Starting => self.start_rebalance_service(consumer),
            ClientState::Absent | ClientState::Stopping | ClientState::Gone => {}
        }
    }

    /// A round is over: the thread sleeps until the next.
    pub(in crate::cluster) fn round_ended(&mut self, consumer: ConsumerId, round: &Round) {
        let (added, removed, balanced) = (round.added, round.removed, round.balanced);
        self.core.emit(Fact::RebalanceEnded {
            consumer,
            added,
            removed,
            balanced,
        });
        let now = self.core.now();
        let client = &mut self.consumers[consumer.index()];
        self.roused.set(client.group, consumer, SimTime::ZERO);
        client.rebalance.last = now;
        let min = self.profile.rebalance_min_interval;
        if let Some(trigger) = client.rebalance.woken_meanwhile.take() {
            return self.sleep(consumer, min, trigger);
        }
        let wait = self.config.groups[client.group.index()]
            .tuning
            .rebalance_wait_interval
            .duration();
        if balanced || !self.profile.retries_unbalanced_round {
            self.sleep(consumer, wait, RebalanceTrigger::Period);
        } else {
            self.sleep(consumer, min, RebalanceTrigger::Unbalanced);
        }
    }
}
