//! What is at work: the columns of the table, and the cells that there cannot be.

use super::{Fault, named};
use crate::cluster::config::{ClusterConfig, Delivery, MessageModel};
use crate::cluster::directory::{Directory, TopicKind};
use crate::cluster::fact::Fact;
use crate::cluster::ids::{ConsumerId, GroupId, QueueId};
use std::collections::BTreeMap;

named! {
    /// A mechanism of a group.
    Mechanism {
        LongPolling = "long",
        ShortPolling = "short",
        Pull = "pull",
        Push = "push",
        Locks = "locks",
        Retry = "retry",
        Dead = "dead",
        Rebalance = "moves",
        Filter = "filter",
        Broadcasting = "bcast",
        FlowControl = "flow",
        Idempotence = "idem",
        Guard = "guard",
        Forward = "fwd",
    }
}

/// Who had the queues of the topics of users last.
#[derive(Debug, Default)]
pub(super) struct Moves {
    last: BTreeMap<(GroupId, QueueId), ConsumerId>,
}

impl Moves {
    /// The group in which a queue moves from one client to another by this fact. What a client takes at the first round
    /// has moved from nobody; where everybody takes all, nothing moves.
    pub(super) fn moved(
        &mut self,
        config: &ClusterConfig,
        directory: &Directory,
        fact: &Fact,
    ) -> Option<GroupId> {
        let Fact::QueueAcquired { consumer, queue, .. } = *fact else {
            return None;
        };
        let group = directory.consumer(consumer).group;
        let shares = config.groups[group.index()].message_model == MessageModel::Clustering;
        let is_users = directory.topic(directory.queue(queue).topic).kind == TopicKind::User;
        if !shares || !is_users {
            return None;
        }
        let last = self.last.insert((group, queue), consumer);
        last.filter(|last| *last != consumer).map(|_| group)
    }
}

/// The mechanism that a fact shows at work, and in which group. Moves are seen by [`Moves`].
pub(super) fn of(config: &ClusterConfig, directory: &Directory, fact: &Fact) -> Option<(GroupId, Mechanism)> {
    let group = |consumer: ConsumerId| directory.consumer(consumer).group;
    Some(match *fact {
        Fact::PullHeld { consumer, .. } => (group(consumer), Mechanism::LongPolling),
        Fact::PullAnswered { consumer, .. } => match config.groups[group(consumer).index()].delivery {
            Delivery::ShortPolling { .. } => (group(consumer), Mechanism::ShortPolling),
            Delivery::Pull { .. } => (group(consumer), Mechanism::Pull),
            Delivery::LongPolling | Delivery::Push { .. } => return None,
        },
        Fact::Pushed { consumer, .. } => (group(consumer), Mechanism::Push),
        Fact::QueueLocked { consumer, .. } => (group(consumer), Mechanism::Locks),
        Fact::RetryScheduled { group, .. } | Fact::RetryStored { group, .. } => (group, Mechanism::Retry),
        Fact::DeadLettered { group, .. } => (group, Mechanism::Dead),
        Fact::Filtered { group, .. } => (group, Mechanism::Filter),
        Fact::LocalOffsetStored { consumer, .. } => (group(consumer), Mechanism::Broadcasting),
        Fact::FlowControlled { consumer, .. } => (group(consumer), Mechanism::FlowControl),
        Fact::EffectHappened { group, .. } | Fact::EffectSuppressed { group, .. } => {
            (group, Mechanism::Idempotence)
        }
        Fact::GuardPassed { consumer, .. } | Fact::GuardBlocked { consumer } => {
            (group(consumer), Mechanism::Guard)
        }
        Fact::Forwarded { consumer, .. } => (group(consumer), Mechanism::Forward),
        _ => return None,
    })
}

/// Why a fault can never meet a mechanism, if it cannot.
pub const fn unsupported(fault: Fault, mechanism: Mechanism) -> Option<&'static str> {
    match (fault, mechanism) {
        (Fault::Forward | Fault::Threw | Fault::Hangs | Fault::TimedOut, Mechanism::Locks) => {
            Some("only concurrent listeners forward, hang, throw, and have consumeTimeout")
        }
        (Fault::TimedOut, Mechanism::Broadcasting) => {
            Some("in a broadcasting group calls that take too long are left alone")
        }
        (Fault::Subscribe, Mechanism::Push) => Some("push knows no filters"),
        _ => None,
    }
}
