//! What listeners do, as types: when they fail, what that looks like, and rules for certain messages.

use crate::cluster::config::{Identity, Mark, Outcome, StoreScope};
use crate::kernel::dist::Dist;
use crate::kernel::time::SimDuration;
use crate::scenario::defaults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When the listener fails, and how.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FailureBlock {
    /// Chance that one delivery fails, anew for each attempt; 0 … 1. Default 0.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
    /// Chance that a message fails at every attempt; 0 … 1. Default 0.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub poison: f64,
    /// Every message fails so many times first. Default 0.
    #[serde(default)]
    pub fail_first_attempts: u32,
    /// What a failure by one of these looks like. Default "later": RECONSUME_LATER.
    #[serde(default)]
    pub outcome: FailureOutcome,
    /// Whether a call with several messages stops at the first that fails and reports success up to there
    /// (`ConsumeConcurrentlyContext.setAckIndex`). Default false: all of its messages fail.
    #[serde(default)]
    pub ack_index: bool,
    /// What the listener does with certain messages; the first rule that applies to a delivery decides. Default none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("default" = []))]
    pub rules: Vec<RuleBlock>,
}

/// How a call fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FailureOutcome {
    /// RECONSUME_LATER.
    #[default]
    Later,
    /// An exception, which counts as RECONSUME_LATER.
    Throw,
    /// `null`, which counts as RECONSUME_LATER.
    Null,
    /// Never: the call keeps its thread until the process ends.
    Hang,
}

/// What the listener does with the messages that have all of what is named.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleBlock {
    /// Only this message. Default all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "MessageBlock")]
    pub message: Option<MessageBlock>,
    /// Only messages with this tag. Default all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub tag: Option<String>,
    /// Only messages with this key, like "k7". Default all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub key: Option<String>,
    /// Only messages of this queue, like "orders broker-a:0"; their retries lie elsewhere. Default all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub queue: Option<String>,
    /// Only the first so many attempts of each message. Default all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 65_535))]
    pub first_attempts: Option<u32>,
    /// Chance that the rule applies to a delivery, anew for each attempt; 0 … 1. Default 1.
    #[serde(default = "defaults::certain")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
    /// Only calls that begin then or later. Default "0s".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SimDuration")]
    pub from: Option<SimDuration>,
    /// Only calls that begin before. Default the end of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SimDuration")]
    pub until: Option<SimDuration>,
    /// How the call ends. Default as it would without the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Outcome")]
    pub outcome: Option<Outcome>,
    /// How long the listener takes for the message. Default as long as without the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Dist")]
    pub service: Option<Dist>,
    /// Delay level of a call that fails on such a message: 0 = 3 + attempts so far, −1 = dead at once, 1 … 18 = that
    /// level. Default the group's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i32", range(min = -1, max = 18))]
    pub delay_level_when_next_consume: Option<i32>,
}

/// How listeners remember what they have done, so that a delivery that comes again has no effect.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IdempotentBlock {
    /// What makes two deliveries the same work. Default "messageId".
    #[serde(default)]
    pub by: Identity,
    /// When a message is marked as done. Default "after" its effect.
    #[serde(default)]
    pub mark: Mark,
    /// Who shares the store: all members of the group, as a database, or one process. Default "group".
    #[serde(default)]
    pub scope: StoreScope,
    /// How many it remembers, the least recently used are forgotten first; 0 = none, effects are only counted.
    /// Default no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64", range(min = 0, max = 100_000_000))]
    pub capacity: Option<u64>,
    /// For how long; more than 0. Default for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SimDuration")]
    pub ttl: Option<SimDuration>,
    /// Chance that one access to the store fails; 0 … 1. Default 0.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub failure_probability: f64,
}

/// One message.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MessageBlock {
    /// Who sends it: `name-n`, instance n of a producer.
    pub producer: String,
    /// Which one of that instance, from 1.
    #[schemars(range(min = 1))]
    pub number: u64,
}

impl From<FailureOutcome> for Outcome {
    fn from(outcome: FailureOutcome) -> Self {
        match outcome {
            FailureOutcome::Later => Self::Later,
            FailureOutcome::Throw => Self::Throw,
            FailureOutcome::Null => Self::Null,
            FailureOutcome::Hang => Self::Hang,
        }
    }
}
