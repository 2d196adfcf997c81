//! Finds a message to tell of: one that was delivered twice, died, came late, or was lost.

use super::follower::message_of;
use super::{Cut, Found};
use crate::cluster::Cluster;
use crate::cluster::bounds::Bounds;
use crate::cluster::config::ClusterConfig;
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, Observer};
use crate::cluster::ids::{GroupId, MessageId, QueueId};
use crate::cluster::producer::attributes::Key;
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::observation::Observation;

/// What the example is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A group was given a record that it had had before: the first of them.
    Duplicate,
    /// It lies in the dead-letter topic: the first of them.
    Dead,
    /// It took longest from its birth to success.
    Late,
    /// A group has never had it and never will, or a producer gave up: the first of them.
    Lost,
}

/// Messages with a key, in the order of their birth; at most `most`, and how many there are in all.
///
/// # Panics
/// As [`find`].
pub fn with_key(
    config: &ClusterConfig,
    key: Key,
    most: usize,
    bounds: &Bounds<'_>,
    progress: impl FnMut(SimTime, u64),
) -> Found<(Vec<MessageId>, u64)> {
    let collector = Collector {
        key,
        most,
        found: Vec::new(),
        count: 0,
    };
    let done = Cluster::new(config.clone(), collector).run_within(bounds, progress);
    let cut = Cut::of(&done);
    let what = (done.observer.found, done.observer.count);
    Found { what, cut }
}

struct Collector {
    key: Key,
    most: usize,
    found: Vec<MessageId>,
    count: u64,
}

impl Observer for Collector {
    fn observe(&mut self, _: SimTime, directory: &Directory, fact: &Fact) {
        if let Fact::Born { message, luck, .. } = *fact
            && directory.attributes.key(message, luck) == Some(self.key)
        {
            self.count += 1;
            if self.found.len() < self.most {
                self.found.push(message);
            }
        }
    }

    fn sample(&mut self, _: SimTime, _: &Directory) {}
}

/// An example in a run.
pub type Example = (MessageId, Option<GroupId>);

/// The example in a run, and the group for which it is one, if there is one.
///
/// # Panics
/// With a text that begins with `invariant` if the simulator breaks one of its own rules.
pub fn find(
    config: &ClusterConfig,
    why: Why,
    group: Option<GroupId>,
    bounds: &Bounds<'_>,
    progress: impl FnMut(SimTime, u64),
) -> Found<Option<Example>> {
    let finder = Finder {
        why,
        group,
        warmup: SimTime::ZERO + config.warmup,
        observation: Observation::new(config),
        stored: Vec::new(),
        longest: SimDuration::ZERO,
        found: None,
        expired: None,
    };
    let done = Cluster::new(config.clone(), finder).run_within(bounds, progress);
    let cut = Cut::of(&done);
    let what = done.observer.found.or(done.observer.expired);
    Found { what, cut }
}

struct Finder {
    why: Why,
    group: Option<GroupId>,
    /// Before it nothing counts in the report either.
    warmup: SimTime,
    observation: Observation,
    /// Messages by queue and offset.
    stored: Vec<Vec<MessageId>>,
    longest: SimDuration,
    found: Option<(MessageId, Option<GroupId>)>,
    /// The first that retention removed unread: an example of a loss if there is no other, for the report counts it apart.
    expired: Option<(MessageId, Option<GroupId>)>,
}

impl Finder {
    fn is_wanted(&self, group: GroupId) -> bool {
        self.group.is_none_or(|wanted| wanted == group)
    }

    fn lies_in(&mut self, queue: QueueId, offset: u64, message: MessageId) {
        if self.stored.len() <= queue.index() {
            self.stored.resize_with(queue.index() + 1, Vec::new);
        }
        let queue = &mut self.stored[queue.index()];
        debug_assert_eq!(queue.len() as u64, offset);
        queue.push(message);
    }

    /// The first record of `from..to` that the reader of `slot` has neither had nor passed over.
    fn unseen(&self, slot: usize, queue: QueueId, (from, to): (u64, u64)) -> Option<MessageId> {
        let from = from.max(self.observation.ledger.frontier(slot));
        self.open(slot, queue, (from, to))
    }

    /// The first record of `from..to` that the reader of `slot` has neither finished nor passed over.
    fn open(&self, slot: usize, queue: QueueId, range: (u64, u64)) -> Option<MessageId> {
        let first = self.observation.ledger.first_open(slot, range)?;
        self.stored.get(queue.index())?.get(first as usize).copied()
    }

    /// The first record of `range` that is removed before a reader has had it.
    fn removed(&self, queue: QueueId, range: (u64, u64)) -> Option<(MessageId, Option<GroupId>)> {
        let slots = &self.observation.slots;
        let of = slots.readers(queue).map(|slot| (slot, slots.get(slot).group));
        let mut wanted = of.filter(|(_, group)| self.is_wanted(*group));
        wanted.find_map(|(slot, group)| Some((self.unseen(slot, queue, range)?, Some(group))))
    }

    /// The loss that a fact is, judged before it counts.
    fn lost(&self, fact: &Fact) -> Option<(MessageId, Option<GroupId>)> {
        match *fact {
            Fact::SendRefused {
                message,
                gave_up: true,
                ..
            } if self.group.is_none() => Some((message, None)),
            Fact::Dropped { group, message, .. } if self.is_wanted(group) => Some((message, Some(group))),
            Fact::OffsetsSkipped {
                group,
                queue,
                from,
                to,
                ..
            } if self.is_wanted(group) => {
                let slot = self.observation.slots.slot(group, queue);
                let unseen = self.unseen(slot, queue, (from, to));
                let lost = unseen.or_else(|| self.open(slot, queue, (from, to)));
                lost.map(|message| (message, Some(group)))
            }
            Fact::Filtered {
                group,
                queue,
                from,
                to,
                wanted: true,
                ..
            } if self.is_wanted(group) => {
                let slot = self.observation.slots.slot(group, queue);
                self.unseen(slot, queue, (from, to))
                    .map(|message| (message, Some(group)))
            }
            _ => None,
        }
    }
}

impl Observer for Finder {
    fn observe(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        let counts = now >= self.warmup && self.found.is_none();
        if self.why == Why::Lost && counts {
            self.found = self.lost(fact);
            if let Fact::Expired { queue, from, to } = *fact
                && self.expired.is_none()
            {
                self.expired = self.removed(queue, (from, to));
            }
        }
        let duplicates = |observation: &Observation, group: GroupId| {
            observation
                .duplicates
                .get(group.index())
                .map_or(0, |of| of.total())
        };
        let before = match fact {
            Fact::Delivered { group, .. } => duplicates(&self.observation, *group),
            _ => 0,
        };
        self.observation.observe(now, directory, fact);
        match *fact {
            Fact::Stored { queue, offset, .. }
            | Fact::RetryStored { queue, offset, .. }
            | Fact::Forwarded { queue, offset, .. }
            | Fact::Resent { queue, offset, .. } => {
                if let Some(message) = message_of(fact) {
                    self.lies_in(queue, offset, message);
                }
            }
            Fact::DeadLettered {
                group,
                message,
                dlq_queue,
                ..
            } => {
                let offset = self.stored.get(dlq_queue.index()).map_or(0, Vec::len);
                self.lies_in(dlq_queue, offset as u64, message);
                if self.why == Why::Dead && counts && self.is_wanted(group) {
                    self.found = Some((message, Some(group)));
                }
            }
            Fact::Delivered { group, message, .. }
                if self.why == Why::Duplicate
                    && counts
                    && self.is_wanted(group)
                    && duplicates(&self.observation, group) > before =>
            {
                self.found = Some((message, Some(group)));
            }
            Fact::Consumed {
                group,
                message,
                born,
                success: true,
                ..
            } if self.why == Why::Late && born >= self.warmup && self.is_wanted(group) => {
                let took = now.since(born);
                if took > self.longest {
                    self.longest = took;
                    self.found = Some((message, Some(group)));
                }
            }
            _ => {}
        }
    }

    fn sample(&mut self, now: SimTime, directory: &Directory) {
        self.observation.sample(now, directory);
    }
}
