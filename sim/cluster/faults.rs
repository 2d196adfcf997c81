//! The timeline: what happens to the cluster from outside.
//!
//! Actions name one life of a member. A link may be cut, slowed or healed whether or not that life has begun or is
//! over: it belongs to the host.

use crate::cluster::Cluster;
use crate::cluster::config::{Action, Member};
use crate::cluster::fact::{Fact, Observer};
use crate::cluster::ids::ConsumerId;

impl<O: Observer> Cluster<O> {
    /// An entry of the timeline is due.
    pub(super) fn timeline(&mut self, entry: u32) {
        self.core.emit(Fact::TimelineStep { step: entry });
        match self.config.timeline[entry as usize].action {
            Action::Join(member) => self.consumer_start(self.member(member)),
            Action::Leave(member) => self.consumer_leave(self.member(member)),
            Action::Kill(member) => self.consumer_kill(self.member(member)),
            Action::Vanish(member) => self.consumer_vanish(self.member(member)),
            Action::Pause(member) => self.consumer_pause(self.member(member)),
            Action::Resume(member) => self.consumer_resume(self.member(member)),
            Action::Cut { member, server } => self.link_cut(self.member(member), server),
            Action::Heal { member, server } => self.link_healed(self.member(member), server),
            Action::Slow { member, server, by } => self.link_slow(self.member(member), server, by),
            Action::Subscribe {
                member,
                topic,
                expression,
            } => self.consumer_subscribe(self.member(member), topic, expression),
            Action::SetListener { member, listener } => self.set_listener(self.member(member), listener),
            Action::Busy {
                broker,
                until,
                answer,
            } => self.broker_busy(broker, until, answer),
            Action::SetThreads { member, threads } => self.set_threads(self.member(member), threads),
            Action::Forward { member, forward } => self.set_forward(self.member(member), forward),
            Action::SetMaxReconsumeTimes { group, times } => {
                self.config.groups[group.index()].tuning.max_reconsume_times = times;
            }
            Action::SetRate { producer, gap } => self.set_rate(producer, gap),
            Action::QueryMessage { topic, key, max_num } => self.query_message(topic, key, max_num),
            Action::ResendDlq { group, gap } => self.resend_dlq(group, gap),
            Action::SetDlqPermission { group, readable } => self.set_dlq_permission(group, readable),
            Action::ResetOffset {
                group,
                topic,
                target,
                force,
            } => self.reset_offset(group, topic, target, force),
            Action::StopBroker { broker, crash } => self.broker_stops(broker, crash),
            Action::StartBroker(broker) => self.broker_starts(broker),
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
}
