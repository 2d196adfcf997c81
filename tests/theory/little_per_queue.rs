//! Little's law for each queue of a cluster that is no textbook queue.

use crate::harness::cell::{Plan, config};
use crate::harness::little::Little;
use rmqsim::cluster::Cluster;
use rmqsim::cluster::config::{Millis, TopicQueues};
use rmqsim::cluster::directory::Directory;
use rmqsim::cluster::fact::{Fact, Observer};
use rmqsim::cluster::ids::{BrokerId, QueueId};
use rmqsim::kernel::dist::{Dist, Shape};
use rmqsim::kernel::time::{SimDuration, SimTime};

/// Two accounts for each queue: from the store to the listener, and from the store to the result.
#[derive(Default)]
struct Accounts {
    waiting: Vec<Little>,
    unfinished: Vec<Little>,
    /// When each record was stored, by queue and offset, until its result is in.
    stored: Vec<Vec<SimTime>>,
}

impl Accounts {
    fn create(&mut self) {
        for accounts in [&mut self.waiting, &mut self.unfinished] {
            let mut little = Little::default();
            little.open(SimTime::ZERO);
            accounts.push(little);
        }
        self.stored.push(Vec::new());
    }

    fn enter(&mut self, now: SimTime, queue: QueueId) {
        self.waiting[queue.index()].enter(now);
        self.unfinished[queue.index()].enter(now);
        self.stored[queue.index()].push(now);
    }
}

impl Observer for Accounts {
    fn observe(&mut self, now: SimTime, _: &Directory, fact: &Fact) {
        match *fact {
            Fact::QueueCreated { .. } => self.create(),
            Fact::Stored { queue, .. } | Fact::RetryStored { queue, .. } => self.enter(now, queue),
            Fact::Delivered { queue, stored, .. } => self.waiting[queue.index()].leave(now, stored),
            Fact::Consumed { queue, offset, .. } => {
                let stored = self.stored[queue.index()][offset as usize];
                self.unfinished[queue.index()].leave(now, stored);
            }
            _ => {}
        }
    }

    fn sample(&mut self, _: SimTime, _: &Directory) {}
}

/// Eight queues, three consumers (so 3, 3 and 2 queues), a slow network, dispatch every millisecond, gamma
/// services, every hundredth delivery fails and comes back by the retry queue: the law needs none of the
/// assumptions of M/M/c.
#[test]
fn littles_law_holds_for_each_queue() {
    let plan = Plan::new(30_000, 1.0);
    let mean = SimDuration::from_millis(5);
    let mut config = config(3, Dist::Shape(Shape::Gamma { mean, cv: 2.0 }), &plan, 1);
    config.topics[0].placement = vec![(BrokerId(0), TopicQueues { read: 8, write: 8 })];
    config.network.latency = Dist::Shape(Shape::Exponential {
        mean: SimDuration::from_millis(2),
    });
    config.broker_tuning.reput_interval = Millis(1);
    let first = &mut config.groups[0].consumers[0];
    first.failure.probability = 0.01;
    let first = first.clone();
    for name in ["billing-2", "billing-3"] {
        let mut consumer = first.clone();
        (consumer.name, consumer.client_id) = (name.into(), name.into());
        config.groups[0].consumers.push(consumer);
    }
    let accounts = Cluster::new(config, Accounts::default()).run(|_, _| {}).observer;

    assert_eq!(accounts.waiting.len(), 9, "8 queues and the retry queue");
    for little in accounts.waiting.iter().chain(&accounts.unfinished) {
        assert_eq!((little.present(), little.difference()), (0, 0));
        assert!(
            little.integral() > 1_000_000_000,
            "something has waited: {}",
            little.integral()
        );
    }
}

/// Three messages, a window that cuts two of them: 0–4, 2–6 and 5–9 seen from 3 to 7 make 1 + 3 + 2.
#[test]
fn window_cuts_at_its_edges() {
    let at = SimTime::from_nanos;
    let mut little = Little::default();
    little.enter(at(0));
    little.enter(at(2));
    little.open(at(3));
    little.leave(at(4), at(0));
    little.enter(at(5));
    little.leave(at(6), at(2));
    little.close(at(7));
    little.leave(at(9), at(5));
    assert_eq!(
        (little.integral(), little.difference(), little.present()),
        (6, 0, 0)
    );
}

/// A message that leaves with another's birthday is noticed.
#[test]
fn false_birthday_is_noticed() {
    let at = SimTime::from_nanos;
    let mut little = Little::default();
    little.open(at(0));
    little.enter(at(1));
    little.leave(at(5), at(2));
    assert_eq!(little.difference(), 1);
}
