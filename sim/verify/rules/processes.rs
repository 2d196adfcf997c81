//! Who is there: nothing happens in a client before its start, while it is stopped, or after its end (K2).

use super::Judge;
use crate::cluster::directory::Directory;
use crate::cluster::fact::{DropCause, Fact};
use crate::cluster::ids::{BrokerId, ConsumerId};
use crate::kernel::time::SimTime;
use crate::observe::invariant::{Invariant, broken};
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
    /// Whom a broker has given up, and who has not noticed yet.
    pub expired: BTreeSet<(BrokerId, ConsumerId)>,
    /// When one last came, went, stopped or went on.
    pub changed: SimTime,
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
        let Some(consumer) = happens_in(fact) else {
            return;
        };
        // Its queues are let go in the same instant.
        let is_end = matches!(fact, Fact::QueueReleased { .. });
        if is_end && self.processes.gone.get(&consumer) == Some(&now) {
            return;
        }
        let what = |state: &str| {
            let name = &directory.consumer(consumer).name;
            format!("{name}: {} in a client that is {state}", named(fact))
        };
        let alive = self.processes.alive.contains(&consumer);
        self.asked.must(now, Invariant::K2, alive, || what("not there"));
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
            Fact::ConsumerResumed { consumer } => (consumer, of.paused.remove(consumer)),
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
        self.asked.must(now, Invariant::K2, right, || {
            format!(
                "{}: {} out of turn",
                directory.consumer(*consumer).name,
                named(fact)
            )
        });
    }
}

/// The client in which a fact happens; `None` if it happens elsewhere, or is the client's own coming and going.
const fn happens_in(fact: &Fact) -> Option<ConsumerId> {
    match fact {
        Fact::ConnectionLost { consumer, .. }
        | Fact::PullFailed { consumer, .. }
        | Fact::QueueAcquired { consumer, .. }
        | Fact::LocalOffsetStored { consumer, .. }
        | Fact::QueueReleased { consumer, .. }
        | Fact::RebalanceBegan { consumer, .. }
        | Fact::RebalanceEnded { consumer, .. }
        | Fact::FlowControlled { consumer, .. }
        | Fact::Cached { consumer, .. }
        | Fact::Delivered { consumer, .. }
        | Fact::Consumed { consumer, .. }
        | Fact::NoStatus { consumer, .. }
        | Fact::LocalRetry { consumer, .. }
        | Fact::ConsumeTimedOut { consumer, .. }
        | Fact::GuardPassed { consumer, .. }
        | Fact::GuardBlocked { consumer }
        | Fact::StartOffsetChanged { consumer, .. }
        | Fact::QueueSuspended { consumer, .. }
        | Fact::Filtered { consumer, .. }
        | Fact::Dropped {
            consumer,
            cause: DropCause::Broadcasting,
            ..
        } => Some(*consumer),
        // At a broker, though it concerns a client that may be gone by then.
        Fact::MemberExpired { .. }
        | Fact::Heartbeat { .. }
        | Fact::PullHeld { .. }
        | Fact::PullAnswered { .. }
        | Fact::Pushed { .. }
        | Fact::QueueLocked { .. }
        | Fact::QueueUnlocked { .. }
        | Fact::LockRefused { .. }
        | Fact::Forwarded { .. }
        | Fact::Dropped {
            cause: DropCause::NoRetryQueue,
            ..
        } => None,
        // Of a call, which may outlive its client.
        Fact::ResultDiscarded { .. } => None,
        // On the wire, or of the timeline.
        Fact::LinkCut { .. }
        | Fact::LinkSlowed { .. }
        | Fact::LinkHealed { .. }
        | Fact::ConsumerStarted { .. }
        | Fact::ConsumerPaused { .. }
        | Fact::ConsumerResumed { .. }
        | Fact::ConsumerStopped { .. }
        | Fact::ThreadsSet { .. }
        | Fact::TimelineStep { .. } => None,
        // Of brokers, producers, operators, or of a group as a whole.
        Fact::QueueCreated { .. }
        | Fact::BrokerStopped { .. }
        | Fact::BrokerStarted { .. }
        | Fact::TopicUpdated { .. }
        | Fact::Born { .. }
        | Fact::Stored { .. }
        | Fact::SendAcknowledged { .. }
        | Fact::SendRefused { .. }
        | Fact::Dispatched { .. }
        | Fact::Request { .. }
        | Fact::OffsetCommitted { .. }
        | Fact::EffectHappened { .. }
        | Fact::EffectSuppressed { .. }
        | Fact::RetryScheduled { .. }
        | Fact::RetryStored { .. }
        | Fact::DeadLettered { .. }
        | Fact::LagEstimated { .. }
        | Fact::MessagesQueried { .. }
        | Fact::MessageFound { .. }
        | Fact::Expired { .. }
        | Fact::Resent { .. }
        | Fact::OffsetReset { .. }
        | Fact::OffsetsSkipped { .. } => None,
    }
}

/// What kind of fact it is, as the code calls it.
fn named(fact: &Fact) -> String {
    let text = format!("{fact:?}");
    text.split([' ', '{']).next().unwrap_or_default().to_owned()
}
