//! Whether messages are deleted that somebody was still to read.

use crate::cluster::config::{ClusterConfig, MessageModel};
use crate::cluster::directory::Directory;
use crate::cluster::fact::Fact;
use crate::cluster::ids::{GroupId, QueueId};
use std::collections::BTreeMap;

/// How far groups have come that share a queue out. What nobody has ever taken, nobody misses.
#[derive(Debug, Default)]
pub(super) struct Unread {
    read: BTreeMap<(QueueId, GroupId), u64>,
}

impl Unread {
    /// Whether messages up to an offset were deleted that a group had not come to.
    pub(super) fn is_hit(&mut self, config: &ClusterConfig, directory: &Directory, fact: &Fact) -> bool {
        match *fact {
            Fact::QueueAcquired {
                consumer,
                queue,
                start_offset,
                ..
            } => {
                let group = directory.consumer(consumer).group;
                if config.groups[group.index()].message_model == MessageModel::Clustering {
                    self.read.entry((queue, group)).or_insert(start_offset);
                }
            }
            Fact::OffsetCommitted {
                group, queue, new, ..
            } => {
                if let Some(read) = self.read.get_mut(&(queue, group)) {
                    *read = new.max(*read);
                }
            }
            Fact::Expired { queue, to, .. } => {
                let groups = (queue, GroupId(0))..=(queue, GroupId(u32::MAX));
                return self.read.range(groups).any(|(_, read)| *read < to);
            }
            _ => {}
        }
        false
    }
}
