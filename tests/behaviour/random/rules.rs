//! What must hold in every cluster, fact by fact. What must hold when all is over is in `outcome`.

use crate::random::cases::{LEVEL_SECONDS, ms};
use crate::random::filtering::Filtering;
use crate::random::orderly;
use crate::random::trouble::Trouble;
use crate::support::Recorder;
use rmqsim::cluster::Finished;
use rmqsim::cluster::config::{ClusterConfig, Delivery, GroupConfig, RocketMqVersion};
use rmqsim::cluster::fact::{Fact, PullFailure, PullResult, RequestKind};
use rmqsim::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId};
use rmqsim::kernel::time::{SimDuration, SimTime};
use std::collections::{BTreeMap, BTreeSet};

/// The longest time between two signs of a pull loop: an answer that never comes is given up after 31 s, and asked
/// for again after 1 s. The rest is for the slowest network of these cases.
const LONGEST_PULL: SimDuration = SimDuration::from_secs(31 + 1 + 6);
/// A new queue is pulled when the start offsets of all new queues of its topic have come, and all heartbeats.
const LONGEST_FIRST_PULL: SimDuration = SimDuration::from_secs(90);
/// A round in which every broker answers, on the slowest network of these cases.
const LONGEST_ROUND: SimDuration = SimDuration::from_secs(90);
/// A trouble is felt for so long after its end: a pull has waited in vain for up to 31 s.
const AFTERMATH: SimDuration = SimDuration::from_secs(32);

/// One hold of a queue by a client, and how far its listener has come.
#[derive(Clone, Debug)]
pub struct Hold {
    next_delivery: u64,
    /// What a filter has passed over from there on.
    passed: BTreeSet<u64>,
    /// Failed and maybe not sent back: these may come again, with a higher count.
    failed: BTreeMap<u64, u16>,
    /// Last sign of its pull loop.
    last_sign: SimTime,
    started: bool,
    /// It is the first hold of the queue by this client: whatever the pull loop shows belongs to it.
    first: bool,
    at_broker: bool,
    found: u32,
    cached: u32,
}

/// How far a group has come in a queue.
#[derive(Debug, Default)]
pub struct Done {
    /// Everything below is finished.
    pub lowest: u64,
    above: BTreeSet<u64>,
}

impl Done {
    fn add(&mut self, offset: u64) {
        if offset >= self.lowest {
            self.above.insert(offset);
        }
        while self.above.remove(&self.lowest) {
            self.lowest += 1;
        }
    }
}

/// The rebalance thread of a client.
#[derive(Clone, Copy, Debug)]
enum Thread {
    /// Since the client started, or its last round ended.
    Sleeps(SimTime),
    Works(SimTime),
}

/// Checks facts in their order and remembers what the rules need.
pub struct Judge<'a> {
    pub config: &'a ClusterConfig,
    pub done: &'a Finished<Recorder>,
    trouble: Trouble<'a>,
    pub alive: BTreeSet<ConsumerId>,
    gone: BTreeMap<ConsumerId, SimTime>,
    pub paused: BTreeSet<ConsumerId>,
    resumed: BTreeMap<ConsumerId, SimTime>,
    /// Whom a broker has given up, and who has not noticed yet.
    expired: BTreeSet<(BrokerId, ConsumerId)>,
    pub holds: BTreeMap<(ConsumerId, QueueId), Hold>,
    held_before: BTreeSet<(ConsumerId, QueueId)>,
    /// Who does not have the lock of a queue that it holds: it does not pull.
    unlocked: BTreeSet<(ConsumerId, QueueId)>,
    /// `reconsumeTimes` of all records.
    pub stored: BTreeMap<(QueueId, u64), u16>,
    pub delivered: BTreeSet<(GroupId, QueueId, u64)>,
    /// Consumed, sent back or skipped.
    pub finished: BTreeMap<(GroupId, QueueId), Done>,
    pub committed: BTreeMap<(GroupId, QueueId), u64>,
    failed: BTreeMap<(GroupId, QueueId, u64), u32>,
    /// How often the listener was called with a record.
    called: BTreeMap<(GroupId, QueueId, u64), u32>,
    sent_back: BTreeMap<(GroupId, QueueId, u64), u32>,
    threads: BTreeMap<ConsumerId, Thread>,
    pub retries_waiting: BTreeMap<GroupId, i64>,
    pub retries: BTreeMap<GroupId, u64>,
    pub born: u64,
    pub given_up: u64,
    /// When a dead letter last came to a queue.
    pub last_dead: BTreeMap<QueueId, SimTime>,
    /// Numbers of queues that are read, by topic and broker.
    pub read: BTreeMap<(u32, BrokerId), u32>,
    /// Heartbeats that reached a broker in the last part of the rest.
    pub heartbeats: BTreeMap<BrokerId, u64>,
    pub filtering: Filtering,
}

impl<'a> Judge<'a> {
    pub fn new(config: &'a ClusterConfig, done: &'a Finished<Recorder>) -> Self {
        let topics = config.topics.iter().enumerate();
        let read = topics.flat_map(|(topic, settings)| {
            let placement = settings.placement.iter();
            placement.map(move |(broker, numbers)| ((topic as u32, *broker), numbers.read))
        });
        Self {
            config,
            done,
            trouble: Trouble::new(config),
            alive: BTreeSet::new(),
            gone: BTreeMap::new(),
            paused: BTreeSet::new(),
            resumed: BTreeMap::new(),
            expired: BTreeSet::new(),
            holds: BTreeMap::new(),
            held_before: BTreeSet::new(),
            unlocked: BTreeSet::new(),
            stored: BTreeMap::new(),
            delivered: BTreeSet::new(),
            finished: BTreeMap::new(),
            committed: BTreeMap::new(),
            failed: BTreeMap::new(),
            called: BTreeMap::new(),
            sent_back: BTreeMap::new(),
            threads: BTreeMap::new(),
            retries_waiting: BTreeMap::new(),
            retries: BTreeMap::new(),
            born: 0,
            given_up: 0,
            last_dead: BTreeMap::new(),
            read: read.collect(),
            heartbeats: BTreeMap::new(),
            filtering: Filtering::new(config, &done.directory),
        }
    }

    pub fn group_of(&self, consumer: ConsumerId) -> &'a GroupConfig {
        let group = self.done.directory.consumer(consumer).group;
        &self.config.groups[group.index()]
    }

    fn broker_of(&self, queue: QueueId) -> BrokerId {
        self.done.directory.queue(queue).broker
    }

    fn label(&self, queue: QueueId) -> String {
        self.done.directory.queue_label(queue)
    }

    pub fn judge(mut self) {
        for (time, fact) in &self.done.observer.0 {
            self.trouble.advance(*time);
            self.process_is_there(*time, fact);
            self.processes(*time, fact);
            self.messages(*time, fact);
            self.rounds(*time, fact);
            self.pull_loops(*time, fact);
            self.connections(*time, fact);
            self.locks(*time, fact);
            if let Fact::DeadLettered { dlq_queue, .. } = fact {
                self.last_dead.insert(*dlq_queue, *time);
            }
        }
        let end = self.done.end;
        self.trouble.advance(end);
        for (consumer, queue) in self.holds.keys().copied().collect::<Vec<_>>() {
            self.sign_of_life(end, consumer, queue);
        }
        for consumer in self.alive.clone() {
            self.thread_is_not_stuck(end, consumer);
        }
        self.end();
    }

    // ---- processes ------------------------------------------------------------------------------------------

    /// Nothing happens in a client before its start, while it is stopped, or after its end.
    fn process_is_there(&self, now: SimTime, fact: &Fact) {
        let consumer = match fact {
            Fact::ConnectionLost { consumer, .. }
            | Fact::PullFailed { consumer, .. }
            | Fact::QueueAcquired { consumer, .. }
            | Fact::RebalanceBegan { consumer, .. }
            | Fact::RebalanceEnded { consumer, .. }
            | Fact::FlowControlled { consumer, .. }
            | Fact::Cached { consumer, .. }
            | Fact::Delivered { consumer, .. }
            | Fact::Filtered { consumer, .. }
            | Fact::Consumed { consumer, .. } => *consumer,
            // Its queues are let go in the same instant.
            Fact::QueueReleased { consumer, .. } if self.gone.get(consumer) == Some(&now) => return,
            Fact::QueueReleased { consumer, .. } => *consumer,
            _ => return,
        };
        assert!(
            self.alive.contains(&consumer),
            "{fact:?} of a client that is gone"
        );
        assert!(
            !self.paused.contains(&consumer),
            "{fact:?} of a client that is stopped"
        );
    }

    fn processes(&mut self, now: SimTime, fact: &Fact) {
        match fact {
            Fact::ConsumerStarted { consumer } => {
                assert!(self.alive.insert(*consumer));
                self.threads.insert(*consumer, Thread::Sleeps(now));
            }
            Fact::ConsumerPaused { consumer } => assert!(self.paused.insert(*consumer)),
            Fact::ConsumerResumed { consumer } => {
                assert!(self.paused.remove(consumer));
                self.resumed.insert(*consumer, now);
            }
            Fact::ConsumerStopped { consumer, .. } => {
                self.paused.remove(consumer);
                assert!(self.alive.remove(consumer) && self.gone.insert(*consumer, now).is_none());
            }
            Fact::TopicUpdated {
                topic, broker, read, ..
            } => {
                self.read.insert((topic.0, *broker), *read);
            }
            _ => {}
        }
    }

    /// Since when a client and all its links have been as they should; `None` if they are not.
    fn well_since(&self, consumer: ConsumerId) -> Option<SimTime> {
        let links = self.trouble.calm_since(consumer)?;
        let resumed = self.resumed.get(&consumer).copied().unwrap_or(SimTime::ZERO);
        (!self.paused.contains(&consumer)).then_some(links.max(resumed))
    }

    // ---- rounds ---------------------------------------------------------------------------------------------

    /// Rounds of one client are 1 s apart from 5.2 on, and 20 s at most.
    fn rounds(&mut self, now: SimTime, fact: &Fact) {
        match fact {
            Fact::RebalanceBegan { consumer, .. } => {
                let Thread::Sleeps(since) = self.threads[consumer] else {
                    panic!("two rounds at once")
                };
                let least = match self.config.version {
                    RocketMqVersion::V4_9 => SimDuration::ZERO,
                    RocketMqVersion::V5_3 => SimDuration::from_secs(1),
                };
                assert!(now.since(since) >= least);
                self.thread_is_not_stuck(now, *consumer);
                self.threads.insert(*consumer, Thread::Works(now));
            }
            Fact::RebalanceEnded { consumer, .. } => {
                assert!(matches!(self.threads[consumer], Thread::Works(_)));
                self.thread_is_not_stuck(now, *consumer);
                self.threads.insert(*consumer, Thread::Sleeps(now));
            }
            _ => {}
        }
    }

    /// A round comes 20 s after the last one at the latest, and ends, if the brokers can be reached.
    fn thread_is_not_stuck(&self, now: SimTime, consumer: ConsumerId) {
        if self.paused.contains(&consumer) {
            return;
        }
        match self.threads[&consumer] {
            Thread::Sleeps(since) => {
                let since = since.max(self.resumed.get(&consumer).copied().unwrap_or_default());
                let most =
                    self.group_of(consumer).tuning.startup_time.duration() + SimDuration::from_secs(20);
                assert!(now.since(since) <= most, "no round since {since}, now {now}");
            }
            Thread::Works(since) => {
                if let Some(well) = self.well_since(consumer) {
                    let since = since.max(well);
                    assert!(
                        now.since(since) <= LONGEST_ROUND,
                        "a round never ends: {since}, {now}"
                    );
                }
            }
        }
    }

    // ---- pulls ----------------------------------------------------------------------------------------------

    /// H2: a hold lasts no longer than its time and one sweep; one that ends with nothing, no shorter. A client has
    /// one pull of a queue under way at most. No pull loop is ever lost.
    fn pull_loops(&mut self, now: SimTime, fact: &Fact) {
        let (consumer, queue) = match fact {
            Fact::PullHeld { consumer, queue }
            | Fact::PullAnswered { consumer, queue, .. }
            | Fact::PullFailed { consumer, queue, .. }
            | Fact::FlowControlled { consumer, queue, .. }
            | Fact::QueueReleased { consumer, queue, .. }
            | Fact::Pushed { consumer, queue, .. }
            | Fact::Cached { consumer, queue, .. } => (*consumer, *queue),
            _ => return,
        };
        if let Fact::PullAnswered { .. } = fact {
            self.pull_answered(fact);
        }
        if self.alive.contains(&consumer) {
            self.sign_of_life(now, consumer, queue);
        }
        let Some(hold) = self.holds.get_mut(&(consumer, queue)) else {
            return;
        };
        (hold.last_sign, hold.started) = (now, true);
        if let Fact::QueueReleased { .. } = fact {
            self.holds.remove(&(consumer, queue));
            return;
        }
        if !hold.first {
            return;
        }
        match fact {
            Fact::PullHeld { .. } => {
                assert!(
                    !std::mem::replace(&mut hold.at_broker, true),
                    "two pulls are held"
                );
            }
            Fact::PullAnswered { result, .. } => {
                hold.at_broker = false;
                hold.found += u32::from(*result == PullResult::Found);
            }
            Fact::PullFailed { .. } => hold.at_broker = false,
            Fact::Pushed { .. } => hold.found += 1,
            Fact::Cached { .. } => {
                hold.cached += 1;
                assert!(hold.cached <= hold.found, "an answer arrives twice");
            }
            _ => {}
        }
    }

    /// A pull loop has shown itself lately, unless its client or one of its links was in trouble.
    fn sign_of_life(&self, now: SimTime, consumer: ConsumerId, queue: QueueId) {
        let (Some(hold), Some(well)) = (self.holds.get(&(consumer, queue)), self.well_since(consumer)) else {
            return;
        };
        if self.unlocked.contains(&(consumer, queue)) {
            return;
        }
        // An order stands in silence. An application that pulls on its clock is silent while it works.
        if matches!(
            self.group_of(consumer).delivery,
            Delivery::Push { .. } | Delivery::Pull { .. }
        ) {
            return;
        }
        let since = hold.last_sign.max(well);
        let most = if hold.started {
            LONGEST_PULL
        } else {
            LONGEST_FIRST_PULL
        };
        assert!(
            now.since(since) <= most,
            "{}: no sign of its pull loop at {consumer:?} since {since}, now {now}",
            self.label(queue)
        );
    }

    fn pull_answered(&self, fact: &Fact) {
        let Fact::PullAnswered {
            consumer,
            result,
            held,
            messages,
            ..
        } = fact
        else {
            unreachable!()
        };
        let (timeout, sweep) = if self.config.broker_tuning.long_polling_enable {
            (
                self.group_of(*consumer)
                    .tuning
                    .broker_suspend_max_time_millis
                    .duration(),
                ms(5000),
            )
        } else {
            (ms(1000), ms(1000))
        };
        assert!(*held <= timeout + sweep, "H2: held for {held}");
        assert_eq!(*result == PullResult::Found, *messages > 0);
        // Only long polls wait.
        let waits = self.group_of(*consumer).delivery == Delivery::LongPolling;
        assert!(
            *result != PullResult::NotFound || *held >= timeout || !waits,
            "held for {held} only"
        );
        assert!(waits || held.is_zero());
    }

    // ---- locks ----------------------------------------------------------------------------------------------

    /// What tells an orderly client whether it may pull, and where it goes on.
    fn locks(&mut self, now: SimTime, fact: &Fact) {
        match fact {
            Fact::LockRefused { consumer, queue } => {
                self.unlocked.insert((*consumer, *queue));
            }
            Fact::QueueLocked { consumer, queue } => {
                let was_unlocked = self.unlocked.remove(&(*consumer, *queue));
                if let Some(hold) = self.holds.get_mut(&(*consumer, *queue)).filter(|_| was_unlocked) {
                    hold.last_sign = now;
                }
            }
            Fact::StartOffsetChanged {
                consumer,
                queue,
                start_offset: offset,
            }
            | Fact::QueueSuspended {
                consumer,
                queue,
                offset,
                ..
            } => {
                let hold = self.holds.get_mut(&(*consumer, *queue));
                let hold = hold.expect("who goes back holds the queue");
                assert!(hold.next_delivery > *offset || !matches!(fact, Fact::QueueSuspended { .. }));
                hold.next_delivery = *offset;
            }
            _ => {}
        }
    }

    // ---- connections ----------------------------------------------------------------------------------------

    /// Connections break, pulls fail and members expire for a reason.
    fn connections(&mut self, now: SimTime, fact: &Fact) {
        match fact {
            Fact::MemberExpired { broker, consumer } => {
                self.expired.insert((*broker, *consumer));
                let well = self
                    .well_since(*consumer)
                    .filter(|_| self.alive.contains(consumer));
                let silent = well.is_none_or(|since| now.since(since) < SimDuration::from_secs(40));
                assert!(silent, "a healthy client expired");
            }
            Fact::ConnectionLost { broker, consumer } => {
                let calm = self.trouble.link_calm_since(*consumer, *broker);
                let disturbed =
                    calm.is_none_or(|since| now.since(since) <= AFTERMATH && since > SimTime::ZERO);
                let expired = self.expired.remove(&(*broker, *consumer));
                assert!(disturbed || expired, "a healthy connection breaks");
            }
            Fact::PullFailed {
                consumer,
                queue,
                cause: PullFailure::Timeout,
            } => {
                let calm = self.trouble.link_calm_since(*consumer, self.broker_of(*queue));
                let disturbed =
                    calm.is_none_or(|since| now.since(since) <= AFTERMATH && since > SimTime::ZERO);
                assert!(
                    disturbed || self.resumed.contains_key(consumer),
                    "a pull fails on a healthy link"
                );
            }
            Fact::Request {
                broker,
                kind: RequestKind::Heartbeat,
                ..
            } if self.done.end.since(now) <= SimDuration::from_secs(95) => {
                *self.heartbeats.entry(*broker).or_default() += 1;
            }
            _ => {}
        }
    }

    // ---- messages -------------------------------------------------------------------------------------------

    fn messages(&mut self, now: SimTime, fact: &Fact) {
        match fact {
            Fact::Born { message, luck, .. } => {
                self.born += 1;
                self.filtering.born(*message, *luck);
            }
            Fact::SendRefused { gave_up, .. } => self.given_up += u64::from(*gave_up),
            Fact::Stored {
                queue,
                offset,
                message,
                ..
            } => {
                self.filtering.stored(*queue, *offset, *message);
                assert!(self.stored.insert((*queue, *offset), 0).is_none());
            }
            Fact::RetryStored {
                group,
                queue,
                offset,
                reconsume_times,
                ..
            } => {
                assert!(self.stored.insert((*queue, *offset), *reconsume_times).is_none());
                *self.retries_waiting.entry(*group).or_default() -= 1;
                *self.retries.entry(*group).or_default() += 1;
            }
            Fact::Filtered {
                consumer,
                group,
                queue,
                from,
                to,
                ..
            } => {
                let done = self.finished.entry((*group, *queue)).or_default();
                (*from..*to).for_each(|offset| done.add(offset));
                self.filtering.passed(*group, *queue, *from..*to);
                let hold = self.holds.get_mut(&(*consumer, *queue));
                hold.expect("who passes over holds the queue")
                    .passed
                    .extend(*from..*to);
            }
            Fact::OffsetsSkipped {
                group,
                queue,
                from,
                to,
                ..
            } => {
                let done = self.finished.entry((*group, *queue)).or_default();
                (*from..*to).for_each(|offset| done.add(offset));
            }
            Fact::OffsetCommitted {
                group,
                queue,
                old,
                new,
                ..
            } => {
                let before = self.committed.insert((*group, *queue), *new);
                assert_eq!(before, *old);
                let lowest = self.lowest_unfinished(*group, *queue);
                assert!(
                    *new <= lowest,
                    "P1: {new} is committed, but {lowest} is not finished"
                );
            }
            Fact::QueueAcquired { .. } | Fact::Delivered { .. } | Fact::Consumed { .. } => {
                self.consuming(now, fact)
            }
            Fact::RetryScheduled { .. } | Fact::DeadLettered { .. } => self.sent_back(fact),
            _ => {}
        }
    }

    pub fn lowest_unfinished(&mut self, group: GroupId, queue: QueueId) -> u64 {
        self.finished.entry((group, queue)).or_default().lowest
    }

    /// Each hold delivers every offset once, in order, from its start, and only while it lasts; but what has failed
    /// and could not be sent back comes again, with one attempt more.
    fn consuming(&mut self, now: SimTime, fact: &Fact) {
        match fact {
            Fact::QueueAcquired {
                consumer,
                queue,
                start_offset,
                ..
            } => {
                let hold = Hold {
                    next_delivery: *start_offset,
                    passed: BTreeSet::new(),
                    failed: BTreeMap::new(),
                    last_sign: now,
                    started: false,
                    first: self.held_before.insert((*consumer, *queue)),
                    at_broker: false,
                    found: 0,
                    cached: 0,
                };
                assert!(self.holds.insert((*consumer, *queue), hold).is_none());
            }
            Fact::Delivered {
                consumer,
                group,
                queue,
                offset,
                reconsume_times,
                ..
            } => {
                let in_order = orderly::settings(&self.config.groups[group.index()]).is_some();
                let hold = self.holds.get_mut(&(*consumer, *queue));
                let hold = hold.expect("who delivers holds the queue");
                match hold.failed.remove(offset).filter(|_| !in_order) {
                    Some(times) => assert_eq!(*reconsume_times, times + 1),
                    None => {
                        // A batch that comes again has the same gaps.
                        while hold.next_delivery < *offset && hold.passed.contains(&hold.next_delivery) {
                            hold.next_delivery += 1;
                        }
                        assert_eq!(hold.next_delivery, *offset);
                        hold.next_delivery += 1;
                        let stored = self.stored[&(*queue, *offset)];
                        assert!(stored == *reconsume_times || in_order && stored < *reconsume_times);
                    }
                }
                self.delivered.insert((*group, *queue, *offset));
                *self.called.entry((*group, *queue, *offset)).or_default() += 1;
            }
            Fact::Consumed {
                consumer,
                group,
                queue,
                offset,
                success,
                reconsume_times,
                ..
            } => {
                let hold = self.holds.get_mut(&(*consumer, *queue));
                let hold = hold.expect("who consumes holds the queue");
                if *success {
                    self.finished.entry((*group, *queue)).or_default().add(*offset);
                } else {
                    hold.failed.insert(*offset, *reconsume_times);
                    *self.failed.entry((*group, *queue, *offset)).or_default() += 1;
                }
            }
            _ => unreachable!(),
        }
    }

    /// A failure is sent back at most once, at the level that the stored count of attempts asks for, until that is
    /// full. Where links are in trouble, a message may also go to the retry topic as an ordinary one, with the attempts
    /// that the client has counted.
    fn sent_back(&mut self, fact: &Fact) {
        let (group, queue, offset, times, level) = match fact {
            Fact::RetryScheduled {
                group,
                queue,
                offset,
                reconsume_times,
                level,
                delay,
                ..
            } => {
                assert_eq!(
                    *delay,
                    SimDuration::from_secs(LEVEL_SECONDS[usize::from(*level) - 1])
                );
                *self.retries_waiting.entry(*group).or_default() += 1;
                (*group, *queue, *offset, *reconsume_times, Some(*level))
            }
            Fact::DeadLettered {
                group,
                queue,
                offset,
                reconsume_times,
                ..
            } => (*group, *queue, *offset, *reconsume_times, None),
            _ => unreachable!(),
        };
        let tuning = &self.config.groups[group.index()].tuning;
        let before = self.stored[&(queue, offset)];
        if orderly::settings(&self.config.groups[group.index()]).is_some() {
            assert!(level.is_none() && i32::from(times) > tuning.max_reconsume_times);
            return self.finished.entry((group, queue)).or_default().add(offset);
        }
        let max = u16::try_from(tuning.max_reconsume_times).unwrap_or(16);
        let expected = match tuning.delay_level_when_next_consume {
            _ if before >= max => None,
            ..0 => None,
            0 => Some((3 + before as u8).min(LEVEL_SECONDS.len() as u8)),
            level => Some(level as u8),
        };
        let back = times == before + 1 && level == expected || level == Some(3) && self.overdue_possible();
        assert!(
            back || self.trouble.is_expected() && self.is_ordinary(times, before, max, level),
            "{fact:?}: expected level {expected:?}"
        );
        let failed = self.failed.get(&(group, queue, offset)).copied().unwrap_or(0);
        let twice = 1 + u32::from(self.trouble.is_expected());
        let called = match self.overdue_possible() {
            true => self.called[&(group, queue, offset)],
            false => 0,
        };
        let sent = self.sent_back.entry((group, queue, offset)).or_default();
        *sent += 1;
        assert!(
            *sent <= failed * twice + called * 2,
            "sent back more often than it failed"
        );
        self.finished.entry((group, queue)).or_default().add(offset);
    }

    /// Whether listener calls may take longer than `consumeTimeout`, so that messages are sent back without a failure.
    fn overdue_possible(&self) -> bool {
        self.config
            .groups
            .iter()
            .any(|group| group.tuning.consume_timeout.0 == 1)
    }

    /// Whether a copy may have gone to the retry topic as an ordinary message.
    fn is_ordinary(&self, times: u16, before: u16, max: u16, level: Option<u8>) -> bool {
        let dead = match self.config.version {
            RocketMqVersion::V4_9 => times >= max,
            RocketMqVersion::V5_3 => times > max,
        };
        let expected = (2 + times).min(LEVEL_SECONDS.len() as u16) as u8;
        times > before && level == (!dead).then_some(expected)
    }
}
