//! The one append-only log of a broker, seen as the order in which records wait for dispatch.
//!
//! All topics of a broker share it. The dispatch thread sleeps 1 ms after each pass and then indexes whatever
//! has been appended, in log order. Left out: file boundaries, flushing, page cache.
//!
//! Source: `CommitLog`, `DefaultMessageStore.ReputMessageService`.

use crate::cluster::ids::QueueId;

/// See the module.
#[derive(Debug, Default)]
pub struct CommitLog {
    /// Queues of the records that wait for dispatch, in log order.
    undispatched: Vec<QueueId>,
    /// Bytes ever appended.
    end: u64,
}

impl CommitLog {
    /// Notes an append; true if it is the first since the last dispatch.
    #[inline]
    pub fn append(&mut self, queue: QueueId, size: u32) -> bool {
        self.end += u64::from(size);
        self.undispatched.push(queue);
        self.undispatched.len() == 1
    }

    /// Takes out everything that waits for dispatch. Give the emptied list back with [`Self::recycle`].
    pub fn take_undispatched(&mut self) -> Vec<QueueId> {
        std::mem::take(&mut self.undispatched)
    }

    /// Keeps the memory of a list that [`Self::take_undispatched`] gave.
    pub fn recycle(&mut self, mut list: Vec<QueueId>) {
        debug_assert!(
            self.undispatched.is_empty(),
            "nothing is appended while a pass runs"
        );
        list.clear();
        self.undispatched = list;
    }

    /// Bytes ever appended.
    pub fn end(&self) -> u64 {
        self.end
    }
}
