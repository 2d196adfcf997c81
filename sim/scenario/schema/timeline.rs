//! The entries of the timeline as types: which actions there are, and what may stand beside each.
//!
//! `resolve::timeline` knows which key belongs to which action; to JSON Schema all of them are optional.

use super::FailureBlock;
use crate::kernel::dist::Dist;
use crate::kernel::time::SimDuration;
use crate::scenario::schema::SubscribeBlock;
use crate::scenario::units::Rate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that happens: `at`, exactly one action, and what belongs to it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimelineBlock {
    /// When; before the end of the run.
    pub at: SimDuration,
    /// Action: starts new members of this group, like those of its first consumer block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub join: Option<String>,
    /// Action: shuts members, or a broker, down gracefully. Members are "group/n", "group/name" or with * and ?.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub leave: Option<String>,
    /// Action: ends members, or a broker, at once, like `kill -9`; their connections close.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub kill: Option<String>,
    /// Action: takes members' hosts away; nothing closes, brokers notice by their time-out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub vanish: Option<String>,
    /// Action: stops members' processes (garbage collection, SIGSTOP); their connections stay open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub pause: Option<String>,
    /// Action: lets members go on that were paused without `for`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub resume: Option<String>,
    /// Action: ends members, or a broker, and starts a new process of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub restart: Option<String>,
    /// Action: cuts members off from the servers in `from`; nothing passes, nobody is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub partition: Option<String>,
    /// Action: delays everything between members and the servers in `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub slow: Option<String>,
    /// Action: members' listeners behave otherwise from now on, in their later lives too: another `service` or `failure`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub set_listener: Option<String>,
    /// Action: gives members so many listener threads as `threads` says, as `updateCorePoolSize` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub set_threads: Option<String>,
    /// Action: lets members send what they get to the topic in `to`, instead of working on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub forward: Option<String>,
    /// Action: gives this group another `maxReconsumeTimes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub set_max_reconsume_times: Option<String>,
    /// Action: lets these producers send at another `rate`: a name, or one instance, "name-n".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub set_rate: Option<String>,
    /// Action: lets this broker refuse all pulls, as when the queue of its pull threads is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub busy: Option<String>,
    /// Action: changes the queues of this topic, as `mqadmin updateTopic` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub update_topic: Option<String>,
    /// Action: lets members that run ask for other messages, those of `subscription`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub subscribe: Option<String>,
    /// Action: looks for messages of this topic by `key`, as `mqadmin queryMsgByKey` does; the report says what is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub query_message: Option<String>,
    /// Action: sets the offsets of this group in `topic` to those of the time `to`, as `mqadmin resetOffsetByTime` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub reset_offset: Option<String>,
    /// Action: lets this group skip what waits in `topic`: sets its offsets to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub skip_backlog: Option<String>,
    /// Action: sends the dead letters of this group again to their topics of origin, at `rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub resend_dlq: Option<String>,
    /// Action: changes what may be done with a dead-letter topic, "%DLQ%group", as `mqadmin updateTopicPerm` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub update_topic_perm: Option<String>,
    /// How many join. Default 1, or as many as `clientIds` has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 100_000))]
    pub count: Option<u32>,
    /// Client ids of those that join, one for each. Default their names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub client_ids: Option<Vec<String>>,
    /// Time between one target and the next. Default all at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SimDuration")]
    pub every: Option<SimDuration>,
    /// How long `pause`, `partition`, `slow` or `busy` lasts; more than 0. Default to the end of the run.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SimDuration")]
    pub lasting: Option<SimDuration>,
    /// The other end of `partition` or `slow`: a broker, "nameserver-n", "brokers", "nameservers", a pattern with
    /// * and ?, or a list of such. Default "*", all servers, for `slow`; `partition` needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ServersBlock")]
    pub from: Option<ServersBlock>,
    /// How much longer each request and each reply takes on a `slow` link; 1ms … 5s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SimDuration")]
    pub by: Option<SimDuration>,
    /// Time from the end of a member or broker to its next start by `restart`. Default "10s".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SimDuration")]
    pub down_for: Option<SimDuration>,
    /// How `restart` ends members: as `leave`, `kill` or `vanish` does. Default "graceful".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Shutdown")]
    pub shutdown: Option<Shutdown>,
    /// Client id of the process that `restart` starts. Default "newProcess".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "NextClientId")]
    pub client_id: Option<NextClientId>,
    /// How often `restart` goes round its targets; more than once needs `every`. Default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 100_000))]
    pub times: Option<u32>,
    /// What `subscribe` asks for from then on, or those that `join` or `restart` lets start: messages of topics that the
    /// group subscribes to. Default as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SubscribeBlock", extend("minProperties" = 1))]
    pub subscription: Option<SubscribeBlock>,
    /// How long the listener takes for one message from then on. Default as before; "1ms" for `forward`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Dist")]
    pub service: Option<Dist>,
    /// When the listener fails from then on, and how. Default as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "FailureBlock")]
    pub failure: Option<FailureBlock>,
    /// What a `busy` broker answers. Default "SYSTEM_BUSY".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Refusal")]
    pub answer: Option<Refusal>,
    /// Listener threads of `setThreads`; less than `consumeThreadMax`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 1000))]
    pub threads: Option<u32>,
    /// Retries of `setMaxReconsumeTimes` before a message is dead; −1 = 16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i32", range(min = -1, max = 65_534))]
    pub max_reconsume_times: Option<i32>,
    /// The key that `queryMessage` looks for, like "k42"; it needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub key: Option<String>,
    /// Messages that each broker may give, the newest. Default 32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 64))]
    pub max_num: Option<u32>,
    /// Queues on each broker that consumers are given from then on. Default as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 100_000))]
    pub read_queue_nums: Option<u32>,
    /// Queues on each broker that producers use from then on. Default as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 100_000))]
    pub write_queue_nums: Option<u32>,
    /// The topic of `resetOffset` or `skipBacklog`. Default the only one of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub topic: Option<String>,
    /// Where `resetOffset` sends the group: "earliest", "latest", or a time of the run like "2m30s", whose first message
    /// then or later is the next to be consumed. The topic to which `forward` sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub to: Option<String>,
    /// Whether offsets may be moved up, past what is not consumed yet. Default true. Brokers from 5.2 on do not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub force: Option<bool>,
    /// How fast dead letters are sent again. Default "100/s". With `setRate`, which needs it: messages of each producer
    /// instance from then on, on average; within a burst if there are bursts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Rate")]
    pub rate: Option<Rate>,
    /// What may be done with the topic of `updateTopicPerm` from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Permission")]
    pub perm: Option<Permission>,
    /// Brokers on which `updateTopic` changes it. Default all that hold it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub brokers: Option<Vec<String>>,
}

/// What may be done with a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Permission {
    /// 6: groups are given its queues.
    ReadWrite,
    /// 2: nobody is.
    Write,
}

/// Servers by name.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ServersBlock {
    /// One name or pattern.
    One(String),
    /// Several.
    Several(#[schemars(length(min = 1))] Vec<String>),
}

/// How a busy broker refuses a pull.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Refusal {
    /// The client asks again after 1 s, as after any failure.
    #[default]
    #[serde(rename = "SYSTEM_BUSY")]
    SystemBusy,
    /// The client asks again after 20 ms. No broker of RocketMQ 5.3 answers so, but clients know it.
    #[serde(rename = "FLOW_CONTROL")]
    FlowControl,
}

/// How a member ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Shutdown {
    /// `shutdown()`: commits, unregisters, closes.
    #[default]
    Graceful,
    /// `kill -9`.
    Kill,
    /// The host is gone.
    Vanish,
}

/// The client id of the next life of a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum NextClientId {
    /// The same host, another process: RocketMQ's default instance name is `pid#nanoTime`.
    #[default]
    NewProcess,
    /// The same: a fixed instance name on a host that keeps its name.
    Keep,
    /// Another host: sorts anywhere.
    NewHost,
}

impl ServersBlock {
    /// The names, in order.
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

impl TimelineBlock {
    /// How many join, if it lets some join.
    pub fn joining(&self) -> u32 {
        let listed = self.client_ids.as_ref().map_or(1, |ids| ids.len() as u32);
        self.count.unwrap_or(listed)
    }
}
