//! A stored message: what the commit log keeps of it.

use crate::cluster::ids::{MessageId, TopicId};
use crate::kernel::time::SimTime;

/// One record of the commit log. A retry copy is a record of its own with the same identity and luck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// When the producer made the message; kept by retry copies.
    pub born: SimTime,
    /// When this record was appended.
    pub stored: SimTime,
    /// The random word drawn at birth, from which service time and failures derive.
    pub luck: u64,
    /// The message; kept by retry copies.
    pub id: MessageId,
    /// Body size, bytes.
    pub body_size: u32,
    /// The user topic that the listener sees (property `RETRY_TOPIC` of retry copies).
    pub origin_topic: TopicId,
    /// Failed deliveries so far.
    pub reconsume_times: u16,
}

/// What a record occupies beside its body: header, topic and properties. An estimate; the real figure
/// depends on the lengths of names and keys.
pub const RECORD_OVERHEAD: u32 = 200;

impl Record {
    /// Bytes in the commit log and in a pull answer.
    pub const fn stored_size(&self) -> u32 {
        self.body_size.saturating_add(RECORD_OVERHEAD)
    }
}

const _: () = assert!(size_of::<Record>() <= 48, "a waiting message must stay cheap");
