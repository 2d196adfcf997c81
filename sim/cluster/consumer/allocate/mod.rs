//! Who gets which queue: the allocation strategies and what they share.
//!
//! Every client of a group runs the same strategy over the same two sorted lists and keeps its own share. No
//! coordinator decides, so a strategy must be a pure function of what it is asked. The rules of `AVG` and
//! `AVG_BY_CIRCLE` live one file each.
//!
//! A strategy of your own:
//! ```
//! use rmqsim::cluster::consumer::allocate::{
//!     AllocateError, AllocateMessageQueueStrategy, Allocation, share_of,
//! };
//!
//! /// Everything to whoever sorts first; the others stand by.
//! struct FirstTakesAll;
//!
//! impl<Q: Clone, C: PartialEq> AllocateMessageQueueStrategy<Q, C> for FirstTakesAll {
//!     fn name(&self) -> &'static str {
//!         "FIRST_TAKES_ALL"
//!     }
//!     fn allocate(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Q>, AllocateError> {
//!         share_of(ask, |rank| if rank == 0 { ask.mq_all.to_vec() } else { Vec::new() })
//!     }
//! }
//! ```
//!
//! Source: `AllocateMessageQueueStrategy`, `AbstractAllocateMessageQueueStrategy`.

pub mod avg;
pub mod avg_by_circle;
pub mod consistent_hash;
mod md5;

use crate::cluster::config::StrategyName;

/// A rule that divides the queues of a topic among the members of a group.
///
/// `Q` names a queue, `C` a client: dense ids inside a run, texts where a person asks.
pub trait AllocateMessageQueueStrategy<Q, C> {
    /// `getName()`: the name in scenario files.
    fn name(&self) -> &'static str;

    /// The share of `ask.current_cid`, in the order in which it will be taken.
    ///
    /// # Errors
    /// When there is nothing to divide or nobody asks. The client then keeps what it has, and the round counts as
    /// unbalanced.
    fn allocate(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Q>, AllocateError>;
}

/// What a strategy is asked.
pub struct Allocation<'a, Q, C> {
    /// Group name.
    pub consumer_group: &'a str,
    /// Who asks; `None` if it has no id.
    pub current_cid: Option<&'a C>,
    /// All queues of the topic. `RebalanceImpl` sorts them; a strategy trusts their order.
    pub mq_all: &'a [Q],
    /// All members of the group, as the broker listed them, sorted; doubled ids stay doubled.
    pub cid_all: &'a [C],
    /// Texts of queues and clients.
    pub names: &'a dyn Names<Q, C>,
}

/// Looks up the texts behind ids, for strategies whose answer depends on names (hashing, machine rooms).
pub trait Names<Q, C> {
    /// Topic, broker name and `queueId`.
    fn queue<'n>(&'n self, queue: &'n Q) -> QueueName<'n>;
    /// `clientId`.
    fn client<'n>(&'n self, client: &'n C) -> &'n str;
}

/// A queue's name, borrowed; see [`MessageQueue`](crate::cluster::message_queue::MessageQueue).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueName<'n> {
    /// Its topic.
    pub topic: &'n str,
    /// Its broker's name.
    pub broker_name: &'n str,
    /// Its number on that broker.
    pub queue_id: i32,
}

/// Why a strategy gave no answer. The texts are those of RocketMQ's `IllegalArgumentException`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllocateError {
    /// The asking client has no id.
    #[error("currentCID is empty")]
    CurrentCidEmpty,
    /// The topic has no queue.
    #[error("mqAll is null or mqAll empty")]
    MqAllEmpty,
    /// The group has no member.
    #[error("cidAll is null or cidAll empty")]
    CidAllEmpty,
    /// A strategy's own reason.
    #[error("{0}")]
    Other(String),
}

/// The built-in strategy of that name.
pub fn strategy<Q: Clone, C: PartialEq>(
    name: StrategyName,
) -> &'static dyn AllocateMessageQueueStrategy<Q, C> {
    match name {
        StrategyName::Avg => &avg::AllocateMessageQueueAveragely,
        StrategyName::AvgByCircle => &avg_by_circle::AllocateMessageQueueAveragelyByCircle,
    }
}

/// The built-in strategy that answers to `name` (`AVG`); `None` if there is none.
pub fn strategy_named(name: &str) -> Option<StrategyName> {
    [StrategyName::Avg, StrategyName::AvgByCircle]
        .into_iter()
        .find(|&known| strategy::<(), ()>(known).name() == name)
}

/// Does what all strategies do first, then asks `share` for the queues of the client at its position.
///
/// A client that is not (yet) among the members gets nothing: it gives up every queue of the topic. A doubled id
/// counts twice and stands at its first position.
///
/// # Errors
/// In this order: no own id, no queues, no members.
pub fn share_of<Q, C: PartialEq>(
    ask: &Allocation<'_, Q, C>,
    share: impl FnOnce(usize) -> Vec<Q>,
) -> Result<Vec<Q>, AllocateError> {
    let me = ask
        .current_cid
        .filter(|me| !ask.names.client(me).is_empty())
        .ok_or(AllocateError::CurrentCidEmpty)?;
    if ask.mq_all.is_empty() {
        return Err(AllocateError::MqAllEmpty);
    }
    if ask.cid_all.is_empty() {
        return Err(AllocateError::CidAllEmpty);
    }
    Ok(rank_of(ask.cid_all, me).map_or_else(Vec::new, share))
}

/// First position of `me` among `clients`.
pub(crate) fn rank_of<C: PartialEq>(clients: &[C], me: &C) -> Option<usize> {
    clients.iter().position(|client| client == me)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Texts;

    impl Names<u32, &'static str> for Texts {
        fn queue<'n>(&'n self, queue: &'n u32) -> QueueName<'n> {
            QueueName {
                topic: "orders",
                broker_name: "broker-a",
                queue_id: *queue as i32,
            }
        }
        fn client<'n>(&'n self, client: &'n &'static str) -> &'n str {
            client
        }
    }

    #[track_caller]
    fn check(
        me: Option<&'static str>,
        queues: &[u32],
        clients: &[&'static str],
        expected: Result<Vec<u32>, AllocateError>,
    ) {
        let ask = Allocation {
            consumer_group: "billing",
            current_cid: me.as_ref(),
            mq_all: queues,
            cid_all: clients,
            names: &Texts,
        };
        for name in [StrategyName::Avg, StrategyName::AvgByCircle] {
            assert_eq!(strategy(name).allocate(&ask), expected, "{name:?}");
        }
    }

    /// The first thing missing is the one named: own id, then queues, then members.
    #[test]
    fn missing_arguments_are_refused_in_order() {
        check(None, &[], &[], Err(AllocateError::CurrentCidEmpty));
        check(Some(""), &[1], &["c"], Err(AllocateError::CurrentCidEmpty));
        check(Some("c"), &[], &[], Err(AllocateError::MqAllEmpty));
        check(Some("c"), &[1], &[], Err(AllocateError::CidAllEmpty));
    }

    /// A stranger is no error: it owns nothing.
    #[test]
    fn stranger_gets_nothing() {
        check(Some("x"), &[0, 1], &["a", "b"], Ok(vec![]));
    }

    #[test]
    fn names_lead_back_to_strategies() {
        assert_eq!(strategy_named("AVG"), Some(StrategyName::Avg));
        assert_eq!(strategy_named("AVG_BY_CIRCLE"), Some(StrategyName::AvgByCircle));
        assert_eq!(strategy_named("avg"), None);
    }
}
