//! The same clusters with listeners that fail in all their ways: they throw, return null, take part of a batch, are slow
//! beyond `consumeTimeout`, hang, and change with time.
//!
//! What is sent back for want of an answer comes again, so that all is done in the end. Hanging calls keep their
//! threads, so they are few and threads are many.

use crate::random::cases::{self, Chooser, UNREST, at, ms};
use rmqsim::cluster::config::{
    Action, ClusterConfig, ConsumerConfig, FailureConfig, IdempotentConfig, Identity, ListenerConfig,
    ListenerRule, Mark, Member, Minutes, Outcome, RocketMqVersion, StoreScope, TimelineEntry, Which,
};
use rmqsim::cluster::ids::{GroupId, MessageId, ProducerId};
use rmqsim::kernel::dist::Dist;
use rmqsim::kernel::streams::Streams;
use rmqsim::kernel::time::{SimDuration, SimTime};

/// 120 s until the last call that hangs is found, and what its retries take.
const REST: u64 = 360_000;

pub fn case(number: u64, version: RocketMqVersion) -> ClusterConfig {
    let mut config = cases::case(number, version);
    let mut c = Chooser(Streams::new(number).stream("case", "listeners"));
    config.duration = ms(UNREST + REST);
    let producers = config.producers.len() as u64;
    for (g, group) in config.groups.iter_mut().enumerate() {
        group.idempotent = c.percent(50).then(|| IdempotentConfig {
            by: Identity::MessageId,
            mark: c.pick(&[Mark::Before, Mark::After]),
            scope: c.pick(&[StoreScope::Group, StoreScope::Group, StoreScope::Process]),
            capacity: c.pick(&[u64::MAX, u64::MAX, 50]),
            ttl: c.pick(&[SimDuration::from_secs(86_400), ms(5_000)]),
            failure_probability: c.pick(&[0.0, 0.0, 0.2]),
        });
        let overdue = c.percent(50);
        if overdue {
            group.tuning.consume_timeout = Minutes(1);
        }
        for (n, consumer) in group.consumers.iter_mut().enumerate() {
            listener(&mut c, consumer, producers, overdue);
            if c.percent(20) {
                let member = Member {
                    group: GroupId(g as u32),
                    consumer: n as u32,
                };
                change(
                    &mut c,
                    &mut config.listeners,
                    &mut config.timeline,
                    consumer,
                    member,
                );
            }
        }
    }
    config.timeline.sort_by_key(|entry| entry.at);
    config
}

fn listener(c: &mut Chooser, consumer: &mut ConsumerConfig, producers: u64, overdue: bool) {
    let failure = &mut consumer.failure;
    failure.outcome = c.pick(&[Outcome::Later, Outcome::Throw, Outcome::Null]);
    failure.ack_index = c.percent(50);
    if c.percent(30) {
        let from = c.below(UNREST);
        failure.rules.push(ListenerRule {
            from: at(from),
            until: at(from + c.pick(&[10, 1000, 20_000])),
            outcome: Some(failure.outcome),
            delay_level: None,
            ..rule()
        });
    }
    if overdue {
        consumer.threads = 20;
        for _ in 0..c.below(6) {
            let message = MessageId::new(ProducerId(c.below(producers) as u32), c.below(300));
            failure.rules.push(ListenerRule {
                which: Which {
                    message: Some(message),
                    ..Which::default()
                },
                first_attempts: 1,
                outcome: c.pick(&[None, Some(Outcome::Hang), Some(Outcome::Later)]),
                service: c
                    .percent(70)
                    .then(|| Dist::Constant(ms(c.pick(&[50_000, 70_000, 150_000])))),
                ..rule()
            });
        }
    }
}

fn rule() -> ListenerRule {
    ListenerRule {
        which: Which::default(),
        first_attempts: u32::MAX,
        probability: 1.0,
        from: SimTime::ZERO,
        until: SimTime::MAX,
        outcome: None,
        service: None,
        delay_level: None,
    }
}

/// The listener of a member changes, in mid-work or before its start.
fn change(
    c: &mut Chooser,
    listeners: &mut Vec<ListenerConfig>,
    timeline: &mut Vec<TimelineEntry>,
    consumer: &ConsumerConfig,
    member: Member,
) {
    listeners.push(ListenerConfig {
        service: Dist::Constant(ms(c.below(20))),
        failure: FailureConfig {
            poison: 0.0,
            ..consumer.failure.clone()
        },
    });
    timeline.push(TimelineEntry {
        at: at(c.below(UNREST)),
        action: Action::SetListener {
            member,
            listener: listeners.len() as u32 - 1,
        },
    });
}
