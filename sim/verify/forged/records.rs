//! What is forged of time, messages, offsets and accounts.

use super::Forgery;
use super::recording::{change, is, observed, order, watched, work};
use crate::cluster::event::Event;
use crate::cluster::fact::{Fact, StartOffsetRule};
use crate::cluster::ids::{ConsumerId, GroupId, MessageId, ProducerId, QueueId};
use crate::kernel::scheduler::{MAX_EVENTS_PER_INSTANT, Scheduler};
use crate::kernel::streams::Streams;
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::invariant::Invariant::*;
use crate::verify::check::{Watch, caught};

const BILLING: GroupId = GroupId(0);
const MAIL: GroupId = GroupId(1);
const QUEUE: QueueId = QueueId(0);

pub const FORGERIES: &[Forgery] = &[
    (K1, "a fact of an earlier instant", || {
        watched(work(), |run| run.facts[500].0 = SimTime::ZERO)
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
            run.remove(is!(Fact::RetryScheduled { group: BILLING, .. }))
        })
    }),
    (L2, "a message stored that no producer made", || {
        observed(work(), |run| run.remove(is!(Fact::Born { .. })))
    }),
    (L2, "a message that is never stored", || {
        watched(work(), |run| {
            let at = run.first(is!(Fact::Born { .. }));
            let mut last = run.facts[at].1.clone();
            if let Fact::Born { message, .. } = &mut last {
                let born = run
                    .facts
                    .iter()
                    .filter(|(_, fact)| is!(Fact::Born { .. })(fact))
                    .count();
                *message = MessageId::new(message.producer(), born as u64);
            }
            run.insert(130, last);
        })
    }),
    (L3, "an answer that arrives twice", || {
        watched(work(), |run| run.repeat(is!(Fact::Cached { .. })))
    }),
    (L4, "a delivery of the next message instead of this one", || {
        watched(work(), |run| {
            change!(run, Fact::Delivered { message, .. } => *message = MessageId(message.0 + 1));
        })
    }),
    (L4, "a message stored twice", || {
        watched(work(), |run| {
            run.add(is!(Fact::Stored { offset: 3, .. }), |fact| {
                let mut again = fact.clone();
                if let Fact::Stored { offset, .. } = &mut again {
                    *offset += 1;
                }
                again
            });
        })
    }),
    (L4, "a delivery that leaves one out", || {
        watched(work(), |run| run.remove(is!(Fact::Delivered { group: MAIL, .. })))
    }),
    (Q1, "a record stored behind a gap", || {
        watched(work(), |run| {
            change!(run, Fact::Stored { offset: offset @ 3, .. } => *offset += 1);
        })
    }),
    (Q1, "a record that nobody tells of", || {
        watched(work(), |run| run.left.ends[QUEUE.index()] += 1)
    }),
    (Q2, "an offset committed again from the beginning", || {
        watched(work(), |run| {
            run.add(
                is!(Fact::OffsetCommitted {
                    group: MAIL,
                    new: 9..,
                    ..
                }),
                |fact| {
                    let mut back = fact.clone();
                    if let Fact::OffsetCommitted { old, new, .. } = &mut back {
                        (*old, *new) = (Some(*new), 0);
                    }
                    back
                },
            );
        })
    }),
    (Q2, "an offset that overwrites another than stood there", || {
        watched(work(), |run| {
            change!(run, Fact::OffsetCommitted { group: MAIL, old: Some(old @ 9..), .. } => *old += 1);
        })
    }),
    (
        Q3,
        "a queue given up in order, and taken again at its beginning",
        || {
            watched(work(), |run| {
                let (consumer, queue) = (ConsumerId(0), QUEUE);
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
            // The last commits of a queue name its end, which is finished.
            let stored = run.stored(QUEUE);
            let mut commits = run.facts.iter_mut().rev().filter_map(|(_, fact)| match fact {
                Fact::OffsetCommitted {
                    group: MAIL,
                    queue: QUEUE,
                    new,
                    ..
                } if *new == stored => Some(new),
                _ => None,
            });
            *commits.next().expect("all is committed") += 1;
        })
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
                        | Fact::Consumed { message, .. } => swapped(message),
                        _ => {}
                    }
                }
            })
        },
    ),
    (D1, "the last record of a queue never finished", || {
        watched(work(), |run| run.leave_last(ConsumerId(2), QUEUE))
    }),
    (D1, "the end of a queue never committed", || {
        watched(work(), |run| {
            let stored = run.stored(QUEUE);
            run.remove_all(|fact| {
                matches!(fact, Fact::OffsetCommitted { group: MAIL, queue: QUEUE, new, .. } if *new == stored)
            });
        })
    }),
    (A1, "records skipped by an operator who was never there", || {
        watched(work(), |run| {
            run.add(
                is!(Fact::Stored {
                    queue: QUEUE,
                    offset: 5,
                    ..
                }),
                |_| Fact::OffsetsSkipped {
                    group: BILLING,
                    queue: QUEUE,
                    from: 0,
                    to: 6,
                    by_operator: true,
                },
            );
        })
    }),
    (
        A1,
        "an orderly listener called while another client’s is not over",
        || {
            watched(order(), |run| {
                let call = run.first(is!(Fact::Delivered { offset: 7, .. }));
                let (now, mut again) = run.facts[call].clone();
                let Fact::Delivered {
                    consumer: of, queue, ..
                } = &mut again
                else {
                    unreachable!("it was looked for")
                };
                let (consumer, queue, unfinished) = (*of, *queue, 1);
                let other = ConsumerId(1 - consumer.0);
                *of = other;
                let changes = [
                    Fact::QueueReleased {
                        consumer,
                        queue,
                        unfinished,
                    },
                    Fact::QueueUnlocked { consumer, queue },
                    Fact::QueueLocked {
                        consumer: other,
                        queue,
                    },
                    Fact::QueueAcquired {
                        consumer: other,
                        queue,
                        start_offset: 7,
                        decided_by: StartOffsetRule::Committed,
                    },
                    again,
                ];
                drop(
                    run.facts
                        .splice(call + 1..call + 1, changes.map(|fact| (now, fact))),
                );
            })
        },
    ),
    (A1, "a message that stays at its client in peace", || {
        watched(work(), |run| {
            run.add(is!(Fact::Delivered { group: MAIL, .. }), |fact| match *fact {
                Fact::Delivered {
                    consumer,
                    queue,
                    offset,
                    ..
                } => Fact::LocalRetry {
                    consumer,
                    queue,
                    from: offset,
                    to: offset + 1,
                },
                _ => unreachable!("it is a delivery"),
            });
        })
    }),
    (M1, "a message delivered as if it had been stored later", || {
        observed(work(), |run| {
            change!(run, Fact::Delivered { stored, .. } => *stored += SimDuration::from_nanos(1));
        })
    }),
    (M2, "a delivery counted for a client of another group", || {
        observed(work(), |run| {
            change!(run, Fact::Delivered { group: BILLING, consumer, .. } => *consumer = ConsumerId(2));
        })
    }),
    (X1, "a delivery that the second account does not hear of", || {
        let run = work();
        caught(|| {
            let mut watch = Watch::new(&run.config, true);
            let deaf = run.first(is!(Fact::Delivered { .. }));
            for (at, (time, fact)) in run.facts.iter().enumerate() {
                watch.told(*time, &run.directory, fact, at != deaf);
            }
            watch.finish(run.end, &run.directory, &run.left);
        })
    }),
];
