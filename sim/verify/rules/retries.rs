//! Retries by the table (T1) and dead letters after exactly the last attempt (T2).
//!
//! A failure is sent back at most once, at the level that the stored count of attempts asks for, until that is full. While
//! a member of the group feels a trouble with the message's broker, it may also go to the retry topic as an ordinary one,
//! with the attempts that the client has counted, and several times if answers were lost. A call beyond `consumeTimeout`
//! is sent back at level 3 without a failure. A listener of the group may choose the level, and an operator may change
//! the limit.

use super::Judge;
use super::bounds::SHORTEST_PATIENCE;
use crate::cluster::broker::schedule_message::DelayLevels;
use crate::cluster::config::{Action, ClusterConfig, RocketMqVersion};
use crate::cluster::directory::Directory;
use crate::cluster::fact::Fact;
use crate::cluster::ids::{BrokerId, GroupId, MessageId, QueueId};
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::invariant::{Invariant, broken};
use std::collections::{BTreeMap, BTreeSet};

/// The level of a call that took too long.
const OVERDUE_LEVEL: u8 = 3;
/// A message that is sent back, and then in three attempts as an ordinary one; each may be stored though its answer is lost.
const SENDS_IN_TROUBLE: u32 = 1 + 3;
/// A level is looked at every 100 ms, and 1 s after the start of its broker.
const LATEST_LOOK: SimDuration = SimDuration::from_millis(1_100);

/// What a group may ask for.
#[derive(Clone, Debug, Default)]
struct Wishes {
    /// Limits of attempts, one for each time that an operator has set it.
    limits: BTreeSet<i32>,
    /// `delayLevelWhenNextConsume`, and what listeners choose.
    levels: BTreeSet<i32>,
}

/// Copies under way.
#[derive(Debug, Default)]
pub struct Retries {
    levels: DelayLevels,
    wishes: Vec<Wishes>,
    /// When each copy was scheduled, and for how long.
    waiting: BTreeMap<(GroupId, MessageId, u16), Vec<(SimTime, SimDuration)>>,
    /// Copies stored, by group.
    pub stored: Vec<u64>,
    /// When a dead letter last came to a queue.
    pub last_dead: BTreeMap<QueueId, SimTime>,
}

impl Retries {
    /// For one run of `config`.
    pub fn new(config: &ClusterConfig) -> Self {
        let wishes = config.groups.iter().enumerate().map(|(at, group)| {
            let consumers = group.consumers.iter().map(|consumer| &consumer.failure);
            let later = config.timeline.iter().filter_map(|entry| match entry.action {
                Action::SetListener { member, listener } if member.group.index() == at => {
                    Some(&config.listeners[listener as usize].failure)
                }
                _ => None,
            });
            let failures = consumers.chain(later);
            let chosen = failures
                .flat_map(|failure| &failure.rules)
                .filter_map(|rule| rule.delay_level);
            let usual = group.tuning.delay_level_when_next_consume;
            Wishes {
                limits: BTreeSet::from([group.tuning.max_reconsume_times]),
                levels: chosen.map(i32::from).chain([usual]).collect(),
            }
        });
        Self {
            levels: DelayLevels::parse(&config.broker_tuning.message_delay_level).unwrap_or_default(),
            wishes: wishes.collect(),
            stored: vec![0; config.groups.len()],
            ..Self::default()
        }
    }

    /// The most attempts that a group may ask for.
    pub fn most_attempts(&self, group: GroupId) -> u16 {
        let limits = &self.wishes[group.index()].limits;
        limits.iter().map(|limit| attempts(*limit)).max().unwrap_or(0)
    }

    fn level(&self, wished: i32, before: u16) -> Option<u8> {
        let level = if wished == 0 {
            3 + i32::from(before)
        } else {
            wished
        };
        (level > 0).then(|| level.min(self.levels.max_level() as i32) as u8)
    }
}

/// A limit as brokers of concurrent listeners take it: −1 stands for 16.
fn attempts(limit: i32) -> u16 {
    u16::try_from(limit).unwrap_or(16)
}

/// An instant told in seconds.
fn seconds(since_start: u32) -> SimTime {
    SimTime::ZERO + SimDuration::from_secs(u64::from(since_start))
}

impl Judge<'_> {
    pub(super) fn retries(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        match *fact {
            Fact::TimelineStep { step } => {
                let entry = self.config.timeline.get(step as usize);
                if let Some(Action::SetMaxReconsumeTimes { group, times }) = entry.map(|entry| entry.action) {
                    self.retries.wishes[group.index()].limits.insert(times);
                }
            }
            Fact::RetryScheduled {
                group,
                queue,
                offset,
                message,
                reconsume_times,
                level,
                delay,
            } => {
                let by_table = self.retries.levels.delay(i32::from(level));
                self.asked.must(now, Invariant::T1, delay == by_table, || {
                    let label = directory.message_label(message);
                    format!("{label}: level {level} waits {delay}, not {by_table}")
                });
                let key = (group, message, reconsume_times);
                self.retries.waiting.entry(key).or_default().push((now, delay));
                self.sent_back(
                    now,
                    directory,
                    (group, queue, offset),
                    reconsume_times,
                    Some(level),
                );
            }
            Fact::DeadLettered {
                group,
                queue,
                offset,
                dlq_queue,
                reconsume_times,
                ..
            } => {
                self.retries.last_dead.insert(dlq_queue, now);
                match self.is_orderly(group) {
                    true => self.dead_in_order(now, directory, (group, queue, offset), reconsume_times),
                    false => self.sent_back(now, directory, (group, queue, offset), reconsume_times, None),
                }
            }
            Fact::RetryStored {
                group,
                queue,
                message,
                reconsume_times,
                waited,
                again,
                ..
            } => {
                self.retries.stored[group.index()] += 1;
                self.active[group.index()] = now;
                if !again {
                    let broker = directory.queue(queue).broker;
                    self.copy_comes(now, directory, (group, message, reconsume_times), waited, broker);
                }
            }
            _ => {}
        }
    }

    /// A copy is stored once, when its delay is over and not much later.
    fn copy_comes(
        &mut self,
        now: SimTime,
        directory: &Directory,
        key: (GroupId, MessageId, u16),
        waited: SimDuration,
        broker: BrokerId,
    ) {
        let label = || directory.message_label(key.1);
        let waiting = &mut self.retries.waiting;
        let copies = waiting.get_mut(&key);
        let at = copies
            .as_ref()
            .and_then(|copies| copies.iter().position(|(since, _)| now.since(*since) == waited));
        let (Some(copies), Some(at)) = (copies, at) else {
            let text = format!(
                "{}: attempt {} comes after {waited}, and none was scheduled then",
                label(),
                key.2
            );
            broken(now, Invariant::T1, &text);
        };
        let (_, delay) = copies.swap_remove(at);
        if copies.is_empty() {
            waiting.remove(&key);
        }
        // A broker that was down looks when it is up again.
        let up = self.excuses.broker_calm_since(broker).unwrap_or(now);
        let was_down = up > SimTime::ZERO && now.since(up) <= LATEST_LOOK;
        let in_time = waited >= delay && (waited <= delay + LATEST_LOOK || was_down);
        self.asked.must(now, Invariant::T1, in_time, || {
            format!("{}: a copy of {delay} comes after {waited}", label())
        });
    }

    /// At the end no copy is overdue at a broker that is up.
    pub(super) fn no_copy_is_overdue(&self, end: SimTime, directory: &Directory) {
        let up = self.excuses.brokers_calm_since();
        if up.is_none_or(|up| up + LATEST_LOOK * 20 >= end) {
            return;
        }
        for ((group, message, times), copies) in &self.retries.waiting {
            for (since, delay) in copies {
                let due = *since + *delay + LATEST_LOOK;
                self.asked.must(end, Invariant::T1, due >= end, || {
                    let (name, label) = (&directory.group(*group).name, directory.message_label(*message));
                    format!("group {name}: attempt {times} of {label} was due at {due} and has not come")
                });
            }
        }
    }

    /// An orderly client gives a message up after exactly the last attempt. It counts one more for each time that it could
    /// not get rid of it, and may stand above a limit that was lowered.
    fn dead_in_order(
        &mut self,
        now: SimTime,
        directory: &Directory,
        (group, queue, offset): (GroupId, QueueId, u64),
        times: u16,
    ) {
        let slot = self.slots.slot(group, queue);
        let first_call = self.readings[slot].seen(offset).map_or(0, |seen| seen.first_call);
        let limits = &self.retries.wishes[group.index()].limits;
        let beyond = limits.len() > 1
            || self
                .excuses
                .was_felt_by_group_anywhere(seconds(first_call), group)
            || self.bounds.way * 2 >= SHORTEST_PATIENCE;
        // Whoever reads dead letters gets messages that have attempts behind them.
        let stored = self
            .records
            .get(queue, offset)
            .map_or(0, |record| record.reconsume_times);
        let is_last = limits.iter().filter(|limit| **limit >= 0).any(|limit| {
            let last = i64::from(*limit).max(i64::from(stored)) + 1;
            i64::from(times) == last || beyond && i64::from(times) > last
        });
        self.asked.must(now, Invariant::T2, is_last, || {
            let (name, label) = (&directory.group(group).name, directory.queue_label(queue));
            format!(
                "group {name}, {label}: offset {offset} is dead with {times} attempts, limits are {limits:?}"
            )
        });
        self.readings[slot].finish(offset);
    }

    fn sent_back(
        &mut self,
        now: SimTime,
        directory: &Directory,
        (group, queue, offset): (GroupId, QueueId, u64),
        times: u16,
        level: Option<u8>,
    ) {
        let reading = self.slots.slot(group, queue);
        let seen = self.readings[reading].seen(offset).copied().unwrap_or_default();
        let before = self
            .records
            .get(queue, offset)
            .map_or(0, |record| record.reconsume_times);
        let overdue = self.is_overdue(now, group, seen.first_call);
        let wishes = &self.retries.wishes[group.index()];
        let limits = wishes.limits.iter().map(|limit| attempts(*limit));
        let mut expected = limits.flat_map(|max| wishes.levels.iter().map(move |wished| (max, *wished)));
        let by_rule = expected.any(|(max, wished)| {
            let expected = if before >= max {
                None
            } else {
                self.retries.level(wished, before)
            };
            times == before + 1 && level == expected
        });
        let ordinary = || {
            let limits = wishes.limits.iter().map(|limit| attempts(*limit));
            limits
                .into_iter()
                .any(|max| self.is_ordinary(times, before, max, level))
        };
        let by_time = overdue && level == self.retries.level(i32::from(OVERDUE_LEVEL), before);
        let broker = directory.queue(queue).broker;
        let in_trouble = || {
            let first = seconds(seen.first_call);
            self.excuses.was_felt_by_group(first, group, broker)
        };
        let right = by_rule || by_time || ordinary() && in_trouble();
        let rule = if level.is_none() {
            Invariant::T2
        } else {
            Invariant::T1
        };
        let what = |text: &str| {
            let (name, label) = (&directory.group(group).name, directory.queue_label(queue));
            format!("group {name}, {label}: offset {offset}, stored with {before} attempts, {text}")
        };
        self.asked.must(now, rule, right, || {
            let how = level.map_or("is dead".to_owned(), |level| format!("waits level {level}"));
            let (limits, levels) = (&wishes.limits, &wishes.levels);
            what(&format!(
                "{how} as attempt {times}; limits are {limits:?}, levels {levels:?}, 0 for those of the table"
            ))
        });
        let overdue = if overdue { u32::from(seen.calls) * 2 } else { 0 };
        let once = u32::from(seen.failures) + overdue;
        let sent = u32::from(seen.sent_back) + 1;
        let most = match sent > once && in_trouble() {
            true => once * SENDS_IN_TROUBLE,
            false => once,
        };
        self.asked.must(now, Invariant::T2, sent <= most, || {
            what(&format!("is sent back {sent} times, {most} at most"))
        });
        let reading = &mut self.readings[reading];
        reading.record(offset).sent_back = sent as u16;
        reading.finish(offset);
    }

    /// Whether the listener may have had the message for longer than `consumeTimeout`.
    fn is_overdue(&self, now: SimTime, group: GroupId, first_call: u32) -> bool {
        let timeout = self.config.groups[group.index()]
            .tuning
            .consume_timeout
            .duration();
        now.since(seconds(first_call)) >= timeout
    }

    /// Whether a copy may have gone to the retry topic as an ordinary message.
    fn is_ordinary(&self, times: u16, before: u16, max: u16, level: Option<u8>) -> bool {
        let dead = match self.config.version {
            RocketMqVersion::V4_9 => times >= max,
            RocketMqVersion::V5_3 => times > max,
        };
        let expected = self.retries.level(0, times.saturating_sub(1));
        times > before && level == expected.filter(|_| !dead)
    }
}
