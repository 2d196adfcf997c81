//! Replays a run and lets a tale listen.

use super::again;
use super::facts;
use super::scene::Scene;
use super::story::Story;
use crate::cluster::config::ClusterConfig;
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, Observer};
use crate::kernel::time::SimTime;
use crate::observe::observation::Observation;

/// What a tale sees when it hears of a fact.
pub struct Seen<'a> {
    pub now: SimTime,
    pub directory: &'a Directory,
    pub config: &'a ClusterConfig,
    /// It has the fact already.
    pub scene: &'a Scene,
    /// It has the fact already.
    pub observation: &'a Observation,
    /// The name under which the report counts the fact as a duplicate, if it does.
    pub again: Option<&'static str>,
}

impl Seen<'_> {
    /// What a rare fact says.
    pub fn sentence(&self, fact: &Fact) -> Option<String> {
        facts::sentence(self.directory, self.config, fact, self.scene)
    }
}

/// Listens to a run and has something to tell of it.
pub trait Tale {
    /// A fact is about to come; what is seen does not have it yet.
    fn before(&mut self, _seen: &Seen<'_>) {}

    /// Something happened.
    fn observe(&mut self, seen: &Seen<'_>, fact: &Fact);

    /// The run is over, and the observation has been finished.
    fn stories(&mut self, seen: &Seen<'_>) -> Vec<Story>;
}

/// The observer.
pub struct Teller<'a, T> {
    config: &'a ClusterConfig,
    observation: Observation,
    scene: Scene,
    pub tale: T,
}

impl<'a, T: Tale> Teller<'a, T> {
    pub fn new(config: &'a ClusterConfig, tale: T) -> Self {
        Self {
            config,
            observation: Observation::new(config),
            scene: Scene::default(),
            tale,
        }
    }

    /// All that was found.
    pub fn stories(&mut self, end: SimTime, directory: &Directory) -> Vec<Story> {
        self.observation.finish(end, directory);
        let seen = Seen {
            now: end,
            directory,
            config: self.config,
            scene: &self.scene,
            observation: &self.observation,
            again: None,
        };
        self.tale.stories(&seen)
    }
}

impl<T: Tale> Observer for Teller<'_, T> {
    fn observe(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        let mut seen = Seen {
            now,
            directory,
            config: self.config,
            scene: &self.scene,
            observation: &self.observation,
            again: None,
        };
        self.tale.before(&seen);
        let before = match fact {
            Fact::Delivered { group, .. } => Some((*group, self.observation.duplicates[group.index()])),
            _ => None,
        };
        self.observation.observe(now, directory, fact);
        self.scene.observe(now, directory, fact);
        let again = before.and_then(|(group, before)| {
            again::counted_as(&before, &self.observation.duplicates[group.index()])
        });
        seen = Seen {
            now,
            directory,
            config: self.config,
            scene: &self.scene,
            observation: &self.observation,
            again,
        };
        self.tale.observe(&seen, fact);
    }

    fn sample(&mut self, now: SimTime, directory: &Directory) {
        self.observation.sample(now, directory);
    }
}
