//! Follows one message through a run.

use super::reading::{Reading, Record};
use super::scene::Scene;
use super::steps::Steps;
use super::story::{Cause, End, Event, Fate, Of, Step, Story};
use super::wait::Since;
use super::{again, words};
use crate::cluster::config::ClusterConfig;
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, Observer};
use crate::cluster::ids::{ConsumerId, GroupId, MessageId, QueueId};
use crate::kernel::time::SimTime;
use crate::observe::observation::Observation;
use std::collections::{BTreeMap, BTreeSet};

/// The observer.
#[derive(Debug)]
pub struct Follower {
    pub(super) message: MessageId,
    pub(super) group: Option<GroupId>,
    /// Counts as in every run, so that causes are those of the report.
    pub(super) observation: Observation,
    pub(super) scene: Scene,
    /// When it was made, its luck, its size.
    pub(super) born: Option<(SimTime, u64, u32)>,
    pub(super) readings: BTreeMap<(GroupId, u32), Reading>,
    /// Records that `consumeTimeout` took from their listener.
    pub(super) timed_out: BTreeSet<Record>,
    pub(super) steps: Steps,
}

impl Follower {
    pub fn new(config: &ClusterConfig, message: MessageId, group: Option<GroupId>) -> Self {
        Self {
            message,
            group,
            observation: Observation::new(config),
            scene: Scene::default(),
            born: None,
            readings: BTreeMap::new(),
            timed_out: BTreeSet::new(),
            steps: Steps::default(),
        }
    }

    /// All that was found; `None` if there is no such message.
    pub fn story(mut self, end: SimTime, directory: &Directory) -> Option<Story> {
        self.observation.finish(end, directory);
        let (_, luck, body_bytes) = self.born?;
        let attributes = &directory.attributes;
        let tag = attributes.tag(self.message, luck);
        let ends = self.readings.iter().map(|((group, reader), reading)| End {
            reader: words::reader(directory, *group, *reader),
            deliveries: reading.deliveries,
            end: reading.fate,
            text: reading.told(),
        });
        Some(Story {
            of: Of::Message,
            name: words::message(directory, self.message),
            tag: tag.map(|tag| attributes.tags()[tag.index()].clone()),
            key: attributes.key(self.message, luck).map(|key| key.to_string()),
            body_bytes: Some(body_bytes),
            ends: ends.collect(),
            sums: Vec::new(),
            steps: self.steps.told(),
            run_ends: end,
        })
    }

    pub(super) fn is_wanted(&self, group: GroupId) -> bool {
        self.group.is_none_or(|wanted| wanted == group)
    }

    pub(super) fn say(
        &mut self,
        at: SimTime,
        event: Event,
        group: Option<String>,
        text: String,
        because: Option<Cause>,
    ) {
        self.steps.say(Step {
            group,
            because,
            ..Step::new(at, event, text)
        });
    }

    /// A record of the message lies in `queue`, for all who read that.
    pub(super) fn lies_in(&mut self, now: SimTime, queue: QueueId, offset: u64) {
        for slot in self.observation.slots.readers(queue) {
            let of = self.observation.slots.get(slot);
            if !self.is_wanted(of.group) {
                continue;
            }
            let key = (of.group, of.reader.unwrap_or(0));
            let frontier = self.observation.ledger.frontier(slot);
            let since = Since {
                stored: now,
                before: offset.saturating_sub(frontier),
                put_off: self.scene.held((key.0, key.1, queue)).put_off,
            };
            let reading = self.readings.entry(key).or_insert_with(|| Reading {
                fate: Fate::Waiting,
                deliveries: 0,
                record: (queue, offset),
                had: BTreeMap::new(),
                since: BTreeMap::new(),
                committed: BTreeSet::new(),
                open: None,
            });
            reading.record = (queue, offset);
            reading.since.insert((queue, offset), since);
        }
    }
}

impl Observer for Follower {
    fn observe(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        let before = match fact {
            Fact::Delivered { group, message, .. } if *message == self.message => {
                Some((*group, self.observation.duplicates[group.index()]))
            }
            _ => None,
        };
        self.observation.observe(now, directory, fact);
        let again = before.and_then(|(group, before)| {
            again::counted_as(&before, &self.observation.duplicates[group.index()])
        });
        self.scene.observe(now, directory, fact);
        if message_of(fact) == Some(self.message) {
            if group_that(directory, fact).is_none_or(|group| self.is_wanted(group)) {
                self.about_it(now, directory, fact, again);
            }
        } else {
            self.around_it(now, directory, fact);
        }
    }

    fn sample(&mut self, now: SimTime, directory: &Directory) {
        self.observation.sample(now, directory);
    }
}

pub(super) fn name(directory: &Directory, group: GroupId) -> String {
    directory.group(group).name.clone()
}

pub(super) fn group_of(directory: &Directory, consumer: ConsumerId) -> Option<String> {
    Some(name(directory, directory.consumer(consumer).group))
}

/// The group whose affair a fact is, if it is one's alone.
fn group_that(directory: &Directory, fact: &Fact) -> Option<GroupId> {
    match *fact {
        Fact::Delivered { group, .. }
        | Fact::Consumed { group, .. }
        | Fact::RetryScheduled { group, .. }
        | Fact::RetryStored { group, .. }
        | Fact::DeadLettered { group, .. }
        | Fact::Dropped { group, .. }
        | Fact::Resent { group, .. } => Some(group),
        Fact::Forwarded { consumer, .. } => Some(directory.consumer(consumer).group),
        _ => None,
    }
}

/// The message that a fact names.
pub fn message_of(fact: &Fact) -> Option<MessageId> {
    match *fact {
        Fact::Born { message, .. }
        | Fact::Stored { message, .. }
        | Fact::SendAcknowledged { message, .. }
        | Fact::SendRefused { message, .. }
        | Fact::Delivered { message, .. }
        | Fact::Consumed { message, .. }
        | Fact::Forwarded { message, .. }
        | Fact::RetryScheduled { message, .. }
        | Fact::RetryStored { message, .. }
        | Fact::DeadLettered { message, .. }
        | Fact::Dropped { message, .. }
        | Fact::MessageFound { message, .. }
        | Fact::Resent { message, .. } => Some(message),
        _ => None,
    }
}
