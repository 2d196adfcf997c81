//! What a story consists of, for people and for programs.

use crate::kernel::time::SimTime;
use serde::Serialize;

/// Grows when a field changes its meaning.
pub const EXPLAIN_VERSION: u32 = 2;

/// What happened to one thing.
#[derive(Clone, Debug, Serialize)]
pub struct Story {
    /// What kind of thing.
    pub of: Of,
    /// Its name: of a message its producer and its number there, from 1.
    pub name: String,
    /// Its tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Body size of a message, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_bytes: Option<u32>,
    /// Of a message: one sentence for each reader, how it ended there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ends: Vec<End>,
    /// Of all else: what it comes to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sums: Vec<Sum>,
    /// All that happened, in order.
    pub steps: Vec<Step>,
    /// When the run ended: of what came later nothing is known.
    #[serde(rename = "run_ends", serialize_with = "seconds")]
    pub run_ends: SimTime,
}

/// Kinds of things that have a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Of {
    /// A message.
    Message,
    /// A queue, as one group (or one member of a broadcasting group) reads it.
    Queue,
    /// A consumer, all its lives or one.
    Consumer,
    /// A rebalance: what changed in a group, and what came of it.
    Rebalance,
    /// The whole cluster at one instant.
    Moment,
}

/// One line of what a story comes to.
#[derive(Clone, Debug, Serialize)]
pub struct Sum {
    /// Of what it is the sum.
    pub name: String,
    /// In words.
    pub text: String,
}

/// How it ended for one reader: a group, or a member of a broadcasting group.
#[derive(Clone, Debug, Serialize)]
pub struct End {
    /// Who.
    pub reader: String,
    /// How often its listeners were called with it.
    pub deliveries: u32,
    /// How it is or was left.
    pub end: Fate,
    /// The same in words.
    pub text: String,
}

/// Where a message is for a reader, or how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// No reader has seen it yet.
    Waiting,
    /// A listener has it, or had it when its client went.
    Delivered,
    /// It failed, and a copy is to come.
    AwaitingRetry,
    /// The listener returned success.
    Consumed,
    /// It lies in the dead-letter topic.
    Dead,
    /// It failed, and nobody tries again.
    Dropped,
    /// A filter passed over it.
    Filtered,
    /// Retention removed it before anybody had seen it.
    Expired,
    /// The reader went on beyond it.
    Skipped,
}

/// Something that happened to it, or to those who had to do with it.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// When.
    #[serde(rename = "t", serialize_with = "seconds")]
    pub at: SimTime,
    /// What kind of event it was.
    pub event: Event,
    /// For which group; `None` if for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What happened, as a sentence.
    pub text: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<Cause>,
    /// How many more of the same followed.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: u64,
    /// Whether these are of other clients, queues or causes too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub differ: bool,
    /// When the last of these came.
    #[serde(serialize_with = "maybe_seconds", skip_serializing_if = "Option::is_none")]
    pub until: Option<SimTime>,
}

impl Step {
    /// A step without a cause.
    pub fn new(at: SimTime, event: Event, text: String) -> Self {
        Self {
            at,
            event,
            group: None,
            text,
            because: None,
            more: 0,
            differ: false,
            until: None,
        }
    }

    /// The same with a cause.
    pub fn because(mut self, cause: Cause) -> Self {
        self.because = Some(cause);
        self
    }
}

/// Why a step came about.
#[derive(Clone, Debug, Serialize)]
pub struct Cause {
    /// The name under which the report counts it, or of the rule: `killed`, `rebalance`, `max_reconsume_times` …
    pub kind: &'static str,
    /// In words.
    pub text: String,
    /// When it came about, if it has an instant.
    #[serde(
        rename = "t",
        serialize_with = "maybe_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub at: Option<SimTime>,
}

/// Kinds of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A producer makes it.
    Born,
    /// A broker refuses it.
    SendRefused,
    /// A broker stores it, or a copy of it.
    Stored,
    /// The listener is called with it for the first time, or with a retry.
    Delivered,
    /// The listener is called with a record that its group has had before.
    DeliveredAgain,
    /// The listener returns success.
    Consumed,
    /// The listener returns failure, throws, or does not return.
    Failed,
    /// The result does not count.
    Discarded,
    /// A broker has taken it back and will store a copy.
    SentBack,
    /// It is given up.
    Dead,
    /// It failed and nobody tries again.
    Dropped,
    /// A filter passes over it.
    Filtered,
    /// Retention removes it.
    Expired,
    /// The group goes on beyond it.
    Skipped,
    /// The group commits an offset beyond it.
    Committed,
    /// The committed offset falls back below it.
    RolledBack,
    /// Its queue changes hands, or a client that has it stops or goes on.
    Owner,
    /// A client starts, stops, stands still or goes on, or its links change.
    Member,
    /// A rebalance round of a client.
    Round,
    /// A lock of a queue.
    Lock,
    /// Pulls are put off because a cache is full, or fail.
    Pull,
    /// A committed offset goes up by much at once.
    Jumped,
    /// A broker ends or starts, or a topic changes.
    Broker,
    /// The timeline or an operator does something.
    Timeline,
    /// How things stand.
    State,
    /// Steps that are not told.
    Omitted,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

fn seconds<S: serde::Serializer>(at: &SimTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(at.as_secs_f64())
}

fn maybe_seconds<S: serde::Serializer>(at: &Option<SimTime>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_some(&at.map(SimTime::as_secs_f64))
}
