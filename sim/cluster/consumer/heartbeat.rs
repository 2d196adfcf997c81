//! Heartbeats: to all known brokers, one after another, one round of them at a time.
//!
//! A heartbeat carries the client's subscriptions with their versions. Rounds come at the start, every 30 s, at
//! once after each change of the assignment or of a subscription, and for a single broker over a new connection; whoever wants one while
//! another runs goes without. Each broker has 3 s to answer, and the thread that sends waits: a broker that cannot be
//! reached delays whatever that thread does next. Left out: heartbeats with a fingerprint in place of the
//! subscriptions (V2, off by default).
//!
//! Source: `MQClientInstance.sendHeartbeatToAllBrokerWithLock`.

use crate::cluster::Cluster;
use crate::cluster::consumer::client::StartStep;
use crate::cluster::consumer::known_routes::KnownRoutes;
use crate::cluster::core::BrokerRequest;
use crate::cluster::event::CallKind;
use crate::cluster::fact::{Observer, RebalanceTrigger};
use crate::cluster::ids::{BrokerId, ConsumerId};
use std::rc::Rc;

/// Which thread sends heartbeats and waits for their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeartbeatFor {
    /// The one that starts the client.
    Start,
    /// The timer.
    Timer,
    /// The rebalance, whose round has changed something.
    Round,
    /// The one that sees to connections.
    Connect,
    /// One of the application's, which has subscribed anew.
    Subscribe,
}

/// The round under way.
#[derive(Debug, Default)]
pub struct Heartbeats {
    running: Option<HeartbeatFor>,
    /// Whom it goes to.
    to: Recipients,
    /// How many have been visited.
    visited: u32,
    /// Whether a broker has answered.
    answered: bool,
}

/// Whom a round of heartbeats goes to.
#[derive(Debug)]
enum Recipients {
    One(BrokerId),
    /// All brokers that were known when it began.
    Known(Rc<KnownRoutes>),
}

impl Default for Recipients {
    fn default() -> Self {
        Self::Known(Rc::default())
    }
}

impl Heartbeats {
    /// The next broker, if any is left.
    fn next(&mut self) -> Option<BrokerId> {
        let brokers = match &self.to {
            Recipients::One(broker) => std::slice::from_ref(broker),
            Recipients::Known(routes) => routes.brokers(),
        };
        let next = brokers.get(self.visited as usize).copied()?;
        self.visited += 1;
        Some(next)
    }
}

impl<O: Observer> Cluster<O> {
    /// Heartbeats to all known brokers; skipped while another round of them runs.
    pub(super) fn heartbeat_all(&mut self, consumer: ConsumerId, wanted_by: HeartbeatFor) {
        let client = &mut self.consumers[consumer.index()];
        if client.heartbeats.running.is_some() {
            return self.heartbeats_done(consumer, wanted_by, false);
        }
        let known = Recipients::Known(Rc::clone(&client.routes));
        self.heartbeat_to(consumer, wanted_by, known);
    }

    /// A heartbeat over a connection that was just made for something else.
    pub(super) fn heartbeat_on_connect(&mut self, consumer: ConsumerId, broker: BrokerId) {
        let client = &self.consumers[consumer.index()];
        if client.is_at_work() && client.heartbeats.running.is_none() {
            self.heartbeat_to(consumer, HeartbeatFor::Connect, Recipients::One(broker));
        }
    }

    /// A round of heartbeats begins.
    fn heartbeat_to(&mut self, consumer: ConsumerId, wanted_by: HeartbeatFor, to: Recipients) {
        self.consumers[consumer.index()].heartbeats = Heartbeats {
            running: Some(wanted_by),
            to,
            visited: 0,
            answered: false,
        };
        self.next_heartbeat(consumer, false);
    }

    /// The last broker has answered, or not; on to the next.
    pub(super) fn next_heartbeat(&mut self, consumer: ConsumerId, answered: bool) {
        if !self.is_at_work(consumer) {
            return;
        }
        let client = &mut self.consumers[consumer.index()];
        client.heartbeats.answered |= answered;
        if let Some(broker) = client.heartbeats.next() {
            let request = BrokerRequest::Heartbeat(client.subscriptions.clone());
            return self.call(consumer, CallKind::Heartbeat, broker, request);
        }
        let answered = client.heartbeats.answered;
        if let Some(wanted_by) = client.heartbeats.running.take() {
            self.heartbeats_done(consumer, wanted_by, answered);
        }
    }

    /// The thread that wanted heartbeats goes on.
    fn heartbeats_done(&mut self, consumer: ConsumerId, wanted_by: HeartbeatFor, answered: bool) {
        match wanted_by {
            HeartbeatFor::Start => {
                let client = &mut self.consumers[consumer.index()];
                client.start_step = StartStep::Done;
                // Known is enough, whether or not any has answered.
                if !client.routes.brokers().is_empty() {
                    self.wake_rebalance(consumer, RebalanceTrigger::Start);
                }
            }
            HeartbeatFor::Timer => self.timer_goes_on(consumer),
            HeartbeatFor::Round => self.round_heartbeats_done(consumer),
            HeartbeatFor::Connect if answered => self.wake_rebalance(consumer, RebalanceTrigger::Reconnect),
            HeartbeatFor::Connect | HeartbeatFor::Subscribe => {}
        }
    }
}
