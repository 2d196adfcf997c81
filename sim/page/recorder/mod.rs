//! Records of a run what its page plays back, in bounded memory.
//!
//! Looks on beside the observation; a run whose page nobody wants has no recorder and pays nothing.

pub mod cast;
pub mod frames;
pub mod journeys;
pub mod moments;

use crate::cluster::config::ClusterConfig;
use crate::cluster::directory::Directory;
use crate::cluster::fact::Fact;
use crate::cluster::ids::QueueId;
use crate::explain::scene::Scene;
use crate::explain::{again, facts, words};
use crate::kernel::time::SimTime;
use crate::observe::beside::Beside;
use crate::observe::duplicates::Duplicates;
use crate::observe::observation::Observation;
use crate::page::data::Playback;
use cast::Cast;
use frames::Frames;
use journeys::Journeys;
use moments::{Moments, sort_of};

/// The observer.
#[derive(Debug)]
pub struct Recorder {
    config: ClusterConfig,
    pub(super) frames: Frames,
    pub(super) journeys: Journeys,
    pub(super) moments: Moments,
    pub(super) cast: Cast,
    /// What sentences need to know.
    scene: Scene,
    /// Committed offset, by slot.
    committed: Vec<u64>,
    /// Duplicates so far, by group.
    duplicates: Vec<Duplicates>,
    playback: Option<Playback>,
}

impl Recorder {
    /// For a run of that configuration.
    pub fn new(config: &ClusterConfig) -> Self {
        let planned = config.duration;
        Self {
            config: config.clone(),
            frames: Frames::new(planned),
            journeys: Journeys::default(),
            moments: Moments::new(planned),
            cast: Cast::default(),
            scene: Scene::default(),
            committed: Vec::new(),
            duplicates: Vec::new(),
            playback: None,
        }
    }

    /// What was recorded; `None` before the end of the run.
    pub fn playback(&self) -> Option<&Playback> {
        self.playback.as_ref()
    }

    /// A group's committed offset at a queue is `offset` now.
    fn commits(&mut self, slot: usize, queue: QueueId, offset: u64) {
        if slot >= self.committed.len() {
            self.committed.resize(slot + 1, 0);
        }
        self.committed[slot] = offset;
        let stored = self.frames.stored.of(queue.index()).map_or(0, |stored| *stored);
        self.frames.lag.set(slot, stored.saturating_sub(offset));
    }

    /// All records of a queue below `max_offset` can be pulled now.
    fn dispatched(&mut self, observation: &Observation, queue: QueueId, max_offset: u64) {
        self.frames.stored.set(queue.index(), max_offset);
        for &slot in observation.slots.readers(queue) {
            let slot = slot as usize;
            let committed = self.committed.get(slot).copied().unwrap_or(0);
            self.frames.lag.set(slot, max_offset.saturating_sub(committed));
        }
    }

    /// The name under which a delivery has just been counted as a duplicate, if it has.
    fn duplicate(&mut self, observation: &Observation, fact: &Fact) -> Option<&'static str> {
        let Fact::Delivered { group, .. } = *fact else {
            return None;
        };
        let now = observation.duplicates[group.index()];
        if self.duplicates.len() <= group.index() {
            self.duplicates.resize(group.index() + 1, Duplicates::default());
        }
        let before = std::mem::replace(&mut self.duplicates[group.index()], now);
        match before == now {
            true => None,
            false => again::counted_as(&before, &now),
        }
    }

    /// Maybe adds a moment.
    fn tells(&mut self, now: SimTime, directory: &Directory, fact: &Fact, duplicate: Option<&'static str>) {
        let Some(sort) = sort_of(directory, fact, duplicate.is_some()) else {
            return;
        };
        let (scene, config) = (&self.scene, &self.config);
        self.moments.happens(now, sort, || match duplicate {
            Some(counted) => delivered_again(directory, scene, fact, counted),
            None => facts::sentence(directory, config, fact, scene),
        });
    }
}

/// What a duplicate says, with its cause.
fn delivered_again(
    directory: &Directory,
    scene: &Scene,
    fact: &Fact,
    counted: &'static str,
) -> Option<String> {
    let Fact::Delivered {
        consumer,
        group,
        queue,
        offset,
        message,
        ..
    } = *fact
    else {
        return None;
    };
    let place = (group, directory.consumer(consumer).reader, queue);
    let before = scene.held(place).taken.and_then(|taken| taken.before);
    let had = before.unwrap_or(consumer);
    let cause = again::cause(scene, directory, place, (had, consumer), offset, Some(counted));
    Some(format!(
        "{} is delivered again, to {}, from {} at offset {}: {}",
        words::message(directory, message),
        words::client(directory, consumer),
        directory.queue_label(queue),
        words::count(offset),
        cause.text
    ))
}

impl Beside for Recorder {
    fn observe(&mut self, now: SimTime, directory: &Directory, fact: &Fact, observation: &Observation) {
        self.frames.reach(now);
        let frames = &mut self.frames;
        match *fact {
            Fact::Stored { message, .. } => frames.sent.add(message.producer().index(), 1),
            Fact::Dispatched { queue, max_offset } => self.dispatched(observation, queue, max_offset),
            Fact::OffsetCommitted {
                group, queue, new, ..
            } => {
                let slot = observation.slots.slot(group, queue);
                self.commits(slot, queue, new);
            }
            Fact::LocalOffsetStored {
                consumer,
                queue,
                offset,
            } => {
                let slot = observation.slot_of(directory.consumer(consumer).group, queue, consumer);
                self.commits(slot, queue, offset);
            }
            Fact::Cached { consumer, client, .. } => {
                frames.cached.set(consumer.index(), client.messages.max(0) as u64);
            }
            Fact::QueueReleased {
                consumer, unfinished, ..
            } => frames.cached.take(consumer.index(), unfinished.into()),
            Fact::Delivered { consumer, .. } => frames.busy.add(consumer.index(), 1),
            Fact::Consumed { consumer, .. } => {
                frames.busy.take(consumer.index(), 1);
                frames.cached.take(consumer.index(), 1);
                frames.done.add(consumer.index(), 1);
            }
            Fact::ResultDiscarded { consumer, .. } => frames.busy.take(consumer.index(), 1),
            Fact::ConsumerStopped { consumer, .. } => {
                frames.cached.set(consumer.index(), 0);
                frames.busy.set(consumer.index(), 0);
            }
            _ => {}
        }
        let duplicate = self.duplicate(observation, fact);
        self.journeys.observe(now, fact, duplicate.is_some());
        self.cast.observe(now, fact);
        self.scene.observe(now, directory, fact);
        self.tells(now, directory, fact, duplicate);
    }

    fn finish(&mut self, end: SimTime, directory: &Directory, observation: &Observation) {
        self.frames.finish(end);
        self.playback = Some(Playback::new(self, end, directory, observation));
    }

    fn held(&self) -> u64 {
        self.frames.held() + self.journeys.held() + self.moments.held()
    }
}
