//! One line of an event log: fields with names in place of numbers.
//!
//! Instants and spans are whole nanoseconds, and their fields end in `_ns`; numbers of 64 bits that mean nothing as
//! numbers (random words, identities) are texts, since other languages round beyond 2⁵³.

use super::names::Names;
use super::out::quoted;
use crate::cluster::consumer::held_queue::CacheTotal;
use crate::cluster::fact::{
    CommitVia, DropCause, FilteredBy, FlowControlCause, NoStatus, PullFailure, PullResult, RebalanceTrigger,
    RequestKind, StartOffsetRule, StopKind,
};
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, MessageId, ProducerId, QueueId, TopicId};
use crate::cluster::network::Server;
use crate::cluster::producer::attributes::Key;
use crate::kernel::time::{SimDuration, SimTime};
use std::fmt::Write;

/// A line as far as it is written.
pub struct Line<'a> {
    pub text: &'a mut String,
    pub names: &'a Names,
    /// What each step of the timeline does.
    pub steps: &'a [String],
}

impl Line<'_> {
    fn field(&mut self, key: &str) {
        self.text.push_str(",\"");
        self.text.push_str(key);
        self.text.push_str("\":");
    }

    /// Text that is JSON already.
    fn json(&mut self, key: &str, value: &str) {
        self.field(key);
        self.text.push_str(value);
    }

    fn digits(&mut self, key: &str, number: u64) {
        self.field(key);
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{number}");
    }

    pub fn broker(&mut self, key: &str, id: &BrokerId) {
        self.json(key, self.names.broker(*id));
    }
    pub fn topic(&mut self, key: &str, id: &TopicId) {
        self.json(key, self.names.topic(*id));
    }
    pub fn queue(&mut self, key: &str, id: &QueueId) {
        self.json(key, self.names.queue(*id));
    }
    pub fn group(&mut self, key: &str, id: &GroupId) {
        self.json(key, self.names.group(*id));
    }
    pub fn maybe_group(&mut self, key: &str, id: &Option<GroupId>) {
        match id {
            Some(id) => self.group(key, id),
            None => self.json(key, "null"),
        }
    }
    pub fn consumer(&mut self, key: &str, id: &ConsumerId) {
        self.json(key, self.names.consumer(*id));
    }
    pub fn producer(&mut self, key: &str, id: &ProducerId) {
        self.json(key, &self.names.producer(*id));
    }
    pub fn message(&mut self, key: &str, id: &MessageId) {
        self.json(key, &quoted(&self.names.message(*id)));
    }
    pub fn server(&mut self, key: &str, server: &Server) {
        match server {
            Server::Broker(id) => self.broker(key, id),
            Server::NameServer(number) => self.json(key, &format!("\"name server {number}\"")),
        }
    }
    pub fn key(&mut self, key: &str, value: &Key) {
        self.json(key, &quoted(&value.to_string()));
    }
    pub fn number<N: Copy + Into<u64>>(&mut self, key: &str, number: &N) {
        self.digits(key, (*number).into());
    }
    pub fn maybe(&mut self, key: &str, number: &Option<u64>) {
        match number {
            Some(number) => self.digits(key, *number),
            None => self.json(key, "null"),
        }
    }
    pub fn wide(&mut self, key: &str, number: &u64) {
        self.json(key, &format!("\"{number}\""));
    }
    pub fn flag(&mut self, key: &str, flag: &bool) {
        self.json(key, if *flag { "true" } else { "false" });
    }
    pub fn instant(&mut self, key: &str, at: &SimTime) {
        self.digits(&format!("{key}_ns"), at.as_nanos());
    }
    pub fn span(&mut self, key: &str, span: &SimDuration) {
        self.digits(&format!("{key}_ns"), span.as_nanos());
    }
    pub fn cache(&mut self, key: &str, total: &CacheTotal) {
        let CacheTotal { messages, bytes } = total;
        self.json(key, &format!("{{\"messages\":{messages},\"bytes\":{bytes}}}"));
    }
    pub fn step(&mut self, key: &str, step: &u32) {
        self.digits(key, (*step).into());
        let does = self.steps.get(*step as usize).map_or("", String::as_str);
        self.json("does", &quoted(does));
    }
}

/// Kinds of things by name: how a line writes them, and all that may stand there.
macro_rules! words {
    ($($how:ident: $type:ident { $($variant:ident),* $(,)? })*) => {
        impl Line<'_> {
            $(pub fn $how(&mut self, key: &str, word: &$type) {
                let word = match word {
                    $($type::$variant => concat!("\"", stringify!($variant), "\""),)*
                };
                self.json(key, word);
            })*
        }

        /// What may stand in a field of words, by how it is written.
        pub const WORDS: &[(&str, &[&str])] = &[$((stringify!($how), &[$(stringify!($variant)),*])),*];
    };
}

words! {
    stop_kind: StopKind { Graceful, Killed, Vanished, StartFailed }
    request_kind: RequestKind {
        Send, Pull, Heartbeat, Unregister, ConsumerList, QueryOffset, LookupOffset, UpdateOffset, SendBack, Acknowledge,
        LockBatch, UnlockBatch,
    }
    pull_failure: PullFailure {
        Connection, Timeout, IllegalQueue, SubscriptionNotExist, SubscriptionNotLatest, SystemBusy, FlowControl,
    }
    pull_result: PullResult { Found, NotFound, NoMatched, OffsetMoved }
    commit_via: CommitVia { Pull, Update, FellBack, Reset }
    start_rule: StartOffsetRule { Committed, YoungQueue, ConsumeFromWhere }
    trigger: RebalanceTrigger { Start, Notification, Period, Unbalanced, Reconnect, OffsetIllegal }
    threshold: FlowControlCause { Count, Size, Span }
    no_status: NoStatus { Threw, ReturnedNull, Hangs }
    drop_cause: DropCause { Broadcasting, NoRetryQueue }
    filtered_by: FilteredBy { Broker, Client, HashCollision }
}
