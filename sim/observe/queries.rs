//! Questions for messages by key, and what was found.

use crate::cluster::ids::{MessageId, QueueId, TopicId};
use crate::cluster::producer::attributes::Key;
use crate::kernel::time::SimTime;

/// A question.
#[derive(Clone, Debug)]
pub struct Query {
    /// When.
    pub at: SimTime,
    /// Of which topic.
    pub topic: TopicId,
    /// With which key.
    pub key: Key,
    /// How many each broker may give.
    pub max_num: u32,
    /// The answers of all brokers, the newest first.
    pub found: Vec<Found>,
}

/// A message that was found.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Where it lies.
    pub queue: QueueId,
    /// At which offset.
    pub offset: u64,
    /// The message.
    pub message: MessageId,
    /// Its random word.
    pub luck: u64,
    /// When it was stored.
    pub stored: SimTime,
}
