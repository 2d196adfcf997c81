//! The timeline: what happens to the cluster from outside.

use crate::cluster::Cluster;
use crate::cluster::config::Action;
use crate::cluster::fact::Observer;
use crate::cluster::ids::{ConsumerId, GroupId};

impl<O: Observer> Cluster<O> {
    /// An entry of the timeline is due.
    pub(super) fn timeline(&mut self, entry: u32) {
        match self.config.timeline[entry as usize].action {
            Action::Join { group, consumer } => self.consumer_start(self.member(group, consumer)),
            Action::Leave { group, consumer } => self.consumer_leave(self.member(group, consumer)),
            Action::Kill { group, consumer } => self.consumer_kill(self.member(group, consumer)),
        }
    }

    /// The client at position `consumer` of `group`.
    fn member(&self, group: GroupId, consumer: u32) -> ConsumerId {
        ConsumerId(self.first_consumer[group.index()].0 + consumer)
    }
}
