//! Runs a scenario and keeps every fact.

use rmqsim::cluster::config::{Action, ClusterConfig, Member, TimelineEntry};
use rmqsim::cluster::directory::Directory;
use rmqsim::cluster::fact::{Fact, Observer, RebalanceTrigger};
use rmqsim::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId};
use rmqsim::cluster::network::Server;
use rmqsim::cluster::{Cluster, Leftovers};
use rmqsim::kernel::time::{SimDuration, SimTime};
use rmqsim::scenario::{Overrides, Scenario};
use std::collections::{BTreeMap, BTreeSet};

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
    pub leftovers: Leftovers,
}

/// Runs `text` with changes given as `path=value`.
#[track_caller]
pub fn run_with(text: &str, set: &[&str]) -> Recording {
    Experiment::new(text, set).run()
}

/// A configuration before its run: what a scenario cannot say is said here.
pub struct Experiment(pub ClusterConfig);

impl Experiment {
    /// What `text` says, with changes given as `path=value`.
    #[track_caller]
    pub fn new(text: &str, set: &[&str]) -> Self {
        let overrides = Overrides {
            set: set.iter().map(|s| (*s).to_owned()).collect(),
            ..Overrides::default()
        };
        let scenario = Scenario::from_text("test.json", text, &overrides)
            .unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)));
        Self(scenario.config)
    }

    /// Lets something happen. To be called in the order of time.
    pub fn then(self, time: &str, action: Action) -> Self {
        self.then_at(at(time), action)
    }

    /// As [`then`](Self::then), at a time that was computed.
    pub fn then_at(mut self, time: SimTime, action: Action) -> Self {
        self.0.timeline.push(TimelineEntry { at: time, action });
        self
    }

    pub fn run(self) -> Recording {
        let done = Cluster::new(self.0, Recorder::default()).run(|_, _| {});
        Recording {
            facts: done.observer.0,
            directory: done.directory,
            digest: done.trace_digest,
            leftovers: done.leftovers,
        }
    }
}

/// Member `consumer` of the first group, from 0.
pub fn member(consumer: u32) -> Member {
    Member {
        group: GroupId(0),
        consumer,
    }
}

pub fn broker(id: u32) -> Server {
    Server::Broker(BrokerId(id))
}

pub fn cut(consumer: u32, server: Server) -> Action {
    let member = member(consumer);
    Action::Cut { member, server }
}

pub fn heal(consumer: u32, server: Server) -> Action {
    let member = member(consumer);
    Action::Heal { member, server }
}

pub fn slow(consumer: u32, server: Server, by: &str) -> Action {
    let (member, by) = (member(consumer), duration(by));
    Action::Slow { member, server, by }
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

    /// Who was given which message when: time, client, queue, offset.
    pub fn deliveries(&self) -> Vec<(SimTime, (ConsumerId, QueueId, u64))> {
        self.select(|fact| match fact {
            Fact::Delivered {
                consumer,
                queue,
                offset,
                ..
            } => Some((*consumer, *queue, *offset)),
            _ => None,
        })
    }

    /// How often each message was given to anybody.
    pub fn times_delivered(&self) -> BTreeMap<(QueueId, u64), u32> {
        let mut times = BTreeMap::new();
        for (_, (_, queue, offset)) in self.deliveries() {
            *times.entry((queue, offset)).or_default() += 1;
        }
        times
    }

    /// Messages of producers that nobody was given.
    pub fn undelivered(&self) -> Vec<(SimTime, (QueueId, u64))> {
        let delivered = self.times_delivered();
        let mut stored = self.select(|fact| match fact {
            Fact::Stored { queue, offset, .. } => Some((*queue, *offset)),
            _ => None,
        });
        stored.retain(|(_, key)| !delivered.contains_key(key));
        stored
    }

    /// Clients that hold `queue` at `time`, by number.
    pub fn holders(&self, queue: QueueId, time: SimTime) -> Vec<u32> {
        let mut holders = BTreeSet::new();
        for (_, fact) in self.facts.iter().take_while(|(at, _)| *at <= time) {
            match fact {
                Fact::QueueAcquired {
                    consumer, queue: q, ..
                } if *q == queue => holders.insert(consumer.0),
                Fact::QueueReleased {
                    consumer, queue: q, ..
                } if *q == queue => holders.remove(&consumer.0),
                _ => false,
            };
        }
        holders.into_iter().collect()
    }

    /// When a round of `consumer` began that `trigger` woke.
    pub fn rounds(&self, consumer: u32, trigger: RebalanceTrigger) -> Vec<SimTime> {
        let began = self.select(|fact| match fact {
            Fact::RebalanceBegan { consumer, trigger } => Some((consumer.0, *trigger)),
            _ => None,
        });
        let wanted = began
            .into_iter()
            .filter(|(_, found)| *found == (consumer, trigger));
        wanted.map(|(time, _)| time).collect()
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
