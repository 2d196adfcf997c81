//! Runs a scenario and keeps every fact.

use rmqsim::cluster::Cluster;
use rmqsim::cluster::directory::Directory;
use rmqsim::cluster::fact::{Fact, Observer};
use rmqsim::cluster::ids::{ConsumerId, QueueId};
use rmqsim::kernel::time::{SimDuration, SimTime};
use rmqsim::scenario::{Overrides, Scenario};

/// Keeps every fact.
#[derive(Default)]
pub struct Recorder(pub Vec<(SimTime, Fact)>);

impl Observer for Recorder {
    fn observe(&mut self, now: SimTime, _: &Directory, fact: &Fact) {
        self.0.push((now, fact.clone()));
    }
    fn sample(&mut self, _: SimTime, _: &Directory) {}
}

/// What a run left behind.
pub struct Recording {
    pub facts: Vec<(SimTime, Fact)>,
    pub directory: Directory,
    pub digest: String,
}

/// Runs `text` with changes given as `path=value`.
#[track_caller]
pub fn run_with(text: &str, set: &[&str]) -> Recording {
    let overrides = Overrides {
        set: set.iter().map(|s| (*s).to_owned()).collect(),
        ..Overrides::default()
    };
    let scenario = Scenario::from_text("test.json", text, &overrides)
        .unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)));
    let done = Cluster::new(scenario.config, Recorder::default()).run(|_, _| {});
    Recording {
        facts: done.observer.0,
        directory: done.directory,
        digest: done.trace_digest,
    }
}

/// Runs `text` as it is.
#[track_caller]
pub fn run(text: &str) -> Recording {
    run_with(text, &[])
}

impl Recording {
    /// What `pick` makes of each fact, with its time.
    pub fn select<T>(&self, pick: impl Fn(&Fact) -> Option<T>) -> Vec<(SimTime, T)> {
        self.facts
            .iter()
            .filter_map(|(time, fact)| Some((*time, pick(fact)?)))
            .collect()
    }

    /// How many facts are as `is` says.
    pub fn count(&self, is: impl Fn(&Fact) -> bool) -> usize {
        self.facts.iter().filter(|(_, fact)| is(fact)).count()
    }

    pub fn queue(&self, id: QueueId) -> String {
        self.directory.queue_label(id)
    }

    pub fn consumer(&self, id: ConsumerId) -> &str {
        &self.directory.consumer(id).name
    }

    /// Queues that each consumer holds at `time`, by its name, sorted.
    pub fn owners(&self, time: SimTime) -> Vec<(String, Vec<String>)> {
        let mut owners = std::collections::BTreeMap::<String, Vec<String>>::new();
        for (_, fact) in self.facts.iter().take_while(|(at, _)| *at <= time) {
            match fact {
                Fact::QueueAcquired { consumer, queue, .. } => {
                    owners
                        .entry(self.consumer(*consumer).to_owned())
                        .or_default()
                        .push(self.queue(*queue));
                }
                Fact::QueueReleased { consumer, queue, .. } => {
                    let label = self.queue(*queue);
                    if let Some(held) = owners.get_mut(self.consumer(*consumer)) {
                        held.retain(|q| *q != label);
                    }
                }
                _ => {}
            }
        }
        owners
            .into_iter()
            .map(|(name, mut queues)| {
                queues.sort();
                (name, queues)
            })
            .collect()
    }
}

pub fn at(text: &str) -> SimTime {
    SimTime::ZERO + duration(text)
}

pub fn duration(text: &str) -> SimDuration {
    text.parse().unwrap()
}
