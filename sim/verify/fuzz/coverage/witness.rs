//! Sees rare things happen, by the facts of one run.

use super::Probe;
use super::unread::Unread;
use crate::cluster::broker::schedule_message::DelayLevels;
use crate::cluster::config::{ClusterConfig, MessageModel};
use crate::cluster::directory::{Directory, TopicKind};
use crate::cluster::fact::{
    CommitVia, DropCause, Fact, FilteredBy, FlowControlCause, NoStatus, PullFailure, PullResult,
    RebalanceTrigger, StartOffsetRule, StopKind,
};
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId, TopicId};
use crate::cluster::network::Server;
use crate::kernel::time::{SimDuration, SimTime};
use std::collections::{BTreeMap, BTreeSet};

/// What it must remember to tell what is rare.
pub(super) struct Witness<'c> {
    config: &'c ClusterConfig,
    /// Probes seen, a bit each.
    pub(super) hits: u128,
    /// The last level.
    top: u8,
    held: BTreeSet<(ConsumerId, QueueId)>,
    owners: BTreeSet<(QueueId, ConsumerId)>,
    owned: BTreeSet<(ConsumerId, QueueId)>,
    queues_of: BTreeMap<ConsumerId, u32>,
    locks: BTreeMap<(GroupId, QueueId), ConsumerId>,
    effects: BTreeSet<(GroupId, u64)>,
    delivered: BTreeMap<(GroupId, QueueId, u64), u32>,
    with: BTreeMap<(GroupId, QueueId, u64), ConsumerId>,
    reads: BTreeMap<(TopicId, BrokerId), u32>,
    unread: Unread,
    last_step: Option<SimTime>,
    paused: BTreeSet<ConsumerId>,
    cut: BTreeSet<(ConsumerId, Server)>,
}

impl<'c> Witness<'c> {
    pub(super) fn new(config: &'c ClusterConfig) -> Self {
        let levels = DelayLevels::parse(&config.broker_tuning.message_delay_level);
        let topics = (0..).map(TopicId).zip(&config.topics);
        let reads = topics.flat_map(|(topic, settings)| {
            let placement = settings.placement.iter();
            placement.map(move |(broker, queues)| ((topic, *broker), queues.read))
        });
        Self {
            config,
            hits: 0,
            top: levels.map_or(u8::MAX, |levels| levels.max_level() as u8),
            held: BTreeSet::new(),
            owners: BTreeSet::new(),
            owned: BTreeSet::new(),
            queues_of: BTreeMap::new(),
            locks: BTreeMap::new(),
            effects: BTreeSet::new(),
            delivered: BTreeMap::new(),
            with: BTreeMap::new(),
            reads: reads.collect(),
            unread: Unread::default(),
            last_step: None,
            paused: BTreeSet::new(),
            cut: BTreeSet::new(),
        }
    }

    fn hit(&mut self, probe: Probe) {
        self.hits |= 1 << probe as u32;
    }

    fn hit_if(&mut self, condition: bool, probe: Probe) {
        if condition {
            self.hit(probe);
        }
    }

    pub(super) fn end(&mut self) {
        self.hit_if(!self.paused.is_empty(), Probe::PausedAtEnd);
        self.hit_if(!self.cut.is_empty(), Probe::CutAtEnd);
    }

    pub(super) fn observe(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        let unread = self.unread.is_hit(self.config, directory, fact);
        self.hit_if(unread, Probe::ExpiredUnread);
        match *fact {
            Fact::TimelineStep { .. } => self.step(now),
            Fact::QueueCreated { queue } => {
                let is_users = directory.topic(directory.queue(queue).topic).kind == TopicKind::User;
                self.hit_if(is_users && now > SimTime::ZERO, Probe::QueueAdded);
            }
            Fact::TopicUpdated {
                topic, broker, read, ..
            } => {
                let before = self.reads.insert((topic, broker), read);
                self.hit_if(before.is_some_and(|before| read < before), Probe::TopicShrunk);
            }
            Fact::BrokerStopped { broker, crash } => {
                // Nobody holds anything there any more.
                self.held
                    .retain(|(_, queue)| directory.queue(*queue).broker != broker);
                self.hit(if crash {
                    Probe::BrokerCrashed
                } else {
                    Probe::BrokerStopped
                });
            }
            Fact::BrokerStarted { .. } => self.hit(Probe::BrokerStarted),
            Fact::LinkCut { consumer, server } => _ = self.cut.insert((consumer, server)),
            Fact::LinkHealed { consumer, server } => _ = self.cut.remove(&(consumer, server)),
            Fact::SendRefused { gave_up, .. } => {
                self.hit(Probe::SendRefused);
                self.hit_if(gave_up, Probe::SendGaveUp);
            }
            Fact::MessageFound { .. } => self.hit(Probe::Found),
            Fact::Expired { .. } => self.hit(Probe::Expired),
            _ => {
                self.client(fact);
                self.pull(fact);
                self.round(directory, fact);
                self.progress(fact);
                self.listener(directory, fact);
                self.failure(fact);
                self.order(directory, fact);
            }
        }
    }

    fn step(&mut self, now: SimTime) {
        self.hit_if(self.last_step == Some(now), Probe::Tie);
        self.hit_if(now == SimTime::ZERO, Probe::AtZero);
        let end = SimTime::ZERO + self.config.duration;
        self.hit_if(end.since(now) <= SimDuration::from_secs(1), Probe::InLastSecond);
        self.last_step = Some(now);
    }

    fn client(&mut self, fact: &Fact) {
        match *fact {
            Fact::ConsumerPaused { consumer } => _ = self.paused.insert(consumer),
            Fact::ConsumerResumed { consumer } => _ = self.paused.remove(&consumer),
            Fact::ConsumerStopped { consumer, how } => {
                self.paused.remove(&consumer);
                let mut held = self
                    .held
                    .range((consumer, QueueId(0))..=(consumer, QueueId(u32::MAX)));
                let orphaned = held.next().is_some();
                self.hit_if(orphaned, Probe::HoldOrphaned);
                // Its calls are over, or cut off.
                self.with.retain(|_, other| *other != consumer);
                self.hit_if(how == StopKind::StartFailed, Probe::StartFailed);
            }
            Fact::MemberExpired { .. } => self.hit(Probe::MemberExpired),
            Fact::ConnectionLost { .. } => self.hit(Probe::ConnectionLost),
            Fact::ThreadsSet { .. } => self.hit(Probe::ThreadsSet),
            _ => {}
        }
    }

    fn pull(&mut self, fact: &Fact) {
        match *fact {
            Fact::PullHeld { consumer, queue, .. } => _ = self.held.insert((consumer, queue)),
            Fact::PullAnswered {
                consumer,
                queue,
                result,
                held,
                ..
            } => {
                self.held.remove(&(consumer, queue));
                self.hit_if(result == PullResult::Found && !held.is_zero(), Probe::HoldWoken);
                let empty = result == PullResult::NotFound;
                self.hit_if(empty && !held.is_zero(), Probe::HoldSwept);
                self.hit_if(empty && held.is_zero(), Probe::AnsweredAtOnce);
                self.hit_if(result == PullResult::NoMatched, Probe::NoMatch);
                self.hit_if(result == PullResult::OffsetMoved, Probe::OffsetMoved);
            }
            Fact::PullFailed {
                consumer,
                queue,
                cause,
            } => {
                self.held.remove(&(consumer, queue));
                self.hit(match cause {
                    PullFailure::Connection => Probe::LostConnectionInPull,
                    PullFailure::Timeout => Probe::PullTimedOut,
                    PullFailure::IllegalQueue => Probe::IllegalQueue,
                    PullFailure::SubscriptionNotExist => Probe::NotSubscribed,
                    PullFailure::SubscriptionNotLatest => Probe::NotLatest,
                    PullFailure::SystemBusy => Probe::SystemBusy,
                    PullFailure::FlowControl => Probe::FlowControlReply,
                });
            }
            Fact::Pushed { .. } => self.hit(Probe::Pushed),
            Fact::FlowControlled { by, .. } => self.hit(match by {
                FlowControlCause::Count => Probe::ByCount,
                FlowControlCause::Size => Probe::BySize,
                FlowControlCause::Span => Probe::BySpan,
            }),
            _ => {}
        }
    }

    fn round(&mut self, directory: &Directory, fact: &Fact) {
        match *fact {
            Fact::QueueAcquired {
                consumer,
                queue,
                decided_by,
                ..
            } => {
                let group = directory.consumer(consumer).group;
                let shares = self.config.groups[group.index()].message_model == MessageModel::Clustering;
                let all = (queue, ConsumerId(0))..=(queue, ConsumerId(u32::MAX));
                let of_group = |(_, other): &(QueueId, ConsumerId)| directory.consumer(*other).group == group;
                let owned = self.owners.range(all).any(of_group);
                self.hit_if(shares && owned, Probe::TwoOwners);
                self.owners.insert((queue, consumer));
                let first = self.owned.insert((consumer, queue));
                self.hit_if(!first, Probe::TakenBack);
                *self.queues_of.entry(consumer).or_default() += 1;
                self.hit(match decided_by {
                    StartOffsetRule::Committed => Probe::FromCommitted,
                    StartOffsetRule::YoungQueue => Probe::FromYoung,
                    StartOffsetRule::ConsumeFromWhere => Probe::FromWhere,
                });
            }
            Fact::QueueReleased {
                consumer,
                queue,
                unfinished,
            } => {
                self.owners.remove(&(queue, consumer));
                if let Some(queues) = self.queues_of.get_mut(&consumer) {
                    *queues = queues.saturating_sub(1);
                }
                self.hit_if(unfinished > 0, Probe::ReleasedUnfinished);
            }
            Fact::RebalanceBegan { trigger, .. } => match trigger {
                RebalanceTrigger::Start => {}
                RebalanceTrigger::Notification => self.hit(Probe::ByNotification),
                RebalanceTrigger::Period => self.hit(Probe::ByPeriod),
                RebalanceTrigger::Unbalanced => self.hit(Probe::AgainUnbalanced),
                RebalanceTrigger::Reconnect => self.hit(Probe::ByReconnect),
                RebalanceTrigger::OffsetIllegal => self.hit(Probe::ByIllegalOffset),
            },
            Fact::RebalanceEnded {
                consumer, balanced, ..
            } => {
                self.hit_if(!balanced, Probe::NotBalanced);
                let has = self.queues_of.get(&consumer).copied().unwrap_or(0);
                self.hit_if(balanced && has == 0, Probe::WithoutQueues);
            }
            _ => {}
        }
    }

    fn progress(&mut self, fact: &Fact) {
        match *fact {
            Fact::OffsetCommitted { old, new, via, .. } => {
                let back = old.is_some_and(|old| new < old);
                let lawful = matches!(via, CommitVia::FellBack | CommitVia::Reset);
                self.hit_if(back && !lawful, Probe::CommitBack);
                self.hit(match via {
                    CommitVia::Pull => Probe::CommitByPull,
                    CommitVia::Update => Probe::CommitByUpdate,
                    CommitVia::FellBack => Probe::CommitFellBack,
                    CommitVia::Reset => Probe::CommitReset,
                });
            }
            Fact::LocalOffsetStored { .. } => self.hit(Probe::LocalOffset),
            Fact::OffsetReset { .. } => self.hit(Probe::OffsetReset),
            Fact::OffsetsSkipped { by_operator, .. } => self.hit(match by_operator {
                true => Probe::SkippedByOperator,
                false => Probe::SkippedByStart,
            }),
            Fact::Filtered { by, wanted, .. } => {
                self.hit_if(wanted, Probe::FilteredWanted);
                self.hit(match by {
                    FilteredBy::Broker => Probe::FilteredByBroker,
                    FilteredBy::Client => Probe::FilteredByClient,
                    FilteredBy::HashCollision => Probe::HashCollision,
                });
            }
            _ => {}
        }
    }

    fn listener(&mut self, directory: &Directory, fact: &Fact) {
        match *fact {
            Fact::Delivered {
                consumer,
                group,
                queue,
                offset,
                ..
            } => {
                let place = (group, queue, offset);
                let times = self.delivered.entry(place).or_default();
                *times += 1;
                let again = *times > 1;
                let shares = self.config.groups[group.index()].message_model == MessageModel::Clustering;
                self.hit_if(shares && again, Probe::TwiceDelivered);
                let other = self.with.insert(place, consumer);
                let at_once = other.is_some_and(|other| other != consumer);
                self.hit_if(shares && at_once, Probe::AtOnceTwice);
                let kind = directory.topic(directory.queue(queue).topic).kind;
                self.hit_if(matches!(kind, TopicKind::DeadLetter(_)), Probe::DeadRead);
            }
            Fact::Consumed {
                group,
                queue,
                offset,
                busy,
                ..
            }
            | Fact::ResultDiscarded {
                group,
                queue,
                offset,
                busy,
                ..
            } => {
                self.with.remove(&(group, queue, offset));
                self.hit_if(busy > SimDuration::from_secs(60), Probe::ListenerSlow);
                self.hit_if(matches!(fact, Fact::ResultDiscarded { .. }), Probe::Discarded);
            }
            Fact::NoStatus { how, .. } => self.hit(match how {
                NoStatus::Threw => Probe::Threw,
                NoStatus::ReturnedNull => Probe::Null,
                NoStatus::Hangs => Probe::Hangs,
            }),
            Fact::EffectHappened { group, identity } => {
                let first = self.effects.insert((group, identity));
                self.hit_if(!first, Probe::EffectTwice);
            }
            Fact::EffectSuppressed { .. } => self.hit(Probe::Suppressed),
            Fact::ConsumeTimedOut { .. } => self.hit(Probe::TimedOut),
            Fact::GuardPassed { waited, .. } => self.hit_if(!waited.is_zero(), Probe::GuardWaits),
            Fact::GuardBlocked { .. } => self.hit(Probe::GuardBlocks),
            Fact::Forwarded { .. } => self.hit(Probe::Forwarded),
            _ => {}
        }
    }

    fn failure(&mut self, fact: &Fact) {
        match *fact {
            Fact::RetryScheduled {
                reconsume_times,
                level,
                ..
            } => {
                self.hit(Probe::RetryScheduled);
                self.hit_if(reconsume_times == 3, Probe::ThirdRetry);
                self.hit_if(level == self.top, Probe::TopOfLadder);
            }
            Fact::RetryStored { again, .. } => self.hit_if(again, Probe::RetryAgain),
            Fact::LocalRetry { .. } => self.hit(Probe::LocalRetry),
            Fact::DeadLettered { reconsume_times, .. } => {
                self.hit(Probe::Dead);
                self.hit_if(reconsume_times <= 1, Probe::DeadAtOnce);
            }
            Fact::Resent { .. } => self.hit(Probe::Resent),
            Fact::Dropped { cause, .. } => self.hit(match cause {
                DropCause::Broadcasting => Probe::DroppedBroadcasting,
                DropCause::NoRetryQueue => Probe::DroppedNoQueue,
            }),
            _ => {}
        }
    }

    fn order(&mut self, directory: &Directory, fact: &Fact) {
        let lock = |consumer: ConsumerId, queue| (directory.consumer(consumer).group, queue);
        match *fact {
            Fact::QueueLocked { consumer, queue } => {
                self.hit(Probe::Locked);
                let before = self.locks.insert(lock(consumer, queue), consumer);
                self.hit_if(before.is_some_and(|before| before != consumer), Probe::LockTaken);
            }
            Fact::QueueUnlocked { consumer, queue } => {
                self.hit(Probe::Unlocked);
                let lock = lock(consumer, queue);
                if self.locks.get(&lock) == Some(&consumer) {
                    self.locks.remove(&lock);
                }
            }
            Fact::LockRefused { .. } => self.hit(Probe::LockRefused),
            Fact::StartOffsetChanged { .. } => self.hit(Probe::StartsElsewhere),
            Fact::QueueSuspended { rolled_back, .. } => {
                self.hit(if rolled_back {
                    Probe::RolledBack
                } else {
                    Probe::Suspended
                });
            }
            _ => {}
        }
    }
}
