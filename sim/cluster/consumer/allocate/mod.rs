//! Who gets which queue: the allocation strategies and what they share.
//!
//! Every client of a group runs the same strategy over the same two sorted lists and keeps its own share. No
//! coordinator decides, so a strategy must be a pure function of what it is asked. Each rule lives in a file of
//! its own; [`Strategy`] names them all as a scenario does. RocketMQ's own keep its names; those that Apache
//! does not ship start with `X_` and say what they need [beyond](Beyond) RocketMQ's protocol.
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
//!     fn name(&self) -> &str {
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
pub mod bounded_consistent_hash;
pub mod by_config;
pub mod consistent_hash;
pub mod kafka_range;
pub mod kafka_round_robin;
pub mod kafka_sticky;
pub mod machine_room;
pub mod machine_room_nearby;
mod md5;
pub mod rotated_avg;
pub mod sticky;
mod strategy;
pub mod weighted;

pub use strategy::Strategy;

use crate::cluster::message_queue::MessageQueue;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

/// A rule that divides the queues of a topic among the members of a group.
///
/// `Q` names a queue, `C` a client: dense ids inside a run, texts where a person asks.
pub trait AllocateMessageQueueStrategy<Q, C> {
    /// `getName()`: the name in scenario files.
    fn name(&self) -> &str;

    /// The share of `ask.current_cid`, in the order in which it will be taken.
    ///
    /// # Errors
    /// When there is nothing to divide or nobody asks. The client then keeps what it has, and the round counts as
    /// unbalanced.
    fn allocate(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Q>, AllocateError>;

    /// What the rule needs [beyond](Beyond) RocketMQ's protocol. Nothing, unless it says so.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// The shares of all members, by position in `ask.cid_all`, whoever asks.
    ///
    /// As [`allocate`](Self::allocate) member by member, which is what it does unless a strategy knows a shorter
    /// way. Both positions of a doubled id have the share of the first.
    ///
    /// # Errors
    /// As `allocate`, if it fails for one of them.
    fn allocate_all(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Vec<Q>>, AllocateError> {
        let of = |me| {
            self.allocate(&Allocation {
                current_cid: Some(me),
                ..*ask
            })
        };
        ask.cid_all.iter().map(of).collect()
    }
}

/// What a strategy looks at beyond the queues and the members of a topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// [`Beyond::previous`].
    pub memory: bool,
    /// [`Beyond::queues_before`] and [`Beyond::load_before`].
    pub other_topics: bool,
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
    /// What RocketMQ's protocol does not give; for the strategies that need it.
    pub beyond: Beyond<'a, Q, C>,
}

/// What RocketMQ's protocol does not give a client. All members must be told the same. Empty by default: nothing
/// was held before, and there are no other topics.
pub struct Beyond<'a, Q, C> {
    /// Who held what of this topic before. May name members that are gone and queues that no longer exist.
    pub previous: &'a [(C, Vec<Q>)],
    /// Queues of the group's other topics that come before this one.
    pub queues_before: usize,
    /// Queues of those topics that each member got, by position in `cid_all`; empty = none.
    pub load_before: &'a [u32],
}

impl<Q, C> Clone for Beyond<'_, Q, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Q, C> Copy for Beyond<'_, Q, C> {}

impl<Q, C> Default for Beyond<'_, Q, C> {
    fn default() -> Self {
        Self {
            previous: &[],
            queues_before: 0,
            load_before: &[],
        }
    }
}

/// Looks up what stands behind ids, for strategies whose answer depends on it.
pub trait Names<Q, C> {
    /// Topic, broker name and `queueId`.
    fn queue<'n>(&'n self, queue: &'n Q) -> QueueName<'n>;
    /// `clientId`.
    fn client<'n>(&'n self, client: &'n C) -> &'n str;

    /// Capacity of a client, in any unit that all clients share.
    fn weight(&self, _client: &C) -> u32 {
        1
    }
    /// Machine room of a queue's broker (`MachineRoomResolver.brokerDeployIn`). Unless it is known, what stands
    /// before the first `-` of the broker's name.
    fn broker_room<'n>(&'n self, queue: &'n Q) -> &'n str {
        before_dash(self.queue(queue).broker_name)
    }
    /// Machine room of a client (`consumerDeployIn`). Unless it is known, what stands before the first `-` of
    /// its id.
    fn client_room<'n>(&'n self, client: &'n C) -> &'n str {
        before_dash(self.client(client))
    }
}

/// Names that are their own texts, for whoever asks a strategy outside a run.
pub struct Texts;

impl Names<MessageQueue, String> for Texts {
    fn queue<'n>(&'n self, queue: &'n MessageQueue) -> QueueName<'n> {
        queue.as_name()
    }
    fn client<'n>(&'n self, client: &'n String) -> &'n str {
        client
    }
}

impl<'a> Allocation<'a, MessageQueue, String> {
    /// What RocketMQ's own interface takes, and nothing [beyond](Beyond) it.
    pub fn of_texts(
        consumer_group: &'a str,
        current_cid: Option<&'a String>,
        mq_all: &'a [MessageQueue],
        cid_all: &'a [String],
    ) -> Self {
        Self {
            consumer_group,
            current_cid,
            mq_all,
            cid_all,
            names: &Texts,
            beyond: Beyond::default(),
        }
    }
}

fn before_dash(name: &str) -> &str {
    name.split_once('-').map_or(name, |(room, _)| room)
}

/// A queue's name, borrowed; see [`MessageQueue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueueName<'n> {
    /// Its topic.
    pub topic: &'n str,
    /// Its broker's name.
    pub broker_name: &'n str,
    /// Its number on that broker.
    pub queue_id: i32,
}

/// `MessageQueue.toString`.
impl fmt::Display for QueueName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            topic,
            broker_name,
            queue_id,
        } = self;
        write!(
            f,
            "MessageQueue [topic={topic}, brokerName={broker_name}, queueId={queue_id}]"
        )
    }
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
    /// A number of places on the ring that is none.
    #[error("illegal virtualNodeCnt :{0}")]
    VirtualNodes(i64),
    /// `MACHINE_ROOM` was never told its rooms. RocketMQ stumbles over its own null.
    #[error("no machine room was set")]
    RoomsNotSet,
    /// A queue whose machine room is not known.
    #[error("Machine room is null for mq {0}")]
    QueueWithoutRoom(String),
    /// A client whose machine room is not known.
    #[error("Machine room is null for consumer id {0}")]
    ClientWithoutRoom(String),
    /// A strategy's own reason.
    #[error("{0}")]
    Other(String),
}

impl AllocateError {
    /// As Java names the exception: `IllegalArgumentException: currentCID is empty`.
    pub fn exception(&self) -> String {
        match self {
            Self::RoomsNotSet => "NullPointerException".to_owned(),
            error => format!("IllegalArgumentException: {error}"),
        }
    }
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
    try_share_of(ask, |rank| Ok(share(rank)))
}

/// As [`share_of`], for a rule that may refuse.
fn try_share_of<Q, C: PartialEq>(
    ask: &Allocation<'_, Q, C>,
    share: impl FnOnce(usize) -> Result<Vec<Q>, AllocateError>,
) -> Result<Vec<Q>, AllocateError> {
    let me = ask
        .current_cid
        .filter(|me| !ask.names.client(me).is_empty())
        .ok_or(AllocateError::CurrentCidEmpty)?;
    lists_are_full(ask)?;
    rank_of(ask.cid_all, me).map_or_else(|| Ok(Vec::new()), share)
}

/// The share of who asks, for a rule that `deal`s to all positions at once.
///
/// # Errors
/// As [`share_of`], and what `deal` says.
pub fn share_from<Q, C: PartialEq>(
    ask: &Allocation<'_, Q, C>,
    deal: impl FnOnce() -> Result<Vec<Vec<Q>>, AllocateError>,
) -> Result<Vec<Q>, AllocateError> {
    try_share_of(ask, |rank| Ok(deal()?.swap_remove(rank)))
}

/// The shares of all members, for a rule that `deal`s to all positions at once: does what all strategies do
/// first, then gives every position of a doubled id the share of the first.
///
/// # Errors
/// As [`share_of`], and what `deal` says.
pub fn shares_from<Q: Clone, C: Ord>(
    ask: &Allocation<'_, Q, C>,
    deal: impl FnOnce() -> Result<Vec<Vec<Q>>, AllocateError>,
) -> Result<Vec<Vec<Q>>, AllocateError> {
    if ask
        .cid_all
        .iter()
        .any(|client| ask.names.client(client).is_empty())
    {
        return Err(AllocateError::CurrentCidEmpty);
    }
    lists_are_full(ask)?;
    let mut shares = deal()?;
    let mut first = BTreeMap::new();
    for (position, client) in ask.cid_all.iter().enumerate() {
        match first.entry(client) {
            Entry::Vacant(new) => _ = new.insert(position),
            Entry::Occupied(first) => shares[position] = shares[*first.get()].clone(),
        }
    }
    Ok(shares)
}

fn lists_are_full<Q, C>(ask: &Allocation<'_, Q, C>) -> Result<(), AllocateError> {
    if ask.mq_all.is_empty() {
        return Err(AllocateError::MqAllEmpty);
    }
    if ask.cid_all.is_empty() {
        return Err(AllocateError::CidAllEmpty);
    }
    Ok(())
}

/// First position of `me` among `clients`.
pub(crate) fn rank_of<C: PartialEq>(clients: &[C], me: &C) -> Option<usize> {
    clients.iter().position(|client| client == me)
}

/// Shares by position from the position of each queue's owner.
fn by_owner<Q: Clone>(
    queues: &[Q],
    members: usize,
    owners: impl IntoIterator<Item = Option<usize>>,
) -> Vec<Vec<Q>> {
    let mut shares = vec![Vec::new(); members];
    for (queue, owner) in queues.iter().zip(owners) {
        if let Some(owner) = owner {
            shares[owner].push(queue.clone());
        }
    }
    shares
}

#[cfg(test)]
mod tests;
