//! What goes wrong or changes: the rows of the table.

use super::named;
use crate::cluster::config::{Action, ClusterConfig, Member};
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, NoStatus};
use crate::cluster::ids::GroupId;
use crate::cluster::network::Server;

named! {
    /// Something that happens to a cluster.
    Fault {
        Join = "join",
        RestartSameId = "restart, same id",
        RestartNewId = "restart, new id",
        Leave = "leave",
        Kill = "kill",
        Vanish = "vanish",
        Pause = "pause",
        Resume = "resume",
        CutBroker = "partition from broker",
        CutNameServer = "partition from nameserver",
        Heal = "partition ends",
        Slow = "slow link",
        MemberExpired = "given up by broker",
        ConnectionLost = "connection lost",
        BrokerLeaves = "broker leaves",
        BrokerCrashes = "broker is killed",
        BrokerStarts = "broker starts",
        Busy = "broker busy",
        TopicUpdated = "updateTopic",
        SetRate = "setRate",
        Expired = "messages expire",
        Subscribe = "subscribe",
        SetListener = "setListener",
        Threw = "listener throws, null",
        Hangs = "listener hangs",
        TimedOut = "consume time-out",
        SetThreads = "setThreads",
        Forward = "forward",
        SetRetries = "setMaxReconsumeTimes",
        ResetOffset = "resetOffset",
        ResendDlq = "resendDlq",
        DlqPermission = "updateTopicPerm",
        QueryMessage = "queryMessage",
    }
}

/// Whom a fault concerns.
pub(super) enum Reach {
    Group(GroupId),
    All,
}

/// The fault that a fact tells of.
pub(super) fn of(config: &ClusterConfig, directory: &Directory, fact: &Fact) -> Option<(Fault, Reach)> {
    let group = |consumer| Reach::Group(directory.consumer(consumer).group);
    Some(match *fact {
        Fact::TimelineStep { step } => of_action(config, config.timeline[step as usize].action),
        Fact::MemberExpired { consumer, .. } => (Fault::MemberExpired, group(consumer)),
        Fact::ConnectionLost { consumer, .. } => (Fault::ConnectionLost, group(consumer)),
        Fact::Expired { .. } => (Fault::Expired, Reach::All),
        Fact::NoStatus { consumer, how, .. } => match how {
            NoStatus::Hangs => (Fault::Hangs, group(consumer)),
            NoStatus::Threw | NoStatus::ReturnedNull => (Fault::Threw, group(consumer)),
        },
        Fact::ConsumeTimedOut { consumer, .. } => (Fault::TimedOut, group(consumer)),
        _ => return None,
    })
}

fn of_action(config: &ClusterConfig, action: Action) -> (Fault, Reach) {
    let of = |fault, member: Member| (fault, Reach::Group(member.group));
    match action {
        Action::Join(member) => of(joins(config, member), member),
        Action::Leave(member) => of(Fault::Leave, member),
        Action::Kill(member) => of(Fault::Kill, member),
        Action::Vanish(member) => of(Fault::Vanish, member),
        Action::Pause(member) => of(Fault::Pause, member),
        Action::Resume(member) => of(Fault::Resume, member),
        Action::Cut { member, server } => match server {
            Server::Broker(_) => of(Fault::CutBroker, member),
            Server::NameServer(_) => of(Fault::CutNameServer, member),
        },
        Action::Heal { member, .. } => of(Fault::Heal, member),
        Action::Slow { member, .. } => of(Fault::Slow, member),
        Action::Subscribe { member, .. } => of(Fault::Subscribe, member),
        Action::SetListener { member, .. } => of(Fault::SetListener, member),
        Action::SetThreads { member, .. } => of(Fault::SetThreads, member),
        Action::Forward { member, .. } => of(Fault::Forward, member),
        Action::SetMaxReconsumeTimes { group, .. } => (Fault::SetRetries, Reach::Group(group)),
        Action::ResendDlq { group, .. } => (Fault::ResendDlq, Reach::Group(group)),
        Action::SetDlqPermission { group, .. } => (Fault::DlqPermission, Reach::Group(group)),
        Action::ResetOffset { group, .. } => (Fault::ResetOffset, Reach::Group(group)),
        Action::Busy { .. } => (Fault::Busy, Reach::All),
        Action::SetRate { .. } => (Fault::SetRate, Reach::All),
        Action::QueryMessage { .. } => (Fault::QueryMessage, Reach::All),
        Action::StopBroker { crash: true, .. } => (Fault::BrokerCrashes, Reach::All),
        Action::StopBroker { crash: false, .. } => (Fault::BrokerLeaves, Reach::All),
        Action::StartBroker(_) => (Fault::BrokerStarts, Reach::All),
        Action::UpdateTopic { .. } => (Fault::TopicUpdated, Reach::All),
    }
}

/// A member that joins is new, or the next life of one, under the same client id or another.
fn joins(config: &ClusterConfig, member: Member) -> Fault {
    let consumers = &config.groups[member.group.index()].consumers;
    let this = &consumers[member.consumer as usize];
    if this.life == 1 {
        return Fault::Join;
    }
    let is_last = |other: &&crate::cluster::config::ConsumerConfig| {
        other.name == this.name && other.life + 1 == this.life
    };
    match consumers.iter().find(is_last) {
        Some(last) if last.client_id == this.client_id => Fault::RestartSameId,
        _ => Fault::RestartNewId,
    }
}
