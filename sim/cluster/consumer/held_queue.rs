//! One queue held by one client: its process queue, its offset in memory and its pull request, which cycles
//! as long as the queue is held.
//!
//! There is exactly one pull request for each held queue, so at most one pull is under way and its answer
//! can wait here for its arrival.
//!
//! Source: `PullRequest`, `RebalanceImpl.processQueueTable`.

use crate::cluster::consumer::offset_store::MemoryOffset;
use crate::cluster::consumer::process_queue::{CachedMessage, ProcessQueue, Progress};
use crate::cluster::fact::PullResult;
use crate::cluster::ids::{ConsumerId, GroupId, QueueId};
use crate::cluster::message::Record;
use crate::kernel::time::SimTime;

/// See the module.
#[derive(Debug)]
pub struct HeldQueue {
    /// Who holds it.
    pub consumer: ConsumerId,
    /// Whose group.
    pub group: GroupId,
    /// Which queue.
    pub queue: QueueId,
    /// Taken but unfinished messages.
    pub process_queue: ProcessQueue,
    /// The offset in the client's memory, to be committed.
    pub offset: MemoryOffset,
    /// First offset of the pull under way, or of the next one.
    pub next_offset: u64,
    /// The commit that the pull under way carries.
    pub request_commit: Option<u64>,
    /// The answer on the wire.
    pub reply: PullReply,
    /// Messages of the answer on the wire.
    pub inbox: Vec<CachedMessage>,
    /// What still refers to this: the pull request, listener tasks, a last commit on the wire.
    pub references: u32,
    /// Whether the client's table still holds it.
    pub in_table: bool,
}

/// The broker's answer to a pull, without its messages.
#[derive(Clone, Copy, Debug)]
pub struct PullReply {
    /// How it ended.
    pub result: PullResult,
    /// `nextBeginOffset`.
    pub next_offset: u64,
}

impl HeldQueue {
    /// A queue just taken; its pull request exists and starts at `start_offset`.
    pub fn new(
        now: SimTime,
        consumer: ConsumerId,
        group: GroupId,
        queue: QueueId,
        start_offset: u64,
    ) -> Self {
        let mut offset = MemoryOffset::default();
        offset.update(start_offset, false);
        Self {
            consumer,
            group,
            queue,
            process_queue: ProcessQueue::new(now),
            offset,
            next_offset: start_offset,
            request_commit: None,
            reply: PullReply {
                result: PullResult::NotFound,
                next_offset: start_offset,
            },
            inbox: Vec::new(),
            references: 1,
            in_table: true,
        }
    }

    /// The broker puts a message into the answer.
    #[inline]
    pub fn receive(&mut self, offset: u64, record: &Record) {
        self.inbox.push(CachedMessage {
            offset,
            stored: record.stored,
            born: record.born,
            luck: record.luck,
            id: record.id,
            body_size: record.body_size,
            origin_topic: record.origin_topic,
            progress: Progress::new(record.reconsume_times),
        });
    }

    /// The least offset that this client may still commit.
    pub fn low_water(&self) -> u64 {
        self.offset.read().unwrap_or(self.next_offset)
    }
}

impl From<&CachedMessage> for Record {
    /// The message as the broker will store it again.
    fn from(message: &CachedMessage) -> Self {
        Self {
            born: message.born,
            stored: message.stored,
            luck: message.luck,
            id: message.id,
            body_size: message.body_size,
            origin_topic: message.origin_topic,
            reconsume_times: message.progress.reconsume_times(),
        }
    }
}
