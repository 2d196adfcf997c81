//! What is forged of clients: their caches, owners, pulls, locks, retries and connections.

use super::Forgery;
use super::recording::{change, is, observed, order, poison, watched, work};
use crate::cluster::fact::{Fact, PullFailure, PullResult, RebalanceTrigger, StopKind};
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId};
use crate::kernel::time::SimDuration;
use crate::observe::invariant::Invariant::*;
use crate::verify::check::caught;
use crate::verify::rules::partition;

const MAIL: GroupId = GroupId(1);
const QUEUE: QueueId = QueueId(0);

pub const FORGERIES: &[Forgery] = &[
    (K2, "a round that begins in a client that was killed", || {
        watched(work(), |run| {
            let is_killed = is!(Fact::ConsumerStopped {
                how: StopKind::Killed,
                ..
            });
            run.add(is_killed, |_| Fact::RebalanceBegan {
                consumer: ConsumerId(1),
                trigger: RebalanceTrigger::Period,
            });
        })
    }),
    (K2, "a client that starts twice", || {
        watched(work(), |run| run.repeat(is!(Fact::ConsumerStarted { .. })))
    }),
    (P2, "a queue that nobody took, and its messages delivered", || {
        watched(work(), |run| run.remove(is!(Fact::QueueAcquired { .. })))
    }),
    (P2, "more messages in a cache than have come", || {
        watched(
            work(),
            |run| change!(run, Fact::Cached { cached, .. } => *cached += 1),
        )
    }),
    (P3, "more messages in a cache than its threshold lets in", || {
        watched(work(), |run| {
            let mut before = 1500;
            for (_, fact) in &mut run.facts {
                if let Fact::Cached {
                    consumer: ConsumerId(2),
                    queue: QUEUE,
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
    (P3, "an answer larger than was asked for", || {
        watched(work(), |run| {
            change!(run, Fact::PullAnswered { result: PullResult::Found, messages, .. } => *messages = 33);
        })
    }),
    (R1, "shares that leave a queue out", || {
        let run = work();
        caught(|| {
            let (queues, shares) = ([QUEUE, QueueId(1)], [vec![QUEUE], vec![]]);
            partition(run.end, &run.directory, "billing", &queues, &shares);
        })
    }),
    (R2, "a listener called without the lock of its queue", || {
        watched(order(), |run| run.remove_all(is!(Fact::QueueLocked { .. })))
    }),
    (R3, "a queue given up at the end, and taken by nobody", || {
        watched(work(), |run| {
            let gives_up = Fact::QueueReleased {
                consumer: ConsumerId(0),
                queue: QUEUE,
                unfinished: 0,
            };
            run.facts.push((run.end, gives_up));
        })
    }),
    (R4, "a round that begins within another", || {
        watched(work(), |run| run.repeat(is!(Fact::RebalanceBegan { .. })))
    }),
    (R4, "a round that never ends", || {
        watched(work(), |run| {
            let is_round = is!(Fact::RebalanceBegan {
                consumer: ConsumerId(0),
                ..
            } | Fact::RebalanceEnded {
                consumer: ConsumerId(0),
                ..
            });
            let first = run.first(is_round);
            let mut at = 0;
            run.facts.retain(|(_, fact)| {
                at += 1;
                at <= first + 1 || !is_round(fact)
            });
        })
    }),
    (R5, "a lock that is renewed no more", || {
        watched(order(), |run| {
            let first = run.first(is!(Fact::QueueLocked { .. }));
            let mut at = 0;
            run.facts.retain(|(_, fact)| {
                at += 1;
                at <= first + 1 || !matches!(fact, Fact::QueueLocked { .. })
            });
        })
    }),
    (H1, "a second pull held for one queue", || {
        watched(work(), |run| run.repeat(is!(Fact::PullHeld { .. })))
    }),
    (H1, "a pull loop that falls silent", || {
        watched(work(), |run| {
            let late = run.end - SimDuration::from_secs(300);
            run.facts.retain(|(time, fact)| match fact {
                Fact::PullHeld { consumer, .. } | Fact::PullAnswered { consumer, .. } => {
                    *consumer != ConsumerId(0) || *time < late
                }
                _ => true,
            });
        })
    }),
    (H2, "a pull held for an hour", || {
        watched(work(), |run| {
            change!(run, Fact::PullAnswered { result: PullResult::NotFound, held, .. } =>
                *held = SimDuration::from_secs(3600));
        })
    }),
    (H2, "a pull answered with nothing before its time", || {
        watched(work(), |run| {
            change!(run, Fact::PullAnswered { result: PullResult::NotFound, held, .. } =>
                *held = SimDuration::from_secs(14));
        })
    }),
    (H3, "a record that becomes visible beside a held pull", || {
        watched(work(), |run| {
            let held = run.first(is!(Fact::PullHeld { .. }));
            let Fact::PullHeld { queue, .. } = run.facts[held].1 else {
                unreachable!("it was looked for")
            };
            let is_stored = |fact: &Fact| matches!(fact, Fact::Stored { queue: of, .. } if *of == queue);
            let before = run.facts[..held].iter();
            let max_offset = before.filter(|(_, fact)| is_stored(fact)).count() as u64;
            let comes = Fact::Dispatched { queue, max_offset };
            run.facts.insert(held + 1, (run.facts[held].0, comes));
        })
    }),
    (T1, "a retry at the level after the right one", || {
        watched(work(), |run| {
            change!(run, Fact::RetryScheduled { level, delay, .. } =>
                (*level, *delay) = (4, SimDuration::from_secs(3)));
        })
    }),
    (T1, "a copy that comes a second too early", || {
        watched(work(), |run| {
            change!(run, Fact::RetryStored { waited, .. } => *waited = waited.saturating_sub(SimDuration::from_secs(1)));
        })
    }),
    (T2, "a message sent back twice for one failure", || {
        watched(work(), |run| run.repeat(is!(Fact::RetryScheduled { .. })))
    }),
    (
        T2,
        "a message in order that is dead after an attempt too many",
        || {
            watched(poison(), |run| {
                change!(run, Fact::DeadLettered { reconsume_times, .. } => *reconsume_times += 1);
            })
        },
    ),
    (T2, "a message in order that skips an attempt", || {
        watched(poison(), |run| {
            change!(run, Fact::Delivered { reconsume_times: times @ 1, .. } => *times += 1);
        })
    }),
    (O1, "a message delivered again under one lock", || {
        observed(order(), |run| run.repeat(is!(Fact::Delivered { .. })))
    }),
    (C1, "a healthy connection that breaks", || {
        watched(work(), |run| {
            run.add(is!(Fact::Delivered { .. }), |_| Fact::ConnectionLost {
                broker: BrokerId(0),
                consumer: ConsumerId(0),
            });
        })
    }),
    (C1, "a healthy member that is given up", || {
        watched(work(), |run| {
            run.add(is!(Fact::Delivered { .. }), |_| Fact::MemberExpired {
                broker: BrokerId(0),
                consumer: ConsumerId(0),
            });
        })
    }),
    (C1, "a pull that times out on a healthy link", || {
        watched(work(), |run| {
            run.add(is!(Fact::PullHeld { .. }), |fact| match *fact {
                Fact::PullHeld { consumer, queue, .. } => Fact::PullFailed {
                    consumer,
                    queue,
                    cause: PullFailure::Timeout,
                },
                _ => unreachable!("it was looked for"),
            });
        })
    }),
    (C1, "a client that sends heartbeats no more", || {
        watched(work(), |run| {
            let late = run.end - SimDuration::from_secs(90);
            run.facts.retain(|(time, fact)| {
                *time < late
                    || !is!(Fact::Heartbeat {
                        consumer: ConsumerId(2),
                        ..
                    })(fact)
            });
        })
    }),
    (E1, "a queue still held by a client that is gone", || {
        watched(work(), |run| run.left.held_queues_of_gone = 1)
    }),
    (E1, "a send that has no answer", || {
        watched(work(), |run| run.left.sends = 1)
    }),
    (E1, "records kept that nobody needs", || {
        watched(work(), |run| run.left.records[QUEUE.index()] = 64)
    }),
    (I1, "work done twice though it was marked before", || {
        watched(work(), |run| {
            run.repeat(is!(Fact::EffectHappened { group: MAIL, .. }))
        })
    }),
];
