//! What a listener does with a delivery: how long it takes, and how the call ends.
//!
//! Both come from the message's own luck, so they are the same under every strategy. A listener fails by chance, on
//! poison messages, on first attempts, or as rules say: the first rule that applies to a delivery decides for it.
//! A rule may also give another service time, which makes a message slow. An exception and `null` count as
//! `RECONSUME_LATER` and are told apart in reports only; a call that hangs keeps its thread until the process ends.
//!
//! A call has one or more messages. It works through all of them, unless it throws or hangs at one; if one fails, all
//! have failed. With `ackIndex` it stops at the first that fails and reports success up to there.
//!
//! Source: `MessageListenerConcurrently`, `ConsumeConcurrentlyContext`, `ConsumeRequest.run`.

use crate::cluster::fact::Observer;
use crate::cluster::ids::{BrokerId, ConsumerId, MessageId, TopicId};
use crate::cluster::producer::attributes::{Attributes, Key};
use crate::cluster::{Cluster, LuckSalts};
use crate::kernel::dist::{Dist, DistError};
use crate::kernel::sampler::Sampler;
use crate::kernel::streams::{Luck, Source};
use crate::kernel::time::{SimDuration, SimTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a listener ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// `CONSUME_SUCCESS`.
    Success,
    /// `RECONSUME_LATER`.
    #[default]
    Later,
    /// An exception, which counts as `RECONSUME_LATER`.
    Throw,
    /// `null`, which counts as `RECONSUME_LATER`.
    Null,
    /// Never: the call keeps its thread until the process ends.
    Hang,
    /// Not an end: what was read is to be sent to another topic (`forward`).
    #[serde(skip)]
    Forward,
}

/// When the listener does not succeed, and what that looks like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FailureConfig {
    /// Chance that one delivery fails, drawn anew for each attempt; 0 … 1.
    pub probability: f64,
    /// Chance that a message fails at every attempt (a poison message); 0 … 1.
    pub poison: f64,
    /// Every message fails this many times before anything else decides.
    pub fail_first_attempts: u32,
    /// What a failure by one of these three looks like.
    pub outcome: Outcome,
    /// Whether a call stops at the first message that fails, and reports success up to there.
    pub ack_index: bool,
    /// The first that applies to a delivery goes before all of the above.
    pub rules: Vec<ListenerRule>,
}

/// What the listener does with certain messages.
#[derive(Clone, Debug, PartialEq)]
pub struct ListenerRule {
    /// Which messages.
    pub which: Which,
    /// Only the first so many attempts of each; `u32::MAX`: all.
    pub first_attempts: u32,
    /// Chance that it applies to a delivery, drawn anew for each attempt; 0 … 1.
    pub probability: f64,
    /// Only calls that begin at this instant or later.
    pub from: SimTime,
    /// Only calls that begin before this instant.
    pub until: SimTime,
    /// How the call ends; `None`: as it would without the rule.
    pub outcome: Option<Outcome>,
    /// How long the listener takes; `None`: as long as it would without the rule.
    pub service: Option<Dist>,
    /// `delayLevelWhenNextConsume` of a call that fails on such a message; `None`: the group's.
    pub delay_level: Option<i8>,
}

/// Messages that have all of what is named.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Which {
    /// This one.
    pub message: Option<MessageId>,
    /// Those of this tag.
    pub tag: Option<String>,
    /// Those of this key.
    pub key: Option<Key>,
    /// Those of this queue: topic, broker and number there. Retry copies lie in another queue.
    pub queue: Option<(TopicId, BrokerId, u32)>,
}

/// What a listener sees of a message.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Which.
    pub id: MessageId,
    /// Its random word.
    pub luck: Luck,
    /// Failed attempts before this one.
    pub reconsume_times: u16,
    /// Where the record lies.
    pub queue: (TopicId, BrokerId, u32),
}

/// What it does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handling {
    /// How long that takes.
    pub service: SimDuration,
    /// How it ends.
    pub outcome: Outcome,
    /// `delayLevelWhenNextConsume`, if this message asks for one of its own.
    pub delay_level: Option<i8>,
}

impl Handling {
    /// Success at once, without work.
    pub const NOTHING: Self = Self {
        service: SimDuration::ZERO,
        outcome: Outcome::Success,
        delay_level: None,
    };
}

/// The listener of one client.
#[derive(Debug)]
pub struct Listener {
    service: Sampler,
    failure: FailureConfig,
    /// Service times of the rules that have one.
    rule_services: Vec<Option<Sampler>>,
}

impl Listener {
    /// A listener that takes `service` for a message and fails as `failure` says.
    ///
    /// # Errors
    /// If a service time makes no sense.
    pub fn new(service: &Dist, failure: &FailureConfig) -> Result<Self, DistError> {
        let sampler = |rule: &ListenerRule| rule.service.as_ref().map(Sampler::new).transpose();
        Ok(Self {
            service: Sampler::new(service)?,
            rule_services: failure.rules.iter().map(sampler).collect::<Result<_, _>>()?,
            failure: failure.clone(),
        })
    }

    /// Whether it reports how far it got in a batch.
    pub fn acks_index(&self) -> bool {
        self.failure.ack_index
    }

    /// Whether it looks at more of a message than its luck and its attempts.
    #[inline]
    pub(in crate::cluster) fn has_rules(&self) -> bool {
        !self.failure.rules.is_empty()
    }

    /// What it does with a message of which it looks at luck and attempts alone.
    #[inline(always)]
    pub(in crate::cluster) fn handle(&self, salts: &LuckSalts, luck: Luck, reconsume_times: u16) -> Handling {
        let mut draws = luck.fork(salts.service, u64::from(reconsume_times));
        let service = self.service.sample(&mut draws);
        let outcome = match fails(&self.failure, salts, luck, reconsume_times) {
            true => self.failure.outcome,
            false => Outcome::Success,
        };
        Handling {
            service,
            outcome,
            delay_level: None,
        }
    }

    /// What it does with a message for which it may have rules.
    #[inline(never)]
    pub(in crate::cluster) fn handle_by_rules(
        &self,
        salts: &LuckSalts,
        attributes: &Attributes,
        now: SimTime,
        seen: &Seen,
    ) -> Handling {
        let usual = self.handle(salts, seen.luck, seen.reconsume_times);
        let applies =
            |(number, rule): &(usize, &ListenerRule)| rule.applies(*number, salts, attributes, now, seen);
        let Some((number, rule)) = self.failure.rules.iter().enumerate().find(applies) else {
            return usual;
        };
        let service = self.rule_services[number].as_ref().map(|service| {
            let mut draws = seen.luck.fork(salts.service, u64::from(seen.reconsume_times));
            service.sample(&mut draws)
        });
        Handling {
            service: service.unwrap_or(usual.service),
            outcome: rule.outcome.unwrap_or(usual.outcome),
            delay_level: rule.delay_level,
        }
    }
}

impl ListenerRule {
    /// Whether it decides for this delivery; it is number `number` of its listener.
    fn applies(
        &self,
        number: usize,
        salts: &LuckSalts,
        attributes: &Attributes,
        now: SimTime,
        seen: &Seen,
    ) -> bool {
        let in_time = self.from <= now && now < self.until;
        let attempt = u32::from(seen.reconsume_times) < self.first_attempts;
        if !in_time || !attempt || !self.which.holds(attributes, seen) {
            return false;
        }
        let index = (number as u64) << 32 | u64::from(seen.reconsume_times);
        self.probability >= 1.0 || seen.luck.fork(salts.rule, index).unit() < self.probability
    }
}

impl Which {
    fn holds(&self, attributes: &Attributes, seen: &Seen) -> bool {
        let is_tag = |tag: &String| {
            let of_message = attributes.tag(seen.id, seen.luck.0);
            of_message.is_some_and(|id| attributes.tags()[id.index()] == *tag)
        };
        let is_key = |key: Key| attributes.key(seen.id, seen.luck.0) == Some(key);
        self.message.is_none_or(|message| message == seen.id)
            && self.tag.as_ref().is_none_or(is_tag)
            && self.key.is_none_or(is_key)
            && self.queue.is_none_or(|queue| queue == seen.queue)
    }
}

/// Whether the listener fails this delivery, rules aside.
#[inline(always)]
fn fails(failure: &FailureConfig, salts: &LuckSalts, luck: Luck, reconsume_times: u16) -> bool {
    if u32::from(reconsume_times) < failure.fail_first_attempts {
        return true;
    }
    if failure.probability > 0.0
        && luck.fork(salts.failure, u64::from(reconsume_times)).unit() < failure.probability
    {
        return true;
    }
    failure.poison > 0.0 && luck.fork(salts.poison, 0).unit() < failure.poison
}

impl<O: Observer> Cluster<O> {
    /// Timeline: the listener of a member behaves otherwise from now on.
    pub(in crate::cluster) fn set_listener(&mut self, consumer: ConsumerId, listener: u32) {
        let config = &self.config.listeners[listener as usize];
        self.consumers[consumer.index()].listener = Listener::new(&config.service, &config.failure)
            .expect("the scenario has checked the service time");
    }
}

/// A call while its messages are added up, in their order.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// How long it takes.
    pub busy: SimDuration,
    /// How it ends.
    pub outcome: Outcome,
    /// Messages at its head that have succeeded.
    pub succeeded: u16,
    /// `delayLevelWhenNextConsume`, if a message that fails asks for one of its own.
    pub delay_level: Option<i8>,
    acks_index: bool,
    over: bool,
}

impl Call {
    /// A call without messages; whether the listener reports how far it got.
    #[inline]
    pub fn new(acks_index: bool) -> Self {
        Self {
            busy: SimDuration::ZERO,
            outcome: Outcome::Success,
            succeeded: 0,
            delay_level: None,
            acks_index,
            over: false,
        }
    }

    /// Whether the messages to come are not worked on any more.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// The next message.
    #[inline]
    pub fn add(&mut self, handling: Handling) {
        if self.over {
            return;
        }
        self.busy += handling.service;
        if self.outcome != Outcome::Success {
            return;
        }
        if handling.outcome == Outcome::Success {
            self.succeeded += 1;
        } else {
            self.fail(handling);
        }
    }

    /// The first message that fails.
    #[inline(never)]
    fn fail(&mut self, handling: Handling) {
        self.outcome = handling.outcome;
        self.delay_level = handling.delay_level;
        let reports = self.acks_index && handling.outcome == Outcome::Later;
        self.over = reports || matches!(handling.outcome, Outcome::Throw | Outcome::Hang);
        if !reports {
            self.succeeded = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALTS: LuckSalts = LuckSalts {
        service: 1,
        failure: 2,
        poison: 3,
        retry_queue: 4,
        rule: 5,
        retry_send: 6,
        store: 7,
    };

    fn handling(outcome: Outcome) -> Handling {
        Handling {
            service: SimDuration::from_millis(10),
            outcome,
            delay_level: None,
        }
    }

    #[track_caller]
    fn check(acks_index: bool, outcomes: &[Outcome], expected: (Outcome, u16, u64)) {
        let mut call = Call::new(acks_index);
        for outcome in outcomes {
            call.add(handling(*outcome));
        }
        assert_eq!((call.outcome, call.succeeded, call.busy.as_millis()), expected);
    }

    /// One failure fails the batch, but all of it is worked through; with `ackIndex` what came before counts and what
    /// comes after is not touched. An exception loses the batch either way.
    #[test]
    fn a_batch_fails_as_a_whole_unless_it_reports_how_far_it_got() {
        use Outcome::{Hang, Later, Null, Success, Throw};
        check(false, &[Success, Success], (Success, 2, 20));
        check(false, &[Success, Later, Success], (Later, 0, 30));
        check(true, &[Success, Later, Success], (Later, 1, 20));
        check(true, &[Later, Success], (Later, 0, 10));
        check(true, &[Success, Throw, Success], (Throw, 0, 20));
        check(true, &[Success, Null, Success], (Null, 0, 30));
        check(false, &[Success, Hang, Success], (Hang, 0, 20));
    }

    fn rule(outcome: Outcome) -> ListenerRule {
        ListenerRule {
            which: Which::default(),
            first_attempts: u32::MAX,
            probability: 1.0,
            from: SimTime::ZERO,
            until: SimTime::MAX,
            outcome: Some(outcome),
            service: None,
            delay_level: None,
        }
    }

    fn seen(number: u64, reconsume_times: u16) -> Seen {
        Seen {
            id: MessageId(number),
            luck: Luck(number),
            reconsume_times,
            queue: (TopicId(0), BrokerId(0), 0),
        }
    }

    fn listener(rules: Vec<ListenerRule>) -> Listener {
        let failure = FailureConfig {
            rules,
            ..FailureConfig::default()
        };
        Listener::new(&Dist::Constant(SimDuration::from_millis(10)), &failure).unwrap()
    }

    /// Message 5 hangs at its first attempt; message 6 is slow and succeeds; between 2 s and 3 s all others throw.
    #[test]
    fn the_first_rule_that_applies_decides() {
        let at = SimTime::from_nanos;
        let only = |number| Which {
            message: Some(MessageId(number)),
            ..Which::default()
        };
        let listener = listener(vec![
            ListenerRule {
                which: only(5),
                first_attempts: 1,
                ..rule(Outcome::Hang)
            },
            ListenerRule {
                which: only(6),
                outcome: None,
                service: Some(Dist::Constant(SimDuration::from_secs(9))),
                ..rule(Outcome::Later)
            },
            ListenerRule {
                from: at(2_000_000_000),
                until: at(3_000_000_000),
                ..rule(Outcome::Throw)
            },
        ]);
        let handle = |secs: u64, number, attempt| {
            let handling = listener.handle_by_rules(
                &SALTS,
                &Attributes::default(),
                at(secs * 1_000_000_000),
                &seen(number, attempt),
            );
            (handling.outcome, handling.service.as_millis())
        };
        assert_eq!(handle(2, 5, 0), (Outcome::Hang, 10));
        assert_eq!(handle(2, 5, 1), (Outcome::Throw, 10));
        assert_eq!(handle(2, 6, 0), (Outcome::Success, 9000));
        assert_eq!(handle(1, 7, 0), (Outcome::Success, 10));
        assert_eq!(handle(3, 7, 0), (Outcome::Success, 10));
    }

    /// Half of the deliveries, drawn anew for each attempt and each rule.
    #[test]
    fn the_chance_of_a_rule_is_its_own() {
        let listener = listener(vec![
            ListenerRule {
                probability: 0.5,
                ..rule(Outcome::Later)
            },
            ListenerRule {
                probability: 0.5,
                ..rule(Outcome::Throw)
            },
        ]);
        let mut counts = [0; 3];
        for number in 0..4000 {
            let handling = listener.handle_by_rules(
                &SALTS,
                &Attributes::default(),
                SimTime::ZERO,
                &seen(number, (number % 3) as u16),
            );
            counts[match handling.outcome {
                Outcome::Later => 0,
                Outcome::Throw => 1,
                _ => 2,
            }] += 1;
        }
        // Means 2000, 1000, 1000; four standard deviations are 126 and 110.
        assert!((1874..=2126).contains(&counts[0]), "{counts:?}");
        assert!((890..=1110).contains(&counts[1]), "{counts:?}");
    }
}
