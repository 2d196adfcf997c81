//! Every invariant is broken on purpose, so that none is a check that cannot fail: true recordings, each with one thing
//! forged, are told to those who look at runs.

use crate::cluster::config::ClusterConfig;
use crate::cluster::directory::Directory;
use crate::cluster::event::Event;
use crate::cluster::fact::{
    Fact, NoStatus, Observer, PullResult, RebalanceTrigger, StartOffsetRule, StopKind,
};
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, MessageId, ProducerId, QueueId};
use crate::cluster::{Cluster, Leftovers};
use crate::kernel::scheduler::{MAX_EVENTS_PER_INSTANT, Scheduler};
use crate::kernel::streams::Streams;
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::invariant::Invariant;
use crate::observe::observation::Observation;
use crate::scenario::{Overrides, Scenario};
use crate::verify::check::{Broken, Watch, caught};
use crate::verify::rules::{anomalies, partition};
use Invariant::*;

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

/// One queue in order, and one key.
const ORDER: &str = r#"{
  "title": "order", "seed": 5, "duration": "4m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 1 } } },
  "producers": { "shop": { "topic": "orders", "rate": "5/s", "stop": "20s", "keys": 1, "queueSelector": "byKey" } },
  "groups": {
    "billing": { "subscribe": { "orders": "*" }, "consumeFromWhere": "CONSUME_FROM_FIRST_OFFSET", "listener": "orderly",
      "consumers": { "count": 1, "service": "10ms" } }
  }
}"#;

/// Everything that a run has told.
struct Recording {
    config: ClusterConfig,
    facts: Vec<(SimTime, Fact)>,
    directory: Directory,
    left: Leftovers,
    end: SimTime,
}

#[derive(Default)]
struct Keeper(Vec<(SimTime, Fact)>);

impl Observer for Keeper {
    fn observe(&mut self, now: SimTime, _: &Directory, fact: &Fact) {
        self.0.push((now, fact.clone()));
    }
    fn sample(&mut self, _: SimTime, _: &Directory) {}
}

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
    fn first(&self, is: impl Fn(&Fact) -> bool) -> usize {
        self.facts
            .iter()
            .position(|(_, fact)| is(fact))
            .expect("there is such a fact")
    }

    /// Changes it.
    fn change(&mut self, is: impl Fn(&Fact) -> bool, change: impl Fn(&mut Fact)) {
        let at = self.first(is);
        change(&mut self.facts[at].1);
    }

    /// Tells one more before whatever comes after so many seconds.
    fn insert(&mut self, seconds: u64, fact: Fact) {
        let time = SimTime::ZERO + SimDuration::from_secs(seconds);
        let at = self.facts.partition_point(|(at, _)| *at < time);
        self.facts.insert(at, (time, fact));
    }

    /// Tells another one right behind it, which `of` makes of it.
    fn add(&mut self, is: impl Fn(&Fact) -> bool, of: impl Fn(&Fact) -> Fact) {
        let at = self.first(is);
        let (time, fact) = (self.facts[at].0, of(&self.facts[at].1));
        self.facts.insert(at + 1, (time, fact));
    }

    /// What those say who look at everything.
    fn watched(&self) -> Result<(), Broken> {
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
    fn observed(&self) -> Result<(), Broken> {
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

fn work() -> Recording {
    Recording::of(WORK)
}

fn order() -> Recording {
    Recording::of(ORDER)
}

fn is_delivered(fact: &Fact) -> bool {
    matches!(fact, Fact::Delivered { .. })
}

/// What is forged, in words, and what somebody says of it.
type Forgery = (Invariant, &'static str, fn() -> Result<(), Broken>);

fn watched(mut recording: Recording, forge: impl FnOnce(&mut Recording)) -> Result<(), Broken> {
    forge(&mut recording);
    recording.watched()
}

fn observed(mut recording: Recording, forge: impl FnOnce(&mut Recording)) -> Result<(), Broken> {
    forge(&mut recording);
    recording.observed()
}

/// One for each invariant, in their order.
const FORGERIES: [Forgery; Invariant::ALL.len()] = [
    (K1, "a fact of an earlier instant", || {
        watched(work(), |run| run.facts[500].0 = SimTime::ZERO)
    }),
    (K2, "a pull that fails at a client that was killed", || {
        watched(work(), |run| {
            let is_killed = |fact: &Fact| {
                matches!(
                    fact,
                    Fact::ConsumerStopped {
                        how: StopKind::Killed,
                        ..
                    }
                )
            };
            run.add(is_killed, |_| Fact::RebalanceBegan {
                consumer: ConsumerId(1),
                trigger: RebalanceTrigger::Period,
            });
        })
    }),
    (K3, "a stream opened twice", || {
        caught(|| {
            let mut streams = Streams::new(1);
            let _ = streams.stream("shop", "arrivals");
            let _ = streams.stream("shop", "arrivals");
        })
    }),
    (K4, "an event that schedules itself at once, for ever", || {
        caught(|| {
            let mut scheduler = Scheduler::new();
            for _ in 0..=MAX_EVENTS_PER_INSTANT {
                scheduler.at(SimTime::ZERO, Event::Arrival(ProducerId(0)).code());
                scheduler.pop();
            }
        })
    }),
    (L1, "a copy in the retry topic that nobody scheduled", || {
        observed(work(), |run| {
            let is_copy = |fact: &Fact| {
                matches!(
                    fact,
                    Fact::RetryScheduled {
                        group: GroupId(0),
                        ..
                    }
                )
            };
            let at = run.first(is_copy);
            run.facts.remove(at);
        })
    }),
    (L2, "a message stored that no producer made", || {
        observed(work(), |run| {
            let at = run.first(|fact| matches!(fact, Fact::Born { .. }));
            run.facts.remove(at);
        })
    }),
    (L3, "an answer that arrives twice", || {
        watched(work(), |run| {
            run.add(|fact| matches!(fact, Fact::Cached { .. }), Fact::clone)
        })
    }),
    (L4, "a delivery of the next message instead of this one", || {
        watched(work(), |run| {
            run.change(is_delivered, |fact| {
                if let Fact::Delivered { message, .. } = fact {
                    *message = MessageId(message.0 + 1);
                }
            });
        })
    }),
    (Q1, "a record stored behind a gap", || {
        watched(work(), |run| {
            run.change(
                |fact| matches!(fact, Fact::Stored { offset: 3, .. }),
                |fact| {
                    if let Fact::Stored { offset, .. } = fact {
                        *offset += 1;
                    }
                },
            );
        })
    }),
    (Q2, "an offset committed again from the beginning", || {
        watched(work(), |run| {
            run.add(
                |fact| {
                    matches!(
                        fact,
                        Fact::OffsetCommitted {
                            group: GroupId(1),
                            new: 9..,
                            ..
                        }
                    )
                },
                |fact| match *fact {
                    Fact::OffsetCommitted {
                        group,
                        queue,
                        new,
                        via,
                        ..
                    } => Fact::OffsetCommitted {
                        group,
                        queue,
                        old: Some(new),
                        new: 0,
                        via,
                    },
                    _ => unreachable!("it is a commit"),
                },
            );
        })
    }),
    (
        Q3,
        "a queue given up in order, and taken again at its beginning",
        || {
            watched(work(), |run| {
                let (consumer, queue) = (ConsumerId(0), QueueId(0));
                run.insert(
                    180,
                    Fact::QueueReleased {
                        consumer,
                        queue,
                        unfinished: 0,
                    },
                );
                run.insert(
                    182,
                    Fact::QueueAcquired {
                        consumer,
                        queue,
                        start_offset: 0,
                        decided_by: StartOffsetRule::Committed,
                    },
                );
            })
        },
    ),
    (P1, "a commit one past what is finished", || {
        watched(work(), |run| {
            run.change(
                |fact| matches!(fact, Fact::OffsetCommitted { new: 3.., .. }),
                |fact| {
                    if let Fact::OffsetCommitted { new, .. } = fact {
                        *new += 100;
                    }
                },
            );
        })
    }),
    (P2, "a queue that nobody took, and its messages delivered", || {
        watched(work(), |run| {
            let at = run.first(|fact| matches!(fact, Fact::QueueAcquired { .. }));
            run.facts.remove(at);
        })
    }),
    (P3, "more messages in a cache than its threshold lets in", || {
        watched(work(), |run| {
            let mut before = 1500;
            for (_, fact) in &mut run.facts {
                if let Fact::Cached {
                    consumer: ConsumerId(2),
                    queue: QueueId(0),
                    cached,
                    messages,
                    ..
                } = fact
                {
                    // The first answer may be as large as it likes, but no second one was to be asked for.
                    if before == 1500 {
                        *messages = before;
                    }
                    before += *messages;
                    *cached = before - 1500;
                }
            }
        })
    }),
    (R1, "shares that leave a queue out", || {
        let run = work();
        caught(|| {
            let queues = [QueueId(0), QueueId(1)];
            partition(
                run.end,
                &run.directory,
                "billing",
                &queues,
                &[vec![QueueId(0)], vec![]],
            );
        })
    }),
    (R2, "a listener called without the lock of its queue", || {
        watched(order(), |run| {
            run.facts
                .retain(|(_, fact)| !matches!(fact, Fact::QueueLocked { .. }))
        })
    }),
    (R3, "a queue given up at the end, and taken by nobody", || {
        watched(work(), |run| {
            run.facts.push((
                run.end,
                Fact::QueueReleased {
                    consumer: ConsumerId(0),
                    queue: QueueId(0),
                    unfinished: 0,
                },
            ));
        })
    }),
    (R4, "a round that begins within another", || {
        watched(work(), |run| {
            run.add(|fact| matches!(fact, Fact::RebalanceBegan { .. }), Fact::clone)
        })
    }),
    (R5, "a lock that is renewed no more", || {
        watched(order(), |run| {
            let first = run.first(|fact| matches!(fact, Fact::QueueLocked { .. }));
            let mut at = 0;
            run.facts.retain(|(_, fact)| {
                at += 1;
                at <= first + 1 || !matches!(fact, Fact::QueueLocked { .. })
            });
        })
    }),
    (H1, "a second pull held for one queue", || {
        watched(work(), |run| {
            run.add(|fact| matches!(fact, Fact::PullHeld { .. }), Fact::clone)
        })
    }),
    (H2, "a pull held for an hour", || {
        watched(work(), |run| {
            run.change(
                |fact| {
                    matches!(
                        fact,
                        Fact::PullAnswered {
                            result: PullResult::NotFound,
                            ..
                        }
                    )
                },
                |fact| {
                    if let Fact::PullAnswered { held, .. } = fact {
                        *held = SimDuration::from_secs(3600);
                    }
                },
            );
        })
    }),
    (H3, "a record that becomes visible beside a held pull", || {
        watched(work(), |run| {
            let held = run.first(|fact| matches!(fact, Fact::PullHeld { .. }));
            let Fact::PullHeld { queue, .. } = run.facts[held].1 else {
                unreachable!("it was looked for")
            };
            let is_stored = |fact: &Fact| matches!(fact, Fact::Stored { queue: of, .. } if *of == queue);
            let stored = run.facts[..held]
                .iter()
                .filter(|(_, fact)| is_stored(fact))
                .count();
            let comes = Fact::Dispatched {
                queue,
                max_offset: stored as u64,
            };
            run.facts.insert(held + 1, (run.facts[held].0, comes));
        })
    }),
    (T1, "a retry at the level after the right one", || {
        watched(work(), |run| {
            run.change(
                |fact| matches!(fact, Fact::RetryScheduled { .. }),
                |fact| {
                    if let Fact::RetryScheduled { level, delay, .. } = fact {
                        (*level, *delay) = (4, SimDuration::from_secs(3));
                    }
                },
            );
        })
    }),
    (T2, "a message sent back twice for one failure", || {
        watched(work(), |run| {
            run.add(|fact| matches!(fact, Fact::RetryScheduled { .. }), Fact::clone)
        })
    }),
    (O1, "a message delivered again under one lock", || {
        observed(order(), |run| run.add(is_delivered, Fact::clone))
    }),
    (
        O2,
        "two messages of a key that change places in their queue",
        || {
            watched(order(), |run| {
                let swapped = |id: &mut MessageId| match id.number() {
                    20 => *id = MessageId::new(id.producer(), 21),
                    21 => *id = MessageId::new(id.producer(), 20),
                    _ => {}
                };
                let is_born = |number| move |fact: &Fact| matches!(fact, Fact::Born { message, .. } if message.number() == number);
                let (at, later) = (run.first(is_born(20)), run.first(is_born(21)));
                let (_, second) = run.facts.remove(later);
                run.facts.insert(at + 1, (run.facts[at].0, second));
                for (_, fact) in &mut run.facts {
                    match fact {
                        Fact::Stored { message, .. }
                        | Fact::Delivered { message, .. }
                        | Fact::Consumed { message, .. } => {
                            swapped(message);
                        }
                        _ => {}
                    }
                }
            })
        },
    ),
    (D1, "the last record of a queue never finished", || {
        watched(work(), |run| {
            let is_last = |fact: &Fact| {
                matches!(
                    fact,
                    Fact::Stored {
                        queue: QueueId(0),
                        ..
                    }
                )
            };
            let stored = run.facts.iter().filter(|(_, fact)| is_last(fact)).count() as u64;
            run.facts.retain(|(_, fact)| match fact {
                Fact::Consumed {
                    group: GroupId(1),
                    queue: QueueId(0),
                    offset,
                    ..
                } => *offset + 1 < stored,
                Fact::OffsetCommitted {
                    group: GroupId(1),
                    queue: QueueId(0),
                    new,
                    ..
                } => *new < stored,
                _ => true,
            });
        })
    }),
    (A1, "records skipped by an operator who was never there", || {
        watched(work(), |run| {
            run.add(
                |fact| {
                    matches!(
                        fact,
                        Fact::Stored {
                            queue: QueueId(0),
                            offset: 5,
                            ..
                        }
                    )
                },
                |_| Fact::OffsetsSkipped {
                    group: GroupId(0),
                    queue: QueueId(0),
                    from: 0,
                    to: 6,
                    by_operator: true,
                },
            );
        })
    }),
    (C1, "a healthy connection that breaks", || {
        watched(work(), |run| {
            run.add(is_delivered, |_| Fact::ConnectionLost {
                broker: BrokerId(0),
                consumer: ConsumerId(0),
            });
        })
    }),
    (E1, "a queue still held by a client that is gone", || {
        watched(work(), |run| run.left.held_queues_of_gone = 1)
    }),
    (I1, "work done twice though it was marked before", || {
        watched(work(), |run| {
            run.add(|fact| matches!(fact, Fact::EffectHappened { .. }), Fact::clone)
        })
    }),
    (M1, "a message delivered as if it had been stored later", || {
        observed(work(), |run| {
            run.change(is_delivered, |fact| {
                if let Fact::Delivered { stored, .. } = fact {
                    *stored += SimDuration::from_nanos(1);
                }
            });
        })
    }),
    (M2, "a delivery counted for a client of another group", || {
        observed(work(), |run| {
            run.change(
                |fact| {
                    matches!(
                        fact,
                        Fact::Delivered {
                            group: GroupId(0),
                            ..
                        }
                    )
                },
                |fact| {
                    if let Fact::Delivered { consumer, .. } = fact {
                        *consumer = ConsumerId(2);
                    }
                },
            );
        })
    }),
    (X1, "a delivery that the second account does not hear of", || {
        let run = work();
        caught(|| {
            let mut watch = Watch::new(&run.config, true);
            let deaf = run.first(is_delivered);
            for (at, (time, fact)) in run.facts.iter().enumerate() {
                watch.told(*time, &run.directory, fact, at != deaf);
            }
            watch.finish(run.end, &run.directory, &run.left);
        })
    }),
];

/// True recordings break nothing.
#[test]
fn what_is_not_forged_breaks_nothing() {
    for recording in [work(), order()] {
        assert_eq!(recording.watched(), Ok(()));
        assert_eq!(recording.observed(), Ok(()));
    }
}

/// Each invariant is broken by its forgery, and that by no other.
#[test]
fn every_invariant_is_broken_by_a_forgery() {
    let mut wrong = Vec::new();
    for (at, (invariant, words, forge)) in FORGERIES.into_iter().enumerate() {
        assert_eq!(Invariant::ALL[at], invariant, "in the order of the invariants");
        let found = forge().err().map(|broken| (broken.id, broken.what));
        if found.as_ref().is_none_or(|(id, _)| id != invariant.id()) {
            wrong.push(format!("{}, {words}: {found:?}", invariant.id()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Whoever has no thread left finishes nothing more, which is no fault.
#[test]
fn a_queue_stands_still_while_all_threads_hang() {
    let mut run = work();
    let config = &mut run.config.groups[1].consumers[0];
    config.threads = 1;
    run.directory.consumers[2].threads = 1;
    let stored = |fact: &Fact| {
        matches!(
            fact,
            Fact::Stored {
                queue: QueueId(0),
                ..
            }
        )
    };
    let stored = run.facts.iter().filter(|(_, fact)| stored(fact)).count() as u64;
    run.facts.retain(|(_, fact)| match fact {
        Fact::Consumed {
            group: GroupId(1),
            queue: QueueId(0),
            offset,
            ..
        } => *offset + 1 < stored,
        Fact::OffsetCommitted {
            group: GroupId(1),
            queue: QueueId(0),
            new,
            ..
        } => *new < stored,
        _ => true,
    });
    assert_eq!(run.watched().unwrap_err().id, "D1");
    let hangs = Fact::NoStatus {
        consumer: ConsumerId(2),
        queue: QueueId(0),
        offset: stored - 1,
        messages: 1,
        how: NoStatus::Hangs,
    };
    run.facts.push((run.end, hangs));
    assert_eq!(run.watched(), Ok(()));
}

/// The page prints the invariants with what breaks them, and the anomalies that are legal.
#[test]
fn the_page_has_the_tables() {
    let mut table =
        "| id | is about | must hold | checked | broken in tests by |\n| --- | --- | --- | --- | --- |\n"
            .to_owned();
    for (invariant, words, _) in FORGERIES {
        let (id, title, formula) = (invariant.id(), invariant.title(), invariant.formula());
        table += &format!(
            "| {id} | {title} | {formula} | {} | {words} |\n",
            invariant.checked().words()
        );
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reliability.md");
    let mut text = std::fs::read_to_string(path).unwrap();
    for (name, table) in [("invariants", table), ("anomalies", anomalies::table())] {
        let begin =
            format!("<!-- {name}: generated by `UPDATE=1 cargo test --lib the_page_has_the_tables` -->\n\n");
        let end = format!("\n<!-- end of {name} -->\n");
        let (before, rest) = text.split_once(&begin).expect("the mark where the table begins");
        let (old, after) = rest.split_once(&end).expect("the mark where it ends");
        let is_same = old == table;
        text = format!("{before}{begin}{table}{end}{after}");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &text).unwrap();
        } else {
            assert!(
                is_same,
                "the table of {name} in docs/reliability.md; UPDATE=1 renews it"
            );
        }
    }
}
