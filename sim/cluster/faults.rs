//! The timeline: what happens to the cluster from outside.

use crate::cluster::Cluster;
use crate::cluster::config::{Action, Member};
use crate::cluster::fact::Observer;
use crate::cluster::ids::ConsumerId;

impl<O: Observer> Cluster<O> {
    /// An entry of the timeline is due.
    pub(super) fn timeline(&mut self, entry: u32) {
        match self.config.timeline[entry as usize].action {
            Action::Join(member) => self.consumer_start(self.member(member)),
            Action::Leave(member) => self.consumer_leave(self.member(member)),
            Action::Kill(member) => self.consumer_kill(self.member(member)),
            Action::Vanish(_)
            | Action::Pause(_)
            | Action::Resume(_)
            | Action::Cut { .. }
            | Action::Heal { .. }
            | Action::Slow { .. }
            | Action::UpdateTopic { .. } => unreachable!("scenarios cannot ask for it yet"),
        }
    }

    /// The client that `member` names.
    fn member(&self, member: Member) -> ConsumerId {
        ConsumerId(self.first_consumer[member.group.index()].0 + member.consumer)
    }
}
