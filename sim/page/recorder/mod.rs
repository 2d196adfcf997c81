//! Records of a run what its page plays back, in bounded memory.
//!
//! Looks on beside the observation; a run whose page nobody wants has no recorder and pays nothing.

pub mod cast;
pub mod frames;
pub mod journeys;
pub mod moments;

use crate::cluster::config::ClusterConfig;
use crate::cluster::directory::{Directory, TopicKind};
use crate::cluster::fact::Fact;
use crate::cluster::ids::QueueId;
use crate::explain::scene::Scene;
use crate::explain::{again, facts, words};
use crate::kernel::time::SimTime;
use crate::observe::beside::Beside;
use crate::observe::duplicates::Duplicates;
use crate::observe::observation::{Extent, Observation};
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
            duplicates: Vec::new(),
            playback: None,
        }
    }

    /// Bytes at most of one of a run of that extent, and of the page that is made of it.
    pub fn held_for(extent: &Extent) -> u64 {
        let recorded = Frames::held_for(extent) + Journeys::held_at_most() + Moments::held_at_most();
        recorded + crate::page::BYTES as u64
    }

    /// What was recorded; `None` before the end of the run.
    pub fn playback(&self) -> Option<&Playback> {
        self.playback.as_ref()
    }

    /// What does not come with every message.
    fn rare(&mut self, now: SimTime, directory: &Directory, fact: &Fact, observation: &Observation) {
        let frames = &mut self.frames;
        match *fact {
            Fact::OffsetCommitted { group, queue, .. } | Fact::OffsetReset { group, queue, .. } => {
                self.lags(observation, observation.slots.slot(group, queue));
            }
            Fact::LocalOffsetStored { consumer, queue, .. } => {
                let group = directory.consumer(consumer).group;
                self.lags(observation, observation.slot_of(group, queue, consumer));
            }
            Fact::QueueAcquired { consumer, queue, .. } => {
                let group = directory.consumer(consumer).group;
                self.lags(observation, observation.slot_of(group, queue, consumer));
            }
            Fact::QueueReleased {
                consumer, unfinished, ..
            } => frames.cached.take(consumer.index(), unfinished.into()),
            Fact::ResultDiscarded { consumer, .. } => frames.busy.take(consumer.index(), 1),
            Fact::DeadLettered { dlq_queue, .. } => frames.stored.add(dlq_queue.index(), 1),
            Fact::ConsumerStopped { consumer, .. } => {
                frames.cached.set(consumer.index(), 0);
                frames.busy.set(consumer.index(), 0);
            }
            _ => {}
        }
        self.journeys.observe(now, fact, false);
        self.cast.observe(now, fact);
        self.scene.observe(now, directory, fact);
        self.tells(now, directory, fact, None);
    }

    /// The lag of a slot may be another now.
    fn lags(&mut self, observation: &Observation, slot: usize) {
        self.frames.lag.set(slot, observation.lag.slot(slot).lag.value());
    }

    /// All records of a queue below `max_offset` can be pulled now. Dead letters are counted when they are made.
    fn dispatched(
        &mut self,
        directory: &Directory,
        observation: &Observation,
        queue: QueueId,
        max_offset: u64,
    ) {
        let topic = directory.topic(directory.queue(queue).topic);
        if !matches!(topic.kind, TopicKind::DeadLetter(_)) {
            self.frames.stored.set(queue.index(), max_offset);
        }
        for slot in observation.slots.readers(queue) {
            self.lags(observation, slot);
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
        let is_new = self.moments.happens(now, sort, || match duplicate {
            Some(counted) => delivered_again(directory, scene, fact, counted),
            None => facts::sentence(directory, config, fact, scene),
        });
        if is_new {
            self.frames.want(now);
        }
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
        // What comes with every message or pull takes the short way.
        match *fact {
            Fact::Born { .. }
            | Fact::SendAcknowledged { .. }
            | Fact::Request { .. }
            | Fact::PullHeld { .. }
            | Fact::PullAnswered { .. } => {}
            Fact::Cached { consumer, client, .. } => {
                frames.cached.set(consumer.index(), client.messages.max(0) as u64);
            }
            Fact::Dispatched { queue, max_offset } => {
                self.dispatched(directory, observation, queue, max_offset);
            }
            Fact::Stored { message, .. } => {
                frames.sent.add(message.producer().index(), 1);
                self.journeys.observe(now, fact, false);
            }
            Fact::Delivered { consumer, .. } => {
                frames.busy.add(consumer.index(), 1);
                let duplicate = self.duplicate(observation, fact);
                self.journeys.observe(now, fact, duplicate.is_some());
                if duplicate.is_some() {
                    self.tells(now, directory, fact, duplicate);
                }
            }
            Fact::Consumed { consumer, .. } => {
                frames.busy.take(consumer.index(), 1);
                frames.cached.take(consumer.index(), 1);
                frames.done.add(consumer.index(), 1);
                self.journeys.observe(now, fact, false);
                self.scene.observe(now, directory, fact);
            }
            _ => self.rare(now, directory, fact, observation),
        }
    }

    fn finish(&mut self, end: SimTime, directory: &Directory, observation: &Observation) {
        self.frames.finish(end);
        self.playback = Some(Playback::new(self, end, directory, observation));
    }

    fn held(&self) -> u64 {
        self.frames.held() + self.journeys.held() + self.moments.held() + self.cast.held()
    }
}
