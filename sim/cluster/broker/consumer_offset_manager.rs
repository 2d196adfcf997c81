//! Committed offsets: what a broker remembers for each `topic@group` and queue.
//!
//! An offset is the next one to consume. A commit overwrites whatever stands there, lower or higher: neither
//! order nor ownership is checked, so a late commit of a former owner moves a group back. Left out: the file,
//! and so what a broker crash would roll back.
//!
//! Source: `ConsumerOffsetManager.commitOffset`, `ConsumerManageProcessor`.

use crate::cluster::ids::{GroupId, QueueId};

/// See the module. Holds the queues of all brokers; each queue lives on one.
#[derive(Debug, Default)]
pub struct ConsumerOffsetManager {
    by_queue: Vec<Vec<(GroupId, u64)>>,
}

impl ConsumerOffsetManager {
    /// Makes room for one more queue; ids count up from 0.
    pub fn add_queue(&mut self) {
        self.by_queue.push(Vec::new());
    }

    /// Overwrites the offset; what stood there before.
    #[inline]
    pub fn commit(&mut self, group: GroupId, queue: QueueId, offset: u64) -> Option<u64> {
        let entries = &mut self.by_queue[queue.index()];
        if let Some((_, old)) = entries.iter_mut().find(|(g, _)| *g == group) {
            return Some(std::mem::replace(old, offset));
        }
        entries.push((group, offset));
        None
    }

    /// The committed offset, if any was ever committed.
    #[inline]
    pub fn query(&self, group: GroupId, queue: QueueId) -> Option<u64> {
        self.by_queue[queue.index()]
            .iter()
            .find(|(g, _)| *g == group)
            .map(|(_, offset)| *offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_overwrites_even_downwards() {
        let mut offsets = ConsumerOffsetManager::default();
        offsets.add_queue();
        let (group, queue) = (GroupId(0), QueueId(0));
        assert_eq!(offsets.query(group, queue), None);
        assert_eq!(offsets.commit(group, queue, 120), None);
        assert_eq!(offsets.commit(group, queue, 100), Some(120));
        assert_eq!(offsets.query(group, queue), Some(100));
        assert_eq!(offsets.query(GroupId(1), queue), None);
    }
}
