//! Everything that a run has told, to be told again with one thing forged.

use crate::cluster::config::ClusterConfig;
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, Observer};
use crate::cluster::ids::{ConsumerId, QueueId};
use crate::cluster::{Cluster, Leftovers};
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::observation::Observation;
use crate::scenario::{Overrides, Scenario};
use crate::verify::check::{Broken, Watch, caught};

/// A group that loses a member at 60 s and whose listener fails now and then; and one that remembers what it has done.
const WORK: &str = r#"{
  "title": "work", "seed": 5, "duration": "10m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 2 } }, "tuning": { "messageDelayLevel": "1s 1s 2s 3s" } },
  "producers": { "shop": { "topic": "orders", "rate": "5/s", "stop": "2m" } },
  "groups": {
    "billing": { "subscribe": { "orders": "*" }, "consumeFromWhere": "CONSUME_FROM_FIRST_OFFSET",
      "consumers": { "count": 2, "service": "10ms", "failure": { "probability": 0.2 } } },
    "mail": { "subscribe": { "orders": "*" }, "consumeFromWhere": "CONSUME_FROM_FIRST_OFFSET",
      "idempotent": { "mark": "before" }, "consumers": { "count": 1, "service": "10ms" } }
  },
  "timeline": [ { "at": "1m", "kill": "billing/2" } ]
}"#;

/// One queue in order, one key, and a second member that has nothing to do.
const ORDER: &str = r#"{
  "title": "order", "seed": 5, "duration": "4m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 1 } } },
  "producers": { "shop": { "topic": "orders", "rate": "5/s", "stop": "20s", "keys": 1, "queueSelector": "byKey" } },
  "groups": {
    "billing": { "subscribe": { "orders": "*" }, "consumeFromWhere": "CONSUME_FROM_FIRST_OFFSET", "listener": "orderly",
      "consumers": { "count": 2, "service": "10ms" } }
  }
}"#;

/// One message in order that always fails.
const POISON: &str = r#"{
  "title": "poison", "seed": 5, "duration": "4m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 1 } } },
  "producers": { "shop": { "messages": 1 } },
  "groups": {
    "billing": { "consumeFromWhere": "CONSUME_FROM_FIRST_OFFSET", "listener": "orderly",
      "tuning": { "maxReconsumeTimes": 2 }, "consumers": { "failure": { "probability": 1.0 } } }
  }
}"#;

/// See the module.
pub struct Recording {
    pub config: ClusterConfig,
    pub facts: Vec<(SimTime, Fact)>,
    pub directory: Directory,
    pub left: Leftovers,
    pub end: SimTime,
}

#[derive(Default)]
struct Keeper(Vec<(SimTime, Fact)>);

impl Observer for Keeper {
    fn observe(&mut self, now: SimTime, _: &Directory, fact: &Fact) {
        self.0.push((now, fact.clone()));
    }
    fn sample(&mut self, _: SimTime, _: &Directory) {}
}

pub fn work() -> Recording {
    Recording::of(WORK)
}

pub fn order() -> Recording {
    Recording::of(ORDER)
}

pub fn poison() -> Recording {
    Recording::of(POISON)
}

/// A predicate on facts.
macro_rules! is {
    ($pattern:pat) => {
        |fact: &crate::cluster::fact::Fact| matches!(fact, $pattern)
    };
}
pub(super) use is;

/// Changes the first fact of a pattern.
macro_rules! change {
    ($run:expr, $pattern:pat => $change:expr) => {
        $run.change_first(|fact| match fact {
            $pattern => {
                $change;
                true
            }
            _ => false,
        })
    };
}
pub(super) use change;

impl Recording {
    fn of(text: &str) -> Self {
        let scenario = Scenario::from_text("forged", text, &Overrides::default());
        let config = scenario.unwrap_or_else(|problems| panic!("{problems}")).config;
        let done = Cluster::new(config.clone(), Keeper::default()).run(|_, _| {});
        Self {
            config,
            facts: done.observer.0,
            directory: done.directory,
            left: done.leftovers,
            end: done.end,
        }
    }

    /// Where the first fact is that `is` picks.
    pub fn first(&self, is: impl Fn(&Fact) -> bool) -> usize {
        let mut facts = self.facts.iter();
        facts
            .position(|(_, fact)| is(fact))
            .expect("there is such a fact")
    }

    /// Changes the first fact that `change` takes.
    pub fn change_first(&mut self, mut change: impl FnMut(&mut Fact) -> bool) {
        let is_changed = self.facts.iter_mut().any(|(_, fact)| change(fact));
        assert!(is_changed, "there is such a fact");
    }

    /// Takes out the first fact that `is` picks.
    pub fn remove(&mut self, is: impl Fn(&Fact) -> bool) {
        let at = self.first(is);
        self.facts.remove(at);
    }

    /// Takes out all.
    pub fn remove_all(&mut self, is: impl Fn(&Fact) -> bool) {
        self.facts.retain(|(_, fact)| !is(fact));
    }

    /// Tells one more before whatever comes after so many seconds.
    pub fn insert(&mut self, seconds: u64, fact: Fact) {
        let time = SimTime::ZERO + SimDuration::from_secs(seconds);
        let at = self.facts.partition_point(|(at, _)| *at < time);
        self.facts.insert(at, (time, fact));
    }

    /// Tells another one right behind the first that `is` picks, which `of` makes of it.
    pub fn add(&mut self, is: impl Fn(&Fact) -> bool, of: impl Fn(&Fact) -> Fact) {
        let at = self.first(is);
        let (time, fact) = (self.facts[at].0, of(&self.facts[at].1));
        self.facts.insert(at + 1, (time, fact));
    }

    /// Tells it twice.
    pub fn repeat(&mut self, is: impl Fn(&Fact) -> bool) {
        self.add(is, Fact::clone);
    }

    /// How many records a queue has.
    pub fn stored(&self, of: QueueId) -> u64 {
        let is_there = |fact: &Fact| matches!(fact, Fact::Stored { queue, .. } if *queue == of);
        self.facts.iter().filter(|(_, fact)| is_there(fact)).count() as u64
    }

    /// The client neither finishes nor commits the last record of a queue.
    pub fn leave_last(&mut self, client: ConsumerId, of: QueueId) {
        let (stored, its) = (self.stored(of), self.directory.consumer(client).group);
        self.facts.retain(|(_, fact)| match fact {
            Fact::Consumed {
                group, queue, offset, ..
            } => (*group, *queue) != (its, of) || *offset + 1 < stored,
            Fact::OffsetCommitted {
                group, queue, new, ..
            } => (*group, *queue) != (its, of) || *new < stored,
            _ => true,
        });
    }

    /// What those say who look at everything.
    pub fn watched(&self) -> Result<(), Broken> {
        caught(|| {
            let mut watch = Watch::new(&self.config, true);
            for (time, fact) in &self.facts {
                watch.observe(*time, &self.directory, fact);
                watch.event_over(*time, &self.directory);
            }
            watch.finish(self.end, &self.directory, &self.left);
        })
    }

    /// What the observer of every run says.
    pub fn observed(&self) -> Result<(), Broken> {
        caught(|| {
            let mut observation = Observation::new(&self.config);
            for (time, fact) in &self.facts {
                observation.observe(*time, &self.directory, fact);
                observation.compare(*time, &self.directory);
            }
            observation.finish(self.end, &self.directory);
        })
    }
}

/// Forges, and asks those who look at everything.
pub fn watched(mut recording: Recording, forge: impl FnOnce(&mut Recording)) -> Result<(), Broken> {
    forge(&mut recording);
    recording.watched()
}

/// Forges, and asks the observer of every run.
pub fn observed(mut recording: Recording, forge: impl FnOnce(&mut Recording)) -> Result<(), Broken> {
    forge(&mut recording);
    recording.observed()
}
