//! What waits: topics and groups as vessels. Messages flow in as producers make them, and out as fast as a group can.
//!
//! A group takes what waits in proportion; a share of it stands still while the owner of its queues does nothing. A broker
//! keeps a record for the group that is furthest behind, until retention takes it. Luck, queues that get more than others,
//! and what brokers that are down hold up are not foreseen.

use crate::cluster::broker::expression_message_filter::{Candidate, Filters};
use crate::cluster::config::{
    Action, ClusterConfig, ConsumeFromWhere, ExpressionId, MessageModel, OffsetTarget, Retention,
};
use crate::cluster::ids::{GroupId, MessageId, ProducerId, TopicId};
use crate::cluster::producer::attributes::Attributes;
use crate::forecast::Why;
use crate::forecast::load::Load;
use crate::forecast::members::{Members, Strength};
use crate::forecast::retries::{Retries, Rise};
use crate::kernel::streams::Streams;

/// What a group without an offset goes back to with `CONSUME_FROM_TIMESTAMP`, seconds.
const BACK: f64 = 1800.0;
/// A day, seconds: files are deleted at an hour of it.
const DAY: f64 = 86_400.0;
/// Messages drawn to see how many a filter lets through.
const DRAWN: u64 = 500;

/// All groups of a run.
pub struct Groups<'c> {
    config: &'c ClusterConfig,
    load: &'c Load,
    /// By group.
    pub groups: Vec<Group<'c>>,
    /// By topic: who reads it, as position of a group and of a vessel.
    readers: Vec<Vec<(usize, usize)>>,
    /// What forwarders have sent to each topic.
    forwarded: Vec<f64>,
    /// By topic: mean size of a body, bytes.
    bodies: Vec<f64>,
    resets: Vec<Reset>,
    now: f64,
}

/// An operator sends a group elsewhere in a topic.
struct Reset {
    at: f64,
    group: usize,
    topic: TopicId,
    target: OffsetTarget,
}

impl Reset {
    /// Those on the timeline of `config`.
    fn all(config: &ClusterConfig) -> Vec<Self> {
        let resets = config.timeline.iter().filter_map(|entry| match entry.action {
            Action::ResetOffset {
                group, topic, target, ..
            } => Some(Self {
                at: entry.at.as_secs_f64(),
                group: group.index(),
                topic,
                target,
            }),
            _ => None,
        });
        resets.collect()
    }
}

/// One group at an instant.
pub struct Group<'c> {
    members: Members<'c>,
    /// Its topics.
    pub topics: Vec<Vessel>,
    /// Messages that wait for another attempt, on delay levels.
    pub delayed: f64,
    /// Dead letters so far.
    pub dead: f64,
    /// How its messages fail.
    pub retries: Retries,
    /// First attempts so far.
    pub begun: Rise,
    /// As it stands now.
    pub strength: Strength,
    /// The longest that a message has waited so far, seconds.
    pub wait: f64,
    /// Attempts after the first so far.
    pub retried: f64,
    has_come: bool,
    served: f64,
}

/// What one group has before it in one topic.
#[derive(Clone, Debug)]
pub struct Vessel {
    /// Which topic; `None` for the group's retries.
    pub topic: Option<TopicId>,
    /// Share of its messages that the group wants.
    wanted: f64,
    /// Messages that wait, whether or not a client has them in its cache.
    pub waiting: f64,
    /// Those of them whose owner does nothing.
    stuck: f64,
    seen: f64,
    /// Messages that have left it so far.
    done: Rise,
    /// How many these are.
    left: f64,
}

impl<'c> Groups<'c> {
    /// Those of `config`; `shared` tells how many queues each group shares.
    pub fn of(config: &'c ClusterConfig, load: &'c Load, shared: &[u64]) -> Self {
        let wanted = wanted(config);
        let group = |(id, of): (usize, &crate::cluster::config::GroupConfig)| {
            let retries = Retries::of(config, of, load.fastest(&of.subscribe, config.duration));
            let topics = of
                .subscribe
                .iter()
                .map(|topic| Some((*topic, wanted(id, *topic))));
            let again = (!retries.is_empty()).then_some(None);
            let vessel = |topic: Option<(TopicId, f64)>| Vessel {
                topic: topic.map(|(topic, _)| topic),
                wanted: topic.map_or(1.0, |(_, wanted)| wanted),
                waiting: 0.0,
                stuck: 0.0,
                seen: 0.0,
                done: Rise::default(),
                left: 0.0,
            };
            let mut members = Members::of(config, GroupId(id as u32), shared[id]);
            Group {
                strength: members.strength(0.0),
                members,
                topics: topics.chain(again).map(vessel).collect(),
                delayed: 0.0,
                dead: 0.0,
                retries,
                begun: Rise::default(),
                wait: 0.0,
                retried: 0.0,
                has_come: false,
                served: 0.0,
            }
        };
        let groups: Vec<Group<'c>> = config.groups.iter().enumerate().map(group).collect();
        let mut readers = vec![Vec::new(); config.topics.len()];
        for (id, group) in groups.iter().enumerate() {
            for (at, vessel) in group.topics.iter().enumerate() {
                if let Some(topic) = vessel.topic {
                    readers[topic.index()].push((id, at));
                }
            }
        }
        let end = config.duration.as_secs_f64();
        let topics = (0..config.topics.len() as u32).map(TopicId);
        Self {
            config,
            load,
            groups,
            readers,
            forwarded: vec![0.0; config.topics.len()],
            bodies: topics.map(|topic| load.body(topic, end)).collect(),
            resets: Reset::all(config),
            now: 0.0,
        }
    }

    /// Messages that have come to `topic` by `now`, seconds.
    pub fn come(&self, topic: TopicId, now: f64) -> f64 {
        self.load.made_by(topic, now) + self.forwarded[topic.index()]
    }

    /// Goes on to `now`, seconds; for how long.
    pub fn reach(&mut self, now: f64) -> f64 {
        let step = now - self.now;
        for id in 0..self.groups.len() {
            let seen: Vec<f64> = (self.groups[id].topics.iter())
                .map(|vessel| vessel.topic.map_or(0.0, |topic| self.come(topic, now)))
                .collect();
            let group = &mut self.groups[id];
            let served = group.flow(now, step, &seen);
            if let Some((topic, share)) = group.strength.forwards {
                self.forwarded[topic.index()] += served * share;
            }
            self.set_back(id, now);
        }
        self.now = now;
        step
    }

    /// Where the group starts, or where an operator sends it.
    fn set_back(&mut self, id: usize, now: f64) {
        let config = self.config;
        let age = |vessel: &Vessel, age: f64| {
            let topic = vessel.topic?;
            Some(self.load.made_by(topic, now) - self.load.made_by(topic, now - age))
        };
        let group = &self.groups[id];
        let mut limits: Vec<Option<f64>> = vec![None; group.topics.len()];
        let comes = !group.has_come && group.strength.members > 0;
        if comes && config.groups[id].consume_from_where == ConsumeFromWhere::Timestamp {
            limits = group.topics.iter().map(|vessel| age(vessel, BACK)).collect();
        }
        let is_due = |reset: &&Reset| reset.group == id && reset.at > self.now && reset.at <= now;
        for reset in self.resets.iter().filter(is_due) {
            let vessel = group
                .topics
                .iter()
                .position(|vessel| vessel.topic == Some(reset.topic));
            if let Some(vessel) = vessel {
                limits[vessel] = match reset.target {
                    OffsetTarget::Latest => Some(0.0),
                    OffsetTarget::Earliest => None,
                    OffsetTarget::Time(time) => age(&group.topics[vessel], now - time.as_secs_f64()),
                };
            }
        }
        let group = &mut self.groups[id];
        group.has_come |= comes;
        for (vessel, limit) in group.topics.iter_mut().zip(limits) {
            vessel.waiting = vessel.waiting.min(limit.unwrap_or(f64::MAX));
        }
    }

    /// Records of `topic` that brokers keep now: what the last of its groups has not read, or an operator will go back to;
    /// and those that were read, but not committed: `commits` tells how long that takes, seconds, by group.
    pub fn kept(&self, topic: TopicId, commits: impl Fn(usize) -> f64) -> (f64, f64) {
        let readers = self.readers[topic.index()].iter();
        let (waiting, fresh) = readers.fold((0.0, 0.0), |(most, fresh): (f64, f64), &(id, at)| {
            let vessel = &self.groups[id].topics[at];
            // What is not wanted goes with what is.
            let all = vessel.wanted.max(1e-6);
            let recent = vessel.recent(self.now, commits(id));
            (most.max(vessel.waiting / all), fresh.max(recent / all))
        });
        let come = self.come(topic, self.now);
        let gone_back_to = self
            .resets
            .iter()
            .filter(|reset| reset.topic == topic)
            .filter_map(|reset| {
                let from = match reset.target {
                    OffsetTarget::Latest => return None,
                    OffsetTarget::Earliest => 0.0,
                    OffsetTarget::Time(time) => time.as_secs_f64(),
                };
                let waits = (from..=reset.at).contains(&self.now);
                waits.then(|| come - self.load.made_by(topic, from))
            });
        // Any member of such a group may come without a file and start at the beginning.
        let may_start_at_first = |id: usize| {
            let group = &self.config.groups[id];
            group.message_model == MessageModel::Broadcasting
                && group.consume_from_where != ConsumeFromWhere::LastOffset
        };
        let all = self.readers[topic.index()]
            .iter()
            .any(|(id, _)| may_start_at_first(*id));
        let waiting = if all { come } else { waiting };
        let kept = gone_back_to.fold(waiting, f64::max).min(come);
        (kept.min(self.retained(topic)), fresh)
    }

    /// The group that is furthest behind in `topic`, and why so many records are kept.
    pub fn last_reader(&self, topic: TopicId, kept: f64) -> Option<(&'c str, Why)> {
        let readers = self.readers[topic.index()].iter();
        let waiting = |(id, at): &(usize, usize)| self.groups[*id].topics[*at].waiting;
        let last = readers.max_by(|a, b| waiting(a).total_cmp(&waiting(b)))?;
        let group = &self.groups[last.0];
        let wanted = group.topics[last.1].wanted;
        let why = match group.strength.members {
            0 => Why::Unread,
            _ if waiting(last) < kept * wanted / 2.0 => Why::Kept,
            _ => Why::Behind,
        };
        Some((&self.config.groups[last.0].name, why))
    }

    /// What retention leaves of `topic`.
    fn retained(&self, topic: TopicId) -> f64 {
        let tuning = &self.config.broker_tuning;
        let reserved = f64::from(tuning.file_reserved_time) * 3600.0;
        let come = self.come(topic, self.now);
        let younger = |age: f64| come - self.load.made_by(topic, self.now - age);
        match tuning.retention {
            Retention::None => f64::MAX,
            Retention::Exact => younger(reserved),
            // A file goes when it is full and old enough, at the next such hour.
            Retention::Files => {
                let brokers = self.config.topics[topic.index()].placement.len() as f64;
                let body = self.bodies[topic.index()].max(1.0);
                younger(reserved + DAY) + brokers * tuning.mapped_file_size_commit_log as f64 / body
            }
        }
    }
}

impl Vessel {
    /// Messages that have left it in the last so many seconds.
    pub fn recent(&self, now: f64, seconds: f64) -> f64 {
        self.left - self.done.by(now - seconds)
    }
}

impl Group<'_> {
    /// Messages a second that it gets through now.
    pub fn served(&self) -> f64 {
        self.served
    }

    /// Messages come, `seen` so many of each topic so far, and the group works for `step` seconds; how many it has done.
    fn flow(&mut self, now: f64, step: f64, seen: &[f64]) -> f64 {
        self.members.reach(now);
        let before = self.strength.stuck;
        self.strength = self.members.strength(now);
        let stuck = self.strength.stuck;
        let again = self.retries.again(&self.begun, now);
        let mut waiting = 0.0;
        for (vessel, &seen) in self.topics.iter_mut().zip(seen) {
            let come = match vessel.topic {
                Some(_) => (seen - vessel.seen) * vessel.wanted,
                None => again - self.retried,
            };
            vessel.seen = seen;
            vessel.waiting += come;
            // Those who work take over from those who do not, and the other way round.
            vessel.stuck += come * stuck;
            if stuck < before {
                vessel.stuck *= stuck / before;
            }
            vessel.stuck = vessel.stuck.min(vessel.waiting);
            waiting += vessel.waiting - vessel.stuck;
        }
        self.retried = again;
        let done = waiting.min(self.strength.rate * step);
        let share = if waiting > 0.0 { done / waiting } else { 0.0 };
        for vessel in &mut self.topics {
            let of_vessel = (vessel.waiting - vessel.stuck) * share;
            vessel.waiting -= of_vessel;
            vessel.left += of_vessel;
            vessel.done.reach(now, vessel.left);
        }
        let originals = self.topics.iter().filter(|vessel| vessel.topic.is_some());
        self.begun.reach(now, originals.map(|vessel| vessel.left).sum());
        self.served = if step > 0.0 { done / step } else { 0.0 };
        self.delayed = self.retries.waiting(&self.begun, now);
        self.dead = self.retries.dead(&self.begun, now);
        if done > 0.0 {
            self.wait = self.wait.max(waiting / self.strength.rate.max(1e-9));
        }
        done
    }
}

/// By group and topic: which share of the messages the group wants. Drawn, as brokers and clients would decide.
fn wanted(config: &ClusterConfig) -> impl Fn(usize, TopicId) -> f64 {
    let attributes = (!config.expressions.is_empty()).then(|| {
        let attributes = Attributes::new(config, &Streams::new(config.seed));
        (Filters::new(&config.expressions, &attributes), attributes)
    });
    move |group, topic| {
        let Some((filters, attributes)) = &attributes else {
            return 1.0;
        };
        let consumers = config.groups[group].consumers.iter();
        let asked = consumers.map(|consumer| {
            let filter = consumer.filters.iter().find(|(of, _)| *of == topic);
            filter.map_or(ExpressionId::ALL, |(_, expression)| *expression)
        });
        let mut asked: Vec<ExpressionId> = asked.collect();
        asked.sort_unstable();
        asked.dedup();
        let Some(producer) = config
            .producers
            .iter()
            .position(|producer| producer.topic == topic)
        else {
            return 1.0;
        };
        let share = |expression: ExpressionId| {
            let drawn = (0..DRAWN).filter(|&n| {
                let candidate = Candidate {
                    attributes,
                    id: MessageId::new(ProducerId(producer as u32), n),
                    luck: n.wrapping_mul(0x9E37_79B9_7F4A_7C15),
                };
                filters.broker_passes(expression, candidate)
            });
            drawn.count() as f64 / DRAWN as f64
        };
        asked.into_iter().map(share).fold(0.0, f64::max)
    }
}
