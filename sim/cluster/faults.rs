//! The timeline: what happens to the cluster from outside.
//!
//! Trouble of a link belongs to the member, not to its process: who is restarted while it is cut off starts cut off,
//! and the end of the trouble ends it for all its lives.

use crate::cluster::Cluster;
use crate::cluster::config::{Action, Member};
use crate::cluster::fact::Observer;
use crate::cluster::ids::ConsumerId;

impl<O: Observer> Cluster<O> {
    /// An entry of the timeline is due.
    pub(super) fn timeline(&mut self, entry: u32) {
        match self.config.timeline[entry as usize].action {
            Action::Join(member) => {
                self.inherit_links(member);
                self.consumer_start(self.member(member));
            }
            Action::Leave(member) => self.consumer_leave(self.member(member)),
            Action::Kill(member) => self.consumer_kill(self.member(member)),
            Action::Vanish(member) => self.consumer_vanish(self.member(member)),
            Action::Pause(member) => self.consumer_pause(self.member(member)),
            Action::Resume(member) => self.consumer_resume(self.member(member)),
            Action::Cut { member, server } => self.link_cut(self.member(member), server),
            Action::Heal { member, server } => {
                for life in self.lives_from(member) {
                    self.link_healed(life, server);
                }
            }
            Action::Slow { member, server, by } => {
                for life in self.lives_from(member) {
                    self.link_slow(life, server, by);
                }
            }
            Action::UpdateTopic {
                topic,
                broker,
                numbers,
            } => self.update_topic(topic, broker, numbers),
        }
    }

    /// The client that `member` names.
    pub(super) fn member(&self, member: Member) -> ConsumerId {
        ConsumerId(self.first_consumer[member.group.index()].0 + member.consumer)
    }

    /// This life of a member, and the later ones that have begun.
    fn lives_from(&self, member: Member) -> Vec<ConsumerId> {
        let all = &self.config.groups[member.group.index()].consumers;
        let this = &all[member.consumer as usize];
        let lives = (member.consumer..all.len() as u32).filter(|&at| {
            let other = &all[at as usize];
            at == member.consumer || other.name == this.name && other.life > this.life
        });
        let lives = lives.map(|consumer| self.member(Member { consumer, ..member }));
        let begun = |life: &ConsumerId| *life == self.member(member) || self.has_begun(*life);
        lives.filter(begun).collect()
    }

    /// A new life starts with the links as its last one has them.
    fn inherit_links(&mut self, member: Member) {
        let all = &self.config.groups[member.group.index()].consumers;
        let this = &all[member.consumer as usize];
        if this.life == 1 || self.core.network.links.are_calm() {
            return;
        }
        let before = all
            .iter()
            .position(|other| other.name == this.name && other.life + 1 == this.life);
        if let Some(before) = before {
            let before = Member {
                consumer: before as u32,
                ..member
            };
            let (before, now) = (self.member(before), self.member(member));
            self.core.network.links.inherit(before, now);
        }
    }
}
